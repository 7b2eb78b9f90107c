#include "git/index.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "git/gitc.h"
#include "git/hash.h"
#include "git/objects_internal.h"
#include "git/pack_format.h"
#include "git/scan.h"
#include "git/unpack.h"
#include "pack/deflate.h"
#include "pack/sort.h"
#include "pack/source.h"
#include "pack/temp.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct gitc_index {
	const struct gitc_folder *folder;
	struct gitc_scan scan;
	int fd; /* the pack; -1: nothing has come */
};

struct gitc_index *gitc_index_new(const struct gitc_folder *f, const struct gitc_limits *limits)
{
	struct gitc_index *ix = NEW(struct gitc_index);

	ix->folder = f;
	ix->fd = -1;
	gitc_scan_init(&ix->scan, limits);
	return ix;
}

void gitc_index_free(struct gitc_index *ix)
{
	if (!ix)
		return;
	if (ix->fd >= 0)
		sys_close(ix->fd);
	gitc_scan_clear(&ix->scan);
	free(ix);
}

int gitc_index_add(
	struct gitc_index *ix, const void *data, size_t n, const atomic_bool *stop, struct err *err)
{
	const char *p = data;

	if (ix->fd < 0) {
		ix->fd = pack_temp_file(ix->folder->fd, err);
		if (ix->fd < 0)
			return -1;
	}
	while (n) {
		size_t take = n < PACK_CHUNK ? n : PACK_CHUNK;

		if (pack_stopped(stop, err) || gitc_scan_feed(&ix->scan, p, take, err))
			return -1;
		if (sys_write_all(ix->fd, p, take))
			return err_sys(err, "cannot write a pack");
		p += take;
		n -= take;
	}
	return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* Deltas get their names after what they are made of: each object, when it has one, leads to those
   that wait for it. */
struct naming {
	struct gitc_index *ix;
	const struct gitc_objects *from; /* what a thin pack lacks is there; NULL */
	struct gitc_scanned *seen;
	const struct gitc_oid *base_names;
	size_t n;
	/* those whose base is known by its place: of each object the first one, of each of them the
	   next one; a number more than it, 0: none */
	uint32_t *first, *next;
	/* those whose base is known by its name, sorted by it */
	uint32_t *by_name;
	size_t n_by_name;
	uint64_t *cost; /* bytes made on the way to an object */
	uint16_t *depth; /* deltas under it */
	VEC(uint32_t) ready; /* deltas whose base has a name */
	struct gitc_unpack u;
};

/* A large object's bytes go to the disk, and are looked at there. */
static int add_to_file(void *ctx, const void *p, size_t n, struct err *err)
{
	const int *fd = ctx;

	return sys_write_all(*fd, p, n) ? err_sys(err, "cannot write a file") : 0;
}

static int hash_file(struct gitc_scanned *it, int fd, struct err *err)
{
	void *p = mmap(NULL, it->size, PROT_READ, MAP_PRIVATE, fd, 0);
	int rc;

	if (p == MAP_FAILED)
		return err_sys(err, "cannot read a file");
	rc = gitc_hash(&it->oid, (enum gitc_type)it->type, p, it->size, err);
	munmap(p, it->size);
	return rc;
}

static int name_large(struct naming *m, struct gitc_scanned *it, struct err *err)
{
	struct gitc_head h;
	int fd, rc;

	if (gitc_unpack_head(&m->u, it->at, &h, err))
		return -1;
	fd = pack_temp_file(m->ix->folder->fd, err);
	if (fd < 0)
		return -1;
	rc = gitc_unpack_stream(&m->u, it->at, &h, add_to_file, &fd, err);
	if (!rc)
		rc = hash_file(it, fd, err);
	sys_close(fd);
	it->named = !rc;
	return rc;
}

/* Of the delta at a place of by_name. */
static const struct gitc_oid *base_name(const struct naming *m, uint32_t number)
{
	return &m->base_names[m->seen[number].base_name];
}

static int by_base_name(const void *a, const void *b, const void *ctx)
{
	return gitc_oid_compare(
		base_name(ctx, *(const uint32_t *)a), base_name(ctx, *(const uint32_t *)b));
}

/* How much is put together for an object, as far as its base is known. */
static int naming_bound(struct naming *m, size_t i, struct err *err)
{
	const struct gitc_scanned *it = &m->seen[i];
	bool made = it->base != GITC_NO_BASE;

	m->depth[i] = made ? (uint16_t)(m->depth[it->base] + 1) : 0;
	m->cost[i] = it->size + (made ? m->cost[it->base] : 0);
	if (m->depth[i] > LIMIT_GIT_DEPTH)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"deltas upon each other in the pack are more than %d", LIMIT_GIT_DEPTH);
	if (m->cost[i] > LIMIT_GIT_CHAIN)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"bytes that one object is made of are more than %llu",
			(unsigned long long)LIMIT_GIT_CHAIN);
	return 0;
}

static int naming_init(struct naming *m, const atomic_bool *stop, struct err *err)
{
	/* Each base that is known by its name may have to be added. */
	size_t i, room = m->n + m->ix->scan.base_names.len;

	m->first = mem_zalloc(room * sizeof(*m->first));
	m->next = mem_zalloc(room * sizeof(*m->next));
	m->cost = mem_zalloc(room * sizeof(*m->cost));
	m->depth = mem_zalloc(room * sizeof(*m->depth));
	/* Most bases are in front of what is made of them: what is too much is seen before anything
	   is made. */
	for (i = 0; i < m->n; i++)
		if (naming_bound(m, i, err))
			return -1;
	for (i = 0; i < m->n; i++)
		m->n_by_name += !m->seen[i].type && m->seen[i].base == GITC_NO_BASE;
	m->by_name = mem_array(NULL, m->n_by_name + 1, sizeof(*m->by_name));
	m->n_by_name = 0;
	for (i = m->n; i-- > 0;) {
		const struct gitc_scanned *it = &m->seen[i];

		if (it->type)
			continue;
		if (it->base == GITC_NO_BASE) {
			m->by_name[m->n_by_name++] = (uint32_t)i;
			continue;
		}
		m->next[i] = m->first[it->base];
		m->first[it->base] = (uint32_t)i + 1;
	}
	return pack_sort(m->by_name, m->n_by_name, sizeof(*m->by_name), by_base_name, m, stop, err);
}

static void naming_clear(struct naming *m)
{
	free(m->first);
	free(m->next);
	free(m->by_name);
	free(m->cost);
	free(m->depth);
	vec_clear(&m->ready);
	gitc_unpack_clear(&m->u);
}

/* The first of those that wait for this name, or behind them all. */
static size_t waiting_for(const struct naming *m, const struct gitc_oid *oid)
{
	size_t low = 0, high = m->n_by_name;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (gitc_oid_compare(base_name(m, m->by_name[mid]), oid) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* An object has its name: those that wait for it are ready. How many. Two objects of one name have
   the same bytes, but each delta is made of one of them, once. */
static size_t name_wakes(struct naming *m, uint32_t i)
{
	const struct gitc_scanned *it = &m->seen[i];
	size_t before = m->ready.len, at;
	uint32_t child;

	for (child = m->first[i]; child; child = m->next[child - 1])
		*vec_add(&m->ready) = child - 1;
	for (at = waiting_for(m, &it->oid); at < m->n_by_name; at++) {
		struct gitc_scanned *w = &m->seen[m->by_name[at]];

		if (!gitc_oid_equal(base_name(m, m->by_name[at]), &it->oid))
			break;
		if (w->base != GITC_NO_BASE)
			continue;
		w->base = i;
		*vec_add(&m->ready) = m->by_name[at];
	}
	return m->ready.len - before;
}

/* What a delta by name is made of, as far as it was found. */
static bool naming_find(void *ctx, const struct gitc_oid *oid, uint64_t *at)
{
	const struct naming *m = ctx;
	size_t i = waiting_for(m, oid);
	const struct gitc_scanned *w;

	if (i == m->n_by_name)
		return false;
	w = &m->seen[m->by_name[i]];
	if (!gitc_oid_equal(base_name(m, m->by_name[i]), oid) || w->base == GITC_NO_BASE)
		return false;
	*at = m->seen[w->base].at;
	return true;
}

/* Its base has a name. */
static int name_delta(struct naming *m, uint32_t i, struct err *err)
{
	struct gitc_scanned *it = &m->seen[i];
	struct buf bytes;
	unsigned type;

	if (naming_bound(m, i, err) || gitc_unpack_object(&m->u, it->at, &type, &bytes, err))
		return -1;
	if (gitc_hash(&it->oid, (enum gitc_type)type, bytes.p, bytes.len, err)) {
		buf_clear(&bytes);
		return -1;
	}
	it->type = type & 7;
	it->named = true;
	if (type != GITC_BLOB && bytes.len > LIMIT_GIT_TREE) {
		buf_clear(&bytes);
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"a %s of the pack has %llu bytes, more than %llu",
			gitc_type_name((enum gitc_type)type), (unsigned long long)it->size,
			(unsigned long long)LIMIT_GIT_TREE);
	}
	if (name_wakes(m, i))
		gitc_unpack_keep(&m->u, it->at, type, &bytes);
	else
		buf_clear(&bytes);
	return 0;
}

/* All that follows from object i, which is no delta. */
static int name_from(struct naming *m, uint32_t i, struct err *err)
{
	struct gitc_scanned *it = &m->seen[i];

	if (!it->named && name_large(m, it, err))
		return -1;
	name_wakes(m, i);
	while (m->ready.len)
		if (name_delta(m, m->ready.p[--m->ready.len], err))
			return -1;
	return 0;
}

/* ---- a thin pack ----------------------------------------------------------------------------- */

/* What one object may take while it is put together. How a base lies in its own pack the thin one
   does not say: it may be made of what is much larger. */
static uint64_t thin_memory(const struct gitc_scan *s)
{
	uint64_t bytes = 4 * s->largest;

	return s->base_names.len && bytes < LIMIT_MEMORY_SLICE ? LIMIT_MEMORY_SLICE : bytes;
}

/* It counts as what came with the pack does. */
static int thin_room(struct gitc_scan *s, const struct gitc_raw *raw, size_t n, struct err *err)
{
	s->expanded += raw->b.len;
	if (s->expanded <= s->max.expanded && s->at + n <= s->max.pack)
		return 0;
	return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
		"the pack is too large with what its objects are made of");
}

/* An object of another pack is written behind the end of this one, as one more of it. What is
   larger than all that a delta claims to be made of is no base of any. */
static int thin_copy(
	struct naming *m, const struct gitc_oid *oid, const atomic_bool *stop, struct err *err)
{
	struct gitc_scan *s = &m->ix->scan;
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	auto_raw struct gitc_raw raw = {0};

	if (gitc_raw_read(m->from, oid,
		    &(struct gitc_raw_req){.max = s->largest, .memory = thin_memory(s)}, stop, &raw,
		    err))
		return -1;
	gitc_head_put(&out, raw.type, raw.b.len);
	BUG_IF(pack_deflate(&out, raw.b.p, raw.b.len, NULL)); /* without a limit */
	if (thin_room(s, &raw, out.len, err))
		return -1;
	if (sys_write_all(m->ix->fd, out.p, out.len))
		return err_sys(err, "cannot write a pack");
	*vec_add(&s->seen) = (struct gitc_scanned){.at = s->at & ((1ULL << 48) - 1),
		.type = raw.type & 7,
		.named = true,
		.size = raw.b.len,
		.oid = *oid,
		.base = GITC_NO_BASE};
	s->at += out.len;
	m->seen = s->seen.p;
	m->n++;
	return 0;
}

/* What deltas are made of and the pack has not, of the set that it adds to. */
static int thin_fill(struct naming *m, const atomic_bool *stop, struct err *err)
{
	struct gitc_oid oid;
	size_t k;

	for (k = 0; k < m->n_by_name; k++) {
		if (m->seen[m->by_name[k]].base != GITC_NO_BASE)
			continue;
		oid = *base_name(m, m->by_name[k]);
		if (!gitc_objects_has(m->from, &oid))
			continue;
		if (pack_stopped(stop, err) || thin_copy(m, &oid, stop, err) ||
			name_from(m, (uint32_t)m->n - 1, err))
			return -1;
	}
	return 0;
}

static int name_all(struct naming *m, const atomic_bool *stop, struct err *err)
{
	size_t i, unnamed = 0;

	if (naming_init(m, stop, err))
		return -1;
	for (i = 0; i < m->n; i++)
		if (m->seen[i].type && m->seen[i].base == GITC_NO_BASE &&
			(pack_stopped(stop, err) || name_from(m, (uint32_t)i, err)))
			return -1;
	if (m->from && thin_fill(m, stop, err))
		return -1;
	for (i = 0; i < m->n; i++)
		unnamed += !m->seen[i].named;
	if (unnamed)
		return err_code(err, ERR_RETRY, GITC_BAD_PACK,
			"bad pack: it does not have what %zu of its objects are made of", unnamed);
	return 0;
}

static int index_name(struct gitc_index *ix, const struct gitc_objects *from,
	const atomic_bool *stop, struct err *err)
{
	struct naming m = {.ix = ix,
		.from = from,
		.seen = ix->scan.seen.p,
		.base_names = ix->scan.base_names.p,
		.n = ix->scan.seen.len,
		.u = {.fd = ix->fd, .stop = stop, .find = naming_find, .ctx = &m, .keep = true}};
	int rc;

	gitc_unpack_init(&m.u);
	rc = name_all(&m, stop, err);
	naming_clear(&m);
	return rc;
}

/* ---- the index ------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b, const void *ctx)
{
	(void)ctx;
	return gitc_oid_compare(
		&((const struct gitc_scanned *)a)->oid, &((const struct gitc_scanned *)b)->oid);
}

static void put_record(unsigned char *to, const struct gitc_scanned *it)
{
	uint64_t at = it->at;
	int i;

	memcpy(to, it->oid.b, sizeof(it->oid.b));
	for (i = 0; i < 8; i++)
		to[sizeof(it->oid.b) + (size_t)i] = (unsigned char)(at >> (56 - 8 * i));
}

/* One record for each name. */
static int write_records(struct gitc_index *ix, struct gitc_pack *p, struct err *err)
{
	unsigned char b[GITC_RECORD * 1024];
	const struct gitc_scanned *it, *before = NULL;
	size_t n = 0;
	unsigned i;

	vec_each (&ix->scan.seen, it) {
		if (before && gitc_oid_equal(&before->oid, &it->oid))
			continue;
		before = it;
		p->fanout[it->oid.b[0]]++;
		put_record(b + n, it);
		n += GITC_RECORD;
		if (n == sizeof(b)) {
			if (sys_write_all(p->fd, b, n))
				return err_sys(err, "cannot write an index");
			n = 0;
		}
	}
	for (i = 1; i < 256; i++)
		p->fanout[i] += p->fanout[i - 1];
	return sys_write_all(p->fd, b, n) ? err_sys(err, "cannot write an index") : 0;
}

static int index_write(
	struct gitc_index *ix, struct gitc_pack *p, const atomic_bool *stop, struct err *err)
{
	if (pack_sort(ix->scan.seen.p, ix->scan.seen.len, sizeof(*ix->scan.seen.p), by_name, NULL,
		    stop, err))
		return -1;
	return write_records(ix, p, err);
}

/* A delta lies in memory with what it is made of and what becomes of it, beside what is kept for
   others, of which the newest is kept whatever its size. */
uint64_t gitc_index_memory(const struct gitc_index *ix)
{
	const struct gitc_scan *s = &ix->scan;
	/* A thin pack needs bases of which nothing is known yet. */
	bool thin = s->base_names.len;
	uint64_t kept = s->expanded < LIMIT_GIT_BASES && !thin ? s->expanded : LIMIT_GIT_BASES;
	uint64_t each = sizeof(struct gitc_scanned) + sizeof(struct gitc_oid) +
		4 * sizeof(uint32_t) + sizeof(uint64_t) + sizeof(uint16_t);

	return (s->seen.len + s->base_names.len) * each + (s->largest ? kept + thin_memory(s) : 0);
}

int gitc_index_end(struct gitc_index *ix, struct gitc_objects **objects, const atomic_bool *stop,
	struct err *err)
{
	struct gitc_pack *p;

	if (gitc_scan_end(&ix->scan, err) || index_name(ix, *objects, stop, err))
		return -1;
	p = NEW(struct gitc_pack);
	p->fd = ix->fd;
	ix->fd = -1;
	p->pack_size = ix->scan.at;
	if (index_write(ix, p, stop, err)) {
		gitc_pack_free(p);
		return -1;
	}
	if (!*objects)
		*objects = gitc_objects_new();
	gitc_objects_add(*objects, p);
	return 0;
}
