#include "base/base64.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "cloud/aws.h"
#include "cloud/xml.h"

#include <string.h>

#define SKEW_MS (4 * 60 * 1000) /* AWS takes what is signed within 5 minutes */
#define SECONDS_MAX 1e11 /* of a time since 1970: the year 5138 */

/* ---- errors ---------------------------------------------------------------------------------- */

/* "com.amazon.coral#Code", and of a header "Code:http://...". */
static char *said_code(const char *code)
{
	const char *hash;

	if (!code)
		return mem_strdup("");
	hash = strchr(code, '#');
	if (hash)
		code = hash + 1;
	return mem_strndup(code, strcspn(code, ":"));
}

static void said_read_xml(struct aws_said *said, const struct http_res *res)
{
	struct xml_text want[] = {{"ErrorResponse/Error/Code"}, {"ErrorResponse/Error/Message"}};
	struct err ignored = {0};

	if (xml_read(buf_str(&res->body), res->body.len, want, ARRAY_LEN(want), &ignored))
		err_clear(&ignored);
	said->code = said_code(want[0].text.p);
	said->text = mem_strdup(want[1].text.p ? want[1].text.p : "");
	xml_texts_clear(want, ARRAY_LEN(want));
}

static void said_read_json(struct aws_said *said, const struct http_res *res)
{
	static const char *const codes[] = {"__type", "code", "Code"};
	const char *code = NULL, *text;
	auto_json json_t *o = NULL;
	struct err ignored = {0};
	size_t i;

	o = obj_parse_within(
		buf_str(&res->body), res->body.len, &obj_answer, "the answer", &ignored);
	for (i = 0; i < ARRAY_LEN(codes) && !code; i++)
		code = obj_str(o, codes[i]);
	text = obj_str(o, "message");
	if (!text)
		text = obj_str(o, "Message");
	if (!code)
		code = http_header(res, "X-Amzn-ErrorType");
	said->code = said_code(code);
	said->text = mem_strdup(text ? text : "");
}

void aws_said_read(struct aws_said *said, const struct http_res *res)
{
	const char *body = buf_str(&res->body);

	body += strspn(body, " \t\r\n");
	if (*body == '<') {
		said_read_xml(said, res);
		return;
	}
	said_read_json(said, res);
	if (!*said->code && !*said->text && *body != '{') {
		free(said->text);
		said->text = mem_strdup(body);
	}
}

void aws_said_clear(struct aws_said *said)
{
	free(said->code);
	free(said->text);
	*said = (struct aws_said){NULL, NULL};
}

int aws_refused(const struct op *op, struct err *err)
{
	auto_said struct aws_said said = {NULL, NULL};

	aws_said_read(&said, cloud_ask_result(op));
	return cloud_ask_refused(op, said.code, said.text, err);
}

bool aws_is_throttled(const struct http_res *res)
{
	/* The first of them is not about our pace: AWS could not reach who issued the token, and
	   says to ask again. */
	static const char *const codes[] = {"IDPCommunicationError", "Throttling",
		"ThrottlingException", "ThrottledException", "RequestThrottled",
		"RequestThrottledException", "RequestLimitExceeded", "TooManyRequestsException",
		"ProvisionedThroughputExceededException", "TransactionInProgressException",
		"BandwidthLimitExceeded", "LimitExceededException", "PriorRequestNotComplete",
		"EC2ThrottledException", "SlowDown"};
	auto_said struct aws_said said = {NULL, NULL};
	size_t i;

	if (res->status == 429)
		return true;
	aws_said_read(&said, res);
	for (i = 0; i < ARRAY_LEN(codes); i++)
		if (!strcmp(said.code, codes[i]))
			return true;
	return false;
}

bool aws_differs(const struct http_res *res, int64_t wall_ms, int64_t *at)
{
	const char *date = http_header(res, "Date");
	struct err ignored = {0};

	return date && !time_parse_http(date, at, &ignored) &&
		(*at > wall_ms + SKEW_MS || *at < wall_ms - SKEW_MS);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* Visible ASCII: it goes into a header. */
static bool is_visible(const char *s, const char *but)
{
	size_t n;

	for (n = 0; s[n]; n++)
		if (s[n] <= 0x20 || s[n] > 0x7e || n >= LIMIT_CLOUD_PASSWORD || strchr(but, s[n]))
			return false;
	return n > 0;
}

static int keys_missing(const char *what, struct err *err)
{
	return err_set(err, ERR_RETRY, "there is no %s", what);
}

static int keys_malformed(const char *what, struct err *err)
{
	return err_set(err, ERR_RETRY, "the %s is malformed", what);
}

int aws_keys_take(struct cloud_secrets *got, const char *id, const char *key, const char *token,
	const char *expiration, struct err *err)
{
	struct err ignored = {0}; /* it would quote */
	int64_t expires_ms = 0;

	if (!id || !*id)
		return keys_missing("AccessKeyId", err);
	if (!key || !*key)
		return keys_missing("SecretAccessKey", err);
	if (!is_visible(id, "/,=")) /* what divides the parts of the header */
		return keys_malformed("AccessKeyId", err);
	if (!is_visible(key, ""))
		return keys_malformed("SecretAccessKey", err);
	if (token && *token && !is_visible(token, ""))
		return keys_malformed("session token", err);
	if (expiration &&
		(time_parse_rfc3339(expiration, &expires_ms, &ignored) || expires_ms <= 0))
		return keys_malformed("Expiration", err);
	secret_set(&got->first, id, strlen(id));
	secret_set(&got->second, key, strlen(key));
	if (token)
		secret_set(&got->third, token, strlen(token));
	else
		secret_clear(&got->third);
	got->expires_ms = expires_ms;
	return 0;
}

int aws_keys_of_json(struct cloud_secrets *got, const json_t *o, struct err *err)
{
	const char *token = obj_str(o, "Token"), *expiration = obj_str(o, "Expiration");

	if (!token && obj_get(o, "Token"))
		return keys_malformed("session token", err);
	if (!expiration && obj_get(o, "Expiration"))
		return keys_malformed("Expiration", err);
	return aws_keys_take(got, obj_str(o, "AccessKeyId"), obj_str(o, "SecretAccessKey"), token,
		expiration, err);
}

int aws_keys_of_xml(struct cloud_secrets *got, const char *data, size_t len, struct err *err)
{
#define CREDENTIALS "AssumeRoleWithWebIdentityResponse/AssumeRoleWithWebIdentityResult/Credentials/"
	struct xml_text want[] = {{CREDENTIALS "AccessKeyId"}, {CREDENTIALS "SecretAccessKey"},
		{CREDENTIALS "SessionToken"}, {CREDENTIALS "Expiration"}};
#undef CREDENTIALS
	int rc = xml_read(data, len, want, ARRAY_LEN(want), err);

	if (!rc && !want[2].text.len)
		rc = keys_missing("SessionToken", err);
	else if (!rc && !want[3].text.len)
		rc = keys_missing("Expiration", err);
	else if (!rc)
		rc = aws_keys_take(
			got, want[0].text.p, want[1].text.p, want[2].text.p, want[3].text.p, err);
	xml_texts_clear(want, ARRAY_LEN(want));
	return rc;
}

/* ---- password -------------------------------------------------------------------------------- */

/* "AWS:PASSWORD" of its base64. */
static int password_take(struct secret *to, const char *text, struct err *err)
{
	auto_buf struct buf plain = BUF_INIT(LIMIT_TOKEN_BODY);
	struct err hidden = {0};
	const char *colon, *c;
	int rc;

	buf_room(&plain, strlen(text)); /* it does not move, and leaves no copy behind */
	rc = base64_decode(&plain, text, strlen(text), BASE64_STD, &hidden);
	colon = rc ? NULL : memchr(buf_str(&plain), ':', plain.len);
	for (c = plain.p; !rc && c < plain.p + plain.len; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			rc = -1;
	if (rc || !colon || colon == plain.p || !colon[1] || strchr(colon + 1, ':'))
		rc = -1;
	else
		secret_set(to, plain.p, plain.len);
	mem_wipe(plain.p, plain.cap);
	return rc
		? err_set(err, ERR_RETRY, "the answer's authorizationToken is no user and password")
		: 0;
}

int aws_password_of_json(
	struct cloud_secrets *got, const json_t *o, bool is_public, struct err *err)
{
	const json_t *data = obj_get(o, "authorizationData"), *expires;
	const char *token;
	double seconds;

	if (!is_public)
		data = json_array_get(data, 0);
	if (!json_is_object(data))
		return err_set(err, ERR_RETRY, "the answer has no authorizationData");
	token = obj_str(data, "authorizationToken");
	if (!token)
		return err_set(err, ERR_RETRY, "the answer has no authorizationToken");
	expires = obj_get(data, "expiresAt");
	seconds = json_number_value(expires); /* 0 when it is no number */
	if (!(seconds > 0 && seconds < SECONDS_MAX))
		return err_set(err, ERR_RETRY,
			"the answer's expiresAt is no number of seconds, or not there");
	if (password_take(&got->first, token, err))
		return -1;
	got->expires_ms = (int64_t)(seconds * 1000);
	return 0;
}
