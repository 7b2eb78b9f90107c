/* Answers of OCSP: honest ones, and what must not count, each for its reason. */
#include "crypto/ocsp.h"

#include "base/limits.h"
#include "test/unit/crypto/revocation.h"

#include <openssl/ocsp.h>

Suite *suite_ocsp(void);

#define OTHER "the answer is about another certificate"
#define NOBODY "the answer is signed neither by the issuer nor by a certificate in it"
#define CRITICAL "the answer has a critical extension that is not known"
#define NONE "it is no answer of OCSP"

static const struct {
	const char *name;
	enum revoked_status status;
	const char *why; /* NULL: it counts */
	const char *cert, *issuer; /* NULL: leaf, root */
} rows[] = {
	{"good", REVOKED_NO, NULL, NULL, NULL},
	{"good-sha256-id", REVOKED_NO, NULL, NULL, NULL},
	{"good-responder", REVOKED_NO, NULL, NULL, NULL},
	{"good-responder-nocheck", REVOKED_NO, NULL, NULL, NULL},
	{"good-chain-of-two", REVOKED_NO, NULL, NULL, NULL},
	{"good-among-others", REVOKED_NO, NULL, NULL, NULL},
	{"good-nonce", REVOKED_NO, NULL, NULL, NULL},
	{"good-ca", REVOKED_NO, NULL, "middle", NULL},
	{"good-rsa", REVOKED_NO, NULL, "leaf-rsa", "root-rsa"},
	{"good-rsa-pss", REVOKED_NO, NULL, "leaf-rsa", "root-rsa"},
	{"good-p384", REVOKED_NO, NULL, "leaf-p384", "root-p384"},
	{"good-ed25519", REVOKED_NO, NULL, "leaf-ed25519", "root-ed25519"},
	{"just-now", REVOKED_NO, NULL, NULL, NULL},
	{"revoked", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-no-reason", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-invalid", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-invalid-broken", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-responder", REVOKED_YES, NULL, NULL, NULL},
	{"unknown", REVOKED_UNKNOWN, NULL, NULL, NULL},
	{"expired", 0, "the answer has expired on 2026-11-30T23:59:59Z", NULL, NULL},
	{"no-end", 0, "the answer does not say until when it counts", NULL, NULL},
	{"future", 0, "the answer is of the future: of 2026-12-01T00:05:01Z", NULL, NULL},
	{"bad-time", 0, "the answer has a time that is none", NULL, NULL},
	{"bad-start", 0, "the answer has a time that is none", NULL, NULL},
	{"other-hash", 0, OTHER, NULL, NULL},
	{"unsigned", 0, NOBODY, NULL, NULL},
	{"other-key", 0, NOBODY, NULL, NULL},
	{"sha1", 0, NOBODY, NULL, NULL},
	{"edited", 0, NOBODY, NULL, NULL},
	{"other-certificate", 0, OTHER, NULL, NULL},
	{"same-serial-other-issuer", 0, OTHER, NULL, NULL},
	{"other-name-hash", 0, OTHER, NULL, NULL},
	{"critical-single", 0, CRITICAL, NULL, NULL},
	{"critical-answer", 0, CRITICAL, NULL, NULL},
	{"other-kind", 0, "the answer is of no kind that is known", NULL, NULL},
	{"tail", 0, NONE, NULL, NULL},
	{"junk", 0, NONE, NULL, NULL},
	{"responder-not-there", 0, NOBODY, NULL, NULL},
	{"responder-other-signs", 0, NOBODY, NULL, NULL},
	{"responder-of-another", 0, "who signs the answer has no certificate of this issuer", NULL,
		NULL},
	{"responder-not-for-that", 0,
		"the certificate of who signs the answer is not for that (OCSPSigning)", NULL,
		NULL},
	{"responder-for-nothing", 0,
		"the certificate of who signs the answer is not for that (OCSPSigning)", NULL,
		NULL},
	{"responder-expired", 0, "the certificate of who signs the answer is not valid now", NULL,
		NULL},
	{"responder-not-yet", 0, "the certificate of who signs the answer is not valid now", NULL,
		NULL},
	{"responder-usage", 0, "the key usage of who signs the answer has no digitalSignature",
		NULL, NULL},
	{"responder-critical", 0, "the certificate of who signs the answer is broken, or has a ",
		NULL, NULL},
	{"status-0-empty", 0, "the answer is of no kind that is known", NULL, NULL},
	{"status-1", 0, "the answer is 'malformedrequest'", NULL, NULL},
	{"status-2", 0, "the answer is 'internalerror'", NULL, NULL},
	{"status-3", 0, "the answer is 'trylater'", NULL, NULL},
	{"status-5", 0, "the answer is 'sigrequired'", NULL, NULL},
	{"status-6", 0, "the answer is 'unauthorized'", NULL, NULL},
};

static int read_at(struct revoked *out, const char *name, const char *cert, const char *issuer,
	const char *now, struct err *err)
{
	struct notary_cert *c = revocation_cert(cert ? cert : "leaf");
	struct notary_cert *by = revocation_cert(issuer ? issuer : "root");
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	int rc;

	revocation_der(&der, "ocsp", name);
	rc = ocsp_read(out, c, by, der.p, der.len, revocation_time(now), err);
	notary_cert_free(c);
	notary_cert_free(by);
	return rc;
}

START_TEST(test_rows)
{
	struct revoked got;
	struct err err = {0};
	int rc = read_at(&got, rows[_i].name, rows[_i].cert, rows[_i].issuer, REVOCATION_NOW, &err);

	ck_assert_msg(!rc == !rows[_i].why, "%s: %s", rows[_i].name, err.msg);
	ck_assert_msg(got.status == rows[_i].status, "%s: %d", rows[_i].name, got.status);
	if (rc)
		ck_assert_msg(strstr(err.msg, rows[_i].why), "%s: %s", rows[_i].name, err.msg);
	else
		ck_assert_int_eq(got.until_ms, revocation_time("2026-12-10T00:00:00Z"));
}
END_TEST

START_TEST(test_all_rows)
{
	revocation_count("ocsp", ARRAY_LEN(rows));
}
END_TEST

START_TEST(test_what_it_says)
{
	int64_t may = revocation_time("2026-05-01T00:00:00Z");
	struct revoked got;
	struct err err = {0};

	ck_assert(!read_at(&got, "revoked", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_int_eq(got.since_ms, revocation_time("2026-06-01T00:00:00Z"));
	ck_assert_str_eq(revoked_reason(got.reason), "keyCompromise");
	ck_assert_int_eq(got.invalid_ms, 0);
	ck_assert(revoked_counts(&got, 0) && revoked_counts(&got, 1));
	ck_assert(!read_at(&got, "revoked-no-reason", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_str_eq(revoked_reason(got.reason), "unspecified");
	ck_assert(!read_at(&got, "revoked-invalid", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_int_eq(got.invalid_ms, may);
	ck_assert(revoked_counts(&got, 0) && revoked_counts(&got, may));
	ck_assert(!revoked_counts(&got, may - 1));
	ck_assert(!read_at(&got, "revoked-invalid-broken", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert(revoked_counts(&got, 1));
	ck_assert(!read_at(&got, "good", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert(!revoked_counts(&got, 0));
	ck_assert_str_eq(revoked_reason(99), "unspecified");
	ck_assert_str_eq(revoked_reason(-1), "unspecified");
}
END_TEST

/* The moment decides, and it is the caller's. */
START_TEST(test_moments)
{
	struct revoked got;
	struct err err = {0};

	ck_assert(!read_at(&got, "good", NULL, NULL, "2026-12-10T00:00:00Z", &err));
	ck_assert(read_at(&got, "good", NULL, NULL, "2026-12-10T00:00:00.001Z", &err));
	ck_assert(strstr(err.msg, "has expired"));
	ck_assert(!read_at(&got, "good", NULL, NULL, "2026-11-19T23:55:00Z", &err));
	ck_assert(read_at(&got, "good", NULL, NULL, "2026-11-19T23:54:59.999Z", &err));
	ck_assert(strstr(err.msg, "of the future"));
	ck_assert(!read_at(&got, "responder-expired", NULL, NULL, "2026-11-20T00:00:00Z", &err));
}
END_TEST

/* No byte of an answer can be another one. */
START_TEST(test_bytes)
{
	struct notary_cert *c = revocation_cert("leaf"), *by = revocation_cert("root");
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct revoked got;
	size_t i;

	revocation_der(&der, "ocsp", "revoked");
	for (i = 0; i < der.len; i++) {
		struct err err = {0};

		der.p[i] ^= 1;
		ck_assert_msg(ocsp_read(&got, c, by, der.p, der.len,
				      revocation_time(REVOCATION_NOW), &err) &&
				got.status == REVOKED_UNKNOWN && !got.until_ms,
			"byte %zu", i);
		der.p[i] ^= 1;
	}
	notary_cert_free(c);
	notary_cert_free(by);
}
END_TEST

START_TEST(test_too_long)
{
	struct notary_cert *c = revocation_cert("leaf");
	char *data = mem_zalloc(LIMIT_OCSP + 1);
	struct revoked got;
	struct err err = {0};

	ck_assert(ocsp_read(&got, c, c, data, LIMIT_OCSP + 1, 0, &err));
	ck_assert_str_eq(err.msg, NONE);
	err_clear(&err);
	ck_assert(ocsp_read(&got, c, c, "", 0, 0, &err));
	ck_assert_str_eq(err.msg, NONE);
	free(data);
	notary_cert_free(c);
}
END_TEST

/* "good" with so many more certificates in it: who has signed it does not sign those. */
static void padded_der(struct buf *out, int certs)
{
	auto_buf struct buf good = BUF_INIT(BUF_ANY), cert = BUF_INIT(BUF_ANY);
	const unsigned char *at;
	unsigned char *der = NULL;
	OCSP_RESPONSE *r, *padded;
	OCSP_BASICRESP *b;
	X509 *x;
	int n;

	revocation_der(&good, "ocsp", "good");
	revocation_der(&cert, "cert", "root");
	at = (const unsigned char *)good.p;
	r = d2i_OCSP_RESPONSE(NULL, &at, (long)good.len);
	at = (const unsigned char *)cert.p;
	x = d2i_X509(NULL, &at, (long)cert.len);
	b = OCSP_response_get1_basic(r);
	while (certs--)
		ck_assert(OCSP_basic_add1_cert(b, x) == 1);
	padded = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, b);
	n = i2d_OCSP_RESPONSE(padded, &der);
	ck_assert(n > 0);
	buf_add(out, der, (size_t)n);
	OPENSSL_free(der);
	OCSP_BASICRESP_free(b);
	OCSP_RESPONSE_free(r);
	OCSP_RESPONSE_free(padded);
	X509_free(x);
}

/* It is a good answer, and nobody needs one that is so long. */
START_TEST(test_padded)
{
	struct notary_cert *c = revocation_cert("leaf"), *by = revocation_cert("root");
	struct revoked got;
	struct err err = {0};
	int certs = 1, rc;

	for (;; certs++) {
		auto_buf struct buf der = BUF_INIT(BUF_ANY);

		padded_der(&der, certs);
		rc = ocsp_read(&got, c, by, der.p, der.len, revocation_time(REVOCATION_NOW), &err);
		ck_assert_msg(!rc == (der.len <= LIMIT_OCSP), "%zu bytes: %s", der.len, err.msg);
		if (rc)
			break;
	}
	ck_assert_int_gt(certs, 20);
	ck_assert_str_eq(err.msg, NONE);
	notary_cert_free(c);
	notary_cert_free(by);
}
END_TEST

/* What openssl ocsp -issuer root -cert leaf -no_nonce -reqout writes. */
START_TEST(test_request)
{
	static const unsigned char before[] = {0x30, 0x49, 0x30, 0x47, 0x30, 0x45, 0x30, 0x43, 0x30,
		0x41, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14};
	static const unsigned char serial[] = {
		0x02, 0x08, 0x4f, 0xc8, 0x8b, 0x0f, 0xa1, 0xa1, 0x9f, 0x24};
	struct notary_cert *c = revocation_cert("leaf"), *by = revocation_cert("root");
	auto_buf struct buf out = BUF_INIT(BUF_ANY), none = BUF_INIT(20);
	struct err err = {0};

	ck_assert_msg(!ocsp_request(&out, c, by, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, 75);
	ck_assert_mem_eq(out.p, before, sizeof(before));
	ck_assert_mem_eq(out.p + 65, serial, sizeof(serial));
	ck_assert(ocsp_request(&none, c, by, &err));
	ck_assert_str_eq(err.msg, "there is no question about it");
	notary_cert_free(c);
	notary_cert_free(by);
}
END_TEST

/* ---- places ---------------------------------------------------------------------------------- */

static const struct {
	const char *cert;
	bool has_ocsp, has_crl;
	const char *ocsp, *crl;
} places[] = {
	{"plain", false, false, "", ""},
	{"leaf", true, true, "http://pki.example/ocsp;", "http://pki.example/root.crl;"},
	{"places", true, true, "http://a.example/;https://b.example/x;ldap://c.example/;",
		"http://a.example/1.crl;ldap://b.example/x;http://c.example/3.crl;"},
	{"places-nul", true, true, ";", ";"},
	{"places-dns", false, false, "", ""},
	{"places-issuers", false, false, "", ""},
	{"places-without-name", false, true, "", ";"},
	{"places-relative", false, true, "", ";"},
	{"places-broken", true, false, "", ""},
};

START_TEST(test_places)
{
	struct notary_cert *c = revocation_cert(places[_i].cert);
	struct notary_cert *copy = notary_cert_copy(c);
	auto_buf struct buf ocsp = BUF_INIT(BUF_ANY), crl = BUF_INIT(BUF_ANY);
	unsigned i;

	notary_cert_free(c);
	for (i = 0; notary_cert_ocsp_url(copy, i, &ocsp); i++)
		buf_addc(&ocsp, ';');
	for (i = 0; notary_cert_crl_url(copy, i, &crl); i++)
		buf_addc(&crl, ';');
	ck_assert_str_eq(buf_str(&ocsp), places[_i].ocsp);
	ck_assert_str_eq(buf_str(&crl), places[_i].crl);
	ck_assert_int_eq(notary_cert_facts(copy)->has_ocsp, places[_i].has_ocsp);
	ck_assert_int_eq(notary_cert_facts(copy)->has_crl, places[_i].has_crl);
	notary_cert_free(copy);
}
END_TEST

Suite *suite_ocsp(void)
{
	Suite *s = suite_create("ocsp");
	TCase *tc = tcase_create("answers");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_all_rows);
	tcase_add_test(tc, test_what_it_says);
	tcase_add_test(tc, test_moments);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_too_long);
	tcase_add_test(tc, test_padded);
	tcase_add_test(tc, test_request);
	tcase_add_loop_test(tc, test_places, 0, ARRAY_LEN(places));
	suite_add_tcase(s, tc);
	return s;
}
