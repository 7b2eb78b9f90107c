#include "http/guard.h"

#include "base/limits.h"
#include "ev/sock.h"
#include "http/client.h"

#include <ifaddrs.h>
#include <string.h>

void http_guard_init(struct http_guard *g)
{
	*g = (struct http_guard){.ports = {0}};
}

void http_guard_clear(struct http_guard *g)
{
	struct http_own_host *h;

	vec_each (&g->hosts, h)
		free(h->name);
	vec_clear(&g->hosts);
	vec_clear(&g->ports);
	ip_nets_clear(&g->allowed);
}

void http_guard_own_address(struct http_guard *g, const char *address)
{
	char host[SOCK_NAME_MAX];
	struct err ignored = {0};
	unsigned port;

	if (!sock_split(address, host, &port, &ignored) && port)
		*vec_add(&g->ports) = port;
}

void http_guard_own_host(struct http_guard *g, const char *host)
{
	auto_free char *text = mem_printf("http://%s", host);
	bool port = host[0] == '[' ? strstr(host, "]:") != NULL : strchr(host, ':') != NULL;
	struct http_own_host own = {0};
	auto_url struct url u = {0};
	struct err ignored = {0};

	if (url_parse(&u, text, &ignored))
		return;
	own.port = port ? u.port : 0;
	if (ip_parse(&own.ip, u.host))
		own.name = MOVE(u.host);
	*vec_add(&g->hosts) = own;
}

/* ---- addresses ------------------------------------------------------------------------------- */

/* Clouds answer each node with its own secrets at more addresses than the link-local ones: some of
   a private network, some of nobody's, one of the internet. */
static bool is_of_cloud(const struct ip *ip)
{
	static const char *const nets[] = {
		"fd00:ec2::/32", /* AWS: metadata, Pod Identity, names, time */
		"fd20:ce::254", /* Google: metadata */
		"100.100.100.200", /* Alibaba: metadata */
		"192.0.0.192", /* Oracle: metadata, as it was */
		"168.63.129.16", /* Azure: the agent of its nodes */
		"64:ff9b:1::/48", /* RFC 8215: any of IPv4's, in a way that only its network knows */
	};
	struct err ignored = {0};
	struct ip_net net;
	size_t i;

	for (i = 0; i < ARRAY_LEN(nets); i++)
		if (!ip_net_parse(&net, nets[i], &ignored) && ip_net_has(&net, ip))
			return true;
	return false;
}

static enum host_class guard_classify(const struct ip *ip)
{
	static const unsigned char zero[16];
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	/* The kernel takes "no address" for loopback. */
	if (!memcmp(ip->b, zero, 16) || !strcmp(text, "0.0.0.0"))
		return HOST_LOOPBACK;
	return is_of_cloud(ip) ? HOST_LINK_LOCAL : host_classify(text);
}

/* Asked anew each time, and only for a port of ours: addresses come and go. */
static bool is_this_machine(const struct ip *ip)
{
	struct ifaddrs *all = NULL, *at;
	bool found = guard_classify(ip) == HOST_LOOPBACK;
	struct ip one;

	if (found || getifaddrs(&all))
		return found;
	for (at = all; at && !found; at = at->ifa_next)
		found = at->ifa_addr && !ip_of_sockaddr(&one, NULL, at->ifa_addr) &&
			ip_equal(&one, ip);
	freeifaddrs(all);
	return found;
}

static bool guard_is_own(const struct http_guard *g, const struct ip *ip, unsigned port)
{
	const struct http_own_host *h;
	const unsigned *p;

	vec_each (&g->hosts, h)
		if (!h->name && ip_equal(&h->ip, ip) && (!h->port || h->port == port))
			return true;
	vec_each (&g->ports, p)
		if (*p == port)
			return is_this_machine(ip);
	return false;
}

static bool guard_may_lead(enum host_class from, enum host_class to)
{
	switch (to) {
	case HOST_LOOPBACK:
	case HOST_LOCALHOST:
		return from == HOST_LOOPBACK || from == HOST_LOCALHOST;
	case HOST_LINK_LOCAL:
		return from == HOST_LINK_LOCAL;
	default:
		return !host_is_internal(to) || host_is_internal(from);
	}
}

struct http_hop http_hop_from(const struct http_res *res, const struct url *asked)
{
	return (struct http_hop){
		.chosen = true,
		.from = res->has_peer ? guard_classify(&res->peer) : host_classify(asked->host),
	};
}

static const char *class_name(enum host_class c)
{
	switch (c) {
	case HOST_LOOPBACK:
		return "a loopback";
	case HOST_LINK_LOCAL:
		return "a link-local";
	case HOST_PRIVATE:
	case HOST_ULA:
		return "a private";
	default:
		return "a reserved";
	}
}

int http_guard_connect(const struct http_guard *g, const struct http_hop *hop, const struct ip *ip,
	unsigned port, struct err *err)
{
	enum host_class to = guard_classify(ip);
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	if (guard_is_own(g, ip, port))
		return err_set(err, ERR_RETRY, "'%s' port %u is a port of this controller itself",
			text, port);
	if (!hop->chosen || guard_may_lead(hop->from, to) || ip_nets_have(&g->allowed, ip))
		return 0;
	return err_set(err, ERR_RETRY,
		"'%s' is %s address, where %s may not send us (--registry-allow-private)", text,
		class_name(to),
		hop->by_cert             ? "a certificate"
			: hop->by_issuer ? "this issuer"
			: hop->by_git    ? "this server"
					 : "this registry");
}

/* ---- texts ----------------------------------------------------------------------------------- */

int http_guard_check(const struct http_guard *g, const struct url *u, struct err *err)
{
	const struct http_own_host *h;

	vec_each (&g->hosts, h)
		if (h->name && !strcmp(h->name, u->host) && (!h->port || h->port == u->port))
			return err_set(
				err, ERR_STALL, "'%.255s' is this controller itself", u->host);
	return 0;
}

int http_guard_redirect(const struct http_guard *g, const struct url *from, const struct url *to,
	bool insecure, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);

	url_redacted(to, &shown);
	if (to->has_user)
		return err_set(err, ERR_RETRY,
			"it redirects to '%.400s' with user information in the URL",
			buf_str(&shown));
	if (from->https && !to->https && !insecure)
		return err_set(err, ERR_RETRY,
			"it redirects from https to '%.400s', which is not encrypted",
			buf_str(&shown));
	if (http_guard_check(g, to, err)) {
		err->kind = ERR_RETRY;
		return err_wrap(err, "it redirects to '%.400s'", buf_str(&shown));
	}
	return 0;
}
