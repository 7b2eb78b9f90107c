#include "git/pull.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/account.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "git/gitc.h"
#include "git/index.h"
#include "git/internal.h"
#include "git/link.h"
#include "git/objects.h"
#include "git/open.h"
#include "git/packin.h"
#include "git/reflist.h"
#include "git/server.h"
#include "git/target.h"

#include <errno.h>

#define WANTS_AT_ONCE 1000 /* are written on the loop */
#define BUFFER (240 * 1024) /* is full; two of them */
#define BUFFER_MAX (2 * BUFFER) /* a piece that came when it was nearly full is taken, too */

struct pull {
	struct task task;
	struct gitc_client *client;
	struct gitc_target target;
	char *key;
	struct gitc_oid *want;
	struct gitc_objects *base;
	struct gitc_oid have;
	struct gitc_packin_ask ask;
	uint64_t max_pack;
	const struct flight *flight;
	struct timer deadline; /* without a flight */
	bool overdue;
	uint64_t until_ms; /* until the answer begins */
	struct gitc_link *link;
	struct gitc_caps caps;
	bool remembered;
	struct gitc_reflist refs; /* v0: nobody asked for them */
	struct buf question;
	struct gitc_packin answer;
	uint64_t bytes; /* of the pack */
	/* The transfer fills one, the worker has the other one. */
	struct buf buffer[2];
	unsigned filling;
	bool paused;
	struct op *work;
	struct err work_err;
	struct op *grant; /* of the account, for the end */
	struct gitc_index *index;
	struct gitc_objects *objects;
	const struct buf *job; /* what the worker reads */
	bool is_commit; /* what was wanted, one object */
};

/* Those who wait with others have their own times. */
static enum step_ret pull_fail(struct pull *p, const struct err *err)
{
	struct err e = *err;

	if (e.code == -ENOSPC || e.code == -EDQUOT)
		gitc_client_drop_sets(p->client);
	if (p->overdue)
		err_code(&e, ERR_RETRY, -ETIMEDOUT, "overdue");
	gitc_target_blame(&p->target, "fetch", p->overdue || p->flight ? p->until_ms : 0, &e);
	return task_fail(&p->task, &e);
}

static void pull_overdue(void *arg)
{
	struct pull *p = arg;

	p->overdue = true;
	if (p->task.op)
		op_cancel(p->task.op);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static int add_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct pull *p = job;

	return gitc_index_add(p->index, p->job->p, p->job->len, stop, err);
}

static int end_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct pull *p = job;

	struct gitc_oid commit;
	struct err none = {0};

	if (gitc_index_end(p->index, &p->objects, stop, err))
		return -1;
	p->is_commit = p->ask.depth == 1 && p->ask.n_want == 1 &&
		!gitc_peel(p->objects, &p->want[0], &commit, &none) &&
		gitc_oid_equal(&commit, &p->want[0]);
	return 0;
}

/* The buffer that was filled is the worker's. */
static struct op *job_start(struct pull *p, work_fn *run)
{
	p->job = &p->buffer[p->filling];
	p->filling ^= 1;
	buf_reset(&p->buffer[p->filling]);
	/* A pack that was small until now is worked on in small steps; the last one, which puts
	   deltas together, takes as long as the pack is large. */
	return work_start_for(p->task.self.loop,
		run == end_run ? work_lane_of(p->bytes) : WORK_HEAVY, p->target.owner, run, NULL,
		p);
}

static void worked(struct op *op, void *arg);

static void hand_over(struct pull *p)
{
	p->work = job_start(p, add_run);
	op_then(p->work, worked, p);
}

static void worked(struct op *op, void *arg)
{
	struct pull *p = arg;
	bool asking = task_is_at(&p->task, "ask") && p->task.op;

	p->work = NULL;
	if (op->err.kind != ERR_NONE) {
		p->work_err = op->err;
		if (asking)
			op_cancel(p->task.op);
	} else if (p->buffer[p->filling].len >= BUFFER) {
		hand_over(p);
	}
	op_free(op);
	if (p->paused && asking) {
		p->paused = false;
		p->link->type->resume(p->task.op);
	}
}

/* ---- rows ------------------------------------------------------------------------------------ */

static void pull_link(struct pull *p, const char *base)
{
	if (p->link)
		p->link->type->free(p->link);
	p->link = gitc_link_new(p->client,
		&(struct gitc_link_req){.target = &p->target,
			.service = GITC_UPLOAD_PACK,
			.v2 = true,
			.base = base});
}

static enum step_ret recall_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);
	const struct gitc_server *s = gitc_server_get(p->client, p->key);
	struct err err = {0};

	if (!p->index) {
		err_code(&err, ERR_RETRY, -EROFS, "there is no folder for objects");
		return pull_fail(p, &err);
	}
	p->until_ms = gitc_target_until(&p->target);
	if (!p->flight)
		timer_set(&p->deadline, p->target.timeout_ms);
	p->client->stats.fetches++;
	if (s) {
		p->caps = s->caps;
		p->remembered = true;
	}
	pull_link(p, s ? s->base : NULL);
	return STEP_NEXT;
}

static enum step_ret open_start(struct task *t)
{
	static const char *const none[] = {NULL};
	struct pull *p = TASK(t, struct pull);

	if (p->remembered && p->link->type->stateless)
		return STEP_NEXT;
	gitc_reflist_clear(&p->refs);
	gitc_reflist_init(&p->refs, none, false);
	return task_wait(t,
		gitc_open_start(p->client, p->link, GITC_UPLOAD_PACK, &p->refs,
			gitc_target_left(p->until_ms)));
}

static enum step_ret open_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);
	struct err err = {0};

	if (t->op->err.kind != ERR_NONE)
		return pull_fail(p, &t->op->err);
	p->caps = *gitc_open_caps(t->op);
	p->remembered = false;
	if (gitc_caps_check_fetch(&p->caps, &err))
		return pull_fail(p, &err);
	gitc_server_learn(p->client, p->key, &p->caps, p->link);
	return STEP_NEXT;
}

static int on_pack(void *arg, const char *data, size_t n, struct err *err)
{
	struct pull *p = arg;

	p->bytes += n;
	p->client->stats.fetch_bytes += n;
	if (p->bytes > p->max_pack)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the pack has more than the %llu bytes that are allowed",
			(unsigned long long)p->max_pack);
	if (buf_add(&p->buffer[p->filling], data, n))
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the pack comes in pieces that are "
			"too large");
	return 0;
}

static enum gitc_feed on_data(void *arg, const char *data, size_t n, struct err *err)
{
	struct pull *p = arg;
	int rc = gitc_packin_feed(&p->answer, data, n, err);

	if (rc)
		return rc < 0 ? GITC_FEED_FAIL : GITC_FEED_END;
	if (p->buffer[p->filling].len < BUFFER)
		return GITC_FEED_MORE;
	if (!p->work) {
		hand_over(p);
		return GITC_FEED_MORE;
	}
	p->paused = true;
	return GITC_FEED_PAUSE;
}

static int word_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct pull *p = job;

	(void)stop;
	(void)err;
	gitc_packin_question(&p->question, &p->ask);
	return 0;
}

/* Of many wants the question has megabytes. */
static enum step_ret word_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	p->ask.caps = &p->caps;
	p->ask.have = NULL;
	if (p->base && p->caps.version == 2 && p->caps.shallow) {
		p->ask.have = &p->have;
		if (!p->objects)
			p->objects = gitc_objects_on(p->base);
	}
	buf_reset(&p->question);
	if (p->ask.n_want > WANTS_AT_ONCE)
		return task_wait(t,
			work_start_for(
				t->self.loop, WORK_HEAVY, p->target.owner, word_run, NULL, p));
	gitc_packin_question(&p->question, &p->ask);
	return STEP_NEXT;
}

static enum step_ret word_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	return t->op->err.kind != ERR_NONE ? pull_fail(p, &t->op->err) : STEP_NEXT;
}

static enum step_ret ask_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	gitc_packin_clear(&p->answer);
	gitc_packin_init(&p->answer, &p->ask);
	p->answer.on_pack = on_pack;
	p->answer.arg = p;
	return task_wait(t,
		p->link->type->talk(p->link,
			&(struct gitc_move){.head = &p->question,
				.on_data = on_data,
				.arg = p,
				/* bands and their lengths, progress, shallow commits */
				.max = p->max_pack + p->max_pack / 64 + 16 * LIMIT_MIB,
				.time_ms = gitc_target_left(p->until_ms),
				.stream = true}));
}

/* Who can filter need not know each filter, or not let each be used: one without blobs is known to
   all of them. */
static bool is_filter_refused(const struct pull *p, const struct err *err)
{
	return p->ask.no_trees && p->caps.filter && !p->bytes && err->code == GITC_PROTOCOL;
}

static enum step_ret ask_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);
	struct err err = t->op->err;

	p->paused = false;
	if (p->work_err.kind != ERR_NONE)
		return pull_fail(p, &p->work_err);
	if (err.kind == ERR_NONE && !gitc_packin_end(&p->answer, &err))
		return STEP_NEXT;
	if (err.kind == ERR_CANCELED)
		return pull_fail(p, &err);
	if (is_filter_refused(p, &err)) {
		p->ask.no_trees = false;
		p->ask.no_blobs = true;
		if (p->link->type->stateless)
			return task_goto(t, "word");
		pull_link(p, NULL);
		return task_goto(t, "open");
	}
	if (!gitc_server_is_stale(&err))
		return pull_fail(p, &err);
	gitc_server_forget(p->client, p->key);
	if (!p->remembered || p->bytes)
		return pull_fail(p, &err);
	p->remembered = false;
	pull_link(p, NULL);
	return task_goto(t, "open");
}

/* The worker has what came before. */
static enum step_ret drain_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	return p->work ? task_wait(t, MOVE(p->work)) : STEP_NEXT;
}

static enum step_ret drain_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	return t->op->err.kind != ERR_NONE ? pull_fail(p, &t->op->err) : STEP_NEXT;
}

/* And now the rest: how much memory its deltas take is known when all of it was looked at. */
static enum step_ret rest_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	return p->buffer[p->filling].len ? task_wait(t, job_start(p, add_run)) : STEP_NEXT;
}

static enum step_ret admit_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);
	uint64_t bytes = gitc_index_memory(p->index);
	const char *owner = p->target.owner;

	if (!p->client->account || bytes <= LIMIT_MEMORY_SLICE)
		return STEP_NEXT;
	return task_wait(
		t, account_take(p->client->account, ACCOUNT_JOBS, owner ? owner : "", bytes));
}

static enum step_ret admit_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	if (t->op->err.kind != ERR_NONE)
		return pull_fail(p, &t->op->err);
	p->grant = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret end_start(struct task *t)
{
	return task_wait(t, job_start(TASK(t, struct pull), end_run));
}

static enum step_ret end_resume(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	return t->op->err.kind != ERR_NONE ? pull_fail(p, &t->op->err) : STEP_NEXT;
}

/* The worker reads our buffers: whatever happened, it has to end first. */
static enum step_ret settle_start(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	timer_cancel(&p->deadline);
	if (!p->work)
		return STEP_NEXT;
	op_cancel(p->work);
	return task_wait(t, MOVE(p->work));
}

static enum step_ret settle_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void pull_free(struct task *t)
{
	struct pull *p = TASK(t, struct pull);

	BUG_IF(p->work);
	if (p->link)
		p->link->type->free(p->link);
	gitc_index_free(p->index);
	op_free(p->grant);
	gitc_objects_unref(p->objects);
	gitc_objects_unref(p->base);
	gitc_packin_clear(&p->answer);
	gitc_reflist_clear(&p->refs);
	gitc_target_clear(&p->target);
	buf_clear(&p->question);
	buf_clear(&p->buffer[0]);
	buf_clear(&p->buffer[1]);
	free(p->want);
	free(p->key);
	free(p);
}

static const struct log_ctx *pull_log(const struct task *t)
{
	return flight_log(TASK(t, struct pull)->flight);
}

struct op *gitc_pull_start(struct gitc_client *c, const struct gitc_pull_req *req)
{
	static const struct step steps[] = {
		{"recall", recall_start},
		{"open", open_start, open_resume},
		{"word", word_start, word_resume},
		{"ask", ask_start, ask_resume},
		{"drain", drain_start, drain_resume},
		{"rest", rest_start, drain_resume},
		{"admit", admit_start, admit_resume},
		{"end", end_start, end_resume},
		{0},
	};
	static const struct step last[] = {
		{"settle", settle_start, settle_resume, .always = true}, {0}};
	struct pull *p = NEW(struct pull);

	BUG_IF(!req->n_want || req->n_want > LIMIT_GIT_WANTS);
	p->client = c;
	gitc_target_init(&p->target, &req->target);
	p->key = gitc_target_key(&p->target);
	p->want = mem_dup(req->want, req->n_want * sizeof(*req->want));
	p->ask = (struct gitc_packin_ask){.agent = c->agent,
		.want = p->want,
		.n_want = req->n_want,
		.depth = req->depth,
		.no_blobs = req->no_blobs,
		.no_trees = req->no_trees};
	p->max_pack = req->max_pack ? req->max_pack : LIMIT_GIT_PACK;
	p->flight = req->flight;
	if (c->folder)
		p->index = gitc_index_new(c->folder,
			&(struct gitc_limits){.pack = p->max_pack, .objects = req->max_objects});
	p->objects = req->into ? gitc_objects_ref(req->into) : NULL;
	if (req->base) {
		p->base = gitc_objects_ref(req->base);
		p->have = *req->have;
	}
	buf_init(&p->question, BUF_ANY);
	buf_init(&p->buffer[0], BUFFER_MAX);
	buf_init(&p->buffer[1], BUFFER_MAX);
	timer_init(&p->deadline, c->loop, pull_overdue, p);
	task_init(&p->task, c->loop, "git pull", steps, last, pull_free);
	if (p->flight)
		p->task.log_fn = pull_log;
	return task_spawn(&p->task);
}

struct gitc_objects *gitc_pull_objects(const struct op *op)
{
	return TASK_OF_OP(op, struct pull)->objects;
}

bool gitc_pull_is_commit(const struct op *op)
{
	return TASK_OF_OP(op, struct pull)->is_commit;
}

void gitc_pull_disown(struct op *op)
{
	struct pull *p = TASK_OF_OP(op, struct pull);

	gitc_target_disown(&p->target);
	if (p->work)
		work_disown(p->work);
	else if ((task_is_at(&p->task, "word") || task_is_at(&p->task, "drain") ||
			 task_is_at(&p->task, "rest") || task_is_at(&p->task, "end")) &&
		p->task.op)
		work_disown(p->task.op);
}
