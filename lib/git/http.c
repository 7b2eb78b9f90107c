#include "git/http.h"

#include "base/ascii.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "ev/task.h"
#include "git/auth.h"
#include "git/gitc.h"
#include "git/internal.h"
#include "git/said.h"
#include "git/target.h"
#include "git/url.h"
#include "http/client.h"
#include "http/guard.h"
#include "http/syntax.h"
#include "http/url.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct http_link {
	struct gitc_link link;
	struct gitc_client *client;
	struct gitc_target target;
	enum gitc_service service;
	bool v2;
	struct url own; /* what the user's URL says */
	struct url base; /* where the service was found */
	struct http_hop hop; /* to there */
	struct secret url_basic; /* of the URL */
	struct err wrong; /* there is no such URL */
};

/* One move. */
struct http_move {
	struct task task;
	struct http_link *l;
	struct gitc_move move;
	bool opening;
	struct url url; /* asked now */
	bool away; /* not at the host of the user's URL */
	struct http_hop hop;
	unsigned redirects;
	uint64_t until_ms;
	uint64_t uploaded;
	bool paused, ended;
};

#define LINK(link) CONTAINER_OF(link, struct http_link, link)

/* ---- where to -------------------------------------------------------------------------------- */

/* May what is shown to `own` be shown to `to`? The same server; or its https, where the user wrote
   http. */
static bool is_same_server(const struct url *own, const struct url *to)
{
	if (url_same_origin(own, to))
		return true;
	return !own->https && own->port == 80 && to->https && to->port == 443 &&
		!strcmp(own->host, to->host);
}

static int link_aim(struct http_link *l, const char *base, struct err *err)
{
	auto_buf struct buf own = BUF_INIT(LIMIT_URL);

	gitc_url_show(l->target.url, &own);
	if (url_parse(&l->own, buf_str(&own), err))
		return -1;
	if (url_parse(&l->base, base ? base : buf_str(&own), err))
		return -1;
	/* What is remembered is of the same server; anything else is asked for anew. */
	if (is_same_server(&l->own, &l->base))
		return 0;
	url_clear(&l->base);
	return url_parse(&l->base, buf_str(&own), err);
}

static const struct http_guard *move_guard(const struct http_move *x)
{
	static const struct http_guard anywhere;

	return x->l->client->guard ? x->l->client->guard : &anywhere;
}

/* The URL of this move: what the repository's has, and the service. */
static int move_aim(struct http_move *x, struct err *err)
{
	const char *service = gitc_service_name(x->l->service);
	auto_buf struct buf text = BUF_INIT(LIMIT_URL);

	url_clear(&x->url);
	url_format(&x->l->base, &text);
	if (x->opening)
		buf_addf(&text, "/info/refs?service=%s", service);
	else
		buf_addf(&text, "/%s", service);
	if (buf_over(&text))
		return err_set(err, ERR_STALL, "the URL is longer than %d bytes", LIMIT_URL);
	if (url_parse(&x->url, buf_str(&text), err))
		return -1;
	x->away = !is_same_server(&x->l->own, &x->url);
	return http_guard_check(move_guard(x), &x->url, err);
}

static enum step_ret move_fail(struct http_move *x, const struct err *err)
{
	return task_fail(&x->task, err);
}

/* ---- the answer as it comes ------------------------------------------------------------------ */

/* Of Content-Type, without parameters. */
static bool is_type(const struct http_res *res, const char *want)
{
	const char *type = http_header(res, "Content-Type");
	size_t n = strlen(want);

	return type && !strncasecmp(type, want, n) &&
		(!type[n] || type[n] == ';' || type[n] == ' ');
}

/* It says that it went well: with what? */
static int check_type(const struct http_move *x, const struct http_res *res, struct err *err)
{
	const char *service = gitc_service_name(x->l->service);
	char want[64];

	snprintf(want, sizeof(want), "application/x-%s-%s", service,
		x->opening ? "advertisement" : "result");
	if (is_type(res, want))
		return 0;
	if (is_type(res, "text/html") || is_type(res, "application/xhtml+xml"))
		return err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server answers with a web page and no Git: is this the URL of a "
			"repository, and does it take these credentials?");
	if (x->opening)
		return err_code(err, ERR_RETRY, GITC_DUMB,
			"the server has no Git service at this URL (no smart HTTP): its answer is "
			"no '%s'",
			want);
	return err_code(err, ERR_RETRY, GITC_PROTOCOL, "the server's answer is no '%s'", want);
}

static int on_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct http_move *x = arg;
	const char *coding;

	if (res->status < 200 || res->status > 299)
		return 0;
	if (check_type(x, res, err))
		return -1;
	if (res->status != 200)
		return err_code(err, ERR_RETRY, res->status,
			"the server answered %d where 200 was "
			"expected",
			res->status);
	coding = http_header(res, "Content-Encoding");
	if (coding && strcasecmp(coding, "identity") != 0)
		return err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server's answer is compressed, which nobody asked for");
	return 0;
}

static enum http_body_ret on_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct http_move *x = arg;

	if (x->paused)
		return HTTP_BODY_PAUSE;
	if (x->ended) {
		err_code(err, ERR_RETRY, GITC_PROTOCOL,
			"the server's answer goes on behind its end");
		return HTTP_BODY_FAIL;
	}
	switch (x->move.on_data(x->move.arg, data, n, err)) {
	case GITC_FEED_FAIL:
		return HTTP_BODY_FAIL;
	case GITC_FEED_PAUSE:
		x->paused = true;
		return HTTP_BODY_OK;
	case GITC_FEED_END:
		x->ended = true;
		return HTTP_BODY_OK;
	default:
		return HTTP_BODY_OK;
	}
}

static long on_upload(void *arg, char *to, size_t room)
{
	struct http_move *x = arg;
	const struct buf *part[] = {x->move.head, x->move.body};
	uint64_t from = x->uploaded;
	size_t i, n;

	for (i = 0; i < ARRAY_LEN(part); i++) {
		if (!part[i])
			continue;
		if (from >= part[i]->len) {
			from -= part[i]->len;
			continue;
		}
		n = part[i]->len - (size_t)from;
		n = n < room ? n : room;
		memcpy(to, part[i]->p + from, n);
		x->uploaded += n;
		return (long)n;
	}
	return 0;
}

static int on_connect(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const struct http_move *x = arg;

	return http_guard_connect(move_guard(x), &x->hop, ip, port, err);
}

/* ---- send ------------------------------------------------------------------------------------ */

static void show_credentials(const struct http_move *x, struct http_req *r)
{
	const struct gitc_auth *a = x->l->target.auth;

	if (x->away)
		return;
	if (a && a->bearer.len)
		r->bearer = &a->bearer;
	else if (a && a->basic.len)
		r->basic = &a->basic;
	else if (x->l->url_basic.len)
		r->basic = &x->l->url_basic;
}

/* A certificate says who we are: not to strangers. `to` borrows. */
static void trust_for(const struct http_move *x, struct http_trust *to)
{
	const struct gitc_auth *a = x->l->target.auth;

	*to = (struct http_trust){0};
	if (!a)
		return;
	*to = a->trust;
	if (x->away) {
		to->cert_pem = (struct buf){0};
		to->key_pem = (struct secret){0};
		to->server_name = NULL;
	}
}

static void move_bounds(const struct http_move *x, uint64_t left, struct http_req *r)
{
	if (!x->move.stream) {
		r->deadline_ms = left;
		return;
	}
	r->headers_ms = left;
	r->idle_ms = LIMIT_GIT_IDLE_MS;
	r->min_rate = LIMIT_GIT_RATE;
	r->min_rate_window_ms = LIMIT_GIT_RATE_MS;
}

static struct op *move_ask(struct http_move *x, uint64_t left)
{
	const char *service = gitc_service_name(x->l->service);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	struct http_trust trust;
	char accept[64], type[64];
	struct http_hdr hdrs[6] = {{"User-Agent", x->l->client->agent}, {"Accept", accept}};
	size_t n = 2;
	struct http_req r = {.method = x->opening ? "GET" : "POST",
		.hdrs = hdrs,
		.trust = &trust,
		.proxy = x->l->target.auth ? &x->l->target.auth->proxy : NULL,
		.on_connect = on_connect,
		.on_headers = on_headers,
		.on_body = on_body,
		.keep_error_body = true,
		.max_body = x->move.max,
		.arg = x};

	snprintf(accept, sizeof(accept), "application/x-%s-%s", service,
		x->opening ? "advertisement" : "result");
	snprintf(type, sizeof(type), "application/x-%s-request", service);
	if (x->opening)
		hdrs[n++] = (struct http_hdr){"Pragma", "no-cache"};
	else
		hdrs[n++] = (struct http_hdr){"Content-Type", type};
	if (x->l->v2)
		hdrs[n++] = (struct http_hdr){"Git-Protocol", "version=2"};
	if (x->move.body) {
		r.on_upload = on_upload;
		r.body_total = (x->move.head ? x->move.head->len : 0) + x->move.body->len;
	} else if (x->move.head) {
		r.body = buf_str(x->move.head);
		r.body_len = x->move.head->len;
	}
	trust_for(x, &trust);
	if (r.proxy && !r.proxy->url && !r.proxy->none)
		r.proxy = NULL; /* what the environment says */
	show_credentials(x, &r);
	move_bounds(x, left, &r);
	url_format(&x->url, &url);
	r.url = buf_str(&url);
	x->paused = x->ended = false;
	x->uploaded = 0;
	x->l->client->stats.requests++;
	return http_start(x->l->client->http, &r);
}

static enum step_ret overdue(struct http_move *x)
{
	char text[TIME_TEXT_MAX];
	struct err err = {0};

	err_code(&err, ERR_RETRY, -ETIMEDOUT, "no whole answer within %s",
		time_format_duration((int64_t)x->move.time_ms, text));
	return move_fail(x, &err);
}

static enum step_ret send_start(struct task *t)
{
	struct http_move *x = TASK(t, struct http_move);
	uint64_t now = clock_ms();

	if (x->l->wrong.kind != ERR_NONE)
		return move_fail(x, &x->l->wrong);
	if (!x->until_ms) {
		struct err err = {0};

		x->until_ms = now + x->move.time_ms;
		x->hop = x->l->hop;
		if (move_aim(x, &err))
			return move_fail(x, &err);
	}
	return now >= x->until_ms ? overdue(x) : task_wait(t, move_ask(x, x->until_ms - now));
}

/* ---- judge ----------------------------------------------------------------------------------- */

static bool is_redirect(int status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Is this the repository's place, or a page to log in at? Then cut to the repository. */
static bool is_info_refs(const struct http_link *l, const struct url *u)
{
	static const char end[] = "/info/refs";
	size_t n = strlen(u->path), len = strlen(end);
	char query[64];

	snprintf(query, sizeof(query), "service=%s", gitc_service_name(l->service));
	return u->query && !strcmp(u->query, query) && n > len && !strcmp(u->path + n - len, end);
}

static enum step_ret redirected(struct http_move *x, const struct http_res *res)
{
	const char *location = http_header(res, "Location");
	auto_buf struct buf shown = BUF_INIT(LIMIT_URL);
	auto_url struct url to = {0};
	struct err err = {0};

	if (!x->opening) {
		err_code(&err, ERR_RETRY, res->status,
			"the server redirects what was posted, which is not followed");
		return move_fail(x, &err);
	}
	if (!location || !*location || ++x->redirects > LIMIT_REDIRECTS) {
		err_code(&err, ERR_RETRY, res->status, "the server redirects %s",
			location && *location ? "again and again" : "without saying where to");
		return move_fail(x, &err);
	}
	if (url_resolve(&to, &x->url, location, &err)) {
		err.kind = ERR_RETRY;
		err_wrap(&err, "the server redirects to a URL that cannot be read");
		return move_fail(x, &err);
	}
	if (http_guard_redirect(move_guard(x), &x->url, &to, false, &err))
		return move_fail(x, &err);
	if (!is_info_refs(x->l, &to)) {
		url_redacted(&to, &shown);
		err_code(&err, ERR_RETRY, GITC_PROTOCOL,
			"the server redirects to '%.300s', which is no repository: is this the URL "
			"of one, and does it take these credentials?",
			buf_str(&shown));
		return move_fail(x, &err);
	}
	x->l->client->stats.redirects++;
	x->away = !is_same_server(&x->l->own, &to);
	x->hop = x->away ? http_hop_from(res, &x->url) : x->l->target.hop;
	x->hop.by_git = x->hop.chosen;
	url_clear(&x->url);
	x->url = to;
	to = (struct url){0};
	return STEP_AGAIN;
}

static bool shows_something(const struct http_move *x)
{
	const struct gitc_auth *a = x->l->target.auth;

	return x->l->url_basic.len || (a && (a->basic.len || a->bearer.len));
}

/* What of whom it is wrong with. */
static void say_origin(const struct http_move *x, struct err *err)
{
	const struct gitc_auth *a = x->l->target.auth;
	const char *origin = a && a->origin ? a->origin : "";

	if (!shows_something(x))
		err_append(err, ": it wants credentials, and there are none");
	if (*origin)
		err_append(err, ": %.600s", origin);
}

static void say_answer(const struct http_move *x, const struct http_res *res, struct err *err)
{
	const char *status = http_status_text(res->status);
	int64_t wait = res->status == 429 || res->status == 503 ? http_retry_after_ms(res) : 0;

	err_code(err, wait > 0 ? ERR_WAIT : ERR_RETRY, res->status, "the server answered %d%s%s",
		res->status, *status ? " " : "", status);
	if (wait > 0)
		err->retry_ms = (uint64_t)wait;
	if (res->status == 401 || res->status == 403)
		err->code = GITC_AUTH_FAILED;
	if (res->status == 404 || res->status == 410)
		err->code = GITC_NOT_FOUND;
	if (res->status == 401 && x->away)
		err_append(err, ": it is another host than the URL's and gets no credentials");
	else if (res->status == 401)
		say_origin(x, err);
	else if (res->status == 403 && x->l->service == GITC_RECEIVE_PACK && shows_something(x))
		err_append(err, ": these credentials may not push");
}

static enum step_ret refused(struct http_move *x, const struct http_res *res)
{
	auto_buf struct buf said = BUF_INIT(400);
	struct err err = {0};

	say_answer(x, res, &err);
	/* Another host's words are nobody's business. */
	if (!x->away && is_type(res, "text/plain"))
		gitc_said_add(&said, buf_str(&res->body), res->body.len);
	if (said.len)
		err_append(&err, " (%s)", buf_str(&said));
	return move_fail(x, &err);
}

static enum step_ret unanswered(struct http_move *x)
{
	const struct http_res *res = http_result(x->task.op);
	struct err err = x->task.op->err;

	if (res->ca_unknown)
		err_append(
			&err, "; ca.crt of the Secret, --ca-file or SSL_CERT_FILE can name its CA");
	if (err.code == -EFBIG)
		err.code = GITC_TOO_LARGE;
	x->l->link.sent = x->uploaded > 0 || res->headers_complete;
	return move_fail(x, &err);
}

/* Where it was answered, for the moves that follow. */
static void link_found(struct http_move *x)
{
	struct http_link *l = x->l;
	auto_buf struct buf text = BUF_INIT(LIMIT_URL);

	if (!x->opening)
		return;
	x->url.path[strlen(x->url.path) - strlen("/info/refs")] = '\0';
	free(MOVE(x->url.query));
	x->url.has_query = false;
	url_clear(&l->base);
	l->base = x->url;
	x->url = (struct url){0};
	l->hop = x->hop;
	l->link.away = x->away;
	free(MOVE(l->link.base));
	if (x->redirects) {
		url_format(&l->base, &text);
		l->link.base = buf_take(&text);
	}
}

static enum step_ret send_resume(struct task *t)
{
	struct http_move *x = TASK(t, struct http_move);
	const struct http_res *res = http_result(t->op);

	if (t->op->err.kind != ERR_NONE)
		return unanswered(x);
	x->l->link.sent = true;
	if (is_redirect(res->status))
		return redirected(x, res);
	if (res->status != 200)
		return refused(x, res);
	link_found(x);
	return STEP_NEXT;
}

/* ---- the link -------------------------------------------------------------------------------- */

static void move_free(struct task *t)
{
	struct http_move *x = TASK(t, struct http_move);

	url_clear(&x->url);
	free(x);
}

static struct op *move_start(
	struct gitc_link *link, const struct gitc_move *move, bool opening, const char *name)
{
	static const struct step steps[] = {{"send", send_start, send_resume}, {0}};
	struct http_move *x = NEW(struct http_move);

	x->l = LINK(link);
	x->move = *move;
	x->opening = opening;
	link->sent = false;
	task_init(&x->task, x->l->client->loop, name, steps, NULL, move_free);
	return task_spawn(&x->task);
}

static struct op *http_open(struct gitc_link *link, const struct gitc_move *move)
{
	return move_start(link, move, true, "git advertisement");
}

static struct op *http_talk(struct gitc_link *link, const struct gitc_move *move)
{
	return move_start(link, move, false, "git request");
}

static void http_link_resume(struct op *op)
{
	struct http_move *x = TASK_OF_OP(op, struct http_move);

	x->paused = false;
	if (task_is_at(&x->task, "send") && x->task.op)
		http_resume(x->task.op);
}

static void http_link_free(struct gitc_link *link)
{
	struct http_link *l = LINK(link);

	gitc_target_clear(&l->target);
	url_clear(&l->own);
	url_clear(&l->base);
	secret_clear(&l->url_basic);
	free(l->link.base);
	free(l);
}

static void read_url_user(struct http_link *l)
{
	const struct gitc_url *u = l->target.url;
	char *text;

	if (!u->user)
		return;
	text = mem_printf("%s:%s", u->user, u->password.p ? u->password.p : "");
	secret_set(&l->url_basic, text, strlen(text));
	mem_wipe(text, strlen(text));
	free(text);
}

struct gitc_link *gitc_http_link_new(struct gitc_client *c, const struct gitc_link_req *req)
{
	static const struct gitc_link_type type = {
		.name = "http",
		.stateless = true,
		.open = http_open,
		.talk = http_talk,
		.resume = http_link_resume,
		.free = http_link_free,
	};
	struct http_link *l = NEW(struct http_link);

	l->link.type = &type;
	l->client = c;
	gitc_target_init(&l->target, req->target);
	l->hop = req->target->hop;
	l->service = req->service;
	l->v2 = req->v2;
	read_url_user(l);
	if (link_aim(l, req->base, &l->wrong))
		l->wrong.kind = ERR_STALL;
	return &l->link;
}
