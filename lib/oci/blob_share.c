#include "oci/blob_share.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "ev/work.h"
#include "oci/identity.h"
#include "oci/internal.h"
#include "oci/req.h"
#include "oci/route.h"

#include <string.h>

#define SLICE (64 * 1024)

/* One download. */
struct share {
	struct flight flight;
	struct oci_client *client;
	/* Others find it so; NULL: they do not any more. `open` is for those of other identities,
	   NULL when there is nothing for them. */
	char *key, *open;
	uint64_t identity;
	char *owner; /* of its jobs; NULL: nobody's */
	struct op *blob;
	struct buf mem; /* a small blob; else it is in: */
	int fd;
	uint64_t maker; /* whose file that is */
	unsigned refs; /* of the download, and of each copy */
};

/* One who waits for it. */
struct wait {
	struct flight_wait base;
	struct share *share; /* when it went well */
};

/* What each of them asked for. */
struct want {
	struct task task;
	struct oci_client *client;
	uint64_t nth; /* of the client's, from 1 */
	struct oci_target target;
	struct oci_route route; /* of the question whether it may have it */
	struct oci_descriptor blob;
	char *key, *open, *owner;
	uint64_t max;
	int fd; /* the caller's */
	bool may_join; /* a download of another identity */
	bool foreign; /* it waits for a download of another identity */
	struct buf mem;
	struct share *from; /* what is copied */
	/* what the worker reads */
	struct digest_ctx hash;
};

/* ---- the download ---------------------------------------------------------------------------- */

static struct share *share_ref(struct share *s)
{
	s->refs++;
	return s;
}

static void share_unref(struct share *s)
{
	if (!s || --s->refs)
		return;
	buf_clear(&s->mem);
	if (s->fd >= 0)
		sys_close(s->fd);
	free(s->owner);
	free(s);
}

static void key_hide(struct share *s, char **key)
{
	if (*key)
		map_del(&s->client->blobs, *key);
	free(MOVE(*key));
}

static void share_hide(struct share *s)
{
	key_hide(s, &s->key);
	key_hide(s, &s->open);
}

static void share_deserted(struct flight *flight)
{
	struct share *s = CONTAINER_OF(flight, struct share, flight);

	share_hide(s);
	op_cancel(s->blob);
}

/* Of another identity only: the registry may be slow for the one and not for the other. */
static void share_overdue(struct flight *flight, struct flight_wait *w, bool alone, struct err *err)
{
	(void)flight;
	(void)w;
	(void)alone;
	err_set(err, ERR_RETRY, "the download of another identity takes long");
}

static void share_give(struct flight *flight, struct flight_wait *base)
{
	CONTAINER_OF(base, struct wait, base)->share =
		share_ref(CONTAINER_OF(flight, struct share, flight));
}

static void share_done(struct op *op, void *arg)
{
	struct share *s = arg;
	struct buf *mem = oci_blob_mem(op);

	share_hide(s);
	if (op->err.kind == ERR_NONE && mem) {
		s->mem = *mem;
		*mem = (struct buf)BUF_INIT(0);
	}
	flight_land(&s->flight, &op->err, share_give);
	op_free(op);
	share_unref(s);
}

/* Under a key that is free; it is taken over. */
static void key_show(struct share *s, char **to, const char *key)
{
	if (!key || map_get(&s->client->blobs, key))
		return;
	*to = mem_strdup(key);
	map_put(&s->client->blobs, key, s);
}

/* -1: no descriptor is left. */
static struct share *share_new(struct want *w, struct err *err)
{
	int fd = -1;
	struct share *s;

	if (oci_blob_needs_file(w->blob.size)) {
		fd = sys_dup(w->fd);
		if (fd < 0) {
			err_sys(err, "cannot open the blob's file once more");
			return NULL;
		}
	}
	s = NEW(struct share);
	flight_init(&s->flight, share_deserted, share_overdue);
	s->client = w->client;
	s->identity = oci_identity_id(w->target.identity);
	s->owner = mem_strdup(w->owner);
	s->fd = fd;
	s->maker = w->nth;
	s->refs = 1;
	buf_init(&s->mem, 0);
	key_show(s, &s->key, w->key);
	key_show(s, &s->open, w->open);
	s->blob = oci_blob_start(w->client,
		&(struct oci_blob_req){.target = w->target,
			.blob = &w->blob,
			.fd = fd,
			.max = w->max,
			.owner = w->owner,
			.flight = &s->flight});
	op_then(s->blob, share_done, s);
	return s;
}

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	share_unref(w->share);
	free(w);
}

static struct op *share_join(struct share *s, struct want *want)
{
	static const struct op_type type = {"blob of several", flight_wait_cancel, wait_free};
	struct wait *w = NEW(struct wait);

	flight_wait_init(&w->base, &type, s->client->loop);
	flight_join(&s->flight, &w->base,
		want->foreign ? LIMIT_SHARE_BASE_MS + want->blob.size * 1000 / LIMIT_SHARE_RATE
			      : 0);
	if (s->owner && (!want->owner || strcmp(s->owner, want->owner) != 0)) {
		free(MOVE(s->owner));
		oci_blob_disown(s->blob);
	}
	return &w->base.op;
}

/* ---- who wants it ---------------------------------------------------------------------------- */

static struct share *share_find(const struct want *w, const char *key)
{
	return key ? map_get(&w->client->blobs, key) : NULL;
}

/* May it join what others download? Where none does there is nothing to ask for. */
static enum step_ret permit_start(struct task *t)
{
	struct want *w = TASK(t, struct want);
	char text[DIGEST_TEXT_MAX];
	auto_free char *path = NULL, *what = NULL;

	if (share_find(w, w->key) || !share_find(w, w->open))
		return STEP_NEXT;
	digest_format(&w->blob.digest, text);
	path = mem_printf("blobs/%s", text);
	what = mem_printf("blob '%s'", text);
	return task_wait(t,
		oci_route_ask(&w->route,
			&(struct oci_req){.kind = OCI_KIND_BLOB,
				.method = "HEAD",
				.path = path,
				.what = what,
				.quiet = true}));
}

/* Whatever else the answer is, its own download says what is the matter. */
static enum step_ret permit_resume(struct task *t)
{
	struct want *w = TASK(t, struct want);

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	w->may_join = t->op->err.kind == ERR_NONE && oci_req_result(t->op)->status == 200;
	return STEP_NEXT;
}

static enum step_ret join_start(struct task *t)
{
	struct want *w = TASK(t, struct want);
	struct share *s = share_find(w, w->key);

	if (!s && w->may_join)
		s = share_find(w, w->open);
	if (s)
		w->client->stats.blobs_shared++;
	else
		s = share_new(w, &t->err);
	if (!s)
		return STEP_FAIL;
	w->foreign = s->identity != oci_identity_id(w->target.identity);
	return task_wait(t, share_join(s, w));
}

static enum step_ret join_resume(struct task *t)
{
	struct want *w = TASK(t, struct want);
	struct share *s = CONTAINER_OF(t->op, struct wait, base.op)->share;

	if (t->op->err.kind != ERR_NONE) {
		if (!w->foreign || t->op->err.kind == ERR_CANCELED)
			return task_fail(t, &t->op->err);
		w->may_join = false;
		return task_goto(t, "join");
	}
	if (s->fd >= 0)
		w->from = s->maker == w->nth ? NULL : share_ref(s);
	else if (buf_add(&w->mem, s->mem.p, s->mem.len))
		return err_set(&t->err, ERR_RETRY, "the blob is too large for memory"), STEP_FAIL;
	return STEP_NEXT;
}

static int copy_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct want *w = job;
	auto_free char *slice = mem_alloc(SLICE);
	uint64_t at = 0;

	while (at < w->blob.size) {
		uint64_t left = w->blob.size - at;
		ssize_t n = sys_pread(w->from->fd, slice, left < SLICE ? (size_t)left : SLICE, at);

		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		if (n < 0)
			return err_sys(err, "cannot read the blob's file");
		if (!n)
			break;
		digest_update(&w->hash, slice, (size_t)n);
		if (sys_pwrite_all(w->fd, slice, (size_t)n, at))
			return err_sys(err, "cannot write the blob to its file");
		at += (uint64_t)n;
	}
	return 0;
}

static enum step_ret copy_start(struct task *t)
{
	struct want *w = TASK(t, struct want);

	if (!w->from)
		return STEP_NEXT;
	digest_ctx_init(&w->hash, w->blob.digest.algo);
	return task_wait(t,
		work_start_for(
			t->self.loop, work_lane_of(w->blob.size), w->owner, copy_run, NULL, w));
}

/* What is in the other's file was proven; that it is still the same costs little to see. */
static enum step_ret copy_resume(struct task *t)
{
	struct want *w = TASK(t, struct want);
	char text[DIGEST_TEXT_MAX];
	struct digest got;

	if (task_op_failed(t))
		return STEP_FAIL;
	digest_final(&w->hash, &got);
	if (digest_equal(&got, &w->blob.digest))
		return STEP_NEXT;
	err_set(&t->err, ERR_RETRY, "the copy of blob '%s' differs from it",
		digest_format(&w->blob.digest, text));
	return STEP_FAIL;
}

static void want_free(struct task *t)
{
	struct want *w = TASK(t, struct want);

	share_unref(w->from);
	oci_route_clear(&w->route);
	oci_target_clear(&w->target);
	digest_ctx_clear(&w->hash);
	buf_clear(&w->mem);
	free(w->key);
	free(w->open);
	free(w->owner);
	free(w);
}

static char *key_of(const struct oci_blob_req *req, uint64_t identity)
{
	const struct oci_target *t = &req->target;
	char text[DIGEST_TEXT_MAX];

	return mem_printf("%s\n%d\n%s\n%s\n%llu\n%llu\n%llu\n%p\n%d", t->repo->host,
		t->repo->insecure, t->repo->name, digest_format(&req->blob->digest, text),
		(unsigned long long)req->blob->size, (unsigned long long)identity,
		(unsigned long long)t->timeout_ms, (void *)t->mirror, t->patient);
}

/* A large one, reached as everybody reaches the registry. */
static bool is_open(const struct oci_blob_req *req)
{
	return oci_blob_needs_file(req->blob->size) && oci_identity_is_plain(req->target.identity);
}

struct op *oci_blob_share_start(struct oci_client *c, const struct oci_blob_req *req)
{
	static const struct step steps[] = {
		{"permit", permit_start, permit_resume},
		{"join", join_start, join_resume},
		{"copy", copy_start, copy_resume},
		{0},
	};
	struct want *w = NEW(struct want);

	w->client = c;
	w->nth = ++c->blob_wants;
	oci_target_init(&w->target, &req->target);
	oci_route_init(&w->route, c, &req->target);
	/* The question only saves a download. */
	if (!w->route.target.timeout_ms || w->route.target.timeout_ms > LIMIT_SHARE_ASK_MS)
		w->route.target.timeout_ms = LIMIT_SHARE_ASK_MS;
	w->blob = (struct oci_descriptor){.digest = req->blob->digest, .size = req->blob->size};
	w->key = key_of(req, oci_identity_id(req->target.identity));
	w->open = is_open(req) ? key_of(req, 0) : NULL;
	w->owner = mem_strdup(req->owner);
	w->max = req->max;
	w->fd = req->fd;
	buf_init(&w->mem, LIMIT_BLOB_IN_MEMORY);
	task_init(&w->task, c->loop, "shared blob", steps, NULL, want_free);
	return task_spawn(&w->task);
}

struct buf *oci_blob_share_mem(struct op *op)
{
	struct want *w = TASK_OF_OP(op, struct want);

	return oci_blob_needs_file(w->blob.size) ? NULL : &w->mem;
}
