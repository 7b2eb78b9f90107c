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

/* Flux's own source-controller takes the same one: the two never write at the same time. */
#define LEASE_NAME "source-controller-leader-election"

/* What one replica may have of the connections to all. */
#define PEERS_PARTS 4

/* Each shard has its own leader: the name ends with 8 digits of the selector's SHA-256. */
static char *lease_name(const char *selector)
{
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	if (!selector)
		return mem_strdup(LEASE_NAME);
	digest_mem(&d, DIGEST_SHA256, selector, strlen(selector));
	return mem_printf(LEASE_NAME "-%.8s", digest_hex(&d, hex));
}

bool app_leads(void *arg)
{
	const struct app *a = arg;

	return !a->elects || (a->lease && kube_lease_leads(a->lease));
}

static void lease_changed(void *arg, bool leads)
{
	struct app *a = arg;
	unsigned i;

	log_info(NULL, leads ? "this replica leads" : "this replica follows",
		LS("lease", a->lease_name));
	if (!leads)
		event_recorder_forget(a->events);
	for (i = 0; i < a->n_controllers; i++)
		role_changed(a->controllers[i]);
}

static void lease_error(void *arg, const struct err *err)
{
	(void)arg;
	log_error(NULL, "cannot hold the Lease", LE(err));
}

/* Nobody else can write to the embedded API's objects: who leads is no question there. */
void app_lease_init(struct app *a)
{
	a->elects = a->flags.leader_election && !a->flags.embedded;
	a->lease_name = lease_name(a->flags.label_selector);
}

void app_lease_start(struct app *a)
{
	char id[RAND_UUID_LEN + 1];
	auto_free char *identity = NULL;

	if (!a->elects)
		return;
	identity = mem_printf("%s_%s", a->host, rand_uuid(id));
	a->lease = kube_lease_start(a->kube,
		&(struct kube_lease_req){.ns = a->flags.runtime_namespace,
			.name = a->lease_name,
			.identity = identity,
			.duration_ms = (uint64_t)a->flags.lease_ms,
			.renew_ms = (uint64_t)a->flags.lease_renew_ms,
			.retry_ms = (uint64_t)a->flags.lease_retry_ms,
			.keep = !a->flags.lease_release,
			.on_change = lease_changed,
			.on_error = lease_error,
			.arg = a});
	log_info(NULL, "this replica follows until it has the Lease", LS("lease", a->lease_name),
		LS("identity", identity));
}

/* ---- the other replicas ---------------------------------------------------------------------- */

static const char *lease_holder(void *arg)
{
	const struct app *a = arg;

	return a->lease ? kube_lease_holder(a->lease) : "";
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

	if (a->elects)
		metric_emit(out, app_leads(a), a->lease_name);
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
