#include "ctl/controller_metrics.h"

#include "base/clock.h"
#include "base/metrics.h"
#include "ctl/controller.h"
#include "ctl/item.h"

static void oldest_run(void *arg, struct item *i)
{
	uint64_t *since = arg;

	if (i->queue_item.run && i->queue_item.run_since_ms < *since)
		*since = i->queue_item.run_since_ms;
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
	uint64_t now = clock_ms(), since = now;

	item_each(c, oldest_run, &since);
	metric_emit(out, (double)(now - since) / 1000, c->kind->name);
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

	metric_emit(out, c->queue.ready, c->kind->name);
}

static void queue_adds(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)c->queue.adds, c->kind->name);
}

static void queue_retries(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, (double)c->queue.retries, c->kind->name);
}

static void active_workers(void *arg, struct metric_out *out)
{
	struct controller *c = arg;

	metric_emit(out, c->queue.running, c->kind->name);
}

void controller_metrics_add(struct controller *c, struct metrics *m)
{
	c->duration = metrics_histogram(m, "gotk_reconcile_duration_seconds",
		"The duration in seconds of a reconciliation.", "kind,name,namespace",
		METRICS_RECONCILE_BUCKETS);
	c->results = metrics_counter(m, "controller_runtime_reconcile_total",
		"Reconciliations by controller and result.", "controller,result");
	c->result_success = metric_series(c->results, c->kind->name, "success");
	c->result_error = metric_series(c->results, c->kind->name, "error");
	c->result_requeue = metric_series(c->results, c->kind->name, "requeue");
	c->result_requeue_after = metric_series(c->results, c->kind->name, "requeue_after");
	metric_family_on_scrape(metrics_gauge(m, "workqueue_longest_running_processor_seconds",
					"Age of the oldest reconciliation in flight.", "name"),
		longest_run, c);
	metric_family_on_scrape(metrics_gauge(m, "workqueue_depth",
					"Objects that are due and wait for a place.", "name"),
		queue_depth, c);
	metric_family_on_scrape(metrics_gauge(m, "oci_turns",
					"Objects that wait for a place, hold one, or hold one for "
					"long.",
					"name,lane,state"),
		lane_places, c);
	metric_family_on_scrape(
		metrics_gauge(m, "oci_turns_longest_wait_seconds",
			"For how long the first one has been waiting.", "name,lane"),
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

void controller_metrics_del(struct controller *c, struct metrics *m)
{
	metrics_off_scrape(m, c);
}
