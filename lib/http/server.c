#include "http/server.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/server_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE 64
/* A thousand clients that come, ask or leave in one moment must not hold the loop. */
#define TURN_NS 2000000
#define ACCEPT_AGAIN_MS 100
/* Connections that one address may have at least: of a server with many places, of any. */
#define PEER_SOME 64
#define PEER_FEW 16

/* What one slice of the drain looks at: a thousand connections must not hold the loop. */
#define DRAIN_AT_ONCE 64

struct drain {
	struct op op;
	struct timer timer;
	struct defer defer;
	struct http_server *server;
	uint64_t connections; /* that the server had had when it began */
	bool cut; /* the grace is over */
};

const char *server_date(struct http_server *s)
{
	int64_t now = clock_wall_ms() / 1000;

	if (now != s->date_s) {
		s->date_s = now;
		time_format_http(now * 1000, s->date);
	}
	return s->date;
}

bool server_turn_over(struct http_server *s)
{
	uint64_t now = clock_ns(), turn = loop_turn_number(s->loop);

	if (s->turn != turn || !s->turn_from) {
		s->turn = turn;
		s->turn_from = now;
	}
	return now - s->turn_from > TURN_NS;
}

/* ---- accepting */

/* Says so and closes at once: it must not hold a descriptor. What it has sent is read, as unread
   bytes make a close a reset, and that would overtake the answer. */
static void server_turn_away(struct http_server *s, int fd, enum room why)
{
	static const char ANSWER[] = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n"
				     "Retry-After: 1\r\nContent-Type: text/plain\r\n"
				     "Content-Length: 21\r\n\r\ntoo many connections\n";
	ssize_t n = recv(fd, s->scratch, SCRATCH, 0);

	if (n)
		n = send(fd, ANSWER, sizeof(ANSWER) - 1, MSG_NOSIGNAL);
	close(fd);
	s->stats.turned_away++;
	s->stats.turned_away_peer += why == ROOM_PEER_FULL;
}

/* False: none waits, or there is no descriptor for it. */
static bool server_accept_some(struct http_server *s, unsigned most)
{
	char peer[SOCK_NAME_MAX];
	enum room room;
	int fd;

	while (most-- && !server_turn_over(s)) {
		fd = sock_accept(s->fd, peer);
		if (fd >= 0) {
			s->stats.connections++;
			room = room_for(s, peer);
			if (room == ROOM_YES)
				conn_new(s, fd, peer);
			else
				server_turn_away(s, fd, room);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* Out of descriptors or memory: the listener stays readable, so look away for a
		   moment instead of spinning. */
		if (errno != EAGAIN && !room_make(s)) {
			poll_set(s->poll, 0);
			timer_set(&s->accept_again, ACCEPT_AGAIN_MS);
		}
		return false;
	}
	return true;
}

static void server_on_listener(void *arg, int events)
{
	(void)events;
	server_accept_some(arg, ACCEPT_AT_ONCE);
}

static void server_on_accept_again(void *arg)
{
	struct http_server *s = arg;

	if (s->poll)
		poll_set(s->poll, POLL_READ);
}

static void stop_listening(struct http_server *s)
{
	timer_cancel(&s->accept_again);
	poll_close(s->poll);
	s->poll = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* ---- the interface */

/* A proxy or a whole network may stand behind one address, so it gets much, but never all of a
   server with many places. */
static unsigned share_of_peer(unsigned all)
{
	unsigned some = all < 2 * PEER_SOME ? all / 2 : PEER_SOME;
	unsigned few = all < PEER_FEW ? all : PEER_FEW;
	unsigned share = all / 4 > some ? all / 4 : some;

	return share > few ? share : few;
}

struct http_server *http_server_new(
	struct loop *l, const struct http_server_opts *opts, struct err *err)
{
	struct sigaction sa;
	struct http_server *s;
	int fd;
	char address[SOCK_NAME_MAX];

	if (sock_listen(opts->address, &fd, address, err)) {
		err_wrap(err, "server '%s'", opts->name);
		return NULL;
	}
	/* sendfile(2) has no MSG_NOSIGNAL: a client that hangs up must not end the process. A
	   handler of the program's own stays. */
	if (!sigaction(SIGPIPE, NULL, &sa) && sa.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	s = NEW(struct http_server);
	s->loop = l;
	s->opts = *opts;
	s->opts.address = NULL;
	s->opts.name = s->name = mem_strdup(opts->name);
	if (!s->opts.max_connections)
		s->opts.max_connections = LIMIT_CONNECTIONS;
	if (!s->opts.max_per_peer)
		s->opts.max_per_peer = share_of_peer(s->opts.max_connections);
	if (s->opts.max_per_peer > s->opts.max_connections)
		s->opts.max_per_peer = s->opts.max_connections;
	if (!s->opts.header_ms)
		s->opts.header_ms = 30000;
	if (!s->opts.idle_ms)
		s->opts.idle_ms = 120000;
	if (!s->opts.progress_ms)
		s->opts.progress_ms = 60000;
	if (!s->opts.max_headers)
		s->opts.max_headers = LIMIT_REQUEST_HEADERS;
	s->fd = fd;
	snprintf(s->address, sizeof(s->address), "%s", address);
	room_init(s);
	timer_init(&s->accept_again, l, server_on_accept_again, s);
	s->poll = poll_new(l, fd, server_on_listener, s);
	poll_set(s->poll, POLL_READ);
	log_info(NULL, "listening", LS("server", s->name), LS("address", s->address));
	return s;
}

const char *http_server_address(const struct http_server *s)
{
	return s->address;
}

static struct http_conn *server_any_conn(struct http_server *s)
{
	struct http_conn *c = NULL;
	int i;

	for (i = 0; i < RANKS && !c; i++)
		c = room_first(s, (enum conn_rank)i);
	return c;
}

/* ---- drain */

static void server_drained(struct http_server *s)
{
	struct drain *d = MOVE(s->drain);

	timer_cancel(&d->timer);
	defer_cancel(s->loop, &d->defer);
	op_finish(&d->op);
}

void server_conn_closed(struct http_server *s)
{
	if (s->drain && !s->stats.open_connections && s->fd < 0)
		server_drained(s);
}

/* The next one that the drain has something to do with. */
static struct http_conn *drain_next(struct drain *d)
{
	struct http_conn *c;

	if (d->cut)
		return server_any_conn(d->server);
	c = room_first(d->server, RANK_SILENT);
	return c ? c : room_first(d->server, RANK_IDLE);
}

static void drain_slice(void *arg)
{
	struct drain *d = arg;
	struct http_server *s = d->server;
	struct http_conn *c = NULL;
	unsigned n;

	/* Clients that the kernel has connected already are not turned away with a reset. */
	if (s->fd >= 0 && !d->cut &&
		s->stats.connections - d->connections < s->opts.max_connections &&
		server_accept_some(s, DRAIN_AT_ONCE)) {
		defer_queue(s->loop, &d->defer, drain_slice, d);
		return;
	}
	stop_listening(s);
	for (n = 0; n < DRAIN_AT_ONCE && s->drain && (c = drain_next(d)); n++)
		if (d->cut)
			conn_close(c);
		else
			conn_drain(c);
	if (!s->drain)
		return;
	if (!s->stats.open_connections)
		server_drained(s);
	else if (c)
		defer_queue(s->loop, &d->defer, drain_slice, d);
}

static void drain_cut(struct drain *d)
{
	d->cut = true;
	drain_slice(d);
}

static void drain_timeout(void *arg)
{
	drain_cut(arg);
}

static void drain_cancel(struct op *op)
{
	drain_cut(CONTAINER_OF(op, struct drain, op));
}

static void drain_free(struct op *op)
{
	free(CONTAINER_OF(op, struct drain, op));
}

struct op *http_server_drain(struct http_server *s, uint64_t grace_ms)
{
	static const struct op_type type = {"drain", drain_cancel, drain_free};
	struct drain *d = NEW(struct drain);

	BUG_IF(s->drain);
	op_init(&d->op, s->loop, &type);
	d->server = s;
	d->connections = s->stats.connections;
	timer_init(&d->timer, s->loop, drain_timeout, d);
	timer_set(&d->timer, grace_ms);
	s->draining = true;
	s->drain = d;
	drain_slice(d);
	return &d->op;
}

void http_server_free(struct http_server *s)
{
	struct http_conn *c;

	if (!s)
		return;
	s->draining = true;
	stop_listening(s);
	while ((c = server_any_conn(s)))
		conn_close(c);
	BUG_IF(s->drain);
	room_free(s);
	free(s->name);
	free(s);
}

void http_server_stats(const struct http_server *s, struct http_server_stats *out)
{
	*out = s->stats;
	out->max_connections = s->opts.max_connections;
}

void http_server_each_status(
	const struct http_server *s, void (*fn)(void *arg, int status, uint64_t n), void *arg)
{
	int i;

	for (i = 0; i < HTTP_STATUSES; i++)
		if (s->statuses[i])
			fn(arg, HTTP_STATUS_FIRST + i, s->statuses[i]);
}

/* ---- the request, for handlers */

const char *http_x_method(const struct http_exchange *x)
{
	return x->req.method;
}

const char *http_x_target(const struct http_exchange *x)
{
	return x->req.target;
}

const char *http_x_path(const struct http_exchange *x)
{
	return buf_str(&x->req.path);
}

const char *http_x_query(struct http_exchange *x, const char *name)
{
	return http_request_query(&x->req, name);
}

const char *http_x_header(struct http_exchange *x, const char *name)
{
	return http_request_field(&x->req, name);
}

const struct buf *http_x_body(const struct http_exchange *x)
{
	return &x->req.body;
}

bool http_x_body_dropped(const struct http_exchange *x)
{
	return x->req.drop_body;
}

const char *http_x_client(const struct http_exchange *x)
{
	return CONTAINER_OF(x, struct http_conn, x)->peer_of->group;
}

void http_x_on_end(struct http_exchange *x,
	void (*fn)(void *arg, struct http_exchange *x, bool gone), void *arg)
{
	x->on_end = fn;
	x->on_end_arg = arg;
}
