#include "pack/plain.h"

#include "base/mem.h"
#include "build.h"
#include "pack/index.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct buf tar, list;
static struct err err;

static void setup(void)
{
	tar = list = BUF_INIT(BUF_ANY);
	err_clear(&err);
}

static void teardown(void)
{
	buf_clear(&tar);
	buf_clear(&list);
}

static void sample(void)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);

	tb_dir(&tar, "./");
	tb_file(&tar, "a", "text");
	tb_record(&r, "path", "b\xc3\xa9");
	tb_record(&r, "atime", "1.5");
	tb_pax(&tar, 'x', r.p, r.len);
	tb_file(&tar, "b", "more text");
	tb_zero(&tar, 2);
}

static int walk(size_t chunk, const char **why, char keep[256])
{
	struct pack_plain w;
	struct pack_member m;
	size_t at;
	int rc = 0;

	pack_plain_init(&w);
	for (at = 0; !rc && at < tar.len; at += chunk) {
		rc = pack_plain_feed(&w, (const unsigned char *)tar.p + at,
			at + chunk < tar.len ? chunk : tar.len - at, &err);
		while (pack_plain_take(&w, &m))
			buf_addf(&list, "%s %d %o %llu\n", pack_plain_name(&w, &m), m.type, m.mode,
				(unsigned long long)m.size);
	}
	if (!rc)
		rc = pack_plain_end(&w, &err);
	*why = NULL;
	if (pack_plain_why(&w)) {
		snprintf(keep, 256, "%s", pack_plain_why(&w));
		*why = keep;
	}
	pack_plain_clear(&w);
	return rc;
}

START_TEST(test_chunks)
{
	static const size_t chunks[] = {1, 2, 100, 511, 512, 513, 1024, 65536};
	const char *why;
	char keep[256];

	sample();
	ck_assert_msg(!walk(chunks[_i], &why, keep), "%s", err.msg);
	ck_assert_str_eq(buf_str(&list), "./ 2 755 0\na 1 644 4\nb\xc3\xa9 1 644 9\n");
	ck_assert_ptr_null(why);
}
END_TEST

/* Bodies that are passed over: the same entries, each at its place, and nothing behind the end. */
START_TEST(test_skip)
{
	struct pack_plain w;
	struct pack_member m;
	size_t at = 0;

	sample();
	tb_zero(&tar, 20);
	pack_plain_init(&w);
	while (at < tar.len && !pack_plain_at_end(&w)) {
		ck_assert(
			!pack_plain_feed(&w, (const unsigned char *)tar.p + at, PACK_BLOCK, &err));
		at += PACK_BLOCK;
		while (pack_plain_take(&w, &m))
			buf_addf(&list, "%s: %.*s\n", pack_plain_name(&w, &m), (int)m.stored,
				tar.p + at);
		at += (size_t)pack_plain_skip(&w);
	}
	ck_assert_str_eq(buf_str(&list), "./: \na: text\nb\xc3\xa9: more text\n");
	ck_assert_uint_eq(at, tar.len - 20 * PACK_BLOCK);
	ck_assert(!pack_plain_end(&w, &err));
	pack_plain_clear(&w);
}
END_TEST

/* A changed bit anywhere in a header is noticed. */
START_TEST(test_every_byte)
{
	const char *why;
	char keep[256];
	size_t i;

	sample();
	for (i = 0; i < 512; i++) {
		if (i == 148)
			continue; /* the sum's leading 0 becomes a space: the same number */
		tar.p[i] ^= 0x10;
		err_clear(&err);
		ck_assert_msg(walk(512, &why, keep) == -1, "byte %zu", i);
		tar.p[i] ^= 0x10;
	}
	ck_assert_int_eq(walk(512, &why, keep), 0);
}
END_TEST

/* What follows the end: zeros are padding. */
START_TEST(test_tail)
{
	const char *why;
	char keep[256];

	sample();
	tb_zero(&tar, 17);
	buf_add(&tar, "\0\0\0", 3);
	ck_assert_int_eq(walk(1000, &why, keep), 0);
	ck_assert_ptr_null(why);
	buf_addc(&tar, '\n');
	ck_assert_int_eq(walk(1000, &why, keep), 0);
	ck_assert_str_eq(why, "bytes follow the end of the archive");
}
END_TEST

/* A number of pending entries, taken late. */
START_TEST(test_queue)
{
	struct pack_plain w;
	struct pack_member m;
	char name[16];
	int i;

	for (i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		tb_file(&tar, name, "");
	}
	pack_plain_init(&w);
	ck_assert_int_eq(pack_plain_feed(&w, (unsigned char *)tar.p, tar.len / 2, &err), 0);
	ck_assert(pack_plain_take(&w, &m));
	ck_assert_str_eq(pack_plain_name(&w, &m), "f0");
	ck_assert_int_eq(
		pack_plain_feed(&w, (unsigned char *)tar.p + tar.len / 2, tar.len / 2, &err), 0);
	for (i = 1; i < 100; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		ck_assert(pack_plain_take(&w, &m));
		ck_assert_str_eq(pack_plain_name(&w, &m), name);
	}
	ck_assert(!pack_plain_take(&w, &m));
	ck_assert_int_eq(pack_plain_end(&w, &err), 0);
	ck_assert_str_eq(pack_plain_why(&w), "it has no end-of-archive blocks");
	pack_plain_clear(&w);
}
END_TEST

static const struct {
	const char *names; /* each ended by ';', a directory by "/;" */
	const char *want; /* the index; implied ones in brackets */
	const char *says; /* or an error */
} indexes[] = {
	{"", "[];", NULL},
	{"/;", ";", NULL},
	{"a;b;", "[];a;b;", NULL},
	{"b;a;", "[];a;b;", NULL},
	{"a/b/c/d;", "[];[a];[a/b];[a/b/c];a/b/c/d;", NULL},
	{"a/b;a/c;a/d/e;", "[];[a];a/b;a/c;[a/d];a/d/e;", NULL},
	{"a/b;ab;a/;", "[];a;a/b;ab;", NULL},
	{"a.d/x;a/x;a-x;", "[];[a];a/x;a-x;[a.d];a.d/x;", NULL},
	{"a/b/x;a/bb/x;a/b.c/x;", "[];[a];[a/b];a/b/x;[a/b.c];a/b.c/x;[a/bb];a/bb/x;", NULL},
	{"a;a;a;", "[];a;", NULL},
	{"a/;a/;/;", ";a;", NULL},
	{"a;a/;", NULL, "entry 'a' is a file and a directory"},
	{"a/b;a;", NULL, "entry 'a' is a file and a directory"},
	{"a;a/b/c;", NULL, "entry 'a' is a file and a directory"},
	{"a/b;a/b/c/d;", NULL, "entry 'a/b' is a file and a directory"},
	{"1;2;3;4;5;6;7;8;9;", NULL, "more than 8"},
	{"1/2/3/4/5/6/7/8/9;", NULL, "more than 8"},
};

START_TEST(test_index)
{
	struct pack_index ix;
	const struct pack_item *it;
	const char *p = indexes[_i].names, *end;
	int rc = 0, seq = 0;

	pack_index_init(&ix, indexes[_i].says ? 8 : 1000, NULL);
	for (; !rc && *p; p = end + 1) {
		bool dir;
		auto_free char *name = NULL;

		end = strchr(p, ';');
		dir = end > p && end[-1] == '/';
		name = mem_strndup(p, (size_t)(end - p) - dir);
		rc = pack_index_add(&ix, name, dir, false, (uint64_t)seq, (uint64_t)seq, &err);
		seq++;
	}
	if (!rc)
		rc = pack_index_build(&ix, &err);
	if (indexes[_i].says) {
		ck_assert_msg(rc == -1, "'%s' was accepted", indexes[_i].names);
		ck_assert_msg(strstr(err.msg, indexes[_i].says), "'%s': '%s' does not say '%s'",
			indexes[_i].names, err.msg, indexes[_i].says);
	} else {
		ck_assert_msg(!rc, "'%s': %s", indexes[_i].names, err.msg);
		vec_each (&ix.items, it)
			buf_addf(&list, it->implied ? "[%s];" : "%s;", pack_index_name(&ix, it));
		ck_assert_msg(!strcmp(buf_str(&list), indexes[_i].want),
			"'%s' became '%s', not '%s'", indexes[_i].names, buf_str(&list),
			indexes[_i].want);
	}
	pack_index_clear(&ix);
}
END_TEST

/* Of equal names the last counts, whatever the sort did with them. */
START_TEST(test_index_last)
{
	struct pack_index ix;
	int i;

	pack_index_init(&ix, 10000, NULL);
	for (i = 0; i < 5000; i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%d", i % 7);
		ck_assert_int_eq(
			pack_index_add(&ix, name, false, false, (uint64_t)i, (uint64_t)i, &err), 0);
	}
	ck_assert_int_eq(pack_index_build(&ix, &err), 0);
	ck_assert(ix.repeated);
	ck_assert_uint_eq(ix.items.len, 8);
	for (i = 1; i < 8; i++) {
		const struct pack_item *it = &ix.items.p[i];

		ck_assert_uint_eq(it->seq, 4999 - (4999 - (unsigned)(i - 1)) % 7);
		ck_assert_uint_eq(it->size, it->seq);
	}
	pack_index_clear(&ix);
}
END_TEST

Suite *suite_plain(void);
Suite *suite_plain(void)
{
	Suite *s = suite_create("plain");
	TCase *tc = tcase_create("plain");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_chunks, 0, 8);
	tcase_add_test(tc, test_skip);
	tcase_add_test(tc, test_every_byte);
	tcase_add_test(tc, test_tail);
	tcase_add_test(tc, test_queue);
	tcase_add_loop_test(tc, test_index, 0, (int)ARRAY_LEN(indexes));
	tcase_add_test(tc, test_index_last);
	suite_add_tcase(s, tc);
	return s;
}
