#include "tcp_script.h"

#include "base/mem.h"
#include "ev/loop.h"
#include "ev/poll.h"
#include "ev/sock.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CONNECTIONS 64

struct conn {
	struct tcp_script *s;
	int fd;
	struct poll *poll;
	struct buf in;
	bool eof;
};

struct tcp_script {
	struct loop *loop;
	const struct tcp_step *steps;
	size_t at, sent;
	int listener;
	struct poll *poll;
	char host[SOCK_NAME_MAX];
	struct conn conns[MAX_CONNECTIONS];
	unsigned nconns, cur; /* cur counts from 1; 0: none yet */
	struct buf url, last, text;
	bool go;
	struct defer again;
};

static void run(struct tcp_script *s);

static void run_again(void *arg)
{
	run(arg);
}

static void later(struct tcp_script *s)
{
	defer_queue(s->loop, &s->again, run_again, s);
}

static void conn_close(struct conn *c)
{
	if (c->fd < 0)
		return;
	poll_close(c->poll);
	close(c->fd);
	c->poll = NULL;
	c->fd = -1;
}

static void conn_event(void *arg, int events)
{
	struct conn *c = arg;
	char part[65536];
	ssize_t n;

	(void)events;
	for (;;) {
		n = recv(c->fd, part, sizeof(part), 0);
		if (n <= 0)
			break;
		buf_add(&c->in, part, (size_t)n);
	}
	if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		c->eof = true;
		poll_set(c->poll, 0);
	}
	run(c->s);
}

static void listener_event(void *arg, int events)
{
	struct tcp_script *s = arg;
	char peer[SOCK_NAME_MAX];
	struct conn *c;
	int fd;

	(void)events;
	fd = sock_accept(s->listener, peer);
	if (fd < 0)
		return;
	ck_assert_uint_lt(s->nconns, MAX_CONNECTIONS);
	c = &s->conns[s->nconns++];
	c->s = s;
	c->fd = fd;
	c->in = BUF_INIT(BUF_ANY);
	c->poll = poll_new(s->loop, fd, conn_event, c);
	poll_set(c->poll, POLL_READ);
	if (!s->cur)
		s->cur = 1;
	later(s);
}

static const char *expand(struct tcp_script *s, const char *text)
{
	const char *p;

	buf_reset(&s->text);
	while ((p = strstr(text, "{host}"))) {
		buf_add(&s->text, text, (size_t)(p - text));
		buf_adds(&s->text, s->host);
		text = p + 6;
	}
	buf_adds(&s->text, text);
	return buf_str(&s->text);
}

/* Length of the whole request at the start of the buffer, 0 while it is not complete. */
static size_t request_len(const struct buf *in)
{
	const char *end = in->len ? strstr(in->p, "\r\n\r\n") : NULL, *p;
	size_t len;

	if (!end)
		return 0;
	len = (size_t)(end + 4 - in->p);
	for (p = in->p; p < end; p = strstr(p, "\r\n") + 2)
		if (!strncasecmp(p, "Content-Length:", 15))
			len += strtoul(p + 15, NULL, 10);
	return in->len >= len ? len : 0;
}

static bool step_request(struct tcp_script *s, struct conn *c, const char *text)
{
	size_t n = request_len(&c->in);

	if (!n) {
		ck_assert_msg(!c->eof, "step %zu: closed before '%s'", s->at, text);
		return false;
	}
	buf_reset(&s->last);
	buf_add(&s->last, c->in.p, n);
	buf_shift(&c->in, n);
	ck_assert_msg(!strncmp(buf_str(&s->last), text, strlen(text)),
		"step %zu: want a request that begins '%s', got '%s'", s->at, text,
		buf_str(&s->last));
	return true;
}

static bool step_expect(struct tcp_script *s, struct conn *c, const char *text)
{
	size_t want = strlen(text), n = c->in.len < want ? c->in.len : want;

	ck_assert_msg(!n || !memcmp(c->in.p, text, n), "step %zu: want '%s', got '%s'", s->at, text,
		buf_str(&c->in));
	if (n < want) {
		ck_assert_msg(!c->eof, "step %zu: closed, got only '%s'", s->at, buf_str(&c->in));
		return false;
	}
	buf_shift(&c->in, want);
	return true;
}

/* True when all is written. A client that has gone is no failure: the test looks at the client. */
static bool step_send(struct tcp_script *s, struct conn *c, const char *data, size_t n, size_t most)
{
	while (s->sent < n) {
		size_t part = n - s->sent < most ? n - s->sent : most;
		ssize_t did = c->fd < 0 ? -1 : send(c->fd, data + s->sent, part, MSG_NOSIGNAL);

		if (did < 0 && c->fd >= 0 && errno == EAGAIN) {
			poll_set(c->poll, POLL_READ | POLL_WRITE);
			return false;
		}
		if (did < 0)
			break;
		s->sent += (size_t)did;
		if (most == 1 && s->sent < n) {
			later(s);
			return false;
		}
	}
	if (c->fd >= 0 && !c->eof)
		poll_set(c->poll, POLL_READ);
	s->sent = 0;
	return true;
}

static bool step_fill(struct tcp_script *s, struct conn *c, size_t n)
{
	static char x[65536];

	memset(x, 'x', sizeof(x));
	while (s->sent < n) {
		size_t part = n - s->sent < sizeof(x) ? n - s->sent : sizeof(x);
		ssize_t did = c->fd < 0 ? -1 : send(c->fd, x, part, MSG_NOSIGNAL);

		if (did < 0 && c->fd >= 0 && errno == EAGAIN) {
			poll_set(c->poll, POLL_READ | POLL_WRITE);
			return false;
		}
		if (did < 0)
			break;
		s->sent += (size_t)did;
	}
	if (c->fd >= 0 && !c->eof)
		poll_set(c->poll, POLL_READ);
	s->sent = 0;
	return true;
}

static bool step_reset(struct conn *c)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	conn_close(c);
	return true;
}

static bool step(struct tcp_script *s)
{
	const struct tcp_step *st = &s->steps[s->at];
	const char *text = st->text ? expand(s, st->text) : "";
	struct conn *c = s->cur ? &s->conns[s->cur - 1] : NULL;

	if (st->verb == TCP_END)
		return false;
	if (st->verb == TCP_HOLD) {
		if (!s->go)
			return false;
		s->go = false;
		return true;
	}
	if (!c)
		return false;
	switch (st->verb) {
	case TCP_ACCEPT:
		if (s->cur == s->nconns)
			return false;
		s->cur++;
		return true;
	case TCP_EXPECT:
		return step_expect(s, c, text);
	case TCP_REQUEST:
		return step_request(s, c, text);
	case TCP_SEND:
		return step_send(s, c, text, strlen(text), BUF_ANY);
	case TCP_DRIP:
		return step_send(s, c, text, strlen(text), 1);
	case TCP_FILL:
		return step_fill(s, c, st->n);
	case TCP_NUL:
		return step_send(s, c, "", 1, 1);
	case TCP_WAIT_CLOSE:
		if (!c->eof)
			return false;
		conn_close(c);
		return true;
	case TCP_CLOSE:
		conn_close(c);
		return true;
	case TCP_RESET:
		return step_reset(c);
	default:
		ck_abort_msg("no such step");
	}
	return false;
}

static void run(struct tcp_script *s)
{
	while (step(s))
		s->at++;
}

struct tcp_script *tcp_script_new(struct loop *l, const struct tcp_step *steps)
{
	struct tcp_script *s = NEW(struct tcp_script);
	struct err err = {0};

	s->loop = l;
	s->steps = steps;
	s->url = s->last = s->text = BUF_INIT(BUF_ANY);
	ck_assert_msg(!sock_listen("127.0.0.1:0", &s->listener, s->host, &err), "%s", err.msg);
	s->poll = poll_new(l, s->listener, listener_event, s);
	poll_set(s->poll, POLL_READ);
	return s;
}

const char *tcp_script_url(struct tcp_script *s, const char *path)
{
	buf_reset(&s->url);
	buf_addf(&s->url, "http://%s%s", s->host, path);
	return buf_str(&s->url);
}

const char *tcp_script_host(const struct tcp_script *s)
{
	return s->host;
}

const char *tcp_script_last(const struct tcp_script *s)
{
	return buf_str(&s->last);
}

size_t tcp_script_at(const struct tcp_script *s)
{
	return s->at;
}

bool tcp_script_holds(const struct tcp_script *s)
{
	return s->steps[s->at].verb == TCP_HOLD && !s->go;
}

void tcp_script_go(struct tcp_script *s)
{
	s->go = true;
	later(s);
}

unsigned tcp_script_connections(const struct tcp_script *s)
{
	return s->nconns;
}

void tcp_script_unlisten(struct tcp_script *s)
{
	poll_close(s->poll);
	s->poll = NULL;
	if (s->listener >= 0)
		close(s->listener);
	s->listener = -1;
}

void tcp_script_free(struct tcp_script *s)
{
	size_t at = s->at;
	unsigned i;

	ck_assert_msg(s->steps[at].verb == TCP_END, "the script stopped at step %zu", at);
	defer_cancel(s->loop, &s->again);
	tcp_script_unlisten(s);
	for (i = 0; i < s->nconns; i++) {
		conn_close(&s->conns[i]);
		buf_clear(&s->conns[i].in);
	}
	buf_clear(&s->url);
	buf_clear(&s->last);
	buf_clear(&s->text);
	free(s);
}
