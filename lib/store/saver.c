#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"
#include "store/saved.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define SAVE_MS 10000
#define BOOT_FILE "/proc/sys/kernel/random/boot_id"

/* ---- one save: a walk on the loop makes the text, a worker writes it ------------------------- */

struct save {
	struct job job;
	struct store_seat walk;
	struct defer turn;
	struct buf text;
};

static int save_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct save *sv = arg;

	(void)stop;
	store_saved_end(&sv->text);
	if (buf_over(&sv->text))
		return err_set(err, ERR_RETRY, "the index has over %llu bytes", LIMIT_STORE_INDEX);
	return store_root_save(sv->job.root, STORE_SAVED_NAME, sv->text.p, sv->text.len, err);
}

static void save_written(struct op *work, void *arg)
{
	struct save *sv = arg;

	sv->job.err = work->err;
	sv->job.work = NULL;
	op_free(work);
	sv->job.store->saver.last = sv->text.len;
	op_end(&sv->job.op, &sv->job.err);
}

static void add_object(struct buf *text, const struct store_object *o)
{
	struct list *at;

	list_each (&o->entries, at) {
		const struct store_entry *e = index_entry_at(at);

		if (e->there && !e->wrong && e->f.digest.algo != DIGEST_NONE)
			store_saved_add(text, o->dir, e->file, &e->f);
	}
}

static void save_walk(void *arg)
{
	struct save *sv = arg;
	struct store *s = sv->job.store;
	struct store_object *o;

	for (;;) {
		if (!loop_has_time(s->loop, &sv->turn)) {
			loop_time_wait(s->loop, &sv->turn, save_walk, sv);
			return;
		}
		o = index_walk_next(&s->index, &sv->walk);
		if (!o)
			break;
		add_object(&sv->text, o);
	}
	sv->job.work = work_start(s->loop, work_lane_of(sv->text.len), save_run, NULL, sv);
	op_then(sv->job.work, save_written, sv);
}

static void save_cancel(struct op *op)
{
	struct save *sv = (struct save *)op;

	if (sv->job.work) {
		op_cancel(sv->job.work);
		return;
	}
	defer_cancel(op->loop, &sv->turn);
	index_walk_end(&sv->walk);
	op_finish(op);
}

static void save_free(struct op *op)
{
	struct save *sv = (struct save *)op;
	struct store *s = sv->job.store;

	buf_clear(&sv->text);
	free(sv);
	store_job_gone(s);
}

struct op *store_save_start(struct store *s)
{
	static const struct op_type type = {"store save", save_cancel, save_free};
	struct save *sv = job_new(s, struct save, NULL);

	op_init(&sv->job.op, s->loop, &type);
	if (!*s->saver.boot)
		return job_nothing(&sv->job);
	buf_init(&sv->text, LIMIT_STORE_INDEX);
	store_saved_begin(&sv->text, s->saver.boot);
	index_walk_begin(&s->index, &sv->walk);
	defer_queue(s->loop, &sv->turn, save_walk, sv);
	return &sv->job.op;
}

/* ---- when ------------------------------------------------------------------------------------ */

static void saver_set(struct store *s)
{
	if (!s->closed && !s->saver.op && !timer_is_set(&s->saver.timer))
		timer_set(&s->saver.timer, SAVE_MS + s->saver.last * SAVE_MS / LIMIT_MIB);
}

static void saver_done(struct op *op, void *arg)
{
	struct store *s = arg;
	bool again = op->err.kind != ERR_NONE || s->saver.again;

	op_free(op);
	s->saver.op = NULL;
	if (again)
		saver_set(s);
}

static void saver_due(void *arg)
{
	struct store *s = arg;

	s->saver.again = false;
	s->saver.op = store_save_start(s);
	op_then(s->saver.op, saver_done, s);
}

void saver_changed(struct store *s)
{
	s->saver.again = true;
	if (*s->saver.boot)
		saver_set(s);
}

void saver_boot_read(char out[STORE_BOOT_MAX])
{
	auto_buf struct buf b = BUF_INIT(STORE_BOOT_MAX - 1);
	struct err ignored = {0};

	out[0] = '\0';
	if (!sys_read_file(AT_FDCWD, BOOT_FILE, &b, &ignored) && b.len)
		snprintf(out, STORE_BOOT_MAX, "%.*s", (int)strcspn(b.p, "\n"), b.p);
}

void saver_start(struct store *s, const char *boot)
{
	if (!*boot || *s->saver.boot || s->closed)
		return;
	snprintf(s->saver.boot, sizeof(s->saver.boot), "%s", boot);
	timer_init(&s->saver.timer, s->loop, saver_due, s);
	saver_changed(s); /* the scan has done it */
}
