/*
 * One object in a list: as HTML and as JSON. Every text is cut, so that no object makes a page
 * long: a row of HTML is below ROW_HTML_MAX, whatever is in it. Loop thread.
 */
#ifndef PAGE_ROW_H
#define PAGE_ROW_H
#include "page/page.h"

#include <jansson.h>

struct buf;

#define ROW_HTML_MAX 16384

void row_html(struct buf *b, const struct page_row *r, int64_t now_ms);
/* A name in a URL, cut. */
void row_encode(struct buf *b, const char *text);
/* "/objects/KIND/NAMESPACE/NAME" */
void row_path(struct buf *b, const struct page_row *r);
/* The digest of a revision, short: twelve digits behind its '@algo:'. Nothing when it has none. */
void row_short_digest(struct buf *b, const char *revision);
/* whole: with what the page of one object has beyond a list's row. A new reference. */
json_t *row_json(const struct page_row *r, bool whole);
/* A string that jansson takes, cut; a new reference. */
json_t *row_json_text(const char *text, size_t most);

#endif
