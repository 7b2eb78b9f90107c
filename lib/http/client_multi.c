/*
 * libcurl's multi handle on the loop (libcurl-multi(3), "multi_socket"). curl tells which sockets to watch and when to wake it; nothing
 * here knows of requests. Neither callback may call back into curl.
 */
#include "base/mem.h"
#include "ev/poll.h"
#include "http/client_internal.h"

struct sock {
	struct http_client *c;
	curl_socket_t fd;
	struct poll *poll;
};

/* After every curl_multi_socket_action, also the timer's: the last transfer may end in either. */
static void drain(struct http_client *c)
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
	if (events & POLL_ERROR)
		bits |= CURL_CSELECT_ERR;
	curl_multi_socket_action(c->multi, s->fd, bits, &running); /* may free s */
	drain(c);
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
	struct http_client *c = arg;
	struct sock *s = socket_arg;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (!s)
			return 0;
		/* At once: the descriptor is closed, and its number taken again, before the loop turns. */
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

static void timer_due(void *arg)
{
	struct http_client *c = arg;
	int running;

	curl_multi_socket_action(c->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	drain(c);
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

int http_multi_init(struct http_client *c)
{
	long total = c->opts.max_connections, host = c->opts.max_per_host;
	CURLMcode rc = CURLM_OK;

	timer_init_real(&c->timer, c->loop, timer_due, c);
	c->multi = curl_multi_init();
	c->share = curl_share_init();
	if (!c->multi || !c->share)
		return -1;
	rc |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAX_HOST_CONNECTIONS, host);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, total);
	rc |= curl_multi_setopt(c->multi, CURLMOPT_PIPELINING,
		(long)(c->opts.http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING));
	if (curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
		return -1;
	return rc == CURLM_OK ? 0 : -1;
}

void http_multi_clear(struct http_client *c)
{
	/* Closes the kept connections; their polls go through socket_wanted. */
	curl_multi_cleanup(c->multi);
	curl_share_cleanup(c->share);
	timer_cancel(&c->timer);
	BUG_IF(c->sockets);
}
