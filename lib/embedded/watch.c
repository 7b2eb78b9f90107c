#include "embedded/watch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/chain.h"
#include "embedded/kind.h"
#include "ev/loop.h"
#include "ev/timer.h"
#include "http/server.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PIECE (64 * 1024)
#define BOOKMARK_MS (60 * 1000)

struct watch {
	struct emb_history *history;
	struct emb_chain *chain;
	struct http_exchange *x; /* NULL: the client is gone */
	struct emb_call *call;
	struct list link;
	struct buf pending; /* of the initial list */
	uint64_t seq; /* of the next change to look at */
	int64_t after; /* changes up to this version are known to the client */
	bool listing, in_chain; /* the initial list is not over; a job of it runs */
	bool bookmarks, bookmark_due, ended, timed_out, failed;
	struct timer bookmark, timeout;
	struct defer again;
};

struct emb_history {
	struct loop *loop;
	struct emb_change *ring;
	size_t cap, head, len, bytes;
	uint64_t first; /* sequence number of the oldest change in the ring */
	int64_t version, floor;
	struct list watches; /* of struct watch */
	bool stopped;
};

/* ---- the ring -------------------------------------------------------------------------------- */

struct emb_history *emb_history_new(struct loop *l, int64_t version)
{
	struct emb_history *h = NEW(struct emb_history);

	h->loop = l;
	list_init(&h->watches);
	h->cap = LIMIT_EMBEDDED_RING_EVENTS;
	h->ring = mem_array(NULL, h->cap, sizeof(*h->ring));
	h->version = h->floor = version;
	return h;
}

static size_t change_weight(const struct emb_change *c)
{
	return sizeof(*c) + c->len + c->old_len + 64;
}

static struct emb_change *history_at(const struct emb_history *h, uint64_t seq)
{
	return &h->ring[(h->head + (seq - h->first)) % h->cap];
}

static void history_drop_oldest(struct emb_history *h)
{
	struct emb_change *c = &h->ring[h->head];

	h->floor = c->version;
	h->bytes -= change_weight(c);
	emb_change_clear(c);
	h->head = (h->head + 1) % h->cap;
	h->len--;
	h->first++;
}

static void wake_watches(struct emb_history *h)
{
	struct list *at;

	list_each (&h->watches, at) {
		struct watch *w = CONTAINER_OF(at, struct watch, link);

		if (w->x)
			http_reply_wake(w->x);
	}
}

void emb_history_add(struct emb_history *h, struct emb_changes *cs)
{
	size_t i;

	if (!cs->len)
		return;
	for (i = 0; i < cs->len; i++) {
		if (h->len == h->cap)
			history_drop_oldest(h);
		h->ring[(h->head + h->len++) % h->cap] = cs->p[i];
		h->bytes += change_weight(&cs->p[i]);
		h->version = cs->p[i].version;
		/* The newest one stays, however large. */
		while (h->bytes > LIMIT_EMBEDDED_RING && h->len > 1)
			history_drop_oldest(h);
	}
	free(cs->p);
	*cs = (struct emb_changes){0};
	wake_watches(h);
}

int64_t emb_history_version(const struct emb_history *h)
{
	return h->version;
}

int64_t emb_history_floor(const struct emb_history *h)
{
	return h->floor;
}

void emb_history_stop(struct emb_history *h)
{
	h->stopped = true;
	wake_watches(h);
}

void emb_history_free(struct emb_history *h)
{
	if (!h)
		return;
	BUG_IF(!list_empty(&h->watches));
	while (h->len)
		history_drop_oldest(h);
	free(h->ring);
	free(h);
}

/* ---- what a watch says ----------------------------------------------------------------------- */

static void watch_say_gone(struct watch *w, int64_t asked, struct buf *b)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;

	emb_status_set(&st, 410, "Expired", NULL, NULL,
		"too old resource version: %" PRId64 " (%" PRId64 ")", asked, w->history->floor);
	buf_adds(b, "{\"type\":\"ERROR\",\"object\":");
	emb_status_write(&st, b);
	buf_adds(b, "}\n");
	w->ended = true;
}

static void watch_say_bookmark(struct watch *w, struct buf *b)
{
	const struct emb_call *c = w->call;
	bool partial = c->view.form == EMB_PARTIAL_FORM;

	buf_addf(b,
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"%s\",\"apiVersion\":\"%s\","
		"\"metadata\":{\"resourceVersion\":\"%" PRId64 "\",\"creationTimestamp\":null}}}\n",
		partial ? "PartialObjectMetadata" : c->view.kind->kind,
		partial ? "meta.k8s.io/v1" : c->view.v->api_version, w->history->version);
	w->bookmark_due = false;
}

static bool watch_matches(const struct watch *w, const char *text, size_t len)
{
	const struct emb_call *c = w->call;
	auto_json json_t *o = NULL;
	struct err err;

	if (!c->labels && !c->field_selector)
		return true;
	o = obj_parse(text, len, "a change", &err);
	return emb_call_selects(c, o);
}

/* The state before, with the version of the change that took it out of the selection. */
static int watch_say_left(
	struct watch *w, const struct emb_change *ch, struct buf *b, struct err *err)
{
	auto_json json_t *o = obj_parse(ch->old, ch->old_len, "a change", err);
	auto_buf struct buf text = BUF_INIT(LIMIT_KUBE_OBJECT);
	const struct emb_call *c = w->call;

	if (!o)
		return -1;
	json_object_set_new(json_object_get(o, "metadata"), "resourceVersion",
		json_sprintf("%" PRId64, ch->version));
	obj_write(o, &text);
	return emb_render(b, &c->view, buf_str(&text), text.len, "DELETED", !c->columns_sent,
		clock_wall_ms(), err);
}

static int watch_say_change(
	struct watch *w, const struct emb_change *ch, struct buf *b, struct err *err)
{
	static const char *const words[] = {"ADDED", "MODIFIED", "DELETED"};
	struct emb_call *c = w->call;
	const char *word = words[ch->type];
	bool now, before;

	if (ch->kind != c->view.kind || (c->ns && strcmp(c->ns, ch->ns) != 0) ||
		ch->version <= w->after)
		return 0;
	now = watch_matches(w, ch->text, ch->len);
	if (ch->type == EMB_MODIFIED) {
		before = ch->old ? watch_matches(w, ch->old, ch->old_len) : now;
		if (!now && before) {
			if (watch_say_left(w, ch, b, err))
				return -1;
			c->columns_sent = true;
		}
		word = before ? "MODIFIED" : "ADDED";
	}
	if (!now)
		return 0;
	if (emb_render(
		    b, &c->view, ch->text, ch->len, word, !c->columns_sent, clock_wall_ms(), err))
		return -1;
	c->columns_sent = true;
	return 0;
}

static void wake_again(void *arg)
{
	struct watch *w = arg;

	if (w->x)
		http_reply_wake(w->x);
}

static int watch_say_changes(struct watch *w, struct buf *b)
{
	struct emb_history *h = w->history;
	uint64_t end = h->first + h->len;
	unsigned looked = 0;
	struct err err;

	if (w->seq < h->first) {
		watch_say_gone(w, w->after, b);
		return 1;
	}
	while (w->seq < end && b->len < PIECE && looked++ < LIMIT_EMBEDDED_SLICE) {
		const struct emb_change *ch = history_at(h, w->seq++);

		if (watch_say_change(w, ch, b, &err))
			return -2;
		if (ch->version > w->after)
			w->after = ch->version;
	}
	if (b->len)
		return 1;
	if (w->seq < end)
		defer_queue(h->loop, &w->again, wake_again, w);
	return 0;
}

static void watch_next_slice(struct watch *w);

static int watch_pull(void *arg, struct buf *b)
{
	struct watch *w = arg;
	int rc;

	if (w->failed)
		return -2;
	if (w->pending.len) {
		size_t n = w->pending.len < PIECE ? w->pending.len : PIECE;

		buf_add(b, w->pending.p, n);
		buf_shift(&w->pending, n);
		return 1;
	}
	if (w->ended || w->history->stopped)
		return -1;
	if (w->listing) {
		buf_clear(&w->pending);
		watch_next_slice(w);
		return 0;
	}
	rc = watch_say_changes(w, b);
	if (rc || w->again.queued)
		return rc;
	if (w->timed_out || w->bookmark_due) {
		if (w->bookmarks)
			watch_say_bookmark(w, b);
		w->bookmark_due = false;
		w->ended = w->timed_out;
		return w->ended ? -1 : 1;
	}
	return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void watch_free(struct watch *w)
{
	list_out(&w->link);
	timer_cancel(&w->bookmark);
	timer_cancel(&w->timeout);
	defer_cancel(w->history->loop, &w->again);
	emb_call_free(w->call);
	buf_clear(&w->pending);
	free(w);
}

static void watch_on_end(void *arg, struct http_exchange *x, bool gone)
{
	struct watch *w = arg;

	(void)x;
	(void)gone;
	w->x = NULL;
	if (!w->in_chain)
		watch_free(w);
}

static uint64_t history_seq_after(const struct emb_history *h, int64_t version)
{
	uint64_t lo = h->first, hi = h->first + h->len;

	while (lo < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		if (history_at(h, mid)->version > version)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void slice_run(void *arg)
{
	emb_call_run(((struct watch *)arg)->call);
}

static void slice_done(void *arg)
{
	struct watch *w = arg;
	struct emb_call *c = w->call;

	w->in_chain = false;
	if (!w->x) {
		watch_free(w);
		return;
	}
	if (w->after < c->version)
		w->after = c->version;
	w->failed = c->st.code != 0;
	w->listing = c->more;
	buf_clear(&w->pending);
	w->pending = c->out;
	buf_init(&c->out, LIMIT_KUBE_LIST);
	/* Changes that come while the list is still read are kept for after it: the place in the
	   ring is fixed with the first slice. */
	if (w->seq == UINT64_MAX)
		w->seq = history_seq_after(w->history, c->version);
	http_reply_wake(w->x);
}

static void watch_next_slice(struct watch *w)
{
	if (w->in_chain)
		return;
	w->in_chain = true;
	emb_chain_add(w->chain, slice_run, slice_done, w);
}

static void watch_on_bookmark(void *arg)
{
	struct watch *w = arg;

	timer_set(&w->bookmark, BOOKMARK_MS);
	w->bookmark_due = true;
	if (w->x)
		http_reply_wake(w->x);
}

static void watch_on_timeout(void *arg)
{
	struct watch *w = arg;

	w->timed_out = true;
	if (w->x)
		http_reply_wake(w->x);
}

void emb_watch_start(struct http_exchange *x, const struct emb_watch_req *req)
{
	struct emb_history *h = req->history;
	struct watch *w = NEW(struct watch);

	w->history = h;
	w->chain = req->chain;
	w->x = x;
	w->call = req->call;
	w->call->watch = true;
	w->call->verb = EMB_LIST;
	w->bookmarks = req->bookmarks;
	w->listing = req->initial;
	w->after = req->initial ? 0 : req->from;
	w->seq = req->initial ? UINT64_MAX : history_seq_after(h, req->from);
	list_add_first(&h->watches, &w->link);
	timer_init(&w->bookmark, h->loop, watch_on_bookmark, w);
	timer_init(&w->timeout, h->loop, watch_on_timeout, w);
	if (req->bookmarks)
		timer_set(&w->bookmark, BOOKMARK_MS);
	if (req->timeout_ms)
		timer_set(&w->timeout, req->timeout_ms);
	buf_init(&w->pending, LIMIT_KUBE_LIST);
	if (!req->initial && req->from < h->floor)
		watch_say_gone(w, req->from, &w->pending);
	http_x_on_end(x, watch_on_end, w);
	http_reply_stream(x, 200, "application/json", watch_pull, w);
}
