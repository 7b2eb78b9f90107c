/*
 * Foreign text in HTML. html_text is the only way by which a string of an object, a registry or a
 * client gets into a page. Any thread.
 */
#ifndef PAGE_HTML_H
#define PAGE_HTML_H
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Appends at most `most` bytes of text, cut at a whole character and then with an ellipsis, as
   HTML: for element content and for values in double quotes. What is no UTF-8, control characters,
   and characters that nobody sees or that turn the direction of what follows become U+FFFD. */
void html_text(struct buf *b, const char *text, size_t most);
/* "5m ago" as a <time> with the whole time in its title; a dash for 0. */
void html_time(struct buf *b, int64_t at_ms, int64_t now_ms);
/* "5m", "3h", "12d" */
void html_span(struct buf *b, int64_t ms);

#endif
