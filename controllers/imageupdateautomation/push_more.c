/* The rows of the second push (refspec.h). */
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "git/fetch.h"
#include "git/objects.h"
#include "git/push.h"
#include "git/refs.h"

#include <string.h>

static enum step_ret refspec_failed(struct run *r)
{
	err_wrap(&r->task.err, "failed to push refspec '%.200s'",
		AUTOMATION_SPEC_OF(r)->push_refspec);
	return automation_fail(r, "GitOperationFailed");
}

/* ---- what is there --------------------------------------------------------------------------- */

static int updates_make(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *push = automation_branch_ref(a->push_branch);
	auto_free char *checkout = automation_branch_ref(a->checkout ? a->checkout : "");
	struct refspec_from from[] = {
		{push, a->sent}, {"HEAD", a->sent}, {checkout, a->resolved.commit}};
	struct err *err = &r->task.err;

	/* The branch that it reads is one of its own only if it is another one. */
	if (refspec_expand(AUTOMATION_SPEC_OF(r)->push_refspec, from,
		    a->switches && a->checkout ? 3 : 2, &a->updates, err))
		return -1;
	if (a->updates.len && a->updates.len <= LIMIT_GIT_UPDATES)
		return 0;
	return err_set(err, ERR_RETRY, "it names %s that is here",
		a->updates.len ? "too many refs" : "no ref");
}

enum step_ret automation_more_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	const char *prefixes[LIMIT_GIT_UPDATES + 1] = {NULL};
	size_t i;

	if (!AUTOMATION_SPEC_OF(r)->push_refspec)
		return STEP_NEXT;
	if (updates_make(r))
		return refspec_failed(r);
	for (i = 0; i < a->updates.len; i++)
		prefixes[i] = a->updates.p[i].name;
	return task_wait(t,
		gitc_refs_start(AUTOMATION_ENV(r)->git,
			&(struct gitc_refs_req){
				.target = automation_target(r), .prefixes = prefixes}));
}

enum step_ret automation_more_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));
	struct refspec_update *u;

	if (task_op_failed(t))
		return refspec_failed(RUN(t));
	vec_each (&a->updates, u) {
		const struct gitc_ref *ref = gitc_refs_find(gitc_refs_result(t->op), u->name);

		u->has_old = ref != NULL;
		if (ref)
			u->old = ref->oid;
	}
	return STEP_NEXT;
}

/* ---- does it move forward? ------------------------------------------------------------------- */

/* What this run knows without a look into the history: the commit is on top of its base. */
static bool is_forward(const struct automation_run *a, const struct refspec_update *u)
{
	return !u->has_old || gitc_oid_equal(&u->old, &u->new) ||
		(gitc_oid_equal(&u->new, &a->sent) && gitc_oid_equal(&u->old, &a->base));
}

enum step_ret automation_history_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	struct gitc_oid want[LIMIT_GIT_UPDATES];
	const struct refspec_update *u;
	size_t n = 0;

	vec_each (&a->updates, u)
		if (!is_forward(a, u))
			want[n++] = u->new;
	if (!n)
		return STEP_NEXT;
	return task_wait(t,
		gitc_fetch_start(AUTOMATION_ENV(r)->git,
			&(struct gitc_fetch_req){.target = automation_target(r),
				.want = want,
				.n_want = n,
				.depth = LIMIT_AUTOMATION_HISTORY,
				.no_trees = true,
				.max_pack = LIMIT_AUTOMATION_FETCH}));
}

enum step_ret automation_history_resume(struct task *t)
{
	if (task_op_failed(t))
		return refspec_failed(RUN(t));
	gitc_objects_unref(AUTOMATION_RUN(RUN(t))->history);
	AUTOMATION_RUN(RUN(t))->history = gitc_fetch_take(t->op);
	return STEP_NEXT;
}

enum step_ret automation_forward_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	return a->history
		? task_wait(t, refspec_check_start(t->self.loop, r->ns, a->history, &a->updates))
		: STEP_NEXT;
}

enum step_ret automation_forward_resume(struct task *t)
{
	return task_op_failed(t) ? refspec_failed(RUN(t)) : STEP_NEXT;
}

/* ---- the push -------------------------------------------------------------------------------- */

/* What is there already is left out. */
static size_t updates_take(const struct automation_run *a, struct gitc_update *out)
{
	const struct refspec_update *u;
	size_t n = 0;

	vec_each (&a->updates, u)
		if (!u->has_old || !gitc_oid_equal(&u->old, &u->new))
			out[n++] =
				(struct gitc_update){.name = u->name, .old = u->old, .new = u->new};
	return n;
}

/* The objects are at the remote already. */
enum step_ret automation_second_start(struct task *t)
{
	struct run *r = RUN(t);
	struct gitc_update u[LIMIT_GIT_UPDATES];
	size_t n = updates_take(AUTOMATION_RUN(r), u);

	if (n && !automation_leads(r))
		return automation_follows(r);
	if (n)
		return task_wait(t, automation_push_op(r, u, n, NULL));
	AUTOMATION_ITEM(r->item)->owes = false;
	return STEP_NEXT;
}

enum step_ret automation_second_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	const struct gitc_push_result *res;
	size_t i;

	if (task_op_failed(t))
		return refspec_failed(r);
	res = gitc_push_result(t->op);
	for (i = 0; i < res->n; i++)
		if (!res->updates[i].ok) {
			err_set(&t->err, ERR_RETRY, "%.255s: %.300s%s%.500s", res->updates[i].name,
				res->updates[i].why ? res->updates[i].why : "refused",
				*res->said ? ": " : "", res->said);
			return refspec_failed(r);
		}
	AUTOMATION_ITEM(r->item)->owes = false;
	a->refspec = mem_strdup(AUTOMATION_SPEC_OF(r)->push_refspec);
	log_info(&r->log, "pushed refspec", LS("refspec", a->refspec));
	return STEP_NEXT;
}
