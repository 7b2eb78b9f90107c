#include "embedded/builtin_int.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "embedded/status.h"
#include "embedded/table.h"

#include <ctype.h>
#include <string.h>

/* ---- shared ---------------------------------------------------------------------------------- */

static bool config_key(const char *key)
{
	size_t n = strlen(key);

	return n && n <= 253 && strcmp(key, ".") != 0 && strncmp(key, "..", 2) != 0 &&
		strspn(key, "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") ==
		n;
}

void emb_builtin_check_key(const char *field, const char *key, struct emb_causes *causes)
{
	if (!config_key(key))
		emb_cause(causes, "FieldValueInvalid", field,
			"Invalid value: \"%s\": a valid config key must consist of "
			"alphanumeric characters, '-', '_' or '.' "
			"(e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for "
			"validation is '[-._a-zA-Z0-9]+')",
			key);
}

int emb_builtin_check_base64(const json_t *o, const char *kind, const char *member, size_t *total,
	struct emb_causes *causes, struct emb_status *st)
{
	json_t *data = json_object_get(o, member), *value;
	const char *key;

	json_object_foreach (data, key, value) {
		auto_buf struct buf plain = BUF_INIT(LIMIT_REQUEST_BODY);
		auto_free char *field = mem_printf("%s[%s]", member, key);
		struct err err;

		if (base64_decode(&plain, json_string_value(value), json_string_length(value),
			    BASE64_NEWLINES, &err))
			return emb_bad_request(st,
				"%s in version \"v1\" cannot be handled as a %s: illegal "
				"base64 data in %s",
				kind, kind, field);
		*total += plain.len;
		mem_wipe(plain.p, plain.len);
		emb_builtin_check_key(field, key, causes);
	}
	return 0;
}

static bool builtin_same(const json_t *a, const json_t *b)
{
	return a && b ? json_equal(a, b) : !json_object_size(a) && !json_object_size(b);
}

void emb_builtin_check_immutable(
	const json_t *o, const json_t *old, const char *const *members, struct emb_causes *causes)
{
	static const char why[] = "Forbidden: field is immutable when `immutable` is set";

	if (!obj_bool(false, old, "immutable"))
		return;
	if (!obj_bool(false, o, "immutable"))
		emb_cause(causes, "FieldValueForbidden", "immutable", "%s", why);
	for (; *members; members++)
		if (!builtin_same(json_object_get(o, *members), json_object_get(old, *members)))
			emb_cause(causes, "FieldValueForbidden", *members, "%s", why);
}

void emb_builtin_add_age(json_t *cells, const json_t *o, int64_t now_ms)
{
	char age[EMB_AGE_MAX];

	json_array_append_new(cells,
		json_string(
			emb_age_since(obj_str(o, "metadata", "creationTimestamp"), now_ms, age)));
}

/* ---- Secret ---------------------------------------------------------------------------------- */

static const char SECRET_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"Values that are not shown, by key.\","
	"\"properties\":{"
	"\"type\":{\"type\":\"string\",\"description\":\"What the values are for, Opaque where it "
	"is not said.\"},"
	"\"immutable\":{\"type\":\"boolean\",\"description\":\"Once true, the values can no longer "
	"be changed.\"},"
	"\"data\":{\"type\":\"object\",\"description\":\"The values, in base64.\","
	"\"additionalProperties\":{\"type\":\"string\"}},"
	"\"stringData\":{\"type\":\"object\",\"description\":\"Values as plain text. They go into "
	"data and are never read back.\",\"additionalProperties\":{\"type\":\"string\"}}}}";

static const char SECRET_COLUMNS[] =
	"[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The "
	"Secret's name.\"},"
	"{\"name\":\"Type\",\"type\":\"string\",\"description\":\"What kind of data it holds.\"},"
	"{\"name\":\"Data\",\"type\":\"string\",\"description\":\"How many keys it has.\"},"
	"{\"name\":\"Age\",\"type\":\"string\",\"description\":\"How long ago it was created.\"}]";

/* stringData wins over data and is never stored. */
static void secret_strings(json_t *o)
{
	json_t *from = json_object_get(o, "stringData"), *to = json_object_get(o, "data");
	const char *key;
	json_t *value;

	if (json_object_size(from) && !to) {
		to = json_object();
		json_object_set_new(o, "data", to);
	}
	json_object_foreach (from, key, value) {
		auto_buf struct buf text = BUF_INIT(2 * LIMIT_REQUEST_BODY);

		base64_encode(
			&text, json_string_value(value), json_string_length(value), BASE64_STD);
		json_object_set_new(to, key, json_string(buf_str(&text)));
	}
	json_object_del(o, "stringData");
}

static int secret_data(const json_t *o, struct emb_causes *causes, struct emb_status *st)
{
	size_t total = 0;

	if (emb_builtin_check_base64(o, "Secret", "data", &total, causes, st))
		return -1;
	if (total > BUILTIN_DATA_MAX)
		emb_cause(causes, "FieldValueTooLong", "data",
			"Too long: may not be more than %llu bytes", BUILTIN_DATA_MAX);
	return 0;
}

static void need_key(const json_t *o, const char *key, struct emb_causes *causes)
{
	auto_free char *field = mem_printf("data[%s]", key);

	if (!obj_get(o, "data", key))
		emb_cause(causes, "FieldValueRequired", field, "Required value");
}

static void need_json(const json_t *o, const char *key, struct emb_causes *causes)
{
	const json_t *v = obj_get(o, "data", key);
	auto_free char *field = mem_printf("data[%s]", key);
	auto_buf struct buf plain = BUF_INIT(LIMIT_REQUEST_BODY);
	auto_json json_t *parsed = NULL;
	struct err err;

	if (!v) {
		emb_cause(causes, "FieldValueRequired", field, "Required value");
		return;
	}
	if (base64_decode(
		    &plain, json_string_value(v), json_string_length(v), BASE64_NEWLINES, &err))
		return;
	parsed = obj_parse(plain.p ? plain.p : "", plain.len, "the value", &err);
	mem_wipe(plain.p, plain.len);
	if (!json_is_object(parsed))
		emb_cause(causes, "FieldValueInvalid", field,
			"Invalid value: \"<secret contents redacted>\": not a JSON object");
}

static void secret_type(const json_t *o, struct emb_causes *causes)
{
	const char *type = obj_str_or("", o, "type");

	if (!strcmp(type, "kubernetes.io/dockerconfigjson")) {
		need_json(o, ".dockerconfigjson", causes);
	} else if (!strcmp(type, "kubernetes.io/dockercfg")) {
		need_json(o, ".dockercfg", causes);
	} else if (!strcmp(type, "kubernetes.io/tls")) {
		need_key(o, "tls.crt", causes);
		need_key(o, "tls.key", causes);
	} else if (!strcmp(type, "kubernetes.io/ssh-auth")) {
		need_key(o, "ssh-privatekey", causes);
	} else if (!strcmp(type, "kubernetes.io/basic-auth")) {
		if (!obj_get(o, "data", "username") && !obj_get(o, "data", "password")) {
			need_key(o, "username", causes);
			need_key(o, "password", causes);
		}
	} else if (!strcmp(type, "kubernetes.io/service-account-token")) {
		if (!obj_str(o, "metadata", "annotations", "kubernetes.io/service-account.name"))
			emb_cause(causes, "FieldValueRequired",
				"metadata.annotations[kubernetes.io/service-account.name]",
				"Required value");
	}
}

static int secret_admit(
	json_t *o, const json_t *old, struct emb_causes *causes, struct emb_status *st)
{
	static const char *const members[] = {"data", NULL};
	const char *type;

	secret_strings(o);
	type = obj_str_or("", o, "type");
	if (!type[0]) {
		json_object_set_new(o, "type", json_string("Opaque"));
		type = "Opaque";
	}
	if (secret_data(o, causes, st))
		return -1;
	secret_type(o, causes);
	if (!old)
		return 0;
	if (strcmp(type, obj_str_or("", old, "type")) != 0)
		emb_cause(causes, "FieldValueInvalid", "type",
			"Invalid value: \"%s\": field is immutable", type);
	emb_builtin_check_immutable(o, old, members, causes);
	return 0;
}

static void secret_cells(json_t *cells, const json_t *o, int64_t now_ms)
{
	json_array_append_new(cells, json_string(obj_str_or("", o, "metadata", "name")));
	json_array_append_new(cells, json_string(obj_str_or("", o, "type")));
	json_array_append_new(
		cells, json_integer((json_int_t)json_object_size(json_object_get(o, "data"))));
	emb_builtin_add_age(cells, o, now_ms);
}

static const char *secret_field(const json_t *o, const char *path)
{
	return strcmp(path, "type") ? NULL : obj_str_or("", o, "type");
}

/* ---- Namespace ------------------------------------------------------------------------------- */

static const char NAMESPACE_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"A place for names.\",\"properties\":{"
	"\"spec\":{\"type\":\"object\",\"properties\":{\"finalizers\":{\"type\":\"array\","
	"\"items\":{\"type\":\"string\"}}}},"
	"\"status\":{\"type\":\"object\",\"properties\":{\"phase\":{\"type\":\"string\"},"
	"\"conditions\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{"
	"\"type\":{\"type\":\"string\"},\"status\":{\"type\":\"string\"},\"lastTransitionTime\":{"
	"\"type\":\"string\",\"nullable\":true},"
	"\"reason\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"}}}}}}}}";

static const char NAMESPACE_COLUMNS[] =
	"[{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The "
	"namespace's name.\"},"
	"{\"name\":\"Status\",\"type\":\"string\",\"description\":\"Active or Terminating.\"},"
	"{\"name\":\"Age\",\"type\":\"string\",\"description\":\"How long ago it was created.\"}]";

static int namespace_admit(
	json_t *o, const json_t *old, struct emb_causes *causes, struct emb_status *st)
{
	json_t *meta = json_object_get(o, "metadata"), *labels;

	(void)causes;
	(void)st;
	/* What holds a namespace is ours to say, on every write. */
	json_object_set_new(o, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes"));
	if (!old)
		json_object_set_new(o, "status", json_pack("{s:s}", "phase", "Active"));
	labels = json_object_get(meta, "labels");
	if (!labels) {
		labels = json_object();
		json_object_set_new(meta, "labels", labels);
	}
	json_object_set_new(
		labels, "kubernetes.io/metadata.name", json_string(obj_str_or("", meta, "name")));
	return 0;
}

static void namespace_cells(json_t *cells, const json_t *o, int64_t now_ms)
{
	json_array_append_new(cells, json_string(obj_str_or("", o, "metadata", "name")));
	json_array_append_new(cells, json_string(obj_str_or("", o, "status", "phase")));
	emb_builtin_add_age(cells, o, now_ms);
}

static const char *namespace_field(const json_t *o, const char *path)
{
	if (!strcmp(path, "name"))
		return obj_str_or("", o, "metadata", "name");
	return strcmp(path, "status.phase") ? NULL : obj_str_or("", o, "status", "phase");
}

/* ---- Event ----------------------------------------------------------------------------------- */

#define REFERENCE \
	"{\"type\":\"object\",\"properties\":{\"kind\":{\"type\":\"string\"},\"namespace\":{" \
	"\"type\":\"string\"}," \
	"\"name\":{\"type\":\"string\"},\"uid\":{\"type\":\"string\"},\"apiVersion\":{\"type\":" \
	"\"string\"}," \
	"\"resourceVersion\":{\"type\":\"string\"},\"fieldPath\":{\"type\":\"string\"}}}"
#define TIME "{\"type\":\"string\",\"nullable\":true,\"format\":\"date-time\"}"

static const char EVENT_SCHEMA[] =
	"{\"type\":\"object\",\"description\":\"Something that happened to an object. It is kept "
	"for "
	"an hour.\",\"properties\":{\"involvedObject\":" REFERENCE ",\"related\":" REFERENCE
	",\"reason\":{\"type\":\"string\"},\"message\":{\"type\":"
	"\"string\"},\"type\":{\"type\":\"string\"},"
	"\"action\":{\"type\":\"string\"},\"count\":{\"type\":\"integer\",\"format\":\"int32\"},"
	"\"source\":{\"type\":\"object\",\"properties\":{\"component\":{\"type\":\"string\"},"
	"\"host\":{\"type\":\"string\"}}},"
	"\"firstTimestamp\":" TIME ",\"lastTimestamp\":" TIME ",\"eventTime\":" TIME
	",\"series\":{\"type\":\"object\",\"nullable\":true,\"properties\":{\"count\":{\"type\":"
	"\"integer\",\"format\":\"int32\"},"
	"\"lastObservedTime\":" TIME "}},"
	"\"reportingComponent\":{\"type\":\"string\"},\"reportingInstance\":{\"type\":\"string\"}}"
	"}";

static const char EVENT_COLUMNS[] =
	"[{\"name\":\"Last Seen\",\"type\":\"string\",\"description\":\"When it happened last.\"},"
	"{\"name\":\"Type\",\"type\":\"string\",\"description\":\"Normal or Warning.\"},"
	"{\"name\":\"Reason\",\"type\":\"string\",\"description\":\"The cause in one word.\"},"
	"{\"name\":\"Object\",\"type\":\"string\",\"description\":\"What it is about.\"},"
	"{\"name\":\"Subobject\",\"type\":\"string\",\"description\":\"Which part of "
	"it.\",\"priority\":1},"
	"{\"name\":\"Source\",\"type\":\"string\",\"description\":\"Who says so.\",\"priority\":1},"
	"{\"name\":\"Message\",\"type\":\"string\",\"description\":\"The cause in a sentence.\"},"
	"{\"name\":\"First Seen\",\"type\":\"string\",\"description\":\"When it happened "
	"first.\",\"priority\":1},"
	"{\"name\":\"Count\",\"type\":\"string\",\"description\":\"How often it "
	"happened.\",\"priority\":1},"
	"{\"name\":\"Name\",\"type\":\"string\",\"format\":\"name\",\"description\":\"The event's "
	"own name.\",\"priority\":1}]";

/* metav1.MicroTime is written with exactly six digits, and nothing else is read. */
static int micro_time(const char *field, const char *text, struct emb_status *st)
{
	const char *dot = text ? strchr(text, '.') : NULL;

	if (!text || (dot && strspn(dot + 1, "0123456789") == 6))
		return 0;
	return emb_bad_request(st,
		"Event in version \"v1\" cannot be handled as a Event: parsing time \"%.64s\" of "
		"%s as \"2006-01-02T15:04:05.000000Z07:00\": "
		"six digits of a second are missing",
		text, field);
}

static int event_admit(
	json_t *o, const json_t *old, struct emb_causes *causes, struct emb_status *st)
{
	const char *ns = obj_str_or("", o, "involvedObject", "namespace");
	const char *own = obj_str_or("", o, "metadata", "namespace");

	(void)old;
	if (micro_time("eventTime", obj_str(o, "eventTime"), st) ||
		micro_time("series.lastObservedTime", obj_str(o, "series", "lastObservedTime"), st))
		return -1;
	/* Events about objects without a namespace live in "default". */
	if (strcmp(ns, own) != 0 && (ns[0] || strcmp(own, "default") != 0))
		emb_cause(causes, "FieldValueInvalid", "involvedObject.namespace",
			"Invalid value: \"%s\": does not match event.namespace", ns);
	return 0;
}

static void event_cells(json_t *cells, const json_t *o, int64_t now_ms)
{
	const char *first = obj_str(o, "firstTimestamp"), *last = obj_str(o, "lastTimestamp");
	const char *at = obj_str(o, "eventTime"),
		   *series = obj_str(o, "series", "lastObservedTime");
	const char *component =
		obj_str_or(obj_str_or("", o, "reportingComponent"), o, "source", "component");
	const char *host = obj_str(o, "source", "host");
	auto_free char *kind = mem_strdup(obj_str_or("", o, "involvedObject", "kind"));
	const char *message = obj_str_or("", o, "message");
	size_t n = strlen(message);
	char age[EMB_AGE_MAX];
	char *p;

	for (p = kind; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	while (n && isspace((unsigned char)message[n - 1]))
		n--;
	first = first ? first : at;
	last = series ? series : last ? last : at ? at : first;
	json_array_append_new(cells, json_string(emb_age_since(last, now_ms, age)));
	json_array_append_new(cells, json_string(obj_str_or("", o, "type")));
	json_array_append_new(cells, json_string(obj_str_or("", o, "reason")));
	json_array_append_new(
		cells, json_sprintf("%s/%s", kind, obj_str_or("", o, "involvedObject", "name")));
	json_array_append_new(cells, json_string(obj_str_or("", o, "involvedObject", "fieldPath")));
	json_array_append_new(
		cells, host ? json_sprintf("%s, %s", component, host) : json_string(component));
	json_array_append_new(cells, json_stringn(message, n));
	json_array_append_new(cells, json_string(emb_age_since(first, now_ms, age)));
	json_array_append_new(
		cells, json_integer(obj_int(obj_int(1, o, "count"), o, "series", "count")));
	json_array_append_new(cells, json_string(obj_str_or("", o, "metadata", "name")));
}

static const char *event_field(const json_t *o, const char *path)
{
	static const char *const reference[] = {
		"kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"};
	static const char *const plain[] = {"reason", "type", "reportingComponent"};
	size_t i;

	for (i = 0; !strncmp(path, "involvedObject.", 15) && i < ARRAY_LEN(reference); i++)
		if (!strcmp(path + 15, reference[i]))
			return obj_str_or("", o, "involvedObject", reference[i]);
	for (i = 0; i < ARRAY_LEN(plain); i++)
		if (!strcmp(path, plain[i]))
			return obj_str_or("", o, plain[i]);
	if (!strcmp(path, "source"))
		return obj_str_or(
			obj_str_or("", o, "reportingComponent"), o, "source", "component");
	return NULL;
}

/* ----  */

static const struct emb_builtin_def builtin_namespace = {"Namespace", "namespaces", "namespace",
					    "ns", false, true, NAMESPACE_SCHEMA, NAMESPACE_COLUMNS,
					    {namespace_admit, namespace_cells, namespace_field, 0,
						    true}},
				    builtin_secret = {"Secret", "secrets", "secret", NULL, true,
					    false, SECRET_SCHEMA, SECRET_COLUMNS,
					    {secret_admit, secret_cells, secret_field, 0, true}},
				    builtin_event = {"Event", "events", "event", "ev", true, false,
					    EVENT_SCHEMA, EVENT_COLUMNS,
					    {event_admit, event_cells, event_field, 3600 * 1000,
						    true}};

const struct emb_builtin_def *const emb_builtins[] = {&builtin_namespace, &emb_config_map,
	&builtin_secret, &emb_service_account, &builtin_event, NULL};
