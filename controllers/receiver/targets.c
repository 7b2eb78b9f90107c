#include "controllers/receiver/targets.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/filter.h"
#include "controllers/receiver/spec.h"
#include "ctl/object.h"
#include "ev/task.h"
#include "kube/client.h"
#include "kube/list.h"

#include <stdlib.h>
#include <string.h>

struct search {
	struct task task;
	struct receiver_env *env;
	struct receiver_spec *spec;
	char *ns;
	struct receiver_said *said;
	size_t at; /* of the resources */
	size_t from; /* of the objects: the first that the current list has named */
	bool full; /* the list has more than may be named */
	size_t listed; /* of env->listed */
	struct receiver_targets found;
	struct receiver_filter *filter; /* NULL: no object has one */
	VEC(size_t) asked; /* the objects that are in there, by their numbers */
};

#define SEARCH(t) TASK(t, struct search)

/* ---- what was found -------------------------------------------------------------------------- */

void receiver_targets_fail(struct receiver_targets *t, size_t resource, const struct err *err)
{
	if (t->failed++)
		return;
	t->first = *err;
	t->first_resource = resource;
}

static void targets_cut(struct receiver_targets *t, size_t n)
{
	while (t->objects.len > n)
		free(t->objects.p[--t->objects.len].name);
}

void receiver_targets_clear(struct receiver_targets *t)
{
	targets_cut(t, 0);
	vec_clear(&t->objects);
}

static const struct receiver_resource *resource_now(const struct search *s)
{
	return &s->spec->resources.p[s->at];
}

static bool is_filtered(const struct search *s)
{
	return s->spec->filter || resource_now(s)->filter;
}

static void resource_failed(struct search *s, const char *why)
{
	struct err err = {0};

	err_set(&err, ERR_STALL, "%s", why);
	receiver_targets_fail(&s->found, s->at, &err);
}

/* The metadata of an object, as a filter sees it. */
static int filter_add(struct search *s, const json_t *obj, struct err *err)
{
	const struct receiver_resource *r = resource_now(s);
	auto_json json_t *res = json_object();
	struct buf text = BUF_INIT(LIMIT_KUBE_OBJECT);
	auto_free char *api_version = NULL;

	api_version =
		*r->group ? mem_printf("%s/%s", r->group, r->version) : mem_strdup(r->version);
	json_object_set_new(res, "apiVersion", json_string(api_version));
	json_object_set_new(res, "kind", json_string(r->kind));
	json_object_set(res, "metadata", obj_get(obj, "metadata"));
	if (obj_write(res, &text) || s->env->listed + text.len > LIMIT_RECEIVER_LISTED) {
		buf_clear(&text);
		return err_set(err, ERR_RETRY, "the metadata of the objects is too large");
	}
	s->listed += text.len;
	s->env->listed += text.len;
	if (!s->filter)
		s->filter = receiver_filter_new(s->spec);
	receiver_filter_add(s->filter, s->at, buf_take(&text));
	*vec_add(&s->asked) = s->found.objects.len;
	return 0;
}

static void object_add(struct search *s, const char *name)
{
	*vec_add(&s->found.objects) =
		(struct receiver_object){.resource = s->at, .name = mem_strdup(name)};
}

/* ---- asking ---------------------------------------------------------------------------------- */

static struct kube_resource resource_of(const struct receiver_resource *r)
{
	return (struct kube_resource){r->group, r->version, r->target->plural, r->kind, true};
}

static const char *ns_of(const struct search *s)
{
	return resource_now(s)->ns ? resource_now(s)->ns : s->ns;
}

static int list_item(void *arg, const json_t *obj, struct err *err)
{
	struct search *s = arg;

	if (s->found.objects.len >= LIMIT_RECEIVER_OBJECTS) {
		s->full = true;
		return err_set(err, ERR_RETRY, "more than %d objects", LIMIT_RECEIVER_OBJECTS);
	}
	if (is_filtered(s) && filter_add(s, obj, err))
		return -1;
	object_add(s, object_name(obj));
	return 0;
}

/* What comes again is the same object twice: its second place counts. */
static void list_again(void *arg)
{
	struct search *s = arg;
	size_t i;

	for (i = s->from; i < s->found.objects.len; i++)
		s->found.objects.p[i].no = true;
	s->from = s->found.objects.len;
}

static struct op *ask(struct search *s)
{
	const struct receiver_resource *r = resource_now(s);
	struct kube_resource resource = resource_of(r);

	if (r->name)
		return kube_start(s->env->controller->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &resource,
				.ns = ns_of(s),
				.name = r->name,
				.metadata_only = true,
				.deadline_ms = LIMIT_RECEIVER_ASK_MS});
	s->from = s->found.objects.len;
	s->full = false;
	return kube_list_start(s->env->controller->opts.kube,
		&(struct kube_list_req){.resource = &resource,
			.ns = ns_of(s),
			.label_selector = *r->selector ? r->selector : NULL,
			.metadata_only = true,
			.on_item = list_item,
			.on_restart = list_again,
			.arg = s,
			.page_deadline_ms = LIMIT_RECEIVER_ASK_MS});
}

static enum step_ret gather_start(struct task *t)
{
	struct search *s = SEARCH(t);

	for (; s->at < s->spec->resources.len; s->at++) {
		const struct receiver_resource *r = resource_now(s);

		if (r->wrong)
			resource_failed(s, r->wrong);
		else if (s->env->opts.no_cross_namespace && r->ns && strcmp(r->ns, s->ns) != 0)
			resource_failed(s, "references to other namespaces are not allowed");
		else if (r->name && !is_filtered(s))
			object_add(s, r->name);
		else
			return task_wait(t, ask(s));
	}
	return STEP_NEXT;
}

static enum step_ret gather_resume(struct task *t)
{
	struct search *s = SEARCH(t);
	struct err err = {0};

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	if (t->op->err.kind != ERR_NONE) {
		receiver_targets_fail(&s->found, s->at, &t->op->err);
		/* Of a list that broke nothing is known; of one that is too long, a beginning. */
		if (!s->full)
			list_again(s);
	} else if (resource_now(s)->name) {
		if (filter_add(s, kube_result(t->op), &err))
			receiver_targets_fail(&s->found, s->at, &err);
		else
			object_add(s, resource_now(s)->name);
	}
	s->at++;
	return STEP_AGAIN;
}

/* ---- the filters ----------------------------------------------------------------------------- */

static enum step_ret filter_start(struct task *t)
{
	struct search *s = SEARCH(t);

	if (!s->filter)
		return STEP_NEXT;
	return task_wait(t, receiver_filter_start(t->self.loop, s->ns, MOVE(s->filter), s->said));
}

static enum step_ret filter_resume(struct task *t)
{
	struct search *s = SEARCH(t);
	size_t n;

	if (task_op_failed(t))
		return STEP_FAIL;
	for (n = 0; n < s->asked.len; n++) {
		struct receiver_object *o = &s->found.objects.p[s->asked.p[n]];
		struct err err = {0};
		int yes = o->no ? 0 : receiver_filter_result(t->op, n, &err);

		o->no = yes <= 0;
		if (yes < 0)
			receiver_targets_fail(&s->found, o->resource, &err);
	}
	return STEP_NEXT;
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void search_free(struct task *t)
{
	struct search *s = SEARCH(t);

	receiver_filter_free(s->filter);
	receiver_targets_clear(&s->found);
	receiver_said_unref(s->said);
	vec_clear(&s->asked);
	s->env->listed -= s->listed;
	spec_unref(&s->spec->spec);
	free(s->ns);
	free(s);
}

struct op *receiver_targets_start(struct receiver_env *env, const char *ns,
	struct receiver_spec *spec, struct receiver_said *said)
{
	static const struct step steps[] = {{"gather", gather_start, gather_resume},
		{"filter", filter_start, filter_resume}, {0}};
	struct search *s = NEW(struct search);

	task_init(&s->task, env->controller->opts.loop, "targets", steps, NULL, search_free);
	s->env = env;
	s->spec = spec;
	spec_ref(&spec->spec);
	s->ns = mem_strdup(ns);
	s->said = receiver_said_ref(said);
	return task_spawn(&s->task);
}

struct receiver_targets *receiver_targets_found(const struct op *op)
{
	return &TASK_OF_OP(op, struct search)->found;
}
