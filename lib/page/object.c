#include "page/object.h"

#include "base/buf.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/url.h"
#include "page/frame.h"
#include "page/html.h"
#include "page/row.h"
#include "page/timeline.h"

#include <string.h>

#define TEXT_MOST 600
#define MESSAGE_MOST 2000

/* ---- what it is ------------------------------------------------------------------------------ */

static void fact_open(struct buf *b, const char *name, bool wide)
{
	buf_addf(b, "<div%s><dt>%s</dt><dd>", wide ? " class=\"wide\"" : "", name);
}

static void fact(struct buf *b, const char *name, const char *text, bool mono)
{
	if (!*text)
		return;
	fact_open(b, name, mono);
	buf_adds(b, mono ? "<code><bdi>" : "<bdi>");
	html_text(b, text, TEXT_MOST);
	buf_adds(b, mono ? "</bdi></code></dd></div>" : "</bdi></dd></div>");
}

static void fact_size(struct buf *b, int64_t n)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
	double v = (double)n;
	size_t u = 0;

	if (n <= 0)
		return;
	for (; v >= 1024 && u + 1 < ARRAY_LEN(units); u++)
		v /= 1024;
	fact_open(b, "Size", false);
	buf_addf(b, "%.*f %s</dd></div>", u ? 1 : 0, v, units[u]);
}

static void fact_time(struct buf *b, const char *name, int64_t at_ms, int64_t now_ms)
{
	if (!at_ms)
		return;
	fact_open(b, name, false);
	html_time(b, at_ms, now_ms);
	buf_adds(b, "</dd></div>");
}

static void facts(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	auto_buf struct buf source = BUF_INIT(BUF_ANY);
	char text[TIME_TEXT_MAX];

	buf_adds(b, "<section class=\"card\"><dl>");
	fact(b, "Kind", r->title, false);
	fact(b, "Address", r->url, false);
	fact(b, "Reference", r->reference, false);
	fact(b, "Interval", r->interval_ms ? time_format_duration(r->interval_ms, text) : "",
		false);
	fact_time(b, "Artifact since", r->updated_ms, now_ms);
	fact_size(b, r->size);
	/* Reproducible builds say the first second of all. */
	if (strncmp(r->created, "1970-", 5) != 0)
		fact(b, "Built", r->created, false);
	url_hide_user(&source, r->source);
	fact(b, "Origin", buf_str(&source), false);
	fact(b, "Origin revision", r->source_revision, false);
	fact(b, "Last request handled", r->handled, false);
	if (r->generation && r->observed != r->generation) {
		fact_open(b, "Generation", false);
		buf_addf(b, "%lld, reconciled: ", (long long)r->generation);
		if (r->observed > 0)
			buf_addf(b, "%lld</dd></div>", (long long)r->observed);
		else
			buf_adds(b, "none yet</dd></div>");
	}
	fact(b, "Revision", r->revision, true);
	fact(b, "Artifact digest", r->digest, true);
	fact(b, "Artifact", r->artifact_url, true);
	buf_adds(b, "</dl></section>\n");
}

static void top(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	buf_adds(b, "<section class=\"card ");
	buf_adds(b, page_state_name(r->state));
	buf_adds(b, "\"><p class=\"crumb\"><a href=\"/\">All objects</a> / <a href=\"/?namespace=");
	row_encode(b, r->ns);
	buf_adds(b, "\">");
	html_text(b, r->ns, TEXT_MOST);
	buf_adds(b, "</a></p><div class=\"top\"><h1>");
	html_text(b, r->name, TEXT_MOST);
	buf_adds(b, "</h1>");
	frame_state(b, r->state);
	if (r->since_ms) {
		buf_adds(b, "<span class=\"age\">since ");
		html_time(b, r->since_ms, now_ms);
		buf_adds(b, "</span>");
	}
	buf_adds(b, "</div><p class=\"say\"><b>");
	html_text(b, r->reason, TEXT_MOST);
	buf_adds(b, "</b> <bdi>");
	html_text(b, r->message, MESSAGE_MOST);
	buf_adds(b, "</bdi></p></section>\n");
}

static void why(struct buf *b, const struct page_row *r)
{
	if (!*r->revision)
		return;
	buf_adds(b, "<section class=\"card\"><h2>Why this revision</h2><p class=\"say\"><bdi>");
	html_text(b, r->reference, TEXT_MOST);
	buf_adds(b, "</bdi> → <bdi>");
	timeline_tag(b, r->revision);
	buf_adds(b, "</bdi>");
	row_short_digest(b, r->revision);
	buf_adds(b, "</p>");
	if (*r->rule) {
		buf_adds(b, "<p class=\"say\">");
		html_text(b, r->rule, TEXT_MOST);
		buf_adds(b, "</p>");
	}
	if (*r->why && strcmp(r->why, r->message) != 0) {
		buf_adds(b, "<p class=\"say\"><bdi>");
		html_text(b, r->why, MESSAGE_MOST);
		buf_adds(b, "</bdi></p>");
	}
	buf_adds(b, "</section>\n");
}

/* ---- lists, the newest first ----------------------------------------------------------------- */

/* Entries of a history from the newest to the oldest: there are few. */
static unsigned entries_of(const struct history *h, struct history_entry *out, unsigned most)
{
	struct history_entry e;
	unsigned n = 0, skip = history_len(h) > most ? history_len(h) - most : 0;
	size_t at = 0;

	while (history_next(h, &at, &e))
		if (skip)
			skip--;
		else
			out[n++] = e;
	return n;
}

#define ENTRIES_MOST 32

static void revision_item(struct buf *b, const char *revision, int64_t from_ms, int64_t to_ms,
	bool is_now, int64_t now_ms)
{
	buf_adds(b, "<li><b><bdi>");
	timeline_tag(b, revision);
	buf_adds(b, "</bdi></b><span class=\"age\">");
	html_time(b, from_ms, now_ms);
	if (is_now) {
		buf_adds(b, "<span class=\"pill\">now</span>");
	} else if (from_ms) {
		buf_adds(b, "<span class=\"pill\">for ");
		html_span(b, to_ms - from_ms);
		buf_adds(b, "</span>");
	}
	buf_adds(b, "</span><code class=\"full\"><bdi>");
	html_text(b, revision, TEXT_MOST);
	buf_adds(b, "</bdi></code></li>");
}

static void revisions(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	struct history_entry e[ENTRIES_MOST];
	unsigned n = entries_of(r->revisions, e, ENTRIES_MOST);
	int64_t next = *r->revision ? r->updated_ms : now_ms;

	if (!n && !*r->revision)
		return;
	buf_adds(b, "<section class=\"card\"><h2>Revisions</h2>");
	timeline_band(b, r, now_ms);
	buf_adds(b, "<ol class=\"list\">");
	if (*r->revision)
		revision_item(b, r->revision, r->updated_ms, now_ms, true, now_ms);
	while (n--) {
		revision_item(b, e[n].what, e[n].at_ms, next, false, now_ms);
		next = e[n].at_ms;
	}
	buf_adds(b, "</ol></section>\n");
}

static void conditions(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	struct err err = {0};
	int64_t since;
	unsigned i;

	if (!r->n_conds)
		return;
	buf_adds(b, "<section class=\"card\"><h2>Conditions</h2><ul class=\"list\">");
	for (i = 0; i < r->n_conds; i++) {
		const struct page_cond *c = &r->conds[i];

		if (time_parse_rfc3339(c->since, &since, &err))
			since = 0;
		buf_adds(b, "<li><span><b>");
		html_text(b, c->type, TEXT_MOST);
		buf_adds(b, "</b><span class=\"pill\">");
		html_text(b, c->status, 20);
		buf_adds(b, "</span><span class=\"pill\">");
		html_text(b, c->reason, TEXT_MOST);
		buf_adds(b, "</span></span><span class=\"age\">");
		html_time(b, since, now_ms);
		buf_adds(b, "</span><span class=\"full\"><bdi>");
		html_text(b, c->message, MESSAGE_MOST);
		buf_adds(b, "</bdi></span></li>");
	}
	buf_adds(b, "</ul></section>\n");
}

static void events(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	struct history_entry e[ENTRIES_MOST];
	unsigned n = entries_of(r->events, e, ENTRIES_MOST);

	if (!n)
		return;
	buf_adds(b, "<section class=\"card\"><h2>Events</h2><ol class=\"list\">");
	while (n--) {
		buf_adds(b, "<li><span><b>");
		html_text(b, e[n].what, TEXT_MOST);
		buf_adds(b, "</b>");
		if (e[n].times > 1)
			buf_addf(b, "<span class=\"pill\">%u times</span>", e[n].times);
		buf_adds(b, "</span><span class=\"age\">");
		html_time(b, e[n].at_ms, now_ms);
		buf_adds(b, "</span><span class=\"full\"><bdi>");
		html_text(b, e[n].text, MESSAGE_MOST);
		buf_adds(b, "</bdi></span></li>");
	}
	buf_adds(b, "</ol></section>\n");
}

void object_html(struct buf *b, const struct page_row *r, const char *version, int64_t now_ms)
{
	auto_buf struct buf json = BUF_INIT(BUF_ANY);
	auto_free char *title = mem_printf("%s/%s", r->ns, r->name);

	buf_adds(&json, "/api");
	row_path(&json, r);
	frame_open(b, title, r->state, buf_str(&json), version);
	top(b, r, now_ms);
	facts(b, r, now_ms);
	why(b, r);
	revisions(b, r, now_ms);
	conditions(b, r, now_ms);
	events(b, r, now_ms);
	frame_close(b, now_ms);
}
