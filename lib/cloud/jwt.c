#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/provider.h"
#include "text/steady.h"

#include <stdio.h>
#include <string.h>

json_t *cloud_jwt_claims(const char *jwt, size_t len, struct err *err)
{
	const char *from = memchr(jwt, '.', len), *to;
	auto_buf struct buf text = BUF_INIT(LIMIT_CLOUD_PASSWORD);
	struct err hidden = {0}; /* its words may quote the token */
	json_t *claims = NULL;

	to = from ? memchr(from + 1, '.', len - (size_t)(from + 1 - jwt)) : NULL;
	if (to && len <= LIMIT_CLOUD_PASSWORD &&
		!base64_decode(&text, from + 1, (size_t)(to - from - 1), BASE64_URL, &hidden))
		claims = obj_parse_within(
			buf_str(&text), text.len, &obj_answer, "the token", &hidden);
	mem_wipe(text.p, text.cap);
	if (json_is_object(claims))
		return claims;
	json_decref(claims);
	err_set(err, ERR_RETRY, "it is not a JSON web token");
	return NULL;
}

static void jwt_say_one(struct buf *out, const json_t *claims, const char *name, const char *sep)
{
	const json_t *v = obj_get(claims, name);

	if (json_is_array(v))
		v = json_array_get(v, 0);
	buf_adds(out, sep);
	buf_adds(out, name);
	buf_adds(out, " '");
	if (json_is_string(v)) {
		auto_buf struct buf text = BUF_INIT(LIMIT_CLOUD_TEXT + 4);

		steady_add_clean(&text, json_string_value(v), LIMIT_CLOUD_TEXT);
		buf_adds(out, buf_str(&text));
	}
	buf_addc(out, '\'');
}

void cloud_jwt_tell(struct err *err, const char *jwt, size_t len)
{
	auto_buf struct buf out = BUF_INIT(sizeof(err->msg));
	struct err ignored = {0};
	auto_json json_t *claims = cloud_jwt_claims(jwt, len, &ignored);

	if (!claims)
		return;
	jwt_say_one(&out, claims, "iss", " (the token has ");
	jwt_say_one(&out, claims, "sub", ", ");
	jwt_say_one(&out, claims, "aud", ", ");
	buf_addc(&out, ')');
	err_append(err, "%s", buf_str(&out));
}
