#include "source/signature.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "ev/account.h"
#include "ev/task.h"
#include "ev/timer.h"
#include "ev/work.h"
#include "oci/answer.h"
#include "oci/content.h"
#include "oci/identity.h"
#include "oci/referrers.h"
#include "oci/registry.h"
#include "verify/bundle.h"
#include "verify/checks.h"
#include "verify/demands.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/legacy.h"
#include "verify/policy.h"
#include "verify/trusted_root.h"

#include <errno.h>
#include <string.h>

#define TOLD_MAX 400 /* bytes of why what was found is not good */
#define PARSE_FREE (64 * LIMIT_KIB) /* a document of so much takes no memory from the account */

struct search {
	struct task task;
	struct oci_client *oci;
	struct oci_target target;
	struct digest manifest;
	struct verify_keys *keys; /* NULL: none */
	struct verify_root *root; /* NULL: none */
	struct verify_policy policy; /* of these */
	struct verify_identities who;
	struct verify_demands demands;
	char *owner;
	void (*seen)(void *arg, const struct signature_seen *one);
	void *seen_arg;
	struct timer whole;
	bool overdue;
	uint64_t bytes; /* that were fetched, or are about to be */

	struct op *list; /* of what refers to the manifest */
	size_t at; /* in it, then in the layers */
	unsigned bundles; /* that could be read */
	struct verify_legacy_layers layers;

	/* What is looked at now; the worker reads it and writes the last five. */
	struct op *content;
	struct digest content_digest;
	uint64_t content_size;
	bool is_bundle; /* it was read as one */
	enum verdict verdict;
	struct buf signer;
	struct verify_report report;
	struct err why;

	struct op *grant; /* memory for it */
	struct op *below; /* the manifest at the tag, when large: memory for the layers */
	struct buf told; /* why */
	struct err trouble; /* the first that could not be fetched */
};

/* ---- what is not good ------------------------------------------------------------------------ */

/* The words end in a condition: each time the same for the same signatures. */
static void note(struct search *s, const struct err *why)
{
	if (s->told.len && strstr(buf_str(&s->told), why->msg))
		return;
	if (s->told.len + strlen(why->msg) + 2 > TOLD_MAX && s->told.len)
		return;
	buf_addf(&s->told, "%s%.300s", s->told.len ? "; " : "", why->msg);
}

static void tell(struct search *s, const char *layout, const struct digest *digest,
	enum verdict verdict, const char *why)
{
	if (s->seen)
		s->seen(s->seen_arg,
			&(struct signature_seen){.layout = layout,
				.digest = digest,
				.report = &s->report,
				.verdict = verdict,
				.signer = buf_str(&s->signer),
				.why = why});
	verify_report_clear(&s->report);
}

/* Who waits for an answer that was not given does not know that there is none. */
static void note_trouble(struct search *s, const struct err *why)
{
	if (s->trouble.kind == ERR_NONE)
		s->trouble = *why;
	note(s, why);
}

static enum step_ret search_failed(struct search *s)
{
	char ref[OCI_REF_TEXT_MAX];
	struct err err = s->trouble;

	if (err.kind == ERR_NONE)
		err.kind = ERR_RETRY;
	err_code(&err, err.kind, err.code, "no matching signatures were found for '%s': %s",
		oci_ref_format(s->target.repo, NULL, &s->manifest, ref),
		s->told.len ? buf_str(&s->told) : "it is not signed");
	return task_fail(&s->task, &err);
}

/* ---- what every answer may be ---------------------------------------------------------------- */

static void search_overdue(void *arg)
{
	struct search *s = arg;

	s->overdue = true;
	if (s->task.op)
		op_cancel(s->task.op);
}

/* The end of all, whatever is left to look at. */
static bool is_final(const struct err *err)
{
	return err->kind == ERR_CANCELED || err->kind == ERR_WAIT || err->kind == ERR_HELD ||
		err->kind == ERR_STALL || err->code == OCI_LOGIN_FAILED;
}

static bool interrupted(struct search *s, enum step_ret *ret)
{
	char text[TIME_TEXT_MAX];
	struct err err = s->task.op->err;

	if (s->overdue)
		err_code(&err, ERR_RETRY, -ETIMEDOUT, "it took longer than %s",
			time_format_duration((int64_t)s->target.timeout_ms, text));
	else if (!is_final(&err))
		return false;
	*ret = task_fail(&s->task, &err);
	return true;
}

/* All that is fetched counts, whoever wants it; what is larger than max never is. */
static bool has_room(struct search *s, uint64_t size, uint64_t max, enum step_ret *ret)
{
	struct err err = {0};

	if (size > max)
		return true;
	s->bytes += size;
	if (s->bytes <= LIMIT_SIGNATURE_BYTES)
		return true;
	err_set(&err, ERR_RETRY, "there are more than %llu bytes of signatures",
		LIMIT_SIGNATURE_BYTES);
	*ret = task_fail(&s->task, &err);
	return false;
}

static struct op *fetch(
	struct search *s, bool blob, const struct digest *digest, uint64_t size, uint64_t max)
{
	return oci_content_start(s->oci,
		&(struct oci_content_req){.target = s->target,
			.blob = blob,
			.digest = digest,
			.size = size,
			.max = max});
}

/* ---- by whom --------------------------------------------------------------------------------- */

static enum step_ret search_begin(struct task *t)
{
	struct search *s = TASK(t, struct search);

	timer_set(&s->whole, s->target.timeout_ms);
	return STEP_NEXT;
}

static int patterns_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct search *s = job;

	(void)stop;
	return verify_identities_compile(&s->who, err);
}

static enum step_ret patterns_start(struct task *t)
{
	struct search *s = TASK(t, struct search);

	if (s->policy.keys)
		return STEP_NEXT;
	return task_wait(
		t, work_start_for(t->self.loop, WORK_HEAVY, s->owner, patterns_run, NULL, s));
}

static enum step_ret patterns_resume(struct task *t)
{
	enum step_ret ret;

	if (interrupted(TASK(t, struct search), &ret))
		return ret;
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

/* ---- bundles --------------------------------------------------------------------------------- */

static enum step_ret list_start(struct task *t)
{
	struct search *s = TASK(t, struct search);

	return task_wait(t,
		oci_referrers_start(s->oci,
			&(struct oci_referrers_req){.target = s->target,
				.subject = &s->manifest,
				.type = VERIFY_BUNDLE_TYPE}));
}

static enum step_ret list_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (interrupted(s, &ret))
		return ret;
	if (t->op->err.kind != ERR_NONE) {
		note_trouble(s, &t->op->err);
		return task_goto(t, "tag");
	}
	s->list = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret entry_start(struct task *t)
{
	struct search *s = TASK(t, struct search);
	const struct oci_referrers *l = oci_referrers_result(s->list);
	enum step_ret ret;

	if (s->at == l->len)
		return s->bundles ? search_failed(s) : task_goto(t, "tag");
	if (!has_room(s, l->p[s->at].size, LIMIT_BUNDLE_MANIFEST, &ret))
		return ret;
	return task_wait(
		t, fetch(s, false, &l->p[s->at].digest, l->p[s->at].size, LIMIT_BUNDLE_MANIFEST));
}

/* What cannot be fetched or read is no bundle, and the next one is looked at. */
static enum step_ret skip_entry(struct search *s, const struct err *why, bool trouble)
{
	const struct oci_referrers *l = oci_referrers_result(s->list);

	buf_reset(&s->signer);
	tell(s, "bundle", &l->p[s->at].digest, VERDICT_BAD, why->msg);
	if (trouble)
		note_trouble(s, why);
	else
		note(s, why);
	s->at++;
	return task_goto(&s->task, "entry");
}

static enum step_ret entry_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	struct err err = {0};
	enum step_ret ret;
	const struct buf *body;

	if (interrupted(s, &ret))
		return ret;
	if (t->op->err.kind != ERR_NONE)
		return skip_entry(s, &t->op->err, true);
	body = oci_content_body(t->op);
	if (verify_bundle_blob(buf_str(body), body->len, &s->manifest, &s->content_digest,
		    &s->content_size, &err))
		return skip_entry(s, &err, false);
	return STEP_NEXT;
}

static enum step_ret bundle_start(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (!has_room(s, s->content_size, LIMIT_BUNDLE, &ret))
		return ret;
	return task_wait(t, fetch(s, true, &s->content_digest, s->content_size, LIMIT_BUNDLE));
}

static enum step_ret bundle_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (interrupted(s, &ret))
		return ret;
	if (t->op->err.kind != ERR_NONE)
		return skip_entry(s, &t->op->err, true);
	s->content = MOVE(t->op);
	return STEP_NEXT;
}

/* The tree of a large text is larger than that. */
static enum step_ret memory_take(struct search *s, uint64_t bytes)
{
	struct account *account = oci_client_account(s->oci);

	if (!account || oci_content_body(s->content)->len <= PARSE_FREE)
		return STEP_NEXT;
	return task_wait(&s->task, account_take(account, ACCOUNT_JOBS, s->owner, bytes));
}

static enum step_ret memory_start(struct task *t)
{
	struct search *s = TASK(t, struct search);

	return memory_take(s,
		LIMIT_MEMORY_BUNDLE +
			LIMIT_MEMORY_BUNDLE_TIMES * (uint64_t)oci_content_body(s->content)->len);
}

static enum step_ret room_start(struct task *t)
{
	return memory_take(TASK(t, struct search), LIMIT_MEMORY_MANIFEST);
}

static enum step_ret memory_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (interrupted(s, &ret))
		return ret;
	if (task_op_failed(t))
		return STEP_FAIL;
	s->grant = MOVE(t->op);
	return STEP_NEXT;
}

static int bundle_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct search *s = job;
	const struct buf *body = oci_content_body(s->content);
	struct verify_bundle b = {0};

	(void)err;
	s->is_bundle = !verify_bundle_parse(&b, buf_str(body), body->len, &s->why);
	if (s->is_bundle)
		s->verdict = verify_bundle(&b, &s->policy, &s->manifest, stop, &s->signer, &s->why);
	verify_bundle_clear(&b);
	return 0;
}

static enum step_ret proof_start(struct search *s, work_fn *run)
{
	s->verdict = VERDICT_BAD;
	s->is_bundle = false;
	buf_reset(&s->signer);
	s->why = (struct err){0};
	return task_wait(
		&s->task, work_start_for(s->task.self.loop, WORK_HEAVY, s->owner, run, NULL, s));
}

/* STEP_NEXT: it proves nothing, and the next one is looked at. */
static enum step_ret proof_ended(struct search *s, const char *layout, const struct digest *digest)
{
	enum step_ret ret;

	op_free(MOVE(s->grant));
	if (interrupted(s, &ret))
		return ret;
	if (task_op_failed(&s->task))
		return STEP_FAIL;
	tell(s, layout, digest, s->verdict, s->why.msg);
	if (s->verdict == VERDICT_GOOD)
		return STEP_DONE;
	note(s, &s->why);
	s->at++;
	return STEP_NEXT;
}

static enum step_ret prove_start(struct task *t)
{
	return proof_start(TASK(t, struct search), bundle_run);
}

static enum step_ret prove_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	const struct oci_referrers *l = oci_referrers_result(s->list);
	enum step_ret ret = proof_ended(s, "bundle", &l->p[s->at].digest);

	s->bundles += s->is_bundle;
	op_free(MOVE(s->content));
	return ret == STEP_NEXT ? task_goto(t, "entry") : ret;
}

/* ---- the tag --------------------------------------------------------------------------------- */

static enum step_ret tag_start(struct task *t)
{
	struct search *s = TASK(t, struct search);
	char tag[OCI_DIGEST_TAG_MAX];

	return task_wait(t,
		oci_content_start(s->oci,
			&(struct oci_content_req){.target = s->target,
				.tag = oci_digest_tag(&s->manifest, ".sig", tag),
				.max = LIMIT_MANIFEST}));
}

static enum step_ret tag_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (interrupted(s, &ret))
		return ret;
	if (t->op->err.kind != ERR_NONE) {
		if (!oci_says_missing(&t->op->err))
			note_trouble(s, &t->op->err);
		return search_failed(s);
	}
	s->content = MOVE(t->op);
	return has_room(s, oci_content_body(s->content)->len, LIMIT_MANIFEST, &ret) ? STEP_NEXT
										    : ret;
}

static int layers_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct search *s = job;
	const struct buf *body = oci_content_body(s->content);

	(void)stop; /* some milliseconds */
	return verify_legacy_read(&s->layers, buf_str(body), body->len, err);
}

/* What the worker makes of a large manifest may be as large as its text, and is held for as long as
   the registry takes to send what the signatures are of: the account gave memory for the text. */
static enum step_ret layers_start(struct task *t)
{
	struct search *s = TASK(t, struct search);

	return task_wait(
		t, work_start_for(t->self.loop, WORK_HEAVY, s->owner, layers_run, NULL, s));
}

static enum step_ret layers_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	op_free(MOVE(s->grant));
	if (oci_content_body(s->content)->len > PARSE_FREE) {
		oci_content_drop(s->content);
		s->below = MOVE(s->content);
	}
	op_free(MOVE(s->content));
	if (interrupted(s, &ret))
		return ret;
	s->at = 0;
	if (t->op->err.kind == ERR_NONE)
		return STEP_NEXT;
	note(s, &t->op->err);
	return search_failed(s);
}

/* Many signatures of one manifest are of the same payload. */
static bool has_payload(const struct search *s, const struct verify_legacy_layer *l)
{
	return s->content && digest_equal(&s->content_digest, &l->digest);
}

static enum step_ret skip_layer(struct search *s, const struct err *why)
{
	buf_reset(&s->signer);
	tell(s, "tag", &s->layers.p[s->at].digest, VERDICT_BAD, why->msg);
	note(s, why);
	s->at++;
	return STEP_AGAIN;
}

static enum step_ret layer_start(struct task *t)
{
	struct search *s = TASK(t, struct search);
	const struct verify_legacy_layer *l;
	struct err err = {0};
	enum step_ret ret;

	if (s->at == s->layers.len)
		return search_failed(s);
	l = &s->layers.p[s->at];
	if (l->why) {
		err_set(&err, ERR_RETRY, "%s", l->why);
		return skip_layer(s, &err);
	}
	if (has_payload(s, l))
		return STEP_NEXT;
	op_free(MOVE(s->content));
	s->content_digest = l->digest;
	if (!has_room(s, l->size, LIMIT_SIGNATURE_PAYLOAD, &ret))
		return ret;
	return task_wait(t, fetch(s, true, &l->digest, l->size, LIMIT_SIGNATURE_PAYLOAD));
}

static enum step_ret layer_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret;

	if (interrupted(s, &ret))
		return ret;
	if (t->op->err.kind != ERR_NONE) {
		note_trouble(s, &t->op->err);
		return skip_layer(s, &t->op->err);
	}
	s->content = MOVE(t->op);
	return STEP_NEXT;
}

static int layer_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct search *s = job;

	(void)err;
	s->verdict = verify_legacy(&s->layers.p[s->at], oci_content_body(s->content), &s->policy,
		&s->manifest, stop, &s->signer, &s->why);
	return 0;
}

static enum step_ret payload_start(struct task *t)
{
	return proof_start(TASK(t, struct search), layer_run);
}

static enum step_ret payload_resume(struct task *t)
{
	struct search *s = TASK(t, struct search);
	enum step_ret ret = proof_ended(s, "tag", &s->layers.p[s->at].digest);

	return ret == STEP_NEXT ? task_goto(t, "layer") : ret;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static enum step_ret end_start(struct task *t)
{
	timer_cancel(&TASK(t, struct search)->whole);
	return STEP_NEXT;
}

static void search_free(struct task *t)
{
	struct search *s = TASK(t, struct search);

	oci_target_clear(&s->target);
	verify_keys_unref(s->keys);
	verify_root_unref(s->root);
	verify_identities_clear(&s->who);
	verify_demands_clear(&s->demands);
	free(s->owner);
	op_free(s->list);
	op_free(s->content);
	op_free(s->grant);
	op_free(s->below);
	verify_legacy_clear(&s->layers);
	buf_clear(&s->told);
	buf_clear(&s->signer);
	verify_report_clear(&s->report);
	free(s);
}

struct op *signature_start(const struct signature_req *req)
{
	static const struct step steps[] = {
		{"begin", search_begin},
		{"patterns", patterns_start, patterns_resume},
		{"referrers", list_start, list_resume},
		{"entry", entry_start, entry_resume}, /* none is left: failed, or on to "tag" */
		{"bundle", bundle_start, bundle_resume},
		{"memory", memory_start, memory_resume},
		{"prove", prove_start, prove_resume}, /* done, or back to "entry" */
		{"tag", tag_start, tag_resume},
		{"room", room_start, memory_resume},
		{"layers", layers_start, layers_resume},
		{"layer", layer_start, layer_resume}, /* none is left: failed */
		{"payload", payload_start, payload_resume}, /* done, or back to "layer" */
		{0},
	};
	static const struct step last[] = {{"end", end_start, .always = true}, {0}};
	struct loop *loop = oci_client_loop(req->oci);
	struct search *s = NEW(struct search);

	s->oci = req->oci;
	oci_target_init(&s->target, &req->target);
	s->target.patient = false;
	if (!s->target.timeout_ms || s->target.timeout_ms > LIMIT_REQUEST_MS)
		s->target.timeout_ms = LIMIT_REQUEST_MS;
	s->manifest = *req->manifest;
	if (req->keys)
		s->keys = verify_keys_ref(req->keys);
	s->root = verify_root_ref(req->root);
	if (req->who)
		verify_identities_copy(&s->who, req->who);
	if (req->demands)
		verify_demands_copy(&s->demands, req->demands);
	s->policy = (struct verify_policy){.keys = s->keys,
		.root = s->root,
		.who = &s->who,
		.demands = &s->demands,
		.report = req->seen ? &s->report : NULL};
	s->owner = mem_strdup(req->owner);
	s->seen = req->seen;
	s->seen_arg = req->arg;
	buf_init(&s->told, TOLD_MAX);
	buf_init(&s->signer, VERIFY_SIGNER_MAX);
	timer_init(&s->whole, loop, search_overdue, s);
	task_init(&s->task, loop, "signature", steps, last, search_free);
	return task_spawn(&s->task);
}

const char *signature_signer(const struct op *op)
{
	return buf_str(&TASK_OF_OP(op, struct search)->signer);
}
