#include "controllers/receiver/push.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/spec.h"
#include "controllers/receiver/targets.h"
#include "hook/hook.h"
#include "image/catalog.h"

#include <string.h>

/* Whoever knows the path may call these: what a payload says nobody has signed. */
static bool is_proven(const struct hook_type *type)
{
	static const char *const open[] = {"generic", "dockerhub", "quay", "acr", "cdevents"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(open); i++)
		if (!strcmp(type->name, open[i]))
			return false;
	return true;
}

/* The object as the catalog knows it; NULL: it is no ImageRepository, or none that this process
   serves, or it is not meant. */
static const struct image_entry *entry_of(const struct receiver_env *env, const char *ns,
	const struct receiver_spec *spec, const struct receiver_object *o)
{
	const struct receiver_resource *r = &spec->resources.p[o->resource];
	const struct image_entry *e;

	if (o->no || !receiver_target_is_image(r->target))
		return NULL;
	e = image_catalog_find(env->opts.catalog, r->ns ? r->ns : ns, o->name);
	return e && !e->wrong ? e : NULL;
}

/* Some payloads have no host. */
static bool is_of(const struct image_entry *e, const struct hook_push *p)
{
	return !strcmp(e->repo.name, p->repo.name) &&
		(!*p->repo.host || !strcmp(e->repo.host, p->repo.host));
}

static bool is_of_any(const struct image_entry *e, const struct hook_verdict *said)
{
	const struct hook_push *p;

	vec_each (&said->pushes, p)
		if (is_of(e, p))
			return true;
	return false;
}

void receiver_push_select(const struct receiver_env *env, const char *ns,
	const struct receiver_spec *spec, const struct hook_verdict *said,
	struct receiver_targets *targets)
{
	struct receiver_object *o;
	const struct image_entry *e;
	bool any = false;

	if (!spec->selects || !env->opts.catalog)
		return;
	vec_each (&targets->objects, o) {
		e = entry_of(env, ns, spec, o);
		any |= e && is_of_any(e, said);
	}
	if (!any)
		return;
	vec_each (&targets->objects, o) {
		e = entry_of(env, ns, spec, o);
		if (receiver_target_is_image(spec->resources.p[o->resource].target))
			o->no |= !e || !is_of_any(e, said);
	}
}

static void push_feed(
	const struct receiver_env *env, const struct image_entry *e, const struct hook_push *p)
{
	log_debug(NULL, "a call says that a tag was pushed", LS("controller", "receiver"),
		LS("imageRepository", e->key), LS("tag", p->tag));
	image_catalog_push(env->opts.catalog, e, p->tag);
}

void receiver_push_feed(const struct receiver_env *env, const char *ns,
	const struct receiver_spec *spec, const struct hook_verdict *said,
	const struct receiver_targets *targets)
{
	const struct receiver_object *o;
	const struct hook_push *p;
	unsigned left = LIMIT_RECEIVER_FEEDS;

	if (!env->opts.catalog || !said->pushes.len || !(spec->feeds || is_proven(spec->type)))
		return;
	vec_each (&targets->objects, o) {
		const struct image_entry *e = entry_of(env, ns, spec, o);

		/* Whoever may wake an object of another namespace is not believed there. */
		if (!e || strcmp(e->ns, ns) != 0)
			continue;
		vec_each (&said->pushes, p)
			if (is_of(e, p) && left && left--)
				push_feed(env, e, p);
	}
}
