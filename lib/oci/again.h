/*
 * What is worth asking once more within one call. A registry behind a load balancer answers one
 * request of thousands with 502, or closes a kept connection just when the next request is on its
 * way; no object's status should tell of that.
 *
 * For questions only, whose repetition changes nothing: GET, HEAD, and a token request. At once,
 * one time, what met a dead kept connection: nobody has read it. With a pause, two times, what met
 * a connection that was cut, 500, 502, 503, 504, or 429 and 503 with a Retry-After of a second at
 * most. Silence, a refused connection or a bad certificate is no accident: health.h and the queue
 * deal with it. The caller looks whether there is time for the pause, and whether the host is well
 * otherwise (oci_pass_may_repeat).
 *
 *	int64_t ms = oci_again_answer(&q->again, res);
 *	if (ms >= 0) ... wait so long, and ask again ...
 */
#ifndef OCI_AGAIN_H
#define OCI_AGAIN_H
#include <stdbool.h>
#include <stdint.h>

struct err;
struct http_res;

/* Of one call. Zeroed: nothing was repeated yet. */
struct oci_again {
	unsigned pauses;
	bool at_once;
};

/* Does this status say nothing about the question, but that the server is not well? */
bool oci_again_passing(int status);
/* In how many milliseconds to ask again after this answer; -1: not. Counts it. */
int64_t oci_again_answer(struct oci_again *a, const struct http_res *res);
/* The same of a request that failed with err; res is what was seen until then. */
int64_t oci_again_failure(struct oci_again *a, const struct http_res *res, const struct err *err);

#endif
