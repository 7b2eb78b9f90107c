#include "cloud/oauth.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "http/url.h"

#include <stdio.h>
#include <string.h>

#define LIFE_MAX_S (7 * 24 * 3600) /* Azure's managed identities have a day */

void cloud_form_add(struct buf *form, const char *name, const char *value)
{
	url_add_param(form, form->len ? '&' : 0, name, value);
}

struct op *cloud_form_post(struct cloud_ticket *t, struct cloud_ask *ask, struct buf *form)
{
	static const struct http_hdr plain[] = {{"Content-Type", CLOUD_FORM_TYPE}, {NULL, NULL}};
	struct op *op;

	if (buf_over(form)) {
		struct err err = {0};

		err_set(&err, ERR_RETRY, "the request for a token is too long");
		op = op_failed(t->cloud->loop, &err);
	} else {
		ask->method = "POST";
		ask->body = buf_str(form);
		ask->body_len = form->len;
		if (!ask->hdrs)
			ask->hdrs = plain;
		op = cloud_ask_start(t, ask);
	}
	if (form->p)
		mem_wipe(form->p, form->len);
	buf_reset(form);
	return op;
}

bool cloud_token_ok(const char *token)
{
	size_t n = 0;

	for (; token[n]; n++)
		if (token[n] <= 0x20 || token[n] > 0x7e || n >= LIMIT_CLOUD_PASSWORD)
			return false;
	return n > 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

int cloud_token_take(struct secret *token, const struct buf *text, struct err *err)
{
	size_t from = 0, to = text->len;

	while (from < to && is_blank(text->p[from]))
		from++;
	while (to > from && is_blank(text->p[to - 1]))
		to--;
	if (from == to)
		return err_set(err, ERR_RETRY, "it is empty");
	secret_set(token, text->p + from, to - from);
	if (cloud_token_ok(token->p) && strlen(token->p) == token->len)
		return 0;
	secret_clear(token);
	return err_set(err, ERR_RETRY, "it is no token: it holds blanks or other characters");
}

/* Seconds; -1: not there, or none. */
static int64_t seconds_read(const json_t *o, const char *key)
{
	const char *text = obj_str(o, key);
	int64_t n = 0;

	if (!text)
		return obj_int(-1, o, key);
	if (!*text)
		return -1;
	for (; *text; text++) {
		if (!ascii_is_digit(*text) || n > INT64_MAX / 100)
			return -1;
		n = n * 10 + (*text - '0');
	}
	return n;
}

static int64_t expiry_read(const json_t *o)
{
	int64_t now = clock_wall_ms(), life = seconds_read(o, "expires_in"),
		at = seconds_read(o, "expires_on");

	if (life < 0 && at >= 0)
		life = at > now / 1000 ? at - now / 1000 : 0;
	if (life < 0)
		return now + CLOUD_OAUTH_LIFE_MS;
	return now + (life > LIFE_MAX_S ? LIFE_MAX_S : life) * 1000;
}

int cloud_token_read(const json_t *answer, struct cloud_secrets *got, struct err *err)
{
	const char *token = obj_str(answer, "access_token");

	if (!token || !*token)
		return err_set(err, ERR_RETRY, "the answer holds no 'access_token'");
	if (!cloud_token_ok(token))
		return err_set(err, ERR_RETRY, "the answer holds a malformed 'access_token'");
	secret_set(&got->first, token, strlen(token));
	got->expires_ms = expiry_read(answer);
	return 0;
}

void cloud_refusal_read(const json_t *answer, const char **code, const char **text)
{
	const json_t *e = obj_get(answer, "error"), *first = NULL;
	const json_t *errors = obj_get(answer, "errors");

	*code = *text = NULL;
	if (json_is_string(e)) { /* RFC 6749 section 5.2 */
		*code = obj_str(answer, "error");
		*text = obj_str(answer, "error_description");
	} else if (json_is_object(e)) { /* Google's APIs */
		*code = obj_str(e, "status");
		*text = obj_str(e, "message");
	} else if ((first = json_array_get(errors, 0))) { /* a registry */
		*code = obj_str(first, "code");
		*text = obj_str(first, "message");
	} else { /* App Service */
		*text = obj_str(answer, "message");
	}
}

int cloud_refused(const struct op *op, struct err *err)
{
	const struct http_res *res = cloud_ask_result(op);
	const char *code = NULL, *text = NULL;
	struct err ignored = {0}; /* words instead of JSON */
	auto_json json_t *o = cloud_ask_json(op, &ignored);

	if (o)
		cloud_refusal_read(o, &code, &text);
	else if (buf_str(&res->body)[0] != '<') /* a page for people */
		text = buf_str(&res->body);
	return cloud_ask_refused(op, code, text, err);
}

int cloud_refused_token(const struct op *op, const struct secret *jwt, struct err *err)
{
	int status = cloud_ask_result(op)->status;

	cloud_refused(op, err);
	if (status >= 400 && status <= 403 && jwt->len)
		cloud_jwt_tell(err, jwt->p, jwt->len);
	return -1;
}

int cloud_url_check(
	const char *url, const char *what, enum cloud_url_kind kind, bool *local, struct err *err)
{
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	struct err hidden = {0}; /* shows more of it */
	enum host_class host = HOST_NAME;
	bool good = !url_parse(&u, url, &hidden) && !u.has_user && !u.has_fragment, here;

	if (good)
		host = host_classify(u.host);
	here = host == HOST_LOCALHOST || host == HOST_LOOPBACK;
	if (good && !u.https)
		good = kind == CLOUD_URL_ANY || (kind == CLOUD_URL_HTTPS_OR_HERE && here);
	if (!good) {
		url_safe(&shown, url);
		return err_set(err, ERR_RETRY, "%s is '%.300s', which is no %s URL", what,
			buf_str(&shown), kind == CLOUD_URL_ANY ? "http or https" : "https");
	}
	if (local)
		*local = here || host == HOST_LINK_LOCAL;
	return 0;
}
