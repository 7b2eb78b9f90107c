/* Timestamps: what a token says of its time, and the parts of it that a signer may have made up.
   Whose word counts is tested where tokens are used (test/unit/verify). */
#include "crypto/timestamp.h"

#include "base/limits.h"
#include "base/vec.h"
#include "crypto/cert.h"
#include "test/unit/verify/vectors.h"

#include <openssl/ts.h>

Suite *suite_timestamp(void);

#define AT_MS 1768478400000LL /* 2026-01-15T12:00:00Z */
#define MESSAGE "a message"
#define ACCURACY "its accuracy cannot be read"
#define NO_TIME "its signing time cannot be read"
#define NOT_VALID "its signing time is not one at which its certificates are valid"
#define NONE "it is none"

static void stamp_der(struct buf *der, const char *name)
{
	auto_free char *text = vector_text("keyless/", "stamps", ".json");
	json_t *all = json_loads(text, 0, NULL);
	const char *base64 = json_string_value(json_object_get(all, name));
	struct err err = {0};

	ck_assert_msg(base64 != NULL, "no timestamp '%s'", name);
	ck_assert(!base64_decode(der, base64, strlen(base64), BASE64_STD, &err));
	json_decref(all);
}

static int token_verify(
	struct timestamp *out, const void *der, size_t n, const char *root, struct err *err)
{
	auto_buf struct buf pem = BUF_INIT(BUF_ANY);
	struct notary_certs roots = {0};
	int rc;

	stamp_der(&pem, root);
	ck_assert(!notary_certs_add(&roots, pem.p, pem.len, err));
	*out = (struct timestamp){0};
	rc = timestamp_token_verify(out, der, n, MESSAGE, strlen(MESSAGE), &roots, err);
	notary_certs_clear(&roots);
	return rc;
}

static const struct {
	const char *name, *why; /* NULL: good */
	int64_t accuracy_ms;
} rows[] = {
	{"good", NULL, 0},
	{"accuracy", NULL, 1501},
	{"accuracy-day", NULL, 86400000},
	{"accuracy-more", ACCURACY, 0},
	{"accuracy-negative", ACCURACY, 0},
	{"accuracy-negative-millis", ACCURACY, 0},
	{"accuracy-negative-micros", ACCURACY, 0},
	/* More than 64 bits: what cannot be read is not 0. */
	{"accuracy-wide", ACCURACY, 0},
	{"accuracy-wide-micros", ACCURACY, 0},
	{"baseline", NULL, 1000},
	{"baseline-and-more", NULL, 0},
	{"baseline-other", NULL, 0},
	{"baseline-less", NULL, 0},
	{"baseline-long", NULL, 0},
	{"said", NULL, 0},
	{"said-first", NULL, 0},
	{"said-last", NULL, 0},
	{"said-early", NOT_VALID, 0},
	{"said-late", NOT_VALID, 0},
	/* OpenSSL takes nothing for the present. */
	{"said-null", NO_TIME, 0},
	{"said-text", NO_TIME, 0},
	{"said-boolean", NO_TIME, 0},
	{"said-type", NO_TIME, 0},
	{"said-broken", NO_TIME, 0},
	{"response", NONE, 0},
};

START_TEST(test_tokens)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct timestamp t;
	struct err err = {0};
	int rc;

	stamp_der(&der, rows[_i].name);
	rc = token_verify(&t, der.p, der.len, "tsa-root", &err);
	ck_assert_msg(!rc == !rows[_i].why, "%s: %s", rows[_i].name, err.msg);
	if (rc) {
		ck_assert_str_eq(err.msg, rows[_i].why);
	} else {
		ck_assert_int_eq(t.from_ms, AT_MS - rows[_i].accuracy_ms);
		ck_assert_int_eq(t.until_ms, AT_MS + rows[_i].accuracy_ms);
		ck_assert_uint_eq(t.chain.len, 2);
	}
	notary_certs_clear(&t.chain);
}
END_TEST

/* Who has signed it is none of the roots, be it trusted for all else. */
START_TEST(test_no_path)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct timestamp t;
	struct err err = {0};

	stamp_der(&der, "good");
	ck_assert_int_eq(token_verify(&t, der.p, der.len, "tsa", &err), -1);
	ck_assert_str_eq(err.msg,
		"its signature is not of this authority: unable to get local issuer certificate");
	ck_assert_uint_eq(t.chain.len, 0);
	err_clear(&err);
	ck_assert_int_eq(token_verify(&t, "", 0, "tsa-root", &err), -1);
	ck_assert_str_eq(err.msg, NONE);
}
END_TEST

/* ---- long ones ------------------------------------------------------------------------------- */

/* More certificates, which nobody signs, until the next one would be too many; over: that one,
   too. */
static void certs_add(PKCS7 *token, size_t n, bool over)
{
	auto_buf struct buf cert = BUF_INIT(BUF_ANY);
	const unsigned char *at;
	size_t i, more;
	X509 *x;

	stamp_der(&cert, "tsa-root");
	at = (const unsigned char *)cert.p;
	x = d2i_X509(NULL, &at, (long)cert.len);
	/* Eight lengths around them may become longer, by three bytes at most. */
	more = (LIMIT_TIMESTAMP - n - 24) / cert.len + over;
	for (i = 0; i < more; i++)
		ck_assert(PKCS7_add_certificate(token, x) == 1);
	X509_free(x);
}

static void long_token(struct buf *out, bool over)
{
	auto_buf struct buf good = BUF_INIT(BUF_ANY);
	const unsigned char *at;
	unsigned char *der = NULL;
	PKCS7 *token;
	int n;

	stamp_der(&good, "good");
	at = (const unsigned char *)good.p;
	token = d2i_PKCS7(NULL, &at, (long)good.len);
	certs_add(token, good.len, over);
	n = i2d_PKCS7(token, &der);
	ck_assert(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	PKCS7_free(token);
}

static void long_response(struct buf *out, bool over)
{
	auto_buf struct buf good = BUF_INIT(BUF_ANY);
	const unsigned char *at;
	unsigned char *der = NULL;
	TS_RESP *resp;
	int n;

	stamp_der(&good, "response");
	at = (const unsigned char *)good.p;
	resp = d2i_TS_RESP(NULL, &at, (long)good.len);
	certs_add(TS_RESP_get_token(resp), good.len, over);
	n = i2d_TS_RESP(resp, &der);
	ck_assert(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	TS_RESP_free(resp);
}

/* _i: over. */
START_TEST(test_long_token)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct timestamp t;
	struct err err = {0};

	long_token(&der, _i);
	ck_assert_int_eq(der.len > LIMIT_TIMESTAMP, _i);
	ck_assert_msg(token_verify(&t, der.p, der.len, "tsa-root", &err) == -_i, "%s", err.msg);
	ck_assert_str_eq(err.msg, _i ? NONE : "");
	notary_certs_clear(&t.chain);
}
END_TEST

START_TEST(test_long_response)
{
	auto_buf struct buf der = BUF_INIT(BUF_ANY), tsa = BUF_INIT(BUF_ANY),
			    root = BUF_INIT(BUF_ANY);
	struct cert *authority[2] = {0};
	struct err err = {0};
	int64_t at_s = 0;

	stamp_der(&tsa, "tsa");
	stamp_der(&root, "tsa-root");
	ck_assert(!cert_parse_der(&authority[0], tsa.p, tsa.len, &err));
	ck_assert(!cert_parse_der(&authority[1], root.p, root.len, &err));
	long_response(&der, _i);
	ck_assert_int_eq(der.len > LIMIT_TIMESTAMP, _i);
	ck_assert_msg(timestamp_verify(&at_s, der.p, der.len, MESSAGE, strlen(MESSAGE),
			      (const struct cert *const *)authority, 2, &err) == -_i,
		"%s", err.msg);
	ck_assert_str_eq(err.msg, _i ? NONE : "");
	ck_assert_int_eq(at_s, _i ? 0 : AT_MS / 1000);
	cert_free(authority[0]);
	cert_free(authority[1]);
}
END_TEST

Suite *suite_timestamp(void)
{
	Suite *s = suite_create("timestamp");
	TCase *tc = tcase_create("timestamp");

	tcase_add_loop_test(tc, test_tokens, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_no_path);
	tcase_add_loop_test(tc, test_long_token, 0, 2);
	tcase_add_loop_test(tc, test_long_response, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
