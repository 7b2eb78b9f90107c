/*
 * The way to registries: one client for the process, one request path for every call.
 *
 * A request goes to the scheme that the host answered before (https first; plain http only when no
 * TLS answer came and ref.h allows it), carries the token that is cached for it, answers one 401
 * challenge, follows redirects by the rules below, and turns every answer that is no success into
 * an error that says what the registry said. An unchanged tag is one HEAD on a kept-alive
 * connection.
 *
 * Nothing waits in line here: callers send one request at a time to a host that has not
 * answered yet (oci_client_is_proven), and as many as they like to one that has. A host
 * that does not answer is down, and requests to it fail at once until a probe of our own has been
 * answered (health.h): GET /v2/ with nobody's credentials and no TLS verification, redirects not
 * followed. So do those of an identity that was told to come back later.
 *
 * Time: timeout_ms, and LIMIT_REQUEST_MS if that is less, bounds the whole call, with its token,
 * challenge and redirects; of a blob all up to its headers. A push has no such limit of ours.
 *
 * One accident on the way (a cut connection, 502 and its like) is not told: a question is asked
 * again, twice at most, within that time (again.h). So is, after one look at /v2/ for a challenge,
 * what a registry answers with 403 or 404 although there are credentials for it, not shown yet.
 *
 * What a challenge taught is remembered for each repository and identity once it has worked. It may
 * be out of date: when the token server that it names fails, or takes longer than
 * LIMIT_TOKEN_AGAIN_MS, the registry is asked.
 *
 * Redirects: at most LIMIT_REDIRECTS; another host gets no credentials; https to http only with `insecure`. Where they and token servers
 * may be is judged by address, as connections are opened: guard.h.
 *
 * Errors: 429 and 503 with Retry-After are ERR_WAIT, and ERR_HELD for who asks before that time; everything else here is ERR_RETRY; err->code
 * is the HTTP status, if there was one. Messages name the registry, repository and what was asked
 * for, and the code and message of the registry's JSON (answer.h).
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

struct loop;
struct oci_client;
struct oci_identity;
struct oci_repo;
struct op;
struct url;

enum oci_kind {
	OCI_KIND_HEAD,
	OCI_KIND_MANIFEST,
	OCI_KIND_BLOB,
	OCI_KIND_TAGS,
	OCI_KIND_TOKEN,
	OCI_KIND_PUSH,
	OCI_KIND_PROBE, /* our own question whether a registry or token server answers at all */
	OCI_KIND_COUNT,
};
/* "head", "manifest", ...: the label in metrics. */
const char *oci_kind_name(enum oci_kind kind);

struct oci_stats {
	uint64_t requests
		[OCI_KIND_COUNT]; /* sent, redirects and retries included; a vain try over TLS is none */
	uint64_t redirects, challenges, throttled, blob_resumes;
	uint64_t refused; /* failed at once: the host is down, or wants to be left alone */
	uint64_t blob_bytes;
};

/* http is borrowed and must outlive it. */
struct oci_client *oci_client_new(struct loop *l, struct http_client *http);
/* Ends what runs on its own behalf (probes, token fetches nobody waits for): before the last turns of
   the loop. */
void oci_client_stop(struct oci_client *c);
/* For a program that asks once and ends: no host is ever down, each request says itself what went
   wrong. */
void oci_client_once(struct oci_client *c);
/* All ops must have ended. */
void oci_client_free(struct oci_client *c);
/* An address ("127.0.0.1:9090", "[::]:8080") at which this process listens: no request ever goes there. */
void oci_client_own_address(struct oci_client *c, const char *address);
/* The same for a name, with a port or for all of them ("source-controller.flux-system.svc.cluster.local."). */
void oci_client_own_host(struct oci_client *c, const char *host);
/* Networks ("10.0.0.0/8,fd00::/8") that every registry may send us to. */
int oci_client_allow(struct oci_client *c, const char *networks, struct err *err) must_check;
/* Where the jobs on large manifests take their memory; borrowed. Without it they take it as they like. */
void oci_client_use_account(struct oci_client *c, struct account *account);
void oci_client_stats(const struct oci_client *c, struct oci_stats *out);

/* Has the repository's host answered? Until then callers send it one request at a time. True also when
   it is down: requests fail at once then. */
bool oci_client_is_proven(struct oci_client *c, const struct oci_repo *repo);
/* Has it answered, and not fallen silent since? */
bool oci_client_is_up(struct oci_client *c, const struct oci_repo *repo);
/* fn is told from the loop, soon, that a registry was found up or down, so that who waits for it
   can look again. */
void oci_client_on_change(struct oci_client *c, void (*fn)(void *arg, const char *host), void *arg);
/* Each host that is remembered, at most LIMIT_REGISTRY_HOSTS. Host and role together are unique. */
void oci_client_each_host(
	struct oci_client *c, void (*fn)(void *arg, const struct oci_host_info *info), void *arg);

/* ---- for the files of lib/oci */

struct oci_req {
	const struct oci_repo *repo; /* copied */
	struct oci_identity *identity; /* a reference is taken */
	enum oci_kind kind;
	const char *method;
	const char *
		path; /* below /v2/<name>/, "manifests/latest"; or from the host's root, "/v2/..." */
	const char *what; /* for messages: "tag '1.0.0'"; copied */
	const struct http_hdr *hdrs; /* copied; Authorization is not among them */
	const void *body; /* borrowed until the op is done */
	size_t body_len;
	long (*on_upload)(void *arg, uint64_t offset, char *to, size_t room);
	uint64_t body_total;
	int (*on_headers)(void *arg, const struct http_res *res, struct err *err); /* 2xx only */
	enum http_body_ret (*on_body)(
		void *arg, const char *data, size_t n, struct err *err); /* 2xx only */
	void *arg;
	uint64_t max_body;
	uint64_t timeout_ms; /* of the whole call; 0: LIMIT_REQUEST_MS */
	bool write; /* needs the right to push; timeout_ms has no limit */
	bool stream; /* timeout_ms ends with the headers; the body has a least rate instead */
	bool probe; /* any answer is a success, of the registry itself or its TLS; never refused */
	bool once; /* the caller asks again by itself, if at all */
	bool quiet; /* 4xx and 5xx are successes of the op: the caller looks at the status (429 and 503 are not) */
};

/* Success: a 2xx answer (any but 401, 429, 503, 3xx when quiet). */
struct op *oci_req_start(struct oci_client *c, const struct oci_req *req);
/* The last answer; NULL when there was none. Borrowed from the op. */
const struct http_res *oci_req_result(const struct op *op);
/* The URL that was asked last. */
const struct url *oci_req_url(const struct op *op);
/* After HTTP_BODY_PAUSE. */
void oci_req_resume(struct op *op);

/* Registries that refuse HEAD of a manifest but not GET: remembered per host for a while. status: of the answer to HEAD. */
bool oci_client_no_head(struct oci_client *c, const struct oci_repo *repo);
void oci_client_head_refused(struct oci_client *c, const struct oci_repo *repo, int status);
/* For the files that count what they do. */
struct oci_stats *oci_client_counters(struct oci_client *c);
struct loop *oci_client_loop(struct oci_client *c);
struct account *oci_client_account(struct oci_client *c); /* or NULL */

#endif
