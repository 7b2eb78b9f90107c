#include "share.h"

#include "base/limits.h"

/* Scrapes and probes: few clients, short answers. */
#define SMALL 32
/* One for each watch, and some for requests, which take turns; the other end of them may be our
   own. */
#define KUBE 32
#define KUBE_LEAST 20 /* all kinds together have some 14 watches */
#define EMBEDDED_LEAST (KUBE_LEAST + 12)
#define REGISTRIES 512
/* A call is a small request and a short answer. */
#define RECEIVERS 256
/* Both of the part of the registries. */
#define NOTICES 4
#define PEERS 8

/* One part in `parts` of all, within the bounds. */
static unsigned share_part(uint64_t all, unsigned parts, unsigned least, unsigned most)
{
	uint64_t n = all / parts;

	return n > most ? most : n < least ? least : (unsigned)n;
}

struct share share_of(uint64_t descriptors)
{
	uint64_t n = descriptors > LIMIT_DESCRIPTORS ? LIMIT_DESCRIPTORS : descriptors;
	struct share s = {
		.descriptors = (unsigned)n,
		.artifacts = share_part(n, 5, 1, LIMIT_CONNECTIONS),
		.metrics = share_part(n, 32, 4, SMALL),
		.health = share_part(n, 32, 4, SMALL),
		.receivers = share_part(n, 32, 4, RECEIVERS),
		.embedded = share_part(n, 10, EMBEDDED_LEAST, LIMIT_CONNECTIONS / 2),
		.kube = share_part(n, 16, KUBE_LEAST, KUBE),
		.registry = share_part(n, 5, 1 + NOTICES + PEERS, REGISTRIES + NOTICES + PEERS) -
			NOTICES - PEERS,
		.notices = NOTICES,
		.peers = PEERS,
	};
	unsigned sum = 2 * s.artifacts + s.metrics + s.health + s.receivers + s.embedded + s.kube +
		s.registry + s.notices + s.peers;

	s.others = n > sum ? (unsigned)n - sum : 0;
	return s;
}
