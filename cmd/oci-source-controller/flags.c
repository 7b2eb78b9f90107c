#include "flags.h"

#include "base/ip.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/url.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum type {
	TEXT,
	BOOL,
	NUMBER,
	RATE,
	DURATION,
	SIZE,
	ALGO,
	OPTIONAL_TEXT,
	TEXTS,
	NETWORKS,
	GATES,
	FOREIGN
};

/*
 * fallback: the default, written as a value. It stands for an empty text as well, because manifests
 * set flags from variables that may be empty, and for 0 unless that is `zero_counts`, a number like
 * others.
 * embedded: the same with --embedded, where nothing is offered to the network.
 * env: the variable that comes before the fallback.
 */
struct flag {
	const char *name;
	enum type type;
	size_t at;
	const char *value, *fallback, *embedded, *env, *help;
	bool zero_counts;
};

#define AT(member) offsetof(struct flags, member)

static const struct flag FLAGS[] = {
	{"embedded", OPTIONAL_TEXT, AT(embedded_dir), .value = "[DIR]",
		.help = "run without a cluster: a small Kubernetes API on loopback holds "
			"the objects; the manifests of DIR are kept applied"},
	{"state-dir", TEXT, AT(state_dir), .value = "DIR",
		.help = "where --embedded keeps its database, kubeconfig and artifacts "
			"($XDG_STATE_HOME/oci-source-controller)"},
	{"embedded-addr", TEXT, AT(embedded_addr), .value = "ADDR", .fallback = "127.0.0.1:0",
		.help = "loopback address of the embedded API"},
	{"kubeconfig", TEXT, AT(kubeconfig), .value = "FILE",
		.help = "instead of KUBECONFIG or the pod's ServiceAccount"},
	{"watch-all-namespaces", BOOL, AT(watch_all_namespaces), .value = "BOOL",
		.fallback = "true", .help = "watch all namespaces, or only RUNTIME_NAMESPACE"},
	{"watch-label-selector", TEXT, AT(label_selector), .value = "SELECTOR",
		.help = "watch only objects with these labels: Flux's sharding.fluxcd.io/key"},
	{"kinds", TEXTS, AT(kinds), .value = "KIND[,KIND...]",
		.help = "which kinds this process serves; another --kinds adds to them (all whose "
			"CRDs are there; with --embedded all)"},
	{"no-cross-namespace-refs", BOOL, AT(no_cross_namespace), .value = "BOOL",
		.help = "ImagePolicies, ImageUpdateAutomations and Receivers reach no object of "
			"another namespace"},
	{"kube-api-qps", RATE, AT(kube_qps), .value = "N", .fallback = "0",
		.help = "requests a second to the API server; with 0 its own priority and "
			"fairness decides"},
	{"kube-api-burst", RATE, AT(kube_burst), .value = "N", .fallback = "0",
		.help = "how many at once above that"},
	{"storage-path", TEXT, AT(storage_path), .value = "DIR", .env = "STORAGE_PATH",
		.help = "the artifacts' directory"},
	{"storage-quota", SIZE, AT(quota), .value = "BYTES", .fallback = "0", .zero_counts = true,
		.help = "most bytes of stored artifacts: superseded ones give way first, then new "
			"ones wait; 0: no limit"},
	{"storage-scrub-rate", SIZE, AT(scrub_rate), .value = "BYTES", .fallback = "1Mi",
		.zero_counts = true,
		.help = "bytes a second at which stored artifacts are read and compared with "
			"their digests; 0: never"},
	{"storage-addr", TEXT, AT(storage_addr), .value = "ADDR", .fallback = ":9090",
		.embedded = "127.0.0.1:9090", .env = "STORAGE_ADDRESS",
		.help = "address of the artifact server"},
	{"storage-adv-addr", TEXT, AT(storage_adv_addr), .value = "HOST", .env = "STORAGE_ADV_ADDR",
		.help = "host of artifact URLs, as consumers reach it; may begin with "
			"http:// or, for a proxy that ends TLS, https://"},
	{"artifact-retention-ttl", DURATION, AT(retention_ttl_ms), .value = "DURATION",
		.fallback = "1m", .help = "how long a superseded artifact is kept"},
	{"artifact-retention-records", NUMBER, AT(retention_records), .value = "N", .fallback = "2",
		.zero_counts = true, .help = "how many artifacts of one object are kept"},
	{"artifact-digest-algo", ALGO, AT(algo), .value = "ALGO", .fallback = "sha256",
		.help = "sha256, sha384 or sha512"},
	{"artifact-restore-timeout", DURATION, AT(restore_timeout_ms), .value = "DURATION",
		.fallback = "30s",
		.help = "how long readiness waits for artifacts that are being restored at "
			"the start"},
	{"artifact-max-size", SIZE, AT(max_size), .value = "BYTES", .fallback = "4Gi",
		.help = "largest layer"},
	{"artifact-max-expanded-size", SIZE, AT(max_expanded), .value = "BYTES", .fallback = "16Gi",
		.help = "largest expanded layer"},
	{"artifact-max-entries", NUMBER, AT(max_entries), .value = "N", .fallback = "200000",
		.help = "most files and directories in a layer"},
	{"artifact-url-secret", TEXT, AT(url_secret), .value = "FILE",
		.help = "artifact URLs that cannot be guessed: a file with a secret in its first "
			"line, older ones that still count below; reloaded when it changes "
			"(docs/serving.md)"},
	{"artifact-max-connections-per-client", NUMBER, AT(client_connections), .value = "N",
		.fallback = "0",
		.help = "connections to the artifact server from one address (of IPv6 a /64); "
			"with 0 a quarter of all"},
	{"artifact-rate-per-client", NUMBER, AT(client_rate), .value = "N", .fallback = "0",
		.help = "requests a second to the artifact server from one address, twice as "
			"many at once; with 0 no limit (docs/serving.md)"},
	{"memory-budget", SIZE, AT(memory_budget), .value = "BYTES",
		.help = "memory for what registries and objects can size (two thirds of "
			"what the memory limit leaves above 64Mi and 768Ki for each "
			"concurrent pull)"},
	{"concurrent", NUMBER, AT(concurrent), .value = "N", .fallback = "16", .zero_counts = true,
		.help = "artifacts pulled at a time"},
	{"registry-allow-private", NETWORKS, AT(allow_private), .value = "CIDR[,CIDR...]",
		.help = "internal networks to which every registry may send redirects and "
			"token requests; without it only registries that have an internal "
			"address themselves (none)"},
	{"ca-file", TEXT, AT(ca_file), .value = "PATH",
		.help = "CAs beside the system's for registries and token servers: a file in "
			"PEM, or a folder of them; reloaded when it changes"},
	{"registry-mirrors", TEXT, AT(mirrors), .value = "FILE",
		.help = "where else registries may be asked for what they have: rules in YAML, "
			"reloaded when they change (docs/mirrors.md)"},
	{"sigstore-trusted-root", TEXT, AT(trusted_root), .value = "FILE",
		.help = "trusted_root.json of a Sigstore, for objects whose spec.verify names "
			"neither a key nor a root; reloaded when it changes "
			"(docs/verification.md)"},
	{"verification-rules", TEXT, AT(rules), .value = "FILE",
		.help = "by whom the artifacts of which repositories have to be signed, whatever "
			"objects say: rules in YAML, reloaded when they change "
			"(docs/verification.md)"},
	{"interval-jitter-percentage", NUMBER, AT(jitter), .value = "N", .fallback = "5",
		.zero_counts = true, .help = "spread of intervals, 0 to 99"},
	{"min-retry-delay", DURATION, AT(min_retry_ms), .value = "DURATION", .fallback = "750ms",
		.help = "first back-off after a failure"},
	{"max-retry-delay", DURATION, AT(max_retry_ms), .value = "DURATION", .fallback = "15m",
		.help = "longest back-off"},
	{"outage-grace", DURATION, AT(outage_grace_ms), .value = "DURATION", .fallback = "0s",
		.zero_counts = true,
		.help = "for how long objects stay Ready with what they have while their registry "
			"fails"},
	{"graceful-shutdown-timeout", DURATION, AT(grace_ms), .value = "DURATION",
		.fallback = "25s", .zero_counts = true,
		.help = "how long running downloads may take after SIGTERM"},
	{"shutdown-delay", DURATION, AT(shutdown_delay_ms), .value = "DURATION", .fallback = "0s",
		.zero_counts = true,
		.help = "how long after SIGTERM new clients are still given artifacts: Services "
			"need a moment to leave a Pod out"},
	{"events-addr", TEXT, AT(events_addr), .value = "URL", .env = "EVENTS_ADDR",
		.help = "notification-controller's, for Flux's Alerts; without it Events are for "
			"Kubernetes only"},
	{"requeue-dependency", DURATION, AT(requeue_dependency_ms), .value = "DURATION",
		.fallback = "30s",
		.help = "when an ImagePolicy without tags to choose from looks again, and a "
			"GitRepository whose include is not ready"},
	{"receiverAddr", TEXT, AT(receiver_addr), .value = "ADDR", .fallback = ":9292",
		.embedded = "127.0.0.1:9292",
		.help = "address of the webhooks of Receivers; 0: no such server"},
	{"receiver-any-method", BOOL, AT(receiver_any_method), .value = "BOOL",
		.help = "GET, HEAD and OPTIONS of a webhook wake objects, too"},
	{"health-addr", TEXT, AT(health_addr), .value = "ADDR", .fallback = ":9440",
		.embedded = "127.0.0.1:9440",
		.help = "address of /healthz, /readyz and the status page; 0: no such server"},
	{"metrics-addr", TEXT, AT(metrics_addr), .value = "ADDR", .fallback = ":8080",
		.embedded = "127.0.0.1:8080", .env = "METRICS_ADDR",
		.help = "address of /metrics; 0: no such server"},
	{"status-page", BOOL, AT(status_page), .value = "BOOL", .fallback = "true",
		.help = "show all objects at / of the health address, and as JSON at "
			"/api/objects"},
	{"log-level", TEXT, AT(log_level), .value = "LEVEL", .fallback = "info",
		.help = "trace, debug, info or error"},
	{"log-encoding", TEXT, AT(log_encoding), .value = "FORM", .fallback = "json",
		.help = "json or console"},
	{"enable-leader-election", BOOL, AT(leader_election), .value = "BOOL",
		.help = "of several replicas one writes, the one that holds the Lease; the "
			"others bring and serve what the statuses name"},
	{"leader-election-lease-duration", DURATION, AT(lease_ms), .value = "DURATION",
		.fallback = "35s",
		.help = "how long the others wait for a leader that says nothing"},
	{"leader-election-renew-deadline", DURATION, AT(lease_renew_ms), .value = "DURATION",
		.fallback = "30s", .help = "how long a leader that cannot renew the Lease goes on"},
	{"leader-election-retry-period", DURATION, AT(lease_retry_ms), .value = "DURATION",
		.fallback = "5s", .help = "how often it is renewed, and looked at"},
	{"leader-election-release-on-cancel", BOOL, AT(lease_release), .value = "BOOL",
		.fallback = "true", .help = "give it back at the end"},
	{"peers-service", TEXT, AT(peers_service), .value = "NAME",
		.help = "the headless Service of all replicas, in RUNTIME_NAMESPACE: what is "
			"missing is fetched from them before registries are asked (none)"},
	{"feature-gates", GATES, AT(object_level), .value = "GATES",
		.help = "ObjectLevelWorkloadIdentity=true: spec.serviceAccountName is "
			"whose identity a cloud is shown"},
	{"default-service-account", TEXT, AT(default_account), .value = "NAME",
		.help = "with that gate: the ServiceAccount of an object that has a provider "
			"and names none"},
	{"token-cache-max-size", NUMBER, AT(token_cache_size), .value = "N", .fallback = "4096",
		.zero_counts = true,
		.help = "tokens and passwords of clouds that are kept; 0: for one run only"},
	{"token-cache-max-duration", DURATION, AT(token_cache_ms), .value = "DURATION",
		.fallback = "1h", .help = "and for how long at most"},
	{"ssh-kex-algos", TEXT, AT(ssh_kex), .value = "NAME[,NAME...]",
		.help = "key exchanges that Git over ssh offers (OpenSSH's own)"},
	{"ssh-hostkey-algos", TEXT, AT(ssh_host_keys), .value = "NAME[,NAME...]",
		.help = "and host keys (OpenSSH's own)"},
	{"version", BOOL, AT(version), .value = "", .help = "print the version"},
	{"help", BOOL, AT(help), .value = "", .help = "print this"},
};

/* Of Flux's other controllers: bulk patches give them to all. */
static const char *const FOREIGN_FLAGS[] = {"custom-apply-stage-kinds",
	"default-decryption-service-account", "default-kubeconfig-service-account",
	"disallowed-field-managers", "insecure-allow-http", "insecure-kubeconfig-exec",
	"insecure-kubeconfig-tls", "no-remote-bases", "http-retry", "override-manager",
	"concurrent-ssa", "watch-configs-label-selector", "oom-watch-interval",
	"oom-watch-memory-threshold", "oom-watch-max-memory-path", "oom-watch-current-memory-path",
	"snapshot-digest-algo", "rate-limit-interval", "export-http-path-metrics", "gc-interval",
	"storage-value-log-file-size", "storage-compression-threshold", "aws-autologin-for-ecr",
	"gcp-autologin-for-gcr", "azure-autologin-for-acr"};

static const struct flag *flag_find(const char *name, size_t len)
{
	static const struct flag foreign = {.name = "", .type = FOREIGN};
	size_t i;

	for (i = 0; i < ARRAY_LEN(FLAGS); i++)
		if (strlen(FLAGS[i].name) == len && !memcmp(FLAGS[i].name, name, len))
			return &FLAGS[i];
	for (i = 0; i < ARRAY_LEN(FOREIGN_FLAGS); i++)
		if (strlen(FOREIGN_FLAGS[i]) == len && !memcmp(FOREIGN_FLAGS[i], name, len))
			return &foreign;
	/* The family of Flux's helm flags. */
	if (len > 5 && !memcmp(name, "helm-", 5))
		return &foreign;
	return NULL;
}

static int flag_size(const char *text, int64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t by;
	} units[] = {{"", 1}, {"Ki", LIMIT_KIB}, {"Mi", LIMIT_MIB}, {"Gi", LIMIT_GIB}, {"k", 1000},
		{"M", 1000000}, {"G", 1000000000}};
	char *end;
	unsigned long long n = strtoull(text, &end, 10);
	size_t i;

	for (i = 0; i < ARRAY_LEN(units); i++)
		if (!strcmp(end, units[i].unit) && end != text && *text != '-' &&
			n <= INT64_MAX / units[i].by) {
			*out = (int64_t)(n * units[i].by);
			return 0;
		}
	return -1;
}

/* As Go's strconv.ParseBool. */
static int flag_bool(const char *text, bool *out)
{
	static const char *const words[] = {
		"1", "t", "T", "true", "TRUE", "True", "0", "f", "F", "false", "FALSE", "False"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(text, words[i])) {
			*out = i < ARRAY_LEN(words) / 2;
			return 0;
		}
	return -1;
}

/* A flag that may be repeated: what there is, a comma, what comes. */
static int add_networks(char **all, const char *more, struct err *err)
{
	auto_free char *before = MOVE(*all);
	struct ip_nets nets = {0};
	int rc;

	*all = before ? mem_printf("%s,%s", before, more) : mem_strdup(more);
	rc = ip_nets_add(&nets, *all, err);
	ip_nets_clear(&nets);
	return rc;
}

static int gate_set(struct flags *f, const char *gate, struct err *err)
{
	enum {
		GATE_CACHE,
		GATE_STORAGE,
		GATE_ALL_BRANCHES,
		GATE_FORCE_PUSH,
		GATE_SHALLOW,
		GATE_SPARSE,
		GATE_OBJECT_LEVEL,
		GATES_KNOWN
	};
	static const char *const known[] = {[GATE_CACHE] = "CacheSecretsAndConfigMaps",
		[GATE_STORAGE] = "FluxStorage",
		[GATE_ALL_BRANCHES] = "GitAllBranchReferences",
		[GATE_FORCE_PUSH] = "GitForcePushBranch",
		[GATE_SHALLOW] = "GitShallowClone",
		[GATE_SPARSE] = "GitSparseCheckout",
		[GATE_OBJECT_LEVEL] = "ObjectLevelWorkloadIdentity"};
	auto_buf struct buf all = BUF_INIT(BUF_ANY);
	size_t len = strcspn(gate, "="), i;
	bool on;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len && !memcmp(known[i], gate, len))
			break;
	if (i == GATES_KNOWN) {
		for (i = 0; i < GATES_KNOWN; i++)
			buf_addf(&all, "%s%s", i ? i + 1 < GATES_KNOWN ? ", " : " and " : "",
				known[i]);
		return err_set(err, ERR_STALL,
			"--feature-gates: '%.*s' is not known here; there are %s",
			(int)(len < 100 ? len : 100), gate, buf_str(&all));
	}
	if (!gate[len] || flag_bool(gate + len + 1, &on))
		return err_set(err, ERR_STALL,
			"invalid value '%.100s' for --feature-gates, want %s=true or false", gate,
			known[i]);
	if (i == GATE_OBJECT_LEVEL)
		f->object_level = on;
	if (i == GATE_FORCE_PUSH)
		f->no_force_push = !on;
	if (i == GATE_ALL_BRANCHES)
		f->no_all_branches = !on;
	return 0;
}

/* `name=bool` with commas between, spaces around them do not count. They are those of
   source-controller 1.9, image-reflector-controller 1.2 and image-automation-controller 1.2; what
   the others than these three say changes nothing here. */
static int gates_set(struct flags *f, const char *text, struct err *err)
{
	auto_free char *copy = mem_strdup(text);
	char *save, *gate;

	for (gate = strtok_r(copy, ", ", &save); gate; gate = strtok_r(NULL, ", ", &save))
		if (gate_set(f, gate, err))
			return -1;
	return 0;
}

/* What a value has to look like. */
static const char *flag_form(enum type type)
{
	switch (type) {
	case BOOL:
		return ", want true or false";
	case NUMBER:
		return ", want a whole number";
	case DURATION:
		return ", want a duration such as 90s, 10m or 1h30m";
	case SIZE:
		return ", want bytes, such as 1048576, 500Mi or 10Gi";
	default:
		return "";
	}
}

static int texts_add(const char **texts, const char *name, const char *value, struct err *err)
{
	size_t n = 0;

	while (texts[n])
		n++;
	if (n == FLAG_TIMES)
		return err_set(
			err, ERR_STALL, "--%s is given more than %d times", name, FLAG_TIMES);
	texts[n] = value;
	return 0;
}

static int flag_set(struct flags *f, const struct flag *flag, const char *value, struct err *err)
{
	void *at = (char *)f + flag->at;
	double rate;
	char *end;
	int64_t n;

	switch (flag->type) {
	case TEXT:
	case OPTIONAL_TEXT:
		*(const char **)at = value && *value ? value : NULL;
		return 0;
	case TEXTS:
		return *value ? texts_add(at, flag->name, value, err) : 0;
	case BOOL:
		if (flag_bool(value, at))
			break;
		return 0;
	case RATE:
		/* client-go takes fractions, and less than nothing for no limit. */
		rate = strtod(value, &end);
		if (*end || end == value || !(rate < 1e9))
			break;
		*(int64_t *)at = rate <= 0 ? 0 : rate < 1 ? 1 : (int64_t)rate;
		return 0;
	case NUMBER:
		n = strtoll(value, &end, 10);
		if (*end || end == value || n < 0 || n > 1000000000)
			break;
		*(int64_t *)at = n;
		return 0;
	case DURATION:
		if (time_parse_duration(value, at, err) || *(int64_t *)at < 0)
			break;
		return 0;
	case SIZE:
		if (flag_size(value, at))
			break;
		return 0;
	case ALGO:
		return digest_algo_parse(at, value, err) ? err_wrap(err, "--%s", flag->name) : 0;
	case NETWORKS:
		/* An empty text is as good as none. */
		return *value && add_networks(at, value, err) ? err_wrap(err, "--%s", flag->name)
							      : 0;
	case GATES:
		return gates_set(f, value, err);
	case FOREIGN:
		return 0;
	}
	return err_set(err, ERR_STALL, "invalid value '%.100s' for --%s%s", value, flag->name,
		flag_form(flag->type));
}

static const char *env_or(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return v && *v ? v : fallback;
}

/* Is the member what nobody has set: no text, or 0? */
static bool flag_is_unset(const struct flags *f, const struct flag *flag)
{
	const void *at = (const char *)f + flag->at;

	switch (flag->type) {
	case TEXT:
		return !*(const char *const *)at;
	case NUMBER:
	case RATE:
	case DURATION:
	case SIZE:
		return !*(const int64_t *)at && !flag->zero_counts;
	default:
		return false;
	}
}

static void flag_set_default(struct flags *f, const struct flag *flag, const char *value)
{
	struct err err = {0};

	BUG_IF(value && flag_set(f, flag, value, &err));
}

/*
 * Before the command line is read: what the environment says, and numbers, so that it can set them
 * to 0.
 */
static void defaults_begin(struct flags *f)
{
	const struct flag *flag;

	*f = (struct flags){.runtime_namespace = env_or("RUNTIME_NAMESPACE", "flux-system")};
	for (flag = FLAGS; flag < FLAGS + ARRAY_LEN(FLAGS); flag++)
		flag_set_default(f, flag,
			flag->env                    ? env_or(flag->env, NULL)
				: flag->type != TEXT ? flag->fallback
						     : NULL);
}

/* After it: whatever is empty or 0 still, or again. */
static void defaults_end(struct flags *f)
{
	const struct flag *flag;

	for (flag = FLAGS; flag < FLAGS + ARRAY_LEN(FLAGS); flag++)
		if (flag_is_unset(f, flag))
			flag_set_default(f, flag,
				f->embedded && flag->embedded ? flag->embedded : flag->fallback);
}

/* "0" is how controller-runtime, and so Flux's controllers, have a server turned off. */
static void address_read(const char **address)
{
	if (!strcmp(*address, "0"))
		*address = NULL;
}

/* A host as ever, or a URL whose path may lead to us through a proxy. */
static int check_advertised(const char *text, struct err *err)
{
	auto_free char *whole = mem_printf("%s%s", strstr(text, "://") ? "" : "http://", text);
	auto_url struct url u = {0};

	if (url_parse(&u, whole, err))
		return err_wrap(err, "--storage-adv-addr");
	/* "http:/host" would be a host named "http". */
	if (strstr(text, ":/") && !strstr(text, "://"))
		return err_set(
			err, ERR_STALL, "invalid value '%.255s' for --storage-adv-addr", text);
	if (u.has_user || u.has_query || u.has_fragment)
		return err_set(err, ERR_STALL,
			"--storage-adv-addr: no user, query or fragment is possible for '%.255s'",
			u.host);
	return 0;
}

static int check_events(const char *text, struct err *err)
{
	auto_url struct url u = {0};

	if (url_parse(&u, text, err))
		return err_wrap(err, "--events-addr");
	if (u.has_user)
		return err_set(
			err, ERR_STALL, "--events-addr: no user is possible for '%.255s'", u.host);
	return 0;
}

/* Of a few words, which are the flag's help. */
static int word_refuse(const char *name, const char *value, struct err *err)
{
	return err_set(err, ERR_STALL, "invalid value '%.100s' for --%s, want %s", value, name,
		flag_find(name, strlen(name))->help);
}

/* What client-go demands of them: who leads stops before another one begins. */
static int check_lease(const struct flags *f, struct err *err)
{
	if (f->lease_ms <= f->lease_renew_ms)
		return err_set(err, ERR_STALL,
			"--leader-election-lease-duration must be longer than "
			"--leader-election-renew-deadline");
	if (f->lease_renew_ms <= f->lease_retry_ms + f->lease_retry_ms / 5)
		return err_set(err, ERR_STALL,
			"--leader-election-renew-deadline must be longer than 1.2 times "
			"--leader-election-retry-period");
	return 0;
}

static int flags_check(const struct flags *f, struct err *err)
{
	if (f->storage_adv_addr && check_advertised(f->storage_adv_addr, err))
		return -1;
	if (f->events_addr && check_events(f->events_addr, err))
		return -1;
	if (f->jitter > 99)
		return err_set(err, ERR_STALL,
			"invalid value '%lld' for --interval-jitter-percentage",
			(long long)f->jitter);
	if (!f->retention_records || !f->concurrent)
		return err_set(err, ERR_STALL,
			"--artifact-retention-records and --concurrent must be at least 1");
	if (check_lease(f, err))
		return -1;
	if (f->default_account && !f->object_level)
		return err_set(err, ERR_STALL,
			"cannot set default service accounts when the feature gate "
			"ObjectLevelWorkloadIdentity is not enabled: --default-service-account");
	if (f->memory_budget && (uint64_t)f->memory_budget < LIMIT_MEMORY_MIN)
		return err_set(
			err, ERR_STALL, "--memory-budget must be at least %llu", LIMIT_MEMORY_MIN);
	if (log_set_level(f->log_level))
		return word_refuse("log-level", f->log_level, err);
	if (strcmp(f->log_encoding, "json") != 0 && strcmp(f->log_encoding, "console") != 0)
		return word_refuse("log-encoding", f->log_encoding, err);
	log_set_json(!strcmp(f->log_encoding, "json"));
	return 0;
}

int flags_parse(struct flags *f, int argc, char **argv, struct err *err)
{
	int i;

	defaults_begin(f);
	for (i = 1; i < argc; i++) {
		const char *name = argv[i], *value;
		const struct flag *flag;
		size_t len;

		if (name[0] != '-' || !name[1])
			return err_set(err, ERR_STALL,
				"unexpected argument '%.100s': values are given as --flag=VALUE",
				name);
		name += name[1] == '-' ? 2 : 1;
		len = strcspn(name, "=");
		value = name[len] ? name + len + 1 : NULL;
		if (len == 1 && *name == 'h')
			flag = flag_find("help", 4);
		else
			flag = flag_find(name, len);
		if (!flag)
			return err_set(err, ERR_STALL, "unknown flag '%.100s'", argv[i]);
		if (flag->type == OPTIONAL_TEXT) {
			f->embedded = true;
		} else if (flag->type == BOOL) {
			value = value ? value : "true";
		} else if (!value && flag->type == FOREIGN) {
			/* Whether it takes a value is not known here: what follows and is no flag
			   belongs to it. */
			if (i + 1 < argc && argv[i + 1][0] != '-')
				i++;
			value = "";
		} else if (!value) {
			if (++i == argc)
				return err_set(err, ERR_STALL, "--%s needs a value", flag->name);
			value = argv[i];
		}
		if (flag->type == FOREIGN) {
			auto_free char *which = mem_strndup(name, len);

			log_info(
				NULL, "flag has no meaning for this controller", LS("flag", which));
		}
		if (flag_set(f, flag, value, err))
			return -1;
	}
	defaults_end(f);
	address_read(&f->metrics_addr);
	address_read(&f->health_addr);
	address_read(&f->receiver_addr);
	return flags_check(f, err);
}

static void flag_print_default(const struct flag *flag)
{
	const char *parts[3], *before = " (";
	char embedded[64];
	size_t n = 0, i;

	if (flag->fallback)
		parts[n++] = flag->fallback;
	if (flag->embedded) {
		snprintf(embedded, sizeof(embedded), "with --embedded %s", flag->embedded);
		parts[n++] = embedded;
	}
	if (flag->env)
		parts[n++] = flag->env;
	for (i = 0; i < n; i++, before = ", ")
		printf("%s%s", before, parts[i]);
	if (n)
		putchar(')');
}

void flags_usage(void)
{
	const struct flag *flag;

	puts("oci-source-controller: serves OCIRepository, GitRepository, ImageRepository, "
	     "ImagePolicy, ImageUpdateAutomation and Receiver objects\n\nFlags (defaults in "
	     "parentheses):");
	for (flag = FLAGS; flag < FLAGS + ARRAY_LEN(FLAGS); flag++) {
		if (!flag->help)
			continue;
		printf("  --%s%s%s\n        %s", flag->name, *flag->value ? "=" : "", flag->value,
			flag->help);
		flag_print_default(flag);
		putchar('\n');
	}
}
