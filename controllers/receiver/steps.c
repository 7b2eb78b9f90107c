#include "ctl/steps.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "controllers/receiver/answer.h"
#include "controllers/receiver/call.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/filter.h"
#include "controllers/receiver/hooks.h"
#include "controllers/receiver/paths.h"
#include "controllers/receiver/receiver.h"
#include "controllers/receiver/spec.h"
#include "controllers/receiver/token.h"
#include "ctl/cond.h"
#include "ctl/door.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "ctl/touch.h"
#include "http/server.h"
#include "kube/client.h"

#include <string.h>

#define READY_MESSAGE "Receiver initialized for path: "

struct receiver_run {
	struct run run;
	char path[RECEIVER_PATH_MAX];
	struct depends_value *token; /* NULL: none is needed */
	bool no_token; /* there is none: so there is no path */
};

#define RECEIVER_RUN(r) CONTAINER_OF(r, struct receiver_run, run)

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	if (RECEIVER_SPEC(s)->secret)
		on(arg, 0, NULL, RECEIVER_SPEC(s)->secret);
}

/* ---- the rows -------------------------------------------------------------------------------- */

static enum step_ret valid_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!r->spec->wrong)
		return STEP_NEXT;
	t->err = *r->spec->wrong;
	t->err.kind = ERR_STALL;
	return run_fail(r, NULL, "ValidationFailed");
}

/* What was settled compiled before. */
static enum step_ret filters_start(struct task *t)
{
	struct run *r = RUN(t);
	struct receiver_spec *s = RECEIVER_SPEC(r->spec);

	if (r->settled || !(s->filtered || s->oidc))
		return STEP_NEXT;
	return task_wait(t, receiver_filters_check(t->self.loop, r->ns, s));
}

static enum step_ret filters_resume(struct task *t)
{
	return task_op_failed(t) ? run_fail(RUN(t), NULL, "InvalidCELExpression") : STEP_NEXT;
}

static enum step_ret token_start(struct task *t)
{
	struct run *r = RUN(t);
	const char *secret = RECEIVER_SPEC(r->spec)->secret;

	if (!secret)
		return STEP_NEXT;
	RECEIVER_RUN(r)->token = receiver_token_kept(r->c, r->ns, secret);
	return RECEIVER_RUN(r)->token ? STEP_NEXT
				      : task_wait(t, receiver_token_read(r->c, r->ns, secret));
}

/* Where nobody knows whether there is one, the path stays. */
static enum step_ret token_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct receiver_run *rr = RECEIVER_RUN(r);
	const char *secret = RECEIVER_SPEC(r->spec)->secret;

	if (task_op_failed(t)) {
		rr->no_token = t->err.code == 404;
	} else {
		rr->token = receiver_token_took(r->c, r->ns, secret, kube_result(t->op), &t->err);
		rr->no_token = !rr->token;
	}
	if (rr->token)
		return STEP_NEXT;
	err_wrap(&t->err, "read the token from Secret '%s/%s'", r->ns, secret);
	return run_fail(r, NULL, "TokenNotFound");
}

static enum step_ret path_start(struct task *t)
{
	struct run *r = RUN(t);
	struct receiver_run *rr = RECEIVER_RUN(r);

	receiver_path(rr->token, r->ns, r->name, rr->path);
	if (!strcmp(receiver_paths_of(r->item), rr->path) && !strcmp(r->item->ready, "True"))
		return run_done(r, RUN_UNCHANGED);
	return run_open(r) ? run_done(r, RUN_MADE) : STEP_DONE;
}

/* That it is ready, or is so at another path: which one the status says, to whom may see it. */
static enum step_ret events_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct cond *before = cond_get(&r->conds_before, COND_READY),
			  *now = cond_get(&r->conds, COND_READY);

	if (run_failure_told(r) || !r->first || !now)
		return STEP_NEXT;
	if (!before || before->status != now->status || strcmp(before->message, now->message) != 0)
		run_event(r, false, "Succeeded", "Receiver initialized", NULL);
	return STEP_NEXT;
}

/* ---- the status ------------------------------------------------------------------------------ */

static void status_succeeded(struct run *r, json_t *status)
{
	const char *path = RECEIVER_RUN(r)->path;

	json_object_set_new(status, "webhookPath", json_string(path));
	cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", READY_MESSAGE "%s", path);
}

static void status_failed(struct run *r, json_t *status)
{
	if (RECEIVER_RUN(r)->no_token)
		json_object_del(status, "webhookPath");
}

static void status_kept(const json_t *status, json_t *kept)
{
	object_member_keep(kept, status, "webhookPath");
}

/* ---- the kind -------------------------------------------------------------------------------- */

static void run_clear(struct run *r)
{
	receiver_token_unref(RECEIVER_RUN(r)->token);
}

static const struct step WORK[] = {RUN_READ, RUN_FINALIZER, RUN_SUSPENDED, {"valid", valid_start},
	{"filters", filters_start, filters_resume}, {"token", token_start, token_resume},
	{"path", path_start}, {0}};
static const struct step LAST[] = {RUN_STATUS, {"events", events_start}, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

static const struct kube_resource RESOURCE = {
	"notification.toolkit.fluxcd.io", "v1", "receivers", "Receiver", true};
static const struct kube_resource SECRETS = {"", "v1", "secrets", "Secret", true};
static const char *const ANNOTATIONS[] = {RECEIVER_PAYLOAD, NULL};
static const char *const CONDITIONS[] = {COND_STALLED, COND_RECONCILING, NULL};
static const struct item_hooks HOOKS = {
	.stored = receiver_paths_stored,
	.stop = receiver_paths_out,
	.free = receiver_paths_out,
};

const struct kind receiver_kind = {
	.name = "receiver",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct receiver_item),
	.run_size = sizeof(struct receiver_run),
	.spec_new = receiver_spec_new,
	.annotations = ANNOTATIONS,
	.depends = {&SECRETS},
	.depends_each = depends_each,
	.item = &HOOKS,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = CONDITIONS,
	.status_kept = status_kept,
	.succeeded = status_succeeded,
	.failed = status_failed,
};

/* ---- the controller -------------------------------------------------------------------------- */

static void env_stopped(void *arg)
{
	struct receiver_env *env = arg;

	env->stopping = true;
	receiver_calls_stop(env);
	touches_stop(env->touches);
}

static bool env_idle(void *arg)
{
	const struct receiver_env *env = arg;

	return !env->active && touches_idle(env->touches);
}

static void env_freed(void *arg)
{
	struct receiver_env *env = arg;

	metrics_off_scrape(env->controller->opts.metrics, env);
	touches_free(env->touches);
	map_clear(&env->paths);
	map_clear(&env->shares);
	free(env);
}

struct controller *receiver_new(const struct receiver_opts *opts)
{
	struct receiver_env *env = NEW(struct receiver_env);
	struct controller_opts o = opts->controller;

	env->opts = *opts;
	env->most_waits = LIMIT_RECEIVER_WAITING;
	env->most_active = LIMIT_RECEIVER_CALLS;
	list_init(&env->waiting);
	list_init(&env->calls);
	env->touches = touches_new(o.kube);
	/* Its Events go to Kubernetes alone. */
	o.poster = NULL;
	o.env = env;
	o.stopped = env_stopped;
	o.idle = env_idle;
	o.freed = env_freed;
	env->controller = controller_new(&receiver_kind, &o);
	receiver_answer_metrics(env, o.metrics);
	return env->controller;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Calls keep their connections. So many that all of them would be taken are not let in: the others
   are to be answered still, and those of one Receiver are to leave places to the next. */
static void calls_fit(struct receiver_env *env, unsigned connections)
{
	env->most_active = least(LIMIT_RECEIVER_CALLS, connections / 2);
	env->most_waits = least(LIMIT_RECEIVER_WAITING, connections * 7 / 8 - env->most_active);
}

void receiver_serve(struct controller *c, struct http_server_opts *opts)
{
	struct receiver_env *env = receiver_env(c);

	opts->handler = receiver_hooks_handle;
	opts->wants_body = receiver_hooks_want_body;
	opts->arg = env;
	opts->account = env->opts.account;
	if (!opts->max_connections)
		opts->max_connections = LIMIT_RECEIVER_CONNECTIONS;
	/* Behind an ingress all callers have one address. */
	if (!opts->max_per_peer)
		opts->max_per_peer = opts->max_connections;
	calls_fit(env, opts->max_connections);
	opts->max_body = LIMIT_RECEIVER_BODY;
	opts->max_headers = LIMIT_RECEIVER_HEADERS;
	opts->header_ms = LIMIT_RECEIVER_HEADER_MS;
	opts->request_ms = LIMIT_RECEIVER_REQUEST_MS;
}
