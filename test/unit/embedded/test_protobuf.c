#include "base/buf.h"
#include "base/mem.h"
#include "embedded/protobuf.h"
#include "rig.h"

#include <string.h>

Suite *suite_protobuf(void);

/* An encoder for the tests: field, wire type 2. */
static void put(struct buf *b, unsigned number, const void *data, size_t n)
{
	ck_assert(n < 16384 && number < 16);
	buf_addc(b, (char)(number << 3 | 2));
	if (n >= 128)
		buf_addc(b, (char)(n | 0x80));
	buf_addc(b, (char)(n >= 128 ? n >> 7 : n));
	buf_add(b, data, n);
}

static void puts_(struct buf *b, unsigned number, const char *s)
{
	put(b, number, s, strlen(s));
}

static void envelope(struct buf *out, const char *api, const char *kind, const struct buf *raw)
{
	auto_buf struct buf type = BUF_INIT(BUF_ANY);

	puts_(&type, 1, api);
	puts_(&type, 2, kind);
	buf_add(out, "k8s", 4);
	put(out, 1, buf_str(&type), type.len);
	put(out, 2, buf_str(raw), raw->len);
	puts_(out, 3, "");
	puts_(out, 4, "");
}

static void entry(struct buf *to, unsigned number, const char *key, const char *value, size_t n)
{
	auto_buf struct buf e = BUF_INIT(BUF_ANY);

	puts_(&e, 1, key);
	put(&e, 2, value, n);
	put(to, number, e.p, e.len);
}

/* What kubectl 1.34 sends for `create secret generic s --from-literal=a=b`, with some more. */
START_TEST(test_secret)
{
	auto_buf struct buf meta = BUF_INIT(BUF_ANY), raw = BUF_INIT(BUF_ANY),
			    all = BUF_INIT(BUF_ANY);
	struct err err = {0};
	json_t *o;

	puts_(&meta, 1, "s");
	puts_(&meta, 2, "");
	puts_(&meta, 3, "apps");
	buf_add(&meta, "\x38\x07", 2); /* generation: 7 */
	puts_(&meta, 8, "\x08\x80\xe5\xf6\xcb\x06"); /* creationTimestamp, seconds */
	entry(&meta, 11, "l", "v", 1);
	puts_(&meta, 14, "f1");
	puts_(&meta, 14, "f2");
	put(&raw, 1, meta.p, meta.len);
	entry(&raw, 2, "a", "b\0\xff", 3);
	entry(&raw, 2, "empty", "", 0);
	puts_(&raw, 3, "Opaque");
	entry(&raw, 4, "t", "text", 4);
	buf_add(&raw, "\x28\x01", 2); /* immutable */
	buf_add(&raw, "\x99\x06\x01\x02\x03\x04\x05\x06\x07\x08",
		10); /* an unknown fixed64 field */
	envelope(&all, "v1", "Secret", &raw);
	o = emb_protobuf_read(all.p, all.len, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	same_json("secret", o,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\","
		"\"generateName\":\"\",\"namespace\":\"apps\","
		"\"generation\":7,\"creationTimestamp\":\"2026-01-31T07:42:56Z\",\"labels\":{\"l\":"
		"\"v\"},\"finalizers\":[\"f1\",\"f2\"]},"
		"\"data\":{\"a\":\"YgD/"
		"\",\"empty\":\"\"},\"type\":\"Opaque\",\"stringData\":{\"t\":\"text\"},"
		"\"immutable\":true}");
	json_decref(o);
}
END_TEST

START_TEST(test_namespace)
{
	auto_buf struct buf meta = BUF_INIT(BUF_ANY), raw = BUF_INIT(BUF_ANY),
			    all = BUF_INIT(BUF_ANY);
	struct err err = {0};
	json_t *o;

	puts_(&meta, 1, "n");
	puts_(&meta, 8, ""); /* an unset time */
	put(&raw, 1, meta.p, meta.len);
	puts_(&raw, 2, "");
	puts_(&raw, 3, "");
	envelope(&all, "v1", "Namespace", &raw);
	o = emb_protobuf_read(all.p, all.len, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	same_json("namespace", o,
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"n\","
		"\"creationTimestamp\":null},\"spec\":{},\"status\":{}}");
	json_decref(o);
}
END_TEST

START_TEST(test_config_map)
{
	auto_buf struct buf meta = BUF_INIT(BUF_ANY), raw = BUF_INIT(BUF_ANY),
			    all = BUF_INIT(BUF_ANY);
	struct err err = {0};
	json_t *o;

	puts_(&meta, 1, "c");
	put(&raw, 1, meta.p, meta.len);
	entry(&raw, 2, "a", "b", 1);
	entry(&raw, 3, "bin", "\0\xff", 2);
	buf_add(&raw, "\x20\x01", 2); /* immutable */
	envelope(&all, "v1", "ConfigMap", &raw);
	o = emb_protobuf_read(all.p, all.len, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	same_json("config map", o,
		"{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"},"
		"\"data\":{\"a\":\"b\"},\"binaryData\":{\"bin\":\"AP8=\"},\"immutable\":true}");
	json_decref(o);
}
END_TEST

START_TEST(test_service_account)
{
	auto_buf struct buf meta = BUF_INIT(BUF_ANY), ref = BUF_INIT(BUF_ANY),
			    local = BUF_INIT(BUF_ANY), raw = BUF_INIT(BUF_ANY),
			    all = BUF_INIT(BUF_ANY);
	struct err err = {0};
	json_t *o;

	puts_(&meta, 1, "a");
	put(&raw, 1, meta.p, meta.len);
	puts_(&ref, 1, "Secret"); /* kind, which is not kept */
	puts_(&ref, 3, "s");
	put(&raw, 2, ref.p, ref.len);
	puts_(&local, 1, "pull");
	put(&raw, 3, local.p, local.len);
	buf_add(&raw, "\x20\x00", 2); /* automountServiceAccountToken */
	envelope(&all, "v1", "ServiceAccount", &raw);
	o = emb_protobuf_read(all.p, all.len, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	same_json("service account", o,
		"{\"apiVersion\":\"v1\",\"kind\":\"ServiceAccount\",\"metadata\":{\"name\":\"a\"},"
		"\"secrets\":[{\"name\":\"s\"}],\"imagePullSecrets\":[{\"name\":\"pull\"}],"
		"\"automountServiceAccountToken\":false}");
	json_decref(o);
}
END_TEST

#define ROW(name, bytes) {name, bytes, sizeof(bytes) - 1}
#define SECRET_TYPE "\x0a\x0c\x0a\x02v1\x12\x06Secret"

static const struct {
	const char *name, *bytes;
	size_t n;
} BAD[] = {
	ROW("nothing", ""),
	ROW("another prefix", "json\x0a"),
	ROW("no type", "k8s\0"),
	ROW("an unknown kind", "k8s\0\x0a\x09\x0a\x02v1\x12\x03Pod"),
	ROW("another group", "k8s\0\x0a\x0c\x0a\x02v2\x12\x06Secret"),
	ROW("a length past the end", "k8s\0" SECRET_TYPE "\x12\x7f\x0a"),
	ROW("a huge length", "k8s\0" SECRET_TYPE "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
	ROW("a number without an end",
		"k8s\0" SECRET_TYPE "\x12\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"),
	ROW("a number that is cut", "k8s\0" SECRET_TYPE "\x12\x80"),
	ROW("field 0", "k8s\0" SECRET_TYPE "\x12\x02\x02\x00"),
	ROW("a group, which nobody uses", "k8s\0" SECRET_TYPE "\x12\x01\x0b"),
	ROW("metadata as a number", "k8s\0" SECRET_TYPE "\x12\x02\x08\x01"),
	ROW("a name that is not UTF-8", "k8s\0" SECRET_TYPE "\x12\x06\x0a\x04\x0a\x02\xff\xfe"),
	ROW("a name with a NUL",
		"k8s\0" SECRET_TYPE "\x12\x06\x0a\x04\x0a\x02"
		"a\0"),
	ROW("an encoded object", "k8s\0" SECRET_TYPE "\x1a\x04gzip"),
	ROW("immutable as bytes", "k8s\0" SECRET_TYPE "\x12\x02\x2a\x00"),
};

START_TEST(test_bad)
{
	struct err err = {0};
	json_t *o = emb_protobuf_read(BAD[_i].bytes, BAD[_i].n, &err);

	ck_assert_msg(o == NULL, "%s: taken", BAD[_i].name);
	ck_assert_msg(err.kind == ERR_STALL && err.msg[0], "%s", BAD[_i].name);
}
END_TEST

/* Every prefix of a good body ends in an error or an object, never in a crash. */
START_TEST(test_cut)
{
	auto_buf struct buf meta = BUF_INIT(BUF_ANY), raw = BUF_INIT(BUF_ANY),
			    all = BUF_INIT(BUF_ANY);
	struct err err;
	size_t n;

	puts_(&meta, 1, "s");
	put(&raw, 1, meta.p, meta.len);
	entry(&raw, 2, "a", "b", 1);
	envelope(&all, "v1", "Secret", &raw);
	for (n = 0; n < all.len; n++) {
		char *copy = mem_dup(all.p, n); /* so that ASan sees a read past it */

		json_decref(emb_protobuf_read(copy, n, &err));
		free(copy);
	}
}
END_TEST

Suite *suite_protobuf(void)
{
	Suite *s = suite_create("protobuf");
	TCase *tc = tcase_create("protobuf");

	tcase_add_test(tc, test_secret);
	tcase_add_test(tc, test_namespace);
	tcase_add_test(tc, test_config_map);
	tcase_add_test(tc, test_service_account);
	tcase_add_loop_test(tc, test_bad, 0, (int)ARRAY_LEN(BAD));
	tcase_add_test(tc, test_cut);
	suite_add_tcase(s, tc);
	return s;
}
