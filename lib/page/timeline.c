#include "page/timeline.h"

#include "base/buf.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/time.h"
#include "page/html.h"

#include <string.h>

#define STRIP_DOTS 8
#define STRIP_WIDTH 140
#define BAND_WIDTH 1000
#define BAND_LEAST 6 /* of a revision that was there for a moment only */
#define TAG_MOST 140

void timeline_tag(struct buf *b, const char *revision)
{
	auto_free char *tag = mem_strndup(revision, strcspn(revision, "@"));

	html_text(b, *tag ? tag : revision, TAG_MOST);
}

static void title_add(struct buf *b, const char *revision, int64_t at_ms)
{
	char text[TIME_TEXT_MAX];

	buf_adds(b, "<title>");
	timeline_tag(b, revision);
	if (at_ms)
		buf_addf(b, ", %s", time_format_rfc3339(at_ms, text));
	buf_adds(b, "</title>");
}

/* ---- a strip --------------------------------------------------------------------------------- */

static void dot_add(
	struct buf *b, const char *revision, int64_t at_ms, int64_t now_ms, const char *class)
{
	const int64_t span = (int64_t)TIMELINE_DAYS * 24 * 3600 * 1000;
	int64_t ago = now_ms - at_ms;
	bool old = ago > span;
	int x;

	if (ago < 0)
		ago = 0;
	x = old ? 4 : 4 + (int)((span - ago) * (STRIP_WIDTH - 8) / span);
	buf_addf(b, "<circle class=\"%s%s\" cx=\"%d\" cy=\"8\" r=\"%s\">", class, old ? " old" : "",
		x, *class == 'n' ? "4" : "3");
	title_add(b, revision, at_ms);
	buf_adds(b, "</circle>");
}

void timeline_strip(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	unsigned n = history_len(r->revisions), skip = n >= STRIP_DOTS ? n - STRIP_DOTS + 1 : 0;
	struct history_entry e;
	size_t at = 0;

	buf_addf(b,
		"<svg class=\"strip\" viewBox=\"0 0 %d 16\" role=\"img\" aria-label=\"%u revisions "
		"seen\"><line x1=\"4\" x2=\"%d\" y1=\"8\" y2=\"8\"/>",
		STRIP_WIDTH, *r->revision ? n + 1 : n, STRIP_WIDTH - 4);
	while (history_next(r->revisions, &at, &e))
		if (skip)
			skip--;
		else
			dot_add(b, e.what, e.at_ms, now_ms, "was");
	if (*r->revision)
		dot_add(b, r->revision, r->updated_ms, now_ms, "now");
	buf_adds(b, "</svg>");
}

/* ---- a band ---------------------------------------------------------------------------------- */

struct band {
	struct buf *b;
	int64_t from_ms, span_ms;
	unsigned n;
};

static int band_x(const struct band *w, int64_t at_ms)
{
	int64_t in = at_ms - w->from_ms;

	in = in < 0 ? 0 : in > w->span_ms ? w->span_ms : in;
	return (int)(in * BAND_WIDTH / w->span_ms);
}

static void bar_add(
	struct band *w, const char *revision, int64_t from_ms, int64_t to_ms, bool is_now)
{
	int x = band_x(w, from_ms), width = band_x(w, to_ms) - x;

	if (width < BAND_LEAST)
		width = BAND_LEAST;
	if (x > BAND_WIDTH - width)
		x = BAND_WIDTH - width;
	buf_addf(w->b, "<rect class=\"%s\" x=\"%d\" y=\"0\" width=\"%d\" height=\"28\">",
		is_now             ? "now"
			: w->n % 2 ? "odd"
				   : "even",
		x, width > BAND_LEAST ? width - 2 : width);
	title_add(w->b, revision, from_ms);
	buf_adds(w->b, "</rect>");
	w->n++;
}

void timeline_band(struct buf *b, const struct page_row *r, int64_t now_ms)
{
	struct history_entry e, next;
	struct band w = {.b = b, .from_ms = r->updated_ms};
	size_t at = 0;
	bool more = history_next(r->revisions, &at, &e);

	if (!*r->revision && !more)
		return;
	if (more)
		w.from_ms = e.at_ms;
	w.span_ms = now_ms > w.from_ms ? now_ms - w.from_ms : 1;
	buf_addf(b,
		"<svg class=\"band\" viewBox=\"0 0 %d 28\" preserveAspectRatio=\"none\" "
		"role=\"img\" aria-label=\"revisions over time\">",
		BAND_WIDTH);
	for (; more; e = next) {
		more = history_next(r->revisions, &at, &next);
		bar_add(&w, e.what, e.at_ms,
			more                   ? next.at_ms
				: *r->revision ? r->updated_ms
					       : now_ms,
			false);
	}
	if (*r->revision)
		bar_add(&w, r->revision, r->updated_ms, now_ms, true);
	buf_adds(b, "</svg><p class=\"axis\"><span>");
	html_time(b, w.from_ms, now_ms);
	buf_adds(b, "</span><span>now</span></p>");
}
