/* What a run may take, and how it ends: limits, errors, what functions give back. */
#include "template/internal.h"

#include <string.h>

/* "commit message:2:5" of a place in the text. */
static void add_place(struct buf *b, const struct run *r, uint32_t pos)
{
	size_t i, line = 1, column = 0;

	for (i = 0; i < pos; i++) {
		column++;
		if (r->tmpl->text[i] == '\n') {
			line++;
			column = 0;
		}
	}
	buf_addf(b, TMPL_NAME ":%zu:%zu", line, column);
}

static int run_fail(struct run *r, enum tmpl_code code, const char *what)
{
	auto_buf struct buf b = BUF_INIT(2 * LIMIT_KIB), node = BUF_INIT(LIMIT_TEMPLATE_TEXT);

	buf_adds(&b, "template: ");
	add_place(&b, r, r->at->pos);
	buf_adds(&b, ": executing ");
	quote_add(&b, r->tree->name.s, r->tree->name.len, false);
	node_show(&node, r->at);
	buf_addf(&b, " at <%.*s>: ", node.len > 400 ? 400 : (int)node.len, buf_str(&node));
	buf_adds(&b, what);
	return err_code(r->err, ERR_STALL, (int)code, "%s", buf_str(&b));
}

int run_refuse(struct run *r, const char *fmt, ...)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	return run_fail(r, TMPL_BAD, buf_str(&b));
}

int run_over(struct run *r, const char *what)
{
	return run_fail(r, TMPL_LIMIT, what);
}

int run_tick(struct run *r, size_t n)
{
	if (n > r->steps)
		return run_over(r, "the template takes too many steps");
	r->steps -= n;
	return 0;
}

int run_tick_bytes(struct run *r, size_t n)
{
	return run_tick(r, n / 256);
}

int run_deeper(struct run *r)
{
	if (r->depth >= LIMIT_TEMPLATE_NESTED)
		return run_over(r, "the template is nested too deep");
	r->depth++;
	return 0;
}

int run_same(struct run *r, const struct value *a, const struct value *b)
{
	struct value_budget budget = {.left = r->steps * 16};
	bool same = value_same(a, b, 0, &budget);

	if (budget.over)
		return run_over(r, "values are too large, or nested too deep, to compare");
	r->steps = budget.left / 16;
	return same;
}

/* ---- calls ----------------------------------------------------------------------------------- */

int call_fail(const struct call *c, const char *fmt, ...)
{
	auto_buf struct buf b = BUF_INIT(ERR_MSG_MAX);
	va_list ap;

	/* A limit that was passed on the way is what happened. */
	if (c->r->err->kind != ERR_NONE)
		return -1;
	va_start(ap, fmt);
	buf_vaddf(&b, fmt, ap);
	va_end(ap);
	c->r->at = c->node;
	return run_refuse(c->r, "error calling %s: %s", c->fn->name, buf_str(&b));
}

int call_return(const struct call *c, const struct value *v)
{
	if (c->r->err->kind != ERR_NONE)
		return -1;
	if (!v)
		return run_over(c->r, "the template takes too much memory");
	*c->out = (struct result){v, false};
	return 0;
}

int call_return_any(const struct call *c, const struct value *v)
{
	if (c->r->err->kind != ERR_NONE)
		return -1;
	*c->out = (struct result){v, true};
	return 0;
}

int call_return_buf(const struct call *c, struct buf *b)
{
	if (c->r->err->kind != ERR_NONE)
		return -1;
	if (buf_over(b))
		return run_over(c->r, "the template makes a text that is too long");
	if (run_tick_bytes(c->r, b->len))
		return -1;
	return call_return(c, value_from_buf(&c->r->pool, b));
}
