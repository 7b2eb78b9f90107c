#include "pack/repack.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "pack/path.h"
#include "pack/read.h"
#include "pack/sort.h"
#include "pack/tarw.h"
#include "pack/temp.h"

#include <stdlib.h>
#include <string.h>

#define MODE_DIR 0750
#define MODE_FILE 0600
#define MODE_EXEC 0700

struct spool {
	int fd; /* -1: mem */
	struct buf mem; /* all of it, or what the file does not have yet */
	uint64_t at;
};

static const char *out_name(const struct pack_index *ix, const struct pack_item *it)
{
	const char *name = pack_index_name(ix, it);

	return *name ? name : ".";
}

static bool item_wanted(const struct pack_item *it)
{
	return !it->dir && !it->excluded;
}

static int repack_changed(struct err *err)
{
	return err_set(err, ERR_RETRY, "the layer changed between two readings");
}

static int file_header(struct pack_tarw *w, const struct pack_index *ix, const struct pack_item *it,
	struct err *err)
{
	return pack_tarw_file(w, out_name(ix, it), it->exec ? MODE_EXEC : MODE_FILE, it->size, err);
}

/* Moves the reader on to the file's entry. */
static int repack_find(struct pack_read *r, const struct pack_index *ix, const struct pack_item *it,
	struct err *err)
{
	struct pack_entry e;
	int rc;

	do {
		rc = pack_read_next(r, &e, err);
		if (rc < 0)
			return -1;
		if (!rc)
			return repack_changed(err);
	} while (e.seq < it->seq);
	if (e.seq != it->seq || e.type != PACK_FILE || e.size != it->size ||
		strcmp(e.path, pack_index_name(ix, it)) != 0)
		return repack_changed(err);
	return 0;
}

static int repack_straight(
	const struct pack_repack *in, struct pack_tarw *w, struct pack_read *r, struct err *err)
{
	const struct pack_index *ix = &in->scan->ix;
	const struct pack_item *it;
	const void *p;
	size_t n;

	vec_each (&ix->items, it) {
		if (it->excluded)
			continue;
		if (it->dir) {
			if (pack_tarw_dir(w, out_name(ix, it), MODE_DIR, err))
				return -1;
			continue;
		}
		if (repack_find(r, ix, it, err) || file_header(w, ix, it, err))
			return -1;
		do {
			if (pack_read_data(r, &p, &n, err) || pack_tarw_data(w, p, n, err))
				return -1;
		} while (n);
	}
	return 0;
}

static int open_spool(int dirfd, struct err *err)
{
	if (dirfd < 0)
		return err_set(err, ERR_RETRY, "no room for a spool: there is no directory for it");
	return pack_temp_file(dirfd, err);
}

static int spool_flush(struct spool *s, struct err *err)
{
	if (s->fd >= 0 && s->mem.len) {
		if (sys_write_all(s->fd, s->mem.p, s->mem.len))
			return err_sys(err, "cannot write the spool file");
		buf_reset(&s->mem);
	}
	return 0;
}

static int spool_add(struct spool *s, const void *p, size_t n, struct err *err)
{
	if (s->fd >= 0 && s->mem.len + n > PACK_CHUNK && spool_flush(s, err))
		return -1;
	if (s->fd >= 0 && n >= PACK_CHUNK) {
		if (sys_write_all(s->fd, p, n))
			return err_sys(err, "cannot write the spool file");
	} else if (buf_add(&s->mem, p, n)) {
		return repack_changed(err);
	}
	s->at += n;
	return 0;
}

static int repack_by_seq(const void *a, const void *b, const void *ctx)
{
	const struct pack_item *items = ctx;
	uint32_t x = items[*(const uint32_t *)a].seq, y = items[*(const uint32_t *)b].seq;

	return x < y ? -1 : x > y;
}

/* The bodies, in the stream's order; `at` becomes where each is, by the item's number. */
static int spool_fill(const struct pack_index *ix, struct pack_read *r, struct spool *s,
	uint64_t *at, struct err *err)
{
	auto_free uint32_t *order = mem_array(NULL, ix->items.len, sizeof(*order));
	size_t count = 0, i, n;
	const void *p;

	for (i = 0; i < ix->items.len; i++)
		if (item_wanted(&ix->items.p[i]))
			order[count++] = (uint32_t)i;
	if (pack_sort(order, count, sizeof(*order), repack_by_seq, ix->items.p, ix->stop, err))
		return -1;
	for (i = 0; i < count; i++) {
		const struct pack_item *it = &ix->items.p[order[i]];

		if (repack_find(r, ix, it, err))
			return -1;
		at[order[i]] = s->at;
		do {
			if (pack_read_data(r, &p, &n, err) || spool_add(s, p, n, err))
				return -1;
		} while (n);
	}
	return spool_flush(s, err);
}

static int write_spooled(const struct pack_index *ix, struct pack_tarw *w, const struct spool *s,
	const uint64_t *at, struct err *err)
{
	const struct pack_item *it;
	int rc = 0;

	vec_each (&ix->items, it) {
		if (it->excluded)
			continue;
		if (it->dir)
			rc = pack_tarw_dir(w, out_name(ix, it), MODE_DIR, err);
		else if (s->fd >= 0)
			rc = pack_tarw_file_fd(w, out_name(ix, it),
				it->exec ? MODE_EXEC : MODE_FILE, s->fd, at[it - ix->items.p],
				it->size, err);
		else if (!(rc = file_header(w, ix, it, err)))
			rc = pack_tarw_data(w, s->mem.p + at[it - ix->items.p], it->size, err);
		if (rc)
			return -1;
	}
	return 0;
}

static int repack_spooled(const struct pack_repack *in, struct pack_tarw *w, struct pack_read *r,
	uint64_t total, bool *disk, struct err *err)
{
	auto_free uint64_t *at = mem_array(NULL, in->scan->ix.items.len, sizeof(*at));
	struct spool s = {.fd = -1};
	int rc;

	if (total > in->limits->spool)
		return err_set(err, ERR_RETRY,
			"the layer's files are not in order, and sorting their %llu bytes would "
			"take more disk than the %llu that are allowed; what ignore rules leave "
			"out is not counted",
			(unsigned long long)total, (unsigned long long)in->limits->spool);
	*disk = total > LIMIT_SPOOL_MEMORY;
	if (*disk && (s.fd = open_spool(in->spool_dirfd, err)) < 0)
		return -1;
	buf_init(&s.mem, LIMIT_SPOOL_MEMORY);
	rc = spool_fill(&in->scan->ix, r, &s, at, err);
	if (!rc)
		rc = write_spooled(&in->scan->ix, w, &s, at, err);
	buf_clear(&s.mem);
	if (s.fd >= 0)
		sys_close(s.fd);
	return rc;
}

/* Do the files come in the order in which they will be written? Also the bytes of them all. */
static bool repack_in_order(const struct pack_index *ix, uint64_t *total)
{
	const struct pack_item *it;
	bool ordered = true;
	int64_t last = -1;

	*total = 0;
	vec_each (&ix->items, it) {
		if (!item_wanted(it))
			continue;
		*total += it->size;
		if (it->seq < last)
			ordered = false;
		last = it->seq;
	}
	return ordered;
}

int pack_repack_run(const struct pack_repack *in, struct pack_result *res, struct err *err)
{
	struct pack_tarw_out out = {.fd = in->out_fd, .algo = in->algo, .stop = in->src->stop};
	struct pack_tarw_result done;
	struct pack_tarw *w;
	struct pack_read r;
	uint64_t total;
	int rc;

	w = pack_tarw_new(&out);
	rc = pack_read_init(&r, in->src, in->limits->expanded, in->limits->entries, err);
	if (!rc)
		rc = repack_in_order(&in->scan->ix, &total)
			? repack_straight(in, w, &r, err)
			: repack_spooled(in, w, &r, total, &res->spooled, err);
	if (!rc)
		rc = pack_tarw_end(w, &done, err);
	pack_read_clear(&r);
	pack_tarw_free(w);
	if (rc)
		return -1;
	res->digest = done.digest;
	res->size = done.size;
	res->entries = done.entries;
	return 0;
}
