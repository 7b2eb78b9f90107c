/* An issuer of tokens on the loop of the test. */
#ifndef UNIT_HOOK_FAKE_ISSUER_H
#define UNIT_HOOK_FAKE_ISSUER_H
#include "base/clock.h"
#include "http/server.h"
#include "test/unit/crypto/jose.h"
#include "test/unit/hook/fixture.h"

struct fake_issuer {
	struct http_server *server;
	char *url;
	json_t *keys; /* an array */
	/* instead of what it would say; borrowed */
	const char *says_issuer, *says_jwks_uri, *config, *jwks;
	int status; /* 0: 200 */
	unsigned configs, sets; /* answers that were given */
	bool silent; /* no answer at all: what came is held */
	struct http_exchange *held;
};

static inline void fake_issuer_config(struct fake_issuer *f, struct http_exchange *x)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);

	f->configs++;
	if (f->config)
		buf_adds(&text, f->config);
	else if (f->says_jwks_uri)
		buf_addf(&text, "{\"issuer\":\"%s\",\"jwks_uri\":\"%s\"}",
			f->says_issuer ? f->says_issuer : f->url, f->says_jwks_uri);
	else
		buf_addf(&text, "{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys?v=1\"}",
			f->says_issuer ? f->says_issuer : f->url, f->url);
	http_reply_buf(x, f->status ? f->status : 200, "application/json", &text);
}

static inline void fake_issuer_keys(struct fake_issuer *f, struct http_exchange *x)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	json_t *set = json_pack("{s:O}", "keys", f->keys);
	char *dump = json_dumps(set, 0);

	f->sets++;
	ck_assert_str_eq(http_x_query(x, "v"), "1");
	buf_adds(&text, f->jwks ? f->jwks : dump);
	http_reply_buf(x, 200, "application/json", &text);
	free(dump);
	json_decref(set);
}

static inline void fake_issuer_handle(void *arg, struct http_exchange *x)
{
	struct fake_issuer *f = arg;

	ck_assert_str_eq(http_x_method(x), "GET");
	ck_assert_ptr_null(http_x_header(x, "Authorization"));
	if (f->silent)
		f->held = x;
	else if (!strcmp(http_x_path(x), "/.well-known/openid-configuration"))
		fake_issuer_config(f, x);
	else if (!strcmp(http_x_path(x), "/keys"))
		fake_issuer_keys(f, x);
	else
		http_reply_text(x, 404, "");
}

static inline void fake_issuer_init(struct fake_issuer *f, struct loop *l)
{
	struct http_server_opts opts = {.name = "issuer",
		.address = "127.0.0.1:0",
		.handler = fake_issuer_handle,
		.arg = f};
	struct err err = {0};

	*f = (struct fake_issuer){.keys = json_array()};
	f->server = http_server_new(l, &opts, &err);
	ck_assert_msg(f->server != NULL, "%s", err.msg);
	f->url = mem_printf("http://%s", http_server_address(f->server));
}

static inline void fake_issuer_clear(struct fake_issuer *f)
{
	http_server_free(f->server);
	json_decref(f->keys);
	free(f->url);
}

/* Claims that are good for an hour; `more` is JSON of members that come on top. */
static inline json_t *fake_issuer_claims(const char *issuer, const char *audience, const char *more)
{
	int64_t now = clock_wall_ms() / 1000;
	json_t *claims = json_pack("{s:s, s:s, s:I, s:I}", "iss", issuer, "aud", audience, "exp",
		(json_int_t)now + 3600, "iat", (json_int_t)now);
	json_t *on_top = more ? json_loads(more, 0, NULL) : NULL;

	ck_assert(!more || on_top);
	json_object_update(claims, on_top);
	json_decref(on_top);
	return claims;
}

/* "Bearer TOKEN", signed with ES256; kid may be NULL. */
static inline char *fake_issuer_bearer(EVP_PKEY *key, const char *kid, json_t *claims)
{
	json_t *header = json_pack("{s:s, s:s*}", "alg", "ES256", "kid", kid);
	auto_free char *token = jose_token(key, "ES256", header, claims);

	return mem_printf("Bearer %s", token);
}

#endif
