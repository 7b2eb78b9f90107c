/* What all rows of this kind share. */
#include "base/limits.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "kube/client.h"
#include "source/login.h"

enum step_ret automation_fail(struct run *r, const char *reason)
{
	return run_fail(r, NULL, reason);
}

enum step_ret automation_stall(struct run *r, const char *reason)
{
	r->task.err.kind = ERR_STALL;
	return run_fail(r, NULL, reason);
}

struct gitc_target automation_target(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);

	return (struct gitc_target){
		&a->source->url, a->login.auth, (uint64_t)a->source->spec.timeout_ms, r->ns};
}

enum step_ret automation_secret_wait(struct run *r, const char *name)
{
	return task_wait(&r->task,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &login_secrets,
				.ns = r->ns,
				.name = name,
				.deadline_ms = LIMIT_SECRET_READ_MS}));
}
