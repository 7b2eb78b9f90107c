#include "base/log.h"
#include "base/mem.h"
#include "controllers/ocirepository/internal.h"

#include <string.h>

/*
 * A file that a status names is fetched again by the digest in that status, with the rules that made it, whatever the tag or the spec say
 * now, also for a suspended object. Until it is back, requests for it wait. The object's own turn comes after.
 */

static void given_up(struct run *r, const char *why)
{
	struct repo *repo = r->repo;

	free(repo->lost_path);
	repo->lost_path = mem_strdup(r->have_path);
	store_promise_end(r->c->opts.store, r->have_path);
	log_error(
		&r->log, "the stored artifact is lost", LS("path", r->have_path), LS("error", why));
	notify_warning(r, "ArtifactLost", why);
}

bool restore_wanted(struct run *r)
{
	if (r->repo->lost_path && !strcmp(r->repo->lost_path, r->have_path)) {
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
	int code = r->task.err.code;

	r->lost = r->restore && (code == 404 || code == 403);
}

void restore_failed(struct run *r)
{
	const struct err *err = &r->task.err;

	if (err->kind == ERR_CANCELED)
		return;
	if (r->lost || err->kind == ERR_STALL) {
		auto_free char *why = mem_printf(
			"artifact disappeared from storage, and it cannot be restored: %s",
			err->msg);

		given_up(r, why);
		/* Its normal run finds what the reference means now; a suspended one has only what was asked for to echo. */
		r->requeue_now = r->lost || r->spec.suspend;
		return;
	}
	store_promise_failed(r->c->opts.store, r->have_path);
}
