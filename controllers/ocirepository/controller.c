#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/secret.h"
#include "controllers/ocirepository/internal.h"
#include "kube/watch.h"
#include "oci/identity.h"

#include <stdio.h>
#include <string.h>

static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};

/* ---- one object ---------------------------------------------------------------------------------------------------- */

static char *secret_key_of(const json_t *obj)
{
	const char *name = obj_str(obj, "spec", "secretRef", "name");

	return name && *name
		? mem_printf("%s/%s", obj_str_or("", obj, "metadata", "namespace"), name)
		: NULL;
}

static void set_secret_key(struct repo *repo, char *key)
{
	if (key && repo->secret_key && !strcmp(key, repo->secret_key)) {
		free(key);
		return;
	}
	if (repo->secret_key) {
		refs_del(&repo->c->secret_users, repo->secret_key, repo);
		if (!refs_any(&repo->c->secret_users, repo->secret_key))
			identity_drop(repo->c, repo->secret_key);
	}
	free(repo->secret_key);
	repo->secret_key = key;
	if (key)
		refs_add(&repo->c->secret_users, key, repo);
}

static bool repo_dir(const struct repo *repo, char dir[STORE_DIR_MAX])
{
	const char *slash = strchr(repo->name, '/');
	char *ns = mem_strndup(repo->name, (size_t)(slash - repo->name));
	struct err err = {0};
	int rc = store_dir_format(dir, OCIREPO_STORE_KIND, ns, slash + 1, &err);

	free(ns);
	return !rc;
}

void repo_store(struct repo *repo, const json_t *obj)
{
	char dir[STORE_DIR_MAX];
	const char *path = obj_str(obj, "status", "artifact", "path");
	struct store_path parsed;
	struct err err = {0};

	free(repo->text);
	free(repo->rv);
	free(repo->uid);
	free(repo->requested_at);
	repo->text = ocirepo_compact(obj);
	repo->rv = mem_strdup(obj_str_or("", obj, "metadata", "resourceVersion"));
	repo->uid = mem_strdup(obj_str_or("", obj, "metadata", "uid"));
	repo->requested_at = mem_strdup(ocirepo_requested_at(obj));
	repo->generation = ocirepo_generation(obj);
	repo->deleting = ocirepo_deleting(obj);
	set_secret_key(repo, secret_key_of(obj));
	if (!repo_dir(repo, dir))
		return;
	/* A status may name a file of another kind or object: then it is none of ours to keep. */
	if (path &&
		(store_path_parse(&parsed, path, &err) || parsed.latest ||
			strcmp(parsed.dir, dir) != 0))
		path = NULL;
	store_set_current(repo->c->opts.store, dir, path);
}

static struct repo *repo_new(struct ocirepo *c, const json_t *obj)
{
	struct repo *repo = NEW(struct repo);
	const char *ns = obj_str_or("", obj, "metadata", "namespace");
	const char *name = obj_str_or("", obj, "metadata", "name");
	const char *path = obj_str(obj, "status", "artifact", "path");
	char dir[STORE_DIR_MAX];
	struct store_path parsed;
	struct err err = {0};

	repo->c = c;
	repo->name = mem_printf("%s/%s", ns, name);
	queue_item_init(&repo->queue_item, &c->queue);
	if (c->opts.metrics)
		repo->duration = metric_series(c->duration, OCIREPO_KIND, name, ns);
	c->repos++;
	if (repo_dir(repo, dir)) {
		store_claim(c->opts.store, dir);
		if (path && !store_path_parse(&parsed, path, &err) && !parsed.latest &&
			!strcmp(parsed.dir, dir))
			store_promise(c->opts.store, path);
	}
	repo_store(repo, obj);
	return repo;
}

static void repo_free(struct repo *repo)
{
	set_secret_key(repo, NULL);
	metric_remove(repo->duration);
	repo->c->repos--;
	free(repo->text);
	free(repo->rv);
	free(repo->uid);
	free(repo->requested_at);
	free(repo->lost_path);
	free(repo->name);
	free(repo);
}

/* ---- what the API server says ---------------------------------------------------------------------------------------- */

static void object_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct ocirepo *c = arg;
	struct repo *repo = e->user;
	bool changed;

	(void)added;
	if (!repo) {
		repo = e->user = repo_new(c, obj);
		queue_add(&repo->queue_item);
		return;
	}
	/* The answers to our own writes are ahead of the watch: what it says of the time before is old news. */
	if (ocirepo_version_older(obj_str_or("", obj, "metadata", "resourceVersion"), repo->rv))
		return;
	changed = repo->generation != ocirepo_generation(obj) ||
		repo->deleting != ocirepo_deleting(obj);
	if (changed || strcmp(repo->requested_at, ocirepo_requested_at(obj)) != 0) {
		repo_store(repo, obj);
		queue_reset(&repo->queue_item);
		if (changed)
			queue_cancel(&repo->queue_item, CAUSE_CHANGED);
		queue_add(&repo->queue_item);
	} else {
		repo_store(repo, obj);
	}
}

static void object_deleted(void *arg, struct kube_entry *e)
{
	struct repo *repo = e->user;
	char dir[STORE_DIR_MAX];

	(void)arg;
	e->user = NULL;
	if (!repo)
		return;
	/* Deleted, or not in our shard any more: if the object lives on elsewhere its files stay for a while, and are swept then. */
	if (repo_dir(repo, dir))
		store_disown(repo->c->opts.store, dir);
	queue_remove(&repo->queue_item, CAUSE_DELETED);
}

static void list_synced(void *arg)
{
	struct ocirepo *c = arg;

	c->synced = true;
	store_listed(c->opts.store);
	log_info(NULL, "watching objects", LS("controllerKind", OCIREPO_KIND),
		LU("objects", kube_watch_count(c->watch)));
}

static void watch_error(void *arg, const struct err *err, uint64_t in_ms)
{
	log_error(NULL, "cannot watch", LS("resource", arg), LU("retryMs", in_ms), LE(err));
}

static void objects_error(void *arg, const struct err *err, uint64_t in_ms)
{
	(void)arg;
	watch_error((void *)(uintptr_t) "ocirepositories", err, in_ms);
}

static void secrets_error(void *arg, const struct err *err, uint64_t in_ms)
{
	(void)arg;
	watch_error((void *)(uintptr_t) "secrets", err, in_ms);
}

/* ---- Secrets ------------------------------------------------------------------------------------------------------------ */

void identity_drop(struct ocirepo *c, const char *key)
{
	oci_identity_unref(map_del(&c->identities, key));
}

static void requeue_user(void *arg, void *user)
{
	struct repo *repo = user;

	(void)arg;
	queue_reset(&repo->queue_item);
	queue_add(&repo->queue_item);
}

static void pull_secret_changed(struct ocirepo *c, struct kube_entry *e)
{
	auto_free char *key = mem_printf("%s/%s", kube_entry_ns(e), kube_entry_name(e));

	if (!refs_any(&c->secret_users, key))
		return;
	identity_drop(c, key);
	refs_each(&c->secret_users, key, requeue_user, c);
}

static void pull_secret_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct ocirepo *c = arg;

	(void)obj;
	/* The first list tells nothing new: whoever needs a Secret reads it. */
	if (!added || kube_watch_synced(c->secrets))
		pull_secret_changed(c, e);
}

static void pull_secret_deleted(void *arg, struct kube_entry *e)
{
	pull_secret_changed(arg, e);
}

/* ---- the queue ---------------------------------------------------------------------------------------------------------- */

static struct op *start_run(void *arg, struct queue_item *item)
{
	return run_start(arg, CONTAINER_OF(item, struct repo, queue_item));
}

static enum queue_next after_failure(struct run *r, struct op *op, uint64_t *ms)
{
	switch (op->err.kind) {
	case ERR_STALL:
		return QUEUE_STOP;
	case ERR_WAIT:
		*ms = op->err.retry_ms ? op->err.retry_ms : r->c->queue.opts.min_retry_ms;
		return QUEUE_WAIT;
	case ERR_CANCELED:
		return r->task.cause == CAUSE_CHANGED ? QUEUE_NOW : QUEUE_STOP;
	default:
		return QUEUE_BACKOFF;
	}
}

static enum queue_next next_of(struct run *r, struct op *op, uint64_t *ms)
{
	if (r->gone || r->stop)
		return QUEUE_STOP;
	if (op->err.kind == ERR_CANCELED)
		return after_failure(r, op, ms);
	if (r->requeue_now)
		return QUEUE_NOW;
	if (r->patch_err.kind != ERR_NONE) {
		op->err = r->patch_err;
		return after_failure(r, op, ms);
	}
	if (op->err.kind != ERR_NONE)
		return after_failure(r, op, ms);
	if (r->restore)
		return QUEUE_NOW; /* the file is back; now the object's own turn */
	if (r->silent)
		return QUEUE_STOP;
	*ms = queue_jitter_ms((uint64_t)r->spec.interval_ms, r->c->opts.jitter_percent);
	return QUEUE_AFTER;
}

static enum queue_next run_ended(void *arg, struct queue_item *item, struct op *op, uint64_t *ms)
{
	struct ocirepo *c = arg;
	struct run *r = CONTAINER_OF(CONTAINER_OF(op, struct task, self), struct run, task);
	struct repo *repo = CONTAINER_OF(item, struct repo, queue_item);
	enum queue_next next = next_of(r, op, ms);

	if (op->err.kind == ERR_CANCELED)
		return next;
	metric_observe(repo->duration, (double)(clock_ns() - r->since_ns) / 1e9);
	if (op->err.kind != ERR_NONE && op->err.kind != ERR_STALL)
		metric_inc(c->result_error);
	else if (next == QUEUE_NOW)
		metric_inc(c->result_requeue);
	else if (next == QUEUE_AFTER)
		metric_inc(c->result_requeue_after);
	else
		metric_inc(c->result_success);
	return next;
}

static void item_removed(void *arg, struct queue_item *item)
{
	(void)arg;
	repo_free(CONTAINER_OF(item, struct repo, queue_item));
}

/* ---- the controller ------------------------------------------------------------------------------------------------------- */

static void longest_run(void *arg, struct metric_out *out)
{
	struct ocirepo *c = arg;
	uint64_t now = clock_ms(), longest = 0;
	struct kube_cache *all = c->watch ? kube_watch_cache(c->watch) : NULL;
	size_t i;

	for (i = 0; all && i < all->nbuckets; i++) {
		struct kube_entry *e;

		for (e = all->buckets[i]; e; e = e->next) {
			struct repo *repo = e->user;

			if (repo && repo->queue_item.run &&
				now - repo->queue_item.run_since_ms > longest)
				longest = now - repo->queue_item.run_since_ms;
		}
	}
	metric_emit(out, (double)longest / 1000, OCIREPO_STORE_KIND);
}

static void queue_depth(void *arg, struct metric_out *out)
{
	struct ocirepo *c = arg;

	metric_emit(out, c->queue.ready, OCIREPO_STORE_KIND);
}

static void queue_adds(void *arg, struct metric_out *out)
{
	struct ocirepo *c = arg;

	metric_emit(out, (double)c->queue.adds, OCIREPO_STORE_KIND);
}

static void queue_retries(void *arg, struct metric_out *out)
{
	struct ocirepo *c = arg;

	metric_emit(out, (double)c->queue.retries, OCIREPO_STORE_KIND);
}

static void active_workers(void *arg, struct metric_out *out)
{
	struct ocirepo *c = arg;

	metric_emit(out, c->queue.running, OCIREPO_STORE_KIND);
}

static void add_metrics(struct ocirepo *c, struct metrics *m)
{
	c->duration = metrics_histogram(m, "gotk_reconcile_duration_seconds",
		"The duration in seconds of a reconciliation.", "kind,name,namespace",
		METRICS_RECONCILE_BUCKETS);
	c->results = metrics_counter(m, "controller_runtime_reconcile_total",
		"Reconciliations by controller and result.", "controller,result");
	c->result_success = metric_series(c->results, OCIREPO_STORE_KIND, "success");
	c->result_error = metric_series(c->results, OCIREPO_STORE_KIND, "error");
	c->result_requeue = metric_series(c->results, OCIREPO_STORE_KIND, "requeue");
	c->result_requeue_after = metric_series(c->results, OCIREPO_STORE_KIND, "requeue_after");
	metric_family_on_scrape(metrics_gauge(m, "workqueue_longest_running_processor_seconds",
					"Age of the oldest reconciliation in flight.", "name"),
		longest_run, c);
	metric_family_on_scrape(metrics_gauge(m, "workqueue_depth",
					"Objects that are due and wait for a place.", "name"),
		queue_depth, c);
	metric_family_on_scrape(
		metrics_counter(m, "workqueue_adds_total", "Objects that became due.", "name"),
		queue_adds, c);
	metric_family_on_scrape(metrics_counter(m, "workqueue_retries_total",
					"Runs that ended in a back-off.", "name"),
		queue_retries, c);
	metric_family_on_scrape(metrics_gauge(m, "controller_runtime_active_workers",
					"Reconciliations in flight.", "controller"),
		active_workers, c);
}

struct ocirepo *ocirepo_new(const struct ocirepo_opts *opts)
{
	struct ocirepo *c = NEW(struct ocirepo);

	c->opts = *opts;
	c->ns = mem_strdup(opts->ns);
	c->label_selector = mem_strdup(opts->label_selector);
	c->adv_address = mem_strdup(opts->adv_address);
	if (c->opts.algo == DIGEST_NONE)
		c->opts.algo = DIGEST_SHA256;
	gate_init(&c->gate, opts->loop, opts->concurrent ? opts->concurrent : 16);
	queue_init(&c->queue,
		&(struct queue_opts){.loop = opts->loop,
			.start = start_run,
			.ended = run_ended,
			.removed = item_removed,
			.arg = c,
			.min_retry_ms = opts->min_retry_ms,
			.max_retry_ms = opts->max_retry_ms});
	c->anonymous = oci_identity_new();
	add_metrics(c, opts->metrics);
	return c;
}

void ocirepo_start(struct ocirepo *c)
{
	c->secrets = kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = &SECRETS,
			.ns = c->ns,
			.metadata_only = true,
			.on_set = pull_secret_set,
			.on_deleted = pull_secret_deleted,
			.on_error = secrets_error,
			.arg = c});
	c->watch = kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = &ocirepo_resource,
			.ns = c->ns,
			.label_selector = c->label_selector,
			.on_set = object_set,
			.on_deleted = object_deleted,
			.on_synced = list_synced,
			.on_error = objects_error,
			.arg = c});
}

bool ocirepo_synced(void *c)
{
	return ((struct ocirepo *)c)->synced;
}

void ocirepo_file_lost(struct ocirepo *c, const char *path)
{
	struct store_path p;
	struct err err = {0};
	char *ns, *slash;
	struct kube_entry *e;

	if (!c->watch || store_path_parse(&p, path, &err))
		return;
	/* ocirepository/NS/NAME */
	ns = strchr(p.dir, '/') + 1;
	slash = strchr(ns, '/');
	*slash = '\0';
	e = kube_watch_find(c->watch, ns, slash + 1);
	if (e && e->user)
		queue_add(&((struct repo *)e->user)->queue_item);
}

static void leave(void *arg, void *user)
{
	struct repo *repo = user;

	(void)arg;
	queue_remove(&repo->queue_item, CAUSE_SHUTDOWN);
}

void ocirepo_stop(struct ocirepo *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	queue_drain(&c->queue);
	if (c->watch) {
		struct kube_cache *all = kube_watch_cache(c->watch);
		size_t i;

		for (i = 0; i < all->nbuckets; i++) {
			struct kube_entry *e;

			for (e = all->buckets[i]; e; e = e->next) {
				if (e->user)
					leave(c, e->user);
				e->user = NULL;
			}
		}
	}
	op_drop(MOVE(c->watch));
	op_drop(MOVE(c->secrets));
}

bool ocirepo_idle(const struct ocirepo *c)
{
	return c->repos == 0;
}

void ocirepo_free(struct ocirepo *c)
{
	size_t at = 0;
	void *id;

	while (map_next(&c->identities, &at, NULL, &id))
		oci_identity_unref(id);
	map_clear(&c->identities);
	oci_identity_unref(c->anonymous);
	refs_clear(&c->secret_users);
	free(c->ns);
	free(c->label_selector);
	free(c->adv_address);
	free(c);
}

char *artifact_url(const struct ocirepo *c, const char *path)
{
	return mem_printf("http://%s/%s", c->adv_address, path);
}
