/*
 * The tags that an ImageRepository leaves out (spec.exclusionList): regular expressions
 * (text/match.h), each looked for anywhere in the tag. They are users' own, so their time is
 * bounded: LIMIT_FILTER_MS for a whole list of tags, and LIMIT_FILTER_TAG_US more for each tag and
 * expression. The owner clears; one thread at a time.
 */
#ifndef IMAGE_EXCLUDE_H
#define IMAGE_EXCLUDE_H
#include "base/err.h"
#include "base/vec.h"
#include "crypto/digest.h"

#include <stdint.h>

struct match;

/* The texts. Zeroed is empty: nothing is left out. */
struct image_exclude {
	VEC(char *) patterns;
};

void image_exclude_add(struct image_exclude *x, const char *pattern);
void image_exclude_copy(struct image_exclude *to, const struct image_exclude *from);
void image_exclude_clear(struct image_exclude *x);
/* Of the list as a set: order and repetition change nothing. */
void image_exclude_digest(const struct image_exclude *x, struct digest *out);

/* Compiled. */
struct image_filter {
	VEC(struct match *) matches;
	uint64_t ns; /* what matching took */
	uint64_t asked;
};

/* ERR_STALL names the expression that is none. Some milliseconds each: on a worker. */
int image_filter_init(
	struct image_filter *f, const struct image_exclude *x, struct err *err) must_check;
void image_filter_clear(struct image_filter *f);
/* 1: it is left out; 0: it stays; -1: the expressions take too long. */
int image_filter_excludes(struct image_filter *f, const char *tag, struct err *err) must_check;

#endif
