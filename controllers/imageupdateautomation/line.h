/*
 * Automations that write to one branch by GitRepositories of one namespace take turns in this
 * process: who comes next begins with what the one before has pushed, so nobody's push is refused
 * because of another one of them. First come, first served, one at a time. Namespaces do not wait
 * for each other: by which way a tenant asks a server, and how slow that is, is the tenant's
 * choice. The turn is a courtesy and no lock: races with others are solved where they are met
 * (push.c), so one that takes too long is overtaken by the next in the line, and by nobody else
 * until that one has had its turn. Loop thread.
 *
 *	struct line_place p;                    in the run, zeroed
 *	line_join(&lines, &p, key, ms, wake, r);
 *	if (!line_may(&p)) return task_pause(t);      wake is called when it may
 *	... line_leave(&p);                      any time, more than once too
 */
#ifndef IMAGEUPDATEAUTOMATION_LINE_H
#define IMAGEUPDATEAUTOMATION_LINE_H
#include "base/list.h"
#include "base/map.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;

struct lines {
	struct loop *loop;
	struct map lines; /* key → struct line */
};

struct line_place {
	struct line *line; /* NULL: in none */
	struct list link; /* while it waits */
	uint64_t ms;
	void (*wake)(void *arg);
	void *arg;
	bool may;
};

/* Zeroed but for the loop is empty; nobody is in a line when it is cleared. */
void lines_clear(struct lines *ls);
/* key is copied; ms: how long its turn lasts when others wait, LIMIT_AUTOMATION_TURN_MS at most. */
void line_join(struct lines *ls, struct line_place *p, const char *key, uint64_t ms,
	void (*wake)(void *arg), void *arg);
static inline bool line_may(const struct line_place *p)
{
	return p->may;
}
void line_leave(struct line_place *p);

#endif
