#include "ctl/run.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/js.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/rand.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/object.h"
#include "kube/client.h"

#include <stdlib.h>
#include <string.h>

/* ---- how it ends ----------------------------------------------------------------------------- */

static bool end_overrules(enum run_end end)
{
	return end == RUN_AGAIN || end == RUN_GONE || end == RUN_THEN_RESTORE;
}

void run_end(struct run *r, enum run_end end)
{
	BUG_IF(r->end != RUN_OPEN && !end_overrules(end));
	r->end = end;
}

enum step_ret run_done(struct run *r, enum run_end end)
{
	run_end(r, end);
	return STEP_DONE;
}

enum step_ret run_fail(struct run *r, const char *cond, const char *reason)
{
	const char *const *own = r->c->kind->failures;

	/* Nothing would ever take it away. */
	BUG_IF(cond && own && !cond_in(own, cond));
	r->cond = own ? cond : NULL;
	r->reason = reason;
	return STEP_FAIL;
}

void run_begin_again(struct run *r, const json_t *now)
{
	run_end(r, item_adopt(r->item, now) ? RUN_AGAIN : RUN_GONE);
}

/* ---- its object ------------------------------------------------------------------------------ */

struct op *run_read_object(const struct run *r)
{
	return kube_start(r->c->opts.kube,
		&(struct kube_req){.verb = KUBE_GET,
			.resource = r->c->kind->resource,
			.ns = r->ns,
			.name = r->name});
}

void run_set_object(struct run *r, json_t *obj)
{
	struct item *i = r->item;

	json_decref(r->obj);
	r->obj = obj;
	/* The spec may have changed under us: the watch will say so, and its event must not look
	   like one of ours. And what is gone, or not ours any more, is nobody's business here. */
	if (!i->queue_item.leaving && item_is_same(i, obj) &&
		!strcmp(object_requested_at(obj), i->requested_at)) {
		item_store(i, obj, true);
		r->seen = i->changes;
	}
}

void run_take_object(struct run *r, json_t *obj)
{
	json_decref(r->obj);
	json_decref(r->first);
	cond_clear(&r->conds);
	cond_clear(&r->conds_before);
	r->first = obj;
	r->obj = json_incref(obj);
	r->generation = object_generation(obj);
	cond_load(&r->conds, obj_get(obj, "status", "conditions"), r->generation);
	cond_load(&r->conds_before, obj_get(obj, "status", "conditions"), r->generation);
}

static void object_parse(struct run *r)
{
	struct err err = {0};
	json_t *obj = obj_parse_api(r->item->text, strlen(r->item->text), "object", &err);

	BUG_IF(!obj); /* we wrote it ourselves */
	run_take_object(r, obj);
}

bool run_open(struct run *r)
{
	if (r->first)
		return true;
	/* One that is not kept whole has to be read by a run of its own, which begins with that. */
	if (r->seen != r->item->changes || r->item->partial) {
		run_end(r, RUN_AGAIN);
		return false;
	}
	object_parse(r);
	r->settled = false;
	return true;
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void run_free(struct task *t)
{
	struct run *r = RUN(t);

	if (r->c->kind->run_clear)
		r->c->kind->run_clear(r);
	timer_cancel(&r->slow);
	op_drop(MOVE(r->progress));
	cond_clear(&r->conds);
	cond_clear(&r->conds_before);
	json_decref(r->obj);
	json_decref(r->first);
	spec_unref(r->spec);
	free(r->patch_err);
	free(r->log.members);
	free(r);
}

static char *log_members(const struct run *r)
{
	const struct kube_resource *res = r->c->kind->resource;
	auto_buf struct buf b = BUF_INIT(4096);
	struct js_w w = JS_W(&b);
	char id[RAND_UUID_LEN + 1];

	rand_uuid(id);
	js_kstr(&w, "controller", r->c->kind->name);
	js_kstr(&w, "controllerGroup", res->group);
	js_kstr(&w, "controllerKind", res->kind);
	js_key(&w, res->kind);
	js_begin(&w, '{');
	js_kstr(&w, "name", r->name);
	js_kstr(&w, "namespace", r->ns);
	js_end(&w, '}');
	js_kstr(&w, "namespace", r->ns);
	js_kstr(&w, "name", r->name);
	js_kstr(&w, "reconcileID", id);
	return mem_strdup(buf_str(&b));
}

static struct run *run_new(struct item *i, enum run_mode mode)
{
	struct run *r = mem_zalloc(i->c->kind->run_size);

	r->c = i->c;
	r->item = i;
	r->spec = spec_ref(i->spec);
	r->since_ns = clock_ns();
	r->mode = mode;
	r->seen = i->changes;
	r->partial = i->partial;
	r->ns = i->ns;
	r->name = i->name;
	r->uid = i->uid;
	r->generation = i->generation;
	r->annotations = i->annotations;
	turn_init(&r->turn, NULL, NULL, NULL);
	if (i->c->kind->run_init)
		i->c->kind->run_init(r);
	return r;
}

static struct op *run_spawn(struct run *r, const struct step *steps, const struct step *last)
{
	task_init(&r->task, r->c->opts.loop, "reconcile", steps, last, run_free);
	r->log.members = log_members(r);
	r->task.log = &r->log;
	return task_spawn(&r->task);
}

struct op *run_start_with(struct item *i, enum run_mode mode, const struct step *steps)
{
	struct run *r = run_new(i, mode);

	object_parse(r);
	return run_spawn(r, steps, NULL);
}

/* A hook that says "restore" says it once: whatever becomes of this run, the next one is the
   object's own again. */
static enum run_mode mode_of(struct item *i)
{
	const struct item_hooks *hooks = i->c->kind->item;

	if (i->deleting)
		return RUN_REMOVE;
	if (i->c->follows)
		return RUN_RESTORE;
	return i->c->kind->restore && hooks && hooks->restores && hooks->restores(i) ? RUN_RESTORE
										     : RUN_WORK;
}

struct task *run_start(struct item *i)
{
	const struct kind *k = i->c->kind;
	struct run *r = run_new(i, mode_of(i));

	r->settled = r->mode == RUN_WORK && i->settled;
	i->settled = false;
	if (!r->settled)
		object_parse(r);
	if (r->mode == RUN_REMOVE)
		run_spawn(r, k->remove, k->remove_last);
	else if (r->mode == RUN_RESTORE)
		run_spawn(r, k->restore, k->restore_last);
	else
		run_spawn(r, k->work, k->work_last);
	return &r->task;
}

struct run *run_of_log(const struct log_ctx *log)
{
	return log ? CONTAINER_OF(log, struct run, log) : NULL;
}
