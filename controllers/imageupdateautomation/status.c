#include "controllers/imageupdateautomation/status.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/cond.h"
#include "ctl/door.h"
#include "ctl/object.h"
#include "ctl/steps.h"

#include <string.h>

/* Clients know these words; what is ours stands behind them. */
#define UP_TO_DATE "repository up-to-date"

void automation_status_kept(const json_t *status, json_t *kept)
{
	object_member_keep(kept, status, "observedPolicies");
	object_member_keep(kept, status, "observedSourceRevision");
	object_member_keep(kept, status, "lastPushCommit");
	object_member_keep(kept, status, "lastPushTime");
}

/* ---- the status ------------------------------------------------------------------------------ */

static void time_set(json_t *status, const char *name, int64_t wall_ms)
{
	char text[TIME_TEXT_MAX];

	json_object_set_new(status, name, json_string(time_format_rfc3339(wall_ms, text)));
}

/* What is the same after a success and after a failure. */
static void facts_set(const struct run *r, json_t *status)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	char oid[GITC_OID_HEX];

	time_set(status, "lastAutomationRunTime", a->began_ms);
	if (!a->pushed)
		return;
	json_object_set_new(status, "lastPushCommit", json_string(gitc_oid_format(&a->sent, oid)));
	time_set(status, "lastPushTime", a->pushed_ms);
}

/* Of the branch that it reads: what a push has made of it, or what it was. */
static void revision_set(const struct run *r, json_t *status)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	const char *at = strrchr(a->resolved.revision, '@');
	char oid[GITC_OID_HEX];

	buf_adds(&b, a->resolved.revision);
	if (a->pushed && !a->switches && at) {
		buf_reset(&b);
		buf_addf(&b, "%.*s@sha1:%s", (int)(at - a->resolved.revision), a->resolved.revision,
			gitc_oid_format(&a->sent, oid));
	}
	json_object_set_new(status, "observedSourceRevision", json_string(buf_str(&b)));
}

/* A run that has not looked into the files knows nothing new of them. */
static void ready_put(struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	const struct cond *c = cond_get(&r->conds_before, COND_READY);
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	if (!a->looked && !a->pushed && c && c->status == COND_TRUE) {
		buf_adds(&b, c->message);
	} else {
		buf_adds(&b, UP_TO_DATE);
		if (a->request)
			buf_addf(&b, "; pull request: %s", a->request);
		if (a->no_request)
			buf_addf(&b, "; no pull request: %s", a->no_request);
		if (a->report)
			buf_addf(&b, "; %s", a->report);
	}
	cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", "%s", buf_str(&b));
}

void automation_succeeded(struct run *r, json_t *status)
{
	struct automation_run *a = AUTOMATION_RUN(r);

	facts_set(r, status);
	if (json_object_size(a->policies))
		json_object_set(status, "observedPolicies", a->policies);
	else
		json_object_del(status, "observedPolicies");
	revision_set(r, status);
	ready_put(r);
}

void automation_failed(struct run *r, json_t *status)
{
	facts_set(r, status);
}

/* ---- what is told ---------------------------------------------------------------------------- */

#define SHORT 7 /* hex digits of a commit */

static void push_tell(struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	char oid[GITC_OID_HEX];

	buf_addf(&b, "pushed commit '%.*s' to branch '%s'", SHORT, gitc_oid_format(&a->sent, oid),
		a->push_branch);
	if (a->refspec)
		buf_addf(&b, " and refspecs '%s'", a->refspec);
	buf_addf(&b, "\n%s", a->message ? a->message : "");
	if (a->requested)
		buf_addf(&b, "\nopened pull request %s", a->request);
	run_event(r, false, "Succeeded", buf_str(&b), NULL);
}

enum step_ret automation_events_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct cond *now = cond_get(&r->conds, COND_READY);
	const struct cond *before = cond_get(&r->conds_before, COND_READY);

	/* What the status could not say the next run finds out, and tells. So it does if another
	   one has led meanwhile. */
	if (r->patched && (AUTOMATION_RUN(r)->pushed || r->end == RUN_MADE) &&
		AUTOMATION_RUN(r)->leads == AUTOMATION_ITEM(r->item)->leads)
		AUTOMATION_ITEM(r->item)->told = true;
	if (AUTOMATION_RUN(r)->pushed && r->obj && r->patched)
		push_tell(r);
	if (run_failure_told(r) || AUTOMATION_RUN(r)->pushed || !now || now->status != COND_TRUE)
		return STEP_NEXT;
	if (before && before->status == COND_TRUE && !strcmp(before->message, now->message))
		return STEP_NEXT;
	run_event(r, false, now->reason, now->message, NULL);
	return STEP_NEXT;
}

/* ---- for people ------------------------------------------------------------------------------ */

void automation_shown(const struct spec *spec, struct kind_shown *out)
{
	const struct automation_spec *s = AUTOMATION_SPEC(spec);

	buf_addf(&out->reference, "%s%s", s->repository_ns ? s->repository_ns : "",
		s->repository_ns ? "/" : "");
	buf_addf(&out->reference, "%.253s", s->repository);
	if (s->push_branch)
		buf_addf(&out->reference, ", push %.255s", s->push_branch);
	if (*s->path)
		buf_addf(&out->reference, ", path %.255s", s->path);
	out->rule = "Choices are written where a marker asks for it.";
}
