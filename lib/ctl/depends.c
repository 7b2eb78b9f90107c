#include "ctl/depends.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/refs.h"
#include "ev/op.h"
#include "kube/watch.h"

#include <stdlib.h>
#include <string.h>

struct depends;

/* The objects of one resource. */
struct source {
	struct depends *d;
	const struct kube_resource *resource;
	struct op *watch;
	struct refs users; /* by "ns/name" */
};

struct depends {
	struct depends_opts opts;
	struct source sources[KIND_DEPENDS_MAX];
	struct lru kept; /* by name → struct kept */
	bool started;
};

struct kept {
	struct lru_item item;
	struct depends_value *value;
	struct depends_parts parts;
	uint64_t read_ms; /* when the API server last gave them all in these versions */
};

/* ---- parts ----------------------------------------------------------------------------------- */

void depends_parts_clear(struct depends_parts *parts)
{
	struct depends_part *p;

	vec_each (parts, p) {
		free(p->ref.key);
		free(p->version);
	}
	vec_clear(parts);
}

static void parts_copy(struct depends_parts *to, const struct depends_parts *from)
{
	const struct depends_part *p;

	vec_each (from, p)
		*vec_add(to) = (struct depends_part){
			{p->ref.nth, mem_strdup(p->ref.key)}, mem_strdup(p->version)};
}

static bool part_is(const struct depends_part *p, const struct depends_ref *ref)
{
	return p->ref.nth == ref->nth && !strcmp(p->ref.key, ref->key);
}

bool depends_parts_same(const struct depends_parts *a, const struct depends_parts *b)
{
	size_t i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		if (!part_is(&a->p[i], &b->p[i].ref) ||
			strcmp(a->p[i].version, b->p[i].version) != 0)
			return false;
	return true;
}

/* ---- what was built -------------------------------------------------------------------------- */

static void kept_free(struct lru_item *it)
{
	struct kept *k = CONTAINER_OF(it, struct kept, item);

	k->value->unref(k->value);
	depends_parts_clear(&k->parts);
	free(k);
}

static struct kept *kept_find(struct depends *d, const char *name)
{
	struct lru_item *it = lru_get(&d->kept, name);

	return it ? CONTAINER_OF(it, struct kept, item) : NULL;
}

void depends_drop(struct depends *d, const char *name)
{
	struct kept *k = kept_find(d, name);

	if (k)
		lru_drop(&d->kept, &k->item);
}

static const struct depends_part *part_find(const struct kept *k, const struct depends_ref *ref)
{
	const struct depends_part *p;

	vec_each (&k->parts, p)
		if (part_is(p, ref))
			return p;
	return NULL;
}

/* All that was built of this object in another version; NULL: in any. True: something was. */
static bool kept_drop_of(struct depends *d, const struct depends_ref *ref, const char *version)
{
	struct lru_item *it, *older;
	bool any = false;

	for (it = lru_newest(&d->kept); it; it = older) {
		const struct depends_part *p = part_find(CONTAINER_OF(it, struct kept, item), ref);

		older = lru_older(&d->kept, it);
		if (!p)
			continue;
		any = true;
		if (!version || strcmp(p->version, version) != 0)
			lru_drop(&d->kept, it);
	}
	return any;
}

/* Has somebody read it in this version already? */
static bool kept_knows(struct depends *d, const struct depends_ref *ref, const char *version)
{
	struct lru_item *it;

	lru_each (&d->kept, it) {
		const struct depends_part *p = part_find(CONTAINER_OF(it, struct kept, item), ref);

		if (p && !strcmp(p->version, version))
			return true;
	}
	return false;
}

static const struct kube_entry *watched(const struct depends *d, const struct depends_ref *ref)
{
	const struct op *watch = d->sources[ref->nth].watch;

	return watch ? kube_watch_find_key(watch, ref->key) : NULL;
}

static bool part_is_live(const struct depends *d, const struct depends_part *p)
{
	const struct kube_entry *e = watched(d, &p->ref);

	return e && kube_watch_live(d->sources[p->ref.nth].watch) && !strcmp(e->rv, p->version);
}

static bool is_vouched(const struct depends *d, const struct kept *k)
{
	const struct depends_part *p;

	if (clock_ms() - k->read_ms < LIMIT_SECRET_SHARED_MS)
		return true;
	vec_each (&k->parts, p)
		if (!part_is_live(d, p))
			return false;
	return true;
}

struct depends_value *depends_vouched(
	struct depends *d, const char *name, struct depends_parts *parts)
{
	struct kept *k = kept_find(d, name);

	if (!k || !is_vouched(d, k))
		return NULL;
	parts_copy(parts, &k->parts);
	return k->value->ref(k->value);
}

struct depends_value *depends_read(
	struct depends *d, const char *name, const struct depends_parts *parts)
{
	struct kept *k = kept_find(d, name);

	if (!k || !depends_parts_same(&k->parts, parts))
		return NULL;
	k->read_ms = clock_ms();
	return k->value->ref(k->value);
}

static bool is_worth_keeping(const struct depends *d, const struct depends_part *p)
{
	const struct kube_entry *e = watched(d, &p->ref);

	return refs_any(&d->sources[p->ref.nth].users, p->ref.key) &&
		!(e && kube_version_older(p->version, e->rv));
}

void depends_keep(struct depends *d, const char *name, const struct depends_parts *parts,
	struct depends_value *v)
{
	const struct depends_part *p;
	struct kept *k;

	vec_each (parts, p)
		if (!is_worth_keeping(d, p))
			return;
	depends_drop(d, name);
	k = NEW(struct kept);
	k->value = v->ref(v);
	parts_copy(&k->parts, parts);
	k->read_ms = clock_ms();
	/* Objects whose value went are read again by the next run that needs them. */
	k->item.size = v->size;
	lru_add(&d->kept, name, &k->item);
}

/* ---- the watches ----------------------------------------------------------------------------- */

struct news {
	void (*changed)(void *user, bool all);
	bool all;
};

static void user_tell(void *arg, void *user)
{
	const struct news *n = arg;

	n->changed(user, n->all);
}

static void object_changed(struct source *s, const struct kube_entry *e, bool deleted)
{
	struct depends *d = s->d;
	auto_free char *key = mem_printf("%s/%s", kube_entry_ns(e), kube_entry_name(e));
	struct depends_ref ref = {(unsigned)(s - d->sources), key};
	struct news news = {d->opts.changed, false};
	bool known, any;

	if (!refs_any(&s->users, key))
		return;
	/* Read already in this version: news only for those whose last run was before it. */
	known = !deleted && kept_knows(d, &ref, e->rv);
	any = kept_drop_of(d, &ref, deleted ? NULL : e->rv);
	/* The first list tells nothing new: whoever needs an object has read it or will. */
	news.all = !known && (any || kube_watch_synced(s->watch));
	refs_each(&s->users, key, user_tell, &news);
}

static void object_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	(void)obj;
	(void)added;
	object_changed(arg, e, false);
}

static void object_deleted(void *arg, struct kube_entry *e)
{
	object_changed(arg, e, true);
}

/* Versions of another time may come again, of other contents. */
static void objects_reset(void *arg)
{
	struct source *s = arg;

	lru_clear(&s->d->kept);
}

/* Once for each time of trouble: it may be for good, and nothing that would need a watch is
   lost. */
static void objects_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct source *s = arg;
	struct kube_watch_stats st = {0};

	if (s->watch)
		kube_watch_stats(s->watch, &st);
	if (st.failures > 1)
		log_debug(NULL, "cannot watch", LS("resource", s->resource->plural),
			LU("retryMs", in_ms), LE(err));
	else
		log_error(NULL, "cannot watch, each run reads its object",
			LS("resource", s->resource->plural), LE(err));
}

static void watch_start(struct source *s)
{
	s->watch = kube_watch_start(s->d->opts.kube,
		&(struct kube_watch_req){.resource = s->resource,
			.ns = s->resource->namespaced ? s->d->opts.ns : NULL,
			.metadata_only = true,
			.on_set = object_set,
			.on_deleted = object_deleted,
			.on_reset = objects_reset,
			.on_error = objects_error,
			.arg = s});
}

/* ---- users ----------------------------------------------------------------------------------- */

void depends_add(struct depends *d, const struct depends_ref *ref, void *user)
{
	struct source *s = &d->sources[ref->nth];

	refs_add(&s->users, ref->key, user);
	if (d->started && !s->watch)
		watch_start(s);
}

void depends_del(struct depends *d, const struct depends_ref *ref, void *user)
{
	struct source *s = &d->sources[ref->nth];

	refs_del(&s->users, ref->key, user);
	if (!refs_any(&s->users, ref->key))
		kept_drop_of(d, ref, NULL);
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct depends *depends_new(const struct depends_opts *opts)
{
	struct depends *d = NEW(struct depends);
	unsigned n;

	d->opts = *opts;
	for (n = 0; n < KIND_DEPENDS_MAX; n++) {
		d->sources[n].d = d;
		d->sources[n].resource = opts->resources[n]; /* NULL behind the last */
	}
	lru_init(&d->kept, LIMIT_IDENTITIES, NULL, kept_free);
	d->kept.max_bytes = LIMIT_IDENTITIES_BYTES;
	return d;
}

void depends_start(struct depends *d)
{
	d->started = true;
}

struct op *depends_watch(const struct depends *d, unsigned nth)
{
	return d->sources[nth].watch;
}

void depends_stop(struct depends *d)
{
	unsigned n;

	d->started = false;
	for (n = 0; n < KIND_DEPENDS_MAX; n++)
		op_drop(MOVE(d->sources[n].watch));
}

void depends_free(struct depends *d)
{
	unsigned n;

	if (!d)
		return;
	lru_clear(&d->kept);
	for (n = 0; n < KIND_DEPENDS_MAX; n++)
		refs_clear(&d->sources[n].users);
	free(d);
}
