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

#include <stdint.h>

struct oci_identity;

struct oci_target {
	const struct oci_repo *repo;
	struct oci_identity *identity;
	uint64_t timeout_ms;
};

/* For an op: an own copy of the repository, and a reference to the identity. */
void oci_target_init(struct oci_target *own, const struct oci_target *from);
/* Only of what was initialized so; zeroes are fine. */
void oci_target_clear(struct oci_target *own);

#endif
