/* What the status says of a run, beside what source/status.h does. */
#include "controllers/gitrepository/run.h"

#include "base/mem.h"
#include "base/obj.h"
#include "source/status.h"
#include "source/verified.h"

#include <string.h>

/* NULL: it is not there. */
static void member_set(json_t *status, const char *name, json_t *v)
{
	if (v)
		json_object_set_new(status, name, v);
	else
		json_object_del(status, name);
}

static void say_signed(struct run *r, json_t *status)
{
	struct gitrepository_run *g = GIT_RUN(r);
	const char *mode = gitrepository_verify_mode(GIT_SPEC(r)->verify);
	const char *by = ARTIFACT_ITEM(r->item)->signer;

	if (!mode) {
		cond_del(&r->conds, COND_VERIFIED);
		json_object_del(status, "sourceVerificationMode");
		return;
	}
	if (!g->signature_good)
		return;
	json_object_set_new(status, "sourceVerificationMode", json_string(mode));
	cond_put(&r->conds, COND_VERIFIED, COND_TRUE, "Succeeded", "%s", by ? by : "");
}

void gitrepository_succeeded(struct run *r, json_t *status)
{
	const struct gitrepository_spec *s = GIT_SPEC(r);

	say_signed(r, status);
	artifact_succeeded(r, status);
	if (!ARTIFACT_RUN(r)->stored)
		return;
	member_set(status, "includedArtifacts", gitrepository_included_json(r));
	member_set(status, "observedInclude", gitrepository_include_json(s));
	member_set(status, "observedSparseCheckout", gitrepository_sparse_json(s));
	member_set(status, "observedIgnore", s->ignore ? json_string(s->ignore) : NULL);
	member_set(status, "observedRecurseSubmodules", s->recurse ? json_true() : NULL);
}

/* Another failure says nothing against what was found good before. */
void gitrepository_failed(struct run *r, json_t *status)
{
	struct gitrepository_run *g = GIT_RUN(r);

	if (r->reason && g->refused)
		cond_put(&r->conds, COND_VERIFIED, COND_FALSE, r->reason, "%s", r->task.err.msg);
	else if (!GIT_SPEC(r)->verify || cond_is(&r->conds, COND_VERIFIED, COND_FALSE))
		cond_del(&r->conds, COND_VERIFIED);
	if (!GIT_SPEC(r)->verify)
		json_object_del(status, "sourceVerificationMode");
	else if (g->signature_good)
		say_signed(r, status);
	artifact_failed(r, status);
}
