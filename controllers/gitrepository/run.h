/*
 * What the rows of a GitRepository work with: its env, and a run with what it has found so far.
 * steps.c has the tables and the kind; source.c asks the server; include.c looks after other
 * GitRepositories, ring.c after rings of them, modules.c after submodules; signed.c checks
 * signatures, make.c makes the archive, status.c and news.c say what came of it. Loop thread.
 */
#ifndef GITREPOSITORY_RUN_H
#define GITREPOSITORY_RUN_H
#include "controllers/gitrepository/spec.h"
#include "crypto/digest.h"
#include "ctl/run.h"
#include "git/client.h"
#include "git/modules.h"
#include "git/objects.h"
#include "git/url.h"
#include "source/artifact.h"
#include "source/env.h"
#include "source/git_login.h"
#include "source/git_resolve.h"

#include <stdbool.h>
#include <stdint.h>

struct gitc_archive_req;
struct op;

struct gitrepository_env {
	struct source_env source;
	struct git_login_opts login;
	char *default_account; /* login's */
	struct gitc_client *git;
	uint64_t max_pack;
	uint64_t requeue_ms; /* for includes */
};

/* An artifact that goes into this one. */
struct gitrepository_included {
	json_t *artifact; /* as status.includedArtifacts has it */
	struct op *peer; /* done: another replica has given its bytes; NULL: it is in the store */
};

/* A submodule whose commit is there. */
struct gitrepository_module {
	char *path; /* in the whole tree */
	struct gitc_objects *objects;
	struct gitc_oid commit;
};
struct gitrepository_modules {
	struct gitrepository_module *p;
	size_t len, cap;
};

struct gitrepository_run {
	struct artifact_run artifact;
	struct gitc_url url;
	struct git_login login;
	bool asking; /* the server, what the reference means */
	struct git_resolved what;
	VEC(struct gitrepository_included) included; /* in the order of spec.include */
	struct gitc_objects *objects;
	struct gitrepository_modules modules;
	char subject[256]; /* of the commit, cut as Events have it; "": it was not read */

	/* signed.c */
	struct gitrepository_keys *keys; /* its reference; NULL: not known */
	struct digest policy; /* keys, mode, and what they are asked about */
	struct op *checked; /* done: what was read of commit and tag */
	bool signature_good;
	bool refused; /* the run has failed for what SourceVerified says */

	/* Of a restore: the observed spec, as the status has it. */
	struct gitrepository_spec *observed;
};

#define COND_INCLUDE "IncludeUnavailable"

#define GIT_RUN(r) CONTAINER_OF(ARTIFACT_RUN(r), struct gitrepository_run, artifact)
#define GIT_ENV(r) ((struct gitrepository_env *)(r)->c->opts.env)
#define GIT_SPEC(r) GITREPOSITORY_SPEC((r)->spec)

/* run.c. By which the artifact is made: of a restore, what was observed. */
const struct gitrepository_spec *gitrepository_made_by(struct run *r);
/* Whom the run asks, as whom, and how long a question may take. */
struct gitc_target gitrepository_target(struct run *r);
/* A failure of what was asked of the server. */
enum step_ret gitrepository_git_failed(struct run *r, const char *what);

/* source.c */
enum step_ret gitrepository_validate_start(struct task *t);
enum step_ret gitrepository_credentials_start(struct task *t);
enum step_ret gitrepository_credentials_resume(struct task *t);
enum step_ret gitrepository_token_start(struct task *t);
enum step_ret gitrepository_token_resume(struct task *t);
enum step_ret gitrepository_reread_start(struct task *t);
enum step_ret gitrepository_reread_resume(struct task *t);
enum step_ret gitrepository_resolve_start(struct task *t);
enum step_ret gitrepository_resolve_resume(struct task *t);
enum step_ret gitrepository_unchanged_start(struct task *t);
enum step_ret gitrepository_pinned_start(struct task *t);
enum step_ret gitrepository_fetch_start(struct task *t);
enum step_ret gitrepository_fetch_resume(struct task *t);
enum step_ret gitrepository_changed_start(struct task *t);
/* Everything that went into the artifact of the status is the same now. */
bool gitrepository_is_unchanged(struct run *r);

/* include.c: are they there, and which artifacts do they have? Then their bytes, from the store or
   another replica. */
enum step_ret gitrepository_includes_start(struct task *t);
enum step_ret gitrepository_includes_resume(struct task *t);
enum step_ret gitrepository_included_start(struct task *t);
enum step_ret gitrepository_included_resume(struct task *t);
bool gitrepository_included_is(struct run *r, const json_t *observed);
json_t *gitrepository_included_json(struct run *r);
void gitrepository_included_clear(struct gitrepository_run *g);

/* ring.c: -1: what the spec includes leads back to it, as far as is known. */
int gitrepository_ring_check(struct run *r, struct err *err) must_check;

/* modules.c */
enum step_ret gitrepository_modules_start(struct task *t);
enum step_ret gitrepository_modules_resume(struct task *t);
void gitrepository_modules_clear(struct gitrepository_modules *m);

/* signed.c */
enum step_ret gitrepository_keys_start(struct task *t);
enum step_ret gitrepository_keys_resume(struct task *t);
enum step_ret gitrepository_commit_start(struct task *t);
enum step_ret gitrepository_commit_resume(struct task *t);
enum step_ret gitrepository_verify_start(struct task *t);
enum step_ret gitrepository_verify_resume(struct task *t);
/* Was what the reference means found to be signed, by these keys? */
bool gitrepository_signed(struct run *r);
void gitrepository_signed_clear(struct gitrepository_run *g);

/* make.c: what ARTIFACT_PUBLISH makes the artifact with. */
enum step_ret gitrepository_make_start(struct task *t);
enum step_ret gitrepository_make_failed(struct run *r);

/* status.c */
void gitrepository_succeeded(struct run *r, json_t *status);
void gitrepository_failed(struct run *r, json_t *status);

/* news.c: the row that tells people of a new artifact, or of a failure. */
enum step_ret gitrepository_events_start(struct task *t);

#endif
