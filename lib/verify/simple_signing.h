/*
 * "Simple signing" payloads, which cosign's legacy signatures are of: a JSON document that names the
 * digest of a manifest (containers-signature(5); cosign's SIGNATURE_SPEC). Any thread.
 */
#ifndef VERIFY_SIMPLE_SIGNING_H
#define VERIFY_SIMPLE_SIGNING_H
#include "base/err.h"
#include "crypto/digest.h"
#include "verify/verdict.h"

#include <stddef.h>

/* Does the payload, whose signature was found good, speak of this manifest? What it says of the
   repository counts for nothing: a mirror has another name. */
enum verdict verify_simple_signing(
	const char *payload, size_t n, const struct digest *manifest, struct err *err) must_check;

#endif
