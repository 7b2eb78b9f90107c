#include "source/verified.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/vec.h"
#include "ctl/cond.h"
#include "ctl/controller.h"
#include "source/item.h"
#include "source/notary.h"
#include "source/rules.h"
#include "verify/demands.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/notation_trust.h"
#include "verify/trusted_root.h"

#include <string.h>

#define FAILED "VerificationError"
#define RULED_MAX 2048 /* bytes of what is said of the rules */

#define policy_each(v, p) for ((p) = (v); (p); (p) = (p)->next)

/* ---- the policies ---------------------------------------------------------------------------- */

void verified_clear(struct verified *v)
{
	struct verified *p, *next;

	for (p = v; p; p = next) {
		next = p->next;
		trust_clear(&p->trust);
		trust_clear(&p->logs);
		free(p->signer);
		if (p != v)
			free(p);
	}
	rules_unref(v->rules);
	*v = (struct verified){0};
}

/* A signature by a key is held against logs as well: those of a trusted root. */
static bool wants_logs(const struct verified *v)
{
	return v->trust.kind == TRUST_KEYS && v->demands && v->demands->log;
}

/* Whom it trusts, without asking anybody. */
static bool is_known(struct run *r, struct verified *v)
{
	return trust_known(r, &v->trust) && (!wants_logs(v) || trust_known(r, &v->logs));
}

static void rule_add(void *arg, const struct rule *rule)
{
	struct verified *v = arg, *p = NEW(struct verified), *last = v;

	p->rule = rule;
	p->who = &rule->who;
	p->trust.kind = rule->kind;
	p->trust.timeout_ms = v->trust.timeout_ms;
	if (rule->keys)
		p->trust.keys = verify_keys_ref(rule->keys);
	if (rule->notary)
		p->trust.notary = verify_trust_ref(rule->notary);
	p->trust.root = verify_root_ref(rule->root);
	if (rule->kind == TRUST_ROOT && !rule->root) {
		p->trust.file = v->trust.file;
		p->trust.public_root = v->trust.public_root;
	}
	while (last->next)
		last = last->next;
	last->next = p;
}

void verified_rules(struct verified *v, struct rules *rules, const struct oci_repo *repo,
	const struct oci_mirrors *mirrors)
{
	if (v->ruled)
		return;
	v->ruled = true;
	v->rules = rules_ref(rules);
	rules_each(rules, repo, mirrors, rule_add, v);
}

static bool in_force(const struct verified *v)
{
	return v->trust.kind != TRUST_NONE || v->next;
}

/* All of them let it pass, and one at least because of a signature. */
static bool is_good(const struct verified *v)
{
	const struct verified *p;
	bool good = false;

	policy_each (v, p) {
		if (p->trust.kind == TRUST_NONE)
			continue;
		if (!p->good && !p->ignored)
			return false;
		good |= p->good;
	}
	return good;
}

/* The first that has not been looked at. */
static struct verified *first_open(struct verified *v)
{
	struct verified *p;

	policy_each (v, p)
		if (p->trust.kind != TRUST_NONE && !p->good && !p->ignored)
			return p;
	return NULL;
}

/* Which one it is, and what of it is not in its trust. A restored database brings another spec
   under a generation that was seen. */
static void policy_add(struct digest_ctx *h, const struct verified *v)
{
	const struct digest *trusted = trust_digest(&v->trust);
	const struct verify_identity *one;

	digest_update(h, &v->trust.kind, sizeof(v->trust.kind));
	digest_update(h, trusted->bin, digest_size(trusted->algo));
	if (v->rule)
		digest_update(h, v->rule->digest.bin, digest_size(v->rule->digest.algo));
	if (v->demands)
		verify_demands_digest(v->demands, h);
	if (wants_logs(v))
		digest_update(h, trust_digest(&v->logs)->bin, digest_size(DIGEST_SHA256));
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
	const char *url = r->c->kind->url ? r->c->kind->url(r->spec) : "";
	auto_digest_ctx struct digest_ctx h = {0};
	const struct verified *p;
	struct digest out;

	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, manifest->bin, digest_size(manifest->algo));
	digest_update(&h, &r->generation, sizeof(r->generation));
	digest_update(&h, url, strlen(url) + 1);
	policy_each (v, p)
		if (p->trust.kind != TRUST_NONE)
			policy_add(&h, p);
	digest_final(&h, &out);
	return out;
}

bool verified_holds(struct run *r, struct verified *v, const struct digest *manifest)
{
	const struct digest *last = &ARTIFACT_ITEM(r->item)->verified;
	struct verified *p;
	struct digest policy;

	/* What was verified by a policy that is gone is not said to be any more. */
	if (!in_force(v))
		return last->algo == DIGEST_NONE;
	if (!first_open(v))
		return is_good(v);
	policy_each (v, p)
		if (p->trust.kind != TRUST_NONE && !is_known(r, p))
			return false;
	policy = policy_of(r, v, manifest);
	if (!digest_equal(&policy, last))
		return false;
	policy_each (v, p)
		p->good = p->trust.kind != TRUST_NONE;
	return true;
}

/* ---- what is counted ------------------------------------------------------------------------- */

static const char *provider_of(const struct verified *v)
{
	static const char *const providers[] = {[TRUST_KEYS] = "cosign",
		[TRUST_ROOT] = "cosign keyless",
		[TRUST_NOTATION] = "notation"};

	return providers[v->trust.kind];
}

static void count(const struct run *r, const struct verified *v, const char *outcome)
{
	struct metric_family *f = metrics_counter(r->c->opts.metrics, "oci_verifications_total",
		"Looks for a signature that have ended.", "provider,policy,outcome");

	metric_add(metric_series(f, provider_of(v), v->rule ? "rule" : "object", outcome), 1);
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret fail(struct run *r, const struct verified *v)
{
	if (r->task.err.kind != ERR_CANCELED)
		count(r, v, "failed");
	if (v->rule)
		err_wrap(&r->task.err,
			"failed to verify the signature using provider '%s', as rule '%.200s' of "
			"--verification-rules wants",
			provider_of(v), v->rule->match);
	else
		err_wrap(&r->task.err, "failed to verify the signature using provider '%s'",
			provider_of(v));
	return run_fail(r, NULL, FAILED);
}

enum step_ret verified_keys_start(struct run *r, struct verified *v)
{
	struct verified *p;

	policy_each (v, p) {
		if (p->trust.kind == TRUST_NONE || trust_known(r, &p->trust))
			continue;
		v->now = p;
		return trust_start(r, &p->trust);
	}
	return STEP_NEXT;
}

enum step_ret verified_keys_resume(struct run *r, struct verified *v)
{
	return trust_took(r, &v->now->trust) ? fail(r, v->now) : STEP_AGAIN;
}

enum step_ret verified_logs_start(struct run *r, struct verified *v)
{
	if (!wants_logs(v))
		return STEP_NEXT;
	return trust_start(r, &v->logs);
}

enum step_ret verified_logs_resume(struct run *r, struct verified *v)
{
	return trust_took(r, &v->logs) ? fail(r, v) : STEP_NEXT;
}

/* Nothing is said of signatures any more. */
static void forget(struct artifact_item *a)
{
	a->verified = (struct digest){0};
	free(MOVE(a->signer));
	free(MOVE(a->ruled));
}

enum step_ret verified_start(struct run *r, struct verified *v, const struct signature_req *req)
{
	struct signature_req own = *req;

	if (!in_force(v))
		forget(ARTIFACT_ITEM(r->item));
	if (verified_holds(r, v, req->manifest))
		return STEP_NEXT;
	v->now = first_open(v);
	if (!v->now)
		return STEP_NEXT;
	own.keys = v->now->trust.keys;
	own.root = wants_logs(v->now) ? v->now->logs.root : v->now->trust.root;
	own.who = v->now->who;
	own.demands = v->now->demands;
	own.trust = v->now->trust.notary;
	own.ruled = v->now->rule;
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

static void cosign_took(struct run *r, struct verified *v)
{
	if (v->trust.kind != TRUST_ROOT)
		return;
	v->signer = mem_strdup(signature_signer(r->task.op));
	if (!v->rule && !verify_identities_anchored(v->who))
		log_info(&r->log,
			"a pattern of matchOIDCIdentity fits more than it says: it has no "
			"^ and $ around it");
}

/* By all of them. */
static void remember(struct run *r, const struct verified *v, const struct digest *manifest)
{
	struct artifact_item *a = ARTIFACT_ITEM(r->item);
	struct buf b = BUF_INIT(RULED_MAX);
	const struct verified *p;

	a->verified = policy_of(r, v, manifest);
	a->signer = mem_strdup(v->signer);
	policy_each (v->next, p)
		(void)!buf_addf(&b, "; rule '%.200s' holds%s%s", p->rule->match,
			p->signer ? " by " : "", p->signer ? p->signer : "");
	a->ruled = mem_strdup(buf_str(&b));
	buf_clear(&b);
}

enum step_ret verified_resume(struct run *r, struct verified *v, const struct digest *manifest)
{
	struct verified *p = v->now;

	ARTIFACT_ITEM(r->item)->verified = (struct digest){0};
	if (task_op_failed(&r->task))
		return fail(r, p);
	if (p->trust.kind == TRUST_NOTATION && !notary_took(r, p)) {
		if (p == v) {
			count(r, p, "ignored");
			return first_open(v) ? STEP_AGAIN : STEP_NEXT;
		}
		p->ignored = false;
		err_set(&r->task.err, ERR_RETRY,
			"its trust policy lets it pass, and nothing proves who has signed it");
		return fail(r, p);
	}
	if (p->trust.kind != TRUST_NOTATION)
		cosign_took(r, p);
	p->good = true;
	count(r, p, "verified");
	if (first_open(v))
		return STEP_AGAIN;
	forget(ARTIFACT_ITEM(r->item));
	if (!v->ignored)
		remember(r, v, manifest);
	return STEP_NEXT;
}

const char *verified_signer(const struct run *r, const struct verified *v)
{
	return is_good(v) ? ARTIFACT_ITEM(r->item)->signer : NULL;
}

/* ---- the condition --------------------------------------------------------------------------- */

static void say_good(struct run *r, const char *revision)
{
	const char *signer = ARTIFACT_ITEM(r->item)->signer, *ruled = ARTIFACT_ITEM(r->item)->ruled;

	cond_put(&r->conds, COND_VERIFIED, COND_TRUE, "Succeeded",
		"verified signature of revision %s%s%s%s", revision, signer ? " by " : "",
		signer ? signer : "", ruled ? ruled : "");
}

void verified_succeeded(struct run *r, const struct verified *v, const char *revision)
{
	if (is_good(v))
		say_good(r, revision);
	else
		cond_del(&r->conds, COND_VERIFIED);
}

/* Another failure says nothing against what was found good before, and a verification that failed
   before is made anew by the next run that gets so far. */
void verified_failed(struct run *r, const struct verified *v, const char *revision)
{
	bool wanted = in_force(v);

	if (wanted && is_good(v))
		say_good(r, revision);
	else if (wanted && r->reason && !strcmp(r->reason, FAILED))
		cond_put(&r->conds, COND_VERIFIED, COND_FALSE, FAILED, "%s", r->task.err.msg);
	else if (!wanted || v->ignored || !cond_is(&r->conds, COND_VERIFIED, COND_TRUE))
		cond_del(&r->conds, COND_VERIFIED);
}
