/* GR-20: packs, sound and hostile, as they come from a server. */
#include "packs.h"
#include "repo.h"

#include "base/limits.h"
#include "git/gitc.h"

#include "base/mem.h"

#include <check.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

static struct gitc_folder *folder;

static void setup(void)
{
	folder = gr_setup();
}

static void teardown(void)
{
	gr_teardown(folder);
}

static void expect_blob(struct gitc_objects *o, const struct gitc_oid *oid, const char *text)
{
	struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert(gitc_objects_has(o, oid));
	ck_assert_msg(!gitc_blob_read(o, oid, &b, 1000, &err), "%s", err.msg);
	ck_assert_str_eq(buf_str(&b), text);
	buf_clear(&b);
}

static size_t open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	ck_assert(d != NULL);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* There may be many sets: a pack and its index are one file. */
START_TEST(test_one_file)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	size_t before = open_files();
	struct gitc_objects *o;
	struct err err = {0};
	struct gitc_oid x;

	pk_begin(&pack, 1);
	pk_add(&pack, PK_BLOB, "x\n", 2);
	pk_end(&pack);
	o = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	ck_assert_uint_eq(open_files(), before + 1);
	x = pk_blob_x();
	expect_blob(o, &x, "x\n");
	gitc_objects_unref(o);
	ck_assert_uint_eq(open_files(), before);
	buf_clear(&pack);
}
END_TEST

/* Deltas of both kinds, upon each other, in pieces of every size. */
START_TEST(test_deltas)
{
	static const size_t steps[] = {0, 1, 7, 20, 64};
	struct buf pack = BUF_INIT(BUF_ANY), d = BUF_INIT(BUF_ANY);
	struct gitc_oid base = pk_oid(PK_BLOB, "hello world", 11);
	struct gitc_oid second = pk_oid(PK_BLOB, "hello there", 11);
	struct gitc_oid third = pk_oid(PK_BLOB, "there", 5);
	struct gitc_objects_stats stats;
	struct gitc_objects *o;
	struct err err = {0};
	size_t at;

	pk_begin(&pack, 3);
	at = pk_add(&pack, PK_BLOB, "hello world", 11);
	pk_delta(&d, 11, 11);
	pk_copy(&d, 0, 6);
	pk_text(&d, "there");
	pk_ofs(&pack, at, d.p, d.len);
	buf_reset(&d);
	pk_delta(&d, 11, 5);
	pk_copy(&d, 6, 5);
	pk_ref(&pack, &second, d.p, d.len);
	pk_end(&pack);
	o = pk_index(folder, NULL, pack.p, pack.len, steps[_i], &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	expect_blob(o, &base, "hello world");
	expect_blob(o, &second, "hello there");
	expect_blob(o, &third, "there");
	gitc_objects_stats(o, &stats);
	ck_assert_uint_eq(stats.objects, 3);
	ck_assert_uint_gt(stats.bytes, pack.len);
	gitc_objects_unref(o);
	buf_clear(&pack);
	buf_clear(&d);
}
END_TEST

static void expect_refused(
	const struct gitc_limits *limits, const struct buf *pack, int code, const char *words)
{
	struct err err = {0};
	struct gitc_objects *o = pk_index(folder, limits, pack->p, pack->len, 0, &err);

	ck_assert_msg(o == NULL, "taken, not '%s'", words);
	ck_assert_msg(strstr(err.msg, words) != NULL, "'%s', not '%s'", err.msg, words);
	ck_assert_int_eq(err.code, code);
	ck_assert_int_eq(err.kind, ERR_RETRY);
}

struct broken {
	const char *words;
	int code;
	void (*make)(struct buf *pack);
};

static void make_none(struct buf *b)
{
	buf_adds(b, "<html>no pack here</html>");
}

static void make_version(struct buf *b)
{
	buf_add(b, "PACK\0\0\0\4\0\0\0\1", 12);
}

static void make_empty(struct buf *b)
{
	pk_begin(b, 0);
	pk_end(b);
}

static void make_many(struct buf *b)
{
	pk_begin(b, 4000000000u);
}

static void make_cut(struct buf *b)
{
	pk_begin(b, 2);
	pk_add(b, PK_BLOB, "x", 1);
}

static void make_sum(struct buf *b)
{
	pk_begin(b, 1);
	pk_add(b, PK_BLOB, "x", 1);
	pk_end(b);
	b->p[b->len - 1] ^= 1;
}

static void make_more(struct buf *b)
{
	pk_begin(b, 1);
	pk_add(b, PK_BLOB, "x", 1);
	pk_end(b);
	buf_addc(b, 'x');
}

static void make_type(struct buf *b)
{
	pk_begin(b, 1);
	pk_add(b, 5, "x", 1);
}

static void make_long(struct buf *b)
{
	pk_begin(b, 1);
	pk_add_claim(b, PK_BLOB, "xxxx", 4, 3);
	pk_end(b);
}

static void make_short(struct buf *b)
{
	pk_begin(b, 1);
	pk_add_claim(b, PK_BLOB, "xxxx", 4, 5);
	pk_end(b);
}

static void make_size(struct buf *b)
{
	pk_begin(b, 1);
	buf_add(b, "\xbf\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12);
}

static void make_zlib(struct buf *b)
{
	pk_begin(b, 1);
	buf_add(b, "\x31no zlib", 8);
	pk_end(b);
}

static void make_huge(struct buf *b)
{
	pk_begin(b, 1);
	pk_add_claim(b, PK_BLOB, "x", 1, 1ULL << 40);
}

static void make_huge_tree(struct buf *b)
{
	pk_begin(b, 1);
	pk_add_claim(b, PK_TREE, "x", 1, LIMIT_GIT_TREE + 1);
}

static void delta_on(struct buf *b, size_t back, uint64_t from, uint64_t to)
{
	struct buf d = BUF_INIT(BUF_ANY);
	size_t at;

	pk_begin(b, 2);
	at = pk_add(b, PK_BLOB, "0123456789", 10);
	pk_delta(&d, from, to);
	pk_copy(&d, 0, 10);
	pk_ofs(b, at - back, d.p, d.len);
	pk_end(b);
	buf_clear(&d);
}

static void make_delta_huge(struct buf *b)
{
	delta_on(b, 0, 10, LIMIT_GIT_DELTA + 1);
}

static void make_delta_base(struct buf *b)
{
	delta_on(b, 0, 11, 10);
}

static void make_delta_place(struct buf *b)
{
	delta_on(b, 1, 10, 10);
}

static void make_delta_front(struct buf *b)
{
	delta_on(b, 12 + 5, 10, 10);
}

static void make_delta_lies(struct buf *b)
{
	delta_on(b, 0, 10, 12);
}

static void make_delta_empty(struct buf *b)
{
	pk_begin(b, 2);
	pk_ofs(b, pk_add(b, PK_BLOB, "0123456789", 10), "", 0);
	pk_end(b);
}

static void make_thin(struct buf *b)
{
	struct gitc_oid base = pk_oid(PK_BLOB, "not here", 8);
	struct buf d = BUF_INIT(BUF_ANY);

	pk_delta(&d, 8, 8);
	pk_copy(&d, 0, 8);
	pk_begin(b, 1);
	pk_ref(b, &base, d.p, d.len);
	pk_end(b);
	buf_clear(&d);
}

/* Each copies what it is made of twice: 10 bytes become 10 * 2^n. */
static void make_bomb(struct buf *b)
{
	struct buf d = BUF_INIT(BUF_ANY);
	uint64_t size = 10;
	unsigned i;
	size_t at;

	pk_begin(b, 40);
	at = pk_add(b, PK_BLOB, "0123456789", 10);
	for (i = 0; i < 39; i++, size *= 2) {
		buf_reset(&d);
		pk_delta(&d, size, 2 * size);
		pk_copy(&d, 0, (uint32_t)size);
		pk_copy(&d, 0, (uint32_t)size);
		at = pk_ofs(b, at, d.p, d.len);
	}
	pk_end(b);
	buf_clear(&d);
}

/* A tree that is no delta could not be so large. */
static void make_delta_tree(struct buf *b)
{
	static const char zeros[60000];
	struct buf d = BUF_INIT(BUF_ANY);
	size_t n = LIMIT_GIT_TREE / sizeof(zeros) + 1, at, i;

	pk_begin(b, 2);
	at = pk_add(b, PK_TREE, zeros, sizeof(zeros));
	pk_delta(&d, sizeof(zeros), n * sizeof(zeros));
	for (i = 0; i < n; i++)
		pk_copy(&d, 0, sizeof(zeros));
	pk_ofs(b, at, d.p, d.len);
	pk_end(b);
	buf_clear(&d);
}

/* Nothing grows, and each is made of all those before. */
static void make_chain(struct buf *b)
{
	struct buf d = BUF_INIT(BUF_ANY);
	unsigned i;
	size_t at;

	pk_delta(&d, 10, 10);
	pk_copy(&d, 0, 10);
	pk_begin(b, LIMIT_GIT_DEPTH + 2);
	at = pk_add(b, PK_BLOB, "0123456789", 10);
	for (i = 0; i <= LIMIT_GIT_DEPTH; i++)
		at = pk_ofs(b, at, d.p, d.len);
	pk_end(b);
	buf_clear(&d);
}

/* 64 MiB each, upon each other. */
static void make_costly(struct buf *b)
{
	struct buf d = BUF_INIT(BUF_ANY), big = BUF_INIT(BUF_ANY);
	size_t size = (size_t)64 * LIMIT_MIB, at;
	unsigned i;

	memset(buf_room(&big, size), 0, size);
	big.len = size;
	pk_delta(&d, size, size);
	for (i = 0; i < 4; i++)
		pk_copy(&d, 0, 0x1000000 - 1);
	pk_copy(&d, 0, 4);
	pk_begin(b, 80);
	at = pk_add(b, PK_BLOB, big.p, big.len);
	for (i = 0; i < 79; i++)
		at = pk_ofs(b, at, d.p, d.len);
	pk_end(b);
	buf_clear(&d);
	buf_clear(&big);
}

static const struct broken broken[] = {
	{"does not begin as one", GITC_BAD_PACK, make_none},
	{"version 4", GITC_BAD_PACK, make_version},
	{"it is empty", GITC_BAD_PACK, make_empty},
	{"objects are more than 1000000", GITC_TOO_LARGE, make_many},
	{"1 objects before it should", GITC_BAD_PACK, make_cut},
	{"its checksum is another one", GITC_BAD_PACK, make_sum},
	{"bytes follow its end", GITC_BAD_PACK, make_more},
	{"of no known type", GITC_BAD_PACK, make_type},
	{"longer than it says", GITC_BAD_PACK, make_long},
	{"shorter than it says", GITC_BAD_PACK, make_short},
	{"has no size", GITC_BAD_PACK, make_size},
	{"broken zlib stream", GITC_BAD_PACK, make_zlib},
	{"1099511627776 bytes, more than", GITC_TOO_LARGE, make_huge},
	{"more than 33554432", GITC_TOO_LARGE, make_huge_tree},
	{"more than 134217728", GITC_TOO_LARGE, make_delta_huge},
	{"says another size of its base", GITC_BAD_PACK, make_delta_base},
	{"where no object begins", GITC_BAD_PACK, make_delta_place},
	{"where no object begins", GITC_BAD_PACK, make_delta_front},
	{"bad pack: ", GITC_BAD_PACK, make_delta_lies},
	{"delta without sizes", GITC_BAD_PACK, make_delta_empty},
	{"bad pack: ", GITC_BAD_PACK, make_thin},
	{"more than 134217728", GITC_TOO_LARGE, make_bomb},
	{"a tree of the pack has", GITC_TOO_LARGE, make_delta_tree},
	{"upon each other in the pack are more than 4095", GITC_TOO_LARGE, make_chain},
	{"one object is made of are more than 4294967296", GITC_TOO_LARGE, make_costly},
};

START_TEST(test_gr_20_broken)
{
	struct buf pack = BUF_INIT(BUF_ANY);

	broken[_i].make(&pack);
	expect_refused(NULL, &pack, broken[_i].code, broken[_i].words);
	buf_clear(&pack);
}
END_TEST

/* The caller's own bounds. */
START_TEST(test_limits)
{
	struct buf pack = BUF_INIT(BUF_ANY);

	pk_begin(&pack, 2);
	pk_add(&pack, PK_BLOB, "0123456789", 10);
	pk_add(&pack, PK_BLOB, "012345678", 9);
	pk_end(&pack);
	expect_refused(&(struct gitc_limits){.pack = pack.len - 1}, &pack, GITC_TOO_LARGE,
		"the pack's bytes are more than");
	expect_refused(&(struct gitc_limits){.objects = 1}, &pack, GITC_TOO_LARGE,
		"objects are more than 1");
	expect_refused(&(struct gitc_limits){.object = 9}, &pack, GITC_TOO_LARGE,
		"has 10 bytes, more than 9");
	expect_refused(&(struct gitc_limits){.expanded = 18}, &pack, GITC_TOO_LARGE,
		"bytes of the pack's objects are more than 18");
	buf_clear(&pack);
}
END_TEST

/* 300 MiB of zeros in 300 KiB. */
START_TEST(test_gr_20_ratio)
{
	struct buf pack = BUF_INIT(BUF_ANY), big = BUF_INIT(BUF_ANY);
	size_t size = (size_t)60 * LIMIT_MIB;
	unsigned i;

	memset(buf_room(&big, size), 0, size);
	big.len = size;
	pk_begin(&pack, 5);
	for (i = 0; i < 5; i++) {
		big.p[0] = (char)i;
		pk_add(&pack, PK_BLOB, big.p, big.len);
	}
	pk_end(&pack);
	expect_refused(NULL, &pack, GITC_TOO_LARGE, "inflates to are more than 200");
	buf_clear(&pack);
	buf_clear(&big);
}
END_TEST

/* GR-20: what few bytes need of memory is known before any is taken: a delta of 100 bytes may make
   100 MiB. */
START_TEST(test_gr_20_memory)
{
	struct gitc_index *ix = gitc_index_new(folder, &(struct gitc_limits){0});
	struct buf pack = BUF_INIT(BUF_ANY);
	struct err err = {0};

	delta_on(&pack, 0, 10, (uint64_t)100 * LIMIT_MIB);
	ck_assert_uint_eq(gitc_index_memory(ix), 0);
	ck_assert_int_eq(gitc_index_add(ix, pack.p, pack.len, NULL, &err), 0);
	ck_assert_uint_gt(gitc_index_memory(ix), (uint64_t)200 * LIMIT_MIB);
	gitc_index_free(ix);
	buf_reset(&pack);
	/* What is no delta takes no more than its name. */
	pk_begin(&pack, 1);
	pk_add(&pack, PK_BLOB, "x", 1);
	pk_end(&pack);
	ix = gitc_index_new(folder, &(struct gitc_limits){0});
	ck_assert_int_eq(gitc_index_add(ix, pack.p, pack.len, NULL, &err), 0);
	ck_assert_uint_lt(gitc_index_memory(ix), 200);
	gitc_index_free(ix);
	buf_clear(&pack);
}
END_TEST

START_TEST(test_stop)
{
	struct gitc_index *ix = gitc_index_new(folder, &(struct gitc_limits){0});
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_objects *o = NULL;
	atomic_bool stop = false;
	struct err err = {0};

	pk_begin(&pack, 1);
	pk_add(&pack, PK_BLOB, "x", 1);
	pk_end(&pack);
	ck_assert_int_eq(gitc_index_add(ix, pack.p, 20, &stop, &err), 0);
	stop = true;
	ck_assert_int_eq(gitc_index_add(ix, pack.p + 20, pack.len - 20, &stop, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	gitc_index_free(ix);
	/* While deltas are put together, too. */
	ix = gitc_index_new(folder, &(struct gitc_limits){0});
	buf_reset(&pack);
	delta_on(&pack, 0, 10, 10);
	stop = false;
	ck_assert_int_eq(gitc_index_add(ix, pack.p, pack.len, &stop, &err), 0);
	stop = true;
	err = (struct err){0};
	ck_assert_int_eq(gitc_index_end(ix, &o, &stop, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	gitc_index_free(ix);
	buf_clear(&pack);
}
END_TEST

/* GR-22: a set without blobs, to which they come later. */
START_TEST(test_gr_22_added)
{
	struct buf pack = BUF_INIT(BUF_ANY);
	struct gitc_index *ix = gitc_index_new(folder, &(struct gitc_limits){0});
	struct gitc_objects *o;
	struct gitc_oid oid = pk_blob_x();
	struct err err = {0};

	gr_init();
	gr_sh(NULL, "cd r; echo x >f; git add f; git commit -qm m");
	o = gr_pack(folder, "git rev-list --objects --filter=blob:none HEAD");
	ck_assert(!gitc_objects_has(o, &oid));
	ck_assert_int_eq(gitc_blob_read(o, &oid, &pack, 10, &err), -1);
	ck_assert_int_eq(err.code, GITC_MISSING);
	ck_assert_ptr_nonnull(strstr(err.msg, "blob '587be6b4c3f93f93c489c0111bba5596147a26cb'"));
	pk_begin(&pack, 1);
	pk_add(&pack, PK_BLOB, "x\n", 2);
	pk_end(&pack);
	ck_assert_int_eq(gitc_index_add(ix, pack.p, pack.len, NULL, &err), 0);
	ck_assert_int_eq(gitc_index_end(ix, &o, NULL, &err), 0);
	gitc_index_free(ix);
	expect_blob(o, &oid, "x\n");
	gitc_objects_unref(o);
	buf_clear(&pack);
}
END_TEST

/* A thin pack: what it lacks is in the set that it is put on top of, in a pack as it is and as a
   delta. It stands for itself from then on. */
START_TEST(test_thin)
{
	static const size_t steps[] = {0, 1, 7};
	struct buf pack = BUF_INIT(BUF_ANY), d = BUF_INIT(BUF_ANY);
	struct gitc_oid hello = pk_oid(PK_BLOB, "hello world", 11);
	struct gitc_oid there = pk_oid(PK_BLOB, "hello there", 11);
	struct gitc_oid last = pk_oid(PK_BLOB, "there", 5), end = pk_oid(PK_BLOB, "the end", 7);
	struct gitc_objects *base, *o;
	struct gitc_objects_stats stats;
	struct err err = {0};
	size_t at;

	pk_begin(&pack, 2);
	at = pk_add(&pack, PK_BLOB, "hello world", 11);
	pk_delta(&d, 11, 11);
	pk_copy(&d, 0, 6);
	pk_text(&d, "there");
	pk_ofs(&pack, at, d.p, d.len);
	pk_end(&pack);
	base = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(base != NULL, "%s", err.msg);
	/* The second is made of the first, which is made of what is not here; two of one base. */
	buf_reset(&pack);
	pk_begin(&pack, 3);
	buf_reset(&d);
	pk_delta(&d, 5, 7);
	pk_copy(&d, 0, 3);
	pk_text(&d, " end");
	pk_ref(&pack, &last, d.p, d.len);
	buf_reset(&d);
	pk_delta(&d, 11, 5);
	pk_copy(&d, 6, 5);
	pk_ref(&pack, &there, d.p, d.len);
	buf_reset(&d);
	pk_delta(&d, 11, 1);
	pk_copy(&d, 6, 1);
	pk_ref(&pack, &there, d.p, d.len);
	pk_end(&pack);
	o = pk_index_on(base, folder, NULL, pack.p, pack.len, steps[_i], &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	gitc_objects_stats(o, &stats);
	ck_assert_uint_eq(stats.objects, 2 + 3 + 1);
	gitc_objects_unref(base);
	expect_blob(o, &hello, "hello world");
	expect_blob(o, &last, "there");
	expect_blob(o, &end, "the end");
	gitc_objects_unref(o);
	buf_clear(&pack);
	buf_clear(&d);
}
END_TEST

/* What a thin pack is made of may itself be a small piece of something large. */
START_TEST(test_thin_piece)
{
	static char big[100000];
	struct buf pack = BUF_INIT(BUF_ANY), d = BUF_INIT(BUF_ANY);
	struct gitc_oid piece = pk_oid(PK_BLOB, "0123456789", 10), made;
	struct gitc_objects *base, *o;
	struct err err = {0};
	size_t at;

	memset(big, 'x', sizeof(big));
	memcpy(big, "0123456789", 10);
	pk_begin(&pack, 2);
	at = pk_add(&pack, PK_BLOB, big, sizeof(big));
	pk_delta(&d, sizeof(big), 10);
	pk_copy(&d, 0, 10);
	pk_ofs(&pack, at, d.p, d.len);
	pk_end(&pack);
	base = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(base != NULL, "%s", err.msg);
	buf_reset(&pack);
	buf_reset(&d);
	pk_delta(&d, 10, 10);
	pk_copy(&d, 0, 9);
	pk_text(&d, "!");
	pk_begin(&pack, 1);
	pk_ref(&pack, &piece, d.p, d.len);
	pk_end(&pack);
	made = pk_oid(PK_BLOB, "012345678!", 10);
	o = pk_index_on(base, folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(o != NULL, "%s", err.msg);
	expect_blob(o, &made, "012345678!");
	gitc_objects_unref(o);
	gitc_objects_unref(base);
	buf_clear(&pack);
	buf_clear(&d);
}
END_TEST

/* A base in the set that is larger than the delta says, and more of them than there is room for. */
START_TEST(test_thin_bounds)
{
	static const char big[2000] = "big";
	struct buf pack = BUF_INIT(BUF_ANY), d = BUF_INIT(BUF_ANY);
	struct gitc_oid oid = pk_oid(PK_BLOB, big, sizeof(big));
	struct gitc_objects *base;
	struct err err = {0};

	pk_begin(&pack, 1);
	pk_add(&pack, PK_BLOB, big, sizeof(big));
	pk_end(&pack);
	base = pk_index(folder, NULL, pack.p, pack.len, 0, &err);
	ck_assert_msg(base != NULL, "%s", err.msg);
	buf_reset(&pack);
	pk_delta(&d, _i ? sizeof(big) : 20, 20);
	pk_copy(&d, 0, 20);
	pk_begin(&pack, 1);
	pk_ref(&pack, &oid, d.p, d.len);
	pk_end(&pack);
	ck_assert_ptr_null(pk_index_on(
		base, folder, &(struct gitc_limits){.expanded = 1500}, pack.p, pack.len, 0, &err));
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_ptr_nonnull(
		strstr(err.msg, _i ? "too large with what" : "has 2000 bytes, more than 20"));
	gitc_objects_unref(base);
	buf_clear(&pack);
	buf_clear(&d);
}
END_TEST

/* Nothing has a name in the folder, so nothing is left of a process that was killed. */
START_TEST(test_nameless)
{
	struct err err = {0};
	struct gitc_objects *o;

	gr_init();
	gr_sh(NULL, "cd r; echo x >f; git add f; git commit -qm m");
	o = gr_fetch(folder, "HEAD");
	ck_assert_int_eq(gr_sh_rc("test -z \"$(ls -A sets)\""), 0);
	gitc_objects_unref(o);
	gr_sh(NULL, "touch file");
	ck_assert_ptr_null(gitc_folder_new("file", &err));
}
END_TEST

/* What is hashed out of a file, and a delta on it. */
START_TEST(test_large)
{
	struct buf out = BUF_INIT(BUF_ANY);
	struct gitc_objects *o;
	struct gitc_oid oid;
	struct err err = {0};

	gr_init();
	gr_sh(NULL,
		"cd r; head -c 9000000 /dev/zero | openssl enc -aes-128-ctr -K 0 -iv 0 2>/dev/null "
		">f; "
		"git add f; git commit -qm 1; echo x >>f; git commit -qam 2");
	o = gr_fetch(folder, "HEAD");
	oid = gr_rev("HEAD:f");
	ck_assert_msg(!gitc_blob_read(o, &oid, &out, 10000000, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, 9000002);
	buf_reset(&out);
	oid = gr_rev("HEAD~1:f");
	ck_assert_msg(!gitc_blob_read(o, &oid, &out, 9000000, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, 9000000);
	ck_assert_int_eq(gitc_blob_read(o, &oid, &out, 8999999, &err), -1);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	gitc_objects_unref(o);
	buf_clear(&out);
}
END_TEST

Suite *suite_index(void);
Suite *suite_index(void)
{
	Suite *s = suite_create("index");
	TCase *t = tcase_create("index");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_deltas, 0, 5);
	tcase_add_test(t, test_one_file);
	tcase_add_loop_test(t, test_gr_20_broken, 0, ARRAY_LEN(broken));
	tcase_add_test(t, test_limits);
	tcase_add_test(t, test_gr_20_ratio);
	tcase_add_test(t, test_gr_20_memory);
	tcase_add_test(t, test_stop);
	tcase_add_test(t, test_gr_22_added);
	tcase_add_loop_test(t, test_thin, 0, 3);
	tcase_add_test(t, test_thin_piece);
	tcase_add_loop_test(t, test_thin_bounds, 0, 2);
	tcase_add_test(t, test_nameless);
	tcase_add_test(t, test_large);
	suite_add_tcase(s, t);
	return s;
}
