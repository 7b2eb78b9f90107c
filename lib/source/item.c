#include "source/item.h"

#include "base/history.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "base/time.h"
#include "ctl/object.h"
#include "ctl/run.h"
#include "kube/patch.h"
#include "source/absence.h"
#include "source/env.h"
#include "source/look.h"
#include "store/store.h"

#include <string.h>

int artifact_dir(const struct item *i, char dir[STORE_DIR_MAX], struct err *err)
{
	return store_dir_format(dir, i->c->kind->name, i->ns, i->name, err);
}

/* The file in dir that the object's status names and that is this object's to keep, or NULL. */
static const char *path_of(const struct item *i, const json_t *obj, const char *dir)
{
	const char *path = obj_str(obj, "status", "artifact", "path");
	const char *finalizer = i->c->kind->finalizer;
	struct store_path parsed;
	struct err err = {0};

	/* A status may name a file of another kind or object. And what has lost our finalizer has
	   lost its files. */
	if (!path || store_path_parse(&parsed, path, &err) || parsed.latest ||
		strcmp(parsed.dir, dir) != 0 ||
		(object_deleting(obj) && finalizer && !kube_has_finalizer(obj, finalizer)))
		return NULL;
	return path;
}

static bool is_same(const char *a, const char *b)
{
	return a && b && !strcmp(a, b);
}

/* Before the new one is read. */
static void revision_keep(struct artifact_item *a, const char *now)
{
	if (a->item.c->opts.keep_history && a->revision && *a->revision &&
		strcmp(a->revision, now) != 0)
		history_add(&a->revisions, ARTIFACT_REVISIONS, a->since_ms, a->revision, "");
}

static void artifact_read(struct artifact_item *a, const json_t *obj, const char *dir)
{
	const char *path = path_of(&a->item, obj, dir);
	const char *revision = obj_str_or("", obj, "status", "artifact", "revision");
	const char *since = obj_str_or("", obj, "status", "artifact", "lastUpdateTime");
	struct err err = {0};

	revision_keep(a, revision);
	a->path_is_new = path && !is_same(a->path, path);
	free(a->path);
	free(a->revision);
	a->path = mem_strdup(path);
	a->revision = mem_strdup(revision);
	absence_revised(a);
	if (time_parse_rfc3339(since, &a->since_ms, &err))
		a->since_ms = 0;
	if (digest_parse(&a->digest, obj_str_or("", obj, "status", "artifact", "digest"), &err))
		a->digest = (struct digest){0};
}

const char *artifact_revision(const struct item *i)
{
	return CONTAINER_OF(i, const struct artifact_item, item)->revision;
}

bool artifact_is_missing(const struct artifact_item *a)
{
	struct store_file f;

	if (!a->path || a->digest.algo == DIGEST_NONE || is_same(a->lost_path, a->path))
		return false;
	/* Who leads writes the status before it replaces a file; who follows is told of the other
	   bytes by the status. */
	return !store_known(SOURCE_ENV(a->item.c)->store, a->path, &f) ||
		(a->item.c->follows && !digest_equal(&f.digest, &a->digest));
}

struct artifact_item *artifact_of_dir(struct controller *c, const char *dir)
{
	size_t n = strlen(c->kind->name);
	struct item *i;

	/* KIND/NS/NAME */
	if (strncmp(dir, c->kind->name, n) != 0 || dir[n] != '/')
		return NULL;
	i = item_find(c, dir + n + 1);
	return i ? ARTIFACT_ITEM(i) : NULL;
}

void artifact_file_lost(struct controller *c, const char *path)
{
	struct store_path p;
	struct err err = {0};
	struct artifact_item *a =
		store_path_parse(&p, path, &err) ? NULL : artifact_of_dir(c, p.dir);

	if (a)
		item_due(&a->item);
}

/* ---- hooks ----------------------------------------------------------------------------------- */

static void item_added(struct item *i, const json_t *obj)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);
	struct store *store = SOURCE_ENV(i->c)->store;
	char dir[STORE_DIR_MAX];
	struct err err = {0};

	list_init(&a->look_link);
	a->revision = mem_strdup("");
	if (artifact_dir(i, dir, &err))
		return;
	store_claim(store, dir);
	/* Nobody fetches the file of an object that goes. */
	if (object_deleting(obj))
		return;
	artifact_read(a, obj, dir);
	if (!a->path)
		return;
	store_promise(store, a->path);
	a->look_wanted = true;
}

static void item_stored(struct item *i, const json_t *obj)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);
	auto_free char *before = i->c->follows ? mem_strdup(a->path) : NULL;
	char dir[STORE_DIR_MAX];
	struct err err = {0};

	if (artifact_dir(i, dir, &err))
		return;
	artifact_read(a, obj, dir);
	store_set_current(SOURCE_ENV(i->c)->store, dir, a->path);
	/* Nobody brings any more what no status names. */
	if (before && !is_same(before, a->path))
		store_promise_end(SOURCE_ENV(i->c)->store, before);
	if (!a->look_wanted) {
		/* Nobody is told that there is no such file while a run has yet to begin. */
		if (i->c->follows && !i->deleting && artifact_is_missing(a)) {
			store_differs(SOURCE_ENV(i->c)->store, a->path);
			store_promise(SOURCE_ENV(i->c)->store, a->path);
		}
		return;
	}
	a->look_wanted = false;
	if (a->digest.algo != DIGEST_NONE)
		look_add(a);
	else if (a->path) /* no artifact, as the run will see it as well */
		store_promise_end(SOURCE_ENV(i->c)->store, a->path);
}

/* Where somebody else has put another artifact into the status (a backup, a migration), its file
   may be missing. */
static void item_told(struct item *i)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);

	if ((!a->path_is_new && !i->c->follows) || !artifact_is_missing(a))
		return;
	/* What the status has named until now nobody asks for any more. */
	if (i->c->follows && a->path_is_new)
		queue_cancel(&i->queue_item, CAUSE_CHANGED);
	store_promise(SOURCE_ENV(i->c)->store, a->path);
	item_due(i);
}

static bool item_busy(const struct item *i)
{
	return look_is_on(ARTIFACT_ITEM(i));
}

static void item_renewed(struct item *i)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);

	free(MOVE(a->lost_path));
	a->lost_times = 0;
	a->restore_next = false;
}

static void item_confirm_cancel(struct artifact_item *a)
{
	char dir[STORE_DIR_MAX];
	struct err err = {0};

	if (!a->confirm)
		return;
	op_drop(MOVE(a->confirm));
	if (!artifact_dir(&a->item, dir, &err))
		store_confirmed(SOURCE_ENV(a->item.c)->store, dir, false);
}

static void item_stop(struct item *i)
{
	look_cancel(ARTIFACT_ITEM(i));
	item_confirm_cancel(ARTIFACT_ITEM(i));
}

/* Deleted, or not in our shard any more: if the object lives on elsewhere its files stay for a
   while, and are swept then. */
static void item_gone(struct item *i)
{
	char dir[STORE_DIR_MAX];
	struct err err = {0};

	if (!artifact_dir(i, dir, &err))
		store_disown(SOURCE_ENV(i->c)->store, dir);
}

static void item_clear(struct item *i)
{
	struct artifact_item *a = ARTIFACT_ITEM(i);

	free(a->path);
	free(a->revision);
	free(a->revisions);
	free(a->lost_path);
	free(a->lost_why);
	free(a->signer);
	free(a->ruled);
	absence_end(a);
	metric_remove(a->login_hits);
	metric_remove(a->login_misses);
}

static enum lane item_lane(const struct item *i)
{
	const struct artifact_item *a = ARTIFACT_ITEM(i);

	if (artifact_is_missing(a))
		return LANE_RESTORE;
	if (i->suspended)
		return LANE_LOCAL;
	/* Whoever has no artifact yet will want to pull. */
	return a->path ? LANE_CHECK : LANE_FRESH;
}

static bool item_restores(const struct item *i)
{
	const struct artifact_item *a = ARTIFACT_ITEM(i);

	return a->restore_next || (i->suspended && artifact_is_missing(a));
}

static bool item_missing(const struct item *i)
{
	return artifact_is_missing(ARTIFACT_ITEM(i));
}

const struct item_hooks artifact_item_hooks = {
	.added = item_added,
	.stored = item_stored,
	.told = item_told,
	.busy = item_busy,
	.renewed = item_renewed,
	.stop = item_stop,
	.gone = item_gone,
	.free = item_clear,
	.lane = item_lane,
	.restores = item_restores,
	.missing = item_missing,
};
