/*
 * Who has signed the commit, and the tag that leads to it: the keys of a Secret, and a worker that
 * reads what was signed. Signatures of ssh keys are checked there; those of OpenPGP by GnuPG, in a
 * row of its own.
 */
#include "controllers/gitrepository/run.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/utf8.h"
#include "crypto/ssh_sig.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/object.h"
#include "ev/work.h"
#include "git/commit.h"
#include "gpg/gpg.h"
#include "kube/client.h"
#include "source/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NTH_SECRETS 0 /* in LOGIN_DEPENDS */
#define SSH_SUFFIX ".sshpub"
#define SUBJECT_CHARS 50 /* as Events have it */

/* ---- the keys -------------------------------------------------------------------------------- */

struct gitrepository_keys {
	struct depends_value value;
	unsigned refs;
	struct ssh_signers *signers; /* NULL: none are named */
	VEC(struct gpg_key_text) rings;
	struct digest digest; /* of all of them */
};

static struct depends_value *keys_ref(struct depends_value *v)
{
	CONTAINER_OF(v, struct gitrepository_keys, value)->refs++;
	return v;
}

static void keys_unref(struct depends_value *v)
{
	struct gitrepository_keys *k = CONTAINER_OF(v, struct gitrepository_keys, value);
	struct gpg_key_text *ring;

	if (--k->refs)
		return;
	ssh_signers_free(k->signers);
	vec_each (&k->rings, ring) {
		free((char *)(uintptr_t)ring->name);
		free((char *)(uintptr_t)ring->p);
	}
	vec_clear(&k->rings);
	free(k);
}

static int key_add(struct gitrepository_keys *k, struct digest_ctx *h, const json_t *secret,
	const char *name, struct err *err)
{
	size_t n = strlen(name), end = strlen(SSH_SUFFIX);
	auto_secret struct secret text = {0};

	if (object_secret_value(secret, name, &text, err))
		return -1;
	digest_update(h, name, n + 1);
	digest_update(h, &text.len, sizeof(text.len));
	digest_update(h, text.p ? text.p : "", text.len);
	k->value.size += n + text.len;
	if (n <= end || strcmp(name + n - end, SSH_SUFFIX) != 0) {
		*vec_add(&k->rings) = (struct gpg_key_text){
			mem_strdup(name), mem_strndup(text.p ? text.p : "", text.len), text.len};
		return 0;
	}
	if (!k->signers)
		k->signers = ssh_signers_new();
	if (ssh_signers_add(k->signers, text.p ? text.p : "", text.len, err))
		return err_wrap(err, "key '%.100s'", name);
	return 0;
}

/* NULL: one of them cannot be read. */
static struct gitrepository_keys *keys_new(const json_t *secret, struct err *err)
{
	struct gitrepository_keys *k = NEW(struct gitrepository_keys);
	auto_digest_ctx struct digest_ctx h = {0};
	const char *name;
	json_t *v;

	k->refs = 1;
	k->value = (struct depends_value){.ref = keys_ref, .unref = keys_unref, .size = sizeof(*k)};
	digest_ctx_init(&h, DIGEST_SHA256);
	json_object_foreach (obj_get(secret, "data"), name, v) {
		if (key_add(k, &h, secret, name, err)) {
			keys_unref(&k->value);
			return NULL;
		}
	}
	digest_final(&h, &k->digest);
	return k;
}

/* No login is kept under such a name: a namespace has no colon. */
static char *keys_name(const struct run *r)
{
	return mem_printf("git-verify:%s/%s", r->ns, GIT_SPEC(r)->verify_secret);
}

/* Gives up the reference to the value, which the run has from now on. */
static void keys_set(struct run *r, struct depends_value *v)
{
	struct gitrepository_run *g = GIT_RUN(r);
	auto_digest_ctx struct digest_ctx h = {0};

	g->keys = CONTAINER_OF(v, struct gitrepository_keys, value);
	digest_ctx_init(&h, DIGEST_SHA256);
	digest_update(&h, g->keys->digest.bin, digest_size(g->keys->digest.algo));
	digest_update(&h, &GIT_SPEC(r)->verify, sizeof(GIT_SPEC(r)->verify));
	digest_update(&h, &r->generation, sizeof(r->generation));
	digest_update(&h, g->what.commit.b, sizeof(g->what.commit.b));
	digest_update(&h, g->what.tag.b, sizeof(g->what.tag.b));
	digest_final(&h, &g->policy);
}

static enum step_ret keys_failed(struct run *r)
{
	err_wrap(&r->task.err, "public keys secret error");
	GIT_RUN(r)->refused = true;
	return run_fail(r, NULL, "VerificationError");
}

enum step_ret gitrepository_keys_start(struct task *t)
{
	struct run *r = RUN(t);
	uint64_t timeout = (uint64_t)GIT_SPEC(r)->git.timeout_ms;
	struct depends_parts parts = {0};
	struct depends_value *v;
	auto_free char *name = NULL;

	if (!GIT_SPEC(r)->verify)
		return STEP_NEXT;
	name = keys_name(r);
	v = depends_vouched(r->c->depends, name, &parts);
	depends_parts_clear(&parts);
	if (v) {
		keys_set(r, v);
		return STEP_NEXT;
	}
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &login_secrets,
				.ns = r->ns,
				.name = GIT_SPEC(r)->verify_secret,
				.deadline_ms = timeout < LIMIT_SECRET_READ_MS
					? timeout
					: LIMIT_SECRET_READ_MS}));
}

enum step_ret gitrepository_keys_resume(struct task *t)
{
	struct run *r = RUN(t);
	auto_free char *name = keys_name(r);
	struct depends_parts parts = {0};
	struct gitrepository_keys *k;
	struct depends_value *v;
	const json_t *secret;

	if (task_op_failed(t)) {
		err_wrap(&t->err, "secret '%s/%s'", r->ns, GIT_SPEC(r)->verify_secret);
		return keys_failed(r);
	}
	secret = kube_result(t->op);
	*vec_add(&parts) = (struct depends_part){
		{NTH_SECRETS, mem_printf("%s/%s", r->ns, GIT_SPEC(r)->verify_secret)},
		mem_strdup(object_version(secret))};
	v = depends_read(r->c->depends, name, &parts);
	if (!v) {
		k = keys_new(secret, &t->err);
		if (k)
			depends_keep(r->c->depends, name, &parts, &k->value);
		v = k ? &k->value : NULL;
	}
	depends_parts_clear(&parts);
	if (!v) {
		err_wrap(&t->err, "secret '%s/%s'", r->ns, GIT_SPEC(r)->verify_secret);
		return keys_failed(r);
	}
	keys_set(r, v);
	return STEP_NEXT;
}

bool gitrepository_signed(struct run *r)
{
	struct gitrepository_run *g = GIT_RUN(r);

	if (!GIT_SPEC(r)->verify)
		return true;
	g->signature_good = digest_equal(&g->policy, &ARTIFACT_ITEM(r->item)->verified);
	return g->signature_good;
}

void gitrepository_signed_clear(struct gitrepository_run *g)
{
	if (g->keys)
		keys_unref(&g->keys->value);
	op_free(g->checked);
}

/* ---- what was signed, on a worker ------------------------------------------------------------ */

enum verdict { NOT_ASKED, GOOD, BAD, ASK_GPG };

struct check {
	enum verdict verdict;
	bool unsigned_; /* there is no signature at all */
	char by[SSH_FINGERPRINT_MAX];
	char why[256];
	struct buf signature, payload; /* for ASK_GPG */
};

enum { OF_TAG, OF_COMMIT, CHECKS };

struct look {
	struct gitc_objects *objects;
	struct gitc_oid commit, tag;
	enum gitrepository_verify verify;
	bool has_tag;
	struct gitrepository_keys *keys; /* borrowed from the run */
	struct check checks[CHECKS];
	char subject[256];
};

static void refuse(struct check *c, const char *why)
{
	c->verdict = BAD;
	snprintf(c->why, sizeof(c->why), "%.250s", why);
}

static void buf_move(struct buf *to, struct buf *from)
{
	*to = *from;
	*from = BUF_INIT(from->max);
}

/* What can be said without asking GnuPG. */
static void check_signature(
	const struct look *l, struct check *c, struct buf *signature, struct buf *payload)
{
	struct err err = {0};

	if (!signature->len) {
		c->unsigned_ = true;
		refuse(c, "it is not signed");
	} else if (gpg_signature_is(buf_str(signature), signature->len)) {
		c->verdict = ASK_GPG;
		if (!l->keys->rings.len)
			refuse(c,
				"PGP signature detected but no PGP public keys found in secret "
				"(keys with .asc suffix)");
		buf_move(&c->signature, signature);
		buf_move(&c->payload, payload);
	} else if (!ssh_sig_is(buf_str(signature), signature->len)) {
		refuse(c, "its signature is neither of OpenPGP nor of an SSH key");
	} else if (!l->keys->signers) {
		refuse(c,
			"SSH signature detected but no SSH public keys found in secret (keys "
			"with " SSH_SUFFIX " suffix)");
	} else if (ssh_sig_verify(l->keys->signers, buf_str(signature), signature->len, "git",
			   payload->p ? payload->p : "", payload->len, c->by, &err)) {
		refuse(c, err.msg);
	} else {
		c->verdict = GOOD;
	}
}

/* The first line, cut. */
static void subject_set(struct look *l, const struct buf *message)
{
	const char *text = buf_str(message), *p = text;
	size_t n = strcspn(text, "\n"), chars = 0;

	/* Bytes that begin a character. */
	for (; p < text + n && (((unsigned char)*p & 0xc0) == 0x80 || chars < SUBJECT_CHARS); p++)
		chars += ((unsigned char)*p & 0xc0) != 0x80;
	snprintf(l->subject, sizeof(l->subject), "%.*s%s",
		(int)utf8_cut(text, n, (size_t)(p - text)), text, p < text + n ? "..." : "");
}

static int look_at_commit(struct look *l, struct err *err)
{
	struct gitc_commit c = {0};
	int rc = gitc_commit_read(l->objects, &l->commit, &c, err);

	if (!rc)
		subject_set(l, &c.message);
	if (!rc && (l->verify & VERIFY_HEAD))
		check_signature(l, &l->checks[OF_COMMIT], &c.signature, &c.payload);
	gitc_commit_clear(&c);
	return rc;
}

static int look_at_tag(struct look *l, struct err *err)
{
	struct check *c = &l->checks[OF_TAG];
	struct gitc_tag tag = {0};
	int rc;

	if (!l->has_tag) {
		c->unsigned_ = true;
		refuse(c, "it is not signed");
		return 0;
	}
	rc = gitc_tag_read(l->objects, &l->tag, &tag, err);
	if (!rc)
		check_signature(l, c, &tag.signature, &tag.payload);
	gitc_tag_clear(&tag);
	return rc;
}

/* Does the tag lead to the commit that goes into the artifact? The list of refs has said so. */
static int look_at_link(struct look *l, struct err *err)
{
	struct gitc_oid commit;
	char hex[GITC_OID_HEX];

	if (!l->has_tag)
		return 0;
	if (gitc_peel(l->objects, &l->tag, &commit, err))
		return -1;
	if (gitc_oid_equal(&commit, &l->commit))
		return 0;
	return err_set(err, ERR_RETRY, "the tag does not lead to the commit '%s'",
		gitc_oid_format(&l->commit, hex));
}

static int look_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct look *l = job;

	(void)stop; /* two objects of LIMIT_GIT_COMMIT at most */
	if ((l->verify & VERIFY_TAG) && (look_at_tag(l, err) || look_at_link(l, err)))
		return -1;
	return look_at_commit(l, err);
}

static void look_free(void *job)
{
	struct look *l = job;
	size_t i;

	if (!l)
		return;
	gitc_objects_unref(l->objects);
	for (i = 0; i < CHECKS; i++) {
		buf_clear(&l->checks[i].signature);
		buf_clear(&l->checks[i].payload);
	}
	if (l->keys)
		keys_unref(&l->keys->value);
	free(l);
}

enum step_ret gitrepository_commit_start(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	struct look *l = NEW(struct look);

	l->objects = gitc_objects_ref(g->objects);
	l->commit = g->what.commit;
	l->tag = g->what.tag;
	l->has_tag = g->what.has_tag;
	if (r->mode == RUN_WORK)
		l->verify = GIT_SPEC(r)->verify;
	if (g->keys)
		l->keys = CONTAINER_OF(keys_ref(&g->keys->value), struct gitrepository_keys, value);
	return task_wait(
		t, work_start_for(t->self.loop, WORK_HEAVY, r->ns, look_run, look_free, l));
}

enum step_ret gitrepository_commit_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct gitrepository_run *g = GIT_RUN(r);
	const struct look *l;

	if (task_op_failed(t))
		return gitrepository_git_failed(r, "failed to checkout and determine revision");
	l = work_job(t->op);
	memcpy(g->subject, l->subject, sizeof(g->subject));
	g->checked = MOVE(t->op);
	return STEP_NEXT;
}

/* ---- OpenPGP --------------------------------------------------------------------------------- */

static struct look *look_of(struct run *r)
{
	return work_job(GIT_RUN(r)->checked);
}

/* That GnuPG has to be asked about; NULL: there is none. */
static struct check *next_check(struct look *l)
{
	size_t i;

	for (i = 0; i < CHECKS; i++)
		if (l->checks[i].verdict == ASK_GPG)
			return &l->checks[i];
	return NULL;
}

static const char *tag_name(struct run *r, char *out, size_t size)
{
	const struct git_resolved *what = &GIT_RUN(r)->what;
	const char *name = strncmp(what->ref, "refs/tags/", 10) ? what->ref : what->ref + 10;
	char hex[GITC_OID_HEX];

	snprintf(out, size, "%s%s%s", name, what->has_tag ? "@" : "",
		what->has_tag ? gitc_oid_format(&what->tag, hex) : "");
	return out;
}

static enum step_ret refused(struct run *r, const struct look *l)
{
	const struct check *tag = &l->checks[OF_TAG], *commit = &l->checks[OF_COMMIT];
	char name[LIMIT_GIT_REF_NAME + GITC_OID_HEX + 2], hex[GITC_OID_HEX];
	struct err *err = &r->task.err;

	GIT_RUN(r)->refused = true;
	ARTIFACT_ITEM(r->item)->verified = (struct digest){0};
	if (tag->verdict == BAD && tag->unsigned_) {
		err_set(err, ERR_RETRY,
			"cannot verify signature of tag '%.300s' since it is not signed",
			tag_name(r, name, sizeof(name)));
		return run_fail(r, NULL, "InvalidGitObject");
	}
	if (tag->verdict == BAD) {
		err_set(err, ERR_RETRY, "signature verification of tag '%.300s' failed: %s",
			tag_name(r, name, sizeof(name)), tag->why);
		return run_fail(r, NULL, "InvalidTagSignature");
	}
	err_set(err, ERR_RETRY, "signature verification of commit '%s' failed: %s",
		gitc_oid_format(&l->commit, hex), commit->why);
	return run_fail(r, NULL, "InvalidCommitSignature");
}

/* All were good. */
static void remember(struct run *r, const struct look *l)
{
	const struct check *tag = &l->checks[OF_TAG], *commit = &l->checks[OF_COMMIT];
	char name[LIMIT_GIT_REF_NAME + GITC_OID_HEX + 2], hex[GITC_OID_HEX];
	struct artifact_item *a = ARTIFACT_ITEM(r->item);
	struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, "verified signature of");
	if (tag->verdict == GOOD)
		buf_addf(&b, "\n\t- tag '%.300s' with key '%s'", tag_name(r, name, sizeof(name)),
			tag->by);
	if (commit->verdict == GOOD)
		buf_addf(&b, "\n\t- commit '%s' with key '%s'", gitc_oid_format(&l->commit, hex),
			commit->by);
	free(a->signer);
	a->signer = buf_take(&b);
	a->verified = GIT_RUN(r)->policy;
	GIT_RUN(r)->signature_good = true;
}

enum step_ret gitrepository_verify_start(struct task *t)
{
	struct run *r = RUN(t);
	struct look *l = look_of(r);
	const struct check *c = next_check(l);
	struct artifact_item *a = ARTIFACT_ITEM(r->item);

	if (!l->verify) {
		a->verified = (struct digest){0};
		free(MOVE(a->signer));
		return STEP_NEXT;
	}
	if (l->checks[OF_TAG].verdict == BAD || l->checks[OF_COMMIT].verdict == BAD)
		return refused(r, l);
	if (!c) {
		remember(r, l);
		return STEP_NEXT;
	}
	return task_wait(t,
		gpg_verify_start(t->self.loop,
			&(struct gpg_verify_req){.keys = l->keys->rings.p,
				.n_keys = l->keys->rings.len,
				.data = buf_str(&c->payload),
				.data_len = c->payload.len,
				.signature = buf_str(&c->signature),
				.signature_len = c->signature.len}));
}

enum step_ret gitrepository_verify_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct check *c = next_check(look_of(r));
	const struct gpg_verify_result *res;

	if (task_op_failed(t)) {
		GIT_RUN(r)->refused = true;
		return run_fail(r, NULL, "VerificationError");
	}
	res = gpg_verify_result(t->op);
	c->verdict = res->good ? GOOD : BAD;
	snprintf(c->by, sizeof(c->by), "%s", res->key_id);
	snprintf(c->why, sizeof(c->why), "%.250s", res->why);
	return STEP_AGAIN;
}
