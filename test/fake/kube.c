#include "test/fake/kube.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "http/server.h"
#include "kube/config.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct watcher {
	struct fake_kube *k;
	struct http_exchange *x;
	char plural[32];
	struct buf pending;
	bool metadata_only, over;
	struct watcher *next, **prev;
};

struct failure {
	char *line;
	int status;
	unsigned times;
	void (*hook)(void *arg);
	void *arg;
};

/* A request that waits for fake_kube_release. */
struct held {
	struct fake_kube *k;
	struct http_exchange *x;
	struct held *next, **prev;
};

struct fake_kube {
	struct loop *loop;
	char *hold; /* requests of this line are held; NULL: none are */
	struct held *held;
	unsigned holds;
	struct http_server *server;
	json_t *objects; /* "plural/ns/name" → object */
	json_int_t rv, uid;
	unsigned secret_reads;
	struct buf log;
	VEC(struct failure) failures;
	struct watcher *watchers;
	bool mute;
};

static void merge(json_t *to, const json_t *patch)
{
	const char *key;
	json_t *v;

	json_object_foreach ((json_t *)(uintptr_t)patch, key, v) {
		json_t *old = json_object_get(to, key);

		if (json_is_null(v)) {
			json_object_del(to, key);
		} else if (json_is_object(v)) {
			if (!json_is_object(old)) {
				old = json_object();
				json_object_set_new(to, key, old);
			}
			merge(old, v);
		} else {
			json_object_set_new(to, key, json_deep_copy(v));
		}
	}
}

static json_t *text_json(const char *text)
{
	struct err err = {0};
	json_t *o = obj_parse_api(text, strlen(text), "test object", &err);

	ck_assert_msg(o != NULL, "%s: %s", err.msg, text);
	return o;
}

static void metadata_form(json_t *o)
{
	json_object_del(o, "spec");
	json_object_del(o, "data");
	json_object_del(o, "type");
	json_object_del(o, "status");
	json_object_set_new(o, "kind", json_string("PartialObjectMetadata"));
	json_object_set_new(o, "apiVersion", json_string("meta.k8s.io/v1"));
}

static void tell(struct fake_kube *k, const char *plural, const char *type, const json_t *o)
{
	struct watcher *w;

	for (w = k->watchers; w; w = w->next) {
		json_t *copy, *event;

		if (strcmp(w->plural, plural) != 0)
			continue;
		copy = json_deep_copy(o);
		if (w->metadata_only)
			metadata_form(copy);
		event = json_pack("{s:s, s:o}", "type", type, "object", copy);
		obj_write(event, &w->pending);
		buf_addc(&w->pending, '\n');
		json_decref(event);
		http_reply_wake(w->x);
	}
}

static char *key_of(const char *plural, const char *ns, const char *name)
{
	return mem_printf("%s/%s/%s", plural, ns, name);
}

static json_t *meta_of(json_t *o)
{
	json_t *m = json_object_get(o, "metadata");

	if (!m) {
		m = json_object();
		json_object_set_new(o, "metadata", m);
	}
	return m;
}

static void stamp(struct fake_kube *k, json_t *o)
{
	char rv[24];

	snprintf(rv, sizeof(rv), "%lld", (long long)++k->rv);
	json_object_set_new(meta_of(o), "resourceVersion", json_string(rv));
}

/* Stores what was changed, tells the watchers; an object whose last finalizer went is gone. */
static void changed(struct fake_kube *k, const char *plural, const char *key, json_t *o, bool added)
{
	stamp(k, o);
	if (obj_str(o, "metadata", "deletionTimestamp") &&
		!json_array_size(obj_get(o, "metadata", "finalizers"))) {
		tell(k, plural, "DELETED", o);
		json_object_del(k->objects, key);
		return;
	}
	tell(k, plural, added ? "ADDED" : "MODIFIED", o);
}

void fake_kube_put(struct fake_kube *k, const char *plural, const char *json)
{
	json_t *o = text_json(json), *m = meta_of(o), *old;
	const char *ns = obj_str(m, "namespace"), *name = obj_str(m, "name");
	auto_free char *key = key_of(plural, ns, name);
	char uid[64];

	old = json_object_get(k->objects, key);
	snprintf(uid, sizeof(uid), "00000000-0000-4000-8000-%012lld", (long long)++k->uid);
	json_object_set_new(
		m, "uid", old ? json_incref(obj_get(old, "metadata", "uid")) : json_string(uid));
	if (!obj_get(m, "generation"))
		json_object_set_new(m, "generation",
			json_integer(old ? obj_int(0, old, "metadata", "generation") + 1 : 1));
	if (!strcmp(plural, "ocirepositories") && !obj_get(o, "status"))
		json_object_set_new(o, "status", json_pack("{s:i}", "observedGeneration", -1));
	json_object_set_new(k->objects, key, o);
	changed(k, plural, key, o, !old);
}

void fake_kube_merge(struct fake_kube *k, const char *plural, const char *ns, const char *name,
	const char *patch)
{
	auto_free char *key = key_of(plural, ns, name);
	json_t *o = json_object_get(k->objects, key);
	auto_json json_t *p = text_json(patch);

	ck_assert_msg(o != NULL, "no %s", key);
	merge(o, p);
	if (json_object_get(p, "spec"))
		json_object_set_new(meta_of(o), "generation",
			json_integer(obj_int(0, o, "metadata", "generation") + 1));
	changed(k, plural, key, o, false);
}

void fake_kube_delete(struct fake_kube *k, const char *plural, const char *ns, const char *name)
{
	auto_free char *key = key_of(plural, ns, name);
	json_t *o = json_object_get(k->objects, key);

	ck_assert_msg(o != NULL, "no %s", key);
	json_object_set_new(meta_of(o), "deletionTimestamp", json_string("2026-01-01T00:00:00Z"));
	json_object_set_new(meta_of(o), "generation",
		json_integer(obj_int(0, o, "metadata", "generation") + 1));
	changed(k, plural, key, o, false);
}

void fake_kube_leave(struct fake_kube *k, const char *plural, const char *ns, const char *name)
{
	auto_free char *key = key_of(plural, ns, name);
	json_t *o = json_object_get(k->objects, key);

	stamp(k, o);
	tell(k, plural, "DELETED", o);
}

void fake_kube_go_back(struct fake_kube *k)
{
	struct watcher *w;
	const char *key;
	json_t *o;

	k->rv = 1;
	json_object_foreach (k->objects, key, o)
		stamp(k, o);
	for (w = k->watchers; w; w = w->next) {
		w->over = true;
		http_reply_wake(w->x);
	}
}

void fake_kube_cut(struct fake_kube *k, const char *plural)
{
	struct watcher *w;

	for (w = k->watchers; w; w = w->next) {
		if (strcmp(w->plural, plural) != 0)
			continue;
		w->over = true;
		http_reply_wake(w->x);
	}
}

unsigned fake_kube_secret_reads(const struct fake_kube *k)
{
	return k->secret_reads;
}

const json_t *fake_kube_get(
	struct fake_kube *k, const char *plural, const char *ns, const char *name)
{
	auto_free char *key = key_of(plural, ns, name);

	return json_object_get(k->objects, key);
}

/* ---- requests -------------------------------------------------------------------------------- */

static void status_reply(struct http_exchange *x, int code, const char *reason)
{
	struct buf b = BUF_INIT(4096);

	buf_addf(&b,
		"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"%"
		"s\","
		"\"message\":\"%s\",\"code\":%d}",
		reason, reason, code);
	http_reply_buf(x, code, "application/json", &b);
	buf_clear(&b);
}

static void object_reply(struct http_exchange *x, int code, const json_t *o)
{
	struct buf b = BUF_INIT(BUF_ANY);

	obj_write(o, &b);
	http_reply_buf(x, code, "application/json", &b);
	buf_clear(&b);
}

static bool metadata_only(struct http_exchange *x)
{
	const char *accept = http_x_header(x, "Accept");

	return accept && strstr(accept, "as=PartialObjectMetadata");
}

/* Of selectors only "a=b,c=d" are known. */
static bool matches(const json_t *o, struct http_exchange *x, const char *ns)
{
	const char *selector = http_x_query(x, "labelSelector");
	char *text = mem_strdup(selector ? selector : ""), *save = NULL, *p, *eq;
	bool yes = !ns || !strcmp(ns, obj_str_or("", o, "metadata", "namespace"));

	for (p = strtok_r(text, ",", &save); p && yes; p = strtok_r(NULL, ",", &save)) {
		eq = strchr(p, '=');
		if (!eq || eq[-1] == '!')
			break; /* a test that has one looks at nothing that comes of it */
		*eq++ = '\0';
		yes = !strcmp(eq, obj_str_or("", o, "metadata", "labels", p));
	}
	free(text);
	return yes;
}

/* ns NULL: of all namespaces. */
static void list(struct fake_kube *k, struct http_exchange *x, const char *plural, const char *ns)
{
	auto_json json_t *all = NULL;
	json_t *items = json_array(), *o;
	const char *key;
	char rv[24];
	size_t n = strlen(plural);

	json_object_foreach (k->objects, key, o)
		if (!strncmp(key, plural, n) && key[n] == '/' && matches(o, x, ns)) {
			json_t *copy = json_deep_copy(o);

			if (metadata_only(x))
				metadata_form(copy);
			json_array_append_new(items, copy);
		}
	snprintf(rv, sizeof(rv), "%lld", (long long)k->rv);
	all = json_pack("{s:s, s:s, s:{s:s}, s:o}", "kind", "List", "apiVersion", "v1", "metadata",
		"resourceVersion", rv, "items", items);
	object_reply(x, 200, all);
}

static int pull(void *arg, struct buf *b)
{
	struct watcher *w = arg;

	if (w->over)
		return -1;
	if (!w->pending.len || w->k->mute)
		return 0;
	buf_add(b, w->pending.p, w->pending.len);
	buf_reset(&w->pending);
	return 1;
}

static void watch_ended(void *arg, struct http_exchange *x, bool gone)
{
	struct watcher *w = arg;

	(void)x;
	(void)gone;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	buf_clear(&w->pending);
	free(w);
}

static void watch(struct fake_kube *k, struct http_exchange *x, const char *plural)
{
	struct watcher *w = NEW(struct watcher);
	json_int_t since = strtoll(http_x_query(x, "resourceVersion"), NULL, 10);
	const char *key;
	json_t *o;
	size_t n = strlen(plural);

	if (since > k->rv) {
		free(w);
		status_reply(x, 504, "Timeout");
		return;
	}
	w->k = k;
	w->x = x;
	w->metadata_only = metadata_only(x);
	snprintf(w->plural, sizeof(w->plural), "%s", plural);
	buf_init(&w->pending, BUF_ANY);
	w->next = k->watchers;
	w->prev = &k->watchers;
	if (w->next)
		w->next->prev = &w->next;
	k->watchers = w;
	http_x_on_end(x, watch_ended, w);
	http_reply_stream(x, 200, "application/json", pull, w);
	/* What changed between the list and the watch. */
	json_object_foreach (k->objects, key, o)
		if (!strncmp(key, plural, n) && key[n] == '/' &&
			strtoll(obj_str(o, "metadata", "resourceVersion"), NULL, 10) > since)
			tell(k, plural, "MODIFIED", o);
}

static void patch(struct fake_kube *k, struct http_exchange *x, const char *plural, const char *key,
	bool status)
{
	json_t *o = json_object_get(k->objects, key);
	auto_json json_t *p = text_json(buf_str(http_x_body(x)));
	const char *rv = obj_str(p, "metadata", "resourceVersion");

	if (!o) {
		status_reply(x, 404, "NotFound");
		return;
	}
	if (rv && strcmp(rv, obj_str(o, "metadata", "resourceVersion")) != 0) {
		status_reply(x, 409, "Conflict");
		return;
	}
	if (status) {
		json_object_del(p, "metadata");
		json_object_del(p, "spec");
	} else {
		json_object_del(p, "status");
	}
	merge(o, p);
	json_incref(o);
	changed(k, plural, key, o, false);
	object_reply(x, 200, o);
	json_decref(o);
}

static void note_event(struct fake_kube *k, const struct buf *body)
{
	json_t *e = text_json(buf_str(body));
	auto_free char *key = key_of("events", obj_str_or("", e, "metadata", "namespace"),
		obj_str_or("", e, "metadata", "name"));

	buf_addf(&k->log, "EVENT %s %s\n", obj_str(e, "reason"), obj_str(e, "message"));
	stamp(k, e);
	json_object_set_new(k->objects, key, e);
}

/* Runs hooks, then says whether the request fails. */
static int failure_of(struct fake_kube *k, const char *line)
{
	struct failure *f;

	vec_each (&k->failures, f) {
		if (!f->times || strcmp(f->line, line) != 0)
			continue;
		f->times--;
		if (f->hook)
			f->hook(f->arg);
		else
			return f->status;
	}
	return 0;
}

static void held_ended(void *arg, struct http_exchange *x, bool gone)
{
	struct held *h = arg;

	(void)x;
	(void)gone;
	*h->prev = h->next;
	if (h->next)
		h->next->prev = h->prev;
	h->k->holds--;
	free(h);
}

static void hold(struct fake_kube *k, struct http_exchange *x)
{
	struct held *h = NEW(struct held);

	*h = (struct held){k, x, k->held, &k->held};
	if (h->next)
		h->next->prev = &h->next;
	k->held = h;
	k->holds++;
	http_x_on_end(x, held_ended, h);
}

static void handle(void *arg, struct http_exchange *x)
{
	struct fake_kube *k = arg;
	const char *method = http_x_method(x);
	char *path = mem_strdup(http_x_path(x)), *part[8] = {0}, *save = NULL, *p;
	auto_free char *line = NULL, *key = NULL;
	bool write = strcmp(method, "GET") != 0;
	int n = 0, skip = 0, status;

	/* ... /namespaces/NS/PLURAL[/NAME[/status]], .../PLURAL, or /namespaces/NAME */
	for (p = strtok_r(path, "/", &save); p && n < 8; p = strtok_r(NULL, "/", &save)) {
		/* /api/v1 or /apis/GROUP/v1 */
		if (skip || (!n && (!strcmp(p, "api") || !strcmp(p, "apis")))) {
			skip = skip ? skip - 1 : !strcmp(p, "api") ? 1 : 2;
			continue;
		}
		part[n++] = p;
	}
	if (n >= 3 && !strcmp(part[0], "namespaces")) {
		key = n >= 4 ? key_of(part[2], part[1], part[3]) : NULL;
		line = mem_printf("%s %s/%s%s", method, part[2], n >= 4 ? part[3] : "",
			n >= 5 ? "/status" : "");
	} else if (n == 2 && !strcmp(part[0], "namespaces")) {
		key = key_of(part[0], "", part[1]);
		line = mem_printf("%s namespaces/%s", method, part[1]);
	} else {
		line = mem_printf("%s %s/", method, n ? part[0] : "");
	}
	if (k->hold && !strcmp(k->hold, line)) {
		hold(k, x);
		free(path);
		return;
	}
	if (write && n >= 4)
		buf_addf(&k->log, "%s\n", line);
	if (!write && n >= 4 && !strcmp(part[2], "secrets"))
		k->secret_reads++;
	status = failure_of(k, line);
	if (status)
		status_reply(x, status, status == 409 ? "Conflict" : "InternalError");
	else if (!strcmp(method, "POST")) {
		note_event(k, http_x_body(x));
		status_reply(x, 201, "Created");
	} else if (!strcmp(method, "PATCH") && key)
		patch(k, x, part[2], key, n >= 5);
	else if (key && json_object_get(k->objects, key))
		object_reply(x, 200, json_object_get(k->objects, key));
	else if (key)
		status_reply(x, 404, "NotFound");
	else if (http_x_query(x, "watch"))
		watch(k, x, n >= 3 ? part[2] : part[0]);
	else
		list(k, x, n >= 3 ? part[2] : part[0], n >= 3 ? part[1] : NULL);
	free(path);
}

/* ---- the server ------------------------------------------------------------------------------ */

struct fake_kube *fake_kube_new(struct loop *l)
{
	struct fake_kube *k = NEW(struct fake_kube);
	struct err err = {0};

	k->loop = l;
	k->objects = json_object();
	k->rv = 100;
	buf_init(&k->log, BUF_ANY);
	k->server = http_server_new(l,
		&(struct http_server_opts){.name = "fake-kube",
			.address = "127.0.0.1:0",
			.handler = handle,
			.arg = k,
			.max_body = 4 << 20},
		&err);
	ck_assert_msg(k->server != NULL, "%s", err.msg);
	return k;
}

void fake_kube_free(struct fake_kube *k)
{
	struct failure *f;

	http_server_free(k->server);
	free(k->hold);
	vec_each (&k->failures, f)
		free(f->line);
	vec_clear(&k->failures);
	json_decref(k->objects);
	buf_clear(&k->log);
	free(k);
}

struct kube_config *fake_kube_config(const struct fake_kube *k)
{
	struct kube_config *cfg = NEW(struct kube_config);

	cfg->server = mem_printf("http://%s", http_server_address(k->server));
	cfg->host = mem_strdup(http_server_address(k->server));
	cfg->ns = mem_strdup("default");
	cfg->proxy.none = true;
	return cfg;
}

const char *fake_kube_log(const struct fake_kube *k)
{
	return buf_str(&k->log);
}

void fake_kube_log_reset(struct fake_kube *k)
{
	buf_reset(&k->log);
}

static void add_failure(struct fake_kube *k, const char *line, int status, unsigned times,
	void (*fn)(void *), void *arg)
{
	*vec_add(&k->failures) = (struct failure){mem_strdup(line), status, times, fn, arg};
}

void fake_kube_fail(struct fake_kube *k, const char *line, int status, unsigned times)
{
	add_failure(k, line, status, times, NULL, NULL);
}

void fake_kube_hook(struct fake_kube *k, const char *line, void (*fn)(void *arg), void *arg)
{
	add_failure(k, line, 0, 1, fn, arg);
}

void fake_kube_mute(struct fake_kube *k, bool mute)
{
	struct watcher *w;

	k->mute = mute;
	for (w = k->watchers; w; w = w->next)
		http_reply_wake(w->x);
}

void fake_kube_hold(struct fake_kube *k, const char *line)
{
	free(k->hold);
	k->hold = mem_strdup(line);
}

unsigned fake_kube_held(const struct fake_kube *k)
{
	return k->holds;
}

void fake_kube_release(struct fake_kube *k)
{
	char *hold = MOVE(k->hold);

	while (k->held) {
		struct http_exchange *x = k->held->x;

		held_ended(k->held, x, false);
		http_x_on_end(x, NULL, NULL);
		handle(k, x);
	}
	k->hold = hold;
}

void fake_kube_behave(struct fake_kube *k)
{
	struct failure *f;

	vec_each (&k->failures, f)
		f->times = 0;
}
