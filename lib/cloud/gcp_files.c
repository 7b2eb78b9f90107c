#include "cloud/gcp.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/oauth.h"
#include "http/syntax.h"

#include <stdio.h>
#include <string.h>

#define GOOGLE_TOKEN_URL "https://oauth2.googleapis.com/token"
#define STS_TOKEN_URL "https://sts.googleapis.com/v1/token"
#define JWT_TYPE "urn:ietf:params:oauth:token-type:jwt"
#define LIFETIME_S 3600
#define LIFETIME_MIN_S 600 /* of an external account's impersonation */
#define LIFETIME_MAX_S 43200
#define HEADERS_MAX 32
#define DELEGATES_MAX 32

void gcp_plan_clear(struct gcp_plan *p)
{
	free(p->token_url);
	free(p->email);
	free(p->key_id);
	secret_clear(&p->key);
	free(p->client_id);
	secret_clear(&p->client_secret);
	secret_clear(&p->refresh_token);
	free(p->audience);
	free(p->subject_type);
	free(p->user_project);
	free(p->subject_file);
	free(p->subject_url);
	json_decref(p->subject_headers);
	free(p->subject_field);
	free(p->account_audience);
	free(p->impersonate_url);
	json_decref(p->delegates);
	*p = (struct gcp_plan){.kind = GCP_METADATA};
}

static char *field_dup(const json_t *o, const char *key)
{
	const char *s = obj_str(o, key);

	return s && *s ? mem_strdup(s) : NULL;
}

static void field_secret(const json_t *o, const char *key, struct secret *out)
{
	const char *s = obj_str_or("", o, key);

	secret_set(out, s, strlen(s));
}

/* All of them are texts, and not empty. The list ends with NULL. */
static int fields_need(const json_t *o, const char *const *keys, struct err *err)
{
	for (; *keys; keys++)
		if (!*obj_str_or("", o, *keys))
			return err_set(err, ERR_RETRY, "it has no '%s'", *keys);
	return 0;
}

/* The URL of a field, or what stands for a missing one. */
static int url_read(const json_t *o, const char *key, const char *otherwise,
	enum cloud_url_kind kind, char **out, struct err *err)
{
	auto_free char *what = mem_printf("its '%s'", key);
	const char *url = obj_str_or("", o, key);

	if (!*url)
		url = otherwise;
	if (!url)
		return err_set(err, ERR_RETRY, "it has no '%s'", key);
	if (cloud_url_check(url, what, kind, NULL, err))
		return -1;
	*out = mem_strdup(url);
	return 0;
}

/* ---- service_account, authorized_user -------------------------------------------------------- */

static int key_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	static const char *const needed[] = {"client_email", "private_key", NULL};

	p->kind = GCP_KEY;
	p->source = "service account key";
	if (fields_need(o, needed, err) ||
		url_read(o, "token_uri", GOOGLE_TOKEN_URL, CLOUD_URL_HTTPS_OR_HERE, &p->token_url,
			err))
		return -1;
	p->email = field_dup(o, "client_email");
	p->key_id = field_dup(o, "private_key_id");
	field_secret(o, "private_key", &p->key);
	return 0;
}

static int user_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	static const char *const needed[] = {"client_id", "client_secret", "refresh_token", NULL};

	p->kind = GCP_USER;
	p->source = "credentials of a user";
	if (fields_need(o, needed, err) ||
		url_read(o, "token_uri", GOOGLE_TOKEN_URL, CLOUD_URL_HTTPS_OR_HERE, &p->token_url,
			err))
		return -1;
	p->client_id = field_dup(o, "client_id");
	field_secret(o, "client_secret", &p->client_secret);
	field_secret(o, "refresh_token", &p->refresh_token);
	return 0;
}

/* ---- external_account ------------------------------------------------------------------------ */

static int headers_read(struct gcp_plan *p, const json_t *source, struct err *err)
{
	json_t *headers = obj_get(source, "headers"), *value;
	const char *name;

	if (!headers || json_is_null(headers))
		return 0;
	if (!json_is_object(headers) || json_object_size(headers) > HEADERS_MAX)
		return err_set(err, ERR_RETRY,
			"its 'credential_source.headers' is no object of at most %d", HEADERS_MAX);
	json_object_foreach (headers, name, value) {
		const char *text = json_string_value(value);

		if (!http_is_token(name) || !text || strlen(text) != json_string_length(value) ||
			text[strcspn(text, "\r\n")])
			return err_set(err, ERR_RETRY,
				"its 'credential_source.headers' has one that cannot be sent: "
				"'%.100s'",
				name);
	}
	p->subject_headers = json_incref(headers);
	return 0;
}

static int format_read(struct gcp_plan *p, const json_t *source, struct err *err)
{
	const char *type = obj_str_or("text", source, "format", "type");

	if (!*type || !strcmp(type, "text"))
		return 0;
	if (strcmp(type, "json"))
		return err_set(err, ERR_RETRY,
			"its 'credential_source.format.type' is '%.50s', which is neither 'text' "
			"nor 'json'",
			type);
	p->subject_field = field_dup(obj_get(source, "format"), "subject_token_field_name");
	if (!p->subject_field)
		return err_set(err, ERR_RETRY,
			"it has no 'credential_source.format.subject_token_field_name'");
	return 0;
}

/* Other programs are never run, and AWS's own proof of identity is not made for Google. */
static int source_refused(const json_t *source, struct err *err)
{
	if (obj_get(source, "executable"))
		return err_set(err, ERR_RETRY,
			"its 'credential_source.executable' names a program, and no programs are "
			"run: use 'file' or 'url'");
	if (obj_get(source, "environment_id"))
		return err_set(err, ERR_RETRY,
			"its 'credential_source.environment_id' asks for AWS, which is not "
			"supported here: use 'file' or 'url'");
	if (obj_get(source, "certificate"))
		return err_set(err, ERR_RETRY,
			"its 'credential_source.certificate' is not supported: use 'file' or "
			"'url'");
	return 0;
}

static int source_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	const json_t *source = obj_get(o, "credential_source");
	auto_free char *url = NULL;

	if (source_refused(source, err))
		return -1;
	p->subject_file = field_dup(source, "file");
	if (!p->subject_file && !*obj_str_or("", source, "url"))
		return err_set(
			err, ERR_RETRY, "its 'credential_source' has neither a 'file' nor a 'url'");
	if (!p->subject_file &&
		(url_read(source, "url", NULL, CLOUD_URL_ANY, &p->subject_url, err) ||
			headers_read(p, source, err)))
		return err_wrap(err, "credential_source");
	return format_read(p, source, err);
}

static int lifetime_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	int64_t s =
		obj_int(LIFETIME_S, o, "service_account_impersonation", "token_lifetime_seconds");

	if (s < LIFETIME_MIN_S || s > LIFETIME_MAX_S)
		return err_set(err, ERR_RETRY,
			"its 'service_account_impersonation.token_lifetime_seconds' is not "
			"between %d and %d",
			LIFETIME_MIN_S, LIFETIME_MAX_S);
	p->lifetime_s = (unsigned)s;
	return 0;
}

static int external_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	static const char *const needed[] = {"audience", "subject_token_type", NULL};

	p->kind = GCP_EXTERNAL;
	p->source = "external account";
	if (fields_need(o, needed, err) || source_read(p, o, err) || lifetime_read(p, o, err) ||
		url_read(
			o, "token_url", STS_TOKEN_URL, CLOUD_URL_HTTPS_OR_HERE, &p->token_url, err))
		return -1;
	if (*obj_str_or("", o, "service_account_impersonation_url") &&
		url_read(o, "service_account_impersonation_url", NULL, CLOUD_URL_HTTPS_OR_HERE,
			&p->impersonate_url, err))
		return -1;
	p->audience = field_dup(o, "audience");
	p->subject_type = field_dup(o, "subject_token_type");
	p->client_id = field_dup(o, "client_id");
	field_secret(o, "client_secret", &p->client_secret);
	p->user_project = field_dup(o, "workforce_pool_user_project");
	return 0;
}

/* ---- impersonated_service_account ------------------------------------------------------------ */

static int plan_read_type(struct gcp_plan *p, const json_t *o, bool inner, struct err *err);

static int delegates_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	json_t *list = obj_get(o, "delegates"), *value;
	size_t i;

	if (!list || json_is_null(list) || !json_array_size(list))
		return 0;
	json_array_foreach (list, i, value)
		if (!json_is_string(value) || i >= DELEGATES_MAX)
			return err_set(err, ERR_RETRY,
				"its 'delegates' is no list of at most %d texts", DELEGATES_MAX);
	p->delegates = json_incref(list);
	return 0;
}

static int impersonated_read(struct gcp_plan *p, const json_t *o, struct err *err)
{
	const json_t *source = obj_get(o, "source_credentials");

	if (!json_is_object(source))
		return err_set(err, ERR_RETRY, "it has no 'source_credentials'");
	if (plan_read_type(p, source, true, err))
		return err_wrap(err, "source_credentials");
	if (p->impersonate_url)
		return err_set(err, ERR_RETRY,
			"its 'source_credentials' are impersonated themselves: that is not "
			"supported");
	p->source = "impersonated service account";
	p->lifetime_s = LIFETIME_S;
	return url_read(o, "service_account_impersonation_url", NULL, CLOUD_URL_HTTPS_OR_HERE,
		       &p->impersonate_url, err) ||
			delegates_read(p, o, err)
		? -1
		: 0;
}

static int plan_read_type(struct gcp_plan *p, const json_t *o, bool inner, struct err *err)
{
	const char *type = obj_str_or("", o, "type");

	if (!strcmp(type, "service_account"))
		return key_read(p, o, err);
	if (!strcmp(type, "authorized_user"))
		return user_read(p, o, err);
	if (!strcmp(type, "external_account"))
		return external_read(p, o, err);
	if (!strcmp(type, "impersonated_service_account") && !inner)
		return impersonated_read(p, o, err);
	return err_set(err, ERR_RETRY,
		"its 'type' is '%.50s'; service_account, external_account, "
		"impersonated_service_account and authorized_user are supported",
		type);
}

int gcp_plan_read(struct gcp_plan *p, const char *text, size_t len, struct err *err)
{
	auto_json json_t *o = NULL;
	struct err hidden = {0}; /* quotes what it read */

	*p = (struct gcp_plan){.kind = GCP_METADATA};
	o = obj_parse_within(text, len, &obj_answer, "it", &hidden);
	if (!json_is_object(o))
		return err_set(err, ERR_RETRY, "it is no JSON object");
	if (plan_read_type(p, o, false, err)) {
		gcp_plan_clear(p);
		return -1;
	}
	return 0;
}
