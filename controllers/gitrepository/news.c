/* What people and notification-controller are told after a run. */
#include "controllers/gitrepository/run.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "ctl/door.h"
#include "ctl/event.h"
#include "source/status.h"

#include <stdio.h>

static void news_tell(struct run *r, bool is_new)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);
	const char *subject = GIT_RUN(r)->subject;
	char digest[DIGEST_TEXT_MAX], token[ARTIFACT_TOKEN_MAX];
	struct event_annotation notes[4] = {{"source.toolkit.fluxcd.io/revision", a->revision},
		{"source.toolkit.fluxcd.io/digest", digest}};
	auto_buf struct buf url = BUF_INIT(LIMIT_URL);
	auto_free char *message = NULL;

	gitc_url_show(&GIT_RUN(r)->url, &url);
	digest_format(a->stored ? &a->digest : &a->have_digest, digest);
	artifact_token(r, token);
	if (!is_new)
		notes[2] = (struct event_annotation){"source.toolkit.fluxcd.io/token", token};
	message = mem_printf("stored artifact for commit '%s'", *subject ? subject : a->revision);
	log_info(&r->log, is_new ? "stored artifact" : "recovered from a failure",
		LS("revision", a->revision), LS("digest", digest), LS("url", buf_str(&url)));
	run_event(r, false, is_new ? "NewArtifact" : "Succeeded", message, notes);
}

enum step_ret gitrepository_events_start(struct task *t)
{
	bool is_new = false;

	if (!artifact_told(RUN(t), &is_new))
		news_tell(RUN(t), is_new);
	return STEP_NEXT;
}
