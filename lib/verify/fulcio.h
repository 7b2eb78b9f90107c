/*
 * Certificates for one signature, as Sigstore's authority (Fulcio) issues them: is one of an
 * authority of the trusted root, and has a log of certificates seen it? Any thread.
 */
#ifndef VERIFY_FULCIO_H
#define VERIFY_FULCIO_H
#include "base/err.h"
#include "crypto/cert.h"

#include <stdint.h>

struct verify_root;

/* By the first authority for which there is a path at that time. */
int verify_fulcio_chain(struct cert_chain *out, const struct verify_root *root,
	const struct cert *leaf, int64_t at_s, struct err *err) must_check;
/* Is there the timestamp (SCT) of a log of the trusted root in it? */
int verify_fulcio_logged(const struct verify_root *root, const struct cert *leaf,
	const struct cert_chain *chain, struct err *err) must_check;
/* Was it valid when it was used? */
int verify_fulcio_leaf_valid(const struct cert *leaf, int64_t at_s, struct err *err) must_check;
/* Was it valid, and all of its authorities, when it was used? */
int verify_fulcio_valid(const struct cert *leaf, const struct cert_chain *chain, int64_t at_s,
	struct err *err) must_check;

#endif
