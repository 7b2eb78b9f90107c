#include "oci/answer.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "crypto/digest.h"
#include "http/client.h"
#include "http/syntax.h"
#include "oci/again.h"
#include "oci/auth.h"
#include "text/steady.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SAID_MAX 400
#define DETAILS 4 /* members of an object that says what is wrong */

static void answer_add_pair(struct buf *b, const char *code, const char *message)
{
	if (b->len)
		buf_adds(b, "; ");
	if (code)
		steady_add_clean(b, code, SAID_MAX);
	if (code && message && *message)
		buf_adds(b, ": ");
	if (message)
		steady_add_clean(b, message, SAID_MAX);
}

/* The specification's words for it, Harbor's, and Quay's for a tag that was deleted. */
static bool answer_is_unknown(const char *code)
{
	static const char *const codes[] = {
		"MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN", "NOT_FOUND", "TAG_EXPIRED"};
	size_t i;

	for (i = 0; code && i < ARRAY_LEN(codes); i++)
		if (!strcmp(code, codes[i]))
			return true;
	return false;
}

/* Of one thing that is wrong: "unknown media type: a/b", or {"Tag":"1.0"}. Numbers are left out:
   they may be others each time. */
static void answer_add_detail(struct buf *b, const json_t *o, const char *message)
{
	const char *text, *key, *sep = ": ";
	unsigned n = 0;
	json_t *v;

	if (json_is_array(o))
		o = json_array_get(o, 0);
	text = json_string_value(o);
	if (text && *text && (!message || !strstr(message, text))) {
		buf_adds(b, sep);
		steady_add_clean(b, text, SAID_MAX);
	}
	json_object_foreach ((json_t *)(uintptr_t)o, key, v) {
		if (!json_string_length(v) || n++ >= DETAILS)
			continue;
		buf_adds(b, sep);
		steady_add_clean(b, key, SAID_MAX);
		buf_addc(b, '=');
		steady_add_clean(b, json_string_value(v), SAID_MAX);
		sep = ", ";
	}
}

/* What the body says, "" if it says nothing that we can read. An HTML page is nothing. */
static void answer_said(struct buf *b, const struct http_res *res, bool *unknown)
{
	auto_json json_t *o = NULL;
	struct err ignored = {0};
	json_t *errors, *e;
	size_t i;

	if (!res->body.len || res->body.len > LIMIT_TOKEN_BODY)
		return;
	o = obj_parse_within(
		buf_str(&res->body), res->body.len, &obj_answer, "the error", &ignored);
	errors = obj_get(o, "errors");
	json_array_foreach (errors, i, e) {
		if (i == 3)
			break;
		answer_add_pair(b, obj_str(e, "code"), obj_str(e, "message"));
		*unknown |= res->status == 404 && answer_is_unknown(obj_str(e, "code"));
		answer_add_detail(b, obj_get(e, "detail"), obj_str(e, "message"));
	}
	if (b->len || !o)
		return;
	if (obj_str(o, "error"))
		answer_add_pair(b, obj_str(o, "error"), obj_str(o, "error_description"));
	else if (obj_str(o, "details"))
		answer_add_pair(b, NULL, obj_str(o, "details"));
	else if (obj_str(o, "message"))
		answer_add_pair(b, NULL, obj_str(o, "message"));
}

/* Overwrites the word at *p with x's. */
static void hide_word(char *p)
{
	for (; *p && *p != ' ' && *p != ',' && *p != ';' && *p != ')'; p++)
		*p = 'x';
}

/* A registry may echo what it was sent, and what it says ends in conditions and Events, which more
   people can read than Secrets. */
static void hide_credentials(struct buf *b)
{
	static const char *const before[] = {"basic ", "bearer ", "auth=", "authorization=",
		"token=", "password=", "passwd=", "secret=", "credential=", "credentials=",
		"auth: ", "authorization: ", "token: ", "password: ", "secret: "};
	size_t i;
	char *p;

	for (i = 0; b->len && i < ARRAY_LEN(before); i++)
		for (p = b->p; (p = strcasestr(p, before[i])); p += strlen(before[i]))
			if (strncasecmp(p + strlen(before[i]), "basic ", 6) &&
				strncasecmp(p + strlen(before[i]), "bearer ", 7))
				hide_word(p + strlen(before[i]));
}

static uint64_t answer_wait_ms(const struct http_res *res)
{
	int64_t asked = http_retry_after_ms(res);

	return asked > 0 && (res->status == 429 || res->status == 503) ? (uint64_t)asked : 0;
}

static int answer_set(
	const struct http_res *res, const char *who, const char *text, struct err *err)
{
	const char *name = http_status_text(res->status);
	uint64_t wait = answer_wait_ms(res);

	err_code(err, wait ? ERR_WAIT : ERR_RETRY, res->status, "%s answered %d%s%s%s%s%s", who,
		res->status, *name ? " " : "", name, *text ? " (" : "", text, *text ? ")" : "");
	err->retry_ms = wait;
	return -1;
}

int oci_answer_error(const struct http_res *res, const char *who, struct err *err)
{
	auto_buf struct buf raw = BUF_INIT(4 * SAID_MAX), text = BUF_INIT(4 * SAID_MAX);

	bool unknown = false;

	answer_said(&raw, res, &unknown);
	hide_credentials(&raw);
	steady_add(&text, buf_str(&raw), res->url);
	answer_set(res, who, buf_str(&text), err);
	if (unknown)
		err->code = -ENOENT;
	return -1;
}

bool oci_says_unknown(const struct err *err)
{
	return err->code == -ENOENT;
}

bool oci_says_missing(const struct err *err)
{
	return err->code == 404 || oci_says_unknown(err);
}

bool oci_says_later(const struct err *err)
{
	switch (err->code) {
	case -ETIMEDOUT:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -EPIPE:
		return true;
	default:
		return err->kind == ERR_WAIT || err->kind == ERR_HELD ||
			oci_again_passing(err->code);
	}
}

int oci_answer_elsewhere(const struct http_res *res, const char *host, struct err *err)
{
	char who[320];

	snprintf(who, sizeof(who), "the host it redirects to, '%.255s',", host);
	return answer_set(res, who, "", err);
}

void oci_answer_none(const struct http_res *res, struct err *err)
{
	if (res->ca_unknown)
		err_append(err, "; certSecretRef, --ca-file or SSL_CERT_FILE can name its CA");
}

bool oci_answer_digest(const struct http_res *res, struct digest *out)
{
	const char *text = http_header(res, "Docker-Content-Digest");
	struct err ignored = {0};

	return text && !digest_parse(out, text, &ignored);
}

bool oci_is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

int oci_answer_challenge(const struct http_res *res, struct oci_challenge *c, struct err *err)
{
	struct err bad = {0};
	unsigned i;

	*c = (struct oci_challenge){.scheme = OCI_AUTH_NONE};
	for (i = 0; i < 16; i++) {
		auto_free char *value = http_header_nth(res, "WWW-Authenticate", i);

		if (!value)
			break;
		if (oci_challenge_parse(c, value, &bad))
			continue; /* another header may be better */
	}
	if (c->scheme != OCI_AUTH_NONE)
		return 0;
	if (bad.kind) {
		*err = bad;
		return -1;
	}
	return err_set(err, ERR_RETRY,
		"the registry answered 401 Unauthorized without a challenge that we can answer");
}
