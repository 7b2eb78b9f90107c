/*
 * A growable byte buffer with a limit that it takes at init: whatever a stranger can size goes
 * through one of these.
 *
 * When the limit would be passed, nothing is added, `over` is set and stays set, and every later
 * add fails too: a builder may ignore the single results and check once at the end. p is always
 * terminated by a NUL that len does not count (p is NULL while empty; use buf_str). The owner
 * clears it; not shared between threads.
 *
 *	auto_buf struct buf b = BUF_INIT(LIMIT_MANIFEST);
 *	buf_addf(&b, "/v2/%s/tags/list", repo);
 *	if (buf_over(&b)) ...
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *p;
	size_t len;
	size_t cap;
	size_t max; /* bytes; 0 behaves as 0: use BUF_ANY for what we size ourselves */
	bool over;
};

#define BUF_ANY ((size_t)1 << 40)
#define BUF_INIT(limit) ((struct buf){.max = (limit)})
#define auto_buf __attribute__((cleanup(buf_clear)))

void buf_init(struct buf *b, size_t max);
/* Frees the bytes; the limit stays, `over` is reset. */
void buf_clear(struct buf *b);
/* Empties it, keeps the memory. */
void buf_reset(struct buf *b);
/* 0, or -1 when the limit would be passed. */
int buf_add(struct buf *b, const void *data, size_t n);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Number i of n words of a list: "a", ", b" and, with last " or ", " or c". */
void buf_add_listed(struct buf *b, size_t i, size_t n, const char *last, const char *word);
/* Makes room for n more bytes and returns where they go; the caller adds to len what it wrote. NULL
   past the limit. */
char *buf_room(struct buf *b, size_t n);
/* Drops the first n bytes. */
void buf_shift(struct buf *b, size_t n);
/* The bytes as a string; "" while empty. Valid until the next change. */
const char *buf_str(const struct buf *b);
bool buf_over(const struct buf *b);
/* Do they hold the same bytes? Not for secrets: it takes longer the more is the same. */
bool buf_equal(const struct buf *a, const struct buf *b);
/* Hands the memory to the caller (free), never NULL; the buffer is empty after. */
char *buf_take(struct buf *b);

#endif
