/*
 * Requests to the API server, one op each. Answers are json_t; what the server says as a Status
 * becomes a struct err. Loop thread.
 *
 *	static const struct kube_resource ocirepositories = {
 *		"source.toolkit.fluxcd.io", "v1", "ocirepositories", "OCIRepository", true};
 *	struct op *op = kube_start(client, &(struct kube_req){.verb = KUBE_GET,
 *		.resource = &ocirepositories, .ns = "apps", .name = "web"});
 *	... when done:
 *	if (op->err.kind)          code 404: err.code == 404; never a tree
 *	json_t *o = kube_take(op);
 *
 * Errors. err.code is the HTTP status of the answer (404, 409, 410, 422, ...), or 0 / a negative
 * errno when there was none. Kind is ERR_WAIT with retry_ms when the server named a time, ERR_RETRY
 * otherwise: what a refusal means (a missing Secret, a changed object) only the caller knows. 409
 * is never retried here: read the object again (lib/kube/patch.h).
 *
 * Retries that are done here, inside the op and its deadline: 429, and 5xx with Retry-After (not
 * for KUBE_CREATE), at most 3 times and only when the wait is 10 s or less; 401 once, with the
 * token file read again.
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
	struct account *account; /* for large answers; NULL: none */
};

/* Takes the config over. */
struct kube_client *kube_client_new(
	struct loop *l, struct kube_config *cfg, const struct kube_client_opts *opts);
void kube_client_free(struct kube_client *c); /* all its ops must have ended */
struct loop *kube_client_loop(const struct kube_client *c);

/* Everything is copied by kube_start; resource too. */
struct kube_req {
	enum kube_verb verb;
	const struct kube_resource *resource;
	const char *ns; /* of a namespaced resource */
	const char *name; /* not looked at by KUBE_CREATE without a subresource */
	const char *subresource; /* "status", "token", or NULL */
	const json_t *body; /* written to text at once */
	const char *if_uid; /* KUBE_DELETE: only the object with this uid */
	bool urgent; /* no limit of ours (qps) holds it up: the Lease must not wait behind others */
	bool metadata_only; /* the answer as PartialObjectMetadata */
	uint64_t deadline_ms; /* everything, waits included; 0: 30 s */
};

struct op *kube_start(struct kube_client *c, const struct kube_req *req);
/* The object of a successful op: borrowed, NULL after a failure. */
const json_t *kube_result(const struct op *op);
/* The same, handed to the caller (json_decref). */
json_t *kube_take(struct op *op);

/* ---- counters, for metrics and the benchmark */
struct kube_stats {
	uint64_t verbs[KUBE_VERBS]; /* requests sent, retries included */
	struct http_client_stats http;
};
void kube_client_stats(const struct kube_client *c, struct kube_stats *out);
/* rest_client_requests_total{code,method,host}: one call per pair seen. code is "200", ..., or
   "<error>". */
void kube_client_each_code(const struct kube_client *c,
	void (*fn)(void *arg, const char *code, const char *method, const char *host, uint64_t n),
	void *arg);

#endif
