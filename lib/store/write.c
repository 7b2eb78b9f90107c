/* Temporary files, what was published, and the two-phase change of a path's bytes. */
#include "base/mem.h"
#include "store/internal.h"

#include <stdio.h>

/* ---- a temporary file */

struct temp_job {
	struct job job;
	struct store_temp temp;
};

static int temp_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct temp_job *t = (struct temp_job *)job;

	(void)stop;
	return store_temp_new(job->root, &t->temp, err);
}

static void temp_free(struct job *job)
{
	struct temp_job *t = (struct temp_job *)job;

	store_temp_discard(job->store, &t->temp);
}

struct op *store_temp_start(struct store *s)
{
	static const struct job_type type = {
		"store temp", WORK_SHORT, temp_run, NULL, temp_free, false};
	struct temp_job *t = job_new(s, struct temp_job, &type);

	t->temp = STORE_TEMP_INIT;
	return job_start(&t->job);
}

struct store_temp store_temp_take(struct op *op)
{
	struct temp_job *t = (struct temp_job *)op;
	struct store_temp temp = t->temp;

	BUG_IF(!op->done || op->err.kind);
	t->temp = STORE_TEMP_INIT;
	return temp;
}

static int discard_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct temp_job *t = (struct temp_job *)job;

	(void)stop;
	(void)err;
	store_temp_drop(job->root, &t->temp);
	return 0;
}

void store_temp_discard(struct store *s, struct store_temp *t)
{
	/* Binding: a cancel on the way out must not leave the file behind. */
	static const struct job_type type = {
		"store discard", WORK_SHORT, discard_run, NULL, NULL, true};
	struct temp_job *d;

	if (t->fd < 0)
		return;
	d = job_new(s, struct temp_job, &type);
	d->temp = *t;
	*t = STORE_TEMP_INIT;
	op_drop(job_start(&d->job));
}

/* ---- it was published */

static struct store_entry *entry_of(struct store *s, const struct store_path *p)
{
	return index_entry_make(index_object_make(&s->index, p->dir), p->file);
}

static void now_there(struct store *s, const struct store_path *p, const struct store_file *f)
{
	struct store_entry *e = entry_of(s, p);

	s->published++;
	e->superseded = false;
	index_there(&s->index, e, f);
	index_promise(&s->index, e, false, false);
	store_check_ready(s);
}

void store_published(struct store *s, const char *path, const struct store_file *f)
{
	struct store_path p;
	struct err err;

	BUG_IF(store_path_parse_file(&p, path, &err));
	now_there(s, &p, f);
}

/* ---- same path, new bytes: prepare, and then commit or abandon */

struct put_job {
	struct job job;
	char path[STORE_PATH_MAX];
	struct store_path p;
	struct digest digest; /* of a prepare */
	struct store_temp temp;
	struct store_file file;
};

static void put_free(struct job *job)
{
	struct put_job *p = (struct put_job *)job;

	store_temp_discard(job->store, &p->temp);
}

static int prepare_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct put_job *p = (struct put_job *)job;

	(void)stop;
	if (store_temp_sync(&p->temp, &p->digest, &p->file, err))
		return err_wrap(err, "store '%s'", p->path);
	return 0;
}

static void prepare_done(struct job *job)
{
	struct put_job *p = (struct put_job *)job;
	struct store_entry *e = entry_of(job->store, &p->p);

	e->refs--;
	/* A cancelled prepare holds nothing: its caller will neither commit nor abandon. */
	if (!job->err.kind && !job->op.cancelled) {
		store_temp_discard(job->store, &e->prepared);
		e->prepared = p->temp;
		e->prepared_file = p->file;
		p->temp = STORE_TEMP_INIT;
		e->held = true;
	}
	index_entry_settle(&job->store->index, e);
}

struct op *store_prepare_start(struct store *s, const struct store_put *put)
{
	static const struct job_type type = {
		"store prepare", WORK_SHORT, prepare_run, prepare_done, put_free, false};
	struct put_job *p = job_new(s, struct put_job, &type);
	struct err err;

	BUG_IF(put->temp->fd < 0 || put->digest.algo == DIGEST_NONE);
	p->temp = *put->temp;
	*put->temp = STORE_TEMP_INIT;
	p->digest = put->digest;
	snprintf(p->path, sizeof(p->path), "%s", put->path);
	if (store_path_parse_file(&p->p, put->path, &err))
		return job_failed(&p->job, &err);
	entry_of(s, &p->p)->refs++;
	return job_start(&p->job);
}

static int commit_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct put_job *p = (struct put_job *)job;

	(void)stop;
	if (store_temp_name(job->root, &p->temp, p->path, err))
		return err_wrap(err, "store '%s'", p->path);
	return 0;
}

static void commit_done(struct job *job)
{
	struct put_job *p = (struct put_job *)job;
	struct store *s = job->store;
	struct store_entry *e = entry_of(s, &p->p);

	e->refs--;
	e->held = false;
	if (!job->err.kind) {
		now_there(s, &p->p, &p->file);
		return;
	}
	/* The status names the new bytes already: the old ones must not be served for them. */
	e->wrong = e->there;
	index_promise(&s->index, e, true, false);
}

struct op *store_commit_start(struct store *s, const char *path)
{
	static const struct job_type type = {
		"store commit", WORK_SHORT, commit_run, commit_done, put_free, true};
	struct put_job *p = job_new(s, struct put_job, &type);
	struct err err;
	struct store_entry *e;

	BUG_IF(store_path_parse_file(&p->p, path, &err));
	e = entry_of(s, &p->p);
	BUG_IF(!e->held || e->prepared.fd < 0);
	e->refs++;
	snprintf(p->path, sizeof(p->path), "%s", path);
	p->temp = e->prepared;
	p->file = e->prepared_file;
	e->prepared = STORE_TEMP_INIT;
	return job_start(&p->job);
}

void store_abandon(struct store *s, const char *path)
{
	struct store_path p;
	struct store_entry *e;
	struct err err;

	if (store_path_parse(&p, path, &err))
		return;
	e = index_entry(index_object(&s->index, p.dir), p.file);
	/* While a commit runs, its end decides. */
	if (!e || !e->held || e->prepared.fd < 0)
		return;
	store_temp_discard(s, &e->prepared);
	e->held = false;
	index_wake(&s->index, &e->waits);
	index_entry_settle(&s->index, e);
}
