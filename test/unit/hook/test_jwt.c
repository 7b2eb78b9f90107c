/* Tokens and sets of keys. */
#include "hook/jwt.h"

#include "test/unit/crypto/jose.h"

Suite *suite_jwt(void);

#define NOW 1769851800000LL
#define EXP "\"exp\":1769851801"

static int open_text(struct jwt *t, const char *text)
{
	struct err err = {0};
	int rc = jwt_open(t, text, strlen(text), &err);

	ck_assert_int_eq(err.kind, rc ? ERR_RETRY : ERR_NONE);
	return rc;
}

/* With this header and a signature that is none. */
static char *raw(const char *header, const char *claims)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);

	jose_text(&out, header, strlen(header));
	buf_addc(&out, '.');
	jose_text(&out, claims, strlen(claims));
	buf_adds(&out, ".c2ln");
	return buf_take(&out);
}

static bool opens(const char *header, const char *claims)
{
	auto_free char *text = raw(header, claims);
	struct jwt t;
	bool good = !open_text(&t, text);

	jwt_clear(&t);
	return good;
}

START_TEST(test_open)
{
	static const char *const bad[] = {"", ".", "..", "a.b", "e30.e30.e30.e30", "!.e30.",
		"e30.e30.!", "e30=.e30.", "e30.W10.c2ln"};
	auto_free char *large = mem_zalloc(20000);
	struct jwt t;
	size_t i;

	ck_assert(opens("{\"alg\":\"RS256\"}", "{}"));
	ck_assert(opens("{\"alg\":\"RS256\",\"kid\":\"a\",\"typ\":\"JWT\"}", "{\"a\":[1,2.5]}"));
	ck_assert(!opens("{}", "{}"));
	ck_assert(!opens("{\"alg\":\"none\"}", "{}"));
	ck_assert(!opens("{\"alg\":\"HS256\"}", "{}"));
	ck_assert(!opens("{\"alg\":1}", "{}"));
	ck_assert(!opens("{\"alg\":\"RS256\",\"crit\":[\"x\"]}", "{}"));
	ck_assert(!opens("{\"alg\":\"RS256\",\"alg\":\"ES256\"}", "{}"));
	ck_assert(!opens("[]", "{}"));
	ck_assert(!opens("{\"alg\":\"RS256\"}", "[]"));
	ck_assert(!opens("{\"alg\":\"RS256\"}", "{\"iss\":\"a\",\"iss\":\"b\"}"));
	ck_assert(!opens("{\"alg\":\"RS256\"}", "{\"iss\":\"a\\u0000b\"}"));
	for (i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(open_text(&t, bad[i]), "%s", bad[i]);
		jwt_clear(&t);
	}
	memset(large, 'A', 19999);
	large[8] = large[100] = '.';
	ck_assert(open_text(&t, large));
	jwt_clear(&t);
}
END_TEST

static const char *check(const char *claims)
{
	static struct err err;
	auto_free char *text = raw("{\"alg\":\"RS256\"}", claims);
	struct jwt t;
	int rc;

	err = (struct err){0};
	ck_assert_int_eq(open_text(&t, text), 0);
	rc = jwt_check(&t, "https://a.example", "me", NOW, &err);
	jwt_clear(&t);
	ck_assert_int_eq(rc != 0, err.kind == ERR_RETRY);
	return rc ? strrchr(err.msg, ' ') + 1 : "good";
}

#define ISS "\"iss\":\"https://a.example\","
#define AUD "\"aud\":\"me\","

START_TEST(test_check)
{
	ck_assert_str_eq(check("{" ISS AUD EXP "}"), "good");
	ck_assert_str_eq(check("{" AUD EXP "}"), "issuer");
	ck_assert_str_eq(check("{\"iss\":\"https://a.example/\"," AUD EXP "}"), "issuer");
	ck_assert_str_eq(check("{\"iss\":[\"https://a.example\"]," AUD EXP "}"), "issuer");
	ck_assert_str_eq(check("{" ISS EXP "}"), "audience");
	ck_assert_str_eq(check("{" ISS EXP ",\"aud\":\"you\"}"), "audience");
	ck_assert_str_eq(check("{" ISS EXP ",\"aud\":[\"you\",1,\"me\"]}"), "good");
	ck_assert_str_eq(check("{" ISS EXP ",\"aud\":[\"you\"]}"), "audience");
	ck_assert_str_eq(check("{" ISS EXP ",\"aud\":[]}"), "audience");
	ck_assert_str_eq(check("{" ISS EXP ",\"aud\":{\"me\":1}}"), "audience");
	ck_assert_str_eq(check("{" ISS AUD "\"a\":1}"), "expired");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":1769851799}"), "expired");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":1769851800}"), "good");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":1769851799.5}"), "expired");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":\"1769851801\"}"), "expired");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":1e300}"), "good");
	ck_assert_str_eq(check("{" ISS AUD "\"exp\":-1e300}"), "expired");
	/* five minutes early is good, more is not */
	ck_assert_str_eq(check("{" ISS AUD EXP ",\"nbf\":1769852100}"), "good");
	ck_assert_str_eq(check("{" ISS AUD EXP ",\"nbf\":1769852101}"), "yet");
	ck_assert_str_eq(check("{" ISS AUD EXP ",\"nbf\":null}"), "good");
	ck_assert_str_eq(check("{" ISS AUD EXP ",\"nbf\":\"x\"}"), "yet");
}
END_TEST

static void keys_parse(struct jwks *k, json_t *list)
{
	json_t *set = json_pack("{s:o}", "keys", list);
	char *text = json_dumps(set, 0);
	struct err err = {0};

	ck_assert_msg(!jwks_parse(k, text, strlen(text), &err), "%s", err.msg);
	free(text);
	json_decref(set);
}

static bool verifies(const struct jwks *k, EVP_PKEY *key, const char *alg, const char *kid)
{
	auto_free char *text = jose_token(
		key, alg, json_pack("{s:s, s:s*}", "alg", alg, "kid", kid), json_object());
	struct jwt t;
	bool good;

	ck_assert_int_eq(open_text(&t, text), 0);
	good = jwks_verify(k, &t);
	jwt_clear(&t);
	return good;
}

START_TEST(test_keys)
{
	EVP_PKEY *a = jose_make("ES256"), *b = jose_make("ES256"), *rsa = jose_make("RS256");
	json_t *list = json_array(), *sig = jose_jwk(rsa, "r"), *enc = jose_jwk(b, "e");
	struct jwks k;

	json_object_set_new(sig, "use", json_string("sig"));
	json_object_set_new(sig, "alg", json_string("RS256"));
	json_object_set_new(enc, "use", json_string("enc"));
	json_array_append_new(list, json_pack("{s:s, s:s}", "kty", "oct", "k", "AAAA"));
	json_array_append_new(list, json_integer(1));
	json_array_append_new(list, jose_jwk(a, "a"));
	json_array_append_new(list, jose_jwk(b, NULL));
	json_array_append_new(list, sig);
	json_array_append_new(list, enc);
	keys_parse(&k, list);
	ck_assert_uint_eq(k.keys.len, 3);
	ck_assert(verifies(&k, a, "ES256", "a"));
	ck_assert(verifies(&k, a, "ES256", NULL));
	ck_assert(!verifies(&k, a, "ES256", "r"));
	ck_assert(!verifies(&k, a, "ES256", "other"));
	ck_assert(verifies(&k, b, "ES256", NULL));
	/* neither the key without a name is the one that the token names, nor that for other use */
	ck_assert(!verifies(&k, b, "ES256", "a"));
	ck_assert(!verifies(&k, b, "ES256", "e"));
	ck_assert(verifies(&k, rsa, "RS256", "r"));
	ck_assert(!verifies(&k, rsa, "RS512", "r"));
	jwks_clear(&k);
	jose_free(a);
	jose_free(b);
	jose_free(rsa);
}
END_TEST

/* Each costs up to a millisecond, and whoever runs an issuer says how many there are. */
START_TEST(test_many_keys)
{
	EVP_PKEY *rsa = jose_make("RS256"), *ec[6];
	json_t *list = json_array();
	struct jwks k;
	size_t i;

	for (i = 0; i < ARRAY_LEN(ec); i++) {
		ec[i] = jose_make("ES256");
		json_array_append_new(list, jose_jwk(rsa, NULL));
		json_array_append_new(list, jose_jwk(ec[i], i % 2 ? "same" : "other"));
	}
	keys_parse(&k, list);
	ck_assert(verifies(&k, ec[3], "ES256", NULL));
	ck_assert(!verifies(&k, ec[4], "ES256", NULL));
	ck_assert(verifies(&k, ec[4], "ES256", "other"));
	ck_assert(verifies(&k, ec[5], "ES256", "same"));
	jwks_clear(&k);
	for (i = 0; i < ARRAY_LEN(ec); i++)
		jose_free(ec[i]);
	jose_free(rsa);
}
END_TEST

START_TEST(test_sets)
{
	static const char *const bad[] = {
		"", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]} x", "null"};
	EVP_PKEY *key = jose_make("EdDSA");
	json_t *many = json_array();
	struct err err = {0};
	struct jwks k;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++) {
		ck_assert_msg(jwks_parse(&k, bad[i], strlen(bad[i]), &err), "%s", bad[i]);
		ck_assert_int_eq(err.kind, ERR_RETRY);
		jwks_clear(&k);
	}
	for (i = 0; i < 100; i++)
		json_array_append_new(many, jose_jwk(key, NULL));
	keys_parse(&k, many);
	ck_assert_uint_eq(k.keys.len, 32);
	jwks_clear(&k);
	jose_free(key);
}
END_TEST

Suite *suite_jwt(void)
{
	Suite *s = suite_create("jwt");
	TCase *t = tcase_create("jwt");

	tcase_set_timeout(t, 30);
	tcase_add_test(t, test_open);
	tcase_add_test(t, test_check);
	tcase_add_test(t, test_keys);
	tcase_add_test(t, test_many_keys);
	tcase_add_test(t, test_sets);
	suite_add_tcase(s, t);
	return s;
}
