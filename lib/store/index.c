#include "store/index.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sys.h"

#include <stdio.h>
#include <string.h>

void index_init(struct store_index *x, struct loop *l)
{
	*x = (struct store_index){.loop = l};
	list_init(&x->seats);
	list_init(&x->early);
	list_init(&x->unknown);
	list_init(&x->woken);
}

void index_clear(struct store_index *x)
{
	struct store_entry *e;
	const char *key;
	void *value;
	size_t at = 0;

	while (map_next(&x->objects, &at, &key, &value)) {
		struct store_object *o = value;

		while (!list_empty(&o->entries)) {
			e = index_entry_at(o->entries.next);
			BUG_IF(!list_empty(&e->waits) || e->refs);
			sys_close(e->prepared.fd); /* .tmp is emptied at the next start */
			list_out(&e->link);
			free(e);
		}
		list_out(&o->seat.link);
		free(o->dir);
		free(o);
	}
	map_clear(&x->objects);
	BUG_IF(!list_empty(&x->seats)); /* a walk that was not ended */
	BUG_IF(!list_empty(&x->woken) || !list_empty(&x->early) || !list_empty(&x->unknown));
	defer_cancel(x->loop, &x->defer);
}

struct store_object *index_object(const struct store_index *x, const char *dir)
{
	return map_get(&x->objects, dir);
}

struct store_object *index_object_make(struct store_index *x, const char *dir)
{
	struct store_object *o = map_get(&x->objects, dir);

	if (o)
		return o;
	o = NEW(struct store_object);
	list_init(&o->entries);
	o->dir = mem_strdup(dir);
	o->ownerless_at = clock_ms();
	o->seat.object = o;
	list_add(&x->seats, &o->seat.link);
	map_put(&x->objects, dir, o);
	return o;
}

void index_object_settle(struct store_index *x, struct store_object *o)
{
	if (!list_empty(&o->entries) || o->claimed || *o->current)
		return;
	map_del(&x->objects, o->dir);
	list_out(&o->seat.link);
	free(o->dir);
	free(o);
}

struct store_entry *index_entry(const struct store_object *o, const char *file)
{
	struct list *at;

	if (!o)
		return NULL;
	list_each (&o->entries, at)
		if (!strcmp(index_entry_at(at)->file, file))
			return index_entry_at(at);
	return NULL;
}

struct store_entry *index_entry_make(struct store_object *o, const char *file)
{
	struct store_entry *e = index_entry(o, file);

	if (e)
		return e;
	e = NEW(struct store_entry);
	e->object = o;
	e->prepared = STORE_TEMP_INIT;
	snprintf(e->file, sizeof(e->file), "%s", file);
	list_init(&e->waits);
	list_add_first(&o->entries, &e->link);
	return e;
}

void index_entry_settle(struct store_index *x, struct store_entry *e)
{
	struct store_object *o = e->object;

	if (e->there || e->promised || e->held || e->refs)
		return;
	index_wake(x, &e->waits);
	list_out(&e->link);
	free(e);
	index_object_settle(x, o);
}

bool index_is_current(const struct store_entry *e)
{
	return !strcmp(e->object->current, e->file);
}

struct store_entry *index_entry_of(const struct store_index *x, const struct store_path *p)
{
	const struct store_object *o = index_object(x, p->dir);

	return index_entry(o, p->latest && o ? o->current : p->file);
}

void index_changed(struct store_index *x)
{
	if (x->changed)
		x->changed(x);
}

void index_there(struct store_index *x, struct store_entry *e, const struct store_file *f)
{
	if (e->there)
		x->bytes -= e->f.size;
	else
		x->there++;
	x->bytes += f->size;
	e->there = true;
	e->wrong = e->remembered = false;
	e->f = *f;
	index_changed(x);
	index_wake(x, &e->waits);
}

void index_not_there(struct store_index *x, struct store_entry *e)
{
	if (e->there) {
		x->there--;
		x->bytes -= e->f.size;
		index_changed(x);
	}
	e->there = e->wrong = e->remembered = false;
	index_wake(x, &e->waits);
}

void index_promise(struct store_index *x, struct store_entry *e, bool promised, bool failed)
{
	bool listed = promised && (e->promised ? e->listed : !x->listed);

	x->promised += (uint64_t)promised - (uint64_t)e->promised;
	x->open += (uint64_t)(listed && !failed) - (uint64_t)(e->listed && !e->failed);
	e->promised = promised;
	e->listed = listed;
	e->failed = promised && failed;
	index_wake(x, &e->waits);
}

/* ---- a walk */

void index_walk_begin(struct store_index *x, struct store_seat *walk)
{
	walk->object = NULL;
	list_add_first(&x->seats, &walk->link);
}

struct store_object *index_walk_next(struct store_index *x, struct store_seat *walk)
{
	struct store_seat *next;

	do {
		struct list *at = walk->link.next;

		if (at == &x->seats) {
			index_walk_end(walk);
			return NULL;
		}
		next = CONTAINER_OF(at, struct store_seat, link);
		list_out(&walk->link);
		list_add_first(at, &walk->link); /* right behind it */
	} while (!next->object);
	return next->object;
}

void index_walk_end(struct store_seat *walk)
{
	list_out(&walk->link);
}

/* ---- waits */

static void run_woken(void *arg)
{
	struct store_index *x = arg;
	struct list now;

	/* Who is woken meanwhile has the next turn: others must have theirs. */
	list_init(&now);
	list_append(&now, &x->woken);
	while (!list_empty(&now)) {
		struct store_wait *w = CONTAINER_OF(now.next, struct store_wait, link);

		/* It may start again at once, then on an entry's list. */
		store_wait_cancel(w);
		w->fn(w->arg);
	}
}

void index_wait(struct store_index *x, struct list *list, struct store_wait *w)
{
	x->waiting++;
	w->index = x;
	list_add(list, &w->link);
}

void index_wake(struct store_index *x, struct list *list)
{
	if (list_empty(list))
		return;
	list_append(&x->woken, list);
	defer_queue(x->loop, &x->defer, run_woken, x);
}

void store_wait_cancel(struct store_wait *w)
{
	if (!w->index)
		return;
	list_out(&w->link);
	w->index->waiting--;
	w->index = NULL;
}
