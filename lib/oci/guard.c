#include "oci/guard.h"

#include "base/limits.h"
#include "ev/sock.h"
#include "http/url.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

void oci_guard_init(struct oci_guard *g)
{
	struct ifaddrs *all = NULL, *at;

	*g = (struct oci_guard){.ports = {0}};
	if (getifaddrs(&all))
		return; /* loopback and "any" are refused without it */
	for (at = all; at; at = at->ifa_next) {
		char text[INET6_ADDRSTRLEN];
		const void *bin = NULL;

		if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET)
			bin = &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
		else if (at->ifa_addr && at->ifa_addr->sa_family == AF_INET6)
			bin = &((const struct sockaddr_in6 *)(const void *)at->ifa_addr)->sin6_addr;
		if (bin && inet_ntop(at->ifa_addr->sa_family, bin, text, sizeof(text)))
			*vec_add(&g->addresses) = mem_strdup(text);
	}
	freeifaddrs(all);
}

void oci_guard_clear(struct oci_guard *g)
{
	struct oci_own_host *h;
	char **s;

	vec_each (&g->addresses, s)
		free(*s);
	vec_each (&g->hosts, h)
		free(h->name);
	vec_clear(&g->addresses);
	vec_clear(&g->hosts);
	vec_clear(&g->ports);
}

void oci_guard_own_address(struct oci_guard *g, const char *address)
{
	char host[SOCK_NAME_MAX];
	struct err ignored = {0};
	unsigned port;

	if (!sock_split(address, host, &port, &ignored) && port)
		*vec_add(&g->ports) = port;
}

void oci_guard_own_host(struct oci_guard *g, const char *host)
{
	auto_free char *text = mem_printf("http://%s", host);
	bool port = host[0] == '[' ? strstr(host, "]:") != NULL : strchr(host, ':') != NULL;
	auto_url struct url u = {0};
	struct err ignored = {0};

	if (!url_parse(&u, text, &ignored))
		*vec_add(&g->hosts) = (struct oci_own_host){MOVE(u.host), port ? u.port : 0};
}

/* This machine, by an address or a name that always means it. */
static bool is_here(const struct oci_guard *g, const char *host)
{
	enum host_class c = host_classify(host);
	char **a;

	if (c == HOST_LOOPBACK || c == HOST_LOCALHOST || !strcmp(host, "0.0.0.0") ||
		!strcmp(host, "::"))
		return true;
	vec_each (&g->addresses, a)
		if (!strcmp(*a, host))
			return true;
	return false;
}

int oci_guard_check(const struct oci_guard *g, const struct url *u, struct err *err)
{
	const struct oci_own_host *h;
	size_t i;

	vec_each (&g->hosts, h)
		if (!strcmp(h->name, u->host) && (!h->port || h->port == u->port))
			return err_set(
				err, ERR_STALL, "'%.255s' is this controller itself", u->host);
	for (i = 0; i < g->ports.len; i++)
		if (g->ports.p[i] == u->port && is_here(g, u->host))
			return err_set(err, ERR_STALL,
				"'%.255s:%u' is a port of this controller itself", u->host,
				u->port);
	return 0;
}

int oci_guard_redirect(const struct oci_guard *g, const struct url *from, const struct url *to,
	bool insecure, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	enum host_class target = host_classify(to->host);

	url_redacted(to, &shown);
	if (to->has_user)
		return err_set(err, ERR_RETRY,
			"the registry redirects to '%.400s' with user information in the URL",
			buf_str(&shown));
	if (from->https && !to->https && !insecure)
		return err_set(err, ERR_RETRY,
			"the registry redirects from https to '%.400s', which is not encrypted",
			buf_str(&shown));
	if (host_is_internal(target) && !host_is_internal(host_classify(from->host)))
		return err_set(err, ERR_RETRY,
			"the registry redirects to '%.400s', a loopback, private or link-local "
			"address",
			buf_str(&shown));
	if (oci_guard_check(g, to, err)) {
		err->kind = ERR_RETRY;
		return err_wrap(err, "the registry redirects to '%.400s'", buf_str(&shown));
	}
	return 0;
}
