/* Certificates of the Notary Project's signers: algorithms, what they say, who has issued them. */
#include "crypto/notary_cert.h"

#include "base/vec.h"
#include "test/unit/crypto/certs.h"

Suite *suite_notary_cert(void);

static struct notary_cert *notary_of(const char *name)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_cert *c = NULL;
	struct err err = {0};

	cert_der(name, &der);
	ck_assert_msg(
		!notary_cert_parse(&c, buf_str(&der), der.len, &err), "%s: %s", name, err.msg);
	return c;
}

/* ---- what one says --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum notary_alg alg;
	bool sound, is_ca, usage_critical;
} facts[] = {
	{"good", NOTARY_ES256, true, false, true},
	{"no-extension", NOTARY_ES256, true, false, false},
	{"rsa-2048", NOTARY_PS256, true, false, false},
	{"rsa-e-3", NOTARY_PS256, true, false, false},
	{"rsa-e-1", NOTARY_ALG_NONE, true, false, false},
	{"rsa-e-even", NOTARY_ALG_NONE, true, false, false},
	{"rsa-e-33-bits", NOTARY_ALG_NONE, true, false, false},
	{"rsa-8448", NOTARY_ALG_NONE, true, false, false},
	{"p224", NOTARY_ALG_NONE, true, false, false},
	{"p256-by-numbers", NOTARY_ALG_NONE, true, false, false},
	{"time-from", NOTARY_ES256, false, false, false},
	{"time-until", NOTARY_ES256, false, false, false},
	{"constraints-broken", NOTARY_ES256, false, false, false},
	{"old-ca", NOTARY_ES256, true, false, false},
};

START_TEST(test_facts)
{
	struct notary_cert *c = notary_of(facts[_i].name);
	const struct notary_cert_facts *f = notary_cert_facts(c);

	ck_assert_msg(notary_cert_alg(c) == facts[_i].alg, "%s", facts[_i].name);
	ck_assert_msg(f->sound == facts[_i].sound, "%s", facts[_i].name);
	ck_assert_msg(f->is_ca == facts[_i].is_ca, "%s", facts[_i].name);
	ck_assert_msg(f->usage_critical == facts[_i].usage_critical, "%s", facts[_i].name);
	/* What has no algorithm signs nothing. */
	ck_assert(!notary_cert_verifies(c, NOTARY_SALT_ANY, "x", 1, "y", 1));
	notary_cert_free(c);
}
END_TEST

START_TEST(test_none)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_cert *c = NULL;
	struct err err = {0};

	cert_der("trailing", &der);
	ck_assert_int_eq(notary_cert_parse(&c, buf_str(&der), der.len, &err), -1);
	ck_assert_str_eq(err.msg, "it is no certificate");
	err_clear(&err);
	ck_assert_int_eq(notary_cert_parse(&c, "", 0, &err), -1);
	ck_assert_str_eq(err.msg, "it is no certificate");
	ck_assert_ptr_null(c);
}
END_TEST

/* ---- who has issued it ----------------------------------------------------------------------- */

static const struct {
	const char *child, *parent;
	bool good;
} pairs[] = {
	{"child", "parent", true},
	{"child", "parent-other-name", false},
	{"child", "good", false},
	/* The signature is one by these keys, and they are none that may sign. */
	{"child-e-1", "parent-e-1", false},
	{"child-8448", "parent-8448", false},
};

START_TEST(test_pairs)
{
	struct notary_cert *child = notary_of(pairs[_i].child);
	struct notary_cert *parent = notary_of(pairs[_i].parent);

	ck_assert_msg(notary_cert_issued_by(child, parent) == pairs[_i].good, "%s by %s",
		pairs[_i].child, pairs[_i].parent);
	notary_cert_free(child);
	notary_cert_free(parent);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */

#define OTHER_BLOCK "it is a PEM block '"
#define NEITHER "it is no certificate, in PEM or DER"

static const struct {
	const char *text, *why;
} files[] = {
	{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", OTHER_BLOCK "PUBLIC KEY"},
	{"-----BEGIN CERTIFICATE-----\nProc-Type: 4,CLEAR\n\nAAAA\n-----END CERTIFICATE-----\n",
		OTHER_BLOCK "CERTIFICATE"},
	{"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it is no certificate"},
	{"junk", NEITHER},
	{"", NEITHER},
};

START_TEST(test_files)
{
	struct notary_certs all = {0};
	struct err err = {0};

	ck_assert_int_eq(notary_certs_add(&all, files[_i].text, strlen(files[_i].text), &err), -1);
	ck_assert_msg(!strncmp(err.msg, files[_i].why, strlen(files[_i].why)), "%s", err.msg);
	ck_assert_uint_eq(all.len, 0);
	notary_certs_clear(&all);
}
END_TEST

START_TEST(test_der_file)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_certs all = {0};
	struct err err = {0};

	cert_der("good", &der);
	cert_der("child", &der);
	ck_assert_msg(!notary_certs_add(&all, buf_str(&der), der.len, &err), "%s", err.msg);
	ck_assert_uint_eq(all.len, 2);
	buf_addc(&der, 'x');
	ck_assert_int_eq(notary_certs_add(&all, buf_str(&der), der.len, &err), -1);
	ck_assert_str_eq(err.msg, NEITHER);
	notary_certs_clear(&all);
}
END_TEST

Suite *suite_notary_cert(void)
{
	Suite *s = suite_create("notary_cert");
	TCase *tc = tcase_create("notary_cert");

	tcase_add_loop_test(tc, test_facts, 0, ARRAY_LEN(facts));
	tcase_add_test(tc, test_none);
	tcase_add_loop_test(tc, test_pairs, 0, ARRAY_LEN(pairs));
	tcase_add_loop_test(tc, test_files, 0, ARRAY_LEN(files));
	tcase_add_test(tc, test_der_file);
	suite_add_tcase(s, tc);
	return s;
}
