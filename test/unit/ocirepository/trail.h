/* The points of base/sys.h that a process passes, in order: what a test may kill it at, without a
   list that somebody would have to keep. Any thread passes; the rest is the test's own. */
#ifndef UNIT_OCIREPOSITORY_TRAIL_H
#define UNIT_OCIREPOSITORY_TRAIL_H
#include "base/sys.h"

#include <stdbool.h>

struct trail_stop {
	char point[SYS_POINT_MAX];
	unsigned nth; /* passage of this point, from 1 */
};

/* From now on all passages are noted, until trail_end. */
void trail_begin(void);
void trail_end(void);
/* In order; good until the next trail_begin. */
const struct trail_stop *trail_stops(unsigned *n);
bool trail_has(const char *point);

#endif
