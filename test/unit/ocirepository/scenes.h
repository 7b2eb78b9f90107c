/* What a controller may be doing when it is killed: what there is before, what the process that
   dies does, and what has to be so when the next one has been at it. */
#ifndef UNIT_OCIREPOSITORY_SCENES_H
#define UNIT_OCIREPOSITORY_SCENES_H
#include "test/unit/ocirepository/world.h"

#include <stdbool.h>

struct scene {
	const char *name;
	/* The world is new; afterwards no controller runs. */
	void (*before)(struct world *w);
	/* What the process does once it has started; NULL: it settles. */
	void (*course)(struct world *w);
	/* Of the artifact in the end: "2.0@". NULL: the object is gone, and nothing is served. */
	const char *revision;
	/* Some of the points that the process must pass: a trail without them is none. */
	const char *const *passes;
	bool follows; /* the process does not lead */
	unsigned files; /* with a name, at most, in the end */
};

extern const struct scene scenes[];
extern const unsigned scenes_count;

/* What `before` made besides the world, NULL is fine. */
void scene_clear(void);

#endif
