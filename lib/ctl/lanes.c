#include "ctl/lanes.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/run.h"

#include <limits.h>
#include <string.h>

#define LOCAL_PLACES 32
#define CHECK_PLACES 64
#define CHECKS_PER_HOST 8
#define RESTORES_MIN 4
#define LARGE_PLACES 4

/* A check that takes longer is counted among the slow; a registry that answers at all is
   quicker. */
#define CHECK_SLOW_MS 2000
#define PULL_SLOW_MS 1000
#define BIG (8 * LIMIT_MIB)
#define BIG_SLOW_MS 30000
#define SLOW 512
#define SLOW_PULLS 96
#define SLOW_LARGE 8

/* New objects of a namespace wait in the queue, where they cost nothing, while so many of it wait
   to pull from the same host. */
#define PULLS_WAITING 32

/* A host that has not answered yet is asked for one object at a time. */
static unsigned host_width(void *arg, const char *ns, const char *host)
{
	struct controller *c = arg;

	(void)ns;
	return c->kind->host_proven && !c->kind->host_proven(c->opts.env, host) ? 1 : UINT_MAX;
}

static unsigned fresh_width(void *arg, const char *ns, const char *host)
{
	struct controller *c = arg;

	if (turns_waiting(&c->lanes.pulls, ns, host) >= PULLS_WAITING)
		return 0;
	return host_width(arg, ns, host);
}

void lanes_init(struct controller *c)
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
	/* Whatever one host does, another finds a place at once. */
	downloads.per_host = pulls - pulls / 4;
	downloads.big = (pulls + 1) / 2;
	turns_init(&c->lanes.pulls, &downloads);
	downloads.places = restores;
	downloads.per_host = restores - restores / 4;
	downloads.big = restores / 2;
	turns_init(&c->lanes.restores, &downloads);
}

static struct turns *lane_nth(struct controller *c, size_t n)
{
	struct turns *const all[] = {&c->lanes.local, &c->lanes.check, &c->lanes.fresh,
		&c->lanes.pulls, &c->lanes.restores, &c->lanes.large};

	return n < ARRAY_LEN(all) ? all[n] : NULL;
}

void lanes_clear(struct controller *c)
{
	struct turns *lane;
	size_t i;

	for (i = 0; (lane = lane_nth(c, i)); i++)
		turns_clear(lane);
}

void lanes_each(struct controller *c,
	void (*fn)(void *arg, const char *name, const struct turns *lane), void *arg)
{
	static const char *const names[] = {"local", "check", "fresh", "pull", "restore", "large"};
	struct turns *lane;
	size_t i;

	for (i = 0; (lane = lane_nth(c, i)); i++)
		fn(arg, names[i], lane);
}

void lanes_look(struct controller *c)
{
	struct turns *lane;
	size_t i;

	for (i = 0; (lane = lane_nth(c, i)); i++)
		turns_look(lane);
}

/* ---- before a run ---------------------------------------------------------------------------- */

static enum lane lane_of(const struct item *i)
{
	const struct item_hooks *hooks = i->c->kind->item;

	/* Of a kind with hosts, whose spec does not say where to go: the run only says what is
	   wrong. */
	if (i->deleting || (i->c->kind->host && !*i->host))
		return LANE_LOCAL;
	return hooks && hooks->lane ? hooks->lane(i) : LANE_CHECK;
}

struct turns *lanes_place(struct item *i, struct turn_ask *ask)
{
	struct lanes *l = &i->c->lanes;
	enum lane lane = lane_of(i);

	*ask = (struct turn_ask){.owner = i->ns, .host = "", .slow_ms = CHECK_SLOW_MS};
	if (lane == LANE_LOCAL)
		return &l->local;
	ask->host = i->host;
	if (i->partial)
		return &l->large;
	if (lane == LANE_RESTORE) {
		/* Other replicas are asked first, and may have it: how few the registry may be
		   asked by is looked at when it is (RUN_SLOT). */
		if (i->c->follows)
			ask->host = "";
		return &l->restores;
	}
	return lane == LANE_FRESH ? &l->fresh : &l->check;
}

void lanes_reason(struct controller *c, const struct turn *turn, struct buf *out)
{
	const char *host = turn_host(turn);
	auto_buf struct buf text = BUF_INIT(1024);
	const char *shown = c->kind->host_text && *host ? c->kind->host_text(host, &text) : host;

	if (!*host)
		buf_adds(out, "waiting for a turn: other objects come first");
	else if (host_width(c, "", host) <= 1)
		buf_addf(out,
			"waiting for %s '%s', which has not answered yet: it is asked for one "
			"object at a time",
			c->kind->host_noun, shown);
	else
		buf_addf(out, "waiting for a turn to %s '%s': other objects come first",
			turn->turns == &c->lanes.pulls ? "pull from" : "ask", shown);
}

/* ---- in a run -------------------------------------------------------------------------------- */

static void turn_granted(void *arg)
{
	struct run *r = arg;

	if (r->turn_waits)
		task_wake(&r->task);
}

enum step_ret lanes_wait(struct run *r, bool big)
{
	struct turns *lane = r->restoring ? &r->c->lanes.restores : &r->c->lanes.pulls;
	struct turn_ask ask = {.owner = r->ns,
		.host = r->item->host,
		.big = big,
		.slow_ms = big ? BIG_SLOW_MS : PULL_SLOW_MS};

	/* What it has read is large: it goes on with the place that it has. */
	if (turn_is_for(&r->item->queue_item.turn, lane, &ask) ||
		r->item->queue_item.turn.turns == &r->c->lanes.large)
		return STEP_NEXT;
	queue_leave_place(&r->item->queue_item);
	turn_leave(&r->turn);
	turn_init(&r->turn, lane, turn_granted, r);
	turn_wait(&r->turn, &ask);
	return lanes_resume(&r->task);
}

enum step_ret lanes_resume(struct task *t)
{
	struct run *r = RUN(t);

	r->turn_waits = !turn_held(&r->turn);
	if (r->turn_waits)
		return task_pause(t);
	/* One less waits to pull: a new object may be looked at. */
	turns_look(&r->c->lanes.fresh);
	return STEP_NEXT;
}

bool lanes_is_big(uint64_t size)
{
	return size > BIG;
}
