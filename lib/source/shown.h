/*
 * What an artifact adds to its object's row on the status page. Loop thread.
 */
#ifndef SOURCE_SHOWN_H
#define SOURCE_SHOWN_H
#include <jansson.h>

struct item;
struct page_row;

/* For a kind's `row`. */
void artifact_row(const struct item *i, const json_t *status, struct page_row *row);

#endif
