#include "rig.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/embedded.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "http/client.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void start(struct rig *r)
{
	struct err err = {0};
	FILE *f;
	char line[256];

	r->api = embedded_start(&(struct embedded_opts){.loop = r->loop,
					.state_dir = r->state,
					.address = "127.0.0.1:0",
					.files_dir = r->with_files ? r->files : NULL},
		&err);
	ck_assert_msg(r->api != NULL, "%s", err.msg);
	f = fopen(embedded_kubeconfig(r->api), "r");
	ck_assert_ptr_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, " server: %159s", r->base) == 1)
			break;
	fclose(f);
}

void rig_start(struct rig *r, bool with_files)
{
	*r = (struct rig){.with_files = with_files};
	log_set_fd(getenv("RIG_LOG") ? 2 : -1);
	snprintf(r->dir, sizeof(r->dir), "/tmp/embedded-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->dir));
	snprintf(r->state, sizeof(r->state), "%s/state", r->dir);
	snprintf(r->files, sizeof(r->files), "%s/files", r->dir);
	ck_assert_int_eq(mkdir(r->files, 0700), 0);
	r->loop = loop_new();
	r->http = http_client_new(r->loop, &(struct http_client_opts){.max_per_host = 64});
	start(r);
}

static bool op_done(void *arg)
{
	return ((struct op *)arg)->done;
}

static void halt(struct rig *r)
{
	struct op *op = embedded_stop(r->api, 100);

	rig_until(r, op_done, op);
	op_free(op);
	embedded_free(r->api);
	r->api = NULL;
}

void rig_restart(struct rig *r)
{
	halt(r);
	start(r);
}

void rig_stop(struct rig *r)
{
	auto_free char *rm = mem_printf("rm -rf %s", r->dir);

	halt(r);
	http_client_free(r->http);
	ck_assert_int_eq(loop_free(r->loop), 0);
	ck_assert_int_eq(system(rm), 0);
}

static void too_late(void *arg)
{
	*(bool *)arg = true;
}

static void until(struct rig *r, bool (*fn)(void *arg), void *arg, bool wait)
{
	bool late = false;
	struct timer t;

	timer_init_real(&t, r->loop, too_late, &late);
	timer_set(&t, 10000);
	while (!fn(arg) && !late)
		loop_turn(r->loop, wait);
	timer_cancel(&t);
	ck_assert_msg(!late, "it does not happen within 10 s");
}

void rig_until(struct rig *r, bool (*fn)(void *arg), void *arg)
{
	until(r, fn, arg, true);
}

void rig_poll(struct rig *r, bool (*fn)(void *arg), void *arg)
{
	until(r, fn, arg, false);
}

static char *url_of(const struct rig *r, const char *path)
{
	return strncmp(path, "http://", 7) ? mem_printf("%s%s", r->base, path) : mem_strdup(path);
}

json_t *rig_call(struct rig *r, const char *method, const char *path, const char *type,
	const char *accept, const char *body)
{
	auto_free char *url = url_of(r, path);
	struct http_hdr hdrs[3] = {{NULL, NULL}};
	struct op *op;
	const struct http_res *res;
	struct err ignored;
	json_t *o;
	char *one;
	unsigned i, n = 0;

	if (body)
		hdrs[n++] = (struct http_hdr){"Content-Type", type ? type : "application/json"};
	if (accept)
		hdrs[n++] = (struct http_hdr){"Accept", accept};
	op = http_start(r->http,
		&(struct http_req){.method = method,
			.url = url,
			.hdrs = hdrs,
			.body = body,
			.body_len = body ? strlen(body) : 0,
			.deadline_ms = 9000,
			.max_body = LIMIT_KUBE_LIST});
	rig_until(r, op_done, op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s %s: %s", method, path, op->err.msg);
	res = http_result(op);
	r->status = res->status;
	r->warnings[0] = '\0';
	for (i = 0; (one = http_header_nth(res, "Warning", i)); i++) {
		size_t len = strlen(r->warnings);

		snprintf(r->warnings + len, sizeof(r->warnings) - len, "%s|", one);
		free(one);
	}
	o = obj_parse(buf_str(&res->body), res->body.len, "the answer", &ignored);
	op_free(op);
	return o;
}

json_t *rig_expect(
	struct rig *r, int status, const char *method, const char *path, const char *body)
{
	const char *type = strcmp(method, "PATCH") ? NULL : "application/merge-patch+json";
	json_t *o = rig_call(r, method, path, type, NULL, body);

	ck_assert_msg(r->status == status, "%s %s: %d, want %d: %s", method, path, r->status,
		status, obj_str_or("", o, "message"));
	return o;
}

void rig_do(struct rig *r, int status, const char *method, const char *path, const char *body)
{
	json_decref(rig_expect(r, status, method, path, body));
}

static enum http_body_ret on_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct rig_watch *w = arg;

	(void)err;
	ck_assert_int_eq(buf_add(&w->text, data, n), 0);
	return HTTP_BODY_OK;
}

static void on_done(struct op *op, void *arg)
{
	(void)op;
	((struct rig_watch *)arg)->done = true;
}

void rig_watch(struct rig *r, struct rig_watch *w, const char *path, const char *accept)
{
	auto_free char *url = url_of(r, path);
	struct http_hdr hdrs[] = {{"Accept", accept}, {NULL, NULL}};

	*w = (struct rig_watch){.r = r, .text = BUF_INIT(LIMIT_KUBE_LIST)};
	w->op = http_start(r->http,
		&(struct http_req){.method = "GET",
			.url = url,
			.hdrs = accept ? hdrs : NULL,
			.on_body = on_body,
			.arg = w,
			.max_body = LIMIT_KUBE_LIST});
	op_then(w->op, on_done, w);
}

unsigned rig_events(const struct rig_watch *w)
{
	unsigned n = 0;
	size_t i;

	for (i = 0; i < w->text.len; i++)
		n += w->text.p[i] == '\n';
	return n;
}

struct waiting {
	struct rig_watch *w;
	unsigned n;
};

static bool has_events(void *arg)
{
	struct waiting *x = arg;

	return rig_events(x->w) >= x->n || x->w->done;
}

json_t *rig_event(struct rig_watch *w, unsigned n)
{
	struct waiting x = {w, n};
	const char *p, *end;
	struct err err;
	json_t *o;

	rig_until(w->r, has_events, &x);
	ck_assert_msg(rig_events(w) >= n, "the watch ended after %u events: %s", rig_events(w),
		w->op->err.msg);
	for (p = buf_str(&w->text); n > 1; n--)
		p = strchr(p, '\n') + 1;
	end = strchr(p, '\n');
	o = obj_parse(p, (size_t)(end - p), "an event", &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	return o;
}

static bool watch_done(void *arg)
{
	return ((struct rig_watch *)arg)->done;
}

void rig_watch_end(struct rig_watch *w)
{
	op_cancel(w->op);
	rig_until(w->r, watch_done, w);
	op_free(w->op);
	buf_clear(&w->text);
}

json_t *json_of(const char *text)
{
	struct err err;
	json_t *o = obj_parse(text, strlen(text), text, &err);

	ck_assert_msg(o != NULL, "%s", err.msg);
	return o;
}

void same_json(const char *row, const json_t *got, const char *want)
{
	json_t *w = json_of(want);
	char *a = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	char *b = json_dumps(w, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

	ck_assert_msg(a && !strcmp(a, b), "%s:\n got %s\nwant %s", row, a ? a : "nothing", b);
	free(a);
	free(b);
	json_decref(w);
}
