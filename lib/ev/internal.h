/* What the files of lib/ev share; nobody else includes this. */
#ifndef EV_INTERNAL_H
#define EV_INTERNAL_H
#include "base/list.h"
#include "ev/loop.h"
#include "ev/work.h"

#include <stddef.h>
#include <uv.h>

struct timer;

struct heap {
	struct timer **p;
	size_t len, cap;
	uv_timer_t uv;
	uint64_t round_at; /* the time up to which timers are being run now; 0: none are */
};

struct work_owner;

/* What lib/ev/work.c keeps of the heavy and bulk jobs. */
struct work_lines {
	unsigned max, bulk_max, owner_max; /* jobs that run at a time */
	struct work_stats now;
	struct list owners; /* of struct work_owner: who has jobs, in the order of their turns */
};

struct loop {
	uv_loop_t uv;
	struct defer ready; /* list head */
	struct defer patient; /* list head: bulk work that waits for its turn */
	const struct defer *chosen; /* whose turn it is of them */
	bool chosen_now; /* it has not begun */
	unsigned rounds; /* at most so many of the ready list in a turn */
	uv_idle_t idle; /* active while the ready list is not empty: keeps the poll from sleeping */
	uv_prepare_t prepare;
	struct heap timers[2]; /* our clock; real time */
	struct work_lines work;
	unsigned jobs; /* with libuv, lanes of all kinds */
	unsigned dying; /* processes that were cancelled and have not ended */
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
