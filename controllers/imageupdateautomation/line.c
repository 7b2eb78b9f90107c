#include "controllers/imageupdateautomation/line.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct line {
	struct lines *lines;
	struct list waiting; /* who came first is the first */
	struct line_place *now; /* whose turn it is; NULL: nobody's, and nobody waits */
	bool late; /* its time is over */
	struct timer timer; /* of the turn */
	size_t n; /* places, of those that were overtaken too */
	char *key;
};

static void turn_give(struct line *l, struct line_place *p)
{
	l->now = p;
	l->late = false;
	p->may = true;
	timer_set(&l->timer, p->ms < LIMIT_AUTOMATION_TURN_MS ? p->ms : LIMIT_AUTOMATION_TURN_MS);
}

static void turn_pass(struct line *l)
{
	struct line_place *p;

	timer_cancel(&l->timer);
	l->now = NULL;
	if (list_empty(&l->waiting))
		return;
	p = CONTAINER_OF(list_first(&l->waiting), struct line_place, link);
	list_out(&p->link);
	turn_give(l, p);
	p->wake(p->arg);
}

static void turn_is_late(void *arg)
{
	struct line *l = arg;

	l->late = true;
	if (!list_empty(&l->waiting))
		turn_pass(l);
}

static struct line *line_of(struct lines *ls, const char *key)
{
	struct line *l = map_get(&ls->lines, key);

	if (l)
		return l;
	l = NEW(struct line);
	l->lines = ls;
	l->key = mem_strdup(key);
	list_init(&l->waiting);
	timer_init(&l->timer, ls->loop, turn_is_late, l);
	map_put(&ls->lines, key, l);
	return l;
}

void line_join(struct lines *ls, struct line_place *p, const char *key, uint64_t ms,
	void (*wake)(void *arg), void *arg)
{
	struct line *l = line_of(ls, key);

	p->line = l;
	p->ms = ms;
	p->wake = wake;
	p->arg = arg;
	p->may = false;
	list_init(&p->link);
	l->n++;
	if (!l->now || l->late)
		turn_give(l, p);
	else
		list_add(&l->waiting, &p->link);
}

void line_leave(struct line_place *p)
{
	struct line *l = MOVE(p->line);

	if (!l)
		return;
	list_out(&p->link);
	l->n--;
	if (l->now == p)
		turn_pass(l);
	if (l->n)
		return;
	timer_cancel(&l->timer);
	map_del(&l->lines->lines, l->key);
	free(l->key);
	free(l);
}

void lines_clear(struct lines *ls)
{
	BUG_IF(ls->lines.len);
	map_clear(&ls->lines);
}
