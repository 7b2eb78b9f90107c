/*
 * The parts of the running program and how they hang together; main.c starts and ends them. One per
 * process.
 */
#ifndef CMD_APP_H
#define CMD_APP_H
#include "ctl/health.h"
#include "ev/loop.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "flags.h"
#include "share.h"

#define APP_KINDS_MAX 4

struct app {
	struct flags flags;
	struct share share;
	struct loop *loop;
	struct account *account;
	struct embedded *embedded;
	struct kube_client *kube;
	/* To registries, to notification-controller, to the other replicas. */
	struct http_client *http, *notices_http, *peers_http;
	struct peers *peers; /* NULL: none are asked */
	struct oci_client *oci;
	struct reread *cas, *mirrors; /* --ca-file, --registry-mirrors; NULL: none */
	struct trust_file *trust; /* --sigstore-trusted-root; NULL: none */
	struct rules_file *rules; /* --verification-rules; NULL: none */
	struct serve_urls *urls;
	struct reread *url_secret; /* --artifact-url-secret; NULL: none */
	struct cloud *cloud;
	struct store *store;
	struct metrics *metrics;
	struct event_recorder *events;
	struct op *lease; /* NULL: not asked for yet, given back, or there is no election */
	char *lease_name;
	bool elects; /* of several replicas one leads */
	struct poster *poster; /* NULL: no --events-addr */
	struct controller *controllers[APP_KINDS_MAX]; /* one a kind; the rest NULL */
	unsigned n_controllers;
	struct serve_files *files;
	struct http_server *artifacts_server;
	struct http_server *metrics_server, *health_server; /* NULL: turned off */
	struct health health;
	struct page *page; /* NULL: --status-page=false */
	struct op *scan, *sweep, *save, *ending;
	struct timer sweep_timer;
	struct task end;
	uint64_t row_since; /* of the row of `end` that waits */
	struct signal_watch *signals[3];
	char host[256]; /* this host's name: a Pod's is its own */
	char *adv_address, *state_dir, *kubeconfig, *storage_path;
};

/* Everything up and listening; the loop has not run yet. */
int app_start(struct app *a, struct err *err) must_check;
/* After the loop has stopped (or after a failed start). */
void app_free(struct app *a);

/* app_end.c. SIGTERM: takes nothing new, lets downloads finish, stops the loop; each part has ended
   before the next is asked to. The second time: at once. */
void app_end(struct app *a);

/* app_lease.c: which replica writes. It follows until app_lease_start has been answered. */
void app_lease_init(struct app *a);
void app_lease_start(struct app *a);
bool app_leads(void *a);
void app_peers_start(struct app *a);
void app_lease_metrics(struct app *a);
/* app_metrics.c: what is counted elsewhere, for /metrics. */
void app_add_metrics(struct app *a);
/* app_page.c: the status page, on the health port, if it is wanted. */
void app_add_page(struct app *a);

#endif
