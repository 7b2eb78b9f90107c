#include "git/fetch.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "ev/flight.h"
#include "ev/task.h"
#include "ev/work.h"
#include "git/gitc.h"
#include "git/index.h"
#include "git/internal.h"
#include "git/objects.h"
#include "git/pull.h"
#include "git/set.h"
#include "git/target.h"

#include <errno.h>
#include <string.h>

/* One fetch on its way. */
struct fetching {
	struct flight flight;
	struct gitc_client *client;
	char *set_key, *key; /* of what it becomes; of others who may join. NULL: hidden */
	char *owner;
	struct op *pull;
	/* What it is put on top of, and of which line that is; NULL: it is whole, of none. */
	struct gitc_objects *base;
	char *line;
	struct gitc_oid tip;
	unsigned depth;
	bool no_blobs, no_trees;
	uint64_t max_pack, max_objects;
	struct gitc_objects *objects;
};

/* One who waits for it. */
struct wait {
	struct flight_wait base;
	uint64_t timeout_ms;
	struct gitc_target target;
	struct gitc_objects *objects;
};

/* ---- the fetch ------------------------------------------------------------------------------- */

static void fetching_hide(struct fetching *f)
{
	if (f->key)
		map_del(&f->client->fetches, f->key);
	free(MOVE(f->key));
}

static void fetching_deserted(struct flight *flight)
{
	struct fetching *f = CONTAINER_OF(flight, struct fetching, flight);

	fetching_hide(f);
	op_cancel(f->pull);
}

static void fetching_overdue(
	struct flight *flight, struct flight_wait *base, bool alone, struct err *err)
{
	struct wait *w = CONTAINER_OF(base, struct wait, base);
	char text[TIME_TEXT_MAX];

	(void)flight;
	(void)alone;
	err_code(err, ERR_RETRY, -ETIMEDOUT, "no whole answer within %s",
		time_format_duration((int64_t)w->timeout_ms, text));
	gitc_target_blame(&w->target, "fetch", 0, err);
}

static void fetching_give(struct flight *flight, struct flight_wait *base)
{
	struct fetching *f = CONTAINER_OF(flight, struct fetching, flight);

	CONTAINER_OF(base, struct wait, base)->objects = gitc_objects_ref(f->objects);
}

/* A server that dies of the question says so, or one that is down. */
static bool is_of_server(const struct err *err)
{
	return err->code >= 500 && err->code <= 599;
}

/* May it be the fault of what it was to be put on top of? Of room, too: that takes some. */
static bool may_be_of_base(const struct err *err)
{
	switch (err->code) {
	case GITC_BAD_PACK:
	case GITC_TOO_LARGE:
	case GITC_PROTOCOL:
	case GITC_MISSING:
	case -ENOBUFS:
	case -ENOSPC:
	case -EDQUOT:
		return true;
	default:
		return is_of_server(err);
	}
}

static void fetching_done(struct op *op, void *arg);

/* owner: whose jobs they are; NULL: the process's own. */
static void fetching_pull(struct fetching *f, const struct gitc_target *target, const char *owner,
	const struct gitc_oid *want, size_t n_want, const struct gitc_oid *have)
{
	struct gitc_pull_req req = {.target = *target,
		.want = want,
		.n_want = n_want,
		.depth = f->depth,
		.no_blobs = f->no_blobs,
		.no_trees = f->no_trees,
		.max_pack = f->max_pack,
		.max_objects = f->max_objects,
		.base = f->base,
		.have = have,
		.flight = &f->flight};

	req.target.owner = owner;
	f->pull = gitc_pull_start(f->client, &req);
	op_then(f->pull, fetching_done, f);
}

/* Once more, whole, for those who wait still. */
static void fetching_again(struct fetching *f, struct op *failed)
{
	const struct flight_wait *first =
		CONTAINER_OF(list_first(&f->flight.waits), struct flight_wait, link);

	if (!is_of_server(&failed->err))
		gitc_set_drop(f->client, f->base);
	gitc_objects_unref(MOVE(f->base));
	op_free(failed);
	fetching_pull(
		f, &CONTAINER_OF(first, struct wait, base)->target, f->owner, &f->tip, 1, NULL);
}

static void fetching_done(struct op *op, void *arg)
{
	struct fetching *f = arg;

	if (f->base && may_be_of_base(&op->err) && !flight_is_empty(&f->flight)) {
		fetching_again(f, op);
		return;
	}
	fetching_hide(f);
	if (op->err.kind == ERR_NONE) {
		/* The new one takes the place of the old one. */
		if (f->base)
			gitc_set_drop(f->client, f->base);
		f->objects = gitc_pull_objects(op);
		gitc_set_keep(f->client, f->set_key, f->objects,
			gitc_pull_is_commit(op) ? f->line : NULL, &f->tip);
	}
	flight_land(&f->flight, &op->err, fetching_give);
	op_free(op);
	gitc_objects_unref(f->base);
	free(f->line);
	free(f->set_key);
	free(f->owner);
	free(f);
}

/* Sets of the same place, as the same, under the same bounds. */
static char *line_of(const struct gitc_fetch_req *req)
{
	auto_free char *target = gitc_target_key(&req->target);

	return mem_printf("%s\n%d %llu %llu", target, req->no_blobs,
		(unsigned long long)req->max_pack, (unsigned long long)req->max_objects);
}

static struct fetching *fetching_new(struct gitc_client *c, const struct gitc_fetch_req *req,
	const char *set_key, const char *key)
{
	struct fetching *f = NEW(struct fetching);
	struct gitc_oid have;

	BUG_IF(req->follows && (req->n_want != 1 || req->depth != 1));
	flight_init(&f->flight, fetching_deserted, fetching_overdue);
	f->client = c;
	f->set_key = mem_strdup(set_key);
	f->key = mem_strdup(key);
	f->owner = mem_strdup(req->target.owner);
	map_put(&c->fetches, key, f);
	f->depth = req->depth;
	f->no_blobs = req->no_blobs;
	f->no_trees = req->no_trees;
	f->max_pack = req->max_pack;
	f->max_objects = req->max_objects;
	f->tip = req->want[0];
	f->line = req->follows ? line_of(req) : NULL;
	f->base = f->line ? gitc_set_newest(c, f->line, &have) : NULL;
	fetching_pull(f, &req->target, req->target.owner, req->want, req->n_want, &have);
	return f;
}

/* ---- who waits ------------------------------------------------------------------------------- */

static void wait_free(struct op *op)
{
	struct wait *w = CONTAINER_OF(op, struct wait, base.op);

	flight_wait_leave(&w->base);
	gitc_objects_unref(w->objects);
	gitc_target_clear(&w->target);
	free(w);
}

static void join(struct fetching *f, struct wait *w)
{
	const char *owner = w->target.owner;

	flight_join(&f->flight, &w->base, w->timeout_ms);
	if (f->owner && (!owner || strcmp(f->owner, owner) != 0)) {
		free(MOVE(f->owner));
		gitc_pull_disown(f->pull);
	}
}

static int by_bytes(const void *a, const void *b)
{
	return gitc_oid_compare(a, b);
}

/* The wants in one order, as a digest: there may be many. */
static char *key_of(const struct gitc_fetch_req *req)
{
	struct gitc_oid *sorted = mem_dup(req->want, req->n_want * sizeof(*req->want));
	auto_free char *target = gitc_target_key(&req->target);
	char text[DIGEST_TEXT_MAX], *key;
	struct digest d;

	qsort(sorted, req->n_want, sizeof(*sorted), by_bytes);
	digest_mem(&d, DIGEST_SHA256, sorted, req->n_want * sizeof(*sorted));
	free(sorted);
	key = mem_printf("%s\n%s\n%zu %u %d%d %llu %llu", target, digest_format(&d, text),
		req->n_want, req->depth, req->no_blobs, req->no_trees,
		(unsigned long long)req->max_pack, (unsigned long long)req->max_objects);
	return key;
}

struct op *gitc_fetch_start(struct gitc_client *c, const struct gitc_fetch_req *req)
{
	static const struct op_type type = {"git fetch", flight_wait_cancel, wait_free};
	auto_free char *set_key = key_of(req), *key = NULL;
	struct wait *w = NEW(struct wait);
	struct fetching *f;

	flight_wait_init(&w->base, &type, c->loop);
	gitc_target_init(&w->target, &req->target);
	w->timeout_ms = w->target.timeout_ms;
	w->objects = gitc_set_get(c, set_key);
	if (w->objects) {
		c->stats.fetches_kept++;
		op_finish(&w->base.op);
		return &w->base.op;
	}
	key = mem_printf("%s\n%llu", set_key, (unsigned long long)w->timeout_ms);
	f = map_get(&c->fetches, key);
	if (f)
		c->stats.fetches_shared++;
	else
		f = fetching_new(c, req, set_key, key);
	join(f, w);
	return &w->base.op;
}

struct gitc_objects *gitc_fetch_take(struct op *op)
{
	return MOVE(CONTAINER_OF(op, struct wait, base.op)->objects);
}

/* ---- more of it ------------------------------------------------------------------------------ */

struct more {
	struct task task;
	struct gitc_client *client;
	struct gitc_target target;
	struct gitc_objects *into;
	struct gitc_oid *want;
	size_t n_want;
	uint64_t max_pack;
};

static enum step_ret pull_start(struct task *t)
{
	struct more *m = TASK(t, struct more);
	size_t i, n = 0;

	for (i = 0; i < m->n_want; i++)
		if (!gitc_objects_has(m->into, &m->want[i]))
			m->want[n++] = m->want[i];
	if (!n)
		return STEP_DONE;
	return task_wait(t,
		gitc_pull_start(m->client,
			&(struct gitc_pull_req){.target = m->target,
				.want = m->want,
				.n_want = n,
				.max_pack = m->max_pack,
				.into = m->into}));
}

static enum step_ret pull_resume(struct task *t)
{
	struct more *m = TASK(t, struct more);

	if (task_op_failed(t))
		return STEP_FAIL;
	gitc_set_grown(m->client, m->into);
	return STEP_NEXT;
}

static void more_free(struct task *t)
{
	struct more *m = TASK(t, struct more);

	gitc_target_clear(&m->target);
	gitc_objects_unref(m->into);
	free(m->want);
	free(m);
}

struct op *gitc_more_start(struct gitc_client *c, const struct gitc_more_req *req)
{
	static const struct step steps[] = {{"pull", pull_start, pull_resume}, {0}};
	struct more *m = NEW(struct more);

	m->client = c;
	gitc_target_init(&m->target, &req->target);
	m->into = gitc_objects_ref(req->into);
	m->want = req->n_want ? mem_dup(req->want, req->n_want * sizeof(*req->want)) : NULL;
	m->n_want = req->n_want;
	m->max_pack = req->max_pack;
	task_init(&m->task, c->loop, "git objects", steps, NULL, more_free);
	return task_spawn(&m->task);
}

/* ---- what was made here ---------------------------------------------------------------------- */

struct keep {
	struct task task;
	struct gitc_client *client;
	struct gitc_index *index; /* NULL: there is no folder */
	struct gitc_objects *base, *objects;
	const struct buf *pack;
	char *owner, *key, *line;
	struct gitc_oid tip;
};

static int keep_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct keep *k = job;

	return gitc_index_add(k->index, k->pack->p, k->pack->len, stop, err) ||
			gitc_index_end(k->index, &k->objects, stop, err)
		? -1
		: 0;
}

static enum step_ret keep_start(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	if (!k->index || !gitc_objects_may_grow(k->base))
		return STEP_DONE;
	k->objects = gitc_objects_on(k->base);
	return task_wait(t,
		work_start_for(
			k->client->loop, work_lane_of(k->pack->len), k->owner, keep_run, NULL, k));
}

static enum step_ret keep_resume(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	if (task_op_failed(t))
		return STEP_FAIL;
	gitc_set_drop(k->client, k->base);
	gitc_set_keep(k->client, k->key, k->objects, k->line, &k->tip);
	return STEP_NEXT;
}

static void keep_free(struct task *t)
{
	struct keep *k = TASK(t, struct keep);

	gitc_index_free(k->index);
	gitc_objects_unref(k->objects);
	gitc_objects_unref(k->base);
	free(k->owner);
	free(k->key);
	free(k->line);
	free(k);
}

struct op *gitc_keep_start(struct gitc_client *c, const struct gitc_keep_req *req)
{
	static const struct step steps[] = {{"index", keep_start, keep_resume}, {0}};
	struct keep *k = NEW(struct keep);

	BUG_IF(!req->as.follows);
	k->client = c;
	if (c->folder)
		k->index = gitc_index_new(c->folder, &(struct gitc_limits){0});
	k->base = gitc_objects_ref(req->base);
	k->pack = req->pack;
	k->owner = mem_strdup(req->as.target.owner);
	k->key = key_of(&req->as);
	k->line = line_of(&req->as);
	k->tip = req->as.want[0];
	task_init(&k->task, c->loop, "git keep", steps, NULL, keep_free);
	return task_spawn(&k->task);
}
