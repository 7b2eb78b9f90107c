#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "controllers/ocirepository/internal.h"
#include "ev/account.h"
#include "ev/work.h"
#include "pack/pack.h"
#include "text/ignore.h"

#include <errno.h>
#include <string.h>

/* ---- is what the status names still there? ----------------------------------------------------------------------------- */

enum step_ret storage_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!*r->have_path)
		return STEP_NEXT;
	return task_wait(t, store_check_start(r->c->opts.store, r->have_path, &r->have_digest));
}

enum step_ret storage_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "failed to stat the artifact");
		return run_fail(r, COND_STORAGE_FAILED, "StatOperationFailed");
	}
	if (store_check_result(t->op) != STORE_INTACT && !run_open(r))
		return STEP_DONE;
	r->looked = true;
	switch (store_check_result(t->op)) {
	case STORE_INTACT:
		r->have_file = true;
		return STEP_NEXT;
	case STORE_DIFFERS:
		notify_warning(r, "ArtifactVerificationFailed",
			"failed to verify integrity of artifact: the stored file is not of the "
			"status's digest");
		break;
	case STORE_MISSING:
		break;
	}
	r->missing = restore_wanted(r);
	r->restore = r->missing && (r->spec.suspend || r->restore_asked);
	return STEP_NEXT;
}

/* ---- from layer to artifact, on a worker ------------------------------------------------------------------------------------ */

struct publish_job {
	struct store *store; /* the loop's */
	const struct store_root *root;
	char path[STORE_PATH_MAX];
	struct pack_limits limits;
	enum digest_algo algo;
	struct digest layer; /* digest of the layer's bytes, checked */
	struct digest
		have; /* of the file that the status names under this path; DIGEST_NONE: another path */
	bool have_file, copy;
	uint64_t memory; /* that it may take; 0: no account */
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

static int excluded(void *ctx, const char *path, bool is_dir, struct err *err)
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

static int extract(struct publish_job *j, const atomic_bool *stop, bool *pass, struct err *err)
{
	struct pack_in in = {.mem = j->in.fd < 0 ? buf_str(&j->bytes) : NULL,
		.fd = j->in.fd,
		.size = j->in_size,
		.stop = stop,
		.limits = j->limits,
		.ignore_file = add_ignore_file,
		.rules_done = add_spec_ignore,
		.excluded = excluded,
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
	int rc = extract(j, stop, pass, err);

	ignore_clear(&j->ign);
	if (j->memory > LIMIT_MEMORY_SLICE)
		mem_trim();
	return rc;
}

static int publish(void *arg, const atomic_bool *stop, struct err *err)
{
	struct publish_job *j = arg;
	bool pass = true;

	if (!j->copy && extract_and_tidy(j, stop, &pass, err))
		return -1;
	if (pass && take_layer(j, stop, err))
		return -1;
	store_temp_drop(j->root, &j->in);
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
	if (store_temp_sync(&j->out, &j->digest, &j->file, err))
		return -1;
	if (*stop) /* the last moment at which a cancel changes nothing */
		return err_set(err, ERR_CANCELED, "canceled");
	if (store_temp_name(j->root, &j->out, j->path, err))
		return -1;
	j->named = true;
	j->storage_failed = false;
	return 0;
}

static void publish_free(void *arg)
{
	struct publish_job *j = arg;

	if (!j)
		return;
	/* Cancelled after the rename: nobody else knows of the file, and what the store does not know it never removes. */
	if (j->named)
		store_published(j->store, j->path, &j->file);
	store_temp_discard(j->store, &j->in);
	store_temp_discard(j->store, &j->out);
	buf_clear(&j->bytes);
	ignore_clear(&j->ign);
	free(j->spec_ignore);
	free(j);
}

/* ---- its memory -------------------------------------------------------------------------------------------------------------
 * A job begins with a slice that nobody counts, which is enough for nearly all layers. One that needs more ends, gives back what it
 * has, and begins again with four times as much out of the account.
 */

static enum step_ret publish_run(struct run *r, struct publish_job *j)
{
	return task_wait(&r->task,
		work_start_for(r->c->opts.loop, work_lane_of(j->in_size), r->ns, publish,
			publish_free, j));
}

/* The most that it can be given. */
static uint64_t memory_max(const struct run *r)
{
	struct account_stats s;

	account_stats(r->c->opts.account, ACCOUNT_JOBS, &s);
	return s.limit;
}

static enum step_ret memory_wait(struct run *r, struct publish_job *j, uint64_t bytes)
{
	uint64_t max = memory_max(r);

	j->memory = bytes < max ? bytes : max;
	r->job = j;
	return task_wait(
		&r->task, account_take(r->c->opts.account, ACCOUNT_JOBS, r->ns, j->memory));
}

static enum step_ret publish_begin(struct run *r, struct publish_job *j)
{
	uint64_t rules = ignore_memory(j->spec_ignore);

	if (!r->c->opts.account || j->copy)
		return publish_run(r, j);
	if (rules > LIMIT_MEMORY_SLICE / 4)
		return memory_wait(r, j, rules + LIMIT_MEMORY_SLICE);
	j->memory = LIMIT_MEMORY_SLICE;
	return publish_run(r, j);
}

/* The same job from its beginning: what it was given moves over, what it made stays behind. */
static struct publish_job *publish_again(struct publish_job *old)
{
	struct publish_job *j = NEW(struct publish_job);

	*j = *old;
	old->bytes = BUF_INIT(old->bytes.max);
	old->in = STORE_TEMP_INIT;
	j->out = STORE_TEMP_INIT;
	old->spec_ignore = NULL;
	j->needs_memory = j->storage_failed = false;
	ignore_init(&j->ign, IGNORE_SOURCE);
	memset(&old->ign, 0, sizeof(old->ign));
	return j;
}

void publish_forget(struct run *r)
{
	publish_free(MOVE(r->job));
	op_free(MOVE(r->grant));
}

enum step_ret publish_start(struct task *t)
{
	struct run *r = RUN(t);
	struct publish_job *j;

	if (store_path_of(r->path, OCIREPO_STORE_KIND, r->ns, r->name, &r->manifest, &t->err))
		return run_fail(r, COND_STORAGE_FAILED, "InvalidPath");
	j = NEW(struct publish_job);
	j->store = r->c->opts.store;
	j->root = store_root(j->store);
	memcpy(j->path, r->path, sizeof(j->path));
	j->limits.entries = r->c->opts.max_entries;
	j->limits.expanded = r->c->opts.max_expanded;
	j->algo = r->c->opts.algo;
	j->layer = r->layer->digest;
	j->in_size = r->layer->size;
	j->copy = r->spec.copy;
	j->have_file = r->have_file;
	if (!strcmp(r->path, r->have_path)) {
		j->have = r->have_digest;
		/* A stored digest is compared with its own algorithm; under the same path both must speak the same one. */
		if (j->have.algo != DIGEST_NONE && (r->have_file || r->missing))
			j->algo = j->have.algo;
	}
	j->bytes = r->bytes;
	buf_init(&r->bytes, LIMIT_BLOB_IN_MEMORY);
	j->in = r->temp;
	r->temp = STORE_TEMP_INIT;
	j->out = STORE_TEMP_INIT;
	j->spec_ignore = mem_strdup(r->spec.ignore);
	ignore_init(&j->ign, IGNORE_SOURCE);
	return publish_begin(r, j);
}

/* A Helm chart's provenance, a JSON file, one YAML file: whoever wrote the object may not know what the layer is. */
static void say_media_type(struct run *r)
{
	struct err *err = &r->task.err;

	if (err->code == PACK_NO_ARCHIVE)
		err_wrap(err,
			"a layer of media type '%.200s' is not what 'extract' needs "
			"(layerSelector.operation 'copy' takes it as it is)",
			r->layer->media_type);
}

enum step_ret publish_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct publish_job *j;

	if (r->job) {
		if (task_op_failed(t))
			return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
		r->grant = MOVE(t->op);
		return publish_run(r, MOVE(r->job));
	}
	j = work_job(t->op);
	op_free(MOVE(r->grant));
	if (j->needs_memory && j->memory && j->memory < memory_max(r))
		return memory_wait(r, publish_again(j), 4 * j->memory);
	if (task_op_failed(t)) {
		if (j->storage_failed) {
			err_wrap(&t->err, "unable to archive artifact to storage");
			return run_fail(r, COND_STORAGE_FAILED, "ArchiveOperationFailed");
		}
		say_media_type(r);
		err_wrap(&t->err, "failed to extract layer contents from artifact");
		return run_fail(r, COND_FETCH_FAILED, "OCIArtifactLayerOperationFailed");
	}
	if (*j->why)
		log_debug(&r->log, "repacked the layer", LS("why", j->why));
	r->digest = j->digest;
	r->size = j->size;
	r->same_bytes = j->same || (digest_equal(&j->digest, &j->have) && !j->hold);
	if (j->hold) {
		r->temp = j->out;
		j->out = STORE_TEMP_INIT;
		return STEP_NEXT;
	}
	if (j->named)
		store_published(j->store, j->path, &j->file);
	j->named = false;
	r->stored = true;
	return STEP_NEXT;
}

/* ---- same path, new bytes: the status first, then the file ------------------------------------------------------------------- */

enum step_ret hold_start(struct task *t)
{
	struct run *r = RUN(t);

	if (r->stored)
		return STEP_NEXT;
	r->holding = true;
	return task_wait(t,
		store_prepare_start(r->c->opts.store,
			&(struct store_put){
				.path = r->path, .digest = r->digest, .temp = &r->temp}));
}

enum step_ret hold_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "unable to archive artifact to storage");
		return run_fail(r, COND_STORAGE_FAILED, "ArchiveOperationFailed");
	}
	r->stored = r->held = true;
	return STEP_NEXT;
}

enum step_ret commit_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!r->held)
		return STEP_NEXT;
	if (!r->patched) {
		/* Refused: the old bytes are what the status still promises. */
		return STEP_NEXT; /* cleanup drops the new ones */
	}
	r->holding = r->held = false;
	return task_wait(t, store_commit_start(r->c->opts.store, r->path));
}

enum step_ret commit_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (t->op->err.kind != ERR_NONE) {
		/* The status is ahead of the disk: the next run finds the file missing and restores it. */
		log_error(&r->log, "cannot replace the artifact", LE(&t->op->err));
		r->requeue_now = true;
	}
	return STEP_NEXT;
}

/* ---- retention ------------------------------------------------------------------------------------------------------------------ */

/* At the start of a run: what was superseded by an earlier one, also while the registry fails. */
enum step_ret tidy_start(struct task *t)
{
	return task_wait(t, store_retain_start(RUN(t)->c->opts.store, RUN(t)->dir));
}

/* At the end: only a new artifact makes others superfluous. */
enum step_ret retain_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!r->stored || !r->patched || t->err.kind != ERR_NONE)
		return STEP_NEXT;
	return task_wait(t, store_retain_start(r->c->opts.store, r->dir));
}

enum step_ret retain_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (t->op->err.kind != ERR_NONE)
		log_error(&r->log, "garbage collection of artifacts failed", LE(&t->op->err));
	return STEP_NEXT;
}
