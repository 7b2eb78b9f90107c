#include "controllers/imagepolicy/choice.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/op.h"
#include "ev/work.h"
#include "image/exclude.h"
#include "image/tags.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TAGS_AT_ONCE 1024 /* between two looks whether anybody waits */
#define TAG_SIZE 40 /* bytes of a line of the file, about */

struct choice_job {
	const struct store_root *root;
	char *ns, *name, *image, *before;
	char *range, *pattern, *extract, *pin, *skip;
	struct choose_rules rules; /* the texts are those above */
	bool has; /* the catalog believes the file, and it is of this image */
	int64_t age_s, now_s;
	struct image_exclude exclude;
	struct choice out;
};

/* ---- on a worker ----------------------------------------------------------------------------- */

/* What is fed with tags, and what was met on the way. */
struct feed {
	struct choose *c;
	const char *add; /* a tag that the list lacks, and is to be fed at its place; NULL: none */
	const char *look; /* and one that is looked for */
	bool met;
};

static int feed_tag(struct feed *f, const char *tag, int64_t seen_s, struct err *err)
{
	if (f->add && strcmp(f->add, tag) > 0 && choose_tag(f->c, MOVE(f->add), 0, err))
		return -1;
	f->met = f->met || (f->look && !strcmp(f->look, tag));
	return choose_tag(f->c, tag, seen_s, err);
}

/* Tags that were there before we looked first are of any age. A list counts when all of it was
   read: only then it is known to be whole. */
static int feed_list(struct choice_job *j, struct image_tags *t, struct feed *f,
	const atomic_bool *stop, struct err *err)
{
	int64_t began_s = image_tags_head(t)->began_s;
	struct err failed = {0};
	struct image_tag tag;
	uint64_t n = 0;
	int rc;

	while ((rc = image_tags_next(t, &tag, err)) > 0) {
		int64_t seen_s = tag.seen_s <= began_s ? 0 : tag.seen_s;

		if (++n % TAGS_AT_ONCE == 0 && atomic_load(stop))
			return err_set(err, ERR_CANCELED, "nobody waits for it");
		if (failed.kind == ERR_NONE)
			(void)!feed_tag(f, tag.tag, seen_s, &failed);
	}
	if (rc < 0)
		return -1;
	j->out.read = true;
	j->out.empty = !n;
	if (failed.kind == ERR_NONE && f->add)
		(void)!choose_tag(f->c, MOVE(f->add), 0, &failed);
	if (failed.kind == ERR_NONE)
		return 0;
	*err = failed;
	return -1;
}

/* Until the next scan the tags may be those of the image before. */
static int list_open(const struct choice_job *j, struct image_tags **t, struct err *err)
{
	if (!j->has)
		return err_code(err, ERR_RETRY, -ENOENT, "there are no tags of this image");
	if (image_tags_open(t, j->root, j->ns, j->name, err))
		return -1;
	if (!strcmp(image_tags_head(*t)->image, j->image))
		return 0;
	image_tags_close(MOVE(*t));
	return err_code(err, ERR_RETRY, -ENOENT, "the tags are those of another image");
}

/* One walk over the list. *all, with rules.all: after a success. */
static int choice_walk(struct choice_job *j, struct feed *f, struct choose_result *res,
	struct choose_list **all, const atomic_bool *stop, struct err *err)
{
	struct image_tags *t = NULL;
	int rc;

	if (choose_new(&f->c, &j->rules, err))
		return -1;
	rc = list_open(j, &t, err);
	if (!rc)
		rc = feed_list(j, t, f, stop, err);
	if (!rc)
		rc = choose_end(f->c, res, err);
	if (!rc && j->rules.all)
		*all = choose_list_new(f->c);
	image_tags_close(t);
	choose_free(f->c);
	return rc;
}

static bool choice_excludes(const struct choice_job *j)
{
	struct image_filter filter;
	struct err ignored;
	bool excludes;

	if (image_filter_init(&filter, &j->exclude, &ignored))
		return false;
	excludes = image_filter_excludes(&filter, j->before, &ignored) > 0;
	image_filter_clear(&filter);
	return excludes;
}

/* The list lacks the tag that won before. Would it win still? */
static bool choice_is_behind(struct choice_job *j, const atomic_bool *stop)
{
	struct feed f = {.add = j->before};
	struct choose_result res;
	struct err ignored;

	return !choice_excludes(j) && !choice_walk(j, &f, &res, NULL, stop, &ignored) &&
		!strcmp(res.tag, j->before);
}

/* The same by build time, which nobody knows here: it takes part, where it may. */
static void choice_add_before(struct choice_job *j, const atomic_bool *stop)
{
	struct feed f = {.add = j->before};
	auto_free struct choose_list *with = NULL;
	struct choose_result res;
	struct err ignored;
	size_t i;

	if (choice_excludes(j) || choice_walk(j, &f, &res, &with, stop, &ignored))
		return;
	for (i = 0; i < with->len && strcmp(with->tags[i], j->before) != 0; i++)
		;
	if (i == with->len)
		return;
	j->out.behind = !j->out.list;
	if (j->out.behind)
		return;
	free(j->out.list);
	j->out.list = MOVE(with);
	j->out.absent = i;
}

static int choice_run(void *job, const atomic_bool *stop, struct err *err)
{
	struct choice_job *j = job;
	struct feed f = {.look = j->before};
	struct choose_result *res = &j->out.result;
	int rc = choice_walk(j, &f, res, &j->out.list, stop, err);

	if (res->young_s)
		j->out.next_ms = (uint64_t)(res->young_s + j->age_s - j->now_s) * 1000;
	if (!j->out.read || !j->before || f.met)
		return rc;
	if (j->rules.all)
		choice_add_before(j, stop);
	else
		j->out.behind = choice_is_behind(j, stop);
	return rc;
}

/* ---- on the loop ----------------------------------------------------------------------------- */

static void choice_free(void *job)
{
	struct choice_job *j = job;

	image_exclude_clear(&j->exclude);
	free(j->ns);
	free(j->name);
	free(j->image);
	free(j->before);
	free(j->range);
	free(j->pattern);
	free(j->extract);
	free(j->pin);
	free(j->skip);
	free(j->out.list);
	free(j);
}

static void rules_copy(struct choice_job *j, const struct imagepolicy_spec *s)
{
	j->now_s = clock_wall_ms() / 1000;
	j->age_s = (s->age_ms + 999) / 1000;
	j->rules = imagepolicy_rules(s, j->now_s);
	j->rules.range = j->range = mem_strdup(s->range);
	j->rules.pattern = j->pattern = mem_strdup(s->pattern);
	j->rules.extract = j->extract = mem_strdup(s->extract);
	j->rules.pin = j->pin = mem_strdup(s->pin);
	j->rules.skip = j->skip = mem_strdup(s->skip);
}

struct op *choice_start(struct loop *loop, const struct choice_req *req)
{
	struct choice_job *j = NEW(struct choice_job);
	uint64_t size = req->entry->has ? req->entry->head.count * TAG_SIZE : 0;

	j->out.absent = CHOICE_NONE;
	j->root = req->root;
	j->ns = mem_strdup(req->entry->ns);
	j->name = mem_strdup(req->entry->name);
	j->image = mem_strdup(req->entry->canonical);
	j->has = req->entry->has && !strcmp(req->entry->head.image, req->entry->canonical);
	j->before = mem_strdup(req->before);
	image_exclude_copy(&j->exclude, &req->entry->facts.exclude);
	rules_copy(j, req->spec);
	return work_start_for(loop, work_lane_of(size), req->owner, choice_run, choice_free, j);
}

void choice_take(struct op *op, struct choice *out)
{
	struct choice_job *j = work_job(op);

	*out = j->out;
	j->out.list = NULL;
}
