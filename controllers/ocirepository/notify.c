#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/ocirepository/internal.h"
#include "ctl/event.h"

#include <string.h>

static void record(struct run *r, bool warning, const char *reason, const char *message,
	const struct event_annotation *notes)
{
	if (!r->c->opts.events)
		return;
	event_record(r->c->opts.events,
		&(struct event_about){OCIREPO_API_VERSION, OCIREPO_KIND, r->ns, r->name, r->uid,
			ocirepo_version(r->obj), &r->repo->event_budget},
		warning, reason, message, notes);
}

void notify_warning(struct run *r, const char *reason, const char *message)
{
	record(r, true, reason, message, NULL);
}

static bool failed_before(const struct run *r)
{
	return cond_get(&r->conds_before, COND_FETCH_FAILED) ||
		cond_get(&r->conds_before, COND_STORAGE_FAILED);
}

static void success(struct run *r)
{
	const char *source = obj_str(r->metadata, "org.opencontainers.image.source");
	const char *revision = obj_str(r->metadata, "org.opencontainers.image.revision");
	char digest[DIGEST_TEXT_MAX];
	struct event_annotation notes[] = {{"source.toolkit.fluxcd.io/revision", r->revision},
		{"source.toolkit.fluxcd.io/digest", digest}, {NULL, NULL}};
	bool is_new = r->stored && !digest_equal(&r->digest, &r->have_digest);
	auto_free char *message = NULL;

	if (!is_new && !failed_before(r))
		return;
	digest_format(r->stored ? &r->digest : &r->have_digest, digest);
	message = mem_printf("stored artifact with revision '%s' from '%s'%s%.300s%s%.300s%s",
		r->revision, r->spec.url, source && revision ? ", origin source '" : "",
		source && revision ? source : "", source && revision ? "', origin revision '" : "",
		source && revision ? revision : "", source && revision ? "'" : "");
	log_info(&r->log, is_new ? "stored artifact" : "recovered from a failure",
		LS("revision", r->revision), LS("digest", digest), LS("url", r->spec.url));
	record(r, false, is_new ? "NewArtifact" : "Succeeded", message, notes);
}

enum step_ret notify_start(struct task *t)
{
	struct run *r = RUN(t);

	if (r->gone || r->silent)
		return STEP_NEXT;
	if (t->err.kind != ERR_NONE) {
		if (!r->lost)
			record(r, true, r->reason ? r->reason : "ReconcileError", t->err.msg, NULL);
	} else if (r->missing && !strcmp(r->path, r->have_path)) {
		log_info(&r->log, "restored artifact", LS("revision", r->revision),
			LS("path", r->path));
	} else if (r->patched) {
		success(r);
	}
	return STEP_NEXT;
}
