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

struct depends {
	struct depends_opts opts;
	struct op *watch;
	struct refs users; /* by "ns/name" */
	struct lru kept; /* "ns/name" → struct kept */
};

struct kept {
	struct lru_item item;
	struct depends_value *value;
	char *version;
	uint64_t read_ms; /* when the API server last gave it in this version */
};

static void kept_free(struct lru_item *it)
{
	struct kept *k = CONTAINER_OF(it, struct kept, item);

	k->value->unref(k->value);
	free(k->version);
	free(k);
}

static struct kept *kept_find(struct depends *d, const char *key)
{
	struct lru_item *it = lru_get(&d->kept, key);

	return it ? CONTAINER_OF(it, struct kept, item) : NULL;
}

void depends_drop(struct depends *d, const char *key)
{
	struct kept *k = kept_find(d, key);

	if (k)
		lru_drop(&d->kept, &k->item);
}

void depends_add(struct depends *d, const char *key, void *user)
{
	refs_add(&d->users, key, user);
}

void depends_del(struct depends *d, const char *key, void *user)
{
	refs_del(&d->users, key, user);
	if (!refs_any(&d->users, key))
		depends_drop(d, key);
}

/* ---- what was built -------------------------------------------------------------------------- */

static const struct kube_entry *watched(const struct depends *d, const char *key)
{
	const char *slash = strchr(key, '/');
	auto_free char *ns = mem_strndup(key, (size_t)(slash - key));

	return d->watch ? kube_watch_find(d->watch, ns, slash + 1) : NULL;
}

static bool is_vouched(const struct depends *d, const char *key, const struct kept *k)
{
	const struct kube_entry *e;

	if (clock_ms() - k->read_ms < LIMIT_SECRET_SHARED_MS)
		return true;
	e = watched(d, key);
	return e && kube_watch_live(d->watch) && !strcmp(e->rv, k->version);
}

struct depends_value *depends_vouched(struct depends *d, const char *key, const char **version)
{
	struct kept *k = kept_find(d, key);

	if (!k || !is_vouched(d, key, k))
		return NULL;
	*version = k->version;
	return k->value->ref(k->value);
}

struct depends_value *depends_read(struct depends *d, const char *key, const char *version)
{
	struct kept *k = kept_find(d, key);

	if (!k || strcmp(k->version, version) != 0)
		return NULL;
	k->read_ms = clock_ms();
	return k->value->ref(k->value);
}

void depends_keep(struct depends *d, const char *key, const char *version, struct depends_value *v)
{
	const struct kube_entry *e = watched(d, key);
	struct kept *k;

	if (!refs_any(&d->users, key) || (e && kube_version_older(version, e->rv)))
		return;
	depends_drop(d, key);
	k = NEW(struct kept);
	k->value = v->ref(v);
	k->version = mem_strdup(version);
	k->read_ms = clock_ms();
	/* An object whose value went is read again by its next run. */
	k->item.size = v->size;
	lru_add(&d->kept, key, &k->item);
}

/* ---- the watch ------------------------------------------------------------------------------- */

struct news {
	void (*changed)(void *user, bool all);
	bool all;
};

static void user_tell(void *arg, void *user)
{
	const struct news *n = arg;

	n->changed(user, n->all);
}

static void object_changed(struct depends *d, const struct kube_entry *e, bool deleted)
{
	auto_free char *key = mem_printf("%s/%s", kube_entry_ns(e), kube_entry_name(e));
	struct news news = {d->opts.changed, false};
	const struct kept *k;
	bool known;

	if (!refs_any(&d->users, key))
		return;
	k = kept_find(d, key);
	/* Read already in this version: news only for those whose last run was before it. */
	known = k && !deleted && !strcmp(k->version, e->rv);
	/* The first list tells nothing new: whoever needs an object has read it or will. */
	news.all = !known && (k || kube_watch_synced(d->watch));
	if (!known)
		depends_drop(d, key);
	refs_each(&d->users, key, user_tell, &news);
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
	struct depends *d = arg;

	lru_clear(&d->kept);
}

/* Once for each time of trouble: it may be for good, and nothing that would need a watch is
   lost. */
static void objects_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct depends *d = arg;
	struct kube_watch_stats s = {0};

	if (d->watch)
		kube_watch_stats(d->watch, &s);
	if (s.failures > 1)
		log_debug(NULL, "cannot watch", LS("resource", d->opts.resource->plural),
			LU("retryMs", in_ms), LE(err));
	else
		log_error(NULL, "cannot watch, each run reads its object",
			LS("resource", d->opts.resource->plural), LE(err));
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct depends *depends_new(const struct depends_opts *opts)
{
	struct depends *d = NEW(struct depends);

	d->opts = *opts;
	lru_init(&d->kept, LIMIT_IDENTITIES, NULL, kept_free);
	d->kept.max_bytes = LIMIT_IDENTITIES_BYTES;
	return d;
}

void depends_start(struct depends *d)
{
	d->watch = kube_watch_start(d->opts.kube,
		&(struct kube_watch_req){.resource = d->opts.resource,
			.ns = d->opts.ns,
			.metadata_only = true,
			.on_set = object_set,
			.on_deleted = object_deleted,
			.on_reset = objects_reset,
			.on_error = objects_error,
			.arg = d});
}

struct op *depends_watch(const struct depends *d)
{
	return d->watch;
}

void depends_stop(struct depends *d)
{
	op_drop(MOVE(d->watch));
}

void depends_free(struct depends *d)
{
	if (!d)
		return;
	lru_clear(&d->kept);
	refs_clear(&d->users);
	free(d);
}
