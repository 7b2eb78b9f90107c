/*
 * Who is at the other end. The name is looked up here and its addresses are handed to libcurl,
 * which never resolves a name itself. The caller judges each address before a connection to it is
 * opened, and again before a request goes over one that is open already: whoever opened that one
 * may have been judged otherwise.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "ev/op.h"
#include "http/client_internal.h"
#include "http/url.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Each request brings its addresses along, so what libcurl remembers of a name is never older than
   our own cache. This is for a request that waits in libcurl's line for a connection; a name that
   nobody asks for any more is dropped after it. */
#define CURL_KEEPS_S 600L

/* ---- the name -------------------------------------------------------------------------------- */

static bool is_address(const char *host)
{
	struct ip ignored;

	return !ip_parse(&ignored, host);
}

int http_peer_use_proxy(struct http_op *x, const struct http_proxy *p)
{
	x->via = mem_strdup(p->host);
	x->via_port = p->port;
	x->via_tls = !strncmp(p->url, "https:", 6);
	return curl_easy_setopt(x->easy, CURLOPT_PROXY, p->url) ? -1 : 0;
}

/* Of the one that a connection is opened to. */
static const char *next_host(const struct http_op *x)
{
	return x->via ? x->via : x->host;
}

struct op *http_peer_lookup(struct http_op *x)
{
	const char *host = next_host(x);

	return !is_address(host) ? dns_start(x->c->dns, host) : NULL;
}

int http_peer_found(struct http_op *x, const struct dns_answer *a)
{
	auto_buf struct buf line = BUF_INIT(LIMIT_URL);
	char text[IP_TEXT_MAX];
	size_t i;

	/* '+': not for ever. */
	buf_addf(&line, "+%s:%u:", next_host(x), x->via ? x->via_port : x->port);
	for (i = 0; i < a->n; i++) {
		ip_format(&a->at[i], text);
		buf_addf(&line, ip_is_v4(&a->at[i]) ? "%s%s" : "%s[%s]", i ? "," : "", text);
	}
	x->resolve = curl_slist_append(NULL, buf_str(&line));
	x->resolved = true;
	return x->resolve && !curl_easy_setopt(x->easy, CURLOPT_RESOLVE, x->resolve) ? 0 : -1;
}

/* libcurl is about to ask its own resolver, which starts a thread: only for what needs no
   question. */
static int before_resolve(void *resolver, void *reserved, void *arg)
{
	const struct http_op *x = arg;

	(void)resolver;
	(void)reserved;
	return !is_address(next_host(x));
}

/* ---- the address ----------------------------------------------------------------------------- */

static bool is_allowed(struct http_op *x, const struct ip *ip, unsigned port)
{
	struct err err = {0};

	if (!x->req.on_connect || !x->req.on_connect(x->req.arg, ip, port, &err)) {
		x->any_allowed = true;
		return true;
	}
	x->refused = err;
	return false;
}

/* Behind a proxy an address is known only where the URL holds one. */
bool http_peer_written_allowed(struct http_op *x)
{
	bool here = host_classify(x->host) == HOST_LOCALHOST;
	struct ip ip;

	if (!x->via || ip_parse(&ip, here ? "127.0.0.1" : x->host))
		return true;
	return is_allowed(x, &ip, x->port);
}

bool http_peer_open_allowed(struct http_op *x, const struct sockaddr *sa)
{
	struct ip ip;
	unsigned port;

	if (x->via || ip_of_sockaddr(&ip, &port, sa))
		return x->via != NULL;
	return is_allowed(x, &ip, port);
}

/* On a connection, old or new, and before the request. */
static int before_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct http_op *x = arg;

	(void)local_ip;
	(void)local_port;
	http_op_unwatch_connect(x);
	if (x->via)
		return CURL_PREREQFUNC_OK;
	x->res.has_peer = !ip_parse(&x->res.peer, ip);
	x->any_allowed = false;
	if (x->res.has_peer && is_allowed(x, &x->res.peer, (unsigned)port))
		return CURL_PREREQFUNC_OK;
	return CURL_PREREQFUNC_ABORT;
}

bool http_peer_refused(struct http_op *x)
{
	if (!x->refused.kind || x->any_allowed)
		return false;
	http_op_fail(x, -EPERM, "%s", x->refused.msg);
	return true;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int http_peer_setup(struct http_op *x)
{
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(x->easy, CURLOPT_DNS_CACHE_TIMEOUT, CURL_KEEPS_S);
	rc |= curl_easy_setopt(x->easy, CURLOPT_RESOLVER_START_FUNCTION, before_resolve);
	rc |= curl_easy_setopt(x->easy, CURLOPT_RESOLVER_START_DATA, x);
	rc |= curl_easy_setopt(x->easy, CURLOPT_PREREQFUNCTION, before_request);
	rc |= curl_easy_setopt(x->easy, CURLOPT_PREREQDATA, x);
	rc |= curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETFUNCTION, http_open_socket);
	rc |= curl_easy_setopt(x->easy, CURLOPT_OPENSOCKETDATA, x);
	return rc ? -1 : 0;
}

void http_peer_clear(struct http_op *x)
{
	op_drop(MOVE(x->lookup));
	curl_slist_free_all(x->resolve);
	x->resolve = NULL;
	free(MOVE(x->host));
	free(MOVE(x->via));
}
