/*
 * An object that waits long for its run is told so in its status, once for each time of waiting: by
 * a run of its own that asks nobody, and while it lasts no other run of the object begins. Loop
 * thread.
 */
#ifndef CTL_TELL_H
#define CTL_TELL_H

struct controller;

void tell_init(struct controller *c);
/* Somebody may have to wait: look after a while. */
void tell_arm(struct controller *c);
void tell_end(struct controller *c);

#endif
