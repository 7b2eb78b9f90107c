#include "ctl/steps.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "controllers/gitrepository/gitrepository.h"
#include "controllers/gitrepository/run.h"
#include "kube/client.h"
#include "oci/answer.h"
#include "source/login.h"
#include "source/restore.h"
#include "source/shown.h"
#include "source/status.h"
#include "source/trust.h"
#include "source/verified.h"

#include <stdlib.h>
#include <string.h>

/* ---- the tables ------------------------------------------------------------------------------ */

#define CREDENTIALS \
	{"credentials", gitrepository_credentials_start, gitrepository_credentials_resume}
#define TOKEN {"token", gitrepository_token_start, gitrepository_token_resume}
#define INCLUDES {"includes", gitrepository_includes_start, gitrepository_includes_resume}
#define FETCH {"fetch", gitrepository_fetch_start, gitrepository_fetch_resume}
#define MODULES {"modules", gitrepository_modules_start, gitrepository_modules_resume}
#define INCLUDED {"included", gitrepository_included_start, gitrepository_included_resume}

static const struct step WORK[] = {
	RUN_READ,
	RUN_FINALIZER,
	ARTIFACT_STORAGE,
	RUN_SUSPENDED,
	ARTIFACT_TIDY,
	RUN_VALID,
	{"validate", gitrepository_validate_start, NULL},
	CREDENTIALS,
	TOKEN,
	INCLUDES,
	{"resolve", gitrepository_resolve_start, gitrepository_resolve_resume},
	{"keys", gitrepository_keys_start, gitrepository_keys_resume},
	{"unchanged", gitrepository_unchanged_start},
	RUN_SLOT,
	FETCH,
	{"commit", gitrepository_commit_start, gitrepository_commit_resume},
	{"verify", gitrepository_verify_start, gitrepository_verify_resume},
	{"changed", gitrepository_changed_start},
	MODULES,
	INCLUDED,
	{"make", gitrepository_make_start},
	ARTIFACT_ROOM,
	ARTIFACT_PUBLISH,
	ARTIFACT_HOLD,
	{0},
};

static const struct step RESTORE[] = {
	RUN_READ,
	RUN_FINALIZER,
	ARTIFACT_STORAGE,
	ARTIFACT_TIDY,
	RESTORE_FROM_PEERS,
	RUN_VALID,
	{"validate", gitrepository_validate_start, NULL},
	CREDENTIALS,
	TOKEN,
	{"pinned", gitrepository_pinned_start},
	INCLUDES,
	RUN_SLOT,
	FETCH,
	MODULES,
	INCLUDED,
	{"make", gitrepository_make_start},
	ARTIFACT_ROOM,
	ARTIFACT_PUBLISH,
	ARTIFACT_HOLD,
	{0},
};

/* Walked to the end, also after a failure; after a cancel only what is marked. */
static const struct step LAST[] = {
	{"reread", gitrepository_reread_start, gitrepository_reread_resume},
	RUN_STATUS,
	ARTIFACT_COMMIT,
	ARTIFACT_RETAIN,
	{"events", gitrepository_events_start},
	ARTIFACT_CLEANUP,
	RUN_CLEANUP,
	{0},
};

static const struct step REMOVE[] = {ARTIFACT_REMOVE, RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

/* ---- hooks ----------------------------------------------------------------------------------- */

static void run_init(struct run *r)
{
	artifact_run_init(r);
	ARTIFACT_RUN(r)->input.failed = gitrepository_make_failed;
}

static void run_clear(struct run *r)
{
	struct gitrepository_run *g = GIT_RUN(r);

	gitrepository_signed_clear(g);
	gitrepository_modules_clear(&g->modules);
	gitrepository_included_clear(g);
	gitc_objects_unref(g->objects);
	git_login_clear(&g->login);
	gitc_url_clear(&g->url);
	if (g->observed)
		spec_unref(&g->observed->spec);
	artifact_run_clear(r);
}

/* A login that fails somebody has to look at. */
static bool excused(const struct run *r)
{
	return ARTIFACT_RUN(r)->have_file && r->cond && !strcmp(r->cond, COND_FETCH_FAILED) &&
		!strcmp(r->reason, "GitOperationFailed") && oci_says_later(&r->task.err);
}

static void progress_say(const struct run *r, struct buf *out)
{
	const struct artifact_run *a = ARTIFACT_RUN(r);

	if (a->resolved)
		buf_addf(out, "building artifact: new upstream revision '%s'", a->revision);
	else if (GIT_RUN(r)->asking)
		buf_addf(out, "waiting for Git server '%s' to answer", GIT_RUN(r)->url.host);
}

/* In kind.depends, behind LOGIN_DEPENDS. */
#define NTH_REPOSITORIES 2

static void depends_each(const struct spec *spec, kind_ref_fn on, void *arg)
{
	const struct gitrepository_spec *s = GITREPOSITORY_SPEC(spec);
	const struct gitrepository_include *i;

	git_spec_depends_each(&s->git, NULL, on, arg);
	trust_depends_each(s->verify_secret, on, arg);
	vec_each (&s->includes, i)
		on(arg, NTH_REPOSITORIES, NULL, i->name);
}

/* ---- servers --------------------------------------------------------------------------------- */

static char *host_of(const struct spec *s)
{
	auto_gitc_url struct gitc_url u = {0};
	struct err ignored = {0};

	if (gitc_url_parse(&u, GITREPOSITORY_SPEC(s)->git.url, &ignored))
		return NULL;
	return mem_printf("%s|%u", u.host, u.port);
}

static const char *host_text(const char *host, struct buf *out)
{
	buf_add(out, host, strcspn(host, "|"));
	return buf_str(out);
}

static const char *url_of(const struct spec *s)
{
	return GITREPOSITORY_SPEC(s)->git.url;
}

/* ---- for people ------------------------------------------------------------------------------ */

static void part_put(struct buf *b, const char *what, const char *text)
{
	buf_addf(b, "%s%.*s", what, (int)utf8_cut(text, strlen(text), KIND_SHOWN_MAX / 3), text);
}

static void shown(const struct spec *spec, struct kind_shown *out)
{
	const struct git_ref *f = &GITREPOSITORY_SPEC(spec)->git.ref;
	struct buf *b = &out->reference;

	if (f->commit) {
		part_put(b, "commit ", f->commit);
		out->rule = "The commit is fixed: it never means anything else.";
	} else if (f->name) {
		part_put(b, "reference ", f->name);
		out->rule = "What the reference meant when the server was asked last.";
	} else if (f->semver) {
		part_put(b, "semver ", f->semver);
		out->rule = "The highest version in the range, of all tags of the repository.";
	} else if (f->tag) {
		part_put(b, "tag ", f->tag);
		out->rule = "What the tag meant when the server was asked last.";
	} else {
		part_put(b, "branch ", f->branch ? f->branch : GIT_REF_DEFAULT_BRANCH);
		out->rule = "The branch's newest commit when the server was asked last.";
	}
}

/* ---- the kind -------------------------------------------------------------------------------- */

static const struct kube_resource RESOURCE = {
	"source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository", true};

static const char *const ANNOTATIONS[] = {GITREPOSITORY_GRACE, NULL};
static const char *const CONDITIONS[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_INCLUDE,
	COND_OUTDATED, COND_IN_STORAGE, COND_VERIFIED, COND_STALLED, COND_RECONCILING, NULL};
static const char *const NEGATIVE[] = {COND_STORAGE_FAILED, COND_FETCH_FAILED, COND_INCLUDE,
	COND_OUTDATED, COND_STALLED, COND_RECONCILING, NULL};
static const char *const DECISIVE[] = {COND_VERIFIED, NULL};
static const char *const FAILURES[] = {COND_FETCH_FAILED, COND_INCLUDE, COND_STORAGE_FAILED, NULL};

const struct kind gitrepository_kind = {
	.name = "gitrepository",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct artifact_item),
	.run_size = sizeof(struct gitrepository_run),
	.spec_new = gitrepository_spec_new,
	.annotations = ANNOTATIONS,
	.spec_slim = gitrepository_spec_slim,
	.host = host_of,
	.host_noun = "Git server",
	.host_text = host_text,
	.shown = shown,
	.url = url_of,
	.revision = artifact_revision,
	.row = artifact_row,
	.depends = {LOGIN_DEPENDS, &RESOURCE},
	.depends_each = depends_each,
	.item = &artifact_item_hooks,
	.run_init = run_init,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.restore = RESTORE,
	.restore_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = NEGATIVE,
	.failures = FAILURES,
	.decisive = DECISIVE,
	.status_kept = artifact_status_kept,
	.succeeded = gitrepository_succeeded,
	.failed = gitrepository_failed,
	.restored = artifact_restored,
	.suspended = artifact_suspended,
	.written = artifact_written,
	.excused = excused,
	.progress = progress_say,
	.behind = artifact_behind,
};

static const struct source_words WORDS = {
	.named_by = "revision", .fetch_failed = "GitOperationFailed"};

static void env_listed(void *env)
{
	source_env_listed(&((struct gitrepository_env *)env)->source);
}

static void env_freed(void *arg)
{
	struct gitrepository_env *env = arg;

	source_env_clear(&env->source);
	free(env->default_account);
	free(env);
}

struct controller *gitrepository_new(const struct gitrepository_opts *opts)
{
	struct gitrepository_env *env = NEW(struct gitrepository_env);
	struct controller_opts o = opts->controller;

	env->source.words = &WORDS;
	env->source.store = opts->store;
	env->source.peers = opts->peers;
	env->source.account = opts->account;
	env->source.algo = opts->algo;
	env->source.urls = opts->urls;
	env->source.max_expanded = opts->max_expanded;
	env->source.max_entries = opts->max_entries;
	source_env_init(&env->source, opts->adv_address);
	env->default_account = mem_strdup(opts->login.default_account);
	env->login = opts->login;
	env->login.default_account = env->default_account;
	env->git = opts->git;
	env->max_pack = opts->max_pack;
	env->requeue_ms = opts->requeue_dependency_ms;
	o.env = env;
	o.listed = env_listed;
	o.freed = env_freed;
	return controller_new(&gitrepository_kind, &o);
}
