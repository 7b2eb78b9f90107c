/* The rows that get a commit and find out what changes in its files. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/policies.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "git/gitc.h"
#include "git/more.h"
#include "git/objects.h"
#include "source/git_fetch.h"

#include <string.h>

#define REPORTS_SHOWN 3 /* in a status */

/* ---- the commit ------------------------------------------------------------------------------ */

static struct git_fetch_req fetch_of(
	struct run *r, const struct gitc_oid *commit, const char *branch)
{
	return (struct git_fetch_req){.git = AUTOMATION_ENV(r)->git,
		.target = automation_target(r),
		.commit = commit,
		.branch = branch,
		.no_blobs = !AUTOMATION_RUN(r)->whole,
		.max_pack = LIMIT_AUTOMATION_FETCH};
}

enum step_ret automation_fetch_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *push = automation_branch_ref(a->push_branch);
	bool on_head = a->has_head && gitc_oid_equal(&a->base, &a->head);
	struct git_fetch_req req = fetch_of(r, &a->base,
		on_head || automation_proves(r) ? push : git_resolved_branch(&a->resolved));

	if (!on_head)
		req.ref = a->resolved.branch;
	return task_wait(t, git_fetch_start(t->self.loop, &req));
}

static enum step_ret checkout_failed(struct run *r)
{
	if (automation_proves(r))
		return automation_not_own(r);
	err_wrap(&r->task.err, "failed to checkout source");
	return automation_fail(r, "GitOperationFailed");
}

enum step_ret automation_fetch_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	if (task_op_failed(t))
		return checkout_failed(RUN(t));
	gitc_objects_unref(a->objects);
	a->objects = git_fetch_take(t->op);
	return STEP_NEXT;
}

/* The next run begins with what this one has pushed: it need not come back from there. */
enum step_ret automation_keep_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *push = automation_branch_ref(a->push_branch);
	struct git_fetch_req req = fetch_of(r, &a->sent, push);

	return a->objects && a->commit
		? task_wait(t, git_fetch_keep_start(&req, a->objects, &a->commit->pack))
		: STEP_NEXT;
}

enum step_ret automation_keep_resume(struct task *t)
{
	if (t->op->err.kind != ERR_NONE)
		log_debug(&RUN(t)->log, "cannot keep what was pushed", LE(&t->op->err));
	return STEP_NEXT;
}

/* ---- its files ------------------------------------------------------------------------------- */

enum step_ret automation_list_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	struct edit *e = edit_new(a->objects, &a->base, AUTOMATION_SPEC_OF(r)->path);

	return task_wait(t, edit_list_start(t->self.loop, r->ns, e));
}

static enum step_ret update_failed(struct run *r)
{
	if (automation_proves(r))
		return automation_not_own(r);
	err_wrap(&r->task.err, "failed to apply policy");
	return automation_fail(r, "UpdateFailed");
}

enum step_ret automation_list_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	edit_free(a->edit);
	a->edit = edit_take(t->op);
	return task_op_failed(t) ? update_failed(r) : STEP_NEXT;
}

enum step_ret automation_blobs_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (!a->edit->missing.len)
		return STEP_NEXT;
	return task_wait(t,
		gitc_more_start(AUTOMATION_ENV(r)->git,
			&(struct gitc_more_req){.target = automation_target(r),
				.into = a->objects,
				.want = a->edit->missing.p,
				.n_want = a->edit->missing.len,
				.max_pack = LIMIT_AUTOMATION_FETCH}));
}

enum step_ret automation_blobs_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (t->op->err.code == GITC_NOT_OURS && !a->whole) {
		a->whole = true;
		return task_goto(t, "fetch");
	}
	return task_op_failed(t) ? checkout_failed(r) : STEP_NEXT;
}

/* ---- what changes in them -------------------------------------------------------------------- */

static void report_line(struct buf *b, const struct edit_report *p, const char *before)
{
	buf_addf(b, "%s%s", before, p->path);
	if (p->line)
		buf_addf(b, ":%u", p->line);
	buf_addf(b, ": %s", p->what);
}

/* Nothing is wrong, and nothing will ever be written: for people who wonder. */
static char *nothing_text(const struct edit *e)
{
	auto_free char *where =
		*e->path ? mem_printf("below '%.255s'", e->path) : mem_strdup("in the repository");

	if (!e->files.len)
		return mem_printf("no YAML file was found %s", where);
	if (!e->has_foreign)
		return mem_printf("no marker was found %s", where);
	return mem_printf("no marker of a policy of this automation was found %s", where);
}

/* For people: a few, and how many there are. */
static char *report_text(const struct edit *e)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	size_t i, n = e->reports.len < REPORTS_SHOWN ? e->reports.len : REPORTS_SHOWN;
	size_t left = e->reports.len - n + e->reports_left;

	if (!e->reports.len)
		return e->has_own ? NULL : nothing_text(e);
	buf_adds(&b, "left alone: ");
	for (i = 0; i < n; i++)
		report_line(&b, &e->reports.p[i], i ? ", " : "");
	if (left)
		buf_addf(&b, ", and %zu more", left);
	return buf_take(&b);
}

static void report_log(const struct run *r, const struct edit *e)
{
	const struct edit_report *p;

	vec_each (&e->reports, p)
		log_info(&r->log, "left alone", LS("path", p->path), LU("line", p->line),
			LS("why", p->what));
	if (e->reports_left)
		log_info(&r->log, "more was left alone", LU("count", e->reports_left));
}

/* One webhook changes many policies, one after the other: what was chosen while the files came is
   in the same commit. A proof keeps the choices with which nothing was to be changed, for these are
   what the head has; the next run looks at those that have come since. */
enum step_ret automation_edit_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (!automation_proves(r)) {
		json_decref(a->policies);
		json_decref(a->others);
		a->policies =
			policies_now(AUTOMATION_ENV(r)->choices, r->ns, AUTOMATION_SPEC_OF(r));
		a->others =
			policies_others(AUTOMATION_ENV(r)->choices, r->ns, AUTOMATION_SPEC_OF(r));
	}
	policies_edit(a->policies, automation_proves(r) ? NULL : a->others, r->ns, a->edit);
	return task_wait(t, edit_run_start(t->self.loop, r->ns, MOVE(a->edit)));
}

enum step_ret automation_edit_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	a->edit = edit_take(t->op);
	if (task_op_failed(t))
		return update_failed(r);
	if (automation_proves(r))
		return STEP_NEXT;
	free(a->report);
	a->report = report_text(a->edit);
	a->looked = true;
	report_log(r, a->edit);
	return STEP_NEXT;
}
