#include "oci/layout_tar.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "pack/pack.h"
#include "pack/path.h"
#include "pack/plain.h"

#include <stdlib.h>
#include <string.h>

#define NOT_PLAIN UINT64_MAX /* in place of a size: a link, a folder, a file with holes */

struct item {
	uint64_t at, size;
	uint32_t name; /* offset in names */
	uint32_t seq;
};

struct oci_layout_tar {
	unsigned refs;
	struct stat st;
	VEC(struct item) items; /* by name; of one name the last entry first */
	struct buf names;
};

/* ---- what is kept ---------------------------------------------------------------------------- */

struct oci_layout_kept *oci_layout_kept_new(void)
{
	struct oci_layout_kept *k = NEW(struct oci_layout_kept);

	list_init(&k->open.waiting);
	list_init(&k->read.waiting);
	list_init(&k->abandoned);
	return k;
}

void oci_layout_kept_free(struct oci_layout_kept *k)
{
	if (!k)
		return;
	BUG_IF(k->open.taken || !list_empty(&k->open.waiting));
	BUG_IF(k->read.taken || !list_empty(&k->read.waiting));
	BUG_IF(!list_empty(&k->abandoned));
	oci_layout_tar_unref(k->tar);
	free(k);
}

struct oci_layout_tar *oci_layout_tar_ref(struct oci_layout_tar *t)
{
	if (t)
		t->refs++;
	return t;
}

void oci_layout_tar_unref(struct oci_layout_tar *t)
{
	if (!t || --t->refs)
		return;
	vec_clear(&t->items);
	buf_clear(&t->names);
	free(t);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int refuse_compressed(const unsigned char *p, size_t n, struct err *err)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *name;
	} known[] = {{"\x1f\x8b", 2, "gzip"}, {"\x28\xb5\x2f\xfd", 4, "zstd"}, {"BZh", 3, "bzip2"},
		{"\xfd"
		 "7zXZ",
			5, "xz"},
		{"\x04\x22\x4d\x18", 4, "lz4"}};
	size_t i;

	for (i = 0; i < ARRAY_LEN(known); i++)
		if (n >= known[i].n && !memcmp(p, known[i].magic, known[i].n))
			return err_set(err, ERR_RETRY,
				"it is compressed with %s: a layout is read from a tar that is not "
				"compressed",
				known[i].name);
	return 0;
}

/* at: where its body begins. */
static int item_add(struct oci_layout_tar *t, const char *name, const struct pack_member *m,
	uint64_t at, struct err *err)
{
	bool plain = m->type == PACK_FILE && !m->sparse, clean;
	char path[LIMIT_ENTRY_PATH + 1], q[PACK_QUOTE_MAX];
	struct err ignored = {0};
	struct item *it;

	if (at > (uint64_t)t->st.st_size || m->stored > (uint64_t)t->st.st_size - at)
		return err_set(err, ERR_RETRY, "it is cut in entry '%s'",
			pack_quote(q, name, m->name_len));
	if (t->items.len == LIMIT_LAYOUT_ENTRIES)
		return err_set(err, ERR_RETRY, "it has more than %d entries", LIMIT_LAYOUT_ENTRIES);
	/* A name that no layout has is nothing that is asked for. */
	if (m->name_len > LIMIT_ENTRY_PATH ||
		pack_path_check(path, &clean, name, m->name_len, &ignored))
		return 0;
	it = vec_add(&t->items);
	*it = (struct item){
		at, plain ? m->size : NOT_PLAIN, (uint32_t)t->names.len, (uint32_t)t->items.len};
	if (buf_add(&t->names, path, strlen(path) + 1))
		return err_set(
			err, ERR_RETRY, "its names are longer than %llu bytes", LIMIT_LAYOUT_NAMES);
	return 0;
}

/* The block at `at`, and all that is to be read before the next header but for bodies. */
static int block_read(
	struct oci_layout_tar *t, struct pack_plain *w, int fd, uint64_t *at, struct err *err)
{
	unsigned char block[PACK_BLOCK];
	ssize_t n = sys_pread(fd, block, sizeof(block), *at);
	struct pack_member m;

	if (n < 0)
		return err_sys(err, "read it");
	if (!n)
		return err_set(err, ERR_RETRY, "it became shorter while it was read");
	if (!*at && refuse_compressed(block, (size_t)n, err))
		return -1;
	if (pack_plain_feed(w, block, (size_t)n, err))
		return -1;
	*at += (uint64_t)n;
	while (pack_plain_take(w, &m))
		if (item_add(t, pack_plain_name(w, &m), &m, *at, err))
			return -1;
	*at += pack_plain_skip(w);
	return 0;
}

/* Whether what follows the end is zeros does not matter. */
static int tar_walk(struct oci_layout_tar *t, struct pack_plain *w, int fd, const atomic_bool *stop,
	struct err *err)
{
	static const unsigned char zeros[PACK_BLOCK];
	uint64_t at = 0, size = (uint64_t)t->st.st_size;
	size_t n;

	while (at < size && !pack_plain_at_end(w)) {
		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		if (block_read(t, w, fd, &at, err))
			return -1;
	}
	n = pack_plain_missing(w);
	if (n && pack_plain_feed(w, zeros, n, err))
		return -1;
	return pack_plain_end(w, err);
}

static const char *item_name(const struct oci_layout_tar *t, const struct item *it)
{
	return t->names.p + it->name;
}

static int by_name(const void *a, const void *b, void *arg)
{
	const struct item *x = a, *y = b;
	int c = strcmp(item_name(arg, x), item_name(arg, y));

	return c ? c : x->seq > y->seq ? -1 : x->seq < y->seq;
}

int oci_layout_tar_read(struct oci_layout_tar **out, int fd, const struct stat *st,
	const atomic_bool *stop, struct err *err)
{
	struct oci_layout_tar *t = NEW(struct oci_layout_tar);
	struct pack_plain w;
	int rc;

	t->refs = 1;
	t->st = *st;
	buf_init(&t->names, LIMIT_LAYOUT_NAMES);
	pack_plain_init(&w);
	rc = tar_walk(t, &w, fd, stop, err);
	pack_plain_clear(&w);
	if (rc) {
		if (err->code == PACK_NO_ARCHIVE)
			err_set(err, ERR_RETRY, "it is neither a folder nor a tar");
		oci_layout_tar_unref(t);
		return -1;
	}
	if (t->items.len)
		qsort_r(t->items.p, t->items.len, sizeof(*t->items.p), by_name, t);
	*out = t;
	return 0;
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

bool oci_layout_tar_fits(const struct oci_layout_tar *t, const struct stat *st)
{
	return t->st.st_dev == st->st_dev && t->st.st_ino == st->st_ino &&
		t->st.st_size == st->st_size && same_time(t->st.st_mtim, st->st_mtim) &&
		same_time(t->st.st_ctim, st->st_ctim);
}

int oci_layout_tar_find(const struct oci_layout_tar *t, const char *name, uint64_t *at,
	uint64_t *size, struct err *err)
{
	size_t from = 0, to = t->items.len;

	while (from < to) { /* the first of that name */
		size_t mid = from + (to - from) / 2;

		if (strcmp(item_name(t, &t->items.p[mid]), name) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	if (from == t->items.len || strcmp(item_name(t, &t->items.p[from]), name))
		return 0;
	if (t->items.p[from].size == NOT_PLAIN)
		return err_set(err, ERR_RETRY, "'%s' is no regular file", name);
	*at = t->items.p[from].at;
	*size = t->items.p[from].size;
	return 1;
}
