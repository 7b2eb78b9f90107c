/*
 * One state machine: LIST → SWEEP → WATCH → (WATCH again | WAIT → WATCH or LIST). Every move goes
 * through watch_enter(), every end of an operation through watch_list_done() or watch_done(), which
 * decide what comes next.
 */
#include "kube/watch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/rand.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "kube/internal.h"
#include "kube/list.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EVENT_MAX (LIMIT_KUBE_OBJECT + 64 * LIMIT_KIB)
/* timeoutSeconds; and up to 60 more, so that a thousand watches do not come back at once */
#define SERVER_S_MIN 240
#define SERVER_S_SPREAD 61
#define GRACE_MS 30000
#define HEADERS_MS 60000
#define QUIET_MS 150000 /* bookmarks come about once a minute */
#define BACKOFF_MIN_MS 500
#define BACKOFF_MAX_MS 30000
/* a watch that ends sooner, without an event, is a failure; none is asked for sooner after the
   last */
#define SHORT_MS 1000
#define SHORT_SPREAD_MS 500
#define HEALTHY_MS 5000 /* one that lives longer ends a series of failures */
#define TRIES_BEFORE_LIST 3
#define SILENT_BEFORE_LIST \
	6 /* watches in a row that ended well and said nothing, not even a bookmark */
#define SWEEP_BUCKETS 256

enum state { START, LIST, SWEEP, WATCH, WAIT, END };

struct kube_watch {
	struct op op;
	struct kube_client *c;
	struct kube_watch_req req; /* its texts are our own copies */
	struct kube_resource_copy res;
	struct kube_cache cache;
	enum state state;
	struct op *cur; /* the list or the watch */
	struct timer timer, quiet;
	struct defer slice;
	char *rv;
	char *before; /* the last version before the list in hand */
	uint32_t round;
	struct kube_cursor sweep_at;
	struct buf line; /* the beginning of an event that is not complete yet */
	unsigned failures; /* in a row */
	unsigned silent_watches; /* in a row: they said nothing */
	uint64_t asked_ms, began_ms, last_byte_ms;
	uint64_t events_then; /* events and bookmarks when this watch began */
	bool synced, relist, token_tried, counted;
	bool open; /* the server has answered this watch with 200 */
	struct kube_watch_stats stats;
};

static struct kube_watch *watch_of(const struct op *op)
{
	return CONTAINER_OF(op, struct kube_watch, op);
}

static void watch_enter(struct kube_watch *w, enum state state);

static void watch_wait(struct kube_watch *w, uint64_t ms)
{
	watch_enter(w, WAIT);
	timer_set(&w->timer, ms);
}

/* ---- objects --------------------------------------------------------------------------------- */

struct meta {
	const char *ns, *name, *uid, *rv;
};

static int watch_bad(struct err *err, const struct kube_watch *w, const char *why)
{
	return err_set(err, ERR_RETRY, "watch %s: %s", w->res.r.plural, why);
}

static int watch_meta(
	const struct kube_watch *w, const json_t *obj, struct meta *m, struct err *err)
{
	const char *const *texts[] = {&m->ns, &m->name, &m->uid, &m->rv};
	size_t i;

	m->ns = obj_str_or("", obj, "metadata", "namespace");
	m->name = obj_str_or("", obj, "metadata", "name");
	m->uid = obj_str_or("", obj, "metadata", "uid");
	m->rv = obj_str_or("", obj, "metadata", "resourceVersion");
	if (!*m->name || !*m->uid || !*m->rv || (w->res.r.namespaced && !*m->ns))
		return watch_bad(
			err, w, "an object has no name, namespace, uid or resourceVersion");
	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (strlen(*texts[i]) > KUBE_ID_MAX)
			return watch_bad(
				err, w, "an object's name, uid or resourceVersion is too long");
	return 0;
}

static void watch_gone(struct kube_watch *w, struct kube_entry *e)
{
	w->req.on_deleted(w->req.arg, e);
	kube_cache_remove(&w->cache, e);
}

/* An object as it is now. */
static void watch_put(struct kube_watch *w, const struct meta *m, const json_t *obj)
{
	struct kube_entry *e = kube_cache_find(&w->cache, m->ns, m->name);
	bool added = !e;

	if (e && strcmp(kube_entry_uid(e), m->uid) != 0) {
		watch_gone(w, e);
		if (w->op.cancelled)
			return;
		added = true;
	}
	if (!added && !strcmp(e->rv, m->rv)) {
		e->round = w->round;
		return;
	}
	if (added)
		e = kube_cache_add(&w->cache, m->ns, m->name, m->uid, m->rv);
	else
		kube_entry_set_rv(e, m->rv);
	e->round = w->round;
	w->req.on_set(w->req.arg, e, obj, added);
}

/* ---- list ------------------------------------------------------------------------------------ */

static int watch_listed(void *arg, const json_t *obj, struct err *err)
{
	struct kube_watch *w = arg;
	struct meta m;

	if (w->op.cancelled)
		return err_set(err, ERR_CANCELED, "canceled");
	if (watch_meta(w, obj, &m, err))
		return -1;
	watch_put(w, &m, obj);
	return 0;
}

/* What the first half of the list saw may be gone in the second. */
static void watch_list_restart(void *arg)
{
	struct kube_watch *w = arg;

	w->round++;
}

static void watch_failed(struct kube_watch *w, const struct err *err);

static bool all_digits(const char *s)
{
	return *s && s[strspn(s, "0123456789")] == '\0';
}

bool kube_version_older(const char *a, const char *b)
{
	size_t la, lb;

	if (!all_digits(a) || !all_digits(b))
		return false;
	a += strspn(a, "0");
	b += strspn(b, "0");
	la = strlen(a);
	lb = strlen(b);
	return la != lb ? la < lb : strcmp(a, b) < 0;
}

static void watch_forget_version(void *arg, struct kube_entry *e)
{
	(void)arg;
	kube_entry_set_rv(e, "");
}

/*
 * Is the list older than what was known before it? The API server was restored from a backup then.
 * Users compare versions and would take each object for one that they have seen: all versions are
 * forgotten, and everything is listed anew.
 */
static int watch_restored(struct kube_watch *w, const char *version, struct err *err)
{
	struct kube_cursor at = {0};

	if (!w->before || !kube_version_older(version, w->before))
		return 0;
	kube_cache_walk(&w->cache, &at, SIZE_MAX, watch_forget_version, NULL);
	err_set(err, ERR_RETRY, "list %s: the API server went back from version %s to %s",
		w->res.r.plural, w->before, version);
	free(MOVE(w->before));
	w->relist = true;
	if (w->req.on_reset)
		w->req.on_reset(w->req.arg);
	return -1;
}

static void watch_list_done(struct op *op, void *arg)
{
	struct kube_watch *w = arg;
	struct err err = op->err;

	if (!err.kind && !w->op.cancelled && !watch_restored(w, kube_list_version(op), &err)) {
		free(w->rv);
		w->rv = mem_strdup(kube_list_version(op));
	}
	w->cur = NULL;
	op_free(op);
	if (w->op.cancelled)
		watch_enter(w, END);
	else if (err.kind)
		watch_failed(w, &err);
	else
		watch_enter(w, SWEEP);
}

static void watch_list_begin(struct kube_watch *w)
{
	w->round++;
	w->relist = false;
	w->silent_watches = 0;
	w->stats.lists++;
	w->cur = kube_list_start(w->c,
		&(struct kube_list_req){.resource = &w->res.r,
			.ns = w->req.ns,
			.label_selector = w->req.label_selector,
			.field_selector = w->req.field_selector,
			.metadata_only = w->req.metadata_only,
			.page = w->req.page,
			.on_item = watch_listed,
			.on_restart = watch_list_restart,
			.arg = w});
	op_then(w->cur, watch_list_done, w);
}

/* ---- sweep: whatever the complete list did not have is gone ---------------------------------- */

static void watch_sweep_one(void *arg, struct kube_entry *e)
{
	struct kube_watch *w = arg;

	if (e->round != w->round && !w->op.cancelled)
		watch_gone(w, e);
}

static void watch_sweep_slice(void *arg)
{
	struct kube_watch *w = arg;
	bool more = kube_cache_walk(&w->cache, &w->sweep_at, SWEEP_BUCKETS, watch_sweep_one, w);

	if (w->op.cancelled) {
		watch_enter(w, END);
	} else if (more) {
		defer_queue(w->op.loop, &w->slice, watch_sweep_slice, w);
	} else {
		if (!w->synced) {
			w->synced = true;
			if (w->req.on_synced)
				w->req.on_synced(w->req.arg);
		}
		/* The list's pages were trees and texts of up to a few MiB. */
		mem_trim();
		watch_enter(w, w->op.cancelled ? END : WATCH);
	}
}

/* ---- watch ----------------------------------------------------------------------------------- */

/* A Status in the stream. 410: what we want to continue from is forgotten. */
static int watch_error_event(struct kube_watch *w, const json_t *st, struct err *err)
{
	int code = (int)obj_int(500, st, "code");
	auto_free char *what = mem_printf("watch %s", w->res.r.plural);
	const char *why = obj_str_or("", st, "reason");

	if (code == 410 || !strcmp(why, "Expired") || !strcmp(why, "Gone")) {
		code = 410;
		w->relist = true;
	}
	return kube_status_json_err(err, what, code < 100 || code > 599 ? 500 : code, 0, st);
}

static int watch_bookmark(struct kube_watch *w, const json_t *obj, struct err *err)
{
	const char *rv = obj_str_or("", obj, "metadata", "resourceVersion");

	if (!*rv || strlen(rv) > KUBE_ID_MAX)
		return watch_bad(err, w, "a bookmark has no resourceVersion");
	if (kube_version_older(rv, w->rv)) {
		w->relist = true;
		return watch_bad(err, w, "a bookmark is older than what was seen before it");
	}
	free(w->rv);
	w->rv = mem_strdup(rv);
	w->stats.bookmarks++;
	if (!timer_is_set(&w->quiet))
		timer_set(&w->quiet, QUIET_MS);
	return 0;
}

static int watch_event(struct kube_watch *w, const char *text, size_t len, struct err *err)
{
	auto_json json_t *ev = obj_parse_api(text, len, "an event of the watch", err);
	const char *type = obj_str_or("", ev, "type");
	const json_t *obj = obj_get(ev, "object");
	struct kube_entry *e;
	struct meta m;

	/* As in a list; the object stays what it was until the next one. */
	if (!ev && err->code == -E2BIG) {
		log_error(NULL, "an event of a watch is left out", LS("plural", w->res.r.plural),
			LE(err));
		*err = (struct err){0};
		return 0;
	}
	if (!ev)
		return -1;
	if (!strcmp(type, "BOOKMARK"))
		return watch_bookmark(w, obj, err);
	if (!strcmp(type, "ERROR"))
		return watch_error_event(w, obj, err);
	if (watch_meta(w, obj, &m, err))
		return -1;
	if (!strcmp(type, "DELETED")) {
		e = kube_cache_find(&w->cache, m.ns, m.name);
		if (e)
			watch_gone(w, e);
	} else if (!strcmp(type, "ADDED") || !strcmp(type, "MODIFIED")) {
		watch_put(w, &m, obj);
	} else {
		return watch_bad(err, w, "an event has no type that we know");
	}
	/* Only now: an event that was refused is to be seen again. */
	free(w->rv);
	w->rv = mem_strdup(m.rv);
	w->stats.events++;
	return 0;
}

static bool line_is_blank(const char *s, size_t n)
{
	while (n && strchr(" \t\r", *s) && *s)
		s++, n--;
	return !n;
}

static int watch_line(struct kube_watch *w, const char *text, size_t len, struct err *err)
{
	return line_is_blank(text, len) ? 0 : watch_event(w, text, len, err);
}

/* Events are lines; a line may come in any number of pieces. */
static enum http_body_ret watch_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct kube_watch *w = arg;
	const char *eol;
	int rc;

	w->last_byte_ms = clock_ms();
	while (n && (eol = memchr(data, '\n', n))) {
		size_t len = (size_t)(eol - data);

		if (w->op.cancelled) {
			err_set(err, ERR_CANCELED, "canceled");
			return HTTP_BODY_FAIL;
		}
		if (!w->line.len) {
			rc = watch_line(w, data, len, err);
		} else if (buf_add(&w->line, data, len)) {
			break;
		} else {
			rc = watch_line(w, w->line.p, w->line.len, err);
			buf_clear(&w->line);
		}
		if (rc)
			return HTTP_BODY_FAIL;
		data = eol + 1;
		n -= len + 1;
	}
	if (!buf_add(&w->line, data, n))
		return HTTP_BODY_OK;
	err_set(err, ERR_RETRY, "watch %s: an event is larger than %llu bytes", w->res.r.plural,
		(unsigned long long)EVENT_MAX);
	return HTTP_BODY_FAIL;
}

static int watch_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct kube_watch *w = arg;

	(void)err;
	w->counted = true;
	w->open = res->status == 200;
	w->began_ms = w->last_byte_ms = clock_ms();
	kube_http_count(w->c, "GET", res->status);
	return 0;
}

static void watch_quiet_due(void *arg)
{
	struct kube_watch *w = arg;
	uint64_t quiet = clock_ms() - w->last_byte_ms;

	if (!w->cur)
		return;
	if (quiet < QUIET_MS)
		timer_set(&w->quiet, QUIET_MS - quiet);
	else
		op_cancel(w->cur); /* watch_done sees that it was not our caller's wish */
}

/* An answer other than 200, as an error; relist says whether watching from here can work at all. */
static void watch_refusal(struct kube_watch *w, const struct http_res *res, struct err *err)
{
	auto_free char *what = mem_printf("watch %s", w->res.r.plural);

	kube_status_err(err, what, res);
	if (res->status >= 400 && res->status < 500 && res->status != 401 && res->status != 429)
		w->relist = true;
}

/* True when the watch ended as watches do, and the next may begin. */
static bool watch_ended_well(struct kube_watch *w, const struct op *op, struct err *err)
{
	uint64_t lived = clock_ms() - w->began_ms;
	bool heard = w->stats.events + w->stats.bookmarks != w->events_then;

	w->silent_watches = heard ? 0 : w->silent_watches + 1;
	if (heard || (w->counted && http_result(op)->status == 200 && lived >= HEALTHY_MS))
		w->failures = 0;
	if (op->err.kind == ERR_CANCELED) {
		watch_bad(err, w, "no byte from the API server for too long");
		return false;
	}
	if (op->err.kind) {
		*err = op->err;
		return false;
	}
	if (http_result(op)->status != 200) {
		watch_refusal(w, http_result(op), err);
		return false;
	}
	if (w->line.len && !line_is_blank(w->line.p, w->line.len)) {
		watch_bad(err, w, "the stream ended inside an event");
		return false;
	}
	if (heard || lived >= SHORT_MS)
		return true;
	watch_bad(err, w, "the watch ended at once");
	return false;
}

/* How long to wait, so that a server that ends each watch at once, with an event or without, is
   asked once a second. */
static uint64_t watch_too_soon_ms(const struct kube_watch *w)
{
	uint64_t since = clock_ms() - w->asked_ms;
	unsigned r;

	if (since >= SHORT_MS)
		return 0;
	rand_bytes(&r, sizeof(r));
	return SHORT_MS - since + r % SHORT_SPREAD_MS;
}

static void watch_again(struct kube_watch *w)
{
	uint64_t ms = watch_too_soon_ms(w);

	/* A server that was restored from a backup says nothing to who watches from a version that
	   it has not reached. */
	if (w->silent_watches >= SILENT_BEFORE_LIST)
		watch_enter(w, LIST);
	else if (!ms)
		watch_enter(w, WATCH);
	else
		watch_wait(w, ms);
}

static void watch_done(struct op *op, void *arg)
{
	struct kube_watch *w = arg;
	struct kube_tries tries = {.end_ms = 0, .token = w->token_tried};
	struct err err = {0};
	uint64_t unused;
	bool well, refreshed = false, first_gone;

	timer_cancel(&w->quiet);
	w->cur = NULL;
	w->open = false;
	if (!w->op.cancelled) {
		if (!w->counted)
			kube_http_count(w->c, "GET", 0);
		first_gone = !w->failures;
		well = watch_ended_well(w, op, &err);
		if (!well && !op->err.kind)
			refreshed =
				kube_try_again(&tries, w->c, KUBE_WATCH, http_result(op), &unused);
		w->token_tried = tries.token && !well;
		op_free(op);
		buf_clear(&w->line);
		if (well)
			watch_again(w);
		else if (refreshed)
			watch_enter(w, WATCH);
		else if (w->relist && err.code == 410 && first_gone) {
			w->failures = 1; /* a second one in a row waits */
			watch_enter(w, LIST);
		} else
			watch_failed(w, &err);
		return;
	}
	op_free(op);
	watch_enter(w, END);
}

static void watch_begin(struct kube_watch *w)
{
	static const struct http_hdr plain[] = {{"Accept", "application/json"}, {NULL, NULL}};
	static const struct http_hdr meta[] = {{"Accept", KUBE_ACCEPT_META}, {NULL, NULL}};
	auto_buf struct buf path = BUF_INIT(BUF_ANY);
	unsigned spread, seconds;
	char text[16];

	rand_bytes(&spread, sizeof(spread));
	seconds = SERVER_S_MIN + spread % SERVER_S_SPREAD;
	snprintf(text, sizeof(text), "%u", seconds);
	kube_path(&path, &w->res.r, w->req.ns, NULL, NULL);
	kube_query_add(&path, "watch", "1");
	kube_query_add(&path, "allowWatchBookmarks", "true");
	kube_query_add(&path, "resourceVersion", w->rv);
	kube_query_add(&path, "timeoutSeconds", text);
	if (w->req.label_selector)
		kube_query_add(&path, "labelSelector", w->req.label_selector);
	if (w->req.field_selector)
		kube_query_add(&path, "fieldSelector", w->req.field_selector);
	buf_clear(&w->line);
	buf_init(&w->line, EVENT_MAX);
	w->counted = false;
	w->asked_ms = w->began_ms = clock_ms();
	w->events_then = w->stats.events + w->stats.bookmarks;
	w->stats.watches++;
	w->cur = kube_http_start(w->c, KUBE_WATCH, buf_str(&path),
		&(struct http_req){.method = "GET",
			.hdrs = w->req.metadata_only ? meta : plain,
			.on_headers = watch_headers,
			.on_body = watch_body,
			.arg = w,
			.max_body = UINT64_MAX,
			.keep_error_body = true,
			.headers_ms = HEADERS_MS,
			.deadline_ms = seconds * 1000 + GRACE_MS});
	op_then(w->cur, watch_done, w);
}

/* ---- moving ---------------------------------------------------------------------------------- */

static uint64_t watch_backoff(const struct kube_watch *w)
{
	uint64_t ms = BACKOFF_MIN_MS;
	unsigned i, r;

	for (i = 1; i < w->failures && ms < BACKOFF_MAX_MS; i++)
		ms *= 2;
	if (ms > BACKOFF_MAX_MS)
		ms = BACKOFF_MAX_MS;
	rand_bytes(&r, sizeof(r));
	return ms / 2 + r % (ms / 2 + 1);
}

static void watch_failed(struct kube_watch *w, const struct err *err)
{
	uint64_t ms;

	w->failures++;
	w->stats.errors++;
	if (w->failures % TRIES_BEFORE_LIST == 0)
		w->relist = true; /* perhaps the version itself is what the server stumbles over */
	ms = watch_backoff(w);
	if (w->state == WATCH) {
		uint64_t soonest = watch_too_soon_ms(w);

		ms = ms > soonest ? ms : soonest;
	}
	if (err->kind == ERR_WAIT && err->retry_ms > ms)
		ms = err->retry_ms;
	if (w->req.on_error)
		w->req.on_error(w->req.arg, err, ms);
	if (w->op.cancelled) {
		watch_enter(w, END);
		return;
	}
	watch_wait(w, ms);
}

static void watch_wait_over(void *arg)
{
	struct kube_watch *w = arg;

	watch_enter(w, w->rv && !w->relist ? WATCH : LIST);
}

static void watch_enter(struct kube_watch *w, enum state state)
{
	w->state = state;
	switch (state) {
	case LIST:
		/* A list that fails half way must begin again, however good the old version is. */
		if (w->rv) {
			free(w->before);
			w->before = MOVE(w->rv);
		}
		watch_list_begin(w);
		break;
	case SWEEP:
		w->sweep_at = (struct kube_cursor){0};
		defer_queue(w->op.loop, &w->slice, watch_sweep_slice, w);
		break;
	case WATCH:
		watch_begin(w);
		break;
	case END:
		op_finish(&w->op);
		break;
	default:
		break;
	}
}

static void watch_start(void *arg)
{
	watch_enter(arg, LIST);
}

static void watch_op_cancel(struct op *op)
{
	struct kube_watch *w = watch_of(op);

	if (w->cur) {
		op_cancel(w->cur); /* its end is ours */
		return;
	}
	/* SWEEP, and a callback in the middle of anything, look at op.cancelled themselves. */
	if (w->state == WAIT || w->state == START) {
		timer_cancel(&w->timer);
		defer_cancel(w->op.loop, &w->slice);
		watch_enter(w, END);
	}
}

static void watch_op_free(struct op *op)
{
	struct kube_watch *w = watch_of(op);

	kube_cache_clear(&w->cache, w->req.free_user, w->req.arg);
	kube_resource_clear(&w->res);
	free((char *)(uintptr_t)w->req.ns);
	free((char *)(uintptr_t)w->req.label_selector);
	free((char *)(uintptr_t)w->req.field_selector);
	free(w->rv);
	free(w->before);
	buf_clear(&w->line);
	free(w);
}

struct op *kube_watch_start(struct kube_client *c, const struct kube_watch_req *req)
{
	static const struct op_type type = {"kube_watch", watch_op_cancel, watch_op_free};
	struct kube_watch *w = NEW(struct kube_watch);

	op_init(&w->op, kube_client_loop(c), &type);
	w->c = c;
	w->req = *req;
	w->req.ns = mem_strdup(req->ns);
	w->req.label_selector = mem_strdup(req->label_selector);
	w->req.field_selector = mem_strdup(req->field_selector);
	kube_resource_copy(&w->res, req->resource);
	buf_init(&w->line, EVENT_MAX);
	timer_init(&w->timer, w->op.loop, watch_wait_over, w);
	timer_init(&w->quiet, w->op.loop, watch_quiet_due, w);
	defer_queue(w->op.loop, &w->slice, watch_start, w);
	return &w->op;
}

bool kube_watch_synced(const struct op *op)
{
	return watch_of(op)->synced;
}

bool kube_watch_live(const struct op *op)
{
	return watch_of(op)->open;
}

struct kube_entry *kube_watch_find(const struct op *op, const char *ns, const char *name)
{
	return kube_cache_find(&watch_of(op)->cache, ns ? ns : "", name);
}

struct kube_entry *kube_watch_find_key(const struct op *op, const char *key)
{
	const char *slash = strchr(key, '/');
	auto_free char *ns = mem_strndup(key, (size_t)(slash - key));

	return kube_watch_find(op, ns, slash + 1);
}

size_t kube_watch_count(const struct op *op)
{
	return watch_of(op)->cache.len;
}

struct kube_cache *kube_watch_cache(struct op *op)
{
	return &watch_of(op)->cache;
}

void kube_watch_stats(const struct op *op, struct kube_watch_stats *out)
{
	*out = watch_of(op)->stats;
	out->failures = watch_of(op)->failures;
}
