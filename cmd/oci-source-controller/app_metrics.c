#include "app.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/sys.h"
#include "cloud/cloud.h"
#include "crypto/digest.h"
#include "ctl/event.h"
#include "ctl/poster.h"
#include "embedded/embedded.h"
#include "ev/account.h"
#include "ev/reread.h"
#include "ev/work.h"
#include "http/client.h"
#include "http/server.h"
#include "kube/client.h"
#include "oci/registry.h"
#include "serve/files.h"
#include "source/public_root.h"
#include "source/rules_file.h"
#include "source/trust_file.h"
#include "store/store.h"

#include <stdio.h>
#include <string.h>

static void loop_worst(void *arg, struct metric_out *out)
{
	struct loop_stats s;

	loop_stats(((struct app *)arg)->loop, &s);
	metric_emit(out, (double)s.worst_ns / 1e9);
}

static void bytes_hashed(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, (double)digest_bytes_total());
}

static void one_request(
	void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n)
{
	metric_emit(arg, (double)n, oci_kind_name(kind), host, code);
}

static void registry_requests(void *arg, struct metric_out *out)
{
	oci_client_each_request(((struct app *)arg)->oci, one_request, out);
}

static void registry_bytes(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.blob_bytes);
}

static void registry_refused(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.refused);
}

static void registry_shared(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.shared);
}

static void registry_blobs_shared(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.blobs_shared);
}

static void registry_paced(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.paced);
}

static void one_rate(void *arg, const char *host, uint64_t remaining)
{
	metric_emit(arg, (double)remaining, host);
}

static void registry_rates(void *arg, struct metric_out *out)
{
	oci_client_each_rate(((struct app *)arg)->oci, one_rate, out);
}

static void mirrors_asked(void *arg, struct metric_out *out)
{
	struct oci_stats s;

	oci_client_stats(((struct app *)arg)->oci, &s);
	metric_emit(out, (double)s.mirror_asked, "asked");
	metric_emit(out, (double)s.mirror_failed, "failed");
	metric_emit(out, (double)s.mirror_lied, "wrong");
}

static void one_file(struct metric_out *out, const struct reread *w)
{
	struct reread_stats s;

	if (!w)
		return;
	reread_stats(w, &s);
	metric_emit(out, (double)s.taken, reread_name(w), "taken");
	metric_emit(out, (double)s.failed, reread_name(w), "failed");
}

static void files_reread(void *arg, struct metric_out *out)
{
	const struct app *a = arg;

	one_file(out, a->cas);
	one_file(out, a->mirrors);
	if (a->trust)
		one_file(out, trust_file_reread(a->trust));
	if (a->rules)
		one_file(out, rules_file_reread(a->rules));
	one_file(out, a->url_secret);
}

static void root_refreshes(void *arg, struct metric_out *out)
{
	const struct app *a = arg;
	struct public_root_stats s;

	if (!a->public_root)
		return;
	public_root_stats(a->public_root, &s);
	metric_emit(out, (double)s.taken, "taken");
	metric_emit(out, (double)s.unchanged, "unchanged");
	metric_emit(out, (double)s.failed, "failed");
}

static void root_age(void *arg, struct metric_out *out)
{
	const struct app *a = arg;
	struct public_root_stats s = {0};

	if (a->public_root)
		public_root_stats(a->public_root, &s);
	if (s.refreshed)
		metric_emit(out, (double)s.age_ms / 1000);
}

/* Objects name the hosts; lib/oci takes letters, digits, '.', '-', '_', ':' and brackets only, and
   remembers so many of them. */
static void one_host(void *arg, const struct oci_host_info *info)
{
	if (info->proven)
		metric_emit(arg, info->up, info->host, info->role);
}

static void registry_up(void *arg, struct metric_out *out)
{
	oci_client_each_host(((struct app *)arg)->oci, one_host, out);
}

static void http_connections(void *arg, struct metric_out *out)
{
	struct app *a = arg;
	struct http_client_stats s;
	struct kube_stats k;

	http_client_stats(a->http, &s);
	kube_client_stats(a->kube, &k);
	metric_emit(out, (double)s.new_connections, "registry");
	metric_emit(out, (double)k.http.new_connections, "kubernetes");
	if (!a->notices_http)
		return;
	http_client_stats(a->notices_http, &s);
	metric_emit(out, (double)s.new_connections, "notification");
}

static void both_dns(const struct app *a, struct dns_stats *registry, struct dns_stats *kube)
{
	struct http_client_stats s;
	struct kube_stats k;

	http_client_stats(a->http, &s);
	kube_client_stats(a->kube, &k);
	*registry = s.dns;
	*kube = k.http.dns;
}

static void dns_lookups(void *arg, struct metric_out *out)
{
	struct dns_stats registry, kube;

	both_dns(arg, &registry, &kube);
	metric_emit(out, (double)registry.lookups, "registry");
	metric_emit(out, (double)kube.lookups, "kubernetes");
}

static void dns_lookups_failed(void *arg, struct metric_out *out)
{
	struct dns_stats registry, kube;

	both_dns(arg, &registry, &kube);
	metric_emit(out, (double)registry.failed, "registry");
	metric_emit(out, (double)kube.failed, "kubernetes");
}

static void dns_lookups_waiting(void *arg, struct metric_out *out)
{
	struct dns_stats registry, kube;

	both_dns(arg, &registry, &kube);
	metric_emit(out, (double)registry.waiting, "registry");
	metric_emit(out, (double)kube.waiting, "kubernetes");
}

static void kube_verbs(void *arg, struct metric_out *out)
{
	static const char *const names[] = {
		"get", "list", "watch", "create", "update", "patch", "delete"};
	struct kube_stats s;
	int v;

	kube_client_stats(((struct app *)arg)->kube, &s);
	for (v = 0; v < KUBE_VERBS; v++)
		metric_emit(out, (double)s.verbs[v], names[v]);
}

static void one_code(void *arg, const char *code, const char *method, const char *host, uint64_t n)
{
	metric_emit(arg, (double)n, code, method, host);
}

static void kube_codes(void *arg, struct metric_out *out)
{
	kube_client_each_code(((struct app *)arg)->kube, one_code, out);
}

/* Of all groups. */
static struct event_stats events_of(const struct app *a)
{
	struct event_stats sum = {0}, s;
	unsigned i;

	for (i = 0; i < APP_GROUPS; i++) {
		if (!a->groups[i].events)
			continue;
		event_stats(a->groups[i].events, &s);
		sum.sent += s.sent;
		sum.dropped += s.dropped;
		sum.failed += s.failed;
		sum.suppressed += s.suppressed;
	}
	return sum;
}

static void events_sent(void *arg, struct metric_out *out)
{
	struct event_stats s = events_of(arg);

	metric_emit(out, (double)s.sent, "sent");
	metric_emit(out, (double)s.dropped, "dropped");
	metric_emit(out, (double)s.failed, "failed");
	metric_emit(out, (double)s.suppressed, "suppressed");
}

static struct poster_stats notices_of(const struct app *a)
{
	struct poster_stats sum = {0}, s;
	unsigned i;

	for (i = 0; i < APP_GROUPS; i++) {
		if (!a->groups[i].poster)
			continue;
		poster_stats(a->groups[i].poster, &s);
		sum.sent += s.sent;
		sum.duplicate += s.duplicate;
		sum.joined += s.joined;
		sum.dropped += s.dropped;
		sum.failed += s.failed;
		sum.tries += s.tries;
		sum.waiting += s.waiting;
	}
	return sum;
}

static void notices_sent(void *arg, struct metric_out *out)
{
	const struct app *a = arg;
	struct poster_stats s = notices_of(a);

	if (!a->flags.events_addr)
		return;
	metric_emit(out, (double)s.sent, "sent");
	metric_emit(out, (double)s.duplicate, "duplicate");
	metric_emit(out, (double)s.joined, "joined");
	metric_emit(out, (double)s.dropped, "dropped");
	metric_emit(out, (double)s.failed, "failed");
}

static void notices_tried(void *arg, struct metric_out *out)
{
	const struct app *a = arg;

	if (a->flags.events_addr)
		metric_emit(out, (double)notices_of(a).tries);
}

static void notices_waiting(void *arg, struct metric_out *out)
{
	const struct app *a = arg;

	if (a->flags.events_addr)
		metric_emit(out, notices_of(a).waiting);
}

static void store_files(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.files);
}

static void store_bytes(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.bytes);
}

static void store_quota(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.quota);
}

static void store_reserved(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.reserved);
}

static void store_refusals(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.refused);
}

static void store_scrubbed(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.scrubbed);
}

static void store_wrong(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.wrong);
}

static void store_promised(void *arg, struct metric_out *out)
{
	struct store_stats s;

	store_stats(((struct app *)arg)->store, &s);
	metric_emit(out, (double)s.promised);
}

static void artifacts_served(void *arg, struct metric_out *out)
{
	struct serve_files_stats s;

	serve_files_stats(((struct app *)arg)->files, &s);
	metric_emit(out, (double)s.hits, "hit");
	metric_emit(out, (double)s.partial, "partial");
	metric_emit(out, (double)s.not_modified, "not_modified");
	metric_emit(out, (double)s.not_found, "not_found");
	metric_emit(out, (double)s.unavailable, "unavailable");
	metric_emit(out, (double)s.limited, "limited");
}

struct named_server {
	const char *name;
	const struct http_server *server; /* NULL: it is not there */
};

#define SERVERS 5

static void servers_of(const struct app *a, struct named_server out[SERVERS])
{
	const struct named_server all[SERVERS] = {
		{"artifacts", a->artifacts_server},
		{"webhooks", a->webhooks_server},
		{"metrics", a->metrics_server},
		{"health", a->health_server},
		{"embedded-api", a->embedded ? embedded_server(a->embedded) : NULL},
	};

	memcpy(out, all, sizeof(all));
}

/* fn for each of the servers there are. */
static void each_server(struct app *a,
	void (*fn)(const char *name, const struct http_server_stats *s, struct metric_out *out),
	struct metric_out *out)
{
	struct named_server all[SERVERS];
	struct http_server_stats s;
	size_t i;

	servers_of(a, all);
	for (i = 0; i < SERVERS; i++) {
		if (!all[i].server)
			continue;
		http_server_stats(all[i].server, &s);
		fn(all[i].name, &s, out);
	}
}

static void one_open(const char *name, const struct http_server_stats *s, struct metric_out *out)
{
	metric_emit(out, (double)s->open_connections, name);
}

static void servers_open(void *arg, struct metric_out *out)
{
	each_server(arg, one_open, out);
}

static void one_most(const char *name, const struct http_server_stats *s, struct metric_out *out)
{
	metric_emit(out, (double)s->max_connections, name);
}

static void servers_most(void *arg, struct metric_out *out)
{
	each_server(arg, one_most, out);
}

static void one_refused(const char *name, const struct http_server_stats *s, struct metric_out *out)
{
	metric_emit(out, (double)(s->turned_away - s->turned_away_peer), name, "full");
	metric_emit(out, (double)s->turned_away_peer, name, "address");
}

static void servers_refused(void *arg, struct metric_out *out)
{
	each_server(arg, one_refused, out);
}

static void one_cut(const char *name, const struct http_server_stats *s, struct metric_out *out)
{
	metric_emit(out, (double)s->gave_way, name, "gave_way");
	metric_emit(out, (double)s->cut_for_share, name, "share");
	metric_emit(out, (double)s->too_slow, name, "slow");
}

static void servers_cut(void *arg, struct metric_out *out)
{
	each_server(arg, one_cut, out);
}

static void one_sent(const char *name, const struct http_server_stats *s, struct metric_out *out)
{
	metric_emit(out, (double)s->bytes_sent, name);
}

static void servers_sent(void *arg, struct metric_out *out)
{
	each_server(arg, one_sent, out);
}

struct statuses_out {
	const char *server;
	struct metric_out *out;
};

static void one_status(void *arg, int status, uint64_t n)
{
	const struct statuses_out *o = arg;
	char code[16];

	snprintf(code, sizeof(code), "%d", status);
	metric_emit(o->out, (double)n, o->server, code);
}

static void servers_replies(void *arg, struct metric_out *out)
{
	struct named_server all[SERVERS];
	size_t i;

	servers_of(arg, all);
	for (i = 0; i < SERVERS; i++)
		if (all[i].server)
			http_server_each_status(all[i].server, one_status,
				&(struct statuses_out){all[i].name, out});
}

static void worker_jobs(void *arg, struct metric_out *out)
{
	struct work_stats s;

	work_stats(((struct app *)arg)->loop, &s);
	metric_emit(out, (double)s.heavy_running, "heavy", "running");
	metric_emit(out, (double)s.heavy_waiting, "heavy", "waiting");
	metric_emit(out, (double)s.bulk_running, "bulk", "running");
	metric_emit(out, (double)s.bulk_waiting, "bulk", "waiting");
}

static void cloud_requests(void *arg, const char *provider, const char *what, int code, uint64_t n)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", code);
	metric_emit(arg, (double)n, provider, what, code ? text : "<error>");
}

static void clouds_asked(void *arg, struct metric_out *out)
{
	cloud_requests_each(((struct app *)arg)->cloud, cloud_requests, out);
}

static struct cloud_stats cloud_counts(void *arg)
{
	struct cloud_stats s;

	cloud_stats(((struct app *)arg)->cloud, &s);
	return s;
}

static void tokens_fetched(void *arg, struct metric_out *out)
{
	struct cloud_stats s = cloud_counts(arg);

	metric_emit(out, (double)s.succeeded, "success");
	metric_emit(out, (double)s.failed, "failure");
}

static void tokens_evicted(void *arg, struct metric_out *out)
{
	metric_emit(out, (double)cloud_counts(arg).evicted);
}

static void tokens_kept(void *arg, struct metric_out *out)
{
	metric_emit(out, (double)cloud_counts(arg).kept);
}

static void build_info(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, 1, VERSION);
}

/* Flux's dashboards count controllers by go_info and draw their memory from
   go_memstats_alloc_bytes: they go on as they are. */
static void no_go(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, 1, "none: written in C");
}

static void memory_in_use(void *arg, struct metric_out *out)
{
	(void)arg;
	metric_emit(out, (double)mem_in_use());
}

static void memory_account(void *arg, struct metric_out *out)
{
	static const char *const names[ACCOUNT_POOLS] = {"jobs", "bodies"};
	struct account_stats s;
	int i;

	for (i = 0; i < ACCOUNT_POOLS; i++) {
		account_stats(((struct app *)arg)->account, (enum account_pool)i, &s);
		metric_emit(out, (double)s.held, names[i], "held");
		metric_emit(out, (double)s.waiting, names[i], "waiting");
		metric_emit(out, (double)s.limit, names[i], "limit");
	}
}

struct read_family {
	const char *name, *help, *labels;
	bool gauge;
	void (*fn)(void *arg, struct metric_out *out);
};

static void families_add(struct app *a, const struct read_family *f, size_t n)
{
	for (; n; n--, f++)
		metric_family_on_scrape(f->gauge
				? metrics_gauge(a->metrics, f->name, f->help, f->labels)
				: metrics_counter(a->metrics, f->name, f->help, f->labels),
			f->fn, a);
}

/* Those of Flux: without a cache there are none. */
static void add_token_metrics(struct app *a)
{
	static const struct read_family all[] = {
		{"gotk_token_cache_requests_total",
			"Fetches of tokens and passwords of clouds, by how they ended.", "status",
			false, tokens_fetched},
		{"gotk_token_cache_evictions_total", "What gave way to others in that cache.", "",
			false, tokens_evicted},
		{"gotk_token_cached_items", "What is in that cache.", "", true, tokens_kept},
	};

	if (a->flags.token_cache_size)
		families_add(a, all, ARRAY_LEN(all));
}

void app_add_metrics(struct app *a)
{
	static const struct read_family all[] = {
		{"loop_busy_worst_seconds",
			"Longest time the event loop was busy without a pause since the last "
			"scrape.",
			"", true, loop_worst},
		{"worker_jobs",
			"Jobs on worker threads or waiting for one: bulk ones are of large layers "
			"and files.",
			"lane,state", true, worker_jobs},
		{"bytes_hashed_total", "Bytes that went through a digest.", "", false,
			bytes_hashed},
		{"oci_registry_requests_total",
			"Requests to registries, token servers and where they redirect to, that "
			"have ended, retries included.",
			"kind,host,code", false, registry_requests},
		{"oci_registry_blob_bytes_total", "Bytes of blobs received.", "", false,
			registry_bytes},
		{"oci_registry_up",
			"Whether the host answers, 1 or 0; one that has not been asked yet is "
			"left out.",
			"host,role", true, registry_up},
		{"oci_registry_refused_total",
			"Requests that failed at once, because their host is down or asked to "
			"be left alone.",
			"", false, registry_refused},
		{"oci_registry_shared_total",
			"Questions for a tag that were answered by a request on its way.", "",
			false, registry_shared},
		{"oci_registry_blobs_shared_total",
			"Blobs that came with the download of another object.", "", false,
			registry_blobs_shared},
		{"oci_registry_rate_limit_remaining",
			"How many requests the host allows still, by its own word; of several "
			"identities the least.",
			"host", true, registry_rates},
		{"oci_registry_paced_total",
			"Requests that were put off because the host allows few more.", "", false,
			registry_paced},
		{"oci_mirror_questions_total",
			"Questions to mirrors; those that failed there, and answers with other "
			"content than was asked for.",
			"outcome", false, mirrors_asked},
		{"file_reloads_total", "Changes of files that flags name, taken or of no use.",
			"file,outcome", false, files_reread},
		{"trusted_root_refreshes_total",
			"Refreshes of the public trusted root: another one, the same, or none.",
			"outcome", false, root_refreshes},
		{"trusted_root_age_seconds",
			"Time since the last refresh of the public trusted root that has not "
			"failed; absent until there was one.",
			"", true, root_age},
		{"http_client_connections_total", "New connections.", "client", false,
			http_connections},
		{"http_client_lookups_total", "Names that were looked up.", "client", false,
			dns_lookups},
		{"http_client_lookups_failed_total", "Lookups that gave no address.", "client",
			false, dns_lookups_failed},
		{"http_client_lookups_waiting", "Names whose lookup has not ended.", "client", true,
			dns_lookups_waiting},
		{"kube_api_requests_total", "Requests to the API server, retries included.", "verb",
			false, kube_verbs},
		{"rest_client_requests_total", "Answers of the API server.", "code,method,host",
			false, kube_codes},
		{"kube_events_total", "Kubernetes Events.", "outcome", false, events_sent},
		{"flux_events_total", "Events for notification-controller.", "outcome", false,
			notices_sent},
		{"flux_events_requests_total",
			"Requests to notification-controller, repetitions included.", "", false,
			notices_tried},
		{"flux_events_waiting", "Events that wait for notification-controller.", "", true,
			notices_waiting},
		{"artifact_store_files", "Files in the artifact store.", "", true, store_files},
		{"artifact_store_bytes", "Bytes in the artifact store.", "", true, store_bytes},
		{"artifact_store_restoring",
			"Files that a status names and that are being restored.", "", true,
			store_promised},
		{"artifact_store_quota_bytes", "The store's quota; 0: none.", "", true,
			store_quota},
		{"artifact_store_reserved_bytes",
			"Room in the store that is reserved for artifacts on their way.", "", true,
			store_reserved},
		{"artifact_store_over_quota_total",
			"Artifacts for which the quota had no room, repetitions included.", "",
			false, store_refusals},
		{"artifact_store_scrubbed_bytes_total",
			"Bytes of stored artifacts that were read to compare them.", "", false,
			store_scrubbed},
		{"artifact_store_wrong_files_total",
			"Stored artifacts that did not have their bytes any more.", "", false,
			store_wrong},
		{"artifact_requests_total", "Answers of the artifact server.", "outcome", false,
			artifacts_served},
		{"http_server_connections", "Open connections of a server.", "server", true,
			servers_open},
		{"http_server_connections_max", "How many a server may have.", "server", true,
			servers_most},
		{"http_server_requests_total", "Replies of a server, by status.", "server,code",
			false, servers_replies},
		{"http_server_sent_bytes_total", "Bytes that a server has sent, heads included.",
			"server", false, servers_sent},
		{"http_server_refused_total",
			"Connections that were turned away: no room, or their address had as many "
			"as it may have.",
			"server,reason", false, servers_refused},
		{"http_server_cut_total",
			"Connections that gave way to others, by themselves or because their "
			"address held most, and replies that were taken too slowly.",
			"server,reason", false, servers_cut},
		{"memory_account_bytes",
			"Memory for what others can size: held, waited for, and how much there is.",
			"pool,what", true, memory_account},
		{"go_info", "There for Flux's dashboards, which count controllers by it.",
			"version", true, no_go},
		{"go_memstats_alloc_bytes",
			"memory_allocated_bytes, under the name that Flux's dashboards ask for.",
			"", true, memory_in_use},
		{"memory_allocated_bytes", "Bytes on the heap that are in use.", "", true,
			memory_in_use},
		{"cloud_requests_total", "Requests to clouds for tokens and passwords.",
			"provider,what,code", false, clouds_asked},
		{"oci_source_controller_build_info", "The running version.", "version", true,
			build_info},
	};

	metrics_add_process(a->metrics);
	families_add(a, all, ARRAY_LEN(all));
	add_token_metrics(a);
}
