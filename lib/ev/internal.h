/* What the files of lib/ev share; nobody else includes this. */
#ifndef EV_INTERNAL_H
#define EV_INTERNAL_H
#include "ev/loop.h"

#include <stddef.h>
#include <uv.h>

struct timer;

struct heap {
	struct timer **p;
	size_t len, cap;
	uv_timer_t uv;
	uint64_t round_at; /* the time up to which timers are being run now; 0: none are */
};

struct work;

struct loop {
	uv_loop_t uv;
	struct defer ready; /* list head */
	unsigned rounds; /* at most so many of the ready list in a turn */
	uv_idle_t idle; /* active while the ready list is not empty: keeps the poll from sleeping */
	uv_prepare_t prepare;
	struct heap timers[2]; /* our clock; real time */
	unsigned heavy_max, heavy_running;
	struct work *heavy_first, **heavy_last; /* waiting for a heavy thread */
	struct task *tasks; /* all live ones */
	uint64_t turn_from_ns, turn_idle_ns;
	struct loop_stats stats;
	bool stopped;
};

void timers_init(struct loop *l);
void timers_close(struct loop *l);
void timers_due(struct loop *l, struct heap *h);
void work_setup(struct loop *l);

#endif
