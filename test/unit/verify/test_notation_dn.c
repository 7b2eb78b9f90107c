/* Distinguished names: what is one, and which one is within another. */
#include "verify/notation_dn.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "crypto/notary_cert.h"

#include <check.h>
#include <string.h>

Suite *suite_notation_dn(void);

#define MUST "C=US,ST=WA,O=Notary"

static const struct {
	const char *text, *why; /* NULL: it is one */
	const char *type, *value; /* of its last attribute; NULL: not asked */
} names[] = {
	{MUST, NULL, "O", "Notary"},
	{"C=US, ST=WA, O=Notary", NULL, "O", "Notary"},
	{" C = US ; ST =  WA ;O= Notary  Project ", NULL, "O", "Notary  Project"},
	{"O=Notary,S=WA,C=US", NULL, "C", "US"},
	{"C=US,O=Notary,S=WA", NULL, "ST", "WA"},
	{"C=US,ST=WA,O=a\\, b", NULL, "O", "a, b"},
	{"C=US,ST=WA,O=a\\+b\\;c\\\"\\<\\>\\\\", NULL, "O", "a+b;c\"<>\\"},
	{"C=US,ST=WA,O=\\ a\\ ", NULL, "O", " a "},
	{"C=US,ST=WA,O=\\#a", NULL, "O", "#a"},
	{"C=US,ST=WA,O=a#b=c", NULL, "O", "a#b=c"},
	{"C=US,ST=WA,O=J\\c3\\BCrgen", NULL, "O", "J\xc3\xbcrgen"},
	{"C=US,ST=WA,O=J\xc3\xbcrgen", NULL, "O", "J\xc3\xbcrgen"},
	{MUST ",1.2.3.4=x", NULL, "1.2.3.4", "x"},
	{"", "it is no list of TYPE=VALUE", NULL, NULL},
	{"*", "it is no list of TYPE=VALUE", NULL, NULL},
	{MUST ",", "it is no list of TYPE=VALUE", NULL, NULL},
	{MUST ",CN", "it is no list of TYPE=VALUE", NULL, NULL},
	{MUST ",=x", "it is no list of TYPE=VALUE", NULL, NULL},
	{MUST ",C N=x", "it is no list of TYPE=VALUE", NULL, NULL},
	{MUST ",CN=#0401", "values in hexadecimal ('=#') are not taken", NULL, NULL},
	{MUST ",CN= #0401", "values in hexadecimal ('=#') are not taken", NULL, NULL},
	{MUST ",CN=a+OU=b", "it has two attributes in one place ('+')", NULL, NULL},
	{MUST ",OU=a,OU=b", "it has 'OU' more than once", NULL, NULL},
	{MUST ",S=OR", "it has 'ST' more than once", NULL, NULL},
	{MUST ",CN=", "its 'CN' is empty, or no text", NULL, NULL},
	{MUST ",CN=   ", "its 'CN' is empty, or no text", NULL, NULL},
	{MUST ",CN=\\00", "its 'CN' is empty, or no text", NULL, NULL},
	{MUST ",CN=a\\ff", "its 'CN' is empty, or no text", NULL, NULL},
	{MUST ",CN=\"a\"", "'\"' needs a backslash before it", NULL, NULL},
	{MUST ",CN=a\\", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\x", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\g0", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\0g", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\@0", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\0@", "a backslash has nothing behind it that may be there", NULL, NULL},
	{MUST ",CN=a\\4", "a backslash has nothing behind it that may be there", NULL, NULL},
	{"ST=WA,O=Notary", "it has no 'C'", NULL, NULL},
	{"C=US,O=Notary", "it has no 'ST'", NULL, NULL},
	{"C=US,ST=WA", "it has no 'O'", NULL, NULL},
	{"c=US,ST=WA,O=Notary", "it has no 'C'", NULL, NULL},
};

START_TEST(test_names)
{
	struct verify_dn dn = {0};
	struct err err = {0};
	int rc = verify_dn_parse(&dn, names[_i].text, &err);

	ck_assert_msg(!rc == !names[_i].why, "'%s': %s", names[_i].text, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, names[_i].why), "'%s': %s", names[_i].text, err.msg);
	if (names[_i].type) {
		ck_assert_str_eq(dn.p[dn.len - 1].type, names[_i].type);
		ck_assert_str_eq(dn.p[dn.len - 1].value, names[_i].value);
	}
	verify_dn_clear(&dn);
}
END_TEST

static const struct {
	const char *dn, *other;
	bool within;
} pairs[] = {
	{MUST, MUST, true},
	{MUST, "O=Notary,S=WA,CN=a,C=US", true},
	{MUST ",CN=a", MUST, false},
	{MUST ",CN=a", MUST ",CN=a,OU=b", true},
	{MUST ",CN=a", MUST ",CN=A", false},
	{MUST ",CN=a", MUST ",cn=a", false},
	{MUST ",CN=a", MUST ",CN=ab", false},
	{MUST ",CN=ab", MUST ",CN=a", false},
};

START_TEST(test_within)
{
	struct verify_dn dn = {0}, other = {0};
	struct err err = {0};

	ck_assert_msg(!verify_dn_parse(&dn, pairs[_i].dn, &err), "%s", err.msg);
	ck_assert_msg(!verify_dn_parse(&other, pairs[_i].other, &err), "%s", err.msg);
	ck_assert_msg(verify_dn_within(&dn, &other) == pairs[_i].within, "row %d", _i);
	verify_dn_clear(&dn);
	verify_dn_clear(&other);
}
END_TEST

START_TEST(test_limits)
{
	auto_buf struct buf many = BUF_INIT(BUF_ANY), large = BUF_INIT(BUF_ANY);
	struct verify_dn dn = {0};
	struct err err = {0};
	int i;

	buf_adds(&many, MUST);
	for (i = 0; i < LIMIT_DN_PAIRS; i++)
		buf_addf(&many, ",T%d=x", i);
	ck_assert_int_eq(verify_dn_parse(&dn, buf_str(&many), &err), -1);
	ck_assert_str_eq(err.msg, "it has more than 32 attributes");
	verify_dn_clear(&dn);
	buf_adds(&large, MUST ",CN=");
	for (i = 0; i <= LIMIT_DN_TEXT; i++)
		buf_addc(&large, 'a');
	err_clear(&err);
	ck_assert_int_eq(verify_dn_parse(&dn, buf_str(&large), &err), -1);
	ck_assert_str_eq(err.msg, "a value of it is too long");
	verify_dn_clear(&dn);
	buf_reset(&large);
	for (i = 0; i <= LIMIT_DN_TEXT; i++)
		buf_addc(&large, 'a');
	buf_adds(&large, "=x," MUST);
	err_clear(&err);
	ck_assert_int_eq(verify_dn_parse(&dn, buf_str(&large), &err), -1);
	ck_assert_str_eq(err.msg, "a type of it is too long");
	verify_dn_clear(&dn);
}
END_TEST

/* A signer whose name has two attributes in one place, "C=US+ST=WA,O=Notary,CN=evil": the peer's
   parser refuses it, and so does ours in a policy. */
START_TEST(test_cert_with_two_in_one_place)
{
	static const char text[] =
		"MIIBxjCCAWugAwIBAgIUFQJ5JNCeobhGirUHPlyKBdDbflQwCgYIKoZIzj0EAwIwODEWMAkG"
		"A1UEBhMCVVMwCQYDVQQIDAJXQTEPMA0GA1UECgwGTm90YXJ5MQ0wCwYDVQQDDARldmlsMB4X"
		"DTI2MTEzMDE3MDIyM1oXDTM2MTEyNzE3MDIyM1owODEWMAkGA1UEBhMCVVMwCQYDVQQIDAJX"
		"QTEPMA0GA1UECgwGTm90YXJ5MQ0wCwYDVQQDDARldmlsMFkwEwYHKoZIzj0CAQYIKoZIzj0D"
		"AQcDQgAEsG7XEoQAWSYtDq5ByAoEIfbjL55YzrAC+3ciPcJWiehkW6dBNP/yiX3FR1fgAU9k"
		"ghXBdeiB6bnCJgrgFZRcXaNTMFEwHQYDVR0OBBYEFC03XPFZYTZNh9y/z8hZQfgIKlGcMB8G"
		"A1UdIwQYMBaAFC03XPFZYTZNh9y/z8hZQfgIKlGcMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZI"
		"zj0EAwIDSQAwRgIhAPsnYZB46xuRVzxAL0M282fFdCDQE+Yx2GpM+jmbJPgXAiEAjSGW9Bt0"
		"efQb/3V7U+MPXaTHxCtNK5br3xw9OFSgdGw=";
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_cert *c = NULL;
	struct verify_dn dn = {0};
	struct err err = {0};

	ck_assert(!base64_decode(&der, text, strlen(text), BASE64_STD, &err));
	ck_assert_msg(!notary_cert_parse(&c, buf_str(&der), der.len, &err), "%s", err.msg);
	ck_assert_int_eq(verify_dn_of(&dn, c, &err), -1);
	verify_dn_clear(&dn);
	notary_cert_free(c);
}
END_TEST

Suite *suite_notation_dn(void)
{
	Suite *s = suite_create("notation_dn");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, test_cert_with_two_in_one_place);
	tcase_add_loop_test(tc, test_names, 0, ARRAY_LEN(names));
	tcase_add_loop_test(tc, test_within, 0, ARRAY_LEN(pairs));
	tcase_add_test(tc, test_limits);
	suite_add_tcase(s, tc);
	return s;
}
