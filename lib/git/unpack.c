#include "git/unpack.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "git/gitc.h"
#include "pack/inflate.h"
#include "pack/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define READ ((size_t)16 * 1024)
/* What is put together for a moment counts for nothing: only what is kept for others. */
#define KEPT_MAX 10000

struct kept {
	struct lru_item item;
	struct buf bytes;
	unsigned type;
};

static void kept_free(struct lru_item *it)
{
	struct kept *k = CONTAINER_OF(it, struct kept, item);

	buf_clear(&k->bytes);
	free(k);
}

void gitc_unpack_init(struct gitc_unpack *u)
{
	u->z = pack_inflate_new();
	lru_init(&u->bases, KEPT_MAX, NULL, kept_free);
	u->bases.max_bytes = LIMIT_GIT_BASES;
}

void gitc_unpack_clear(struct gitc_unpack *u)
{
	pack_inflate_free(u->z);
	u->z = NULL;
	lru_clear(&u->bases);
}

static char *kept_key(char out[24], uint64_t at)
{
	snprintf(out, 24, "%llx", (unsigned long long)at);
	return out;
}

static struct kept *kept_get(struct gitc_unpack *u, uint64_t at)
{
	char key[24];
	struct lru_item *it = lru_get(&u->bases, kept_key(key, at));

	return it ? CONTAINER_OF(it, struct kept, item) : NULL;
}

void gitc_unpack_keep(struct gitc_unpack *u, uint64_t at, unsigned type, struct buf *bytes)
{
	struct kept *k;
	char key[24];

	if (!u->keep || kept_get(u, at)) {
		buf_clear(bytes);
		return;
	}
	k = NEW(struct kept);
	k->bytes = *bytes;
	k->type = type;
	k->item.size = sizeof(*k) + bytes->cap;
	*bytes = BUF_INIT(bytes->max);
	lru_add(&u->bases, kept_key(key, at), &k->item);
}

static int unpack_bad(uint64_t at, const char *what, struct err *err)
{
	return err_code(err, ERR_RETRY, GITC_BAD_PACK, "bad pack: the object at byte %llu %s",
		(unsigned long long)at, what);
}

int gitc_unpack_head(struct gitc_unpack *u, uint64_t at, struct gitc_head *h, struct err *err)
{
	unsigned char b[PACK_HEAD_MAX];
	ssize_t n = sys_pread(u->fd, b, sizeof(b), at);

	if (n < 0)
		return err_sys(err, "cannot read a pack");
	return gitc_head_parse(h, b, (size_t)n) ? 0 : unpack_bad(at, "has no header", err);
}

int gitc_unpack_base(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h, uint64_t *base,
	struct err *err)
{
	struct gitc_oid oid;

	if (h->type == PACK_OBJ_OFS) {
		if (!h->back || h->back > at)
			return unpack_bad(at, "has no base", err);
		*base = at - h->back;
		return 0;
	}
	if (sys_pread(u->fd, oid.b, sizeof(oid.b), at + h->name) != (ssize_t)sizeof(oid.b) ||
		!u->find(u->ctx, &oid, base))
		return unpack_bad(at, "has no base", err);
	return 0;
}

/* ---- inflated -------------------------------------------------------------------------------- */

struct inflating {
	struct gitc_unpack *u;
	uint64_t at; /* of what is read next */
	unsigned char in[READ];
	const unsigned char *p;
	size_t n;
};

/* The next bytes, up to room. 1: they were the last. */
static int inflate_next(struct inflating *f, void *out, size_t room, size_t *made, struct err *err)
{
	for (;;) {
		int rc;

		if (pack_stopped(f->u->stop, err))
			return -1;
		rc = pack_inflate_run(f->u->z, &f->p, &f->n, out, room, made, err);
		if (rc || *made)
			return rc;
		if (!f->n) {
			ssize_t got = sys_pread(f->u->fd, f->in, sizeof(f->in), f->at);

			if (got < 0)
				return err_sys(err, "cannot read a pack");
			if (!got)
				return unpack_bad(f->at, "is cut", err);
			f->p = f->in;
			f->n = (size_t)got;
			f->at += (uint64_t)got;
		}
	}
}

static void inflate_begin(
	struct inflating *f, struct gitc_unpack *u, uint64_t at, const struct gitc_head *h)
{
	f->u = u;
	f->at = at + h->len;
	f->p = f->in;
	f->n = 0;
	pack_inflate_reset(u->z);
}

int gitc_unpack_stream(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	int (*fn)(void *ctx, const void *p, size_t n, struct err *err), void *ctx, struct err *err)
{
	unsigned char out[PACK_CHUNK];
	struct inflating f;
	uint64_t total = 0;
	size_t made;
	int rc = 0;

	inflate_begin(&f, u, at, h);
	while (!rc) {
		rc = inflate_next(&f, out, sizeof(out), &made, err);
		if (rc < 0)
			return -1;
		total += made;
		if (total > h->size)
			break;
		if (made && fn(ctx, out, made, err))
			return -1;
	}
	return total == h->size ? 0 : unpack_bad(at, "is not as long as it says", err);
}

int gitc_unpack_start(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	unsigned char *out, size_t *n, struct err *err)
{
	struct inflating f;
	size_t have = 0, made;
	int rc = 0;

	inflate_begin(&f, u, at, h);
	while (!rc && have < *n) {
		rc = inflate_next(&f, out + have, *n - have, &made, err);
		if (rc < 0)
			return -1;
		have += made;
	}
	*n = have;
	return 0;
}

static int add_to_buf(void *ctx, const void *p, size_t n, struct err *err)
{
	if (!buf_add(ctx, p, n))
		return 0;
	return err_code(err, ERR_RETRY, GITC_BAD_PACK, "an object is longer than it says");
}

/* All of it, at most LIMIT_GIT_DELTA. */
static int inflate_whole(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	struct buf *out, struct err *err)
{
	uint64_t max = h->type >= PACK_OBJ_OFS ? LIMIT_GIT_DELTA : LIMIT_GIT_OBJECT;

	if (h->size > max)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"an object of a pack has %llu bytes, more than %llu",
			(unsigned long long)h->size, (unsigned long long)max);
	buf_init(out, h->size);
	if (!buf_room(out, h->size))
		return unpack_bad(at, "does not fit", err);
	return gitc_unpack_stream(u, at, h, add_to_buf, out, err);
}

/* ---- put together ---------------------------------------------------------------------------- */

/* From an object down to what it is made of. */
struct chain {
	VEC(struct {
		uint64_t at;
		struct gitc_head h;
	})
	deltas;
	uint64_t at; /* of the base */
	struct gitc_head h;
	struct kept *kept; /* it is there */
};

static int chain_find(struct gitc_unpack *u, uint64_t at, struct chain *c, struct err *err)
{
	for (;;) {
		c->at = at;
		c->kept = kept_get(u, at);
		if (c->kept)
			return 0;
		if (gitc_unpack_head(u, at, &c->h, err))
			return -1;
		if (c->h.type < PACK_OBJ_OFS)
			return 0;
		if (c->deltas.len > LIMIT_GIT_DEPTH)
			return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
				"deltas upon each other in the pack are more than %d",
				LIMIT_GIT_DEPTH);
		*vec_add(&c->deltas) = (__typeof__(*c->deltas.p)){at, c->h};
		if (gitc_unpack_base(u, at, &c->h, &at, err))
			return -1;
	}
}

/* A delta, what it is made of and what becomes of it lie in memory at once. */
static int unpack_room(const struct gitc_unpack *u, uint64_t bytes, struct err *err)
{
	if (!u->memory || bytes <= u->memory)
		return 0;
	return err_code(err, ERR_RETRY, -ENOBUFS,
		"an object takes %llu bytes of memory, more than %llu", (unsigned long long)bytes,
		(unsigned long long)u->memory);
}

/* The object that the delta at `at` makes of base. */
static int chain_apply(struct gitc_unpack *u, uint64_t at, const struct gitc_head *h,
	const struct buf *base, struct buf *out, struct err *err)
{
	struct buf delta = BUF_INIT(0);
	uint64_t from, to = 0;
	size_t i = 0;
	int rc = inflate_whole(u, at, h, &delta, err);

	if (!rc &&
		(!gitc_delta_size((unsigned char *)delta.p, delta.len, &i, &from) ||
			!gitc_delta_size((unsigned char *)delta.p, delta.len, &i, &to) ||
			to > LIMIT_GIT_DELTA))
		rc = unpack_bad(at, "has no size", err);
	if (!rc)
		rc = unpack_room(u, base->len + delta.len + to, err);
	if (!rc) {
		buf_init(out, to);
		if (!buf_room(out, to) ||
			!gitc_delta_apply((unsigned char *)base->p, base->len,
				(unsigned char *)delta.p, delta.len, (unsigned char *)out->p, to))
			rc = unpack_bad(at, "is a delta that makes nothing", err);
	}
	if (!rc) {
		out->len = to;
		out->p[to] = '\0';
	}
	buf_clear(&delta);
	return rc;
}

/* The base, its own copy only if nothing is made of it. */
static int chain_base(
	struct gitc_unpack *u, struct chain *c, unsigned *type, struct buf *out, struct err *err)
{
	*type = c->kept ? c->kept->type : c->h.type;
	if (!c->kept) {
		if (c->deltas.len && c->h.size > LIMIT_GIT_DELTA)
			return unpack_bad(c->at, "is too large for a base", err);
		if (unpack_room(u, c->h.size, err))
			return -1;
		return inflate_whole(u, c->at, &c->h, out, err);
	}
	if (c->deltas.len)
		return 0;
	buf_init(out, c->kept->bytes.len);
	return buf_add(out, c->kept->bytes.p, c->kept->bytes.len);
}

static int chain_run(
	struct gitc_unpack *u, struct chain *c, unsigned *type, struct buf *out, struct err *err)
{
	struct buf next;
	size_t i;

	if (chain_base(u, c, type, out, err))
		return -1;
	for (i = c->deltas.len; i-- > 0;) {
		const struct buf *base = c->kept ? &c->kept->bytes : out;

		next = BUF_INIT(0);
		if (chain_apply(u, c->deltas.p[i].at, &c->deltas.p[i].h, base, &next, err)) {
			buf_clear(&next);
			return -1;
		}
		/* What it was made of is kept, or was. */
		if (!c->kept)
			gitc_unpack_keep(u, c->at, *type, out);
		c->kept = NULL;
		c->at = c->deltas.p[i].at;
		*out = next;
	}
	return 0;
}

int gitc_unpack_object(
	struct gitc_unpack *u, uint64_t at, unsigned *type, struct buf *out, struct err *err)
{
	struct chain c = {0};
	int rc;

	*out = BUF_INIT(0);
	rc = chain_find(u, at, &c, err);
	if (!rc)
		rc = chain_run(u, &c, type, out, err);
	vec_clear(&c.deltas);
	if (rc)
		buf_clear(out);
	return rc;
}
