/*
 * What a conditional or partial request asks for (RFC 9110 sections 8.8, 13, 14), decided from the
 * fields' text alone. Any thread.
 */
#ifndef SERVE_RANGE_H
#define SERVE_RANGE_H
#include <stdbool.h>
#include <stdint.h>

enum range_kind {
	/* no range, one that is not understood, or several: send everything (section 14.2 allows to
	   ignore it) */
	RANGE_NONE,
	RANGE_PART, /* bytes [from, from + len) */
	RANGE_BEYOND, /* 416 */
};

/* value: of the Range field, or NULL. size: of the whole file. */
enum range_kind range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len);

/* Is the tag (with its quotes, strong) in a list as If-Match and If-None-Match carry it, or is that
   "*"? weak: W/"x" counts as "x". */
bool etag_in_list(const char *list, const char *tag, bool weak);

struct validators {
	const char *etag; /* strong, with quotes */
	int64_t mtime_s;
};
struct conditions { /* field values or NULL */
	const char *if_match, *if_unmodified_since, *if_none_match, *if_modified_since;
	const char *range, *if_range;
};
/* Section 13.2.2 for GET and HEAD: 0 go on, 304, 412. */
int conditions_check(const struct conditions *c, const struct validators *v);
/* Does the Range field count (section 13.1.5)? */
bool conditions_range(const struct conditions *c, const struct validators *v);

#endif
