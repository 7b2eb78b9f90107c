/*
 * The way to registries: one client for the process, one request path for every call.
 *
 * A request waits for its turn (8 at a time per host, 64 in all; blobs do not count), goes to the scheme that the host answered before
 * (https first; plain http only when no TLS answer came and ref.h allows it), carries the token that is cached for it, answers one 401
 * challenge, follows redirects by the rules below, and turns every answer that is no success into an error that says what the registry
 * said. An unchanged tag is one HEAD on a kept-alive connection.
 *
 * Redirects: at most LIMIT_REDIRECTS; another host gets no credentials; https to http only with `insecure`; from a public host to a
 * private, loopback or link-local address literal never; to the controller's own ports never.
 *
 * Errors: 429 and 503 with Retry-After are ERR_WAIT; everything else here is ERR_RETRY; err->code is the HTTP status, if there was one.
 * Messages name the registry, repository and what was asked for, and the code and message of the registry's JSON (cleaned, capped).
 *
 * Give the http_client room: max_per_host at least OCI_PER_HOST plus the number of blobs that may run at once. Loop thread.
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

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct oci_client;
struct oci_identity;
struct oci_repo;
struct op;
struct url;

#define OCI_PER_HOST 8
#define OCI_IN_ALL 64

enum oci_kind {
	OCI_KIND_HEAD,
	OCI_KIND_MANIFEST,
	OCI_KIND_BLOB,
	OCI_KIND_TAGS,
	OCI_KIND_TOKEN,
	OCI_KIND_PUSH,
	OCI_KIND_COUNT,
};
/* "head", "manifest", ...: the label in metrics. */
const char *oci_kind_name(enum oci_kind kind);

struct oci_stats {
	uint64_t requests
		[OCI_KIND_COUNT]; /* sent, redirects and retries included; a vain try over TLS is none */
	uint64_t redirects, challenges, throttled, blob_resumes;
	uint64_t blob_bytes;
};

/* http is borrowed and must outlive it. */
struct oci_client *oci_client_new(struct loop *l, struct http_client *http);
/* Ends what runs on its own behalf (token fetches nobody waits for): before the last turns of the loop. */
void oci_client_stop(struct oci_client *c);
/* All ops must have ended. */
void oci_client_free(struct oci_client *c);
/* An address ("127.0.0.1:9090", "[::]:8080") at which this process listens: no request ever goes there. */
void oci_client_own_address(struct oci_client *c, const char *address);
/* The same for a name, with a port or for all of them ("source-controller.flux-system.svc.cluster.local."). */
void oci_client_own_host(struct oci_client *c, const char *host);
void oci_client_stats(const struct oci_client *c, struct oci_stats *out);

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
	uint64_t timeout_ms;
	bool write; /* needs the right to push */
	bool stream; /* timeout_ms bounds the headers only; the body by no progress and a minimum rate */
	bool no_slot; /* does not count against the caps: blobs */
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

#endif
