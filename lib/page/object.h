/*
 * The page of one object: what it asks for, what it has and why, what it had, its conditions and
 * last events. Loop thread.
 */
#ifndef PAGE_OBJECT_H
#define PAGE_OBJECT_H
#include "page/page.h"

struct buf;

void object_html(struct buf *b, const struct page_row *r, const char *version, int64_t now_ms);

#endif
