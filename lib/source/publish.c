#include "source/publish.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/account.h"
#include "ev/task.h"
#include "ev/work.h"
#include "text/ignore.h"

#include <errno.h>
#include <string.h>

void publish_maker_clear(struct publish_maker *m)
{
	if (m->free)
		m->free(m->arg);
	*m = (struct publish_maker){0};
}

/* ---- on a worker ----------------------------------------------------------------------------- */

struct publish_job {
	struct publish_maker maker;
	struct store *store; /* the loop's */
	const struct store_root *root;
	char path[STORE_PATH_MAX];
	struct pack_limits limits;
	enum digest_algo algo;
	struct digest layer, have; /* as in publish_req */
	bool have_file, copy;
	uint64_t memory; /* that it may take; 0: no account */
	uint64_t room; /* that the artifact may take in the store */
	struct buf bytes; /* a small layer */
	struct store_temp in; /* a large one */
	uint64_t in_size;
	char *spec_ignore;
	struct ignore ign;
	struct ignore_budget budget;
	/* results */
	struct store_temp out;
	struct store_file file;
	struct digest digest;
	uint64_t size;
	char why[256];
	bool needs_memory; /* more than it had */
	bool made; /* all but the name; before that it may need room */
	bool storage_failed; /* the disk's fault, not the layer's */
	bool same; /* nothing to write: the very bytes are there */
	bool hold; /* the path's bytes change: `out` waits for the status */
	bool named; /* the file has its name, and the store was not told yet */
};

static int add_ignore_file(
	void *ctx, const char *dir, const char *text, size_t len, struct err *err)
{
	struct publish_job *j = ctx;

	return ignore_add(&j->ign, text, len, dir, err);
}

static int entry_excluded(void *ctx, const char *path, bool is_dir, struct err *err)
{
	struct publish_job *j = ctx;

	return ignore_match_within(&j->ign, &j->budget, path, is_dir, err);
}

static int open_out(void *ctx, struct err *err)
{
	struct publish_job *j = ctx;

	if (store_temp_new(j->root, &j->out, err)) {
		j->storage_failed = true;
		return -1;
	}
	return j->out.fd;
}

/* spec.ignore comes last, after all files of the archive: its patterns win. */
static int add_spec_ignore(void *ctx, struct err *err)
{
	struct publish_job *j = ctx;

	j->ign.origin = "spec.ignore";
	if (j->spec_ignore && ignore_add(&j->ign, j->spec_ignore, strlen(j->spec_ignore), "", err))
		return err_wrap(err, "spec.ignore");
	return 0;
}

static uint64_t ignore_memory(const char *spec_ignore)
{
	return spec_ignore ? PACK_RULES_FACTOR * strlen(spec_ignore) : 0;
}

static int layer_extract(
	struct publish_job *j, const atomic_bool *stop, bool *pass, struct err *err)
{
	struct pack_in in = {.mem = j->in.fd < 0 ? buf_str(&j->bytes) : NULL,
		.fd = j->in.fd,
		.size = j->in_size,
		.stop = stop,
		.limits = j->limits,
		.ignore_file = add_ignore_file,
		.rules_done = add_spec_ignore,
		.excluded = entry_excluded,
		.open_out = open_out,
		.ctx = j,
		.out_fd = -1,
		.spool_dirfd = j->root->fd,
		.algo = j->algo};
	struct pack_result res;

	j->budget = (struct ignore_budget){.max = LIMIT_IGNORE_STEPS, .stop = stop};
	/* What spec.ignore compiles to comes out of the same memory. */
	if (j->memory)
		in.limits.memory = j->memory - ignore_memory(j->spec_ignore);
	if (pack_run(&in, &res, err)) {
		j->needs_memory = err->code == -ENOBUFS;
		/* Else pack gives an errno only for what it writes or spools. */
		if (err->code < 0 && !j->needs_memory)
			j->storage_failed = true;
		return -1;
	}
	*pass = res.how == PACK_PASS;
	if (!*pass) {
		j->digest = res.digest;
		j->size = res.size;
	}
	memcpy(j->why, res.why, sizeof(j->why));
	return 0;
}

/* The layer itself becomes the artifact. */
static int take_layer(struct publish_job *j, const atomic_bool *stop, struct err *err)
{
	j->size = j->in_size;
	if (j->algo == j->layer.algo)
		j->digest = j->layer;
	else if (j->in.fd < 0)
		digest_mem(&j->digest, j->algo, buf_str(&j->bytes), j->bytes.len);
	else if (digest_fd(&j->digest, j->algo, j->in.fd, stop, NULL, err)) {
		j->storage_failed = true;
		return -1;
	}
	if (j->in.fd >= 0) {
		j->out = j->in;
		j->in = STORE_TEMP_INIT;
		return 0;
	}
	if (j->have_file && digest_equal(&j->digest, &j->have))
		return 0; /* not even worth a temporary file */
	j->storage_failed = true;
	if (store_temp_new(j->root, &j->out, err))
		return -1;
	if (sys_write_all(j->out.fd, buf_str(&j->bytes), j->bytes.len))
		return err_sys(err, "write '%s'", j->path);
	j->storage_failed = false;
	return 0;
}

static int extract_and_tidy(
	struct publish_job *j, const atomic_bool *stop, bool *pass, struct err *err)
{
	int rc = layer_extract(j, stop, pass, err);

	ignore_clear(&j->ign);
	if (j->memory > LIMIT_MEMORY_SLICE)
		mem_trim();
	return rc;
}

/* The very bytes that are there take none. */
static bool needs_room(const struct publish_job *j)
{
	return j->size > j->room && !(j->have_file && digest_equal(&j->digest, &j->have));
}

static int maker_run(struct publish_job *j, const atomic_bool *stop, struct err *err)
{
	struct publish_make m = {.algo = j->algo, .memory = j->memory, .stop = stop};
	int rc;

	m.out_fd = open_out(j, err);
	if (m.out_fd < 0)
		return -1;
	rc = j->maker.make(j->maker.arg, &m, err);
	if (j->memory > LIMIT_MEMORY_SLICE)
		mem_trim();
	if (rc) {
		j->needs_memory = err->code == -ENOBUFS;
		j->storage_failed = err->code < 0 && !j->needs_memory;
		return -1;
	}
	j->digest = m.digest;
	j->size = m.size;
	j->made = true;
	return 0;
}

static int artifact_make(struct publish_job *j, const atomic_bool *stop, struct err *err)
{
	bool pass = true;

	if (j->maker.make)
		return maker_run(j, stop, err);
	if (!j->copy && extract_and_tidy(j, stop, &pass, err))
		return -1;
	if (pass && take_layer(j, stop, err))
		return -1;
	store_temp_drop(j->root, &j->in);
	j->made = true;
	return 0;
}

static int job_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct publish_job *j = arg;

	if (!j->made && artifact_make(j, stop, err))
		return -1;
	if (needs_room(j))
		return 0;
	if (digest_equal(&j->digest, &j->have)) {
		j->same = j->have_file;
	} else if (j->have.algo != DIGEST_NONE) {
		j->hold = true;
		return 0;
	}
	if (j->same) {
		store_temp_drop(j->root, &j->out);
		return 0;
	}
	j->storage_failed = true;
	if (store_temp_publish(j->root, &j->out, j->path, &j->digest, stop, &j->file, err))
		return -1;
	j->named = true;
	j->storage_failed = false;
	return 0;
}

static void job_free(void *arg)
{
	struct publish_job *j = arg;

	if (!j)
		return;
	/* Cancelled after the rename: nobody else knows of the file, and what the store does not
	   know it never removes. */
	if (j->named)
		store_published(j->store, j->path, &j->file);
	store_temp_discard(j->store, &j->in);
	store_temp_discard(j->store, &j->out);
	publish_maker_clear(&j->maker);
	buf_clear(&j->bytes);
	ignore_clear(&j->ign);
	free(j->spec_ignore);
	free(j);
}

/* The same job for another worker: all that it has moves over. */
static struct publish_job *job_move(struct publish_job *old)
{
	struct publish_job *j = NEW(struct publish_job);

	*j = *old;
	old->maker = (struct publish_maker){0};
	old->bytes = BUF_INIT(old->bytes.max);
	old->in = old->out = STORE_TEMP_INIT;
	old->spec_ignore = NULL;
	memset(&old->ign, 0, sizeof(old->ign));
	return j;
}

/* From its beginning: what it made stays behind. */
static struct publish_job *job_again(struct publish_job *old)
{
	struct publish_job *j = job_move(old);

	old->out = j->out;
	j->out = STORE_TEMP_INIT;
	j->needs_memory = j->storage_failed = false;
	ignore_init(&j->ign, IGNORE_SOURCE);
	return j;
}

/* ---- the task -------------------------------------------------------------------------------- */

struct publish {
	struct task task;
	struct store *store;
	struct account *account;
	char *owner;
	struct publish_job *job; /* the next one */
	uint64_t want; /* memory that it waits for; 0: its slice, or nobody counts */
	struct op *grant; /* the memory of the job that runs */
	bool must;
	uint64_t more; /* room that was reserved here */
	struct publish_result result;
};

/* The most that it can be given. */
static uint64_t memory_max(const struct publish *p)
{
	struct account_stats s;

	account_stats(p->account, ACCOUNT_JOBS, &s);
	return s.limit;
}

static void memory_want(struct publish *p, uint64_t bytes)
{
	uint64_t max = memory_max(p);

	p->job->memory = p->want = bytes < max ? bytes : max;
}

static enum step_ret memory_start(struct task *t)
{
	struct publish *p = TASK(t, struct publish);

	if (!p->want)
		return STEP_NEXT;
	return task_wait(t, account_take(p->account, ACCOUNT_JOBS, p->owner, p->want));
}

static enum step_ret memory_resume(struct task *t)
{
	if (task_op_failed(t))
		return STEP_FAIL;
	TASK(t, struct publish)->grant = MOVE(t->op);
	return STEP_NEXT;
}

static enum step_ret pack_start(struct task *t)
{
	struct publish *p = TASK(t, struct publish);
	struct publish_job *j = MOVE(p->job);

	return task_wait(t,
		work_start_for(
			t->self.loop, work_lane_of(j->in_size), p->owner, job_run, job_free, j));
}

static void job_result(struct publish *p, struct publish_job *j)
{
	p->result.digest = j->digest;
	p->result.size = j->size;
	p->result.same = j->same || (digest_equal(&j->digest, &j->have) && !j->hold);
	p->result.hold = j->hold;
	memcpy(p->result.why, j->why, sizeof(p->result.why));
	if (j->hold) {
		p->result.temp = j->out;
		j->out = STORE_TEMP_INIT;
		return;
	}
	if (j->named)
		store_published(j->store, j->path, &j->file);
	j->named = false;
}

static enum step_ret pack_resume(struct task *t)
{
	struct publish *p = TASK(t, struct publish);
	struct publish_job *j = work_job(t->op);

	op_free(MOVE(p->grant));
	if (j->needs_memory && j->memory && j->memory < memory_max(p)) {
		p->job = job_again(j);
		memory_want(p, 4 * j->memory);
		return task_goto(t, "memory");
	}
	if (task_op_failed(t)) {
		p->result.storage_failed = j->storage_failed;
		return STEP_FAIL;
	}
	if (needs_room(j)) {
		p->job = job_move(j);
		return STEP_NEXT;
	}
	job_result(p, j);
	return STEP_DONE;
}

static enum step_ret more_start(struct task *t)
{
	struct publish *p = TASK(t, struct publish);

	return task_wait(
		t, store_room_start(p->store, p->job->size - p->job->room, p->job->room, p->must));
}

static enum step_ret more_resume(struct task *t)
{
	struct publish *p = TASK(t, struct publish);

	if (task_op_failed(t)) {
		p->result.storage_failed = true;
		return STEP_FAIL;
	}
	p->more = store_room_take(t->op);
	p->job->room += p->more;
	return task_goto(t, "pack");
}

static const struct step STEPS[] = {{"memory", memory_start, memory_resume},
	{"pack", pack_start, pack_resume}, {"more", more_start, more_resume}, {0}};

static void publish_free(struct task *t)
{
	struct publish *p = CONTAINER_OF(t, struct publish, task);

	job_free(p->job);
	op_free(p->grant);
	store_room_release(p->store, p->more);
	store_temp_discard(p->store, &p->result.temp);
	free(p->owner);
	free(p);
}

static struct publish_job *job_new(const struct publish_req *req)
{
	struct publish_job *j = NEW(struct publish_job);

	j->store = req->store;
	j->root = store_root(req->store);
	snprintf(j->path, sizeof(j->path), "%s", req->path);
	j->limits = req->limits;
	j->algo = req->algo;
	j->maker = req->maker;
	if (req->layer)
		j->layer = *req->layer;
	j->in_size = req->size;
	j->room = req->room;
	j->copy = req->copy;
	j->have = req->have;
	j->have_file = req->have_file;
	j->bytes = *req->bytes;
	*req->bytes = BUF_INIT(req->bytes->max);
	j->in = *req->temp;
	*req->temp = STORE_TEMP_INIT;
	j->out = STORE_TEMP_INIT;
	j->spec_ignore = mem_strdup(req->ignore);
	ignore_init(&j->ign, IGNORE_SOURCE);
	return j;
}

/* A slice, or more when the rules alone would fill it. */
static void memory_first(struct publish *p)
{
	uint64_t rules = ignore_memory(p->job->spec_ignore);

	if (!p->account || p->job->copy)
		return;
	p->job->memory = LIMIT_MEMORY_SLICE;
	if (rules > LIMIT_MEMORY_SLICE / 4)
		memory_want(p, rules + LIMIT_MEMORY_SLICE);
}

struct op *publish_start(struct loop *l, const struct publish_req *req)
{
	struct publish *p = NEW(struct publish);

	p->store = req->store;
	p->account = req->account;
	p->owner = mem_strdup(req->owner);
	p->must = req->must;
	p->job = job_new(req);
	memory_first(p);
	p->result.temp = STORE_TEMP_INIT;
	task_init(&p->task, l, "publish", STEPS, NULL, publish_free);
	return task_spawn(&p->task);
}

struct publish_result *publish_result(struct op *op)
{
	return &TASK_OF_OP(op, struct publish)->result;
}
