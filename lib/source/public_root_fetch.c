#include "source/public_root_fetch.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "http/client.h"
#include "http/url.h"
#include "source/public_root_kept.h"
#include "verify/trusted_root.h"
#include "verify/tuf.h"

#include <errno.h>

struct fetch {
	struct task task;
	struct http_client *http;
	char *url, *dir;
	struct verify_tuf *tuf;
	uint64_t until_ms; /* on clock_ms() */
	struct verify_tuf_want want;
	struct op *answer; /* done; NULL: there is no such file */
	struct verify_root *root;
	struct err kept;
};

/* ---- asking ---------------------------------------------------------------------------------- */

static enum step_ret ask_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	auto_free char *url = NULL;
	uint64_t now = clock_ms();
	struct err err = {0};

	BUG_IF(!verify_tuf_wants(f->tuf, &f->want));
	if (now >= f->until_ms) {
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "%s: no time is left to ask for it",
			f->want.name);
		return task_fail(t, &err);
	}
	url = mem_printf("%s/%s", f->url, f->want.path);
	return task_wait(t,
		http_start(f->http,
			&(struct http_req){.method = "GET",
				.url = url,
				.connect_ms = LIMIT_TUF_CONNECT_MS,
				.deadline_ms = f->until_ms - now < LIMIT_TUF_REQUEST_MS
					? f->until_ms - now
					: LIMIT_TUF_REQUEST_MS,
				.max_body = f->want.max}));
}

/* Stores of files answer 403 to those who may not list what there is. */
static bool says_none(const struct fetch *f, int status)
{
	return status == 404 || (status == 403 && f->want.optional);
}

static enum step_ret ask_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	const struct http_res *res = http_result(t->op);

	if (task_op_failed(t)) {
		t->err.kind = ERR_RETRY;
		if (t->err.code == -EFBIG)
			t->err.code = 0; /* somebody has answered, at length */
		err_wrap(&t->err, "%s", f->want.name);
		return STEP_FAIL;
	}
	if (res->status == 200) {
		f->answer = MOVE(t->op);
		return STEP_NEXT;
	}
	if (says_none(f, res->status))
		return STEP_NEXT;
	err_code(&t->err, ERR_RETRY, res->status, "%s: '%s' answered %d", f->want.name, f->url,
		res->status);
	return STEP_FAIL;
}

/* ---- proving --------------------------------------------------------------------------------- */

static int prove_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct fetch *f = job;
	const struct buf *body = f->answer ? &http_result(f->answer)->body : NULL;
	struct verify_tuf_want next;
	const struct buf *target;

	(void)stop; /* half a megabyte, and some signatures */
	if (!body)
		return verify_tuf_lacks(f->tuf, err);
	if (verify_tuf_give(f->tuf, buf_str(body), body->len, err))
		return -1;
	if (f->dir && f->kept.kind == ERR_NONE)
		(void)!public_root_kept_write(
			f->dir, f->want.name, buf_str(body), body->len, &f->kept);
	if (verify_tuf_wants(f->tuf, &next))
		return 0;
	target = verify_tuf_target(f->tuf);
	return verify_root_parse(&f->root, buf_str(target), target->len, err)
		? err_wrap(err, "trusted_root.json")
		: 0;
}

static enum step_ret prove_start(struct task *t)
{
	return task_wait(
		t, work_start(t->self.loop, WORK_SHORT, prove_run, NULL, TASK(t, struct fetch)));
}

static enum step_ret prove_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (task_op_failed(t))
		return STEP_FAIL;
	op_free(MOVE(f->answer));
	return f->root ? STEP_DONE : task_goto(t, "ask");
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	op_free(f->answer);
	verify_tuf_free(f->tuf);
	verify_root_unref(f->root);
	free(f->url);
	free(f->dir);
	free(f);
}

struct op *public_root_fetch_start(struct loop *l, struct http_client *http, const char *url,
	const char *dir, struct verify_tuf *t)
{
	static const struct step steps[] = {
		{"ask", ask_start, ask_resume},
		{"prove", prove_start, prove_resume}, /* done, or back to "ask" */
		{0},
	};
	struct fetch *f = NEW(struct fetch);

	f->http = http;
	f->url = mem_strdup(url);
	f->dir = mem_strdup(dir);
	f->tuf = t;
	f->until_ms = clock_ms() + LIMIT_TUF_REFRESH_MS;
	verify_tuf_begin(t, clock_wall_ms());
	task_init(&f->task, l, "trusted root", steps, NULL, fetch_free);
	return task_spawn(&f->task);
}

struct verify_tuf *public_root_fetch_take(
	struct op *op, struct verify_root **root, struct err *kept)
{
	struct fetch *f = TASK_OF_OP(op, struct fetch);

	*root = MOVE(f->root);
	*kept = f->kept;
	return MOVE(f->tuf);
}
