/* The status of an ImagePolicy: which reference is in it, and what Ready says. Loop thread. */
#ifndef IMAGEPOLICY_STATUS_H
#define IMAGEPOLICY_STATUS_H
#include <jansson.h>
#include <stdbool.h>

struct run;

/* Does latestRef name what the run has chosen? */
bool policy_status_is_current(const struct run *r);
/* Hooks of the kind. */
void policy_status_kept(const json_t *status, json_t *kept);
void policy_status_succeeded(struct run *r, json_t *status);

#endif
