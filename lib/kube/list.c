#include "kube/list.h"

#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/op.h"
#include "ev/sleep.h"
#include "ev/task.h"
#include "kube/internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PAGE 500
#define PAGE_DEADLINE_MS 60000
#define REST_MAX (256 * LIMIT_KIB) /* the list without its items: metadata, a continue token */

struct kube_list {
	struct task task;
	struct kube_client *c;
	struct kube_list_req req; /* its texts are our own copies */
	struct kube_resource_copy res;
	char *version, *next; /* next: the continue token */
	bool whole; /* without pages, after one that expired */
	struct js_split split;
	struct kube_tries tries;
	uint64_t wait_ms; /* before a page is asked for again; 0: not at all */
};

static int list_item(void *arg, const char *text, size_t len, struct err *err)
{
	struct kube_list *k = arg;
	auto_json json_t *obj = obj_parse_api(text, len, "an item of the list", err);

	/* One that is too large for us must not hide all the others. */
	if (!obj && err->code == -E2BIG) {
		log_error(NULL, "an object is left out of a list", LS("plural", k->res.r.plural),
			LE(err));
		*err = (struct err){0};
		return 0;
	}
	if (!obj)
		return -1;
	/* The caller cancelled from inside an item: it must not see another. */
	if (k->task.self.cancelled)
		return err_set(err, ERR_CANCELED, "canceled");
	return k->req.on_item(k->req.arg, obj, err);
}

static enum http_body_ret list_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct kube_list *k = arg;

	return js_split_feed(&k->split, data, n, err) ? HTTP_BODY_FAIL : HTTP_BODY_OK;
}

static enum step_ret list_page_start(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);

	k->tries = (struct kube_tries){.end_ms = clock_ms() + k->req.page_deadline_ms};
	k->wait_ms = 0;
	return STEP_NEXT;
}

static enum step_ret list_wait_start(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);

	return k->wait_ms ? task_wait(t, sleep_start(t->self.loop, k->wait_ms)) : STEP_NEXT;
}

static enum step_ret list_wait_resume(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static enum step_ret list_send_start(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);
	struct http_hdr hdrs[2] = {
		{"Accept", k->req.metadata_only ? KUBE_ACCEPT_META_LIST : "application/json"},
		{NULL, NULL}};
	auto_buf struct buf path = BUF_INIT(BUF_ANY);
	char limit[16];

	js_split_clear(&k->split);
	js_split_init(&k->split, "items", LIMIT_KUBE_OBJECT, REST_MAX, list_item, k);
	kube_path(&path, &k->res.r, k->req.ns, NULL, NULL);
	if (!k->whole) {
		snprintf(limit, sizeof(limit), "%u", k->req.page);
		kube_query_add(&path, "limit", limit);
	}
	if (k->next)
		kube_query_add(&path, "continue", k->next);
	if (k->req.label_selector)
		kube_query_add(&path, "labelSelector", k->req.label_selector);
	if (k->req.field_selector)
		kube_query_add(&path, "fieldSelector", k->req.field_selector);
	return task_wait(t,
		kube_http_start(k->c, KUBE_LIST, buf_str(&path),
			&(struct http_req){.method = "GET",
				.hdrs = hdrs,
				.on_body = list_body,
				.arg = k,
				.max_body = LIMIT_KUBE_LIST,
				.keep_error_body = true,
				.deadline_ms = k->req.page_deadline_ms}));
}

static enum step_ret list_page_read(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);
	json_t *rest = NULL;
	const char *version, *next;

	if (js_split_end(&k->split, &rest, &t->err)) {
		err_wrap(&t->err, "list %s", k->res.r.plural);
		return STEP_FAIL;
	}
	version = obj_str_or("", rest, "metadata", "resourceVersion");
	next = obj_str_or("", rest, "metadata", "continue");
	if (!*version || strlen(version) > KUBE_ID_MAX) {
		err_set(&t->err, ERR_RETRY, "list %s: the list has no resourceVersion",
			k->res.r.plural);
		json_decref(rest);
		return STEP_FAIL;
	}
	if (!k->version)
		k->version = mem_strdup(version);
	/* The same token again would go round for ever. */
	if (k->next && !strcmp(k->next, next)) {
		err_set(&t->err, ERR_RETRY, "list %s: the server repeats a page", k->res.r.plural);
		json_decref(rest);
		return STEP_FAIL;
	}
	free(k->next);
	k->next = *next ? mem_strdup(next) : NULL;
	json_decref(rest);
	return k->next ? task_goto(t, "page") : STEP_NEXT;
}

static enum step_ret list_send_resume(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);
	const struct http_res *res;
	auto_free char *what = NULL;

	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	res = http_result(t->op);
	kube_http_count(k->c, "GET", res->headers_complete ? res->status : 0);
	if (task_op_failed(t))
		return STEP_FAIL;
	if (res->status == 200)
		return list_page_read(t);
	if (res->status == 410 && k->next) {
		k->whole = true;
		free(MOVE(k->next));
		free(MOVE(k->version));
		if (k->req.on_restart)
			k->req.on_restart(k->req.arg);
		return task_goto(t, "page");
	}
	if (kube_try_again(&k->tries, k->c, KUBE_LIST, res, &k->wait_ms))
		return task_goto(t, "wait");
	what = mem_printf("list %s", k->res.r.plural);
	kube_status_err(&t->err, what, res);
	return STEP_FAIL;
}

static void list_free(struct task *t)
{
	struct kube_list *k = TASK(t, struct kube_list);

	js_split_clear(&k->split);
	kube_resource_clear(&k->res);
	free((char *)(uintptr_t)k->req.ns);
	free((char *)(uintptr_t)k->req.label_selector);
	free((char *)(uintptr_t)k->req.field_selector);
	free(k->version);
	free(k->next);
	free(k);
}

struct op *kube_list_start(struct kube_client *c, const struct kube_list_req *req)
{
	static const struct step steps[] = {
		{"page", list_page_start},
		{"wait", list_wait_start,
			list_wait_resume}, /* as the server asked, before it is sent again */
		{"send", list_send_start,
			list_send_resume}, /* and back to "page" until there is no more */
		{0},
	};
	struct kube_list *k = NEW(struct kube_list);

	task_init(&k->task, kube_client_loop(c), "kube_list", steps, NULL, list_free);
	k->c = c;
	k->req = *req;
	k->req.ns = mem_strdup(req->ns);
	k->req.label_selector = mem_strdup(req->label_selector);
	k->req.field_selector = mem_strdup(req->field_selector);
	if (!k->req.page)
		k->req.page = PAGE;
	if (!k->req.page_deadline_ms)
		k->req.page_deadline_ms = PAGE_DEADLINE_MS;
	kube_resource_copy(&k->res, req->resource);
	return task_spawn(&k->task);
}

const char *kube_list_version(const struct op *op)
{
	const struct kube_list *k = TASK_OF_OP(op, struct kube_list);

	return k->version && op->done && !op->err.kind ? k->version : "";
}
