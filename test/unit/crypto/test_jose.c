/* Keys and signatures in JSON. */
#include "crypto/jose.h"

#include "crypto/pubkey.h"
#include "test/unit/crypto/jose.h"

Suite *suite_jose(void);

static const char *const algs[] = {
	"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"};

static const char text[] = "eyJhbGciOiJ4In0.e30";

/* Each algorithm takes what was signed with it, and a key of its own kind only. */
START_TEST(test_all)
{
	struct pubkey *keys[ARRAY_LEN(algs)];
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(algs); i++) {
		EVP_PKEY *key = jose_make(algs[i]);
		auto_buf struct buf sig = BUF_INIT(BUF_ANY);
		json_t *jwk = jose_jwk(key, NULL);
		struct err err = {0};
		enum jose_alg alg;

		ck_assert_int_eq(jose_alg_parse(&alg, algs[i]), 0);
		ck_assert_msg(!jose_key_parse(&keys[i], jwk, &err), "%s %s", algs[i], err.msg);
		jose_sign(&sig, key, algs[i], text, strlen(text));
		ck_assert_msg(jose_verifies(keys[i], alg, sig.p, sig.len, text, strlen(text)), "%s",
			algs[i]);
		ck_assert(!jose_verifies(keys[i], alg, sig.p, sig.len, text, strlen(text) - 1));
		ck_assert(!jose_verifies(keys[i], alg, sig.p, sig.len - 1, text, strlen(text)));
		ck_assert(!jose_verifies(keys[i], alg, "", 0, text, strlen(text)));
		for (k = 0; k < ARRAY_LEN(algs); k++)
			if (k != i)
				ck_assert_msg(!jose_verifies(keys[i], (enum jose_alg)k, sig.p,
						      sig.len, text, strlen(text)),
					"%s as %s", algs[i], algs[k]);
		sig.p[sig.len / 2] ^= 1;
		ck_assert(!jose_verifies(keys[i], alg, sig.p, sig.len, text, strlen(text)));
		json_decref(jwk);
		jose_free(key);
	}
	for (i = 0; i < ARRAY_LEN(algs); i++)
		pubkey_free(keys[i]);
}
END_TEST

START_TEST(test_algs)
{
	static const char *const bad[] = {
		"none", "None", "HS256", "HS512", "rs256", "", "RS256 ", "ES256K", "PS384"};
	enum jose_alg alg;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(jose_alg_parse(&alg, bad[i]), "%s", bad[i]);
	ck_assert(jose_alg_parse(&alg, NULL));
}
END_TEST

static void refused(json_t *jwk)
{
	struct pubkey *key;
	struct err err = {0};
	char *shown = json_dumps(jwk, 0);

	ck_assert_msg(jose_key_parse(&key, jwk, &err), "%s", shown);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	free(shown);
	json_decref(jwk);
}

/* The member's text in place of what it was. */
static json_t *with(EVP_PKEY *key, const char *name, const char *value)
{
	json_t *o = jose_jwk(key, "k");

	json_object_set_new(o, name, value ? json_string(value) : json_null());
	return o;
}

START_TEST(test_keys)
{
	EVP_PKEY *rsa = jose_make("RS256"), *ec = jose_make("ES256"), *ed = jose_make("EdDSA");
	EVP_PKEY *small = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);

	refused(with(rsa, "n", NULL));
	refused(with(rsa, "n", ""));
	refused(with(rsa, "n", "AQAB"));
	refused(with(rsa, "n", "a b"));
	refused(with(rsa, "e", "AQ")); /* an exponent of 1 */
	refused(with(rsa, "kty", "oct"));
	refused(with(rsa, "kty", NULL));
	refused(with(rsa, "kty", "EC"));
	refused(with(ec, "crv", "P-384"));
	refused(with(ec, "crv", "secp256k1"));
	refused(with(ec, "x", "AAAA"));
	refused(with(ec, "x", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")); /* not on it */
	refused(with(ed, "crv", "X25519"));
	refused(with(ed, "x", "AAAA"));
	refused(jose_jwk(small, NULL));
	refused(json_object());
	refused(json_array());
	refused(json_string("x"));
	jose_free(rsa);
	jose_free(ec);
	jose_free(ed);
	jose_free(small);
}
END_TEST

Suite *suite_jose(void)
{
	Suite *s = suite_create("jose");
	TCase *t = tcase_create("jose");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_all);
	tcase_add_test(t, test_algs);
	tcase_add_test(t, test_keys);
	suite_add_tcase(s, t);
	return s;
}
