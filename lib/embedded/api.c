#include "embedded/api.h"

#include "base/limits.h"
#include "base/mem.h"
#include "embedded/accept.h"
#include "embedded/chain.h"
#include "embedded/discovery.h"
#include "embedded/kind.h"
#include "embedded/openapi.h"
#include "embedded/reply.h"
#include "embedded/watch.h"
#include "http/server.h"
#include "kube/selector.h"

#include <string.h>
#include <strings.h>

#define PARTS_MAX 10

struct route {
	char *path; /* cut into parts */
	const char *parts[PARTS_MAX];
	unsigned n;
	const struct emb_kind *kind;
	const struct emb_version *v;
	const char *ns, *name, *sub; /* NULL when absent */
};

/* ---- who may ask ----------------------------------------------------------------------------- */

static bool same_bytes(const char *a, const char *b, size_t n)
{
	unsigned char diff = 0;
	size_t i;

	for (i = 0; i < n; i++)
		diff |= (unsigned char)(a[i] ^ b[i]);
	return !diff;
}

/* A page in a browser reaches loopback under a name of its own (DNS rebinding), or says Origin. */
static bool api_host_ok(const struct emb_api *api, const char *host)
{
	const char *port = strrchr(api->address, ':');

	if (!host || !port)
		return false;
	return !strcasecmp(host, api->address) ||
		(!strncasecmp(host, "localhost", 9) && !strcmp(host + 9, port));
}

static int api_may_ask(const struct emb_api *api, struct http_exchange *x, struct emb_status *st)
{
	const char *path = http_x_path(x), *site = http_x_header(x, "Sec-Fetch-Site");
	size_t n = strlen(api->prefix);

	if (!api_host_ok(api, http_x_header(x, "Host")) || http_x_header(x, "Origin") ||
		(site && strcmp(site, "none") != 0))
		return emb_status_set(st, 403, "Forbidden", NULL, NULL,
			"forbidden: requests from web pages and under foreign host names are "
			"refused");
	if (strlen(path) < n || !same_bytes(path, api->prefix, n) || (path[n] && path[n] != '/'))
		return emb_status_set(st, 401, "Unauthorized", NULL, NULL, "Unauthorized");
	return 0;
}

/* ---- what the path means --------------------------------------------------------------------- */

static int api_no_such_path(struct emb_status *st)
{
	return emb_status_set(st, 404, "NotFound", NULL, NULL,
		"the server could not find the requested resource: the embedded API has only the "
		"kinds that kubectl api-resources lists");
}

static int route_split(struct route *r, const char *path, struct emb_status *st)
{
	char *p;

	r->path = mem_strdup(path);
	for (p = r->path; *p;) {
		if (*p == '/') {
			*p++ = '\0';
			continue;
		}
		if (r->n == PARTS_MAX)
			return api_no_such_path(st);
		r->parts[r->n++] = p;
		p += strcspn(p, "/");
	}
	return 0;
}

/* parts after the version: [namespaces NS] PLURAL [NAME [SUB]]. */
static int resource_path(const struct emb_api *api, struct route *r, struct emb_status *st)
{
	bool core = !strcmp(r->parts[0], "api");
	const char *group = core ? "" : r->parts[1], *version = r->parts[core ? 1 : 2];
	const char *const *p = r->parts + (core ? 2 : 3);
	unsigned left = r->n - (core ? 2 : 3);
	bool inside = left >= 3 && !strcmp(p[0], "namespaces");

	/* /api/v1/namespaces/NAME/status is about the namespace itself. */
	if (inside && core && left == 3 && (!strcmp(p[2], "status") || !strcmp(p[2], "finalize")))
		inside = false;
	if (inside) {
		r->ns = p[1];
		p += 2;
		left -= 2;
	}
	if (!left || left > 3)
		return api_no_such_path(st);
	r->kind = emb_kinds_find(api->kinds, group, version, p[0], &r->v);
	if (!r->kind || (r->ns && !r->kind->namespaced))
		return api_no_such_path(st);
	r->name = left > 1 ? p[1] : NULL;
	r->sub = left > 2 ? p[2] : NULL;
	if (r->name && r->kind->namespaced && !r->ns)
		return api_no_such_path(st);
	if (r->sub && (strcmp(r->sub, "status") != 0 || !r->kind->has_status))
		return api_no_such_path(st);
	return 0;
}

/* ---- what the query means -------------------------------------------------------------------- */

static int api_selectors(struct emb_call *c, struct http_exchange *x)
{
	struct err err;

	if (kube_selector_labels(&c->labels, http_x_query(x, "labelSelector"), &err) ||
		kube_selector_fields(&c->field_selector, http_x_query(x, "fieldSelector"),
			emb_kind_field, c->view.kind, &err))
		return emb_bad_request(&c->st, "%s", err.msg);
	return 0;
}

/* A decimal number of at most 18 digits; absent or empty is 0. */
static int api_number(struct emb_call *c, struct http_exchange *x, const char *name, uint64_t *out)
{
	const char *text = http_x_query(x, name);
	size_t n = text ? strlen(text) : 0;

	*out = 0;
	if (!n)
		return 0;
	if (n > 18 || strspn(text, "0123456789") != n)
		return emb_bad_request(
			&c->st, "invalid value \"%.64s\" of the parameter %s", text, name);
	*out = strtoull(text, NULL, 10);
	return 0;
}

static int api_write_options(struct emb_call *c, struct http_exchange *x)
{
	const char *dry = http_x_query(x, "dryRun");
	const char *fields;

	if (dry && dry[0] && strcmp(dry, "All") != 0)
		return emb_bad_request(&c->st,
			"dryRun: Unsupported value: \"%.64s\": supported values: \"All\"", dry);
	c->dry_run = dry && dry[0];
	fields = http_x_query(x, "fieldValidation");
	if (fields && !strcmp(fields, "Strict"))
		c->fields = EMB_FIELDS_STRICT;
	else if (fields && !strcmp(fields, "Ignore"))
		c->fields = EMB_FIELDS_IGNORE;
	else if (fields && fields[0] && strcmp(fields, "Warn") != 0)
		return emb_bad_request(&c->st,
			"fieldValidation: Unsupported value: \"%.64s\": supported values: "
			"\"Ignore\", \"Strict\", \"Warn\"",
			fields);
	return 0;
}

static int api_form(struct emb_call *c, struct http_exchange *x, bool list)
{
	const char *include = http_x_query(x, "includeObject");

	c->view.include = include && !strcmp(include, "Object") ? EMB_INCLUDE_OBJECT
		: include && !strcmp(include, "None")           ? EMB_INCLUDE_NONE
								: EMB_INCLUDE_METADATA;
	if (!emb_accept(http_x_header(x, "Accept"), list, &c->view.form))
		return 0;
	return emb_status_set(&c->st, 406, "NotAcceptable", NULL, NULL,
		"only the following media types are accepted: application/json");
}

static int api_patch_type(struct emb_call *c, const char *type)
{
	if (!strcmp(type, "application/merge-patch+json"))
		c->body_type = EMB_BODY_MERGE;
	else if (!strcmp(type, "application/json-patch+json"))
		c->body_type = EMB_BODY_JSON_PATCH;
	else if (!strcmp(type, "application/strategic-merge-patch+json") && c->view.kind->builtin)
		c->body_type = EMB_BODY_STRATEGIC;
	else
		return emb_status_set(&c->st, 415, "UnsupportedMediaType", NULL, NULL,
			"the body of the request was in an unknown format - accepted media types "
			"include: application/json-patch+json, application/merge-patch+json%s%s",
			c->view.kind->builtin ? ", application/strategic-merge-patch+json" : "",
			strstr(type, "apply-patch") ? " (the embedded API has no server-side apply)"
						    : "");
	return 0;
}

static int api_content(struct emb_call *c, struct http_exchange *x)
{
	const struct buf *body = http_x_body(x);
	char type[128];

	emb_media_type(http_x_header(x, "Content-Type"), type);
	if (c->verb == EMB_PATCH) {
		if (api_patch_type(c, type))
			return -1;
	} else if (!type[0] || !strcmp(type, "application/json") || !strcmp(type, "*/*")) {
		c->body_type = EMB_BODY_JSON;
	} else if (!strcmp(type, "application/vnd.kubernetes.protobuf") && c->view.kind->builtin &&
		c->verb != EMB_DELETE) {
		c->body_type = EMB_BODY_PROTOBUF;
	} else if (c->verb != EMB_DELETE || body->len) {
		return emb_status_set(&c->st, 415, "UnsupportedMediaType", NULL, NULL,
			"the body of the request was in an unknown format - accepted media types "
			"include: application/json");
	}
	if (buf_add(&c->body, body->p, body->len))
		return emb_status_set(&c->st, 413, "RequestEntityTooLarge", NULL, NULL,
			"the body is larger than %llu bytes", LIMIT_REQUEST_BODY);
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int api_expired(struct emb_call *c, const char *what)
{
	return emb_status_set(&c->st, 410, "Expired", NULL, NULL, "%s", what);
}

static int api_list_options(const struct emb_api *api, struct emb_call *c, struct http_exchange *x,
	int64_t *first_version)
{
	const char *token, *match;
	uint64_t limit, version;
	struct err err;

	*first_version = 0;
	if (api_number(c, x, "limit", &limit) || api_number(c, x, "resourceVersion", &version))
		return -1;
	c->limit = limit > UINT32_MAX ? UINT32_MAX : (unsigned)limit;
	match = http_x_query(x, "resourceVersionMatch");
	if (match && !strcmp(match, "Exact") &&
		(int64_t)version != emb_history_version(api->history))
		return api_expired(c, "The resourceVersion for the provided list is too old.");
	token = http_x_query(x, "continue");
	if (!token || !token[0])
		return 0;
	if (emb_continue_parse(token, first_version, &c->after_ns, &c->after_name, &err))
		return emb_bad_request(&c->st, "%s", err.msg);
	/* A watch from the first page's version must still be able to tell what changed between the
	   pages. */
	if (*first_version < emb_history_floor(api->history))
		return api_expired(c,
			"The provided continue parameter is too old to display a consistent list "
			"result. "
			"You can start a new list without the continue parameter.");
	return 0;
}

static bool api_is_true(const char *text)
{
	return text && (!strcmp(text, "true") || !strcmp(text, "1"));
}

static int api_watch(const struct emb_api *api, struct emb_call *c, struct http_exchange *x)
{
	struct emb_watch_req req = {.history = api->history, .chain = api->chain, .call = c};
	const char *initial = http_x_query(x, "sendInitialEvents");
	uint64_t version, timeout;

	if (initial) {
		return emb_status_set(&c->st, 422, "Invalid", NULL, NULL,
			"ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: "
			"sendInitialEvents is forbidden for watch unless the WatchList feature "
			"gate is enabled");
	}
	if (api_number(c, x, "resourceVersion", &version) ||
		api_number(c, x, "timeoutSeconds", &timeout))
		return -1;
	req.initial = !version;
	req.from = (int64_t)version;
	req.bookmarks = api_is_true(http_x_query(x, "allowWatchBookmarks"));
	req.timeout_ms = (timeout > 86400 ? 86400 : timeout) * 1000;
	c->after_ns = c->after_name = NULL;
	emb_watch_start(x, &req);
	return 0;
}

/* The call's memory goes to whoever answers; on -1 it is still the caller's. */
static int api_read_call(const struct emb_api *api, const struct route *r, struct emb_call *c,
	struct http_exchange *x)
{
	int64_t first_version;

	c->verb = r->name ? EMB_GET : EMB_LIST;
	if (api_form(c, x, !r->name))
		return -1;
	if (r->name) {
		emb_reply_call(x, api->chain, api->history, c, 0);
		return 0;
	}
	if (api_selectors(c, x))
		return -1;
	if (api_is_true(http_x_query(x, "watch")))
		return api_watch(api, c, x);
	if (api_list_options(api, c, x, &first_version))
		return -1;
	emb_reply_call(x, api->chain, api->history, c, first_version);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static int api_no_such_method(struct emb_status *st)
{
	return emb_status_set(st, 405, "MethodNotAllowed", NULL, NULL,
		"the server does not allow this method on the requested resource");
}

static int api_write_call(const struct emb_api *api, const struct route *r, struct emb_call *c,
	const char *method, struct http_exchange *x)
{
	if (!strcmp(method, "POST") && !r->name && (r->ns || !r->kind->namespaced))
		c->verb = EMB_CREATE;
	else if (!strcmp(method, "PUT") && r->name)
		c->verb = EMB_UPDATE;
	else if (!strcmp(method, "PATCH") && r->name)
		c->verb = EMB_PATCH;
	else if (!strcmp(method, "DELETE") && r->name && !r->sub)
		c->verb = EMB_DELETE;
	else
		return api_no_such_method(&c->st);
	if (api_form(c, x, false) || api_write_options(c, x) || api_content(c, x))
		return -1;
	if (emb_chain_len(api->chain) >= LIMIT_EMBEDDED_QUEUE)
		return emb_status_set(&c->st, 503, "ServiceUnavailable", NULL, NULL,
			"too many requests wait for the database");
	emb_reply_call(x, api->chain, api->history, c, 0);
	return 0;
}

static void api_on_resource(
	const struct emb_api *api, const struct route *r, struct http_exchange *x)
{
	struct emb_call *c = emb_call_new();
	const char *method = http_x_method(x);
	int rc;

	c->db = api->db;
	c->kinds = api->kinds;
	c->view.kind = r->kind;
	c->view.v = r->v;
	c->status = r->sub != NULL;
	c->name = mem_strdup(r->name);
	/* A list without a namespace in its path is one of all of them. */
	c->ns = mem_strdup(r->ns ? r->ns : r->name || !r->kind->namespaced ? "" : NULL);
	if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
		rc = api_read_call(api, r, c, x);
	else
		rc = api_write_call(api, r, c, method, x);
	if (rc) {
		emb_reply_status(x, &c->st);
		emb_call_free(c);
	}
}

/* ---- everything else ------------------------------------------------------------------------- */

static int api_on_openapi(const struct emb_api *api, const struct route *r, struct http_exchange *x,
	struct emb_status *st)
{
	bool core = r->n == 4 && !strcmp(r->parts[2], "api");
	enum emb_form form;
	struct err err = {0};
	json_t *o = NULL;

	if (emb_accept(http_x_header(x, "Accept"), false, &form) || form != EMB_OBJECT_FORM)
		return emb_status_set(st, 406, "NotAcceptable", NULL, NULL,
			"only the following media types are accepted: application/json");
	if (r->n == 2)
		o = emb_openapi_index(api->kinds, api->prefix);
	else if (core || (r->n == 5 && !strcmp(r->parts[2], "apis") && r->parts[3][0]))
		o = emb_openapi_document(
			api->kinds, core ? "" : r->parts[3], r->parts[r->n - 1], &err);
	if (!o)
		return err.kind ? emb_internal(st, &err) : api_no_such_path(st);
	emb_reply_json(x, 200, o);
	return 0;
}

static int api_on_other(const struct emb_api *api, const struct route *r, struct http_exchange *x,
	struct emb_status *st)
{
	const char *method = http_x_method(x);
	struct buf empty = BUF_INIT(BUF_ANY);
	json_t *o;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return api_no_such_method(st);
	if (r->n == 1 &&
		(!strcmp(r->parts[0], "healthz") || !strcmp(r->parts[0], "readyz") ||
			!strcmp(r->parts[0], "livez"))) {
		http_reply_text(x, 200, "ok");
		return 0;
	}
	/* kubectl 1.20 asks for this before every write and is content with a document that defines
	   nothing. The type has a dot where the one it asks for has an "@": that one is no media
	   type, and kubectl would refuse it. */
	if (r->n == 2 && !strcmp(r->parts[0], "openapi") && !strcmp(r->parts[1], "v2")) {
		http_reply_buf(x, 200, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf",
			&empty);
		return 0;
	}
	if (r->n >= 2 && !strcmp(r->parts[0], "openapi") && !strcmp(r->parts[1], "v3"))
		return api_on_openapi(api, r, x, st);
	if (!emb_discovery(api->kinds, r->parts, r->n, api->address, &o))
		return api_no_such_path(st);
	emb_reply_json(x, 200, o);
	return 0;
}

static bool route_is_resource(const struct route *r)
{
	return r->n > 2 &&
		(!strcmp(r->parts[0], "api") || (!strcmp(r->parts[0], "apis") && r->n > 3));
}

void emb_api_handle(void *arg, struct http_exchange *x)
{
	const struct emb_api *api = arg;
	struct route r = {0};
	struct emb_status st;
	int rc;

	emb_status_init(&st);
	rc = api_may_ask(api, x, &st);
	if (!rc)
		rc = route_split(&r, http_x_path(x) + strlen(api->prefix), &st);
	if (!rc && route_is_resource(&r)) {
		rc = resource_path(api, &r, &st);
		if (!rc)
			api_on_resource(api, &r, x);
	} else if (!rc) {
		rc = api_on_other(api, &r, x, &st);
	}
	if (rc)
		emb_reply_status(x, &st);
	emb_status_clear(&st);
	free(r.path);
}
