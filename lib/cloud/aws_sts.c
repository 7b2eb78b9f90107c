#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cloud/aws.h"
#include "crypto/digest.h"
#include "text/steady.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_FILE "AWS_WEB_IDENTITY_TOKEN_FILE"
#define ROLE "AWS_ROLE_ARN"
#define ROLE_ANNOTATION "eks.amazonaws.com/role-arn"
#define AUDIENCE "sts.amazonaws.com"
#define SESSION_MAX 64 /* STS's own limit of RoleSessionName */
#define HASH_LEN 8
#define ROLE_MAX 2048 /* STS's own limit of RoleArn */

/* AssumeRoleWithWebIdentity: a token that Kubernetes made, for keys of a role. */
struct aws_sts {
	struct aws_fetch aws;
	struct secret jwt;
};

static struct aws_sts *sts_of(struct task *t)
{
	return CONTAINER_OF(t, struct aws_sts, aws.fetch.task);
}

/* Of the pod; an account is said by its name. */
static const char *sts_source(const struct aws_sts *s)
{
	return s->aws.fetch.ticket->account ? NULL : "web identity of the pod";
}

static enum step_ret sts_fail(struct aws_sts *s, const struct err *err)
{
	return aws_fail(&s->aws.fetch, sts_source(s), err);
}

/* ---- whose role ------------------------------------------------------------------------------ */

/* arn:aws[-...]:iam::DIGITS:role/NAME with visible ASCII */
static bool role_is_arn(const char *s)
{
	static const char service[] = ":iam::", kind[] = ":role/";
	size_t n = strlen(s), i;

	if (n > ROLE_MAX || strncmp(s, "arn:aws", 7) != 0)
		return false;
	for (i = 0; i < n; i++)
		if (s[i] <= 0x20 || s[i] > 0x7e)
			return false;
	for (s += 7; ascii_is_alnum(*s) || *s == '-' || *s == '_'; s++)
		;
	if (strncmp(s, service, sizeof(service) - 1) != 0)
		return false;
	s += sizeof(service) - 1;
	if (!ascii_is_digit(*s))
		return false;
	while (ascii_is_digit(*s))
		s++;
	return !strncmp(s, kind, sizeof(kind) - 1) && s[sizeof(kind) - 1];
}

static const char *account_role(const struct cloud_ticket *t, struct err *err)
{
	const char *role = cloud_account_annotation(t, ROLE_ANNOTATION);
	auto_buf struct buf shown = BUF_INIT(LIMIT_CLOUD_TEXT + 4);

	if (role && role_is_arn(role))
		return role;
	if (!role) {
		err_set(err, ERR_RETRY, "it has no annotation '" ROLE_ANNOTATION "'");
		return NULL;
	}
	steady_add_clean(&shown, role, LIMIT_CLOUD_TEXT);
	err_set(err, ERR_RETRY, "its annotation '" ROLE_ANNOTATION "' is no role of AWS: '%s'",
		buf_str(&shown));
	return NULL;
}

static void add_account_session(struct buf *b, const struct cloud_ticket *t)
{
	auto_free char *name =
		mem_printf("%s.%s.%s.fluxcd.io", t->account->name, t->account->ns, t->place.region);
	char hex[DIGEST_HEX_MAX];
	struct digest d;

	if (strlen(name) <= SESSION_MAX) {
		url_encode(b, name);
		return;
	}
	/* What is cut would be the same for many: a hash of the whole name tells them apart. */
	digest_mem(&d, DIGEST_SHA256, name, strlen(name));
	name[SESSION_MAX - HASH_LEN - 1] = '\0';
	url_encode(b, name);
	buf_addf(b, ".%.*s", HASH_LEN, digest_hex(&d, hex));
}

static void add_pod_session(struct buf *b, const struct cloud_ticket *t)
{
	const char *name = cloud_env_get(&t->cloud->env, "AWS_ROLE_SESSION_NAME");

	if (name)
		url_encode(b, name);
	else /* nanoseconds, as AWS's own libraries name a session that has no name */
		buf_addf(b, "%lld%06u", (long long)clock_wall_ms(),
			(unsigned)(clock_ns() % 1000000));
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret sts_token_start(struct task *t)
{
	struct aws_sts *s = sts_of(t);
	struct cloud_ticket *ticket = s->aws.fetch.ticket;
	const struct cloud_env *env = &ticket->cloud->env;
	struct err err = {0};

	if (ticket->account) {
		if (!account_role(ticket, &err))
			return sts_fail(s, &err);
		return task_wait(t, cloud_account_token_start(ticket, AUDIENCE));
	}
	if (!cloud_env_get(env, ROLE)) {
		err_set(&err, ERR_RETRY, TOKEN_FILE " is set, and " ROLE " is not");
		return sts_fail(s, &err);
	}
	return task_wait(t,
		cloud_file_start(t->self.loop, cloud_env_get(env, TOKEN_FILE), LIMIT_CLOUD_FILE));
}

static bool jwt_take(struct secret *jwt, const char *p, size_t n)
{
	size_t i;

	while (n && strchr(" \t\r\n", p[n - 1]))
		n--;
	for (i = 0; i < n; i++)
		if (p[i] <= 0x20 || p[i] > 0x7e)
			return false;
	secret_set(jwt, p, n);
	return n > 0;
}

static enum step_ret sts_token_resume(struct task *t)
{
	struct aws_sts *s = sts_of(t);
	struct cloud_ticket *ticket = s->aws.fetch.ticket;
	const struct buf *text;
	struct err err = {0};

	if (ticket->account) {
		if (task_op_failed(t)) /* it says whose token */
			return STEP_FAIL;
		secret_copy(&s->jwt, cloud_account_token_result(ticket, t->op));
		return STEP_NEXT;
	}
	if (task_op_failed(t)) {
		err_wrap(&t->err, TOKEN_FILE);
		return sts_fail(s, &t->err);
	}
	text = cloud_file_result(t->op);
	if (jwt_take(&s->jwt, buf_str(text), text->len))
		return STEP_NEXT;
	err_set(&err, ERR_RETRY, TOKEN_FILE ": '%.300s' holds no token",
		cloud_env_get(&ticket->cloud->env, TOKEN_FILE));
	return sts_fail(s, &err);
}

static void sts_add_form(const struct aws_sts *s, struct buf *b)
{
	const struct cloud_ticket *ticket = s->aws.fetch.ticket;

	buf_room(b, s->jwt.len + 8 * LIMIT_KIB); /* the token is not to be left behind elsewhere */
	buf_adds(b, "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=");
	url_encode(b,
		ticket->account ? cloud_account_annotation(ticket, ROLE_ANNOTATION)
				: cloud_env_get(&ticket->cloud->env, ROLE));
	buf_adds(b, "&RoleSessionName=");
	if (ticket->account)
		add_account_session(b, ticket);
	else
		add_pod_session(b, ticket);
	buf_adds(b, "&WebIdentityToken=");
	url_encode(b, s->jwt.p);
}

static enum step_ret sts_ask_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {
		{"Content-Type", "application/x-www-form-urlencoded"}, {NULL, NULL}};
	struct aws_sts *s = sts_of(t);
	struct cloud_ticket *ticket = s->aws.fetch.ticket;
	auto_free char *url = aws_sts_url(&ticket->cloud->env, &ticket->place);
	auto_endpoint struct aws_endpoint at = {NULL};
	struct buf body = BUF_INIT(4 * LIMIT_CLOUD_FILE);
	struct err err = {0};
	struct op *op;

	if (aws_endpoint(&at, &ticket->cloud->env, "AWS_ENDPOINT_URL_STS", url, &err))
		return sts_fail(s, &err);
	sts_add_form(s, &body);
	op = cloud_ask_start(ticket,
		&(struct cloud_ask){.what = "sts",
			.method = "POST",
			.url = at.url,
			.hdrs = hdrs,
			.body = buf_str(&body),
			.body_len = body.len,
			.local = at.local,
			.trust = &s->aws.trust,
			.is_throttled = aws_is_throttled});
	mem_wipe(body.p, body.cap);
	buf_clear(&body);
	return task_wait(t, op);
}

static enum step_ret sts_ask_resume(struct task *t)
{
	struct aws_sts *s = sts_of(t);
	struct cloud_secrets *got = &s->aws.fetch.got;
	const struct http_res *res;
	struct err err = {0};
	int64_t at;

	if (task_op_failed(t))
		return sts_fail(s, &t->err);
	res = cloud_ask_result(t->op);
	if (res->status != 200) {
		aws_refused(t->op, &err);
		if (err.kind != ERR_WAIT)
			cloud_jwt_tell(&err, s->jwt.p, s->jwt.len);
		return sts_fail(s, &err);
	}
	if (aws_keys_of_xml(got, buf_str(&res->body), res->body.len, &err)) {
		err_wrap(&err, "the answer of '%s'", cloud_ask_host(t->op));
		return sts_fail(s, &err);
	}
	if (aws_differs(res, clock_wall_ms(), &at)) /* its time to live is on its own clock */
		got->expires_ms -= at - clock_wall_ms();
	got->source = sts_source(s);
	return STEP_DONE;
}

static void sts_free(struct task *t)
{
	struct aws_sts *s = sts_of(t);

	secret_clear(&s->jwt);
	aws_fetch_clear(&s->aws);
	free(s);
}

struct op *aws_sts_start(struct cloud_ticket *ticket)
{
	static const struct step steps[] = {
		{"ca", aws_ca_start, aws_ca_resume},
		{"token", sts_token_start, sts_token_resume},
		{"ask", sts_ask_start, sts_ask_resume},
		{0},
	};
	struct aws_sts *s = NEW(struct aws_sts);

	cloud_fetch_init(&s->aws.fetch, ticket, "aws-sts", steps, sts_free);
	return task_spawn(&s->aws.fetch.task);
}
