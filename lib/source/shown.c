#include "source/shown.h"

#include "base/history.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/controller.h"
#include "ctl/spec.h"
#include "http/url.h"
#include "kube/cache.h"
#include "serve/urls.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/item.h"

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

static const struct page_cond *cond_of(const struct page_row *row, const char *type)
{
	unsigned i;

	for (i = 0; i < row->n_conds; i++)
		if (!strcmp(row->conds[i].type, type))
			return &row->conds[i];
	return NULL;
}

static void ready_read(struct page_row *row)
{
	const struct page_cond *ready = cond_of(row, COND_READY);
	const struct page_cond *stored = cond_of(row, COND_IN_STORAGE);
	struct err err = {0};

	if (ready) {
		row->reason = ready->reason;
		row->message = ready->message;
		if (time_parse_rfc3339(ready->since, &row->since_ms, &err))
			row->since_ms = 0;
	}
	if (stored)
		row->why = stored->message;
}

/* The Event of the choice says more than the condition, while it is remembered. */
static void why_read(struct page_row *row)
{
	struct history_entry e;
	size_t at = 0;

	while (*row->revision && history_next(row->events, &at, &e))
		if (!strcmp(e.what, "NewArtifact") && strstr(e.text, row->revision))
			row->why = e.text;
}

static void artifact_shown(struct page_row *row, const struct source_env *env, const json_t *status)
{
	const json_t *artifact = obj_get(status, "artifact");
	const json_t *meta = obj_get(artifact, "metadata");

	row->digest = obj_str_or("", artifact, "digest");
	row->artifact_url =
		env->urls && serve_urls_secret(env->urls) ? "" : obj_str_or("", artifact, "url");
	row->size = obj_int(0, artifact, "size");
	row->source = obj_str_or("", meta, "org.opencontainers.image.source");
	row->source_revision = obj_str_or("", meta, "org.opencontainers.image.revision");
	row->created = obj_str_or("", meta, "org.opencontainers.image.created");
}

static void row_give(const struct artifact_item *a, page_row_fn *fn, void *arg)
{
	const struct item *i = &a->item;
	struct kind_shown shown = {BUF_INIT(KIND_SHOWN_MAX), ""};
	struct buf url = BUF_INIT(BUF_ANY);
	struct err err = {0};
	auto_json json_t *obj = obj_parse(i->text, strlen(i->text), "an object", &err);
	const json_t *status = obj_get(obj, "status");
	struct page_row row = {.key = i->key,
		.kind = i->c->kind->name,
		.ns = i->ns,
		.name = i->name,
		.state = state_of(i),
		.reason = "",
		.message = "",
		.why = "",
		.revision = a->revision,
		.updated_ms = a->since_ms,
		.revisions = a->revisions,
		.events = i->events,
		.handled = obj_str_or("", status, "lastHandledReconcileAt"),
		.interval_ms = i->spec->interval_ms,
		.generation = i->generation,
		.observed = obj_int(0, status, "observedGeneration")};

	if (i->c->kind->shown)
		i->c->kind->shown(i->spec, &shown);
	/* That of an object that is refused for its credentials is shown, too. */
	if (i->c->kind->url && i->c->kind->url(i->spec))
		url_safe(&url, i->c->kind->url(i->spec));
	row.url = buf_str(&url);
	row.reference = buf_str(&shown.reference);
	row.rule = shown.rule;
	conds_read(&row, status);
	ready_read(&row);
	why_read(&row);
	artifact_shown(&row, SOURCE_ENV(i->c), status);
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
	row_give(CONTAINER_OF(i, struct artifact_item, item), fn, arg);
	return true;
}
