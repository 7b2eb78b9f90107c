#include "setter/setter.h"

#include "base/limits.h"
#include "base/mem.h"
#include "setter/internal.h"

#include <string.h>

/* ---- a run ----------------------------------------------------------------------------------- */

static void edits_drop(struct setter_work *w)
{
	struct setter_edit *e;

	vec_each (&w->edits, e)
		setter_edit_clear(e);
	vec_clear(&w->edits);
}

static void reports_drop(struct setter_work *w)
{
	struct setter_report *r;

	vec_each (&w->reports, r)
		free(r->what);
	vec_clear(&w->reports);
}

/* They are in the order of the text, and none is within another. */
static void edits_apply(const struct setter_work *w, struct buf *out)
{
	const struct setter_edit *e;
	size_t at = 0;

	vec_each (&w->edits, e) {
		buf_add(out, w->in->text + at, e->tag_at - at);
		buf_add(out, w->in->text + e->tag_end, e->at - e->tag_end);
		buf_adds(out, e->written);
		at = e->end;
	}
	buf_add(out, w->in->text + at, w->in->len - at);
}

static int report_compare(const void *pa, const void *pb)
{
	const struct setter_report *a = pa, *b = pb;

	return a->line != b->line ? (a->line < b->line ? -1 : 1) : strcmp(a->what, b->what);
}

/* All that was found goes to the caller. */
static void give(struct setter_work *w, struct setter_out *out)
{
	struct setter_edit *e;
	VEC(struct setter_change) changes = {0};

	vec_each (&w->edits, e) {
		*vec_add(&changes) = e->change;
		e->change = (struct setter_change){0};
	}
	edits_drop(w);
	if (w->reports.len)
		qsort(w->reports.p, w->reports.len, sizeof(*w->reports.p), report_compare);
	out->changes = changes.p;
	out->n_changes = changes.len;
	out->reports = w->reports.p;
	out->n_reports = w->reports.len;
	out->reports_left = w->reports_left;
	out->has_own = w->has_own;
	out->has_foreign = w->has_foreign;
}

/* 0; 1: the text is left alone; -1: stopped. */
static int work(struct setter_work *w, struct setter_out *out)
{
	int rc = setter_scan(w);

	if (rc || !w->edits.len)
		return rc;
	edits_apply(w, &out->text);
	return setter_prove(w, buf_str(&out->text), out->text.len);
}

int setter_run(const struct setter_in *in, struct setter_out *out, struct err *err)
{
	struct setter_work w = {.in = in, .err = err};
	int rc = 0;

	*out = (struct setter_out){.text = BUF_INIT(BUF_ANY)};
	if (!setter_may_have(in->text, in->len))
		return 0;
	if (in->len > LIMIT_YAML_FILE) {
		setter_report(&w, SETTER_TOO_LARGE, 1, "over %llu bytes", LIMIT_YAML_FILE);
		rc = 1;
	} else {
		rc = work(&w, out);
	}
	if (rc)
		edits_drop(&w);
	if (rc < 0)
		reports_drop(&w);
	if (rc || !w.edits.len)
		buf_clear(&out->text);
	if (rc < 0)
		return -1;
	out->changed = w.edits.len > 0;
	give(&w, out);
	return 0;
}

void setter_out_clear(struct setter_out *out)
{
	size_t i;

	for (i = 0; i < out->n_changes; i++)
		setter_change_clear(&out->changes[i]);
	for (i = 0; i < out->n_reports; i++)
		free(out->reports[i].what);
	free(out->changes);
	free(out->reports);
	buf_clear(&out->text);
	*out = (struct setter_out){0};
}

bool setter_wants_file(const char *name)
{
	const char *dot = strrchr(name, '.');

	return !strcmp(name, "Kustomization") ||
		(dot && (!strcmp(dot, ".yaml") || !strcmp(dot, ".yml")));
}
