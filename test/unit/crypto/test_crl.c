/* Lists of revoked certificates: honest ones, and what must not count, each for its reason. */
#include "crypto/crl.h"

#include "base/limits.h"
#include "test/unit/crypto/revocation.h"

Suite *suite_crl(void);

#define URL "http://pki.example/root.crl"
#define NONE "it is no list of revoked certificates"
#define UNSIGNED "the list is not signed by the issuer"
#define OTHERS "the list is about other certificates"
#define PLACE "the list is the one of another place"
#define ENTRY "its entry in the list is broken, or has a critical extension"

static const struct {
	const char *name;
	enum revoked_status status;
	const char *why; /* NULL: it counts */
	const char *cert, *issuer; /* NULL: leaf, root */
} rows[] = {
	{"empty", REVOKED_NO, NULL, NULL, NULL},
	{"empty-sequence", REVOKED_NO, NULL, NULL, NULL},
	{"no-extensions", REVOKED_NO, NULL, NULL, NULL},
	{"others", REVOKED_NO, NULL, NULL, NULL},
	{"empty-rsa", REVOKED_NO, NULL, "leaf-rsa", "root-rsa"},
	{"empty-rsa-pss", REVOKED_NO, NULL, "leaf-rsa", "root-rsa"},
	{"empty-p384", REVOKED_NO, NULL, "leaf-p384", "root-p384"},
	{"empty-ed25519", REVOKED_NO, NULL, "leaf-ed25519", "root-ed25519"},
	{"just-now", REVOKED_NO, NULL, NULL, NULL},
	{"not-critical", REVOKED_NO, NULL, NULL, NULL},
	{"entry-critical-other", REVOKED_NO, NULL, NULL, NULL},
	{"revoked", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-no-reason", REVOKED_YES, NULL, NULL, NULL},
	{"revoked-invalid", REVOKED_YES, NULL, NULL, NULL},
	{"hold", REVOKED_YES, NULL, NULL, NULL},
	{"removed", REVOKED_NO, NULL, NULL, NULL},
	{"hold-then-removed", REVOKED_NO, NULL, NULL, NULL},
	{"removed-then-hold", REVOKED_YES, NULL, NULL, NULL},
	{"removed-listed-first", REVOKED_NO, NULL, NULL, NULL},
	{"removed-but-revoked", REVOKED_YES, NULL, NULL, NULL},
	{"expired", 0, "the list has expired on 2026-11-30T23:59:59Z", NULL, NULL},
	{"no-end", 0, "the list does not say until when it counts", NULL, NULL},
	{"future", 0, "the list is of the future: of 2026-12-01T00:05:01Z", NULL, NULL},
	{"other-issuer", 0, "the list is of another issuer", NULL, NULL},
	{"other-name", 0, "the list is of another issuer", NULL, NULL},
	{"other-key", 0, UNSIGNED, NULL, NULL},
	{"sha1", 0, UNSIGNED, NULL, NULL},
	{"unsigned", 0, UNSIGNED, NULL, NULL},
	{"edited", 0, UNSIGNED, NULL, NULL},
	{"two-algorithms", 0, UNSIGNED, NULL, NULL},
	{"no-crl-sign", 0, "the issuer's key usage has no cRLSign", "below-no-crl-sign",
		"no-crl-sign"},
	{"critical", 0, "the list has a critical extension that is not known", NULL, NULL},
	{"entry-critical", 0, ENTRY, NULL, NULL},
	{"entry-broken-date", 0, ENTRY, NULL, NULL},
	{"entry-broken-reason", 0, ENTRY, NULL, NULL},
	{"entry-bad-time", 0, ENTRY, NULL, NULL},
	{"entry-padded-serial", 0, "the list has an entry that is broken", NULL, NULL},
	{"entry-is-junk", 0, "the list has an entry that is broken", NULL, NULL},
	{"delta", 0, "the list is a delta list", NULL, NULL},
	{"freshest", 0, "the list is to be read with a delta list (freshestCRL)", NULL, NULL},
	{"scope-same-place", REVOKED_NO, NULL, NULL, NULL},
	{"scope-two-places", REVOKED_NO, NULL, NULL, NULL},
	{"scope-other-place", 0, PLACE, NULL, NULL},
	{"scope-relative", 0, PLACE, NULL, NULL},
	{"scope-users", REVOKED_NO, NULL, NULL, NULL},
	{"scope-cas", 0, OTHERS, NULL, NULL},
	{"scope-attributes", 0, OTHERS, NULL, NULL},
	{"scope-reasons", 0, "the list is about some reasons only", NULL, NULL},
	{"scope-indirect", 0, "the list is about certificates of several issuers", NULL, NULL},
	{"scope-broken", 0, "the list has an extension that is broken", NULL, NULL},
	{"version-1", 0, NONE, NULL, NULL},
	{"version-3", 0, NONE, NULL, NULL},
	{"version-enumerated", 0, NONE, NULL, NULL},
	{"version-long", 0, NONE, NULL, NULL},
	{"inner-set", 0, NONE, NULL, NULL},
	{"outer-set", 0, NONE, NULL, NULL},
	{"name-set", 0, NONE, NULL, NULL},
	{"no-times", 0, NONE, NULL, NULL},
	{"no-end-at-all", 0, "the list does not say until when it counts", NULL, NULL},
	{"tbs-set", 0, NONE, NULL, NULL},
	{"signature-octets", 0, NONE, NULL, NULL},
	{"behind-signature", 0, NONE, NULL, NULL},
	{"entries-indefinite", 0, NONE, NULL, NULL},
	{"extensions-other-class", 0, NONE, NULL, NULL},
	{"extensions-empty", 0, "the list has an extension that is broken", NULL, NULL},
	{"extensions-behind", 0, "the list has an extension that is broken", NULL, NULL},
	{"algorithm-broken", 0, UNSIGNED, NULL, NULL},
	{"signature-empty", 0, UNSIGNED, NULL, NULL},
	{"same-length-name", 0, "the list is of another issuer", NULL, NULL},
	{"bad-start", 0, "the list has a time that is none", NULL, NULL},
	{"bad-end", 0, "the list has a time that is none", NULL, NULL},
	{"weak-key", 0, UNSIGNED, "leaf-p192", "root-p192"},
	{"rsa-says-ecdsa", 0, UNSIGNED, "leaf-rsa", "root-rsa"},
	{"entry-set", 0, "the list has an entry that is broken", NULL, NULL},
	{"entry-serial-enumerated", 0, "the list has an entry that is broken", NULL, NULL},
	{"entry-no-time", 0, "the list has an entry that is broken", NULL, NULL},
	{"entry-behind", 0, "the list has an entry that is broken", NULL, NULL},
	{"entry-serial-empty", 0, "the list has an entry that is broken", NULL, NULL},
	{"scope-dns", 0, PLACE, NULL, NULL},
	{"scope-longer-place", 0, PLACE, NULL, NULL},
	{"scope-same-length", 0, PLACE, NULL, NULL},
	{"tail", 0, NONE, NULL, NULL},
	{"indefinite", 0, NONE, NULL, NULL},
	{"cut", 0, NONE, NULL, NULL},
	{"junk", 0, NONE, NULL, NULL},
};

static int read_at(struct revoked *out, const char *name, const char *cert, const char *issuer,
	const char *now, struct err *err)
{
	struct notary_cert *c = revocation_cert(cert ? cert : "leaf");
	struct notary_cert *by = revocation_cert(issuer ? issuer : "root");
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	int rc;

	revocation_der(&der, "crl", name);
	rc = crl_read(out, c, by, URL, der.p, der.len, revocation_time(now), err);
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
	revocation_count("crl", ARRAY_LEN(rows));
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
	ck_assert(revoked_counts(&got, 1));
	ck_assert(!read_at(&got, "revoked-no-reason", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_str_eq(revoked_reason(got.reason), "unspecified");
	ck_assert(!read_at(&got, "hold", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_str_eq(revoked_reason(got.reason), "certificateHold");
	ck_assert(!read_at(&got, "revoked-invalid", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_int_eq(got.invalid_ms, may);
	ck_assert(revoked_counts(&got, may) && !revoked_counts(&got, may - 1));
	ck_assert(!read_at(&got, "removed-but-revoked", NULL, NULL, REVOCATION_NOW, &err));
	ck_assert_str_eq(revoked_reason(got.reason), "keyCompromise");
}
END_TEST

/* A list of CAs is about one, and not about others; and the other way round. */
START_TEST(test_of_a_ca)
{
	struct revoked got;
	struct err err = {0};

	ck_assert(!read_at(&got, "scope-cas", "middle", NULL, REVOCATION_NOW, &err));
	ck_assert(read_at(&got, "scope-users", "middle", NULL, REVOCATION_NOW, &err));
	ck_assert_str_eq(err.msg, OTHERS);
}
END_TEST

START_TEST(test_moments)
{
	struct revoked got;
	struct err err = {0};

	ck_assert(!read_at(&got, "empty", NULL, NULL, "2026-12-10T00:00:00Z", &err));
	ck_assert(read_at(&got, "empty", NULL, NULL, "2026-12-10T00:00:00.001Z", &err));
	ck_assert(strstr(err.msg, "has expired"));
	ck_assert(!read_at(&got, "empty", NULL, NULL, "2026-11-19T23:55:00Z", &err));
	ck_assert(read_at(&got, "empty", NULL, NULL, "2026-11-19T23:54:59.999Z", &err));
}
END_TEST

/* No byte of a list can be another one. */
START_TEST(test_bytes)
{
	struct notary_cert *c = revocation_cert("leaf"), *by = revocation_cert("root");
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct revoked got;
	size_t i;

	revocation_der(&der, "crl", "hold");
	for (i = 0; i < der.len; i++) {
		struct err err = {0};

		der.p[i] ^= 1;
		ck_assert_msg(crl_read(&got, c, by, URL, der.p, der.len,
				      revocation_time(REVOCATION_NOW), &err) &&
				got.status == REVOKED_UNKNOWN && !got.until_ms,
			"byte %zu", i);
		der.p[i] ^= 1;
	}
	for (i = 0; i < der.len; i++) {
		struct err err = {0};

		ck_assert_msg(
			crl_read(&got, c, by, URL, der.p, i, revocation_time(REVOCATION_NOW), &err),
			"%zu bytes", i);
		ck_assert_str_eq(err.msg, NONE);
	}
	notary_cert_free(c);
	notary_cert_free(by);
}
END_TEST

/* A list with one entry of so many bytes that it has n of them. */
static char *list_of(size_t n)
{
	static const char rest[] = "\x30\x00\x03\x00",
			  inner[] = "\x02\x01\x01\x30\x00\x30\x00"
				    "\x17\x00";
	size_t left[] = {n - 6, n - 12 - 4, n - 18 - 4 - 9};
	char *out = mem_zalloc(n), *at = out;
	size_t i;

	for (i = 0; i < 3; i++) {
		if (i == 2) {
			memcpy(at, inner, sizeof(inner) - 1);
			at += sizeof(inner) - 1;
		}
		*at++ = 0x30;
		*at++ = (char)0x84;
		*at++ = (char)(left[i] >> 24);
		*at++ = (char)(left[i] >> 16);
		*at++ = (char)(left[i] >> 8);
		*at++ = (char)left[i];
	}
	memcpy(out + n - (sizeof(rest) - 1), rest, sizeof(rest) - 1);
	return out;
}

START_TEST(test_too_long)
{
	struct notary_cert *c = revocation_cert("leaf");
	size_t i;

	for (i = 0; i < 2; i++) {
		auto_free char *data = list_of(LIMIT_CRL + i);
		struct revoked got;
		struct err err = {0};

		ck_assert(crl_read(&got, c, c, URL, data, LIMIT_CRL + i, 0, &err));
		ck_assert_str_eq(err.msg, i ? NONE : "the list is of another issuer");
	}
	notary_cert_free(c);
}
END_TEST

Suite *suite_crl(void)
{
	Suite *s = suite_create("crl");
	TCase *tc = tcase_create("lists");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(tc, test_all_rows);
	tcase_add_test(tc, test_what_it_says);
	tcase_add_test(tc, test_of_a_ca);
	tcase_add_test(tc, test_moments);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_too_long);
	suite_add_tcase(s, tc);
	return s;
}
