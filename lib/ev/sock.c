#include "ev/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A client whose node died must not hold a download for ever (retransmissions alone would take a
   quarter of an hour). A server cuts a client that takes nothing for a minute itself, and counts
   it; the kernel, which would do the same at a closed window, comes after that. */
#define USER_TIMEOUT_MS 75000

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

int sock_split(const char *address, char host[SOCK_NAME_MAX], unsigned *port, struct err *err)
{
	const char *colon = strrchr(address, ':');
	size_t n;
	char *end;
	unsigned long p;

	if (!colon || !colon[1])
		return err_set(err, ERR_STALL, "address '%.100s' has no port", address);
	p = strtoul(colon + 1, &end, 10);
	if (*end || p > 65535 || colon[1] < '0' || colon[1] > '9')
		return err_set(err, ERR_STALL, "address '%.100s' has no valid port", address);
	n = (size_t)(colon - address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	if (n >= SOCK_NAME_MAX)
		return err_set(err, ERR_STALL, "address '%.100s' is too long", address);
	memcpy(host, address, n);
	host[n] = '\0';
	*port = (unsigned)p;
	return 0;
}

static int address_fill(union address *a, socklen_t *len, const char *host, unsigned port)
{
	memset(a, 0, sizeof(*a));
	if (!strcmp(host, "localhost"))
		host = "127.0.0.1";
	if (inet_pton(AF_INET, host, &a->v4.sin_addr) == 1) {
		a->v4.sin_family = AF_INET;
		a->v4.sin_port = htons((uint16_t)port);
		*len = sizeof(a->v4);
		return 0;
	}
	if (!*host || inet_pton(AF_INET6, host, &a->v6.sin6_addr) == 1) {
		a->v6.sin6_family = AF_INET6;
		a->v6.sin6_port = htons((uint16_t)port);
		*len = sizeof(a->v6);
		return 0;
	}
	return -1;
}

static void address_name(const union address *a, char out[SOCK_NAME_MAX])
{
	char ip[INET6_ADDRSTRLEN] = "";

	if (a->any.sa_family == AF_INET) {
		inet_ntop(AF_INET, &a->v4.sin_addr, ip, sizeof(ip));
		snprintf(out, SOCK_NAME_MAX, "%s:%u", ip, ntohs(a->v4.sin_port));
	} else {
		inet_ntop(AF_INET6, &a->v6.sin6_addr, ip, sizeof(ip));
		snprintf(out, SOCK_NAME_MAX, "[%s]:%u", ip, ntohs(a->v6.sin6_port));
	}
}

static int open_and_bind(union address *a, socklen_t len)
{
	int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, no;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (a->any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (!bind(fd, &a->any, len) && !listen(fd, SOMAXCONN))
		return fd;
	no = errno;
	close(fd);
	errno = no;
	return -1;
}

int sock_listen(const char *address, int *fd, char chosen[SOCK_NAME_MAX], struct err *err)
{
	char host[SOCK_NAME_MAX];
	union address a;
	socklen_t len;
	unsigned port;

	if (sock_split(address, host, &port, err))
		return -1;
	if (address_fill(&a, &len, host, port))
		return err_set(err, ERR_STALL, "'%s' is not a numeric address", host);
	*fd = open_and_bind(&a, len);
	if (*fd < 0 && !*host && (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)) {
		/* no IPv6 in this kernel */
		address_fill(&a, &len, "0.0.0.0", port);
		*fd = open_and_bind(&a, len);
	}
	if (*fd < 0)
		return err_sys(err, "listen on '%s'", address);
	len = sizeof(a);
	getsockname(*fd, &a.any, &len);
	address_name(&a, chosen);
	return 0;
}

int sock_accept(int listener, char peer[SOCK_NAME_MAX])
{
	union address a;
	socklen_t len = sizeof(a);
	int fd = accept4(listener, &a.any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	int on = 1, timeout = USER_TIMEOUT_MS;

	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	address_name(&a, peer);
	return fd;
}

void sock_peer_group(const char *peer, char group[SOCK_NAME_MAX])
{
	char host[SOCK_NAME_MAX];
	struct in6_addr v6;
	struct err err;
	unsigned port;

	if (sock_split(peer, host, &port, &err) || inet_pton(AF_INET6, host, &v6) != 1) {
		snprintf(group, SOCK_NAME_MAX, "%.*s", (int)strcspn(peer, ":"), peer);
		return;
	}
	if (IN6_IS_ADDR_V4MAPPED(&v6)) {
		inet_ntop(AF_INET, &v6.s6_addr[12], group, SOCK_NAME_MAX);
		return;
	}
	memset(&v6.s6_addr[8], 0, 8);
	inet_ntop(AF_INET6, &v6, group, SOCK_NAME_MAX);
}

uint64_t sock_unsent(int fd)
{
	int n = 0;

	return !ioctl(fd, SIOCOUTQ, &n) && n > 0 ? (uint64_t)n : 0;
}

bool sock_has_bytes(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}
