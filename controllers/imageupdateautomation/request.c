/*
 * The rows that see to it that the pushed branch has a pull or merge request at its forge. Only a
 * push makes one, or gives another title to the one that is there: what people have closed or
 * merged stays so while nothing new is pushed. A run that could not see to it leaves that to the
 * next one. All others only look which one is there.
 */
#include "base/log.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "ctl/object.h"
#include "forge/forge.h"
#include "git/auth.h"
#include "http/client.h"
#include "kube/client.h"
#include "source/git_login.h"

#include <string.h>

#define TITLE_MAX 200 /* bytes */

/* ---- is there to be one? --------------------------------------------------------------------- */

/* After a restart the status tells of what the run before has not come to, as for the second push:
   it is still unknown only where that was not Ready. */
static bool owes(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);

	if (a->pushed || !automation_is_on_head(a))
		return a->pushed;
	if (AUTOMATION_ITEM(r->item)->request != REQUEST_UNKNOWN)
		return AUTOMATION_ITEM(r->item)->request == REQUEST_OWED;
	return automation_knows_head(r);
}

void automation_request_owe(struct run *r)
{
	struct automation_item *i = AUTOMATION_ITEM(r->item);

	i->request = REQUEST_OWED;
	free(i->owed);
	i->owed = mem_strdup(AUTOMATION_RUN(r)->message);
}

/* Another one may have led meanwhile, and owe something. */
void automation_request_settle(struct run *r)
{
	struct automation_item *i = AUTOMATION_ITEM(r->item);

	if (AUTOMATION_RUN(r)->leads != i->leads)
		return;
	i->request = REQUEST_DONE;
	free(MOVE(i->owed));
}

void automation_request_begin(struct run *r)
{
	if (AUTOMATION_ITEM(r->item)->request == REQUEST_UNKNOWN &&
		cond_is(&r->conds_before, COND_READY, COND_TRUE))
		automation_request_settle(r);
}

static enum step_ret request_failed(struct run *r)
{
	err_wrap(&r->task.err, "failed to %s branch '%.255s'",
		owes(r) ? "open a pull request for" : "find the pull request of",
		AUTOMATION_RUN(r)->push_branch);
	return automation_fail(r, "GitOperationFailed");
}

static const char *base_of(const struct run *r)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);

	return s->request.base ? s->request.base : AUTOMATION_RUN(r)->checkout;
}

/* A run that goes by what the last one has seen, or that found no branch, asks nobody. */
static bool is_wanted(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);

	return AUTOMATION_SPEC_OF(r)->request.wanted && (a->looked || a->pushed) && a->has_head &&
		base_of(r) && strcmp(base_of(r), a->push_branch) != 0;
}

/* ---- its words ------------------------------------------------------------------------------- */

enum step_ret automation_words_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (a->pushed || !is_wanted(r) || !owes(r))
		return STEP_NEXT;
	free(MOVE(a->message));
	if (!AUTOMATION_ITEM(r->item)->owed)
		return task_wait(t, automation_head_read(r));
	a->message = mem_strdup(AUTOMATION_ITEM(r->item)->owed);
	return STEP_NEXT;
}

enum step_ret automation_words_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (task_op_failed(t))
		return request_failed(r);
	AUTOMATION_RUN(r)->message = automation_head_message(t->op);
	return STEP_NEXT;
}

/* ---- as whom --------------------------------------------------------------------------------- */

enum step_ret automation_word_start(struct task *t)
{
	struct run *r = RUN(t);
	const char *name = AUTOMATION_SPEC_OF(r)->request.secret;

	if (!is_wanted(r) || !name)
		return STEP_NEXT;
	return automation_secret_wait(r, name);
}

enum step_ret automation_word_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct secret *to = &AUTOMATION_RUN(r)->token;

	if (!task_op_failed(t) && !object_secret_value(kube_result(t->op), "token", to, &t->err) &&
		!to->len)
		err_set(&t->err, ERR_RETRY, "it has no key 'token'");
	if (t->err.kind == ERR_NONE)
		return STEP_NEXT;
	err_wrap(&t->err, "Secret '%s/%s'", r->ns, AUTOMATION_SPEC_OF(r)->request.secret);
	return request_failed(r);
}

/* What Git is shown over http is what the forge takes, too: the password is a token. */
static void token_of_git(struct automation_run *a)
{
	const struct gitc_auth *auth = a->login.auth;
	const char *colon;

	if (a->token.len || !auth)
		return;
	secret_copy(&a->token, &auth->bearer);
	colon = auth->basic.len ? memchr(auth->basic.p, ':', auth->basic.len) : NULL;
	if (colon)
		secret_set(&a->token, colon + 1,
			auth->basic.len - (size_t)(colon + 1 - auth->basic.p));
}

/* ---- the request ----------------------------------------------------------------------------- */

/* The commit's first line, where nothing else is said. */
static char *title_of(const struct run *r)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);
	const char *text = s->request.title ? s->request.title : AUTOMATION_RUN(r)->message;
	size_t n = text ? strcspn(text, "\n") : 0;

	if (!n)
		return mem_strdup("Update from image update automation");
	return mem_strndup(text, utf8_cut(text, n, TITLE_MAX));
}

static void say_why_not(struct run *r)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);

	if (s->request.wanted && !base_of(r))
		AUTOMATION_RUN(r)->no_request =
			"no branch is read that it could lead to; annotation "
			"'" AUTOMATION_REQUEST_BASE "' may name one";
}

enum step_ret automation_request_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);
	struct automation_run *a = AUTOMATION_RUN(r);
	bool by_app = !s->request.secret && s->request.kind == FORGE_GITHUB;
	auto_free char *title = NULL;
	struct forge_app app;

	say_why_not(r);
	if (!is_wanted(r))
		return STEP_NEXT;
	if (!automation_leads(r))
		return automation_follows(r);
	by_app = by_app && git_login_app(&a->login, &app);
	token_of_git(a);
	if (!a->token.len) {
		err_set(&t->err, ERR_RETRY,
			"there is no token: annotation '%s' may name a Secret with one",
			AUTOMATION_REQUEST_SECRET);
		return request_failed(r);
	}
	title = title_of(r);
	return task_wait(t,
		forge_request_start(AUTOMATION_ENV(r)->forge,
			&(struct forge_request_req){.kind = s->request.kind,
				.url = a->source->spec.url,
				.api = s->request.api,
				.token_is_own = s->request.secret != NULL,
				.token = &a->token,
				.app = by_app ? &app : NULL,
				.way = {a->login.auth ? &a->login.auth->trust : NULL,
					a->login.auth ? &a->login.auth->proxy : NULL, r->ns,
					(uint64_t)a->source->spec.timeout_ms},
				.head = a->push_branch,
				.base = base_of(r),
				.only_find = !owes(r),
				.title = title,
				.body = a->message ? a->message : ""}));
}

enum step_ret automation_request_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	const struct forge_request *q;

	if (t->op->err.code == FORGE_NOTHING)
		return STEP_NEXT;
	if (task_op_failed(t))
		return request_failed(r);
	q = forge_request_result(t->op);
	a->request =
		*q->url ? mem_strdup(q->url) : mem_printf("%llu", (unsigned long long)q->number);
	a->requested = q->created;
	log_info(&r->log, q->created ? "opened a pull request" : "the pull request is there",
		LS("url", a->request));
	return STEP_NEXT;
}
