#include "controllers/imageupdateautomation/message.h"

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/spec.h"
#include "template/template.h"

#include <string.h>

static const struct value_type t_name = {VALUE_STRUCT, "types.NamespacedName", NULL, NULL};
static const struct value_type t_type_meta = {VALUE_STRUCT, "yaml.TypeMeta", NULL, NULL};
static const struct value_type t_name_meta = {VALUE_STRUCT, "yaml.NameMeta", NULL, NULL};
static const struct value_type t_resource = {VALUE_STRUCT, "yaml.ResourceIdentifier", NULL, NULL};
static const struct value_type t_object = {VALUE_STRUCT, "update.ObjectIdentifier", NULL, NULL};
static const struct value_type t_change = {VALUE_STRUCT, "update.Change", NULL, NULL};
static const struct value_type t_changes = {VALUE_LIST, "[]update.Change", NULL, &t_change};
static const struct value_type t_objects = {
	VALUE_MAP, "update.ObjectChanges", &t_object, &t_changes};
static const struct value_type t_files = {
	VALUE_MAP, "map[string]update.ObjectChanges", &value_type_string, &t_objects};
static const struct value_type t_result = {VALUE_STRUCT, "update.Result", NULL, NULL};
static const struct value_type t_data = {VALUE_STRUCT, "source.TemplateData", NULL, NULL};

static struct value *text_value(struct value_pool *p, const char *text)
{
	return value_string(p, text, strlen(text));
}

static void text_field(struct value_pool *p, struct value *s, const char *name, const char *text)
{
	value_field(p, s, name, text_value(p, text));
}

/* ---- a change and its object ----------------------------------------------------------------- */

static struct value *change_value(struct value_pool *p, const struct setter_change *c)
{
	struct value *v = value_struct(p, &t_change);

	text_field(p, v, "OldValue", c->old_text);
	text_field(p, v, "NewValue", c->new_text);
	text_field(p, v, "Setter", c->setter);
	return v;
}

static struct value *object_value(struct value_pool *p, const struct setter_object *o)
{
	struct value *type = value_struct(p, &t_type_meta), *name = value_struct(p, &t_name_meta);
	struct value *resource = value_struct(p, &t_resource), *v = value_struct(p, &t_object);

	text_field(p, type, "APIVersion", o->api_version);
	value_json(type, "apiVersion");
	text_field(p, type, "Kind", o->kind);
	value_json(type, "kind");
	text_field(p, name, "Name", o->name);
	value_json(name, "name");
	text_field(p, name, "Namespace", o->ns);
	value_json(name, "namespace");
	value_embed(p, resource, "TypeMeta", type);
	value_embed(p, resource, "NameMeta", name);
	value_embed(p, v, "ResourceIdentifier", resource);
	return v;
}

/* Texts may hold anything: their lengths tell keys apart. */
static char *object_key(const struct setter_object *o)
{
	return mem_printf("%zu %zu %zu %s%s%s%s", strlen(o->api_version), strlen(o->kind),
		strlen(o->name), o->api_version, o->kind, o->name, o->ns);
}

static char *change_key(const struct setter_change *c)
{
	return mem_printf("%zu %zu %s%s%s", strlen(c->old_text), strlen(c->new_text), c->old_text,
		c->new_text, c->setter);
}

/* ---- objects with their changes -------------------------------------------------------------- */

/* A map of them while it is made. */
struct objects {
	struct value *map;
	struct map lists; /* object → its list */
};

static void objects_init(struct objects *o, struct value_pool *p)
{
	*o = (struct objects){.map = value_map(p, &t_objects)};
}

/* Past the pool's limit there is no list: the message is given up then. */
static void objects_add(struct objects *o, struct value_pool *p, const struct setter_change *c,
	const struct value *change)
{
	auto_free char *key = object_key(&c->object);
	struct value *list = map_get(&o->lists, key);

	if (!list) {
		list = value_list(p, &t_changes);
		if (!list)
			return;
		map_put(&o->lists, key, list);
		value_put(p, o->map, object_value(p, &c->object), list);
	}
	value_add(p, list, change);
}

/* ---- the result ------------------------------------------------------------------------------ */

struct result {
	struct value_pool *pool;
	struct value *files, *changes;
	struct objects all;
	struct map seen; /* of changes */
};

static void result_add(struct result *r, const struct edit_changed *f, size_t prefix)
{
	struct value_pool *p = r->pool;
	struct objects mine;
	size_t i;

	objects_init(&mine, p);
	for (i = 0; i < f->out.n_changes && !value_pool_over(p); i++) {
		const struct setter_change *c = &f->out.changes[i];
		struct value *v = change_value(p, c);
		auto_free char *key = change_key(c);

		objects_add(&mine, p, c, v);
		objects_add(&r->all, p, c, v);
		if (v && !map_put(&r->seen, key, v))
			value_add(p, r->changes, v);
	}
	value_put(p, r->files, text_value(p, f->path + prefix), mine.map);
	map_clear(&mine.lists);
}

static struct value *result_value(struct value_pool *p, const struct edit *e)
{
	struct value *v = value_struct(p, &t_result);
	struct result r = {p, value_map(p, &t_files), value_list(p, &t_changes), {0}, {0}};
	const struct edit_changed *f;
	size_t prefix = edit_prefix(e);

	objects_init(&r.all, p);
	vec_each (&e->changed, f)
		result_add(&r, f, prefix);
	value_field(p, v, "FileChanges", r.files);
	value_method(p, v, "Objects", r.all.map);
	value_method(p, v, "Changes", r.changes);
	value_gone(p, v, "ImageResult",
		"template uses removed '.Changed.ImageResult' field. Please use "
		"'.Changed.FileChanges' or '.Changed.Objects' instead.");
	map_clear(&r.all.lists);
	map_clear(&r.seen);
	return v;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static struct value *values_value(struct value_pool *p, const struct automation_spec *s)
{
	struct value *v = value_map(p, &value_type_map_string);
	const struct automation_pair *pair;

	vec_each (&s->values, pair)
		value_put(p, v, text_value(p, pair->name), text_value(p, pair->value));
	return v;
}

static struct value *data_value(struct value_pool *p, const struct automation_spec *s,
	const char *ns, const char *name, const struct edit *e)
{
	auto_free char *text = mem_printf("%s/%s", ns, name);
	struct value *v = value_struct(p, &t_data), *self = value_struct(p, &t_name);

	text_field(p, self, "Namespace", ns);
	text_field(p, self, "Name", name);
	value_prints(self, text_value(p, text));
	value_field(p, v, "AutomationObject", self);
	value_field(p, v, "Changed", result_value(p, e));
	value_field(p, v, "Values", values_value(p, s));
	value_gone(p, v, "Updated",
		"template uses removed '.Updated' field. Please use '.Changed' instead.");
	return v;
}

int message_write(const struct automation_spec *s, const char *ns, const char *name,
	const struct edit *e, struct buf *out, struct err *err)
{
	struct value_pool pool = VALUE_POOL(LIMIT_AUTOMATION_DATA);
	const struct value *data = data_value(&pool, s, ns, name, e);
	int rc;

	if (value_pool_over(&pool))
		rc = err_set(err, ERR_STALL, "what has changed is too much for a message");
	else
		rc = tmpl_run(s->message, data, out, err);
	value_pool_clear(&pool);
	if (rc && err->code != TMPL_REMOVED)
		err_wrap(err, "failed to update source: failed to run template from spec");
	return rc;
}
