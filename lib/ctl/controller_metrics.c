#include "ctl/controller_metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "http/url.h"
#include "kube/cache.h"
#include "kube/client.h"

/* Buckets of the cache that are looked at between two looks at the size of the page. */
#define BUCKETS_AT_ONCE 32

/* ---- runs in flight, lanes, the queue -------------------------------------------------------- */

struct in_flight {
	uint64_t now, longest, sum; /* milliseconds */
};

static void one_in_flight(void *arg, struct item *i)
{
	struct in_flight *f = arg;
	uint64_t ms;

	if (!i->queue_item.run)
		return;
	ms = f->now - i->queue_item.run_since_ms;
	f->sum += ms;
	if (ms > f->longest)
		f->longest = ms;
}

static struct in_flight runs_in_flight(struct controller *c)
{
	struct in_flight f = {.now = clock_ms()};

	item_each(c, one_in_flight, &f);
	return f;
}

struct lanes_out {
	const char *kind;
	struct metric_out *out;
};

static void lane_metrics(void *arg, const char *name, const struct turns *lane)
{
	const struct lanes_out *o = arg;

	metric_emit(o->out, lane->waiting, o->kind, name, "waiting");
	metric_emit(o->out, lane->held, o->kind, name, "quick");
	metric_emit(o->out, lane->slow, o->kind, name, "slow");
}

static void lane_metric_longest(void *arg, const char *name, const struct turns *lane)
{
	const struct lanes_out *o = arg;

	metric_emit(o->out, (double)turns_longest_ms(lane) / 1000, o->kind, name);
}

static void longest_run(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)runs_in_flight(c).longest / 1000, c->kind->name, c->kind->name);
}

static void unfinished_work(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)runs_in_flight(c).sum / 1000, c->kind->name, c->kind->name);
}

static void lane_places(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	lanes_each(c, lane_metrics, &(struct lanes_out){c->kind->name, out});
}

static void lane_wait_longest(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	lanes_each(c, lane_metric_longest, &(struct lanes_out){c->kind->name, out});
}

static void queue_depth(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	/* There is one priority: 0, as of an ordinary event in controller-runtime. */
	metric_emit(out, c->queue.ready, c->kind->name, c->kind->name, "0");
}

static void queue_adds(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)c->queue.adds, c->kind->name, c->kind->name);
}

static void queue_retries(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)c->queue.retries, c->kind->name, c->kind->name);
}

static void active_workers(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, c->queue.running, c->kind->name);
}

static void most_workers(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, c->lanes.pulls.opts.places, c->kind->name);
}

/* ---- objects --------------------------------------------------------------------------------- */

static bool each_object(struct controller *c, struct metric_out *out, struct metric_cursor *cursor,
	void (*fn)(void *out, struct item *i))
{
	struct kube_cursor at = {cursor->at, cursor->of};
	bool more = item_walk(c, &at, BUCKETS_AT_ONCE, fn, out);

	*cursor = (struct metric_cursor){at.at, at.of};
	return more;
}

static void one_info(void *out, struct item *i)
{
	const struct kind *k = i->c->kind;
	const char *url = k->url ? k->url(i->spec) : NULL;
	const char *revision = k->revision ? k->revision(i) : NULL;
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

	if (url)
		url_safe(&shown, url);
	metric_emit(out, 1, k->resource->group, k->resource->version, k->resource->kind, i->name,
		i->ns, i->ready, i->suspended ? "true" : "false", revision, buf_str(&shown));
}

static bool object_info(void *arg, struct metric_out *out, struct metric_cursor *at)
{
	return each_object(arg, out, at, one_info);
}

/* Who is suspended, or goes, is not checked: nothing is overdue. */
static void one_interval(void *out, struct item *i)
{
	if (!i->suspended && !i->deleting && i->spec->interval_ms > 0)
		metric_emit(out, (double)i->spec->interval_ms / 1000, i->c->kind->resource->kind,
			i->name, i->ns);
}

static bool object_interval(void *arg, struct metric_out *out, struct metric_cursor *at)
{
	return each_object(arg, out, at, one_interval);
}

static void one_success(void *out, struct item *i)
{
	if (i->succeeded_ms)
		metric_emit(out, (double)i->succeeded_ms / 1000, i->c->kind->resource->kind,
			i->name, i->ns);
}

static bool object_success(void *arg, struct metric_out *out, struct metric_cursor *at)
{
	return each_object(arg, out, at, one_success);
}

/* ---- what is counted ------------------------------------------------------------------------- */

static double seconds_since(uint64_t ns)
{
	return (double)(clock_ns() - ns) / 1e9;
}

void controller_metrics_started(struct controller *c, const struct item *i)
{
	metric_observe(c->counts.queue_seconds, seconds_since(i->queue_item.due_ns));
}

static void count_result(struct controller_counts *n, enum err_kind kind, enum queue_next next)
{
	if (kind == ERR_STALL)
		metric_inc(n->terminal);
	if (kind != ERR_NONE && kind != ERR_STALL) {
		metric_inc(n->error);
		metric_inc(n->errors);
	} else if (next == QUEUE_NOW || next == QUEUE_AGAIN) {
		metric_inc(n->requeue);
	} else if (next == QUEUE_AFTER) {
		metric_inc(n->requeue_after);
	} else {
		metric_inc(n->success);
	}
}

void controller_metrics_ended(struct controller *c, const struct run *r, enum queue_next next)
{
	enum err_kind kind = r->task.self.err.kind;
	double seconds = seconds_since(r->since_ns);

	metric_observe(c->counts.work_seconds, seconds);
	if (kind == ERR_CANCELED)
		return;
	metric_observe(c->counts.run_seconds, seconds);
	if (r->item->duration)
		metric_observe(r->item->duration, seconds);
	count_result(&c->counts, kind, next);
}

/* ---- the families ---------------------------------------------------------------------------- */

/* Those of controller_runtime_reconcile_time_seconds. */
static struct metric_buckets run_buckets(void)
{
	return (struct metric_buckets){.n = 40,
		.le = {0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5,
			0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8,
			9, 10, 15, 20, 25, 30, 40, 50, 60}};
}

/* Those of the workqueue's: from 10 ns, each ten times the one before. */
static struct metric_buckets queue_buckets(void)
{
	return (struct metric_buckets){
		.n = 12, .le = {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000}};
}

static struct metric *counter_of(
	struct controller *c, struct metrics *m, const char *name, const char *help)
{
	return metric_series(metrics_counter(m, name, help, "controller"), c->kind->name);
}

static void outage_count(void *arg, struct item *i)
{
	*(unsigned *)arg += i->outage;
}

static void outage_objects(void *arg, struct metric_out *out)
{
	struct controller *c = arg;
	unsigned n = 0;

	item_each(c, outage_count, &n);
	metric_emit(out, n, c->kind->name);
}

static void counts_add(struct controller *c, struct metrics *m)
{
	struct metric_family *results = metrics_counter(m, "controller_runtime_reconcile_total",
		"Reconciliations by controller and result.", "controller,result");
	struct controller_counts *n = &c->counts;
	const char *name = c->kind->name;

	c->duration = metrics_histogram(m, "gotk_reconcile_duration_seconds",
		"The duration in seconds of a reconciliation.", "kind,name,namespace",
		METRICS_RECONCILE_BUCKETS);
	n->success = metric_series(results, name, "success");
	n->error = metric_series(results, name, "error");
	n->requeue = metric_series(results, name, "requeue");
	n->requeue_after = metric_series(results, name, "requeue_after");
	n->errors = counter_of(c, m, "controller_runtime_reconcile_errors_total",
		"Reconciliations that failed and are tried again.");
	n->terminal = counter_of(c, m, "controller_runtime_terminal_reconcile_errors_total",
		"Reconciliations that stalled: only another spec can end that.");
	n->run_seconds =
		metric_series(metrics_histogram(m, "controller_runtime_reconcile_time_seconds",
				      "The duration in seconds of a reconciliation, by controller.",
				      "controller", run_buckets()),
			name);
	n->queue_seconds =
		metric_series(metrics_histogram(m, "workqueue_queue_duration_seconds",
				      "For how long an object was due before its run began.",
				      "name,controller", queue_buckets()),
			name, name);
	n->work_seconds =
		metric_series(metrics_histogram(m, "workqueue_work_duration_seconds",
				      "The duration in seconds of a run, cancelled ones included.",
				      "name,controller", queue_buckets()),
			name, name);
}

static void readers_add(struct controller *c, struct metrics *m)
{
	static const struct {
		const char *name, *help, *labels;
		bool counter;
		void (*fn)(void *arg, struct metric_out *out);
	} all[] = {
		{"controller_runtime_max_concurrent_reconciles",
			"Runs that may pull or build at a time: --concurrent.", "controller", false,
			most_workers},
		{"controller_runtime_active_workers",
			"Runs in flight, those that only look for a change included.", "controller",
			false, active_workers},
		{"workqueue_depth", "Objects that are due and wait for a place.",
			"name,controller,priority", false, queue_depth},
		{"workqueue_adds_total", "Objects that became due.", "name,controller", true,
			queue_adds},
		{"workqueue_retries_total", "Runs that ended in a back-off.", "name,controller",
			true, queue_retries},
		{"workqueue_longest_running_processor_seconds", "Age of the oldest run in flight.",
			"name,controller", false, longest_run},
		{"workqueue_unfinished_work_seconds", "Ages of all runs in flight, summed up.",
			"name,controller", false, unfinished_work},
		{"oci_turns", "Objects that wait for a place, hold one, or hold one for long.",
			"name,lane,state", false, lane_places},
		{"oci_outage_objects", "Objects that are kept Ready while their registry fails.",
			"controller", false, outage_objects},
		{"oci_turns_longest_wait_seconds", "For how long the first one has been waiting.",
			"name,lane", false, lane_wait_longest},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(all); i++)
		metric_family_on_scrape(all[i].counter
				? metrics_counter(m, all[i].name, all[i].help, all[i].labels)
				: metrics_gauge(m, all[i].name, all[i].help, all[i].labels),
			all[i].fn, c);
}

void controller_metrics_add(struct controller *c, struct metrics *m)
{
	counts_add(c, m);
	readers_add(c, m);
	/* The labels are those that Flux has kube-state-metrics make of an object. */
	metric_family_in_slices(
		metrics_gauge(m, "gotk_resource_info", "The current state of an object.",
			"customresource_group,customresource_version,customresource_kind,name,"
			"exported_namespace,ready,suspended,revision,url"),
		object_info, c);
	metric_family_in_slices(
		metrics_gauge(m, "oci_object_interval_seconds",
			"How often an object is checked; one that is suspended is left out.",
			"kind,name,exported_namespace"),
		object_interval, c);
	metric_family_in_slices(
		metrics_gauge(m, "oci_object_last_success_timestamp_seconds",
			"When the last check of an object succeeded, in seconds since 1970; left "
			"out before the first one since the start.",
			"kind,name,exported_namespace"),
		object_success, c);
}

void controller_metrics_del(struct controller *c, struct metrics *m)
{
	metrics_off_scrape(m, c);
}
