/*
 * What a reader asks for: the query of a list. Texts are the client's. Loop thread.
 */
#ifndef PAGE_QUERY_H
#define PAGE_QUERY_H
#include "page/page.h"

struct buf;

struct query {
	char *ns, *text; /* NULL: any */
	char *after, *before; /* places in the list, as its links have them; NULL: from the first */
	int state; /* enum page_state; -1: any */
	unsigned limit;
};

/* -1: a value is none; *wrong says which, and what there is, on one line. The query is empty
   then. */
int query_parse(struct query *q, struct http_exchange *x, struct buf *wrong);
void query_clear(struct query *q);
/* All but the state. */
bool query_takes(const struct query *q, const struct page_brief *b);

/* Where in the list: "after" or "before" a key. Zeroed: from the first on. */
struct query_place {
	const char *way, *key;
};
/* Appends "PATH?...": this query, with another state (-1: any) at a place of its own. Nothing in it
   has to be escaped in HTML when `ampersand` is "&amp;"; in JSON it is "&". */
void query_link(struct buf *b, const struct query *q, const char *path, int state,
	struct query_place at, const char *ampersand);

#endif
