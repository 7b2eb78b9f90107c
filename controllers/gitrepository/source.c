/* The rows that ask the server: as whom, what the reference means, and for its objects. */
#include "controllers/gitrepository/run.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/status.h"
#include "git/fetch.h"
#include "git/gitc.h"
#include "source/git_fetch.h"
#include "source/restore.h"
#include "source/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* What takes longer says so. */
#define SLOW_ANSWER_MS 10000

_Static_assert(ARTIFACT_REVISION_MAX >= GIT_REVISION_MAX, "a revision fits");

/* ---- before any request ---------------------------------------------------------------------- */

/* Of a tag alone there is something that may be signed. */
static bool has_tag(const struct git_ref *f)
{
	if (f->commit)
		return false;
	return f->name ? !strncmp(f->name, "refs/tags/", 10) : f->semver || f->tag;
}

enum step_ret gitrepository_validate_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct gitrepository_spec *s = GIT_SPEC(r);

	if (!*ARTIFACT_RUN(r)->dir) {
		(void)!artifact_dir(r->item, ARTIFACT_RUN(r)->dir, &t->err);
		t->err.kind = ERR_STALL;
		return run_fail(r, COND_FETCH_FAILED, "InvalidSpec");
	}
	/* The URL is in the inner message, without user and password. */
	if (gitc_url_parse(&GIT_RUN(r)->url, s->git.url, &t->err)) {
		t->err.kind = ERR_STALL;
		err_wrap(&t->err, "URL validation failed");
		return run_fail(r, COND_FETCH_FAILED, "URLInvalid");
	}
	if (r->mode == RUN_WORK && (s->verify & VERIFY_TAG) && !has_tag(&s->git.ref)) {
		err_set(&t->err, ERR_STALL,
			"cannot verify tag object's signature if a tag reference is not specified");
		GIT_RUN(r)->refused = true;
		return run_fail(r, NULL, "InvalidVerificationMode");
	}
	return STEP_NEXT;
}

/* ---- as whom --------------------------------------------------------------------------------- */

enum step_ret gitrepository_credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	struct git_login *l = &GIT_RUN(r)->login;

	l->opts = &GIT_ENV(r)->login;
	l->spec = &GIT_SPEC(r)->git;
	l->url = &GIT_RUN(r)->url;
	return git_login_start(r, l);
}

enum step_ret gitrepository_credentials_resume(struct task *t)
{
	return git_login_resume(RUN(t), &GIT_RUN(RUN(t))->login);
}

enum step_ret gitrepository_token_start(struct task *t)
{
	return git_login_token_start(RUN(t), &GIT_RUN(RUN(t))->login);
}

enum step_ret gitrepository_token_resume(struct task *t)
{
	return git_login_token_resume(RUN(t), &GIT_RUN(RUN(t))->login);
}

enum step_ret gitrepository_reread_start(struct task *t)
{
	return git_login_reread_start(RUN(t), &GIT_RUN(RUN(t))->login);
}

enum step_ret gitrepository_reread_resume(struct task *t)
{
	struct run *r = RUN(t);
	enum step_ret ret = git_login_reread_resume(r, &GIT_RUN(r)->login);

	if (r->end == RUN_AGAIN)
		ARTIFACT_RUN(r)->lost = r->reported = false;
	return ret;
}

/* ---- which commit ---------------------------------------------------------------------------- */

#define CANNOT_RESOLVE "failed to checkout and determine revision"

enum step_ret gitrepository_resolve_start(struct task *t)
{
	struct run *r = RUN(t);

	GIT_RUN(r)->asking = true;
	status_progress_after(r, SLOW_ANSWER_MS);
	return task_wait(t,
		git_resolve_start(t->self.loop,
			&(struct git_resolve_req){.git = GIT_ENV(r)->git,
				.target = gitrepository_target(r),
				.ref = &GIT_SPEC(r)->git.ref,
				.max_pack = GIT_ENV(r)->max_pack}));
}

static void name_set(struct run *r, const struct git_resolved *what)
{
	struct artifact_run *a = ARTIFACT_RUN(r);

	GIT_RUN(r)->what = *what;
	snprintf(a->revision, sizeof(a->revision), "%s", what->revision);
	gitc_oid_format(&what->commit, a->name);
	a->resolved = true;
}

enum step_ret gitrepository_resolve_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct git_resolved *what = git_resolve_result(t->op);

	GIT_RUN(r)->asking = false;
	status_progress_end(r);
	if (task_op_failed(t)) {
		if (what->empty)
			return run_fail(r, COND_FETCH_FAILED, "EmptyGitRepository");
		return gitrepository_git_failed(r, CANNOT_RESOLVE);
	}
	name_set(r, what);
	return STEP_NEXT;
}

bool gitrepository_is_unchanged(struct run *r)
{
	const json_t *status;

	if (!artifact_is_current(ARTIFACT_RUN(r)))
		return false;
	if (r->settled && !GIT_SPEC(r)->includes.len)
		return true;
	status = obj_get(r->first, "status");
	return gitrepository_observed_is(GIT_SPEC(r), status) &&
		gitrepository_included_is(r, obj_get(status, "includedArtifacts"));
}

enum step_ret gitrepository_unchanged_start(struct task *t)
{
	struct run *r = RUN(t);

	/* What is included is compared with the status. */
	if (GIT_SPEC(r)->includes.len && !run_open(r))
		return STEP_DONE;
	if (gitrepository_is_unchanged(r) && gitrepository_signed(r))
		return run_done(r, RUN_UNCHANGED);
	if (!run_open(r))
		return STEP_DONE;
	artifact_outdated(r, NULL);
	if (artifact_is_current(ARTIFACT_RUN(r)) &&
		!gitrepository_included_is(r, obj_get(r->first, "status", "includedArtifacts")))
		cond_put(&r->conds, COND_OUTDATED, COND_TRUE, "IncludeChange",
			"included artifacts differ from last observed includes");
	return STEP_NEXT;
}

/* A restore asks for what the status names: the branch may have moved on, and so may the spec. */
enum step_ret gitrepository_pinned_start(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	const json_t *status = obj_get(r->first, "status");
	const char *revision = obj_str_or("", status, "artifact", "revision");
	auto_json json_t *observed = NULL;
	struct git_resolved what = {0};
	char path[STORE_PATH_MAX];

	if (strlen(revision) >= sizeof(what.revision) ||
		git_revision_commit(revision, &what.commit, &t->err)) {
		restore_refused(a); /* nothing that could be asked for */
		return run_fail(r, COND_FETCH_FAILED, "GitOperationFailed");
	}
	snprintf(what.revision, sizeof(what.revision), "%s", revision);
	name_set(r, &what);
	/* What is fetched would not be the file that is missing. */
	if (store_path_of(path, r->c->kind->name, r->ns, r->name, a->name, &t->err) ||
		strcmp(path, a->have_path) != 0) {
		err_set(&t->err, ERR_RETRY,
			"status.artifact: its path and its revision name different commits");
		restore_refused(a);
		return run_fail(r, COND_FETCH_FAILED, "GitOperationFailed");
	}
	observed = gitrepository_observed_json(status);
	GIT_RUN(r)->observed = GITREPOSITORY_SPEC(gitrepository_spec_new(observed));
	return STEP_NEXT;
}

/* ---- its objects ----------------------------------------------------------------------------- */

enum step_ret gitrepository_fetch_start(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	bool signs_tag = r->mode == RUN_WORK && (GIT_SPEC(r)->verify & VERIFY_TAG);

	status_progress_after(r, SLOW_ANSWER_MS);
	return task_wait(t,
		git_fetch_start(t->self.loop,
			&(struct git_fetch_req){.git = GIT_ENV(r)->git,
				.target = gitrepository_target(r),
				.commit = &g->what.commit,
				.tag = signs_tag && g->what.has_tag ? &g->what.tag : NULL,
				.ref = *g->what.ref ? g->what.ref : g->what.branch,
				.branch = git_resolved_branch(&g->what),
				/* Only its signature is looked at. */
				.no_blobs = r->mode == RUN_WORK && gitrepository_is_unchanged(r),
				.max_pack = GIT_ENV(r)->max_pack}));
}

enum step_ret gitrepository_fetch_resume(struct task *t)
{
	struct run *r = RUN(t);

	status_progress_end(r);
	if (task_op_failed(t)) {
		if (t->err.code == GITC_NOT_FOUND || t->err.code == GITC_MISSING)
			restore_refused(ARTIFACT_RUN(r));
		return gitrepository_git_failed(r, CANNOT_RESOLVE);
	}
	GIT_RUN(r)->objects = git_fetch_take(t->op);
	return STEP_NEXT;
}

enum step_ret gitrepository_changed_start(struct task *t)
{
	struct run *r = RUN(t);

	return gitrepository_is_unchanged(r) ? run_done(r, RUN_UNCHANGED) : STEP_NEXT;
}
