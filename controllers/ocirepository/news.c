/* What people and notification-controller are told after a run. */
#include "controllers/ocirepository/run.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/door.h"
#include "ctl/event.h"
#include "http/url.h"
#include "source/status.h"

#include <string.h>

/* A longer one is no revision. */
#define ORIGIN_MAX 1024

/* Of the artifact that the status names, which this run may have found as it was. */
static const char *origin_of(const struct run *r, const char *what)
{
	const char *text = obj_str(obj_get(r->obj, "status", "artifact", "metadata"), what);

	return text && strlen(text) <= ORIGIN_MAX ? text : NULL;
}

/* How the new artifact came to be chosen. It stands in the Event and not in the status, which would
   be written anew whenever somebody pushes a tag that changes nothing. */
static void choice_say(struct run *r, struct buf *out)
{
	const struct oci_tags_result *choice = &OCI_RUN(r)->choice;

	if (!choice->total)
		return;
	buf_adds(out, "; ");
	oci_tags_say(choice, OCI_SPEC(r)->semver, OCI_SPEC(r)->semver_filter, out);
}

static void news_tell(struct run *r, bool is_new)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);
	const char *source = origin_of(r, "org.opencontainers.image.source");
	const char *revision = origin_of(r, "org.opencontainers.image.revision");
	bool origin = source && revision;
	char digest[DIGEST_TEXT_MAX], token[ARTIFACT_TOKEN_MAX];
	const char *signer = verified_signer(r, &OCI_RUN(r)->verified);
	struct event_annotation notes[6] = {{"source.toolkit.fluxcd.io/revision", a->revision},
		{"source.toolkit.fluxcd.io/digest", digest}};
	struct event_annotation *note = notes + 2;
	auto_buf struct buf why = BUF_INIT(ERR_MSG_MAX), shown = BUF_INIT(BUF_ANY);
	auto_free char *message = NULL;

	if (is_new)
		choice_say(r, &why);
	if (origin)
		url_hide_user(&shown, source);
	digest_format(a->stored ? &a->digest : &a->have_digest, digest);
	if (revision)
		*note++ = (struct event_annotation){
			"source.toolkit.fluxcd.io/originRevision", revision};
	if (signer)
		*note++ = (struct event_annotation){"source.toolkit.fluxcd.io/signer", signer};
	artifact_token(r, token);
	if (!is_new)
		*note = (struct event_annotation){"source.toolkit.fluxcd.io/token", token};
	message = mem_printf("stored artifact with revision '%s' from '%s'%s%.300s%s%.300s%s%s",
		a->revision, OCI_SPEC(r)->url, origin ? ", origin source '" : "", buf_str(&shown),
		origin ? "', origin revision '" : "", origin ? revision : "", origin ? "'" : "",
		buf_str(&why));
	log_info(&r->log, is_new ? "stored artifact" : "recovered from a failure",
		LS("revision", a->revision), LS("digest", digest), LS("url", OCI_SPEC(r)->url));
	run_event(r, false, is_new ? "NewArtifact" : "Succeeded", message, notes);
}

enum step_ret ocirepository_events_start(struct task *t)
{
	bool is_new = false;

	if (!artifact_told(RUN(t), &is_new))
		news_tell(RUN(t), is_new);
	return STEP_NEXT;
}
