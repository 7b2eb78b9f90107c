/*
 * The list of all objects, as HTML or JSON, written in slices (page.h). Loop thread.
 */
#ifndef PAGE_LIST_H
#define PAGE_LIST_H
#include "base/list.h"
#include "page/page.h"

struct query;

struct lists {
	struct loop *loop;
	struct page_source source;
	const char *version;
	struct list all; /* those that are being written, the oldest first */
	unsigned n;
};

void lists_init(struct lists *a, struct loop *l, const struct page_source *s, const char *version);
/* Answers; the query is taken over. 503 when there is no place. */
void list_reply(struct lists *a, struct http_exchange *x, struct query *q, bool json);

#endif
