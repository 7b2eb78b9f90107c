#include "base/history.h"

#include "base/mem.h"
#include "base/utf8.h"
#include "base/vary.h"

#include <stdlib.h>
#include <string.h>

/* One entry after the other: struct head, both texts with a NUL each. No padding, so heads are
   copied in and out. */
struct history {
	uint32_t bytes;
	uint16_t entries;
	char data[];
};

struct head {
	uint32_t at_s;
	uint16_t times, what_n, text_n;
};

bool history_next(const struct history *h, size_t *at, struct history_entry *e)
{
	struct head head;

	if (!h || *at >= h->bytes)
		return false;
	memcpy(&head, h->data + *at, sizeof(head));
	e->at_ms = (int64_t)head.at_s * 1000;
	e->times = head.times;
	e->what = h->data + *at + sizeof(head);
	e->text = e->what + head.what_n + 1;
	*at += sizeof(head) + head.what_n + head.text_n + 2u;
	return true;
}

unsigned history_len(const struct history *h)
{
	return h ? h->entries : 0;
}

/* The bytes from `from` to `to` go, which are one entry. */
static void entry_cut(struct history *h, size_t from, size_t to)
{
	memmove(h->data + from, h->data + to, h->bytes - to);
	h->bytes -= (uint32_t)(to - from);
	h->entries--;
}

static void entry_put(struct history **h, int64_t at_ms, uint16_t times, const char *what,
	size_t what_n, const char *text, size_t text_n)
{
	struct head head = {.at_s = at_ms <= 0 ? 0 : (uint32_t)(at_ms / 1000),
		.times = times,
		.what_n = (uint16_t)what_n,
		.text_n = (uint16_t)text_n};
	size_t n = sizeof(head) + what_n + text_n + 2, have = *h ? (*h)->bytes : 0;
	char *p;

	if (!*h)
		*h = mem_zalloc(sizeof(**h) + n);
	else
		*h = mem_realloc(*h, sizeof(**h) + have + n);
	p = (*h)->data + have;
	memcpy(p, &head, sizeof(head));
	p += sizeof(head);
	memcpy(p, what, what_n);
	p[what_n] = 0;
	p += what_n + 1;
	memcpy(p, text, text_n);
	p[text_n] = 0;
	(*h)->bytes += (uint32_t)n;
	(*h)->entries++;
}

static void history_put(struct history **h, unsigned most, int64_t at_ms, uint16_t times,
	const char *what, const char *text)
{
	struct history_entry e;

	while (*h && (*h)->entries >= most) {
		size_t at = 0;

		if (history_next(*h, &at, &e))
			entry_cut(*h, 0, at);
	}
	entry_put(h, at_ms, times, what, utf8_cut(what, strlen(what), HISTORY_TEXT_MAX), text,
		utf8_cut(text, strlen(text), HISTORY_TEXT_MAX));
}

void history_add(
	struct history **h, unsigned most, int64_t at_ms, const char *what, const char *text)
{
	history_put(h, most, at_ms, 1, what, text);
}

void history_count(
	struct history **h, unsigned most, int64_t at_ms, const char *what, const char *text)
{
	auto_free char *cut = mem_strndup(text, utf8_cut(text, strlen(text), HISTORY_TEXT_MAX));
	struct history_entry e;
	size_t at = 0, from = 0;
	uint16_t times = 1;

	for (; history_next(*h, &at, &e); from = at) {
		if (strcmp(e.what, what) != 0 || !vary_equal(e.text, cut))
			continue;
		times = (uint16_t)(e.times < UINT16_MAX ? e.times + 1 : e.times);
		entry_cut(*h, from, at);
		break;
	}
	history_put(h, most, at_ms, times, what, cut);
}
