#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/ocirepository/internal.h"
#include "oci/answer.h"

#include <string.h>

/*
 * A file that a status names is gone from the store. The object's own run comes first: what its reference means now is either the same,
 * and the run brings the file back, or something newer takes its place. Where that run fails, and for a suspended object, the file is
 * fetched by the digest in the status with the rules that made it, whatever the tag or the spec say now. Requests for it wait meanwhile.
 *
 * It is given up when the registry says itself, several times over a while, that it does not have it: one refusal may be a proxy's, or
 * somebody's who is setting up permissions.
 */

#define LOST_TIMES 3
#define LOST_AFTER_MS 60000

static void given_up(struct run *r, const char *why)
{
	struct repo *repo = r->repo;

	free(repo->lost_path);
	free(repo->lost_why);
	repo->lost_path = mem_strdup(r->have_path);
	repo->lost_why = mem_strdup(why);
	store_promise_end(r->c->opts.store, r->have_path);
	log_error(
		&r->log, "the stored artifact is lost", LS("path", r->have_path), LS("error", why));
	notify_warning(r, "ArtifactLost", why);
}

bool restore_given_up(const struct run *r)
{
	return r->repo->lost_path && !strcmp(r->repo->lost_path, r->have_path);
}

bool restore_wanted(struct run *r)
{
	if (restore_given_up(r)) {
		store_promise_end(r->c->opts.store, r->have_path); /* the look has made one */
		return false;
	}
	if (r->spec.not_built) {
		auto_free char *why = mem_printf("artifact disappeared from storage; it is not "
						 "restored, since spec.%s is not supported by "
						 "this version of the controller",
			r->spec.not_built);

		given_up(r, why);
		return false;
	}
	store_promise(r->c->opts.store, r->have_path);
	log_info(&r->log, "restoring artifact", LS("path", r->have_path));
	return true;
}

void restore_refused(struct run *r)
{
	r->lost = r->restore && oci_says_unknown(&r->task.err);
}

/* One more time, and has it been said for long enough? */
static bool is_final(struct repo *repo)
{
	if (!repo->lost_times++)
		repo->lost_since = clock_ms();
	return repo->lost_times >= LOST_TIMES && clock_ms() - repo->lost_since >= LOST_AFTER_MS;
}

void restore_failed(struct run *r)
{
	const struct err *err = &r->task.err;

	if (err->kind == ERR_CANCELED)
		return;
	if (!r->lost)
		r->repo->lost_times = 0;
	if (err->kind == ERR_STALL || (r->lost && is_final(r->repo))) {
		auto_free char *why = mem_printf(
			"artifact disappeared from storage, and it cannot be restored: %s",
			err->msg);

		given_up(r, why);
		/* The next run says so in the status. */
		r->requeue_now = r->restore;
	} else if (r->restore) {
		store_promise_failed(r->c->opts.store, r->have_path);
	} else {
		r->repo->restore_next = true;
	}
}
