/*
 * The rules of --verification-rules: by whom artifacts of some repositories have to be signed,
 * whatever their objects say. YAML:
 *
 *	rules:
 *	- match: ghcr.io/org                 a host, or a host and the first parts of a path
 *	  keys: ["-----BEGIN PUBLIC KEY..."]               one of these; or
 *	- match: ghcr.io/team-*
 *	  matchOIDCIdentity: [{issuer: ..., subject: ...}] one of these, as in spec.verify
 *	  trustedRoot: '{"mediaType": ...}'                else the operator's; or
 *	- match: '*'
 *	  notation: {trustPolicy: '{...}', certificates: ["-----BEGIN CERTIFICATE..."]}
 *
 * A star stands for any text; in a path for slashes, too. What lies below a path that matches is
 * matched. A host without a port is meant at all ports. All rules that match a repository count,
 * and it is found by every name that it is known to have (oci/place.h), and by that of what it is
 * a copy of (--registry-mirrors).
 *
 * A set of rules never changes. References are counted on the loop thread; it is parsed, and a set
 * that nobody else has is let go, in any.
 */
#ifndef SOURCE_RULES_H
#define SOURCE_RULES_H
#include "base/err.h"
#include "crypto/digest.h"
#include "oci/ref.h"
#include "source/trust.h"
#include "verify/identity.h"

#include <stddef.h>

struct oci_mirrors;
struct rules;
struct verify_keys;
struct verify_root;
struct verify_trust;

struct rule {
	char *match; /* as it is written: what messages call it */
	char *host, *path; /* of it; path "": the whole host */
	unsigned port; /* 0: any */
	enum trust_kind kind;
	struct verify_keys *keys; /* one of the three, by kind */
	struct verify_root *root; /* NULL: the operator's */
	struct verify_trust *notary;
	struct verify_identities who; /* not compiled */
	struct digest digest; /* of all that the rule says */
};

/* NULL (ERR_STALL): what is wrong, with the rule it is in. */
struct rules *rules_parse(const char *text, size_t len, struct err *err) must_check;
struct rules *rules_ref(struct rules *r); /* NULL stays NULL */
void rules_unref(struct rules *r); /* NULL is fine */

/* Each rule for the repository, once. mirrors may be NULL. The rule lives as long as the set. */
void rules_each(const struct rules *r, const struct oci_repo *repo,
	const struct oci_mirrors *mirrors, void (*fn)(void *arg, const struct rule *rule),
	void *arg);

#endif
