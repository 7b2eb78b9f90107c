/* The jobs on files of tags. Those of one object take turns: each goes by what the one before has
   left on the disk. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "ev/task.h"
#include "ev/work.h"
#include "image/catalog_internal.h"
#include "image/tags.h"
#include "store/root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A tag in a list, with what the list needs for it. */
#define PUSHED_SIZE (OCI_TAG_MAX + 1 + 2 * sizeof(uint32_t))

enum kind { LOOK, WRITE, ADD, REMOVE };

struct line {
	char *key;
	struct list works; /* the first one has its turn */
};

struct catalog_work {
	struct task task;
	struct image_catalog *c;
	enum kind kind;
	bool begun;
	char *key;
	struct line *line;
	struct list link;
	uint64_t since_ms;
	struct image_tags_job job;
	/* Of an addition: its own. */
	struct image_tags_list added;
	struct image_exclude exclude;
	struct image_filter filter;
	char *told; /* of a look: the revision to find; NULL: any */
	/* What the worker says. */
	bool did; /* it has done it, whether or not somebody has cancelled since */
	bool found; /* there is such a file */
};

/* ---- on a worker ----------------------------------------------------------------------------- */

static int look_run(struct catalog_work *w, const atomic_bool *stop, struct err *err)
{
	char revision[DIGEST_TEXT_MAX];
	struct image_tags *t;
	struct image_tag tag;
	unsigned n = 0;
	int rc;

	if (image_tags_open(&t, w->job.root, w->job.ns, w->job.name, err))
		return -1;
	while ((rc = image_tags_next(t, &tag, err)) > 0)
		if (!(++n % 4096) && *stop) {
			rc = err_set(err, ERR_CANCELED, "canceled");
			break;
		}
	w->job.head = *image_tags_head(t);
	image_tags_close(t);
	if (!rc && w->told && strcmp(digest_format(&w->job.head.revision, revision), w->told) != 0)
		rc = err_code(err, ERR_RETRY, -ENOENT, "the status tells of other tags");
	w->found = !rc;
	return rc;
}

static int add_run(struct catalog_work *w, const atomic_bool *stop, struct err *err)
{
	if (image_filter_init(&w->filter, &w->exclude, err) || image_tags_write(&w->job, stop, err))
		return -1;
	return 0;
}

static int remove_run(struct catalog_work *w, struct err *err)
{
	char folder[STORE_DIR_MAX];

	if (image_tags_folder(folder, w->job.ns, w->job.name, err))
		return -1;
	return store_root_remove_in(w->job.root, folder, w->job.name, err);
}

static int work_run(void *arg, const atomic_bool *stop, struct err *err)
{
	struct catalog_work *w = arg;
	int rc;

	switch (w->kind) {
	case LOOK:
		rc = look_run(w, stop, err);
		break;
	case WRITE:
		rc = image_tags_write(&w->job, stop, err);
		break;
	case ADD:
		rc = add_run(w, stop, err);
		break;
	default:
		rc = remove_run(w, err);
	}
	w->did = !rc;
	return rc;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static enum step_ret turn_look(struct task *t)
{
	struct catalog_work *w = TASK(t, struct catalog_work);

	return list_first(&w->line->works) == &w->link ? STEP_NEXT : task_pause(t);
}

/* What was pushed while the scan was on its way it may not have seen. */
static int pushed_add(struct catalog_work *w, struct err *err)
{
	struct image_entry *e = catalog_entry(w->c, w->key);
	struct image_pushed *p;
	size_t n = 0;

	if (!e || strcmp(e->canonical, w->job.head.image) != 0)
		return 0;
	w->job.list->budget += e->pushed.len * PUSHED_SIZE;
	vec_each (&e->pushed, p)
		if (p->at_ms >= w->since_ms) {
			if (image_tags_list_add(w->job.list, p->tag, err))
				return -1;
			e->pushed.p[n++] = *p;
		}
	e->pushed.len = n;
	return 0;
}

static enum step_ret work_begin(struct task *t)
{
	struct catalog_work *w = TASK(t, struct catalog_work);
	enum work_lane lane = WORK_HEAVY;

	w->begun = true;
	if (w->kind == WRITE && pushed_add(w, &t->err))
		return STEP_FAIL;
	if (w->kind == REMOVE)
		return task_wait(t, work_start(t->self.loop, WORK_SHORT, work_run, NULL, w));
	if (w->kind == WRITE)
		lane = work_lane_of(w->job.list->text.len);
	return task_wait(t, work_start_for(t->self.loop, lane, w->job.ns, work_run, NULL, w));
}

static bool look_found_none(struct catalog_work *w)
{
	const struct err *err = &w->task.err;

	if (w->kind != LOOK || err->kind == ERR_CANCELED)
		return false;
	if (err->code != -ENOENT)
		log_error(task_log(&w->task), "the tags that were stored are lost: a scan follows",
			LS("object", w->key), LE(err));
	return true;
}

static enum step_ret work_end(struct task *t)
{
	struct catalog_work *w = TASK(t, struct catalog_work);

	if (!task_op_failed(t))
		return STEP_NEXT;
	if (!look_found_none(w))
		return STEP_FAIL;
	t->err = (struct err){0};
	w->did = true;
	return STEP_NEXT;
}

/* Whatever has become of the task: what is on the disk counts. */
static enum step_ret leave_start(struct task *t)
{
	struct catalog_work *w = TASK(t, struct catalog_work);
	struct line *l = MOVE(w->line);

	list_out(&w->link);
	if (!list_empty(&l->works)) {
		task_wake(&CONTAINER_OF(list_first(&l->works), struct catalog_work, link)->task);
	} else {
		map_del(&w->c->lines, l->key);
		free(l->key);
		free(l);
	}
	if (w->did && !w->c->freed) {
		bool has = w->kind == LOOK ? w->found : w->kind != REMOVE;

		catalog_has(w->c, w->key, has ? &w->job.head : NULL);
	}
	return STEP_NEXT;
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void work_free(struct task *t)
{
	struct catalog_work *w = TASK(t, struct catalog_work);

	image_tags_list_clear(&w->added);
	image_exclude_clear(&w->exclude);
	image_filter_clear(&w->filter);
	free(w->job.ns);
	free(w->job.name);
	free(w->key);
	free(w->told);
	catalog_unref(w->c);
	free(w);
}

static struct catalog_work *work_new(
	struct image_catalog *c, enum kind kind, const char *ns, const char *name)
{
	static const struct step steps[] = {
		{"turn", turn_look, turn_look}, {"work", work_begin, work_end}, {0}};
	static const struct step last[] = {{"leave", leave_start, .always = true}, {0}};
	struct catalog_work *w = NEW(struct catalog_work);

	w->c = catalog_ref(c);
	w->kind = kind;
	w->key = mem_printf("%s/%s", ns, name);
	w->job.root = c->root;
	w->job.ns = mem_strdup(ns);
	w->job.name = mem_strdup(name);
	task_init(&w->task, c->loop, "tags", steps, last, work_free);
	return w;
}

static struct op *work_spawn(struct catalog_work *w)
{
	struct line *l = map_get(&w->c->lines, w->key);

	if (!l) {
		l = NEW(struct line);
		l->key = mem_strdup(w->key);
		list_init(&l->works);
		map_put(&w->c->lines, l->key, l);
	}
	w->line = l;
	list_add(&l->works, &w->link);
	return task_spawn(&w->task);
}

struct op *image_catalog_look_start(
	struct image_catalog *c, const char *ns, const char *name, const char *told)
{
	struct catalog_work *w = work_new(c, LOOK, ns, name);

	w->told = mem_strdup(told);
	return work_spawn(w);
}

struct op *image_catalog_write_start(struct image_catalog *c, const char *ns, const char *name,
	struct image_tags_list *list, struct image_filter *filter,
	const struct image_tags_head *head, uint64_t since_ms)
{
	struct catalog_work *w = work_new(c, WRITE, ns, name);

	w->job.list = list;
	w->job.filter = filter;
	w->job.head = *head;
	w->job.now_s = head->scanned_ms / 1000;
	w->since_ms = since_ms;
	return work_spawn(w);
}

const struct image_tags_job *image_catalog_written(const struct op *op)
{
	return &TASK_OF_OP(op, struct catalog_work)->job;
}

struct op *image_catalog_remove_start(struct image_catalog *c, const char *ns, const char *name)
{
	return work_spawn(work_new(c, REMOVE, ns, name));
}

void catalog_work_done(struct op *op, void *arg)
{
	(void)arg;
	op_free(op);
}

/* Whatever is on its way for this file says what is in it, too. */
void image_catalog_doubt(struct image_catalog *c, const char *ns, const char *name)
{
	auto_free char *key = mem_printf("%s/%s", ns, name);
	const struct image_entry *e = catalog_entry(c, key);

	if (e && e->has && !strcmp(e->head.image, e->canonical) && !map_get(&c->lines, key))
		op_then(image_catalog_look_start(c, ns, name, NULL), catalog_work_done, NULL);
}

/* The last one of its line, if that is an addition too and has not begun: whatever comes before it,
   it sees. */
static struct catalog_work *add_waiting(struct image_catalog *c, const struct image_entry *e)
{
	struct line *l = map_get(&c->lines, e->key);
	struct catalog_work *w = l ? CONTAINER_OF(l->works.prev, struct catalog_work, link) : NULL;

	return w && w->kind == ADD && !w->begun && !strcmp(w->job.head.image, e->canonical) ? w
											    : NULL;
}

static struct catalog_work *add_new(struct image_catalog *c, const struct image_entry *e)
{
	struct catalog_work *w = work_new(c, ADD, e->ns, e->name);

	image_tags_list_init(&w->added, CATALOG_PUSHED * (OCI_TAG_MAX + 64));
	image_exclude_copy(&w->exclude, &e->facts.exclude);
	memcpy(w->job.head.image, e->canonical, sizeof(w->job.head.image));
	w->job.list = &w->added;
	w->job.filter = &w->filter;
	w->job.add = true;
	op_then(work_spawn(w), catalog_work_done, NULL);
	return w;
}

void catalog_add(struct image_catalog *c, const struct image_entry *e, const char *tag)
{
	struct catalog_work *w = add_waiting(c, e);
	struct err ignored = {0};

	if (!w)
		w = add_new(c, e);
	w->job.now_s = clock_wall_ms() / 1000;
	(void)!image_tags_list_add(&w->added, tag, &ignored);
}
