#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "kube/patch.h"
#include "kube/watch.h"
#include "oci/identity.h"
#include "oci/registry.h"

#include <stdio.h>
#include <string.h>

/* Files looked at at a time before the first run of their objects; the worker lanes see to it that
   large ones of one namespace do not keep the others. */
#define CHECKS_MAX 64

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

/* The file in dir that the object's status names and that is this object's to keep, or NULL. */
static const char *path_of(const json_t *obj, const char *dir)
{
	const char *path = obj_str(obj, "status", "artifact", "path");
	struct store_path parsed;
	struct err err = {0};

	/* A status may name a file of another kind or object. And what has lost our finalizer has lost its files. */
	if (!path || store_path_parse(&parsed, path, &err) || parsed.latest ||
		strcmp(parsed.dir, dir) != 0 ||
		(ocirepo_deleting(obj) && !kube_has_finalizer(obj, OCIREPO_FINALIZER)))
		return NULL;
	return path;
}

/* For the lanes, or "" when the object cannot say where to go. */
static char *host_of(const json_t *obj)
{
	const char *url = obj_str_or("", obj, "spec", "url");
	struct oci_repo where;
	struct err err = {0};

	if (oci_repo_parse(&where, url, obj_bool(false, obj, "spec", "insecure"), &err))
		return mem_strdup("");
	return lane_host(&where);
}

void repo_store(struct repo *repo, const json_t *obj)
{
	char dir[STORE_DIR_MAX];

	settled_free(MOVE(repo->settled));
	free(repo->text);
	free(repo->rv);
	free(repo->uid);
	free(repo->requested_at);
	free(repo->host);
	free(MOVE(repo->path));
	repo->text = ocirepo_compact(obj, &repo->whole);
	repo->rv = mem_strdup(ocirepo_version(obj));
	repo->uid = mem_strdup(obj_str_or("", obj, "metadata", "uid"));
	repo->requested_at = mem_strdup(ocirepo_requested_at(obj));
	repo->generation = ocirepo_generation(obj);
	repo->deleting = ocirepo_deleting(obj);
	repo->suspended = obj_bool(false, obj, "spec", "suspend");
	repo->host = host_of(obj);
	set_secret_key(repo, secret_key_of(obj));
	if (!repo_dir(repo, dir))
		return;
	repo->path = mem_strdup(path_of(obj, dir));
	store_set_current(repo->c->opts.store, dir, repo->path);
}

void repo_renew(struct repo *repo)
{
	free(MOVE(repo->lost_path));
	repo->lost_times = 0;
	repo->restore_next = false;
	queue_reset(&repo->queue_item);
}

bool repo_adopt(struct repo *repo, const json_t *obj)
{
	if (strcmp(obj_str_or("", obj, "metadata", "uid"), repo->uid) != 0)
		return false;
	if (!repo->queue_item.leaving) {
		repo_store(repo, obj);
		repo_renew(repo);
	}
	return true;
}

void repo_due(struct repo *repo)
{
	if (!repo->check && !repo->check_prev && !map_get(&repo->c->leaving, repo->name))
		queue_add(&repo->queue_item);
}

/* ---- the first look -------------------------------------------------------------------------------------------------
 * The file that a status names is hashed before the object's first run, in a line of its own: runs may hang at a registry that does not
 * answer, and whole files must not wait for that to be served.
 */

static void check_pump(struct ocirepo *c);

static void check_done(struct op *op, void *arg)
{
	struct repo *repo = arg;

	/* What it found is in the store; the run's own look is a stat. */
	op_free(op);
	repo->check = NULL;
	repo->c->checks--;
	repo_due(repo);
	check_pump(repo->c);
}

static void check_line_out(struct repo *repo)
{
	*repo->check_prev = repo->check_next;
	if (repo->check_next)
		repo->check_next->check_prev = repo->check_prev;
	else
		repo->c->check_last = repo->check_prev;
	repo->check_prev = NULL;
	repo->check_next = NULL;
}

static void check_start(struct repo *repo)
{
	struct err err = {0};
	auto_json json_t *obj = obj_parse_api(repo->text, strlen(repo->text), "object", &err);
	const char *path = obj_str_or("", obj, "status", "artifact", "path");
	struct digest digest;

	if (digest_parse(&digest, obj_str_or("", obj, "status", "artifact", "digest"), &err)) {
		/* No artifact, as the run will see it as well. */
		store_promise_end(repo->c->opts.store, path);
		repo_due(repo);
		return;
	}
	repo->c->checks++;
	repo->check = store_check_start(repo->c->opts.store, path, &digest);
	op_then(repo->check, check_done, repo);
}

static void check_pump(struct ocirepo *c)
{
	while (c->check_first && c->checks < CHECKS_MAX) {
		struct repo *repo = c->check_first;

		check_line_out(repo);
		check_start(repo);
	}
}

static void check_add(struct repo *repo)
{
	struct ocirepo *c = repo->c;

	repo->check_prev = c->check_last;
	*c->check_last = repo;
	c->check_last = &repo->check_next;
	check_pump(c);
}

static void check_cancel(struct repo *repo)
{
	if (repo->check_prev)
		check_line_out(repo);
	if (!repo->check)
		return;
	op_drop(MOVE(repo->check));
	repo->c->checks--;
	check_pump(repo->c);
}

/* ---- an object comes and goes ------------------------------------------------------------------------------------------ */

static struct repo *repo_new(struct ocirepo *c, const json_t *obj)
{
	struct repo *repo = NEW(struct repo);
	const char *ns = obj_str_or("", obj, "metadata", "namespace");
	const char *name = obj_str_or("", obj, "metadata", "name"), *path = NULL;
	char dir[STORE_DIR_MAX];

	repo->c = c;
	repo->name = mem_printf("%s/%s", ns, name);
	repo->ns = mem_strdup(ns);
	queue_item_init(&repo->queue_item, &c->queue);
	if (c->opts.metrics)
		repo->duration = metric_series(c->duration, OCIREPO_KIND, name, ns);
	c->repos++;
	if (repo_dir(repo, dir)) {
		store_claim(c->opts.store, dir);
		/* Nobody fetches the file of an object that goes. */
		path = ocirepo_deleting(obj) ? NULL : path_of(obj, dir);
		if (path)
			store_promise(c->opts.store, path);
	}
	repo_store(repo, obj);
	if (path)
		check_add(repo);
	else
		repo_due(repo);
	return repo;
}

static void repo_free(struct repo *repo)
{
	set_secret_key(repo, NULL);
	metric_remove(repo->duration);
	repo->c->repos--;
	settled_free(repo->settled);
	free(repo->text);
	free(repo->rv);
	free(repo->uid);
	free(repo->requested_at);
	free(repo->lost_path);
	free(repo->lost_why);
	free(repo->host);
	free(repo->path);
	free(repo->ns);
	free(repo->name);
	free(repo);
}

/* ---- what the API server says ---------------------------------------------------------------------------------------- */

/* Where somebody else has put another artifact into the status (a backup, a migration), its file may be
   missing. */
static void status_changed(struct repo *repo, const json_t *obj)
{
	auto_free char *before = mem_strdup(repo->path);

	repo_store(repo, obj);
	if (!repo->path || (before && !strcmp(before, repo->path)) || !repo_file_missing(repo))
		return;
	store_promise(repo->c->opts.store, repo->path);
	repo_due(repo);
}

static void object_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct ocirepo *c = arg;
	struct repo *repo = e->user;
	bool changed;

	(void)added;
	if (!repo) {
		e->user = repo_new(c, obj);
		return;
	}
	/* The answers to our own writes are ahead of the watch: what it says of the time before, or of them, is old news. */
	if (!strcmp(e->rv, repo->rv) || kube_version_older(e->rv, repo->rv))
		return;
	changed = repo->generation != ocirepo_generation(obj) ||
		repo->deleting != ocirepo_deleting(obj);
	if (!changed && *repo->rv && !strcmp(repo->requested_at, ocirepo_requested_at(obj))) {
		status_changed(repo, obj);
		return;
	}
	repo_store(repo, obj);
	repo_renew(repo);
	if (changed)
		queue_cancel(&repo->queue_item, CAUSE_CHANGED);
	repo_due(repo);
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
	check_cancel(repo);
	tell_cancel(repo);
	/* An object of the same name may come before this one has ended: the series is the new one's then. */
	metric_remove(MOVE(repo->duration));
	if (queue_is_running(&repo->queue_item))
		BUG_IF(map_put(&repo->c->leaving, repo->name, repo));
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

void each_object(struct ocirepo *c, void (*fn)(void *arg, struct kube_entry *e), void *arg)
{
	size_t at = 0;

	if (c->watch)
		kube_cache_walk(kube_watch_cache(c->watch), &at, SIZE_MAX, fn, arg);
}

static void forget_version(void *arg, struct kube_entry *e)
{
	struct repo *repo = e->user;

	(void)arg;
	free(repo->rv);
	repo->rv = mem_strdup("");
}

/* The API server has gone back in time: what it says now counts, and a status of then may name a file that is gone. */
static void objects_reset(void *arg)
{
	each_object(arg, forget_version, NULL);
}

static void objects_error(void *arg, const struct err *err, uint64_t in_ms)
{
	(void)arg;
	log_error(NULL, "cannot watch", LS("resource", ocirepo_resource.plural),
		LU("retryMs", in_ms), LE(err));
}

/* ---- the queue ---------------------------------------------------------------------------------------------------------- */

static struct op *start_run(void *arg, struct queue_item *item)
{
	struct repo *repo = CONTAINER_OF(item, struct repo, queue_item);

	/* Two writers of one status would only refuse each other. */
	repo->due_after_tell = repo->tell;
	return repo->tell ? NULL : run_start(arg, repo);
}

static enum queue_next after_failure(struct run *r, struct op *op, uint64_t *ms)
{
	switch (op->err.kind) {
	case ERR_STALL:
		return QUEUE_STOP;
	case ERR_WAIT:
		*ms = op->err.retry_ms;
		return QUEUE_BACKOFF;
	case ERR_HELD:
		*ms = op->err.retry_ms;
		return QUEUE_WAIT;
	case ERR_CANCELED:
		/* Of an object that goes no run comes after, whatever is said here. */
		return r->task.cause == CAUSE_CHANGED ? QUEUE_NOW : QUEUE_BACKOFF;
	default:
		return QUEUE_BACKOFF;
	}
}

static enum queue_next next_of(struct run *r, struct op *op, uint64_t *ms)
{
	if (op->err.kind == ERR_CANCELED)
		return after_failure(r, op, ms);
	if (r->requeue_now)
		return QUEUE_NOW;
	if (r->repo->restore_next)
		return QUEUE_AGAIN;
	/* One answer of the API server is no reason to give the object up: only the watch says that it is gone. */
	if (r->gone)
		return QUEUE_BACKOFF;
	/* A time that the registry named counts, whatever the API server said. */
	if (r->patch_err.kind != ERR_NONE && op->err.kind != ERR_WAIT && op->err.kind != ERR_HELD) {
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

	settled_return(r);
	if (op->err.kind == ERR_CANCELED)
		return next;
	if (repo->duration)
		metric_observe(repo->duration, (double)(clock_ns() - r->since_ns) / 1e9);
	if (op->err.kind != ERR_NONE && op->err.kind != ERR_STALL)
		metric_inc(c->result_error);
	else if (next == QUEUE_NOW || next == QUEUE_AGAIN)
		metric_inc(c->result_requeue);
	else if (next == QUEUE_AFTER)
		metric_inc(c->result_requeue_after);
	else
		metric_inc(c->result_success);
	return next;
}

/* key: "ns/name" */
static struct repo *find_repo(struct ocirepo *c, const char *key)
{
	const char *slash = strchr(key, '/');
	auto_free char *ns = mem_strndup(key, (size_t)(slash - key));
	const struct kube_entry *e = c->watch ? kube_watch_find(c->watch, ns, slash + 1) : NULL;

	return e ? e->user : NULL;
}

void repo_removed(struct repo *repo)
{
	struct ocirepo *c = repo->c;
	struct repo *next;

	repo->removed = true;
	if (repo->tell)
		return; /* comes back when that has ended */
	if (map_get(&c->leaving, repo->name) == repo) {
		map_del(&c->leaving, repo->name);
		next = find_repo(c, repo->name);
		if (next)
			repo_due(next);
	}
	repo_free(repo);
}

static void item_removed(void *arg, struct queue_item *item)
{
	(void)arg;
	repo_removed(CONTAINER_OF(item, struct repo, queue_item));
}

/* ---- the controller ------------------------------------------------------------------------------------------------------- */

static void oldest_run(void *arg, struct kube_entry *e)
{
	uint64_t *since = arg;
	const struct repo *repo = e->user;

	if (repo && repo->queue_item.run && repo->queue_item.run_since_ms < *since)
		*since = repo->queue_item.run_since_ms;
}

static void lane_metrics(void *arg, const char *name, const struct turns *lane)
{
	metric_emit(arg, lane->waiting, name, "waiting");
	metric_emit(arg, lane->held, name, "quick");
	metric_emit(arg, lane->slow, name, "slow");
}

static void lane_metric_longest(void *arg, const char *name, const struct turns *lane)
{
	metric_emit(arg, (double)turns_longest_ms(lane) / 1000, name);
}

static void longest_run(void *arg, struct metric_out *out)
{
	uint64_t now = clock_ms(), since = now;

	each_object(arg, oldest_run, &since);
	metric_emit(out, (double)(now - since) / 1000, OCIREPO_STORE_KIND);
}

static void lane_places(void *arg, struct metric_out *out)
{
	lanes_each(arg, lane_metrics, out);
}

static void lane_wait_longest(void *arg, struct metric_out *out)
{
	lanes_each(arg, lane_metric_longest, out);
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
	metric_family_on_scrape(metrics_gauge(m, "oci_turns",
					"Objects that wait for a place, hold one, or hold one for "
					"long.",
					"lane,state"),
		lane_places, c);
	metric_family_on_scrape(metrics_gauge(m, "oci_turns_longest_wait_seconds",
					"For how long the first one has been waiting.", "lane"),
		lane_wait_longest, c);
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
	c->check_last = &c->check_first;
	lanes_init(c);
	identities_init(c);
	queue_init(&c->queue,
		&(struct queue_opts){.loop = opts->loop,
			.place = lane_place,
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
	if (c->stopping)
		return;
	oci_client_on_change(c->opts.oci, lanes_host_changed, c);
	c->secrets = credentials_watch(c);
	c->watch = kube_watch_start(c->opts.kube,
		&(struct kube_watch_req){.resource = &ocirepo_resource,
			.ns = c->ns,
			.label_selector = c->label_selector,
			.on_set = object_set,
			.on_deleted = object_deleted,
			.on_synced = list_synced,
			.on_reset = objects_reset,
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
	struct repo *repo;

	if (store_path_parse(&p, path, &err))
		return;
	repo = find_repo(c, strchr(p.dir, '/') + 1); /* ocirepository/NS/NAME */
	if (repo)
		repo_due(repo);
}

static void stop_object(void *arg, struct kube_entry *e)
{
	struct repo *repo = e->user;

	(void)arg;
	if (!repo)
		return;
	e->user = NULL;
	check_cancel(repo);
	tell_cancel(repo);
	queue_remove(&repo->queue_item, CAUSE_SHUTDOWN);
}

void ocirepo_stop(struct ocirepo *c)
{
	if (c->stopping)
		return;
	c->stopping = true;
	queue_drain(&c->queue);
	oci_client_on_change(c->opts.oci, NULL, NULL);
	each_object(c, stop_object, NULL);
	op_drop(MOVE(c->watch));
	op_drop(MOVE(c->secrets));
}

bool ocirepo_idle(const struct ocirepo *c)
{
	return c->repos == 0;
}

void ocirepo_free(struct ocirepo *c)
{
	identities_clear(c);
	map_clear(&c->leaving);
	lanes_clear(c);
	oci_identity_unref(c->anonymous);
	refs_clear(&c->secret_users);
	free(c->ns);
	free(c->label_selector);
	free(c->adv_address);
	free(c);
}

char *artifact_url(const struct ocirepo *c, const char *path)
{
	const char *scheme = strstr(c->adv_address, "://") ? "" : "http://";

	return mem_printf("%s%s/%s", scheme, c->adv_address, path);
}
