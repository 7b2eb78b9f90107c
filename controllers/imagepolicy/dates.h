/*
 * The order by build time (IMAGEPOLICY_ORDER): of the tags that take part in the choice the one
 * wins whose image was built last (image/built.h). Those that were built at the same time, or do
 * not say when, keep the policy's own order, the latter behind all others. Loop thread.
 */
#ifndef IMAGEPOLICY_DATES_H
#define IMAGEPOLICY_DATES_H
#include "ctl/steps.h"

struct buf;

/* By these words a message is known that says them. */
#define POLICY_ASKED "; the registry was asked for "

/* Does the choice depend on them? */
bool policy_dates_wanted(const struct run *r);
/* The row: the run's tag is the winner among the tags that the list of the image has; choice.behind
   says that the one before, which it lacks, would win. */
enum step_ret policy_dates_start(struct task *t);
enum step_ret policy_dates_resume(struct task *t);
/* Why the winner won: a part of a sentence, for people. */
void policy_dates_say(const struct run *r, struct buf *out);

#endif
