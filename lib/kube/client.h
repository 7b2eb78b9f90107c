/*
 * Requests to the API server, one op each. Answers are json_t; what the server says as a Status becomes a struct err. Loop thread.
 *
 *	static const struct kube_resource ocirepositories = {
 *		"source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository", true};
 *	struct op *op = kube_start(client, &(struct kube_req){.verb = KUBE_GET, .resource = &ocirepositories, .ns = "apps", .name = "web"});
 *	... when done:
 *	if (op->err.kind)          code 404: err.code == 404; never a tree
 *	json_t *o = kube_take(op);
 *
 * Errors. err.code is the HTTP status of the answer (404, 409, 410, 422, ...), or 0 / a negative errno when there was none;
 * kube_reason(op) is the Status's reason ("NotFound", "Conflict", "AlreadyExists", "Expired", ...). Kind is ERR_WAIT with retry_ms when
 * the server named a time, ERR_RETRY otherwise: what a refusal means (a missing Secret, a changed object) only the caller knows.
 * 409 is never retried here: read the object again (lib/kube/patch.h).
 *
 * Retries that are done here, inside the op and its deadline: 429, and 5xx with Retry-After (not for KUBE_CREATE), at most 3 times and
 * only when the wait is 10 s or less; 401 once, with the token file read again.
 *
 * Lists and watches have headers of their own (list.h, watch.h): they come item by item.
 */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H
#include "base/buf.h"
#include "base/err.h"
#include "http/client.h"
#include "kube/config.h"

#include <jansson.h>

struct kube_client;
struct loop;
struct op;

struct kube_resource {
	const char *group; /* "" for core: Secrets, Events, Namespaces */
	const char *version;
	const char *plural;
	const char *kind;
	bool namespaced;
};

enum kube_verb {
	KUBE_GET,
	KUBE_LIST, /* of list.h */
	KUBE_WATCH, /* of watch.h */
	KUBE_CREATE, /* POST of body */
	KUBE_UPDATE, /* PUT of body */
	KUBE_PATCH, /* JSON merge patch (RFC 7396) */
	KUBE_DELETE,
	KUBE_VERBS
};

struct kube_client_opts {
	const char *user_agent; /* NULL: "oci-source-controller" */
	const char *field_manager; /* of writes; NULL: "oci-source-controller" */
	unsigned qps, burst; /* 0: no limit of ours, the server's priority and fairness decides */
	unsigned max_connections; /* 0: 32; each watch holds one */
};

/* Takes the config over. */
struct kube_client *kube_client_new(
	struct loop *l, struct kube_config *cfg, const struct kube_client_opts *opts);
void kube_client_free(struct kube_client *c); /* all its ops must have ended */
/* Borrowed. */
const struct kube_config *kube_client_config(const struct kube_client *c);
struct loop *kube_client_loop(const struct kube_client *c);

/* Everything is copied by kube_start; resource too. */
struct kube_req {
	enum kube_verb verb;
	const struct kube_resource *resource;
	const char *ns; /* of a namespaced resource */
	const char *name; /* NULL for KUBE_CREATE */
	const char *subresource; /* "status", or NULL */
	const json_t *body; /* written to text at once */
	const char *if_uid; /* KUBE_DELETE: only the object with this uid */
	bool metadata_only; /* the answer as PartialObjectMetadata */
	uint64_t deadline_ms; /* everything, waits included; 0: 30 s */
};

struct op *kube_start(struct kube_client *c, const struct kube_req *req);
/* The object of a successful op: borrowed, NULL after a failure. */
const json_t *kube_result(const struct op *op);
/* The same, handed to the caller (json_decref). */
json_t *kube_take(struct op *op);
/* The Status's reason of a failed op; "" when there is none. Borrowed. */
const char *kube_reason(const struct op *op);

/* ---- for lib/kube itself and for tests */

/* Appends "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB" with every part percent-encoded; ns, name, sub may be NULL. */
void kube_path(struct buf *b, const struct kube_resource *res, const char *ns, const char *name,
	const char *sub);
/* Appends "key=value" to a URL that may or may not have a query yet; the value is encoded. */
void kube_query_add(struct buf *url, const char *key, const char *value);
/* A request of the client's host: auth, trust, proxy, counters. `path` begins with '/' and comes after the server's base path. In *req
   url, bearer, basic, trust, proxy are set here. Not limited by qps. */
struct op *kube_http_start(
	struct kube_client *c, enum kube_verb verb, const char *path, const struct http_req *req);
/* Counts an answered (or failed: status 0) request of kube_http_start. */
void kube_http_count(struct kube_client *c, const char *method, int status);
/* Makes an error of an answer that is no success: body is the text of a Status, or anything at all. reason may be NULL. Returns -1. */
int kube_status_err(struct err *err, const char *what, int status, uint64_t retry_after_ms,
	const char *body, size_t len, char reason[64]);
/* The same of a Status that is parsed already (an ERROR event of a watch). */
int kube_status_json_err(struct err *err, const char *what, int status, uint64_t retry_after_ms,
	const json_t *st, char reason[64]);
/* Asks for a fresh token after a 401. True when there is another one than before. */
bool kube_token_again(struct kube_client *c);

/* ---- counters, for metrics and the benchmark */
struct kube_stats {
	uint64_t verbs[KUBE_VERBS]; /* requests sent, retries included */
	struct http_client_stats http;
};
void kube_client_stats(const struct kube_client *c, struct kube_stats *out);
/* rest_client_requests_total{code,method,host}: one call per pair seen. code is "200", ..., or "<error>". */
void kube_client_each_code(const struct kube_client *c,
	void (*fn)(void *arg, const char *code, const char *method, const char *host, uint64_t n),
	void *arg);

#endif
