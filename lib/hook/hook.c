#include "hook/hook.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "hook/caller.h"
#include "hook/issuer.h"
#include "hook/jwt.h"
#include "hook/oidc.h"
#include "hook/read.h"

#include <string.h>

#define GOOGLE "https://accounts.google.com"

struct hook {
	struct loop *loop;
	struct issuers *issuers;
	char *google;
};

struct check {
	struct task task;
	struct hook *hook;
	char *owner;
	/* of a caller with an issuer */
	struct hook_oidc *oidc;
	const struct hook_provider *provider;
	char *email, *audience;
	struct jwt jwt;
	/* A worker has these while it runs; the task only waits meanwhile. */
	struct hook_in in;
	struct hook_verdict verdict;
};

/* ---- rows: who calls ------------------------------------------------------------------------- */

static bool has_issuer(const struct check *c)
{
	/* Without a token in the Secret nobody may call, so nobody is asked. */
	return c->in.type->by_issuer || (c->in.type->by_google && c->in.token.len);
}

/* What the caller has to show. -1: the verdict says why he cannot. */
static int rule_make(struct check *c, struct caller_rule *rule)
{
	static const char https[] = "https://";
	const char *google = c->hook->google;

	if (c->provider) {
		*rule = (struct caller_rule){.issuer = hook_provider_issuer(c->provider),
			.audience = hook_provider_audience(c->provider)};
		return 0;
	}
	*rule = (struct caller_rule){.issuer = google, .email = c->email, .audience = c->audience};
	/* Google's older tokens leave the scheme out. */
	if (!strncmp(google, https, strlen(https)))
		rule->alias = google + strlen(https);
	if (c->email && *c->email && c->audience && *c->audience)
		return 0;
	hook_say(&c->verdict, HOOK_REFUSED, "the receiver's Secret has no email or no audience");
	return -1;
}

static enum step_ret caller_start(struct task *t)
{
	struct check *c = TASK(t, struct check);
	struct caller_rule rule;

	if (!has_issuer(c))
		return STEP_NEXT;
	if ((c->in.type->by_google && rule_make(c, &rule)) ||
		caller_token(&c->jwt, &c->in, &c->verdict))
		return STEP_DONE;
	if (c->in.type->by_issuer) {
		c->provider = hook_oidc_find(c->oidc, jwt_issuer(&c->jwt));
		if (!c->provider) {
			hook_refuse(&c->verdict, "the receiver takes no tokens of this issuer");
			return STEP_DONE;
		}
		if (rule_make(c, &rule))
			return STEP_DONE;
	}
	return task_wait(t, issuer_ask_start(c->hook->issuers, rule.issuer, &c->jwt));
}

static enum step_ret caller_resume(struct task *t)
{
	struct check *c = TASK(t, struct check);
	struct caller_rule rule;

	if (rule_make(c, &rule) || caller_judge(&rule, &c->jwt, t->op, &c->verdict))
		return STEP_DONE;
	return STEP_NEXT;
}

/* ---- rows: what he says ---------------------------------------------------------------------- */

static void check_read(struct check *c)
{
	struct err err = {0};

	if (c->provider && hook_oidc_judge(c->provider, c->jwt.claims, &err)) {
		hook_refuse(&c->verdict, err.msg);
		return;
	}
	hook_read(&c->in, &c->verdict);
	if (c->provider && c->verdict.said == HOOK_FIRE)
		c->verdict.claims = json_incref(c->jwt.claims);
}

static int read_run(void *job, const atomic_bool *stop, struct err *err)
{
	(void)stop;
	(void)err;
	check_read(job);
	return 0;
}

static enum step_ret read_start(struct task *t)
{
	struct check *c = TASK(t, struct check);

	if (c->provider || c->in.body.len > LIMIT_HOOK_AT_ONCE)
		return task_wait(
			t, work_start_for(t->self.loop, WORK_HEAVY, c->owner, read_run, NULL, c));
	check_read(c);
	return STEP_NEXT;
}

static enum step_ret read_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void check_free(struct task *t)
{
	struct check *c = TASK(t, struct check);

	hook_in_clear(&c->in);
	hook_verdict_clear(&c->verdict);
	jwt_clear(&c->jwt);
	hook_oidc_unref(c->oidc);
	free(c->email);
	free(c->audience);
	free(c->owner);
	free(c);
}

struct op *hook_check_start(
	struct hook *h, const struct hook_spec *spec, const struct hook_call *call)
{
	static const struct step steps[] = {
		{"caller", caller_start, caller_resume}, {"read", read_start, read_resume}, {0}};
	struct check *c = NEW(struct check);

	c->hook = h;
	c->owner = mem_strdup(spec->owner);
	c->oidc = hook_oidc_ref(spec->oidc);
	c->email = mem_strdup(spec->email);
	c->audience = mem_strdup(spec->audience);
	hook_in_init(&c->in, spec, call);
	task_init(&c->task, h->loop, "hook", steps, NULL, check_free);
	return task_spawn(&c->task);
}

const struct hook_verdict *hook_verdict(const struct op *op)
{
	return &TASK_OF_OP(op, const struct check)->verdict;
}

void hook_check_forget(struct op *op)
{
	struct check *c = TASK_OF_OP(op, struct check);

	hook_in_clear(&c->in);
	json_decref(c->verdict.req);
	json_decref(c->verdict.claims);
	c->verdict.req = c->verdict.claims = NULL;
}

struct hook *hook_new(const struct hook_opts *opts)
{
	struct hook *h = NEW(struct hook);

	h->loop = opts->loop;
	h->issuers = issuers_new(opts->loop, opts->oci);
	h->google = mem_strdup(opts->google ? opts->google : GOOGLE);
	return h;
}

void hook_free(struct hook *h)
{
	issuers_free(h->issuers);
	free(h->google);
	free(h);
}
