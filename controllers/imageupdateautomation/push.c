/* The rows that make a commit of what has changed, and push it. */
#include "git/push.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "ctl/touch.h"
#include "ev/account.h"
#include "ev/op.h"
#include "git/draft.h"
#include "git/gitc.h"
#include "git/objects.h"
#include "gpg/gpg.h"
#include "template/template.h"

#include <string.h>

static bool signs(const struct run *r)
{
	return AUTOMATION_SPEC_OF(r)->signing_key != NULL;
}

static bool signs_by_gpg(const struct run *r)
{
	return signs(r) && !AUTOMATION_SPEC_OF(r)->signing_ssh;
}

/* ---- its memory ------------------------------------------------------------------------------ */

/* It holds nothing of the account while it waits, and what it makes with it ends by itself. */
enum step_ret automation_room_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (!a->memory || a->grant)
		return STEP_NEXT;
	return task_wait(
		t, account_take(AUTOMATION_ENV(r)->account, ACCOUNT_JOBS, r->ns, a->memory));
}

enum step_ret automation_room_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	AUTOMATION_RUN(RUN(t))->grant = MOVE(t->op);
	return STEP_NEXT;
}

/* Most commits take little. One that has failed for want of room is made again with all that it may
   ever take, or with all that there is. */
static bool room_wants(struct run *r, const struct op *op)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	struct account *account = AUTOMATION_ENV(r)->account;
	uint64_t most = LIMIT_GIT_TREES + LIMIT_AUTOMATION_PACK;
	struct account_stats s;

	if (op->err.code != GITC_TOO_LARGE || !account || a->grant)
		return false;
	account_stats(account, ACCOUNT_JOBS, &s);
	a->memory = most < s.limit ? most : s.limit;
	commit_free(MOVE(a->commit));
	return true;
}

/* ---- the commit ------------------------------------------------------------------------------ */

static uint64_t room_has(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);

	if (!AUTOMATION_ENV(r)->account)
		return 0;
	return a->grant ? a->memory : LIMIT_MEMORY_SLICE;
}

enum step_ret automation_draft_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	return task_wait(t,
		commit_draft_start(t->self.loop,
			&(struct commit_req){.spec = AUTOMATION_SPEC_OF(r),
				.edit = a->edit,
				.key = signs(r) && !signs_by_gpg(r) ? &a->key : NULL,
				.passphrase = &a->passphrase,
				.memory = room_has(r),
				.ns = r->ns,
				.name = r->name,
				.when_s = automation_proves(r) ? automation_own_when_s(r)
							       : clock_wall_ms() / 1000,
				.later = automation_proves(r) || signs_by_gpg(r)}));
}

/* A template is what the spec says; what is wrong with it stays wrong. */
static enum step_ret commit_failed(struct run *r)
{
	struct err *err = &r->task.err;

	switch (AUTOMATION_RUN(r)->commit->stage) {
	case COMMIT_MESSAGE:
		return automation_stall(r,
			err->code == TMPL_REMOVED ? "RemovedTemplateField" : "GitOperationFailed");
	case COMMIT_SIGN:
		err_wrap(err, "failed to sign the commit with Secret '%.253s'",
			AUTOMATION_SPEC_OF(r)->signing_key);
		return automation_fail(r, "SourceManagerFailed");
	default:
		err_wrap(err, "failed to commit");
		return automation_fail(r, "GitOperationFailed");
	}
}

/* The run before this one has pushed it, and could not say so. */
static enum step_ret push_found(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	int64_t when_s = automation_own_when_s(r);

	automation_own_free(MOVE(a->own));
	automation_room_leave(a);
	a->sent = a->head;
	free(a->message);
	a->message = mem_strdup(buf_str(&a->commit->message));
	automation_pushed(r, when_s * 1000);
	return task_goto(&r->task, "more");
}

enum step_ret automation_draft_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	commit_free(a->commit);
	a->commit = commit_take(t->op);
	if (room_wants(RUN(t), t->op))
		return task_goto(t, "room");
	if (automation_proves(RUN(t)))
		return task_op_failed(t) || !automation_is_own(RUN(t)) ? automation_not_own(RUN(t))
								       : push_found(RUN(t));
	return task_op_failed(t) ? commit_failed(RUN(t)) : STEP_NEXT;
}

enum step_ret automation_sign_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	const struct buf *payload;

	if (!signs_by_gpg(r))
		return STEP_NEXT;
	payload = gitc_draft_payload(a->commit->draft);
	a->commit->stage = COMMIT_SIGN;
	return task_wait(t,
		gpg_sign_start(t->self.loop,
			&(struct gpg_sign_req){.folder = AUTOMATION_ENV(r)->folder,
				.key = a->key.p,
				.key_len = a->key.len,
				.passphrase = &a->passphrase,
				.data = buf_str(payload),
				.data_len = payload->len}));
}

enum step_ret automation_sign_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	if (task_op_failed(t))
		return commit_failed(RUN(t));
	a->signature = mem_strdup(buf_str(gpg_sign_result(t->op)));
	return STEP_NEXT;
}

enum step_ret automation_seal_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (!a->signature)
		return STEP_NEXT;
	return task_wait(t, commit_seal_start(t->self.loop, r->ns, MOVE(a->commit), a->signature));
}

enum step_ret automation_seal_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	a->commit = commit_take(t->op);
	free(MOVE(a->signature));
	if (room_wants(RUN(t), t->op))
		return task_goto(t, "room");
	return task_op_failed(t) ? commit_failed(RUN(t)) : STEP_NEXT;
}

/* ---- the push -------------------------------------------------------------------------------- */

/* "k=v", ends with NULL: what is in it is freed with it. */
static char **options_list(const struct automation_spec *s)
{
	char **list;
	size_t i;

	if (!s->options.len)
		return NULL;
	list = mem_zalloc((s->options.len + 1) * sizeof(*list));
	for (i = 0; i < s->options.len; i++)
		list[i] = mem_printf("%s=%s", s->options.p[i].name, s->options.p[i].value);
	return list;
}

static void options_free(char **list)
{
	size_t i;

	for (i = 0; list && list[i]; i++)
		free(list[i]);
	free(list);
}

struct op *automation_push_op(
	struct run *r, const struct gitc_update *u, size_t n, const struct buf *pack)
{
	char **options = options_list(AUTOMATION_SPEC_OF(r));
	struct op *op = gitc_push_start(AUTOMATION_ENV(r)->git,
		&(struct gitc_push_req){.target = automation_target(r),
			.updates = u,
			.n_updates = n,
			.pack = pack,
			.options = (const char *const *)options});

	options_free(options);
	return op;
}

/* What others have pushed is never lost: only a branch that is not looked at is overwritten. */
static int push_check(const struct run *r, bool *force, struct err *err)
{
	const struct automation_run *a = AUTOMATION_RUN(r);

	*force = false;
	if (!a->has_head || gitc_oid_equal(&a->head, &a->base))
		return 0;
	*force = a->switches && AUTOMATION_ENV(r)->force_push;
	return *force ? 0
		      : err_set(err, ERR_RETRY,
				"failed to push to branch '%.255s': it is not where the commit "
				"begins, and it is not to be overwritten",
				a->push_branch);
}

enum step_ret automation_push_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *name = automation_branch_ref(a->push_branch);
	struct gitc_update u = {.name = name, .new = a->commit->oid};

	automation_room_leave(a);
	if (!automation_leads(r))
		return automation_follows(r);
	if (push_check(r, &u.force, &t->err))
		return automation_fail(r, "GitOperationFailed");
	if (a->has_head)
		u.old = a->head;
	a->sent = a->commit->oid;
	a->has_sent = true;
	AUTOMATION_ITEM(r->item)->told = false;
	free(a->message);
	a->message = mem_strdup(buf_str(&a->commit->message));
	return task_wait(t, automation_push_op(r, &u, 1, &a->commit->pack));
}

static void touch_done(struct op *op, void *arg)
{
	(void)arg;
	if (op->err.kind != ERR_NONE)
		log_debug(NULL, "cannot wake a GitRepository", LE(&op->err));
	op_free(op);
}

static void source_wake(void *arg, const struct source *src)
{
	const struct run *r = arg;

	log_debug(&r->log, "waking a GitRepository", LS("repository", src->name));
	op_then(touch_object(AUTOMATION_ENV(r)->touches, &source_resource, src->ns, src->name),
		touch_done, NULL);
}

/* It is at the remote. */
void automation_pushed(struct run *r, int64_t when_ms)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	char oid[GITC_OID_HEX];

	a->pushed = true;
	a->pushed_ms = when_ms;
	AUTOMATION_ITEM(r->item)->owes = true;
	automation_request_owe(r);
	a->head = a->sent;
	a->has_head = true;
	log_info(&r->log, "pushed commit", LS("revision", gitc_oid_format(&a->sent, oid)),
		LS("branch", a->push_branch), LU("files", a->edit ? a->edit->changed.len : 0),
		LU("tries", a->tries + 1));
	sources_of_branch(
		AUTOMATION_ENV(r)->sources, &a->source->url, a->push_branch, source_wake, r);
}

/* Others were there first, or nobody has said what became of it. */
static enum step_ret push_again(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);

	if (++a->tries >= LIMIT_AUTOMATION_TRIES)
		return automation_fail(r, "GitOperationFailed");
	log_info(&r->log, "others were ahead of the push", LU("try", a->tries), LE(&r->task.err));
	r->task.err = (struct err){0};
	automation_try_clear(a);
	return task_goto(&r->task, "again");
}

static void push_refused(struct run *r, const struct gitc_push_result *res)
{
	const struct gitc_pushed *u = &res->updates[0];

	err_set(&r->task.err, ERR_RETRY, "failed to push to branch '%.255s': %.300s%s%.500s",
		AUTOMATION_RUN(r)->push_branch, u->why ? u->why : "refused", *res->said ? ": " : "",
		res->said);
}

enum step_ret automation_push_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct gitc_push_result *res;

	if (t->op->err.kind != ERR_NONE) {
		(void)task_op_failed(t);
		err_wrap(&t->err, "failed to push to branch '%.255s'",
			AUTOMATION_RUN(r)->push_branch);
		if (t->err.code == GITC_AUTH_FAILED)
			err_append(&t->err, "; reading works");
		return t->err.code == GITC_PUSH_UNKNOWN ? push_again(r)
							: automation_fail(r, "GitOperationFailed");
	}
	res = gitc_push_result(t->op);
	if (res->ok) {
		automation_pushed(r, clock_wall_ms());
		return STEP_NEXT;
	}
	push_refused(r, res);
	return res->raced ? push_again(r) : automation_fail(r, "GitOperationFailed");
}
