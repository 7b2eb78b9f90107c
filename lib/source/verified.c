#include "source/verified.h"

#include "ctl/cond.h"
#include "source/item.h"
#include "source/notary.h"

#include <string.h>

#define FAILED "VerificationError"

void verified_clear(struct verified *v)
{
	trust_clear(&v->trust);
	*v = (struct verified){0};
}

/* All that a verification depends on. */
static struct digest policy_of(
	const struct run *r, const struct verified *v, const struct digest *manifest)
{
	const struct digest *keys = trust_digest(&v->trust);
	auto_digest_ctx struct digest_ctx h = {0};
	struct digest out;

	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, keys->bin, digest_size(keys->algo));
	digest_update(&h, manifest->bin, digest_size(manifest->algo));
	digest_update(&h, &r->generation, sizeof(r->generation));
	digest_final(&h, &out);
	return out;
}

bool verified_holds(struct run *r, struct verified *v, const struct digest *manifest)
{
	struct digest policy;

	if (!v->trust.secret)
		return true;
	if (v->good || !trust_known(r, &v->trust))
		return v->good;
	policy = policy_of(r, v, manifest);
	v->good = digest_equal(&policy, &ARTIFACT_ITEM(r->item)->verified);
	return v->good;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret fail(struct run *r, const struct verified *v)
{
	err_wrap(&r->task.err, "failed to verify the signature using provider '%s'",
		v->trust.notation ? "notation" : "cosign");
	return run_fail(r, NULL, FAILED);
}

enum step_ret verified_keys_start(struct run *r, struct verified *v)
{
	return v->trust.secret ? trust_start(r, &v->trust) : STEP_NEXT;
}

enum step_ret verified_keys_resume(struct run *r, struct verified *v)
{
	return trust_took(r, &v->trust) ? fail(r, v) : STEP_NEXT;
}

enum step_ret verified_start(struct run *r, struct verified *v, const struct signature_req *req)
{
	struct signature_req own = *req;

	if (verified_holds(r, v, req->manifest))
		return STEP_NEXT;
	own.keys = v->trust.keys;
	own.trust = v->trust.notary;
	return task_wait(&r->task, own.trust ? notary_start(&own) : signature_start(&own));
}

/* The artifact passes. Is it said to be verified? */
static bool notary_took(struct run *r, struct verified *v)
{
	struct notary_result res = notary_result(r->task.op);

	if (*res.logged)
		log_info(task_log(&r->task), "the trust policy lets pass what it would not enforce",
			LS("why", res.logged));
	v->ignored = res.verdict != VERDICT_GOOD;
	return !v->ignored;
}

enum step_ret verified_resume(struct run *r, struct verified *v, const struct digest *manifest)
{
	ARTIFACT_ITEM(r->item)->verified = (struct digest){0};
	if (task_op_failed(&r->task))
		return fail(r, v);
	if (v->trust.notary && !notary_took(r, v))
		return STEP_NEXT;
	v->good = true;
	ARTIFACT_ITEM(r->item)->verified = policy_of(r, v, manifest);
	return STEP_NEXT;
}

/* ---- the condition --------------------------------------------------------------------------- */

static void say_good(struct run *r, const char *revision)
{
	cond_put(&r->conds, COND_VERIFIED, COND_TRUE, "Succeeded",
		"verified signature of revision %s", revision);
}

void verified_succeeded(struct run *r, const struct verified *v, const char *revision)
{
	if (v->good)
		say_good(r, revision);
	else
		cond_del(&r->conds, COND_VERIFIED);
}

/* Another failure says nothing against what was found good before, and a verification that failed
   before is made anew by the next run that gets so far. */
void verified_failed(struct run *r, const struct verified *v, const char *revision)
{
	if (v->trust.secret && v->good)
		say_good(r, revision);
	else if (v->trust.secret && r->reason && !strcmp(r->reason, FAILED))
		cond_put(&r->conds, COND_VERIFIED, COND_FALSE, FAILED, "%s", r->task.err.msg);
	else if (!v->trust.secret || v->ignored || !cond_is(&r->conds, COND_VERIFIED, COND_TRUE))
		cond_del(&r->conds, COND_VERIFIED);
}
