#include "controllers/receiver/call.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/receiver/answer.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/filter.h"
#include "controllers/receiver/paths.h"
#include "controllers/receiver/push.h"
#include "controllers/receiver/spec.h"
#include "controllers/receiver/targets.h"
#include "controllers/receiver/token.h"
#include "ctl/controller.h"
#include "ctl/touch.h"
#include "ev/account.h"
#include "ev/task.h"
#include "hook/hook.h"
#include "http/server.h"
#include "kube/client.h"

#include <string.h>

/* Patches of one call that are asked for at a time. */
#define TOUCHES_AT_ONCE 16

/* Receivers that are asked for their token before a path is given up; the next call asks others. */
#define DOUBTS 8
#define NO_TOKEN "the Receiver has no token"

enum { CALL_OVERDUE = 1, CALL_SHUTDOWN };

/* What calls of one Receiver hold. */
struct call_share {
	char *key;
	unsigned waits, active;
};

struct call {
	struct task task;
	struct receiver_env *env;
	struct receiver_request request;
	struct http_exchange *x; /* NULL: he has hung up, or has his answer */
	struct receiver_spec *spec;
	char *ns, *name, *path;
	struct call_share *share;
	struct list link; /* in the line, then among those that are worked on */
	bool begun;
	unsigned doubts; /* Receivers whose path it is not */
	struct timer deadline;

	struct depends_value *token; /* NULL: none is needed */
	struct op *memory; /* for the payload as a tree */
	struct receiver_said *said;
	struct receiver_targets targets;
	size_t at; /* of its objects: the next one to patch */
	struct op *touches[TOUCHES_AT_ONCE];
	size_t touched[TOUCHES_AT_ONCE]; /* which object each is of */
	unsigned touching;

	int status; /* of the answer; 0: it is not known yet */
	const char *why; /* static */
	const char *detail; /* for the log; in said; NULL: nothing */
};

#define CALL(t) TASK(t, struct call)

static enum step_ret call_say(struct call *c, int status, const char *why)
{
	c->status = status;
	c->why = why;
	return STEP_DONE;
}

/* ---- whose path it is ------------------------------------------------------------------------ */

int receiver_call_refusal(const struct receiver_env *env, const struct item *i, const char **why)
{
	bool unknown = !i && controller_synced(env->controller);

	*why = unknown                     ? RECEIVER_NO_PATH
		: !i                       ? "the Receivers are not known yet"
		: i->suspended             ? "the Receiver is suspended"
		: strcmp(i->ready, "True") ? "the Receiver is not ready"
					   : NULL;
	return unknown ? 404 : *why ? 503 : 0;
}

static struct call_share *share_get(struct receiver_env *env, const char *key)
{
	struct call_share *s = map_get(&env->shares, key);

	if (!s) {
		s = NEW(struct call_share);
		s->key = mem_strdup(key);
		map_put(&env->shares, key, s);
	}
	return s;
}

static void share_put(struct receiver_env *env, struct call_share *s)
{
	if (s->waits || s->active)
		return;
	map_del(&env->shares, s->key);
	free(s->key);
	free(s);
}

static void call_aim(struct call *c, const struct item *i)
{
	if (c->spec)
		spec_unref(&c->spec->spec);
	free(c->ns);
	free(c->name);
	c->spec = RECEIVER_SPEC(spec_ref(i->spec));
	c->ns = mem_strdup(i->ns);
	c->name = mem_strdup(i->name);
}

static enum step_ret aim_start(struct task *t)
{
	struct call *c = CALL(t);
	const struct item *i = receiver_paths_find(c->env, c->path);
	struct call_share *before = c->share;
	const char *why;
	int status = receiver_call_refusal(c->env, i, &why);

	if (status)
		return call_say(c, status, why);
	call_aim(c, i);
	c->share = share_get(c->env, i->key);
	before->active--;
	c->share->active++;
	share_put(c->env, before);
	return STEP_NEXT;
}

/* It has no token, or that of another path. The status may be of the token before; or it lies, and
   somebody else has this path. */
static enum step_ret aim_again(struct call *c, int status, const char *why)
{
	receiver_token_unref(MOVE(c->token));
	if (receiver_paths_doubt(c->env, c->share->key, c->path) && ++c->doubts < DOUBTS)
		return task_goto(&c->task, "aim");
	return call_say(c, status, why);
}

/* ---- the token ------------------------------------------------------------------------------- */

static enum step_ret token_start(struct task *t)
{
	struct call *c = CALL(t);
	struct controller *ctl = c->env->controller;

	if (c->spec->type->by_issuer)
		return STEP_NEXT;
	c->token = receiver_token_kept(ctl, c->ns, c->spec->secret);
	return c->token ? STEP_NEXT
			: task_wait(t, receiver_token_read(ctl, c->ns, c->spec->secret));
}

static enum step_ret token_resume(struct task *t)
{
	struct call *c = CALL(t);
	struct err err = {0};

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	if (t->op->err.code == 404)
		return aim_again(c, 400, NO_TOKEN);
	if (t->op->err.kind != ERR_NONE) {
		receiver_targets_fail(&c->targets, SIZE_MAX, &t->op->err);
		return aim_again(c, 500, "the token cannot be read now");
	}
	c->token = receiver_token_took(
		c->env->controller, c->ns, c->spec->secret, kube_result(t->op), &err);
	return c->token ? STEP_NEXT : aim_again(c, 400, NO_TOKEN);
}

static enum step_ret path_start(struct task *t)
{
	struct call *c = CALL(t);
	char path[RECEIVER_PATH_MAX];

	if (strcmp(receiver_path(c->token, c->ns, c->name, path), c->path) != 0)
		return aim_again(c, 404, RECEIVER_NO_PATH);
	return STEP_NEXT;
}

/* ---- who calls, and what he says ------------------------------------------------------------- */

/* Nobody needs the payload any more. What is waited for from here on is the API server, and that
   may take long: others are not to wait for memory meanwhile. */
static void payload_done(struct call *c)
{
	hook_check_forget(c->said->check);
	op_drop(MOVE(c->memory));
}

/* What the payload takes as a tree, at most: a value for each byte that may begin one. */
static uint64_t tree_size(const struct buf *body)
{
	uint64_t values = 1;
	size_t i;

	for (i = 0; i < body->len; i++)
		values += body->p[i] == ',' || body->p[i] == ':' || body->p[i] == '[' ||
			body->p[i] == '{';
	if (values > LIMIT_JSON_API_VALUES)
		values = LIMIT_JSON_API_VALUES;
	return 2 * (uint64_t)body->len + LIMIT_RECEIVER_VALUE * values;
}

/* Who has gone before anything was done for him wants nothing any more. */
static enum step_ret nobody_asks(struct call *c)
{
	return call_say(c, 503, NULL);
}

/* An ordinary payload waits for nobody's pull. */
static enum step_ret memory_start(struct task *t)
{
	struct call *c = CALL(t);
	uint64_t size;

	if (!c->x)
		return nobody_asks(c);
	size = tree_size(http_x_body(c->x));
	if (!c->env->opts.account || size <= LIMIT_RECEIVER_TREE)
		return STEP_NEXT;
	return task_wait(t, account_take(c->env->opts.account, ACCOUNT_JOBS, c->ns, size));
}

static enum step_ret memory_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	CALL(t)->memory = MOVE(t->op);
	return STEP_NEXT;
}

static const char *call_header(void *x, const char *name)
{
	return http_x_header(x, name);
}

static enum step_ret check_start(struct task *t)
{
	struct call *c = CALL(t);
	const struct receiver_token *token = c->token ? RECEIVER_TOKEN(c->token) : NULL;
	struct hook_spec spec = {.type = c->spec->type,
		.token = token ? &token->token : NULL,
		.email = token ? token->email : NULL,
		.audience = token ? token->audience : NULL,
		.events = (const char *const *)c->spec->events,
		.oidc = c->spec->oidc,
		.filtered = c->spec->filtered,
		.owner = c->ns};
	struct hook_call call = {.header = call_header, .x = c->x};

	if (!c->x)
		return nobody_asks(c);
	call.body = buf_str(http_x_body(c->x));
	call.len = http_x_body(c->x)->len;
	return task_wait(t, hook_check_start(c->env->opts.hook, &spec, &call));
}

static enum step_ret check_resume(struct task *t)
{
	struct call *c = CALL(t);
	const struct hook_verdict *v;

	if (task_op_failed(t))
		return STEP_FAIL;
	c->said = NEW(struct receiver_said);
	*c->said = (struct receiver_said){1, MOVE(t->op)};
	v = hook_verdict(c->said->check);
	c->detail = *v->detail ? v->detail : NULL;
	if (v->said != HOOK_FIRE || !c->spec->filtered)
		payload_done(c);
	if (v->said == HOOK_FIRE)
		return STEP_NEXT;
	return call_say(c, v->status, v->status < 400 ? NULL : v->why);
}

/* ---- its resources --------------------------------------------------------------------------- */

static enum step_ret targets_start(struct task *t)
{
	struct call *c = CALL(t);

	return task_wait(t, receiver_targets_start(c->env, c->ns, c->spec, c->said));
}

static enum step_ret targets_resume(struct task *t)
{
	struct call *c = CALL(t);

	if (task_op_failed(t))
		return STEP_FAIL;
	c->targets = *receiver_targets_found(t->op);
	*receiver_targets_found(t->op) = (struct receiver_targets){0};
	payload_done(c);
	receiver_push_select(c->env, c->ns, c->spec, hook_verdict(c->said->check), &c->targets);
	return STEP_NEXT;
}

static void touch_done(struct op *op, void *arg)
{
	struct call *c = arg;
	unsigned i;

	for (i = 0; c->touches[i] != op; i++)
		;
	c->touches[i] = NULL;
	c->touching--;
	if (op->err.kind != ERR_NONE)
		receiver_targets_fail(
			&c->targets, c->targets.objects.p[c->touched[i]].resource, &op->err);
	op_free(op);
	task_wake(&c->task);
}

static void touch_next(struct call *c)
{
	const struct receiver_object *o = &c->targets.objects.p[c->at];
	const struct receiver_resource *r = &c->spec->resources.p[o->resource];
	struct kube_resource resource = {r->group, r->version, r->target->plural, r->kind, true};
	unsigned i;

	for (i = 0; c->touches[i]; i++)
		;
	c->touched[i] = c->at;
	c->touches[i] = touch_object(c->env->touches, &resource, r->ns ? r->ns : c->ns, o->name);
	c->touching++;
	op_then(c->touches[i], touch_done, c);
}

static enum step_ret touch_start(struct task *t)
{
	struct call *c = CALL(t);

	for (; c->at < c->targets.objects.len && c->touching < TOUCHES_AT_ONCE; c->at++)
		if (!c->targets.objects.p[c->at].no)
			touch_next(c);
	return c->touching ? task_pause(t) : STEP_NEXT;
}

/* ---- the answer ------------------------------------------------------------------------------ */

/* Whatever was not said yet. */
static void call_judge(struct call *c)
{
	if (c->status)
		return;
	c->status = 500;
	if (c->task.cause == CALL_SHUTDOWN)
		(void)call_say(c, 503, RECEIVER_ENDS);
	else if (c->task.cause == CALL_OVERDUE)
		c->why = "it could not be done in time";
	else if (c->task.err.kind != ERR_NONE)
		c->why = "it could not be done";
	else if (c->targets.failed)
		c->why = "not every resource could be made to reconcile";
	else
		c->status = 200;
}

static void log_failure(const struct call *c)
{
	const struct receiver_targets *f = &c->targets;
	const struct receiver_resource *r = f->first_resource < c->spec->resources.len
		? &c->spec->resources.p[f->first_resource]
		: NULL;

	log_error(NULL, "cannot do all that a call asks for", LS("controller", "receiver"),
		LS("namespace", c->ns), LS("name", c->name), LI("status", c->status),
		LS("reason", c->why), LS("detail", c->detail), LU("failed", f->failed),
		LS("resource", f->failed && r ? r->kind : NULL),
		LS("resourceName", f->failed && r ? r->name : NULL),
		LS("error", f->failed ? f->first.msg : c->task.err.msg));
}

static void call_log(const struct call *c)
{
	if (c->status == 503 && !c->why)
		log_debug(NULL, "a caller has gone", LS("controller", "receiver"),
			LS("namespace", c->ns), LS("name", c->name));
	else if (c->status >= 500)
		log_failure(c);
	else if (c->status >= 400)
		log_info(NULL, "refused a call", LS("controller", "receiver"),
			LS("namespace", c->ns), LS("name", c->name), LI("status", c->status),
			LS("reason", c->why), LS("detail", c->detail));
	else
		log_debug(NULL, "answered a call", LS("controller", "receiver"),
			LS("namespace", c->ns), LS("name", c->name), LS("detail", c->detail));
}

static void call_answer(struct call *c)
{
	struct http_exchange *x = MOVE(c->x);

	timer_cancel(&c->deadline);
	if (x)
		http_x_on_end(x, NULL, NULL);
	receiver_answer(c->env, &c->request, x, c->status, c->why);
}

static void touches_drop(struct call *c)
{
	unsigned i;

	for (i = 0; i < TOUCHES_AT_ONCE; i++)
		op_drop(MOVE(c->touches[i]));
}

static enum step_ret answer_start(struct task *t)
{
	struct call *c = CALL(t);

	/* Those that are on their way stay so. */
	touches_drop(c);
	call_judge(c);
	call_log(c);
	if (c->status == 200 && c->said)
		receiver_push_feed(
			c->env, c->ns, c->spec, hook_verdict(c->said->check), &c->targets);
	call_answer(c);
	return STEP_NEXT;
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void call_free(struct call *c)
{
	receiver_token_unref(c->token);
	op_drop(c->memory);
	receiver_said_unref(c->said);
	receiver_targets_clear(&c->targets);
	spec_unref(&c->spec->spec);
	free(c->ns);
	free(c->name);
	free(c->path);
	free(c);
}

static void task_free(struct task *t)
{
	list_out(&CALL(t)->link);
	call_free(CALL(t));
}

static void call_start(struct call *c);

/* The one who has waited longest has his turn, unless his Receiver has its share. */
static struct call *call_next(const struct receiver_env *env)
{
	struct list *at;

	if (env->active >= env->most_active)
		return NULL;
	list_each (&env->waiting, at) {
		struct call *c = CONTAINER_OF(at, struct call, link);

		if (c->share->active < env->most_active / 2)
			return c;
	}
	return NULL;
}

static void call_done(struct op *op, void *arg)
{
	struct receiver_env *env = arg;
	struct call *c = CALL(CONTAINER_OF(op, struct task, self));
	struct call_share *share = c->share;

	op_free(op);
	env->active--;
	share->active--;
	share_put(env, share);
	c = call_next(env);
	if (c)
		call_start(c);
}

static void call_leave_line(struct call *c)
{
	list_out(&c->link);
	c->env->waits--;
	c->share->waits--;
}

static void call_start(struct call *c)
{
	static const struct step steps[] = {{"aim", aim_start},
		{"token", token_start, token_resume}, {"path", path_start},
		{"memory", memory_start, memory_resume}, {"check", check_start, check_resume},
		{"targets", targets_start, targets_resume}, {"touch", touch_start, touch_start},
		{0}};
	static const struct step last[] = {
		{.name = "answer", .start = answer_start, .always = true}, {0}};

	call_leave_line(c);
	c->begun = true;
	c->env->active++;
	c->share->active++;
	list_add(&c->env->calls, &c->link);
	task_init(&c->task, c->env->controller->opts.loop, "call", steps, last, task_free);
	op_then(task_spawn(&c->task), call_done, c->env);
}

/* Of one that waits still. */
static void call_give_up(struct call *c, int status, const char *why)
{
	call_leave_line(c);
	share_put(c->env, c->share);
	(void)call_say(c, status, why);
	call_answer(c);
	call_free(c);
}

static void call_gone(void *arg, struct http_exchange *x, bool gone)
{
	struct call *c = arg;

	(void)x;
	(void)gone;
	c->x = NULL;
	if (!c->begun)
		call_give_up(c, 503, NULL);
}

static void call_overdue(void *arg)
{
	struct call *c = arg;

	if (!c->begun)
		call_give_up(c, 503, RECEIVER_BUSY);
	else
		task_cancel(&c->task, CALL_OVERDUE);
}

bool receiver_call_room(const struct receiver_env *env, const struct item *i)
{
	const struct call_share *s = map_get(&env->shares, i->key);

	return env->waits < env->most_waits && (!s || s->waits < env->most_waits / 2);
}

void receiver_call_begin(struct receiver_env *env, const struct item *i,
	const struct receiver_request *r, struct http_exchange *x)
{
	struct call *c = NEW(struct call);

	c->env = env;
	c->request = *r;
	c->x = x;
	call_aim(c, i);
	c->path = mem_strdup(receiver_paths_of(i));
	list_init(&c->link);
	timer_init(&c->deadline, env->controller->opts.loop, call_overdue, c);
	timer_set(&c->deadline, LIMIT_RECEIVER_MS);
	http_x_on_end(x, call_gone, c);
	c->share = share_get(env, i->key);
	list_add(&env->waiting, &c->link);
	env->waits++;
	c->share->waits++;
	c = call_next(env);
	if (c)
		call_start(c);
}

void receiver_calls_stop(struct receiver_env *env)
{
	struct list *at;

	while ((at = list_first(&env->waiting)))
		call_give_up(CONTAINER_OF(at, struct call, link), 503, RECEIVER_ENDS);
	list_each (&env->calls, at)
		task_cancel(&CONTAINER_OF(at, struct call, link)->task, CALL_SHUTDOWN);
}
