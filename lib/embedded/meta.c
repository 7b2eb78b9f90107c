#include "embedded/meta.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/rand.h"
#include "embedded/kind.h"
#include "embedded/schema.h"
#include "embedded/status.h"
#include "kube/names.h"

#include <string.h>

#define TEXT(name, description) \
	"\"" name "\":{\"type\":\"string\",\"description\":\"" description "\"}"
#define MAP(name, description) \
	"\"" name "\":{\"type\":\"object\",\"description\":\"" description "\"," \
	"\"additionalProperties\":{\"type\":\"string\"}}"
#define NUMBER(name, description) \
	"\"" name "\":{\"type\":\"integer\",\"description\":\"" description "\"}"
#define SWITCH(name, description) \
	"\"" name "\":{\"type\":\"boolean\",\"description\":\"" description "\"}"

static const char SCHEMA[] =
	"{\"type\":\"object\",\"properties\":{\"meta\":{\"type\":\"object\",\"description\":"
	"\"What every object has.\",\"properties\":{" TEXT("name",
		"The object's name, one in its namespace and kind.") "," TEXT("generateName",
		"What a name that the server makes begins with.") "," TEXT("namespace",
		"The namespace, default where none is given.") "," TEXT("selfLink",
		"Not used.") "," TEXT("uid",
		"Another one for each object that there ever was. The server's.") "," TEXT("resourc"
											   "eVersio"
											   "n",
		"Another one after each change. The server's.") "," NUMBER("generation",
		"How often the spec was changed. The server's.") "," TEXT("creationTimestamp",
		"When the object was created. The server's.") "," TEXT("deletionTimestamp",
		"When its deletion was asked for. The server's.") "," NUMBER("deletionGracePeriodSe"
									     "conds",
		"Always 0. The server's.") "," MAP("labels",
		"Names and values to select objects by.") "," MAP("annotations",
		"Names and values for programs and people.") ","
							     "\"finalizers\":{\"type\":\"array\","
							     "\"description\":\"Who has to do "
							     "something before a "
							     "deleted object "
							     "goes.\",\"items\":{\"type\":"
							     "\"string\"}},"
							     "\"ownerReferences\":{\"type\":"
							     "\"array\",\"description\":\"Objects "
							     "that this one depends "
							     "on. Nothing is deleted because of "
							     "them "
							     "here.\",\"items\":{\"type\":"
							     "\"object\","
							     "\"properties\":{" TEXT("apiVersion",
								     "Group and version of the "
								     "owner.") "," TEXT("kind",
								     "Kind of the owner.") "," TEXT("name",
								     "Name of the owner.") "," TEXT("uid",
								     "uid of the owner.") "," SWITCH("controller",
								     "Whether the owner manages "
								     "this object.") "," SWITCH("bl"
												"oc"
												"kO"
												"wn"
												"er"
												"De"
												"le"
												"ti"
												"o"
												"n",
								     "Not used.") "},"
										  "\"required\":["
										  "\"apiVersion\","
										  "\"kind\","
										  "\"name\","
										  "\"uid\"]}},"
										  "\"managedFields"
										  "\":{\"x-"
										  "kubernetes-"
										  "preserve-"
										  "unknown-"
										  "fields\":true}}}"
										  "}}";

#define ANNOTATIONS_MAX (256 * LIMIT_KIB) /* apimachinery TotalAnnotationSizeLimitB */

struct emb_schema *emb_meta_schema(struct err *err)
{
	auto_json json_t *def = obj_parse(SCHEMA, sizeof(SCHEMA) - 1, "metadata", err);

	return def ? emb_schema_new(def, err) : NULL;
}

json_t *emb_meta_schema_json(struct err *err)
{
	auto_json json_t *def = obj_parse(SCHEMA, sizeof(SCHEMA) - 1, "metadata", err);

	return def ? json_incref((json_t *)(uintptr_t)obj_get(def, "properties", "meta")) : NULL;
}

/* The schema knows the object under the key "meta", since the key "metadata" at the root is not
   looked into. */
int emb_meta_read(const struct emb_schema *meta, const struct emb_kind *k, json_t *o,
	struct emb_paths *unknown, struct emb_status *st)
{
	json_t *m = json_object_get(o, "metadata");
	auto_emb_causes struct emb_causes causes = {0};
	auto_json json_t *wrap = NULL;
	size_t from = unknown->len, i;

	if (!m || json_is_null(m)) {
		json_object_set_new(o, "metadata", json_object());
		return 0;
	}
	wrap = json_pack("{s:O}", "meta", m);
	emb_schema_prune(meta, wrap, unknown);
	for (i = from; i < unknown->len; i++) {
		char *path = mem_printf("metadata%s", unknown->p[i] + strlen("meta"));

		free(unknown->p[i]);
		unknown->p[i] = path;
	}
	emb_schema_validate(meta, wrap, &causes);
	if (causes.list) {
		const json_t *first = json_array_get(causes.list, 0);

		return emb_bad_request(st,
			"%s in version \"%s\" cannot be handled as a %s: metadata%s: %s", k->kind,
			k->versions[0].name, k->kind,
			obj_str_or("meta", first, "field") + strlen("meta"),
			obj_str_or("", first, "message"));
	}
	json_object_del(m, "managedFields");
	json_object_del(m, "selfLink");
	return 0;
}

static void meta_check_name(const struct emb_kind *k, const json_t *m, struct emb_causes *causes)
{
	const char *name = obj_str_or("", m, "name");

	if (!name[0])
		emb_cause(causes, "FieldValueRequired", "metadata.name",
			"Required value: name or generateName is required");
	else if (k->is_namespace && !kube_is_dns_label(name))
		emb_cause(causes, "FieldValueInvalid", "metadata.name", "Invalid value: \"%s\": %s",
			name, KUBE_DNS_LABEL_RULE);
	else if (!kube_is_dns_subdomain(name))
		emb_cause(causes, "FieldValueInvalid", "metadata.name", "Invalid value: \"%s\": %s",
			name, KUBE_DNS_SUBDOMAIN_RULE);
}

static void meta_check_maps(const json_t *m, struct emb_causes *causes)
{
	const char *key;
	json_t *value;
	size_t total = 0;

	json_object_foreach (json_object_get(m, "labels"), key, value) {
		if (!kube_is_qualified(key))
			emb_cause(causes, "FieldValueInvalid", "metadata.labels",
				"Invalid value: \"%s\": %s", key, KUBE_QUALIFIED_RULE);
		if (!kube_is_label_value(json_string_value(value)))
			emb_cause(causes, "FieldValueInvalid", "metadata.labels",
				"Invalid value: \"%s\": %s", json_string_value(value),
				KUBE_LABEL_VALUE_RULE);
	}
	json_object_foreach (json_object_get(m, "annotations"), key, value) {
		if (!kube_is_qualified(key))
			emb_cause(causes, "FieldValueInvalid", "metadata.annotations",
				"Invalid value: \"%s\": %s", key, KUBE_QUALIFIED_RULE);
		total += strlen(key) + json_string_length(value);
	}
	if (total > ANNOTATIONS_MAX)
		emb_cause(causes, "FieldValueTooLong", "metadata.annotations",
			"Too long: may not be more than %llu bytes", ANNOTATIONS_MAX);
}

void emb_meta_validate(const struct emb_kind *k, const json_t *o, struct emb_causes *causes)
{
	const json_t *m = json_object_get(o, "metadata");
	json_t *value;
	size_t i;

	meta_check_name(k, m, causes);
	meta_check_maps(m, causes);
	json_array_foreach (json_object_get(m, "finalizers"), i, value) {
		const char *f = json_string_value(value);

		if (!kube_is_qualified(f))
			emb_cause(causes, "FieldValueInvalid", "metadata.finalizers",
				"Invalid value: \"%s\": %s", f, KUBE_QUALIFIED_RULE);
	}
}

static bool meta_list_has(const json_t *list, const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(list); i++)
		if (json_equal(json_array_get(list, i), value))
			return true;
	return false;
}

void emb_meta_check_finalizers(const json_t *o, const json_t *old, struct emb_causes *causes)
{
	const json_t *before = obj_get(old, "metadata", "finalizers");
	json_t *value;
	size_t i;

	json_array_foreach (obj_get(o, "metadata", "finalizers"), i, value) {
		if (!meta_list_has(before, value)) {
			emb_cause(causes, "FieldValueForbidden", "metadata.finalizers",
				"Forbidden: no new finalizers can be added if the object is being "
				"deleted, found new finalizers []string{\"%s\"}",
				json_string_value(value));
			return;
		}
	}
}

bool emb_meta_has_finalizers(const json_t *o)
{
	return json_array_size(obj_get(o, "metadata", "finalizers")) > 0;
}

void emb_meta_generate(json_t *meta)
{
	static const char letters[] = "bcdfghjklmnpqrstvwxz2456789";
	const char *prefix = obj_str_or("", meta, "generateName");
	unsigned char r[5];
	char tail[6];
	size_t i;

	rand_bytes(r, sizeof(r));
	for (i = 0; i < sizeof(r); i++)
		tail[i] = letters[r[i] % (sizeof(letters) - 1)];
	tail[5] = '\0';
	json_object_set_new(meta, "name", json_sprintf("%.58s%s", prefix, tail));
}
