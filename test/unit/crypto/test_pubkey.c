/* Keys and signatures of test/unit/verify/data, which openssl has made. */
#include "crypto/pubkey.h"

#include "base/limits.h"
#include "test/unit/verify/vectors.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/pem.h>

Suite *suite_pubkey(void);

static const struct {
	const char *file, *why;
} keys[] = {
	{"p256", NULL},
	{"p384", NULL},
	{"p521", NULL},
	{"rsa2048", NULL},
	{"rsa2048-pkcs1", NULL},
	{"rsa3072", NULL},
	{"rsa4096", NULL},
	{"ed25519", NULL},
	{"bad-p224", "on the curve 'secp224r1'"},
	{"bad-k256", "on the curve 'secp256k1'"},
	{"bad-explicit", "whose curve has no name"},
	{"bad-rsa1024", "it is an RSA key of 1024 bits; 2048 to 8192 are taken"},
	{"bad-pss", "it is no ECDSA, RSA or Ed25519 key"},
	{"bad-ed448", "it is no ECDSA, RSA or Ed25519 key"},
	{"bad-certificate", "it is a PEM block 'CERTIFICATE'"},
	{"bad-private", "it is a PEM block 'PRIVATE KEY'"},
	{"bad-broken", "the key in its PEM block is broken"},
};

static int parse(struct pubkey **key, const char *text, struct err *err)
{
	return pubkey_parse(key, text, strlen(text), err);
}

START_TEST(test_keys)
{
	auto_free char *pem = vector_text("keys/", keys[_i].file, ".pub");
	struct pubkey *key = NULL;
	struct err err = {0};
	int rc = parse(&key, pem, &err);

	ck_assert_msg(!rc == !keys[_i].why, "%s: %s", keys[_i].file, err.msg);
	if (rc)
		ck_assert_msg(strstr(err.msg, keys[_i].why), "%s: %s", keys[_i].file, err.msg);
	pubkey_free(key);
}
END_TEST

static const struct {
	const char *key, *sig;
	bool good;
} signatures[] = {
	{"p256", "p256-sha256", true},
	{"p384", "p384-sha256", true},
	{"p521", "p521-sha256", true},
	{"rsa2048", "rsa2048-sha256", true},
	{"rsa2048-pkcs1", "rsa2048-sha256", true},
	{"rsa3072", "rsa3072-sha256", true},
	{"rsa4096", "rsa4096-sha256", true},
	{"ed25519", "ed25519-pure", true},
	{"p256-other", "p256-sha256", false},
	{"p384", "p256-sha256", false},
	{"p384", "p384-sha384", false},
	{"p521", "p521-sha512", false},
	{"rsa2048", "rsa2048-sha512", false},
	{"rsa2048", "rsa2048-pss", false},
	{"rsa2048", "p256-sha256", false},
	{"ed25519", "p256-sha256", false},
	{"p256", "ed25519-pure", false},
};

static struct pubkey *key_of(const char *name)
{
	auto_free char *pem = vector_text("keys/", name, ".pub");
	struct pubkey *key = NULL;
	struct err err = {0};

	ck_assert_msg(!parse(&key, pem, &err), "%s: %s", name, err.msg);
	return key;
}

static void sig_of(const char *name, struct buf *out)
{
	auto_free char *text = vector_text("raw/", name, ".sig");
	struct err err = {0};

	ck_assert(!base64_decode(out, text, strlen(text), BASE64_STD, &err));
}

START_TEST(test_signatures)
{
	auto_free char *message = vector_text("raw/", "message", "");
	auto_buf struct buf sig = BUF_INIT(BUF_ANY);
	struct pubkey *key = key_of(signatures[_i].key);
	size_t n = strlen(message);

	sig_of(signatures[_i].sig, &sig);
	ck_assert_msg(pubkey_verifies(key, sig.p, sig.len, message, n) == signatures[_i].good,
		"%s by %s", signatures[_i].sig, signatures[_i].key);
	ck_assert(!pubkey_verifies(key, sig.p, sig.len, message, n - 1));
	ck_assert(!pubkey_verifies(key, sig.p, sig.len, message, 0));
	ck_assert(!pubkey_verifies(key, sig.p, sig.len - 1, message, n));
	ck_assert(!pubkey_verifies(key, sig.p, 0, message, n));
	buf_addc(&sig, '\0');
	ck_assert(!pubkey_verifies(key, sig.p, sig.len, message, n)); /* K-N1: more behind it */
	pubkey_free(key);
}
END_TEST

/* Whoever signs so has to be asked for it. */
START_TEST(test_pss)
{
	static const char *const others[] = {"rsa3072", "p256", "ed25519"};
	struct pubkey *key = key_of("rsa2048"), *other;
	auto_buf struct buf sig = BUF_INIT(BUF_ANY), pkcs1 = BUF_INIT(BUF_ANY);
	size_t i;

	sig_of("rsa2048-pss", &sig);
	sig_of("rsa2048-sha256", &pkcs1);
	ck_assert(pubkey_verifies_pss(key, sig.p, sig.len, "a message", 9));
	ck_assert(!pubkey_verifies_pss(key, sig.p, sig.len, "a message", 8));
	ck_assert(!pubkey_verifies_pss(key, sig.p, sig.len - 1, "a message", 9));
	ck_assert(!pubkey_verifies_pss(key, sig.p, 0, "a message", 9));
	ck_assert(!pubkey_verifies_pss(key, pkcs1.p, pkcs1.len, "a message", 9));
	for (i = 0; i < ARRAY_LEN(others); i++) {
		other = key_of(others[i]);
		ck_assert(!pubkey_verifies_pss(other, sig.p, sig.len, "a message", 9));
		ck_assert(!pubkey_equal(key, other));
		pubkey_free(other);
	}
	pubkey_free(key);
}
END_TEST

START_TEST(test_equal)
{
	struct pubkey *key = key_of("rsa2048"), *same = key_of("rsa2048-pkcs1");
	struct pubkey *p256 = key_of("p256"), *other = key_of("p256-other");

	ck_assert(pubkey_equal(key, same));
	ck_assert(pubkey_equal(p256, p256));
	ck_assert(!pubkey_equal(p256, other));
	pubkey_free(key);
	pubkey_free(same);
	pubkey_free(p256);
	pubkey_free(other);
}
END_TEST

/* K-N1: r and s of 0, and what each of them may not be. */
START_TEST(test_ecdsa_of_nothing)
{
	static const unsigned char sigs[][8] = {{0x30, 6, 2, 1, 0, 2, 1, 0},
		{0x30, 6, 2, 1, 1, 2, 1, 0}, {0x30, 6, 2, 1, 0, 2, 1, 1},
		{0x30, 6, 2, 1, 0xff, 2, 1, 0xff}};
	struct pubkey *key = key_of("p256");

	ck_assert(!pubkey_verifies(key, sigs[_i], sizeof(sigs[_i]), "a message", 9));
	pubkey_free(key);
}
END_TEST

/* (r, n - s) is a signature as well: who signs has no say in which one is sent. */
START_TEST(test_ecdsa_high)
{
	auto_buf struct buf sig = BUF_INIT(BUF_ANY);
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	struct pubkey *key = key_of("p256");
	const unsigned char *at;
	unsigned char *der = NULL;
	const BIGNUM *r, *s;
	BIGNUM *r2, *s2 = BN_new();
	ECDSA_SIG *e;
	int n;

	sig_of("p256-sha256", &sig);
	at = (const unsigned char *)sig.p;
	e = d2i_ECDSA_SIG(NULL, &at, (long)sig.len);
	ck_assert_ptr_nonnull(e);
	ECDSA_SIG_get0(e, &r, &s);
	r2 = BN_dup(r);
	BN_sub(s2, EC_GROUP_get0_order(group), s);
	ECDSA_SIG_set0(e, r2, s2);
	n = i2d_ECDSA_SIG(e, &der);
	ck_assert(n > 0 && pubkey_verifies(key, der, (size_t)n, "a message", 9));
	OPENSSL_free(der);
	ECDSA_SIG_free(e);
	EC_GROUP_free(group);
	pubkey_free(key);
}
END_TEST

START_TEST(test_text)
{
	auto_free char *pem = vector_text("keys/", "p256", ".pub");
	auto_free char *other = vector_text("keys/", "rsa2048", ".pub");
	auto_free char *noted = mem_printf("a note\n%sanother one\n", pem);
	auto_free char *two = mem_printf("%s%s", pem, other);
	auto_buf struct buf large = BUF_INIT(BUF_ANY);
	struct pubkey *key = NULL;
	struct err err = {0};

	ck_assert_msg(!parse(&key, noted, &err), "%s", err.msg);
	pubkey_free(key);
	ck_assert_int_eq(parse(&key, two, &err), -1);
	ck_assert_msg(strstr(err.msg, "more than one PEM block"), "%s", err.msg);
	err_clear(&err);
	ck_assert_int_eq(parse(&key, "", &err), -1);
	ck_assert_str_eq(err.msg, "it is empty");
	err_clear(&err);
	ck_assert_int_eq(parse(&key,
				 "-----BEGIN PUBLIC KEY-----\nProc-Type: 4,ENCRYPTED\n\nAAAA\n"
				 "-----END PUBLIC KEY-----\n",
				 &err),
		-1);
	ck_assert_str_eq(err.msg, "it is encrypted");
	err_clear(&err);
	ck_assert_int_eq(parse(&key, "garbage", &err), -1);
	ck_assert_str_eq(err.msg, "it is no public key in PEM");
	while (large.len <= LIMIT_PUBLIC_KEY)
		buf_adds(&large, pem);
	err_clear(&err);
	ck_assert_int_eq(parse(&key, buf_str(&large), &err), -1);
	ck_assert_msg(strstr(err.msg, "more than 16384"), "%s", err.msg);
}
END_TEST

/* A byte behind the key, in PEM and without: nobody says whose it is. */
START_TEST(test_behind)
{
	static const struct {
		const char *file, *label;
		enum pubkey_form form;
	} of[] = {{"p256", "PUBLIC KEY", PUBKEY_SPKI}, {"ed25519", "PUBLIC KEY", PUBKEY_SPKI},
		{"rsa2048-pkcs1", "RSA PUBLIC KEY", PUBKEY_PKCS1}};
	auto_free char *pem = vector_text("keys/", of[_i].file, ".pub");
	BIO *in = BIO_new_mem_buf(pem, -1), *out = BIO_new(BIO_s_mem());
	char *name = NULL, *header = NULL, *text = NULL;
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	unsigned char *data = NULL;
	struct pubkey *key = NULL;
	struct err err = {0};
	long n = 0;

	ck_assert(PEM_read_bio(in, &name, &header, &data, &n));
	ck_assert_str_eq(name, of[_i].label);
	buf_add(&der, data, (size_t)n);
	ck_assert(!pubkey_parse_der(&key, der.p, der.len, of[_i].form, &err));
	pubkey_free(key);
	buf_addc(&der, '\0');
	ck_assert(pubkey_parse_der(&key, der.p, der.len, of[_i].form, &err));
	ck_assert_str_eq(err.msg, "it is broken");
	err_clear(&err);
	ck_assert(PEM_write_bio(out, name, "", (unsigned char *)der.p, (long)der.len));
	n = BIO_get_mem_data(out, &text);
	ck_assert(pubkey_parse(&key, text, (size_t)n, &err));
	ck_assert_str_eq(err.msg, "the key in its PEM block is broken");
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(data);
	BIO_free(in);
	BIO_free(out);
}
END_TEST

Suite *suite_pubkey(void)
{
	Suite *s = suite_create("pubkey");
	TCase *tc = tcase_create("pubkey");

	tcase_add_loop_test(tc, test_keys, 0, ARRAY_LEN(keys));
	tcase_add_loop_test(tc, test_signatures, 0, ARRAY_LEN(signatures));
	tcase_add_loop_test(tc, test_ecdsa_of_nothing, 0, 4);
	tcase_add_test(tc, test_ecdsa_high);
	tcase_add_test(tc, test_pss);
	tcase_add_test(tc, test_equal);
	tcase_add_loop_test(tc, test_behind, 0, 3);
	tcase_add_test(tc, test_text);
	suite_add_tcase(s, tc);
	return s;
}
