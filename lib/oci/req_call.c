#include "oci/req_call.h"

#include "oci/answer.h"
#include "oci/ref.h"
#include "oci/tally.h"

uint64_t oci_call_time_left(const struct call *q)
{
	return timer_is_set(&q->deadline) ? timer_left(&q->deadline) : 0;
}

int oci_call_on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct call *q = arg;

	return http_guard_connect(&q->client->guard, &q->hop, ip, port, err);
}

void oci_call_show_url(const struct call *q, struct buf *out)
{
	if (!q->away) {
		url_redacted(&q->url, out);
		return;
	}
	buf_addf(out, "%s://", q->url.https ? "https" : "http");
	url_authority(&q->url, out);
}

enum step_ret oci_call_fail(struct call *q, const struct err *err)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err e = *err;

	if (q->req.probe || err->code == OCI_LOGIN_FAILED) /* health.h, or the login says it all */
		return task_fail(&q->task, err);
	err_wrap(&e, "%s of '%s'", q->what, oci_repo_format(q->target.repo, repo));
	return task_fail(&q->task, &e);
}

enum step_ret oci_call_fail_elsewhere(struct call *q, const struct http_res *res)
{
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	struct err err = {0};

	url_authority(&q->url, &host);
	oci_answer_elsewhere(res, buf_str(&host), &err);
	return oci_call_fail(q, &err);
}

void oci_call_count(struct call *q, int status)
{
	if (q->asking)
		oci_tally_add(&q->client->tally, q->req.kind, &q->url, status);
	q->asking = false;
}
