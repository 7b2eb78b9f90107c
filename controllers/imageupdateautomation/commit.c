#include "controllers/imageupdateautomation/commit.h"

#include "base/limits.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/message.h"
#include "controllers/imageupdateautomation/spec.h"
#include "crypto/ssh_key.h"
#include "crypto/ssh_sig.h"
#include "ev/op.h"
#include "ev/work.h"
#include "git/draft.h"

#include <stdlib.h>
#include <string.h>

/* A signature of RSA with 16384 bits has some 3 KiB. */
#define SIGNATURE_MAX (64 * LIMIT_KIB)

struct commit_job {
	struct commit_req req;
	char *signature;
	struct commit *c;
};

/* ---- on a worker ----------------------------------------------------------------------------- */

/* Half of what it may hold is for the trees down to a file, half for the pack. */
static uint64_t bound(const struct commit_job *j, uint64_t limit)
{
	uint64_t half = j->req.memory / 2;

	return half && half < limit ? half : limit;
}

static struct gitc_draft *draft_make(
	const struct commit_job *j, const atomic_bool *stop, struct err *err)
{
	const struct automation_spec *s = j->req.spec;
	const struct edit *e = j->req.edit;
	struct gitc_change *changes = mem_array(NULL, e->changed.len, sizeof(*changes));
	struct gitc_draft *d;
	size_t i;

	for (i = 0; i < e->changed.len; i++)
		changes[i] = (struct gitc_change){e->changed.p[i].path,
			buf_str(&e->changed.p[i].out.text), e->changed.p[i].out.text.len};
	d = gitc_draft_new(&(struct gitc_draft_req){.objects = e->objects,
				   .parent = e->commit,
				   .changes = changes,
				   .n_changes = e->changed.len,
				   .who = {s->author_name, s->author_email, j->req.when_s, 0},
				   .message = buf_str(&j->c->message),
				   .message_len = j->c->message.len,
				   .trees = bound(j, LIMIT_GIT_TREES),
				   .max_pack = bound(j, LIMIT_AUTOMATION_PACK)},
		stop, err);
	free(changes);
	return d;
}

static int ssh_sign(
	const struct commit_job *j, struct buf *out, const atomic_bool *stop, struct err *err)
{
	const struct buf *payload = gitc_draft_payload(j->c->draft);
	struct ssh_key *key;
	int rc;

	if (ssh_key_parse(&key, j->req.key->p, j->req.key->len, j->req.passphrase, stop, err))
		return -1;
	rc = ssh_key_check_signing(key, err) ||
		ssh_sig_sign(out, key, "git", buf_str(payload), payload->len, err);
	ssh_key_free(key);
	return rc ? -1 : 0;
}

static int seal(struct commit *c, const char *signature, const atomic_bool *stop, struct err *err)
{
	c->stage = COMMIT_DRAFT;
	if (gitc_draft_seal(c->draft, signature, &c->oid, &c->pack, stop, err))
		return -1;
	gitc_draft_free(MOVE(c->draft));
	return 0;
}

static int draft_run(void *arg, const atomic_bool *stop, struct err *err)
{
	auto_buf struct buf signature = BUF_INIT(SIGNATURE_MAX);
	struct commit_job *j = arg;
	struct commit *c = j->c;

	if (message_write(j->req.spec, j->req.ns, j->req.name, j->req.edit, &c->message, err))
		return -1;
	c->stage = COMMIT_DRAFT;
	c->draft = draft_make(j, stop, err);
	if (!c->draft)
		return -1;
	if (j->req.later)
		return 0;
	c->stage = COMMIT_SIGN;
	if (j->req.key && ssh_sign(j, &signature, stop, err))
		return -1;
	return seal(c, j->req.key ? buf_str(&signature) : NULL, stop, err);
}

static int seal_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct commit_job *j = arg;

	return seal(j->c, j->signature, stop, err);
}

/* ---- as jobs --------------------------------------------------------------------------------- */

static void job_free(void *arg)
{
	struct commit_job *j = arg;

	commit_free(j->c);
	free(j->signature);
	free(j);
}

struct op *commit_draft_start(struct loop *l, const struct commit_req *req)
{
	struct commit_job *j = NEW(struct commit_job);

	j->req = *req;
	j->c = NEW(struct commit);
	j->c->message = BUF_INIT(LIMIT_TEMPLATE_RESULT);
	return work_start_for(l, WORK_HEAVY, req->ns, draft_run, job_free, j);
}

struct op *commit_seal_start(
	struct loop *l, const char *owner, struct commit *c, const char *signature)
{
	struct commit_job *j = NEW(struct commit_job);

	j->c = c;
	j->signature = mem_strdup(signature);
	return work_start_for(l, WORK_HEAVY, owner, seal_run, job_free, j);
}

struct commit *commit_take(struct op *op)
{
	struct commit_job *j = work_job(op);

	return MOVE(j->c);
}

void commit_free(struct commit *c)
{
	if (!c)
		return;
	buf_clear(&c->message);
	gitc_draft_free(c->draft);
	buf_clear(&c->pack);
	free(c);
}
