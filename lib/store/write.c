/* Temporary files, publishing, and the two-phase change of a path's bytes. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"

#include <string.h>

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

/* ---- publish, prepare, commit */

struct put_job {
	struct job job;
	char path[STORE_PATH_MAX];
	struct store_path p;
	struct digest digest;
	struct buf bytes; /* to be written first */
	bool write, name;
	struct store_temp temp;
	struct store_file file;
	bool named; /* the rename was done */
};

static int put_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct put_job *p = (struct put_job *)job;

	if (p->write &&
		(store_temp_new(job->root, &p->temp, err) ||
			(sys_write_all(p->temp.fd, buf_str(&p->bytes), p->bytes.len) &&
				err_sys(err, "write a file of the store"))))
		goto failed;
	if (p->file.digest.algo == DIGEST_NONE &&
		store_temp_sync(&p->temp, &p->digest, &p->file, err))
		goto failed;
	if (!p->name)
		return 0;
	if (*stop) {
		err_set(err, ERR_CANCELED, "canceled");
		goto failed;
	}
	if (store_temp_name(job->root, &p->temp, p->path, err))
		goto failed;
	p->named = true;
	return 0;
failed:
	store_temp_drop(job->root, &p->temp);
	return err_wrap(err, "store '%s'", p->path);
}

static void put_free(struct job *job)
{
	struct put_job *p = (struct put_job *)job;

	buf_clear(&p->bytes);
	store_temp_discard(job->store, &p->temp);
}

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

static void publish_done(struct job *job)
{
	struct put_job *p = (struct put_job *)job;

	if (p->named)
		now_there(job->store, &p->p, &p->file);
}

static struct put_job *put_new(
	struct store *s, const struct store_put *put, const struct job_type *type)
{
	struct put_job *p = job_new(s, struct put_job, type);

	BUG_IF(!put->temp == !put->bytes || put->digest.algo == DIGEST_NONE);
	p->temp = STORE_TEMP_INIT;
	p->bytes = BUF_INIT(0);
	p->digest = put->digest;
	if (put->temp) {
		p->temp = *put->temp;
		*put->temp = STORE_TEMP_INIT;
	} else {
		p->bytes = *put->bytes;
		*put->bytes = BUF_INIT(put->bytes->max);
		p->write = true;
	}
	snprintf(p->path, sizeof(p->path), "%s", put->path);
	return p;
}

struct op *store_publish_start(struct store *s, const struct store_put *put)
{
	static const struct job_type type = {
		"store publish", WORK_SHORT, put_run, publish_done, put_free, false};
	struct put_job *p = put_new(s, put, &type);
	struct err err;

	if (store_path_parse_file(&p->p, put->path, &err))
		return job_failed(&p->job, &err);
	p->name = true;
	return job_start(&p->job);
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
		"store prepare", WORK_SHORT, put_run, prepare_done, put_free, false};
	struct put_job *p = put_new(s, put, &type);
	struct err err;

	if (store_path_parse_file(&p->p, put->path, &err))
		return job_failed(&p->job, &err);
	entry_of(s, &p->p)->refs++;
	return job_start(&p->job);
}

static void commit_done(struct job *job)
{
	struct put_job *p = (struct put_job *)job;
	struct store *s = job->store;
	struct store_entry *e = entry_of(s, &p->p);

	e->refs--;
	e->held = false;
	if (p->named) {
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
		"store commit", WORK_SHORT, put_run, commit_done, put_free, true};
	struct put_job *p = job_new(s, struct put_job, &type);
	struct err err;
	struct store_entry *e;

	p->temp = STORE_TEMP_INIT;
	p->bytes = BUF_INIT(0);
	BUG_IF(store_path_parse(&p->p, path, &err));
	e = entry_of(s, &p->p);
	BUG_IF(!e->held || e->prepared.fd < 0);
	e->refs++;
	snprintf(p->path, sizeof(p->path), "%s", path);
	p->temp = e->prepared;
	p->file = e->prepared_file;
	e->prepared = STORE_TEMP_INIT;
	p->name = true;
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
