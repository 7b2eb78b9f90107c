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
/* Who leads is about to give it up: no run begins any more, those past the point of no return end
   by themselves and write, the others are cancelled. When role_resigned, nothing more is written;
   then let opts.leads say no, and call role_changed. Nothing, for who follows already. */
void role_resign(struct controller *c);
bool role_resigned(const struct controller *c);

#endif
