/*
 * pkt-lines (gitprotocol-common): a length of four hex digits that counts itself, and so many bytes
 * less four. Lengths 0, 1 and 2 are marks: flush, delimiter, end of an answer.
 *
 * A reader gets the bytes as they come, in whatever pieces:
 *
 *	while ((rc = gitc_pkt_next(&reader, &p, &n, &pkt, err)) > 0)
 *		... pkt.kind, pkt.p, pkt.n: good until the next call
 *
 * Loop thread or any other, one at a time.
 */
#ifndef GIT_PKT_H
#define GIT_PKT_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

enum gitc_pkt_kind { GITC_PKT_DATA, GITC_PKT_FLUSH, GITC_PKT_DELIM, GITC_PKT_END };

struct gitc_pkt {
	enum gitc_pkt_kind kind;
	const char *p; /* not terminated; may hold any byte */
	size_t n;
};

struct gitc_pkt_reader {
	char head[4];
	unsigned have; /* bytes of it */
	size_t need; /* bytes that are missing of the line that began; with have == 4 */
	struct buf line;
};

void gitc_pkt_reader_init(struct gitc_pkt_reader *r);
void gitc_pkt_reader_clear(struct gitc_pkt_reader *r);
/* 1: *out is the next one; *p and *n are moved behind it. 0: all bytes are taken, it is not whole
   yet. -1 (GITC_PROTOCOL): no pkt-line. */
int gitc_pkt_next(struct gitc_pkt_reader *r, const char **p, size_t *n, struct gitc_pkt *out,
	struct err *err) must_check;
/* Between two of them? */
bool gitc_pkt_at_start(const struct gitc_pkt_reader *r);

/* A line of text: its end without the newline. */
void gitc_pkt_chomp(struct gitc_pkt *pkt);
/* Is it this text? */
bool gitc_pkt_is(const struct gitc_pkt *pkt, const char *text);
/* Does it begin so? Then *rest, which may be pkt, is what follows. */
bool gitc_pkt_begins(const struct gitc_pkt *pkt, const char *text, struct gitc_pkt *rest);
/* "ERR ...": -1, *err has the server's words and a code that fits them. Else 0. */
int gitc_pkt_check_error(const struct gitc_pkt *pkt, struct err *err) must_check;

/* For the sender. n is at most LIMIT_GIT_PKT - 4. */
void gitc_pkt_add(struct buf *b, const void *p, size_t n);
void gitc_pkt_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void gitc_pkt_add_flush(struct buf *b);
void gitc_pkt_add_delim(struct buf *b);

#endif
