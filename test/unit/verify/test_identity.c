/* Who a certificate says has signed: issuers that are not to be believed, and patterns. */
#include "verify/identity.h"

#include "base/limits.h"
#include "test/unit/crypto/certs.h"
#include "test/unit/verify/keyless.h"

Suite *suite_identity(void);

#define NOBODY "the certificate does not say who the issuer is"

static const struct {
	const char *name, *why;
} issuers[] = {
	{"good", NULL},
	{"issuer-twice", "the certificate has the extension 1.3.6.1.4.1.57264.1.8 twice"},
	{"old-issuer-twice", "the certificate has the extension 1.3.6.1.4.1.57264.1.1 twice"},
	{"issuer-empty", NOBODY},
	{"issuer-nul", NOBODY},
	{"no-extension", NOBODY},
};

START_TEST(test_issuers)
{
	struct cert *c = cert_of(issuers[_i].name);
	auto_buf struct buf signer = BUF_INIT(1024);
	struct verify_identities who = {0};
	struct err err = {0};
	int rc;

	keyless_who(&who, ".", ".");
	rc = verify_identities_match(&who, c, VERIFY_ANY_NAME, &signer, &err);
	ck_assert_msg(!rc == !issuers[_i].why, "%s: %s", issuers[_i].name, err.msg);
	if (rc)
		ck_assert_str_eq(err.msg, issuers[_i].why);
	verify_identities_clear(&who);
	cert_free(c);
}
END_TEST

/* ---- patterns -------------------------------------------------------------------------------- */

static const struct {
	const char *issuer, *subject;
	bool anchored;
} anchors[] = {
	{"^i$", "^a$", true},
	{"^i$", "^https://a[.]b/.*$", true},
	{"^i$", "a", false},
	{"^i$", "a$", false},
	{"^i$", "^a", false},
	{"^i$", "^a|b$", false},
	{"^i$", "^a\\$", false},
	{"i", "^a$", false},
};

START_TEST(test_anchors)
{
	struct verify_identities who = {0};

	verify_identities_add(&who, anchors[_i].issuer, anchors[_i].subject);
	ck_assert_msg(verify_identities_anchored(&who) == anchors[_i].anchored, "%s %s",
		anchors[_i].issuer, anchors[_i].subject);
	verify_identities_clear(&who);
}
END_TEST

/* What patterns take stays while a slow registry is asked: there is a bound for all of one
   object. */
START_TEST(test_large_patterns)
{
	struct verify_identities few = {0}, many = {0};
	struct err err = {0};
	int i;

	for (i = 0; i < LIMIT_SIGNERS; i++) {
		verify_identities_add(&few, "^https://issuer[.]example$",
			"^https://github[.]com/org/app/[.]github/workflows/[a-z]+[.]yaml@.*$");
		verify_identities_add(&many, "[a-z0-9A-Z]{1000}a{500}", "[a-z0-9A-Z]{1000}b");
	}
	ck_assert_msg(!verify_identities_compile(&few, &err), "%s", err.msg);
	ck_assert_int_eq(verify_identities_compile(&many, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, "are too large"), "%s", err.msg);
	verify_identities_clear(&few);
	verify_identities_clear(&many);
}
END_TEST

START_TEST(test_too_many)
{
	struct verify_identities who = {0};
	struct err err = {0};
	int i;

	for (i = 0; i <= LIMIT_SIGNERS; i++)
		verify_identities_add(&who, "^i$", "^a$");
	ck_assert_int_eq(verify_identities_compile(&who, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, "matchOIDCIdentity has 33 entries"), "%s", err.msg);
	verify_identities_clear(&who);
}
END_TEST

Suite *suite_identity(void)
{
	Suite *s = suite_create("identity");
	TCase *tc = tcase_create("identity");

	tcase_add_loop_test(tc, test_issuers, 0, ARRAY_LEN(issuers));
	tcase_add_loop_test(tc, test_anchors, 0, ARRAY_LEN(anchors));
	tcase_add_test(tc, test_large_patterns);
	tcase_add_test(tc, test_too_many);
	suite_add_tcase(s, tc);
	return s;
}
