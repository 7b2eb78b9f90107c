#include "pack/gunzip.h"

#include "base/mem.h"
#include "build.h"
#include "pack/expand.h"

#include <check.h>
#include <errno.h>
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
		*single = !pack_expand_why(&x);
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
} tails[] = {{"\0x", 2}, {"\0\0\0\0\0\0\0\x1f", 8}, {"x", 1}, {"\x1f", 1}, {"\x1f\x8b", 2},
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

/* Zeros up to the end are padding, wherever the chunks end; the blob is no artifact then, since Go
   stumbles over them. */
START_TEST(test_padding)
{
	static const size_t sizes[] = {1, 8, 511, PACK_CHUNK - 1, PACK_CHUNK, 3 * PACK_CHUNK};
	auto_buf struct buf out = BUF_INIT(BUF_ANY);
	auto_free char *zeros = mem_zalloc(sizes[_i] + 1);
	struct err err = {0};
	bool single = true;

	tb_gzip(&gz, "text", 4);
	buf_add(&gz, zeros, sizes[_i]);
	ck_assert_msg(!expand(&out, gz.p, gz.len, BUF_ANY, NULL, &single, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, 4);
	ck_assert(!single);
	/* A member behind them is none. */
	tb_gzip(&gz, "more", 4);
	ck_assert_int_eq(expand(&out, gz.p, gz.len, BUF_ANY, NULL, &single, &err), -1);
	ck_assert_msg(strstr(err.msg, "bytes after the gzip member and zeros"), "%s", err.msg);
}
END_TEST

/* Texts in the header that Go's reader takes, and that it does not. */
static const struct {
	unsigned flags; /* RFC 1952: 4 extra, 8 name, 16 comment */
	size_t len;
	bool plain;
} gzheads[] = {{8, 511, true}, {8, 512, false}, {8, 70000, false}, {16, 511, true},
	{16, 512, false}, {4, 60000, true}, {4 | 8 | 16, 300, true}};

START_TEST(test_header)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY), odd = BUF_INIT(BUF_ANY);
	size_t len = gzheads[_i].len, n;
	struct err err = {0};
	bool single = false;
	unsigned flag;

	tb_gzip(&gz, "text", 4);
	gz.p[3] = (char)gzheads[_i].flags;
	buf_add(&odd, gz.p, 10);
	for (flag = 4; flag <= 16; flag *= 2) {
		if (!(gzheads[_i].flags & flag))
			continue;
		if (flag == 4) {
			buf_addc(&odd, (char)(len & 255));
			buf_addc(&odd, (char)(len >> 8));
		}
		for (n = 0; n < len; n++)
			buf_addc(&odd, 'n');
		if (flag != 4)
			buf_addc(&odd, '\0');
	}
	buf_add(&odd, gz.p + 10, gz.len - 10);
	ck_assert_msg(!expand(&out, odd.p, odd.len, BUF_ANY, NULL, &single, &err), "%s", err.msg);
	ck_assert_uint_eq(out.len, 4);
	ck_assert_msg(single == gzheads[_i].plain, "row %d: plain is %d", _i, single);
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
	{"\x28\xb5\x2f\xfd\x00\x90\x01\0\0", 9, "window of more than 134217728"}, /* 2^28 */
	{"\x28\xb5\x2f\xfd\x00\x89\x01\0\0", 9,
		"window of more than 134217728"}, /* 2^27 and an eighth */
	{"\x28\xb5\x2f\xfd\xa0\0\0\0\x10\x01\0\0", 12,
		"window of more than 134217728"}, /* single segment */
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

/* A frame of n zeros with a window of 2^log, and no word of how many they are: blocks of one
   repeated byte (RFC 8878, 3.1.1.2). */
static void zeros_frame(struct buf *b, unsigned log, size_t n)
{
	buf_add(b, "\x28\xb5\x2f\xfd\x00", 5);
	buf_addc(b, (char)((log - 10) << 3));
	while (n) {
		size_t len = n < 128 * 1024 ? n : 128 * 1024;
		size_t head = len << 3 | 1 << 1 | (n == len);

		buf_addc(b, (char)(head & 255));
		buf_addc(b, (char)(head >> 8 & 255));
		buf_addc(b, (char)(head >> 16));
		buf_addc(b, '\0');
		n -= len;
	}
}

/* A large window costs what is decoded into it, up to its size; two frames share it. */
static const struct {
	unsigned log;
	size_t n; /* MiB of zeros in each of two frames */
	uint64_t memory; /* MiB */
	bool fits;
} windows[] = {{27, 1, 4, true}, {27, 20, 4, false}, {27, 20, 24, true}, {27, 200, 100, false},
	{27, 200, 130, true}, {20, 20, 4, true}, {23, 20, 8, false}, {23, 20, 10, true}};

START_TEST(test_zstd_memory)
{
	struct pack_expand x;
	struct pack_src src;
	const unsigned char *p;
	struct err err = {0};
	size_t k = 0;
	int rc;

	zeros_frame(&gz, windows[_i].log, windows[_i].n << 20);
	zeros_frame(&gz, windows[_i].log, windows[_i].n << 20);
	pack_src_init(&src, gz.p, -1, gz.len, NULL);
	src.memory.max = windows[_i].memory << 20;
	rc = pack_expand_init(&x, &src, BUF_ANY, &err);
	while (!rc && x.total < 200 << 20 && !(rc = pack_expand_next(&x, &p, &k, &err)) && k)
		;
	ck_assert_msg(windows[_i].fits == !rc, "row %d: %s", _i, err.msg);
	if (rc) {
		ck_assert_int_eq(err.code, -ENOBUFS);
		ck_assert_msg(strstr(err.msg, "a zstd frame with a window of"), "%s", err.msg);
	}
	pack_expand_clear(&x);
	ck_assert_uint_eq(src.memory.used, 0);
	pack_src_clear(&src);
}
END_TEST

/* A stream inside the stream is data: what we check of a frame, its window above all, is checked of
   the outer one only. */
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

/* A frame whose magic number stands across the end of a chunk; and one of a format from before the
   RFC, which the library would take. */
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
	tcase_add_loop_test(tc, test_padding, 0, 6);
	tcase_add_loop_test(tc, test_header, 0, (int)ARRAY_LEN(gzheads));
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_ratio);
	tcase_add_test(tc, test_file);
	tcase_add_test(tc, test_zstd);
	tcase_add_loop_test(tc, test_zstd_memory, 0, (int)ARRAY_LEN(windows));
	tcase_add_test(tc, test_zstd_nested);
	tcase_add_test(tc, test_zstd_next_frame);
	tcase_add_loop_test(tc, test_zstd_heads, 0, (int)ARRAY_LEN(zheads));
	tcase_add_test(tc, test_sniff);
	suite_add_tcase(s, tc);
	return s;
}
