/*
 * Cosign's signatures before bundles: an image manifest under the tag `sha256-<hex>.sig`. Each of
 * its layers is a payload (simple_signing.h), and the layer's annotations hold the signature of
 * exactly those bytes (cosign's SIGNATURE_SPEC). One good layer is enough.
 *
 * With keys nothing but the signature counts: a certificate in the annotations is not looked at,
 * since the key says who signed. Without keys there are a certificate and an entry of a log beside
 * the signature, and all three have to fit each other and the policy. Any thread.
 */
#ifndef VERIFY_LEGACY_H
#define VERIFY_LEGACY_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/digest.h"
#include "verify/verdict.h"

#include <stdatomic.h>
#include <stdint.h>

struct verify_policy;

#define VERIFY_LEGACY_CERTIFICATE "dev.sigstore.cosign/certificate"
#define VERIFY_LEGACY_LOG_ENTRY "dev.sigstore.cosign/bundle"

struct verify_legacy_layer {
	struct digest digest; /* of the payload */
	uint64_t size;
	struct buf sig; /* of it */
	char *certificate, *log_entry; /* as they stand in annotations; NULL: they do not */
	/* It is no signature, and the payload need not be fetched; NULL: it may be one. */
	char *why;
};

/* Vectors, for base/vec.h. */
struct verify_legacy_layers {
	struct verify_legacy_layer *p;
	size_t len, cap;
};

/* The layers of such a manifest. *out is empty before, and to be cleared after a failure, too. It
   takes a tree of the text, so a large one is a worker's. */
int verify_legacy_read(
	struct verify_legacy_layers *out, const char *data, size_t n, struct err *err) must_check;
void verify_legacy_clear(struct verify_legacy_layers *l);

/* Is it a signature as the policy wants it, of a payload that speaks of this manifest? Without keys
   *signer gets who has signed. (legacy_checks.c) */
enum verdict verify_legacy(const struct verify_legacy_layer *layer, const struct buf *payload,
	const struct verify_policy *policy, const struct digest *manifest, const atomic_bool *stop,
	struct buf *signer, struct err *err) must_check;

#endif
