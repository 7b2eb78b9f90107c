#include "git/scan.h"

#include "base/limits.h"
#include "git/gitc.h"
#include "git/hash.h"
#include "git/pack_format.h"
#include "pack/inflate.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_BYTES 12
#define NAME_BYTES 20
/* The two sizes that a delta begins with, each of 64 bits at most. */
#define DELTA_HEAD 20
#define PIECE ((size_t)64 * 1024)

void gitc_scan_init(struct gitc_scan *s, const struct gitc_limits *limits)
{
	*s = (struct gitc_scan){.max = *limits, .state = SCAN_HEADER, .need = HEADER_BYTES};
	if (!s->max.pack)
		s->max.pack = LIMIT_GIT_PACK;
	if (!s->max.objects)
		s->max.objects = LIMIT_GIT_OBJECTS;
	if (!s->max.object)
		s->max.object = LIMIT_GIT_OBJECT;
	if (!s->max.expanded)
		s->max.expanded = LIMIT_GIT_EXPANDED;
	s->z = pack_inflate_new();
	sha1_init(&s->sum);
	buf_init(&s->body, LIMIT_GIT_WHOLE);
}

void gitc_scan_clear(struct gitc_scan *s)
{
	pack_inflate_free(s->z);
	s->z = NULL;
	sha1_clear(&s->sum);
	vec_clear(&s->seen);
	vec_clear(&s->base_names);
	buf_clear(&s->body);
}

static int scan_bad(const struct gitc_scan *s, struct err *err, const char *what)
{
	return err_code(err, ERR_RETRY, GITC_BAD_PACK, "bad pack: object %zu at byte %llu %s",
		s->seen.len, (unsigned long long)s->it.at, what);
}

static int scan_large(struct err *err, const char *what, uint64_t max)
{
	return err_code(
		err, ERR_RETRY, GITC_TOO_LARGE, "%s more than %llu", what, (unsigned long long)max);
}

/* Takes bytes until `need` of them are in head; true when they are. */
static bool scan_collect(struct gitc_scan *s, const unsigned char **p, size_t *n)
{
	size_t take = s->need - s->have;

	if (take > *n)
		take = *n;
	memcpy(s->head + s->have, *p, take);
	s->have += take;
	*p += take;
	*n -= take;
	s->at += take;
	return s->have == s->need;
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void scan_next(struct gitc_scan *s)
{
	s->have = 0;
	if (s->left) {
		s->state = SCAN_OBJECT;
		s->it = (struct gitc_scanned){.at = s->at & 0xffffffffffff, .base = GITC_NO_BASE};
		s->shift = 0;
	} else {
		s->state = SCAN_TRAILER;
		s->need = SHA1_SIZE;
	}
}

static int scan_header(struct gitc_scan *s, struct err *err)
{
	uint32_t version = be32(s->head + 4);

	if (memcmp(s->head, "PACK", 4) != 0)
		return err_code(
			err, ERR_RETRY, GITC_BAD_PACK, "bad pack: it does not begin as one");
	if (version != 2 && version != 3)
		return err_code(err, ERR_RETRY, GITC_BAD_PACK, "bad pack: version %u", version);
	s->left = be32(s->head + 8);
	if (!s->left)
		return err_code(err, ERR_RETRY, GITC_BAD_PACK, "bad pack: it is empty");
	if (s->left > s->max.objects)
		return scan_large(err, "the pack's objects are", s->max.objects);
	scan_next(s);
	return 0;
}

/* How large an object of this type may be. A delta and what it is made of are whole in memory, and
   so is whatever is not a blob. */
static uint64_t scan_most(const struct gitc_scan *s, unsigned type)
{
	uint64_t most = type == GITC_BLOB ? LIMIT_GIT_OBJECT
		: type >= PACK_OBJ_OFS    ? LIMIT_GIT_DELTA
					  : LIMIT_GIT_TREE;

	return most < s->max.object ? most : s->max.object;
}

static int scan_size(const struct gitc_scan *s, uint64_t size, struct err *err)
{
	if (size <= scan_most(s, s->type))
		return 0;
	return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
		"an object of the pack has %llu bytes, more than %llu", (unsigned long long)size,
		(unsigned long long)scan_most(s, s->type));
}

static bool is_delta(const struct gitc_scan *s)
{
	return s->type >= PACK_OBJ_OFS;
}

static int scan_begin(struct gitc_scan *s, struct err *err)
{
	if (scan_size(s, s->size, err))
		return -1;
	s->state = SCAN_BODY;
	s->have = 0;
	s->got = 0;
	buf_reset(&s->body);
	pack_inflate_reset(s->z);
	return 0;
}

/* One byte of type and size: 3 bits and 4, then 7 each. */
static int scan_object(struct gitc_scan *s, unsigned char c, struct err *err)
{
	if (!s->have) {
		s->type = c >> 4 & 7;
		s->size = c & 15;
		s->shift = 4;
	} else {
		if (s->shift > 56)
			return scan_bad(s, err, "has no size");
		s->size |= (uint64_t)(c & 127) << s->shift;
		s->shift += 7;
	}
	s->have++;
	if (c & 128)
		return 0;
	s->have = 0;
	s->back = 0;
	if (s->type == PACK_OBJ_OFS) {
		s->state = SCAN_PLACE;
	} else if (s->type == PACK_OBJ_REF) {
		s->state = SCAN_NAME;
		s->need = NAME_BYTES;
	} else if (s->type >= GITC_COMMIT && s->type <= GITC_TAG) {
		s->it.type = s->type & 7;
		return scan_begin(s, err);
	} else {
		return scan_bad(s, err, "is of no known type");
	}
	return 0;
}

static int by_place(const void *key, const void *elem)
{
	uint64_t x = *(const uint64_t *)key, y = ((const struct gitc_scanned *)elem)->at;

	return x < y ? -1 : x > y;
}

/* How far back the base is: 7 bits a byte, most significant first, each further byte adds one. */
static int scan_place(struct gitc_scan *s, unsigned char c, struct err *err)
{
	const struct gitc_scanned *base;
	uint64_t at;

	if (s->have)
		s->back = (s->back + 1) << 7;
	s->back |= c & 127;
	s->have++;
	if (s->back >> 48)
		return scan_bad(s, err, "has its base far away");
	if (c & 128)
		return 0;
	at = s->it.at - s->back;
	base = s->back && s->back <= s->it.at && s->seen.len
		? bsearch(&at, s->seen.p, s->seen.len, sizeof(*base), by_place)
		: NULL;
	if (!base)
		return scan_bad(s, err, "has its base where no object begins");
	s->it.base = (uint32_t)(base - s->seen.p);
	return scan_begin(s, err);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What a delta becomes. */
static int scan_delta(struct gitc_scan *s, struct err *err)
{
	uint64_t base_size;
	size_t at = 0;

	if (!gitc_delta_size(s->head, s->have, &at, &base_size) ||
		!gitc_delta_size(s->head, s->have, &at, &s->it.size))
		return scan_bad(s, err, "is a delta without sizes");
	if (scan_size(s, base_size, err) || scan_size(s, s->it.size, err))
		return -1;
	s->largest = max_u64(s->largest, max_u64(s->size, max_u64(base_size, s->it.size)));
	if (s->it.base != GITC_NO_BASE && s->seen.p[s->it.base].size != base_size)
		return scan_bad(s, err, "says another size of its base");
	return 0;
}

static int scan_finish(struct gitc_scan *s, struct err *err)
{
	if (s->got != s->size)
		return scan_bad(s, err, "is shorter than it says");
	s->it.size = s->size;
	if (is_delta(s)) {
		if (scan_delta(s, err))
			return -1;
	} else if (s->size <= LIMIT_GIT_WHOLE) {
		if (gitc_hash(&s->it.oid, (enum gitc_type)s->type, s->body.p, s->body.len, err))
			return -1;
		s->it.named = true;
	}
	s->expanded += s->it.size;
	if (s->expanded > s->max.expanded)
		return scan_large(err, "bytes of the pack's objects are", s->max.expanded);
	*vec_add(&s->seen) = s->it;
	s->left--;
	scan_next(s);
	return 0;
}

/* Of a delta its first bytes, of another object all, if it gets its name here. */
static void scan_keep(struct gitc_scan *s, const unsigned char *p, size_t n)
{
	size_t take = DELTA_HEAD - s->have < n ? DELTA_HEAD - s->have : n;

	if (!is_delta(s)) {
		if (s->size <= LIMIT_GIT_WHOLE)
			buf_add(&s->body, p, n);
		return;
	}
	memcpy(s->head + s->have, p, take);
	s->have += take;
}

static int scan_body(struct gitc_scan *s, const unsigned char **p, size_t *n, struct err *err)
{
	unsigned char out[PIECE];
	const unsigned char *from = *p;
	size_t made;
	int rc = pack_inflate_run(s->z, p, n, out, sizeof(out), &made, err);

	if (rc < 0) {
		err_wrap(err, "bad pack: object %zu at byte %llu", s->seen.len,
			(unsigned long long)s->it.at);
		err->code = GITC_BAD_PACK;
		return -1;
	}
	s->at += (uint64_t)(*p - from);
	s->got += made;
	s->inflated += made;
	if (s->got > s->size)
		return scan_bad(s, err, "is longer than it says");
	if (s->inflated > LIMIT_RATIO_FROM && s->inflated / LIMIT_RATIO > s->at)
		return scan_large(err, "bytes that a byte of the pack inflates to are",
			(uint64_t)LIMIT_RATIO);
	scan_keep(s, out, made);
	return rc ? scan_finish(s, err) : 0;
}

static int scan_byte(struct gitc_scan *s, const unsigned char **p, size_t *n, struct err *err)
{
	unsigned char c = *(*p)++;

	--*n;
	s->at++;
	return s->state == SCAN_OBJECT ? scan_object(s, c, err) : scan_place(s, c, err);
}

static int scan_trailer(struct gitc_scan *s, struct err *err)
{
	unsigned char sum[SHA1_SIZE];

	sha1_final(&s->sum, sum);
	if (memcmp(sum, s->head, SHA1_SIZE) != 0)
		return err_code(
			err, ERR_RETRY, GITC_BAD_PACK, "bad pack: its checksum is another one");
	s->state = SCAN_DONE;
	return 0;
}

static int scan_step(struct gitc_scan *s, const unsigned char **p, size_t *n, struct err *err)
{
	switch (s->state) {
	case SCAN_HEADER:
		return scan_collect(s, p, n) ? scan_header(s, err) : 0;
	case SCAN_OBJECT:
	case SCAN_PLACE:
		return scan_byte(s, p, n, err);
	case SCAN_NAME:
		if (!scan_collect(s, p, n))
			return 0;
		s->it.base_name = (uint32_t)s->base_names.len;
		memcpy(vec_add(&s->base_names)->b, s->head, NAME_BYTES);
		return scan_begin(s, err);
	case SCAN_BODY:
		return scan_body(s, p, n, err);
	case SCAN_TRAILER:
		return scan_collect(s, p, n) ? scan_trailer(s, err) : 0;
	case SCAN_DONE:
		break;
	}
	return err_code(err, ERR_RETRY, GITC_BAD_PACK, "bad pack: bytes follow its end");
}

int gitc_scan_feed(struct gitc_scan *s, const void *data, size_t n, struct err *err)
{
	const unsigned char *p = data;

	while (n) {
		const unsigned char *from = p;
		bool sum = s->state < SCAN_TRAILER;

		if (scan_step(s, &p, &n, err))
			return -1;
		if (sum)
			sha1_update(&s->sum, from, (size_t)(p - from));
		if (s->at > s->max.pack)
			return scan_large(err, "the pack's bytes are", s->max.pack);
	}
	return 0;
}

int gitc_scan_end(struct gitc_scan *s, struct err *err)
{
	if (s->state == SCAN_DONE)
		return 0;
	return err_code(err, ERR_RETRY, GITC_BAD_PACK,
		"bad pack: it ends after %llu bytes, %llu objects before it should",
		(unsigned long long)s->at, (unsigned long long)s->left);
}
