#include "app.h"

#include "base/cgroup.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/sys.h"
#include "cloud/cloud.h"
#include "ctl/controller.h"
#include "embedded/embedded.h"
#include "ev/account.h"
#include "ev/reread.h"
#include "ev/signal.h"
#include "ev/sock.h"
#include "git/client.h"
#include "http/ca_file.h"
#include "http/client.h"
#include "http/server.h"
#include "kube/client.h"
#include "kube/selector.h"
#include "oci/mirrors_file.h"
#include "oci/registry.h"
#include "page/page.h"
#include "serve/files.h"
#include "serve/metrics.h"
#include "serve/urls.h"
#include "source/confirm.h"
#include "source/item.h"
#include "source/peers.h"
#include "source/provider.h"
#include "source/public_root.h"
#include "source/rules_file.h"
#include "source/trust_file.h"
#include "store/store.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Files of an object that left for another shard stay this long: its new owner has to fetch them
   first. */
#define SWEEP_GRACE_MS (10 * 60 * 1000)
#define SWEEP_EVERY_MS (5 * 60 * 1000)

static int find_state_dir(struct app *a, struct err *err)
{
	const char *base = getenv("XDG_STATE_HOME"), *home = getenv("HOME");

	if (a->flags.state_dir)
		a->state_dir = mem_strdup(a->flags.state_dir);
	else if (base && *base)
		a->state_dir = mem_printf("%s/oci-source-controller", base);
	else if (home && *home)
		a->state_dir = mem_printf("%s/.local/state/oci-source-controller", home);
	else
		return err_set(err, ERR_STALL,
			"--state-dir is needed: neither XDG_STATE_HOME nor HOME is set");
	return sys_mkdir_all(a->state_dir, 0700, err);
}

static int start_embedded(struct app *a, struct err *err)
{
	if (find_state_dir(a, err))
		return -1;
	a->embedded = embedded_start(&(struct embedded_opts){.loop = a->loop,
					     .state_dir = a->state_dir,
					     .files_dir = a->flags.embedded_dir,
					     .address = a->flags.embedded_addr,
					     .max_connections = a->share.embedded},
		err);
	if (!a->embedded)
		return -1;
	a->kubeconfig = mem_strdup(embedded_kubeconfig(a->embedded));
	return 0;
}

/* Before anything that could take from it. */
static void start_account(struct app *a)
{
	uint64_t limit = cgroup_memory_limit("");
	uint64_t bytes = a->flags.memory_budget
		? (uint64_t)a->flags.memory_budget
		: account_share(limit, (unsigned)a->flags.concurrent);

	a->account = account_new(a->loop, bytes);
	log_info(NULL, "memory for what others send", LU("bytes", bytes), LU("limit", limit));
}

static int start_kube(struct app *a, struct err *err)
{
	struct kube_config *cfg;

	cfg = kube_config_load(
		&(struct kube_config_opts){
			.kubeconfig = a->kubeconfig ? a->kubeconfig : a->flags.kubeconfig,
			.env = getenv("KUBECONFIG")},
		err);
	if (!cfg)
		return err_wrap(err, "connect to Kubernetes");
	/* The URL of the own API is as good as a password: wherever it listens, no proxy of the
	   environment sees it. */
	cfg->proxy.none = cfg->proxy.none || a->embedded;
	a->kube = kube_client_new(a->loop, cfg,
		&(struct kube_client_opts){.qps = (unsigned)a->flags.kube_qps,
			.burst = (unsigned)a->flags.kube_burst,
			.max_connections = a->share.kube,
			.account = a->account});
	return 0;
}

static void file_lost(void *arg, const char *path)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; i < a->n_sources; i++)
		artifact_file_lost(a->sources[i], path);
}

static void app_try_failed(void *arg)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; i < a->n_controllers; i++)
		controller_try_failed(a->controllers[i]);
}

static void volume_full(void *arg)
{
	struct app *a = arg;

	if (a->git)
		gitc_client_drop_sets(a->git);
}

static void file_unknown(void *arg, const char *dir)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; i < a->n_sources; i++)
		if (confirm_status(a->sources[i], dir))
			return;
	store_confirmed(a->store, dir, false);
}

static int start_store(struct app *a, struct err *err)
{
	if (a->flags.storage_path)
		a->storage_path = mem_strdup(a->flags.storage_path);
	else if (a->state_dir)
		a->storage_path = mem_printf("%s/artifacts", a->state_dir);
	else
		return err_set(err, ERR_STALL, "--storage-path is needed");
	a->store = store_open(a->loop,
		&(struct store_opts){.root = a->storage_path,
			.retention_records = (unsigned)a->flags.retention_records,
			.retention_ttl_ms = (uint64_t)a->flags.retention_ttl_ms,
			.quota = (uint64_t)a->flags.quota,
			.scrub_rate = (uint64_t)a->flags.scrub_rate,
			.restore_ms = (uint64_t)a->flags.restore_timeout_ms,
			.on_lost = file_lost,
			.on_unknown = a->elects ? file_unknown : NULL,
			.on_room = app_try_failed,
			.on_full = volume_full,
			.arg = a},
		err);
	return a->store ? 0 : -1;
}

/* flag: that says where. */
static struct http_server *listen_on(
	struct app *a, const char *flag, const struct http_server_opts *opts, struct err *err)
{
	struct http_server *s = http_server_new(a->loop, opts, err);

	if (s)
		oci_client_own_address(a->oci, http_server_address(s));
	else
		err_wrap(err, "%s", flag);
	return s;
}

static bool store_is_ready(void *arg)
{
	return store_ready(((struct app *)arg)->store);
}

static int start_metrics(struct app *a, struct err *err)
{
	if (!a->flags.metrics_addr)
		return 0;
	a->metrics_server = listen_on(a, "--metrics-addr",
		&(struct http_server_opts){.name = "metrics",
			.address = a->flags.metrics_addr,
			.handler = serve_metrics_handle,
			.arg = a->metrics,
			.max_connections = a->share.metrics},
		err);
	return a->metrics_server ? 0 : -1;
}

static int start_health(struct app *a, struct err *err)
{
	health_add(&a->health, "store", store_is_ready, a);
	if (!a->flags.health_addr)
		return 0;
	a->health_server = listen_on(a, "--health-addr",
		&(struct http_server_opts){.name = "health",
			.address = a->flags.health_addr,
			.handler = health_handle,
			.arg = &a->health,
			.max_connections = a->share.health},
		err);
	return a->health_server ? 0 : -1;
}

static void app_urls_changed(void *arg)
{
	struct app *a = arg;
	unsigned i;

	for (i = 0; i < a->n_controllers; i++)
		controller_unsettle(a->controllers[i]);
}

static int start_urls(struct app *a, struct err *err)
{
	a->urls = serve_urls_new();
	if (!a->flags.url_secret)
		return 0;
	a->url_secret = serve_urls_file(a->loop, a->urls, a->flags.url_secret, err);
	if (!a->url_secret)
		return err_wrap(err, "--artifact-url-secret");
	reread_on_taken(a->url_secret, app_urls_changed, a);
	log_info(NULL, "artifact URLs carry a secret", LS("file", a->flags.url_secret));
	return 0;
}

static int start_servers(struct app *a, struct err *err)
{
	if (start_urls(a, err))
		return -1;
	a->files = serve_files_new(&(struct serve_files_opts){.loop = a->loop,
		.store = a->store,
		.urls = a->urls,
		.waiting = a->share.artifacts / 2,
		.rate = (unsigned)a->flags.client_rate});
	a->artifacts_server = listen_on(a, "--storage-addr",
		&(struct http_server_opts){.name = "artifacts",
			.address = a->flags.storage_addr,
			.handler = serve_files_handle,
			.arg = a->files,
			.max_connections = a->share.artifacts,
			.max_per_peer = (unsigned)a->flags.client_connections},
		err);
	return a->artifacts_server && !start_metrics(a, err) ? start_health(a, err) : -1;
}

/* As told, without slashes at the end; a scheme stays, and so does a dot behind the name: it keeps
   resolvers from adding domains. */
static char *app_advertised(const char *told)
{
	size_t n = strlen(told);

	while (n && told[n - 1] == '/')
		n--;
	return mem_strndup(told, n);
}

static void app_own_host(struct app *a)
{
	const char *scheme = strstr(a->adv_address, "://");
	const char *host = scheme ? scheme + 3 : a->adv_address;
	auto_free char *alone = mem_strndup(host, strcspn(host, "/"));

	oci_client_own_host(a->oci, alone);
}

/* How consumers reach the artifact server: as told, else the address it listens on, or this host's
   name when that is all addresses. */
static void find_adv_address(struct app *a)
{
	char host[SOCK_NAME_MAX];
	struct err err = {0};
	unsigned port;

	if (a->flags.storage_adv_addr) {
		a->adv_address = app_advertised(a->flags.storage_adv_addr);
	} else if (!sock_split(http_server_address(a->artifacts_server), host, &port, &err) &&
		(!strcmp(host, "::") || !strcmp(host, "0.0.0.0"))) {
		a->adv_address = mem_printf("%s:%u", a->host, port);
	} else {
		a->adv_address = mem_strdup(http_server_address(a->artifacts_server));
	}
	app_own_host(a);
}

static void app_swept(struct op *op, void *arg)
{
	struct app *a = arg;

	if (op->err.kind != ERR_NONE)
		log_error(NULL, "cannot sweep the store", LE(&op->err));
	else if (store_sweep_result(op))
		log_info(NULL, "removed folders without an owner",
			LU("folders", store_sweep_result(op)));
	op_free(op);
	a->sweep = NULL;
	if (!a->ending)
		timer_set(&a->sweep_timer, SWEEP_EVERY_MS);
}

static void app_sweep(void *arg)
{
	struct app *a = arg;
	const char *spared[APP_KINDS_MAX + 1];

	app_kinds_unlisted(a, spared);
	a->sweep = store_sweep_start(a->store, spared, SWEEP_GRACE_MS);
	op_then(a->sweep, app_swept, a);
}

/* forgot: why files have to be hashed that the last process knew. */
static void log_store(const struct app *a, const char *forgot)
{
	struct store_stats st;

	store_stats(a->store, &st);
	if (*forgot && st.files)
		log_info(NULL, "read the store", LU("files", st.files), LU("known", st.remembered),
			LS("forgot", forgot));
	else
		log_info(NULL, "read the store", LU("files", st.files), LU("known", st.remembered));
}

static void app_scanned(struct op *op, void *arg)
{
	struct app *a = arg;

	a->scan = NULL;
	if (op->err.kind == ERR_CANCELED || a->ending) {
		op_free(op);
		return;
	}
	/* A tree that cannot be read is an empty one: everything is fetched again, or fails with a
	   message of its own. */
	if (op->err.kind != ERR_NONE)
		log_error(NULL, "cannot read the store", LE(&op->err));
	else
		log_store(a, store_scan_forgot(op));
	op_free(op);
	app_kinds_start(a);
	timer_set(&a->sweep_timer, SWEEP_EVERY_MS);
}

static void app_on_signal(void *arg, int signo)
{
	struct app *a = arg;

	if (signo == SIGUSR1) {
		task_dump(a->loop);
		return;
	}
	log_info(NULL, "shutting down", LI("signal", signo));
	app_end(a);
}

/* ---- the start ------------------------------------------------------------------------------- */

/* The API server would refuse each list with it, for ever. */
static int check_selector(const struct app *a, struct err *err)
{
	struct kube_selector *s = NULL;

	if (a->flags.label_selector && kube_selector_labels(&s, a->flags.label_selector, err))
		return err_wrap(err, "--watch-label-selector '%s'", a->flags.label_selector);
	kube_selector_free(s);
	return 0;
}

static void share_descriptors(struct app *a)
{
	struct share *s = &a->share;

	*s = share_of(sys_raise_descriptors(LIMIT_DESCRIPTORS));
	log_info(NULL, "descriptors", LU("all", s->descriptors),
		LU("artifactConnections", s->artifacts), LU("metricsConnections", s->metrics),
		LU("healthConnections", s->health), LU("embeddedConnections", s->embedded),
		LU("kubernetesConnections", s->kube), LU("registryConnections", s->registry),
		LU("noticeConnections", s->notices), LU("webhookConnections", s->receivers),
		LU("others", s->others));
}

static void start_cloud(struct app *a)
{
	struct cloud_env env = {0};

	cloud_env_read(&env);
	a->cloud = cloud_new(&(struct cloud_opts){.loop = a->loop,
		.http = a->http,
		.env = &env,
		.cache_max = (size_t)a->flags.token_cache_size,
		.max_life_ms = (uint64_t)a->flags.token_cache_ms,
		.looked_up = provider_looked_up});
	cloud_env_clear(&env);
}

static int start_registries(struct app *a, struct err *err)
{
	a->http = http_client_new(a->loop,
		&(struct http_client_opts){.max_connections = a->share.registry,
			.max_per_host = a->share.registry / 2,
			.account = a->account,
			.pool = ACCOUNT_BODIES});
	a->oci = oci_client_new(a->loop, a->http);
	start_cloud(a);
	oci_client_use_account(a->oci, a->account);
	if (a->flags.allow_private && oci_client_allow(a->oci, a->flags.allow_private, err))
		return -1;
	if (a->flags.ca_file) {
		a->cas = http_ca_file_new(a->loop, a->http, a->flags.ca_file, err);
		if (!a->cas)
			return err_wrap(err, "--ca-file");
		reread_on_taken(a->cas, app_try_failed, a);
	}
	if (a->flags.mirrors) {
		a->mirrors = oci_mirrors_file(a->loop, a->oci, a->flags.mirrors, err);
		if (!a->mirrors)
			return err_wrap(err, "--registry-mirrors");
		reread_on_taken(a->mirrors, app_try_failed, a);
	}
	if (app_start_trust(a, app_try_failed, err))
		return -1;
	if (a->flags.rules) {
		a->rules = rules_file_new(a->loop, a->flags.rules, err);
		if (!a->rules)
			return err_wrap(err, "--verification-rules");
		reread_on_taken(rules_file_reread(a->rules), app_try_failed, a);
	}
	return 0;
}

int app_start(struct app *a, struct err *err)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGUSR1};
	size_t i;

	if (check_selector(a, err) || app_kinds_check(&a->flags, err))
		return -1;
	if (gethostname(a->host, sizeof(a->host) - 1))
		snprintf(a->host, sizeof(a->host), "localhost");
	app_lease_init(a);
	share_descriptors(a);
	a->loop = loop_new();
	for (i = 0; i < ARRAY_LEN(signals); i++)
		a->signals[i] = signal_watch_new(a->loop, signals[i], app_on_signal, a);
	timer_init(&a->sweep_timer, a->loop, app_sweep, a);
	start_account(a);
	a->metrics = metrics_new();
	if (a->flags.embedded && start_embedded(a, err))
		return -1;
	if (start_kube(a, err) || start_store(a, err))
		return -1;
	if (start_registries(a, err))
		return -1;
	app_git_start(a);
	if (a->embedded)
		oci_client_own_address(a->oci, embedded_address(a->embedded));
	if (start_servers(a, err))
		return -1;
	find_adv_address(a);
	app_peers_start(a);
	if (app_kinds_init(a, err))
		return -1;
	app_add_metrics(a);
	app_git_metrics(a);
	app_lease_metrics(a);
	app_add_page(a);
	a->scan = store_scan_start(a->store);
	op_then(a->scan, app_scanned, a);
	return 0;
}

/* ---- after the end --------------------------------------------------------------------------- */

void app_free(struct app *a)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(a->signals); i++)
		signal_watch_close(a->signals[i]);
	reread_free(a->cas);
	reread_free(a->mirrors);
	trust_file_free(a->trust);
	rules_file_free(a->rules);
	public_root_free(a->public_root);
	reread_free(a->url_secret);
	/* What was dropped on the way delivers its end, worker jobs too. */
	for (i = 0; a->loop && i < 1000 && loop_turn(a->loop, false); i++)
		;
	if (a->loop)
		loop_settle(a->loop);
	if (a->artifacts_server)
		http_server_free(a->artifacts_server);
	if (a->webhooks_server)
		http_server_free(a->webhooks_server);
	if (a->metrics_server)
		http_server_free(a->metrics_server);
	if (a->health_server)
		http_server_free(a->health_server);
	page_free(a->page);
	serve_files_free(a->files);
	serve_urls_free(a->urls);
	app_kinds_free(a);
	peers_free(a->peers);
	if (a->peers_http)
		http_client_free(a->peers_http);
	app_git_free(a);
	if (a->oci)
		oci_client_free(a->oci);
	cloud_free(a->cloud);
	if (a->http)
		http_client_free(a->http);
	if (a->kube)
		kube_client_free(a->kube);
	store_close(a->store);
	embedded_free(a->embedded);
	account_free(a->account);
	if (a->metrics)
		metrics_free(a->metrics);
	free(a->flags.allow_private);
	free(a->adv_address);
	free(a->state_dir);
	free(a->kubeconfig);
	free(a->storage_path);
	if (a->loop && loop_free(a->loop))
		log_debug(NULL, "handles were left open");
}
