#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/server_internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* While an answer is on its way this is enough to see that the client has closed its side. */
#define READ_AHEAD 1024
/* An input buffer above this is given back when it is empty. */
#define KEEP_BUFFER 2048
#define LINGER_MS 2000
/* A client that closed its side may still read (a script with nc), or be gone. An answer comes
   within this, as a rule; a stream without an end is given up sooner, as nobody else ends it. */
#define EOF_ANSWER_MS 30000
#define EOF_STREAM_MS 1000
/* Pipelined requests answered before other connections have their turn. */
#define TURN_REQUESTS 16

enum moved { GO, WAIT, GONE };

static void conn_run(struct http_conn *c);

void conn_deadline(struct http_conn *c, uint64_t ms)
{
	uint64_t now = clock_ms();

	c->deadline = now + ms;
	/* Deadlines move with every request, the timer only when one comes earlier: it sets itself
	   again when it fires too soon. */
	if (!timer_is_set(&c->timer) || timer_left(&c->timer) > ms)
		timer_set(&c->timer, ms);
}

static void conn_on_poll(void *arg, int events);

/* What may still be read ahead of what is done now. */
static size_t conn_room(const struct http_conn *c)
{
	bool answering = c->state == CONN_HANDLER || c->state == CONN_REPLY;
	size_t most = answering ? READ_AHEAD : LIMIT_REQUEST_AHEAD, room;

	if (c->large_head && c->state == CONN_HEAD)
		most = c->in.max;
	room = c->in.len < most ? most - c->in.len : 0;
	return room < SCRATCH ? room : SCRATCH;
}

static void conn_watch(struct http_conn *c)
{
	int events = 0;

	room_move(c);
	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_BODY:
	case CONN_LINGER:
		if (!c->eof && !memory_waits(c))
			events = POLL_READ;
		break;
	case CONN_HANDLER:
	case CONN_REPLY:
		if (!c->eof && conn_room(c))
			events = POLL_READ;
		if (c->state == CONN_REPLY && c->blocked)
			events |= POLL_WRITE;
		break;
	case CONN_DEAD:
		break;
	}
	poll_set(c->poll, events);
}

static void conn_end_exchange(struct http_conn *c, bool gone)
{
	struct http_exchange *x = &c->x;
	void (*fn)(void *, struct http_exchange *, bool) = x->on_end;

	x->on_end = NULL;
	if (fn)
		fn(x->on_end_arg, x, gone);
	reply_reset(&x->reply);
	http_request_reset(&x->req);
	memory_release(CONTAINER_OF(x, struct http_conn, x));
}

void conn_close(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->state = CONN_DEAD;
	room_release(c);
	poll_close(c->poll);
	close(c->fd);
	timer_cancel(&c->timer);
	defer_cancel(s->loop, &c->defer);
	conn_end_exchange(c, true);
	http_request_clear(&c->x.req);
	buf_clear(&c->x.reply.fields);
	buf_clear(&c->x.reply.out);
	buf_clear(&c->in);
	free(c);
	server_conn_closed(s);
}

static void conn_refuse(struct http_conn *c, int status, const char *why)
{
	log_debug(NULL, "refused request", LS("server", c->server->name), LS("peer", c->peer),
		LI("status", status), LS("error", why));
	c->server->stats.refused++;
	c->close_after = true;
	c->deadline = 0;
	/* Whatever was half done with this exchange is over; nobody but us knows of it. */
	reply_reset(&c->x.reply);
	c->state = CONN_HANDLER;
	if (status == 503)
		http_x_add_header(&c->x, "Retry-After", "1");
	reply_refuse(c, status, why);
}

/* Of a reply that waits for its client, or of one that nobody waits for any more. */
static void reply_late(struct http_conn *c)
{
	uint64_t again = c->blocked ? pace_check(c) : 0;

	if (again) {
		conn_deadline(c, again);
		return;
	}
	c->server->stats.too_slow += c->blocked;
	conn_close(c);
}

static void conn_on_timer(void *arg)
{
	struct http_conn *c = arg;
	uint64_t now = clock_ms();

	if (!c->deadline)
		return;
	if (now < c->deadline) {
		timer_set(&c->timer, c->deadline - now);
		return;
	}
	c->deadline = 0;
	switch (c->state) {
	case CONN_HEAD:
	case CONN_BODY:
		if (memory_waits(c))
			conn_refuse(c, 503, "there is no memory for the body now");
		else
			conn_refuse(c, 408, "the request did not come in time");
		conn_run(c);
		break;
	case CONN_REPLY:
		reply_late(c);
		break;
	default: /* idle, lingering, one that is gone */
		conn_close(c);
		break;
	}
}

/* ---- the steps */

static enum moved conn_to_handler(struct http_conn *c)
{
	struct http_server *s = c->server;

	c->state = CONN_HANDLER;
	c->deadline = 0;
	c->served = true;
	s->stats.requests++;
	if (!c->x.req.keep_alive || s->draining)
		c->close_after = true;
	/* RFC 9110 section 9.3.7: about the server as a whole; there is nothing to say. */
	if (!strcmp(buf_str(&c->x.req.path), "*"))
		http_reply_buf(&c->x, 204, NULL, NULL);
	else
		s->opts.handler(s->opts.arg, &c->x);
	return GO;
}

/* The body has moved, or begins to. */
static void body_deadline(struct http_conn *c)
{
	uint64_t now = clock_ms(), ms = c->server->opts.progress_ms;

	if (c->request_by && c->request_by < now + ms)
		ms = c->request_by > now ? c->request_by - now : 0;
	conn_deadline(c, ms);
}

static void conn_to_body(struct http_conn *c)
{
	static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
	const struct http_server_opts *o = &c->server->opts;

	c->state = CONN_BODY;
	body_deadline(c);
	c->x.req.drop_body = o->wants_body && !o->wants_body(o->arg, &c->x);
	/* Twenty-five bytes into an empty socket buffer; if they do not fit, the client sends its
	   body after a while all the same. */
	if (c->x.req.expect_continue && !c->in.len)
		send(c->fd, CONTINUE, sizeof(CONTINUE) - 1, MSG_NOSIGNAL);
}

static enum moved conn_on_head(struct http_conn *c)
{
	uint64_t request_ms = c->server->opts.request_ms;
	ssize_t n;

	if (!c->in.len) {
		if (!c->eof)
			return WAIT;
		conn_close(c);
		return GONE;
	}
	if (c->state == CONN_IDLE) {
		c->state = CONN_HEAD;
		conn_deadline(c, c->server->opts.header_ms);
		c->request_by = request_ms ? clock_ms() + request_ms : 0;
		room_again(c);
	}
	n = http_request_head(&c->x.req, c->in.p, c->in.len);
	if (n < 0) {
		conn_refuse(c, c->x.req.status, c->x.req.why);
		return GO;
	}
	if (!n && c->eof) {
		conn_close(c);
		return GONE;
	}
	if (!n && memory_for_head(c))
		return WAIT;
	if (!n) {
		conn_refuse(c, 503, "too many large headers");
		return GO;
	}
	buf_shift(&c->in, (size_t)n);
	if (c->large_head && !c->in.len)
		buf_clear(&c->in);
	if (!c->x.req.has_body)
		return conn_to_handler(c);
	conn_to_body(c);
	return GO;
}

static enum moved conn_on_body(struct http_conn *c)
{
	ssize_t n;

	if (!c->in.len && c->eof) {
		conn_close(c);
		return GONE;
	}
	if (!c->in.len || !memory_for_body(c))
		return WAIT;
	n = http_request_body(&c->x.req, c->in.p, c->in.len);
	if (n < 0) {
		conn_refuse(c, c->x.req.status, c->x.req.why);
		return GO;
	}
	buf_shift(&c->in, (size_t)n);
	if (c->x.req.complete)
		return conn_to_handler(c);
	body_deadline(c);
	return c->eof ? GO : WAIT;
}

static enum moved conn_linger(struct http_conn *c)
{
	struct http_server *s = c->server;

	if (c->eof || shutdown(c->fd, SHUT_WR)) {
		conn_close(c);
		return GONE;
	}
	if (s->lingering > s->opts.max_connections / 8)
		conn_close(room_first(s, RANK_LINGER));
	c->state = CONN_LINGER;
	buf_clear(&c->in);
	conn_deadline(c, LINGER_MS);
	return WAIT;
}

static enum moved conn_finished(struct http_conn *c)
{
	conn_end_exchange(c, false);
	c->blocked = false;
	c->deadline = 0;
	/* A client that closed its side gets the answers to all that it asked before. */
	if (c->close_after || c->server->draining || (c->eof && !c->in.len))
		return conn_linger(c);
	if (c->in.cap > KEEP_BUFFER && !c->in.len)
		buf_clear(&c->in);
	c->state = CONN_IDLE;
	conn_deadline(c, c->server->opts.idle_ms);
	return GO;
}

static enum moved conn_on_reply(struct http_conn *c)
{
	if (!c->blocked)
		pace_caught_up(c);
	switch (reply_send(c)) {
	case SEND_DONE:
		return conn_finished(c);
	case SEND_MORE: /* the poll calls again in the next turn, after the others */
	case SEND_BLOCKED:
		conn_deadline(c, pace_check(c));
		c->blocked = true;
		return WAIT;
	case SEND_WAIT:
		c->blocked = false;
		c->deadline = 0;
		/* A stream that waits has nobody to end it for a client that is gone. */
		if (c->eof && c->x.reply.kind == REPLY_STREAM)
			conn_deadline(c, EOF_STREAM_MS);
		return WAIT;
	case SEND_FAILED:
	default:
		conn_close(c);
		return GONE;
	}
}

static void conn_run_deferred(void *arg)
{
	conn_run(arg);
}

void conn_wake(struct http_conn *c)
{
	if (!c->running)
		defer_queue(c->server->loop, &c->defer, conn_run_deferred, c);
}

void conn_reply(struct http_conn *c)
{
	c->state = CONN_REPLY;
	c->blocked = false;
	conn_wake(c);
}

/* Moves it as far as it goes. It may be freed after. */
static void conn_run(struct http_conn *c)
{
	unsigned answered = 0;
	enum moved rc = GO;

	c->running = true;
	while (rc == GO) {
		switch (c->state) {
		case CONN_IDLE:
			if (answered++ == TURN_REQUESTS && c->in.len) {
				c->running = false;
				conn_wake(c);
				conn_watch(c);
				return;
			}
			/* fall through */
		case CONN_HEAD:
			rc = conn_on_head(c);
			break;
		case CONN_BODY:
			rc = conn_on_body(c);
			break;
		case CONN_HANDLER:
			if (c->eof && !c->deadline)
				conn_deadline(c, EOF_ANSWER_MS);
			rc = WAIT;
			break;
		case CONN_REPLY:
			rc = conn_on_reply(c);
			break;
		case CONN_LINGER:
		case CONN_DEAD:
			rc = WAIT;
			break;
		}
	}
	if (rc == GONE)
		return;
	c->running = false;
	conn_watch(c);
}

/* False when the connection is no more. */
static bool conn_receive(struct http_conn *c)
{
	size_t room = conn_room(c);
	ssize_t n;

	if (!room)
		return true;
	n = recv(c->fd, c->server->scratch, room, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n < 0 || (!n && c->state == CONN_LINGER)) {
		conn_close(c);
		return false;
	}
	if (!n)
		c->eof = true;
	else if (c->state != CONN_LINGER)
		BUG_IF(buf_add(&c->in, c->server->scratch, (size_t)n));
	return true;
}

static void conn_on_poll(void *arg, int events)
{
	struct http_conn *c = arg;

	if (events & POLL_ERROR) {
		conn_close(c);
		return;
	}
	if (server_turn_over(c->server))
		return;
	if ((events & POLL_READ) && !conn_receive(c))
		return;
	/* While a reply waits for room, bytes of the next request do not concern it. */
	if (c->state == CONN_REPLY && c->blocked && !(events & POLL_WRITE) && !c->eof) {
		conn_watch(c);
		return;
	}
	conn_run(c);
}

void conn_drain(struct http_conn *c)
{
	if (c->state == CONN_LINGER || c->state == CONN_HANDLER || c->state == CONN_REPLY)
		return;
	/* A request may have come that we have not been told of yet. */
	if (!conn_receive(c))
		return;
	if (c->state == CONN_IDLE && !c->in.len)
		conn_close(c);
	else
		conn_run(c);
}

struct http_conn *conn_new(struct http_server *s, int fd, const char *peer)
{
	struct http_conn *c = NEW(struct http_conn);

	c->server = s;
	c->fd = fd;
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	buf_init(&c->in, s->opts.max_headers + LIMIT_REQUEST_AHEAD - LIMIT_REQUEST_HEADERS);
	http_request_init(&c->x.req, s->opts.max_body);
	http_request_allow_head(&c->x.req, s->opts.max_headers);
	reply_init(&c->x.reply);
	timer_init(&c->timer, s->loop, conn_on_timer, c);
	c->poll = poll_new(s->loop, fd, conn_on_poll, c);
	room_take(c);
	conn_deadline(c, s->opts.header_ms);
	conn_watch(c);
	return c;
}
