/*
 * What an answer says of how many requests are left: the fields of Docker Hub
 * (docs.docker.com/docker-hub/usage/pulls, "ratelimit-remaining: 37;w=21600"), of the first drafts
 * of draft-ietf-httpapi-ratelimit-headers (RateLimit-Limit, -Remaining, -Reset), of draft 07
 * ("RateLimit: limit=100, remaining=50, reset=5") and of draft 08 and later ("RateLimit:
 * "default";r=50;t=30" with RateLimit-Policy). A stranger writes them: what cannot be read is not
 * there, numbers have LIMIT_RATE_DIGITS digits at most, lists LIMIT_RATE_ITEMS items. No state but
 * the wall clock; any thread.
 *
 *	struct oci_rate rate;
 *	if (oci_rate_read(&rate, res))
 *		... rate.remaining ...
 */
#ifndef OCI_RATE_H
#define OCI_RATE_H
#include <stdbool.h>
#include <stdint.h>

struct http_res;

struct oci_rate {
	uint64_t remaining;
	uint64_t limit; /* 0: it does not say */
	uint64_t window_ms; /* the limit is for so long; 0: it does not say */
	int64_t reset_ms; /* until there are more; -1: it does not say */
};

/* The values of the fields; NULL: not there. */
struct oci_rate_fields {
	const char *rate; /* RateLimit */
	const char *policy; /* RateLimit-Policy */
	const char *limit, *remaining, *reset; /* RateLimit-... */
};

/* False: it does not say what is left, or says that the limit is 0, which is no limit that anybody
   could mean. Of several limits the one with the least left. */
bool oci_rate_parse(struct oci_rate *out, const struct oci_rate_fields *fields);
bool oci_rate_read(struct oci_rate *out, const struct http_res *res);

#endif
