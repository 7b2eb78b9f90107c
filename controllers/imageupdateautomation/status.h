/* The status of an ImageUpdateAutomation, and what people are told of a run. Loop thread. */
#ifndef IMAGEUPDATEAUTOMATION_STATUS_H
#define IMAGEUPDATEAUTOMATION_STATUS_H
#include "ev/task.h"

#include <jansson.h>

struct kind_shown;
struct run;
struct spec;

/* Hooks of the kind. */
void automation_status_kept(const json_t *status, json_t *kept);
void automation_succeeded(struct run *r, json_t *status);
void automation_failed(struct run *r, json_t *status);
void automation_shown(const struct spec *spec, struct kind_shown *out);
/* An exit row: a push, or Ready has become another one. */
enum step_ret automation_events_start(struct task *t);

#endif
