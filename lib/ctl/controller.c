#include "ctl/controller.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "ctl/controller_metrics.h"
#include "ctl/depends.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "ctl/outage.h"
#include "ctl/outcome.h"
#include "ctl/role.h"
#include "ctl/run.h"
#include "ctl/tell.h"
#include "kube/client.h"
#include "kube/watch.h"

#include <string.h>

/* Of the table of objects, in one piece of work: some 100 objects. */
#define BUCKETS_AT_ONCE 100

/* ---- what the API server says ---------------------------------------------------------------- */

static void object_changed(struct item *i, const struct kube_entry *e, const json_t *obj)
{
	bool changed;

	/* The answers to our own writes are ahead of the watch: what it says of the time before, or
	   of them, is old news. */
	if (!strcmp(e->rv, i->version) || kube_version_older(e->rv, i->version))
		return;
	changed = !item_is_same(i, obj);
	if (!changed && *i->version && !strcmp(i->requested_at, object_requested_at(obj))) {
		item_store(i, obj, false);
		if (i->c->kind->item && i->c->kind->item->told)
			i->c->kind->item->told(i);
		return;
	}
	item_store(i, obj, false);
	item_renew(i);
	if (changed)
		queue_cancel(&i->queue_item, CAUSE_CHANGED);
	item_due(i);
}

static void object_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	(void)added;
	if (e->user)
		object_changed(e->user, e, obj);
	else
		e->user = item_new(arg, obj);
}

static void object_deleted(void *arg, struct kube_entry *e)
{
	struct controller *c = arg;
	struct item *i = MOVE(e->user);

	if (!i)
		return;
	if (c->kind->item && c->kind->item->gone)
		c->kind->item->gone(i);
	/* An object of the same name may come before this one has ended: the series is the new
	   one's then. */
	metric_remove(MOVE(i->duration));
	if (queue_is_running(&i->queue_item))
		BUG_IF(map_put(&c->leaving, i->key, i));
	item_leave(i, CAUSE_DELETED);
}

static void list_synced(void *arg)
{
	struct controller *c = arg;

	c->synced = true;
	if (c->opts.listed)
		c->opts.listed(c->opts.env);
	log_info(NULL, "watching objects", LS("controllerKind", c->kind->resource->kind),
		LU("objects", kube_watch_count(c->watch)));
}

static void forget_version(void *arg, struct item *i)
{
	(void)arg;
	free(i->version);
	i->version = mem_strdup("");
}

/* The API server has gone back in time: what it says now counts, and a status of then may name a
   file that is gone. */
static void objects_reset(void *arg)
{
	item_each(arg, forget_version, NULL);
}

static void objects_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct controller *c = arg;

	log_error(NULL, "cannot watch", LS("resource", c->kind->resource->plural),
		LU("retryMs", in_ms), LE(err));
}

static void dependency_changed(void *user, bool all)
{
	struct item *i = user;

	if (!all && !i->queue_item.failures)
		return;
	item_renew(i);
	item_due(i);
}

/* ---- a host was found up or down ------------------------------------------------------------- */

/* "NAME" or "NAME|..." (kind.h). */
static bool is_at(const struct item *i, const char *host)
{
	size_t n = strlen(host);

	return !strncmp(i->host, host, n) && (i->host[n] == '|' || !i->host[n]);
}

static void try_again(void *arg, struct item *i)
{
	const struct kind *k = i->c->kind;

	if (i->queue_item.failures && !queue_is_running(&i->queue_item) && is_at(i, arg) &&
		k->host_up && k->host_up(i->c->opts.env, i->host))
		item_due(i);
}

/* Who failed while it was down need not wait for the end of its back-off. */
void controller_host_changed(void *c, const char *host)
{
	lanes_look(c);
	item_each(c, try_again, (void *)(uintptr_t)host);
}

static void try_failed(void *arg, struct item *i)
{
	(void)arg;
	if (i->queue_item.failures)
		item_due(i);
}

void controller_try_failed(struct controller *c)
{
	item_each(c, try_failed, NULL);
}

static void unsettle(void *arg, struct item *i)
{
	(void)arg;
	item_unsettle(i);
	item_due(i);
}

static void unsettle_some(void *arg)
{
	struct controller *c = arg;

	do {
		if (!loop_has_time(c->opts.loop, &c->unsettling)) {
			loop_time_wait(c->opts.loop, &c->unsettling, unsettle_some, c);
			return;
		}
	} while (item_walk(c, &c->unsettled, BUCKETS_AT_ONCE, unsettle, NULL));
}

void controller_unsettle(struct controller *c)
{
	if (c->stopping)
		return;
	c->unsettled = (struct kube_cursor){0};
	defer_queue(c->opts.loop, &c->unsettling, unsettle_some, c);
}

/* ---- the queue ------------------------------------------------------------------------------- */

static struct item *item_of(struct queue_item *at)
{
	return CONTAINER_OF(at, struct item, queue_item);
}

static struct turns *object_place(void *arg, struct queue_item *at, struct turn_ask *ask)
{
	tell_arm(arg);
	return lanes_place(item_of(at), ask);
}

static struct task *object_start(void *arg, struct queue_item *at)
{
	struct item *i = item_of(at);

	if (i->c->resigns || (i->c->follows && !role_has_work(i)))
		return NULL;
	/* Two writers of one status would only refuse each other. */
	i->due_after_tell = i->tell;
	if (i->tell)
		return NULL;
	controller_metrics_started(arg, i);
	return run_start(i);
}

static enum queue_next queue_next_of(const struct run *r, const struct err *err, uint64_t *ms)
{
	if (err->kind ==
		ERR_CANCELED) /* of an object that goes no run comes after, whatever is said */
		return r->task.cause == CAUSE_CHANGED || r->task.cause == CAUSE_DEMOTED
			? QUEUE_NOW
			: QUEUE_BACKOFF;
	switch (outcome_of(r->mode, r->end, err->kind, r->spec->suspend).next) {
	case NEXT_STOP:
		/* Another replica may have the file later, whatever is wrong with the spec. */
		return r->c->follows && r->mode == RUN_RESTORE && err->kind == ERR_STALL
			? QUEUE_BACKOFF
			: QUEUE_STOP;
	case NEXT_NOW:
		return QUEUE_NOW;
	case NEXT_GO_ON:
		return QUEUE_AGAIN;
	case NEXT_INTERVAL:
		*ms = (uint64_t)r->spec->interval_ms;
		if (r->again_ms && (!*ms || r->again_ms < *ms))
			*ms = r->again_ms;
		*ms = queue_jitter_ms(*ms, r->c->opts.jitter_percent);
		if (*ms)
			return QUEUE_AFTER;
		queue_reset(&r->item->queue_item);
		return QUEUE_STOP;
	case NEXT_LATER:
		*ms = r->again_ms;
		return QUEUE_WAIT;
	case NEXT_NAMED:
		*ms = err->retry_ms;
		return QUEUE_BACKOFF;
	case NEXT_WAIT:
		*ms = err->retry_ms;
		return QUEUE_WAIT;
	default:
		return QUEUE_BACKOFF;
	}
}

static enum queue_next next_of(struct run *r, uint64_t *ms)
{
	struct err *err = &r->task.self.err;
	bool named = err->kind == ERR_WAIT || err->kind == ERR_HELD;

	/* A time that was named counts, whatever the API server said. */
	if (r->patch_err && err->kind != ERR_CANCELED && !named && r->end != RUN_GONE &&
		r->end != RUN_AGAIN)
		*err = *r->patch_err;
	return outage_bound(r, queue_next_of(r, err, ms), ms);
}

static enum queue_next object_ended(void *arg, struct queue_item *at, struct task *t, uint64_t *ms)
{
	struct run *r = RUN(t);
	struct item *i = item_of(at);
	enum queue_next next = next_of(r, ms);

	/* It has not read the object, so that it has found everything as it was. */
	if (r->settled && r->end != RUN_AGAIN && r->seen == i->changes)
		i->settled = true;
	if (t->self.err.kind == ERR_NONE && r->mode == RUN_WORK &&
		(r->end == RUN_UNCHANGED || r->end == RUN_MADE))
		i->succeeded_ms = clock_wall_ms();
	controller_metrics_ended(arg, r, next);
	return next;
}

static void object_removed(void *arg, struct queue_item *at)
{
	(void)arg;
	item_removed(item_of(at));
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

static bool all_in(const char *const *list, const char *const *types)
{
	for (; types && *types; types++)
		if (!cond_in(list, *types))
			return false;
	return true;
}

/* What kind.h says has to be there. */
static void kind_check(const struct kind *k)
{
	static const char *const own[] = {COND_STALLED, COND_RECONCILING, NULL};

	BUG_IF(!k->name || !k->resource || !k->spec_new);
	BUG_IF(k->item_size < sizeof(struct item) || k->run_size < sizeof(struct run));
	BUG_IF(!k->work || !k->work_last || !k->remove || !k->remove_last);
	BUG_IF(!k->restore != !k->restore_last);
	BUG_IF(k->host && !k->host_noun);
	BUG_IF(k->depends[0] && !k->depends_each);
	BUG_IF(!k->conditions || !k->negative);
	BUG_IF(!all_in(k->conditions, k->negative) || !all_in(k->negative, own) ||
		!all_in(k->negative, k->failures));
}

struct controller *controller_new(const struct kind *kind, const struct controller_opts *opts)
{
	struct controller *c = NEW(struct controller);

	kind_check(kind);
	BUG_IF(!opts->loop || !opts->kube || !opts->metrics);
	c->kind = kind;
	c->opts = *opts;
	c->follows = opts->leads && !opts->leads(opts->role);
	c->ns = mem_strdup(opts->ns);
	c->label_selector = mem_strdup(opts->label_selector);
	lanes_init(c);
	outage_init(c);
	tell_init(c);
	c->depends = depends_new(&(struct depends_opts){.kube = opts->kube,
		.resources = kind->depends,
		.ns = c->ns,
		.changed = dependency_changed});
	queue_init(&c->queue,
		&(struct queue_opts){.loop = opts->loop,
			.place = object_place,
			.start = object_start,
			.ended = object_ended,
			.removed = object_removed,
			.arg = c,
			.min_retry_ms = opts->min_retry_ms,
			.max_retry_ms = opts->max_retry_ms});
	controller_metrics_add(c, opts->metrics);
	return c;
}

void controller_start(struct controller *c)
{
	if (c->stopping)
		return;
	depends_start(c->depends);
	c->watch = kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = c->kind->resource,
			.ns = c->ns,
			.label_selector = c->label_selector,
			.on_set = object_set,
			.on_deleted = object_deleted,
			.on_synced = list_synced,
			.on_reset = objects_reset,
			.on_error = objects_error,
			.arg = c});
}

const char *controller_name(const struct controller *c)
{
	return c->kind->name;
}

bool controller_synced(void *c)
{
	return ((struct controller *)c)->synced;
}

static void stop_object(void *arg, struct kube_entry *e)
{
	struct item *i = MOVE(e->user);

	(void)arg;
	if (i)
		item_leave(i, CAUSE_SHUTDOWN);
}

void controller_stop(struct controller *c)
{
	struct kube_cursor at = {0};

	if (c->stopping)
		return;
	c->stopping = true;
	defer_cancel(c->opts.loop, &c->unsettling);
	queue_drain(&c->queue);
	if (c->opts.stopped)
		c->opts.stopped(c->opts.env);
	if (c->watch)
		kube_cache_walk(kube_watch_cache(c->watch), &at, SIZE_MAX, stop_object, NULL);
	op_drop(MOVE(c->watch));
	depends_stop(c->depends);
}

bool controller_idle(const struct controller *c)
{
	return c->items == 0 && (!c->opts.idle || c->opts.idle(c->opts.env));
}

void controller_free(struct controller *c)
{
	controller_metrics_del(c, c->opts.metrics);
	map_clear(&c->leaving);
	outage_clear(c);
	tell_end(c);
	lanes_clear(c);
	depends_free(c->depends);
	if (c->opts.freed)
		c->opts.freed(c->opts.env);
	free(c->ns);
	free(c->label_selector);
	free(c);
}
