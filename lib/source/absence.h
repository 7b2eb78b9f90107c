/*
 * An object's current version is missing in the list that it was chosen from: what is remembered of
 * that from one run to the next. A list may lack a tag for a moment, and a registry may say once
 * that it does not have what it has (a replica that lags). So a version gives way to a lower one
 * only when two runs have found it gone, ABSENCE_CONFIRM_MS apart at least; the second one comes
 * after ABSENCE_AGAIN_MS at the latest, whatever the interval is.
 *
 * The item has a note only as long as there is something to say. It is of one revision: when the
 * object has another one it counts for nothing. A restart forgets it, which costs one more run.
 * Loop thread.
 *
 *	when a run asks:    absence_is_old(a)      did an earlier run find it gone?
 *	when it knows:      absence_note(r, state, listed)
 *	when it is over:    absence_end(a)         the list has it, or it is of no interest any more
 */
#ifndef SOURCE_ABSENCE_H
#define SOURCE_ABSENCE_H
#include <stdbool.h>
#include <stdint.h>

struct absence;
struct artifact_item;
struct run;

#define ABSENCE_CONFIRM_MS 10000
#define ABSENCE_AGAIN_MS 60000

enum absence_state {
	ABSENCE_LISTED, /* only the list lacks it */
	ABSENCE_MISSED, /* it was found gone */
	ABSENCE_GONE, /* and again */
};

/* Was the revision that the status names found gone, and long enough ago? */
bool absence_is_old(const struct artifact_item *a);
/* What this run has found of that revision; a change is a line of its log. listed: the best that
   the list has, "" for nothing. After one that was found gone once the next run comes soon. */
void absence_note(struct run *r, enum absence_state state, const char *listed);
void absence_end(struct artifact_item *a);
/* The status may name another revision now. */
void absence_revised(struct artifact_item *a);

#endif
