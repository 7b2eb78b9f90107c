/* Lists of timestamps of logs in certificates: their form, and which signatures count. */
#include "crypto/sct.h"

#include "base/limits.h"
#include "crypto/pubkey.h"
#include "test/unit/crypto/certs.h"

Suite *suite_sct(void);

#define BROKEN "the certificate's timestamps (SCT) are broken"

static const struct {
	const char *name;
	int n; /* -1: it is refused */
	const char *why;
} lists[] = {
	{"good", 1, NULL},
	{"sct", 1, NULL},
	{"sct-future", 1, NULL},
	{"sct-long-length", 1, NULL},
	{"sct-16", 16, NULL},
	{"no-extension", -1, "the certificate has no timestamp (SCT) of a log"},
	{"sct-twice", -1, "the certificate has the extension 1.3.6.1.4.1.11129.2.4.2 twice"},
	{"sct-nothing", -1, BROKEN},
	{"sct-tag-only", -1, BROKEN},
	{"sct-tag", -1, BROKEN},
	{"sct-no-length", -1, BROKEN},
	{"sct-3-bytes-of-length", -1, BROKEN},
	{"sct-length-cut", -1, BROKEN},
	{"sct-octets-cut", -1, BROKEN},
	{"sct-octets-more", -1, BROKEN},
	{"sct-octets-empty", -1, BROKEN},
	{"sct-list-empty", -1, BROKEN},
	{"sct-list-more", -1, BROKEN},
	{"sct-list-cut", -1, BROKEN},
	{"sct-entry-cut", -1, BROKEN},
	{"sct-entry-empty", -1, BROKEN},
	{"sct-entry-long", -1, BROKEN},
	{"sct-no-id", -1, BROKEN},
	{"sct-no-time", -1, BROKEN},
	{"sct-extensions-long", -1, BROKEN},
	{"sct-no-length-128", -1, BROKEN},
	{"sct-more", -1, BROKEN},
	{"sct-17", -1, BROKEN},
	{"sct-cut-1", -1, BROKEN},
	{"sct-cut-32", -1, BROKEN},
	{"sct-cut-33", -1, BROKEN},
	{"sct-cut-40", -1, BROKEN},
	{"sct-cut-41", -1, BROKEN},
	{"sct-cut-42", -1, BROKEN},
	{"sct-cut-43", -1, BROKEN},
	{"sct-cut-44", -1, BROKEN},
	{"sct-cut-45", -1, BROKEN},
	{"sct-cut-46", -1, BROKEN},
	{"sct-cut-48", -1, BROKEN},
};

START_TEST(test_lists)
{
	struct cert *c = cert_of(lists[_i].name);
	struct sct all[SCT_MAX];
	struct err err = {0};
	int n = sct_read(all, c, &err);

	ck_assert_msg(n == lists[_i].n, "%s: %d, %s", lists[_i].name, n, err.msg);
	if (n < 0)
		ck_assert_msg(!strcmp(err.msg, lists[_i].why), "%s: %s", lists[_i].name, err.msg);
	cert_free(c);
}
END_TEST

/* ---- signatures ------------------------------------------------------------------------------ */

/* The bytes that a log signs: of no extensions, with a TBSCertificate "tbs" by an issuer whose key
   hashes to the empty text's digest. */
static void message_of(struct buf *m, const struct digest *issuer)
{
	buf_add(m, "\0\0\0\0\0\0\0\0\0\7\0\1", 12);
	buf_add(m, issuer->bin, 32);
	buf_add(m, "\0\0\3tbs\0\0", 8);
}

static struct pubkey *rsa_key(void)
{
	auto_free char *pem = vector_text("keys/", "rsa2048", ".pub");
	struct pubkey *key = NULL;
	struct err err = {0};

	ck_assert(!pubkey_parse(&key, pem, strlen(pem), &err));
	return key;
}

START_TEST(test_signature)
{
	auto_buf struct buf m = BUF_INIT(BUF_ANY), sig = BUF_INIT(BUF_ANY), tbs = BUF_INIT(BUF_ANY);
	struct pubkey *key = rsa_key();
	struct sct s = {.time_ms = 7, .hash = 4, .algo = 1};
	struct digest issuer;

	digest_mem(&issuer, DIGEST_SHA256, "", 0);
	message_of(&m, &issuer);
	vector_sign(&sig, m.p, m.len);
	buf_adds(&tbs, "tbs");
	s.sig = (const unsigned char *)sig.p;
	s.sig_len = sig.len;
	ck_assert(sct_verifies(&s, &tbs, &issuer, key));
	s.hash = 5; /* it says SHA-384 */
	ck_assert(!sct_verifies(&s, &tbs, &issuer, key));
	s.hash = 4;
	s.algo = 3; /* it says ECDSA */
	ck_assert(!sct_verifies(&s, &tbs, &issuer, key));
	s.algo = 2; /* DSA */
	ck_assert(!sct_verifies(&s, &tbs, &issuer, key));
	s.algo = 1;
	s.time_ms = 8;
	ck_assert(!sct_verifies(&s, &tbs, &issuer, key));
	pubkey_free(key);
}
END_TEST

Suite *suite_sct(void)
{
	Suite *s = suite_create("sct");
	TCase *tc = tcase_create("sct");

	tcase_add_loop_test(tc, test_lists, 0, ARRAY_LEN(lists));
	tcase_add_test(tc, test_signature);
	suite_add_tcase(s, tc);
	return s;
}
