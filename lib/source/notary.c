#include "source/notary.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "oci/content.h"
#include "oci/referrers.h"
#include "oci/registry.h"
#include "source/revocation.h"
#include "source/rule_scope.h"
#include "verify/checks.h"
#include "verify/notation.h"
#include "verify/notation_policy.h"
#include "verify/notation_trust.h"

#include <errno.h>
#include <string.h>

#define TOLD_MAX 1000 /* bytes of why what was found is not good */

struct notary {
	struct task task;
	struct oci_client *oci;
	struct oci_target target;
	struct verify_trust *trust;
	bool ruled;
	const struct verify_statement *statement; /* in there */
	struct revocations *revocations;
	char *owner;
	void (*seen)(void *arg, const struct signature_seen *one);
	void *seen_arg;
	struct timer whole;
	bool overdue;

	struct verify_artifact artifact;
	char *type; /* of the artifact */
	struct op *list; /* of what refers to the manifest */
	size_t at; /* in it */
	unsigned tries;
	struct buf told; /* why none was good so far */

	/* What is looked at now; the worker reads it and writes the last six. */
	struct op *content;
	struct digest content_digest;
	uint64_t content_size;
	char *content_type;
	int64_t now_ms;
	enum verdict verdict;
	struct verify_open open;
	struct buf logged, signer;
	struct verify_report report;
	struct err why;
};

/* ---- what is not good ------------------------------------------------------------------------ */

static void overdue(void *arg)
{
	struct notary *s = arg;

	s->overdue = true;
	if (s->task.op)
		op_cancel(s->task.op);
}

/* The time may be over in the turn in which the last answer came. */
static bool fetch_failed(struct notary *s)
{
	char text[TIME_TEXT_MAX];

	if (!task_op_failed(&s->task) && !s->overdue)
		return false;
	if (s->overdue)
		err_code(&s->task.err, ERR_RETRY, -ETIMEDOUT, "it took longer than %s",
			time_format_duration((int64_t)s->target.timeout_ms, text));
	return true;
}

/* The words end in a condition: each time the same for the same signatures. */
static void note(struct notary *s, const struct digest *of, const struct err *why)
{
	char text[DIGEST_TEXT_MAX];

	buf_addf(&s->told, "%sfailed to verify signature with digest %s, %.220s",
		s->told.len ? "; " : "", digest_format(of, text), why->msg);
}

static enum step_ret none_is_good(struct notary *s)
{
	char ref[OCI_REF_TEXT_MAX];
	struct err err = {0};

	if (!s->tries)
		err_set(&err, ERR_RETRY, "no signature is associated with '%s'",
			oci_ref_format(s->target.repo, NULL, &s->artifact.digest, ref));
	else if (s->tries == LIMIT_NOTATION_TRIES)
		err_set(&err, ERR_RETRY,
			"signature evaluation stopped, none of the first %d is good: %s",
			LIMIT_NOTATION_TRIES, buf_str(&s->told));
	else
		err_set(&err, ERR_RETRY, "signature verification failed: %s", buf_str(&s->told));
	return task_fail(&s->task, &err);
}

static void tell(struct notary *s, const char *why)
{
	const struct oci_referrers *l = oci_referrers_result(s->list);

	if (s->seen)
		s->seen(s->seen_arg,
			&(struct signature_seen){.layout = "notation",
				.digest = &l->p[s->at].digest,
				.report = &s->report,
				.verdict = s->verdict,
				.signer = buf_str(&s->signer),
				.why = why});
	verify_report_clear(&s->report);
}

static enum step_ret next(struct notary *s, const struct err *why)
{
	const struct oci_referrers *l = oci_referrers_result(s->list);

	tell(s, why->msg);
	note(s, &l->p[s->at].digest, why);
	op_free(MOVE(s->content));
	s->at++;
	return task_goto(&s->task, "entry");
}

/* ---- the policy, and what has to be signed --------------------------------------------------- */

static enum step_ret policy_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	char where[OCI_REPO_TEXT_MAX];
	struct err err = {0};

	timer_set(&s->whole, s->target.timeout_ms);
	oci_repo_format(s->target.repo, where);
	s->statement = s->ruled
		? rule_statement(s->trust->policy, s->target.repo, oci_client_mirrors(s->oci))
		: verify_policy_find(s->trust->policy, where);
	if (!s->statement) {
		err_set(&err, ERR_RETRY,
			"trustpolicy.json has no statement for '%s' in its registryScopes", where);
		return task_fail(t, &err);
	}
	if (!s->statement->skips)
		return STEP_NEXT;
	s->verdict = VERDICT_IGNORED;
	return STEP_DONE;
}

/* Its size and type are signed, too, and only the digest is known. */
static enum step_ret subject_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	return task_wait(t,
		oci_content_start(s->oci,
			&(struct oci_content_req){.target = s->target,
				.digest = &s->artifact.digest,
				.size = OCI_SIZE_ANY,
				.max = LIMIT_MANIFEST}));
}

static enum step_ret subject_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	const char *type;

	if (fetch_failed(s))
		return STEP_FAIL;
	s->artifact.size = oci_content_body(t->op)->len;
	type = oci_content_type(t->op);
	s->type = mem_strndup(type, strcspn(type, "; \t"));
	s->artifact.type = s->type;
	return STEP_NEXT;
}

/* ---- signatures ------------------------------------------------------------------------------ */

static enum step_ret list_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	return task_wait(t,
		oci_referrers_start(s->oci,
			&(struct oci_referrers_req){.target = s->target,
				.subject = &s->artifact.digest,
				.type = VERIFY_NOTATION_TYPE,
				.exact = true}));
}

static enum step_ret list_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	if (fetch_failed(s))
		return STEP_FAIL;
	s->list = MOVE(t->op);
	return STEP_NEXT;
}

/* Those of another type are behind the others. */
static enum step_ret entry_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	const struct oci_referrers *l = oci_referrers_result(s->list);

	if (s->at == l->len || !l->p[s->at].typed || s->tries == LIMIT_NOTATION_TRIES)
		return none_is_good(s);
	s->tries++;
	return task_wait(t,
		oci_content_start(s->oci,
			&(struct oci_content_req){.target = s->target,
				.digest = &l->p[s->at].digest,
				.size = l->p[s->at].size,
				.max = LIMIT_BUNDLE_MANIFEST}));
}

static enum step_ret entry_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	const struct buf *body;
	struct err err = {0};

	if (fetch_failed(s))
		return STEP_FAIL;
	body = oci_content_body(t->op);
	free(MOVE(s->content_type));
	s->verdict = VERDICT_BAD;
	buf_reset(&s->signer);
	if (verify_notation_blob(buf_str(body), body->len, &s->artifact.digest, &s->content_digest,
		    &s->content_size, &s->content_type, &err))
		return next(s, &err);
	return STEP_NEXT;
}

static enum step_ret envelope_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	return task_wait(t,
		oci_content_start(s->oci,
			&(struct oci_content_req){.target = s->target,
				.blob = true,
				.digest = &s->content_digest,
				.size = s->content_size,
				.max = LIMIT_ENVELOPE}));
}

static enum step_ret envelope_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	if (fetch_failed(s))
		return STEP_FAIL;
	s->content = MOVE(t->op);
	return STEP_NEXT;
}

/* What comes of the verdict. */
static enum step_ret follow(struct notary *s)
{
	switch (s->verdict) {
	case VERDICT_GOOD:
	case VERDICT_IGNORED:
		tell(s, "");
		return STEP_DONE;
	case VERDICT_OPEN:
		return task_goto(&s->task, "revoked");
	default:
		return next(s, &s->why);
	}
}

static struct verify_notation_said said_of(struct notary *s)
{
	return (struct verify_notation_said){.open = s->revocations ? &s->open : NULL,
		.logged = &s->logged,
		.signer = &s->signer,
		.report = s->seen ? &s->report : NULL};
}

static int prove_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct notary *s = job;
	const struct buf *body = oci_content_body(s->content);
	const struct verify_notation_said said = said_of(s);

	(void)stop; /* some milliseconds */
	(void)err;
	s->verdict = verify_notation(s->trust, s->statement, &s->artifact, s->content_type,
		buf_str(body), body->len, s->now_ms, &said, &s->why);
	return 0;
}

static enum step_ret prove_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	s->why = (struct err){0};
	s->now_ms = clock_wall_ms();
	buf_clear(&s->logged);
	verify_open_clear(&s->open);
	return task_wait(t, work_start_for(t->self.loop, WORK_HEAVY, s->owner, prove_run, NULL, s));
}

static enum step_ret prove_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	if (fetch_failed(s))
		return STEP_FAIL;
	return follow(s);
}

static enum step_ret revoked_start(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	const struct verify_question *q = &s->open.questions[s->open.at];

	return task_wait(t,
		revocations_start(s->revocations,
			&(struct revocation_req){.chain = &q->chain,
				.n = q->n,
				.signed_ms = q->signed_ms,
				.owner = s->owner}));
}

static enum step_ret revoked_resume(struct task *t)
{
	struct notary *s = TASK(t, struct notary);
	const struct verify_notation_said said = said_of(s);

	if (s->overdue && fetch_failed(s))
		return STEP_FAIL;
	s->verdict = verify_notation_answer(&said, &t->op->err, &s->why);
	return follow(s);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static enum step_ret end_start(struct task *t)
{
	timer_cancel(&TASK(t, struct notary)->whole);
	return STEP_NEXT;
}

static void notary_free(struct task *t)
{
	struct notary *s = TASK(t, struct notary);

	oci_target_clear(&s->target);
	verify_trust_unref(s->trust);
	free(s->owner);
	free(s->type);
	free(s->content_type);
	op_free(s->list);
	op_free(s->content);
	buf_clear(&s->told);
	buf_clear(&s->logged);
	verify_open_clear(&s->open);
	buf_clear(&s->signer);
	verify_report_clear(&s->report);
	free(s);
}

struct op *notary_start(const struct signature_req *req)
{
	static const struct step steps[] = {
		{"policy", policy_start}, /* it skips all: done */
		{"subject", subject_start, subject_resume},
		{"referrers", list_start, list_resume},
		{"entry", entry_start, entry_resume}, /* none is left: failed */
		{"envelope", envelope_start, envelope_resume},
		{"prove", prove_start, prove_resume}, /* done, or back to "entry" */
		{"revoked", revoked_start, revoked_resume}, /* the next question; or as above */
		{0},
	};
	static const struct step last[] = {{"end", end_start, .always = true}, {0}};
	struct loop *loop = oci_client_loop(req->oci);
	struct notary *s = NEW(struct notary);

	s->oci = req->oci;
	oci_target_init(&s->target, &req->target);
	s->target.patient = false;
	if (!s->target.timeout_ms || s->target.timeout_ms > LIMIT_REQUEST_MS)
		s->target.timeout_ms = LIMIT_REQUEST_MS;
	s->artifact.digest = *req->manifest;
	s->trust = verify_trust_ref(req->trust);
	s->ruled = req->ruled;
	s->revocations = req->revocations;
	s->owner = mem_strdup(req->owner);
	buf_init(&s->told, TOLD_MAX);
	buf_init(&s->logged, TOLD_MAX);
	buf_init(&s->signer, LIMIT_TRUST_CERT);
	s->seen = req->seen;
	s->seen_arg = req->arg;
	timer_init(&s->whole, loop, overdue, s);
	task_init(&s->task, loop, "notary", steps, last, notary_free);
	return task_spawn(&s->task);
}

struct notary_result notary_result(const struct op *op)
{
	const struct notary *s = TASK_OF_OP(op, struct notary);

	return (struct notary_result){s->verdict, buf_str(&s->logged)};
}
