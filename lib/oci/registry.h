/*
 * The way to registries: one client for the process, and what it knows of each host. All calls
 * share one way of asking: req.h.
 *
 * Nothing waits in line here: callers send one request at a time to a host that has not
 * answered yet (oci_client_is_proven), and as many as they like to one that has. A host
 * that does not answer is down, and requests to it fail at once until a probe of our own has been
 * answered (health.h): GET /v2/ with nobody's credentials and no TLS verification, redirects not
 * followed. So do those of an identity that was told to come back later.
 *
 * Addresses at which this process listens are never asked. Which others a registry may send us to
 * is judged as connections are opened: guard.h.
 *
 * Give the http_client more room than callers can ask for at a time: a request that waits inside
 * libcurl waits unseen. Loop thread.
 *
 *	struct oci_client *oci = oci_client_new(loop, http);
 *	oci_client_own_address(oci, http_server_address(server));
 *	... oci_resolve_start(oci, ...) ...
 *	oci_client_stop(oci), turn the loop until nothing is left, oci_client_free(oci);
 */
#ifndef OCI_REGISTRY_H
#define OCI_REGISTRY_H
#include "base/err.h"
#include "http/client.h"
#include "oci/health.h"

#include <stdbool.h>
#include <stdint.h>

struct http_guard;
struct loop;
struct oci_client;
struct oci_identity;
struct oci_mirrors;
struct oci_target;
struct oci_repo;
struct op;

enum oci_kind {
	OCI_KIND_HEAD,
	OCI_KIND_MANIFEST,
	OCI_KIND_BLOB,
	OCI_KIND_TAGS,
	OCI_KIND_TOKEN,
	OCI_KIND_PUSH,
	OCI_KIND_PROBE, /* our own question whether a registry or token server answers at all */
	OCI_KIND_REVOCATION, /* to who says whether a certificate was revoked (outside.h) */
	OCI_KIND_ISSUER, /* to who issues tokens: which are its keys? (outside.h) */
	OCI_KIND_COUNT,
};
/* "head", "manifest", ...: the label in metrics. */
const char *oci_kind_name(enum oci_kind kind);

struct oci_stats {
	/* sent, redirects and retries included; a vain try over TLS is none */
	uint64_t requests[OCI_KIND_COUNT];
	uint64_t redirects, challenges, throttled, blob_resumes;
	uint64_t refused; /* failed at once: the host is down, or wants to be left alone */
	uint64_t shared; /* questions that another one's request has answered (head.h) */
	uint64_t blobs_shared; /* blobs that another one's download has brought (blob_share.h) */
	uint64_t paced; /* not sent: few are left by the registry's own word (pace.h) */
	uint64_t blob_bytes;
	/* requests to mirrors, ops that left one for the next, and those because it sent another
	   content than was asked for */
	uint64_t mirror_asked, mirror_failed, mirror_lied;
};

/* http is borrowed and must outlive it. */
struct oci_client *oci_client_new(struct loop *l, struct http_client *http);
/* Ends what runs on its own behalf (probes, token fetches nobody waits for): before the last turns
   of the loop. */
void oci_client_stop(struct oci_client *c);
/* For a program that asks once and ends: no host is ever down, each request says itself what went
   wrong. */
void oci_client_once(struct oci_client *c);
/* All ops must have ended. */
void oci_client_free(struct oci_client *c);
/* An address ("127.0.0.1:9090", "[::]:8080") at which this process listens: no request ever goes
   there. */
void oci_client_own_address(struct oci_client *c, const char *address);
/* The same for a name, with a port or for all of them
   ("source-controller.flux-system.svc.cluster.local."). */
void oci_client_own_host(struct oci_client *c, const char *host);
/* Networks ("10.0.0.0/8,fd00::/8") that every registry may send us to. */
int oci_client_allow(struct oci_client *c, const char *networks, struct err *err) must_check;
/* These rules, for another client of the process. Borrowed for the client's life. */
const struct http_guard *oci_client_guard(const struct oci_client *c);
/* Where the jobs on large manifests take their memory; borrowed. Without it they take it as they
   like. */
void oci_client_use_account(struct oci_client *c, struct account *account);
/* The rules for what is asked from now on (mirrors.h); taken over. */
void oci_client_use_mirrors(struct oci_client *c, struct oci_mirrors *mirrors);
/* NULL: there are none. Borrowed until others are used. */
const struct oci_mirrors *oci_client_mirrors(const struct oci_client *c);
void oci_client_stats(const struct oci_client *c, struct oci_stats *out);

/* Has the repository's host answered, or the mirror that is asked first? Until then callers send it
   one request at a time. True also when it is down: requests fail at once then. */
bool oci_client_is_proven(struct oci_client *c, const struct oci_repo *repo);
/* Has it answered, and not fallen silent since? */
bool oci_client_is_up(struct oci_client *c, const struct oci_repo *repo);
/* fn is told from the loop, soon, that a registry was found up or down, so that who waits for it
   can look again. Several may ask; each tells when it does not want to hear any more, but not from
   fn. */
void oci_client_on_change(struct oci_client *c, void (*fn)(void *arg, const char *host), void *arg);
void oci_client_off_change(
	struct oci_client *c, void (*fn)(void *arg, const char *host), void *arg);
/* How many requests have ended, redirects and repetitions included; a vain try over TLS is none.
   tally.h says what hosts and codes are, and how many of each there can be. */
void oci_client_each_request(const struct oci_client *c,
	void (*fn)(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n),
	void *arg);
/* How many requests are left at each registry that says so; of a host's identities the least. Of
   LIMIT_REGISTRY_HOSTS_COUNTED hosts at most. */
void oci_client_each_rate(const struct oci_client *c,
	void (*fn)(void *arg, const char *host, uint64_t remaining), void *arg);
/* Each host that is remembered, at most LIMIT_REGISTRY_HOSTS. Host and role together are unique. */
void oci_client_each_host(
	struct oci_client *c, void (*fn)(void *arg, const struct oci_host_info *info), void *arg);

/* ---- for the files of lib/oci; their requests are in req.h */

/* Registries that refuse HEAD of a manifest but not GET: remembered for a while,
   as host.h says. status:
   of the answer to HEAD. */
bool oci_client_no_head(struct oci_client *c, const struct oci_target *target);
void oci_client_head_refused(struct oci_client *c, const struct oci_target *target, int status);
/* For the files that count what they do. */
struct oci_stats *oci_client_counters(struct oci_client *c);
struct loop *oci_client_loop(struct oci_client *c);
struct account *oci_client_account(struct oci_client *c); /* or NULL */

#endif
