/* trusted_root.json: what is read of it, and that one thing that is wrong makes it useless. */
#include "base/limits.h"
#include "base/obj.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "test/unit/verify/keyless.h"

Suite *suite_trusted_root(void);

#define CA "/certificateAuthorities/0"
#define NO_START "its key does not say from when on it is valid"

static const struct {
	const char *at, *value; /* JSON; "null" takes it away */
	const char *why; /* NULL: fine */
} rows[] = {
	{"/tlogs/0/publicKey/keyDetails", "5", NULL},
	{"/tlogs/0/hashAlgorithm", "1", NULL},
	{"/tlogs/0/operator", "\"somebody\"", NULL},
	{"/ctlogs", "null", NULL},
	{"/timestampAuthorities", "[]", NULL},
	{CA "/validFor/end", "\"2030-01-01T00:00:00.5+01:00\"", NULL},
	{"/mediaType", "null", "its media type is ''"},
	{"/mediaType", "\"application/vnd.dev.sigstore.trustedroot+json;version=0.2\"",
		"version=0.2', not '"},
	{"/more", "1", "'trusted root' has no member 'more'"},
	{"/tlogs/0/more", "1", "'tlogs' has no member 'more'"},
	{"/media_type", "\"x\"", "'trusted root' has 'mediaType' twice"},
	{"/tlogs", "{}", "'tlogs' is no list"},
	{"/tlogs/0/publicKey", "null", "tlogs[0]: it has no key"},
	{"/tlogs/0/publicKey/keyDetails", "null", "or does not say of which kind"},
	{"/tlogs/0/publicKey/keyDetails", "\"PKIX_ED25519\"", "its key is no PKIX_ED25519"},
	{"/tlogs/0/publicKey/keyDetails", "\"PKIX_ECDSA_P384_SHA_384\"",
		"its key is no PKIX_ECDSA_P384_SHA_384"},
	{"/tlogs/0/publicKey/keyDetails", "\"ML_DSA_65\"", "of a kind that is not taken"},
	{"/tlogs/0/publicKey/rawBytes", "\"AAAA\"", "tlogs[0]: its key: it is broken"},
	{"/tlogs/0/publicKey/rawBytes", "\"\"", "tlogs[0]: its key: it is empty"},
	{"/tlogs/0/publicKey/validFor", "null", NO_START},
	{"/tlogs/0/publicKey/validFor/start", "null", NO_START},
	{"/tlogs/0/publicKey/validFor/start", "\"soon\"", "'start' is no time: 'soon'"},
	{"/tlogs/0/publicKey/validFor/end", "\"\"", "'end' is no time: ''"},
	{"/ctlogs/0/publicKey/validFor/start", "null", "ctlogs[0]: " NO_START},
	{"/tlogs/0/hashAlgorithm", "\"SHA2_512\"", "its hash is not SHA2_256"},
	{"/tlogs/0/hashAlgorithm", "null", "its hash is not SHA2_256"},
	{"/tlogs/0/logId", "null", "its logId is none"},
	{"/tlogs/0/logId/keyId", "\"\"", "its logId is none"},
	{"/tlogs/0/publicKey/rawBytes", "null", "tlogs[0]: it has no key"},
	{"/tlogs/0/logId", "{}", "its logId is none"},
	{CA "/certChain", "null", "it has 0 certificates"},
	{CA "/certChain/certificates", "[{},{},{},{},{},{},{},{},{}]", "it has 9 certificates"},
	{CA "/certChain/certificates/1/rawBytes", "\"AAAA\"",
		"certificateAuthorities[0]: certificate 1: it is no certificate"},
	{CA "/certChain/certificates/1/rawBytes", "null", "certificate 1: it is empty"},
	{CA "/validFor/start", "\"2020\"", "certificateAuthorities[0]: 'start' is no time"},
	{"/timestampAuthorities", "[{}]", "timestampAuthorities[0]: it has 0 certificates"},
};

START_TEST(test_rows)
{
	json_t *o = keyless_case("roots", "good");
	json_t *value = json_loads(rows[_i].value, JSON_DECODE_ANY, NULL);
	struct verify_root *root = NULL;
	auto_free char *text = NULL;
	struct err err = {0};
	int rc;

	ck_assert(value);
	keyless_put(o, rows[_i].at, value);
	text = json_dumps(o, 0);
	rc = verify_root_parse(&root, text, strlen(text), &err);
	ck_assert_msg(!rc == !rows[_i].why, "row %d: %s", _i, err.msg);
	if (rc) {
		ck_assert_msg(strstr(err.msg, rows[_i].why), "row %d: %s", _i, err.msg);
		ck_assert_ptr_null(root);
	}
	verify_root_unref(root);
	json_decref(value);
	json_decref(o);
}
END_TEST

START_TEST(test_read)
{
	struct verify_root *root = keyless_root("log-edges"), *other = keyless_root("good");
	const struct verify_log *log = &root->tlogs.p[0];

	ck_assert_uint_eq(root->tlogs.len, 1);
	ck_assert_uint_eq(root->ctlogs.len, 1);
	ck_assert_uint_eq(root->authorities.len, 1);
	ck_assert_uint_eq(root->authorities.p[0].len, 2);
	ck_assert_int_eq(log->valid.from, 1768478400000);
	ck_assert_int_eq(log->valid.until, 1768478400000);
	ck_assert_int_eq(pubkey_kind(log->key), PUBKEY_EC);
	/* What is given as its name is the hash of its key. */
	ck_assert_uint_eq(log->id_len, 32);
	ck_assert_mem_eq(log->id, log->key_digest.bin, 32);
	ck_assert_ptr_eq(verify_logs_find(&root->tlogs, log->id, 32, 0), log);
	ck_assert_ptr_null(verify_logs_find(&root->tlogs, log->id, 31, 0));
	ck_assert(!digest_equal(&root->digest, &other->digest));
	verify_root_unref(root);
	verify_root_unref(other);
}
END_TEST

/* The same log twice, with a key for each time: the one whose time it is counts. */
START_TEST(test_two_windows)
{
	json_t *o = keyless_case("roots", "good"), *logs = json_object_get(o, "tlogs"), *second;
	struct verify_root *root = NULL;
	auto_free char *text = NULL;
	struct err err = {0};

	second = json_deep_copy(json_array_get(logs, 0));
	keyless_put_new(o, "/tlogs/0/publicKey/validFor/end", json_string("2026-01-01T00:00:00Z"));
	keyless_put_new(second, "/publicKey/validFor/start", json_string("2026-01-02T00:00:00Z"));
	json_array_append_new(logs, second);
	text = json_dumps(o, 0);
	ck_assert_msg(!verify_root_parse(&root, text, strlen(text), &err), "%s", err.msg);
	ck_assert_ptr_eq(verify_logs_find(&root->tlogs, root->tlogs.p[0].id, 32, 1768478400000),
		&root->tlogs.p[1]);
	ck_assert_ptr_eq(verify_logs_find(&root->tlogs, root->tlogs.p[0].id, 32, 1767000000000),
		&root->tlogs.p[0]);
	verify_root_unref(root);
	json_decref(o);
}
END_TEST

/* It counts as it is named, but whoever has mistyped it wants to know. */
static const struct {
	const char *root, *at,
		*misnamed; /* at: the logId that becomes another one; NULL: none does */
	enum { SHORT, LONGER, OF_KEY } how;
} names[] = {
	{"good", NULL, NULL, SHORT},
	{"v2", NULL, NULL, SHORT},
	{"v2-ec", NULL, NULL, SHORT},
	{"good", "/tlogs/0/logId/keyId", "tlogs[0]", SHORT},
	{"good", "/ctlogs/0/logId/keyId", "ctlogs[0]", SHORT},
	{"v2", "/tlogs/0/logId/keyId", "tlogs[0]", SHORT},
	{"v2-other-host", NULL, "tlogs[0]", SHORT},
	{"good", "/tlogs/0/logId/keyId", "tlogs[0]", LONGER},
	{"v2", "/tlogs/0/logId/keyId", "tlogs[0]", LONGER},
	/* By its key any log may go. */
	{"good", "/tlogs/0/logId/keyId", NULL, OF_KEY},
	{"v2", "/tlogs/0/logId/keyId", NULL, OF_KEY},
};

/* Another name for tlogs[0]. */
static json_t *name_of(int row, const json_t *o)
{
	const json_t *log = json_array_get(json_object_get(o, "tlogs"), 0);
	struct verify_root *root = keyless_root(names[row].root);
	auto_free char *id = mem_strdup(obj_str(log, "logId", "keyId"));
	auto_buf struct buf of_key = BUF_INIT(BUF_ANY);

	base64_encode(&of_key, root->tlogs.p[0].key_digest.bin, 32, BASE64_STD);
	verify_root_unref(root);
	if (names[row].how == OF_KEY)
		return json_string(buf_str(&of_key));
	if (names[row].how == SHORT)
		return json_string("AAAA");
	/* 32 bytes are 43 digits and one of padding, which becomes a digit. */
	ck_assert_uint_eq(strlen(id), 44);
	id[43] = 'A';
	return json_string(id);
}

START_TEST(test_names)
{
	json_t *o = keyless_case("roots", names[_i].root);
	struct verify_root *root = NULL;
	auto_free char *text = NULL;
	struct err err = {0};

	if (names[_i].at)
		keyless_put_new(o, names[_i].at, name_of(_i, o));
	text = json_dumps(o, 0);
	ck_assert_msg(!verify_root_parse(&root, text, strlen(text), &err), "%s", err.msg);
	ck_assert_pstr_eq(root->misnamed, names[_i].misnamed);
	verify_root_unref(root);
	json_decref(o);
}
END_TEST

START_TEST(test_limits)
{
	auto_buf struct buf large = BUF_INIT(BUF_ANY);
	struct verify_root *root = NULL;
	struct err err = {0};

	while (large.len <= LIMIT_TRUSTED_ROOT)
		buf_addc(&large, ' ');
	ck_assert_int_eq(verify_root_parse(&root, buf_str(&large), large.len, &err), -1);
	ck_assert_str_eq(err.msg, "it has 131073 bytes, more than 131072");
	err_clear(&err);
	ck_assert_int_eq(verify_root_parse(&root, "", 0, &err), -1);
	ck_assert_msg(strstr(err.msg, "the trusted root"), "%s", err.msg);
}
END_TEST

/* Values and lists that are longer than they can be. */
static const struct {
	const char *at, *why;
	size_t bytes; /* 0: a list of so many items */
	size_t items;
} longs[] = {
	{"/tlogs/0/publicKey/rawBytes", "tlogs[0]: its key: base64 text of", LIMIT_PUBLIC_KEY + 3,
		0},
	{"/tlogs/0/logId/keyId", "tlogs[0]: its logId is none", VERIFY_LOG_ID_MAX + 3, 0},
	{CA "/certChain/certificates/0/rawBytes",
		"certificateAuthorities[0]: certificate 0: base64 text of", LIMIT_CERTIFICATE + 3,
		0},
	{"/tlogs", "it has 65 tlogs, more than 64", 0, LIMIT_TRUSTED_LOGS + 1},
	{"/ctlogs", "it has 65 ctlogs, more than 64", 0, LIMIT_TRUSTED_LOGS + 1},
	{"/certificateAuthorities", "it has 33 certificateAuthorities, more than 32", 0,
		LIMIT_TRUSTED_AUTHORITIES + 1},
	{"/timestampAuthorities", "it has 33 timestampAuthorities, more than 32", 0,
		LIMIT_TRUSTED_AUTHORITIES + 1},
};

START_TEST(test_long_values)
{
	json_t *o = keyless_case("roots", "good"), *list = json_array();
	auto_buf struct buf value = BUF_INIT(BUF_ANY);
	struct verify_root *root = NULL;
	auto_free char *text = NULL;
	struct err err = {0};
	size_t i;

	for (i = 0; i < longs[_i].bytes / 3; i++)
		buf_adds(&value, "AAAA");
	for (i = 0; i < longs[_i].items; i++)
		json_array_append_new(list, json_object());
	keyless_put_new(o, longs[_i].at,
		longs[_i].items ? json_incref(list) : json_string(buf_str(&value)));
	text = json_dumps(o, 0);
	ck_assert_int_eq(verify_root_parse(&root, text, strlen(text), &err), -1);
	ck_assert_msg(strstr(err.msg, longs[_i].why) == err.msg, "row %d: %s", _i, err.msg);
	json_decref(list);
	json_decref(o);
}
END_TEST

START_TEST(test_secret)
{
	json_t *junk = json_pack("{s{ss}}", "data", "trusted_root.json", "#");
	json_t *none = json_pack("{s{}}", "data");
	struct verify_root *root = NULL;
	struct err err = {0};

	ck_assert_int_eq(verify_root_read(&root, junk, &err), -1);
	ck_assert_msg(strstr(err.msg, "key 'trusted_root.json': malformed base64") == err.msg, "%s",
		err.msg);
	err_clear(&err);
	ck_assert_int_eq(verify_root_read(&root, none, &err), -1);
	ck_assert_str_eq(err.msg, "it has no entry 'trusted_root.json'");
	json_decref(junk);
	json_decref(none);
}
END_TEST

Suite *suite_trusted_root(void)
{
	Suite *s = suite_create("trusted_root");
	TCase *tc = tcase_create("trusted_root");

	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_read);
	tcase_add_test(tc, test_two_windows);
	tcase_add_loop_test(tc, test_names, 0, ARRAY_LEN(names));
	tcase_add_loop_test(tc, test_long_values, 0, ARRAY_LEN(longs));
	tcase_add_test(tc, test_secret);
	tcase_add_test(tc, test_limits);
	suite_add_tcase(s, tc);
	return s;
}
