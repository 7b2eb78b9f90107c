/*
 * Outages of the hosts that runs ask. A failure that passes by itself (kind.excused) of an object
 * whose artifact is as good as before need not make it unready: within its grace Ready stays True,
 * and the condition Outage says since when the host fails. And who has a thousand objects at one
 * registry hears of its outage once, not a thousand times: one Event for each namespace and host,
 * and one more when it is over. Loop thread.
 */
#ifndef CTL_OUTAGE_H
#define CTL_OUTAGE_H
#include "ctl/queue.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct controller;
struct run;

/* True from the first excused failure within the grace, and for as long: lastTransitionTime is the
   beginning. */
#define COND_OUTAGE "Outage"
/* Without a bound namespaces and hosts could fill the memory: the one that nobody has met for
   longest is forgotten, and told again. */
#define OUTAGES_MAX 4096

void outage_init(struct controller *c);

/* Of a run that failed: does the object stay Ready all the same? */
bool outage_excuses(const struct run *r);
/* The conditions of such a run, Ready included. */
void outage_conditions(struct run *r, json_t *status);
/* A run of an object that is within its grace, or may enter it, says nothing of what it is doing:
   Ready and Reconciling must not change with each try. */
bool outage_is_quiet(const struct run *r);
/* Of a run that failed: was this outage told in the object's namespace already? If not, it is from
   now on. When the first of the objects that were kept Ready is so no more, that is to be told as
   well. */
bool outage_told(struct run *r);
/* The run succeeded: an outage that was told is over. True: it is to be told. */
bool outage_over(struct run *r);
/* When the next run of one that is excused comes: not after the end of its grace. */
enum queue_next outage_bound(const struct run *r, enum queue_next next, uint64_t *ms);
/* Nothing was told: another replica does, or will. */
void outage_clear(struct controller *c);

#endif
