#include "store/store.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/sys.h"
#include "store/internal.h"

#include <string.h>

/* ---- open and close */

static void restore_late(void *arg)
{
	struct store *s = arg;

	s->late = true;
	store_check_ready(s);
}

struct store *store_open(struct loop *l, const struct store_opts *opts, struct err *err)
{
	struct store *s = NEW(struct store);

	BUG_IF(!opts->retention_records);
	if (store_root_open(&s->root, opts->root, err)) {
		free(s);
		return NULL;
	}
	s->loop = l;
	s->records = opts->retention_records;
	s->ttl_ms = opts->retention_ttl_ms;
	s->restore_ms = opts->restore_ms;
	s->on_lost = opts->on_lost;
	s->on_unknown = opts->on_unknown;
	s->on_room = opts->on_room;
	s->on_full = opts->on_full;
	s->scrub.rate = opts->scrub_rate;
	s->scrub.file.fd = -1;
	s->quota.max = opts->quota;
	s->arg = opts->arg;
	list_init(&s->lost);
	index_init(&s->index, l);
	timer_init(&s->restore_timer, l, restore_late, s);
	return s;
}

/* The next one to tell of, for the caller to free; NULL: there is none. */
static struct lost *lost_take(struct store *s)
{
	struct list *at = list_first(&s->lost);

	if (!at)
		return NULL;
	list_out(at);
	return CONTAINER_OF(at, struct lost, link);
}

/* The last job of a store that was closed is gone. */
static void store_free(struct store *s)
{
	struct lost *lost;

	while ((lost = lost_take(s)))
		free(lost);
	defer_cancel(s->loop, &s->lost_defer);
	timer_cancel(&s->restore_timer);
	sys_close(s->scrub.file.fd);
	digest_ctx_clear(&s->scrub.file.ctx);
	index_clear(&s->index);
	store_root_close(&s->root);
	free(s);
}

void store_job_gone(struct store *s)
{
	if (!--s->jobs && s->closed)
		store_free(s);
}

void store_close(struct store *s)
{
	if (!s)
		return;
	s->closed = true;
	s->on_lost = NULL;
	s->on_unknown = NULL;
	s->on_room = s->on_full = NULL;
	timer_cancel(&s->saver.timer);
	op_drop(MOVE(s->saver.op));
	timer_cancel(&s->volume.timer);
	op_drop(MOVE(s->volume.op));
	op_drop(MOVE(s->rescan));
	timer_cancel(&s->scrub.timer);
	timer_cancel(&s->quota.timer);
	op_drop(MOVE(s->scrub.op));
	if (s->scrub.walking)
		index_walk_end(&s->scrub.walk);
	if (!s->jobs)
		store_free(s);
}

const struct store_root *store_root(const struct store *s)
{
	return &s->root;
}

/* ---- readiness */

void store_check_ready(struct store *s)
{
	if (s->ready || !s->index.listed)
		return;
	s->ready = s->late || (s->scanned && !s->index.open);
	if (s->ready)
		timer_cancel(&s->restore_timer);
}

void store_expect(struct store *s)
{
	s->expected += !s->index.listed;
}

void store_listed(struct store *s)
{
	if (s->expected)
		s->expected--;
	if (s->expected || s->index.listed)
		return;
	s->index.listed = true;
	timer_set(&s->restore_timer, s->restore_ms);
	index_wake(&s->index, &s->index.early);
	s->quota.counted = false; /* files may give way from now on */
	store_check_ready(s);
}

bool store_ready(const struct store *s)
{
	return s->ready;
}

/* ---- objects */

void store_claim(struct store *s, const char *dir)
{
	index_object_make(&s->index, dir)->claimed = true;
}

void store_disown(struct store *s, const char *dir)
{
	struct store_object *o = index_object(&s->index, dir);

	if (!o)
		return;
	if (o->claimed)
		o->ownerless_at = clock_ms();
	o->claimed = false;
	store_set_current(s, dir, NULL);
}

void store_set_current(struct store *s, const char *dir, const char *path)
{
	struct store_object *o = index_object_make(&s->index, dir);
	struct store_path p = {.file = ""};
	struct list *at;
	struct err err;

	/* A status can name anything; what is no path of this folder is never on disk, so nothing
	   is current. */
	if (path && (store_path_parse_file(&p, path, &err) || strcmp(p.dir, dir)))
		p.file[0] = '\0';
	snprintf(o->current, sizeof(o->current), "%s", p.file);
	list_each (&o->entries, at) {
		struct store_entry *e = index_entry_at(at);

		if (index_is_current(e)) {
			e->superseded = false;
		} else if (e->there && !e->superseded) {
			e->superseded = true;
			e->superseded_at = clock_ms();
			index_changed(&s->index);
		}
	}
	index_wake(&s->index, &s->index.unknown);
	index_object_settle(&s->index, o);
}

/* NULL when the path is not one, or unknown. */
static struct store_entry *find(const struct store *s, const char *path)
{
	struct store_path p;
	struct err err;

	if (store_path_parse_file(&p, path, &err))
		return NULL;
	return index_entry(index_object(&s->index, p.dir), p.file);
}

bool store_is_current(const struct store *s, const char *path)
{
	struct store_path p;
	struct err err;
	struct store_object *o;

	if (store_path_parse(&p, path, &err))
		return false;
	o = index_object(&s->index, p.dir);
	return o && !strcmp(o->current, p.file);
}

/* ---- promises */

void store_promise(struct store *s, const char *path)
{
	struct store_path p;
	struct store_entry *e;
	struct err err;

	if (store_path_parse_file(&p, path, &err))
		return;
	e = index_entry_make(index_object_make(&s->index, p.dir), p.file);
	if (!e->promised && (e->wrong || !index_is_known(e)))
		index_promise(&s->index, e, true, false);
	index_wake(&s->index, &s->index.unknown);
}

void store_differs(struct store *s, const char *path)
{
	struct store_entry *e = find(s, path);

	if (!e || !e->there)
		return;
	e->wrong = true;
	if (index_is_current(e))
		index_promise(&s->index, e, true, e->failed);
}

void store_promise_failed(struct store *s, const char *path)
{
	struct store_entry *e = find(s, path);

	if (e && e->promised)
		index_promise(&s->index, e, true, true);
	store_check_ready(s);
}

void store_promise_end(struct store *s, const char *path)
{
	struct store_entry *e = find(s, path);

	if (!e)
		return;
	index_promise(&s->index, e, false, false);
	index_entry_settle(&s->index, e);
	store_check_ready(s);
}

static void tell_lost(void *arg)
{
	struct store *s = arg;
	struct lost *lost;

	while ((lost = lost_take(s))) {
		if (s->on_lost)
			s->on_lost(s->arg, lost->path);
		free(lost);
	}
}

void store_tell_lost(struct store *s, const struct store_entry *e)
{
	struct lost *lost = NEW(struct lost);
	struct store_path p;

	snprintf(p.dir, sizeof(p.dir), "%s", e->object->dir);
	snprintf(p.file, sizeof(p.file), "%s", e->file);
	store_path_format(&p, lost->path);
	list_add(&s->lost, &lost->link);
	defer_queue(s->loop, &s->lost_defer, tell_lost, s);
}

void store_lose(struct store *s, struct store_entry *e, bool tell)
{
	if (tell) {
		/* A request has found no file, or another one in its place, which has to go some
		   day: the next check or the retention does it. */
		e->wrong = true;
		index_wake(&s->index, &e->waits);
	} else {
		index_not_there(&s->index, e);
	}
	/* Its status still names it: wait for the restore instead of a 404. */
	if (index_is_current(e))
		index_promise(&s->index, e, true, false);
	if (tell)
		store_tell_lost(s, e);
	index_entry_settle(&s->index, e);
}

bool store_known(const struct store *s, const char *path, struct store_file *out)
{
	struct store_entry *e = find(s, path);

	if (!e || e->wrong || !index_is_known(e))
		return false;
	*out = e->f;
	return true;
}

void store_stats(const struct store *s, struct store_stats *out)
{
	*out = (struct store_stats){
		.objects = s->index.objects.len,
		.files = s->index.there,
		.bytes = s->index.bytes,
		.promised = s->index.promised,
		.waiting = s->index.waiting,
		.published = s->published,
		.removed = s->removed,
		.jobs = s->jobs,
		.remembered = s->remembered,
		.quota = s->quota.max,
		.reserved = s->quota.reserved,
		.refused = s->quota.refused,
		.scrubbed = s->scrub.bytes,
		.wrong = s->scrub.wrong,
	};
}
