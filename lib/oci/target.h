/*
 * Whom a request asks, as whom, and how long it may take: with that every request begins.
 *
 * In the struct of a request all of it is borrowed until the call returns. An op that goes on after
 * that has one of its own (oci_target_init), which it hands on to the requests below it. Loop
 * thread.
 *
 * What timeout_ms bounds:
 * - one request (req.h): the whole of it, with its token, challenge, redirects and repeats. 0, and
 *   what is more than LIMIT_REQUEST_MS, is LIMIT_REQUEST_MS; who writes (push.h) may take longer.
 * - resolve.h, image.h, tags.h, push.h: each of their requests. A list of tags has
 *   LIMIT_TAG_LIST_TIMEOUTS times as long for all its pages, and LIMIT_TAG_LIST_MS at most; an
 *   upload has time for its size besides.
 * - blob.h: of each try what comes before the body; the body has bounds of its own.
 * - token.h: how long this one waits; the fetch that it waits for has LIMIT_TOKEN_MS.
 *
 *	oci_image_start(client, &(struct oci_image_req){.target = {&repo, identity, 60000}, ...});
 */
#ifndef OCI_TARGET_H
#define OCI_TARGET_H
#include "oci/ref.h"

#include <stdbool.h>
#include <stdint.h>

struct http_proxy;
struct http_trust;
struct oci_identity;
struct oci_mirror;

struct oci_target {
	const struct oci_repo *repo;
	struct oci_identity *identity;
	uint64_t timeout_ms;
	/* repo is at this mirror of what was meant (route.h); NULL: it is what was meant */
	struct oci_mirror *mirror;
	bool patient; /* who asks can do without the answer for a while (pace.h) */
};

/* For an op: an own copy of the repository, and a reference to the identity. */
void oci_target_init(struct oci_target *own, const struct oci_target *from);
/* Only of what was initialized so; zeroes are fine. */
void oci_target_clear(struct oci_target *own);

/*
 * How it is reached: as the identity says; a mirror as its rule says, by the environment's proxy.
 * An object's client certificate, CAs and proxy are for the registry that it names, and no business
 * of a mirror; of its credentials those count that are for the mirror's host (oci_identity_cred).
 * Borrowed from the target.
 */
const struct http_trust *oci_target_trust(const struct oci_target *t, bool insecure);
const struct http_proxy *oci_target_proxy(const struct oci_target *t);
/* By a proxy of the object's own? */
bool oci_target_goes_aside(const struct oci_target *t);

#endif
