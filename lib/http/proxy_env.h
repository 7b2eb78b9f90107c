/*
 * Which proxy a request takes when nobody names one: what the environment says, read as Go programs
 * read it (golang.org/x/net/http/httpproxy), because the charts and hosts that set these variables
 * were written for them. libcurl's own reading differs, so it never gets to it.
 *
 *	struct proxy_env *env = proxy_env_new();
 *	if (proxy_env_for(env, &url, &proxy, err))
 *		return -1;
 *	... proxy is NULL: directly
 *
 * HTTPS_PROXY or https_proxy is for https, HTTP_PROXY or http_proxy for http; the first that is not
 * empty counts. The latter is an error where REQUEST_METHOD is set, as a CGI program's client could
 * have set it. ALL_PROXY is not read. Never through a proxy: loopback addresses, "localhost" and
 * the names below it.
 *
 * NO_PROXY or no_proxy is a list with commas: "*" (everything), a network (10.0.0.0/8, fd00::/8),
 * an address (10.0.0.1, ::1, [::1]), a name with all below it (corp.test), what is below a name
 * (.corp.test, *.corp.test); all but networks also with a port (corp.test:5000, [::1]:443). Nothing
 * is resolved: networks and addresses are for hosts written as addresses. What is malformed matches
 * nothing. Two things are taken that Go passes by: brackets without a port, and the dot at the end
 * of an absolute name.
 *
 * Read once, when it is made; later changes of the environment do not count. Any thread, when made.
 */
#ifndef HTTP_PROXY_ENV_H
#define HTTP_PROXY_ENV_H
#include "base/err.h"
#include "http/client.h"
#include "http/url.h"

struct proxy_env;

struct proxy_env *proxy_env_new(void);
void proxy_env_free(struct proxy_env *e); /* NULL is fine */
/* *proxy is borrowed, NULL: directly. -1 with *err (ERR_RETRY), which names the variable and never
   its value, when the proxy that is meant is malformed. */
int proxy_env_for(const struct proxy_env *e, const struct url *u, const struct http_proxy **proxy,
	struct err *err) must_check;

/* A proxy's URL: http, https, socks5 or socks5h, or HOST:PORT, which means http; 80, 443 or 1080
   when there is no port. User and password are percent-decoded and leave the URL; a path is
   dropped. A socks5 proxy gets the names, as Go does it: p->url says socks5h then. 0, or -1 with
   *err, which says nothing of the text. http_proxy_clear it. */
int proxy_parse(struct http_proxy *p, const char *text, struct err *err) must_check;

#endif
