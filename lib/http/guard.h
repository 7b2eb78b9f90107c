/*
 * Where requests may go, judged by the address that a connection is opened to
 * (http_req.on_connect), so names and what they resolve to at that moment are covered. Never to the
 * controller's own listeners. What the user wrote into a URL may be anywhere else; where a REGISTRY
 * sends us (redirect, token server) an internal address has to be matched by the registry's own
 * address, seen in this very exchange:
 *
 *	target is			the registry's own address has to be
 *	public				anything
 *	private, ULA, shared, ...	internal: private, ULA, shared, loopback, ...
 *	loopback, unspecified		loopback
 *	link-local, cloud metadata	link-local
 *
 * or the target lies in a network that the operator allowed (--registry-allow-private). Through a
 * proxy the address is not known here: one that is written in the URL is judged as it is written,
 * names pass, and a registry known by name counts as public. Loop thread.
 */
#ifndef HTTP_GUARD_H
#define HTTP_GUARD_H
#include "base/err.h"
#include "base/ip.h"
#include "base/vec.h"
#include "http/url.h"

#include <stdbool.h>

struct http_res;

struct http_own_host {
	char *name; /* lower case, no dot at the end; NULL: it is an address */
	struct ip ip;
	unsigned port; /* 0: every port */
};

struct http_guard {
	VEC(unsigned) ports; /* at which this process listens */
	VEC(struct http_own_host) hosts; /* names and addresses under which others know it */
	struct ip_nets allowed; /* where every registry may send us */
};

/* Who chose where a request goes. Zeroed: the user. */
struct http_hop {
	bool chosen; /* by a registry ... */
	bool by_cert; /* ... or a certificate */
	bool by_issuer; /* ... or an issuer of tokens */
	bool by_git; /* ... or a Git server */
	enum host_class from; /* what that server's own address is */
};

void http_guard_init(struct http_guard *g);
void http_guard_clear(struct http_guard *g);
void http_guard_own_address(struct http_guard *g, const char *address);
/* "host" or "host:port". */
void http_guard_own_host(struct http_guard *g, const char *host);
/* The hop that this answer of the registry at `asked` names. */
struct http_hop http_hop_from(const struct http_res *res, const struct url *asked);
/* For http_req.on_connect. -1 (ERR_RETRY): not there. */
int http_guard_connect(const struct http_guard *g, const struct http_hop *hop, const struct ip *ip,
	unsigned port, struct err *err) must_check;
/* -1 (ERR_STALL) for a name of our own: it leads here whatever it resolves to (a Service). */
int http_guard_check(const struct http_guard *g, const struct url *u, struct err *err) must_check;
/* May a redirect lead from one to the other, as far as the text tells? -1 (ERR_RETRY) names where
   it would go. */
int http_guard_redirect(const struct http_guard *g, const struct url *from, const struct url *to,
	bool insecure, struct err *err) must_check;

#endif
