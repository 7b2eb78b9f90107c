#include "source/restore.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/door.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/peers.h"

#include <string.h>

#define LOST_TIMES 3
#define LOST_AFTER_MS 60000

static struct artifact_item *item_of(const struct artifact_run *a)
{
	return ARTIFACT_ITEM(a->run.item);
}

static struct store *store_of(const struct artifact_run *a)
{
	return SOURCE_ENV(a->run.c)->store;
}

bool restore_given_up(const struct artifact_run *a)
{
	const struct artifact_item *i = item_of(a);

	return i->lost_path && !strcmp(i->lost_path, a->have_path);
}

bool restore_begin(struct artifact_run *a)
{
	if (restore_given_up(a)) {
		store_promise_end(store_of(a), a->have_path); /* the look has made one */
		return false;
	}
	store_promise(store_of(a), a->have_path);
	log_info(&a->run.log, "restoring artifact", LS("path", a->have_path));
	return true;
}

void restore_refused(struct artifact_run *a)
{
	a->lost = a->run.mode == RUN_RESTORE;
	/* Asked again and again, it is told once: when it is given up. */
	a->run.reported = a->lost;
}

static void give_up(struct artifact_run *a)
{
	auto_free char *why =
		mem_printf("artifact disappeared from storage, and it cannot be restored: %s",
			a->run.task.err.msg);
	struct artifact_item *i = item_of(a);

	free(i->lost_path);
	free(i->lost_why);
	i->lost_path = mem_strdup(a->have_path);
	i->lost_why = mem_strdup(why);
	i->restore_next = false;
	store_promise_end(store_of(a), a->have_path);
	log_error(&a->run.log, "the stored artifact is lost", LS("path", a->have_path),
		LS("error", why));
	run_event(&a->run, true, "ArtifactLost", why, NULL);
}

void restore_check(struct artifact_run *a)
{
	struct err *err = &a->run.task.err;

	if (a->run.mode != RUN_RESTORE || err->kind != ERR_NONE || a->run.end == RUN_AGAIN ||
		a->run.patch_err || !artifact_is_missing(item_of(a)))
		return;
	err_set(err, ERR_RETRY, "the artifact is missing after a restore");
}

/* One more time, and has it been said for long enough? */
static bool is_final(struct artifact_item *i)
{
	if (!i->lost_times++)
		i->lost_since = clock_ms();
	return i->lost_times >= LOST_TIMES && clock_ms() - i->lost_since >= LOST_AFTER_MS;
}

/* The spec says nothing that could be asked; but other replicas do not go by it. */
static bool is_stalled(const struct artifact_run *a)
{
	return a->run.task.err.kind == ERR_STALL &&
		(a->run.mode == RUN_RESTORE || !peers_any(SOURCE_ENV(a->run.c)->peers));
}

void restore_failed(struct artifact_run *a)
{
	const struct err *err = &a->run.task.err;
	struct artifact_item *i = item_of(a);

	if (err->kind == ERR_CANCELED)
		return;
	if (!a->lost)
		i->lost_times = 0;
	/* Who follows gives nothing up: that is said in the status. */
	if (!a->run.c->follows && (is_stalled(a) || (a->lost && is_final(i)))) {
		give_up(a);
		/* The next run says so in the status. */
		if (a->run.mode == RUN_RESTORE)
			run_end(&a->run, RUN_AGAIN);
	} else if (a->run.mode == RUN_RESTORE) {
		store_promise_failed(store_of(a), a->have_path);
	} else {
		i->restore_next = true;
		if (a->run.end != RUN_AGAIN)
			run_end(&a->run, RUN_THEN_RESTORE);
	}
}

/* ---- from another replica -------------------------------------------------------------------- */

/* What the file is called after. */
static int name_of(struct artifact_run *a)
{
	struct err ignored = {0};

	return store_path_name(a->have_path, a->name, &ignored);
}

enum step_ret restore_peers_start(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	int64_t size = obj_int(0, r->first, "status", "artifact", "size");

	if (!peers_any(SOURCE_ENV(r->c)->peers) || size <= 0 || name_of(a))
		return STEP_NEXT;
	return task_wait(t,
		peers_fetch_start(SOURCE_ENV(r->c)->peers,
			&(struct peers_req){.store = store_of(a),
				.path = a->have_path,
				.digest = &a->have_digest,
				.size = (uint64_t)size,
				.owner = r->ns}));
}

enum step_ret restore_peers_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct artifact_run *a = ARTIFACT_RUN(r);
	const char *revision = obj_str_or("", r->first, "status", "artifact", "revision");
	struct buf *mem = peers_mem(t->op);

	/* Whatever it was: the source has it, too. */
	if (t->op->err.kind != ERR_NONE)
		return STEP_NEXT;
	snprintf(a->revision, sizeof(a->revision), "%s", revision);
	a->temp = *peers_temp(t->op);
	*peers_temp(t->op) = STORE_TEMP_INIT;
	if (a->temp.fd < 0) {
		buf_clear(&a->bytes);
		a->bytes = *mem;
		*mem = BUF_INIT(mem->max);
	}
	a->input = (struct artifact_input){.failed = a->input.failed,
		.digest = &a->have_digest,
		.size = (uint64_t)obj_int(0, r->first, "status", "artifact", "size"),
		.copy = true};
	a->resolved = true;
	log_info(&r->log, "another replica has the artifact", LS("path", a->have_path));
	return task_goto(t, "publish");
}
