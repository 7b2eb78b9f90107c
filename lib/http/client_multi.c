/*
 * libcurl's multi handle on the loop (libcurl-multi(3), "multi_socket"). curl tells which sockets
 * to watch and when to wake it; nothing here knows of requests. Neither callback may call back into
 * curl.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "ev/poll.h"
#include "http/client_internal.h"

#include <sys/socket.h>
#include <unistd.h>

#define SWEEP_EVERY_MS 5000

struct sock {
	struct http_client *c;
	curl_socket_t fd;
	struct poll *poll;
};

/* ---- idle connections ------------------------------------------------------------------------ */

static struct http_fd *fd_find(struct http_client *c, int fd)
{
	struct http_fd *f;

	vec_each (&c->fds, f) {
		if (f->fd == fd)
			return f;
	}
	return NULL;
}

static uint64_t cookie_of(int fd)
{
	uint64_t cookie = 0;
	socklen_t len = sizeof(cookie);

	return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) ? 0 : cookie;
}

static void fd_forget(struct http_client *c, struct http_fd *f)
{
	*f = c->fds.p[--c->fds.len];
}

curl_socket_t http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *a)
{
	struct http_op *x = arg;
	struct http_client *c = x->c;
	struct http_fd *f;
	int fd;

	(void)purpose;
	if (!http_peer_open_allowed(x, &a->addr))
		return CURL_SOCKET_BAD;
	http_op_watch_connect(x);
	fd = socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
	if (fd < 0)
		return CURL_SOCKET_BAD;
	f = fd_find(c, fd);
	if (!f)
		f = vec_add(&c->fds);
	*f = (struct http_fd){fd, cookie_of(fd), 0};
	return fd;
}

int http_close_socket(void *arg, curl_socket_t fd)
{
	struct http_client *c = arg;
	struct http_fd *f = fd_find(c, fd);

	if (f)
		fd_forget(c, f);
	return close(fd);
}

/* curl looks at the age of a kept connection only when it might use it: one that nobody asks for
   again would stay open for ever with a server that keeps it. Shut down, it tells the server now,
   and curl finds it dead when it looks next. */
void http_multi_sweep(struct http_client *c)
{
	uint64_t now = clock_ms();
	size_t i = 0;

	if (c->paused || now - c->swept_ms < SWEEP_EVERY_MS)
		return;
	c->swept_ms = now;
	while (i < c->fds.len) {
		struct http_fd *f = &c->fds.p[i];

		if (!f->cookie || cookie_of(f->fd) != f->cookie) {
			fd_forget(c, f);
			continue;
		}
		if (f->idle_ms && now - f->idle_ms >= c->opts.idle_close_s * 1000ULL)
			shutdown(f->fd, SHUT_RDWR);
		i++;
	}
}

/* ---- sockets and time ------------------------------------------------------------------------ */

/* After every curl_multi_socket_action, also the timer's: the last transfer may end in either. */
static void multi_drain(struct http_client *c)
{
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(c->multi, &left))) {
		CURLcode rc = m->data.result;
		CURL *easy = m->easy_handle;
		struct http_op *x = NULL;

		/* m is gone once the handle is removed. */
		if (m->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(easy, CURLINFO_PRIVATE, &x);
		http_op_done(x, rc);
	}
}

static void socket_ready(void *arg, int events)
{
	struct sock *s = arg;
	struct http_client *c = s->c;
	int bits = 0, running;

	if (events & POLL_READ)
		bits |= CURL_CSELECT_IN;
	if (events & POLL_WRITE)
		bits |= CURL_CSELECT_OUT;
	/* Never alone: of an error without more curl ends the transfer before it has read the
	   answer that came in front of the reset. */
	if (events & POLL_ERROR)
		bits |= CURL_CSELECT_ERR | CURL_CSELECT_IN | CURL_CSELECT_OUT;
	curl_multi_socket_action(c->multi, s->fd, bits, &running); /* may free s */
	multi_drain(c);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *c = arg;
	struct sock *s = socket_arg;
	struct http_fd *f = fd_find(c, fd);

	(void)easy;
	if (f)
		f->idle_ms = what == CURL_POLL_REMOVE ? clock_ms() : 0;
	if (what == CURL_POLL_REMOVE) {
		if (!s)
			return 0;
		/* At once: the descriptor is closed, and its number taken again, before the loop
		   turns. */
		poll_close(s->poll);
		curl_multi_assign(c->multi, fd, NULL);
		free(s);
		c->sockets--;
		return 0;
	}
	if (!s) {
		s = NEW(struct sock);
		s->c = c;
		s->fd = fd;
		s->poll = poll_new(c->loop, fd, socket_ready, s);
		curl_multi_assign(c->multi, fd, s);
		c->sockets++;
	}
	poll_set(s->poll,
		(what & CURL_POLL_IN ? POLL_READ : 0) | (what & CURL_POLL_OUT ? POLL_WRITE : 0));
	return 0;
}

static void multi_timer_due(void *arg)
{
	struct http_client *c = arg;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	multi_drain(c);
}

static int timer_wanted(CURLM *multi, long ms, void *arg)
{
	struct http_client *c = arg;

	(void)multi;
	if (ms < 0)
		timer_cancel(&c->timer);
	else
		timer_set(&c->timer, (uint64_t)ms);
	return 0;
}

static CURLSH *multi_new_share(void)
{
	CURLSH *share = curl_share_init();

	if (share && curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION)) {
		curl_share_cleanup(share);
		share = NULL;
	}
	return share;
}

void http_multi_forget_sessions(struct http_client *c)
{
	CURLSH *fresh = multi_new_share();
	size_t i, k = 0;

	if (!fresh)
		return;
	*vec_add(&c->old_shares) = c->share;
	c->share = fresh;
	for (i = 0; i < c->old_shares.len; i++)
		if (curl_share_cleanup(c->old_shares.p[i]) == CURLSHE_IN_USE)
			c->old_shares.p[k++] = c->old_shares.p[i];
	c->old_shares.len = k;
}

int http_multi_init(struct http_client *c)
{
	long total = c->opts.max_connections, host = c->opts.max_per_host;
	CURLMcode rc = CURLM_OK;

	timer_init_real(&c->timer, c->loop, multi_timer_due, c);
	c->multi = curl_multi_init();
	c->share = multi_new_share();
	if (!c->multi || !c->share)
		return -1;
	rc |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, total);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
	return rc == CURLM_OK ? 0 : -1;
}

void http_multi_clear(struct http_client *c)
{
	CURLSH **old;

	/* Closes the kept connections; their polls go through socket_wanted. */
	curl_multi_cleanup(c->multi);
	curl_share_cleanup(c->share);
	vec_each (&c->old_shares, old)
		curl_share_cleanup(*old);
	vec_clear(&c->old_shares);
	timer_cancel(&c->timer);
	BUG_IF(c->sockets);
	vec_clear(&c->fds);
}
