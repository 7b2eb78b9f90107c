#include "git/pkt.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "git/gitc.h"
#include "git/said.h"

#include <stdio.h>
#include <string.h>

#define HEAD 4

void gitc_pkt_reader_init(struct gitc_pkt_reader *r)
{
	*r = (struct gitc_pkt_reader){.line = BUF_INIT(LIMIT_GIT_PKT)};
}

void gitc_pkt_reader_clear(struct gitc_pkt_reader *r)
{
	buf_clear(&r->line);
	r->have = 0;
	r->need = 0;
}

bool gitc_pkt_at_start(const struct gitc_pkt_reader *r)
{
	return !r->have;
}

static int read_head(struct gitc_pkt_reader *r, struct err *err)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < HEAD; i++) {
		if (!ascii_is_hex(r->head[i]))
			return err_code(err, ERR_RETRY, GITC_PROTOCOL,
				"the server's answer is no Git: a line has no length");
		len = len * 16 + (unsigned)ascii_hex_value(r->head[i]);
	}
	if (len == 3 || len > LIMIT_GIT_PKT)
		return err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server's answer is no Git: a line cannot be of length %zu", len);
	r->need = len < HEAD ? 0 : len - HEAD;
	return (int)len;
}

/* The mark that its length is, or the line. */
static int finish(struct gitc_pkt_reader *r, struct gitc_pkt *out, enum gitc_pkt_kind kind,
	const char *p, size_t n)
{
	r->have = 0;
	r->need = 0;
	*out = (struct gitc_pkt){kind, p, n};
	return 1;
}

int gitc_pkt_next(
	struct gitc_pkt_reader *r, const char **p, size_t *n, struct gitc_pkt *out, struct err *err)
{
	static const enum gitc_pkt_kind marks[] = {GITC_PKT_FLUSH, GITC_PKT_DELIM, GITC_PKT_END};
	size_t take;
	int len;

	if (r->have < HEAD) {
		while (*n && r->have < HEAD) {
			r->head[r->have++] = **p;
			(*p)++;
			(*n)--;
		}
		if (r->have < HEAD)
			return 0;
		len = read_head(r, err);
		if (len < 0)
			return -1;
		if (len < HEAD)
			return finish(r, out, marks[len], "", 0);
		buf_reset(&r->line);
	}
	take = r->need < *n ? r->need : *n;
	*p += take;
	*n -= take;
	/* In one piece it is not copied. */
	if (take == r->need && !r->line.len)
		return finish(r, out, GITC_PKT_DATA, *p - take, take);
	if (buf_add(&r->line, *p - take, take))
		return err_code(err, ERR_RETRY, GITC_PROTOCOL, "a line is too long");
	r->need -= take;
	return r->need ? 0 : finish(r, out, GITC_PKT_DATA, buf_str(&r->line), r->line.len);
}

void gitc_pkt_chomp(struct gitc_pkt *pkt)
{
	if (pkt->n && pkt->p[pkt->n - 1] == '\n')
		pkt->n--;
}

bool gitc_pkt_is(const struct gitc_pkt *pkt, const char *text)
{
	size_t n = strlen(text);

	return pkt->kind == GITC_PKT_DATA && pkt->n == n && !memcmp(pkt->p, text, n);
}

bool gitc_pkt_begins(const struct gitc_pkt *pkt, const char *text, struct gitc_pkt *rest)
{
	size_t n = strlen(text);

	if (pkt->kind != GITC_PKT_DATA || pkt->n < n || memcmp(pkt->p, text, n) != 0)
		return false;
	*rest = (struct gitc_pkt){GITC_PKT_DATA, pkt->p + n, pkt->n - n};
	return true;
}

int gitc_pkt_check_error(const struct gitc_pkt *pkt, struct err *err)
{
	struct gitc_pkt said;

	if (!gitc_pkt_begins(pkt, "ERR ", &said))
		return 0;
	return gitc_said_error("the server says", said.p, said.n, err);
}

void gitc_pkt_add(struct buf *b, const void *p, size_t n)
{
	BUG_IF(n > LIMIT_GIT_PKT - HEAD);
	buf_addf(b, "%04zx", n + HEAD);
	buf_add(b, p, n);
}

void gitc_pkt_addf(struct buf *b, const char *fmt, ...)
{
	auto_buf struct buf line = BUF_INIT(LIMIT_GIT_PKT - HEAD);
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&line, fmt, ap);
	va_end(ap);
	BUG_IF(buf_over(&line));
	gitc_pkt_add(b, buf_str(&line), line.len);
}

void gitc_pkt_add_flush(struct buf *b)
{
	buf_adds(b, "0000");
}

void gitc_pkt_add_delim(struct buf *b)
{
	buf_adds(b, "0001");
}
