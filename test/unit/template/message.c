#include "test/unit/template/message.h"

#include <check.h>
#include <string.h>

static const struct value_type name_type = {VALUE_STRUCT, "types.NamespacedName", NULL, NULL};
static const struct value_type meta_type = {VALUE_STRUCT, "yaml.TypeMeta", NULL, NULL};
static const struct value_type names_type = {VALUE_STRUCT, "yaml.NameMeta", NULL, NULL};
static const struct value_type ident_type = {VALUE_STRUCT, "yaml.ResourceIdentifier", NULL, NULL};
static const struct value_type object_type = {VALUE_STRUCT, "update.ObjectIdentifier", NULL, NULL};
static const struct value_type change_type = {VALUE_STRUCT, "update.Change", NULL, NULL};
static const struct value_type changes_type = {VALUE_LIST, "[]update.Change", NULL, &change_type};
static const struct value_type objects_type = {
	VALUE_MAP, "update.ObjectChanges", &object_type, &changes_type};
static const struct value_type files_type = {
	VALUE_MAP, "map[string]update.ObjectChanges", &value_type_string, &objects_type};
static const struct value_type result_type = {VALUE_STRUCT, "update.Result", NULL, NULL};
static const struct value_type data_type = {VALUE_STRUCT, "source.TemplateData", NULL, NULL};

#define SEE \
	" instead. See: https://fluxcd.io/flux/components/image/imageupdateautomations/" \
	"#message-template"

static const struct value *text(struct value_pool *p, const json_t *j)
{
	return value_string(p, json_string_value(j), json_string_length(j));
}

static const struct value *at(struct value_pool *p, const json_t *row, size_t i)
{
	return text(p, json_array_get(row, i));
}

static const struct value *object_of(struct value_pool *p, const json_t *row)
{
	struct value *meta = value_struct(p, &meta_type), *names = value_struct(p, &names_type);
	struct value *ident = value_struct(p, &ident_type), *o = value_struct(p, &object_type);

	value_field(p, meta, "APIVersion", at(p, row, 1));
	value_json(meta, "apiVersion");
	value_field(p, meta, "Kind", at(p, row, 2));
	value_json(meta, "kind");
	value_field(p, names, "Name", at(p, row, 3));
	value_json(names, "name");
	value_field(p, names, "Namespace", at(p, row, 4));
	value_json(names, "namespace");
	value_embed(p, ident, "TypeMeta", meta);
	value_embed(p, ident, "NameMeta", names);
	value_embed(p, o, "ResourceIdentifier", ident);
	return o;
}

static const struct value *change_of(struct value_pool *p, const json_t *row)
{
	struct value *c = value_struct(p, &change_type);

	value_field(p, c, "OldValue", at(p, row, 5));
	value_field(p, c, "NewValue", at(p, row, 6));
	value_field(p, c, "Setter", at(p, row, 7));
	return c;
}

/* What is at this key; made, when it is not there. */
static struct value *under(struct value_pool *p, struct value *map, const struct value *key)
{
	struct value *v;
	size_t i;

	for (i = 0; i < map->len; i++) {
		const struct value *k = map->entries[i].key;

		if (k->type == &value_type_string
				? k->len == key->len && !memcmp(k->s, key->s, k->len)
				: !memcmp(&k, &key, sizeof(k)))
			return (struct value *)(uintptr_t)map->entries[i].value;
	}
	v = map->type == &files_type ? value_map(p, &objects_type) : value_list(p, &changes_type);
	value_put(p, map, key, v);
	return v;
}

/* Objects of the same name are one value, so that they are found again. */
static const struct value *known_object(
	struct value_pool *p, const json_t *changes, size_t i, const struct value **made)
{
	size_t k, c;

	for (k = 0; k < i; k++) {
		for (c = 1; c <= 4; c++)
			if (!json_equal(json_array_get(json_array_get(changes, k), c),
				    json_array_get(json_array_get(changes, i), c)))
				break;
		if (c == 5)
			return made[k];
	}
	return object_of(p, json_array_get(changes, i));
}

static bool is_known(const struct value *list, const struct value *change)
{
	size_t i, k;

	for (i = 0; i < list->len; i++) {
		for (k = 0; k < 3; k++)
			if (strcmp(list->items[i]->entries[k].value->s,
				    change->entries[k].value->s))
				break;
		if (k == 3)
			return true;
	}
	return false;
}

static void add_all(struct value_pool *p, struct value *to, const struct value *from, bool once)
{
	size_t i;

	for (i = 0; i < from->len; i++)
		if (!once || !is_known(to, from->items[i]))
			value_add(p, to, from->items[i]);
}

static struct value *result_of(struct value_pool *p, const json_t *changes)
{
	struct value *files = value_map(p, &files_type), *objects = value_map(p, &objects_type);
	struct value *list = value_list(p, &changes_type), *r = value_struct(p, &result_type);
	const struct value *made[64];
	size_t i, k;

	ck_assert_uint_le(json_array_size(changes), 64);
	for (i = 0; i < json_array_size(changes); i++) {
		const json_t *row = json_array_get(changes, i);

		made[i] = known_object(p, changes, i, made);
		value_add(p, under(p, under(p, files, at(p, row, 0)), made[i]), change_of(p, row));
	}
	for (i = 0; i < files->len; i++) {
		const struct value *file = files->entries[i].value;

		for (k = 0; k < file->len; k++) {
			add_all(p, under(p, objects, file->entries[k].key), file->entries[k].value,
				false);
			add_all(p, list, file->entries[k].value, true);
		}
	}
	files->nil = !files->len;
	list->nil = !list->len;
	value_field(p, r, "FileChanges", files);
	value_method(p, r, "Objects", objects);
	value_method(p, r, "Changes", list);
	value_gone(p, r, "ImageResult",
		"template uses removed '.Changed.ImageResult' field. Please use "
		"'.Changed.FileChanges' or '.Changed.Objects'" SEE);
	return r;
}

const struct value *message_new(struct value_pool *p, const json_t *data)
{
	struct value *v = value_struct(p, &data_type), *name = value_struct(p, &name_type);
	struct value *values = value_map(p, &value_type_map_string);
	const json_t *given = json_object_get(data, "values");
	const struct value *ns = text(p, json_object_get(data, "ns"));
	const struct value *n = text(p, json_object_get(data, "name"));
	char both[600];
	const char *key;
	json_t *item;

	snprintf(both, sizeof(both), "%s/%s", ns->s, n->s);
	value_field(p, name, "Namespace", ns);
	value_field(p, name, "Name", n);
	value_prints(name, value_string(p, both, strlen(both)));
	value_method(p, name, "String", name->text);
	values->nil = !json_is_object(given);
	json_object_foreach ((json_t *)(uintptr_t)given, key, item)
		value_put(p, values, value_string(p, key, strlen(key)), text(p, item));
	value_field(p, v, "AutomationObject", name);
	value_field(p, v, "Changed", result_of(p, json_object_get(data, "changes")));
	value_field(p, v, "Values", values);
	value_gone(p, v, "Updated",
		"template uses removed '.Updated' field. Please use '.Changed'" SEE);
	return v;
}
