#include "pack/gunzip.h"

#include "base/mem.h"
#include "build.h"
#include "pack/expand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct buf gz, plain;

static void setup(void)
{
	gz = BUF_INIT(BUF_ANY);
	plain = BUF_INIT(BUF_ANY);
}

static void teardown(void)
{
	buf_clear(&gz);
	buf_clear(&plain);
}

/* Everything that comes out, or the error. */
static int expand(struct buf *out, const void *p, size_t n, uint64_t max, const atomic_bool *stop,
	bool *single, struct err *err)
{
	struct pack_expand x;
	struct pack_src src;
	const unsigned char *q;
	size_t k = 0;
	int rc;

	pack_src_init(&src, p, -1, n, stop);
	rc = pack_expand_init(&x, &src, max, err);
	while (!rc && !(rc = pack_expand_next(&x, &q, &k, err)) && k) {
		ck_assert_uint_le(k, PACK_CHUNK);
		buf_add(out, q, k);
	}
	if (single)
		*single = pack_expand_single(&x);
	pack_expand_clear(&x);
	pack_src_clear(&src);
	return rc;
}

static void noise(struct buf *b, size_t n)
{
	uint32_t v = 1;

	while (n--) {
		v = v * 1664525 + 1013904223;
		buf_addc(b, (char)(v >> 24));
	}
}

START_TEST(test_members)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};
	bool single = true;

	noise(&plain, 200000);
	tb_gzip(&gz, plain.p, plain.len);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, &single, &err), 0);
	ck_assert(single);
	ck_assert_uint_eq(out.len, plain.len);
	ck_assert_int_eq(memcmp(out.p, plain.p, out.len), 0);

	/* A second member, and an empty third one. */
	tb_gzip(&gz, "tail", 4);
	tb_gzip(&gz, "", 0);
	buf_reset(&out);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, &single, &err), 0);
	ck_assert(!single);
	ck_assert_uint_eq(out.len, plain.len + 4);
}
END_TEST

/* Every cut of a stream, and every single wrong byte of its trailer, is seen. */
START_TEST(test_cuts)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err;
	size_t n;

	tb_gzip(&gz, "some text, some text, some text", 31);
	for (n = 2; n < gz.len; n++) {
		err_clear(&err);
		ck_assert_msg(
			expand(&out, gz.p, n, BUF_ANY, NULL, NULL, &err) == -1, "cut at %zu", n);
		ck_assert_msg(strstr(err.msg, "is cut"), "cut at %zu: %s", n, err.msg);
	}
	for (n = gz.len - 8; n < gz.len; n++) {
		gz.p[n] ^= 1;
		err_clear(&err);
		ck_assert_msg(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err) == -1,
			"trailer byte %zu", n);
		ck_assert_msg(strstr(err.msg, "incorrect"), "trailer byte %zu: %s", n, err.msg);
		gz.p[n] ^= 1;
	}
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), 0);
}
END_TEST

static const struct {
	const char *tail;
	size_t n;
} tails[] = {{"\0", 1}, {"\0\0\0\0\0\0\0\0", 8}, {"x", 1}, {"\x1f", 1}, {"\x1f\x8b", 2},
	{"\x1f\x8b\x08\0\0\0\0\0\0\xff", 10}, {"hello", 5}, {"\x1f\x8c\x08\0\0\0\0\0\0\xff", 10}};

START_TEST(test_tails)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};

	tb_gzip(&gz, "text", 4);
	buf_add(&gz, tails[_i].tail, tails[_i].n);
	ck_assert_msg(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err) == -1,
		"tail %d was accepted", _i);
	ck_assert_int_eq(err.kind, ERR_RETRY);
}
END_TEST

START_TEST(test_limits)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	atomic_bool stop = true;
	struct err err = {0};

	noise(&plain, 100000);
	tb_gzip(&gz, plain.p, plain.len);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, 100000, NULL, NULL, &err), 0);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, 99999, NULL, NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "more than 99999 bytes"));
	err_clear(&err);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, &stop, NULL, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	err_clear(&err);
	ck_assert_int_eq(expand(&out, "", 0, BUF_ANY, NULL, NULL, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "empty"));
}
END_TEST

/* 300 MiB of zeros in 300 KiB: refused by its ratio, although the size alone would do. */
START_TEST(test_ratio)
{
	struct err err = {0};
	struct pack_expand x;
	struct pack_src src;
	const unsigned char *p;
	size_t n = 0, i;
	int rc;

	buf_room(&plain, 1 << 20);
	memset(plain.p, 0, 1 << 20);
	tb_gzip(&gz, plain.p, 1 << 20);
	n = gz.len;
	ck_assert_ptr_nonnull(buf_room(&gz, 300 * n));
	for (i = 1; i < 300; i++)
		buf_add(&gz, gz.p, n);
	pack_src_init(&src, gz.p, -1, gz.len, NULL);
	rc = pack_expand_init(&x, &src, 1ULL << 40, &err);
	while (!rc && !(rc = pack_expand_next(&x, &p, &n, &err)) && n)
		;
	ck_assert_int_eq(rc, -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "200 times"));
	ck_assert_uint_gt(x.total, 256 << 20);
	ck_assert_uint_lt(x.total, 257 << 20);
	pack_expand_clear(&x);
	pack_src_clear(&src);
}
END_TEST

START_TEST(test_file)
{
	char name[] = "/tmp/gunzip-XXXXXX";
	auto_fd int fd = mkstemp(name);
	auto_free char *got = NULL;
	struct pack_src src;
	struct err err = {0};
	const unsigned char *p;
	size_t n, total = 0;

	unlink(name);
	noise(&plain, 150000);
	got = mem_alloc(plain.len);
	ck_assert_int_eq(write(fd, plain.p, plain.len), (ssize_t)plain.len);
	pack_src_init(&src, NULL, fd, plain.len, NULL);
	while (!pack_src_next(&src, &p, &n, &err) && n) {
		memcpy(got + total, p, n);
		total += n;
	}
	ck_assert_uint_eq(total, plain.len);
	ck_assert_int_eq(memcmp(got, plain.p, total), 0);
	pack_src_rewind(&src);
	ck_assert_int_eq(pack_src_next(&src, &p, &n, &err), 0);
	ck_assert_int_eq(memcmp(p, plain.p, n), 0);
	pack_src_clear(&src);

	/* A file that is shorter than it was said to be. */
	pack_src_init(&src, NULL, fd, plain.len + 1, NULL);
	while (!pack_src_next(&src, &p, &n, &err) && n)
		;
	ck_assert_ptr_nonnull(strstr(err.msg, "ends after 150000 of 150001"));
	pack_src_clear(&src);
}
END_TEST

START_TEST(test_zstd)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};
	size_t one, n;
	bool single = true;

	noise(&plain, 300000);
	tb_zstd(&gz, plain.p, plain.len);
	one = gz.len;
	ck_assert_int_eq(pack_sniff((unsigned char *)gz.p, gz.len), PACK_ZSTD);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, &single, &err), 0);
	ck_assert(!single);
	ck_assert_uint_eq(out.len, plain.len);
	ck_assert_int_eq(memcmp(out.p, plain.p, out.len), 0);

	/* A skippable frame and another one may follow. */
	buf_add(&gz, "\x51\x2a\x4d\x18\x03\0\0\0abc", 11);
	tb_zstd(&gz, "tail", 4);
	buf_reset(&out);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), 0);
	ck_assert_uint_eq(out.len, plain.len + 4);

	/* Cuts, and bytes that are no frame. */
	for (n = 4; n < one; n += n < 40 || n > one - 20 ? 1 : 9973) {
		err_clear(&err);
		ck_assert_msg(
			expand(&out, gz.p, n, BUF_ANY, NULL, NULL, &err) == -1, "cut at %zu", n);
		ck_assert_msg(strstr(err.msg, "is cut"), "cut at %zu: %s", n, err.msg);
	}
	gz.len = one;
	buf_add(&gz, "\0\0\0\0", 4);
	err_clear(&err);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "not zstd"), "%s", err.msg);
}
END_TEST

static const struct {
	const char *head;
	size_t n;
	const char *says;
} zheads[] = {
	{"\x28\xb5\x2f\xfd\x00\x88\x01\0\0", 9, "window of more than 8388608"}, /* 2^27 */
	{"\x28\xb5\x2f\xfd\x00\x69\x01\0\0", 9,
		"window of more than 8388608"}, /* 2^23 and an eighth */
	{"\x28\xb5\x2f\xfd\xa0\0\0\0\x10\x01\0\0", 12,
		"window of more than 8388608"}, /* single segment */
	{"\x28\xb5\x2f\xfd\x08\x58\x01\0\0", 9, "broken zstd"}, /* reserved bit */
	{"\x28\xb5\x2f\xfd\x00\x58\x07\0\0", 9, "broken zstd"}, /* reserved block type */
	{"\x28\xb5\x2f\xfd\x00\x58\x05\0\0\0", 10,
		"broken zstd"}, /* a compressed block of no bytes */
};

START_TEST(test_zstd_heads)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};

	ck_assert_msg(expand(&out, zheads[_i].head, zheads[_i].n, BUF_ANY, NULL, NULL, &err) == -1,
		"row %d was accepted", _i);
	ck_assert_msg(strstr(err.msg, zheads[_i].says), "'%s' does not say '%s'", err.msg,
		zheads[_i].says);
}
END_TEST

/* A stream inside the stream is data: what we check of a frame, its window above all, is checked of the outer one only. */
START_TEST(test_zstd_nested)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY), inner = BUF_INIT(BUF_ANY);
	struct err err = {0};

	tb_zstd(&inner, "text", 4);
	tb_zstd(&gz, inner.p, inner.len);
	ck_assert_msg(!expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, inner.len);
	ck_assert_int_eq(memcmp(out.p, inner.p, out.len), 0);
}
END_TEST

/* A frame whose magic number stands across the end of a chunk; and one of a format from before the RFC, which the library would take. */
START_TEST(test_zstd_next_frame)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	struct err err = {0};
	size_t at, from, n;

	for (at = PACK_CHUNK - 5; at < PACK_CHUNK + 2; at++) {
		buf_reset(&gz);
		tb_zstd(&gz, "head", 4);
		buf_add(&gz, "\x50\x2a\x4d\x18", 4);
		from = gz.len + 4;
		for (n = at - from; gz.len < from; n >>= 8)
			buf_addc(&gz, (char)(n & 255));
		while (gz.len < at)
			buf_addc(&gz, 'x');
		tb_zstd(&gz, "tail", 4);
		buf_reset(&out);
		ck_assert_msg(!expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), "%zu: %s", at,
			err.msg);
		ck_assert_uint_eq(out.len, 8);
	}
	buf_reset(&gz);
	tb_zstd(&gz, "tail", 4);
	buf_add(&gz, "\x27\xb5\x2f\xfd\x00\x58\x01\0\0", 9);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, NULL, &err), -1);
	ck_assert_msg(strstr(err.msg, "not zstd"), "%s", err.msg);
}
END_TEST

START_TEST(test_sniff)
{
	ck_assert_int_eq(pack_sniff((const unsigned char *)"\x1f\x8b\x08", 3), PACK_GZIP);
	ck_assert_int_eq(pack_sniff((const unsigned char *)"\x1f", 1), PACK_TAR);
	ck_assert_int_eq(pack_sniff((const unsigned char *)"\x28\xb5\x2f", 3), PACK_TAR);
	ck_assert_int_eq(pack_sniff((const unsigned char *)"a.yaml", 6), PACK_TAR);
}
END_TEST

Suite *suite_gunzip(void);
Suite *suite_gunzip(void)
{
	Suite *s = suite_create("gunzip");
	TCase *tc = tcase_create("gunzip");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_members);
	tcase_add_test(tc, test_cuts);
	tcase_add_loop_test(tc, test_tails, 0, (int)ARRAY_LEN(tails));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_ratio);
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_zstd);
	tcase_add_test(tc, test_zstd_nested);
	tcase_add_test(tc, test_zstd_next_frame);
	tcase_add_loop_test(tc, test_zstd_heads, 0, (int)ARRAY_LEN(zheads));
	tcase_add_test(tc, test_sniff);
	suite_add_tcase(s, tc);
	return s;
}
