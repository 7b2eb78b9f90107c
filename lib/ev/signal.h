/* Unix signals on the loop. The watch does not keep the loop alive. Loop thread. */
#ifndef EV_SIGNAL_H
#define EV_SIGNAL_H

struct loop;
struct signal_watch;

struct signal_watch *signal_watch_new(
	struct loop *l, int signo, void (*fn)(void *arg, int signo), void *arg);
void signal_watch_close(struct signal_watch *w); /* NULL is fine */

#endif
