#include "ctl/shown.h"

#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/cond.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/spec.h"
#include "http/url.h"
#include "kube/cache.h"
#include "kube/client.h"

#include <stdio.h>
#include <string.h>

/* Of the hash table, in one step of a walk. */
#define BUCKETS 256
#define HOST_MAX 300

static enum page_state state_of(const struct item *i)
{
	if (i->suspended)
		return PAGE_SUSPENDED;
	if (!strcmp(i->ready, "True"))
		return PAGE_READY;
	return !strcmp(i->ready, "False") ? PAGE_FAILED : PAGE_PROGRESSING;
}

/* ---- all of them ----------------------------------------------------------------------------- */

struct walk {
	page_brief_fn *fn;
	void *arg;
};

static void brief_give(void *arg, struct item *i)
{
	const struct walk *w = arg;
	char key[PAGE_KEY_MAX + 2], host[HOST_MAX];

	snprintf(key, sizeof(key), "%s/%s", i->c->kind->name, i->key);
	/* "NAME|..." (kind.h) */
	snprintf(host, sizeof(host), "%.*s", (int)strcspn(i->host, "|"), i->host);
	w->fn(w->arg,
		&(struct page_brief){.key = key, .ns = i->ns, .host = host, .state = state_of(i)});
}

bool shown_walk(struct controller *c, struct page_cursor *at, page_brief_fn *fn, void *arg)
{
	struct kube_cursor cursor = {at->at, at->of};
	struct walk w = {fn, arg};
	bool more = item_walk(c, &cursor, BUCKETS, brief_give, &w);

	at->at = cursor.at;
	at->of = cursor.of;
	return more;
}

/* ---- one of them ----------------------------------------------------------------------------- */

static void conds_read(struct page_row *row, const json_t *status)
{
	const json_t *one;
	size_t n;

	json_array_foreach (obj_get(status, "conditions"), n, one) {
		struct page_cond *c = &row->conds[row->n_conds];

		if (row->n_conds == PAGE_CONDS)
			return;
		*c = (struct page_cond){.type = obj_str_or("", one, "type"),
			.status = obj_str_or("", one, "status"),
			.reason = obj_str_or("", one, "reason"),
			.message = obj_str_or("", one, "message"),
			.since = obj_str_or("", one, "lastTransitionTime"),
			.generation = obj_int(0, one, "observedGeneration")};
		row->n_conds++;
	}
}

static void ready_read(struct page_row *row)
{
	const struct page_cond *ready = page_cond_of(row, COND_READY);
	struct err err = {0};

	if (ready) {
		row->reason = ready->reason;
		row->message = ready->message;
		if (time_parse_rfc3339(ready->since, &row->since_ms, &err))
			row->since_ms = 0;
	}
}

static void row_give(const struct item *i, page_row_fn *fn, void *arg)
{
	const struct kind *k = i->c->kind;
	const char *revision = k->revision ? k->revision(i) : NULL;
	struct kind_shown shown = {BUF_INIT(KIND_SHOWN_MAX), ""};
	struct buf url = BUF_INIT(BUF_ANY);
	struct err err = {0};
	auto_json json_t *obj = obj_parse(i->text, strlen(i->text), "an object", &err);
	const json_t *status = obj_get(obj, "status");
	struct page_row row = {.key = i->key,
		.kind = k->name,
		.title = k->resource->kind,
		.ns = i->ns,
		.name = i->name,
		.state = state_of(i),
		.reason = "",
		.message = "",
		.why = "",
		.revision = revision ? revision : "",
		.digest = "",
		.artifact_url = "",
		.source = "",
		.source_revision = "",
		.created = "",
		.events = i->events,
		.handled = obj_str_or("", status, "lastHandledReconcileAt"),
		.interval_ms = i->spec->interval_ms,
		.generation = i->generation,
		.observed = obj_int(0, status, "observedGeneration")};

	if (k->shown)
		k->shown(i->spec, &shown);
	/* That of an object that is refused for its credentials is shown, too. */
	if (k->url && k->url(i->spec))
		url_safe(&url, k->url(i->spec));
	row.url = buf_str(&url);
	row.reference = buf_str(&shown.reference);
	row.rule = shown.rule;
	conds_read(&row, status);
	ready_read(&row);
	if (k->row)
		k->row(i, status, &row);
	fn(arg, &row);
	buf_clear(&url);
	buf_clear(&shown.reference);
}

bool shown_row(struct controller *c, const char *key, page_row_fn *fn, void *arg)
{
	/* A client's text: it need not be a key. */
	const struct item *i = strchr(key, '/') ? item_find(c, key) : NULL;

	if (!i)
		return false;
	row_give(i, fn, arg);
	return true;
}
