/* ConfigMap and ServiceAccount: what the controller reads of the cluster's own kinds besides
   Secrets, and what people keep beside their objects. */
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/builtin_int.h"
#include "embedded/status.h"

#include <string.h>

/* ---- ConfigMap ------------------------------------------------------------------------------- */

static const char CONFIG_MAP_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"Texts that are no secrets, by key.\","
	"\"properties\":{"
	"\"immutable\":{\"type\":\"boolean\",\"description\":\"Once true, the values can no longer "
	"be changed.\"},"
	"\"data\":{\"type\":\"object\",\"description\":\"The texts.\",\"additionalProperties\":{"
	"\"type\":\"string\"}},"
	"\"binaryData\":{\"type\":\"object\",\"description\":\"Values that are no UTF-8, in "
	"base64.\",\"additionalProperties\":{\"type\":\"string\"}}}}";

static const char CONFIG_MAP_COLUMNS[] =
	"[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The "
	"ConfigMap's name.\"},"
	"{\"name\":\"Data\",\"type\":\"string\",\"description\":\"How many keys it has.\"},"
	"{\"name\":\"Age\",\"type\":\"string\",\"description\":\"How long ago it was created.\"}]";

static int config_map_admit(
	json_t *o, const json_t *old, struct emb_causes *causes, struct emb_status *st)
{
	static const char *const members[] = {"data", "binaryData", NULL};
	json_t *data = json_object_get(o, "data"), *value;
	const char *key;
	size_t total = 0;

	json_object_foreach (data, key, value) {
		auto_free char *field = mem_printf("data[%s]", key);

		total += json_string_length(value);
		emb_builtin_check_key(field, key, causes);
		if (obj_get(o, "binaryData", key))
			emb_cause(causes, "FieldValueInvalid", field,
				"Invalid value: \"%s\": duplicate of key present in binaryData",
				key);
	}
	if (emb_builtin_check_base64(o, "ConfigMap", "binaryData", &total, causes, st))
		return -1;
	if (total > BUILTIN_DATA_MAX)
		emb_cause(causes, "FieldValueTooLong", "[]",
			"Too long: may not be more than %llu bytes", BUILTIN_DATA_MAX);
	if (old)
		emb_builtin_check_immutable(o, old, members, causes);
	return 0;
}

static void config_map_cells(json_t *cells, const json_t *o, int64_t now_ms)
{
	size_t n = json_object_size(json_object_get(o, "data")) +
		json_object_size(json_object_get(o, "binaryData"));

	json_array_append_new(cells, json_string(obj_str_or("", o, "metadata", "name")));
	json_array_append_new(cells, json_integer((json_int_t)n));
	emb_builtin_add_age(cells, o, now_ms);
}

const struct emb_builtin_def emb_config_map = {"ConfigMap", "configmaps", "configmap", "cm", true,
	false, CONFIG_MAP_SCHEMA, CONFIG_MAP_COLUMNS,
	{.admit = config_map_admit, .cells = config_map_cells, .unconditional_update = true}};

/* ---- ServiceAccount -------------------------------------------------------------------------- */

static const char SERVICE_ACCOUNT_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"An identity in its namespace, with the Secrets "
	"that come with it.\",\"properties\":{"
	"\"automountServiceAccountToken\":{\"type\":\"boolean\",\"description\":\"Means nothing "
	"where no Pods run.\"},"
	"\"imagePullSecrets\":{\"type\":\"array\",\"description\":\"Secrets with credentials for "
	"registries.\",\"items\":{\"type\":\"object\",\"properties\":{"
	"\"name\":{\"type\":\"string\",\"description\":\"The Secret's name.\"}}}},"
	"\"secrets\":{\"type\":\"array\",\"description\":\"Other Secrets of this identity.\","
	"\"items\":{\"type\":\"object\",\"properties\":{"
	"\"name\":{\"type\":\"string\",\"description\":\"The Secret's name.\"}}}}}}";

static const char SERVICE_ACCOUNT_COLUMNS[] =
	"[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The "
	"ServiceAccount's name.\"},"
	"{\"name\":\"Secrets\",\"type\":\"string\",\"description\":\"How many Secrets it names "
	"in secrets.\"},"
	"{\"name\":\"Age\",\"type\":\"string\",\"description\":\"How long ago it was created.\"}]";

static void service_account_cells(json_t *cells, const json_t *o, int64_t now_ms)
{
	json_array_append_new(cells, json_string(obj_str_or("", o, "metadata", "name")));
	json_array_append_new(
		cells, json_integer((json_int_t)json_array_size(json_object_get(o, "secrets"))));
	emb_builtin_add_age(cells, o, now_ms);
}

const struct emb_builtin_def emb_service_account = {"ServiceAccount", "serviceaccounts",
	"serviceaccount", "sa", true, false, SERVICE_ACCOUNT_SCHEMA, SERVICE_ACCOUNT_COLUMNS,
	{.cells = service_account_cells, .unconditional_update = true}};
