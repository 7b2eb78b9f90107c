/* The status of an ImagePolicy: which reference is in it, what Ready says, and how people are shown
   by which rule it is chosen. Loop thread. */
#ifndef IMAGEPOLICY_STATUS_H
#define IMAGEPOLICY_STATUS_H
#include <jansson.h>
#include <stdbool.h>

struct kind_shown;
struct run;
struct spec;

/* Does latestRef name what the run has chosen? */
bool policy_status_is_current(const struct run *r);
/* Hooks of the kind. */
void policy_status_kept(const json_t *status, json_t *kept);
void policy_status_succeeded(struct run *r, json_t *status);
void policy_shown(const struct spec *spec, struct kind_shown *out);

#endif
