#include "source/verified.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ctl/cond.h"
#include "ctl/controller.h"
#include "source/item.h"
#include "source/notary.h"
#include "verify/demands.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/trusted_root.h"

#include <string.h>

#define FAILED "VerificationError"

void verified_clear(struct verified *v)
{
	trust_clear(&v->trust);
	trust_clear(&v->logs);
	*v = (struct verified){0};
}

/* A signature by a key is held against logs as well: those of a trusted root. */
static bool wants_logs(const struct verified *v)
{
	return v->trust.kind == TRUST_KEYS && v->demands && v->demands->log;
}

/* A restored database brings another spec under a generation that was seen. */
static void spec_add(struct digest_ctx *h, const struct run *r, const struct verified *v)
{
	const char *url = r->c->kind->url ? r->c->kind->url(r->spec) : "";
	const struct verify_identity *one;

	digest_update(h, &v->trust.kind, sizeof(v->trust.kind));
	digest_update(h, url, strlen(url) + 1);
	if (v->demands)
		verify_demands_digest(v->demands, h);
	if (v->trust.kind != TRUST_ROOT || !v->who)
		return;
	vec_each (v->who, one) {
		digest_update(h, one->issuer, strlen(one->issuer) + 1);
		digest_update(h, one->subject, strlen(one->subject) + 1);
	}
}

/* All that a verification depends on. */
static struct digest policy_of(
	const struct run *r, const struct verified *v, const struct digest *manifest)
{
	const struct digest *trusted = trust_digest(&v->trust);
	auto_digest_ctx struct digest_ctx h = {0};
	struct digest out;

	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, trusted->bin, digest_size(trusted->algo));
	digest_update(&h, manifest->bin, digest_size(manifest->algo));
	if (wants_logs(v))
		digest_update(&h, trust_digest(&v->logs)->bin, digest_size(DIGEST_SHA256));
	digest_update(&h, &r->generation, sizeof(r->generation));
	spec_add(&h, r, v);
	digest_final(&h, &out);
	return out;
}

bool verified_holds(struct run *r, struct verified *v, const struct digest *manifest)
{
	struct digest policy;

	if (v->trust.kind == TRUST_NONE)
		return true;
	if (v->good || !trust_known(r, &v->trust) || (wants_logs(v) && !trust_known(r, &v->logs)))
		return v->good;
	policy = policy_of(r, v, manifest);
	v->good = digest_equal(&policy, &ARTIFACT_ITEM(r->item)->verified);
	return v->good;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret fail(struct run *r, const struct verified *v)
{
	static const char *const providers[] = {[TRUST_KEYS] = "cosign",
		[TRUST_ROOT] = "cosign keyless",
		[TRUST_NOTATION] = "notation"};

	err_wrap(&r->task.err, "failed to verify the signature using provider '%s'",
		providers[v->trust.kind]);
	return run_fail(r, NULL, FAILED);
}

enum step_ret verified_keys_start(struct run *r, struct verified *v)
{
	if (v->trust.kind == TRUST_NONE)
		return STEP_NEXT;
	return trust_check(r, &v->trust) ? fail(r, v) : trust_start(r, &v->trust);
}

enum step_ret verified_keys_resume(struct run *r, struct verified *v)
{
	return trust_took(r, &v->trust) ? fail(r, v) : STEP_NEXT;
}

enum step_ret verified_logs_start(struct run *r, struct verified *v)
{
	if (!wants_logs(v))
		return STEP_NEXT;
	return trust_check(r, &v->logs) ? fail(r, v) : trust_start(r, &v->logs);
}

enum step_ret verified_logs_resume(struct run *r, struct verified *v)
{
	return trust_took(r, &v->logs) ? fail(r, v) : STEP_NEXT;
}

enum step_ret verified_start(struct run *r, struct verified *v, const struct signature_req *req)
{
	struct signature_req own = *req;

	if (verified_holds(r, v, req->manifest))
		return STEP_NEXT;
	own.keys = v->trust.keys;
	own.root = wants_logs(v) ? v->logs.root : v->trust.root;
	own.who = v->who;
	own.demands = v->demands;
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
	struct artifact_item *a = ARTIFACT_ITEM(r->item);

	a->verified = (struct digest){0};
	if (task_op_failed(&r->task))
		return fail(r, v);
	if (v->trust.kind == TRUST_NOTATION && !notary_took(r, v))
		return STEP_NEXT;
	v->good = true;
	a->verified = policy_of(r, v, manifest);
	free(a->signer);
	a->signer = v->trust.kind == TRUST_ROOT ? mem_strdup(signature_signer(r->task.op)) : NULL;
	if (a->signer && !verify_identities_anchored(v->who))
		log_info(&r->log,
			"a pattern of matchOIDCIdentity fits more than it says: it has no "
			"^ and $ around it");
	return STEP_NEXT;
}

const char *verified_signer(const struct run *r, const struct verified *v)
{
	return v->good ? ARTIFACT_ITEM(r->item)->signer : NULL;
}

/* ---- the condition --------------------------------------------------------------------------- */

static void say_good(struct run *r, const char *revision)
{
	const char *signer = ARTIFACT_ITEM(r->item)->signer;

	cond_put(&r->conds, COND_VERIFIED, COND_TRUE, "Succeeded",
		"verified signature of revision %s%s%s", revision, signer ? " by " : "",
		signer ? signer : "");
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
	bool wanted = v->trust.kind != TRUST_NONE;

	if (wanted && v->good)
		say_good(r, revision);
	else if (wanted && r->reason && !strcmp(r->reason, FAILED))
		cond_put(&r->conds, COND_VERIFIED, COND_FALSE, FAILED, "%s", r->task.err.msg);
	else if (!wanted || v->ignored || !cond_is(&r->conds, COND_VERIFIED, COND_TRUE))
		cond_del(&r->conds, COND_VERIFIED);
}
