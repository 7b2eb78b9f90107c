/*
 * What ocictl policy looks at: an ImagePolicy and its ImageRepository. They come from a file, or
 * are made from the flags; either way the kinds' own code reads them, so that what it means is what
 * it means in a cluster. Main thread.
 *
 *	const char *wrong = objects_misused(a);
 *	...
 *	rc = objects_read(&o, a, &err);
 *	objects_clear(&o);
 */
#ifndef OCICTL_OBJECTS_H
#define OCICTL_OBJECTS_H
#include "base/err.h"

#include <stdbool.h>

struct args;
struct image_exclude;
struct imagepolicy_spec;
struct spec;

struct objects {
	struct imagepolicy_spec *policy;
	struct spec *repository;
	/* Of the repository, borrowed. The image is "" when only the arguments can name it. */
	const char *image;
	const struct image_exclude *exclude;
	bool insecure;
};

/* Which flags do not go together; NULL: it is fine. */
const char *objects_misused(const struct args *a);
/* -1: they cannot be had, or one of them is none. To be cleared after a failure, too. */
int objects_read(struct objects *o, const struct args *a, struct err *err) must_check;
void objects_clear(struct objects *o);

#endif
