#include "ctl/turns.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define GROUPS_KEPT 4096
#define LOOK_AGAIN_MS 500 /* while there is no room for one that is slow */

/* An owner or a host that a place is held for: kept while somebody waits or holds under its
   name. */
struct turn_name {
	char *name;
	struct list link; /* of an owner: in the round */
	struct list groups; /* of an owner: that have somebody in line */
	unsigned users, quick, slow;
};

/* Those of one owner at one host. */
struct turn_group {
	char *key;
	struct turn_name *owner;
	struct turn_name *host;
	struct list link; /* among its owner's */
	struct list line[2]; /* those that are not big, and those that are: in turns */
	bool last_big, fresh; /* fresh: has had no turn yet */
	unsigned users, waiting, quick, slow;
};

/* ---- names ----------------------------------------------------------------------------------- */

static struct turn_name *name_get(struct map *names, const char *name)
{
	struct turn_name *n = map_get(names, name);

	if (!n) {
		n = NEW(struct turn_name);
		n->name = mem_strdup(name);
		list_init(&n->link);
		list_init(&n->groups);
		map_put(names, name, n);
	}
	n->users++;
	return n;
}

static void name_put(struct map *names, struct turn_name *n)
{
	if (--n->users)
		return;
	map_del(names, n->name);
	free(n->name);
	free(n);
}

/* No name of a namespace and no host holds a line feed. */
static char *group_key(const char *owner, const char *host)
{
	return mem_printf("%s\n%s", owner, host);
}

static struct turn_group *group_get(struct turns *t, const struct turn_ask *ask)
{
	auto_free char *key = group_key(ask->owner, ask->host);
	struct turn_group *g = map_get(&t->groups, key);

	if (!g) {
		g = NEW(struct turn_group);
		g->key = mem_strdup(key);
		g->owner = name_get(&t->owners, ask->owner);
		g->host = name_get(&t->hosts, ask->host);
		g->fresh = true;
		list_init(&g->link);
		list_init(&g->line[0]);
		list_init(&g->line[1]);
		map_put(&t->groups, key, g);
	}
	g->users++;
	return g;
}

static void group_free(struct turns *t, struct turn_group *g)
{
	map_del(&t->groups, g->key);
	name_put(&t->owners, g->owner);
	name_put(&t->hosts, g->host);
	free(g->key);
	free(g);
}

/* Most objects come again and again, at few registries: so many names stay known. */
static void group_put(struct turns *t, struct turn_group *g)
{
	if (!--g->users && t->groups.len > GROUPS_KEPT)
		group_free(t, g);
}

/* ---- the line -------------------------------------------------------------------------------- */

static void line_in(struct turn *u)
{
	struct turn_group *g = u->group;

	u->state = TURN_WAITING;
	u->since_ms = clock_ms();
	list_add(&g->line[u->big], &u->link);
	g->waiting++;
	u->turns->waiting++;
	/* A host that nobody knows yet comes first: 300 silent ones may be waiting. */
	if (!list_linked(&g->link))
		list_add(g->fresh ? g->owner->groups.next : &g->owner->groups, &g->link);
	g->fresh = false;
	if (!list_linked(&g->owner->link))
		list_add(&u->turns->round, &g->owner->link);
}

static void line_out(struct turn *u)
{
	struct turn_group *g = u->group;

	list_out(&u->link);
	g->waiting--;
	u->turns->waiting--;
	if (!g->waiting)
		list_out(&g->link);
	if (list_empty(&g->owner->groups))
		list_out(&g->owner->link);
}

/* What has "" for host is not counted together: it goes to no matter which. */
static bool is_one_host(const struct turn_name *h)
{
	return *h->name != '\0';
}

static unsigned host_width(
	const struct turns *t, const struct turn_name *o, const struct turn_name *h)
{
	return t->opts.width && is_one_host(h) ? t->opts.width(t->opts.arg, o->name, h->name)
					       : UINT_MAX;
}

/* Whatever is held may become slow, and what there is no room for then keeps its place. */
static bool host_admits(const struct turns *t, const struct turn_name *o, const struct turn_name *h)
{
	unsigned width;

	if (t->opts.per_host && is_one_host(h) && h->quick >= t->opts.per_host)
		return false;
	width = host_width(t, o, h);
	if (width == 1 && t->narrow && t->narrow >= t->opts.places / 4)
		return false;
	return h->quick + h->slow < width;
}

static bool owner_admits(const struct turns *t, const struct turn_name *o)
{
	return !t->opts.slow_per_owner ||
		o->quick + o->slow < t->opts.slow_per_owner + t->opts.places / 2;
}

/* How many places one owner may keep at one host: half of the host's, a quarter of all. */
static unsigned group_keeps(const struct turns *t)
{
	unsigned most = t->opts.places / 4;

	return t->opts.per_host && t->opts.per_host / 2 < most ? t->opts.per_host / 2 : most;
}

static bool group_admits(const struct turns *t, const struct turn_group *g)
{
	if (t->opts.slow_per_host && is_one_host(g->host) &&
		g->quick + g->slow >= t->opts.slow_per_host + group_keeps(t))
		return false;
	return host_admits(t, g->owner, g->host);
}

static bool line_admits(const struct turns *t, const struct turn_group *g, bool big)
{
	if (big && t->opts.big && t->big >= t->opts.big)
		return false;
	return !list_empty(&g->line[big]);
}

/* The first of the line whose turn it is, or of the other one; NULL: neither may. */
static struct turn *group_next(struct turns *t, struct turn_group *g)
{
	bool big = !g->last_big;

	if (!line_admits(t, g, big))
		big = !big;
	if (!line_admits(t, g, big))
		return NULL;
	g->last_big = big;
	return CONTAINER_OF(list_first(&g->line[big]), struct turn, link);
}

/* Whose turn it is, or NULL. Owner and group go to the end of their rounds. */
static struct turn *next_turn(struct turns *t)
{
	struct list *o, *g;

	list_each (&t->round, o) {
		struct turn_name *owner = CONTAINER_OF(o, struct turn_name, link);

		if (!owner_admits(t, owner))
			continue;
		list_each (&owner->groups, g) {
			struct turn_group *group = CONTAINER_OF(g, struct turn_group, link);
			struct turn *u = group_admits(t, group) ? group_next(t, group) : NULL;

			if (!u)
				continue;
			list_to_end(&owner->groups, &group->link);
			list_to_end(&t->round, &owner->link);
			return u;
		}
	}
	return NULL;
}

/* ---- places ---------------------------------------------------------------------------------- */

static void timer_arm(struct turns *t)
{
	uint64_t now = clock_ms(), least = UINT64_MAX;
	struct list *at;

	list_each (&t->quick, at) {
		const struct turn *u = CONTAINER_OF(at, struct turn, link);
		uint64_t age = now - u->since_ms;

		if (u->slow_ms && age >= u->slow_ms)
			least = LOOK_AGAIN_MS < least ? LOOK_AGAIN_MS : least;
		else if (u->slow_ms && u->slow_ms - age < least)
			least = u->slow_ms - age;
	}
	if (least != UINT64_MAX)
		timer_set(&t->timer, least);
}

static void place_take(struct turn *u)
{
	struct turns *t = u->turns;

	line_out(u);
	u->state = TURN_QUICK;
	u->since_ms = clock_ms();
	list_add(&t->quick, &u->link);
	t->held++;
	t->big += u->big;
	u->narrow = host_width(t, u->group->owner, u->group->host) == 1;
	t->narrow += u->narrow;
	u->group->quick++;
	u->group->host->quick++;
	u->group->owner->quick++;
	if (u->slow_ms && !timer_is_set(&t->timer))
		timer_set(&t->timer, u->slow_ms);
}

static void place_give(struct turn *u)
{
	struct turns *t = u->turns;

	list_out(&u->link);
	t->held--;
	t->big -= u->big;
	t->narrow -= u->narrow;
	u->narrow = false;
	u->group->quick--;
	u->group->host->quick--;
	u->group->owner->quick--;
}

static bool slow_has_room(const struct turns *t, const struct turn_group *g)
{
	return t->slow < t->opts.slow &&
		(g->slow < t->opts.slow_per_host || !is_one_host(g->host)) &&
		g->owner->slow < t->opts.slow_per_owner;
}

static void slow_in(struct turn *u)
{
	place_give(u);
	u->state = TURN_SLOW;
	u->turns->slow++;
	u->group->slow++;
	u->group->host->slow++;
	u->group->owner->slow++;
}

static void slow_out(struct turn *u)
{
	u->turns->slow--;
	u->group->slow--;
	u->group->host->slow--;
	u->group->owner->slow--;
}

static void ages_look(void *arg)
{
	struct turns *t = arg;
	uint64_t now = clock_ms();
	struct list *at, *next;

	for (at = t->quick.next; at != &t->quick; at = next) {
		struct turn *u = CONTAINER_OF(at, struct turn, link);

		next = at->next;
		if (u->slow_ms && now - u->since_ms >= u->slow_ms && slow_has_room(t, u->group))
			slow_in(u);
	}
	timer_arm(t);
	turns_look(t);
}

/* ---- the interface --------------------------------------------------------------------------- */

void turns_init(struct turns *t, const struct turns_opts *opts)
{
	*t = (struct turns){.opts = *opts};
	list_init(&t->round);
	list_init(&t->quick);
	timer_init(&t->timer, opts->loop, ages_look, t);
}

void turns_clear(struct turns *t)
{
	const char *key;
	void *group;
	size_t at = 0;

	BUG_IF(t->held || t->waiting || t->slow);
	timer_cancel(&t->timer);
	while (map_next(&t->groups, &at, &key, &group))
		group_free(t, group);
	map_clear(&t->owners);
	map_clear(&t->hosts);
	map_clear(&t->groups);
}

void turns_look(struct turns *t)
{
	struct turn *u;

	/* Whoever is granted something may come back here: the loop below sees to that. */
	if (t->granting)
		return;
	t->granting = true;
	while (t->held < t->opts.places && (u = next_turn(t))) {
		place_take(u);
		u->granted(u->arg);
	}
	t->granting = false;
}

unsigned turns_waiting(const struct turns *t, const char *owner, const char *host)
{
	auto_free char *key = group_key(owner, host);
	const struct turn_group *g = map_get(&t->groups, key);

	return g ? g->waiting : 0;
}

void turns_each_waiting(
	const struct turns *t, uint64_t ms, void (*fn)(void *arg, struct turn *turn), void *arg)
{
	struct list *o, *g, *u;
	int big;

	list_each (&t->round, o)
		list_each (&CONTAINER_OF(o, struct turn_name, link)->groups, g)
			for (big = 0; big < 2; big++)
				list_each (
					&CONTAINER_OF(g, struct turn_group, link)->line[big], u) {
					struct turn *turn = CONTAINER_OF(u, struct turn, link);

					if (clock_ms() - turn->since_ms < ms)
						break; /* those behind it came later */
					fn(arg, turn);
				}
}

static void turn_is_older(void *arg, struct turn *turn)
{
	uint64_t *first = arg;

	if (turn->since_ms < *first)
		*first = turn->since_ms;
}

uint64_t turns_longest_ms(const struct turns *t)
{
	uint64_t now = clock_ms(), first = now;

	turns_each_waiting(t, 0, turn_is_older, &first);
	return now - first;
}

void turn_init(struct turn *u, struct turns *turns, void (*granted)(void *arg), void *arg)
{
	*u = (struct turn){.turns = turns, .granted = granted, .arg = arg};
	list_init(&u->link);
}

void turn_wait(struct turn *u, const struct turn_ask *ask)
{
	BUG_IF(u->state != TURN_IDLE);
	u->group = group_get(u->turns, ask);
	u->big = ask->big;
	u->slow_ms = ask->slow_ms;
	line_in(u);
	turns_look(u->turns);
}

void turn_leave(struct turn *u)
{
	enum turn_state was = u->state;

	if (was == TURN_IDLE)
		return;
	if (was == TURN_WAITING)
		line_out(u);
	else if (was == TURN_QUICK)
		place_give(u);
	else
		slow_out(u);
	u->state = TURN_IDLE;
	group_put(u->turns, MOVE(u->group));
	if (was != TURN_WAITING)
		turns_look(u->turns);
}

bool turn_held(const struct turn *u)
{
	return u->state == TURN_QUICK || u->state == TURN_SLOW;
}

bool turn_is_for(const struct turn *u, const struct turns *turns, const struct turn_ask *ask)
{
	return u->state != TURN_IDLE && u->turns == turns && u->big == ask->big &&
		!strcmp(u->group->owner->name, ask->owner) &&
		!strcmp(u->group->host->name, ask->host);
}

const char *turn_host(const struct turn *u)
{
	return u->group ? u->group->host->name : "";
}
