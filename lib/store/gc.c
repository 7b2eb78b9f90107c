/* Retention and removal: what goes is decided on the index, and done in a worker. */
#include "store/gc.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"

#include <stdio.h>
#include <string.h>

#define CHOOSE_AT_ONCE 64

/* ---- what goes */

bool going_may(const struct store_entry *e)
{
	return e->there && e->superseded && !index_is_current(e) && !e->promised && !e->held &&
		!e->refs;
}

void going_add(struct store *s, struct going *g, struct store_entry *e)
{
	*vec_add(&g->entries) = e;
	*vec_add(&g->paths) = mem_printf("%s/%s", e->object->dir, e->file);
	/* 404 from now on, so that nobody is given a file that is going. */
	e->refs++;
	index_not_there(&s->index, e);
}

int going_run(
	struct going *g, const struct store_root *root, const atomic_bool *stop, struct err *err)
{
	for (; g->removed < g->paths.len && !*stop; g->removed++)
		if (store_root_remove(root, g->paths.p[g->removed], err))
			return -1;
	return 0;
}

void going_done(struct store *s, struct going *g)
{
	size_t i;

	for (i = 0; i < g->entries.len; i++) {
		struct store_entry *e = g->entries.p[i];

		e->refs--;
		if (i >= g->removed) { /* still on disk: another run tries again */
			if (!e->there)
				index_there(&s->index, e, &e->f);
		} else {
			s->removed++;
			/* Published anew before the name went: the file is gone, and the object's
			   next run brings it. */
			if (e->there)
				index_not_there(&s->index, e);
			if (index_is_current(e))
				index_promise(&s->index, e, true, false);
		}
		index_entry_settle(&s->index, e);
	}
}

void going_clear(struct going *g)
{
	char **path;

	vec_each (&g->paths, path) {
		free(*path);
	}
	vec_clear(&g->paths);
	vec_clear(&g->entries);
}

/* ---- which of one object's files */

static bool entry_is_older(const struct store_entry *a, const struct store_entry *b)
{
	return a->superseded_at < b->superseded_at;
}

/* Which files of the object go now, at most `max` of them. Returns how many were put in `out`. */
static size_t entries_choose(const struct store_object *o, unsigned records, uint64_t ttl_ms,
	uint64_t now, struct store_entry **out, size_t max)
{
	struct list *at, *beside;
	size_t n = 0;
	unsigned newer;

	list_each (&o->entries, at) {
		struct store_entry *e = index_entry_at(at);

		if (n == max)
			break;
		if (!going_may(e))
			continue;
		newer = 0;
		list_each (&o->entries, beside) {
			const struct store_entry *other = index_entry_at(beside);

			if (other != e && other->there &&
				(!other->superseded || entry_is_older(e, other) ||
					(!entry_is_older(other, e) && other < e)))
				newer++;
		}
		if (newer >= records || now - e->superseded_at > ttl_ms)
			out[n++] = e;
	}
	return n;
}

struct retain {
	struct job job;
	struct going going;
	struct store_path
		current; /* what the latest link is for, when what goes may be what it names */
};

static int retain_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct retain *r = (struct retain *)job;

	if (going_run(&r->going, job->root, stop, err))
		return -1;
	if (*r->current.file)
		store_root_link(job->root, &r->current);
	return 0;
}

static void retain_done(struct job *job)
{
	going_done(job->store, &((struct retain *)job)->going);
}

static void retain_free(struct job *job)
{
	going_clear(&((struct retain *)job)->going);
}

struct op *store_retain_start(struct store *s, const char *dir)
{
	static const struct job_type type = {
		"store retain", WORK_SHORT, retain_run, retain_done, retain_free, false};
	struct store_object *o = index_object(&s->index, dir);
	struct retain *r = job_new(s, struct retain, &type);
	struct store_entry *go[CHOOSE_AT_ONCE];
	size_t i, n = 0;

	if (o) {
		n = entries_choose(o, s->records, s->ttl_ms, clock_ms(), go, CHOOSE_AT_ONCE);
		snprintf(r->current.dir, sizeof(r->current.dir), "%s", dir);
		snprintf(r->current.file, sizeof(r->current.file), "%s", o->current);
	}
	for (i = 0; i < n; i++)
		going_add(s, &r->going, go[i]);
	return n ? job_start(&r->job) : job_nothing(&r->job);
}

/* ---- whole folders */

struct removal {
	struct job job;
	VEC(char *) dirs;
	size_t removed;
};

static int removal_run(struct job *job, const atomic_bool *stop, struct err *err)
{
	struct removal *r = (struct removal *)job;

	for (; r->removed < r->dirs.len && !*stop; r->removed++)
		if (store_root_remove_dir(job->root, r->dirs.p[r->removed], err))
			return -1;
	return 0;
}

/* Every file of the object is gone, or about to go: nothing of it is served. */
static void forget_files(struct store *s, const char *dir)
{
	struct store_object *o = index_object(&s->index, dir);
	struct list *at;

	if (!o) {
		store_check_ready(s);
		return;
	}
	list_each (&o->entries, at) {
		struct store_entry *e = index_entry_at(at);

		if (e->there)
			s->removed++;
		if (e->held && e->prepared.fd >= 0) {
			store_temp_discard(s, &e->prepared);
			e->held = false;
		}
		index_not_there(&s->index, e);
		index_promise(&s->index, e, false, false);
	}
	store_check_ready(s);
}

static void settle_all(struct store *s, const char *dir)
{
	struct store_object *o = index_object(&s->index, dir);
	struct list *at, *next;

	if (!o)
		return;
	if (list_empty(&o->entries)) {
		index_object_settle(&s->index, o);
		return;
	}
	/* With its last entry the object may go as well; its address is only compared then. */
	for (at = o->entries.next; at != &o->entries; at = next) {
		next = at->next;
		index_entry_settle(&s->index, index_entry_at(at));
	}
}

/* What could not be removed is found by the next removal of the same folder; the index keeps the
   object for that. */
static void removal_done(struct job *job)
{
	struct removal *r = (struct removal *)job;
	size_t i;

	for (i = 0; i < r->removed; i++)
		settle_all(job->store, r->dirs.p[i]);
}

static void removal_free(struct job *job)
{
	struct removal *r = (struct removal *)job;
	char **dir;

	vec_each (&r->dirs, dir) {
		free(*dir);
	}
	vec_clear(&r->dirs);
}

/* Of one object: goes on when it is cancelled, for half a folder would stay that nobody knows
   of. */
static const struct job_type remove_type = {
	"store remove", WORK_SHORT, removal_run, removal_done, removal_free, true};
/* Of any number of folders. */
static const struct job_type sweep_type = {
	"store sweep", WORK_SHORT, removal_run, removal_done, removal_free, false};

struct op *store_remove_start(struct store *s, const char *dir)
{
	struct removal *r = job_new(s, struct removal, &remove_type);

	store_disown(s, dir);
	forget_files(s, dir);
	*vec_add(&r->dirs) = mem_strdup(dir);
	/* Also when the index has nothing: a temporary or a foreign file may be left in the
	   folder. */
	return job_start(&r->job);
}

static bool is_of_any(const char *dir, const char *const kinds[])
{
	size_t n = strcspn(dir, "/");

	while (*kinds && (strlen(*kinds) != n || memcmp(*kinds, dir, n) != 0))
		kinds++;
	return *kinds != NULL;
}

struct op *store_sweep_start(struct store *s, const char *const spared[], uint64_t grace_ms)
{
	struct removal *r = job_new(s, struct removal, &sweep_type);
	uint64_t now = clock_ms();
	const char *dir;
	void *value;
	size_t at = 0;

	while (s->index.listed && map_next(&s->index.objects, &at, &dir, &value)) {
		struct store_object *o = value;

		if (!o->claimed && now - o->ownerless_at >= grace_ms && !is_of_any(dir, spared))
			*vec_add(&r->dirs) = mem_strdup(dir);
	}
	for (at = 0; at < r->dirs.len; at++)
		forget_files(s, r->dirs.p[at]);
	return r->dirs.len ? job_start(&r->job) : job_nothing(&r->job);
}

unsigned store_sweep_result(const struct op *op)
{
	return (unsigned)((const struct removal *)(const void *)op)->removed;
}
