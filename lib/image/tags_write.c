#include "image/tags_write.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "image/tags_format.h"
#include "store/root.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRITE_SIZE (64 * 1024)
#define LOOK_EVERY 4096 /* tags between two looks at the stop flag */

/* ---- the list -------------------------------------------------------------------------------- */

void image_tags_list_init(struct image_tags_list *l, uint64_t budget)
{
	*l = (struct image_tags_list){.text = BUF_INIT(UINT32_MAX), .budget = budget};
}

void image_tags_list_clear(struct image_tags_list *l)
{
	buf_clear(&l->text);
	vec_clear(&l->at);
}

uint64_t image_tags_list_size(const struct image_tags_list *l)
{
	return l->text.len + l->at.len * 2 * sizeof(uint32_t);
}

int image_tags_list_add(struct image_tags_list *l, const char *tag, struct err *err)
{
	size_t n = strlen(tag) + 1;

	if (image_tags_list_size(l) + n + 2 * sizeof(uint32_t) > l->budget ||
		buf_add(&l->text, tag, n))
		return err_code(err, ERR_RETRY, IMAGE_TAGS_OVER,
			"the %zu tags that were read until '%s' take more than %llu bytes",
			l->at.len, tag, (unsigned long long)l->budget);
	*vec_add(&l->at) = (uint32_t)(l->text.len - n);
	return 0;
}

static int list_compare(const void *a, const void *b, void *text)
{
	const char *base = text;

	return strcmp(base + *(const uint32_t *)b, base + *(const uint32_t *)a);
}

/* Descending, each once. */
static void list_sort(struct image_tags_list *l)
{
	size_t i, n = 0;

	if (!l->at.len)
		return;
	qsort_r(l->at.p, l->at.len, sizeof(*l->at.p), list_compare, l->text.p);
	for (i = 0; i < l->at.len; i++)
		if (!n || strcmp(l->text.p + l->at.p[n - 1], l->text.p + l->at.p[i]) != 0)
			l->at.p[n++] = l->at.p[i];
	l->at.len = n;
}

static int list_filter(
	struct image_tags_list *l, struct image_filter *f, const atomic_bool *stop, struct err *err)
{
	size_t i, n = 0;

	for (i = 0; f && i < l->at.len; i++) {
		int rc = image_filter_excludes(f, l->text.p + l->at.p[i], err);

		if (rc < 0)
			return -1;
		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		if (!rc)
			l->at.p[n++] = l->at.p[i];
	}
	if (f)
		l->at.len = n;
	return 0;
}

int image_tags_list_settle(
	struct image_tags_list *l, struct image_filter *f, const atomic_bool *stop, struct err *err)
{
	if (list_filter(l, f, stop, err))
		return -1;
	list_sort(l);
	return 0;
}

const char *image_tags_list_at(const struct image_tags_list *l, size_t i)
{
	return l->text.p + l->at.p[i];
}

/* ---- what the new file has, in order: twice, since its head comes first ---------------------- */

struct merge {
	struct image_tags_job *job;
	const struct image_tags_list *list;
	size_t at;
	struct image_tags *old; /* NULL: there is none */
	struct image_tag next; /* of the old one; tag NULL: it is at its end */
	char kept[OCI_TAG_MAX + 1]; /* given out, when the reader's own has gone on */
};

/* The clock was ahead, and is right now, or it is behind: what it said of the future would make
   tags too young, or of any age, for as long as that is away. */
static int64_t not_later(int64_t at_s, const struct image_tags_job *job)
{
	return at_s < job->now_s ? at_s : job->now_s;
}

static int merge_step(struct merge *m, struct err *err)
{
	int rc = m->old ? image_tags_next(m->old, &m->next, err) : 0;

	if (rc <= 0)
		m->next.tag = NULL;
	else
		m->next.seen_s = not_later(m->next.seen_s, m->job);
	return rc < 0 ? -1 : 0;
}

static void merge_end(struct merge *m)
{
	image_tags_close(MOVE(m->old));
}

/* When another image's tags were seen is nothing to this one's. */
static int old_open(struct image_tags **old, const struct image_tags_job *job, struct err *err)
{
	if (image_tags_open(old, job->root, job->ns, job->name, err)) {
		*old = NULL;
		return -1;
	}
	if (!strcmp(image_tags_head(*old)->image, job->head.image))
		return 0;
	image_tags_close(MOVE(*old));
	return err_set(err, ERR_RETRY, "the file of tags is of another image");
}

static int merge_begin(struct merge *m, struct image_tags_job *job, bool with_old, struct err *err)
{
	struct err none = {0};

	*m = (struct merge){.job = job, .list = job->list};
	if (with_old && old_open(&m->old, job, &none) && job->add) {
		*err = none;
		return -1;
	}
	if (merge_step(m, err)) {
		merge_end(m);
		return -1;
	}
	return 0;
}

/* 1: *out is one of the new file, borrowed until the next call. */
static int merge_next(struct merge *m, struct image_tag *out, struct err *err)
{
	const char *tag;
	int order;

	for (;;) {
		tag = m->at < m->list->at.len ? m->list->text.p + m->list->at.p[m->at] : NULL;
		if (!tag && (!m->next.tag || !m->job->add))
			return 0;
		order = !tag ? -1 : !m->next.tag ? 1 : strcmp(tag, m->next.tag);
		if (order > 0) { /* a new one */
			*out = (struct image_tag){tag, m->job->now_s};
			m->at++;
			return 1;
		}
		if (order == 0) {
			*out = (struct image_tag){tag, m->next.seen_s};
			m->at++;
			return merge_step(m, err) ? -1 : 1;
		}
		if (m->job->add) {
			snprintf(m->kept, sizeof(m->kept), "%s", m->next.tag);
			*out = (struct image_tag){m->kept, m->next.seen_s};
			return merge_step(m, err) ? -1 : 1;
		}
		if (merge_step(m, err)) /* it is gone from the registry */
			return -1;
	}
}

/* What is behind the last one counts, too: all of a file that is used has to be right. */
static int merge_rest(struct merge *m, struct err *err)
{
	while (m->next.tag)
		if (merge_step(m, err))
			return -1;
	return 0;
}

/* ---- first: count, revision, the latest ------------------------------------------------------ */

static int job_count(
	struct image_tags_job *job, bool with_old, const atomic_bool *stop, struct err *err)
{
	auto_digest_ctx struct digest_ctx h = {0};
	struct image_tag tag;
	struct merge m;
	int rc;

	if (merge_begin(&m, job, with_old, err))
		return -1;
	if (m.old)
		job->before = image_tags_head(m.old)->revision;
	if (m.old && job->add)
		job->head = *image_tags_head(m.old);
	else
		job->head.began_s = m.old ? image_tags_head(m.old)->began_s : job->now_s;
	job->head.began_s = not_later(job->head.began_s, job);
	job->head.count = 0;
	digest_ctx_init(&h, DIGEST_SHA256);
	while ((rc = merge_next(&m, &tag, err)) > 0) {
		if (job->head.count < IMAGE_TAGS_LATEST)
			snprintf(job->latest[job->head.count], sizeof(job->latest[0]), "%s",
				tag.tag);
		if (job->head.count == LIMIT_TAGS) {
			rc = err_set(err, ERR_RETRY, "there are more than %d tags", LIMIT_TAGS);
			break;
		}
		if (job->head.count++)
			digest_update(&h, "\n", 1);
		digest_update(&h, tag.tag, strlen(tag.tag));
		if (job->head.count % LOOK_EVERY == 0 && *stop) {
			rc = err_set(err, ERR_CANCELED, "canceled");
			break;
		}
	}
	if (!rc)
		rc = merge_rest(&m, err);
	digest_final(&h, &job->head.revision);
	merge_end(&m);
	return rc;
}

/* ---- then: the file -------------------------------------------------------------------------- */

struct out {
	int fd;
	struct digest_ctx hash;
	struct buf text;
};

static int out_flush(struct out *o, struct err *err)
{
	digest_update(&o->hash, o->text.p, o->text.len);
	if (sys_write_all(o->fd, o->text.p, o->text.len))
		return err_sys(err, "write the file of tags");
	buf_reset(&o->text);
	return 0;
}

static void out_head(struct out *o, const struct image_tags_head *h)
{
	char excluded[DIGEST_TEXT_MAX], revision[DIGEST_TEXT_MAX];

	buf_addf(&o->text,
		IMAGE_TAGS_MAGIC " " IMAGE_TAGS_VERSION
				 "\nimage %s\nexcluded %s\nbegan %lld\nscanned %lld\n"
				 "tags %llu\nrevision %s\n\n",
		h->image, digest_format(&h->excluded, excluded), (long long)h->began_s,
		(long long)h->scanned_ms, (unsigned long long)h->count,
		digest_format(&h->revision, revision));
}

static int out_tags(struct out *o, struct merge *m, const atomic_bool *stop, struct err *err)
{
	struct image_tag tag;
	int rc;

	while ((rc = merge_next(m, &tag, err)) > 0) {
		buf_addf(&o->text, "%s %lld\n", tag.tag, (long long)tag.seen_s);
		if (o->text.len < WRITE_SIZE)
			continue;
		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		if (out_flush(o, err))
			return -1;
	}
	return rc;
}

static int out_end(struct out *o, struct err *err)
{
	char text[DIGEST_TEXT_MAX];
	struct digest d;

	if (out_flush(o, err))
		return -1;
	digest_final(&o->hash, &d);
	buf_addf(&o->text, IMAGE_TAGS_END "%s\n", digest_format(&d, text));
	if (sys_write_all(o->fd, o->text.p, o->text.len))
		return err_sys(err, "write the file of tags");
	if (sys_fdatasync(o->fd))
		return err_sys(err, "sync the file of tags");
	return 0;
}

static int job_file(struct image_tags_job *job, bool with_old, struct out *o,
	const atomic_bool *stop, struct err *err)
{
	struct merge m;
	int rc;

	if (merge_begin(&m, job, with_old, err))
		return -1;
	out_head(o, &job->head);
	rc = out_tags(o, &m, stop, err);
	merge_end(&m);
	return rc ? rc : out_end(o, err);
}

static int job_publish(
	struct image_tags_job *job, bool with_old, const atomic_bool *stop, struct err *err)
{
	struct out o = {.text = BUF_INIT(BUF_ANY)};
	struct store_temp temp = STORE_TEMP_INIT;
	char folder[STORE_DIR_MAX];
	int rc;

	if (image_tags_folder(folder, job->ns, job->name, err) ||
		store_temp_new(job->root, &temp, err))
		return -1;
	o.fd = temp.fd;
	digest_ctx_init(&o.hash, DIGEST_SHA256);
	rc = job_file(job, with_old, &o, stop, err);
	if (!rc && *stop)
		rc = err_set(err, ERR_CANCELED, "canceled");
	if (!rc)
		rc = store_temp_name_in(job->root, &temp, folder, job->name, err);
	store_temp_drop(job->root, &temp);
	digest_ctx_clear(&o.hash);
	buf_clear(&o.text);
	return rc;
}

int image_tags_write(struct image_tags_job *job, const atomic_bool *stop, struct err *err)
{
	bool with_old = true;
	struct err broken = {0};

	if (image_tags_list_settle(job->list, job->filter, stop, err))
		return -1;
	if (job_count(job, with_old, stop, &broken)) {
		if (job->add || broken.kind == ERR_CANCELED) {
			*err = broken;
			return -1;
		}
		with_old = false;
		memset(job->latest, 0, sizeof(job->latest));
		if (job_count(job, with_old, stop, err))
			return -1;
	}
	/* It had the tag already. */
	if (job->add && digest_equal(&job->before, &job->head.revision))
		return 0;
	return job_publish(job, with_old, stop, err);
}
