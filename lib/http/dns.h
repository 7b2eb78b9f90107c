/*
 * Names into addresses, without a thread: c-ares on the loop (lib/http is its only user). Loop
 * thread.
 *
 * What is read: /etc/hosts first, then the name servers, search list and ndots of /etc/resolv.conf,
 * both anew for each lookup, so a change of them needs no restart; a search domain that is out of
 * order does not hide a name. A query is sent again after 1.5 s and given up after 4.5 s; `timeout`
 * and `attempts` are not read. `localhost` and what ends in .localhost is loopback, and nobody is
 * asked (RFC 6761). A and AAAA are asked for together; IPv6 comes first where this machine has a
 * route there, IPv4 otherwise (libcurl tries the other family after 200 ms, RFC 8305).
 *
 * Each lookup has a channel, and so a socket and port, of its own: a name whose servers stall holds
 * up no other name, and a lookup can be given up alone. One lookup a name, however many wait for
 * it; who stops waiting does not end it for the others.
 *
 * At most LIMIT_LOOKUPS at a time. When all are taken the oldest one that has had a second (or for
 * which nobody waits any more) makes room: a name that is well needs milliseconds, so only a name
 * that stalls ever loses its place. No lookup takes longer than LIMIT_LOOKUP_MS, its wait for a
 * place included.
 *
 * Answers are kept for their TTL, but 5 s at least and 60 s at most; a failure for 5 s. Old
 * addresses serve on for five more minutes while the name servers do not answer (RFC 8767): at once
 * when they failed just now, after a second of waiting otherwise. "No such name" is an answer and
 * ends that. LIMIT_NAMES names are kept; the one that was not used for longest goes.
 *
 *	struct op *op = dns_start(dns, "registry.example.com");
 *	... when done: const struct dns_answer *a = dns_result(op);
 */
#ifndef HTTP_DNS_H
#define HTTP_DNS_H
#include "base/ip.h"

#include <stddef.h>
#include <stdint.h>

struct dns;
struct loop;
struct op;

struct dns_answer {
	const struct ip *at; /* the one to try first first */
	size_t n; /* 1 to LIMIT_ADDRESSES */
};

struct dns_stats {
	uint64_t lookups, failed; /* since the start: begun; ended without an address */
	uint64_t waiting; /* now: names that are asked for or wait for a place */
	uint64_t names; /* now: kept */
};

/* For tests; zeroed otherwise. */
struct dns_opts {
	const char *resolv_conf; /* instead of /etc/resolv.conf */
	unsigned port; /* of the name servers, instead of 53 */
	unsigned query_ms; /* before a query is sent again */
};

struct dns *dns_new(struct loop *l, const struct dns_opts *opts);
/* All ops must have ended. Lookups that nobody waits for end with it. */
void dns_free(struct dns *d);

/* host: a name in lower case, as url_parse gives it; no address. The op fails with ERR_RETRY, code
   -EHOSTUNREACH and why: "no such name", "the name servers do not answer", "the name servers gave
   no usable answer". */
struct op *dns_start(struct dns *d, const char *host);
/* Of a successful op; borrowed from it. */
const struct dns_answer *dns_result(const struct op *op);
void dns_stats(const struct dns *d, struct dns_stats *out);

#endif
