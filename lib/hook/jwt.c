#include "hook/jwt.h"

#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/pubkey.h"

#include <string.h>

#define EARLY_MS (5 * 60 * 1000) /* that a token may come before its time */

static const struct obj_limits jwt_limits = {LIMIT_JSON_ANSWER_VALUES, LIMIT_JSON_SIGNED_DEPTH};

/* ---- reading --------------------------------------------------------------------------------- */

/* The object in one part of it. */
static json_t *part_open(const char *text, size_t n)
{
	auto_buf struct buf plain = BUF_INIT(LIMIT_HOOK_JWT);
	struct err ignored = {0}; /* its words may quote the token */
	json_t *o = NULL;

	if (!base64_decode(&plain, text, n, BASE64_URL, &ignored))
		o = obj_parse_within(
			buf_str(&plain), plain.len, &jwt_limits, "the token", &ignored);
	if (json_is_object(o))
		return o;
	json_decref(o);
	return NULL;
}

/* `crit` names extensions that must be understood, and there is none that we do (RFC 7515 section
   4.1.11). */
static int header_read(struct jwt *t, const json_t *header, struct err *err)
{
	if (jose_alg_parse(&t->alg, obj_str(header, "alg")))
		return err_set(err, ERR_RETRY, "the token's algorithm is not taken");
	if (obj_get(header, "crit"))
		return err_set(err, ERR_RETRY, "the token has a critical header");
	t->kid = mem_strdup(obj_str(header, "kid"));
	return 0;
}

int jwt_open(struct jwt *out, const char *text, size_t len, struct err *err)
{
	const char *end = text + len, *claims, *sig;
	struct err ignored = {0};
	auto_json json_t *header = NULL;

	*out = (struct jwt){.text = {.max = LIMIT_HOOK_JWT}, .sig = {.max = LIMIT_HOOK_JWT}};
	claims = len <= LIMIT_HOOK_JWT ? memchr(text, '.', len) : NULL;
	sig = claims ? memchr(claims + 1, '.', (size_t)(end - claims - 1)) : NULL;
	if (!sig || !(header = part_open(text, (size_t)(claims - text))) ||
		!(out->claims = part_open(claims + 1, (size_t)(sig - claims - 1))) ||
		base64_decode(&out->sig, sig + 1, (size_t)(end - sig - 1), BASE64_URL, &ignored))
		return err_set(err, ERR_RETRY, "it is not a JSON web token");
	buf_add(&out->text, text, (size_t)(sig - text));
	return header_read(out, header, err);
}

void jwt_clear(struct jwt *t)
{
	free(t->kid);
	json_decref(t->claims);
	/* Whoever has both is the caller, until it expires. */
	mem_wipe(t->text.p, t->text.len);
	mem_wipe(t->sig.p, t->sig.len);
	buf_clear(&t->text);
	buf_clear(&t->sig);
	*t = (struct jwt){0};
}

/* ---- claims ---------------------------------------------------------------------------------- */

const char *jwt_issuer(const struct jwt *t)
{
	return obj_str_or("", t->claims, "iss");
}

static bool audience_is(const json_t *aud, const char *audience)
{
	const char *text = json_string_value(aud);
	size_t i;

	for (i = 0; i < json_array_size(aud); i++) {
		const char *one = json_string_value(json_array_get(aud, i));

		if (one && !strcmp(one, audience))
			return true;
	}
	return text && !strcmp(text, audience);
}

/* Milliseconds since 1970, of a number of seconds; what is too large is far away. */
static int64_t time_claim(const json_t *v)
{
	double s = json_number_value(v);

	return s > 1e12 ? (int64_t)1e15 : s < -1e12 ? (int64_t)-1e15 : (int64_t)(s * 1000);
}

int jwt_check(const struct jwt *t, const char *issuer, const char *audience, int64_t now_ms,
	struct err *err)
{
	const json_t *expires = obj_get(t->claims, "exp"), *from = obj_get(t->claims, "nbf");

	if (strcmp(jwt_issuer(t), issuer) != 0)
		return err_set(err, ERR_RETRY, "the token is of another issuer");
	if (!audience_is(obj_get(t->claims, "aud"), audience))
		return err_set(err, ERR_RETRY, "the token is for another audience");
	if (!json_is_number(expires) || time_claim(expires) < now_ms)
		return err_set(err, ERR_RETRY, "the token has expired");
	if (from && !json_is_null(from) &&
		(!json_is_number(from) || time_claim(from) > now_ms + EARLY_MS))
		return err_set(err, ERR_RETRY, "the token is not good yet");
	return 0;
}

/* ---- keys ------------------------------------------------------------------------------------ */

static void key_read(struct jwks *k, const json_t *jwk)
{
	const char *use = obj_str_or("sig", jwk, "use"), *alg = obj_str(jwk, "alg");
	struct jwks_key one = {.has_alg = alg};
	struct err ignored = {0};

	if (strcmp(use, "sig") != 0 || (alg && jose_alg_parse(&one.alg, alg)) ||
		jose_key_parse(&one.key, jwk, &ignored))
		return;
	one.kid = mem_strdup(obj_str(jwk, "kid"));
	*vec_add(&k->keys) = one;
}

int jwks_parse(struct jwks *out, const char *text, size_t len, struct err *err)
{
	auto_json json_t *o = obj_parse_within(text, len, &obj_signed, "the set of keys", err);
	const json_t *list = obj_get(o, "keys");
	size_t i;

	*out = (struct jwks){0};
	if (!o)
		return -1;
	if (!json_is_array(list))
		return err_set(err, ERR_RETRY, "it is no set of keys");
	for (i = 0; i < json_array_size(list) && out->keys.len < LIMIT_HOOK_KEYS; i++)
		key_read(out, json_array_get(list, i));
	return 0;
}

void jwks_clear(struct jwks *k)
{
	struct jwks_key *one;

	vec_each (&k->keys, one) {
		free(one->kid);
		pubkey_free(one->key);
	}
	vec_clear(&k->keys);
}

bool jwks_verify(const struct jwks *k, const struct jwt *t)
{
	const struct jwks_key *one;
	unsigned tried = 0;

	vec_each (&k->keys, one) {
		if (t->kid && (!one->kid || strcmp(one->kid, t->kid) != 0))
			continue;
		if ((one->has_alg && one->alg != t->alg) || !jose_fits(one->key, t->alg))
			continue;
		/* A millisecond each, at worst, and the loop's. */
		if (tried++ == LIMIT_HOOK_KEYS_TRIED)
			return false;
		if (jose_verifies(one->key, t->alg, buf_str(&t->sig), t->sig.len, buf_str(&t->text),
			    t->text.len))
			return true;
	}
	return false;
}
