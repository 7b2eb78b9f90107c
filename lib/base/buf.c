#include "base/buf.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buf_init(struct buf *b, size_t max)
{
	*b = BUF_INIT(max);
}

void buf_clear(struct buf *b)
{
	free(b->p);
	*b = BUF_INIT(b->max);
}

void buf_reset(struct buf *b)
{
	b->len = 0;
	b->over = false;
	if (b->p)
		b->p[0] = '\0';
}

void buf_add_listed(struct buf *b, size_t i, size_t n, const char *last, const char *word)
{
	if (i)
		buf_adds(b, i + 1 < n ? ", " : last);
	buf_adds(b, word);
}

char *buf_room(struct buf *b, size_t n)
{
	size_t cap;

	if (b->over || n > b->max || b->len > b->max - n) {
		b->over = true;
		return NULL;
	}
	if (b->len + n + 1 > b->cap) {
		cap = b->cap ? b->cap : 64;
		while (cap < b->len + n + 1)
			cap *= 2;
		/* Never ask for far more than the limit can use. */
		if (cap > b->max + 1 && b->len + n <= b->max)
			cap = b->max + 1;
		b->p = mem_realloc(b->p, cap);
		b->cap = cap;
	}
	return b->p + b->len;
}

int buf_add(struct buf *b, const void *data, size_t n)
{
	char *to = buf_room(b, n);

	if (!to)
		return -1;
	if (n)
		memcpy(to, data, n);
	b->len += n;
	b->p[b->len] = '\0';
	return 0;
}

int buf_adds(struct buf *b, const char *s)
{
	return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
	return buf_add(b, &c, 1);
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *to;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n < 0 || !(to = buf_room(b, (size_t)n))) {
		b->over = true;
		return -1;
	}
	vsnprintf(to, (size_t)n + 1, fmt, ap);
	b->len += (size_t)n;
	return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int rc;

	va_start(ap, fmt);
	rc = buf_vaddf(b, fmt, ap);
	va_end(ap);
	return rc;
}

void buf_shift(struct buf *b, size_t n)
{
	if (n >= b->len) {
		b->len = 0;
	} else if (n) {
		memmove(b->p, b->p + n, b->len - n);
		b->len -= n;
	}
	if (b->p)
		b->p[b->len] = '\0';
}

const char *buf_str(const struct buf *b)
{
	return b->p ? b->p : "";
}

bool buf_equal(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && !memcmp(buf_str(a), buf_str(b), a->len);
}

bool buf_over(const struct buf *b)
{
	return b->over;
}

char *buf_take(struct buf *b)
{
	char *p = b->p ? b->p : mem_strdup("");

	*b = BUF_INIT(b->max);
	return p;
}
