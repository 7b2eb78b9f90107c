#include "controllers/imageupdateautomation/sources.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/object.h"
#include "ev/op.h"
#include "kube/watch.h"

#include <stdlib.h>
#include <string.h>

#define HEADS "refs/heads/"

struct sources {
	struct sources_opts opts;
	char *ns;
	struct op *watch;
	uint64_t era; /* moves when the API server has gone back */
	struct err err;
};

const struct kube_resource source_resource = {
	"source.toolkit.fluxcd.io", "v1", "gitrepositories", "GitRepository", true};

/* ---- one ------------------------------------------------------------------------------------- */

struct source *source_ref(const struct source *src)
{
	struct source *own = (struct source *)(uintptr_t)src;

	own->refs++;
	return own;
}

void source_unref(struct source *src)
{
	if (!src || --src->refs)
		return;
	git_spec_clear(&src->spec);
	gitc_url_clear(&src->url);
	free(src->ns);
	free(src->name);
	free(src);
}

static struct source *source_new(const json_t *obj)
{
	struct source *src = NEW(struct source);
	const json_t *spec = obj_get(obj, "spec");
	size_t size = 0;

	src->refs = 1;
	src->ns = mem_strdup(object_ns(obj));
	src->name = mem_strdup(object_name(obj));
	src->generation = object_generation(obj);
	src->suspended = obj_bool(false, spec, "suspend");
	if (object_has_nul(spec))
		err_set(&src->wrong, ERR_STALL, "spec holds a NUL character");
	else if (!git_spec_read(&src->spec, spec, &size, &src->wrong))
		(void)!gitc_url_parse(&src->url, src->spec.url, &src->wrong);
	return src;
}

static void source_drop(void *arg, void *user)
{
	(void)arg;
	source_unref(user);
}

/* ---- the watch ------------------------------------------------------------------------------- */

/* What an object of the same generation has new is its status; but a restored database may bring
   another spec under one that was seen. One that was deleted and made again is another entry. */
static void repository_set(void *arg, struct kube_entry *e, const json_t *obj, bool added)
{
	struct sources *s = arg;
	struct source *src = e->user;
	auto_free char *key = NULL;

	(void)added;
	if (src && src->era == s->era && src->generation == object_generation(obj))
		return;
	source_unref(src);
	src = e->user = source_new(obj);
	src->era = s->era;
	if (!sources_complete(s))
		return;
	key = mem_printf("%s/%s", src->ns, src->name);
	s->opts.changed(s->opts.arg, key);
}

static void repository_deleted(void *arg, struct kube_entry *e)
{
	source_drop(arg, MOVE(e->user));
}

static void repositories_reset(void *arg)
{
	((struct sources *)arg)->era++;
}

static void repositories_listed(void *arg)
{
	struct sources *s = arg;

	s->err = (struct err){0};
	s->opts.listed(s->opts.arg);
}

/* Once for each time of trouble. */
static void repositories_error(void *arg, const struct err *err, uint64_t in_ms)
{
	struct sources *s = arg;

	if (s->err.kind == ERR_NONE)
		log_error(NULL, "cannot watch", LS("resource", source_resource.plural),
			LU("retryMs", in_ms), LE(err));
	s->err = *err;
}

void sources_start(struct sources *s)
{
	if (s->watch)
		return;
	s->watch = kube_watch_start(s->opts.kube,
		&(struct kube_watch_req){.resource = &source_resource,
			.ns = s->ns,
			.on_set = repository_set,
			.on_deleted = repository_deleted,
			.on_synced = repositories_listed,
			.on_reset = repositories_reset,
			.on_error = repositories_error,
			.free_user = source_drop,
			.arg = s});
}

bool sources_complete(const struct sources *s)
{
	return s->watch && kube_watch_synced(s->watch);
}

const struct err *sources_error(const struct sources *s)
{
	return s->err.kind != ERR_NONE ? &s->err : NULL;
}

/* ---- who is there ---------------------------------------------------------------------------- */

const struct source *sources_find(const struct sources *s, const char *ns, const char *name)
{
	const struct kube_entry *e = s->watch ? kube_watch_find(s->watch, ns, name) : NULL;

	return e ? e->user : NULL;
}

const char *source_branch(const struct git_ref *ref)
{
	if (ref->commit || ref->name)
		return !ref->commit && !strncmp(ref->name, HEADS, strlen(HEADS))
			? ref->name + strlen(HEADS)
			: NULL;
	if (ref->semver || ref->tag)
		return NULL;
	return ref->branch ? ref->branch : GIT_REF_DEFAULT_BRANCH;
}

struct seek {
	struct buf url;
	const char *branch;
	void (*fn)(void *arg, const struct source *src);
	void *arg;
};

static void source_look(void *arg, struct kube_entry *e)
{
	const struct source *src = e->user;
	const char *branch = src ? source_branch(&src->spec.ref) : NULL;
	auto_buf struct buf url = BUF_INIT(BUF_ANY);
	struct seek *k = arg;

	if (!branch || src->wrong.kind != ERR_NONE || src->suspended ||
		strcmp(branch, k->branch) != 0)
		return;
	gitc_url_show(&src->url, &url);
	if (!strcmp(buf_str(&url), buf_str(&k->url)))
		k->fn(k->arg, src);
}

void sources_of_branch(struct sources *s, const struct gitc_url *url, const char *branch,
	void (*fn)(void *arg, const struct source *src), void *arg)
{
	struct seek k = {BUF_INIT(BUF_ANY), branch, fn, arg};
	struct kube_cursor at = {0};

	if (!s->watch)
		return;
	gitc_url_show(url, &k.url);
	while (kube_cache_walk(kube_watch_cache(s->watch), &at, SIZE_MAX / 2, source_look, &k))
		;
	buf_clear(&k.url);
}

/* ---- it comes and goes ----------------------------------------------------------------------- */

struct sources *sources_new(const struct sources_opts *opts)
{
	struct sources *s = NEW(struct sources);

	s->opts = *opts;
	s->ns = mem_strdup(opts->ns);
	s->opts.ns = s->ns;
	return s;
}

void sources_stop(struct sources *s)
{
	op_drop(MOVE(s->watch));
}

void sources_free(struct sources *s)
{
	if (!s)
		return;
	free(s->ns);
	free(s);
}
