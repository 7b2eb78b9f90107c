/*
 * What all questions to Git servers share: one struct gitc_client a process. It remembers which
 * servers speak protocol v2, so that a repository that has not changed costs one request on a
 * connection that is there already; joins fetches that are the same; and keeps the last few object
 * sets. Loop thread.
 */
#ifndef GIT_CLIENT_H
#define GIT_CLIENT_H
#include "http/guard.h"

#include <stdint.h>

struct account;
struct gitc_auth;
struct gitc_client;
struct gitc_folder;
struct gitc_url;
struct http_client;
struct loop;

struct gitc_client_opts {
	struct http_client *http; /* borrowed for the client's life, as all of these are */
	struct gitc_folder *folder; /* where object sets live; NULL: fetches fail */
	struct account *account; /* NULL: none */
	/* where requests may go (oci_client_guard); NULL: anywhere */
	const struct http_guard *guard;
	const char *
		user_agent; /* also what the protocol calls `agent`; NULL: "git/oci-source-controller" */
	/* of ssh (ssh.h); copied, NULL: OpenSSH's own */
	const char *ssh_kex, *ssh_host_keys;
	unsigned sets; /* object sets that are kept; 0: LIMIT_GIT_SETS */
	uint64_t set_bytes; /* of disk, that they take; 0: LIMIT_GIT_SETS_BYTES */
};

/* What every request names. Borrowed until the call that gets it returns. */
struct gitc_target {
	const struct gitc_url *url;
	struct gitc_auth *auth; /* NULL: see auth.h */
	uint64_t timeout_ms; /* of the whole operation; 0: LIMIT_GIT_MS */
	const char
		*owner; /* namespace, the line in which jobs wait (ev/work.h); NULL: the process */
	struct http_hop hop; /* who chose the URL; http only */
};

struct gitc_client *gitc_client_new(struct loop *l, const struct gitc_client_opts *opts);
/* All its ops must have ended. NULL is fine. */
void gitc_client_free(struct gitc_client *c);

/* Object sets that nobody uses go, and the disk that they take is free: there is no room. */
void gitc_client_drop_sets(struct gitc_client *c);

/* Counters since the start. */
struct gitc_stats {
	uint64_t requests; /* HTTP requests and ssh processes */
	uint64_t redirects;
	uint64_t refs; /* lists of refs that were asked for */
	uint64_t fetches; /* packs that were asked for */
	uint64_t fetches_shared; /* that joined one on its way */
	uint64_t fetches_kept; /* answered by an object set that was there still */
	uint64_t fetch_bytes; /* of packs */
	uint64_t pushes, pushes_raced;
	uint64_t sets; /* kept now */
	uint64_t set_bytes; /* of disk, that they take */
};
void gitc_client_stats(const struct gitc_client *c, struct gitc_stats *out);

#endif
