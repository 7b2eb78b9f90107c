/*
 * Fair turns: who may hold one of a few places. What a run needs and others need too (a registry's
 * patience, a download, the API server) is given out here, so that no host, no namespace and nobody
 * who is slow can keep the others from it.
 *
 * - Turns go round the owners (namespaces), and for each owner round the hosts it has something to
 *   do at; who waits for one host behind its own kind is first come, first served. A thousand
 *   objects of one namespace wait for each other, not the next namespace for them.
 * - A host holds at most `per_host` places, and no more than `width` says now: one while it has not
 *   answered yet.
 * - A host that the owner has not waited for lately is the next of its hosts.
 * - Hosts with a width of one hold at most a quarter of the places together: any number of
 *   registries that never answer leaves the rest to those that do.
 * - A place is for what is quick. Who holds one for longer than its `slow_ms` is counted among the
 *   slow from then on and its place goes to the next. There is room for so many slow ones, at one
 *   host, of one owner and in all; where there is none, the place stays taken.
 * - Beyond its room for the slow an owner holds at most half of the places, at one host a quarter
 *   and half of what the host has: what there is no room for keeps its place, and that must not be
 *   all of them.
 * - Big holders take at most `big` of the places.
 *
 * A struct turn lives in whoever waits or holds. `granted` is called when its turn has come, also
 * from inside turn_wait; it may call anything here: who is granted something by that has its call
 * when it returns. Waiting costs memory for each pair of owner and host, not for each turn.
 * Milliseconds. Loop thread.
 *
 *	turn_init(&run->turn, &pulls, granted, run);
 *	turn_wait(&run->turn, &(struct turn_ask){.owner = ns, .host = host, .slow_ms = 2000});
 *	... granted(run): go on ...
 *	turn_leave(&run->turn);                  out of the line, or the place is free again
 */
#ifndef CTL_TURNS_H
#define CTL_TURNS_H
#include "base/list.h"
#include "base/map.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct turns;

struct turns_opts {
	struct loop *loop;
	unsigned places; /* for the quick, in all */
	unsigned per_host; /* of these; 0: all */
	unsigned big; /* of these for holders that are big; 0: all */
	/* Room for the slow: in all, of one owner at one host, of one owner. */
	unsigned slow, slow_per_host, slow_per_owner;
	/* How many the host may hold now, slow ones included, if this owner comes next; 0: not now.
	   NULL: as many as there are. */
	unsigned (*width)(void *arg, const char *owner, const char *host);
	void *arg;
};

/* Both strings are copied. "" for host: no matter which; `width` is not asked then, and what is
   for each host does not bound it. */
struct turn_ask {
	const char *owner, *host;
	bool big;
	uint64_t slow_ms; /* 0: never counted among the slow */
};

enum turn_state { TURN_IDLE, TURN_WAITING, TURN_QUICK, TURN_SLOW };

struct turn {
	struct turns *turns;
	void (*granted)(void *arg);
	void *arg;
	enum turn_state state;
	struct turn_group *group; /* NULL while idle */
	struct list link; /* in the group's line, or among the quick */
	uint64_t since_ms; /* it waits, or holds, on clock_ms() */
	uint64_t slow_ms;
	bool big;
	bool narrow; /* it holds a place at a host with a width of one */
};

struct turns {
	struct turns_opts opts;
	struct map owners, hosts, groups;
	struct list round; /* owners with somebody in line, whose turn it is first */
	struct list quick; /* turns that hold a place */
	unsigned held, big, narrow, slow, waiting;
	struct timer timer; /* the next look at how long places are held */
	bool granting;
};

void turns_init(struct turns *t, const struct turns_opts *opts);
/* Nobody waits or holds any more. */
void turns_clear(struct turns *t);
/* Widths may have grown: gives what can be given. */
void turns_look(struct turns *t);
/* How many of this owner wait for this host. */
unsigned turns_waiting(const struct turns *t, const char *owner, const char *host);
/* For how long the one that waits longest has been waiting; 0: nobody does. */
uint64_t turns_longest_ms(const struct turns *t);
/* Everybody who has been waiting for ms; nobody may come or go meanwhile. */
void turns_each_waiting(
	const struct turns *t, uint64_t ms, void (*fn)(void *arg, struct turn *turn), void *arg);

void turn_init(struct turn *t, struct turns *turns, void (*granted)(void *arg), void *arg);
void turn_wait(struct turn *t, const struct turn_ask *ask);
/* Nothing happens to one that is idle. */
void turn_leave(struct turn *t);
bool turn_held(const struct turn *t);
/* Does it wait for, or hold, what is asked for? */
bool turn_is_for(const struct turn *t, const struct turns *turns, const struct turn_ask *ask);
const char *turn_host(const struct turn *t);

#endif
