#include "oci/blob.h"

#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "ev/flight.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define BUFFER (256 * 1024) /* two of them for each large blob */
#define SLICE (64 * 1024)
/* a try that was cut by a deadline but brought so much is no silent registry */
#define PROGRESS (1024 * 1024)
#define FIRST_PAUSE_MS 200

struct blob {
	struct task task;
	struct oci_client *client;
	struct oci_route route;
	struct digest want;
	char *path, *what, *owner;
	const struct flight *flight;
	uint64_t size, max;
	unsigned tries;
	struct timer whole; /* all tries and pauses together */
	uint64_t whole_ms;
	bool overdue;
	uint64_t received; /* good bytes so far, written or not */
	uint64_t try_from; /* received when this try began */
	bool restart; /* the registry cannot go on in the middle */
	uint64_t pause_ms; /* before the next try; 0: none */
	struct digest_ctx hash;

	struct buf mem; /* a small blob */

	/* A large one. The transfer fills `filling`, the worker has the other one; a full one waits
	   for the worker. */
	int fd;
	char *buffer[2];
	size_t len[2];
	unsigned filling;
	size_t taken; /* of the bytes that curl will bring again after a pause */
	bool paused;
	struct op *work;
	struct err work_err;
	/* what the worker reads */
	const char *job_data;
	size_t job_len;
	uint64_t written;
};

static enum step_ret blob_fail(struct blob *b, const struct err *err)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err e = *err;

	err_wrap(&e, "%s of '%s'", b->what, oci_repo_format(b->route.target.repo, repo));
	return task_fail(&b->task, &e);
}

/* ---- the worker ------------------------------------------------------------------------------ */

static int blob_job_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct blob *b = job;
	size_t at, n;

	for (at = 0; at < b->job_len; at += n) {
		n = b->job_len - at < SLICE ? b->job_len - at : SLICE;
		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		digest_update(&b->hash, b->job_data + at, n);
		if (sys_pwrite_all(b->fd, b->job_data + at, n, b->written))
			return err_sys(err, "cannot write the blob to its file");
		b->written += n;
	}
	return 0;
}

static void blob_worked(struct op *op, void *arg);

/* Gives the buffer that was filled to the worker. */
static struct op *blob_job_start(struct blob *b)
{
	b->job_data = b->buffer[b->filling];
	b->job_len = b->len[b->filling];
	b->filling ^= 1;
	b->len[b->filling] = 0;
	return work_start_for(b->task.self.loop, WORK_HEAVY, b->owner, blob_job_run, NULL, b);
}

static void blob_hand_over(struct blob *b)
{
	b->work = blob_job_start(b);
	op_then(b->work, blob_worked, b);
}

static void blob_worked(struct op *op, void *arg)
{
	struct blob *b = arg;

	b->work = NULL;
	if (op->err.kind != ERR_NONE) {
		b->work_err = op->err;
		if (task_is_at(&b->task, "transfer") && b->task.op)
			op_cancel(b->task.op);
	} else if (b->len[b->filling] == BUFFER) {
		blob_hand_over(b);
	}
	op_free(op);
	if (b->paused && task_is_at(&b->task, "transfer") && b->task.op) {
		b->paused = false;
		oci_req_resume(b->task.op);
	}
}

/* ---- the transfer ---------------------------------------------------------------------------- */

/* "bytes 5-9/10" (RFC 9110 section 14.4): it must begin where we asked, and know the blob's size if
   it says one. */
static int blob_range_check(const struct blob *b, const char *text, struct err *err)
{
	unsigned long long from = 0, to = 0, total = 0;
	char end = 0;
	int n = text ? sscanf(text, "bytes %llu-%llu/%llu%c", &from, &to, &total, &end) : 0;

	if (n == 2 && !strcmp(text + strlen(text) - 2, "/*"))
		total = b->size;
	else if (n != 3)
		return err_set(err, ERR_RETRY,
			"the registry's answer to a range has no valid Content-Range");
	if (from != b->received || to < from || to >= b->size || total != b->size)
		return err_set(err, ERR_RETRY,
			"the registry was asked for bytes %llu to %llu of %llu and answers with "
			"%llu to %llu of %llu",
			(unsigned long long)b->received, (unsigned long long)b->size - 1,
			(unsigned long long)b->size, from, to, total);
	return 0;
}

static int blob_on_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct blob *b = arg;
	const char *length;

	b->taken = 0;
	b->paused = false;
	if (res->status == 206 && b->received)
		return blob_range_check(b, http_header(res, "Content-Range"), err);
	if (res->status != 200)
		return err_code(err, ERR_RETRY, res->status,
			"the registry answered %d where a blob was expected", res->status);
	length = http_header(res, "Content-Length");
	if (length && strtoull(length, NULL, 10) != b->size)
		return err_set(err, ERR_RETRY,
			"the registry announces %.20s bytes, the manifest says %llu", length,
			(unsigned long long)b->size);
	if (!b->received)
		return 0;
	/* What is in the buffers and with the worker must go first. */
	b->restart = true;
	return err_set(err, ERR_RETRY, "the registry cannot go on in the middle of a blob");
}

static enum http_body_ret blob_to_memory(
	struct blob *b, const char *data, size_t n, struct err *err)
{
	if (buf_add(&b->mem, data, n)) {
		err_set(err, ERR_RETRY, "it is larger than the %llu bytes that the manifest says",
			(unsigned long long)b->size);
		return HTTP_BODY_FAIL;
	}
	b->received += n;
	return HTTP_BODY_OK;
}

static enum http_body_ret blob_on_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct blob *b = arg;

	if (b->taken >= n) {
		b->taken -= n; /* brought again in smaller pieces */
		return HTTP_BODY_OK;
	}
	if (n - b->taken > b->size - b->received) {
		err_set(err, ERR_RETRY, "it is larger than the %llu bytes that the manifest says",
			(unsigned long long)b->size);
		return HTTP_BODY_FAIL;
	}
	if (b->fd < 0)
		return blob_to_memory(b, data, n, err);
	while (b->taken < n) {
		size_t room = BUFFER - b->len[b->filling], left = n - b->taken;

		if (!room) {
			if (b->work) {
				b->paused = true;
				return HTTP_BODY_PAUSE;
			}
			blob_hand_over(b);
			continue;
		}
		if (room > left)
			room = left;
		memcpy(b->buffer[b->filling] + b->len[b->filling], data + b->taken, room);
		b->len[b->filling] += room;
		b->taken += room;
		b->received += room;
	}
	b->taken = 0;
	if (b->len[b->filling] == BUFFER && !b->work)
		blob_hand_over(b);
	return HTTP_BODY_OK;
}

/* Is it worth to go on where this try ended? */
static bool blob_broken_off(const struct blob *b, const struct err *err)
{
	if (!b->received || b->tries >= LIMIT_BLOB_TRIES)
		return false;
	switch (err->code) {
	case -ETIMEDOUT:
		return b->received - b->try_from >= PROGRESS;
	case -EFBIG:
	case -EPROTO:
	case -ENOMEM:
	case 0:
		return false;
	default:
		return err->code < 0 || err->code == 500 || err->code == 502 || err->code == 504;
	}
}

/* A layer that drips just above the rates of its tries would hold what others wait for. */
static void blob_overdue(void *arg)
{
	struct blob *b = arg;

	b->overdue = true;
	if (b->task.op)
		op_cancel(b->task.op);
}

/* From the beginning at the next one: what a mirror sent so far may be wrong. */
static enum step_ret blob_move_on(struct blob *b)
{
	b->restart = true;
	b->tries = 0;
	b->overdue = false;
	timer_set(&b->whole, b->whole_ms);
	return task_goto(&b->task, "restart");
}

/* It failed where it was asked. */
static enum step_ret blob_failed(struct blob *b, const struct err *why)
{
	struct err err = *why;

	return oci_route_next(&b->route, task_log(&b->task), &err) ? blob_move_on(b)
								   : task_fail(&b->task, &err);
}

/* In per cent, because the same failure must have the same words each time. */
static enum step_ret blob_fail_overdue(struct blob *b)
{
	char text[TIME_TEXT_MAX];
	uint64_t percent = b->size ? b->received * 100 / b->size : 0;
	struct err err = {0};

	err_code(&err, ERR_RETRY, -ETIMEDOUT, "only %llu %% of its %llu bytes came within %s",
		(unsigned long long)percent, (unsigned long long)b->size,
		time_format_duration((int64_t)b->whole_ms, text));
	if (oci_route_next(&b->route, task_log(&b->task), &err))
		return blob_move_on(b);
	return blob_fail(b, &err);
}

/* Whatever ends a row that waited, and is not that row's own business. False: nothing. */
static bool blob_interrupted(struct blob *b, enum step_ret *ret)
{
	const struct err *err = &b->task.op->err;

	if (b->work_err.kind != ERR_NONE)
		*ret = blob_fail(b, &b->work_err);
	else if (b->overdue)
		*ret = blob_fail_overdue(b);
	else if (err->kind == ERR_CANCELED)
		*ret = task_fail(&b->task, err);
	else
		return false;
	return true;
}

static enum step_ret begin_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);
	struct err err = {0};

	if (b->size > b->max) {
		err_set(&err, ERR_RETRY, "it has %llu bytes, more than the %llu that are allowed",
			(unsigned long long)b->size, (unsigned long long)b->max);
		return blob_fail(b, &err);
	}
	BUG_IF(oci_blob_needs_file(b->size) && b->fd < 0);
	digest_ctx_init(&b->hash, b->want.algo);
	if (oci_blob_needs_file(b->size)) {
		b->buffer[0] = mem_alloc(BUFFER);
		b->buffer[1] = mem_alloc(BUFFER);
	} else {
		b->fd = -1;
	}
	b->whole_ms = LIMIT_BLOB_BASE_MS + b->size * 1000 / LIMIT_BLOB_WHOLE_RATE;
	timer_set(&b->whole, b->whole_ms);
	return STEP_NEXT;
}

static enum step_ret blob_begin_again(struct blob *b)
{
	b->restart = false;
	b->received = b->written = 0;
	buf_reset(&b->mem);
	b->len[0] = b->len[1] = 0;
	digest_ctx_init(&b->hash, b->want.algo);
	return STEP_NEXT;
}

/* Nothing of what came counts any more, and the worker has to end before its buffers are filled
   anew. */
static enum step_ret restart_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);

	if (!b->restart)
		return STEP_NEXT;
	return b->work ? task_wait(t, MOVE(b->work)) : blob_begin_again(b);
}

static enum step_ret restart_resume(struct task *t)
{
	struct blob *b = TASK(t, struct blob);
	enum step_ret ret;

	if (blob_interrupted(b, &ret))
		return ret;
	return t->op->err.kind == ERR_NONE ? blob_begin_again(b) : blob_fail(b, &t->op->err);
}

static enum step_ret blob_pause_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);

	if (!b->pause_ms)
		return STEP_NEXT;
	return task_wait(t, sleep_start(t->self.loop, b->pause_ms));
}

static enum step_ret blob_pause_resume(struct task *t)
{
	struct blob *b = TASK(t, struct blob);
	enum step_ret ret;

	b->pause_ms = 0;
	return blob_interrupted(b, &ret) ? ret : STEP_NEXT;
}

static enum step_ret transfer_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);
	char range[64];
	struct http_hdr hdrs[] = {{"Range", range}, {NULL, NULL}};
	struct oci_req req = {
		.kind = OCI_KIND_BLOB,
		.method = "GET",
		.path = b->path,
		.what = b->what,
		.on_headers = blob_on_headers,
		.on_body = blob_on_body,
		.arg = b,
		.max_body = b->size + 1, /* the byte too many is ours to notice */
		.stream = true,
		.once = b->received,
	};

	if (b->received) {
		snprintf(range, sizeof(range), "bytes=%llu-", (unsigned long long)b->received);
		req.hdrs = hdrs;
		oci_client_counters(b->client)->blob_resumes++;
	}
	b->tries++;
	b->try_from = b->received;
	return task_wait(t, oci_route_ask(&b->route, &req));
}

static enum step_ret transfer_resume(struct task *t)
{
	struct blob *b = TASK(t, struct blob);
	struct err err = t->op->err;
	enum step_ret ret;

	if (blob_interrupted(b, &ret))
		return ret;
	oci_client_counters(b->client)->blob_bytes += b->received - b->try_from;
	if (b->restart && b->tries < LIMIT_BLOB_TRIES)
		return task_goto(t, "restart");
	if (err.kind != ERR_NONE && !blob_broken_off(b, &err))
		return blob_failed(b, &err);
	/* Behind the last byte there is nothing to ask for; the digest says whether it is the
	   blob. */
	if (err.kind != ERR_NONE && b->received < b->size) {
		b->pause_ms = (uint64_t)FIRST_PAUSE_MS << (b->tries - 1);
		return task_goto(t, "pause");
	}
	if (b->received < b->size && b->received > b->try_from && b->tries < LIMIT_BLOB_TRIES &&
		oci_req_result(t->op)->status == 206)
		return STEP_AGAIN; /* a server may send less than the range that was asked for */
	if (b->received < b->size) {
		err_set(&err, ERR_RETRY,
			"it ended after %llu of the %llu bytes that the manifest says",
			(unsigned long long)b->received, (unsigned long long)b->size);
		if (oci_route_lied(&b->route, task_log(t), &err))
			return blob_move_on(b);
		return blob_fail(b, &err);
	}
	timer_cancel(&b->whole);
	return STEP_NEXT;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* What is still in the buffers goes to the worker. */
static enum step_ret drain_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);

	if (b->work)
		return task_wait(t, MOVE(b->work));
	if (b->fd >= 0 && b->len[b->filling])
		return task_wait(t, blob_job_start(b));
	return STEP_NEXT;
}

static enum step_ret drain_resume(struct task *t)
{
	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	if (t->op->err.kind != ERR_NONE)
		return blob_fail(TASK(t, struct blob), &t->op->err);
	return drain_start(t);
}

static enum step_ret blob_check_start(struct task *t)
{
	char want[DIGEST_TEXT_MAX], real[DIGEST_TEXT_MAX];
	struct blob *b = TASK(t, struct blob);
	struct digest got;
	struct err err = {0};

	if (b->fd < 0)
		digest_update(&b->hash, buf_str(&b->mem), b->mem.len);
	digest_final(&b->hash, &got);
	if (digest_equal(&got, &b->want))
		return STEP_NEXT;
	err_set(&err, ERR_RETRY, "the digest of what the registry sent is '%s', not '%s'",
		digest_format(&got, real), digest_format(&b->want, want));
	if (oci_route_lied(&b->route, task_log(t), &err))
		return blob_move_on(b);
	return blob_fail(b, &err);
}

/* The worker reads our buffers: whatever happened, it has to end first. */
static enum step_ret settle_start(struct task *t)
{
	struct blob *b = TASK(t, struct blob);

	timer_cancel(&b->whole);
	if (!b->work)
		return STEP_NEXT;
	op_cancel(b->work);
	return task_wait(t, MOVE(b->work));
}

static enum step_ret settle_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static void blob_free(struct task *t)
{
	struct blob *b = TASK(t, struct blob);

	BUG_IF(b->work);
	oci_route_clear(&b->route);
	digest_ctx_clear(&b->hash);
	buf_clear(&b->mem);
	free(b->buffer[0]);
	free(b->buffer[1]);
	free(b->path);
	free(b->what);
	free(b->owner);
	free(b);
}

static const struct log_ctx *blob_log(const struct task *t)
{
	return flight_log(TASK(t, struct blob)->flight);
}

struct op *oci_blob_start(struct oci_client *c, const struct oci_blob_req *req)
{
	static const struct step steps[] = {
		{"begin", begin_start},
		{"restart", restart_start, restart_resume},
		{"pause", blob_pause_start, blob_pause_resume},
		{"transfer", transfer_start, transfer_resume}, /* until all bytes are there */
		{"drain", drain_start, drain_resume},
		{"check", blob_check_start},
		{0},
	};
	static const struct step last[] = {
		{"settle", settle_start, settle_resume, .always = true}, {0}};
	struct blob *b = NEW(struct blob);
	char text[DIGEST_TEXT_MAX];

	b->client = c;
	oci_route_init(&b->route, c, &req->target);
	b->want = req->blob->digest;
	b->size = req->blob->size;
	b->fd = req->fd;
	b->max = req->max ? req->max : LIMIT_BLOB;
	b->owner = mem_strdup(req->owner);
	b->flight = req->flight;
	digest_format(&b->want, text);
	b->path = mem_printf("blobs/%s", text);
	b->what = mem_printf("blob '%s'", text);
	buf_init(&b->mem, LIMIT_BLOB_IN_MEMORY);
	timer_init(&b->whole, oci_client_loop(c), blob_overdue, b);
	task_init(&b->task, oci_client_loop(c), "blob", steps, last, blob_free);
	if (b->flight)
		b->task.log_fn = blob_log;
	return task_spawn(&b->task);
}

struct buf *oci_blob_mem(struct op *op)
{
	struct blob *b = TASK_OF_OP(op, struct blob);

	return b->fd < 0 ? &b->mem : NULL;
}

void oci_blob_disown(struct op *op)
{
	struct blob *b = TASK_OF_OP(op, struct blob);

	free(MOVE(b->owner));
	if (b->work)
		work_disown(b->work);
	else if (task_is_at(&b->task, "drain") && b->task.op)
		work_disown(b->task.op);
}
