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
 *	oci_resolve_start(client, &(struct oci_resolve_req){...,
 *		.current = ARTIFACT_ITEM(r->item)->revision, .current_missed = absence_is_old(r)});
 *	... it has ended: absence_hear(r, oci_resolve_result(op), failed)
 */
#ifndef SOURCE_ABSENCE_H
#define SOURCE_ABSENCE_H
#include <stdbool.h>
#include <stdint.h>

struct artifact_item;
struct oci_resolved;
struct run;

#define ABSENCE_CONFIRM_MS 10000
#define ABSENCE_AGAIN_MS 60000

/* Was the revision that the status names found gone, and long enough ago? Once the spec has changed
   one answer is enough: the tag may never have been where it says now. */
bool absence_is_old(const struct run *r);
/* What this run has found of that revision; a change is a line of its log. After one that was found
   gone once the next run comes soon. A failure before the list had anything to say changes
   nothing. */
void absence_hear(struct run *r, const struct oci_resolved *res, bool failed);
/* The status may name another revision now. */
void absence_revised(struct artifact_item *a);
void absence_end(struct artifact_item *a);

#endif
