/*
 * Who has a place on the server, and who gives it up when there is none left (server.h, "Room").
 *
 * Each connection stands in two lists, of the server and of its peer, of those that are at the same
 * point (enum conn_rank); the one that has been there for the longest time comes first. So nothing
 * here looks at all connections.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/server_internal.h"

#include <limits.h>
#include <stdio.h>

/* A header comes in one piece, or nearly: this is time for a segment that was lost. */
#define HEAD_MS 2000
/* A client asks as soon as it is connected: a round trip later. */
#define SILENT_MS 1000
/* A peer that holds no more than one place in so many never loses an answer to fairness. */
#define SMALL_SHARE 64
/* So many are looked at for one that gives way; the next search goes on behind them. */
#define LOOK_AT 32

/* In the order in which they give way. */
static const enum conn_rank GIVE_WAY[] = {
	RANK_LINGER, RANK_SILENT, RANK_HEAD, RANK_IDLE, RANK_REPLY};
/* Who else may have to go, of a peer that holds most. */
static const enum conn_rank FORCED[] = {RANK_HEAD, RANK_REPLY, RANK_BUSY};

static void ranks_init(struct list ranks[RANKS])
{
	int i;

	for (i = 0; i < RANKS; i++)
		list_init(&ranks[i]);
}

static struct http_conn *conn_of(struct list *at, bool of_peer)
{
	return of_peer ? CONTAINER_OF(at, struct http_conn, in_peer)
		       : CONTAINER_OF(at, struct http_conn, in_server);
}

/* ---- peers */

static struct http_peer *peer_find(
	const struct http_server *s, const char *peer, char group[SOCK_NAME_MAX])
{
	sock_peer_group(peer, group);
	return map_get(&s->peers, group);
}

/* One more or one less than before, so that what anybody holds at most is one more or less. */
static void peer_hold(struct http_server *s, struct http_peer *p, unsigned connections)
{
	list_out(&p->in_holders);
	p->connections = connections;
	if (connections)
		list_add(&s->holders[connections], &p->in_holders);
	if (connections > s->most)
		s->most = connections;
	else if (list_empty(&s->holders[s->most]))
		s->most = connections;
}

static struct http_peer *peer_take(struct http_server *s, const char *peer)
{
	char group[SOCK_NAME_MAX];
	struct http_peer *p = peer_find(s, peer, group);

	if (!p) {
		p = NEW(struct http_peer);
		snprintf(p->group, sizeof(p->group), "%s", group);
		ranks_init(p->ranks);
		list_init(&p->in_holders);
		map_put(&s->peers, p->group, p);
	}
	peer_hold(s, p, p->connections + 1);
	return p;
}

static void peer_release(struct http_server *s, struct http_peer *p)
{
	peer_hold(s, p, p->connections - 1);
	if (p->connections)
		return;
	map_del(&s->peers, p->group);
	free(p);
}

/* The one that holds most; of several, the one that has done so for the longest time. NULL: there
   is no connection. */
static struct http_peer *peer_of_most(struct http_server *s)
{
	struct list *at = list_first(&s->holders[s->most]);

	return at ? CONTAINER_OF(at, struct http_peer, in_holders) : NULL;
}

/* ---- places */

static enum conn_rank rank_of(const struct http_conn *c)
{
	switch (c->state) {
	case CONN_IDLE:
		return c->served ? RANK_IDLE : RANK_SILENT;
	case CONN_HEAD:
	case CONN_BODY:
		return RANK_HEAD;
	case CONN_REPLY:
		return RANK_REPLY;
	case CONN_LINGER:
		return RANK_LINGER;
	case CONN_HANDLER:
		return c->eof ? RANK_LINGER : RANK_BUSY;
	case CONN_DEAD:
	default:
		return RANK_BUSY;
	}
}

static void room_put(struct http_conn *c, enum conn_rank rank)
{
	c->rank = rank;
	c->ranked = clock_ms();
	c->server->lingering += rank == RANK_LINGER;
	list_add(&c->server->ranks[rank], &c->in_server);
	list_add(&c->peer_of->ranks[rank], &c->in_peer);
}

static void room_leave(struct http_conn *c)
{
	c->server->lingering -= c->rank == RANK_LINGER;
	list_out(&c->in_server);
	list_out(&c->in_peer);
}

void room_init(struct http_server *s)
{
	unsigned i;

	ranks_init(s->ranks);
	s->holders = mem_array(NULL, s->opts.max_per_peer + 1, sizeof(*s->holders));
	for (i = 0; i <= s->opts.max_per_peer; i++)
		list_init(&s->holders[i]);
}

void room_free(struct http_server *s)
{
	BUG_IF(s->peers.len);
	map_clear(&s->peers);
	free(s->holders);
}

void room_take(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->peer_of = peer_take(s, c->peer);
	s->stats.open_connections++;
	room_put(c, rank_of(c));
}

void room_release(struct http_conn *c)
{
	struct http_server *s = c->server;

	room_leave(c);
	peer_release(s, c->peer_of);
	c->peer_of = NULL;
	s->stats.open_connections--;
}

void room_again(struct http_conn *c)
{
	room_leave(c);
	room_put(c, rank_of(c));
}

void room_move(struct http_conn *c)
{
	if (rank_of(c) != c->rank)
		room_again(c);
}

struct http_conn *room_first(struct http_server *s, enum conn_rank rank)
{
	struct list *at = list_first(&s->ranks[rank]);

	return at ? conn_of(at, false) : NULL;
}

/* ---- giving way */

/* holds: of the peer whose connection needs a place. One that has come just now has a second to
   ask, unless its own peer holds as many. */
static bool room_may_go(struct http_conn *c, unsigned holds)
{
	uint64_t age = clock_ms() - c->ranked;

	switch (c->rank) {
	case RANK_SILENT:
		if (age < SILENT_MS && c->peer_of->connections < holds)
			return false;
		/* fall through */
	case RANK_IDLE:
		/* Its request may have come since the loop has asked the kernel. Its end may, too:
		   then nobody is there any more. */
		return !sock_has_bytes(c->fd);
	case RANK_HEAD:
		return age >= HEAD_MS;
	case RANK_REPLY:
		return pace_gives_way(c);
	case RANK_LINGER:
		return true;
	case RANK_BUSY:
	default:
		return false;
	}
}

/* The order says nothing of the speed of a reader, or of what has come just now: those that were
   looked at go to the end. */
static struct http_conn *room_search(struct list *list, bool of_peer, unsigned holds)
{
	struct list *at;
	unsigned n;

	for (n = 0; n < LOOK_AT && (at = list_first(list)); n++) {
		struct http_conn *c = conn_of(at, of_peer);

		if (room_may_go(c, holds))
			return c;
		if (c->rank == RANK_HEAD) /* the others are younger */
			return NULL;
		list_to_end(list, at);
	}
	return NULL;
}

static bool room_one_goes(
	struct http_server *s, struct list ranks[RANKS], bool of_peer, unsigned holds)
{
	struct http_conn *c = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(GIVE_WAY) && !c; i++)
		c = room_search(&ranks[GIVE_WAY[i]], of_peer, holds);
	if (!c)
		return false;
	s->stats.gave_way++;
	conn_close(c);
	return true;
}

/* Of the oldest ones the one that takes least of its reply. */
static struct http_conn *room_slowest(struct list *list)
{
	struct http_conn *slowest = NULL;
	uint64_t least = UINT64_MAX, pace;
	struct list *at;
	unsigned n = 0;

	list_each (list, at) {
		struct http_conn *c = conn_of(at, true);

		pace = pace_now(c);
		if (!slowest || pace < least) {
			slowest = c;
			least = pace;
		}
		if (++n == LOOK_AT)
			break;
	}
	return slowest;
}

/* Nobody goes by itself: who holds most, and far more than the one who comes, gives one up. */
static bool room_forced(struct http_server *s, unsigned holds)
{
	struct http_peer *p = peer_of_most(s);
	struct http_conn *c = NULL;
	size_t i;

	if (!p || p->connections <= holds + 1 ||
		p->connections <= s->opts.max_connections / SMALL_SHARE)
		return false;
	for (i = 0; i < ARRAY_LEN(FORCED) && !c; i++)
		c = room_slowest(&p->ranks[FORCED[i]]);
	if (!c)
		return false;
	s->stats.cut_for_share++;
	conn_close(c);
	return true;
}

/* For one whose peer holds so many already. */
static bool room_shared(struct http_server *s, unsigned holds)
{
	struct http_peer *most = peer_of_most(s);

	/* What costs nobody anything; then at the expense of who holds most. */
	if (room_search(&s->ranks[RANK_LINGER], false, holds))
		return room_one_goes(s, s->ranks, false, holds);
	if (most && most->connections > holds && room_one_goes(s, most->ranks, true, UINT_MAX))
		return true;
	return room_one_goes(s, s->ranks, false, holds) || room_forced(s, holds);
}

bool room_make(struct http_server *s)
{
	return room_one_goes(s, s->ranks, false, 0);
}

enum room room_for(struct http_server *s, const char *peer)
{
	char group[SOCK_NAME_MAX];
	struct http_peer *p = peer_find(s, peer, group);
	unsigned holds = p ? p->connections : 0;

	if (holds >= s->opts.max_per_peer)
		return room_one_goes(s, p->ranks, true, 0) ? ROOM_YES : ROOM_PEER_FULL;
	return s->stats.open_connections < s->opts.max_connections || room_shared(s, holds)
		? ROOM_YES
		: ROOM_FULL;
}
