#include "embedded/files.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "embedded/apply.h"
#include "embedded/chain.h"
#include "embedded/kind.h"
#include "embedded/manifests.h"
#include "embedded/status.h"
#include "embedded/watch.h"
#include "ev/fswatch.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "ev/work.h"

#include <string.h>

#define EVENT_MS 250 /* from an event to a look: more of them may follow */
#define SETTLE_MS 1000 /* a folder that changed is read when it looks the same for so long */
#define POLL_MS 5000 /* without any event: links on the way, network file systems */
#define SURE_MS 5000 /* and what left it is deleted when it looks the same for so long */
#define RETRY_FIRST_MS 1000 /* what failed and may pass is tried again, then doubled */
#define RETRY_MOST_MS 60000
#define SLICE 20 /* manifests applied in one job: other requests wait behind it */

enum look_result { LOOK_FAILED, LOOK_MOVED, LOOK_SAME, LOOK_READ };

/* One look: made by a worker, then applied slice by slice in the chain. */
struct look {
	/* in */
	char *dir;
	const struct emb_kinds *kinds;
	struct emb_folder before; /* what the last look saw */
	bool anyway; /* read it even if that was something else: the first look */
	bool idle; /* if it was the same, there is nothing to do */
	/* out */
	enum look_result result;
	struct emb_folder now;
	struct emb_manifests ms;
	struct err err;
};

struct emb_files {
	struct loop *loop;
	char *dir;
	struct emb_db *db;
	const struct emb_kinds *kinds;
	struct emb_chain *chain;
	struct emb_history *history;
	struct fswatch *watch;
	struct timer timer;
	struct op *reading;
	struct look *look; /* the one in hand */
	bool dirty; /* something changed while it was in hand */
	bool first; /* no look was made yet */
	bool stopping, unreadable;
	struct op op;

	struct emb_folder seen; /* by the last look; zeroed: nothing */
	struct emb_folder applied; /* what the objects are made from; zeroed: nothing yet */
	struct emb_folder home; /* the last one that held manifests */
	uint64_t applied_ms;
	bool prune_due;
	struct map done; /* keys of `applied` that need no other try */
	bool failed; /* there are some that do */
	uint64_t retry_at_ms, retry_wait_ms;
	struct map told; /* the errors of the last look */

	/* in the hands of the chain's job */
	size_t at; /* the next manifest */
	bool again; /* the folder is the same: only what is not done yet */
	bool prune_now, pruning;
	struct emb_changes changes;
	unsigned created, changed, deleted;
};

static void files_look_free(void *arg)
{
	struct look *k = arg;

	emb_manifests_clear(&k->ms);
	free(k->dir);
	free(k);
}

static void files_look_over(struct emb_files *f);

/* ---- applying -------------------------------------------------------------------------------- */

/* Only another manifest can help: the schema is part of the program. */
static bool files_is_final(const struct emb_status *st)
{
	return st->code == 400 || st->code == 422;
}

static void apply_one(struct emb_files *f, const struct emb_manifest *m)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	auto_free char *key = emb_manifest_key(m);

	if (f->again && map_get(&f->done, key))
		return;
	switch (emb_apply(f->db, f->kinds, m, &f->changes, &st)) {
	case EMB_APPLY_CREATED:
		f->created++;
		break;
	case EMB_APPLY_CHANGED:
		f->changed++;
		break;
	case EMB_APPLY_SAME:
		break;
	default:
		emb_manifests_error(&f->look->ms, m->file, m->line, buf_str(&st.message));
		if (!files_is_final(&st)) {
			f->failed = true;
			return;
		}
	}
	map_put(&f->done, key, f);
}

static void files_prune(struct emb_files *f)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	int n;

	n = emb_apply_prune(f->db, f->kinds, &f->look->ms, &f->changes, &st);
	if (n < 0) {
		emb_manifests_error(&f->look->ms, f->dir, 0, buf_str(&st.message));
		f->failed = true;
	} else {
		f->deleted += (unsigned)n;
		f->prune_due = false;
	}
}

static void chain_run(void *arg)
{
	struct emb_files *f = arg;
	const struct emb_manifests *ms = &f->look->ms;
	unsigned n;

	if (f->pruning) {
		files_prune(f);
		return;
	}
	for (n = 0; n < SLICE && f->at < ms->len; n++)
		apply_one(f, &ms->p[f->at++]);
}

static void chain_done(void *arg)
{
	struct emb_files *f = arg;
	const struct emb_manifests *ms = &f->look->ms;

	emb_history_add(f->history, &f->changes);
	if (f->stopping || f->pruning) {
		files_look_over(f);
		return;
	}
	if (f->at == ms->len) {
		f->pruning = f->prune_now && ms->complete;
		if (!f->pruning) {
			files_look_over(f);
			return;
		}
	}
	emb_chain_add(f->chain, chain_run, chain_done, f);
}

/* ---- looking --------------------------------------------------------------------------------- */

static int files_look_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct look *k = job;
	struct emb_folder after = {0};
	bool same;

	(void)err;
	if (emb_manifests_scan(&k->now, k->dir, &k->err))
		return 0;
	same = emb_folder_equal(&k->now, &k->before);
	k->result = same ? LOOK_SAME : LOOK_MOVED;
	if (same ? k->idle : !k->anyway)
		return 0;
	/* What was read counts only if it did not change meanwhile. */
	if (emb_manifests_read(&k->ms, k->kinds, k->dir, stop, &k->err) ||
		emb_manifests_scan(&after, k->dir, &k->err))
		k->result = LOOK_FAILED;
	else
		k->result = emb_folder_equal(&k->now, &after) ? LOOK_READ : LOOK_MOVED;
	k->now = after;
	return 0;
}

static bool files_is_sure(const struct emb_files *f)
{
	return f->prune_due && clock_ms() >= f->applied_ms + SURE_MS;
}

/* In a folder that did not change. */
static bool files_is_due(const struct emb_files *f)
{
	return f->failed ? clock_ms() >= f->retry_at_ms : files_is_sure(f);
}

/* An empty directory where another one was is more likely a file system that is not mounted than a
   wish to delete everything. */
static bool files_is_strange(const struct emb_files *f)
{
	return !f->look->now.files && !emb_folder_same(&f->look->now, &f->home);
}

static void apply_start(struct emb_files *f)
{
	struct look *k = f->look;

	f->again = emb_folder_equal(&k->now, &f->applied);
	f->prune_now = f->again && files_is_sure(f);
	if (!f->again) {
		map_clear(&f->done);
		f->retry_wait_ms = 0;
		f->applied = k->now;
		f->applied_ms = clock_ms();
		f->prune_due = !files_is_strange(f);
		if (files_is_strange(f))
			log_info(NULL, "an empty folder: nothing is deleted", LS("dir", f->dir));
		if (k->now.files)
			f->home = k->now;
	}
	f->prune_due = f->prune_due && (k->ms.complete || k->ms.unread);
	f->failed = k->ms.unread;
	f->at = 0;
	f->pruning = false;
	emb_chain_add(f->chain, chain_run, chain_done, f);
}

static void files_look_done(struct op *op, void *arg)
{
	struct emb_files *f = arg;

	f->reading = NULL;
	f->look = work_job(op);
	op_free(op); /* not the job: it is freed when the look is over */
	if (f->stopping) {
		files_look_over(f);
		return;
	}
	/* Told once, not every few seconds. */
	if (f->look->result == LOOK_FAILED && !f->unreadable)
		log_error(NULL, "cannot read the manifests", LS("dir", f->dir), LE(&f->look->err));
	f->unreadable = f->look->result == LOOK_FAILED;
	f->seen = f->unreadable ? (struct emb_folder){0} : f->look->now;
	if (f->look->result == LOOK_READ)
		apply_start(f);
	else
		files_look_over(f);
}

/* Never later than it was: a stream of events must not keep the folder from being looked at. */
static void files_look_in(struct emb_files *f, uint64_t ms)
{
	if (!timer_is_set(&f->timer) || timer_left(&f->timer) > ms)
		timer_set(&f->timer, ms);
}

static void files_on_change(void *arg)
{
	struct emb_files *f = arg;

	f->dirty = true;
	if (!f->look && !f->reading && !f->stopping && emb_folder_equal(&f->seen, &f->applied))
		files_look_in(f, EVENT_MS);
}

/* The watch is made anew with each look: the folder may be another one by now, under the same
   name. */
static void files_look(void *arg)
{
	struct emb_files *f = arg;
	struct look *k = NEW(struct look);
	struct err err;

	fswatch_close(f->watch);
	f->watch = fswatch_new(f->loop, f->dir, files_on_change, f, &err);
	f->dirty = false;
	k->dir = mem_strdup(f->dir);
	k->kinds = f->kinds;
	k->before = f->seen;
	k->anyway = f->first;
	k->idle = emb_folder_equal(&f->seen, &f->applied) && !files_is_due(f);
	f->first = false;
	f->reading = work_start(f->loop, WORK_HEAVY, files_look_run, NULL, k);
	op_then(f->reading, files_look_done, f);
}

/* What fails again and again is told once. */
static void tell_errors(struct emb_files *f, const struct emb_manifests *ms)
{
	struct map before = f->told;
	size_t i;

	f->told = (struct map){0};
	for (i = 0; i < ms->n_errors; i++) {
		if (!f->again || !map_get(&before, ms->errors[i]))
			log_error(NULL, "manifest not applied", LS("dir", f->dir),
				LS("error", ms->errors[i]));
		map_put(&f->told, ms->errors[i], f);
	}
	map_clear(&before);
}

static void files_retry_later(struct emb_files *f)
{
	f->retry_wait_ms = f->retry_wait_ms ? 2 * f->retry_wait_ms : RETRY_FIRST_MS;
	if (f->retry_wait_ms > RETRY_MOST_MS)
		f->retry_wait_ms = RETRY_MOST_MS;
	f->retry_at_ms = clock_ms() + f->retry_wait_ms;
}

static void apply_over(struct emb_files *f)
{
	tell_errors(f, &f->look->ms);
	if (f->created || f->changed || f->deleted)
		log_info(NULL, "manifests applied", LS("dir", f->dir), LU("created", f->created),
			LU("changed", f->changed), LU("deleted", f->deleted));
	f->created = f->changed = f->deleted = 0;
	if (f->failed)
		files_retry_later(f);
}

static uint64_t files_until(uint64_t at_ms)
{
	uint64_t now = clock_ms();

	return at_ms > now ? at_ms - now : 0;
}

static uint64_t files_next_look(const struct emb_files *f, enum look_result last)
{
	uint64_t due = POLL_MS;

	if (last == LOOK_MOVED)
		return SETTLE_MS;
	if (last == LOOK_FAILED)
		return POLL_MS;
	if (f->failed)
		due = files_until(f->retry_at_ms);
	else if (f->prune_due)
		due = files_until(f->applied_ms + SURE_MS);
	if (due > POLL_MS)
		due = POLL_MS;
	return f->dirty && due > EVENT_MS ? EVENT_MS : due;
}

static void files_look_over(struct emb_files *f)
{
	struct look *k = f->look;

	if (f->stopping) {
		files_look_free(MOVE(f->look));
		op_finish(&f->op);
		return;
	}
	if (k->result == LOOK_READ)
		apply_over(f);
	files_look_in(f, files_next_look(f, k->result));
	files_look_free(MOVE(f->look));
}

struct emb_files *emb_files_new(struct loop *l, const char *dir, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_history *history)
{
	struct emb_files *f = NEW(struct emb_files);

	f->loop = l;
	f->dir = mem_strdup(dir);
	f->db = db;
	f->kinds = kinds;
	f->chain = chain;
	f->history = history;
	f->first = true;
	timer_init(&f->timer, l, files_look, f);
	files_look(f);
	return f;
}

static void cancel_nothing(struct op *op)
{
	(void)op;
}

struct op *emb_files_stop(struct emb_files *f)
{
	static const struct op_type type = {"files-stop", cancel_nothing, cancel_nothing};

	op_init(&f->op, f->loop, &type);
	f->stopping = true;
	timer_cancel(&f->timer);
	fswatch_close(MOVE(f->watch));
	if (!f->reading && !f->look)
		op_finish(&f->op);
	else if (f->reading)
		op_cancel(f->reading);
	return &f->op;
}

void emb_files_free(struct emb_files *f)
{
	if (!f)
		return;
	BUG_IF(f->reading || f->look);
	timer_cancel(&f->timer);
	fswatch_close(f->watch);
	map_clear(&f->done);
	map_clear(&f->told);
	free(f->dir);
	free(f);
}
