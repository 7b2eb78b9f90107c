/*
 * The command line: Flux's flags of its source-controller, ours beside them. `--name=value`,
 * `--name value`, and `--name` alone for booleans, as Go's pflag reads them. A flag of Flux's that
 * belongs to sources this controller does not have is accepted with a warning, because Flux patches
 * add flags to all controllers at once; any other unknown flag ends the program with status 2.
 */
#ifndef CMD_FLAGS_H
#define CMD_FLAGS_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

#define FLAG_TIMES 8 /* how often one may be given that adds to what was said */

struct flags {
	/* Kubernetes */
	const char *kubeconfig, *label_selector, *runtime_namespace;
	bool watch_all_namespaces;
	/* Each --kinds of the command line; none: those whose CRDs are there. */
	const char *kinds[FLAG_TIMES + 1];
	bool no_cross_namespace;
	int64_t kube_qps, kube_burst; /* 0: no limit of ours */
	bool leader_election, lease_release;
	int64_t lease_ms, lease_renew_ms, lease_retry_ms;
	const char *peers_service; /* NULL: other replicas are not asked for files */
	/* embedded */
	bool embedded;
	const char *embedded_dir; /* NULL: no manifests */
	const char *embedded_addr, *state_dir;
	/* store */
	const char *storage_path, *storage_addr, *storage_adv_addr;
	int64_t retention_ttl_ms, retention_records, restore_timeout_ms;
	int64_t quota; /* bytes; 0: none */
	int64_t scrub_rate; /* bytes a second; 0: no scrub */
	enum digest_algo algo;
	int64_t max_size, max_expanded, max_entries;
	const char *url_secret; /* NULL: artifact URLs can be guessed */
	int64_t client_connections, client_rate; /* 0: no limit of the operator's */
	/* Git over ssh: KexAlgorithms and HostKeyAlgorithms of OpenSSH; NULL: its own */
	const char *ssh_kex, *ssh_host_keys;
	/* clouds */
	bool object_level;
	bool no_force_push, no_all_branches; /* the gates of automations that are off */
	const char *default_account;
	int64_t token_cache_size, token_cache_ms;
	/* running */
	int64_t memory_budget; /* 0: a share of the memory limit */
	int64_t outage_grace_ms; /* 0: none */
	int64_t concurrent, jitter, min_retry_ms, max_retry_ms, grace_ms, shutdown_delay_ms;
	const char *events_addr;
	int64_t requeue_dependency_ms;
	const char *receiver_addr; /* NULL: no such server */
	bool receiver_any_method;
	const char *health_addr, *metrics_addr; /* NULL: no such server */
	bool status_page;
	const char *log_level, *log_encoding;
	const char *ca_file; /* NULL: the system's CAs alone */
	const char *mirrors; /* NULL: no rules */
	const char *trusted_root; /* NULL: none */
	const char *rules; /* NULL: none */
	/* --registry-allow-private, all of them; NULL: none. The caller frees it */
	char *allow_private;
	bool help, version;
};

/*
 * Defaults are a column of FLAGS, or come from the environment where Flux's do. Values are borrowed
 * from argv and the environment. -1 with *err for exit status 2.
 */
int flags_parse(struct flags *f, int argc, char **argv, struct err *err) must_check;
/* The text of --help, on stdout. */
void flags_usage(void);

#endif
