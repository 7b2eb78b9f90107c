#include "controllers/imageupdateautomation/line.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct line {
	struct lines *lines;
	struct list places; /* the first has the turn */
	char *key;
};

static struct line *line_of(struct lines *ls, const char *key)
{
	struct line *l = map_get(&ls->lines, key);

	if (l)
		return l;
	l = NEW(struct line);
	l->lines = ls;
	l->key = mem_strdup(key);
	list_init(&l->places);
	map_put(&ls->lines, key, l);
	return l;
}

static void place_wake(struct line_place *p)
{
	timer_cancel(&p->timer);
	if (p->may)
		return;
	p->may = true;
	p->wake(p->arg);
}

/* It keeps its place: it may still become the first, and has to be waited for then. */
static void place_late(void *arg)
{
	place_wake(arg);
}

void line_join(struct lines *ls, struct line_place *p, const char *key, uint64_t ms,
	void (*wake)(void *arg), void *arg)
{
	p->line = line_of(ls, key);
	p->wake = wake;
	p->arg = arg;
	p->may = list_empty(&p->line->places);
	list_init(&p->link);
	list_add(&p->line->places, &p->link);
	timer_init(&p->timer, ls->loop, place_late, p);
	if (!p->may)
		timer_set(&p->timer, ms);
}

void line_leave(struct line_place *p)
{
	struct line *l = MOVE(p->line);

	if (!l)
		return;
	timer_cancel(&p->timer);
	list_out(&p->link);
	if (!list_empty(&l->places)) {
		place_wake(CONTAINER_OF(list_first(&l->places), struct line_place, link));
		return;
	}
	map_del(&l->lines->lines, l->key);
	free(l->key);
	free(l);
}

void lines_clear(struct lines *ls)
{
	BUG_IF(ls->lines.len);
	map_clear(&ls->lines);
}
