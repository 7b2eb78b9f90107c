/*
 * Does this process lead, or does it follow? Of several replicas one writes. The others watch,
 * bring what the statuses name and is missing here, take away what is deleted, and write nothing.
 * controller.h says who knows (opts.leads). Loop thread.
 */
#ifndef CTL_ROLE_H
#define CTL_ROLE_H
#include <stdbool.h>

struct controller;
struct item;

/* May it write, at this moment? */
bool role_leads(const struct controller *c);
/* In a follower: is there something to do for the object? */
bool role_has_work(const struct item *i);
/* opts.leads says something else now. Who leads no more cancels its runs, but for those that bring
   what is missing; who leads now looks at every object. */
void role_changed(struct controller *c);

#endif
