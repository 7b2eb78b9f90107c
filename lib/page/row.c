#include "page/row.h"

#include "base/buf.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/time.h"
#include "base/utf8.h"
#include "http/url.h"
#include "page/frame.h"
#include "page/html.h"
#include "page/timeline.h"

#include <stdio.h>
#include <string.h>

#define NAME_MOST 260
#define MESSAGE_MOST 400
#define REFERENCE_MOST 160
#define REASON_MOST 80
#define URL_MOST 200
#define JSON_MESSAGE_MOST 4096
#define JSON_TEXT_MOST 1024

void row_encode(struct buf *b, const char *text)
{
	auto_free char *cut = mem_strndup(text, utf8_cut(text, strlen(text), NAME_MOST));

	url_encode(b, cut);
}

void row_path(struct buf *b, const struct page_row *r)
{
	buf_adds(b, "/objects/");
	row_encode(b, r->kind);
	buf_addc(b, '/');
	row_encode(b, r->ns);
	buf_addc(b, '/');
	row_encode(b, r->name);
}

/* "sha256:...", and no "name:tag". */
static bool is_digest(const char *revision)
{
	return !strncmp(revision, "sha", 3) && strchr(revision, ':') && !strchr(revision, '@');
}

void row_short_digest(struct buf *b, const char *revision)
{
	const char *digest = is_digest(revision) ? revision : strchr(revision, '@');
	const char *hex = digest ? strchr(digest, ':') : NULL;
	char short_hex[13];

	if (!hex)
		return;
	snprintf(short_hex, sizeof(short_hex), "%s", hex + 1);
	buf_adds(b, " <span class=\"mono\">");
	html_text(b, short_hex, sizeof(short_hex));
	buf_adds(b, "</span>");
}

static void message_html(struct buf *b, const struct page_row *r)
{
	buf_adds(b, "<p class=\"msg\"><b>");
	html_text(b, r->reason, REASON_MOST);
	buf_adds(b, "</b> <bdi>");
	html_text(b, r->message, MESSAGE_MOST);
	buf_adds(b, "</bdi></p>");
}

void row_html(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	bool says = r->state != PAGE_READY && (*r->message || *r->reason);

	buf_addf(b, "<li class=\"%s%s\"><div class=\"name\">",
		r->state == PAGE_FAILED          ? "bad"
			: r->state != PAGE_READY ? "slow"
						 : "well",
		*r->revision ? "" : " bare");
	frame_state(b, r->state);
	buf_adds(b, "<div><a href=\"");
	row_path(b, r);
	buf_adds(b, "\">");
	html_text(b, r->name, NAME_MOST);
	buf_adds(b, "</a> <div class=\"ns\">");
	html_text(b, r->ns, NAME_MOST);
	buf_adds(b, " · ");
	html_text(b, r->title, NAME_MOST);
	buf_adds(b, "</div></div></div><div class=\"ref\"><bdi>");
	html_text(b, r->reference, REFERENCE_MOST);
	buf_adds(b, "</bdi><div class=\"url\"><bdi>");
	html_text(b, r->url, URL_MOST);
	buf_adds(b, "</bdi></div></div><div class=\"rev\"><bdi>");
	if (*r->revision)
		timeline_tag(b, is_digest(r->revision) ? "" : r->revision);
	else
		buf_adds(b, "—");
	buf_adds(b, "</bdi>");
	row_short_digest(b, r->revision);
	buf_adds(b, "</div><div class=\"age\">");
	html_time(b, r->updated_ms, now_ms);
	buf_adds(b, "</div>");
	timeline_strip(b, r, now_ms);
	if (says)
		message_html(b, r);
	buf_adds(b, "</li>\n");
}

const struct page_cond *page_cond_of(const struct page_row *r, const char *type)
{
	unsigned i;

	for (i = 0; i < r->n_conds; i++)
		if (!strcmp(r->conds[i].type, type))
			return &r->conds[i];
	return NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

json_t *row_json_text(const char *text, size_t most)
{
	auto_free char *tidy = utf8_tidy(text, most);
	json_t *v = json_string(tidy);

	return v ? v : json_string("");
}

static void put_text(json_t *o, const char *key, const char *text, size_t most)
{
	if (*text)
		json_object_set_new(o, key, row_json_text(text, most));
}

static void put_time(json_t *o, const char *key, int64_t at_ms)
{
	char text[TIME_TEXT_MAX];

	if (at_ms > 0)
		json_object_set_new(o, key, json_string(time_format_rfc3339(at_ms, text)));
}

static void put_int(json_t *o, const char *key, int64_t v)
{
	if (v)
		json_object_set_new(o, key, json_integer(v));
}

/* The oldest first, the present one last. */
static json_t *revisions_json(const struct page_row *r)
{
	json_t *all = json_array(), *one;
	struct history_entry e;
	size_t at = 0;

	while (history_next(r->revisions, &at, &e)) {
		one = json_object();
		put_text(one, "revision", e.what, JSON_TEXT_MOST);
		put_time(one, "time", e.at_ms);
		json_array_append_new(all, one);
	}
	if (*r->revision) {
		one = json_object();
		put_text(one, "revision", r->revision, JSON_TEXT_MOST);
		put_time(one, "time", r->updated_ms);
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *events_json(const struct page_row *r)
{
	json_t *all = json_array(), *one;
	struct history_entry e;
	size_t at = 0;

	while (history_next(r->events, &at, &e)) {
		one = json_object();
		put_time(one, "time", e.at_ms);
		put_text(one, "reason", e.what, JSON_TEXT_MOST);
		put_text(one, "message", e.text, JSON_MESSAGE_MOST);
		json_object_set_new(one, "count", json_integer(e.times));
		json_array_append_new(all, one);
	}
	return all;
}

static json_t *conds_json(const struct page_row *r)
{
	json_t *all = json_array(), *one;
	unsigned i;

	for (i = 0; i < r->n_conds; i++) {
		const struct page_cond *c = &r->conds[i];

		one = json_object();
		put_text(one, "type", c->type, JSON_TEXT_MOST);
		put_text(one, "status", c->status, JSON_TEXT_MOST);
		put_text(one, "reason", c->reason, JSON_TEXT_MOST);
		put_text(one, "message", c->message, JSON_MESSAGE_MOST);
		put_text(one, "lastTransitionTime", c->since, TIME_TEXT_MAX);
		put_int(one, "observedGeneration", c->generation);
		json_array_append_new(all, one);
	}
	return all;
}

static void whole_json(json_t *o, const struct page_row *r)
{
	auto_buf struct buf source = BUF_INIT(BUF_ANY);

	put_text(o, "rule", r->rule, JSON_TEXT_MOST);
	put_text(o, "why", r->why, JSON_MESSAGE_MOST);
	put_text(o, "digest", r->digest, JSON_TEXT_MOST);
	put_int(o, "size", r->size);
	put_text(o, "artifactURL", r->artifact_url, JSON_TEXT_MOST);
	url_hide_user(&source, r->source);
	put_text(o, "originSource", buf_str(&source), JSON_TEXT_MOST);
	put_text(o, "originRevision", r->source_revision, JSON_TEXT_MOST);
	put_text(o, "created", r->created, JSON_TEXT_MOST);
	put_int(o, "intervalSeconds", r->interval_ms / 1000);
	put_int(o, "generation", r->generation);
	put_int(o, "observedGeneration", r->observed);
	put_text(o, "lastHandledReconcileAt", r->handled, JSON_TEXT_MOST);
	json_object_set_new(o, "conditions", conds_json(r));
	json_object_set_new(o, "events", events_json(r));
}

json_t *row_json(const struct page_row *r, bool whole)
{
	auto_buf struct buf path = BUF_INIT(BUF_ANY);
	json_t *o = json_object();

	row_path(&path, r);
	put_text(o, "kind", r->kind, JSON_TEXT_MOST);
	put_text(o, "namespace", r->ns, JSON_TEXT_MOST);
	put_text(o, "name", r->name, JSON_TEXT_MOST);
	put_text(o, "page", buf_str(&path), BUF_ANY);
	json_object_set_new(o, "state", json_string(page_state_name(r->state)));
	put_text(o, "url", r->url, JSON_TEXT_MOST);
	put_text(o, "reference", r->reference, JSON_TEXT_MOST);
	put_text(o, "reason", r->reason, JSON_TEXT_MOST);
	put_text(o, "message", r->message, JSON_MESSAGE_MOST);
	put_time(o, "since", r->since_ms);
	put_text(o, "revision", r->revision, JSON_TEXT_MOST);
	put_time(o, "updated", r->updated_ms);
	json_object_set_new(o, "revisions", revisions_json(r));
	if (whole)
		whole_json(o, r);
	return o;
}
