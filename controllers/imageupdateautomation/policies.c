#include "controllers/imageupdateautomation/policies.h"

#include "base/mem.h"
#include "base/obj.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/spec.h"
#include "image/choices.h"
#include "kube/selector.h"

struct collect {
	const struct automation_spec *spec;
	json_t *to;
};

static bool takes(const struct collect *k, const struct image_choice *c)
{
	return kube_selector_match_labels(k->spec->selector, c->labels);
}

static void policy_look(void *arg, const struct image_choice *c)
{
	struct collect *k = arg;
	json_t *ref;

	if (!*c->image || !takes(k, c))
		return;
	ref = json_pack("{s:s,s:s}", "name", c->image, "tag", c->tag);
	if (*c->digest)
		json_object_set_new(ref, "digest", json_string(c->digest));
	json_object_set_new(k->to, c->name, ref);
}

json_t *policies_now(
	const struct image_choices *cs, const char *ns, const struct automation_spec *s)
{
	struct collect k = {s, json_object()};

	image_choices_each(cs, ns, policy_look, &k);
	return k.to;
}

static void other_look(void *arg, const struct image_choice *c)
{
	struct collect *k = arg;
	bool taken = takes(k, c);

	if (!*c->image || !taken)
		json_object_set_new(k->to, c->name, json_boolean(taken));
}

json_t *policies_others(
	const struct image_choices *cs, const char *ns, const struct automation_spec *s)
{
	struct collect k = {s, json_object()};

	image_choices_each(cs, ns, other_look, &k);
	return k.to;
}

void policies_edit(const json_t *policies, const json_t *others, const char *ns, struct edit *e)
{
	const char *name;
	json_t *ref;

	e->ns = mem_strdup(ns);
	json_object_foreach ((json_t *)(uintptr_t)policies, name, ref)
		edit_policy(e, ns, name, obj_str_or("", ref, "name"), obj_str_or("", ref, "tag"),
			obj_str_or("", ref, "digest"));
	json_object_foreach ((json_t *)(uintptr_t)others, name, ref)
		if (json_is_true(ref))
			edit_policy(e, ns, name, "", "", "");
		else
			edit_foreign(e, ns, name);
}
