#include "git/fetch.h"

#include "base/mem.h"
#include "base/time.h"
#include "ev/flight.h"
#include "git/fetch_key.h"
#include "git/gitc.h"
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
	/* For the second question, which is for one commit: `tip` is all that it wants. */
	struct gitc_fetch_req req;
	struct gitc_oid tip;
	struct op *pull;
	/* What it is put on top of, and of which line that is; NULL: it is whole, of none. */
	struct gitc_objects *base;
	char *line;
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

static void fetching_pull(
	struct fetching *f, const struct gitc_fetch_req *req, const struct gitc_oid *have)
{
	f->pull = gitc_pull_start(f->client,
		&(struct gitc_pull_req){.target = req->target,
			.want = req->want,
			.n_want = req->n_want,
			.depth = req->depth,
			.no_blobs = req->no_blobs,
			.no_trees = req->no_trees,
			.max_pack = req->max_pack,
			.max_objects = req->max_objects,
			.base = f->base,
			.have = have,
			.flight = &f->flight});
	op_then(f->pull, fetching_done, f);
}

/* Once more, whole, for those who wait still. */
static void fetching_again(struct fetching *f, struct op *failed)
{
	if (!is_of_server(&failed->err))
		gitc_set_drop(f->client, f->base);
	gitc_objects_unref(MOVE(f->base));
	op_free(failed);
	fetching_pull(f, &f->req, NULL);
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
		f->objects = gitc_pull_objects(op);
		gitc_set_keep(f->client, f->set_key, f->objects,
			gitc_pull_is_commit(op) ? f->line : NULL, &f->tip, f->base);
	}
	flight_land(&f->flight, &op->err, fetching_give);
	op_free(op);
	gitc_objects_unref(f->base);
	free(f->line);
	free(f->set_key);
	gitc_target_clear(&f->req.target);
	free(f);
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
	map_put(&c->fetches, key, f);
	f->req = *req;
	gitc_target_init(&f->req.target, &req->target);
	f->tip = req->want[0];
	f->req.want = &f->tip;
	f->req.branch = NULL;
	f->req.n_want = 1;
	f->line = req->follows ? gitc_fetch_line(req) : NULL;
	f->base = f->line ? gitc_set_newest(c, f->line, &have) : NULL;
	fetching_pull(f, req, &have);
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
	const char *owner = w->target.owner, *mine = f->req.target.owner;

	flight_join(&f->flight, &w->base, w->timeout_ms);
	if (mine && (!owner || strcmp(mine, owner) != 0)) {
		gitc_target_disown(&f->req.target);
		gitc_pull_disown(f->pull);
	}
}

struct op *gitc_fetch_start(struct gitc_client *c, const struct gitc_fetch_req *req)
{
	static const struct op_type type = {"git fetch", flight_wait_cancel, wait_free};
	auto_free char *set_key = gitc_fetch_key(req), *key = NULL;
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
