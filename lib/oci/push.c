#include "oci/push.h"

#include "base/mem.h"
#include "base/sys.h"
#include "ev/task.h"
#include "http/url.h"
#include "oci/registry.h"
#include "oci/req.h"

#include <stdio.h>
#include <string.h>

#define UPLOAD_RATE 16 /* bytes a millisecond: a slower upload is given up */

struct push {
	struct task task;
	struct oci_client *client;
	struct oci_target target;
	struct oci_push_req req; /* its blobs and manifest are the caller's */
	char **tags; /* copies, ends with NULL */
	unsigned blob, tag; /* at work */
	struct buf place; /* where the registry wants the blob */
	uint64_t total, done; /* bytes of all blobs */
	char *from; /* retag: what to read */
	struct buf fetched;
	char *media_type;
	struct digest digest;
};

static enum step_ret push_fail(struct push *p, const char *what, const struct err *err)
{
	char repo[OCI_REPO_TEXT_MAX];
	struct err e = *err;

	err_wrap(&e, "%s of '%s'", what, oci_repo_format(p->target.repo, repo));
	return task_fail(&p->task, &e);
}

static struct op *push_ask(struct push *p, struct oci_req *req)
{
	req->target = p->target;
	if (req->on_upload)
		req->target.timeout_ms += req->body_total / UPLOAD_RATE;
	req->kind = OCI_KIND_PUSH;
	req->write = true;
	return oci_req_start(p->client, req);
}

/* The tags are looked at before anything is sent. */
static enum step_ret names_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct err err = {0};
	char **tag;

	for (tag = p->tags; *tag; tag++)
		if (!oci_tag_valid(*tag, strlen(*tag))) {
			err_set(&err, ERR_STALL, "'%s' is no valid tag", *tag);
			return push_fail(p, *tag, &err);
		}
	return STEP_NEXT;
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static const struct oci_push_blob *blob_now(const struct push *p)
{
	return &p->req.blobs[p->blob];
}

static void push_progress(struct push *p, uint64_t done)
{
	if (p->req.progress)
		p->req.progress(p->req.arg, done, p->total);
}

static long push_on_upload(void *arg, uint64_t offset, char *to, size_t room)
{
	struct push *p = arg;
	const struct oci_push_blob *b = blob_now(p);
	size_t n = room < b->size - offset ? room : (size_t)(b->size - offset);
	ssize_t got = (ssize_t)n;

	if (b->mem)
		memcpy(to, (const char *)b->mem + offset, n);
	else
		got = sys_pread(b->fd, to, n, offset);
	if (got > 0)
		push_progress(p, p->done + offset + (uint64_t)got);
	return (long)got;
}

/* It is there: on to the next one. */
static void blob_done(struct push *p)
{
	p->done += blob_now(p)->size;
	push_progress(p, p->done);
	p->blob++;
}

static enum step_ret push_head_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	char text[DIGEST_TEXT_MAX];
	auto_free char *path = NULL, *what = NULL;

	if (p->blob == p->req.blob_count)
		return task_goto(t, "tags");
	digest_format(&blob_now(p)->digest, text);
	path = mem_printf("blobs/%s", text);
	what = mem_printf("blob '%s'", text);
	return task_wait(t,
		push_ask(p,
			&(struct oci_req){
				.method = "HEAD", .path = path, .what = what, .quiet = true}));
}

static enum step_ret push_head_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	/* 403 and the like: the POST will say it with a body. */
	if (oci_req_result(t->op)->status >= 300)
		return STEP_NEXT;
	blob_done(TASK(t, struct push));
	return STEP_AGAIN;
}

static enum step_ret post_start(struct task *t)
{
	return task_wait(t,
		push_ask(TASK(t, struct push),
			&(struct oci_req){.method = "POST",
				.path = "blobs/uploads/",
				.what = "upload",
				.max_body = LIMIT_ERROR_BODY}));
}

/* Where the registry wants the bytes. It must be the registry itself: credentials go along. A proxy
   in front of it that ends TLS often leaves a Location with http: our own scheme and port stay. */
static int place_read(struct push *p, struct err *err)
{
	const struct url *asked = oci_req_url(p->task.op);
	const char *location = http_header(oci_req_result(p->task.op), "Location");
	char text[DIGEST_TEXT_MAX];
	auto_url struct url to = {0};

	if (!location)
		return err_set(err, ERR_RETRY, "the registry does not say where to send the blob");
	if (url_resolve(&to, asked, location, err)) {
		err->kind = ERR_RETRY;
		return err_wrap(err, "the registry's place for the upload");
	}
	if (strcmp(to.host, asked->host))
		return err_set(err, ERR_RETRY,
			"the registry wants the upload at another host, '%.255s'", to.host);
	buf_reset(&p->place);
	buf_adds(&p->place, to.path);
	buf_addf(&p->place, "?%s%sdigest=%s", to.query ? to.query : "", to.query ? "&" : "",
		digest_format(&blob_now(p)->digest, text));
	return p->place.over ? err_set(err, ERR_RETRY, "the URL for the upload is too long") : 0;
}

static enum step_ret post_resume(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct err err = {0};

	if (task_op_failed(t))
		return STEP_FAIL;
	return place_read(p, &err) ? push_fail(p, "upload", &err) : STEP_NEXT;
}

static enum step_ret put_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {
		{"Content-Type", "application/octet-stream"}, {NULL, NULL}};
	struct push *p = TASK(t, struct push);
	const struct oci_push_blob *b = blob_now(p);
	auto_free char *what = NULL;
	char text[DIGEST_TEXT_MAX];

	what = mem_printf("upload of blob '%s'", digest_format(&b->digest, text));
	return task_wait(t,
		push_ask(p,
			&(struct oci_req){
				.method = "PUT",
				.path = buf_str(&p->place),
				.what = what,
				.hdrs = hdrs,
				.on_upload = push_on_upload,
				.body_total = b->size,
				.arg = p,
				.max_body = LIMIT_ERROR_BODY,
			}));
}

static enum step_ret put_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	blob_done(TASK(t, struct push));
	return task_goto(t, "head");
}

/* ---- manifest and tags ----------------------------------------------------------------------- */

/* One name in each round; without any it is stored by its digest. */
static enum step_ret push_tags_start(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct http_hdr hdrs[] = {{"Content-Type", p->media_type}, {NULL, NULL}};
	auto_free char *path = NULL, *what = NULL;
	char text[DIGEST_TEXT_MAX];
	const char *name = p->tags[p->tag];

	if (!p->tag)
		digest_mem(&p->digest, DIGEST_SHA256, p->req.manifest, p->req.manifest_len);
	if (!name)
		name = digest_format(&p->digest, text);
	path = mem_printf("manifests/%s", name);
	what = mem_printf("manifest '%s'", name);
	return task_wait(t,
		push_ask(p,
			&(struct oci_req){
				.method = "PUT",
				.path = path,
				.what = what,
				.hdrs = hdrs,
				.body = p->req.manifest,
				.body_len = p->req.manifest_len,
				.max_body = LIMIT_ERROR_BODY,
			}));
}

static enum step_ret push_tags_resume(struct task *t)
{
	char said[DIGEST_TEXT_MAX], real[DIGEST_TEXT_MAX];
	struct push *p = TASK(t, struct push);
	struct err err = {0};
	struct digest d;
	const char *text;

	if (task_op_failed(t))
		return STEP_FAIL;
	text = http_header(oci_req_result(t->op), "Docker-Content-Digest");
	if (text && !digest_parse(&d, text, &err) && d.algo == p->digest.algo &&
		!digest_equal(&d, &p->digest)) {
		err_set(&err, ERR_RETRY, "the registry stored '%s' where '%s' was sent",
			digest_format(&d, said), digest_format(&p->digest, real));
		return push_fail(p, "manifest", &err);
	}
	if (p->tags[p->tag])
		p->tag++;
	return p->tags[p->tag] ? STEP_AGAIN : STEP_NEXT;
}

/* ---- retag: the manifest comes from the registry --------------------------------------------- */

static enum step_ret read_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {{"Accept", OCI_ACCEPT_MANIFEST}, {NULL, NULL}};
	struct push *p = TASK(t, struct push);
	auto_free char *path = mem_printf("manifests/%s", p->from);
	auto_free char *what = mem_printf("manifest '%s'", p->from);

	return task_wait(t,
		push_ask(p,
			&(struct oci_req){
				.method = "GET",
				.path = path,
				.what = what,
				.hdrs = hdrs,
				.max_body = LIMIT_MANIFEST,
			}));
}

static enum step_ret read_resume(struct task *t)
{
	struct push *p = TASK(t, struct push);
	struct oci_manifest m = {0};
	const struct http_res *res;
	struct digest want, got;
	struct err err = {0};
	const char *type;

	if (task_op_failed(t))
		return STEP_FAIL;
	res = oci_req_result(t->op);
	buf_add(&p->fetched, buf_str(&res->body), res->body.len);
	if (!digest_parse(&want, p->from, &err)) {
		digest_mem(&got, want.algo, buf_str(&p->fetched), p->fetched.len);
		if (!digest_equal(&want, &got)) {
			err_set(&err, ERR_RETRY, "the registry sent something else");
			return push_fail(p, p->from, &err);
		}
	}
	err_clear(&err);
	type = http_header(res, "Content-Type");
	if (oci_manifest_parse(&m, buf_str(&p->fetched), p->fetched.len, type, &err))
		return push_fail(p, p->from, &err);
	if (*m.media_type)
		p->media_type = mem_strdup(m.media_type);
	else
		p->media_type = mem_strdup(m.index ? OCI_TYPE_INDEX : OCI_TYPE_MANIFEST);
	oci_manifest_clear(&m);
	p->req.manifest = buf_str(&p->fetched);
	p->req.manifest_len = p->fetched.len;
	return STEP_NEXT;
}

/* ---- the ops --------------------------------------------------------------------------------- */

static void push_free(struct task *t)
{
	struct push *p = TASK(t, struct push);
	char **tag;

	for (tag = p->tags; *tag; tag++)
		free(*tag);
	free(p->tags);
	free(p->from);
	free(p->media_type);
	buf_clear(&p->fetched);
	buf_clear(&p->place);
	oci_target_clear(&p->target);
	free(p);
}

static struct push *push_new(
	struct oci_client *c, const struct oci_target *target, const char *const *tags)
{
	struct push *p = NEW(struct push);
	size_t n = 0, i;

	p->client = c;
	oci_target_init(&p->target, target);
	while (tags && tags[n])
		n++;
	p->tags = mem_zalloc((n + 1) * sizeof(*p->tags));
	for (i = 0; i < n; i++)
		p->tags[i] = mem_strdup(tags[i]);
	buf_init(&p->fetched, LIMIT_MANIFEST);
	buf_init(&p->place, LIMIT_URL);
	return p;
}

struct op *oci_push_start(struct oci_client *c, const struct oci_push_req *req)
{
	static const struct step steps[] = {
		{"names", names_start},
		{"head", push_head_start,
			push_head_resume}, /* of each blob; those that are there: again */
		{"post", post_start, post_resume},
		{"put", put_start, put_resume}, /* and back to "head" */
		{"tags", push_tags_start, push_tags_resume},
		{0},
	};
	struct push *p = push_new(c, &req->target, req->tags);
	unsigned i;

	p->req = *req;
	p->req.target = p->target;
	p->media_type = mem_strdup(req->media_type);
	for (i = 0; i < req->blob_count; i++)
		p->total += req->blobs[i].size;
	task_init(&p->task, oci_client_loop(c), "push", steps, NULL, push_free);
	return task_spawn(&p->task);
}

struct op *oci_retag_start(struct oci_client *c, const struct oci_retag_req *req)
{
	static const struct step steps[] = {
		{"names", names_start},
		{"read", read_start, read_resume},
		{"tags", push_tags_start, push_tags_resume},
		{0},
	};
	struct push *p = push_new(c, &req->target, req->tags);

	p->from = mem_strdup(req->from);
	task_init(&p->task, oci_client_loop(c), "retag", steps, NULL, push_free);
	return task_spawn(&p->task);
}

const struct digest *oci_push_digest(const struct op *op)
{
	return &TASK_OF_OP(op, struct push)->digest;
}
