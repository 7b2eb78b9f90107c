#include "controllers/receiver/answer.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/token.h"
#include "http/server.h"

#include <stdio.h>
#include <string.h>

#define SERVICE ""

/* What callers make up is not to fill the metrics. */
static const char *method_word(const char *method)
{
	static const char *const words[] = {
		"POST", "GET", "PUT", "HEAD", "PATCH", "DELETE", "OPTIONS"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(words); i++)
		if (!strcmp(method, words[i]))
			return words[i];
	return "other";
}

struct receiver_request receiver_request_begin(
	struct receiver_env *env, const struct http_exchange *x)
{
	env->inflight++;
	return (struct receiver_request){method_word(http_x_method(x)), clock_ns()};
}

void receiver_answer(struct receiver_env *env, const struct receiver_request *r,
	struct http_exchange *x, int status, const char *why)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	char code[16];

	if (why)
		buf_addf(&body, "%s\n", why);
	snprintf(code, sizeof(code), "%d", status);
	env->inflight--;
	metric_observe(metric_series(env->seconds, SERVICE, RECEIVER_PATH_PREFIX, r->method, code),
		(double)(clock_ns() - r->since_ns) / 1e9);
	metric_observe(metric_series(env->bytes, SERVICE, RECEIVER_PATH_PREFIX, r->method, code),
		(double)body.len);
	if (!x)
		return;
	if (status == 503)
		http_x_add_header(x, "Retry-After", "1");
	http_reply_buf(x, status, body.len ? "text/plain; charset=utf-8" : NULL, &body);
}

static void emit_inflight(void *arg, struct metric_out *out)
{
	const struct receiver_env *env = arg;

	metric_emit(out, env->inflight, SERVICE, RECEIVER_PATH_PREFIX);
}

void receiver_answer_metrics(struct receiver_env *env, struct metrics *m)
{
	static const char labels[] = "service,handler,method,code";
	static const struct metric_buckets seconds = {
		11, {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10}};
	static const struct metric_buckets bytes = {
		8, {100, 1000, 10000, 100000, 1e6, 1e7, 1e8, 1e9}};

	env->seconds = metrics_histogram(m, "gotk_receiver_http_request_duration_seconds",
		"From a whole call of a Receiver to its answer.", labels, seconds);
	env->bytes = metrics_histogram(m, "gotk_receiver_http_response_size_bytes",
		"Bodies of the answers of Receivers.", labels, bytes);
	metric_family_on_scrape(
		metrics_gauge(m, "gotk_receiver_http_requests_inflight",
			"Calls of Receivers that wait or are worked on.", "service,handler"),
		emit_inflight, env);
}
