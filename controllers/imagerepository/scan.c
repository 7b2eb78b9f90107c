#include "controllers/imagerepository/scan.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "cloud/cloud.h"
#include "ctl/controller.h"
#include "ctl/status.h"
#include "ev/account.h"
#include "ev/work.h"
#include "oci/identity.h"
#include "oci/registry.h"
#include "oci/tags.h"
#include "source/provider.h"

#include <stdio.h>
#include <string.h>

/* What takes longer says so. */
#define SLOW_ANSWER_MS 10000

/* ---- the time that it has -------------------------------------------------------------------- */

/* It spans login and scan: what is on its way ends. */
static void scan_late(void *arg)
{
	struct imagerepository_run *i = arg;

	i->late = true;
	if (i->run.task.op)
		op_cancel(i->run.task.op);
}

static uint64_t time_left(const struct imagerepository_run *i)
{
	uint64_t now = clock_ms();

	/* 0 would mean another time. */
	return i->until_ms > now ? i->until_ms - now : 1;
}

static bool scan_is_late(struct run *r)
{
	char text[TIME_TEXT_MAX];

	if (!IMAGE_RUN(r)->late || r->task.self.cancelled)
		return false;
	err_set(&r->task.err, ERR_RETRY, "no answer within the timeout of %s",
		time_format_duration(IMAGE_SPEC(r)->timeout_ms, text));
	return true;
}

/* ---- what is left out ------------------------------------------------------------------------ */

struct compile {
	struct image_exclude exclude;
	struct image_filter filter;
};

static int compile_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct compile *c = arg;

	(void)stop;
	return image_filter_init(&c->filter, &c->exclude, err);
}

static void compile_free(void *arg)
{
	struct compile *c = arg;

	image_exclude_clear(&c->exclude);
	image_filter_clear(&c->filter);
	free(c);
}

enum step_ret scan_filter_start(struct task *t)
{
	struct run *r = RUN(t);
	struct compile *c;

	if (!IMAGE_RUN(r)->why)
		return STEP_NEXT;
	c = NEW(struct compile);
	image_exclude_copy(&c->exclude, &IMAGE_SPEC(r)->exclude);
	return task_wait(
		t, work_start_for(t->self.loop, WORK_HEAVY, r->ns, compile_run, compile_free, c));
}

enum step_ret scan_filter_resume(struct task *t)
{
	struct imagerepository_run *i = IMAGE_RUN(RUN(t));
	struct compile *c = work_job(t->op);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "scan failed");
		return run_fail(RUN(t), NULL, "ReadOperationFailed");
	}
	i->filter = c->filter;
	c->filter = (struct image_filter){0};
	return STEP_NEXT;
}

/* ---- as whom --------------------------------------------------------------------------------- */

/* Before anything is read: pull Secrets would be no way around it. */
enum step_ret scan_provider_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (!i->why)
		return STEP_NEXT;
	i->until_ms = clock_ms() + (uint64_t)IMAGE_SPEC(r)->timeout_ms;
	timer_init(&i->timer, t->self.loop, scan_late, i);
	timer_set(&i->timer, (uint64_t)IMAGE_SPEC(r)->timeout_ms);
	i->login.refs = IMAGE_SPEC(r)->login;
	return login_check_provider(r, &i->login, i->where.host, &IMAGE_ENV(r->c)->registry);
}

enum step_ret scan_credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (!i->why)
		return STEP_NEXT;
	i->login.timeout_ms = time_left(i);
	return login_start(r, &i->login, &IMAGE_ENV(r->c)->registry);
}

enum step_ret scan_credentials_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (t->op->err.kind != ERR_NONE && scan_is_late(r)) {
		err_wrap(&t->err, "failed to get credential");
		return run_fail(r, NULL, "AuthenticationFailed");
	}
	return login_resume(r, &i->login, IMAGE_SPEC(r)->image, &IMAGE_ENV(r->c)->registry);
}

enum step_ret scan_reread_start(struct task *t)
{
	struct run *r = RUN(t);

	timer_cancel(&IMAGE_RUN(r)->timer);
	return login_reread_start(r, &IMAGE_RUN(r)->login, &IMAGE_ENV(r->c)->registry);
}

enum step_ret scan_reread_resume(struct task *t)
{
	struct run *r = RUN(t);

	return login_reread_resume(r, &IMAGE_RUN(r)->login, &IMAGE_ENV(r->c)->registry);
}

/* ---- the list -------------------------------------------------------------------------------- */

/* A list takes as much as the registry likes: most are short, and need nobody's leave. One that
   turns out to be longer is asked for again, with more room. */
enum step_ret scan_memory_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);
	uint64_t budget = IMAGE_ITEM(r->item)->budget;

	if (!i->why)
		return STEP_NEXT;
	op_free(MOVE(i->grant));
	image_tags_list_clear(&i->list);
	image_tags_list_init(&i->list, budget ? budget : LIMIT_MEMORY_FREE);
	if (!budget || !IMAGE_ENV(r->c)->account)
		return STEP_NEXT;
	/* The timeout is the registry's, and this wait is not. */
	i->left_ms = time_left(i);
	timer_cancel(&i->timer);
	/* What grows has up to twice the room that it uses. */
	return task_wait(
		t, account_take(IMAGE_ENV(r->c)->account, ACCOUNT_BODIES, r->ns, 2 * budget));
}

/* What is asked of the registry failed. */
static enum step_ret scan_failed(struct run *r)
{
	struct err *err = &r->task.err;
	const char *provider = NULL;
	bool refused = err->code == 401 || err->code == 403;

	if (err->code == OCI_LOGIN_FAILED)
		return run_fail(r, NULL, "AuthenticationFailed");
	err_wrap(err, "scan failed");
	if (refused && !IMAGE_SPEC(r)->login.provider)
		provider = provider_hint(IMAGE_ENV(r->c)->registry.cloud, IMAGE_RUN(r)->where.host);
	if (provider)
		err_append(err, "; spec.provider: %s would log in as the controller", provider);
	return run_fail(r, NULL, "ReadOperationFailed");
}

enum step_ret scan_memory_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (task_op_failed(t))
		return scan_failed(r);
	i->grant = MOVE(t->op);
	i->until_ms = clock_ms() + i->left_ms;
	timer_set(&i->timer, i->left_ms);
	return STEP_NEXT;
}

/* ---- how fast it comes ----------------------------------------------------------------------- */

/* As of a body that the client of HTTP keeps: whoever holds memory of the account that others wait
   for does so for no longer than the list takes at that rate. */
static void pace_due(void *arg)
{
	struct imagerepository_run *i = arg;
	uint64_t bytes = oci_tags_result(i->run.task.op)->bytes;
	uint64_t least = LIMIT_MEMORY_RATE * LIMIT_MEMORY_RATE_MS / 1000;
	struct account_stats s;

	account_stats(IMAGE_ENV(i->run.c)->account, ACCOUNT_BODIES, &s);
	if (!s.waiting || bytes >= i->paced + least) {
		i->paced = bytes;
		timer_set(&i->pace, LIMIT_MEMORY_RATE_MS);
		return;
	}
	i->slow = true;
	op_cancel(i->run.task.op);
}

static bool scan_is_slow(struct run *r)
{
	char text[TIME_TEXT_MAX];

	if (!IMAGE_RUN(r)->slow || r->task.self.cancelled)
		return false;
	err_set(&r->task.err, ERR_RETRY,
		"the list of tags came with less than %llu KiB a second over %s, and others wait "
		"for the memory that it holds",
		(unsigned long long)(LIMIT_MEMORY_RATE / LIMIT_KIB),
		time_format_duration(LIMIT_MEMORY_RATE_MS, text));
	return true;
}

static int tag_add(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	struct imagerepository_run *i = arg;

	(void)verdict;
	if (!image_tags_list_add(&i->list, tag, err))
		return 0;
	i->over = true;
	return -1;
}

enum step_ret scan_tags_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (!i->why)
		return STEP_NEXT;
	i->over = i->slow = false;
	i->since_ms = clock_ms();
	IMAGE_ITEM(r->item)->pushed = false;
	image_catalog_scan_begins(IMAGE_ENV(r->c)->catalog, r->ns, r->name);
	status_progress_after(r, SLOW_ANSWER_MS);
	if (i->grant) {
		timer_init(&i->pace, t->self.loop, pace_due, i);
		i->paced = 0;
		timer_set(&i->pace, LIMIT_MEMORY_RATE_MS);
	}
	return task_wait(t,
		oci_tags_start(IMAGE_ENV(r->c)->registry.oci,
			&(struct oci_tags_req){
				.target = {&i->where, i->login.identity, time_left(i)},
				.each = tag_add,
				.arg = i}));
}

/* More room, if there can be more. */
static bool budget_grows(struct run *r)
{
	struct imagerepository_item *item = IMAGE_ITEM(r->item);
	uint64_t now = IMAGE_RUN(r)->list.budget;

	if (now >= LIMIT_TAGS_MEMORY)
		return false;
	item->budget = now * 8 < LIMIT_TAGS_MEMORY ? now * 8 : LIMIT_TAGS_MEMORY;
	return true;
}

/* What the next list needs: this one, and some more. */
static void budget_settle(struct run *r)
{
	struct imagerepository_item *item = IMAGE_ITEM(r->item);
	uint64_t used = image_tags_list_size(&IMAGE_RUN(r)->list);

	if (!item->budget)
		return;
	used += used / 4;
	if (used < LIMIT_MEMORY_FREE)
		item->budget = 0;
	else if (used < item->budget)
		item->budget = used;
}

enum step_ret scan_tags_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	status_progress_end(r);
	timer_cancel(&i->pace);
	if (!task_op_failed(t)) {
		budget_settle(r);
		return STEP_NEXT;
	}
	if (i->over && !t->self.cancelled && budget_grows(r)) {
		t->err = (struct err){0};
		return task_goto(t, "memory");
	}
	if (i->over)
		err_set(&t->err, ERR_RETRY,
			"the tags of '%.300s' take more than the %llu bytes that are there for a "
			"list",
			IMAGE_SPEC(r)->image, (unsigned long long)LIMIT_TAGS_MEMORY);
	(void)(scan_is_late(r) || scan_is_slow(r));
	return scan_failed(r);
}

/* ---- the file -------------------------------------------------------------------------------- */

enum step_ret scan_write_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);
	struct image_tags_head head = {
		.excluded = IMAGE_SPEC(r)->excluded, .scanned_ms = clock_wall_ms()};

	if (!i->why)
		return STEP_NEXT;
	timer_cancel(&i->timer);
	oci_repo_format(&i->where, head.image);
	return task_wait(t,
		image_catalog_write_start(IMAGE_ENV(r->c)->catalog, r->ns, r->name, &i->list,
			&i->filter, &head, i->since_ms));
}

enum step_ret scan_write_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagerepository_run *i = IMAGE_RUN(r);

	if (task_op_failed(t) && t->err.code >= 0)
		return scan_failed(r);
	if (t->err.kind != ERR_NONE) {
		err_wrap(&t->err, "failed to store the tags of '%.300s'", IMAGE_SPEC(r)->image);
		return run_fail(r, NULL, "Failure");
	}
	i->written = MOVE(t->op);
	return STEP_NEXT;
}

void scan_clear(struct imagerepository_run *i)
{
	timer_cancel(&i->timer);
	timer_cancel(&i->pace);
	op_free(i->grant);
	op_free(i->written);
	image_tags_list_clear(&i->list);
	image_filter_clear(&i->filter);
	login_clear(&i->login);
}
