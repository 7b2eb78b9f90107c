#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "cloud/aws.h"
#include "cloud/sigv4.h"

#include <stdlib.h>
#include <string.h>

#define BODY "{}"

/* The password that ECR gives to whoever signs with keys of AWS. */
struct aws_ecr {
	struct aws_fetch aws;
	struct cloud_secrets access;
	int64_t signed_ms; /* on the clock that was signed with */
	bool corrected; /* its clock was */
};

static const struct ecr_api {
	const char *service, *target, *variable;
} api_private = {"ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
	"AWS_ENDPOINT_URL_ECR"},
  api_public = {"ecr-public", "SpencerFrontendService.GetAuthorizationToken",
	  "AWS_ENDPOINT_URL_ECR_PUBLIC"};

static struct aws_ecr *ecr_of(struct task *t)
{
	return CONTAINER_OF(t, struct aws_ecr, aws.fetch.task);
}

static bool ecr_is_public(const struct aws_ecr *e)
{
	return e->aws.fetch.ticket->place.form & AWS_PUBLIC;
}

static enum step_ret ecr_fail(struct aws_ecr *e, const struct err *err)
{
	return aws_fail(&e->aws.fetch, e->access.source, err);
}

static struct op *ecr_ask(
	struct aws_ecr *e, const struct ecr_api *api, const struct aws_endpoint *at)
{
	struct cloud_ticket *ticket = e->aws.fetch.ticket;
	struct http_hdr hdrs[] = {{"Content-Type", "application/x-amz-json-1.1"},
		{"X-Amz-Target", api->target}, {NULL}, {NULL}, {NULL}, {NULL}};
	auto_buf struct buf authorization = BUF_INIT(BUF_ANY);
	char date[SIGV4_DATE_MAX];

	e->signed_ms = clock_wall_ms() + ticket->cloud->aws_skew_ms;
	sigv4_sign(&(struct sigv4){.id = e->access.first.p,
			   .key = &e->access.second,
			   .token = &e->access.third,
			   .region = ticket->place.region,
			   .service = api->service,
			   .wall_ms = e->signed_ms,
			   .method = "POST",
			   .host = at->host,
			   .path = at->path,
			   .hdrs = hdrs,
			   .body = BODY,
			   .body_len = strlen(BODY)},
		date, &authorization);
	hdrs[2] = (struct http_hdr){"X-Amz-Date", date};
	hdrs[3] = (struct http_hdr){"Authorization", buf_str(&authorization)};
	if (e->access.third.len)
		hdrs[4] = (struct http_hdr){"X-Amz-Security-Token", e->access.third.p};
	return cloud_ask_start(ticket,
		&(struct cloud_ask){.what = "ecr",
			.method = "POST",
			.url = at->url,
			.hdrs = hdrs,
			.body = BODY,
			.body_len = strlen(BODY),
			.local = at->local,
			.trust = &e->aws.trust,
			.is_throttled = aws_is_throttled});
}

static enum step_ret ecr_ask_start(struct task *t)
{
	struct aws_ecr *e = ecr_of(t);
	const struct cloud_ticket *ticket = e->aws.fetch.ticket;
	const struct ecr_api *api = ecr_is_public(e) ? &api_public : &api_private;
	auto_free char *url = mem_printf("https://%s/", ticket->place.api);
	auto_endpoint struct aws_endpoint at = {NULL};
	struct err err = {0};

	if (aws_endpoint(&at, &ticket->cloud->env, api->variable, url, &err))
		return ecr_fail(e, &err);
	return task_wait(t, ecr_ask(e, api, &at));
}

/* Was it refused because our clock is wrong, and the answer says by how much? Once only. */
static bool ecr_corrects_clock(struct aws_ecr *e, const struct http_res *res)
{
	static const char *const codes[] = {
		"RequestExpired", "InvalidSignatureException", "RequestTimeTooSkewed"};
	auto_said struct aws_said said = {NULL, NULL};
	int64_t at;
	size_t i;

	if (e->corrected || !aws_differs(res, e->signed_ms, &at))
		return false;
	aws_said_read(&said, res);
	for (i = 0; i < ARRAY_LEN(codes) && strcmp(said.code, codes[i]) != 0; i++)
		;
	if (i == ARRAY_LEN(codes))
		return false;
	e->corrected = true;
	e->aws.fetch.ticket->cloud->aws_skew_ms = at - clock_wall_ms();
	return true;
}

static enum step_ret ecr_ask_resume(struct task *t)
{
	struct aws_ecr *e = ecr_of(t);
	auto_json json_t *o = NULL;
	const struct http_res *res;
	struct err err = {0};
	int64_t at;

	if (task_op_failed(t))
		return ecr_fail(e, &t->err);
	res = cloud_ask_result(t->op);
	if (res->status != 200) {
		if (ecr_corrects_clock(e, res))
			return STEP_AGAIN;
		aws_refused(t->op, &err);
		return ecr_fail(e, &err);
	}
	o = cloud_ask_json(t->op, &err);
	if (!o)
		return ecr_fail(e, &err);
	if (aws_password_of_json(&e->aws.fetch.got, o, ecr_is_public(e), &err)) {
		err_wrap(&err, "'%s'", e->aws.fetch.ticket->place.api);
		return ecr_fail(e, &err);
	}
	if (aws_differs(res, clock_wall_ms(), &at))
		e->aws.fetch.got.expires_ms -= at - clock_wall_ms();
	return STEP_DONE;
}

static void ecr_free(struct task *t)
{
	struct aws_ecr *e = ecr_of(t);

	cloud_secrets_clear(&e->access);
	aws_fetch_clear(&e->aws);
	free(e);
}

struct op *aws_ecr_start(struct cloud_ticket *ticket, const struct cloud_secrets *access)
{
	static const struct step steps[] = {
		{"ca", aws_ca_start, aws_ca_resume},
		{"ask", ecr_ask_start, ecr_ask_resume}, /* once more with AWS's time */
		{0},
	};
	struct aws_ecr *e = NEW(struct aws_ecr);

	cloud_secrets_copy(&e->access, access);
	cloud_fetch_init(&e->aws.fetch, ticket, "aws-ecr", steps, ecr_free);
	return task_spawn(&e->aws.fetch.task);
}
