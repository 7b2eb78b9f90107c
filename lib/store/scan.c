/*
 * The start: reads the tree, and beside it what the last process knew of its files (saved.h). A
 * file that is still what it was takes its digest from there; all others are hashed when somebody
 * asks what they are.
 */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "store/internal.h"
#include "store/saved.h"

#define SCAN_SLICE 2000 /* files put into the index in one turn of the loop */

struct found {
	char *dir, *file;
	struct store_file f;
};

struct scan {
	struct job job;
	VEC(struct found) found;
	size_t at;
	struct defer defer;
	char boot[STORE_BOOT_MAX];
	struct store_saved saved;
	struct err not_saved; /* why nothing is remembered; kind ERR_NONE: it is */
};

static void add_found(void *arg, const struct store_path *p, const struct store_file *f)
{
	struct scan *sc = arg;
	char path[STORE_PATH_MAX];
	const struct store_file *saved = store_saved_find(&sc->saved, store_path_format(p, path));
	struct found *found = vec_add(&sc->found);

	*found = (struct found){mem_strdup(p->dir), mem_strdup(p->file), *f};
	if (saved && store_file_same(saved, f))
		found->f.digest = saved->digest;
}

/* Without it all is hashed: no reason to fail. */
static void saved_read(struct scan *sc)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_STORE_INDEX);

	if (!*sc->boot)
		err_set(&sc->not_saved, ERR_RETRY, "the kernel does not say which boot this is");
	else if (!sys_read_file(sc->job.root->fd, STORE_SAVED_NAME, &text, &sc->not_saved) &&
		!store_saved_parse(&sc->saved, &text, sc->boot, &sc->not_saved))
		return;
	store_saved_clear(&sc->saved);
}

static int scan_on_worker(void *arg, const atomic_bool *stop, struct err *err)
{
	struct scan *sc = arg;

	saver_boot_read(sc->boot);
	saved_read(sc);
	return store_root_scan(sc->job.root, add_found, sc, stop, err);
}

/* What was published, promised or claimed while the scan ran is newer than what it saw. */
static void index_found(struct store *s, const struct found *f)
{
	struct store_entry *e = index_entry_make(index_object_make(&s->index, f->dir), f->file);

	if (e->there)
		return;
	index_there(&s->index, e, &f->f);
	e->remembered = f->f.digest.algo != DIGEST_NONE;
	s->remembered += e->remembered;
	if (!index_is_current(e)) {
		e->superseded = true;
		e->superseded_at = clock_ms();
	}
}

static void scan_replaced(struct store *s);

static void index_on_change(struct store_index *x)
{
	struct store *s = CONTAINER_OF(x, struct store, index);

	saver_changed(s);
	quota_changed(s);
}

static void scan_slice(void *arg)
{
	struct scan *sc = arg;
	struct store *s = sc->job.store;
	size_t end = sc->at + SCAN_SLICE < sc->found.len ? sc->at + SCAN_SLICE : sc->found.len;

	for (; sc->at < end; sc->at++)
		index_found(s, &sc->found.p[sc->at]);
	if (sc->at < sc->found.len) {
		defer_queue(s->loop, &sc->defer, scan_slice, sc);
		return;
	}
	s->scanned = true;
	s->index.changed = index_on_change;
	saver_start(s, sc->boot);
	volume_start(s, scan_replaced);
	scrub_start(s);
	store_check_ready(s);
	op_finish(&sc->job.op);
}

static void scan_cancel(struct op *op)
{
	struct scan *sc = (struct scan *)op;

	if (sc->job.work)
		op_cancel(sc->job.work); /* else the slices end it soon */
}

static void scan_work_done(struct op *work, void *arg)
{
	struct scan *sc = arg;
	struct err err = work->err;

	sc->job.work = NULL;
	op_free(work);
	if (!err.kind) {
		scan_slice(sc);
		return;
	}
	volume_start(sc->job.store, scan_replaced);
	op_end(&sc->job.op, &err);
}

static void scan_free(struct op *op)
{
	struct scan *sc = (struct scan *)op;
	struct store *s = sc->job.store;
	struct found *f;

	vec_each (&sc->found, f) {
		free(f->dir);
		free(f->file);
	}
	vec_clear(&sc->found);
	store_saved_clear(&sc->saved);
	free(sc);
	store_job_gone(s);
}

struct op *store_scan_start(struct store *s)
{
	static const struct op_type type = {"store scan", scan_cancel, scan_free};
	struct scan *sc = job_new(s, struct scan, NULL);

	op_init(&sc->job.op, s->loop, &type);
	sc->job.work = work_start(s->loop, WORK_SHORT, scan_on_worker, NULL, sc);
	op_then(sc->job.work, scan_work_done, sc);
	return &sc->job.op;
}

/* ---- another folder has taken the place of the one that was read */

/* What was there is not, as far as anybody knows; what statuses name is promised. */
static void lose_all(struct store *s)
{
	struct store_seat walk;
	struct store_object *o;
	struct list *at, *next;

	index_walk_begin(&s->index, &walk);
	while ((o = index_walk_next(&s->index, &walk)))
		/* With its last entry the object may go as well; its address is only compared
		   then. */
		for (at = o->entries.next; at != &o->entries; at = next) {
			next = at->next;
			store_lose(s, index_entry_at(at), false);
		}
}

/* Their objects find out whether the new folder has it, or bring it there. */
static void tell_promised(struct store *s)
{
	struct store_seat walk;
	struct store_object *o;
	struct list *at;

	index_walk_begin(&s->index, &walk);
	while ((o = index_walk_next(&s->index, &walk)))
		list_each (&o->entries, at)
			if (index_entry_at(at)->promised)
				store_tell_lost(s, index_entry_at(at));
}

static void scanned_again(struct op *op, void *arg)
{
	struct store *s = arg;

	tell_promised(s);
	s->rescan = NULL;
	op_free(op);
}

static void scan_replaced(struct store *s)
{
	op_drop(MOVE(s->rescan)); /* of one that is gone as well */
	lose_all(s);
	s->rescan = store_scan_start(s);
	op_then(s->rescan, scanned_again, s);
}

const char *store_scan_forgot(const struct op *op)
{
	return ((const struct scan *)(const void *)op)->not_saved.msg;
}
