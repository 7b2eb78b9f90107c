/* Types whose caller shows what both sides know, or knows the path. */
#include "hook/how.h"
#include "hook/push.h"
#include "hook/read.h"

static void generic_read(struct hook_in *in, struct hook_verdict *v)
{
	(void)in;
	(void)v;
}

static void gitlab_read(struct hook_in *in, struct hook_verdict *v)
{
	if (!secret_equal(&in->headers[HOOK_X_GITLAB_TOKEN], &in->token))
		hook_say(v, HOOK_REFUSED, "header X-Gitlab-Token is not the receiver's token");
	else
		hook_event_ok(in, HOOK_X_GITLAB_EVENT, v);
}

static void harbor_read(struct hook_in *in, struct hook_verdict *v)
{
	if (!secret_equal(&in->headers[HOOK_AUTHORIZATION], &in->token))
		hook_say(v, HOOK_REFUSED,
			"header Authorization is not the receiver's token, without Bearer");
	else
		hook_push_harbor(v, hook_json(in));
}

const struct hook_how hook_generic = {generic_read};
const struct hook_how hook_gitlab = {gitlab_read};
const struct hook_how hook_harbor = {harbor_read};
