#include "pack/plain.h"

#include "base/limits.h"
#include "base/mem.h"
#include "pack/pack.h"
#include "pack/path.h"
#include "pack/pax.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Where the fields of a header are: POSIX.1-2024, pax, "ustar Interchange Format". */
enum {
	F_NAME = 0,
	F_MODE = 100,
	F_UID = 108,
	F_GID = 116,
	F_SIZE = 124,
	F_MTIME = 136,
	F_SUM = 148,
	F_TYPE = 156,
	F_MAGIC = 257,
	F_DEVMAJOR = 329,
	F_DEVMINOR = 337,
	F_PREFIX = 345,
	F_GNU = 345, /* what GNU tar has there: times, offsets, sparse files */
	F_GNU_MORE = 482,
	F_GNU_REAL = 483,
	F_PAD = 500,
	N_NAME = 100,
	N_PREFIX = 155,
};

enum form { FORM_USTAR, FORM_GNU, FORM_V7 };

void pack_plain_init(struct pack_plain *w)
{
	*w = (struct pack_plain){0};
	buf_init(&w->meta, LIMIT_TAR_META);
	buf_init(&w->gnu_name, LIMIT_TAR_META);
	buf_init(&w->names, BUF_ANY);
	buf_init(&w->pax.path, LIMIT_TAR_META);
}

void pack_plain_clear(struct pack_plain *w)
{
	buf_clear(&w->meta);
	buf_clear(&w->gnu_name);
	buf_clear(&w->names);
	buf_clear(&w->pax.path);
	vec_clear(&w->queue);
}

const char *pack_plain_why(const struct pack_plain *w)
{
	return w->why[0] ? w->why : NULL;
}

__attribute__((format(printf, 2, 3))) static void not_plain(
	struct pack_plain *w, const char *fmt, ...)
{
	va_list ap;

	if (w->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
}

static int plain_broken(const struct pack_plain *w, const char *what, struct err *err)
{
	return err_set(
		err, ERR_RETRY, "broken tar before byte %llu: %s", (unsigned long long)w->at, what);
}

static bool all_zero(const unsigned char *p, size_t n)
{
	return !n || (!p[0] && !memcmp(p, p + 1, n - 1));
}

static size_t field_len(const unsigned char *f, size_t n)
{
	const unsigned char *nul = memchr(f, '\0', n);

	return nul ? (size_t)(nul - f) : n;
}

/*
 * An octal field: spaces, digits, then spaces and NULs to its end; all blank is 0. -1: anything
 * else. Readers take other text for other numbers (Go refuses it, libarchive reads a prefix), so it
 * has none.
 */
static int field_octal(const unsigned char *f, size_t n, uint64_t *v)
{
	size_t i = 0;

	*v = 0;
	while (i < n && f[i] == ' ')
		i++;
	for (; i < n && f[i] >= '0' && f[i] <= '7'; i++)
		*v = *v << 3 | (uint64_t)(f[i] - '0');
	while (i < n && (f[i] == ' ' || f[i] == '\0'))
		i++;
	return i == n ? 0 : -1;
}

enum { NUMBER_256 = 1, NUMBER_BLANK = 2 };

static bool field_blank(const unsigned char *f, size_t n)
{
	while (n && (*f == ' ' || !*f))
		f++, n--;
	return !n;
}

/* As above; GNU's base-256: NUMBER_256, negative ones (old times) as 0; nothing but blanks:
   NUMBER_BLANK. */
static int field_number(const unsigned char *f, size_t n, uint64_t *v)
{
	size_t i;

	if (!(f[0] & 0x80))
		return field_octal(f, n, v) ? -1 : field_blank(f, n) ? NUMBER_BLANK : 0;
	*v = f[0] & 0x3f;
	if (f[0] & 0x40) {
		*v = 0;
		return 1;
	}
	for (i = 1; i < n; i++) {
		if (*v >> 55)
			return -1;
		*v = *v << 8 | f[i];
	}
	return NUMBER_256;
}

static int check_sum(struct pack_plain *w, const unsigned char *h, struct err *err)
{
	uint64_t want, sum = 0;
	int64_t sum_signed = 0;
	size_t i;

	for (i = 0; i < PACK_BLOCK; i++) {
		unsigned char c = i >= F_SUM && i < F_TYPE ? ' ' : h[i];

		sum += c;
		sum_signed += (signed char)c;
	}
	if (field_octal(h + F_SUM, F_TYPE - F_SUM, &want))
		return plain_broken(w, "a header's checksum is not a number", err);
	if (want == sum)
		return 0;
	if (sum_signed < 0 || want != (uint64_t)sum_signed)
		return plain_broken(w, "a header has a wrong checksum", err);
	not_plain(w, "a header has a checksum of signed bytes");
	return 0;
}

static int find_form(struct pack_plain *w, const unsigned char *h, enum form *form, struct err *err)
{
	if (!memcmp(h + F_MAGIC,
		    "ustar\0"
		    "00",
		    8)) {
		*form = FORM_USTAR;
		return 0;
	}
	if (!memcmp(h + F_MAGIC, "ustar", 5) && memcmp(h + F_MAGIC, "ustar  ", 8))
		return plain_broken(
			w, "a header has a magic that is neither POSIX's nor GNU's", err);
	*form = memcmp(h + F_MAGIC, "ustar", 5) ? FORM_V7 : FORM_GNU;
	if (*form == FORM_V7)
		not_plain(w, "it has headers of old tar");
	return 0;
}

/* The name that the header block alone gives; to `name`. */
static void header_name(
	struct pack_plain *w, const unsigned char *h, enum form form, char *name, size_t *len)
{
	size_t n = 0, k;

	if (form == FORM_USTAR && h[F_PREFIX]) {
		n = field_len(h + F_PREFIX, N_PREFIX);
		memcpy(name, h + F_PREFIX, n);
		if (name[n - 1] == '/')
			not_plain(w, "a name's prefix ends with a slash");
		else
			name[n++] = '/';
	}
	k = field_len(h + F_NAME, N_NAME);
	memcpy(name + n, h + F_NAME, k);
	*len = n + k;
}

/* Every number of the header is checked, used or not: Go's reader refuses an archive for any of
   them. */
static int header_numbers(struct pack_plain *w, const unsigned char *h, enum form form,
	uint64_t *size, uint64_t *mode, struct err *err)
{
	uint64_t v;
	int rc = 0, one, dev = 0;

	one = field_number(h + F_SIZE, 12, size);
	if (one < 0 || *size > INT64_MAX || (one == NUMBER_256 && h[F_SIZE] & 0x40))
		return plain_broken(w, "a header's size is not a number", err);
	rc |= one;
	rc |= field_number(h + F_MODE, 8, mode);
	rc |= field_number(h + F_UID, 8, &v);
	rc |= field_number(h + F_GID, 8, &v);
	rc |= field_number(h + F_MTIME, 12, &v);
	if (form != FORM_V7) {
		dev |= field_number(h + F_DEVMAJOR, 8, &v);
		dev |= field_number(h + F_DEVMINOR, 8, &v);
	}
	if (rc < 0 || dev < 0)
		return plain_broken(w, "a header has a field that is not a number", err);
	if ((rc | dev) & NUMBER_256)
		not_plain(w, "it has numbers in base 256");
	/* GNU tar refuses those, but not where a device's number would be: it leaves that blank
	   itself. */
	else if (rc & NUMBER_BLANK)
		not_plain(w, "it has blank numbers");
	return 0;
}

static int plain_refuse(const char *why, const char *name, size_t n, struct err *err)
{
	char q[PACK_QUOTE_MAX];

	return err_set(err, ERR_RETRY, "entry '%s' %s", pack_quote(q, name, n), why);
}

/* Also the member's size and type. */
static int plain_classify(struct pack_plain *w, char type, const char *name, size_t n,
	struct pack_member *m, struct err *err)
{
	bool slash = n && name[n - 1] == '/';
	char q[PACK_QUOTE_MAX];

	switch (type) {
	case '\0':
		/* Old tar had no type for directories. */
		m->type = slash ? PACK_DIR : PACK_FILE;
		not_plain(w, "entry '%s' has the type of old tar", pack_quote(q, name, n));
		break;
	case '0':
	case '7':
		if (slash)
			return plain_refuse("is a file whose name ends with a slash", name, n, err);
		m->type = PACK_FILE;
		if (type == '7')
			not_plain(w, "entry '%s' is a contiguous file", pack_quote(q, name, n));
		break;
	case '5':
		m->type = PACK_DIR;
		break;
	case '1':
	case '2':
		m->type = PACK_LINK;
		not_plain(w, "entry '%s' is a link", pack_quote(q, name, n));
		break;
	case '3':
	case '4':
		return plain_refuse("is a device", name, n, err);
	case '6':
		return plain_refuse("is a fifo", name, n, err);
	case 'S':
		m->type = PACK_FILE;
		break;
	case 'M':
		return plain_refuse("is a part of a multi-volume archive", name, n, err);
	default:
		return plain_refuse("has a type that is not supported", name, n, err);
	}
	if (m->type != PACK_FILE && m->size)
		return plain_refuse("is no regular file but has a size", name, n, err);
	if (w->pax.has_linkpath && m->type != PACK_LINK)
		return plain_refuse("has a link target but is no link", name, n, err);
	return 0;
}

/* kustomize-controller writes into the files and folders that it has unpacked, as a user that is
   not root. */
static void check_mode(struct pack_plain *w, const struct pack_member *m, const char *name)
{
	unsigned need = m->type == PACK_DIR ? 0700 : 0600;
	char q[PACK_QUOTE_MAX];

	if (m->type != PACK_LINK && (m->mode & ~0777u || (m->mode & need) != need))
		not_plain(w, "entry '%s' has mode %o", pack_quote(q, name, m->name_len), m->mode);
}

static int apply_size(
	struct pack_plain *w, struct pack_member *m, const char *name, size_t n, struct err *err)
{
	if (!w->pax.has_size)
		return 0;
	/* Two sizes are two archives, one for readers of PAX and one for the others. */
	if (m->size && m->size != w->pax.size)
		return plain_refuse("has two sizes", name, n, err);
	if (!m->size && w->pax.size && w->pax.size <= 077777777777)
		not_plain(w, "it has a PAX size where the header's would do");
	m->size = w->pax.size;
	return 0;
}

/* A sparse file is as large as it says; what lies in the archive of it is skipped as any body. */
static int apply_sparse(struct pack_plain *w, const unsigned char *h, enum form form,
	struct pack_member *m, const char *name, size_t n, struct err *err)
{
	const struct pack_sparse *s = &w->pax.sparse;
	bool gnu = h[F_TYPE] == 'S';
	char q[PACK_QUOTE_MAX];

	m->stored = m->size;
	if (!gnu && !s->seen)
		return 0;
	if (gnu ? form != FORM_GNU || s->seen : m->type != PACK_FILE || h[F_TYPE] != '0')
		return plain_refuse("is a sparse file in no known form", name, n, err);
	not_plain(w, "entry '%s' is a sparse file", pack_quote(q, name, n));
	m->sparse = true;
	m->in_body = s->in_body;
	m->size = s->real;
	if (gnu && (field_number(h + F_GNU_REAL, 12, &m->size) < 0 || m->size > INT64_MAX))
		return plain_refuse("is a sparse file whose size is not a number", name, n, err);
	if (m->in_body && m->stored < PACK_BLOCK)
		return plain_refuse("is a sparse file without its map", name, n, err);
	return 0;
}

static void body_begin(struct pack_plain *w, const struct pack_member *m, bool more)
{
	w->pad = -m->stored % PACK_BLOCK;
	w->skip = m->stored + w->pad;
	w->parts = 0;
	w->state = more      ? PLAIN_SPARSE
		: m->in_body ? PLAIN_MAP
		: w->skip    ? PLAIN_BODY
			     : PLAIN_HEADER;
}

/* libarchive keeps a map in memory, all of it. This is 21 more pieces of a GNU header's. */
static int sparse_block(struct pack_plain *w, const unsigned char *h, struct err *err)
{
	w->parts += 21;
	if (w->parts > LIMIT_SPARSE_PARTS)
		return plain_broken(w, "a sparse file has too many pieces", err);
	if (!h[504])
		w->state = w->skip ? PLAIN_BODY : PLAIN_HEADER;
	return 0;
}

/* Likewise the map of version 1.0 ("%d\n", how many pieces, then their numbers), which is a part of
   the body. */
static int map_block(struct pack_plain *w, const unsigned char *h, struct err *err)
{
	size_t i;

	for (i = 0; i < 9 && h[i] >= '0' && h[i] <= '9'; i++)
		w->parts = w->parts * 10 + (unsigned)(h[i] - '0');
	if (!i || h[i] != '\n')
		return plain_broken(w, "a sparse file's map does not begin with a number", err);
	if (w->parts > LIMIT_SPARSE_PARTS)
		return plain_broken(w, "a sparse file has too many pieces", err);
	w->skip -= PACK_BLOCK;
	w->state = w->skip ? PLAIN_BODY : PLAIN_HEADER;
	return 0;
}

static int plain_entry(struct pack_plain *w, const unsigned char *h, enum form form, uint64_t size,
	uint64_t mode, struct err *err)
{
	struct pack_member m = {.size = size, .mode = (unsigned)mode};
	char from_header[N_PREFIX + 1 + N_NAME];
	const char *name = from_header;
	size_t n;

	header_name(w, h, form, from_header, &n);
	if (w->pax.path.len) {
		name = buf_str(&w->pax.path);
		n = w->pax.path.len;
	} else if (w->has_gnu_name) {
		name = buf_str(&w->gnu_name);
		n = w->gnu_name.len;
	}
	if (mode > 07777777)
		return plain_refuse("has an impossible mode", name, n, err);
	if (form == FORM_USTAR && !all_zero(h + F_PAD, PACK_BLOCK - F_PAD))
		not_plain(w, "a header has bytes in its padding");
	/* Go takes what it cannot read as a time there for a prefix. */
	if (form == FORM_GNU && h[F_TYPE] != 'S' && !all_zero(h + F_GNU, PACK_BLOCK - F_GNU))
		not_plain(w, "a GNU header has more than a name");
	if (apply_size(w, &m, name, n, err) ||
		plain_classify(w, (char)h[F_TYPE], name, n, &m, err) ||
		apply_sparse(w, h, form, &m, name, n, err))
		return -1;
	m.name_len = n;
	check_mode(w, &m, name);
	m.name = w->names.len;
	buf_add(&w->names, name, n);
	buf_addc(&w->names, '\0');
	*vec_add(&w->queue) = m;
	pack_pax_reset(&w->pax);
	w->has_gnu_name = w->has_gnu_link = false;
	body_begin(w, &m, h[F_TYPE] == 'S' && h[F_GNU_MORE]);
	return 0;
}

static bool plain_pending(const struct pack_plain *w)
{
	return w->pax.seen || w->has_gnu_name || w->has_gnu_link;
}

/* An x, g, L or K header: its body is collected. */
static int meta_begin(struct pack_plain *w, char type, uint64_t size, struct err *err)
{
	bool gnu = type == 'L' || type == 'K';

	if (size > LIMIT_TAR_META)
		return plain_broken(w, "an extension header is too long", err);
	/* One x, or one L and one K, for one entry: of anything more each reader makes something
	   else. */
	if ((type == 'x' || type == 'g') && plain_pending(w))
		return plain_broken(w, "an extension header follows another one", err);
	if (gnu && (w->pax.seen || (type == 'L' ? w->has_gnu_name : w->has_gnu_link)))
		return plain_broken(w, "an extension header follows another one", err);
	if (type != 'x')
		not_plain(w, gnu ? "it has GNU long names" : "it has a global PAX header");
	w->meta_type = type;
	buf_reset(&w->meta);
	w->skip = size;
	w->pad = (PACK_BLOCK - size % PACK_BLOCK) % PACK_BLOCK;
	w->state = PLAIN_META;
	return 0;
}

static int meta_end(struct pack_plain *w, struct err *err)
{
	const char *p = buf_str(&w->meta);
	size_t n = w->meta.len, len = strnlen(p, n), i;
	const char *odd = NULL;

	w->skip = w->pad;
	w->state = w->skip ? PLAIN_BODY : PLAIN_HEADER;
	switch (w->meta_type) {
	case 'x':
	case 'g':
		if (pack_pax_parse(&w->pax, p, n, w->meta_type == 'g', &odd, err))
			return err_wrap(
				err, "broken tar before byte %llu", (unsigned long long)w->at);
		if (odd)
			not_plain(w, "it has PAX records of %s", odd);
		return 0;
	default:
		for (i = len; i < n; i++)
			if (p[i])
				return plain_broken(w, "a GNU long name has a NUL inside", err);
		if (!len)
			return plain_broken(w, "a GNU long name is empty", err);
		if (w->meta_type == 'K') {
			w->has_gnu_link = true;
			return 0;
		}
		w->has_gnu_name = true;
		buf_reset(&w->gnu_name);
		return buf_add(&w->gnu_name, p, len);
	}
}

/* The first block is no header: people push all kinds of files. */
static int no_archive(const unsigned char *h, struct err *err)
{
	static const struct {
		const char *magic;
		size_t n;
		const char *name;
	} known[] = {{"BZh", 3, "bzip2"},
		{"\xfd"
		 "7zXZ",
			5, "xz"},
		{"PK\x03\x04", 4, "zip"}, {"\x04\x22\x4d\x18", 4, "lz4"}};
	size_t i;

	err->code = PACK_NO_ARCHIVE;
	for (i = 0; i < ARRAY_LEN(known); i++)
		if (!memcmp(h, known[i].magic, known[i].n))
			return err_wrap(err, "the layer is no tar archive but %s", known[i].name);
	return err_wrap(err, "the layer is no tar archive");
}

static int plain_header(struct pack_plain *w, const unsigned char *h, struct err *err)
{
	uint64_t size = 0, mode = 0;
	enum form form = FORM_V7;

	if (all_zero(h, PACK_BLOCK)) {
		if (plain_pending(w))
			return plain_broken(w, "it ends after an extension header", err);
		w->state = PLAIN_ZERO;
		return 0;
	}
	if (check_sum(w, h, err) || find_form(w, h, &form, err))
		return w->at < PACK_BLOCK ? no_archive(h, err) : -1;
	if (header_numbers(w, h, form, &size, &mode, err))
		return -1;
	if (form == FORM_GNU && h[F_TYPE] == 'x')
		not_plain(w, "it has PAX records behind GNU headers");
	if (strchr("xgLK", h[F_TYPE]) && h[F_TYPE])
		return meta_begin(w, (char)h[F_TYPE], size, err);
	return plain_entry(w, h, form, size, mode, err);
}

static int plain_block(struct pack_plain *w, const unsigned char *h, struct err *err)
{
	if (w->state == PLAIN_HEADER)
		return plain_header(w, h, err);
	if (w->state == PLAIN_SPARSE)
		return sparse_block(w, h, err);
	if (w->state == PLAIN_MAP)
		return map_block(w, h, err);
	/* Go's reader refuses this, GNU tar goes on, libarchive stops. */
	if (!all_zero(h, PACK_BLOCK))
		return plain_broken(w, "a zero block stands alone between entries", err);
	w->state = PLAIN_TAIL;
	return 0;
}

/* Takes what the state wants of n bytes; returns how many, 0 on error. */
static size_t plain_step(struct pack_plain *w, const unsigned char *p, size_t n, struct err *err)
{
	size_t take = n;

	switch (w->state) {
	case PLAIN_TAIL:
		if (!all_zero(p, n))
			not_plain(w, "bytes follow the end of the archive");
		return n;
	case PLAIN_BODY:
	case PLAIN_META:
		if (w->skip < take)
			take = (size_t)w->skip;
		w->skip -= take;
		if (w->state == PLAIN_META && buf_add(&w->meta, p, take))
			return (void)plain_broken(w, "an extension header is too long", err), 0;
		if (!w->skip && w->state == PLAIN_META)
			return meta_end(w, err) ? 0 : take;
		if (!w->skip)
			w->state = PLAIN_HEADER;
		return take;
	default:
		if (!w->have && n >= PACK_BLOCK)
			return plain_block(w, p, err) ? 0 : PACK_BLOCK;
		take = PACK_BLOCK - w->have < n ? PACK_BLOCK - w->have : n;
		memcpy(w->block + w->have, p, take);
		w->have += take;
		if (w->have < PACK_BLOCK)
			return take;
		w->have = 0;
		return plain_block(w, w->block, err) ? 0 : take;
	}
}

int pack_plain_feed(struct pack_plain *w, const unsigned char *p, size_t n, struct err *err)
{
	if (w->taken == w->queue.len) {
		w->taken = w->queue.len = 0;
		buf_reset(&w->names);
	}
	while (n) {
		size_t take = plain_step(w, p, n, err);

		if (!take)
			return -1;
		p += take;
		n -= take;
		w->at += take;
		/* An extension header without a body needs no bytes. */
		if (w->state == PLAIN_META && !w->skip && meta_end(w, err))
			return -1;
	}
	return 0;
}

size_t pack_plain_missing(struct pack_plain *w)
{
	size_t n = 0;

	if (plain_pending(w))
		return 0;
	if (w->state == PLAIN_BODY && w->skip <= w->pad)
		n = (size_t)w->skip;
	else if ((w->state == PLAIN_HEADER || w->state == PLAIN_ZERO) && w->have &&
		w->at > w->have && all_zero(w->block, w->have))
		n = PACK_BLOCK - w->have;
	if (n)
		not_plain(w, "it ends within a block");
	return n;
}

uint64_t pack_plain_skip(struct pack_plain *w)
{
	uint64_t n = w->skip;

	if (w->state != PLAIN_BODY)
		return 0;
	w->skip = 0;
	w->at += n;
	w->state = PLAIN_HEADER;
	return n;
}

bool pack_plain_at_end(const struct pack_plain *w)
{
	return w->state == PLAIN_TAIL;
}

int pack_plain_end(struct pack_plain *w, struct err *err)
{
	if (!w->at)
		return err_code(err, ERR_RETRY, PACK_NO_ARCHIVE, "the layer holds no archive");
	if (w->at == w->have) {
		err_set(err, ERR_RETRY, "it is shorter than a header");
		return no_archive(w->block, err);
	}
	if (w->state == PLAIN_TAIL)
		return 0;
	if (w->have || (w->state != PLAIN_HEADER && w->state != PLAIN_ZERO))
		return plain_broken(w, "it is cut", err);
	if (plain_pending(w))
		return plain_broken(w, "it ends after an extension header", err);
	not_plain(w, "it has no end-of-archive blocks");
	return 0;
}

bool pack_plain_take(struct pack_plain *w, struct pack_member *m)
{
	if (w->taken == w->queue.len)
		return false;
	*m = w->queue.p[w->taken++];
	return true;
}

const char *pack_plain_name(const struct pack_plain *w, const struct pack_member *m)
{
	return w->names.p + m->name;
}
