#include "base/metrics.h"
#include "ctl/controller.h"
#include "ctl/run.h"
#include "kube/client.h"
#include "source/item.h"
#include "source/provider.h"

void provider_looked_up(const struct log_ctx *who, struct cloud_lookups n)
{
	struct run *r = run_of_log(who);
	struct metric_family *f;
	struct artifact_item *a;

	if (!r)
		return;
	a = ARTIFACT_ITEM(r->item);
	f = metrics_counter(r->c->opts.metrics, "gotk_token_cache_events_total",
		"Lookups of an object's logins at a cloud.",
		"event_type,kind,name,namespace,operation");
	if (n.hits && !a->login_hits)
		a->login_hits = metric_series(
			f, "cache_hit", r->c->kind->resource->kind, r->name, r->ns, "reconcile");
	if (n.misses && !a->login_misses)
		a->login_misses = metric_series(
			f, "cache_miss", r->c->kind->resource->kind, r->name, r->ns, "reconcile");
	if (n.hits)
		metric_add(a->login_hits, n.hits);
	if (n.misses)
		metric_add(a->login_misses, n.misses);
}
