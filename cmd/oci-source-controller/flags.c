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
	NETWORKS,
	GATES,
	TAKEN,
	TAKEN_BOOL,
	FOREIGN
};

struct flag {
	const char *name;
	enum type type;
	size_t at;
	const char *value, *help;
};

#define AT(member) offsetof(struct flags, member)

static const struct flag FLAGS[] = {
	{"embedded", OPTIONAL_TEXT, AT(embedded_dir), "[DIR]",
		"run without a cluster: a small Kubernetes API on loopback holds the objects; the "
		"manifests of DIR are kept applied"},
	{"state-dir", TEXT, AT(state_dir), "DIR",
		"where --embedded keeps its database, kubeconfig and artifacts "
		"($XDG_STATE_HOME/oci-source-controller)"},
	{"embedded-addr", TEXT, AT(embedded_addr), "ADDR",
		"loopback address of the embedded API (127.0.0.1:0)"},
	{"kubeconfig", TEXT, AT(kubeconfig), "FILE",
		"instead of KUBECONFIG or the pod's ServiceAccount"},
	{"watch-all-namespaces", BOOL, AT(watch_all_namespaces), "BOOL",
		"watch all namespaces, or only RUNTIME_NAMESPACE (true)"},
	{"watch-label-selector", TEXT, AT(label_selector), "SELECTOR",
		"watch only objects with these labels: Flux's sharding.fluxcd.io/key"},
	{"kube-api-qps", RATE, AT(kube_qps), "N",
		"requests a second to the API server (0: its own priority and fairness decides)"},
	{"kube-api-burst", RATE, AT(kube_burst), "N", "how many at once above that (0)"},
	{"storage-path", TEXT, AT(storage_path), "DIR", "the artifacts' directory (STORAGE_PATH)"},
	{"storage-addr", TEXT, AT(storage_addr), "ADDR", "address of the artifact server (:9090)"},
	{"storage-adv-addr", TEXT, AT(storage_adv_addr), "HOST",
		"host of artifact URLs, as consumers reach it; may begin with http:// or, for a "
		"proxy that ends TLS, https:// (STORAGE_ADV_ADDR)"},
	{"artifact-retention-ttl", DURATION, AT(retention_ttl_ms), "DURATION",
		"how long a superseded artifact is kept (1m)"},
	{"artifact-retention-records", NUMBER, AT(retention_records), "N",
		"how many artifacts of one object are kept (2)"},
	{"artifact-digest-algo", ALGO, AT(algo), "ALGO", "sha256, sha384 or sha512 (sha256)"},
	{"artifact-restore-timeout", DURATION, AT(restore_timeout_ms), "DURATION",
		"how long readiness waits for artifacts that are being restored at the start "
		"(30s)"},
	{"artifact-max-size", SIZE, AT(max_size), "BYTES", "largest layer (4Gi)"},
	{"artifact-max-expanded-size", SIZE, AT(max_expanded), "BYTES",
		"largest expanded layer (16Gi)"},
	{"artifact-max-entries", NUMBER, AT(max_entries), "N",
		"most files and directories in a layer (200000)"},
	{"memory-budget", SIZE, AT(memory_budget), "BYTES",
		"memory for what registries and objects can size (two thirds of what the memory "
		"limit leaves above 64Mi and 768Ki for each concurrent pull)"},
	{"concurrent", NUMBER, AT(concurrent), "N", "artifacts pulled at a time (16)"},
	{"registry-allow-private", NETWORKS, AT(allow_private), "CIDR[,CIDR...]",
		"internal networks to which every registry may send redirects and token requests; "
		"without it only registries that have an internal address themselves (none)"},
	{"interval-jitter-percentage", NUMBER, AT(jitter), "N", "spread of intervals, 0 to 99 (5)"},
	{"min-retry-delay", DURATION, AT(min_retry_ms), "DURATION",
		"first back-off after a failure (750ms)"},
	{"max-retry-delay", DURATION, AT(max_retry_ms), "DURATION", "longest back-off (15m)"},
	{"graceful-shutdown-timeout", DURATION, AT(grace_ms), "DURATION",
		"how long running downloads may take after SIGTERM (25s)"},
	{"health-addr", TEXT, AT(health_addr), "ADDR", "address of /healthz and /readyz (:9440)"},
	{"metrics-addr", TEXT, AT(metrics_addr), "ADDR",
		"address of /metrics (:8080, METRICS_ADDR)"},
	{"log-level", TEXT, AT(log_level), "LEVEL", "trace, debug, info or error (info)"},
	{"log-encoding", TEXT, AT(log_encoding), "FORM", "json or console (json)"},
	{"enable-leader-election", BOOL, AT(leader_election), "BOOL",
		"taken, without effect yet: run one replica"},
	{"version", BOOL, AT(version), "", "print the version"},
	{"help", BOOL, AT(help), "", "print this"},
	/* Flux's, for things this version does not have yet. */
	{"events-addr", TEXT, AT(events_addr), "ADDR", NULL},
	{"leader-election-lease-duration", TAKEN, 0, NULL, NULL},
	{"leader-election-renew-deadline", TAKEN, 0, NULL, NULL},
	{"leader-election-retry-period", TAKEN, 0, NULL, NULL},
	{"leader-election-release-on-cancel", TAKEN_BOOL, 0, NULL, NULL},
	{"requeue-dependency", TAKEN, 0, NULL, NULL},
	{"feature-gates", GATES, 0, NULL, NULL},
	{"token-cache-max-size", TAKEN, 0, NULL, NULL},
	{"token-cache-max-duration", TAKEN, 0, NULL, NULL},
	{"default-service-account", TAKEN, 0, NULL, NULL},
};

/* Of Flux's other controllers: bulk patches give them to all. */
static const char *const FOREIGN_FLAGS[] = {"custom-apply-stage-kinds",
	"default-decryption-service-account", "default-kubeconfig-service-account",
	"disallowed-field-managers", "insecure-allow-http", "insecure-kubeconfig-exec",
	"insecure-kubeconfig-tls", "no-cross-namespace-refs", "no-remote-bases", "http-retry",
	"override-manager", "concurrent-ssa", "watch-configs-label-selector", "oom-watch-interval",
	"oom-watch-memory-threshold", "oom-watch-max-memory-path", "oom-watch-current-memory-path",
	"snapshot-digest-algo", "receiverAddr", "rate-limit-interval", "export-http-path-metrics",
	"gc-interval", "storage-value-log-file-size", "aws-autologin-for-ecr",
	"gcp-autologin-for-gcr", "azure-autologin-for-acr"};

static const struct flag *find(const char *name, size_t len)
{
	static const struct flag foreign = {"", FOREIGN, 0, NULL, NULL};
	size_t i;

	for (i = 0; i < ARRAY_LEN(FLAGS); i++)
		if (strlen(FLAGS[i].name) == len && !memcmp(FLAGS[i].name, name, len))
			return &FLAGS[i];
	for (i = 0; i < ARRAY_LEN(FOREIGN_FLAGS); i++)
		if (strlen(FOREIGN_FLAGS[i]) == len && !memcmp(FOREIGN_FLAGS[i], name, len))
			return &foreign;
	/* Families of Flux's helm and ssh flags. */
	if ((len > 5 && !memcmp(name, "helm-", 5)) || (len > 4 && !memcmp(name, "ssh-", 4)))
		return &foreign;
	return NULL;
}

static int size_of(const char *text, int64_t *out)
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
static int bool_of(const char *text, bool *out)
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

static int check_gate(const char *gate, struct err *err)
{
	static const char *const known[] = {
		"CacheSecretsAndConfigMaps", "ObjectLevelWorkloadIdentity"};
	size_t len = strcspn(gate, "="), i;
	bool ignored;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (strlen(known[i]) == len && !memcmp(known[i], gate, len))
			break;
	if (i == ARRAY_LEN(known))
		return err_set(err, ERR_STALL,
			"--feature-gates: '%.*s' is not known here; there are %s and %s",
			(int)(len < 100 ? len : 100), gate, known[0], known[1]);
	if (!gate[len] || bool_of(gate + len + 1, &ignored))
		return err_set(err, ERR_STALL,
			"invalid value '%.100s' for --feature-gates, want %s=true or false", gate,
			known[i]);
	return 0;
}

/* `name=bool` with commas between, spaces around them do not count. They are those of source-controller 1.9, and change nothing here. */
static int check_gates(const char *text, struct err *err)
{
	auto_free char *copy = mem_strdup(text);
	char *save, *gate;

	for (gate = strtok_r(copy, ", ", &save); gate; gate = strtok_r(NULL, ", ", &save))
		if (check_gate(gate, err))
			return -1;
	return 0;
}

static int set(struct flags *f, const struct flag *flag, const char *value, struct err *err)
{
	void *at = (char *)f + flag->at;
	bool ignored;
	double rate;
	char *end;
	int64_t n;

	switch (flag->type) {
	case TEXT:
	case OPTIONAL_TEXT:
		/* An empty one is as good as none: manifests set flags from variables that may be empty. */
		*(const char **)at = value && *value ? value : NULL;
		return 0;
	case BOOL:
	case TAKEN_BOOL:
		if (bool_of(value, flag->type == BOOL ? at : &ignored))
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
		if (size_of(value, at))
			break;
		return 0;
	case ALGO:
		return digest_algo_parse(at, value, err) ? err_wrap(err, "--%s", flag->name) : 0;
	case NETWORKS:
		/* An empty one is as good as none, as above. */
		return *value && add_networks(at, value, err) ? err_wrap(err, "--%s", flag->name)
							      : 0;
	case GATES:
		return check_gates(value, err);
	case TAKEN:
		return 0;
	case FOREIGN:
		return 0;
	}
	return err_set(err, ERR_STALL, "invalid value '%.100s' for --%s", value, flag->name);
}

static const char *env_or(const char *name, const char *fallback)
{
	const char *v = getenv(name);

	return v && *v ? v : fallback;
}

static void defaults(struct flags *f)
{
	*f = (struct flags){
		.watch_all_namespaces = true,
		.runtime_namespace = env_or("RUNTIME_NAMESPACE", "flux-system"),
		.storage_path = env_or("STORAGE_PATH", NULL),
		.storage_addr = env_or("STORAGE_ADDRESS", NULL),
		.storage_adv_addr = env_or("STORAGE_ADV_ADDR", NULL),
		.events_addr = env_or("EVENTS_ADDR", NULL),
		.metrics_addr = env_or("METRICS_ADDR", NULL),
		.retention_ttl_ms = 60000,
		.retention_records = 2,
		.restore_timeout_ms = 30000,
		.algo = DIGEST_SHA256,
		.jitter = 5,
		.concurrent = 16,
		.min_retry_ms = 750,
		.max_retry_ms = 15 * 60000,
		.grace_ms = 25000,
		.log_level = "info",
		.log_encoding = "json",
	};
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

static int check(struct flags *f, struct err *err)
{
	static const char *const everywhere[] = {":9090", ":8080", ":9440"};
	static const char *const here[] = {"127.0.0.1:9090", "127.0.0.1:8080", "127.0.0.1:9440"};
	const char **addresses[] = {&f->storage_addr, &f->metrics_addr, &f->health_addr};
	size_t i;

	for (i = 0; i < ARRAY_LEN(addresses); i++)
		if (!*addresses[i])
			*addresses[i] = f->embedded ? here[i] : everywhere[i];
	if (!f->log_level)
		f->log_level = "info";
	if (!f->log_encoding)
		f->log_encoding = "json";
	if (f->storage_adv_addr && check_advertised(f->storage_adv_addr, err))
		return -1;
	if (f->jitter > 99)
		return err_set(err, ERR_STALL,
			"invalid value '%lld' for --interval-jitter-percentage",
			(long long)f->jitter);
	if (!f->retention_records || !f->concurrent)
		return err_set(err, ERR_STALL,
			"--artifact-retention-records and --concurrent must be at least 1");
	if (f->memory_budget && (uint64_t)f->memory_budget < LIMIT_MEMORY_MIN)
		return err_set(
			err, ERR_STALL, "--memory-budget must be at least %llu", LIMIT_MEMORY_MIN);
	if (log_set_level(f->log_level))
		return err_set(
			err, ERR_STALL, "invalid value '%.100s' for --log-level", f->log_level);
	if (strcmp(f->log_encoding, "json") != 0 && strcmp(f->log_encoding, "console") != 0)
		return err_set(err, ERR_STALL, "invalid value '%.100s' for --log-encoding",
			f->log_encoding);
	log_set_json(!strcmp(f->log_encoding, "json"));
	return 0;
}

int flags_parse(struct flags *f, int argc, char **argv, struct err *err)
{
	int i;

	defaults(f);
	for (i = 1; i < argc; i++) {
		const char *name = argv[i], *value;
		const struct flag *flag;
		size_t len;

		if (name[0] != '-' || !name[1])
			return err_set(err, ERR_STALL, "unexpected argument '%.100s'", name);
		name += name[1] == '-' ? 2 : 1;
		len = strcspn(name, "=");
		value = name[len] ? name + len + 1 : NULL;
		if (len == 1 && *name == 'h')
			flag = find("help", 4);
		else
			flag = find(name, len);
		if (!flag)
			return err_set(err, ERR_STALL, "unknown flag '%.100s'", argv[i]);
		if (flag->type == OPTIONAL_TEXT) {
			f->embedded = true;
		} else if (flag->type == BOOL || flag->type == TAKEN_BOOL) {
			value = value ? value : "true";
		} else if (!value && flag->type == FOREIGN) {
			/* Whether it takes a value is not known here: what follows and is no flag belongs to it. */
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
		if (set(f, flag, value, err))
			return -1;
	}
	return check(f, err);
}

void flags_usage(void)
{
	size_t i;

	puts("oci-source-controller: keeps OCIRepository objects' artifacts\n\nFlags (defaults in "
	     "parentheses):");
	for (i = 0; i < ARRAY_LEN(FLAGS); i++)
		if (FLAGS[i].help)
			printf("  --%s%s%s\n        %s\n", FLAGS[i].name,
				*FLAGS[i].value ? "=" : "", FLAGS[i].value, FLAGS[i].help);
}
