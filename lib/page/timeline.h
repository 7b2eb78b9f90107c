/*
 * Revisions over time as inline SVG: a strip in a list's row, and a band on an object's page. No
 * style and no script in there: colours come from the page's classes. Any thread.
 */
#ifndef PAGE_TIMELINE_H
#define PAGE_TIMELINE_H
#include "page/page.h"

struct buf;

#define TIMELINE_DAYS 7 /* what a strip shows */

/* A dot for each revision that came in the last days, the present one in another colour; one that
   came before stands at the edge. Little: eight dots at most. */
void timeline_strip(struct buf *b, const struct page_row *r, int64_t now_ms);
/* A bar for each revision from when it came until the next one did. */
void timeline_band(struct buf *b, const struct page_row *r, int64_t now_ms);
/* Appends the first part of a revision, before '@': a tag. All of it when it has none. */
void timeline_tag(struct buf *b, const char *revision);

#endif
