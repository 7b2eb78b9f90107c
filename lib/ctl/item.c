#include "ctl/item.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "ctl/cond.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/object.h"
#include "ctl/outage.h"
#include "ctl/spec.h"
#include "kube/client.h"
#include "kube/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct item_hooks *hooks_of(const struct item *i)
{
	static const struct item_hooks none;

	return i->c->kind->item ? i->c->kind->item : &none;
}

/* ---- what it depends on ---------------------------------------------------------------------- */

struct ref_list {
	const struct item *item;
	struct depends_refs refs;
};

static void ref_add(void *arg, unsigned nth, const char *ns, const char *name)
{
	struct ref_list *l = arg;

	if (!l->item->c->kind->depends[nth]->namespaced)
		ns = "";
	else if (!ns)
		ns = l->item->ns;
	*vec_add(&l->refs) = (struct depends_ref){nth, mem_printf("%s/%s", ns, name)};
}

static void refs_clear_all(struct depends_refs *refs)
{
	struct depends_ref *r;

	vec_each (refs, r)
		free(r->key);
	vec_clear(refs);
}

static bool refs_same(const struct depends_refs *a, const struct depends_refs *b)
{
	size_t n;

	if (a->len != b->len)
		return false;
	for (n = 0; n < a->len; n++)
		if (a->p[n].nth != b->p[n].nth || strcmp(a->p[n].key, b->p[n].key) != 0)
			return false;
	return true;
}

/* now is taken over. */
static void refs_put(struct item *i, struct depends_refs *refs, struct depends_refs *now)
{
	struct depends_ref *r;

	if (refs_same(refs, now)) {
		refs_clear_all(now);
		return;
	}
	/* The new ones first: what both have is in use all the time. */
	vec_each (now, r)
		depends_add(i->c->depends, r, i);
	vec_each (refs, r)
		depends_del(i->c->depends, r, i);
	refs_clear_all(refs);
	*refs = *now;
}

static void refs_update(struct item *i, const struct spec *s)
{
	struct ref_list l = {.item = i};
	struct depends_refs none = {0};

	if (s && i->c->kind->depends_each)
		i->c->kind->depends_each(s, ref_add, &l);
	if (!s || !refs_same(&i->refs, &l.refs))
		refs_put(i, &i->found, &none);
	refs_put(i, &i->refs, &l.refs);
}

void item_found(struct item *i, unsigned nth, const char *ns, const char *const *names)
{
	struct ref_list l = {.item = i};

	for (; *names; names++)
		ref_add(&l, nth, ns, *names);
	refs_put(i, &i->found, &l.refs);
}

/* ---- the object ------------------------------------------------------------------------------ */

bool item_asks_same(const struct item *i, const json_t *obj)
{
	return i->generation == object_generation(obj) &&
		object_annotations_are(obj, i->c->kind->annotations, &i->annotations);
}

bool item_is_same(const struct item *i, const json_t *obj)
{
	return item_asks_same(i, obj) && i->deleting == object_deleting(obj);
}

/* The generation moves with each change of the spec (Kubernetes API conventions, Metadata); but a
   restored database may bring another spec under one that was seen. */
static bool has_spec_of(const struct item *i, const json_t *obj)
{
	return i->spec && !i->partial && i->generation > 0 && item_asks_same(i, obj);
}

static void ready_update(struct item *i, const json_t *obj)
{
	const json_t *conds = obj_get(obj, "status", "conditions"), *c;
	size_t n;

	i->ready[0] = '\0';
	i->outage = false;
	json_array_foreach ((json_t *)(uintptr_t)conds, n, c) {
		if (!strcmp(obj_str_or("", c, "type"), COND_READY))
			snprintf(i->ready, sizeof(i->ready), "%s", obj_str_or("", c, "status"));
		i->outage |= !strcmp(obj_str_or("", c, "type"), COND_OUTAGE);
	}
}

static void spec_update(struct item *i, const json_t *obj)
{
	const struct kind *k = i->c->kind;

	spec_unref(i->spec);
	i->spec = k->spec_new(obj);
	i->suspended = i->spec->suspend;
	free(i->host);
	i->host = k->host ? k->host(i->spec) : NULL;
	if (!i->host)
		i->host = mem_strdup("");
	refs_update(i, i->spec);
}

/* A run may share the one that is there. */
static void spec_shrink(struct item *i, const json_t *obj)
{
	spec_unref(i->spec);
	i->spec = i->c->kind->spec_new(obj);
	if (i->c->kind->spec_slim)
		i->c->kind->spec_slim(i->spec);
}

void item_unsettle(struct item *i)
{
	i->settled = false;
	i->changes++;
}

void item_store(struct item *i, const json_t *obj, bool own)
{
	bool whole;

	if (!own || !has_spec_of(i, obj))
		spec_update(i, obj);
	item_unsettle(i);
	free(i->text);
	free(i->version);
	free(i->requested_at);
	i->text = object_text(obj, i->spec->size, i->c->kind->status_kept, &whole);
	i->version = mem_strdup(object_version(obj));
	i->requested_at = mem_strdup(object_requested_at(obj));
	i->annotations = object_annotations(obj, i->c->kind->annotations);
	i->generation = object_generation(obj);
	i->deleting = object_deleting(obj);
	ready_update(i, obj);
	i->partial = !whole;
	if (i->partial)
		spec_shrink(i, obj);
	if (hooks_of(i)->stored)
		hooks_of(i)->stored(i, obj);
}

void item_renew(struct item *i)
{
	if (hooks_of(i)->renewed)
		hooks_of(i)->renewed(i);
	queue_reset(&i->queue_item);
}

bool item_adopt(struct item *i, const json_t *obj)
{
	if (strcmp(object_uid(obj), i->uid) != 0)
		return false;
	if (!i->queue_item.leaving) {
		item_store(i, obj, false);
		item_renew(i);
	}
	return true;
}

void item_due(struct item *i)
{
	bool busy = hooks_of(i)->busy && hooks_of(i)->busy(i);

	if (!busy && !map_get(&i->c->leaving, i->key))
		queue_add(&i->queue_item);
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct item *item_new(struct controller *c, const json_t *obj)
{
	struct item *i = mem_zalloc(c->kind->item_size);

	i->c = c;
	i->key = mem_printf("%s/%s", object_ns(obj), object_name(obj));
	i->ns = mem_strdup(object_ns(obj));
	i->name = i->key + strlen(i->ns) + 1;
	i->uid = mem_strdup(object_uid(obj));
	i->version = mem_strdup("");
	queue_item_init(&i->queue_item, &c->queue);
	i->duration = metric_series(c->duration, c->kind->resource->kind, i->name, i->ns);
	c->items++;
	if (hooks_of(i)->added)
		hooks_of(i)->added(i, obj);
	item_store(i, obj, false);
	item_due(i);
	return i;
}

static void item_free(struct item *i)
{
	if (hooks_of(i)->free)
		hooks_of(i)->free(i);
	refs_update(i, NULL);
	metric_remove(i->duration);
	i->c->items--;
	spec_unref(i->spec);
	free(i->events);
	free(i->text);
	free(i->version);
	free(i->uid);
	free(i->requested_at);
	free(i->host);
	free(i->ns);
	free(i->key);
	free(i);
}

void item_leave(struct item *i, int cause)
{
	if (hooks_of(i)->stop)
		hooks_of(i)->stop(i);
	if (i->tell)
		op_cancel(i->tell);
	queue_remove(&i->queue_item, cause);
}

void item_removed(struct item *i)
{
	struct controller *c = i->c;
	struct item *next;

	i->removed = true;
	if (i->tell)
		return; /* comes back when that has ended */
	if (map_get(&c->leaving, i->key) == i) {
		map_del(&c->leaving, i->key);
		next = item_find(c, i->key);
		if (next)
			item_due(next);
	}
	item_free(i);
}

struct item *item_find(struct controller *c, const char *key)
{
	const struct kube_entry *e = c->watch ? kube_watch_find_key(c->watch, key) : NULL;

	return e ? e->user : NULL;
}

struct each {
	void (*fn)(void *arg, struct item *i);
	void *arg;
};

static void each_entry(void *arg, struct kube_entry *e)
{
	const struct each *at = arg;

	if (e->user)
		at->fn(at->arg, e->user);
}

void item_each(struct controller *c, void (*fn)(void *arg, struct item *i), void *arg)
{
	struct kube_cursor at = {0};

	item_walk(c, &at, SIZE_MAX, fn, arg);
}

bool item_walk(struct controller *c, struct kube_cursor *at, size_t n,
	void (*fn)(void *arg, struct item *i), void *arg)
{
	struct each each = {fn, arg};

	return c->watch && kube_cache_walk(kube_watch_cache(c->watch), at, n, each_entry, &each);
}
