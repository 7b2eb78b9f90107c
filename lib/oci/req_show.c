/* What a request shows: nothing, a password, a token; and what next when that is refused. */
#include "oci/req_call.h"

#include "base/limits.h"
#include "base/mem.h"
#include "oci/answer.h"
#include "oci/memo.h"
#include "oci/ref.h"
#include "oci/token.h"

#include <stdio.h>
#include <string.h>

/* ---- the way --------------------------------------------------------------------------------- */

/* To the registry itself only, and once it has shown which scheme it speaks. Texts are borrowed. */
static struct oci_way req_way(struct call *q)
{
	const struct oci_challenge *c = q->challenge;

	if (q->away || q->probing || q->req.probe)
		return (struct oci_way){.scheme = OCI_AUTH_NONE};
	if (c)
		return (struct oci_way){c->scheme, c->realm, c->service, q->named};
	return oci_memo_get(q->client->memos, q->target.repo, oci_identity_id(q->target.identity));
}

/* Does the challenge ask for more than what a request of this kind asks for by itself? The order of
   rights says nothing: docker-registry has them in any. */
static bool req_is_extra(const struct call *q, const char *scope)
{
	const char *extra = q->challenge ? q->challenge->scope : "";
	char pull[OCI_SCOPE_MAX], turned[OCI_SCOPE_MAX];

	snprintf(pull, sizeof(pull), "repository:%s:pull", q->target.repo->name);
	snprintf(turned, sizeof(turned), "repository:%s:push,pull", q->target.repo->name);
	if (!*extra || !strcmp(extra, scope) || !strcmp(extra, pull))
		return false;
	return !q->req.write || strcmp(extra, turned) != 0;
}

/* A realm that was named long ago gets a part of the time only: the registry may have to be asked
   who it is now. */
static uint64_t token_ms(const struct call *q)
{
	uint64_t left = oci_call_time_left(q), most;

	if (q->challenge)
		return left;
	most = q->target.timeout_ms / 3;
	if (most > LIMIT_TOKEN_AGAIN_MS)
		most = LIMIT_TOKEN_AGAIN_MS;
	return left < most ? left : most;
}

static void token_req(struct call *q, const struct oci_way *way, char scope[OCI_SCOPE_MAX],
	struct oci_token_req *out)
{
	snprintf(scope, OCI_SCOPE_MAX, "repository:%s:%s", q->target.repo->name,
		q->req.write ? "pull,push" : "pull");
	*out = (struct oci_token_req){
		.target = {q->target.repo, q->target.identity, token_ms(q), q->target.mirror},
		.cred = q->cred,
		.login = q->login.len ? &q->login : NULL,
		.realm = way->realm,
		.hop = way->hop,
		.service = way->service,
		.scope = scope,
	};
	if (req_is_extra(q, scope))
		out->extra_scope = q->challenge->scope;
}

/* ---- login, token ---------------------------------------------------------------------------- */

/* NULL: there is none, or credentials match, or it is a mirror that is none of its registries. */
static struct oci_login *req_login(const struct call *q)
{
	struct oci_login *l = oci_identity_login(q->target.identity, q->target.repo);

	return l && q->target.mirror && !l->serves(l, q->target.repo->host) ? NULL : l;
}

/* Credentials that match, or a login; no login is made while there is a token that it was for. */
enum step_ret oci_call_login_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct oci_way way = req_way(q);
	struct oci_login *login;
	char scope[OCI_SCOPE_MAX];
	struct oci_token_req tr;

	q->cred = NULL;
	if (way.scheme == OCI_AUTH_NONE)
		return STEP_NEXT;
	q->cred = oci_identity_cred(q->target.identity, q->target.repo);
	if (q->cred || q->login.len)
		return STEP_NEXT;
	login = req_login(q);
	if (!login)
		return STEP_NEXT;
	if (way.scheme == OCI_AUTH_BEARER) {
		token_req(q, &way, scope, &tr);
		if (oci_token_peek(q->client->tokens, &tr))
			return STEP_NEXT;
	}
	return task_wait(t, login->start(login, q->target.repo->host, oci_call_time_left(q)));
}

enum step_ret oci_call_login_resume(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct err err = t->op->err;

	if (err.kind == ERR_CANCELED)
		return task_fail(t, &err);
	if (err.kind != ERR_NONE) {
		err.code = OCI_LOGIN_FAILED;
		return oci_call_fail(q, &err);
	}
	secret_copy(
		&q->login, oci_identity_login(q->target.identity, q->target.repo)->result(t->op));
	return STEP_NEXT;
}

/* Finds what fits: nothing, Basic, or a token that is at hand or has to be fetched first. */
enum step_ret oci_call_token_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	struct oci_way way = req_way(q);
	const struct secret *token;
	char scope[OCI_SCOPE_MAX];
	struct oci_token_req tr;

	q->basic = NULL;
	secret_clear(&q->token);
	if (way.scheme == OCI_AUTH_NONE)
		return STEP_NEXT;
	if (q->cred && q->cred->registry_token.len) {
		secret_copy(&q->token, &q->cred->registry_token);
		return STEP_NEXT;
	}
	if (way.scheme == OCI_AUTH_BASIC) {
		const struct secret *basic = q->cred ? &q->cred->basic : &q->login;

		q->basic = basic->len ? basic : NULL;
		return STEP_NEXT;
	}
	token_req(q, &way, scope, &tr);
	token = oci_token_peek(q->client->tokens, &tr);
	if (!token)
		return task_wait(t, oci_token_start(q->client->tokens, &tr));
	secret_copy(&q->token, token);
	return STEP_NEXT;
}

/* What was shown is refused: is there something else to show? */
static bool req_shows_next(struct call *q)
{
	struct oci_identity *id = q->target.identity;
	struct oci_login *login = req_login(q);
	/* What cannot be shown at all is as good as refused. */
	const struct oci_cred *cred = q->cred ? q->cred : oci_identity_cred(id, q->target.repo);

	if (!oci_call_time_left(q))
		return false;
	if (cred)
		return oci_identity_next(id, q->target.repo, cred) &&
			++q->shown < LIMIT_CREDENTIALS;
	if (!login || !q->login.len || q->relogged)
		return false;
	q->relogged = true;
	if (!login->refused(login, q->target.repo->host, &q->login))
		return false;
	secret_clear(&q->login);
	return true;
}

/*
 * What an older challenge said may be out of date: the token server has moved, or is gone, or the
 * repository asks for no token any more. It is forgotten, and the registry is asked, once.
 */
static enum step_ret req_no_token(struct call *q)
{
	struct err err = q->task.op->err;

	if (err.kind == ERR_STALL || err.kind == ERR_CANCELED)
		return oci_call_fail(q, &err);
	if (q->challenge && (err.code == 401 || err.code == 403) && req_shows_next(q))
		return task_goto(&q->task, "aim");
	oci_memo_drop(q->client->memos, q->target.repo, oci_identity_id(q->target.identity));
	return q->challenge || !oci_call_time_left(q) ? oci_call_fail(q, &err) : STEP_NEXT;
}

enum step_ret oci_call_token_resume(struct task *t)
{
	struct call *q = TASK(t, struct call);

	if (t->op->err.kind != ERR_NONE)
		return req_no_token(q);
	secret_copy(&q->token, oci_token_result(t->op));
	return STEP_NEXT;
}

/* ---- refusals -------------------------------------------------------------------------------- */

/* Is there nothing more that could be shown? Then *err says why, and -1. */
static int req_exhausted(
	struct call *q, const struct oci_challenge *c, const struct http_res *res, struct err *err)
{
	const struct oci_cred *cred = oci_identity_cred(q->target.identity, q->target.repo);
	bool has_login = req_login(q);
	char why[OCI_IDENTITY_WHY_MAX];

	oci_answer_error(res, "the registry", err);
	if (c->scheme == OCI_AUTH_BASIC && q->sent_basic)
		return err_wrap(err, "the user and password were refused");
	if (c->scheme == OCI_AUTH_BASIC && !has_login && (!cred || !cred->basic.len))
		return err_wrap(err, "a user and password are needed: %s",
			oci_identity_why_not(q->target.identity, q->target.repo, why));
	if (q->sent_bearer && (q->challenges || (cred && cred->registry_token.len)))
		return err_wrap(err, "the token was refused");
	if (q->challenges && (cred || has_login))
		return err_wrap(err, "the request was refused");
	if (q->challenges)
		return err_wrap(err, "the request was refused: %s",
			oci_identity_why_not(q->target.identity, q->target.repo, why));
	err_clear(err);
	return 0;
}

/* A token that the registry does not take is not used again. */
static void token_drop(struct call *q)
{
	struct oci_way way = req_way(q);
	char scope[OCI_SCOPE_MAX];
	struct oci_token_req tr;

	if (!q->sent_bearer || way.scheme != OCI_AUTH_BEARER)
		return;
	token_req(q, &way, scope, &tr);
	oci_token_refused(q->client->tokens, &tr, &q->token);
	secret_clear(&q->token);
}

/* Shows what the challenge asks for. */
static enum step_ret answer_challenge(struct call *q, const struct oci_challenge *c)
{
	auto_url struct url realm = {0};
	struct err err = {0};

	q->challenges++;
	if (c->scheme == OCI_AUTH_BEARER) {
		if (oci_realm_check(c->realm, q->origin, &err) ||
			url_parse(&realm, c->realm, &err) ||
			http_guard_check(&q->client->guard, &realm, &err)) {
			err.kind = ERR_RETRY;
			return oci_call_fail(q, &err);
		}
	}
	if (!q->challenge)
		q->challenge = NEW(struct oci_challenge);
	*q->challenge = *c;
	return task_goto(&q->task, "aim");
}

enum step_ret oci_call_challenged(struct call *q, const struct http_res *res)
{
	struct oci_challenge c;
	struct err err = {0};

	if (q->away)
		return oci_call_fail_elsewhere(q, res);
	q->client->stats.challenges++;
	token_drop(q);
	if (oci_answer_challenge(res, &c, &err))
		return oci_call_fail(q, &err);
	if (!req_exhausted(q, &c, res, &err))
		return answer_challenge(q, &c);
	return req_shows_next(q) ? task_goto(&q->task, "aim") : oci_call_fail(q, &err);
}

/* Does it refuse what was shown? A password of a cloud that has ended gets a 400 from some. */
static bool req_is_refusal(const struct call *q, const struct http_res *res)
{
	if (q->away || (!q->sent_basic && !q->sent_bearer))
		return false;
	return res->status == 403 || (res->status == 400 && q->login.len);
}

bool oci_call_goes_on(struct call *q, const struct http_res *res)
{
	if (!req_is_refusal(q, res) || !req_shows_next(q))
		return false;
	token_drop(q);
	return true;
}

/* ---- a challenge at /v2/ only ---------------------------------------------------------------- */

/* Is there something that could be shown? */
static bool req_could_show(const struct call *q)
{
	return oci_identity_cred(q->target.identity, q->target.repo) || req_login(q);
}

bool oci_call_hides_challenge(const struct call *q, const struct http_res *res)
{
	bool looks = q->req.write && !strcmp(q->req.method, "HEAD");

	if (q->away || q->pinged || q->challenge || q->sent_basic || q->sent_bearer)
		return false;
	if (res->status == 401)
		return !http_header(res, "WWW-Authenticate");
	return (res->status == 403 || (res->status == 404 && !looks)) && req_could_show(q);
}

enum step_ret oci_call_ping_start(struct task *t)
{
	struct call *q = TASK(t, struct call);
	auto_buf struct buf text = BUF_INIT(LIMIT_URL);
	struct http_req r = {
		.method = "GET",
		.trust = oci_target_trust(&q->target, q->target.repo->insecure),
		.proxy = oci_target_proxy(&q->target),
		.on_connect = oci_call_on_connect,
		.arg = q,
		.max_body = LIMIT_ERROR_BODY,
	};

	buf_addf(&text, "%s/v2/", q->origin);
	r.url = buf_str(&text);
	q->pinged = true;
	q->client->stats.requests[q->req.kind]++;
	q->asking = true;
	return task_wait(t, http_start(q->client->http, &r));
}

/* The refusal stands: /v2/ was of no help. */
static enum step_ret req_refused(struct call *q)
{
	const struct http_res *res = http_result(q->answer);
	struct err err = {0};

	if (q->req.quiet)
		return STEP_DONE;
	oci_answer_error(res, "the registry", &err);
	op_free(MOVE(q->answer));
	return oci_call_fail(q, &err);
}

enum step_ret oci_call_ping_resume(struct task *t)
{
	struct call *q = TASK(t, struct call);
	const struct oci_cred *cred = oci_identity_cred(q->target.identity, q->target.repo);
	const struct http_res *res = http_result(t->op);
	struct oci_challenge c = {.scheme = OCI_AUTH_BASIC};
	struct err err = t->op->err;

	if (err.kind == ERR_CANCELED && !q->overdue)
		return task_fail(t, &err);
	oci_call_count(q, err.kind == ERR_NONE ? res->status : OCI_TALLY_ERROR);
	if (err.kind != ERR_NONE)
		return req_refused(q);
	q->named = http_hop_from(res, &q->url);
	if (res->status == 401 && oci_answer_challenge(res, &c, &err))
		return req_refused(q);
	if (c.scheme == OCI_AUTH_BASIC &&
		(cred ? !cred->basic.len && !cred->registry_token.len : !req_could_show(q)))
		return req_refused(q);
	op_free(MOVE(q->answer));
	q->client->stats.challenges++;
	return answer_challenge(q, &c);
}
