/*
 * Sigstore bundles (sigstore/protobuf-specs, sigstore_bundle.proto), version 0.3: one JSON document
 * with a signature and all that is needed to check it. cosign stores one as an image whose subject
 * is the manifest that was signed.
 *
 * With keys nothing but the signature counts: entries of a log and timestamps must have the form
 * that they have to have, and are not looked at. Without keys there has to be a certificate, and an
 * entry of a log (Rekor) with its promise; or, of version 2 of it, a timestamp of an authority. A
 * bundle of the other sort, and one that has the signature of a file (messageSignature), prove
 * nothing. Any thread.
 */
#ifndef VERIFY_BUNDLE_H
#define VERIFY_BUNDLE_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "verify/verdict.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdint.h>

struct verify_policy;

/* What the media types of bundles begin with, of whatever version. */
#define VERIFY_BUNDLE_TYPE "application/vnd.dev.sigstore.bundle"

/* The blob of an image that may be a bundle of this manifest. -1: it is none. */
int verify_bundle_blob(const char *data, size_t n, const struct digest *manifest,
	struct digest *blob, uint64_t *size, struct err *err) must_check;

struct verify_bundle {
	json_t *root; /* all others are in there */
	const json_t *key; /* publicKey; NULL: it has a certificate */
	const json_t *certificate; /* its rawBytes, with key NULL */
	const json_t *envelope; /* dsseEnvelope; NULL: messageSignature */
	const json_t *entries; /* of logs */
	const json_t *times; /* timestamps */
	size_t log_entries, timestamps;
};

/* *b is zeroed before. -1: it is no bundle of version 0.3, and counts as none. */
int verify_bundle_parse(
	struct verify_bundle *b, const char *data, size_t n, struct err *err) must_check;
void verify_bundle_clear(struct verify_bundle *b);
/* Is it a signature as the policy wants it, of a statement about this manifest? Without keys
   *signer gets who has signed. (bundle_checks.c) */
enum verdict verify_bundle(const struct verify_bundle *b, const struct verify_policy *policy,
	const struct digest *manifest, const atomic_bool *stop, struct buf *signer,
	struct err *err) must_check;

#endif
