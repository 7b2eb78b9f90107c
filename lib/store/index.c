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
}

void index_clear(struct store_index *x)
{
	struct store_entry *e;
	const char *key;
	void *value;
	size_t at = 0;

	while (map_next(&x->objects, &at, &key, &value)) {
		struct store_object *o = value;

		while ((e = o->entries)) {
			BUG_IF(e->waits || e->refs);
			sys_close(e->prepared.fd); /* .tmp is emptied at the next start */
			o->entries = e->next;
			free(e);
		}
		free(o->dir);
		free(o);
	}
	map_clear(&x->objects);
	BUG_IF(x->woken || x->early);
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
	o->dir = mem_strdup(dir);
	o->ownerless_at = clock_ms();
	map_put(&x->objects, dir, o);
	return o;
}

void index_object_settle(struct store_index *x, struct store_object *o)
{
	if (o->entries || o->claimed || *o->current)
		return;
	map_del(&x->objects, o->dir);
	free(o->dir);
	free(o);
}

struct store_entry *index_entry(const struct store_object *o, const char *file)
{
	struct store_entry *e;

	for (e = o ? o->entries : NULL; e; e = e->next)
		if (!strcmp(e->file, file))
			return e;
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
	e->next = o->entries;
	o->entries = e;
	return e;
}

void index_entry_settle(struct store_index *x, struct store_entry *e)
{
	struct store_object *o = e->object;
	struct store_entry **at;

	if (e->there || e->promised || e->held || e->refs)
		return;
	index_wake(x, &e->waits);
	for (at = &o->entries; *at != e; at = &(*at)->next)
		;
	*at = e->next;
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

void index_there(struct store_index *x, struct store_entry *e, const struct store_file *f)
{
	if (e->there)
		x->bytes -= e->f.size;
	else
		x->there++;
	x->bytes += f->size;
	e->there = true;
	e->wrong = false;
	e->f = *f;
	index_wake(x, &e->waits);
}

void index_not_there(struct store_index *x, struct store_entry *e)
{
	if (e->there) {
		x->there--;
		x->bytes -= e->f.size;
	}
	e->there = e->wrong = false;
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

/* ---- waits */

static void push(struct store_wait **list, struct store_wait *w)
{
	w->next = *list;
	w->prev = list;
	if (w->next)
		w->next->prev = &w->next;
	*list = w;
}

static void run_woken(void *arg)
{
	struct store_index *x = arg;
	struct store_wait *w;

	while ((w = x->woken)) {
		store_wait_cancel(
			w); /* off the list; it may start again at once, then on an entry's list */
		w->fn(w->arg);
	}
}

void index_wait(struct store_index *x, struct store_wait **list, struct store_wait *w)
{
	x->waiting++;
	w->index = x;
	push(list, w);
}

void index_wake(struct store_index *x, struct store_wait **list)
{
	struct store_wait *w;

	if (!*list)
		return;
	while ((w = *list)) {
		*list = w->next;
		if (w->next)
			w->next->prev = list;
		push(&x->woken, w);
	}
	defer_queue(x->loop, &x->defer, run_woken, x);
}

void store_wait_cancel(struct store_wait *w)
{
	if (!w->prev)
		return;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	w->next = NULL;
	w->prev = NULL;
	w->index->waiting--;
}
