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

/* What is read ahead of a pipelining client while an answer is on its way. */
#define READ_AHEAD (16 * 1024)
#define IN_MAX (READ_AHEAD + SCRATCH + LIMIT_REQUEST_HEADERS)
#define LINGER_MS 2000
/* A client that closed its side may still read (a script with nc), or be gone: a reply that has not begun gets this long. */
#define EOF_GRACE_MS 1000
/* Pipelined requests answered before other connections have their turn. */
#define TURN_REQUESTS 16
/* A connection on which nothing came is not given up for another one before this. */
#define NEW_MS 1000

enum moved { GO, WAIT, GONE };

static void deadline(struct http_conn *c, uint64_t ms)
{
	uint64_t now = clock_ms();

	c->deadline = now + ms;
	/* Deadlines move with every request, the timer only when one comes earlier: it sets itself again when it fires too soon. */
	if (!timer_is_set(&c->timer) || timer_left(&c->timer) > ms)
		timer_set(&c->timer, ms);
}

static void on_poll(void *arg, int events);

static void watch(struct http_conn *c)
{
	int events = 0;

	switch (c->state) {
	case CONN_IDLE:
	case CONN_HEAD:
	case CONN_BODY:
	case CONN_LINGER:
		events = POLL_READ;
		break;
	case CONN_HANDLER:
	case CONN_REPLY:
		if (!c->eof && c->in.len < READ_AHEAD)
			events = POLL_READ;
		if (c->state == CONN_REPLY && c->blocked)
			events |= POLL_WRITE;
		break;
	case CONN_DEAD:
		break;
	}
	poll_set(c->poll, events);
}

static void end_exchange(struct http_conn *c, bool gone)
{
	struct http_exchange *x = &c->x;
	void (*fn)(void *, struct http_exchange *, bool) = x->on_end;

	x->on_end = NULL;
	if (fn)
		fn(x->on_end_arg, x, gone);
	reply_reset(&x->reply);
	http_request_reset(&x->req);
}

void conn_close(struct http_conn *c)
{
	c->state = CONN_DEAD;
	server_unlink(c);
	poll_close(c->poll);
	close(c->fd);
	timer_cancel(&c->timer);
	defer_cancel(c->server->loop, &c->defer);
	end_exchange(c, true);
	http_request_clear(&c->x.req);
	buf_clear(&c->x.reply.fields);
	buf_clear(&c->x.reply.out);
	buf_clear(&c->in);
	server_conn_closed(c->server, c);
	free(c);
}

static void refuse(struct http_conn *c, int status, const char *why)
{
	log_debug(NULL, "refused request", LS("server", c->server->name), LS("peer", c->peer),
		LI("status", status), LS("error", why));
	c->server->stats.refused++;
	c->close_after = true;
	c->deadline = 0;
	reply_refuse(c, status, why);
}

static void on_timer(void *arg)
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
		refuse(c, 408, "the request did not come in time");
		conn_run(c);
		break;
	default: /* idle, lingering, a client that does not read, one that is gone */
		conn_close(c);
		break;
	}
}

/* ---- the steps */

static enum moved to_handler(struct http_conn *c)
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

static enum moved on_head(struct http_conn *c)
{
	static const char CONTINUE[] = "HTTP/1.1 100 Continue\r\n\r\n";
	ssize_t n;

	if (!c->in.len) {
		if (!c->eof)
			return WAIT;
		conn_close(c);
		return GONE;
	}
	if (c->state == CONN_IDLE) {
		c->state = CONN_HEAD;
		deadline(c, c->server->opts.header_ms);
		server_to_end(c);
	}
	n = http_request_head(&c->x.req, c->in.p, c->in.len);
	if (n < 0) {
		refuse(c, c->x.req.status, c->x.req.why);
		return GO;
	}
	if (!n && c->eof) {
		conn_close(c);
		return GONE;
	}
	if (!n)
		return WAIT;
	buf_shift(&c->in, (size_t)n);
	if (!c->x.req.has_body)
		return to_handler(c);
	c->state = CONN_BODY;
	deadline(c, c->server->opts.progress_ms);
	/* Twenty-five bytes into an empty socket buffer; if they do not fit, the client sends its body after a while all the same. */
	if (c->x.req.expect_continue && !c->in.len)
		send(c->fd, CONTINUE, sizeof(CONTINUE) - 1, MSG_NOSIGNAL);
	return GO;
}

static enum moved on_body(struct http_conn *c)
{
	ssize_t n;

	if (!c->in.len && c->eof) {
		conn_close(c);
		return GONE;
	}
	if (!c->in.len)
		return WAIT;
	n = http_request_body(&c->x.req, c->in.p, c->in.len);
	if (n < 0) {
		refuse(c, c->x.req.status, c->x.req.why);
		return GO;
	}
	buf_shift(&c->in, (size_t)n);
	if (c->x.req.complete)
		return to_handler(c);
	deadline(c, c->server->opts.progress_ms);
	return WAIT;
}

static enum moved finished(struct http_conn *c)
{
	end_exchange(c, false);
	c->blocked = false;
	c->deadline = 0;
	if (c->close_after || c->server->draining || c->eof) {
		if (c->eof || shutdown(c->fd, SHUT_WR)) {
			conn_close(c);
			return GONE;
		}
		c->state = CONN_LINGER;
		buf_clear(&c->in);
		deadline(c, LINGER_MS);
		return WAIT;
	}
	if (c->in.cap > READ_AHEAD && !c->in.len)
		buf_clear(&c->in);
	c->state = CONN_IDLE;
	deadline(c, c->server->opts.idle_ms);
	return GO;
}

static enum moved on_reply(struct http_conn *c)
{
	bool moved = false;

	switch (reply_send(c, &moved)) {
	case SEND_DONE:
		return finished(c);
	case SEND_MORE: /* the poll calls again in the next turn, after the others */
	case SEND_BLOCKED:
		if (moved || !c->blocked)
			deadline(c, c->server->opts.progress_ms);
		c->blocked = true;
		return WAIT;
	case SEND_WAIT:
		c->blocked = false;
		c->deadline = 0;
		/* A stream that waits has nobody to end it for a client that is gone. */
		if (c->eof)
			deadline(c, EOF_GRACE_MS);
		return WAIT;
	case SEND_FAILED:
	default:
		conn_close(c);
		return GONE;
	}
}

static void run_deferred(void *arg)
{
	conn_run(arg);
}

void conn_wake(struct http_conn *c)
{
	if (!c->running)
		defer_queue(c->server->loop, &c->defer, run_deferred, c);
}

void conn_run(struct http_conn *c)
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
				watch(c);
				return;
			}
			/* fall through */
		case CONN_HEAD:
			rc = on_head(c);
			break;
		case CONN_BODY:
			rc = on_body(c);
			break;
		case CONN_HANDLER:
			if (c->eof && !c->deadline)
				deadline(c, EOF_GRACE_MS);
			rc = WAIT;
			break;
		case CONN_REPLY:
			rc = on_reply(c);
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
	watch(c);
}

/* False when the connection is no more. */
static bool receive(struct http_conn *c)
{
	ssize_t n;

	if (c->in.len > IN_MAX - SCRATCH)
		return true;
	n = recv(c->fd, c->server->scratch, SCRATCH, 0);
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

static void on_poll(void *arg, int events)
{
	struct http_conn *c = arg;

	if (events & POLL_ERROR) {
		conn_close(c);
		return;
	}
	if ((events & POLL_READ) && !receive(c))
		return;
	/* While a reply waits for room, bytes of the next request do not concern it. */
	if (c->state == CONN_REPLY && c->blocked && !(events & POLL_WRITE) && !c->eof) {
		watch(c);
		return;
	}
	conn_run(c);
}

bool conn_idle(const struct http_conn *c)
{
	/* One that was accepted just now has its request on the way. */
	return c->state == CONN_IDLE && (c->served || clock_ms() - c->accepted >= NEW_MS);
}

void conn_drain(struct http_conn *c)
{
	if (c->state == CONN_LINGER || c->state == CONN_HANDLER || c->state == CONN_REPLY)
		return;
	/* A request may have come that we have not been told of yet. */
	if (!receive(c))
		return;
	if (c->state == CONN_IDLE && !c->in.len)
		conn_close(c);
	else
		conn_run(c);
}

void conn_turn_away(struct http_conn *c)
{
	refuse(c, 503, "too many connections");
	conn_run(c);
}

struct http_conn *conn_new(struct http_server *s, int fd, const char *peer)
{
	struct http_conn *c = NEW(struct http_conn);

	c->server = s;
	c->fd = fd;
	c->accepted = clock_ms();
	snprintf(c->peer, sizeof(c->peer), "%s", peer);
	buf_init(&c->in, IN_MAX);
	http_request_init(&c->x.req, s->opts.max_body);
	reply_init(&c->x.reply);
	timer_init(&c->timer, s->loop, on_timer, c);
	c->poll = poll_new(s->loop, fd, on_poll, c);
	server_link(c);
	deadline(c, s->opts.header_ms);
	watch(c);
	return c;
}
