#include "app.h"
#include "base/log.h"
#include "base/mem.h"
#include "controllers/gitrepository/gitrepository.h"
#include "controllers/imagepolicy/imagepolicy.h"
#include "controllers/imagerepository/imagerepository.h"
#include "controllers/imageupdateautomation/imageupdateautomation.h"
#include "controllers/ocirepository/ocirepository.h"
#include "controllers/receiver/receiver.h"
#include "ctl/controller.h"
#include "ctl/event.h"
#include "ctl/poster.h"
#include "hook/hook.h"
#include "http/client.h"
#include "image/catalog.h"
#include "kube/client.h"
#include "kube/list.h"
#include "store/store.h"

#include <string.h>

/* Of those whose CRD is not there; of all when the API server has not answered. */
#define ASK_EVERY_MS 60000
#define ASK_AGAIN_MS 2000

/* ---- what there is --------------------------------------------------------------------------- */

/* Flux's controllers. Only source-controller spreads its intervals. */
static const struct group_row {
	const char *name;
	bool jitter;
	bool notices; /* tells notification-controller what its Events say */
} GROUPS[APP_GROUPS] = {
	[APP_SOURCE] = {"source-controller", true, true},
	[APP_IMAGE_REFLECTOR] = {"image-reflector-controller", false, true},
	[APP_IMAGE_AUTOMATION] = {"image-automation-controller", false, true},
	[APP_NOTIFICATION] = {"notification-controller", false, false},
};

static struct registry_opts registry_of(struct app *a)
{
	return (struct registry_opts){.oci = a->oci,
		.cloud = a->cloud,
		.object_level = a->flags.object_level,
		.default_account = a->flags.default_account};
}

static struct controller *ocirepository_of(struct app *a, const struct controller_opts *opts)
{
	return ocirepository_new(&(struct ocirepository_opts){.controller = *opts,
		.registry = registry_of(a),
		.store = a->store,
		.peers = a->peers,
		.adv_address = a->adv_address,
		.urls = a->urls,
		.trust = a->trust,
		.rules = a->rules,
		.public_root = a->public_root,
		.algo = a->flags.algo,
		.max_blob = (uint64_t)a->flags.max_size,
		.max_expanded = (uint64_t)a->flags.max_expanded,
		.max_entries = (uint64_t)a->flags.max_entries,
		.account = a->account});
}

static struct controller *imagerepository_of(struct app *a, const struct controller_opts *opts)
{
	return imagerepository_new(&(struct imagerepository_opts){.controller = *opts,
		.registry = registry_of(a),
		.catalog = a->images,
		.account = a->account});
}

static struct controller *imagepolicy_of(struct app *a, const struct controller_opts *opts)
{
	return imagepolicy_new(&(struct imagepolicy_opts){.controller = *opts,
		.registry = registry_of(a),
		.catalog = a->images,
		.no_cross_namespace = a->flags.no_cross_namespace,
		.requeue_dependency_ms = (uint64_t)a->flags.requeue_dependency_ms});
}

/* A new kind is a row here, behind those that it needs. */
static const struct kind_row {
	const struct kind *kind;
	enum app_group_nth group;
	struct controller *(*make)(struct app *a, const struct controller_opts *opts);
	const struct kind *needs; /* works with what that one keeps in this process; or NULL */
	bool artifacts; /* its objects have them, in the store */
} KINDS[] = {
	{&ocirepository_kind, APP_SOURCE, ocirepository_of, .artifacts = true},
	{&gitrepository_kind, APP_SOURCE, app_gitrepositories_new, .artifacts = true},
	{&imagerepository_kind, APP_IMAGE_REFLECTOR, imagerepository_of},
	{&imagepolicy_kind, APP_IMAGE_REFLECTOR, imagepolicy_of, .needs = &imagerepository_kind},
	{&imageupdateautomation_kind, APP_IMAGE_AUTOMATION, app_automations_new},
	{&receiver_kind, APP_NOTIFICATION, app_receivers_new},
};
_Static_assert(ARRAY_LEN(KINDS) <= APP_KINDS_MAX, "APP_KINDS_MAX");

static const char *kind_name(const struct kind_row *row)
{
	return row->kind->resource->kind;
}

/* ---- which are served ------------------------------------------------------------------------ */

/* The nth of --kinds; len 0: there is none any more. */
static size_t word_next(const char **at)
{
	*at += strspn(*at, ", ");
	return strcspn(*at, ", ");
}

static bool is_listed(const struct flags *f, const char *name)
{
	size_t n = strlen(name), len, i;
	const char *at;

	for (i = 0; f->kinds[i]; i++)
		for (at = f->kinds[i]; (len = word_next(&at)); at += len)
			if (len == n && !memcmp(at, name, n))
				return true;
	return false;
}

static int word_check(const char *word, size_t len, struct err *err)
{
	auto_buf struct buf known = BUF_INIT(BUF_ANY);
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		if (strlen(kind_name(&KINDS[i])) == len && !memcmp(kind_name(&KINDS[i]), word, len))
			return 0;
		buf_addf(&known, "%s%s", i ? ", " : "", kind_name(&KINDS[i]));
	}
	return err_set(err, ERR_STALL, "--kinds: '%.*s' is not known here; there are %s",
		(int)(len < 100 ? len : 100), word, buf_str(&known));
}

int app_kinds_check(const struct flags *f, struct err *err)
{
	size_t words = 0, len, i;
	const char *at;

	for (i = 0; f->kinds[i]; i++)
		for (at = f->kinds[i]; (len = word_next(&at)); at += len, words++)
			if (word_check(at, len, err))
				return -1;
	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		const struct kind *needs = KINDS[i].needs;

		if (needs && is_listed(f, kind_name(&KINDS[i])) &&
			!is_listed(f, needs->resource->kind))
			return err_set(err, ERR_STALL, "--kinds: %s needs %s in the same process",
				kind_name(&KINDS[i]), needs->resource->kind);
	}
	return words || !f->kinds[0] ? 0 : err_set(err, ERR_STALL, "--kinds names no kind");
}

/* ---- one is made ----------------------------------------------------------------------------- */

static struct app_group *group_of(struct app *a, enum app_group_nth nth)
{
	struct app_group *g = &a->groups[nth];

	if (g->events)
		return g;
	g->app = a;
	g->name = GROUPS[nth].name;
	g->lease_name = app_lease_name(g);
	g->events = event_recorder_new(a->kube, g->name, a->host);
	if (a->flags.events_addr && GROUPS[nth].notices)
		g->poster = poster_new(
			a->loop, a->notices_http, a->flags.events_addr, g->name, a->host);
	return g;
}

static const char *app_watched_ns(const struct app *a)
{
	return a->flags.watch_all_namespaces ? NULL : a->flags.runtime_namespace;
}

/* What all of them have. */
static struct controller_opts controller_opts_of(
	struct app *a, const struct kind_row *row, struct app_group *g)
{
	return (struct controller_opts){.loop = a->loop,
		.kube = a->kube,
		.metrics = a->metrics,
		.events = g->events,
		.poster = g->poster,
		.leads = app_leads,
		.role = g,
		.ns = app_watched_ns(a),
		.label_selector = a->flags.label_selector,
		.concurrent = (unsigned)a->flags.concurrent,
		.jitter_percent = GROUPS[row->group].jitter ? (unsigned)a->flags.jitter : 0,
		.keep_history = a->flags.status_page,
		.outage_grace_ms = (uint64_t)a->flags.outage_grace_ms,
		.min_retry_ms = (uint64_t)a->flags.min_retry_ms,
		.max_retry_ms = (uint64_t)a->flags.max_retry_ms};
}

static void kind_serve(struct app_kind *k)
{
	struct app *a = k->app;
	struct app_group *g = group_of(a, k->row->group);
	struct controller_opts opts = controller_opts_of(a, k->row, g);
	struct controller *c = k->row->make(a, &opts);

	k->controller = c;
	a->controllers[a->n_controllers++] = c;
	g->controllers[g->n_controllers++] = c;
	if (k->row->artifacts)
		a->sources[a->n_sources++] = c;
	/* One that comes later takes no readiness away that there is. */
	if (!a->kinds_known)
		health_add(&a->health, controller_name(c), controller_synced, c);
	if (a->scanned) {
		controller_start(c);
		app_lease_start(g);
	}
}

/* ---- is its CRD there? ----------------------------------------------------------------------- */

static struct app_kind *kind_needed(const struct app_kind *k)
{
	size_t i;

	for (i = 0; k->row->needs && i < ARRAY_LEN(KINDS); i++)
		if (KINDS[i].kind == k->row->needs)
			return &k->app->kinds[i];
	return NULL;
}

/* Who names files of the store has said so: of nobody else a list is waited for. */
static void kinds_are_known_now(struct app *a)
{
	a->kinds_known = true;
	store_listed(a->store);
}

/* What is there is served once all answers have come, in the order of the table. */
static void kinds_answered(struct app *a)
{
	bool known = true, all = true;
	struct err err = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS); i++) {
		struct app_kind *k = &a->kinds[i], *needed = kind_needed(k);

		known &= k->answered;
		if (k->there && !k->controller && (!needed || needed->controller)) {
			log_info(NULL, "serving a kind", LS("controllerKind", kind_name(k->row)));
			kind_serve(k);
		}
		all &= k->controller != NULL;
	}
	if (known && !a->kinds_known)
		kinds_are_known_now(a);
	if (app_webhooks_start(a, &err)) {
		log_error(NULL, "cannot serve webhooks", LU("retryMs", ASK_EVERY_MS), LE(&err));
		all = false;
	}
	if (!all)
		timer_set(&a->kinds_timer, known ? ASK_EVERY_MS : ASK_AGAIN_MS);
}

/* One object is enough to know. */
static int object_seen(void *arg, const json_t *obj, struct err *err)
{
	(void)obj;
	((struct app_kind *)arg)->there = true;
	return err_set(err, ERR_CANCELED, "one was enough");
}

/* Whoever may not look at a kind leaves it to others: Flux's own controllers, most likely. */
static void kind_refused(struct app_kind *k, const struct err *err)
{
	if (!k->refused)
		log_info(NULL, "a kind is not for this process",
			LS("controllerKind", kind_name(k->row)), LE(err));
	k->refused = k->answered = true;
}

static void kind_answered(struct op *op, void *arg)
{
	struct app_kind *k = arg;
	struct app *a = k->app;

	k->asking = NULL;
	k->there |= op->err.kind == ERR_NONE;
	if (k->there || op->err.code == 404) {
		k->answered = true;
	} else if (op->err.code == 403) {
		kind_refused(k, &op->err);
	} else if (!a->asking_fails) {
		a->asking_fails = true;
		log_error(NULL, "cannot ask for the kinds that there are", LE(&op->err));
	}
	op_free(op);
	if (!--a->asked)
		kinds_answered(a);
}

static void kind_ask(struct app_kind *k)
{
	struct app *a = k->app;

	k->asking = kube_list_start(a->kube,
		&(struct kube_list_req){.resource = k->row->kind->resource,
			.ns = app_watched_ns(a),
			.metadata_only = true,
			.page = 1,
			.on_item = object_seen,
			.arg = k});
	a->asked++;
	op_then(k->asking, kind_answered, k);
}

static void kinds_ask(void *arg)
{
	struct app *a = arg;
	size_t i;

	a->asking_fails = false;
	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (!a->kinds[i].controller)
			kind_ask(&a->kinds[i]);
	if (!a->asked)
		kinds_answered(a);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* A process that may look at nothing at all has been given too few rights. */
static bool kinds_are_known(void *arg)
{
	const struct app *a = arg;
	size_t i;

	for (i = 0; i < ARRAY_LEN(KINDS) && a->kinds[i].refused; i++)
		;
	return a->kinds_known && i < ARRAY_LEN(KINDS);
}

int app_kinds_init(struct app *a, struct err *err)
{
	size_t i;

	a->images = image_catalog_new(a->loop, store_root(a->store));
	timer_init(&a->kinds_timer, a->loop, kinds_ask, a);
	/* A client of its own: registries that hang hold no connection, and no lookup of a name,
	   that notices would need. */
	if (a->flags.events_addr)
		a->notices_http = http_client_new(
			a->loop, &(struct http_client_opts){.max_connections = a->share.notices});
	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		a->kinds[i] = (struct app_kind){.app = a, .row = &KINDS[i]};
	store_expect(a->store);
	if (!a->flags.kinds[0] && !a->embedded) {
		health_add(&a->health, "kinds", kinds_are_known, a);
		kinds_ask(a);
		return 0;
	}
	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (!a->flags.kinds[0] || is_listed(&a->flags, kind_name(&KINDS[i])))
			kind_serve(&a->kinds[i]);
	kinds_are_known_now(a);
	return app_webhooks_start(a, err);
}

void app_kinds_start(struct app *a)
{
	unsigned i;

	a->scanned = true;
	for (i = 0; i < a->n_controllers; i++)
		controller_start(a->controllers[i]);
	for (i = 0; i < APP_GROUPS; i++)
		app_lease_start(&a->groups[i]);
}

void app_kinds_unlisted(const struct app *a, const char *names[APP_KINDS_MAX + 1])
{
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		if (KINDS[i].artifacts &&
			(!a->kinds[i].controller || !controller_synced(a->kinds[i].controller)))
			names[n++] = KINDS[i].kind->name;
	names[n] = NULL;
}

void app_kinds_stop(struct app *a)
{
	size_t i;

	timer_cancel(&a->kinds_timer);
	for (i = 0; i < ARRAY_LEN(KINDS); i++)
		op_drop(MOVE(a->kinds[i].asking));
}

void app_kinds_free(struct app *a)
{
	unsigned i;

	for (i = 0; i < a->n_controllers; i++)
		controller_free(a->controllers[i]);
	image_catalog_free(a->images);
	if (a->hook)
		hook_free(a->hook);
	for (i = 0; i < APP_GROUPS; i++) {
		event_recorder_free(a->groups[i].events);
		poster_free(a->groups[i].poster);
		free(a->groups[i].lease_name);
	}
	if (a->notices_http)
		http_client_free(a->notices_http);
}
