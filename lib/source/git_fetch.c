#include "source/git_fetch.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ev/task.h"
#include "git/fetch.h"
#include "git/gitc.h"
#include "git/keep.h"
#include "git/objects.h"
#include "git/refs.h"

#include <stdlib.h>
#include <string.h>

struct fetch {
	struct task task;
	struct gitc_client *git;
	struct gitc_target target;
	struct gitc_oid commit, tag;
	bool has_tag, no_blobs;
	char *ref; /* NULL: any branch */
	char *branch;
	uint64_t max_pack;
	VEC(struct gitc_oid) tips;
	struct gitc_objects *objects;
};

/* A tag brings the commit that it leads to. */
static struct gitc_fetch_req request_of(const struct git_fetch_req *req)
{
	return (struct gitc_fetch_req){.target = req->target,
		.want = req->tag ? req->tag : req->commit,
		.n_want = 1,
		.depth = 1,
		.no_blobs = req->no_blobs,
		.follows = !req->tag,
		.branch = req->branch,
		.max_pack = req->max_pack};
}

static enum step_ret fetch_commit_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	struct gitc_fetch_req req = request_of(&(struct git_fetch_req){.target = f->target,
		.commit = &f->commit,
		.tag = f->has_tag ? &f->tag : NULL,
		.branch = f->branch,
		.no_blobs = f->no_blobs,
		.max_pack = f->max_pack});

	return task_wait(t, gitc_fetch_start(f->git, &req));
}

static enum step_ret fetch_commit_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (t->op->err.code == GITC_NOT_OURS)
		return STEP_NEXT;
	if (task_op_failed(t))
		return STEP_FAIL;
	f->objects = gitc_fetch_take(t->op);
	return STEP_DONE;
}

static enum step_ret fetch_refs_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	const char *const prefixes[] = {f->ref ? f->ref : "refs/heads/", NULL};

	return task_wait(t,
		gitc_refs_start(f->git,
			&(struct gitc_refs_req){.target = f->target, .prefixes = prefixes}));
}

static enum step_ret missing(struct fetch *f)
{
	char hex[GITC_OID_HEX];
	struct err err = {0};

	err_code(&err, ERR_RETRY, GITC_MISSING,
		"unable to resolve commit object for '%s': '%.300s' does not have it",
		gitc_oid_format(&f->commit, hex), f->ref ? f->ref : "the repository");
	return task_fail(&f->task, &err);
}

static enum step_ret fetch_refs_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);
	const struct gitc_refs *refs;
	size_t i;

	if (task_op_failed(t))
		return STEP_FAIL;
	refs = gitc_refs_result(t->op);
	for (i = 0; i < refs->n && f->tips.len < LIMIT_GIT_WANTS; i++)
		if (!f->ref || !strcmp(refs->p[i].name, f->ref))
			*vec_add(&f->tips) = refs->p[i].oid;
	return f->tips.len ? STEP_NEXT : missing(f);
}

static enum step_ret fetch_history_start(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	return task_wait(t,
		gitc_fetch_start(f->git,
			&(struct gitc_fetch_req){.target = f->target,
				.want = f->tips.p,
				.n_want = f->tips.len,
				.max_pack = f->max_pack}));
}

static enum step_ret fetch_history_resume(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	if (task_op_failed(t))
		return STEP_FAIL;
	f->objects = gitc_fetch_take(t->op);
	return gitc_objects_has(f->objects, &f->commit) ? STEP_NEXT : missing(f);
}

static void fetch_free(struct task *t)
{
	struct fetch *f = TASK(t, struct fetch);

	gitc_objects_unref(f->objects);
	vec_clear(&f->tips);
	free(f->ref);
	free(f->branch);
	free(f);
}

struct op *git_fetch_start(struct loop *l, const struct git_fetch_req *req)
{
	static const struct step steps[] = {
		{"commit", fetch_commit_start, fetch_commit_resume},
		{"refs", fetch_refs_start, fetch_refs_resume},
		{"history", fetch_history_start, fetch_history_resume},
		{0},
	};
	struct fetch *f = NEW(struct fetch);

	f->git = req->git;
	f->target = req->target;
	f->commit = *req->commit;
	f->has_tag = req->tag != NULL;
	if (req->tag)
		f->tag = *req->tag;
	if (req->ref && *req->ref)
		f->ref = mem_strdup(req->ref);
	f->branch = mem_strdup(req->branch);
	f->no_blobs = req->no_blobs;
	f->max_pack = req->max_pack;
	task_init(&f->task, l, "git fetch", steps, NULL, fetch_free);
	return task_spawn(&f->task);
}

struct gitc_objects *git_fetch_take(struct op *op)
{
	return MOVE(TASK_OF_OP(op, struct fetch)->objects);
}

struct op *git_fetch_keep_start(
	const struct git_fetch_req *req, struct gitc_objects *base, const struct buf *pack)
{
	return gitc_keep_start(req->git,
		&(struct gitc_keep_req){.as = request_of(req), .base = base, .pack = pack});
}
