#include "source/git_resolve.h"

#include "base/mem.h"
#include "base/vec.h"
#include "ev/task.h"
#include "ev/work.h"
#include "git/commit.h"
#include "git/fetch.h"
#include "git/gitc.h"
#include "git/objects.h"
#include "text/semver.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADS "refs/heads/"
#define TAGS "refs/tags/"
#define PEEL "^{}"

/* Versions that are equal, and whose commits have to be looked at. */
#define TIES_MAX 64

struct resolve {
	struct task task;
	struct gitc_client *git;
	struct gitc_target target;
	struct git_ref ref;
	uint64_t max_pack;
	struct op *refs; /* done */
	VEC(size_t) ties; /* in the list of refs: the highest version, all that have it */
	struct gitc_objects *objects; /* their commits */
	struct git_resolved result;
};

__attribute__((format(printf, 3, 4))) static enum step_ret fail(
	struct resolve *r, int code, const char *fmt, ...)
{
	struct err err = {0};
	char text[ERR_MSG_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_code(&err, ERR_RETRY, code, "%s", text);
	return task_fail(&r->task, &err);
}

/* What the ref is called where people read it. */
static void revision_set(struct resolve *r, const char *name)
{
	char hex[GITC_OID_HEX];

	snprintf(r->result.revision, sizeof(r->result.revision), "%s%ssha1:%s", name,
		*name ? "@" : "", gitc_oid_format(&r->result.commit, hex));
}

/* An annotated tag leads to a commit. */
static void ref_take(struct resolve *r, const struct gitc_ref *ref)
{
	r->result.commit = ref->has_peeled ? ref->peeled : ref->oid;
	r->result.has_tag = ref->has_peeled;
	r->result.tag = ref->oid;
	snprintf(r->result.ref, sizeof(r->result.ref), "%s", ref->name);
}

/* ---- a commit by its hash -------------------------------------------------------------------- */

static enum step_ret resolve_commit_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	const char *commit = r->ref.commit;

	if (!commit)
		return STEP_NEXT;
	if (!gitc_oid_parse(&r->result.commit, commit, strlen(commit))) {
		struct err err = {0};

		err_set(&err, ERR_STALL,
			"'%.100s' is no hash of a commit: those have 40 digits of 0 to 9 and a to "
			"f",
			commit);
		return task_fail(t, &err);
	}
	if (r->ref.branch)
		snprintf(r->result.branch, sizeof(r->result.branch), HEADS "%s", r->ref.branch);
	revision_set(r, r->ref.branch ? r->ref.branch : "");
	return STEP_DONE;
}

/* ---- a ref ----------------------------------------------------------------------------------- */

/* The whole name of the one ref that is asked for; NULL: it is a range that decides. */
static char *name_of(const struct git_ref *f)
{
	size_t n;

	if (f->name) {
		n = strlen(f->name);
		if (n > strlen(PEEL) && !strcmp(f->name + n - strlen(PEEL), PEEL))
			n -= strlen(PEEL);
		return mem_strndup(f->name, n);
	}
	if (f->semver)
		return NULL;
	if (f->tag)
		return mem_printf(TAGS "%s", f->tag);
	return mem_printf(HEADS "%s", f->branch ? f->branch : GIT_REF_DEFAULT_BRANCH);
}

static enum step_ret resolve_refs_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	auto_free char *name = name_of(&r->ref);
	const char *const prefixes[] = {name ? name : TAGS, NULL};

	if (name && strlen(name) > LIMIT_GIT_REF_NAME)
		return fail(r, GITC_NO_PATH, "reference '%.64s...' is too long", name);
	return task_wait(t,
		gitc_refs_start(r->git,
			&(struct gitc_refs_req){.target = r->target, .prefixes = prefixes}));
}

/* ---- a range --------------------------------------------------------------------------------- */

static int ties_find(struct resolve *r, const struct gitc_refs *refs, struct err *err)
{
	struct semver_range range;
	struct semver best = {0}, v;
	size_t i;

	if (semver_range_parse(&range, r->ref.semver, err)) {
		err->kind = ERR_STALL;
		return -1;
	}
	for (i = 0; i < refs->n; i++) {
		const char *name = refs->p[i].name;
		int order;

		if (strncmp(name, TAGS, strlen(TAGS)) != 0 ||
			!semver_parse(&v, name + strlen(TAGS)) || !semver_range_match(&range, &v))
			continue;
		order = r->ties.len ? semver_compare(&v, &best) : 1;
		if (order < 0 || (!order && r->ties.len >= TIES_MAX))
			continue;
		if (order > 0)
			r->ties.len = 0;
		best = v;
		*vec_add(&r->ties) = i;
	}
	semver_range_clear(&range);
	if (r->ties.len)
		return 0;
	return err_code(
		err, ERR_RETRY, GITC_NOT_FOUND, "no match found for semver: %.200s", r->ref.semver);
}

static enum step_ret range_decided(struct resolve *r, size_t nth)
{
	const struct gitc_ref *ref = &gitc_refs_result(r->refs)->p[nth];

	ref_take(r, ref);
	revision_set(r, ref->name + strlen(TAGS));
	return STEP_DONE;
}

static enum step_ret resolve_refs_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	auto_free char *name = name_of(&r->ref);
	const struct gitc_refs *refs;
	const struct gitc_ref *ref;

	if (task_op_failed(t))
		return STEP_FAIL;
	r->refs = MOVE(t->op);
	refs = gitc_refs_result(r->refs);
	r->result.empty = refs->empty;
	if (refs->empty)
		return fail(r, GITC_NOT_FOUND, "git repository is empty");
	if (!name) {
		struct err err = {0};

		if (ties_find(r, refs, &err))
			return task_fail(t, &err);
		return r->ties.len == 1 ? range_decided(r, r->ties.p[0]) : STEP_NEXT;
	}
	ref = gitc_refs_find(refs, name);
	if (!ref)
		return fail(r, GITC_NOT_FOUND, "couldn't find remote ref '%.800s'%s", name,
			r->ref.name || r->ref.tag || r->ref.branch
				? ""
				: " (spec.ref is not set: " GIT_REF_DEFAULT_BRANCH
				  " is the default)");
	ref_take(r, ref);
	if (r->ref.name)
		revision_set(r, r->ref.name);
	else
		revision_set(r, strchr(name + strlen("refs/"), '/') + 1);
	return STEP_DONE;
}

/* ---- equal versions -------------------------------------------------------------------------- */

static const struct gitc_oid *tie_commit(const struct resolve *r, size_t i)
{
	const struct gitc_ref *ref = &gitc_refs_result(r->refs)->p[r->ties.p[i]];

	return ref->has_peeled ? &ref->peeled : &ref->oid;
}

static enum step_ret resolve_fetch_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct gitc_oid want[TIES_MAX];
	size_t i;

	for (i = 0; i < r->ties.len; i++)
		want[i] = *tie_commit(r, i);
	return task_wait(t,
		gitc_fetch_start(r->git,
			&(struct gitc_fetch_req){.target = r->target,
				.want = want,
				.n_want = r->ties.len,
				.depth = 1,
				.no_trees = true,
				.max_pack = r->max_pack}));
}

static enum step_ret resolve_fetch_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	if (task_op_failed(t))
		return STEP_FAIL;
	r->objects = gitc_fetch_take(t->op);
	return STEP_NEXT;
}

struct times {
	struct gitc_objects *objects;
	size_t n;
	struct gitc_oid commits[TIES_MAX];
	size_t newest; /* the first of those that are */
};

static int times_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct times *j = job;
	int64_t newest = INT64_MIN;
	size_t i;

	for (i = 0; i < j->n && !atomic_load(stop); i++) {
		struct gitc_commit c = {0};
		int rc = gitc_commit_read(j->objects, &j->commits[i], &c, err);

		if (!rc && c.committer.when > newest) {
			newest = c.committer.when;
			j->newest = i;
		}
		gitc_commit_clear(&c);
		if (rc)
			return -1;
	}
	return 0;
}

static void times_free(void *job)
{
	struct times *j = job;

	if (j)
		gitc_objects_unref(j->objects);
	free(j);
}

static enum step_ret resolve_times_start(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	struct times *j = NEW(struct times);
	size_t i;

	j->objects = gitc_objects_ref(r->objects);
	j->n = r->ties.len;
	for (i = 0; i < j->n; i++)
		j->commits[i] = *tie_commit(r, i);
	return task_wait(t,
		work_start_for(
			t->self.loop, WORK_HEAVY, r->target.owner, times_run, times_free, j));
}

static enum step_ret resolve_times_resume(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);
	const struct times *j;

	if (task_op_failed(t))
		return STEP_FAIL;
	j = work_job(t->op);
	return range_decided(r, r->ties.p[j->newest]);
}

/* ---- the task -------------------------------------------------------------------------------- */

static const struct step STEPS[] = {
	{"commit", resolve_commit_start},
	{"refs", resolve_refs_start, resolve_refs_resume},
	{"fetch", resolve_fetch_start, resolve_fetch_resume},
	{"times", resolve_times_start, resolve_times_resume},
	{0},
};

static void resolve_free(struct task *t)
{
	struct resolve *r = TASK(t, struct resolve);

	op_free(r->refs);
	vec_clear(&r->ties);
	gitc_objects_unref(r->objects);
	git_ref_clear(&r->ref);
	free(r);
}

struct op *git_resolve_start(struct loop *l, const struct git_resolve_req *req)
{
	struct resolve *r = NEW(struct resolve);
	const struct git_ref *f = req->ref;

	r->git = req->git;
	r->target = req->target;
	r->max_pack = req->max_pack;
	r->ref = (struct git_ref){mem_strdup(f->branch), mem_strdup(f->tag), mem_strdup(f->semver),
		mem_strdup(f->name), mem_strdup(f->commit)};
	task_init(&r->task, l, "git resolve", STEPS, NULL, resolve_free);
	return task_spawn(&r->task);
}

const struct git_resolved *git_resolve_result(const struct op *op)
{
	return &TASK_OF_OP(op, const struct resolve)->result;
}

const char *git_resolved_branch(const struct git_resolved *r)
{
	const char *ref = *r->ref ? r->ref : r->branch;

	return *ref && strncmp(ref, "refs/tags/", 10) != 0 ? ref : NULL;
}

int git_revision_commit(const char *revision, struct gitc_oid *out, struct err *err)
{
	const char *at = strrchr(revision, '@');
	const char *hash = at ? at + 1 : revision;

	if (!strncmp(hash, "sha1:", 5) && gitc_oid_parse(out, hash + 5, strlen(hash + 5)))
		return 0;
	return err_set(err, ERR_RETRY, "'%.300s' is no revision of Git", revision);
}
