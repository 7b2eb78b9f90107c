#include "ctl/steps.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "controllers/imagerepository/imagerepository.h"
#include "controllers/imagerepository/scan.h"
#include "controllers/imagerepository/spec.h"
#include "ctl/door.h"
#include "ctl/object.h"
#include "ctl/role.h"
#include "image/catalog.h"
#include "image/name.h"
#include "kube/client.h"
#include "oci/registry.h"

#include <stdio.h>
#include <string.h>

/* So much before its end an interval counts as over. */
#define ALMOST_OVER_MS 1000

static const struct image_entry *entry_of(const struct item *i)
{
	return image_catalog_find(IMAGE_ENV(i->c)->catalog, i->ns, i->name);
}

/* ---- what is known --------------------------------------------------------------------------- */

/* Policies read what an earlier process has written, also of an object that is suspended. */
static enum step_ret look_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct image_entry *e = entry_of(r->item);

	if (!e || e->looked)
		return STEP_NEXT;
	return task_wait(t,
		image_catalog_look_start(IMAGE_ENV(r->c)->catalog, r->ns, r->name,
			obj_str_or("", r->first, "status", "lastScanResult", "revision")));
}

static enum step_ret look_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

static enum step_ret validate_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct imagerepository_spec *s = IMAGE_SPEC(r);

	if (image_name_parse(&IMAGE_RUN(r)->where, s->image, s->insecure, &t->err))
		return run_fail(r, NULL, "ImageURLInvalid");
	return STEP_NEXT;
}

/* ---- scan now? ------------------------------------------------------------------------------- */

/* How much of the interval is left; 0: it is over. A scan of the future was none. */
static uint64_t interval_left(const struct run *r)
{
	const char *text = obj_str(r->first, "status", "lastScanResult", "scanTime");
	int64_t at, left;
	struct err ignored = {0};

	if (!text || time_parse_rfc3339(text, &at, &ignored))
		return 0;
	left = at + r->spec->interval_ms - clock_wall_ms();
	return left < ALMOST_OVER_MS || left > r->spec->interval_ms ? 0 : (uint64_t)left;
}

/* The file is of this image and this list; else it is of another object's past. */
static bool has_tags(const struct run *r, const char *canonical)
{
	const struct image_entry *e = entry_of(r->item);

	return e && e->has && !strcmp(e->head.image, canonical) &&
		digest_equal(&e->head.excluded, &IMAGE_SPEC(r)->excluded);
}

static bool failed_before(const struct run *r)
{
	return cond_is(&r->conds_before, COND_READY, COND_FALSE);
}

/* NULL: not now. */
static const char *scan_reason(const struct run *r)
{
	const json_t *status = obj_get(r->first, "status");
	const char *requested = object_requested_at(r->first);
	char canonical[OCI_REPO_TEXT_MAX];

	oci_repo_format(&IMAGE_RUN(r)->where, canonical);
	if (!obj_get(status, "lastScanResult"))
		return "first scan";
	if (*requested && strcmp(requested, obj_str_or("", status, "lastHandledReconcileAt")) != 0)
		return "reconcile requested";
	if (strcmp(canonical, obj_str_or("", status, "canonicalImageName")) != 0)
		return "new image name";
	if (!imagerepository_excluded_is(IMAGE_SPEC(r), obj_get(status, "observedExclusionList")))
		return "updated exclusion list";
	if (!has_tags(r, canonical))
		return "no tags in database";
	/* Whatever has asked for it was answered; what failed is not settled by that. */
	if (failed_before(r))
		return "the last one failed";
	if (IMAGE_ITEM(r->item)->pushed)
		return "a tag was pushed";
	return interval_left(r) ? NULL : "triggered by interval";
}

static enum step_ret due_start(struct task *t)
{
	struct run *r = RUN(t);

	IMAGE_RUN(r)->why = scan_reason(r);
	if (IMAGE_RUN(r)->why)
		log_debug(&r->log, "scanning", LS("reason", IMAGE_RUN(r)->why));
	else
		r->again_ms = interval_left(r);
	return STEP_NEXT;
}

/* A run that parses the object each time is nothing beside a scan. */
static enum step_ret end_start(struct task *t)
{
	return run_done(RUN(t), RUN_MADE);
}

/* ---- the status ------------------------------------------------------------------------------ */

static json_t *result_json(const struct image_tags_job *job)
{
	char time[TIME_TEXT_MAX], revision[DIGEST_TEXT_MAX];
	json_t *o = json_object(), *latest = json_array();
	size_t i;

	for (i = 0; i < IMAGE_TAGS_LATEST && *job->latest[i]; i++)
		json_array_append_new(latest, json_string(job->latest[i]));
	if (i)
		json_object_set(o, "latestTags", latest);
	json_decref(latest);
	json_object_set_new(
		o, "revision", json_string(digest_format(&job->head.revision, revision)));
	json_object_set_new(
		o, "scanTime", json_string(time_format_rfc3339(job->head.scanned_ms, time)));
	json_object_set_new(o, "tagCount", json_integer((json_int_t)job->head.count));
	return o;
}

static void status_succeeded(struct run *r, json_t *status)
{
	const struct imagerepository_run *i = IMAGE_RUN(r);
	const struct cond *before = cond_get(&r->conds, COND_READY);
	auto_free char *message = NULL;
	char canonical[OCI_REPO_TEXT_MAX];
	const json_t *result;

	if (i->written) {
		json_object_set_new(status, "canonicalImageName",
			json_string(oci_repo_format(&i->where, canonical)));
		json_object_set_new(status, "observedExclusionList",
			imagerepository_excluded_json(IMAGE_SPEC(r)));
		json_object_set_new(
			status, "lastScanResult", result_json(image_catalog_written(i->written)));
	}
	result = obj_get(status, "lastScanResult");
	message = mem_printf("successful scan: found %lld tags with checksum %s",
		(long long)obj_int(0, result, "tagCount"), obj_str_or("", result, "revision"));
	/* A checksum is no passing number: another one is news. */
	if (before && strcmp(before->message, message) != 0)
		cond_del(&r->conds, COND_READY);
	cond_put(&r->conds, COND_READY, COND_TRUE, "Succeeded", "%s", message);
}

static void progress_say(const struct run *r, struct buf *out)
{
	if (IMAGE_RUN(r)->why)
		buf_addf(out, "scanning: %s", IMAGE_RUN(r)->why);
}

static bool is_behind(const struct run *r)
{
	const struct image_entry *e = entry_of(r->item);

	return !e || !e->has;
}

/* ---- Events ---------------------------------------------------------------------------------- */

static enum step_ret events_start(struct task *t)
{
	struct run *r = RUN(t);
	const struct cond *now, *before = cond_get(&r->conds_before, COND_READY);

	if (run_failure_told(r) || !r->patched || r->mode != RUN_WORK)
		return STEP_NEXT;
	now = cond_get(&r->conds, COND_READY);
	if (!now || now->status != COND_TRUE)
		return STEP_NEXT;
	if (before && before->status == COND_TRUE && !strcmp(before->message, now->message))
		return STEP_NEXT;
	log_info(&r->log, now->message, LS("image", IMAGE_SPEC(r)->image));
	run_event(r, false, now->reason, now->message, NULL);
	return STEP_NEXT;
}

/* ---- it goes --------------------------------------------------------------------------------- */

static enum step_ret forget_start(struct task *t)
{
	struct run *r = RUN(t);

	return task_wait(t, image_catalog_remove_start(IMAGE_ENV(r->c)->catalog, r->ns, r->name));
}

static enum step_ret forget_resume(struct task *t)
{
	return task_op_failed(t) ? STEP_FAIL : STEP_NEXT;
}

/* ---- the tables ------------------------------------------------------------------------------ */

static const struct step WORK[] = {
	RUN_READ,
	RUN_FINALIZER,
	{"look", look_start, look_resume},
	RUN_SUSPENDED,
	RUN_VALID,
	{"validate", validate_start, NULL},
	{"due", due_start, NULL},
	SCAN_FILTER,
	SCAN_PROVIDER,
	SCAN_CREDENTIALS,
	SCAN_MEMORY,
	SCAN_TAGS,
	SCAN_WRITE,
	{"end", end_start, NULL},
	{0},
};
static const struct step LAST[] = {
	SCAN_REREAD, RUN_STATUS, {"events", events_start, NULL}, RUN_CLEANUP, {0}};
static const struct step REMOVE[] = {{"forget", forget_start, forget_resume}, RUN_RELEASE, {0}};
static const struct step REMOVE_LAST[] = {RUN_CLEANUP, {0}};

/* ---- hooks ----------------------------------------------------------------------------------- */

static void item_stored(struct item *i, const json_t *obj)
{
	struct imagerepository_item *own = IMAGE_ITEM(i);
	struct image_facts facts;

	(void)obj;
	/* Whoever leads scans: what was read here before is what it was when this one led. */
	if (!role_leads(i->c))
		image_catalog_forget(IMAGE_ENV(i->c)->catalog, i->ns, i->name);
	if (own->told == i->spec)
		return;
	spec_unref(own->told);
	own->told = spec_ref(i->spec);
	imagerepository_facts(IMAGEREPOSITORY_SPEC(i->spec), &facts);
	image_catalog_put(IMAGE_ENV(i->c)->catalog, i->ns, i->name, &facts, i->spec->wrong);
}

static void item_gone(struct item *i)
{
	image_catalog_drop(IMAGE_ENV(i->c)->catalog, i->ns, i->name);
}

static void item_freed(struct item *i)
{
	spec_unref(IMAGE_ITEM(i)->told);
}

static enum lane item_lane(const struct item *i)
{
	const struct image_entry *e = entry_of(i);

	return e && e->has ? LANE_CHECK : LANE_FRESH;
}

static const struct item_hooks HOOKS = {
	.stored = item_stored, .gone = item_gone, .free = item_freed, .lane = item_lane};

static void run_clear(struct run *r)
{
	scan_clear(IMAGE_RUN(r));
}

static void depends_each(const struct spec *s, kind_ref_fn on, void *arg)
{
	login_depends_each(&IMAGEREPOSITORY_SPEC(s)->login, on, arg);
}

static char *host_of(const struct spec *spec)
{
	const struct imagerepository_spec *s = IMAGEREPOSITORY_SPEC(spec);
	struct oci_repo where;
	struct err ignored = {0};

	if (image_name_parse(&where, s->image, s->insecure, &ignored))
		return NULL;
	return registry_host_of(&where);
}

static bool host_proven(void *env, const char *key)
{
	return registry_host_proven(&((struct imagerepository_env *)env)->registry, key);
}

static bool host_up(void *env, const char *key)
{
	return registry_host_up(&((struct imagerepository_env *)env)->registry, key);
}

static const char *url_of(const struct spec *s)
{
	return IMAGEREPOSITORY_SPEC(s)->image;
}

static void shown(const struct spec *s, struct kind_shown *out)
{
	(void)s;
	buf_adds(&out->reference, "all tags");
	out->rule = "All tags of the repository, but those that the exclusion list leaves out.";
}

/* ---- the kind -------------------------------------------------------------------------------- */

static const struct kube_resource RESOURCE = {
	"image.toolkit.fluxcd.io", "v1", "imagerepositories", "ImageRepository", true};

static const char *const CONDITIONS[] = {COND_STALLED, COND_RECONCILING, NULL};

const struct kind imagerepository_kind = {
	.name = "imagerepository",
	.resource = &RESOURCE,
	.finalizer = "finalizers.fluxcd.io",
	.item_size = sizeof(struct imagerepository_item),
	.run_size = sizeof(struct imagerepository_run),
	.spec_new = imagerepository_spec_new,
	.host = host_of,
	.host_noun = "registry",
	.host_proven = host_proven,
	.host_up = host_up,
	.host_text = registry_host_text,
	.shown = shown,
	.url = url_of,
	.depends = {LOGIN_DEPENDS},
	.depends_each = depends_each,
	.item = &HOOKS,
	.run_clear = run_clear,
	.work = WORK,
	.work_last = LAST,
	.remove = REMOVE,
	.remove_last = REMOVE_LAST,
	.conditions = CONDITIONS,
	.negative = CONDITIONS,
	.succeeded = status_succeeded,
	.progress = progress_say,
	.behind = is_behind,
};

/* ---- it is started --------------------------------------------------------------------------- */

static void env_listed(void *arg)
{
	image_catalog_listed(((struct imagerepository_env *)arg)->catalog);
}

static void env_stopped(void *arg)
{
	struct imagerepository_env *env = arg;

	oci_client_off_change(env->registry.oci, controller_host_changed, env->controller);
	image_catalog_on_push(env->catalog, NULL, NULL);
	image_listener_out(&env->listener);
}

static void env_freed(void *arg)
{
	struct imagerepository_env *env = arg;

	registry_env_clear(&env->registry);
	free(env);
}

static void tag_pushed(void *arg, const struct image_entry *e)
{
	struct item *i = item_find(arg, e->key);

	if (!i)
		return;
	IMAGE_ITEM(i)->pushed = true;
	item_due(i);
}

/* Somebody who wanted to read the tags has found them gone. */
static void tags_lost(void *arg, const struct image_entry *e, enum image_news news)
{
	struct item *i = news == IMAGE_TAGS && !e->has ? item_find(arg, e->key) : NULL;

	if (i && !queue_is_running(&i->queue_item))
		item_due(i);
}

struct controller *imagerepository_new(const struct imagerepository_opts *opts)
{
	struct imagerepository_env *env = NEW(struct imagerepository_env);
	struct controller_opts o = opts->controller;
	struct controller *c;

	registry_env_init(&env->registry, &opts->registry);
	env->catalog = opts->catalog;
	env->account = opts->account;
	o.env = env;
	o.listed = env_listed;
	o.stopped = env_stopped;
	o.freed = env_freed;
	c = controller_new(&imagerepository_kind, &o);
	env->controller = c;
	env->listener = (struct image_listener){.heard = tags_lost, .arg = c};
	image_catalog_listen(env->catalog, &env->listener);
	image_catalog_on_push(env->catalog, tag_pushed, c);
	oci_client_on_change(opts->registry.oci, controller_host_changed, c);
	return c;
}
