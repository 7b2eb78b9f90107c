#include "app.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "crypto/digest.h"
#include "crypto/rand.h"
#include "ctl/controller.h"
#include "ctl/event.h"
#include "ctl/role.h"
#include "ev/op.h"
#include "http/client.h"
#include "kube/lease.h"
#include "source/peers.h"

#include <string.h>

/* What one replica may have of the connections to all. */
#define PEERS_PARTS 4

/* That of Flux's own controller: the two never write at the same time. Each shard has its own
   leader: the name ends with 8 digits of the selector's SHA-256. */
char *app_lease_name(const struct app_group *g)
{
	const char *selector = g->app->flags.label_selector;
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	if (!selector)
		return mem_printf("%s-leader-election", g->name);
	digest_mem(&d, DIGEST_SHA256, selector, strlen(selector));
	return mem_printf("%s-leader-election-%.8s", g->name, digest_hex(&d, hex));
}

bool app_leads(void *group)
{
	const struct app_group *g = group;

	return !g->app->elects || (g->lease && kube_lease_leads(g->lease));
}

static void lease_changed(void *group, bool leads)
{
	struct app_group *g = group;
	unsigned i;

	log_info(NULL, leads ? "this replica leads" : "this replica follows",
		LS("lease", g->lease_name));
	if (!leads)
		event_recorder_forget(g->events);
	for (i = 0; i < g->n_controllers; i++)
		role_changed(g->controllers[i]);
}

static void lease_error(void *group, const struct err *err)
{
	const struct app_group *g = group;

	log_error(NULL, "cannot hold the Lease", LS("lease", g->lease_name), LE(err));
}

/* Nobody else can write to the embedded API's objects: who leads is no question there. */
void app_lease_init(struct app *a)
{
	a->elects = a->flags.leader_election && !a->flags.embedded;
}

void app_lease_start(struct app_group *g)
{
	const struct app *a = g->app;
	char id[RAND_UUID_LEN + 1];
	auto_free char *identity = NULL;

	if (!g->n_controllers || !a->elects || g->lease)
		return;
	identity = mem_printf("%s_%s", a->host, rand_uuid(id));
	g->lease = kube_lease_start(a->kube,
		&(struct kube_lease_req){.ns = a->flags.runtime_namespace,
			.name = g->lease_name,
			.identity = identity,
			.duration_ms = (uint64_t)a->flags.lease_ms,
			.renew_ms = (uint64_t)a->flags.lease_renew_ms,
			.retry_ms = (uint64_t)a->flags.lease_retry_ms,
			.keep = !a->flags.lease_release,
			.on_change = lease_changed,
			.on_error = lease_error,
			.arg = g});
	log_info(NULL, "this replica follows until it has the Lease", LS("lease", g->lease_name),
		LS("identity", identity));
}

/* ---- the other replicas ---------------------------------------------------------------------- */

/* Who has written the artifacts. */
static const char *lease_holder(void *arg)
{
	const struct app_group *g = &((struct app *)arg)->groups[APP_SOURCE];

	return g->lease ? kube_lease_holder(g->lease) : "";
}

void app_peers_start(struct app *a)
{
	if (!a->elects || !a->flags.peers_service)
		return;
	/* Those to replicas that hang are not all of them. */
	a->peers_http = http_client_new(a->loop,
		&(struct http_client_opts){.max_connections = a->share.peers,
			.max_per_host = a->share.peers / PEERS_PARTS});
	a->peers = peers_new(&(struct peers_opts){.kube = a->kube,
		.http = a->peers_http,
		.ns = a->flags.runtime_namespace,
		.service = a->flags.peers_service,
		.self = a->host,
		.urls = a->urls,
		.holder = lease_holder,
		.arg = a});
}

/* ---- for /metrics ---------------------------------------------------------------------------- */

static void leader_status(void *arg, struct metric_out *out)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; a->elects && i < APP_GROUPS; i++)
		if (a->groups[i].name)
			metric_emit(out, app_leads(&a->groups[i]), a->groups[i].lease_name);
}

static void replicas_known(void *arg, struct metric_out *out)
{
	struct peers_stats s;

	peers_stats(((struct app *)arg)->peers, &s);
	metric_emit(out, s.known);
}

static void replicas_files(void *arg, struct metric_out *out)
{
	struct peers_stats s;

	peers_stats(((struct app *)arg)->peers, &s);
	metric_emit(out, (double)s.fetched, "success");
	metric_emit(out, (double)s.failed, "failure");
}

static void replicas_bytes(void *arg, struct metric_out *out)
{
	struct peers_stats s;

	peers_stats(((struct app *)arg)->peers, &s);
	metric_emit(out, (double)s.bytes);
}

void app_lease_metrics(struct app *a)
{
	struct metrics *m = a->metrics;

	metric_family_on_scrape(
		metrics_gauge(m, "leader_election_master_status",
			"Whether this process leads (1) or follows (0), by Lease.", "name"),
		leader_status, a);
	if (!a->peers)
		return;
	metric_family_on_scrape(
		metrics_gauge(m, "replicas_known", "Other replicas that may be asked.", ""),
		replicas_known, a);
	metric_family_on_scrape(metrics_counter(m, "replica_files_total",
					"Files that other replicas were asked for.", "result"),
		replicas_files, a);
	metric_family_on_scrape(metrics_counter(m, "replica_bytes_total",
					"Bytes that came from other replicas.", ""),
		replicas_bytes, a);
}
