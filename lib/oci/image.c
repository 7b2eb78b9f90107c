#include "oci/image.h"

#include "base/limits.h"
#include "base/mem.h"
#include "ev/account.h"
#include "ev/task.h"
#include "ev/work.h"
#include "oci/contents.h"
#include "oci/internal.h"
#include "oci/registry.h"
#include "oci/req.h"
#include "oci/route.h"

#include <errno.h>
#include <string.h>

#define PARSE_INLINE (64 * 1024) /* bytes of a manifest that the loop itself may hash and parse */
#define INDEX_LEVELS 2 /* an index, and one that it has an entry for */

/* Hashing and parsing of one manifest; a big one goes to a worker. Owns everything; the answer is
   only read. */
struct check {
	uint64_t size; /* as the index has it; 0: nobody said */
	struct digest want, stated; /* stated: DIGEST_NONE when the registry said nothing */
	struct op *answer; /* the request, and the memory that its body holds; or ... */
	struct oci_kept *kept; /* ... what a verification has fetched before */
	const struct buf *body; /* in there */
	char *content_type;
	bool bytes_ok; /* what failed, if it failed, was what they say */
	struct oci_manifest manifest;
};

struct image {
	struct task task;
	struct oci_client *client;
	struct oci_route route;
	struct digest digest; /* of the manifest that is read now */
	uint64_t size; /* of it; 0: not known */
	struct oci_platform platform;
	char *layer_type, *owner;
	unsigned indexes; /* that have led to the manifest that is read now */
	struct check *check; /* to be done */
	struct op *grant; /* memory for it */
	struct oci_image result;
};

static void check_free(void *job)
{
	struct check *c = job;

	if (!c)
		return;
	op_free(c->answer);
	oci_kept_unref(c->kept);
	free(c->content_type);
	oci_manifest_clear(&c->manifest);
	free(c);
}

static int check_run(void *job, const atomic_bool *stop, struct err *err)
{
	char want[DIGEST_TEXT_MAX], real[DIGEST_TEXT_MAX];
	struct check *c = job;
	struct digest got;
	int rc;

	(void)stop; /* some milliseconds at most */
	digest_mem(&got, c->want.algo, buf_str(c->body), c->body->len);
	if (!digest_equal(&got, &c->want))
		return err_set(err, ERR_RETRY,
			"the digest of what the registry sent is '%s', not '%s'",
			digest_format(&got, real), digest_format(&c->want, want));
	if (c->stated.algo == c->want.algo && !digest_equal(&c->stated, &c->want))
		return err_set(err, ERR_RETRY,
			"the registry says that its digest is '%s', not '%s'",
			digest_format(&c->stated, real), digest_format(&c->want, want));
	if (c->size && c->size != c->body->len)
		return err_set(err, ERR_RETRY, "it has %zu bytes, the index says %llu",
			c->body->len, (unsigned long long)c->size);
	c->bytes_ok = true;
	rc = oci_manifest_parse(&c->manifest, buf_str(c->body), c->body->len, c->content_type, err);
	if (c->body->len > PARSE_INLINE)
		mem_trim(); /* the tree is gone */
	return rc;
}

static enum step_ret image_fail(struct image *m, const struct err *err)
{
	char ref[OCI_REF_TEXT_MAX];
	struct err e = *err;

	err_wrap(&e, "manifest of '%s'",
		oci_ref_format(m->route.target.repo, NULL, &m->digest, ref));
	return task_fail(&m->task, &e);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static struct check *check_new(const struct image *m)
{
	struct check *c = NEW(struct check);

	c->want = m->digest;
	c->size = m->size;
	return c;
}

static bool image_has(struct image *m)
{
	struct oci_kept *kept =
		oci_contents_get(m->client->contents, &m->route.target, false, &m->digest);

	if (!kept)
		return false;
	m->check = check_new(m);
	m->check->kept = kept;
	m->check->body = &kept->body;
	m->check->content_type = mem_strdup(kept->type);
	return true;
}

static enum step_ret image_get_start(struct task *t)
{
	static const struct http_hdr hdrs[] = {{"Accept", OCI_ACCEPT_MANIFEST}, {NULL, NULL}};
	struct image *m = TASK(t, struct image);
	char text[DIGEST_TEXT_MAX];
	auto_free char *path = NULL, *what = NULL;

	m->result.stage = OCI_IMAGE_FETCH;
	if (image_has(m))
		return STEP_NEXT;
	digest_format(&m->digest, text);
	path = mem_printf("manifests/%s", text);
	what = mem_printf("manifest '%s'", text);
	return task_wait(t,
		oci_route_ask(&m->route,
			&(struct oci_req){
				.kind = OCI_KIND_MANIFEST,
				.method = "GET",
				.path = path,
				.what = what,
				.hdrs = hdrs,
				.max_body = LIMIT_MANIFEST,
			}));
}

static enum step_ret image_get_resume(struct task *t)
{
	struct image *m = TASK(t, struct image);
	const struct http_res *res;
	const char *stated, *type;
	struct err ignored = {0};
	struct check *c;

	if (t->op->err.kind != ERR_NONE) {
		struct err err = t->op->err;

		return oci_route_next(&m->route, task_log(t), &err) ? STEP_AGAIN
								    : task_fail(t, &err);
	}
	res = oci_req_result(t->op);
	c = check_new(m);
	c->body = &res->body;
	stated = http_header(res, "Docker-Content-Digest");
	if (stated && digest_parse(&c->stated, stated, &ignored))
		c->stated.algo = DIGEST_NONE;
	type = http_header(res, "Content-Type");
	c->content_type = mem_strdup(type);
	c->answer = MOVE(t->op);
	m->check = c;
	return STEP_NEXT;
}

/* Takes over what a check found out. */
static enum step_ret image_checked(struct image *m, struct check *c, struct err *err)
{
	/* An index, whatever is wrong with it, and a kind that we do not read have led to no
	   image. */
	if (c->bytes_ok && !c->manifest.index && err->code != -ENOTSUP)
		m->result.stage = OCI_IMAGE_LAYER;
	if (err->kind != ERR_NONE && !c->bytes_ok &&
		oci_route_lied(&m->route, task_log(&m->task), err))
		return task_goto(&m->task, "manifest");
	if (err->kind != ERR_NONE)
		return image_fail(m, err);
	oci_manifest_clear(&m->result.manifest);
	m->result.manifest = c->manifest;
	m->result.manifest_digest = m->digest;
	c->manifest = (struct oci_manifest){0};
	return STEP_NEXT;
}

/* The tree of a large manifest is larger than its text. */
static enum step_ret image_memory_start(struct task *t)
{
	struct image *m = TASK(t, struct image);
	struct account *account = oci_client_account(m->client);

	if (!account || m->check->body->len <= PARSE_INLINE)
		return STEP_NEXT;
	return task_wait(t, account_take(account, ACCOUNT_JOBS, m->owner, LIMIT_MEMORY_MANIFEST));
}

static enum step_ret image_memory_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	TASK(t, struct image)->grant = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret image_check_start(struct task *t)
{
	struct image *m = TASK(t, struct image);
	struct check *c = MOVE(m->check);
	enum step_ret rc;
	struct err err = {0};

	if (c->body->len > PARSE_INLINE)
		return task_wait(t,
			work_start_for(
				t->self.loop, WORK_HEAVY, m->owner, check_run, check_free, c));
	if (check_run(c, NULL, &err))
		BUG_IF(err.kind == ERR_NONE);
	rc = image_checked(m, c, &err);
	check_free(c);
	return rc;
}

static enum step_ret image_check_resume(struct task *t)
{
	op_free(MOVE(TASK(t, struct image)->grant));
	if (t->op->err.kind == ERR_CANCELED)
		return task_fail(t, &t->op->err);
	return image_checked(TASK(t, struct image), work_job(t->op), &t->op->err);
}

/* An index names the manifest for the platform; anything else is what we came for. */
static enum step_ret choose_start(struct task *t)
{
	struct image *m = TASK(t, struct image);
	const struct oci_child *child;
	struct err err = {0};

	if (!m->result.manifest.index)
		return STEP_NEXT;
	if (m->indexes == INDEX_LEVELS) {
		err_set(&err, ERR_RETRY,
			"it is the third index in a row, and only two are followed");
		return image_fail(m, &err);
	}
	child = oci_manifest_platform(&m->result.manifest, &m->platform, &err);
	if (!child)
		return image_fail(m, &err);
	m->digest = child->desc.digest;
	m->size = child->desc.size;
	m->indexes++;
	return task_goto(t, "manifest");
}

static enum step_ret layer_start(struct task *t)
{
	struct image *m = TASK(t, struct image);
	struct err err = {0};

	m->result.layer = oci_manifest_layer(&m->result.manifest, m->layer_type, &err);
	return m->result.layer ? STEP_NEXT : image_fail(m, &err);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void image_free(struct task *t)
{
	struct image *m = TASK(t, struct image);

	oci_route_clear(&m->route);
	free(m->layer_type);
	free(m->owner);
	check_free(m->check);
	op_free(m->grant);
	oci_manifest_clear(&m->result.manifest);
	free(m);
}

struct op *oci_image_start(struct oci_client *c, const struct oci_image_req *req)
{
	static const struct step steps[] = {
		{"manifest", image_get_start, image_get_resume},
		{"memory", image_memory_start, image_memory_resume},
		{"check", image_check_start, image_check_resume},
		{"platform", choose_start}, /* of an index: back to "manifest" with the child's */
		{"layer", layer_start},
		{0},
	};
	struct image *m = NEW(struct image);

	m->client = c;
	oci_route_init(&m->route, c, &req->target);
	m->digest = *req->digest;
	m->platform = req->platform ? *req->platform : oci_platform_default;
	m->layer_type = mem_strdup(req->layer_type);
	m->owner = mem_strdup(req->owner ? req->owner : req->target.repo->host);
	task_init(&m->task, oci_client_loop(c), "image", steps, NULL, image_free);
	return task_spawn(&m->task);
}

const struct oci_image *oci_image_result(const struct op *op)
{
	return &TASK_OF_OP(op, struct image)->result;
}
