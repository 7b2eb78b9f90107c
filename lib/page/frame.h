/*
 * What every page begins and ends with, and the headers of every reply. Loop thread.
 */
#ifndef PAGE_FRAME_H
#define PAGE_FRAME_H
#include "page/page.h"

struct buf;

/* Headers of an HTML page; its one style sheet is allowed by its digest. */
void frame_headers(struct http_exchange *x);
/* Headers of everything else. */
void frame_headers_plain(struct http_exchange *x);
/* title is a stranger's. json: where the same is as JSON, already HTML. state: the colour of the
   icon. */
void frame_open(struct buf *b, const char *title, enum page_state state, const char *json,
	const char *version);
void frame_close(struct buf *b, int64_t now_ms);
/* A dot and a word. */
void frame_state(struct buf *b, enum page_state s);
/* "Failed" */
const char *frame_state_word(enum page_state s);

#endif
