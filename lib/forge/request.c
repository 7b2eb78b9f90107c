/*
 * The pull or merge request of a branch. First the open ones are asked for, so whatever was made
 * before, by us, by hand or by a run that was cut, is found; what another one makes at the same
 * moment is found when ours is refused because of it.
 */
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/utf8.h"
#include "ev/task.h"
#include "forge/internal.h"
#include "http/url.h"

#include <string.h>

#define GITEA_PAGE 50

struct request {
	struct task task;
	struct forge *forge;
	enum forge_kind kind;
	struct forge_place place;
	struct forge_route route;
	struct secret token;
	/* Of an App; id NULL: there is none. */
	struct forge_app app;
	char *app_id, *app_installation, *app_owner, *app_base;
	struct secret app_key;
	char *head, *base, *title, *body;
	unsigned page;
	bool only_find;
	bool again; /* a second try was made: of the token, or of what was there already */
	struct forge_request result;
};

#define REQUEST(t) TASK(t, struct request)

/* The words of each forge: "REST API endpoints for pull requests", "Merge requests API", the
   swagger of Gitea. */
static const struct dialect {
	const char *body, *head, *base; /* of what is made */
	const char *number, *link; /* of what is there */
	const char *update;
} dialects[] = {
	[FORGE_GITHUB] = {"body", "head", "base", "number", "html_url", "PATCH"},
	[FORGE_GITLAB] = {"description", "source_branch", "target_branch", "iid", "web_url", "PUT"},
	[FORGE_GITEA] = {"body", "head", "base", "number", "html_url", "PATCH"},
};

/* ---- asking ---------------------------------------------------------------------------------- */

static void add_collection(const struct request *q, struct buf *url)
{
	buf_adds(url, q->place.api);
	if (q->kind == FORGE_GITLAB) {
		buf_adds(url, "/projects/");
		url_encode(url, q->place.path);
		buf_adds(url, "/merge_requests");
	} else {
		buf_addf(url, "/repos/%s/pulls", q->place.path);
	}
}

static struct op *request_ask(
	struct request *q, const char *method, const struct buf *url, const struct buf *body)
{
	struct err err = {0};

	if (buf_over(url) || (body && buf_over(body))) {
		err_set(&err, ERR_STALL, "the request to the forge is too long");
		return op_failed(q->forge->loop, &err);
	}
	return forge_ask_start(q->forge,
		&(struct forge_ask){.kind = q->kind,
			.method = method,
			.url = buf_str(url),
			.bearer = &q->token,
			.body = body,
			.route = &q->route});
}

static enum step_ret request_fail(struct request *q, struct err *err, const char *what)
{
	err_wrap(err, "%s a %s request of '%.200s'", what,
		q->kind == FORGE_GITLAB ? "merge" : "pull", q->head);
	return task_fail(&q->task, err);
}

/* After a 401 an App's token may have been taken back: once another one is asked for. */
static bool token_again(struct request *q, const struct op *op)
{
	if (!q->app.id || q->again || http_result(op)->status != 401)
		return false;
	q->again = true;
	forge_token_refused(q->forge, &q->app, &q->token);
	return true;
}

/* ---- the token ------------------------------------------------------------------------------- */

static enum step_ret token_start(struct task *t)
{
	struct request *q = REQUEST(t);
	struct forge_way way = {
		.trust = &q->route.trust, .proxy = &q->route.proxy, .owner = q->route.owner};

	if (!q->app.id)
		return STEP_NEXT;
	return task_wait(t, forge_token_start(q->forge, &q->app, &way));
}

static enum step_ret token_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	secret_copy(&REQUEST(t)->token, forge_token_result(t->op));
	return STEP_NEXT;
}

/* ---- the one that is there ------------------------------------------------------------------- */

static enum step_ret find_start(struct task *t)
{
	struct request *q = REQUEST(t);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	auto_buf struct buf head = BUF_INIT(LIMIT_URL);

	add_collection(q, &url);
	url_add_param(&url, '?', "state", q->kind == FORGE_GITLAB ? "opened" : "open");
	if (q->kind == FORGE_GITHUB) {
		buf_addf(&head, "%s:%s", q->place.owner, q->head);
		url_add_param(&url, '&', "head", buf_str(&head));
		url_add_param(&url, '&', "base", q->base);
		url_add_param(&url, '&', "per_page", "100");
	} else if (q->kind == FORGE_GITLAB) {
		url_add_param(&url, '&', "source_branch", q->head);
		url_add_param(&url, '&', "target_branch", q->base);
		url_add_param(&url, '&', "per_page", "100");
	} else {
		/* Older ones know no filter. */
		buf_addf(&url, "&limit=%d&page=%u", GITEA_PAGE, q->page);
	}
	return task_wait(t, request_ask(q, "GET", &url, NULL));
}

static bool is_text(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

/* Of this repository and no fork, from head into base. */
static bool is_ours(const struct request *q, const json_t *o)
{
	if (q->kind == FORGE_GITLAB)
		return is_text(obj_str(o, "source_branch"), q->head) &&
			is_text(obj_str(o, "target_branch"), q->base) &&
			obj_int(0, o, "source_project_id") == obj_int(0, o, "target_project_id");
	return is_text(obj_str(o, "head", "ref"), q->head) &&
		is_text(obj_str(o, "base", "ref"), q->base) &&
		obj_int(0, o, "head", "repo", "id") == obj_int(0, o, "base", "repo", "id");
}

/* What is shown to people as a link. */
static char *link_read(const char *text)
{
	auto_url struct url u = {0};
	struct err ignored;

	if (!text || strlen(text) > LIMIT_URL || url_parse(&u, text, &ignored) || u.has_user)
		return mem_strdup("");
	return mem_strdup(text);
}

static int result_read(struct request *q, const json_t *o, struct err *err)
{
	int64_t n = obj_int(0, o, dialects[q->kind].number);

	if (n <= 0)
		return err_set(err, ERR_RETRY, "the answer has no number");
	q->result.number = (uint64_t)n;
	free(q->result.url);
	q->result.url = link_read(obj_str(o, dialects[q->kind].link));
	return 0;
}

/* People may have put a word before it. */
static bool title_is_fine(const struct request *q, const char *title)
{
	size_t n = title ? strlen(title) : 0, k = strlen(q->title);

	return n >= k && !strcmp(title + n - k, q->title);
}

static enum step_ret find_more(struct request *q, size_t count)
{
	if (q->kind == FORGE_GITEA && count >= GITEA_PAGE && q->page < LIMIT_FORGE_PAGES) {
		q->page++;
		return STEP_AGAIN;
	}
	if (q->only_find) {
		struct err err = {0};

		err_code(&err, ERR_RETRY, FORGE_NOTHING, "none is open");
		return request_fail(q, &err, "look for");
	}
	return task_goto(&q->task, "create");
}

static enum step_ret find_resume(struct task *t)
{
	struct request *q = REQUEST(t);
	auto_json json_t *list = NULL;
	struct err err = {0};
	json_t *one;
	size_t i;

	if (task_op_failed(t))
		return STEP_FAIL;
	if (token_again(q, t->op))
		return task_goto(t, "token");
	if (forge_ask_check(t->op, &err) || !(list = forge_ask_json(t->op, &err)))
		return request_fail(q, &err, "look for");
	json_array_foreach (list, i, one) {
		if (!is_ours(q, one))
			continue;
		if (result_read(q, one, &err))
			return request_fail(q, &err, "look for");
		return q->only_find || title_is_fine(q, obj_str(one, "title")) ? STEP_DONE
									       : STEP_NEXT;
	}
	return find_more(q, json_array_size(list));
}

static enum step_ret update_start(struct task *t)
{
	struct request *q = REQUEST(t);
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	auto_buf struct buf body = BUF_INIT(LIMIT_FORGE_TEXT);
	struct js_w w = JS_W(&body);

	add_collection(q, &url);
	buf_addf(&url, "/%llu", (unsigned long long)q->result.number);
	js_begin(&w, '{');
	js_kstr(&w, "title", q->title);
	js_end(&w, '}');
	return task_wait(t, request_ask(q, dialects[q->kind].update, &url, &body));
}

static enum step_ret update_resume(struct task *t)
{
	struct request *q = REQUEST(t);
	struct err err = {0};

	if (task_op_failed(t))
		return STEP_FAIL;
	if (forge_ask_check(t->op, &err))
		return request_fail(q, &err, "update");
	q->result.updated = true;
	return STEP_DONE;
}

/* ---- a new one ------------------------------------------------------------------------------- */

static enum step_ret create_start(struct task *t)
{
	struct request *q = REQUEST(t);
	const struct dialect *d = &dialects[q->kind];
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	/* Each character may become six. */
	auto_buf struct buf body = BUF_INIT(8 * LIMIT_FORGE_TEXT);
	struct js_w w = JS_W(&body);

	add_collection(q, &url);
	js_begin(&w, '{');
	js_kstr(&w, "title", q->title);
	js_kstr(&w, d->body, q->body);
	js_kstr(&w, d->head, q->head);
	js_kstr(&w, d->base, q->base);
	js_end(&w, '}');
	return task_wait(t, request_ask(q, "POST", &url, &body));
}

static enum step_ret create_resume(struct task *t)
{
	struct request *q = REQUEST(t);
	auto_json json_t *o = NULL;
	struct err err = {0};

	if (task_op_failed(t))
		return STEP_FAIL;
	if (forge_ask_check(t->op, &err)) {
		bool refused = err.code == 422 || err.code == 409;

		if (refused && strcasestr(err.msg, "already exists") && !q->again) {
			q->again = true;
			q->page = 1;
			return task_goto(t, "find");
		}
		if (refused && strcasestr(err.msg, "no commits between"))
			err.code = FORGE_NOTHING;
		return request_fail(q, &err, "open");
	}
	o = forge_ask_json(t->op, &err);
	if (!o || result_read(q, o, &err))
		return request_fail(q, &err, "open");
	q->result.created = true;
	return STEP_DONE;
}

static const struct step request_steps[] = {{"token", token_start, token_resume, false},
	{"find", find_start, find_resume, false}, {"update", update_start, update_resume, false},
	{"create", create_start, create_resume, false}, {NULL, NULL, NULL, false}};

/* ---- begin and end --------------------------------------------------------------------------- */

static void request_free(struct task *t)
{
	struct request *q = REQUEST(t);

	forge_place_clear(&q->place);
	forge_route_clear(&q->route);
	secret_clear(&q->token);
	secret_clear(&q->app_key);
	free(q->app_id);
	free(q->app_installation);
	free(q->app_owner);
	free(q->app_base);
	free(q->head);
	free(q->base);
	free(q->title);
	free(q->body);
	free(q->result.url);
	free(q);
}

/* One line of visible text, without blanks around it: as it was sent is how it comes back. */
static char *title_read(const char *text)
{
	auto_free char *tidy = utf8_tidy(text, LIMIT_FORGE_TITLE);
	char *from = tidy, *p;
	size_t n;

	for (p = tidy; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	from += strspn(from, " ");
	n = strlen(from);
	while (n && from[n - 1] == ' ')
		n--;
	return n ? mem_strndup(from, n) : mem_strdup("Update from image update automation");
}

static void app_copy(struct request *q, const struct forge_app *app)
{
	q->app_id = mem_strdup(app->id);
	q->app_installation = mem_strdup(app->installation);
	q->app_owner = mem_strdup(app->installation_owner);
	q->app_base = mem_strdup(app->base_url);
	if (app->key)
		secret_copy(&q->app_key, app->key);
	q->app = (struct forge_app){
		q->app_id, q->app_installation, q->app_owner, &q->app_key, q->app_base};
}

static int request_check(const struct forge_request_req *req, struct err *err)
{
	if (!req->app && (!req->token || !req->token->len))
		return err_set(err, ERR_STALL, "there is no token for the forge");
	if (req->app && req->kind != FORGE_GITHUB)
		return err_set(err, ERR_STALL, "a GitHub App has no token for this forge");
	if (!strcmp(req->head, req->base))
		return err_code(err, ERR_STALL, FORGE_NOTHING,
			"'%.200s' is the branch that the request would lead to", req->head);
	return 0;
}

/* A certificate says to the server of Git who we are, and to nobody else. */
static void trust_strip(struct http_trust *t)
{
	buf_clear(&t->cert_pem);
	secret_clear(&t->key_pem);
	free(MOVE(t->server_name));
}

struct op *forge_request_start(struct forge *f, const struct forge_request_req *req)
{
	struct forge_where where = {
		.kind = req->kind, .url = req->url, .api = req->api, .anywhere = req->token_is_own};
	auto_free char *base = NULL;
	struct forge_place place;
	struct err err = {0};
	struct request *q;

	if (request_check(req, &err) ||
		(req->app && forge_base_read(&base, req->app->base_url, &err)))
		return op_failed(f->loop, &err);
	where.base = base;
	if (forge_place_read(&place, &where, &err))
		return op_failed(f->loop, &err);
	q = NEW(struct request);
	q->forge = f;
	q->kind = req->kind;
	q->place = place;
	forge_route_init(&q->route, &req->way);
	if (!place.is_git)
		trust_strip(&q->route.trust);
	q->only_find = req->only_find;
	if (req->app)
		app_copy(q, req->app);
	else
		secret_copy(&q->token, req->token);
	q->head = mem_strdup(req->head);
	q->base = mem_strdup(req->base);
	q->title = title_read(req->title ? req->title : "");
	q->body = utf8_tidy(req->body ? req->body : "", LIMIT_FORGE_TEXT);
	q->page = 1;
	q->result.url = mem_strdup("");
	task_init(&q->task, f->loop, "forge-request", request_steps, NULL, request_free);
	return task_spawn(&q->task);
}

const struct forge_request *forge_request_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct request, task.self)->result;
}
