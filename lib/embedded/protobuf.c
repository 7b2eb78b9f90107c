#include "embedded/protobuf.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"

#include <stdbool.h>
#include <string.h>

struct in {
	const unsigned char *p, *end;
};

/* How a field's bytes become JSON. */
enum shape {
	P_STRING,
	P_BYTES, /* base64 */
	P_INT,
	P_BOOL,
	P_TIME, /* {1: seconds, 2: nanos} */
	P_MESSAGE,
	P_MAP_STRING, /* {1: key, 2: string} */
	P_MAP_BYTES,
};

struct field {
	unsigned number;
	const char *name;
	enum shape shape;
	bool repeated; /* of P_STRING and P_MESSAGE */
	const struct field *fields; /* of P_MESSAGE; ends with number 0 */
};

static const struct field OWNER[] = {{1, "kind", P_STRING, false, NULL},
	{3, "name", P_STRING, false, NULL}, {4, "uid", P_STRING, false, NULL},
	{5, "apiVersion", P_STRING, false, NULL}, {6, "controller", P_BOOL, false, NULL},
	{7, "blockOwnerDeletion", P_BOOL, false, NULL}, {0}};

/* managedFields (17) are not kept, so they are not read. */
static const struct field META[] = {{1, "name", P_STRING, false, NULL},
	{2, "generateName", P_STRING, false, NULL}, {3, "namespace", P_STRING, false, NULL},
	{5, "uid", P_STRING, false, NULL}, {6, "resourceVersion", P_STRING, false, NULL},
	{7, "generation", P_INT, false, NULL}, {8, "creationTimestamp", P_TIME, false, NULL},
	{9, "deletionTimestamp", P_TIME, false, NULL},
	{10, "deletionGracePeriodSeconds", P_INT, false, NULL},
	{11, "labels", P_MAP_STRING, false, NULL}, {12, "annotations", P_MAP_STRING, false, NULL},
	{13, "ownerReferences", P_MESSAGE, true, OWNER}, {14, "finalizers", P_STRING, true, NULL},
	{0}};

static const struct field SECRET[] = {{1, "metadata", P_MESSAGE, false, META},
	{2, "data", P_MAP_BYTES, false, NULL}, {3, "type", P_STRING, false, NULL},
	{4, "stringData", P_MAP_STRING, false, NULL}, {5, "immutable", P_BOOL, false, NULL}, {0}};

static const struct field CONFIG_MAP[] = {{1, "metadata", P_MESSAGE, false, META},
	{2, "data", P_MAP_STRING, false, NULL}, {3, "binaryData", P_MAP_BYTES, false, NULL},
	{4, "immutable", P_BOOL, false, NULL}, {0}};

/* Of an ObjectReference the name alone is kept. */
static const struct field REFERENCE[] = {{3, "name", P_STRING, false, NULL}, {0}};
static const struct field LOCAL_REFERENCE[] = {{1, "name", P_STRING, false, NULL}, {0}};
static const struct field SERVICE_ACCOUNT[] = {{1, "metadata", P_MESSAGE, false, META},
	{2, "secrets", P_MESSAGE, true, REFERENCE},
	{3, "imagePullSecrets", P_MESSAGE, true, LOCAL_REFERENCE},
	{4, "automountServiceAccountToken", P_BOOL, false, NULL}, {0}};

static const struct field NS_SPEC[] = {{1, "finalizers", P_STRING, true, NULL}, {0}};
static const struct field NS_STATUS[] = {{1, "phase", P_STRING, false, NULL}, {0}};
static const struct field NAMESPACE[] = {{1, "metadata", P_MESSAGE, false, META},
	{2, "spec", P_MESSAGE, false, NS_SPEC}, {3, "status", P_MESSAGE, false, NS_STATUS}, {0}};

static int protobuf_broken(struct err *err, const char *what)
{
	return err_set(err, ERR_STALL, "the protobuf body is malformed: %s", what);
}

static int protobuf_varint(struct in *in, uint64_t *out, struct err *err)
{
	unsigned shift;

	*out = 0;
	for (shift = 0; shift < 64; shift += 7) {
		unsigned char b;

		if (in->p == in->end)
			return protobuf_broken(err, "a number is cut short");
		b = *in->p++;
		if (shift == 63 && b > 1)
			break;
		*out |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return 0;
	}
	return protobuf_broken(err, "a number is too long");
}

/* The next field's number, its wire type (0 varint, 1 and 5 fixed, 2 bytes), and for 2 its bytes,
   for 0 its value. */
static int protobuf_next(struct in *in, unsigned *number, unsigned *wire, struct in *bytes,
	uint64_t *value, struct err *err)
{
	uint64_t tag, n;

	if (protobuf_varint(in, &tag, err))
		return -1;
	*number = (unsigned)(tag >> 3);
	*wire = tag & 7;
	if (!*number || tag >> 3 > 536870911)
		return protobuf_broken(err, "a field has no number");
	*value = 0;
	*bytes = (struct in){in->p, in->p};
	switch (*wire) {
	case 0:
		return protobuf_varint(in, value, err);
	case 1:
	case 5:
		n = *wire == 1 ? 8 : 4;
		break;
	case 2:
		if (protobuf_varint(in, &n, err))
			return -1;
		break;
	default:
		return protobuf_broken(err, "unknown wire type");
	}
	if (n > (uint64_t)(in->end - in->p))
		return protobuf_broken(err, "a field is longer than the body");
	*bytes = (struct in){in->p, in->p + n};
	in->p += n;
	return 0;
}

static json_t *protobuf_text(const struct in *in, struct err *err)
{
	size_t n = (size_t)(in->end - in->p);
	json_t *s = memchr(in->p, 0, n) ? NULL : json_stringn((const char *)in->p, n);

	if (!s)
		protobuf_broken(err, "a text is not UTF-8");
	return s;
}

static json_t *protobuf_base64(const struct in *in, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(2 * LIMIT_REQUEST_BODY);

	if (base64_encode(&b, in->p, (size_t)(in->end - in->p), BASE64_STD)) {
		protobuf_broken(err, "a value is too long");
		return NULL;
	}
	return json_string(buf_str(&b));
}

static json_t *protobuf_time(struct in in, struct err *err)
{
	uint64_t seconds = 0;
	char out[TIME_TEXT_MAX];

	while (in.p < in.end) {
		unsigned number, wire;
		struct in bytes;
		uint64_t value;

		if (protobuf_next(&in, &number, &wire, &bytes, &value, err))
			return NULL;
		if (number == 1 && wire == 0)
			seconds = value;
	}
	/* Year 9999 is the last that has a text. An unset time is sent as an empty message, and
	   reads as null. */
	if ((int64_t)seconds <= 0 || seconds > 253402300799)
		return json_null();
	return json_string(time_format_rfc3339((int64_t)seconds * 1000, out));
}

static int protobuf_map_entry(json_t *map, enum shape shape, struct in in, struct err *err)
{
	auto_json json_t *key = json_string(""), *value = json_string("");

	while (in.p < in.end) {
		unsigned number, wire;
		struct in bytes;
		uint64_t ignored;
		json_t *v;

		if (protobuf_next(&in, &number, &wire, &bytes, &ignored, err))
			return -1;
		if (number > 2)
			continue;
		if (wire != 2)
			return protobuf_broken(err, "a map entry has the wrong type");
		v = number == 2 && shape == P_MAP_BYTES ? protobuf_base64(&bytes, err)
							: protobuf_text(&bytes, err);
		if (!v)
			return -1;
		json_decref(number == 1 ? key : value);
		if (number == 1)
			key = v;
		else
			value = v;
	}
	return json_object_set(map, json_string_value(key), value);
}

static json_t *protobuf_message(
	struct in in, const struct field *fields, unsigned depth, struct err *err);

static const struct field *protobuf_field(const struct field *fields, unsigned number)
{
	for (; fields->number; fields++)
		if (fields->number == number)
			return fields;
	return NULL;
}

static json_t *protobuf_scalar(const struct field *f, const struct in *bytes, uint64_t value,
	unsigned depth, struct err *err)
{
	switch (f->shape) {
	case P_STRING:
		return protobuf_text(bytes, err);
	case P_BYTES:
		return protobuf_base64(bytes, err);
	case P_INT:
		return json_integer((json_int_t)value);
	case P_BOOL:
		return json_boolean(value != 0);
	case P_TIME:
		return protobuf_time(*bytes, err);
	default:
		return protobuf_message(*bytes, f->fields, depth + 1, err);
	}
}

/* A container that is made when the first of its entries comes. */
static json_t *protobuf_container(json_t *o, const char *name, bool list)
{
	json_t *c = json_object_get(o, name);

	if (!c) {
		c = list ? json_array() : json_object();
		json_object_set_new(o, name, c);
	}
	return c;
}

static int protobuf_take(json_t *o, const struct field *f, unsigned wire, const struct in *bytes,
	uint64_t value, unsigned depth, struct err *err)
{
	bool number = f->shape == P_INT || f->shape == P_BOOL;
	json_t *v;

	if (wire != (number ? 0 : 2))
		return protobuf_broken(err, "a field has the wrong type");
	if (f->shape == P_MAP_STRING || f->shape == P_MAP_BYTES)
		return protobuf_map_entry(
			protobuf_container(o, f->name, false), f->shape, *bytes, err);
	v = protobuf_scalar(f, bytes, value, depth, err);
	if (!v)
		return -1;
	if (f->repeated)
		return json_array_append_new(protobuf_container(o, f->name, true), v);
	return json_object_set_new(o, f->name, v);
}

static json_t *protobuf_message(
	struct in in, const struct field *fields, unsigned depth, struct err *err)
{
	auto_json json_t *o = json_object();

	if (depth > LIMIT_EMBEDDED_DEPTH) {
		protobuf_broken(err, "too deep");
		return NULL;
	}
	while (in.p < in.end) {
		unsigned number, wire;
		struct in bytes;
		uint64_t value;
		const struct field *f;

		if (protobuf_next(&in, &number, &wire, &bytes, &value, err))
			return NULL;
		f = protobuf_field(fields, number);
		if (f && protobuf_take(o, f, wire, &bytes, value, depth, err))
			return NULL;
	}
	return MOVE(o);
}

static const struct {
	const char *name;
	const struct field *fields;
} KINDS[] = {{"Secret", SECRET}, {"Namespace", NAMESPACE}, {"ConfigMap", CONFIG_MAP},
	{"ServiceAccount", SERVICE_ACCOUNT}};

static const struct field *protobuf_kind(const char *api_version, const char *kind)
{
	size_t i;

	for (i = 0; !strcmp(api_version, "v1") && i < ARRAY_LEN(KINDS); i++)
		if (!strcmp(KINDS[i].name, kind))
			return KINDS[i].fields;
	return NULL;
}

/* TypeMeta of the envelope: 1 apiVersion, 2 kind. */
static const struct field TYPE_META[] = {
	{1, "apiVersion", P_STRING, false, NULL}, {2, "kind", P_STRING, false, NULL}, {0}};

json_t *emb_protobuf_read(const void *data, size_t len, struct err *err)
{
	struct in in = {data, (const unsigned char *)data + len}, raw = {NULL, NULL};
	auto_json json_t *type = NULL;
	const struct field *fields;
	const char *kind;
	json_t *o;

	if (len < 4 || memcmp(data, "k8s", 4) != 0) {
		protobuf_broken(err, "it does not begin with the Kubernetes prefix");
		return NULL;
	}
	in.p += 4;
	while (in.p < in.end) {
		unsigned number, wire;
		struct in bytes;
		uint64_t value;

		if (protobuf_next(&in, &number, &wire, &bytes, &value, err))
			return NULL;
		if (number == 1 && wire == 2) {
			json_decref(type);
			type = protobuf_message(bytes, TYPE_META, 0, err);
			if (!type)
				return NULL;
		} else if (number == 2 && wire == 2) {
			raw = bytes;
		} else if (number == 3 && bytes.p != bytes.end) {
			protobuf_broken(err, "its content is encoded");
			return NULL;
		}
	}
	kind = obj_str_or("", type, "kind");
	fields = protobuf_kind(obj_str_or("", type, "apiVersion"), kind);
	if (!fields) {
		err_set(err, ERR_STALL, "no protobuf form of '%.100s' '%.100s' is known",
			obj_str_or("", type, "apiVersion"), kind);
		return NULL;
	}
	o = protobuf_message(raw, fields, 0, err);
	if (o)
		json_object_update(o, type);
	return o;
}
