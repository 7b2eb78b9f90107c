/*
 * Timestamps (RFC 3161): an authority says that it has seen some bytes at a time. Any thread.
 */
#ifndef CRYPTO_TIMESTAMP_H
#define CRYPTO_TIMESTAMP_H
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

struct cert;

/* Is the response (TimeStampResp in DER, n bytes) one of this authority for that message? The
   authority's anchor is its last certificate; the first one, where it is no CA, has to be who has
   signed. All of them valid at the time that the response says, which comes out. */
int timestamp_verify(int64_t *at_s, const void *der, size_t n, const void *message, size_t len,
	const struct cert *const *authority, size_t certs, struct err *err) must_check;

#endif
