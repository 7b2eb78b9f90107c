/*
 * Which place an object's run takes, and in which line it waits for it (ctl/turns.h). A run takes one
 * before it exists, and gives it back before it waits for another: no run holds what others need while
 * it waits. docs/isolation.md has the table.
 */
#include "base/mem.h"
#include "controllers/ocirepository/internal.h"
#include "kube/watch.h"
#include "oci/registry.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define LOCAL_PLACES 32
#define CHECK_PLACES 64
#define CHECKS_PER_HOST 8
#define RESTORES_MIN 4
#define LARGE_PLACES 4

/* A check that takes longer is counted among the slow; a registry that answers at all is quicker. */
#define CHECK_SLOW_MS 2000
#define PULL_SLOW_MS 1000
#define BIG (8 * LIMIT_MIB)
#define BIG_SLOW_MS 30000
#define SLOW 512
#define SLOW_PULLS 96
#define SLOW_LARGE 8

/* New objects of a namespace wait in the queue, where they cost nothing, while so many of it wait to
   pull from the same registry. */
#define PULLS_WAITING 32

#define TELL_EVERY_MS 5000
#define TELL_AFTER_MS 10000
#define TELLS_AT_ONCE 16

/* "ghcr.io|0": a registry is another one with `insecure`, because it may answer there only. */
char *lane_host(const struct oci_repo *where)
{
	return mem_printf("%s|%d", where->host, where->insecure);
}

static void host_parse(const char *key, struct oci_repo *out)
{
	const char *end = strchr(key, '|');

	*out = (struct oci_repo){.insecure = end && end[1] == '1'};
	snprintf(out->host, sizeof(out->host), "%.*s", end ? (int)(end - key) : 0, key);
}

/* A registry that has not answered yet is asked for one object at a time. */
static unsigned host_width(void *arg, const char *ns, const char *host)
{
	struct ocirepo *c = arg;
	struct oci_repo where;

	(void)ns;
	host_parse(host, &where);
	return oci_client_is_proven(c->opts.oci, &where) ? UINT_MAX : 1;
}

static unsigned fresh_width(void *arg, const char *ns, const char *host)
{
	struct ocirepo *c = arg;

	if (turns_waiting(&c->lanes.pulls, ns, host) >= PULLS_WAITING)
		return 0;
	return host_width(arg, ns, host);
}

static void tell_due(void *arg);

void lanes_init(struct ocirepo *c)
{
	unsigned pulls = c->opts.concurrent ? c->opts.concurrent : 16;
	unsigned restores = pulls / 2 > RESTORES_MIN ? pulls / 2 : RESTORES_MIN;
	struct turns_opts checks = {.loop = c->opts.loop,
		.places = CHECK_PLACES,
		.per_host = CHECKS_PER_HOST,
		.slow = SLOW,
		.slow_per_host = SLOW / 16,
		.slow_per_owner = SLOW / 4,
		.width = host_width,
		.arg = c};
	struct turns_opts downloads = checks;

	turns_init(&c->lanes.local,
		&(struct turns_opts){.loop = c->opts.loop, .places = LOCAL_PLACES});
	turns_init(&c->lanes.check, &checks);
	checks.width = fresh_width;
	turns_init(&c->lanes.fresh, &checks);
	checks.width = host_width;
	checks.places = LARGE_PLACES;
	checks.slow = SLOW_LARGE;
	checks.slow_per_host = SLOW_LARGE / 4;
	checks.slow_per_owner = SLOW_LARGE / 2;
	turns_init(&c->lanes.large, &checks);
	downloads.slow = SLOW_PULLS;
	downloads.slow_per_host = SLOW_PULLS / 3;
	downloads.slow_per_owner = SLOW_PULLS / 2;
	downloads.places = pulls;
	/* Whatever one registry does, another finds a place at once. */
	downloads.per_host = pulls - pulls / 4;
	downloads.big = (pulls + 1) / 2;
	turns_init(&c->lanes.pulls, &downloads);
	downloads.places = restores;
	downloads.per_host = restores - restores / 4;
	downloads.big = restores / 2;
	turns_init(&c->lanes.restores, &downloads);
	timer_init(&c->tell_timer, c->opts.loop, tell_due, c);
}

static struct turns *lane_nth(struct ocirepo *c, size_t n)
{
	struct turns *const all[] = {&c->lanes.local, &c->lanes.check, &c->lanes.fresh,
		&c->lanes.pulls, &c->lanes.restores, &c->lanes.large};

	return n < ARRAY_LEN(all) ? all[n] : NULL;
}

void lanes_clear(struct ocirepo *c)
{
	struct turns *lane;
	size_t i;

	timer_cancel(&c->tell_timer);
	for (i = 0; (lane = lane_nth(c, i)); i++)
		turns_clear(lane);
}

void lanes_each(struct ocirepo *c,
	void (*fn)(void *arg, const char *name, const struct turns *lane), void *arg)
{
	static const char *const names[] = {"local", "check", "fresh", "pull", "restore", "large"};
	struct turns *lane;
	size_t i;

	for (i = 0; (lane = lane_nth(c, i)); i++)
		fn(arg, names[i], lane);
}

/* ---- a registry was found up or down ------------------------------------------------------------ */

static bool is_at(const struct repo *repo, const char *host)
{
	size_t n = strlen(host);

	return !strncmp(repo->host, host, n) && repo->host[n] == '|';
}

static void try_again(void *arg, struct kube_entry *e)
{
	struct repo *repo = e->user;
	struct oci_repo where;

	if (!repo || !repo->queue_item.failures || queue_is_running(&repo->queue_item) ||
		!is_at(repo, arg))
		return;
	host_parse(repo->host, &where);
	if (oci_client_is_up(repo->c->opts.oci, &where))
		repo_due(repo);
}

/* Who failed while it was down need not wait for the end of its back-off. */
void lanes_host_changed(void *arg, const char *host)
{
	struct turns *lane;
	size_t i;

	for (i = 0; (lane = lane_nth(arg, i)); i++)
		turns_look(lane); /* somewhere a place may have become free */
	each_object(arg, try_again, (void *)(uintptr_t)host);
}

/* ---- before a run ------------------------------------------------------------------------------ */

bool repo_file_missing(const struct repo *repo)
{
	struct store_file f;

	return repo->path && !store_known(repo->c->opts.store, repo->path, &f) &&
		(!repo->lost_path || strcmp(repo->lost_path, repo->path) != 0);
}

struct turns *lane_place(void *arg, struct queue_item *item, struct turn_ask *ask)
{
	const struct repo *repo = CONTAINER_OF(item, struct repo, queue_item);
	struct ocirepo *c = arg;
	bool restore = !repo->deleting && repo_file_missing(repo);

	if (!timer_is_set(&c->tell_timer))
		timer_set(&c->tell_timer, TELL_EVERY_MS);
	*ask = (struct turn_ask){.owner = repo->ns, .host = "", .slow_ms = CHECK_SLOW_MS};
	if (repo->deleting || !*repo->host || (repo->suspended && !restore))
		return &c->lanes.local;
	ask->host = repo->host;
	if (!repo->whole)
		return &c->lanes.large;
	if (restore)
		return &c->lanes.restores;
	/* Whoever has no artifact yet will want to pull. */
	return repo->path ? &c->lanes.check : &c->lanes.fresh;
}

/* ---- in a run ---------------------------------------------------------------------------------- */

static void turn_granted(void *arg)
{
	struct run *r = arg;

	if (r->turn_waits)
		task_wake(&r->task);
}

enum step_ret lane_wait(struct run *r, bool big)
{
	struct turns *lane = r->missing ? &r->c->lanes.restores : &r->c->lanes.pulls;
	struct turn_ask ask = {.owner = r->ns,
		.host = r->repo->host,
		.big = big,
		.slow_ms = big ? BIG_SLOW_MS : PULL_SLOW_MS};

	/* What it has read is large: it goes on with the place that it has. */
	if (turn_is_for(&r->repo->queue_item.turn, lane, &ask) ||
		r->repo->queue_item.turn.turns == &r->c->lanes.large)
		return STEP_NEXT;
	queue_leave_place(&r->repo->queue_item);
	turn_leave(&r->turn);
	turn_init(&r->turn, lane, turn_granted, r);
	turn_wait(&r->turn, &ask);
	return lane_resume(&r->task);
}

enum step_ret lane_resume(struct task *t)
{
	struct run *r = RUN(t);

	r->turn_waits = !turn_held(&r->turn);
	if (r->turn_waits)
		return task_pause(t);
	/* One less waits to pull: a new object may be looked at. */
	turns_look(&r->c->lanes.fresh);
	return STEP_NEXT;
}

bool lane_is_big(uint64_t size)
{
	return size > BIG;
}

/* ---- who waits for long is told so ------------------------------------------------------------- */

void lane_reason(struct ocirepo *c, const struct turn *turn, struct buf *out)
{
	struct oci_repo where;

	host_parse(turn_host(turn), &where);
	if (host_width(c, "", turn_host(turn)) <= 1)
		buf_addf(out,
			"waiting for registry '%s', which has not answered yet: it is asked for "
			"one object at a time",
			where.host);
	else
		buf_addf(out, "waiting for a turn to %s '%s': other objects come first",
			turn->turns == &c->lanes.pulls ? "pull from" : "ask", where.host);
}

static void told(struct op *op, void *arg)
{
	struct repo *repo = arg;

	op_free(op);
	repo->tell = NULL;
	repo->c->tells--;
	if (repo->removed)
		repo_removed(repo);
	else if (repo->due_after_tell)
		repo_due(repo);
}

void tell_cancel(struct repo *repo)
{
	if (repo->tell)
		op_cancel(repo->tell);
}

static void tell_one(void *arg, struct turn *turn)
{
	struct ocirepo *c = arg;
	struct queue_item *item = queue_item_of(&c->queue, turn);
	struct repo *repo;

	if (!item || c->tells >= TELLS_AT_ONCE)
		return;
	repo = CONTAINER_OF(item, struct repo, queue_item);
	if (repo->tell || repo->told_since == turn->since_ms)
		return;
	repo->told_since = turn->since_ms;
	repo->due_after_tell = false;
	repo->tell = run_tell(c, repo);
	c->tells++;
	op_then(repo->tell, told, repo);
}

static void tell_due(void *arg)
{
	struct ocirepo *c = arg;

	turns_each_waiting(&c->lanes.check, TELL_AFTER_MS, tell_one, c);
	turns_each_waiting(&c->lanes.fresh, TELL_AFTER_MS, tell_one, c);
	if (c->queue.ready)
		timer_set(&c->tell_timer, TELL_EVERY_MS);
}
