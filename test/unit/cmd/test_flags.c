#include "cmd/oci-source-controller/flags.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ARGS_MAX 64

/* The words of `line`, split at spaces, after the program's name. They live in `line`. */
static int parse(struct flags *f, char *line, struct err *err)
{
	static const char *const env[] = {"RUNTIME_NAMESPACE", "STORAGE_PATH", "STORAGE_ADDRESS",
		"STORAGE_ADV_ADDR", "EVENTS_ADDR", "METRICS_ADDR"};
	char *argv[ARGS_MAX], *save = NULL, *word;
	int argc = 0;
	size_t i;

	for (i = 0; i < ARRAY_LEN(env); i++)
		unsetenv(env[i]);
	log_set_fd(-1);
	argv[argc++] = (char[]){"program"};
	for (word = strtok_r(line, " ", &save); word && argc < ARGS_MAX;
		word = strtok_r(NULL, " ", &save))
		argv[argc++] = word;
	return flags_parse(f, argc, argv, err);
}

static void good(struct flags *f, char *line)
{
	struct err err = {0};

	ck_assert_msg(!parse(f, line, &err), "%s", err.msg);
}

START_TEST(test_defaults)
{
	struct flags f;
	char none[] = "", embedded[] = "--embedded";

	good(&f, none);
	ck_assert(f.watch_all_namespaces && !f.embedded && !f.leader_election && f.status_page);
	ck_assert_str_eq(f.runtime_namespace, "flux-system");
	ck_assert_str_eq(f.storage_addr, ":9090");
	ck_assert_str_eq(f.metrics_addr, ":8080");
	ck_assert_str_eq(f.health_addr, ":9440");
	ck_assert_str_eq(f.receiver_addr, ":9292");
	ck_assert(!f.receiver_any_method && !f.no_cross_namespace);
	ck_assert_int_eq(f.requeue_dependency_ms, 30000);
	ck_assert_ptr_null(f.kinds[0]);
	ck_assert_ptr_null(f.storage_path);
	ck_assert_ptr_null(f.storage_adv_addr);
	ck_assert_ptr_null(f.label_selector);
	ck_assert_int_eq(f.concurrent, 16);
	ck_assert_int_eq(f.jitter, 5);
	ck_assert_int_eq(f.kube_qps, 0);
	ck_assert_int_eq(f.retention_ttl_ms, 60000);
	ck_assert_int_eq(f.retention_records, 2);
	ck_assert_int_eq(f.scrub_rate, 1 << 20);
	ck_assert_int_eq(f.quota, 0);
	ck_assert_int_eq(f.min_retry_ms, 750);
	ck_assert_int_eq(f.max_retry_ms, 900000);
	ck_assert_int_eq(f.restore_timeout_ms, 30000);
	ck_assert_int_eq(f.grace_ms, 25000);
	ck_assert_int_eq(f.max_size, LIMIT_BLOB);
	ck_assert_int_eq(f.max_expanded, LIMIT_EXPANDED);
	ck_assert_int_eq(f.max_entries, LIMIT_ENTRIES);
	ck_assert_ptr_null(f.url_secret);
	ck_assert_int_eq(f.client_connections, 0);
	ck_assert_int_eq(f.client_rate, 0);
	ck_assert_int_eq(f.memory_budget, 0);
	ck_assert_str_eq(f.embedded_addr, "127.0.0.1:0");
	ck_assert_str_eq(f.log_encoding, "json");
	ck_assert_int_eq(f.algo, DIGEST_SHA256);
	/* Without a cluster nothing is offered to the network. */
	good(&f, embedded);
	ck_assert(f.embedded && !f.embedded_dir);
	ck_assert_str_eq(f.storage_addr, "127.0.0.1:9090");
	ck_assert_str_eq(f.metrics_addr, "127.0.0.1:8080");
	ck_assert_str_eq(f.health_addr, "127.0.0.1:9440");
	ck_assert_str_eq(f.receiver_addr, "127.0.0.1:9292");
}
END_TEST

START_TEST(test_environment)
{
	char *argv[] = {(char[]){"program"}, (char[]){"--storage-path=/flag"}, NULL};
	struct flags f;
	struct err err = {0};

	setenv("RUNTIME_NAMESPACE", "here", 1);
	setenv("STORAGE_PATH", "/env", 1);
	setenv("STORAGE_ADDRESS", "127.0.0.1:1", 1);
	setenv("STORAGE_ADV_ADDR", "adv.", 1);
	setenv("METRICS_ADDR", ":2", 1);
	setenv("EVENTS_ADDR", "", 1);
	ck_assert_int_eq(flags_parse(&f, 2, argv, &err), 0);
	ck_assert_str_eq(f.runtime_namespace, "here");
	ck_assert_str_eq(f.storage_path, "/flag");
	ck_assert_str_eq(f.storage_addr, "127.0.0.1:1");
	ck_assert_str_eq(f.storage_adv_addr, "adv.");
	ck_assert_str_eq(f.metrics_addr, ":2");
	ck_assert_ptr_null(f.events_addr);
}
END_TEST

START_TEST(test_values)
{
	struct flags f;
	char line[] = "--concurrent=4 --interval-jitter-percentage 0 --watch-all-namespaces=false "
		      "--storage-adv-addr x. -storage-addr=:0 --min-retry-delay=1s "
		      "--artifact-retention-ttl=1h30m --artifact-digest-algo=sha512 "
		      "--artifact-max-size=2Gi --artifact-max-expanded-size=1M "
		      "--artifact-max-entries=7 --memory-budget=100Mi --kube-api-qps=20.5 "
		      "--artifact-max-connections-per-client=8 --artifact-rate-per-client=50 "
		      "--artifact-url-secret=/etc/secret/urls "
		      "--kube-api-burst=-1 "
		      "--enable-leader-election --embedded=/dir --log-level=debug "
		      "--log-encoding=console --watch-label-selector=a=b,c!=d "
		      "--ca-file=/etc/cas --registry-mirrors=/etc/rules "
		      "--sigstore-trusted-root=/etc/root.json --verification-rules=/etc/signed";

	good(&f, line);
	ck_assert_int_eq(f.concurrent, 4);
	ck_assert_int_eq(f.jitter, 0);
	ck_assert(!f.watch_all_namespaces && f.leader_election && f.embedded);
	ck_assert_str_eq(f.embedded_dir, "/dir");
	ck_assert_str_eq(f.storage_adv_addr, "x.");
	ck_assert_str_eq(f.storage_addr, ":0");
	ck_assert_int_eq(f.min_retry_ms, 1000);
	ck_assert_int_eq(f.memory_budget, 100 << 20);
	ck_assert_int_eq(f.retention_ttl_ms, 5400000);
	ck_assert_int_eq(f.algo, DIGEST_SHA512);
	ck_assert_int_eq(f.max_size, 2LL << 30);
	ck_assert_int_eq(f.max_expanded, 1000000);
	ck_assert_int_eq(f.max_entries, 7);
	ck_assert_str_eq(f.url_secret, "/etc/secret/urls");
	ck_assert_int_eq(f.client_connections, 8);
	ck_assert_int_eq(f.client_rate, 50);
	ck_assert_int_eq(f.kube_qps, 20);
	ck_assert_int_eq(f.kube_burst, 0);
	ck_assert_str_eq(f.label_selector, "a=b,c!=d");
	ck_assert_str_eq(f.ca_file, "/etc/cas");
	ck_assert_str_eq(f.mirrors, "/etc/rules");
	ck_assert_str_eq(f.trusted_root, "/etc/root.json");
	ck_assert_str_eq(f.rules, "/etc/signed");
}
END_TEST

START_TEST(test_events)
{
	static const struct {
		const char *value, *says;
	} bad[] = {
		{"notification-controller:9292", "--events-addr"},
		{"ftp://host/", "--events-addr"},
		{"http://", "--events-addr"},
		{"http://somebody:hunter2@host/", "--events-addr: no user is possible for 'host'"},
	};
	char *argv[] = {(char[]){"program"}, NULL};
	struct flags f;
	struct err err = {0};
	size_t i;

	setenv("EVENTS_ADDR", "http://from-env/", 1);
	ck_assert_int_eq(flags_parse(&f, 1, argv, &err), 0);
	ck_assert_str_eq(f.events_addr, "http://from-env/");
	good(&f, (char[]){"--events-addr=https://host./a?b=c"});
	ck_assert_str_eq(f.events_addr, "https://host./a?b=c");
	good(&f, (char[]){"--events-addr="});
	ck_assert_ptr_null(f.events_addr);
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		auto_free char *line = mem_printf("--events-addr=%s", bad[i].value);

		ck_assert_msg(parse(&f, line, &err), "%s", bad[i].value);
		ck_assert_ptr_nonnull(strstr(err.msg, bad[i].says));
		ck_assert_ptr_null(strstr(err.msg, "hunter2"));
	}
}
END_TEST

START_TEST(test_networks)
{
	struct flags f;
	struct err err = {0};
	char none[] = "--registry-allow-private=",
	     two[] = "--registry-allow-private=10.0.0.0/8,fd00::/8 --registry-allow-private "
		     "192.168.0.1";
	char bad[] = "--registry-allow-private=10.0.0.0/8,10.0.0.0/40";

	good(&f, none);
	ck_assert_ptr_null(f.allow_private);
	good(&f, two);
	ck_assert_str_eq(f.allow_private, "10.0.0.0/8,fd00::/8,192.168.0.1");
	free(f.allow_private);
	ck_assert(parse(&f, bad, &err));
	ck_assert_str_eq(err.msg,
		"--registry-allow-private: '10.0.0.0/40' is not a network such as 10.0.0.0/8");
	free(f.allow_private);
}
END_TEST

/* What Flux's manifests, its bootstrap patches and its other controllers' flags give to all. */
START_TEST(test_flux)
{
	struct flags f;
	char line[] =
		"--events-addr=http://notification-controller.flux-system.svc.cluster.local./ "
		"--watch-all-namespaces=true --log-level=info --log-encoding=json "
		"--enable-leader-election --storage-path=/data "
		"--storage-adv-addr=source-controller.flux-system.svc.cluster.local. "
		"--leader-election-release-on-cancel --leader-election-lease-duration=60s "
		"--leader-election-renew-deadline=40s --leader-election-retry-period 5s "
		"--concurrent=20 --requeue-dependency=5s "
		"--feature-gates=ObjectLevelWorkloadIdentity=true,CacheSecretsAndConfigMaps=false,"
		"FluxStorage=true "
		"--kube-api-qps=500 --kube-api-burst=1000 --token-cache-max-size=10 "
		"--token-cache-max-duration=1h --default-service-account= "
		"--interval-jitter-percentage=10 --health-addr=:1 --metrics-addr=:2 "
		"--helm-cache-max-size=10 --helm-cache-ttl 60m --helm-index-max-size=1 "
		"--ssh-kex-algos=a,b --ssh-hostkey-algos c --no-cross-namespace-refs=true "
		"--no-remote-bases --insecure-kubeconfig-exec --oom-watch-interval=1s "
		"--storage-value-log-file-size=1 --storage-compression-threshold=64 "
		"--gc-interval 10 --rate-limit-interval=5m --export-http-path-metrics "
		"--watch-configs-label-selector=a=b --receiverAddr=:3 "
		"--http-retry=3 --watch-label-selector=sharding.fluxcd.io/key=shard1";

	good(&f, line);
	ck_assert(f.leader_election && f.watch_all_namespaces);
	ck_assert_int_eq(f.concurrent, 20);
	ck_assert_int_eq(f.kube_qps, 500);
	ck_assert_int_eq(f.kube_burst, 1000);
	ck_assert_str_eq(f.label_selector, "sharding.fluxcd.io/key=shard1");
	ck_assert_str_eq(f.health_addr, ":1");
	ck_assert_str_eq(f.metrics_addr, ":2");
	ck_assert_str_eq(f.receiver_addr, ":3");
	ck_assert_int_eq(f.requeue_dependency_ms, 5000);
	ck_assert(f.no_cross_namespace);
}
END_TEST

static const char *const taken_rows[] = {"--storage-adv-addr=source.flux-system.svc.",
	"--storage-adv-addr=http://source.flux-system.svc.cluster.local./",
	"--storage-adv-addr=https://artifacts.example.org/source",
	"--storage-adv-addr=http://[::1]:9090", "--storage-adv-addr=127.0.0.1:9090/",
	"--feature-gates=", "--feature-gates=CacheSecretsAndConfigMaps=1,"};

START_TEST(test_taken)
{
	auto_free char *line = mem_strdup(taken_rows[_i]);
	struct flags f;

	good(&f, line);
}
END_TEST

static const struct {
	const char *text;
	bool value;
} booleans_rows[] = {{"--watch-all-namespaces", true}, {"--watch-all-namespaces=1", true},
	{"--watch-all-namespaces=True", true}, {"--watch-all-namespaces=0", false},
	{"--watch-all-namespaces=F", false}, {"--watch-all-namespaces=FALSE", false}};

/* A boolean never takes the next word for its value. */
START_TEST(test_booleans)
{
	auto_free char *line = mem_printf("%s --leader-election-release-on-cancel "
					  "--concurrent=3 --enable-leader-election --jitter",
		booleans_rows[_i].text);
	struct flags f;

	*strstr(line, " --jitter") = '\0';
	good(&f, line);
	ck_assert_int_eq(f.watch_all_namespaces, booleans_rows[_i].value);
	ck_assert_int_eq(f.concurrent, 3);
	ck_assert(f.leader_election);
}
END_TEST

/* An empty value, as from a variable that is not set, is the default. */
START_TEST(test_empty)
{
	struct flags f;
	char line[] = "--storage-adv-addr= --storage-addr= --metrics-addr= --health-addr= "
		      "--watch-label-selector= --kubeconfig= --log-level= --log-encoding=";

	good(&f, line);
	ck_assert_ptr_null(f.storage_adv_addr);
	ck_assert_ptr_null(f.label_selector);
	ck_assert_ptr_null(f.kubeconfig);
	ck_assert_str_eq(f.storage_addr, ":9090");
	ck_assert_str_eq(f.log_level, "info");
}
END_TEST

/* Each part of an installation adds its kinds. */
START_TEST(test_repeated)
{
	struct flags f;
	struct err err = {0};
	char two[] = "--kinds=OCIRepository,Receiver --kinds= --kinds ImagePolicy",
	     many[] = "--kinds=a --kinds=b --kinds=c --kinds=d --kinds=e --kinds=f --kinds=g "
		      "--kinds=h --kinds=i";

	good(&f, two);
	ck_assert_str_eq(f.kinds[0], "OCIRepository,Receiver");
	ck_assert_str_eq(f.kinds[1], "ImagePolicy");
	ck_assert_ptr_null(f.kinds[2]);
	ck_assert_int_eq(parse(&f, many, &err), -1);
	ck_assert_str_eq(err.msg, "--kinds is given more than 8 times");
}
END_TEST

/* As controller-runtime has it; deployments of Flux say it so. */
START_TEST(test_off)
{
	struct flags f;
	struct err err = {0};
	char line[] = "--metrics-addr=0 --health-addr 0 --receiverAddr=0",
	     embedded[] = "--embedded --health-addr=0";
	char *argv[] = {(char[]){"program"}, NULL};

	good(&f, line);
	ck_assert_ptr_null(f.metrics_addr);
	ck_assert_ptr_null(f.health_addr);
	ck_assert_ptr_null(f.receiver_addr);
	good(&f, embedded);
	ck_assert_str_eq(f.metrics_addr, "127.0.0.1:8080");
	ck_assert_ptr_null(f.health_addr);
	setenv("METRICS_ADDR", "0", 1);
	ck_assert_int_eq(flags_parse(&f, 1, argv, &err), 0);
	ck_assert_ptr_null(f.metrics_addr);
}
END_TEST

/* A 0 where none is possible is the default, too; elsewhere it is a number. */
START_TEST(test_zero)
{
	struct flags f;
	char line[] = "--artifact-retention-ttl=0 --artifact-restore-timeout=0s "
		      "--artifact-max-size=0 --min-retry-delay=0 --graceful-shutdown-timeout=0 "
		      "--interval-jitter-percentage=0";

	good(&f, line);
	ck_assert_int_eq(f.retention_ttl_ms, 60000);
	ck_assert_int_eq(f.restore_timeout_ms, 30000);
	ck_assert_int_eq(f.max_size, LIMIT_BLOB);
	ck_assert_int_eq(f.min_retry_ms, 750);
	ck_assert_int_eq(f.grace_ms, 0);
	ck_assert_int_eq(f.jitter, 0);
}
END_TEST

static const struct {
	const char *line, *message;
} refused_rows[] = {
	{"--no-such-flag", "unknown flag '--no-such-flag'"},
	{"--concurrent=many", "invalid value 'many' for --concurrent"},
	{"--memory-budget=1", "--memory-budget must be at least 16777216"},
	{"--concurrent=0", "--artifact-retention-records and --concurrent must be at least 1"},
	{"--concurrent=-1", "invalid value '-1' for --concurrent"},
	{"--concurrent", "--concurrent needs a value"},
	{"--interval-jitter-percentage=100",
		"invalid value '100' for --interval-jitter-percentage"},
	{"--watch-all-namespaces=perhaps", "invalid value 'perhaps' for --watch-all-namespaces"},
	{"--leader-election-release-on-cancel=x",
		"invalid value 'x' for --leader-election-release-on-cancel"},
	{"--min-retry-delay=soon",
		"invalid value 'soon' for --min-retry-delay, want a duration such as 90s"},
	{"--artifact-max-size=-1", "invalid value '-1' for --artifact-max-size, want bytes"},
	{"--artifact-max-size=99999999999Gi",
		"invalid value '99999999999Gi' for --artifact-max-size"},
	{"--artifact-digest-algo=md5", "--artifact-digest-algo: "},
	{"--kube-api-qps=nan", "invalid value 'nan' for --kube-api-qps"},
	{"--feature-gates=ObjectLevelWorkloadIdentity=true,ExternalArtifact=true",
		"--feature-gates: 'ExternalArtifact' is not known here; there are "
		"CacheSecretsAndConfigMaps, FluxStorage, GitAllBranchReferences, "
		"GitForcePushBranch, GitShallowClone, GitSparseCheckout and "
		"ObjectLevelWorkloadIdentity"},
	{"--feature-gates=ObjectLevelWorkloadIdentit=true",
		"--feature-gates: 'ObjectLevelWorkloadIdentit' is not known here"},
	{"--feature-gates=CacheSecretsAndConfigMaps",
		"invalid value 'CacheSecretsAndConfigMaps' for --feature-gates"},
	{"--feature-gates=CacheSecretsAndConfigMaps=on",
		"invalid value 'CacheSecretsAndConfigMaps=on' for --feature-gates"},
	{"--storage-adv-addr=ftp://host", "--storage-adv-addr: "},
	{"--storage-adv-addr=http://", "--storage-adv-addr: "},
	{"--storage-adv-addr=http:/host", "invalid value 'http:/host' for --storage-adv-addr"},
	{"--storage-adv-addr=host:99999", "--storage-adv-addr: "},
	{"--storage-adv-addr=::1", "--storage-adv-addr: "},
	{"--storage-adv-addr=http://u:secret@host/",
		"--storage-adv-addr: no user, query or fragment is possible for 'host'"},
	{"--storage-adv-addr=host/?x", "--storage-adv-addr: no user, query or fragment"},
	{"--storage-adv-addr=source.$(RUNTIME_NAMESPACE).svc", "--storage-adv-addr: "},
	{"--log-level=loud",
		"invalid value 'loud' for --log-level, want trace, debug, info or error"},
	{"--log-encoding=xml", "invalid value 'xml' for --log-encoding, want json or console"},
	{"stray", "unexpected argument 'stray'"},
	{"--embedded dir", "unexpected argument 'dir': values are given as --flag=VALUE"},
};

START_TEST(test_refused)
{
	auto_free char *line = mem_strdup(refused_rows[_i].line);
	struct flags f;
	struct err err = {0};

	ck_assert_msg(parse(&f, line, &err) == -1, "%s was taken", refused_rows[_i].line);
	ck_assert_msg(!strncmp(err.msg, refused_rows[_i].message, strlen(refused_rows[_i].message)),
		"%s: '%s', want '%s'", refused_rows[_i].line, err.msg, refused_rows[_i].message);
}
END_TEST

Suite *suite_flags(void);
Suite *suite_flags(void)
{
	Suite *s = suite_create("flags");
	TCase *tc = tcase_create("flags");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_environment);
	tcase_add_test(tc, test_values);
	tcase_add_test(tc, test_events);
	tcase_add_test(tc, test_networks);
	tcase_add_test(tc, test_flux);
	tcase_add_loop_test(tc, test_booleans, 0, ARRAY_LEN(booleans_rows));
	tcase_add_test(tc, test_empty);
	tcase_add_test(tc, test_repeated);
	tcase_add_test(tc, test_off);
	tcase_add_test(tc, test_zero);
	tcase_add_loop_test(tc, test_taken, 0, ARRAY_LEN(taken_rows));
	tcase_add_loop_test(tc, test_refused, 0, ARRAY_LEN(refused_rows));
	suite_add_tcase(s, tc);
	return s;
}
