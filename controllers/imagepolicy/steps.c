/*
 * The rows of an ImagePolicy. Most runs ask nobody: the catalog says what the ImageRepository is,
 * a job reads its tags. A registry is asked for a digest, for build times where they are the order
 * (dates.h), and for a tag that won before and is not in the list any more: it stays the choice as
 * long as the registry has it, and until two runs, ABSENCE_CONFIRM_MS apart at least, have heard
 * that it has not.
 *
 * What fails and waits for an object to change does not back off: the news of the catalog or of the
 * Namespace make the policy due.
 */
#include "ctl/steps.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "controllers/imagepolicy/dates.h"
#include "controllers/imagepolicy/imagepolicy.h"
#include "controllers/imagepolicy/run.h"
#include "controllers/imagepolicy/status.h"
#include "ctl/door.h"
#include "image/built.h"
#include "kube/client.h"
#include "oci/answer.h"
#include "oci/identity.h"
#include "oci/registry.h"
#include "oci/resolve.h"
#include "source/absence.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define REQUEUE_MS 30000 /* --requeue-dependency */
/* Only an event can help; this is in case one was lost. */
#define EVENTS_ONLY_MS 3600000
/* Nothing is known yet of ImageRepositories, or of the tags of this one. */
#define STARTING_MS 1000
#define NEWS_MS 30000

/* In the kind's depends. */
enum { NTH_SECRETS, NTH_NAMESPACES = 2 };

static const struct kube_resource namespaces = {"", "v1", "namespaces", "Namespace", false};

static enum step_ret fail_for_now(struct run *r, const char *reason, uint64_t ms)
{
	r->task.err.kind = ERR_WAIT;
	r->task.err.retry_ms = ms;
	return run_fail(r, NULL, reason);
}

static enum step_ret stall(struct run *r, const char *reason)
{
	r->task.err.kind = ERR_STALL;
	return run_fail(r, NULL, reason);
}

static enum step_ret come_again(struct run *r, uint64_t ms)
{
	r->again_ms = ms;
	return run_done(r, RUN_LATER);
}

/* ---- its ImageRepository --------------------------------------------------------------------- */

static const char *repository_ns(const struct run *r)
{
	return POLICY_SPEC(r)->namespace ? POLICY_SPEC(r)->namespace : r->ns;
}

static const struct image_entry *repository_find(const struct run *r)
{
	return image_catalog_find(
		POLICY_ENV(r)->catalog, repository_ns(r), POLICY_SPEC(r)->repository);
}

static enum step_ret access_denied(struct run *r, const char *why)
{
	err_set(&r->task.err, ERR_WAIT, "access to ImageRepository '%s/%s' is denied: %s",
		repository_ns(r), POLICY_SPEC(r)->repository, why);
	return fail_for_now(r, "AccessDenied", EVENTS_ONLY_MS);
}

static enum step_ret repository_start(struct task *t)
{
	struct run *r = RUN(t);

	if (POLICY_SPEC(r)->no_interval) {
		err_set(&t->err, ERR_STALL,
			"spec.interval must be set when spec.digestReflectionPolicy is set to "
			"'Always'");
		return stall(r, "IntervalNotConfigured");
	}
	if (POLICY_SPEC(r)->from && POLICY_ENV(r)->no_cross_namespace)
		return access_denied(r, "references to other namespaces have been blocked");
	if (repository_find(r))
		return STEP_NEXT;
	if (!image_catalog_complete(POLICY_ENV(r)->catalog))
		return come_again(r, STARTING_MS);
	err_set(&t->err, ERR_WAIT, "referenced ImageRepository '%s/%s' does not exist",
		repository_ns(r), POLICY_SPEC(r)->repository);
	return fail_for_now(r, "DependencyNotReady", POLICY_ENV(r)->requeue_ms);
}

/* Who refers to another namespace shows the labels of his own. */
static enum step_ret access_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!POLICY_SPEC(r)->from)
		return STEP_NEXT;
	return task_wait(t,
		kube_start(r->c->opts.kube,
			&(struct kube_req){.verb = KUBE_GET,
				.resource = &namespaces,
				.name = r->ns,
				.metadata_only = true}));
}

static enum step_ret access_resume(struct task *t)
{
	struct run *r = RUN(t);
	const struct image_entry *e = repository_find(r);

	if (task_op_failed(t)) {
		err_wrap(&t->err, "read Namespace '%s'", r->ns);
		return run_fail(r, NULL, "Failure");
	}
	if (!e)
		return come_again(r, STARTING_MS);
	if (image_entry_allows(e, obj_get(kube_result(t->op), "metadata", "labels")))
		return STEP_NEXT;
	return access_denied(r, "its accessFrom has no selector for the labels of this namespace");
}

static void repository_take(struct imagepolicy_run *p, const struct image_entry *e)
{
	const struct image_facts *f = &e->facts;

	p->image = mem_strdup(f->image);
	p->ns = mem_strdup(e->ns);
	p->where = e->repo;
	p->timeout_ms = f->timeout_ms;
	p->as = (struct image_login){mem_strdup(f->login.secret),
		mem_strdup(f->login.service_account), mem_strdup(f->login.cert),
		mem_strdup(f->login.proxy), mem_strdup(f->login.provider)};
}

/* ---- the choice ------------------------------------------------------------------------------ */

static enum step_ret policy_invalid(struct run *r)
{
	err_wrap(&r->task.err, "invalid policy");
	return stall(r, "InvalidPolicy");
}

/* The tag that won before by these very rules, of the same image. */
static const char *tag_before(const struct run *r)
{
	const struct imagepolicy_item *i = POLICY_ITEM(r->item);

	return *i->tag && i->observed == r->item->generation &&
			!strcmp(i->name, POLICY_RUN(r)->image)
		? i->tag
		: NULL;
}

static enum step_ret choose_no_tags(struct run *r, const char *why)
{
	uint64_t ms = POLICY_ENV(r)->requeue_ms;
	auto_free char *text = mem_strdup(why);
	char in[TIME_TEXT_MAX];

	err_set(&r->task.err, ERR_WAIT, "retrying in %s error: %s",
		time_format_duration((int64_t)ms, in), text);
	return fail_for_now(r, "DependencyNotReady", ms);
}

/* A scan is on its way. Of a store that begins empty with each start, or of another replica that
   leads, nobody has to hear: what was chosen stays, and is right most likely. */
static enum step_ret tags_lost(struct run *r, const char *why)
{
	const struct image_entry *e = repository_find(r);
	struct imagepolicy_item *i = POLICY_ITEM(r->item);
	uint64_t ms = POLICY_ENV(r)->requeue_ms, now = clock_ms();
	const struct cond *ready;
	bool holds;

	if (!run_open(r)) {
		r->task.err = (struct err){0};
		return STEP_DONE;
	}
	ready = cond_get(&r->conds_before, COND_READY);
	holds = ready && ready->status == COND_TRUE && ready->generation == r->generation && e &&
		!strcmp(i->name, e->facts.image);
	if (!i->lost_ms)
		i->lost_ms = now;
	if (!holds || now - i->lost_ms >= ms)
		return choose_no_tags(r, why);
	r->task.err = (struct err){0};
	return come_again(r, i->lost_ms + ms - now);
}

static enum step_ret choose_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct image_entry *e = repository_find(r);

	if (!e)
		return come_again(r, STARTING_MS);
	if (e->wrong) {
		t->err = *e->wrong;
		return stall(r, "ImageURLInvalid");
	}
	if (imagepolicy_check_chosen(POLICY_SPEC(r), &t->err))
		return policy_invalid(r);
	if (!e->looked)
		return come_again(r, NEWS_MS);
	repository_take(POLICY_RUN(r), e);
	return task_wait(t,
		choice_start(r->c->opts.loop,
			&(struct choice_req){.spec = POLICY_SPEC(r),
				.entry = e,
				.root = image_catalog_root(POLICY_ENV(r)->catalog),
				.owner = r->ns,
				.before = tag_before(r)}));
}

static enum step_ret choose_failed(struct run *r)
{
	const struct choice *c = &POLICY_RUN(r)->choice;
	struct err *err = &r->task.err;

	if (err->kind == ERR_STALL)
		return policy_invalid(r);
	if (!c->read && err->kind != ERR_CANCELED)
		image_catalog_doubt(
			POLICY_ENV(r)->catalog, repository_ns(r), POLICY_SPEC(r)->repository);
	if (!c->read)
		return tags_lost(r, err->code == -ENOENT ? "no tags in database" : err->msg);
	if (c->empty)
		return choose_no_tags(r, "no tags in database");
	return fail_for_now(r, "Failure", c->next_ms ? c->next_ms : EVENTS_ONLY_MS);
}

static enum step_ret choose_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);

	choice_take(t->op, &p->choice);
	if (p->choice.read)
		POLICY_ITEM(r->item)->lost_ms = 0;
	memcpy(p->tag, p->choice.result.tag, sizeof(p->tag));
	if (p->choice.behind) {
		p->failed = t->op->err;
		return STEP_NEXT;
	}
	if (p->choice.absent == CHOICE_NONE)
		POLICY_ITEM(r->item)->gone_ms = 0;
	return task_op_failed(t) ? choose_failed(r) : STEP_NEXT;
}

/* ---- as whom a registry is asked ------------------------------------------------------------- */

/* Is the digest that the status has still the one to tell? */
static bool digest_holds(const struct run *r)
{
	const struct imagepolicy_item *i = POLICY_ITEM(r->item);
	const struct imagepolicy_run *p = POLICY_RUN(r);

	return POLICY_SPEC(r)->digest == REFLECT_IF_NOT_PRESENT && *i->digest &&
		!strcmp(i->name, p->image) && !strcmp(i->tag, p->tag);
}

static bool asks_registry(const struct run *r)
{
	return POLICY_RUN(r)->choice.behind || policy_dates_wanted(r) ||
		(POLICY_SPEC(r)->digest != REFLECT_NEVER && !digest_holds(r));
}

/* The ImageRepository's Secrets are watched from now on; those of a ServiceAccount the login finds
   by itself. */
static void secrets_found(struct run *r, const struct login_refs *refs)
{
	const char *const all[] = {refs->secret, refs->cert, refs->proxy};
	const char *names[ARRAY_LEN(all) + 1] = {NULL};
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(all); i++)
		if (all[i])
			names[n++] = all[i];
	if (!refs->service_account)
		item_found(r->item, NTH_SECRETS, refs->ns, names);
}

static enum step_ret credentials_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);
	struct login *l = &p->login;

	if (!asks_registry(r))
		return STEP_NEXT;
	l->refs = (struct login_refs){p->ns, p->as.secret, p->as.service_account, p->as.cert,
		p->as.proxy, p->as.provider, true};
	l->timeout_ms = p->timeout_ms;
	secrets_found(r, &l->refs);
	return login_start(r, l, &POLICY_ENV(r)->registry);
}

static enum step_ret credentials_resume(struct task *t)
{
	struct run *r = RUN(t);

	return login_resume(
		r, &POLICY_RUN(r)->login, POLICY_RUN(r)->image, &POLICY_ENV(r)->registry);
}

static enum step_ret provider_start(struct task *t)
{
	struct run *r = RUN(t);

	if (!asks_registry(r))
		return STEP_NEXT;
	return login_check_provider(
		r, &POLICY_RUN(r)->login, POLICY_RUN(r)->where.host, &POLICY_ENV(r)->registry);
}

static struct op *tag_ask(struct run *r, const char *tag)
{
	struct imagepolicy_run *p = POLICY_RUN(r);

	return oci_resolve_start(POLICY_ENV(r)->registry.oci,
		&(struct oci_resolve_req){.target = {&p->where, p->login.identity, p->timeout_ms},
			.tag = tag,
			.owner = r->ns});
}

/* ---- a tag that won before and is not in the list -------------------------------------------- */

static enum step_ret confirm_start(struct task *t)
{
	struct run *r = RUN(t);

	return POLICY_RUN(r)->choice.behind ? task_wait(t, tag_ask(r, POLICY_ITEM(r->item)->tag))
					    : STEP_NEXT;
}

static void absence_note(struct run *r, enum policy_absence absence, const char *text)
{
	POLICY_RUN(r)->absence = absence;
	r->again_ms = ABSENCE_AGAIN_MS;
	log_info(&r->log, text, LS("tag", POLICY_ITEM(r->item)->tag));
}

/* It may say that because its list and its manifests are those of one replica, which lags. */
static enum step_ret confirm_gone(struct run *r)
{
	struct imagepolicy_item *i = POLICY_ITEM(r->item);

	if (i->gone_ms && clock_ms() - i->gone_ms >= ABSENCE_CONFIRM_MS) {
		log_info(&r->log, "the tag before is confirmed gone", LS("tag", i->tag));
		r->task.err = POLICY_RUN(r)->failed;
		return r->task.err.kind == ERR_NONE ? STEP_NEXT : choose_failed(r);
	}
	if (!i->gone_ms)
		i->gone_ms = clock_ms();
	absence_note(r, POLICY_MISSED, "the tag before is gone: it stays until that is confirmed");
	return STEP_NEXT;
}

static enum step_ret confirm_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);
	struct imagepolicy_item *i = POLICY_ITEM(r->item);
	const struct oci_resolved *res = oci_resolve_result(t->op);

	if (oci_says_missing(&t->op->err)) {
		if (confirm_gone(r) == STEP_FAIL)
			return STEP_FAIL;
	} else if (t->op->err.kind != ERR_NONE) {
		absence_note(r, POLICY_STAYS,
			"the list lacks the tag before, and nobody says whether it is there");
	} else {
		i->gone_ms = 0;
		absence_note(r, POLICY_STAYS, "the list lacks the tag before, which is there");
		if (POLICY_SPEC(r)->digest == REFLECT_ALWAYS)
			digest_format(&res->digest, p->digest);
	}
	if (p->absence != POLICY_LISTED)
		snprintf(p->tag, sizeof(p->tag), "%s", i->tag);
	return STEP_NEXT;
}

/* ---- its digest ------------------------------------------------------------------------------ */

static enum step_ret digest_start(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);
	const char *had = POLICY_ITEM(r->item)->digest;

	if (POLICY_SPEC(r)->digest == REFLECT_NEVER || p->digest[0])
		return STEP_NEXT;
	/* Of what cannot be asked for now it stays what it was. */
	if (digest_holds(r) || (p->absence != POLICY_LISTED && *had)) {
		snprintf(p->digest, sizeof(p->digest), "%s", had);
		return STEP_NEXT;
	}
	return task_wait(t, tag_ask(r, p->tag));
}

static enum step_ret digest_resume(struct task *t)
{
	struct run *r = RUN(t);
	struct imagepolicy_run *p = POLICY_RUN(r);

	if (task_op_failed(t)) {
		if (t->err.code == OCI_LOGIN_FAILED)
			return run_fail(r, NULL, "AuthenticationFailed");
		err_wrap(&t->err, "failed fetching digest of %.500s:%s", p->image, p->tag);
		return run_fail(r, NULL, "Failed");
	}
	digest_format(&oci_resolve_result(t->op)->digest, p->digest);
	return STEP_NEXT;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* A run that goes by what the one before found ends here, unless something is new. */
static enum step_ret outcome_start(struct task *t)
{
	struct run *r = RUN(t);
	uint64_t next_ms = POLICY_RUN(r)->choice.next_ms;
	bool current = policy_status_is_current(r);

	if (next_ms && (!r->again_ms || next_ms < r->again_ms))
		r->again_ms = next_ms;
	if (r->settled && current && !POLICY_SPEC(r)->pin)
		return run_done(r, RUN_UNCHANGED);
	if (!run_open(r))
		return STEP_DONE;
	return run_done(r, current ? RUN_UNCHANGED : RUN_MADE);
}

static enum step_ret reread_start(struct task *t)
{
	return login_reread_start(
		RUN(t), &POLICY_RUN(RUN(t))->login, &POLICY_ENV(RUN(t))->registry);
}

static enum step_ret reread_resume(struct task *t)
{
	return login_reread_resume(
		RUN(t), &POLICY_RUN(RUN(t))->login, &POLICY_ENV(RUN(t))->registry);
}

/* Ready has become another one. */
static enum step_ret events_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct cond *now = cond_get(&r->conds, COND_READY);
	const struct cond *before = cond_get(&r->conds_before, COND_READY);

	if (run_failure_told(r) || !now || now->status != COND_TRUE)
		return STEP_NEXT;
	if (before && before->status == COND_TRUE && !strcmp(before->message, now->message))
		return STEP_NEXT;
	run_event(r, false, now->reason, now->message, NULL);
	return STEP_NEXT;
}

static const struct step WORK[] = {
	RUN_READ,
	RUN_FINALIZER,
	RUN_SUSPENDED,
	RUN_VALID,
	{"repository", repository_start},
	{"access", access_start, access_resume},
	{"choose", choose_start, choose_resume},
	{"credentials", credentials_start, credentials_resume},
	{"provider", provider_start},
	{"dates", policy_dates_start, policy_dates_resume},
	{"confirm", confirm_start, confirm_resume},
	{"digest", digest_start, digest_resume},
	{"outcome", outcome_start},
	{0},
};

static const struct step LAST[] = {
	{"reread", reread_start, reread_resume},
	RUN_STATUS,
	{"events", events_start},
	RUN_CLEANUP,
	{0},
};

static const struct step REMOVE[] = {RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

/* ---- between runs ---------------------------------------------------------------------------- */

static void item_forget(struct imagepolicy_item *p)
{
	struct imagepolicy_env *env = p->item.c->opts.env;

	if (p->repository)
		refs_del(&env->users, p->repository, &p->item);
	free(MOVE(p->repository));
}

static void text_set(char **to, const char *text)
{
	free(*to);
	*to = mem_strdup(text);
}

static void item_stored(struct item *i, const json_t *obj)
{
	const struct imagepolicy_spec *s = IMAGEPOLICY_SPEC(i->spec);
	const json_t *status = obj_get(obj, "status");
	const char *tag = obj_str_or("", status, "latestRef", "tag");
	struct imagepolicy_env *env = i->c->opts.env;
	struct imagepolicy_item *p = POLICY_ITEM(i);

	if (!p->tag || strcmp(p->tag, tag) != 0)
		p->gone_ms = 0;
	text_set(&p->name, obj_str_or("", status, "latestRef", "name"));
	/* It becomes a part of a request's path. */
	text_set(&p->tag, oci_tag_valid(tag, strlen(tag)) ? tag : "");
	text_set(&p->digest, obj_str_or("", status, "latestRef", "digest"));
	p->observed = obj_int(-1, status, "observedGeneration");
	item_forget(p);
	p->repository = mem_printf("%s/%s", s->namespace ? s->namespace : i->ns, s->repository);
	refs_add(&env->users, p->repository, i);
}

static void item_stop(struct item *i)
{
	item_forget(POLICY_ITEM(i));
}

static void item_clear(struct item *i)
{
	struct imagepolicy_item *p = POLICY_ITEM(i);

	item_forget(p);
	free(p->name);
	free(p->tag);
	free(p->digest);
	free(p->dated_at);
}

/* Whose answer comes from here is quick. */
static enum lane item_lane(const struct item *i)
{
	const struct imagepolicy_spec *s = IMAGEPOLICY_SPEC(i->spec);

	return s->digest == REFLECT_NEVER && !s->by_build ? LANE_LOCAL : LANE_CHECK;
}

static const struct item_hooks ITEM = {
	.stored = item_stored, .stop = item_stop, .free = item_clear, .lane = item_lane};

/* ---- the kind -------------------------------------------------------------------------------- */

static void run_clear(struct run *r)
{
	struct imagepolicy_run *p = POLICY_RUN(r);

	login_clear(&p->login);
	free(p->choice.list);
	free(p->image);
	free(p->ns);
	free(p->as.secret);
	free(p->as.service_account);
	free(p->as.cert);
	free(p->as.proxy);
	free(p->as.provider);
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	if (IMAGEPOLICY_SPEC(s)->from)
		on(arg, NTH_NAMESPACES, NULL, IMAGEPOLICY_SPEC(s)->from);
}

static const char *revision_of(const struct item *i)
{
	const char *tag = POLICY_ITEM(i)->tag;

	return tag && *tag ? tag : NULL;
}

static const struct kube_resource RESOURCE = {
	"image.toolkit.fluxcd.io", "v1", "imagepolicies", "ImagePolicy", true};

static const char *const ANNOTATIONS[] = {
	IMAGEPOLICY_PIN, IMAGEPOLICY_SKIP, IMAGEPOLICY_AGE, IMAGEPOLICY_ORDER, NULL};
static const char *const CONDITIONS[] = {COND_STALLED, COND_RECONCILING, NULL};

const struct kind imagepolicy_kind = {
	.name = "imagepolicy",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct imagepolicy_item),
	.run_size = sizeof(struct imagepolicy_run),
	.spec_new = imagepolicy_spec_new,
	.annotations = ANNOTATIONS,
	.shown = policy_shown,
	.revision = revision_of,
	.depends = {LOGIN_DEPENDS, &namespaces},
	.depends_each = depends_each,
	.item = &ITEM,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = CONDITIONS,
	.status_kept = policy_status_kept,
	.succeeded = policy_status_succeeded,
};

/* ---- it comes and goes ----------------------------------------------------------------------- */

static void policy_due(void *arg, void *user)
{
	struct item *i = user;

	(void)arg;
	item_renew(i);
	item_due(i);
}

static void repository_heard(void *arg, const struct image_entry *e, enum image_news news)
{
	struct imagepolicy_env *env = arg;

	(void)news;
	refs_each(&env->users, e->key, policy_due, NULL);
}

static void env_stopped(void *arg)
{
	image_listener_out(&((struct imagepolicy_env *)arg)->listener);
}

static void env_freed(void *arg)
{
	struct imagepolicy_env *env = arg;

	image_built_free(env->built);
	registry_env_clear(&env->registry);
	refs_clear(&env->users);
	free(env);
}

struct controller *imagepolicy_new(const struct imagepolicy_opts *opts)
{
	struct imagepolicy_env *env = NEW(struct imagepolicy_env);
	struct controller_opts o = opts->controller;

	env->catalog = opts->catalog;
	env->no_cross_namespace = opts->no_cross_namespace;
	env->requeue_ms = opts->requeue_dependency_ms ? opts->requeue_dependency_ms : REQUEUE_MS;
	env->listener = (struct image_listener){.heard = repository_heard, .arg = env};
	registry_env_init(&env->registry, &opts->registry);
	env->built = image_built_new(o.loop, env->registry.oci);
	image_catalog_listen(env->catalog, &env->listener);
	o.env = env;
	o.stopped = env_stopped;
	o.freed = env_freed;
	return controller_new(&imagepolicy_kind, &o);
}
