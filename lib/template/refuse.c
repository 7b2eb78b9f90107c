/* Errors of the parser, which have the line of the token that was read last. */
#include "template/internal.h"
#include "template/parse.h"

int parse_fail(struct parser *p, enum tmpl_code code, const char *fmt, ...)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return err_code(p->err, ERR_STALL, (int)code, "template: " TMPL_NAME ":%u: %s",
		p->token[0].line, buf_str(&b));
}

int parse_out_of_memory(struct parser *p)
{
	return parse_fail(p, TMPL_LIMIT, "the template takes too much memory");
}
