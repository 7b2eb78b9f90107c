/* Tokens of issuers: a token, a line break, a set of keys. Nothing is signed by a set without keys,
   nobody's words get into a message, and a token that is good stays so when it is read again. */
#include "hook/jwt.h"

#include "base/limits.h"
#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define NOW 1769851800000LL

static void msg_check(const struct err *err)
{
	const char *p;

	for (p = err->msg; *p; p++)
		BUG_IF((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e);
}

static void token_check(const struct jwt *t, const struct jwks *k)
{
	bool good = jwks_verify(k, t);
	struct err err = {0};

	BUG_IF(good && !k->keys.len);
	BUG_IF(good != jwks_verify(k, t));
	BUG_IF(!json_is_object(t->claims));
	if (jwt_check(t, "https://a.example", "me", NOW, &err))
		BUG_IF(err.kind != ERR_RETRY);
	else
		BUG_IF(strcmp(jwt_issuer(t), "https://a.example") != 0);
	msg_check(&err);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data, *line = size ? memchr(text, '\n', size) : NULL;
	size_t n = line ? (size_t)(line - text) : size;
	struct err err = {0}, set = {0};
	struct jwks k;
	struct jwt t;
	int no_keys;

	no_keys = jwks_parse(&k, line ? line + 1 : "", line ? size - n - 1 : 0, &set);
	BUG_IF(no_keys != (set.kind == ERR_RETRY ? -1 : 0) || k.keys.len > LIMIT_HOOK_KEYS);
	if (jwt_open(&t, text, n, &err))
		BUG_IF(err.kind != ERR_RETRY);
	else
		token_check(&t, &k);
	msg_check(&err);
	jwt_clear(&t);
	jwks_clear(&k);
	return 0;
}
