#include "hook/caller.h"

#include "base/clock.h"
#include "base/obj.h"
#include "ev/op.h"
#include "hook/issuer.h"
#include "hook/jwt.h"
#include "hook/read.h"

#include <stdio.h>
#include <string.h>

int caller_token(struct jwt *t, const struct hook_in *in, struct hook_verdict *v)
{
	static const char bearer[] = "Bearer ";
	const char *text = hook_header(in, HOOK_AUTHORIZATION), *end;
	struct err err = {0};

	*t = (struct jwt){0};
	if (strncmp(text, bearer, strlen(bearer)) != 0) {
		hook_say(v, HOOK_REFUSED, "there is no bearer token");
		return -1;
	}
	text += strlen(bearer);
	text += strspn(text, " \t");
	for (end = text + strlen(text); end > text && strchr(" \t", end[-1]);)
		end--;
	if (!jwt_open(t, text, (size_t)(end - text), &err))
		return 0;
	jwt_clear(t);
	hook_refuse(v, err.msg);
	return -1;
}

static int email_check(const struct jwt *t, const char *email, struct err *err)
{
	if (strcmp(obj_str_or("", t->claims, "email"), email) != 0)
		return err_set(err, ERR_RETRY, "the token is of another account");
	if (!obj_bool(false, t->claims, "email_verified"))
		return err_set(err, ERR_RETRY, "the token's address is not verified");
	return 0;
}

static int token_check(const struct caller_rule *rule, const struct jwt *t, struct err *err)
{
	bool aka = rule->alias && !strcmp(jwt_issuer(t), rule->alias);

	if (jwt_check(t, aka ? rule->alias : rule->issuer, rule->audience, clock_wall_ms(), err))
		return -1;
	return rule->email ? email_check(t, rule->email, err) : 0;
}

int caller_judge(const struct caller_rule *rule, const struct jwt *t, const struct op *op,
	struct hook_verdict *v)
{
	struct err err = {0};

	if (op->err.kind != ERR_NONE) {
		hook_say(v, HOOK_UNABLE, "the keys of the token's issuer cannot be had now");
		snprintf(v->detail, sizeof(v->detail), "%.250s", op->err.msg);
		return -1;
	}
	if (!issuer_vouches(op))
		err_set(&err, ERR_RETRY, "none of the issuer's keys has signed the token");
	else if (!token_check(rule, t, &err))
		return 0;
	hook_refuse(v, err.msg);
	return -1;
}
