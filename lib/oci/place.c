#include "oci/place.h"

#include "base/mem.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one registry has several names. */
static const char *const HUB[] = {"docker.io", "registry-1.docker.io", "registry.hub.docker.com"};

/* "10.5" and "0xa000005" are 10.0.0.5 for whoever connects. */
static void place_v4(char host[OCI_HOST_MAX + 1])
{
	char text[INET_ADDRSTRLEN];
	struct in_addr bin;

	if (inet_aton(host, &bin))
		snprintf(
			host, OCI_HOST_MAX + 1, "%s", inet_ntop(AF_INET, &bin, text, sizeof(text)));
}

/* "[::1]" as everybody would write it, without brackets around an IPv4 address. */
static void place_v6(char host[OCI_HOST_MAX + 1])
{
	static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};
	char text[INET6_ADDRSTRLEN];
	unsigned char bin[16];
	size_t n = strlen(host);

	if (n < 3 || n - 2 >= sizeof(text))
		return;
	memcpy(text, host + 1, n - 2);
	text[n - 2] = '\0';
	if (inet_pton(AF_INET6, text, bin) != 1)
		return;
	if (!memcmp(bin, mapped, sizeof(mapped)))
		snprintf(host, OCI_HOST_MAX + 1, "%s",
			inet_ntop(AF_INET, bin + 12, text, sizeof(text)));
	else
		snprintf(host, OCI_HOST_MAX + 1, "[%s]",
			inet_ntop(AF_INET6, bin, text, sizeof(text)));
}

/* The port, taken off the host. */
static unsigned place_port(char host[OCI_HOST_MAX + 1])
{
	char *colon = *host == '[' ? strchr(host, ']') : host;
	unsigned long port;

	colon = colon ? strchr(colon, ':') : NULL;
	if (!colon)
		return 0;
	port = strtoul(colon + 1, NULL, 10);
	*colon = '\0';
	return port == 443 || port == 80 ? 0 : (unsigned)port;
}

void oci_place_of(struct oci_place *p, const struct oci_repo *repo)
{
	size_t n, i;

	*p = (struct oci_place){0};
	memcpy(p->host, repo->host, sizeof(p->host));
	memcpy(p->name, repo->name, sizeof(p->name));
	p->port = place_port(p->host);
	if (*p->host == '[')
		place_v6(p->host);
	for (n = strlen(p->host); n && p->host[n - 1] == '.'; n--)
		p->host[n - 1] = '\0';
	place_v4(p->host);
	for (i = 0; i < ARRAY_LEN(HUB); i++)
		if (!strcmp(p->host, HUB[i]))
			snprintf(p->host, sizeof(p->host), "%s", OCI_DOCKER_HUB);
	n = strlen(p->name);
	if (strcmp(p->host, OCI_DOCKER_HUB) || strchr(p->name, '/') ||
		n + strlen("library/") > OCI_NAME_MAX)
		return;
	memmove(p->name + strlen("library/"), p->name, n + 1);
	memcpy(p->name, "library/", strlen("library/"));
}

const char *oci_place_name(const struct oci_place *p, size_t i)
{
	if (!i)
		return p->host;
	return i <= ARRAY_LEN(HUB) && !strcmp(p->host, OCI_DOCKER_HUB) ? HUB[i - 1] : NULL;
}

bool oci_place_same_host(const struct oci_place *a, const struct oci_place *b)
{
	return a->port == b->port && !strcmp(a->host, b->host);
}
