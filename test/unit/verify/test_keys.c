#include "verify/keys.h"

#include "base/limits.h"
#include "test/unit/verify/vectors.h"

Suite *suite_keys(void);

/* Entries "NAME=FILE" of a Secret; FILE: of data/keys, or "" for an empty one. */
static const struct {
	const char *entries, *why;
} secrets[] = {
	{"cosign.pub=p256", NULL},
	{"cosign.pub=rsa2048-pkcs1 b.pub=ed25519 cosign.key=bad-private", NULL},
	{"cosign.key=bad-private", "it has no entry whose name ends in '.pub'"},
	{"", "it has no entry whose name ends in '.pub'"},
	{"cosign.pub=", "key 'cosign.pub': it is empty"},
	{"a.pub=p256 b.pub=", "key 'b.pub': it is empty"},
	{"a.pub=bad-broken b.pub=p256", "key 'a.pub': the key in its PEM block is broken"},
	{"a.pub=p256 b.pub=bad-broken", "key 'b.pub': the key in its PEM block is broken"},
	{"b.pub=bad-p224 a.pub=bad-rsa1024", "key 'a.pub': it is an RSA key of 1024 bits"},
	{"a.pub=bad-certificate", "key 'a.pub': it is a PEM block 'CERTIFICATE'"},
	{"a.pub=bad-private", "key 'a.pub': it is a PEM block 'PRIVATE KEY'"},
};

static json_t *secret_new(const char *entries)
{
	json_t *secret = json_object();
	auto_free char *copy = mem_strdup(entries);
	char *rest = copy, *entry;

	while ((entry = strsep(&rest, " "))) {
		char *file = strchr(entry, '=');
		auto_free char *pem = NULL;

		if (!file)
			continue;
		*file++ = '\0';
		pem = *file ? vector_text("keys/", file, ".pub") : mem_strdup("");
		vector_entry(secret, entry, pem);
	}
	return secret;
}

START_TEST(test_read)
{
	json_t *secret = secret_new(secrets[_i].entries);
	struct verify_keys *keys = NULL;
	struct err err = {0};
	int rc = verify_keys_read(&keys, secret, &err);

	ck_assert_msg(!rc == !secrets[_i].why, "%s: %s", secrets[_i].entries, err.msg);
	if (rc)
		ck_assert_msg(!strncmp(err.msg, secrets[_i].why, strlen(secrets[_i].why)), "%s: %s",
			secrets[_i].entries, err.msg);
	verify_keys_unref(keys);
	json_decref(secret);
}
END_TEST

START_TEST(test_not_base64)
{
	json_t *secret = json_pack("{s{ss}}", "data", "a.pub", "!!!");
	struct verify_keys *keys = NULL;
	struct err err = {0};

	ck_assert_int_eq(verify_keys_read(&keys, secret, &err), -1);
	ck_assert_str_eq(err.msg, "key 'a.pub': malformed base64 at character 1");
	json_decref(secret);
}
END_TEST

START_TEST(test_no_text)
{
	json_t *secret = json_pack("{s{si}}", "data", "a.pub", 7);
	struct verify_keys *keys = NULL;
	struct err err = {0};

	ck_assert_int_eq(verify_keys_read(&keys, secret, &err), -1);
	ck_assert_str_eq(err.msg, "key 'a.pub': it is no text");
	json_decref(secret);
}
END_TEST

/* Who does not want it any more has no key tried. */
START_TEST(test_stop)
{
	auto_free char *payload = vector_text("legacy/", "cosign-p256", ".payload");
	auto_free char *text = vector_text("legacy/", "cosign-p256", ".sig");
	struct verify_keys *keys = vector_keys("p256");
	auto_buf struct buf sig = BUF_INIT(BUF_ANY);
	atomic_bool stop = false;
	struct err err = {0};

	ck_assert(!base64_decode(&sig, text, strlen(text), BASE64_STD, &err));
	ck_assert(verify_keys_find(keys, sig.p, sig.len, payload, strlen(payload), &stop));
	stop = true;
	ck_assert(!verify_keys_find(keys, sig.p, sig.len, payload, strlen(payload), &stop));
	verify_keys_unref(keys);
}
END_TEST

START_TEST(test_too_many)
{
	auto_free char *pem = vector_text("keys/", "p256", ".pub");
	json_t *secret = json_object();
	struct verify_keys *keys = NULL;
	struct err err = {0};
	int i;

	for (i = 0; i < LIMIT_PUBLIC_KEYS; i++) {
		auto_free char *name = mem_printf("%d.pub", i);

		vector_entry(secret, name, pem);
	}
	ck_assert_msg(!verify_keys_read(&keys, secret, &err), "%s", err.msg);
	verify_keys_unref(keys);
	vector_entry(secret, "more.pub", pem);
	ck_assert_int_eq(verify_keys_read(&keys, secret, &err), -1);
	ck_assert_str_eq(err.msg, "it has more than 32 entries '*.pub'");
	json_decref(secret);
}
END_TEST

/* Whatever else changes in a Secret is no other trust. */
START_TEST(test_digest)
{
	struct verify_keys *keys[4] = {vector_keys("p256"), vector_keys("p256-other"),
		vector_keys("p256 p256-other"), NULL};
	json_t *secret = secret_new("0.pub=p256 note=p384");
	struct err err = {0};

	ck_assert(!verify_keys_read(&keys[3], secret, &err));
	ck_assert(digest_equal(verify_keys_digest(keys[0]), verify_keys_digest(keys[3])));
	ck_assert(!digest_equal(verify_keys_digest(keys[0]), verify_keys_digest(keys[1])));
	ck_assert(!digest_equal(verify_keys_digest(keys[0]), verify_keys_digest(keys[2])));
	verify_keys_unref(keys[0]);
	verify_keys_unref(keys[1]);
	verify_keys_unref(keys[2]);
	verify_keys_unref(keys[3]);
	json_decref(secret);
}
END_TEST

/* A second block that is broken does not count either, and must not be passed over. */
START_TEST(test_broken_second_block)
{
	auto_free char *pem = vector_text("keys/", "p256", ".pub");
	auto_free char *both =
		mem_printf("%s-----BEGIN PUBLIC KEY-----\nAAAA*\n-----END PUBLIC KEY-----\n", pem);
	json_t *secret = json_object();
	struct verify_keys *keys = NULL;
	struct err err = {0};

	vector_entry(secret, "a.pub", both);
	ck_assert_int_eq(verify_keys_read(&keys, secret, &err), -1);
	verify_keys_unref(keys);
	json_decref(secret);
}
END_TEST

Suite *suite_keys(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_add_loop_test(tc, test_read, 0, ARRAY_LEN(secrets));
	tcase_add_test(tc, test_broken_second_block);
	tcase_add_test(tc, test_not_base64);
	tcase_add_test(tc, test_no_text);
	tcase_add_test(tc, test_stop);
	tcase_add_test(tc, test_too_many);
	tcase_add_test(tc, test_digest);
	suite_add_tcase(s, tc);
	return s;
}
