/*
 * A pack, pre-scanned and indexed: the first byte says how it is made. Even: the rest is the pack,
 * whose checksum is put right. Odd: the rest says which objects a pack is made of, deltas by place
 * and by name upon each other, and on a blob of the set that it comes on top of. What is taken has
 * the names that its bytes say, in pieces and at once, and within the bounds that were set.
 */
#include "git/gitc.h"
#include "git/objects_internal.h"

#include "../unit/git/packs.c"

#include <stdbool.h>
#include <unistd.h>

#define OBJECTS 64
#define OBJECT 4096
#define EXPANDED 16384

static struct gitc_folder *folder;
static struct gitc_objects *base;

/* The objects that an odd input names: what each is, how it is made, and of what. */
static void made(struct buf *pack, const unsigned char *p, size_t n)
{
	size_t at[OBJECTS], count = 0, i = 0;
	struct gitc_oid names[OBJECTS], blob = pk_blob_x();

	pk_begin(pack, n ? p[0] % OBJECTS : 0);
	for (i = 1; i + 3 <= n && count < OBJECTS; count++) {
		unsigned how = p[i] & 7, of = p[i + 1];
		size_t len = p[i + 2] < n - i - 3 ? p[i + 2] : n - i - 3;
		const unsigned char *bytes = p + i + 3;

		if (how == PK_OFS && count)
			at[count] = pk_ofs(pack, at[of % count], bytes, len);
		else if (how == PK_REF && (count || of == 255))
			at[count] =
				pk_ref(pack, of == 255 ? &blob : &names[of % count], bytes, len);
		else
			at[count] = pk_add_claim(pack, how, bytes, len, p[i] & 64 ? of : len);
		/* Of a delta it is no object's name, unless by a cycle. */
		names[count] =
			pk_oid(how >= PK_COMMIT && how <= PK_TAG ? how : PK_BLOB, bytes, len);
		i += 3 + len;
	}
	pk_end(pack);
}

static struct gitc_objects *take(const struct buf *pack, size_t step, struct err *err)
{
	return pk_index_on(base, folder,
		&(struct gitc_limits){.objects = OBJECTS,
			.object = OBJECT,
			.expanded = EXPANDED,
			.pack = 1 << 20},
		pack->p, pack->len, step, err);
}

/* Each object has the hash that its name says. */
static void check(const struct gitc_objects *o, const struct gitc_objects *other)
{
	const struct gitc_pack *p = atomic_load(&o->packs);
	uint64_t total = 0;
	uint32_t i;

	BUG_IF(p->fanout[255] > OBJECTS + 1 || p->next);
	for (i = 0; i < p->fanout[255]; i++) {
		auto_raw struct gitc_raw a = {0}, b = {0};
		struct gitc_oid oid, again;
		struct err err = {0};

		if (pread(p->fd, oid.b, sizeof(oid.b), (off_t)(p->pack_size + i * GITC_RECORD)) !=
			(ssize_t)sizeof(oid.b))
			abort();
		BUG_IF(gitc_raw_read(
			o, &oid, &(struct gitc_raw_req){.max = OBJECT}, NULL, &a, &err));
		again = pk_oid(a.type, a.b.p, a.b.len);
		BUG_IF(!gitc_oid_equal(&oid, &again));
		BUG_IF(gitc_raw_read(
			other, &oid, &(struct gitc_raw_req){a.type, OBJECT, 0}, NULL, &b, &err));
		BUG_IF(!buf_equal(&a.b, &b.b));
		total += a.b.len;
	}
	BUG_IF(total > EXPANDED);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *whole, *pieces;
	struct err err = {0}, again = {0};

	if (size < 2)
		return 0;
	if (!folder) {
		folder = gitc_folder_new("/tmp", &err); /* its files have no names */
		BUG_IF(!folder);
		pk_begin(&pack, 1);
		pk_add(&pack, PK_BLOB, "x\n", 2);
		pk_end(&pack);
		base = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
		BUG_IF(!base);
		buf_reset(&pack);
	}
	if (data[0] & 1) {
		made(&pack, data + 1, size - 1);
	} else {
		buf_add(&pack, data + 1, size - 1);
		pk_end(&pack);
	}
	whole = take(&pack, 0, &err);
	pieces = take(&pack, (size_t)(data[0] >> 1) + 1, &again);
	BUG_IF(!whole != !pieces);
	if (whole)
		check(whole, pieces);
	else
		BUG_IF(err.kind != ERR_RETRY || !err.msg[0] || err.code != again.code ||
			(err.code != GITC_BAD_PACK && err.code != GITC_TOO_LARGE));
	gitc_objects_unref(whole);
	gitc_objects_unref(pieces);
	return 0;
}
