/*
 * The rows of an ImageUpdateAutomation. A run begins with what its watches know, and asks the
 * remote for its refs; when policies and refs are what the last run has seen, that is all. Else it
 * takes its turn at the branch, gets the commit without its files, then the files that may have
 * markers, and if one of them changes, makes a commit and pushes it. Whoever was ahead of it at the
 * remote sends it back to the refs, a few times.
 */
#include "ctl/steps.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/imageupdateautomation/commit.h"
#include "controllers/imageupdateautomation/edit.h"
#include "controllers/imageupdateautomation/imageupdateautomation.h"
#include "controllers/imageupdateautomation/policies.h"
#include "controllers/imageupdateautomation/run.h"
#include "controllers/imageupdateautomation/status.h"
#include "crypto/rand.h"
#include "ctl/object.h"
#include "ctl/touch.h"
#include "ev/sleep.h"
#include "git/objects.h"
#include "git/refs.h"
#include "kube/client.h"
#include "source/login.h"

#include <stdlib.h>
#include <string.h>

/* A watch is on its way. */
#define STARTING_MS 1000
/* Between two tries of a push. */
#define AGAIN_LEAST_MS 100
#define AGAIN_MOST_MS 800

/* In the kind's depends. */
enum { NTH_SECRETS, NTH_ACCOUNTS };

/* ---- what its spec says ---------------------------------------------------------------------- */

static const char *source_ns(const struct run *r)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);

	return s->repository_ns ? s->repository_ns : r->ns;
}

static enum step_ret fits_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);

	if (s->misfit) {
		t->err = *s->misfit;
		return automation_stall(r, s->misfit_reason);
	}
	if (!AUTOMATION_ENV(r)->no_cross_namespace || !strcmp(source_ns(r), r->ns))
		return STEP_NEXT;
	err_set(&t->err, ERR_STALL,
		"can't access 'GitRepository/%s/%s', cross-namespace references have been blocked",
		source_ns(r), s->repository);
	return automation_stall(r, "AccessDenied");
}

/* ---- where it works -------------------------------------------------------------------------- */

/* A watch that the API server refuses says so; one that has not come yet will wake us. */
static enum step_ret not_listed(struct run *r, const struct err *err, const char *what)
{
	if (!err) {
		r->again_ms = STARTING_MS;
		return run_done(r, RUN_LATER);
	}
	r->task.err = *err;
	err_wrap(&r->task.err, "%s", what);
	return automation_fail(r, "SourceManagerFailed");
}

/* A name of a ref, and none that a command of git would take for an option. */
static bool branch_is_valid(const char *b)
{
	auto_free char *name = automation_branch_ref(b);

	return strlen(b) < LIMIT_GIT_REF_NAME - sizeof("refs/heads/") && *b != '-' &&
		gitc_ref_name_ok(name, strlen(name));
}

/* Of two that are given the more special one is read, and the branch is where it goes. */
static enum step_ret branches_find(struct run *r)
{
	const struct automation_spec *s = AUTOMATION_SPEC_OF(r);
	struct automation_run *a = AUTOMATION_RUN(r);

	a->ref = s->has_ref ? &s->ref : &a->source->spec.ref;
	a->checkout = source_branch(a->ref);
	a->push_branch = s->push_branch ? s->push_branch
		: a->ref->branch        ? a->ref->branch
					: a->checkout;
	if (!a->push_branch) {
		err_set(&r->task.err, ERR_RETRY,
			"push spec not provided, and cannot be inferred from "
			".spec.git.checkout.ref or GitRepository .spec.ref");
		return automation_fail(r, "SourceManagerFailed");
	}
	if (!branch_is_valid(a->push_branch)) {
		err_set(&r->task.err, ERR_RETRY, "'%.255s' is no name of a branch", a->push_branch);
		return automation_fail(r, "SourceManagerFailed");
	}
	a->switches = !a->checkout || strcmp(a->checkout, a->push_branch) != 0;
	return STEP_NEXT;
}

/* The Secrets of its GitRepository are watched from now on. */
static void secrets_found(struct run *r)
{
	const struct source *src = AUTOMATION_RUN(r)->source;
	const char *names[3] = {NULL};
	size_t n = 0;

	if (src->spec.secret)
		names[n++] = src->spec.secret;
	if (src->spec.proxy)
		names[n++] = src->spec.proxy;
	item_found(r->item, NTH_SECRETS, src->ns, names);
}

static enum step_ret source_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_env *env = AUTOMATION_ENV(r);
	struct automation_run *a = AUTOMATION_RUN(r);
	const char *name = AUTOMATION_SPEC_OF(r)->repository;
	const struct source *src = sources_find(env->sources, source_ns(r), name);

	automation_request_begin(r);
	if (!src && !sources_complete(env->sources))
		return not_listed(r, sources_error(env->sources), "list GitRepositories");
	if (!src) {
		err_set(&t->err, ERR_RETRY,
			"failed to get git repository: referenced git repository does not exist: "
			"GitRepository '%s/%s' not found",
			source_ns(r), name);
		return automation_fail(r, "SourceManagerFailed");
	}
	if (src->wrong.kind != ERR_NONE) {
		t->err = src->wrong;
		t->err.kind = ERR_RETRY;
		err_wrap(&t->err, "GitRepository '%s/%s'", src->ns, src->name);
		return automation_fail(r, "SourceManagerFailed");
	}
	a->source = source_ref(src);
	secrets_found(r);
	return branches_find(r);
}

/* ---- whose choices --------------------------------------------------------------------------- */

static bool policies_are_known(const struct run *r, const json_t *now)
{
	const json_t *known = obj_get(r->first, "status", "observedPolicies");

	return json_object_size(now) ? json_equal(now, known) : !json_object_size(known);
}

/* What stands in the status of them is true no more. */
static bool others_are_new(const struct run *r)
{
	const struct automation_item *i = AUTOMATION_ITEM(r->item);
	auto_json json_t *now = NULL;

	if (!i->others)
		return false;
	now = policies_others(AUTOMATION_ENV(r)->choices, r->ns, AUTOMATION_SPEC_OF(r));
	return !json_equal(now, i->others);
}

static enum step_ret policies_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_env *env = AUTOMATION_ENV(r);
	struct automation_run *a = AUTOMATION_RUN(r);
	const json_t *status = obj_get(r->first, "status");

	if (!image_choices_complete(env->choices))
		return not_listed(r, image_choices_error(env->choices), "list ImagePolicies");
	a->policies = policies_now(env->choices, r->ns, AUTOMATION_SPEC_OF(r));
	a->full = !policies_are_known(r, a->policies) || others_are_new(r) ||
		obj_int(-1, status, "observedGeneration") != r->generation ||
		!cond_is(&r->conds_before, COND_READY, COND_TRUE);
	return STEP_NEXT;
}

/* ---- as whom --------------------------------------------------------------------------------- */

static enum step_ret login_ret(struct run *r, enum step_ret rc)
{
	if (rc == STEP_FAIL && r->task.err.kind != ERR_STALL)
		r->reason = "SourceManagerFailed";
	return rc;
}

static enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);

	a->login.opts = &AUTOMATION_ENV(r)->login;
	a->login.spec = &a->source->spec;
	a->login.url = &a->source->url;
	a->login.ns = a->source->ns;
	return login_ret(r, git_login_start(r, &a->login));
}

static enum step_ret credentials_resume(struct task *t)
{
	return login_ret(RUN(t), git_login_resume(RUN(t), &AUTOMATION_RUN(RUN(t))->login));
}

static enum step_ret token_start(struct task *t)
{
	return login_ret(RUN(t), git_login_token_start(RUN(t), &AUTOMATION_RUN(RUN(t))->login));
}

static enum step_ret token_resume(struct task *t)
{
	return login_ret(RUN(t), git_login_token_resume(RUN(t), &AUTOMATION_RUN(RUN(t))->login));
}

/* What commits are signed with: in the automation's own namespace. */
static enum step_ret key_start(struct task *t)
{
	struct run *r = RUN(t);
	const char *name = AUTOMATION_SPEC_OF(r)->signing_key;

	if (!name || AUTOMATION_RUN(r)->key.len)
		return STEP_NEXT;
	return automation_secret_wait(r, name);
}

static int key_take(struct run *r, const json_t *secret)
{
	struct automation_run *a = AUTOMATION_RUN(r);
	bool ssh = AUTOMATION_SPEC_OF(r)->signing_ssh;
	const char *key = ssh ? "identity" : "git.asc";
	struct err *err = &r->task.err;

	if (object_secret_value(secret, key, &a->key, err) ||
		object_secret_value(secret, ssh ? "password" : "passphrase", &a->passphrase, err))
		return -1;
	return a->key.len ? 0 : err_set(err, ERR_RETRY, "it has no key '%s'", key);
}

static enum step_ret key_resume(struct task *t)
{
	struct run *r = RUN(t);

	if (!task_op_failed(t) && !key_take(r, kube_result(t->op)))
		return STEP_NEXT;
	err_wrap(&t->err, "failed to configure commit signing: Secret '%s/%s'", r->ns,
		AUTOMATION_SPEC_OF(r)->signing_key);
	return automation_fail(r, "SourceManagerFailed");
}

/* ---- what is at the remote ------------------------------------------------------------------- */

/* Others have pushed between our look and our push: they are let go ahead, each of us for another
   time. */
static enum step_ret again_start(struct task *t)
{
	unsigned char byte;

	if (!AUTOMATION_RUN(RUN(t))->tries)
		return STEP_NEXT;
	rand_bytes(&byte, 1);
	return task_wait(t,
		sleep_start(t->self.loop,
			AGAIN_LEAST_MS + byte * (uint64_t)(AGAIN_MOST_MS - AGAIN_LEAST_MS) / 255));
}

static enum step_ret again_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

static enum step_ret refs_start(struct task *t)
{
	struct run *r = RUN(t);

	return task_wait(t,
		git_resolve_start(t->self.loop,
			&(struct git_resolve_req){.git = AUTOMATION_ENV(r)->git,
				.target = automation_target(r),
				.ref = AUTOMATION_RUN(r)->ref,
				.max_pack = LIMIT_AUTOMATION_FETCH}));
}

static enum step_ret checkout_failed(struct run *r)
{
	err_wrap(&r->task.err, "failed to checkout source");
	return automation_fail(r, "GitOperationFailed");
}

static enum step_ret refs_resume(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	if (task_op_failed(t))
		return checkout_failed(RUN(t));
	a->resolved = *git_resolve_result(t->op);
	a->base = a->resolved.commit;
	a->head = a->resolved.commit;
	a->has_head = true;
	return STEP_NEXT;
}

/* Where it goes, when that is not what it reads. */
static enum step_ret head_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *name = NULL;

	if (!a->switches)
		return STEP_NEXT;
	name = automation_branch_ref(a->push_branch);
	return task_wait(t,
		gitc_refs_start(AUTOMATION_ENV(r)->git,
			&(struct gitc_refs_req){.target = automation_target(r),
				.prefixes = (const char *const[]){name, NULL}}));
}

static enum step_ret head_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_free char *name = automation_branch_ref(a->push_branch);
	const struct gitc_ref *ref;

	if (task_op_failed(t))
		return checkout_failed(r);
	ref = gitc_refs_find(gitc_refs_result(t->op), name);
	a->has_head = ref != NULL;
	if (!ref)
		return STEP_NEXT;
	a->head = ref->oid;
	if (AUTOMATION_ENV(r)->all_branches)
		a->base = a->head;
	return STEP_NEXT;
}

static bool is_seen(const struct run *r)
{
	const struct automation_item *i = AUTOMATION_ITEM(r->item);
	const struct automation_run *a = AUTOMATION_RUN(r);

	return i->quiet && gitc_oid_equal(&i->checkout, &a->resolved.commit) &&
		i->has_head == a->has_head && (!a->has_head || gitc_oid_equal(&i->head, &a->head));
}

/* With another branch to push to, and after a restart, only a look into the files tells. */
static bool is_nothing_new(const struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	const char *known = obj_str_or("", r->first, "status", "observedSourceRevision");

	if (a->full)
		return false;
	return is_seen(r) ||
		(!a->switches && !AUTOMATION_SPEC_OF(r)->push_refspec &&
			!strcmp(known, a->resolved.revision));
}

static enum step_ret news_start(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	if (a->has_sent && a->has_head && gitc_oid_equal(&a->sent, &a->head)) {
		automation_pushed(RUN(t), clock_wall_ms());
		return task_goto(t, "more");
	}
	return is_nothing_new(RUN(t)) ? task_goto(t, "outcome") : STEP_NEXT;
}

/* ---- its turn -------------------------------------------------------------------------------- */

static void turn_come(void *arg)
{
	task_wake(&((struct run *)arg)->task);
}

static enum step_ret turn_resume(struct task *t)
{
	return line_may(&AUTOMATION_RUN(RUN(t))->place) ? task_goto(t, "refs") : task_pause(t);
}

static enum step_ret turn_start(struct task *t)
{
	struct run *r = RUN(t);
	struct automation_run *a = AUTOMATION_RUN(r);
	auto_buf struct buf key = BUF_INIT(BUF_ANY);

	if (a->joined)
		return STEP_NEXT;
	a->joined = true;
	buf_addf(&key, "%s ", a->source->ns);
	gitc_url_show(&a->source->url, &key);
	buf_addf(&key, " %s", a->push_branch);
	line_join(&AUTOMATION_ENV(r)->lines, &a->place, buf_str(&key),
		(uint64_t)a->source->spec.timeout_ms, turn_come, r);
	if (line_may(&a->place))
		return STEP_NEXT;
	queue_leave_place(&r->item->queue_item);
	return task_pause(t);
}

static enum step_ret turn_end_start(struct task *t)
{
	line_leave(&AUTOMATION_RUN(RUN(t))->place);
	return STEP_NEXT;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* The next run goes by it, if it finds the same. */
static void quiet_set(struct run *r)
{
	const struct automation_run *a = AUTOMATION_RUN(r);
	struct automation_item *i = AUTOMATION_ITEM(r->item);

	i->quiet = true;
	i->checkout = a->pushed && !a->switches ? a->sent : a->resolved.commit;
	i->head = a->head;
	i->has_head = a->has_head;
	if (!a->looked)
		return;
	json_decref(i->others);
	i->others = a->report ? json_incref(a->others) : NULL;
}

/* Nobody waits for the turn any more, and no file is of use. */
static enum step_ret done_start(struct task *t)
{
	struct automation_run *a = AUTOMATION_RUN(RUN(t));

	line_leave(&a->place);
	automation_try_clear(a);
	return STEP_NEXT;
}

static enum step_ret outcome_start(struct task *t)
{
	quiet_set(RUN(t));
	automation_request_settle(RUN(t));
	return run_done(RUN(t), RUN_MADE);
}

static enum step_ret reread_start(struct task *t)
{
	return git_login_reread_start(RUN(t), &AUTOMATION_RUN(RUN(t))->login);
}

static enum step_ret reread_resume(struct task *t)
{
	return git_login_reread_resume(RUN(t), &AUTOMATION_RUN(RUN(t))->login);
}

static const struct step WORK[] = {
	RUN_READ,
	RUN_FINALIZER,
	RUN_SUSPENDED,
	RUN_VALID,
	{"fits", fits_start},
	{"source", source_start},
	{"policies", policies_start},
	{"credentials", credentials_start, credentials_resume},
	{"token", token_start, token_resume},
	{"again", again_start, again_resume},
	{"refs", refs_start, refs_resume},
	{"head", head_start, head_resume},
	{"news", news_start},
	{"key", key_start, key_resume},
	{"turn", turn_start, turn_resume},
	RUN_SLOT,
	{"fetch", automation_fetch_start, automation_fetch_resume},
	{"list", automation_list_start, automation_list_resume},
	{"blobs", automation_blobs_start, automation_blobs_resume},
	{"edit", automation_edit_start, automation_edit_resume},
	{"own", automation_own_start, automation_own_resume},
	{"room", automation_room_start, automation_room_resume},
	{"draft", automation_draft_start, automation_draft_resume},
	{"sign", automation_sign_start, automation_sign_resume},
	{"seal", automation_seal_start, automation_seal_resume},
	{"push", automation_push_start, automation_push_resume},
	{"keep", automation_keep_start, automation_keep_resume},
	{"more", automation_more_start, automation_more_resume},
	{"history", automation_history_start, automation_history_resume},
	{"forward", automation_forward_start, automation_forward_resume},
	{"second", automation_second_start, automation_second_resume},
	{"words", automation_words_start, automation_words_resume},
	{"done", done_start},
	{"word", automation_word_start, automation_word_resume},
	{"request", automation_request_start, automation_request_resume},
	{"outcome", outcome_start},
	{0},
};

static const struct step LAST[] = {
	{.name = "turn-end", .start = turn_end_start, .always = true},
	{"reread", reread_start, reread_resume},
	RUN_STATUS,
	{"events", automation_events_start},
	RUN_CLEANUP,
	{0},
};

static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

/* ---- between runs ---------------------------------------------------------------------------- */

static void item_forget(struct automation_item *i)
{
	struct automation_env *env = i->item.c->opts.env;

	if (i->repository) {
		refs_del(&env->users, i->repository, &i->item);
		refs_del(&env->spaces, i->space, &i->item);
	}
	free(MOVE(i->repository));
	free(MOVE(i->space));
}

static void item_stored(struct item *base, const json_t *obj)
{
	const struct automation_spec *s = AUTOMATION_SPEC(base->spec);
	struct automation_item *i = AUTOMATION_ITEM(base);
	struct automation_env *env = base->c->opts.env;

	(void)obj;
	image_choices_start(env->choices);
	sources_start(env->sources);
	item_forget(i);
	i->repository =
		mem_printf("%s/%s", s->repository_ns ? s->repository_ns : base->ns, s->repository);
	i->space = mem_strdup(base->ns);
	refs_add(&env->users, i->repository, base);
	refs_add(&env->spaces, i->space, base);
}

static void item_stop(struct item *i)
{
	item_forget(AUTOMATION_ITEM(i));
	json_decref(MOVE(AUTOMATION_ITEM(i)->others));
}

static void item_free(struct item *i)
{
	item_stop(i);
	free(MOVE(AUTOMATION_ITEM(i)->owed));
}

/* What the last leader has pushed its status may not have. */
static void item_leads(struct item *i)
{
	AUTOMATION_ITEM(i)->told = false;
	AUTOMATION_ITEM(i)->request = REQUEST_UNKNOWN;
	free(MOVE(AUTOMATION_ITEM(i)->owed));
	AUTOMATION_ITEM(i)->leads++;
}

static const struct item_hooks ITEM = {
	.stored = item_stored,
	.leads = item_leads,
	.stop = item_stop,
	.free = item_free,
};

/* ---- the kind -------------------------------------------------------------------------------- */

static void run_begin(struct run *r)
{
	AUTOMATION_RUN(r)->began_ms = clock_wall_ms();
	AUTOMATION_RUN(r)->leads = AUTOMATION_ITEM(r->item)->leads;
}

static void run_clear(struct run *r)
{
	struct automation_run *a = AUTOMATION_RUN(r);

	line_leave(&a->place);
	git_login_clear(&a->login);
	source_unref(a->source);
	json_decref(a->policies);
	json_decref(a->others);
	secret_clear(&a->key);
	secret_clear(&a->passphrase);
	automation_try_clear(a);
	commit_free(a->commit);
	free(a->signature);
	free(a->message);
	refspec_clear(&a->updates);
	gitc_objects_unref(a->history);
	free(a->refspec);
	automation_own_free(a->own);
	secret_clear(&a->token);
	free(a->request);
	free(a->report);
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	if (AUTOMATION_SPEC(s)->signing_key)
		on(arg, NTH_SECRETS, NULL, AUTOMATION_SPEC(s)->signing_key);
	if (AUTOMATION_SPEC(s)->request.secret)
		on(arg, NTH_SECRETS, NULL, AUTOMATION_SPEC(s)->request.secret);
}

static const struct kube_resource RESOURCE = {
	"image.toolkit.fluxcd.io", "v1", "imageupdateautomations", "ImageUpdateAutomation", true};

static const char *const ANNOTATIONS[] = {AUTOMATION_REQUEST, AUTOMATION_REQUEST_BASE,
	AUTOMATION_REQUEST_TITLE, AUTOMATION_REQUEST_API, AUTOMATION_REQUEST_SECRET, NULL};
static const char *const CONDITIONS[] = {COND_STALLED, COND_RECONCILING, NULL};

const struct kind imageupdateautomation_kind = {
	.name = "imageupdateautomation",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct automation_item),
	.run_size = sizeof(struct automation_run),
	.spec_new = automation_spec_new,
	.annotations = ANNOTATIONS,
	.shown = automation_shown,
	.depends = {LOGIN_DEPENDS},
	.depends_each = depends_each,
	.item = &ITEM,
	.run_init = run_begin,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = CONDITIONS,
	.unanswered = true,
	.status_kept = automation_status_kept,
	.succeeded = automation_succeeded,
	.failed = automation_failed,
};

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void item_wake(void *arg, void *user)
{
	(void)arg;
	item_renew(user);
	item_due(user);
}

static void choice_changed(void *arg, const struct image_choice *c)
{
	struct automation_env *env = arg;

	refs_each(&env->spaces, c->ns, item_wake, NULL);
}

static void source_changed(void *arg, const char *key)
{
	struct automation_env *env = arg;

	refs_each(&env->users, key, item_wake, NULL);
}

static void one_wake(void *arg, struct item *i)
{
	item_wake(arg, i);
}

/* Those whose runs came too early. */
static void all_listed(void *arg)
{
	struct automation_env *env = arg;

	if (sources_complete(env->sources) && image_choices_complete(env->choices))
		item_each(env->c, one_wake, NULL);
}

static void env_stopped(void *arg)
{
	struct automation_env *env = arg;

	image_choices_stop(env->choices);
	sources_stop(env->sources);
	touches_stop(env->touches);
}

static bool env_idle(void *arg)
{
	return touches_idle(((struct automation_env *)arg)->touches);
}

static void env_freed(void *arg)
{
	struct automation_env *env = arg;

	image_choices_free(env->choices);
	sources_free(env->sources);
	touches_free(env->touches);
	lines_clear(&env->lines);
	refs_clear(&env->users);
	refs_clear(&env->spaces);
	free(env->default_account);
	free(env->folder);
	free(env);
}

static struct automation_env *env_new(const struct imageupdateautomation_opts *opts)
{
	struct automation_env *env = NEW(struct automation_env);
	const struct controller_opts *o = &opts->controller;

	env->git = opts->git;
	env->forge = opts->forge;
	env->account = opts->account;
	env->login = opts->login;
	env->default_account = mem_strdup(opts->login.default_account);
	env->login.default_account = env->default_account;
	env->folder = mem_strdup(opts->folder);
	env->no_cross_namespace = opts->no_cross_namespace;
	env->force_push = !opts->no_force_push;
	env->all_branches = !opts->no_all_branches;
	env->lines.loop = o->loop;
	env->touches = touches_new(o->kube);
	env->choices = image_choices_new(
		&(struct image_choices_opts){o->kube, o->ns, choice_changed, all_listed, env});
	env->sources = sources_new(
		&(struct sources_opts){o->kube, o->ns, source_changed, all_listed, env});
	return env;
}

struct controller *imageupdateautomation_new(const struct imageupdateautomation_opts *opts)
{
	struct controller_opts o = opts->controller;
	struct automation_env *env = env_new(opts);

	o.env = env;
	o.stopped = env_stopped;
	o.freed = env_freed;
	o.idle = env_idle;
	env->c = controller_new(&imageupdateautomation_kind, &o);
	return env->c;
}
