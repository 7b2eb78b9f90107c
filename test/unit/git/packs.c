#include "packs.h"

#include "crypto/sha1.h"
#include "git/hash.h"
#include "pack/deflate.h"

#include <stdlib.h>
#include <string.h>

static void put_be32(struct buf *b, uint32_t v)
{
	unsigned char c[4] = {v >> 24 & 255, v >> 16 & 255, v >> 8 & 255, v & 255};

	buf_add(b, c, 4);
}

void pk_begin(struct buf *b, uint32_t n)
{
	buf_adds(b, "PACK");
	put_be32(b, 2);
	put_be32(b, n);
}

static void put_head(struct buf *b, unsigned type, uint64_t size)
{
	unsigned c = type << 4 | (unsigned)(size & 15);

	for (size >>= 4; size; size >>= 7) {
		buf_addc(b, (char)(c | 128));
		c = size & 127;
	}
	buf_addc(b, (char)c);
}

static void put_zlib(struct buf *b, const void *p, size_t n)
{
	if (pack_deflate(b, p, n, NULL))
		abort();
}

size_t pk_add_claim(struct buf *b, unsigned type, const void *p, size_t n, uint64_t claim)
{
	size_t at = b->len;

	put_head(b, type, claim);
	put_zlib(b, p, n);
	return at;
}

size_t pk_add(struct buf *b, unsigned type, const void *p, size_t n)
{
	return pk_add_claim(b, type, p, n, n);
}

size_t pk_ofs(struct buf *b, size_t base, const void *delta, size_t n)
{
	size_t at = b->len;
	uint64_t back = at - base;
	unsigned char c[10];
	int i = sizeof(c);

	put_head(b, PK_OFS, n);
	c[--i] = back & 127;
	while (back >>= 7)
		c[--i] = 128 | (--back & 127);
	buf_add(b, c + i, sizeof(c) - (size_t)i);
	put_zlib(b, delta, n);
	return at;
}

size_t pk_ref(struct buf *b, const struct gitc_oid *base, const void *delta, size_t n)
{
	size_t at = b->len;

	put_head(b, PK_REF, n);
	buf_add(b, base->b, sizeof(base->b));
	put_zlib(b, delta, n);
	return at;
}

void pk_end(struct buf *b)
{
	unsigned char sum[SHA1_SIZE];
	struct sha1 h = {0};

	sha1_init(&h);
	sha1_update(&h, b->p, b->len);
	sha1_final(&h, sum);
	sha1_clear(&h);
	buf_add(b, sum, sizeof(sum));
}

static void put_size(struct buf *d, uint64_t v)
{
	for (; v > 127; v >>= 7)
		buf_addc(d, (char)(v | 128));
	buf_addc(d, (char)v);
}

void pk_delta(struct buf *d, uint64_t from, uint64_t to)
{
	put_size(d, from);
	put_size(d, to);
}

void pk_copy(struct buf *d, uint32_t at, uint32_t n)
{
	unsigned char c[8] = {0x80};
	unsigned i, len = 1;

	for (i = 0; i < 4; i++)
		if (at >> 8 * i & 255) {
			c[0] |= (unsigned char)(1 << i);
			c[len++] = at >> 8 * i & 255;
		}
	for (i = 0; i < 3; i++)
		if (n >> 8 * i & 255) {
			c[0] |= (unsigned char)(16 << i);
			c[len++] = n >> 8 * i & 255;
		}
	buf_add(d, c, len);
}

void pk_text(struct buf *d, const char *text)
{
	buf_addc(d, (char)strlen(text));
	buf_adds(d, text);
}

void pk_entry(
	struct buf *tree, const char *mode, const char *name, size_t n, const struct gitc_oid *oid)
{
	buf_addf(tree, "%s ", mode);
	buf_add(tree, name, n);
	buf_addc(tree, '\0');
	buf_add(tree, oid->b, sizeof(oid->b));
}

struct gitc_oid pk_oid(unsigned type, const void *p, size_t n)
{
	struct err err = {0};
	struct gitc_oid oid;

	if (gitc_hash(&oid, (enum gitc_type)type, p, n, &err))
		abort();
	return oid;
}

struct gitc_oid pk_commit(struct buf *out, const struct gitc_oid *tree)
{
	char hex[GITC_OID_HEX];

	buf_reset(out);
	buf_addf(out,
		"tree %s\nauthor A <a@b> 1700000000 +0100\n"
		"committer A <a@b> 1700000000 +0100\n\nmessage\n",
		gitc_oid_format(tree, hex));
	return pk_oid(PK_COMMIT, out->p, out->len);
}

struct gitc_objects *pk_index(const struct gitc_folder *f, const struct gitc_limits *limits,
	const void *p, size_t n, size_t step, struct err *err)
{
	return pk_index_on(NULL, f, limits, p, n, step, err);
}

struct gitc_objects *pk_index_on(struct gitc_objects *base, const struct gitc_folder *f,
	const struct gitc_limits *limits, const void *p, size_t n, size_t step, struct err *err)
{
	static const struct gitc_limits none;
	struct gitc_index *ix = gitc_index_new(f, limits ? limits : &none);
	struct gitc_objects *o = base ? gitc_objects_on(base) : NULL;
	const char *from = p;
	int rc = 0;

	while (n && !rc) {
		size_t take = step && step < n ? step : n;

		rc = gitc_index_add(ix, from, take, NULL, err);
		from += take;
		n -= take;
	}
	if (!rc)
		rc = gitc_index_end(ix, &o, NULL, err);
	gitc_index_free(ix);
	if (!rc)
		return o;
	gitc_objects_unref(o);
	return NULL;
}

struct gitc_oid pk_blob_x(void)
{
	return pk_oid(PK_BLOB, "x\n", 2);
}

struct gitc_oid pk_tree_pack(struct buf *pack, const struct buf *tree)
{
	struct buf commit = BUF_INIT(BUF_ANY);
	struct gitc_oid root = pk_oid(PK_TREE, tree->p, tree->len);
	struct gitc_oid oid = pk_commit(&commit, &root);

	pk_begin(pack, 3);
	pk_add(pack, PK_COMMIT, commit.p, commit.len);
	pk_add(pack, PK_TREE, tree->p, tree->len);
	pk_add(pack, PK_BLOB, "x\n", 2);
	pk_end(pack);
	buf_clear(&commit);
	return oid;
}
