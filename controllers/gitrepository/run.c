/* What the rows of all files need of a run. */
#include "controllers/gitrepository/run.h"

#include "git/gitc.h"

struct gitc_target gitrepository_target(struct run *r)
{
	struct gitrepository_run *g = GIT_RUN(r);

	return (struct gitc_target){.url = &g->url,
		.auth = g->login.auth,
		.timeout_ms = (uint64_t)GIT_SPEC(r)->git.timeout_ms,
		.owner = r->ns};
}

enum step_ret gitrepository_git_failed(struct run *r, const char *what)
{
	struct err *err = &r->task.err;
	bool refused = err->code == GITC_AUTH_FAILED;

	if (artifact_is_of_disk(err->code))
		return artifact_disk_failed(
			r, "ArchiveOperationFailed", "unable to store the objects of the commit");
	err_wrap(err, "%s", what);
	return run_fail(
		r, COND_FETCH_FAILED, refused ? "AuthenticationFailed" : "GitOperationFailed");
}

const struct gitrepository_spec *gitrepository_made_by(struct run *r)
{
	return GIT_RUN(r)->observed ? GIT_RUN(r)->observed : GIT_SPEC(r);
}
