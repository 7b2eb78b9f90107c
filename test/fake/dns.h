/*
 * A name server on the test's own loop, on 127.0.0.1 over UDP and TCP at one port, and a
 * resolv.conf that names it.
 *
 *	static const struct dns_row rows[] = {
 *		{"reg.test", DNS_A, "127.0.0.1", 60}, {"slow.test", DNS_STALL, NULL, 0}, {0}};
 *	struct fake_dns *d = fake_dns_new(loop, rows, "search ns.svc svc\noptions ndots:5\n");
 *	... dns_new(loop, &opts) with opts = fake_dns_opts(d) ... fake_dns_asked(d, "reg.test") ...
 *	fake_dns_free(d);
 *
 * A name that has rows, but none for the type asked, exists without data; a name without any does
 * not exist. Rows may change while it runs.
 */
#ifndef FAKE_DNS_H
#define FAKE_DNS_H

#include "http/dns.h"

struct fake_dns;
struct loop;

enum dns_what {
	DNS_END,
	DNS_A, /* value: the address */
	DNS_AAAA,
	DNS_CNAME, /* value: another name; its rows are in the same answer */
	DNS_STALL, /* no answer */
	DNS_STALL_AAAA, /* none when asked for IPv6 */
	DNS_FAIL, /* SERVFAIL */
	DNS_RUBBISH, /* bytes that are no answer */
	DNS_CUT, /* says that the answer goes on, and it does not */
	DNS_LOOP, /* a compressed name that points to itself */
	DNS_MANY, /* so many addresses that it takes TCP: ttl of them, 127.0.0.1 and up */
};

struct dns_row {
	const char *name;
	enum dns_what what;
	const char *value;
	unsigned ttl;
};

struct fake_dns *fake_dns_new(struct loop *l, const struct dns_row *rows, const char *more_conf);
void fake_dns_rows(struct fake_dns *d, const struct dns_row *rows);
/* How to reach it; borrowed from it. */
struct dns_opts fake_dns_opts(const struct fake_dns *d);
/* Queries for A of that name so far; NULL: of all names. */
unsigned fake_dns_asked(const struct fake_dns *d, const char *name);
void fake_dns_free(struct fake_dns *d);

#endif
