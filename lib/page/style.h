/*
 * The one style sheet of all pages: light and dark, a table on a desk and cards on a phone.
 */
#ifndef PAGE_STYLE_H
#define PAGE_STYLE_H

extern const char page_style[];

#endif
