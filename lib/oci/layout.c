#include "oci/layout.h"

#include "base/clock.h"
#include "base/js.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/account.h"
#include "ev/task.h"
#include "ev/work.h"
#include "oci/internal.h"
#include "oci/layout_files.h"
#include "oci/layout_index.h"
#include "oci/layout_tar.h"
#include "oci/mirrors.h"

#include <stdio.h>
#include <string.h>

#define PIECE ((size_t)64 * 1024) /* of a blob, at a time */
#define PARSE_FREE (64 * LIMIT_KIB) /* an index of so much takes no memory from the account */
#define NAME_MAX_LEN (OCI_NAME_MAX + sizeof("/blobs/") + DIGEST_TEXT_MAX)

#define HANGS_MS 2000 /* a job looks at its stop flag after each piece */
/* One line for all of them: volumes may hang together, and others need threads, too. */
#define WORK_OWNER "image layouts"

enum asked { ASKED_TAGS, ASKED_TAG, ASKED_DIGEST };

/* Who asks. It can go at once: the work may hang in the kernel, and ends by itself. */
struct question {
	struct op op;
	struct layout *layout; /* NULL: left */
};

struct layout {
	struct task task;
	struct oci_client *client;
	struct oci_mirror *mirror;
	struct oci_repo repo;
	struct oci_layout_req req; /* its texts are those above and below */
	char *path;
	enum asked asked;
	const char *rest; /* of the repository's name, behind the rule's path; in repo */
	const char *tag; /* in path */
	bool blob; /* and no manifest */

	/* The workers' while a job runs: */
	struct oci_layout_tar *tar; /* what the loop knew when the job began, or a new one */
	struct oci_layout_files files;
	struct oci_layout_file file; /* the index, then what is to be sent */
	char base[OCI_NAME_MAX + 2]; /* in front of all names in the layout: "app/", or "" */
	bool own; /* it is the repository's alone */
	const char *unknown; /* what is not there: the registry's error code */
	struct buf missing; /* more of it; "": nothing */
	struct digest digest; /* what was asked for by digest, or what the tag is */
	char *type; /* of that manifest, as the index says; NULL: it was not asked */
	struct buf text; /* the index, then the tags */
	struct buf piece; /* of a blob */
	uint64_t at, end; /* what is left of the file */

	struct question *question; /* who asked; NULL: it waits no more */
	struct list abandoned; /* then, among the mirror's */
	uint64_t abandoned_ms; /* on clock_ms() */

	struct oci_layout_gate *gate; /* that it has taken; one at a time, or NULL */
	struct list waiting; /* at one */
	bool paused;
	struct op *grant; /* of memory */
	struct http_res res;
};

static enum step_ret layout_fail(struct layout *l, const struct err *err)
{
	struct err e = *err;

	if (e.kind == ERR_CANCELED)
		return task_fail(&l->task, err);
	/* A number of the system's would be taken for what a connection did. */
	e.code = 0;
	err_wrap(&e, "the layout '%.300s'", l->mirror->layout);
	return task_fail(&l->task, &e);
}

static enum step_ret layout_worked(struct layout *l)
{
	return l->task.op->err.kind == ERR_NONE ? STEP_NEXT : layout_fail(l, &l->task.op->err);
}

static enum step_ret layout_work(struct layout *l, enum work_lane lane, work_fn *run)
{
	return task_wait(
		&l->task, work_start_for(l->task.self.loop, lane, WORK_OWNER, run, NULL, l));
}

static enum step_ret layout_take(struct layout *l, enum account_pool pool, uint64_t bytes)
{
	if (!l->client->account)
		return STEP_NEXT;
	return task_wait(
		&l->task, account_take(l->client->account, pool, l->mirror->layout, bytes));
}

static enum step_ret layout_taken(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	TASK(t, struct layout)->grant = MOVE(t->op);
	return STEP_NEXT;
}

/* ---- on a worker: where it is ---------------------------------------------------------------- */

/* 1: there; 0: not there; -1. */
static int layout_open(struct layout *l, const char *name, struct err *err)
{
	char whole[NAME_MAX_LEN];

	snprintf(whole, sizeof(whole), "%s%s", l->base, name);
	return oci_layout_file_open(&l->files, whole, &l->file, err);
}

static int layout_version(struct layout *l, const atomic_bool *stop, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_LAYOUT_FILE);
	auto_json json_t *o = NULL;
	const char *version;

	if (l->file.size > LIMIT_LAYOUT_FILE)
		return err_set(err, ERR_RETRY, "'%soci-layout' is larger than %llu bytes", l->base,
			LIMIT_LAYOUT_FILE);
	if (oci_layout_file_read(&l->file, 0, (size_t)l->file.size, &text, stop, err))
		return err_wrap(err, "'%soci-layout'", l->base);
	oci_layout_file_close(&l->file);
	o = obj_parse_within(buf_str(&text), text.len, &obj_answer, "'oci-layout'", err);
	if (!o)
		return -1;
	version = obj_str(o, "imageLayoutVersion");
	if (!version || strcmp(version, "1.0.0"))
		return err_set(err, ERR_RETRY, "its imageLayoutVersion is not '1.0.0'");
	return 0;
}

/* The repository's own layout, or the one of all that the rule matches. */
static int layout_choose(struct layout *l, struct err *err)
{
	int rc;

	l->own = true;
	if (*l->rest) {
		snprintf(l->base, sizeof(l->base), "%s/", l->rest);
		rc = layout_open(l, "oci-layout", err);
		if (rc)
			return rc;
		l->base[0] = '\0';
		l->own = false;
	}
	rc = layout_open(l, "oci-layout", err);
	if (rc || !l->own)
		return rc;
	return err_set(err, ERR_RETRY, "there is no file 'oci-layout' in it");
}

static int layout_open_digest(struct layout *l, struct err *err)
{
	char name[sizeof("blobs/") + DIGEST_TEXT_MAX], hex[DIGEST_HEX_MAX];
	int rc;

	snprintf(name, sizeof(name), "blobs/%s/%s", digest_algo_name(l->digest.algo),
		digest_hex(&l->digest, hex));
	rc = layout_open(l, name, err);
	if (!rc)
		l->unknown = l->blob ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN";
	l->end = l->file.size;
	return rc < 0 ? -1 : 0;
}

static int open_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct layout *l = job;
	int rc;

	oci_layout_files_close(&l->files);
	if (oci_layout_files_open(&l->files, l->mirror->layout, l->tar, err))
		return -1;
	if (l->files.is_tar && !l->files.tar)
		return 0;
	rc = layout_choose(l, err);
	if (!rc)
		l->unknown = "NAME_UNKNOWN";
	if (rc <= 0)
		return rc;
	if (layout_version(l, stop, err))
		return -1;
	if (l->asked == ASKED_DIGEST)
		return layout_open_digest(l, err);
	rc = layout_open(l, "index.json", err);
	if (!rc)
		return err_set(err, ERR_RETRY, "there is no file 'index.json' in it");
	if (rc > 0 && l->file.size > LIMIT_MANIFEST)
		return err_set(err, ERR_RETRY, "'%sindex.json' is larger than %llu bytes", l->base,
			LIMIT_MANIFEST);
	return rc < 0 ? -1 : 0;
}

static int scan_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct layout *l = job;

	return oci_layout_tar_read(&l->tar, l->files.fd, &l->files.st, stop, err);
}

/* ---- on a worker: what the index says -------------------------------------------------------- */

static int find_tag(struct layout *l, const struct oci_manifest *m,
	const struct oci_layout_names *names, struct err *err)
{
	const struct oci_descriptor *d = oci_layout_index_find(m, names, l->tag);

	if (!d) {
		l->unknown = "MANIFEST_UNKNOWN";
		oci_layout_index_say_missing(m, names, l->tag, &l->missing);
		return 0;
	}
	l->digest = d->digest;
	l->type = mem_strdup(d->media_type);
	return layout_open_digest(l, err);
}

static void find_tags(
	struct layout *l, const struct oci_manifest *m, const struct oci_layout_names *names)
{
	buf_clear(&l->text);
	buf_init(&l->text, BUF_ANY);
	/* One that many share does not know a repository of which it has nothing. */
	if (!oci_layout_index_tags(m, names, &l->text) && !l->own)
		l->unknown = "NAME_UNKNOWN";
}

static int find_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct layout *l = job;
	struct oci_layout_names names = {&l->repo, l->own};
	struct oci_manifest m = {0};
	bool large = l->file.size > PARSE_FREE;
	int rc = 0;

	if (oci_layout_file_read(&l->file, 0, (size_t)l->file.size, &l->text, stop, err) ||
		oci_layout_index_parse(&m, buf_str(&l->text), l->text.len, err))
		return err_wrap(err, "'%sindex.json'", l->base);
	oci_layout_file_close(&l->file);
	if (l->asked == ASKED_TAGS)
		find_tags(l, &m, &names);
	else
		rc = find_tag(l, &m, &names, err);
	oci_manifest_clear(&m);
	if (l->asked != ASKED_TAGS)
		buf_clear(&l->text);
	if (large)
		mem_trim(); /* the tree is gone */
	return rc;
}

/* ---- on a worker: what is sent --------------------------------------------------------------- */

static int read_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct layout *l = job;
	struct buf *to = l->req.on_body ? &l->piece : &l->res.body;
	uint64_t n = l->end - l->at;
	char text[DIGEST_TEXT_MAX];

	if (l->req.on_body && n > PIECE)
		n = PIECE;
	if (oci_layout_file_read(&l->file, l->at, (size_t)n, to, stop, err))
		return err_wrap(err, "'%s'", digest_format(&l->digest, text));
	l->at += n;
	return 0;
}

/* ---- gates ----------------------------------------------------------------------------------- */

static enum step_ret gate_take(struct layout *l, struct oci_layout_gate *gate)
{
	if (gate->taken) {
		list_add(&gate->waiting, &l->waiting);
		return task_pause(&l->task);
	}
	gate->taken = true;
	l->gate = gate;
	return STEP_NEXT;
}

/* Who waited begins anew: what it waited for may have changed what is to be done. */
static enum step_ret gate_resume(struct task *t)
{
	return list_linked(&TASK(t, struct layout)->waiting) ? task_pause(t) : task_goto(t, "line");
}

/* Out of the line, too. All are woken, in their order: the next one may have been cancelled. */
static void gate_leave(struct layout *l)
{
	struct oci_layout_gate *gate = MOVE(l->gate);

	list_out(&l->waiting);
	if (!gate)
		return;
	gate->taken = false;
	while (!list_empty(&gate->waiting)) {
		struct list *at = list_first(&gate->waiting);

		list_out(at);
		task_wake(&CONTAINER_OF(at, struct layout, waiting)->task);
	}
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* One at a time, so that a volume that hangs takes one thread and not all that layouts may have. */
static enum step_ret line_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	return gate_take(l, &l->mirror->kept->open);
}

static enum step_ret layout_open_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	oci_layout_tar_unref(l->tar);
	l->tar = oci_layout_tar_ref(l->mirror->kept->tar);
	return layout_work(l, WORK_HEAVY, open_run);
}

static enum step_ret layout_open_resume(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	gate_leave(l);
	if (t->op->err.kind != ERR_NONE)
		return layout_worked(l);
	return !l->files.is_tar || l->files.tar ? task_goto(t, "memory") : STEP_NEXT;
}

/* Of all that want it one reads the tar; the others look again when it has. */
static enum step_ret turn_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);
	struct oci_layout_kept *kept = l->mirror->kept;

	/* One was read since this task has looked: it may be the one. */
	return kept->tar != l->tar ? task_goto(t, "line") : gate_take(l, &kept->read);
}

static enum step_ret layout_room_start(struct task *t)
{
	return layout_take(TASK(t, struct layout), ACCOUNT_JOBS, LIMIT_MEMORY_MANIFEST);
}

static enum step_ret scan_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	oci_layout_tar_unref(MOVE(l->tar));
	l->mirror->kept->reads++;
	return layout_work(l, WORK_BULK, scan_run);
}

static enum step_ret scan_resume(struct task *t)
{
	struct layout *l = TASK(t, struct layout);
	struct oci_layout_kept *kept = l->mirror->kept;

	op_free(MOVE(l->grant));
	if (t->op->err.kind != ERR_NONE)
		return layout_worked(l);
	oci_layout_tar_unref(kept->tar);
	kept->tar = oci_layout_tar_ref(l->tar);
	gate_leave(l);
	return task_goto(t, "line");
}

static enum step_ret layout_leave_start(struct task *t)
{
	gate_leave(TASK(t, struct layout));
	return STEP_NEXT;
}

/* The index and its tree. */
static enum step_ret layout_memory_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	if (l->unknown || l->asked == ASKED_DIGEST || l->file.size <= PARSE_FREE)
		return STEP_NEXT;
	return layout_take(l, ACCOUNT_JOBS, LIMIT_MEMORY_MANIFEST);
}

static enum step_ret layout_find_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	return l->unknown || l->asked == ASKED_DIGEST ? STEP_NEXT
						      : layout_work(l, WORK_HEAVY, find_run);
}

static enum step_ret layout_find_resume(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	if (l->asked != ASKED_TAGS)
		op_free(MOVE(l->grant)); /* the tags are still there */
	return layout_worked(l);
}

__attribute__((format(printf, 2, 3))) static void header_add(struct layout *l, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vaddf(&l->res.raw_headers, fmt, ap);
	va_end(ap);
	buf_adds(&l->res.raw_headers, "\r\n");
}

static void answer_file(struct layout *l)
{
	char digest[DIGEST_TEXT_MAX];

	l->at = l->req.from;
	l->res.status = l->at ? 206 : 200;
	header_add(l, "Docker-Content-Digest: %s", digest_format(&l->digest, digest));
	header_add(l, "Content-Length: %llu", (unsigned long long)(l->end - l->at));
	if (l->type && *l->type)
		header_add(l, "Content-Type: %s", l->type);
	if (l->at)
		header_add(l, "Content-Range: bytes %llu-%llu/%llu", (unsigned long long)l->at,
			(unsigned long long)l->end - 1, (unsigned long long)l->end);
}

/* As a registry says it (distribution spec 1.1, "Error Codes"). */
static enum step_ret answer_error(struct layout *l, int status, const char *code)
{
	struct js_w w = JS_W(&l->res.body);

	l->res.status = status;
	if (l->req.head)
		return STEP_DONE;
	buf_init(&l->res.body, LIMIT_ERROR_BODY);
	js_begin(&w, '{');
	js_key(&w, "errors");
	js_begin(&w, '[');
	js_begin(&w, '{');
	js_kstr(&w, "code", code);
	if (l->missing.len)
		js_kstr(&w, "message", buf_str(&l->missing));
	js_end(&w, '}');
	js_end(&w, ']');
	js_end(&w, '}');
	return STEP_DONE;
}

static enum step_ret answer_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);
	struct err err = {0};

	if (l->unknown)
		return answer_error(l, 404, l->unknown);
	if (l->req.from && l->req.from >= l->file.size)
		return answer_error(l, 416, "SIZE_INVALID");
	if (l->asked == ASKED_TAGS)
		l->res.status = 200;
	else
		answer_file(l);
	if (l->req.head)
		return STEP_DONE;
	if (l->req.on_headers && l->req.on_headers(l->req.arg, &l->res, &err))
		return task_fail(t, &err);
	if (l->asked != ASKED_TAGS && l->end - l->at > l->req.max_body) {
		err_set(&err, ERR_RETRY, "it has %llu bytes, more than the %llu that are allowed",
			(unsigned long long)(l->end - l->at), (unsigned long long)l->req.max_body);
		return layout_fail(l, &err);
	}
	return STEP_NEXT;
}

/* A body that is kept counts as one that a registry sends. */
static enum step_ret layout_body_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	if (l->req.on_body || l->end - l->at <= LIMIT_MEMORY_FREE)
		return STEP_NEXT;
	return layout_take(l, ACCOUNT_BODIES, l->end - l->at);
}

static enum step_ret layout_read_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	if (l->asked == ASKED_TAGS)
		return STEP_NEXT;
	buf_reset(&l->piece);
	return l->at < l->end ? layout_work(l, WORK_HEAVY, read_run) : STEP_DONE;
}

static enum step_ret layout_read_resume(struct task *t)
{
	return layout_worked(TASK(t, struct layout));
}

static enum step_ret layout_give_start(struct task *t)
{
	struct layout *l = TASK(t, struct layout);
	const struct buf *b = l->asked == ASKED_TAGS ? &l->text : &l->piece;
	struct err err = {0};

	if (!l->req.on_body) {
		l->res.body_bytes = l->res.body.len;
		return STEP_DONE;
	}
	switch (l->req.on_body(l->req.arg, buf_str(b), b->len, &err)) {
	case HTTP_BODY_PAUSE:
		l->paused = true;
		return task_pause(t);
	case HTTP_BODY_FAIL:
		return task_fail(t, &err);
	case HTTP_BODY_OK:
		break;
	}
	l->res.body_bytes += b->len;
	return l->asked == ASKED_TAGS ? STEP_DONE : task_goto(t, "read");
}

/* The same bytes once more. */
static enum step_ret layout_give_resume(struct task *t)
{
	return TASK(t, struct layout)->paused ? task_pause(t) : STEP_AGAIN;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void layout_free(struct task *t)
{
	struct layout *l = TASK(t, struct layout);

	list_out(&l->abandoned);
	oci_layout_file_close(&l->file);
	oci_layout_files_close(&l->files);
	oci_layout_tar_unref(l->tar);
	oci_mirror_unref(l->mirror);
	op_free(l->grant);
	buf_clear(&l->text);
	buf_clear(&l->missing);
	buf_clear(&l->piece);
	buf_clear(&l->res.body);
	buf_clear(&l->res.raw_headers);
	buf_clear(&l->res.scratch);
	free(l->res.url);
	free(l->type);
	free(l->path);
	free(l);
}

/* False: no such question. */
static bool layout_read_path(struct layout *l)
{
	static const char tags[] = "tags/list", manifests[] = "manifests/", blobs[] = "blobs/";
	struct err ignored = {0};
	const char *text;

	if (!strncmp(l->path, tags, sizeof(tags) - 1)) {
		l->asked = ASKED_TAGS;
		return true;
	}
	l->blob = !strncmp(l->path, blobs, sizeof(blobs) - 1);
	if (!l->blob && strncmp(l->path, manifests, sizeof(manifests) - 1))
		return false;
	text = l->path + (l->blob ? sizeof(blobs) : sizeof(manifests)) - 1;
	l->asked = ASKED_DIGEST;
	if (!digest_parse(&l->digest, text, &ignored))
		return true;
	l->asked = ASKED_TAG;
	l->tag = text;
	return !l->blob;
}

/* Somebody before has found out that it does not answer: whoever comes next need not wait for that
   again. */
static bool layout_hangs(const struct oci_layout_kept *kept)
{
	const struct list *first = list_first(&kept->abandoned);

	return first &&
		clock_ms() - CONTAINER_OF(first, struct layout, abandoned)->abandoned_ms > HANGS_MS;
}

static enum step_ret layout_begin(struct task *t)
{
	struct layout *l = TASK(t, struct layout);
	struct err err = {0};

	if (layout_hangs(l->mirror->kept)) {
		err_set(&err, ERR_RETRY, "its volume does not answer");
		return layout_fail(l, &err);
	}
	if (layout_read_path(l))
		return STEP_NEXT;
	err_set(&err, ERR_RETRY, "it cannot be asked for '%.100s'", l->path);
	return layout_fail(l, &err);
}

static const struct log_ctx *layout_log(const struct task *t)
{
	const struct question *q = TASK(t, const struct layout)->question;

	return q ? op_log(&q->op) : NULL;
}

static void question_done(struct op *op, void *arg)
{
	struct question *q = arg;

	op_end(&q->op, &op->err);
}

static void question_cancel(struct op *op)
{
	struct question *q = CONTAINER_OF(op, struct question, op);
	struct layout *l = MOVE(q->layout);

	l->question = NULL;
	l->abandoned_ms = clock_ms();
	list_add(&l->mirror->kept->abandoned, &l->abandoned);
	op_drop(&l->task.self);
	op_finish(op);
}

static void question_free(struct op *op)
{
	struct question *q = CONTAINER_OF(op, struct question, op);

	if (q->layout)
		op_free(&q->layout->task.self);
	free(q);
}

static struct op *question_ask(struct layout *l)
{
	static const struct op_type type = {"image layout", question_cancel, question_free};
	struct question *q = NEW(struct question);

	op_init(&q->op, l->task.self.loop, &type);
	q->layout = l;
	l->question = q;
	op_then(task_spawn(&l->task), question_done, q);
	return &q->op;
}

struct op *oci_layout_start(struct oci_client *c, const struct oci_layout_req *req)
{
	static const struct step steps[] = {
		{"begin", layout_begin},
		{"line", line_start, gate_resume},
		{"open", layout_open_start, layout_open_resume}, /* on to "memory", but for: */
		{"turn", turn_start, gate_resume}, /* a tar that is not known yet */
		{"room", layout_room_start, layout_taken},
		{"scan", scan_start, scan_resume}, /* and back to "line" */
		{"memory", layout_memory_start, layout_taken},
		{"find", layout_find_start, layout_find_resume},
		{"answer", answer_start}, /* or done: nothing to send */
		{"body", layout_body_start, layout_taken},
		{"read", layout_read_start, layout_read_resume}, /* until all is sent */
		{"give", layout_give_start, layout_give_resume},
		{0},
	};
	static const struct step last[] = {{"leave", layout_leave_start, .always = true}, {0}};
	struct layout *l = NEW(struct layout);

	l->client = c;
	l->req = *req;
	l->mirror = oci_mirror_ref(req->mirror);
	l->repo = *req->repo;
	l->path = mem_strdup(req->path);
	l->rest = l->repo.name + l->mirror->below;
	l->rest += *l->rest == '/';
	l->files.fd = l->file.fd = -1;
	list_init(&l->waiting);
	list_init(&l->abandoned);
	l->res.url = mem_printf("oci-layout://%s", l->mirror->layout);
	buf_init(&l->text, LIMIT_MANIFEST);
	buf_init(&l->missing, LIMIT_ERROR_BODY);
	buf_init(&l->piece, PIECE);
	buf_init(&l->res.body, req->max_body);
	buf_init(&l->res.raw_headers, LIMIT_HEADERS);
	task_init(&l->task, c->loop, "image layout", steps, last, layout_free);
	l->task.log_fn = layout_log;
	return question_ask(l);
}

const struct http_res *oci_layout_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct question, op)->layout->res;
}

void oci_layout_resume(struct op *op)
{
	struct layout *l = CONTAINER_OF(op, struct question, op)->layout;

	if (!l || !l->paused)
		return;
	l->paused = false;
	task_wake(&l->task);
}
