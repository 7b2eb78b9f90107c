#include "embedded/files.h"

#include "base/limits.h"
#include "base/log.h"
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

#define QUIET_MS 1000 /* after the last event */
#define AGAIN_MS 5000 /* a folder that cannot be watched or read is tried again */
#define SLICE 20 /* manifests applied in one job: other requests wait behind it */

/* One look: read by a worker, then applied slice by slice in the chain. */
struct look {
	char *dir;
	const struct emb_kinds *kinds;
	struct emb_manifests ms;
	bool read;
	struct err err;
};

struct emb_files {
	struct loop *loop;
	char *dir;
	struct emb_db *db;
	const struct emb_kinds *kinds;
	struct emb_chain *chain;
	struct emb_hub *hub;
	struct fswatch *watch;
	struct timer timer;
	struct op *reading;
	struct look *look; /* the one in hand */
	bool dirty; /* something changed while it was in hand */
	bool stopping, unreadable;
	struct op op;
	/* in the hands of the chain's job */
	size_t at; /* the next manifest */
	bool pruning;
	struct emb_changes changes;
	unsigned created, changed, deleted;
};

static void look_free(void *arg)
{
	struct look *k = arg;

	emb_manifests_clear(&k->ms);
	free(k->dir);
	free(k);
}

static void look_over(struct emb_files *f);

/* ---- applying ------------------------------------------------------------------------------------------------------ */

static void apply_one(struct emb_files *f, const struct emb_manifest *m)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;

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
	}
}

static void prune(struct emb_files *f)
{
	auto_emb_status struct emb_status st = EMB_STATUS_INIT;
	int n;

	n = emb_apply_prune(f->db, f->kinds, &f->look->ms, &f->changes, &st);
	if (n < 0)
		emb_manifests_error(&f->look->ms, f->dir, 0, buf_str(&st.message));
	else
		f->deleted += (unsigned)n;
}

static void chain_run(void *arg)
{
	struct emb_files *f = arg;
	const struct emb_manifests *ms = &f->look->ms;
	unsigned n;

	if (f->pruning) {
		prune(f);
		return;
	}
	for (n = 0; n < SLICE && f->at < ms->len; n++)
		apply_one(f, &ms->p[f->at++]);
}

static void chain_done(void *arg)
{
	struct emb_files *f = arg;
	const struct emb_manifests *ms = &f->look->ms;

	emb_hub_add(f->hub, &f->changes);
	if (f->stopping || f->pruning) {
		look_over(f);
		return;
	}
	if (f->at == ms->len) {
		f->pruning = ms->complete;
		if (!f->pruning) {
			look_over(f);
			return;
		}
	}
	emb_chain_add(f->chain, chain_run, chain_done, f);
}

/* ---- reading ------------------------------------------------------------------------------------------------------- */

static int read_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct look *k = job;

	(void)err;
	k->read = !emb_manifests_read(&k->ms, k->kinds, k->dir, stop, &k->err);
	return 0;
}

static void read_done(struct op *op, void *arg)
{
	struct emb_files *f = arg;

	f->reading = NULL;
	f->look = work_job(op);
	op_free(op); /* not the job: it is freed when the look is over */
	if (f->stopping) {
		look_over(f);
		return;
	}
	if (!f->look->read) {
		/* Told once, not every few seconds. */
		if (!f->unreadable)
			log_error(NULL, "cannot read the manifests", LS("dir", f->dir),
				LE(&f->look->err));
		f->unreadable = true;
		look_over(f);
		return;
	}
	f->unreadable = false;
	f->at = 0;
	f->pruning = false;
	f->created = f->changed = f->deleted = 0;
	emb_chain_add(f->chain, chain_run, chain_done, f);
}

static void on_change(void *arg)
{
	struct emb_files *f = arg;

	f->dirty = true;
	if (!f->look && !f->reading && !f->stopping)
		timer_set(&f->timer, QUIET_MS);
}

/* The watch is made anew with each look: the folder may be another one by now, under the same name. */
static void look(void *arg)
{
	struct emb_files *f = arg;
	struct look *k = NEW(struct look);
	struct err err;

	fswatch_close(f->watch);
	f->watch = fswatch_new(f->loop, f->dir, on_change, f, &err);
	f->dirty = false;
	k->dir = mem_strdup(f->dir);
	k->kinds = f->kinds;
	f->reading = work_start(f->loop, WORK_HEAVY, read_run, NULL, k);
	op_then(f->reading, read_done, f);
}

static void look_over(struct emb_files *f)
{
	struct look *k = MOVE(f->look);
	size_t i;

	for (i = 0; i < k->ms.n_errors && !f->stopping; i++)
		log_error(NULL, "manifest not applied", LS("dir", f->dir),
			LS("error", k->ms.errors[i]));
	if (f->created || f->changed || f->deleted)
		log_info(NULL, "manifests applied", LS("dir", f->dir), LU("created", f->created),
			LU("changed", f->changed), LU("deleted", f->deleted));
	f->created = f->changed = f->deleted = 0;
	if (f->stopping)
		op_finish(&f->op);
	else if (f->dirty)
		timer_set(&f->timer, QUIET_MS);
	else if (!k->read || !f->watch)
		timer_set(&f->timer, AGAIN_MS);
	look_free(k);
}

struct emb_files *emb_files_new(struct loop *l, const char *dir, struct emb_db *db,
	const struct emb_kinds *kinds, struct emb_chain *chain, struct emb_hub *hub)
{
	struct emb_files *f = NEW(struct emb_files);

	f->loop = l;
	f->dir = mem_strdup(dir);
	f->db = db;
	f->kinds = kinds;
	f->chain = chain;
	f->hub = hub;
	timer_init(&f->timer, l, look, f);
	look(f);
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
	free(f->dir);
	free(f);
}
