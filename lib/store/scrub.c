#include "store/scrub.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"

#include <errno.h>
#include <stdio.h>

#define EVERY_MS (60 * 60 * 1000)
#define PIECE_MAX (8 * LIMIT_MIB)
/* What a file costs beside its bytes, as bytes: many small ones must not make it quicker. */
#define FILE_COST (16 * LIMIT_KIB)
#define PAGE (64 * LIMIT_KIB)
#define OBJECTS_AT_ONCE 1000

/* ---- one piece, on a worker ------------------------------------------------------------------ */

enum verdict { READ_ON, READ_WHOLE, READ_FAILED, NOT_THE_FILE };

struct piece {
	struct job job;
	uint64_t size; /* to read */
	uint64_t bytes; /* read */
	enum verdict verdict;
	struct digest digest; /* of the whole */
};

/* Is it still the file that the index knows? Otherwise nobody would learn anything from reading
   it. */
static int file_open(struct scrub_file *f, const struct job *job, struct piece *p, struct err *err)
{
	struct store_file now;

	if (store_root_open_file(job->root, f->path, &f->fd, &now, err)) {
		bool lost = err->code == -EIO || store_is_damage(err->code);

		p->verdict = lost ? READ_FAILED : NOT_THE_FILE;
		if (!lost && err->code != -ENOENT)
			return -1;
		err_clear(err);
		return 0;
	}
	if (!store_file_same(&now, &f->known))
		p->verdict = NOT_THE_FILE;
	f->cold = sys_is_cold(f->fd, 0);
	digest_ctx_init(&f->ctx, f->known.digest.algo);
	return 0;
}

static int read_piece(
	struct scrub_file *f, struct piece *p, const atomic_bool *stop, struct err *err)
{
	char page[PAGE];
	ssize_t n;

	while (p->bytes < p->size) {
		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		n = sys_pread(f->fd, page, sizeof(page), f->at);
		if (n < 0 && errno != EIO && !store_is_damage(-errno))
			return err_sys(err, "read artifact '%s'", f->path);
		if (n <= 0) {
			p->verdict = n ? READ_FAILED : READ_WHOLE;
			if (!n)
				digest_final(&f->ctx, &p->digest);
			return 0;
		}
		digest_update(&f->ctx, page, (size_t)n);
		f->at += (uint64_t)n;
		p->bytes += (uint64_t)n;
	}
	return 0;
}

static int piece_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct piece *p = (struct piece *)job;
	struct scrub_file *f = &job->store->scrub.file;
	uint64_t from;
	int rc;

	if (f->fd < 0 && file_open(f, job, p, err))
		return -1;
	if (p->verdict != READ_ON)
		return 0;
	from = f->at;
	rc = read_piece(f, p, stop, err);
	if (f->cold)
		sys_drop_cached(f->fd, from, f->at - from);
	return rc;
}

/* ---- which file is next ---------------------------------------------------------------------- */

static struct store_entry *entry_next(struct store_object *o, unsigned pass)
{
	struct list *at;

	if (!o)
		return NULL;
	list_each (&o->entries, at) {
		struct store_entry *e = index_entry_at(at);

		if (e->there && !e->wrong && e->f.digest.algo != DIGEST_NONE && e->scrubbed != pass)
			return e;
	}
	return NULL;
}

/* NULL: no file yet, the timer goes on. */
static struct store_entry *choose(struct store *s)
{
	struct scrub *sc = &s->scrub;
	struct store_object *o = index_object(&s->index, sc->dir);
	struct store_entry *e = entry_next(o, sc->pass);
	uint64_t since = clock_ms() - sc->began;
	unsigned i;

	for (i = 0; !e && i < OBJECTS_AT_ONCE; i++) {
		o = index_walk_next(&s->index, &sc->walk);
		if (!o) {
			sc->walking = false;
			timer_set(&sc->timer, since < EVERY_MS ? EVERY_MS - since : 0);
			return NULL;
		}
		snprintf(sc->dir, sizeof(sc->dir), "%s", o->dir);
		e = entry_next(o, sc->pass);
	}
	if (!e)
		timer_set(&sc->timer, 1);
	return e;
}

static void file_begin(struct scrub_file *f, struct store_entry *e, unsigned pass)
{
	e->scrubbed = pass;
	snprintf(f->path, sizeof(f->path), "%s/%s", e->object->dir, e->file);
	f->known = e->f;
	f->at = 0;
}

/* ---- what comes of it ------------------------------------------------------------------------ */

static void file_end(struct scrub_file *f)
{
	sys_close(f->fd);
	f->fd = -1;
}

/* The index is told the digest that the bytes have now, so that whoever compares it with a status
   finds what we have found. */
static void file_is_wrong(struct store *s, struct store_entry *e, const struct digest *digest)
{
	struct store_file now = s->scrub.file.known;

	s->scrub.wrong++;
	now.digest = *digest;
	index_there(&s->index, e, &now);
	store_lose(s, e, true);
}

static void judge(struct store *s, const struct piece *p)
{
	const struct scrub_file *f = &s->scrub.file;
	struct store_path path;
	struct store_entry *e;
	struct err ignored;

	BUG_IF(store_path_parse_file(&path, f->path, &ignored));
	e = index_entry(index_object(&s->index, path.dir), path.file);
	/* Replaced or removed since: what was read is not what is served. */
	if (!e || !e->there || !store_file_same(&e->f, &f->known))
		return;
	if (p->verdict == NOT_THE_FILE)
		store_lose(s, e, true);
	else if (!digest_equal(&p->digest, &f->known.digest))
		file_is_wrong(s, e, &p->digest);
}

static void scrub_due(void *arg);

static void piece_done(struct op *op, void *arg)
{
	struct store *s = arg;
	struct scrub *sc = &s->scrub;
	struct piece *p = (struct piece *)op;
	uint64_t cost = p->bytes + FILE_COST;

	sc->op = NULL;
	sc->bytes += p->bytes;
	if (op->err.kind != ERR_NONE || p->verdict != READ_ON) {
		/* An error of the moment (no descriptor, a disk that is gone) says nothing. */
		if (op->err.kind == ERR_NONE)
			judge(s, p);
		file_end(&sc->file);
	}
	op_free(op);
	timer_set(&sc->timer, (cost * 1000 + sc->rate - 1) / sc->rate);
}

static void scrub_due(void *arg)
{
	static const struct job_type type = {
		"store scrub", WORK_HEAVY, piece_run, NULL, NULL, false};
	struct store *s = arg;
	struct scrub *sc = &s->scrub;
	struct store_entry *e;
	struct piece *p;

	if (!sc->walking) {
		index_walk_begin(&s->index, &sc->walk);
		sc->walking = true;
		sc->began = clock_ms();
		sc->pass++;
		sc->dir[0] = '\0';
	}
	if (sc->file.fd < 0) {
		e = choose(s);
		if (!e)
			return;
		file_begin(&sc->file, e, sc->pass);
	}
	p = job_new(s, struct piece, &type);
	p->size = sc->rate < PIECE_MAX ? sc->rate : PIECE_MAX;
	sc->op = job_start(&p->job);
	op_then(sc->op, piece_done, s);
}

void scrub_start(struct store *s)
{
	if (!s->scrub.rate || s->closed || s->scrub.timer.loop)
		return;
	timer_init(&s->scrub.timer, s->loop, scrub_due, s);
	timer_set(&s->scrub.timer, 1000);
}
