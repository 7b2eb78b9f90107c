#include "page/query.h"

#include "base/buf.h"
#include "base/js.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "http/server.h"
#include "http/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN_MAX 40 /* of a word that is none */

const char *page_state_name(enum page_state s)
{
	static const char *const names[] = {"failed", "progressing", "ready", "suspended"};

	return names[s];
}

static char *text_of(struct http_exchange *x, const char *name)
{
	const char *v = http_x_query(x, name);

	return v && *v ? mem_strndup(v, strnlen(v, PAGE_KEY_MAX)) : NULL;
}

static int state_parse(const char *text, int *out)
{
	int s;

	*out = -1;
	if (!text || !*text)
		return 0;
	for (s = 0; s < PAGE_STATES; s++)
		if (!strcmp(text, page_state_name((enum page_state)s))) {
			*out = s;
			return 0;
		}
	return -1;
}

static int limit_parse(const char *text, unsigned *out)
{
	unsigned long n;
	char *end;

	*out = PAGE_LIMIT;
	if (!text || !*text)
		return 0;
	n = strtoul(text, &end, 10);
	if (*end || *text == '-' || !n)
		return -1;
	*out = n > PAGE_LIMIT_MAX ? PAGE_LIMIT_MAX : (unsigned)n;
	return 0;
}

/* The word is a stranger's: cut, and escaped as in JSON. */
static void query_refuse(struct buf *wrong, const char *name, const char *word)
{
	auto_free char *shown = utf8_tidy(word, SHOWN_MAX);
	struct js_w w = JS_W(wrong);

	buf_addf(wrong, "%s= cannot be ", name);
	js_str(&w, shown);
}

static void state_refuse(struct buf *wrong, const char *word)
{
	int s;

	query_refuse(wrong, "state", word);
	buf_adds(wrong, ", want ");
	for (s = 0; s < PAGE_STATES; s++)
		buf_add_listed(
			wrong, (size_t)s, PAGE_STATES, " or ", page_state_name((enum page_state)s));
}

int query_parse(struct query *q, struct http_exchange *x, struct buf *wrong)
{
	*q = (struct query){.state = -1};
	if (state_parse(http_x_query(x, "state"), &q->state)) {
		state_refuse(wrong, http_x_query(x, "state"));
		return -1;
	}
	if (limit_parse(http_x_query(x, "limit"), &q->limit)) {
		query_refuse(wrong, "limit", http_x_query(x, "limit"));
		buf_addf(wrong, ", want a number from 1 to %d", PAGE_LIMIT_MAX);
		return -1;
	}
	q->ns = text_of(x, "namespace");
	q->text = text_of(x, "q");
	q->after = text_of(x, "after");
	q->before = q->after ? NULL : text_of(x, "before");
	return 0;
}

void query_clear(struct query *q)
{
	free(q->ns);
	free(q->text);
	free(q->after);
	free(q->before);
	*q = (struct query){.state = -1};
}

bool query_takes(const struct query *q, const struct page_brief *b)
{
	if (q->ns && strcmp(q->ns, b->ns) != 0)
		return false;
	return !q->text || strstr(b->key, q->text) || strstr(b->host, q->text);
}

struct link {
	struct buf *b;
	const char *ampersand;
	bool begun;
};

static void param_add(struct link *l, const char *name, const char *value)
{
	if (!value)
		return;
	buf_adds(l->b, l->begun ? l->ampersand : "?");
	l->begun = true;
	buf_adds(l->b, name);
	buf_addc(l->b, '=');
	url_encode(l->b, value);
}

void query_link(struct buf *b, const struct query *q, const char *path, int state,
	struct query_place at, const char *ampersand)
{
	struct link l = {b, ampersand, false};
	char limit[16];

	snprintf(limit, sizeof(limit), "%u", q->limit);
	buf_adds(b, path);
	param_add(&l, "namespace", q->ns);
	param_add(&l, "state", state < 0 ? NULL : page_state_name((enum page_state)state));
	param_add(&l, "q", q->text);
	param_add(&l, "limit", q->limit == PAGE_LIMIT ? NULL : limit);
	if (at.way)
		param_add(&l, at.way, at.key);
}
