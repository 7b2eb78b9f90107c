#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/task.h"
#include "ev/work.h"
#include "http/client.h"
#include "kube/client.h"
#include "serve/urls.h"
#include "source/peers_internal.h"
#include "store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Of the memory for one file; each is an answer of its own. */
#define SLICE (1024 * 1024)
#define CONNECT_MS 1000
#define HEADERS_MS 3000
#define SLICE_MS 12000 /* a whole one, after its headers */

struct fetch {
	struct task task;
	struct peers *peers;
	struct store *store;
	char *path, *owner;
	struct digest want;
	uint64_t size;
	peers_order order;
	size_t next; /* of order */
	struct peers_wait wait;
	struct store_temp temp; /* of a large file */
	struct buf mem; /* of a small one */
	uint64_t at; /* bytes that are there */
	uint64_t asked_ms; /* since when the one of now is asked */
	struct digest_ctx hash;
	struct buf slice; /* what the worker writes */
};

static const char *fetch_address(const struct fetch *f)
{
	return f->order.p[f->next - 1];
}

/* ---- one after the other --------------------------------------------------------------------- */

/* At the start files are missed before the first list is here. */
static enum step_ret known_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	return peers_wait_start(f->peers, &f->wait, t) ? task_pause(t) : STEP_NEXT;
}

static enum step_ret known_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step_ret order_start(struct task *t)
{
	peers_order_new(TASK(t, struct fetch)->peers, &TASK(t, struct fetch)->order);
	return STEP_NEXT;
}

static enum step_ret temp_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	return f->size > LIMIT_BLOB_IN_MEMORY ? task_wait(t, store_temp_start(f->store))
					      : STEP_NEXT;
}

static enum step_ret temp_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	TASK(t, struct fetch)->temp = store_temp_take(t->op);
	return STEP_NEXT;
}

static enum step_ret peer_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct err err = {0};

	if (f->next == f->order.len || !f->size) {
		f->peers->stats.failed++;
		err_set(&err, ERR_RETRY, "no other replica has '%s'", f->path);
		return task_fail(t, &err);
	}
	f->next++;
	f->at = 0;
	buf_reset(&f->mem);
	digest_ctx_init(&f->hash, f->want.algo);
	return STEP_NEXT;
}

/* ---- a slice --------------------------------------------------------------------------------- */

static uint64_t slice_len(const struct fetch *f)
{
	return f->size - f->at < SLICE ? f->size - f->at : SLICE;
}

static enum step_ret ask_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	const struct serve_urls *urls = f->peers->opts.urls;
	char path[SERVE_URL_PATH_MAX];
	auto_free char *url = mem_printf("http://%s/%s", fetch_address(f),
		urls ? serve_urls_path(urls, f->path, path) : f->path);
	char range[64], match[DIGEST_TEXT_MAX + 2], digest[DIGEST_TEXT_MAX];
	const struct http_hdr hdrs[] = {
		{"Range", range}, {"If-Match", match}, {"Prefer", "wait=0"}, {NULL, NULL}};
	const struct http_proxy proxy = {.none = true};

	f->asked_ms = clock_ms();
	snprintf(range, sizeof(range), "bytes=%llu-%llu", (unsigned long long)f->at,
		(unsigned long long)(f->at + slice_len(f) - 1));
	snprintf(match, sizeof(match), "\"%s\"", digest_format(&f->want, digest));
	return task_wait(t,
		http_start(f->peers->opts.http,
			&(struct http_req){.method = "GET",
				.url = url,
				.display = f->path,
				.hdrs = hdrs,
				.proxy = &proxy,
				.max_body = slice_len(f),
				.deadline_ms = HEADERS_MS + SLICE_MS * slice_len(f) / SLICE,
				.connect_ms = CONNECT_MS,
				.headers_ms = HEADERS_MS}));
}

/* RFC 9110 section 14.4: this part, of a file of this size. */
static bool slice_is_ours(struct fetch *f, const struct http_res *res)
{
	const char *range = http_header(res, "Content-Range");
	char want[96];

	snprintf(want, sizeof(want), "bytes %llu-%llu/%llu", (unsigned long long)f->at,
		(unsigned long long)(f->at + slice_len(f) - 1), (unsigned long long)f->size);
	return res->status == 206 && range && !strcmp(range, want) && res->body.len == slice_len(f);
}

/* Who has waited for a connection all the time, in line behind others, has learned nothing. */
static void ask_failed(struct fetch *f, const struct http_res *res, int code)
{
	if (code != -ETIMEDOUT || (!res->has_peer && clock_ms() - f->asked_ms < HEADERS_MS))
		peers_put_aside(f->peers, fetch_address(f));
	else if (res->has_peer)
		peers_heard(f->peers, fetch_address(f), false);
}

static enum step_ret ask_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct http_res *res = (struct http_res *)(uintptr_t)http_result(t->op);

	if (t->op->err.kind != ERR_NONE) {
		log_debug(task_log(t), "a replica does not answer", LS("replica", fetch_address(f)),
			LE(&t->op->err));
		ask_failed(f, res, t->op->err.code);
		return task_goto(t, "peer");
	}
	peers_heard(f->peers, fetch_address(f), true);
	if (!slice_is_ours(f, res)) {
		log_debug(task_log(t), "a replica does not have the file",
			LS("replica", fetch_address(f)), LI("status", res->status));
		return task_goto(t, "peer");
	}
	buf_clear(&f->slice);
	f->slice = res->body;
	res->body = BUF_INIT(0);
	return STEP_NEXT;
}

/* ---- to where it belongs --------------------------------------------------------------------- */

static int slice_write(void *job, const atomic_bool *stop, struct err *err)
{
	struct fetch *f = job;

	(void)stop;
	digest_update(&f->hash, f->slice.p, f->slice.len);
	if (sys_pwrite_all(f->temp.fd, f->slice.p, f->slice.len, f->at))
		return err_sys(err, "cannot write '%s' to its file", f->path);
	return 0;
}

static enum step_ret slice_done(struct fetch *f)
{
	f->at += f->slice.len;
	f->peers->stats.bytes += f->slice.len;
	buf_clear(&f->slice);
	return f->at < f->size ? task_goto(&f->task, "ask") : STEP_NEXT;
}

static enum step_ret write_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (f->temp.fd >= 0)
		return task_wait(t,
			work_start_for(t->self.loop, WORK_HEAVY, f->owner, slice_write, NULL, f));
	digest_update(&f->hash, f->slice.p, f->slice.len);
	if (buf_add(&f->mem, f->slice.p, f->slice.len))
		return task_goto(t, "peer");
	return slice_done(f);
}

static enum step_ret write_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : slice_done(TASK(t, struct fetch));
}

static enum step_ret fetch_check(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct digest got;

	digest_final(&f->hash, &got);
	if (digest_equal(&got, &f->want)) {
		f->peers->stats.fetched++;
		return STEP_NEXT;
	}
	log_error(task_log(t), "a replica sends other content than its status names",
		LS("replica", fetch_address(f)), LS("path", f->path));
	peers_put_aside(f->peers, fetch_address(f));
	return task_goto(t, "peer");
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	list_out(&f->wait.link);
	store_temp_discard(f->store, &f->temp);
	peers_order_clear(&f->order);
	digest_ctx_clear(&f->hash);
	buf_clear(&f->mem);
	buf_clear(&f->slice);
	free(f->path);
	free(f->owner);
	free(f);
}

struct op *peers_fetch_start(struct peers *p, const struct peers_req *req)
{
	static const struct step steps[] = {
		{"known", known_start, known_resume},
		{"order", order_start},
		{"temp", temp_start, temp_resume},
		{"peer", peer_start}, /* the next one, after each failure */
		{"ask", ask_start, ask_resume},
		{"write", write_start, write_resume}, /* on to "ask" until all is there */
		{"check", fetch_check},
		{0},
	};
	struct fetch *f = NEW(struct fetch);

	f->peers = p;
	f->store = req->store;
	f->path = mem_strdup(req->path);
	f->owner = mem_strdup(req->owner);
	f->want = *req->digest;
	f->size = req->size;
	f->temp = STORE_TEMP_INIT;
	buf_init(&f->mem, LIMIT_BLOB_IN_MEMORY);
	list_init(&f->wait.link);
	task_init(&f->task, kube_client_loop(p->opts.kube), "peers", steps, NULL, fetch_free);
	return task_spawn(&f->task);
}

struct store_temp *peers_temp(struct op *op)
{
	return &TASK_OF_OP(op, struct fetch)->temp;
}

struct buf *peers_mem(struct op *op)
{
	return &TASK_OF_OP(op, struct fetch)->mem;
}
