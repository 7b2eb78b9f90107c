/* What all rows of this kind share. */
#include "base/limits.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "ctl/role.h"
#include "ev/op.h"
#include "git/objects.h"
#include "kube/client.h"
#include "source/login.h"

/* The one who says that it leads no more is on the way. */
#define FOLLOWS_MS 1000

char *automation_branch_ref(const char *branch)
{
	return mem_printf("refs/heads/%s", branch);
}

enum step_ret automation_fail(struct run *r, const char *reason)
{
	return run_fail(r, NULL, reason);
}

enum step_ret automation_stall(struct run *r, const char *reason)
{
	r->task.err.kind = ERR_STALL;
	return run_fail(r, NULL, reason);
}

bool automation_leads(const struct run *r)
{
	return role_leads(r->c);
}

enum step_ret automation_follows(struct run *r)
{
	r->again_ms = FOLLOWS_MS;
	return run_done(r, RUN_LATER);
}

void automation_room_leave(struct automation_run *a)
{
	op_free(MOVE(a->grant));
	a->memory = 0;
}

void automation_try_clear(struct automation_run *a)
{
	gitc_objects_unref(MOVE(a->objects));
	edit_free(MOVE(a->edit));
	automation_room_leave(a);
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
