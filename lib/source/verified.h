/*
 * Rows that let an artifact pass only when it is signed, for any kind whose spec has `verify`; and
 * the condition SourceVerified. Loop thread.
 *
 * An artifact is verified when it is new, when the object's generation has moved, when the keys are
 * others than those that it was verified with, after a failure, and once after a start, since
 * nobody knows with which keys it was done before. Else nobody is asked. What the status names
 * stays served when a verification fails.
 *
 * The operator's rules for the repository (rules.h) count besides, and without a policy of the
 * object's, too: an artifact is verified when it is by all of them.
 *
 * A trust policy may let an artifact pass although nobody knows who has signed it
 * (VERDICT_IGNORED): it is accepted, no condition says that it is verified, and each run looks
 * again. Where a rule is that policy it does not pass.
 *
 * In the work table, behind the row that finds out the manifest's digest:
 *
 *	{"keys", keys_start, keys_resume}          verified_keys_start, verified_keys_resume
 *	{"verify", verify_start, verify_resume}    verified_start, verified_resume
 */
#ifndef SOURCE_VERIFIED_H
#define SOURCE_VERIFIED_H
#include "crypto/digest.h"
#include "source/signature.h"
#include "source/trust.h"

#define COND_VERIFIED "SourceVerified"

struct oci_mirrors;
struct oci_repo;
struct rule;
struct rules;

/* One policy. The object's own is in the kind's run, zeroed, and all functions take that one. */
struct verified {
	struct trust trust;
	const struct verify_identities *who; /* may have signed, with TRUST_ROOT; borrowed */
	bool good; /* the artifact is, by the policy */
	bool ignored; /* it passes, and is not said to be verified */
	char *signer; /* who has; NULL: a key, or not known yet */

	const struct rule *rule; /* what it is of; NULL: the object's own */
	struct verified *next; /* the rules for the repository */
	/* Of the object's own: */
	struct rules *rules; /* those that were in force when the run has looked */
	bool ruled; /* it has */
	struct verified *now; /* what a row waits for */
};

void verified_clear(struct verified *v);
/* The operator's rules for the repository, those of the first call. Its own trust has its file and
   timeout. rules NULL: there are none; mirrors may be NULL. */
void verified_rules(struct verified *v, struct rules *rules, const struct oci_repo *repo,
	const struct oci_mirrors *mirrors);
/* Without asking anybody: no policy is in force, or the manifest was verified by all that are. */
bool verified_holds(struct run *r, struct verified *v, const struct digest *manifest);
/* Both rows fail with VerificationError. */
enum step_ret verified_keys_start(struct run *r, struct verified *v) must_check;
enum step_ret verified_keys_resume(struct run *r, struct verified *v) must_check;
/* req's keys, root, who and trust are not looked at. */
enum step_ret verified_start(
	struct run *r, struct verified *v, const struct signature_req *req) must_check;
enum step_ret verified_resume(
	struct run *r, struct verified *v, const struct digest *manifest) must_check;

/* For a kind's hooks of these names. */
void verified_succeeded(struct run *r, const struct verified *v, const char *revision);
void verified_failed(struct run *r, const struct verified *v, const char *revision);

#endif
