/*
 * What refers to a manifest: signatures, attestations and the like that say of themselves that it
 * is their subject. The registry is asked for it (OCI distribution spec 1.1, "Listing Referrers");
 * of one that does not know the question it is an index under the tag `sha256-<hex>` ("Unavailable
 * Referrers API"). Whatever the list says has to be proven by who uses it. Loop thread.
 *
 * They are LIMIT_REFERRERS at most, of LIMIT_REFERRERS_PAGES pages. Those that are said to be of
 * the type asked for come first, wherever they stand in the list; the others are there as well,
 * since registries say other things than the manifests do. A registry that can (`artifactType`)
 * leaves them out where `exact` is set. No list at all is an empty one. A mirror whose list is
 * empty proves nothing: the next one is asked.
 *
 *	op = oci_referrers_start(client,
 *		&(struct oci_referrers_req){.target = target, .subject = &digest, .type = "..."});
 *	... done, no error: vec_each (oci_referrers_result(op), d)
 */
#ifndef OCI_REFERRERS_H
#define OCI_REFERRERS_H
#include "oci/manifest.h"
#include "oci/target.h"

struct oci_client;
struct op;

/* Vectors, for base/vec.h. */
struct oci_referrers {
	struct oci_referrer {
		struct digest digest;
		uint64_t size;
		bool typed; /* as asked for */
	} *p;
	size_t len, cap;
};

struct oci_referrers_req {
	struct oci_target target;
	const struct digest *subject;
	/* What the artifactType of an entry begins with. Borrowed until the op is done. */
	const char *type;
	bool exact; /* it is the whole artifactType */
};

/* Digest and target are copied. */
struct op *oci_referrers_start(struct oci_client *c, const struct oci_referrers_req *req);
/* Borrowed from the op. */
const struct oci_referrers *oci_referrers_result(const struct op *op);
#define OCI_DIGEST_TAG_MAX (OCI_TAG_MAX + 1)
/* The tag "sha256-<hex>" of a digest, with `suffix` behind it. Returns out. */
char *oci_digest_tag(const struct digest *d, const char *suffix, char out[OCI_DIGEST_TAG_MAX]);

#endif
