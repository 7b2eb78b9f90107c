/*
 * Nothing is to be changed any more. Then the commit that is there may be one of this automation,
 * of a run that ended between its push and its status: the process was killed, the object changed,
 * another replica leads now. Only a proof counts, for others may commit under the same name: the
 * run goes back by one commit, sets the markers there, drafts a commit of the time that stands in
 * the one that is there, and compares. Equal bytes (but for the signature) are the push of that
 * run, and what comes behind a push comes now: the second push, the pull request, status and Event.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/run.h"
#include "ctl/controller.h"
#include "ev/op.h"
#include "ev/work.h"
#include "git/commit.h"
#include "git/draft.h"
#include "git/objects.h"

#include <string.h>

struct own {
	struct gitc_objects *objects; /* a reference */
	struct gitc_oid oid;
	struct gitc_commit commit; /* that is there */
};

void automation_own_free(struct own *o)
{
	if (!o)
		return;
	gitc_objects_unref(o->objects);
	gitc_commit_clear(&o->commit);
	free(o);
}

bool automation_proves(const struct run *r)
{
	return AUTOMATION_RUN(r)->own != NULL;
}

int64_t automation_own_when_s(const struct run *r)
{
	return AUTOMATION_RUN(r)->own->commit.committer.when;
}

/* ---- is there a doubt? ----------------------------------------------------------------------- */

bool automation_knows_head(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	char hex[GITC_OID_HEX];

	return !strcmp(obj_str_or("", r->first, "status", "lastPushCommit"),
		gitc_oid_format(&a->head, hex));
}

bool automation_is_on_head(const struct automation_run *a)
{
	return a->has_head && gitc_oid_equal(&a->base, &a->head);
}

/* What the second push is to bring, the first one has brought there: this process knows of it, or
   its failure is in the status. */
static bool owes_second(const struct run *r)
{
	return AUTOMATION_SPEC_OF(r)->push_refspec && automation_is_on_head(AUTOMATION_RUN(r)) &&
		(AUTOMATION_ITEM(r->item)->owes ||
			(automation_knows_head(r) &&
				!cond_is(&r->conds_before, COND_READY, COND_TRUE)));
}

static enum step_ret go_on(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);

	if (!owes_second(r))
		return task_goto(&r->task, "words");
	a->sent = a->head;
	return task_goto(&r->task, "more");
}

/* ---- the commit that is there ---------------------------------------------------------------- */

static int own_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct own *o = arg;

	(void)stop;
	return gitc_commit_read(o->objects, &o->oid, &o->commit, err);
}

static void own_drop(void *arg)
{
	automation_own_free(arg);
}

struct op *automation_head_read(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	struct own *o = NEW(struct own);

	o->objects = gitc_objects_ref(a->objects);
	o->oid = a->head;
	return work_start_for(r->task.self.loop, WORK_HEAVY, r->ns, own_run, own_drop, o);
}

char *automation_head_message(struct op *op)
{
	const struct own *o = work_job(op);

	return mem_strdup(buf_str(&o->commit.message));
}

enum step_ret automation_own_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	if (a->edit->changed.len)
		return STEP_NEXT;
	if (automation_proves(r))
		return automation_not_own(r);
	if (AUTOMATION_ITEM(r->item)->told || !automation_is_on_head(a) || automation_knows_head(r))
		return go_on(r);
	return task_wait(t, automation_head_read(r));
}

static bool is_by(const struct gitc_person *who, const struct automation_spec *s)
{
	return who->email && !strcmp(who->email, s->author_email);
}

/* No two clocks of a cluster are so far apart. */
#define AHEAD_S 3600

/* One of the time before the object was there is none of it, though one of the same name may have
   made it; and none of a time to come, which the status may not even be able to tell. */
static bool is_candidate(const struct run *r, const struct gitc_commit *c)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);
	const char *made = obj_str_or("", r->first, "metadata", "creationTimestamp");
	struct err err = {0};
	int64_t made_ms;

	if (c->parents.len != 1 || !is_by(&c->author, s) || !is_by(&c->committer, s))
		return false;
	if (c->committer.when > clock_wall_ms() / 1000 + AHEAD_S)
		return false;
	return time_parse_rfc3339(made, &made_ms, &err) || c->committer.when >= made_ms / 1000;
}

enum step_ret automation_own_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	struct own *got = work_job(t->op);

	if (t->op->err.kind != ERR_NONE || !is_candidate(r, &got->commit))
		return go_on(r);
	a->own = NEW(struct own);
	a->own->commit = got->commit;
	got->commit = (struct gitc_commit){0};
	a->base = a->own->commit.parents.p[0];
	automation_try_clear(a);
	return task_goto(t, "fetch");
}

/* ---- the proof ------------------------------------------------------------------------------- */

enum step_ret automation_not_own(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);

	r->task.err = (struct err){0};
	automation_own_free(MOVE(a->own));
	a->base = a->head;
	return go_on(r);
}

bool automation_is_own(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	const struct buf *ours = gitc_draft_payload(a->commit->draft);
	const struct buf *there = &a->own->commit.payload;

	return ours->len == there->len && !memcmp(ours->p, there->p, ours->len);
}
