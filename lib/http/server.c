#include "http/server.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/server_internal.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ACCEPT_AT_ONCE 64
#define ACCEPT_AGAIN_MS 100

struct drain {
	struct op op;
	struct timer timer;
	struct http_server *server;
};

/* ---- the list */

void server_unlink(struct http_conn *c)
{
	struct http_server *s = c->server;

	*(c->prev ? &c->prev->next : &s->first) = c->next;
	*(c->next ? &c->next->prev : &s->last) = c->prev;
	c->next = c->prev = NULL;
	s->stats.open_connections--;
}

void server_link(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->prev = s->last;
	c->next = NULL;
	*(s->last ? &s->last->next : &s->first) = c;
	s->last = c;
	s->stats.open_connections++;
}

void server_to_end(struct http_conn *c)
{
	if (c->server->last == c)
		return;
	server_unlink(c);
	server_link(c);
}

static void drained(struct http_server *s)
{
	struct drain *d = MOVE(s->drain);

	timer_cancel(&d->timer);
	op_finish(&d->op);
}

void server_conn_closed(struct http_server *s, struct http_conn *c)
{
	(void)c;
	if (s->drain && !s->first)
		drained(s);
}

const char *server_date(struct http_server *s)
{
	int64_t now = clock_wall_ms() / 1000;

	if (now != s->date_s) {
		s->date_s = now;
		time_format_http(now * 1000, s->date);
	}
	return s->date;
}

/* ---- accepting */

static bool close_oldest_idle(struct http_server *s)
{
	struct http_conn *c;

	for (c = s->first; c; c = c->next)
		if (conn_idle(c))
			break;
	if (!c)
		return false;
	conn_close(c);
	return true;
}

static void accept_one(struct http_server *s, int fd, const char *peer)
{
	bool full = s->stats.open_connections >= s->opts.max_connections && !close_oldest_idle(s);
	struct http_conn *c = conn_new(s, fd, peer);

	s->stats.connections++;
	if (full)
		conn_turn_away(c);
}

static void accept_some(struct http_server *s, unsigned most)
{
	char peer[SOCK_NAME_MAX];
	int fd;

	while (most--) {
		fd = sock_accept(s->fd, peer);
		if (fd >= 0) {
			accept_one(s, fd, peer);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* Out of descriptors or memory: the listener stays readable, so look away for a moment instead of spinning. */
		if (errno != EAGAIN && !close_oldest_idle(s)) {
			poll_set(s->poll, 0);
			timer_set(&s->accept_again, ACCEPT_AGAIN_MS);
		}
		return;
	}
}

static void on_listener(void *arg, int events)
{
	(void)events;
	accept_some(arg, ACCEPT_AT_ONCE);
}

static void on_accept_again(void *arg)
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
	/* sendfile(2) has no MSG_NOSIGNAL: a client that hangs up must not end the process. A handler of the program's own stays. */
	if (!sigaction(SIGPIPE, NULL, &sa) && sa.sa_handler == SIG_DFL)
		signal(SIGPIPE, SIG_IGN);
	s = NEW(struct http_server);
	s->loop = l;
	s->opts = *opts;
	s->opts.address = NULL;
	s->opts.name = s->name = mem_strdup(opts->name);
	if (!s->opts.max_connections)
		s->opts.max_connections = 1024;
	if (!s->opts.header_ms)
		s->opts.header_ms = 30000;
	if (!s->opts.idle_ms)
		s->opts.idle_ms = 120000;
	if (!s->opts.progress_ms)
		s->opts.progress_ms = 60000;
	s->fd = fd;
	snprintf(s->address, sizeof(s->address), "%s", address);
	timer_init(&s->accept_again, l, on_accept_again, s);
	s->poll = poll_new(l, fd, on_listener, s);
	poll_set(s->poll, POLL_READ);
	log_info(NULL, "listening", LS("server", s->name), LS("address", s->address));
	return s;
}

const char *http_server_address(const struct http_server *s)
{
	return s->address;
}

static void cut_all(struct http_server *s)
{
	while (s->first)
		conn_close(s->first);
}

static void drain_timeout(void *arg)
{
	struct drain *d = arg;

	cut_all(d->server); /* the last one ends the op */
}

static void drain_cancel(struct op *op)
{
	cut_all(CONTAINER_OF(op, struct drain, op)->server);
}

static void drain_free(struct op *op)
{
	free(CONTAINER_OF(op, struct drain, op));
}

struct op *http_server_drain(struct http_server *s, uint64_t grace_ms)
{
	static const struct op_type type = {"drain", drain_cancel, drain_free};
	struct drain *d = NEW(struct drain);
	struct http_conn *c, *next;

	BUG_IF(s->drain);
	op_init(&d->op, s->loop, &type);
	d->server = s;
	timer_init(&d->timer, s->loop, drain_timeout, d);
	/* Clients that the kernel has connected already are not turned away with a reset. */
	if (!s->draining && s->fd >= 0)
		accept_some(s, s->opts.max_connections);
	s->draining = true;
	stop_listening(s);
	for (c = s->first; c; c = next) {
		next = c->next;
		conn_drain(c);
	}
	s->drain = d;
	if (s->first)
		timer_set(&d->timer, grace_ms);
	else
		drained(s);
	return &d->op;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	s->draining = true;
	stop_listening(s);
	cut_all(s);
	BUG_IF(s->drain);
	free(s->name);
	free(s);
}

void http_server_stats(const struct http_server *s, struct http_server_stats *out)
{
	*out = s->stats;
}

/* ---- the request, for handlers */

const char *http_x_method(const struct http_exchange *x)
{
	return x->req.method;
}

const char *http_x_path(const struct http_exchange *x)
{
	return buf_str(&x->req.path);
}

const char *http_x_target(const struct http_exchange *x)
{
	return x->req.target;
}

const char *http_x_query(struct http_exchange *x, const char *name)
{
	return http_request_query(&x->req, name, 0);
}

const char *http_x_query_nth(struct http_exchange *x, const char *name, unsigned nth)
{
	return http_request_query(&x->req, name, nth);
}

const char *http_x_header(struct http_exchange *x, const char *name)
{
	return http_request_field(&x->req, name);
}

const struct buf *http_x_body(const struct http_exchange *x)
{
	return &x->req.body;
}

const char *http_x_peer(const struct http_exchange *x)
{
	return CONTAINER_OF(x, struct http_conn, x)->peer;
}

void http_x_on_end(struct http_exchange *x,
	void (*fn)(void *arg, struct http_exchange *x, bool gone), void *arg)
{
	x->on_end = fn;
	x->on_end_arg = arg;
}
