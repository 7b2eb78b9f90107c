/* Certificates: what is no certificate, what none may say, and what is read of one. */
#include "crypto/cert.h"

#include "base/limits.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "test/unit/crypto/certs.h"

Suite *suite_cert(void);

#define OLD_ISSUER "1.3.6.1.4.1.57264.1.1"
#define NEW_ISSUER "1.3.6.1.4.1.57264.1.8"

/* ---- reading --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *why;
} reads[] = {
	{"good", NULL},
	{"no-extension", NULL},
	{"rsa-2048", NULL},
	{"rsa-e-3", NULL},
	{"trailing", "it is no certificate"},
	{"time-from", "its time cannot be read"},
	{"time-until", "its time cannot be read"},
	{"constraints-broken", "its extensions cannot be read"},
	{"names-broken", "its extensions cannot be read"},
	{"names-twice", "its extensions cannot be read"},
	{"p224", "its key: it is an ECDSA key on the curve 'secp224r1'"},
	{"rsa-e-1", "its key: it is an RSA key with an exponent that is not taken"},
	{"rsa-e-even", "its key: it is an RSA key with an exponent that is not taken"},
	{"rsa-e-33-bits", "its key: it is an RSA key with an exponent that is not taken"},
	{"rsa-8448", "its key: it is an RSA key of 8448 bits; 2048 to 8192 are taken"},
};

START_TEST(test_reads)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct cert *c = NULL;
	struct err err = {0};
	int rc;

	cert_der(reads[_i].name, &der);
	rc = cert_parse_der(&c, buf_str(&der), der.len, &err);
	ck_assert_msg(!rc == !reads[_i].why, "%s: %s", reads[_i].name, err.msg);
	if (rc) {
		ck_assert_ptr_null(c);
		ck_assert_msg(
			strstr(err.msg, reads[_i].why) != NULL, "%s: %s", reads[_i].name, err.msg);
	} else {
		ck_assert_int_eq(cert_from(c), 1768478340);
		ck_assert_int_eq(cert_until(c), 1768478940);
	}
	cert_free(c);
}
END_TEST

START_TEST(test_sizes)
{
	auto_buf struct buf large = BUF_INIT(BUF_ANY);
	struct cert *c = NULL;
	struct err err = {0};

	ck_assert_int_eq(cert_parse_der(&c, "", 0, &err), -1);
	ck_assert_str_eq(err.msg, "it has 0 bytes; 1 to 16384 are taken");
	while (large.len <= LIMIT_CERTIFICATE)
		buf_addc(&large, 'x');
	err_clear(&err);
	ck_assert_int_eq(cert_parse_der(&c, buf_str(&large), large.len, &err), -1);
	ck_assert_str_eq(err.msg, "it has 16385 bytes; 1 to 16384 are taken");
	while (large.len <= 4 * LIMIT_CERTIFICATE)
		buf_addc(&large, 'x');
	err_clear(&err);
	ck_assert_int_eq(cert_parse_pem(&c, buf_str(&large), large.len, CERT_FIRST, &err), -1);
	ck_assert_str_eq(err.msg, "it has 65537 bytes, more than 65536");
}
END_TEST

/* ---- PEM ------------------------------------------------------------------------------------- */

#define NO_PEM "it is no certificate in PEM"
#define MORE "there is more in it than one certificate"
#define JUNK_BLOCK "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"

/* %s: the good one. */
static const struct {
	const char *text;
	const char *first, *only; /* why not, for CERT_FIRST and CERT_ONLY */
} pems[] = {
	{"%s", NULL, NULL},
	{"%s\t \r\n", NULL, NULL},
	{"a note\n%s", NULL, NULL},
	{"%s%s", NULL, MORE},
	{"%sx", NULL, MORE},
	{"", NO_PEM, NO_PEM},
	{"junk", NO_PEM, NO_PEM},
	{"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n%s", NO_PEM, NO_PEM},
	{"-----BEGIN CERTIFICATE-----\nProc-Type: 4,CLEAR\n\nAAAA\n-----END CERTIFICATE-----\n",
		NO_PEM, NO_PEM},
	{JUNK_BLOCK, "it is no certificate", "it is no certificate"},
	{JUNK_BLOCK "%s", "it is no certificate", MORE},
};

/* The good one, as a block. */
static char *pem_good(void)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY), pem = BUF_INIT(BUF_ANY);
	size_t i;

	cert_der("good", &der);
	buf_adds(&pem, "-----BEGIN CERTIFICATE-----\n");
	for (i = 0; i < der.len; i += 48) {
		base64_encode(&pem, der.p + i, der.len - i < 48 ? der.len - i : 48, BASE64_STD);
		buf_addc(&pem, '\n');
	}
	buf_adds(&pem, "-----END CERTIFICATE-----\n");
	return buf_take(&pem);
}

static void pem_check(const char *text, size_t n, enum cert_pem how, const char *why)
{
	struct cert *c = NULL;
	struct err err = {0};
	int rc = cert_parse_pem(&c, text, n, how, &err);

	ck_assert_msg(!rc == !why, "%.40s: %s", text, err.msg);
	ck_assert(!rc == !!c);
	if (why)
		ck_assert_str_eq(err.msg, why);
	cert_free(c);
}

START_TEST(test_pems)
{
	auto_free char *good = pem_good();
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	const char *at = pems[_i].text, *mark;

	while ((mark = strstr(at, "%s"))) {
		buf_add(&text, at, (size_t)(mark - at));
		buf_adds(&text, good);
		at = mark + 2;
	}
	buf_adds(&text, at);
	pem_check(buf_str(&text), text.len, CERT_FIRST, pems[_i].first);
	pem_check(buf_str(&text), text.len, CERT_ONLY, pems[_i].only);
}
END_TEST

START_TEST(test_pem_nul)
{
	auto_free char *good = pem_good();

	pem_check(good, strlen(good) + 1, CERT_ONLY, MORE);
	pem_check(good, strlen(good) + 1, CERT_FIRST, NULL);
}
END_TEST

/* ---- what it says ---------------------------------------------------------------------------- */

START_TEST(test_equal)
{
	struct cert *a = cert_of("good"), *b = cert_of("same-length"), *c = cert_of("good"),
		    *shorter = cert_of("no-extension");

	ck_assert(cert_equal(a, c));
	ck_assert(!cert_equal(a, shorter));
	ck_assert(!cert_equal(shorter, a));
	ck_assert(!cert_equal(a, b));
	cert_free(a);
	cert_free(b);
	cert_free(c);
	cert_free(shorter);
}
END_TEST

static const struct {
	const char *name, *oid, *value, *why;
} extensions[] = {
	{"good", OLD_ISSUER, "https://issuer.example", NULL},
	{"no-extension", OLD_ISSUER, NULL, NULL},
	{"issuer-twice", OLD_ISSUER, NULL, NULL},
	{"issuer-twice", NEW_ISSUER, NULL,
		"the certificate has the extension 1.3.6.1.4.1.57264.1.8 twice"},
	{"old-issuer-twice", OLD_ISSUER, NULL,
		"the certificate has the extension 1.3.6.1.4.1.57264.1.1 twice"},
};

START_TEST(test_extensions)
{
	struct cert *c = cert_of(extensions[_i].name);
	const unsigned char *value;
	struct err err = {0};
	size_t n;
	int rc = cert_extension(c, extensions[_i].oid, &value, &n, &err);

	ck_assert_msg(!rc == !extensions[_i].why, "%s: %s", extensions[_i].name, err.msg);
	if (rc)
		ck_assert_str_eq(err.msg, extensions[_i].why);
	ck_assert(!value == !extensions[_i].value);
	if (value) {
		ck_assert_uint_eq(n, strlen(extensions[_i].value));
		ck_assert_mem_eq(value, extensions[_i].value, n);
	}
	cert_free(c);
}
END_TEST

static const struct {
	const char *name, *text, *why;
	enum cert_name_type type;
} names[] = {
	{"email", "dev@example.com", NULL, CERT_NAME_EMAIL},
	{"ip4", "192.0.2.1", NULL, CERT_NAME_IP},
	{"ip6", "::1", NULL, CERT_NAME_IP},
	{"other-name", "dev", NULL, CERT_NAME_OTHER},
	{"email-not-ascii", NULL, "a name in the certificate has a NUL or is not ASCII", 0},
	{"email-nul", NULL, "a name in the certificate has a NUL or is not ASCII", 0},
	{"ip-3", NULL, "an address in the certificate is none", 0},
	{"ip-5", NULL, "an address in the certificate is none", 0},
	{"other-name-ia5", NULL, "an otherName in the certificate is no UTF8String", 0},
};

START_TEST(test_names)
{
	struct cert *c = cert_of(names[_i].name);
	struct cert_names all = {0};
	struct err err = {0};
	int rc = cert_names(&all, c, &err);

	ck_assert_msg(!rc == !names[_i].why, "%s: %s", names[_i].name, err.msg);
	if (rc) {
		ck_assert_str_eq(err.msg, names[_i].why);
	} else {
		ck_assert_uint_eq(all.len, 1);
		ck_assert_str_eq(all.p[0].text, names[_i].text);
		ck_assert_int_eq(all.p[0].type, names[_i].type);
	}
	cert_names_clear(&all);
	cert_free(c);
}
END_TEST

#define UTF8(text) {text, sizeof(text) - 1}

/* What is no UTF8String and nothing behind it. */
static const struct {
	const char *der;
	size_t n;
} strings[] = {
	{"", 0}, UTF8("\x0c"),
	UTF8("\x0c\x05"
	     "a"), /* shorter than it says */
	UTF8("\x0c\x01"
	     "ab"), /* something behind it */
	UTF8("\x13\x01"
	     "a"), /* PrintableString */
	UTF8("\x8c\x01"
	     "a"), /* of a context */
	UTF8("\x2c\x03\x0c\x01"
	     "a"), /* made of parts */
	UTF8("\x2c\x80\x0c\x01"
	     "a\0\0"), /* of unknown length */
};

START_TEST(test_utf8)
{
	const char *text = NULL;
	struct err err = {0};
	size_t n = 0;

	ck_assert_int_eq(
		cert_utf8((const unsigned char *)strings[_i].der, strings[_i].n, &text, &n, &err),
		-1);
	ck_assert_str_eq(err.msg, "it is no UTF8String");
	err_clear(&err);
	ck_assert(!cert_utf8((const unsigned char *)"\x0c\x02"
						    "ab",
		4, &text, &n, &err));
	ck_assert_uint_eq(n, 2);
	ck_assert_mem_eq(text, "ab", 2);
}
END_TEST

START_TEST(test_without_timestamps)
{
	struct cert *none = cert_of("no-extension"), *good = cert_of("good");
	auto_buf struct buf out = BUF_INIT(BUF_ANY), small = BUF_INIT(64);
	struct err err = {0};

	ck_assert_int_eq(cert_tbs(none, &out, &err), -1);
	ck_assert_str_eq(err.msg, "the certificate cannot be written without timestamps");
	err_clear(&err);
	ck_assert_int_eq(cert_tbs(good, &small, &err), -1);
	ck_assert_str_eq(err.msg, "the certificate cannot be written without timestamps");
	err_clear(&err);
	ck_assert(!cert_tbs(good, &out, &err));
	cert_free(none);
	cert_free(good);
}
END_TEST

/* ---- paths ----------------------------------------------------------------------------------- */

START_TEST(test_own_anchor)
{
	struct cert *c = cert_of("good");
	struct cert_chain chain;
	struct err err = {0};

	ck_assert_int_eq(
		cert_chain_find(&chain, c, (const struct cert *const[]){c}, 1, cert_from(c), &err),
		-1);
	ck_assert_str_eq(err.msg, "the certificate is an anchor itself");
	cert_free(c);
}
END_TEST

Suite *suite_cert(void)
{
	Suite *s = suite_create("cert");
	TCase *tc = tcase_create("cert");

	tcase_add_loop_test(tc, test_reads, 0, ARRAY_LEN(reads));
	tcase_add_test(tc, test_sizes);
	tcase_add_loop_test(tc, test_pems, 0, ARRAY_LEN(pems));
	tcase_add_test(tc, test_pem_nul);
	tcase_add_test(tc, test_equal);
	tcase_add_loop_test(tc, test_extensions, 0, ARRAY_LEN(extensions));
	tcase_add_loop_test(tc, test_names, 0, ARRAY_LEN(names));
	tcase_add_loop_test(tc, test_utf8, 0, ARRAY_LEN(strings));
	tcase_add_test(tc, test_without_timestamps);
	tcase_add_test(tc, test_own_anchor);
	suite_add_tcase(s, tc);
	return s;
}
