#include "base/ip.h"

#include "base/limits.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

static void ip_set_v4(struct ip *ip, const unsigned char a[4])
{
	unsigned char copy[4]; /* a may lie in ip */

	memcpy(copy, a, 4);
	memcpy(ip->b, mapped, 12);
	memcpy(ip->b + 12, copy, 4);
}

static void ip_set_v6(struct ip *ip, const unsigned char a[16])
{
	static const unsigned char nat64[12] = {0, 0x64, 0xff, 0x9b}, zero[15];

	memcpy(ip->b, a, 16);
	if (!memcmp(a, nat64, 12))
		ip_set_v4(ip, ip->b + 12);
	else if (a[0] == 0x20 && a[1] == 0x02)
		ip_set_v4(ip, ip->b + 2);
	else if (!memcmp(a, zero, 12) && memcmp(a + 12, zero, 3) != 0) /* not :: and ::1 */
		ip_set_v4(ip, ip->b + 12);
}

int ip_parse(struct ip *ip, const char *text)
{
	unsigned char a[16];

	if (inet_pton(AF_INET, text, a) == 1)
		ip_set_v4(ip, a);
	else if (inet_pton(AF_INET6, text, a) == 1)
		ip_set_v6(ip, a);
	else
		return -1;
	return 0;
}

int ip_of_sockaddr(struct ip *ip, unsigned *port, const struct sockaddr *sa)
{
	/* The callers' structs are as large as their families say; void casts keep the compiler
	   from guessing at alignment. */
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->sa_family == AF_INET)
		ip_set_v4(ip, (const unsigned char *)&v4->sin_addr);
	else if (sa->sa_family == AF_INET6)
		ip_set_v6(ip, v6->sin6_addr.s6_addr);
	else
		return -1;
	if (port)
		*port = ntohs(sa->sa_family == AF_INET ? v4->sin_port : v6->sin6_port);
	return 0;
}

bool ip_is_v4(const struct ip *ip)
{
	return !memcmp(ip->b, mapped, 12);
}

void ip_format(const struct ip *ip, char out[IP_TEXT_MAX])
{
	bool v4 = ip_is_v4(ip);

	out[0] = '\0';
	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? ip->b + 12 : ip->b, out, IP_TEXT_MAX);
}

bool ip_equal(const struct ip *a, const struct ip *b)
{
	return !memcmp(a->b, b->b, 16);
}

/* Is every bit from `from` on 0? */
static bool rest_is_zero(const struct ip *ip, unsigned from)
{
	unsigned i;

	for (i = from; i < 128; i++)
		if (ip->b[i / 8] & (0x80 >> i % 8))
			return false;
	return true;
}

int ip_net_parse(struct ip_net *net, const char *text, struct err *err)
{
	const char *slash = strchr(text, '/');
	size_t n = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits = 128;
	char host[IP_TEXT_MAX];
	char *end;

	if (n >= sizeof(host))
		goto bad;
	memcpy(host, text, n);
	host[n] = '\0';
	if (ip_parse(&net->ip, host))
		goto bad;
	if (slash) {
		bits = strtoul(slash + 1, &end, 10);
		if (*end || slash[1] < '0' || slash[1] > '9' || bits > 128)
			goto bad;
		/* The prefix counts bits of what is written. */
		if (!strchr(host, ':'))
			bits += 96;
		else if (ip_is_v4(&net->ip))
			goto bad;
	}
	if (bits > 128 || !rest_is_zero(&net->ip, (unsigned)bits))
		goto bad;
	net->bits = (unsigned)bits;
	return 0;
bad:
	return err_set(err, ERR_STALL, "'%.100s' is not a network such as 10.0.0.0/8", text);
}

bool ip_net_has(const struct ip_net *net, const struct ip *ip)
{
	unsigned whole = net->bits / 8, rest = net->bits % 8;
	unsigned char mask = (unsigned char)(0xff00 >> rest);

	return !memcmp(net->ip.b, ip->b, whole) &&
		(!rest || (net->ip.b[whole] & mask) == (ip->b[whole] & mask));
}

int ip_nets_add(struct ip_nets *nets, const char *text, struct err *err)
{
	const char *at = text, *end;

	do {
		auto_free char *one = NULL;
		struct ip_net net;

		end = at + strcspn(at, ",");
		one = mem_strndup(at, (size_t)(end - at));
		if (ip_net_parse(&net, one, err))
			return -1;
		if (nets->list.len >= LIMIT_NETS)
			return err_set(err, ERR_STALL, "more than %d networks", LIMIT_NETS);
		*vec_add(&nets->list) = net;
		at = end + 1;
	} while (*end);
	return 0;
}

bool ip_nets_have(const struct ip_nets *nets, const struct ip *ip)
{
	const struct ip_net *net;

	vec_each (&nets->list, net)
		if (ip_net_has(net, ip))
			return true;
	return false;
}

void ip_nets_clear(struct ip_nets *nets)
{
	vec_clear(&nets->list);
}
