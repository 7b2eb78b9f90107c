#include "git/objects.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/gitc.h"
#include "git/objects_internal.h"
#include "git/unpack.h"
#include "pack/source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the set --------------------------------------------------------------------------------- */

struct gitc_objects *gitc_objects_new(void)
{
	struct gitc_objects *o = NEW(struct gitc_objects);

	atomic_init(&o->refs, 1);
	return o;
}

struct gitc_objects *gitc_objects_on(struct gitc_objects *base)
{
	struct gitc_objects *o = gitc_objects_new();

	o->base = gitc_objects_ref(base);
	return o;
}

struct gitc_objects *gitc_objects_ref(struct gitc_objects *o)
{
	atomic_fetch_add(&o->refs, 1);
	return o;
}

void gitc_objects_unref(struct gitc_objects *o)
{
	struct gitc_objects *base;
	struct gitc_pack *p, *next;

	for (; o && atomic_fetch_sub(&o->refs, 1) == 1; o = base) {
		for (p = atomic_load(&o->packs); p; p = next) {
			next = p->next;
			gitc_pack_free(p);
		}
		base = o->base;
		free(o);
	}
}

void gitc_objects_add(struct gitc_objects *o, struct gitc_pack *p)
{
	p->next = atomic_load(&o->packs);
	while (!atomic_compare_exchange_weak(&o->packs, &p->next, p)) {
		/* p->next is what is there now. */
	}
}

bool gitc_objects_has(const struct gitc_objects *o, const struct gitc_oid *oid)
{
	const struct gitc_pack *p;
	uint64_t at;

	return gitc_objects_at(o, oid, &p, &at);
}

/* Of its own packs alone. */
static void stats_add(const struct gitc_objects *o, struct gitc_objects_stats *out)
{
	const struct gitc_pack *p;
	uint64_t bytes = 0;

	for (p = atomic_load(&o->packs); p; p = p->next) {
		out->objects += p->fanout[255];
		bytes += p->pack_size + (uint64_t)p->fanout[255] * GITC_RECORD;
	}
	out->bytes += bytes;
	if (out->most < bytes)
		out->most = bytes;
}

void gitc_objects_stats(const struct gitc_objects *o, struct gitc_objects_stats *out)
{
	*out = (struct gitc_objects_stats){0};
	for (; o; o = o->base)
		stats_add(o, out);
}

static bool rests_on(const struct gitc_objects *o, const struct gitc_objects *base)
{
	while (o && o != base)
		o = o->base;
	return o != NULL;
}

uint64_t gitc_objects_beside(
	const struct gitc_objects *o, struct gitc_objects *const *others, size_t n)
{
	struct gitc_objects_stats own = {0};
	size_t i;

	for (; o; o = o->base) {
		for (i = 0; i < n; i++)
			if (rests_on(others[i], o))
				return own.bytes;
		stats_add(o, &own);
	}
	return own.bytes;
}

bool gitc_objects_lack(const struct gitc_objects *o)
{
	for (; o; o = o->base)
		if (atomic_load(&o->lacking))
			return true;
	return false;
}

bool gitc_objects_may_grow(const struct gitc_objects *o)
{
	struct gitc_objects_stats added = {0}, whole = {0};
	unsigned sets = 1;

	if (gitc_objects_lack(o))
		return false;
	for (; o->base; o = o->base, sets++)
		stats_add(o, &added);
	stats_add(o, &whole);
	return sets < LIMIT_GIT_ADDED && added.bytes <= whole.bytes &&
		added.bytes + whole.bytes <= LIMIT_GIT_SETS_BYTES / 2;
}

/* ---- messages -------------------------------------------------------------------------------- */

const char *gitc_type_name(enum gitc_type type)
{
	static const char *const names[] = {"object", "commit", "tree", "blob", "tag"};

	return names[type];
}

int gitc_object_bad(
	const struct gitc_oid *oid, enum gitc_type type, const char *what, struct err *err)
{
	char hex[GITC_OID_HEX];

	return err_code(err, ERR_RETRY, GITC_BAD_OBJECT, "%s '%s' %s", gitc_type_name(type),
		gitc_oid_format(oid, hex), what);
}

int gitc_object_large(const struct gitc_oid *oid, enum gitc_type type, uint64_t size, uint64_t max,
	struct err *err)
{
	char hex[GITC_OID_HEX];

	return err_code(err, ERR_RETRY, GITC_TOO_LARGE, "%s '%s' has %llu bytes, more than %llu",
		gitc_type_name(type), gitc_oid_format(oid, hex), (unsigned long long)size,
		(unsigned long long)max);
}

static int object_missing(const struct gitc_objects *o, const struct gitc_oid *oid,
	enum gitc_type type, struct err *err)
{
	char hex[GITC_OID_HEX];

	/* Nothing is ever const but in the eyes of those who read. */
	atomic_store(&((struct gitc_objects *)(uintptr_t)o)->lacking, true);
	return err_code(err, ERR_RETRY, GITC_MISSING, "%s '%s' is missing", gitc_type_name(type),
		gitc_oid_format(oid, hex));
}

/* ---- one object ------------------------------------------------------------------------------ */

/* Where an object is, and what is known of it without its bytes. */
struct place {
	const struct gitc_pack *pack;
	uint64_t at;
	struct gitc_head h;
	uint64_t size; /* of the object */
};

static bool find_in_pack(void *ctx, const struct gitc_oid *oid, uint64_t *at)
{
	return gitc_pack_find(ctx, oid, at);
}

/* Of a delta its second number. */
static int place_size(struct gitc_unpack *u, struct place *p, struct err *err)
{
	unsigned char head[20];
	size_t n = sizeof(head), at = 0;
	uint64_t base;

	p->size = p->h.size;
	if (p->h.type < PACK_OBJ_OFS)
		return 0;
	if (gitc_unpack_start(u, p->at, &p->h, head, &n, err))
		return -1;
	if (!gitc_delta_size(head, n, &at, &base) || !gitc_delta_size(head, n, &at, &p->size))
		return err_code(err, ERR_RETRY, GITC_BAD_PACK, "a delta has no size");
	return 0;
}

/* Leaves *u ready to read it, to be cleared also on failure. */
static int place_find(const struct gitc_objects *o, const struct gitc_oid *oid, enum gitc_type type,
	const atomic_bool *stop, struct gitc_unpack *u, struct place *p, struct err *err)
{
	*u = (struct gitc_unpack){.fd = -1, .stop = stop, .find = find_in_pack};
	gitc_unpack_init(u);
	if (!gitc_objects_at(o, oid, &p->pack, &p->at))
		return object_missing(o, oid, type, err);
	u->fd = p->pack->fd;
	u->ctx = (void *)p->pack; /* find_in_pack only reads */
	return gitc_unpack_head(u, p->at, &p->h, err) || place_size(u, p, err) ? -1 : 0;
}

static int wrong_type(const struct gitc_oid *oid, enum gitc_type type, unsigned is, struct err *err)
{
	char what[32];

	if (!type || is == type)
		return 0;
	snprintf(what, sizeof(what), "is a %s", gitc_type_name((enum gitc_type)is));
	return gitc_object_bad(oid, type, what, err);
}

static int raw_read(struct gitc_unpack *u, const struct place *p, const struct gitc_oid *oid,
	enum gitc_type type, uint64_t max, struct gitc_raw *out, struct err *err)
{
	unsigned is;

	if (p->h.type < PACK_OBJ_OFS && wrong_type(oid, type, p->h.type, err))
		return -1;
	if (p->size > max)
		return gitc_object_large(oid, type, p->size, max, err);
	if (gitc_unpack_object(u, p->at, &is, &out->b, err))
		return -1;
	out->type = (enum gitc_type)is;
	return wrong_type(oid, type, is, err);
}

int gitc_raw_read(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_raw_req *req, const atomic_bool *stop, struct gitc_raw *out,
	struct err *err)
{
	struct gitc_unpack u;
	struct place p;
	int rc;

	*out = (struct gitc_raw){0};
	rc = place_find(o, oid, req->type, stop, &u, &p, err);
	u.memory = req->memory;
	if (!rc)
		rc = raw_read(&u, &p, oid, req->type, req->max, out, err);
	gitc_unpack_clear(&u);
	if (rc)
		gitc_raw_clear(out);
	return rc;
}

void gitc_raw_clear(struct gitc_raw *r)
{
	buf_clear(&r->b);
}

/* ---- blobs ----------------------------------------------------------------------------------- */

static int stream_delta(struct gitc_unpack *u, const struct place *p, const struct gitc_oid *oid,
	const struct gitc_blob_fns *fns, uint64_t max, struct err *err)
{
	auto_raw struct gitc_raw raw = {0};
	size_t at, take;

	if (raw_read(u, p, oid, GITC_BLOB, max, &raw, err) ||
		(fns->begin && fns->begin(fns->ctx, raw.b.len, err)))
		return -1;
	for (at = 0; at < raw.b.len; at += take) {
		take = raw.b.len - at < PACK_CHUNK ? raw.b.len - at : PACK_CHUNK;
		if (pack_stopped(u->stop, err) || fns->data(fns->ctx, raw.b.p + at, take, err))
			return -1;
	}
	return 0;
}

static int stream_place(struct gitc_unpack *u, const struct place *p, const struct gitc_oid *oid,
	const struct gitc_blob_fns *fns, uint64_t max, struct err *err)
{
	if (p->h.type >= PACK_OBJ_OFS)
		return stream_delta(u, p, oid, fns, max, err);
	if (wrong_type(oid, GITC_BLOB, p->h.type, err))
		return -1;
	if (p->size > max)
		return gitc_object_large(oid, GITC_BLOB, p->size, max, err);
	if (fns->begin && fns->begin(fns->ctx, p->size, err))
		return -1;
	return gitc_unpack_stream(u, p->at, &p->h, fns->data, fns->ctx, err);
}

int gitc_blob_stream(const struct gitc_objects *o, const struct gitc_oid *oid,
	const struct gitc_blob_fns *fns, uint64_t max, const atomic_bool *stop, struct err *err)
{
	struct gitc_unpack u;
	struct place p;
	int rc = place_find(o, oid, GITC_BLOB, stop, &u, &p, err);

	u.memory = fns->memory;
	if (!rc)
		rc = stream_place(&u, &p, oid, fns, max, err);
	gitc_unpack_clear(&u);
	return rc;
}

struct into {
	struct buf *out;
	const struct gitc_oid *oid;
};

static int into_begin(void *ctx, uint64_t size, struct err *err)
{
	struct into *to = ctx;

	if (buf_room(to->out, size))
		return 0;
	return gitc_object_large(to->oid, GITC_BLOB, size, to->out->max, err);
}

static int into_data(void *ctx, const void *p, size_t n, struct err *err)
{
	struct into *to = ctx;

	if (!buf_add(to->out, p, n))
		return 0;
	return gitc_object_bad(to->oid, GITC_BLOB, "is longer than it says", err);
}

int gitc_blob_read(const struct gitc_objects *o, const struct gitc_oid *oid, struct buf *out,
	uint64_t max, struct err *err)
{
	struct into to = {out, oid};
	const struct gitc_blob_fns fns = {into_begin, into_data, &to, 0};

	return gitc_blob_stream(o, oid, &fns, max, NULL, err);
}
