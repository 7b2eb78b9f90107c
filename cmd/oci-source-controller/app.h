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

#define APP_KINDS_MAX 6

/* Which of Flux's controllers. */
enum app_group_nth {
	APP_SOURCE,
	APP_IMAGE_REFLECTOR,
	APP_IMAGE_AUTOMATION,
	APP_NOTIFICATION,
	APP_GROUPS
};

/*
 * What stands for one of Flux's controllers: Events and notices are sent under its name, and its
 * Lease is taken, so that Flux's own and this process never write to the same objects. It is there
 * when one of its kinds is served.
 */
struct app_group {
	struct app *app;
	const char *name; /* "source-controller"; NULL: none of its kinds is served */
	struct event_recorder *events;
	struct poster *poster; /* NULL: nobody is told */
	struct op *lease; /* NULL: not asked for yet, given back, or there is no election */
	char *lease_name;
	struct controller *controllers[APP_KINDS_MAX];
	unsigned n_controllers;
};

/* A kind that may be served (app_kinds.c). */
struct app_kind {
	struct app *app;
	const struct kind_row *row;
	struct controller *controller; /* NULL: not served, or not yet */
	struct op *asking; /* whether its CRD is there */
	bool answered, there, refused;
};

struct controller_opts;

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
	struct trust_file *trust; /* --sigstore-trusted-root; NULL: none ... */
	struct public_root *public_root; /* ... and this one is there */
	struct rules_file *rules; /* --verification-rules; NULL: none */
	struct serve_urls *urls;
	struct reread *url_secret; /* --artifact-url-secret; NULL: none */
	struct cloud *cloud;
	struct gitc_folder *git_folder; /* NULL: the disk has refused it */
	struct gitc_client *git;
	struct forge *forge;
	struct store *store;
	struct image_catalog *images; /* what is known of ImageRepositories */
	struct metrics *metrics;
	bool elects; /* of several replicas one leads */
	struct app_kind kinds[APP_KINDS_MAX];
	struct app_group groups[APP_GROUPS];
	struct controller *controllers[APP_KINDS_MAX]; /* of all kinds that are served */
	struct controller *sources[APP_KINDS_MAX]; /* of those whose objects have artifacts */
	unsigned n_controllers, n_sources;
	unsigned asked; /* questions for CRDs on their way */
	bool asking_fails, kinds_known; /* it is known which CRDs there are */
	struct timer kinds_timer;
	bool scanned; /* the store was: controllers may start */
	struct serve_files *files;
	struct http_server *artifacts_server;
	struct controller *receivers; /* of the kind Receiver; NULL: it is not served */
	struct hook *hook; /* judges the calls of webhooks; NULL: there are no Receivers */
	struct http_server *webhooks_server; /* NULL: turned off, or there are no Receivers */
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

/* app_git.c: the clients of Git servers and forges, and the kinds that need them. */
void app_git_start(struct app *a);
void app_git_free(struct app *a);
void app_git_metrics(struct app *a);
struct controller *app_gitrepositories_new(struct app *a, const struct controller_opts *opts);
struct controller *app_automations_new(struct app *a, const struct controller_opts *opts);
/* app_trust.c: whom objects believe that name nobody. on_taken is told when that is another one. */
int app_start_trust(struct app *a, void (*on_taken)(void *a), struct err *err) must_check;

/* app_end.c. SIGTERM: takes nothing new, lets downloads finish, stops the loop; each part has ended
   before the next is asked to. The second time: at once. */
void app_end(struct app *a);

/*
 * app_kinds.c: which kinds this process serves. Those that --kinds names; without it those whose
 * CRDs are there and that it may list, which is asked until all are, so that one that is installed
 * later needs no restart. app_kinds_start: the store was scanned, controllers may begin.
 */
int app_kinds_check(const struct flags *f, struct err *err) must_check;
int app_kinds_init(struct app *a, struct err *err) must_check;
void app_kinds_start(struct app *a);
/* Those with artifacts of which this process has no list (not served, or not yet): every folder of
   theirs looks like nobody's. NULL behind the last one. */
void app_kinds_unlisted(const struct app *a, const char *names[APP_KINDS_MAX + 1]);
/* No kind comes any more. */
void app_kinds_stop(struct app *a);
void app_kinds_free(struct app *a);

/* app_webhooks.c: Receivers are called on every replica. Nothing, when they are not served, or it
   is up already. */
struct controller *app_receivers_new(struct app *a, const struct controller_opts *opts);
int app_webhooks_start(struct app *a, struct err *err) must_check;
/* app_lease.c: which replica writes. A group follows until its app_lease_start has been answered.
   app_leads: of a struct app_group. */
void app_lease_init(struct app *a);
char *app_lease_name(const struct app_group *g);
void app_lease_start(struct app_group *g);
bool app_leads(void *group);
void app_peers_start(struct app *a);
void app_lease_metrics(struct app *a);
/* app_metrics.c: what is counted elsewhere, for /metrics. */
void app_add_metrics(struct app *a);
/* app_page.c: the status page, on the health port, if it is wanted. */
void app_add_page(struct app *a);

#endif
