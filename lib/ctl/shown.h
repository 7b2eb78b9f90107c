/*
 * Objects as the status page has them (lib/page): what any has, and what a kind's `row` adds. Loop
 * thread.
 */
#ifndef CTL_SHOWN_H
#define CTL_SHOWN_H
#include "page/page.h"

struct controller;

/* As struct page_source has them, of the objects of one controller. */
bool shown_walk(struct controller *c, struct page_cursor *at, page_brief_fn *fn, void *arg);
/* key: "NAMESPACE/NAME"; or any text, and there is no such object. */
bool shown_row(struct controller *c, const char *key, page_row_fn *fn, void *arg);

#endif
