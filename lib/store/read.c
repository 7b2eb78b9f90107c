/* Is it there, and is it what it should be: for the controller's storage step, and for requests. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum look { LOOK_FOUND, LOOK_GONE, LOOK_COLD };

/* Opens what the index says is there, if that cannot wait for a disk. */
static enum look look_cached(struct store *s, const struct store_entry *e, int *fd)
{
	struct store_path p;
	char path[STORE_PATH_MAX];
	struct store_file f;
	struct stat st;

	snprintf(p.dir, sizeof(p.dir), "%s", e->object->dir);
	snprintf(p.file, sizeof(p.file), "%s", e->file);
	*fd = sys_open_cached(s->root.fd, store_path_format(&p, path), O_RDONLY | O_NONBLOCK);
	if (*fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV
			? LOOK_GONE
			: LOOK_COLD; /* also when it failed otherwise: a worker finds out how */
	if (sys_fstat(*fd, &st)) {
		sys_close(*fd);
		return LOOK_COLD;
	}
	f = (struct store_file){.size = (uint64_t)st.st_size, .ino = (uint64_t)st.st_ino};
	f.mtime_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	if (S_ISREG(st.st_mode) && store_file_same(&f, &e->f))
		return LOOK_FOUND;
	sys_close(*fd);
	return LOOK_GONE;
}

/* ---- the worker's side of both */

struct look_job {
	struct job job;
	struct store_path p;
	char path[STORE_PATH_MAX];
	struct store_file known; /* what the index said */
	enum digest_algo algo; /* to hash with, if it never was */
	struct digest want; /* of a check */
	struct store_file f;
	int fd;
	bool missing;
	enum store_check result;
	enum store_got got;
};

static int look_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct look_job *k = (struct look_job *)job;

	if (store_root_open_file(job->root, k->path, &k->fd, &k->f, err)) {
		k->missing = err->code == -ENOENT || store_is_damage(err->code);
		if (!k->missing)
			return -1;
		err_clear(err);
		return 0;
	}
	if (k->known.digest.algo == k->algo && store_file_same(&k->known, &k->f)) {
		k->f.digest = k->known.digest;
		return 0;
	}
	if (k->known.digest.algo &&
		!k->want.algo) /* a request wants that file, not what came in its place */
		return 0;
	if (!store_root_hash(k->fd, &k->f, k->algo, stop, err))
		return 0;
	if (err->code != -EIO && !store_is_damage(err->code))
		return -1;
	/* The disk has lost this file, which says nothing of others: a new one in its place is as
	   good. Without a digest it is nobody's. */
	k->f.digest = (struct digest){0};
	err_clear(err);
	return 0;
}

static void look_free(struct job *job)
{
	sys_close(((struct look_job *)job)->fd);
}

static struct look_job *look_new(
	struct store *s, const struct store_path *p, const struct job_type *type)
{
	struct look_job *k = job_new(s, struct look_job, type);

	k->p = *p;
	k->fd = -1;
	store_path_format(p, k->path);
	return k;
}

static struct op *look_start(struct look_job *k, const struct store_entry *e)
{
	char owner[STORE_OWNER_MAX];

	k->known = e->f;
	/* A stat is short; reading a whole file is not. */
	return job_start_on(&k->job,
		e->f.digest.algo == k->algo ? WORK_SHORT : work_lane_of(e->f.size),
		store_dir_owner(owner, k->p.dir));
}

/* ---- check */

static void judge(struct store *s, struct look_job *k, struct store_entry *e)
{
	e->remembered = false;
	if (!digest_equal(&k->want, &e->f.digest)) {
		k->result = STORE_DIFFERS;
		e->wrong = true;
		if (index_is_current(e))
			index_promise(&s->index, e, true, e->failed);
		return;
	}
	k->result = STORE_INTACT;
	e->wrong = false;
	index_promise(&s->index, e, false, false);
	store_check_ready(s);
}

/* Nobody has published another one, or found out what it really is, since the job began. */
static bool is_as_known(const struct store_entry *e, const struct look_job *k)
{
	const struct digest *a = &e->f.digest, *b = &k->known.digest;

	return e->there && store_file_same(&e->f, &k->known) && a->algo == b->algo &&
		(a->algo == DIGEST_NONE || digest_equal(a, b));
}

static void check_done(struct job *job)
{
	struct look_job *k = (struct look_job *)job;
	struct store *s = job->store;
	struct store_entry *e = index_entry(index_object(&s->index, k->p.dir), k->p.file);

	BUG_IF(!e); /* refs kept it */
	e->refs--;
	if (job->err.kind) {
		index_entry_settle(&s->index, e);
	} else if (e->there && !is_as_known(e, k)) {
		/* Published meanwhile: the index knows better than what the job saw. */
		judge(s, k, e);
	} else if (k->missing || !e->there) {
		k->result = STORE_MISSING;
		store_lose(s, e, false);
	} else {
		index_there(&s->index, e, &k->f);
		judge(s, k, e);
	}
}

struct op *store_check_start(struct store *s, const char *path, const struct digest *want)
{
	static const struct job_type type = {
		"store check", WORK_SHORT, look_run, check_done, look_free, false};
	struct store_path p = {.file = ""};
	struct look_job *k;
	struct store_entry *e;
	struct err err;
	int fd = -1;

	if (store_path_parse_file(&p, path, &err))
		p.file[0] = '\0';
	k = look_new(s, &p, &type);
	k->want = *want;
	k->algo = want->algo;
	k->result = STORE_MISSING;
	e = *p.file ? index_entry(index_object(&s->index, p.dir), p.file) : NULL;
	if (!e || !e->there) {
		if (*p.file && store_is_current(s, path))
			store_promise(s, path);
		return job_nothing(&k->job);
	}
	if (e->f.digest.algo == want->algo)
		switch (look_cached(s, e, &fd)) {
		case LOOK_FOUND:
			sys_close(fd);
			judge(s, k, e);
			return job_nothing(&k->job);
		case LOOK_GONE:
		case LOOK_COLD: /* gone, or another: the worker says which */
			break;
		}
	e->refs++;
	return look_start(k, e);
}

enum store_check store_check_result(const struct op *op)
{
	return ((const struct look_job *)(const void *)op)->result;
}

/* ---- get */

/* What was found out counts for so long. */
#define CONFIRMED_MS 1000

static bool is_unknown(const struct store_entry *e)
{
	return !e || (!e->there && !e->held && !e->promised);
}

/* Somebody has to be asked what the object's status names now. */
static bool may_ask(const struct store *s, const struct store_object *o)
{
	return s->on_unknown && o && o->claimed &&
		(!o->confirmed_ms || clock_ms() - o->confirmed_ms >= CONFIRMED_MS);
}

/* Nobody has named the file here. May the status name it by now? */
static enum store_got unknown_ask(struct store *s, const char *dir)
{
	struct store_object *o = index_object(&s->index, dir);

	if (!may_ask(s, o))
		return STORE_MISS;
	if (!o->asked && (!o->asked_ms || clock_ms() - o->asked_ms >= CONFIRMED_MS)) {
		o->asked = true;
		o->asked_ms = clock_ms();
		s->on_unknown(s->arg, dir);
	}
	return STORE_WAIT;
}

void store_confirmed(struct store *s, const char *dir, bool found)
{
	struct store_object *o = index_object(&s->index, dir);

	if (o)
		o->asked = false;
	if (!o || !found)
		return;
	o->confirmed_ms = clock_ms();
	index_wake(&s->index, &s->index.unknown);
}

/* The entry a request is about, or NULL with the answer in *got. */
static struct store_entry *entry_for(
	struct store *s, const struct store_path *p, enum store_got *got)
{
	struct store_entry *e = index_entry_of(&s->index, p);

	*got = STORE_MISS;
	if (!s->index.listed && (!e || !index_is_known(e))) {
		*got = STORE_WAIT; /* nobody has said yet what is wanted */
		return NULL;
	}
	if (is_unknown(e)) {
		*got = unknown_ask(s, p->dir);
		return NULL;
	}
	if (e->held || e->promised) {
		*got = STORE_WAIT;
		return NULL;
	}
	return e->there && !e->wrong ? e : NULL;
}

enum store_got store_get(struct store *s, const struct store_path *p, struct store_file *f, int *fd)
{
	enum store_got got;
	struct store_entry *e = entry_for(s, p, &got);

	if (!e)
		return got;
	if (e->f.digest.algo == DIGEST_NONE)
		return STORE_COLD;
	switch (look_cached(s, e, fd)) {
	case LOOK_FOUND:
		*f = e->f;
		return STORE_HIT;
	case LOOK_COLD:
		return STORE_COLD;
	case LOOK_GONE:
	default:
		got = index_is_current(e) ? STORE_WAIT : STORE_MISS;
		store_lose(s, e, true);
		return got;
	}
}

static void get_done(struct job *job)
{
	struct look_job *k = (struct look_job *)job;
	struct store *s = job->store;
	struct store_entry *e = index_entry(index_object(&s->index, k->p.dir), k->p.file);

	BUG_IF(!e); /* refs kept it */
	e->refs--;
	if (job->err.kind) {
		index_entry_settle(&s->index, e);
	} else if (!is_as_known(e, k)) {
		/* It changed meanwhile: ask again. */
		k->got = STORE_WAIT;
		index_entry_settle(&s->index, e);
	} else if (k->missing || k->f.digest.algo == DIGEST_NONE ||
		(k->known.digest.algo && !store_file_same(&k->known, &k->f))) {
		k->got = index_is_current(e) ? STORE_WAIT : STORE_MISS;
		store_lose(s, e, true);
	} else {
		k->got = STORE_HIT;
		index_there(&s->index, e, &k->f);
	}
}

struct op *store_get_start(struct store *s, const struct store_path *p)
{
	static const struct job_type type = {
		"store get", WORK_SHORT, look_run, get_done, look_free, false};
	struct look_job *k;
	struct store_path file = *p;
	struct store_entry *e;
	enum store_got got;

	e = entry_for(s, p, &got);
	if (e) {
		snprintf(file.file, sizeof(file.file), "%s", e->file);
		file.latest = false;
	}
	k = look_new(s, &file, &type);
	k->got = got;
	if (!e)
		return job_nothing(&k->job);
	k->algo = e->f.digest.algo ? e->f.digest.algo : DIGEST_SHA256;
	e->refs++;
	return look_start(k, e);
}

enum store_got store_get_result(struct op *op, struct store_file *f, int *fd)
{
	struct look_job *k = (struct look_job *)op;

	BUG_IF(!op->done || op->err.kind);
	if (k->got != STORE_HIT)
		return k->got;
	*f = k->f;
	*fd = k->fd;
	k->fd = -1;
	return STORE_HIT;
}

/* ---- waiting */

void store_wait_start(struct store *s, const struct store_path *p, struct store_wait *w,
	void (*fn)(void *arg), void *arg)
{
	struct store_object *o = index_object(&s->index, p->dir);
	struct store_entry *e = index_entry_of(&s->index, p);

	BUG_IF(w->index);
	w->fn = fn;
	w->arg = arg;
	if (e && (e->held || e->promised)) {
		index_wait(&s->index, &e->waits, w);
		return;
	}
	/* It could not be found out, or not yet. */
	if (s->index.listed && is_unknown(e) && may_ask(s, o)) {
		index_wait(&s->index, &s->index.unknown, w);
		return;
	}
	index_wait(&s->index, &s->index.early, w);
	if (s->index.listed) /* it changed since the caller looked */
		index_wake(&s->index, &s->index.early);
}
