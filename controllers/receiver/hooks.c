#include "controllers/receiver/hooks.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "controllers/receiver/answer.h"
#include "controllers/receiver/call.h"
#include "controllers/receiver/env.h"
#include "controllers/receiver/paths.h"
#include "controllers/receiver/way.h"
#include "http/server.h"

#include <string.h>

bool receiver_hooks_want_body(void *arg, struct http_exchange *x)
{
	return receiver_paths_find(arg, http_x_target(x)) != NULL;
}

/* They ask, and change nothing: a look at the path in a browser is no push. */
static bool is_question(const char *method)
{
	return !strcmp(method, "GET") || !strcmp(method, "HEAD") || !strcmp(method, "OPTIONS");
}

static void hook_call(struct receiver_env *env, const struct receiver_request *r,
	struct http_exchange *x, const struct item *i)
{
	const char *why;
	int status = receiver_call_refusal(env, i, &why);

	if (!i) {
		receiver_answer(env, r, x, status, why);
	} else if (!env->opts.any_method && is_question(http_x_method(x))) {
		http_x_add_header(x, "Allow", "POST");
		receiver_answer(env, r, x, 405, "this path is to be called with POST");
	} else if (status) {
		receiver_answer(env, r, x, status, why);
	} else if (env->stopping) {
		receiver_answer(env, r, x, 503, RECEIVER_ENDS);
	} else if (!receiver_call_room(env, i)) {
		receiver_answer(env, r, x, 503, RECEIVER_BUSY);
	} else {
		receiver_call_begin(env, i, r, x);
	}
}

void receiver_hooks_handle(void *arg, struct http_exchange *x)
{
	struct receiver_env *env = arg;
	struct receiver_request r = receiver_request_begin(env, x);
	auto_buf struct buf elsewhere = BUF_INIT(2 * LIMIT_URL);
	const char *target = http_x_target(x);

	switch (receiver_way_of(target, &elsewhere)) {
	case WAY_HOOK:
		/* The path may have become somebody's since its header came: what was to be said to
		   him is lost, and he is not to act on nothing. */
		hook_call(env, &r, x,
			http_x_body_dropped(x) ? NULL : receiver_paths_find(env, target));
		break;
	case WAY_ELSEWHERE:
		http_x_add_header(x, "Location", buf_str(&elsewhere));
		receiver_answer(env, &r, x, 307, NULL);
		break;
	case WAY_NOWHERE:
	default:
		receiver_answer(env, &r, x, 404, "404 page not found");
		break;
	}
}
