/*
 * IP addresses and networks as values. An address of IPv4 has one form only, whatever it was
 * written as: 1.2.3.4, the IPv4-mapped ::ffff:1.2.3.4, NAT64's 64:ff9b::1.2.3.4 (RFC 6052), 6to4's
 * 2002:102:304:: (RFC 3056) and the obsolete ::1.2.3.4 all lead a packet to the same machine and
 * are equal here. No state, any thread.
 */
#ifndef BASE_IP_H
#define BASE_IP_H
#include "base/err.h"
#include "base/vec.h"

#include <stdbool.h>

#define IP_TEXT_MAX 46 /* bytes of an address as text, the NUL included */

struct sockaddr;

struct ip {
	unsigned char b[16]; /* IPv4: IPv4-mapped */
};

/* All addresses that begin with the first `bits` of ip: 0 to 128, for IPv4 96 to 128. */
struct ip_net {
	struct ip ip;
	unsigned bits;
};

/* Four decimal parts, or IPv6 without brackets and zone. -1: neither. */
int ip_parse(struct ip *ip, const char *text) must_check;
/* Of AF_INET and AF_INET6; *port is NULL when nobody asks. -1: of another family. */
int ip_of_sockaddr(struct ip *ip, unsigned *port, const struct sockaddr *sa) must_check;
void ip_format(const struct ip *ip, char out[IP_TEXT_MAX]);
bool ip_is_v4(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);

/* "10.0.0.0/8", "fd00::/8", or an address alone. Bits behind the prefix must be 0: what they mean
   is not clear. -1: *err names the text. */
int ip_net_parse(struct ip_net *net, const char *text, struct err *err) must_check;
bool ip_net_has(const struct ip_net *net, const struct ip *ip);

/* Several. Zeroed: none. */
struct ip_nets {
	VEC(struct ip_net) list;
};

/* Adds those of a text with commas between them: LIMIT_NETS in all. -1: *err names the part that is
   none. */
int ip_nets_add(struct ip_nets *nets, const char *text, struct err *err) must_check;
bool ip_nets_have(const struct ip_nets *nets, const struct ip *ip);
void ip_nets_clear(struct ip_nets *nets);

#endif
