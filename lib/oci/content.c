#include "oci/content.h"

#include "base/mem.h"
#include "ev/task.h"
#include "oci/contents.h"
#include "oci/internal.h"
#include "oci/manifest.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"

#include <string.h>

struct content {
	struct task task;
	struct oci_client *client;
	struct oci_target target;
	struct oci_route route;
	bool blob;
	char *path, *what;
	struct digest digest; /* DIGEST_NONE: nobody said */
	uint64_t size, max;
	struct op *answer; /* the body is in there, or ... */
	struct oci_kept *kept; /* ... here */
};

static int content_check(const struct content *c, const struct buf *body, struct err *err)
{
	char want[DIGEST_TEXT_MAX], real[DIGEST_TEXT_MAX];
	struct digest got;

	if (c->digest.algo == DIGEST_NONE)
		return 0;
	if (c->size != OCI_SIZE_ANY && c->size != body->len)
		return err_set(err, ERR_RETRY, "%s has %zu bytes, not the %llu that were announced",
			c->what, body->len, (unsigned long long)c->size);
	digest_mem(&got, c->digest.algo, buf_str(body), body->len);
	if (digest_equal(&got, &c->digest))
		return 0;
	return err_set(err, ERR_RETRY, "the digest of what the registry sent is '%s', not '%s'",
		digest_format(&got, real), digest_format(&c->digest, want));
}

static enum step_ret content_get_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {{"Accept", OCI_ACCEPT_MANIFEST}, {NULL, NULL}};
	struct content *c = TASK(t, struct content);
	struct err err = {0};

	if (c->size != OCI_SIZE_ANY && c->size > c->max) {
		err_set(&err, ERR_RETRY, "%s has %llu bytes, more than %llu", c->what,
			(unsigned long long)c->size, (unsigned long long)c->max);
		return task_fail(t, &err);
	}
	if (c->digest.algo != DIGEST_NONE)
		c->kept = oci_contents_get(c->client->contents, &c->target, c->blob, &c->digest);
	if (c->kept && c->kept->body.len <= c->max)
		return content_check(c, &c->kept->body, &err) ? task_fail(t, &err) : STEP_NEXT;
	oci_kept_unref(MOVE(c->kept));
	return task_wait(t,
		oci_route_ask(&c->route,
			&(struct oci_req){
				.kind = c->blob ? OCI_KIND_BLOB : OCI_KIND_MANIFEST,
				.method = "GET",
				.path = c->path,
				.what = c->what,
				.hdrs = c->blob ? NULL : hdrs,
				.max_body = c->max,
			}));
}

/* Of a manifest its type is kept as well, which no digest proves: a slip of the registry's would
   stay. */
static void content_keep(const struct content *c)
{
	const struct http_res *res = oci_req_result(c->answer);
	const char *type = http_header(res, "Content-Type");
	size_t n = type ? strcspn(type, "; \t") : 0;
	auto_free char *plain = mem_strndup(type ? type : "", n);

	if (c->digest.algo != DIGEST_NONE && (c->blob || (n && strstr(OCI_ACCEPT_MANIFEST, plain))))
		oci_contents_put(
			c->client->contents, &c->target, c->blob, &c->digest, &res->body, type);
}

static enum step_ret content_get_resume(struct task *t)
{
	struct content *c = TASK(t, struct content);
	struct err err = t->op->err;

	if (err.kind != ERR_NONE)
		return oci_route_next(&c->route, task_log(t), &err) ? STEP_AGAIN
								    : task_fail(t, &err);
	if (content_check(c, &oci_req_result(t->op)->body, &err))
		return oci_route_lied(&c->route, task_log(t), &err) ? STEP_AGAIN
								    : task_fail(t, &err);
	c->answer = MOVE(t->op);
	content_keep(c);
	return STEP_NEXT;
}

static void content_free(struct task *t)
{
	struct content *c = TASK(t, struct content);

	oci_route_clear(&c->route);
	oci_target_clear(&c->target);
	op_free(c->answer);
	oci_kept_unref(c->kept);
	free(c->path);
	free(c->what);
	free(c);
}

struct op *oci_content_start(struct oci_client *client, const struct oci_content_req *req)
{
	static const struct step steps[] = {{"get", content_get_start, content_get_resume}, {0}};
	struct content *c = NEW(struct content);
	char text[DIGEST_TEXT_MAX] = "";
	const char *name = req->tag;

	c->client = client;
	oci_target_init(&c->target, &req->target);
	oci_route_init(&c->route, client, &req->target);
	c->blob = req->blob;
	c->max = req->max;
	if (!name) {
		c->digest = *req->digest;
		c->size = req->size;
		name = digest_format(&c->digest, text);
	}
	c->path = mem_printf("%s/%s", c->blob ? "blobs" : "manifests", name);
	c->what = mem_printf("%s '%s'", req->tag ? "tag" : c->blob ? "blob" : "manifest", name);
	task_init(&c->task, oci_client_loop(client), "content", steps, NULL, content_free);
	return task_spawn(&c->task);
}

const struct buf *oci_content_body(const struct op *op)
{
	const struct content *c = TASK_OF_OP(op, struct content);

	return c->kept ? &c->kept->body : &oci_req_result(c->answer)->body;
}

void oci_content_drop(struct op *op)
{
	struct content *c = TASK_OF_OP(op, struct content);

	if (!c->kept)
		oci_req_body_drop(c->answer);
}

const char *oci_content_type(const struct op *op)
{
	const struct content *c = TASK_OF_OP(op, struct content);
	const char *type =
		c->kept ? c->kept->type : http_header(oci_req_result(c->answer), "Content-Type");

	return type ? type : "";
}
