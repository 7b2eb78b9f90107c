#include "pack/tarw.h"

#include "base/mem.h"
#include "build.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static struct buf out, tar, list;
static struct err err;

static void setup(void)
{
	out = tar = list = BUF_INIT(BUF_ANY);
	err_clear(&err);
}

static void teardown(void)
{
	buf_clear(&out);
	buf_clear(&tar);
	buf_clear(&list);
}

static struct pack_tarw *begin(void)
{
	return pack_tarw_new(&(struct pack_tarw_out){.fd = -1, .mem = &out});
}

static void end(struct pack_tarw *w, struct pack_tarw_result *res)
{
	ck_assert_msg(!pack_tarw_end(w, res, &err), "%s", err.msg);
	pack_tarw_free(w);
	tb_gunzip(&tar, out.p, out.len);
}

START_TEST(test_form)
{
	static const char head[] = "a.yaml";
	struct pack_tarw *w = begin();
	struct pack_tarw_result res;
	struct digest d;
	size_t i;

	pack_tarw_want_diff_id(w);
	ck_assert_int_eq(pack_tarw_dir(w, ".", 0750, &err), 0);
	ck_assert_int_eq(pack_tarw_file_mem(w, head, 0640, "text", 4, &err), 0);
	ck_assert_int_eq(pack_tarw_file_mem(w, "b", 0600, NULL, 0, &err), 0);
	end(w, &res);
	tb_list(&list, tar.p, tar.len, TB_TEXT);
	ck_assert_str_eq(buf_str(&list), ". d 750 0\na.yaml f 640 4 text\nb f 600 0 \n");
	ck_assert_uint_eq(tar.len, 4 * 512 + 1024);
	ck_assert_uint_eq(res.expanded, tar.len);
	ck_assert_uint_eq(res.size, out.len);
	ck_assert_uint_eq(res.entries, 3);
	digest_mem(&d, DIGEST_SHA256, out.p, out.len);
	ck_assert(digest_equal(&d, &res.digest));
	digest_mem(&d, DIGEST_SHA256, tar.p, tar.len);
	ck_assert(digest_equal(&d, &res.diff_id));
	/* Bytes that no field needs are zero; all others are as Go's writer has them (test_pack
	   compares with it). */
	for (i = 512 + strlen(head); i < 512 + 100; i++)
		ck_assert_int_eq(tar.p[i], 0);
	ck_assert_int_eq(memcmp(tar.p + 512 + 100,
				 "0000640\0"
				 "0000000\0"
				 "0000000\0"
				 "00000000004\0"
				 "00000000000\0",
				 48),
		0);
	ck_assert_int_eq(memcmp(tar.p + 512 + 257,
				 "ustar\0"
				 "00",
				 8),
		0);
}
END_TEST

/* Names that do and do not fit ustar: with or without a PAX header in front. */
static const struct {
	int dirs; /* "dddddddddd/" each */
	int name; /* n times 'n' */
	const char *tail;
	int pax;
} names[] = {
	{0, 100, "", 0},
	{0, 101, "", 1},
	{1, 100, "", 0},
	{14, 100, "", 0}, /* a prefix of 153 */
	{14, 101, "", 1},
	{15, 89, "", 0}, /* split before the last directory */
	{15, 100, "", 1}, /* a prefix of 164 */
	{0, 0, "\xc3\xa9", 1},
	{1, 0, "x", 0},
};

START_TEST(test_names)
{
	auto_buf struct buf name = BUF_INIT(BUF_ANY), want = BUF_INIT(BUF_ANY);
	struct pack_tarw *w = begin();
	int i;

	for (i = 0; i < names[_i].dirs; i++)
		buf_adds(&name, "dddddddddd/");
	for (i = 0; i < names[_i].name; i++)
		buf_addc(&name, 'n');
	buf_adds(&name, names[_i].tail);
	ck_assert_int_eq(pack_tarw_file_mem(w, name.p, 0600, "text", 4, &err), 0);
	end(w, NULL);
	tb_list(&list, tar.p, tar.len, TB_TEXT);
	buf_addf(&want, "%s f 600 4 text\n", name.p);
	ck_assert_str_eq(buf_str(&list), buf_str(&want));
	ck_assert_msg(
		tar.len == (names[_i].pax ? 6 : 4) * 512u, "row %d: %zu blocks", _i, tar.len / 512);
	ck_assert_int_eq(tar.p[156], names[_i].pax ? 'x' : '0');
}
END_TEST

static void one_name(const char *name)
{
	auto_buf struct buf want = BUF_INIT(BUF_ANY);
	struct pack_tarw *w = begin();

	ck_assert_int_eq(pack_tarw_dir(w, name, 0750, &err), 0);
	end(w, NULL);
	tb_list(&list, tar.p, tar.len, 0);
	buf_addf(&want, "%s d 750 0\n", name);
	ck_assert_str_eq(buf_str(&list), buf_str(&want));
	buf_reset(&list);
	buf_reset(&tar);
	buf_reset(&out);
}

/* Record lengths count their own digits: the borders are where those get one more. */
START_TEST(test_record_lengths)
{
	auto_buf struct buf name = BUF_INIT(BUF_ANY);

	buf_adds(&name, "\xc3\xa9");
	while (name.len < 1010) {
		if ((name.len > 80 && name.len < 100) || name.len > 975)
			one_name(name.p);
		buf_addc(&name, 'x');
	}
}
END_TEST

/* 8 GiB and more need a PAX size. The archive is not finished: its first bytes are enough. */
START_TEST(test_huge)
{
	struct pack_tarw *w = begin();
	auto_free char *noise = mem_alloc(1 << 20);
	unsigned char head[2048] = {0};
	z_stream z = {0};
	uint32_t v = 3;
	size_t i;

	for (i = 0; i < 1 << 20; i++) {
		v = v * 1664525 + 1013904223;
		noise[i] = (char)(v >> 24);
	}
	ck_assert_int_eq(pack_tarw_file(w, "big", 0600, 1ULL << 33, &err), 0);
	ck_assert_int_eq(pack_tarw_data(w, noise, 1 << 20, &err), 0);
	pack_tarw_free(w);
	ck_assert_int_eq(inflateInit2(&z, 31), Z_OK);
	z.next_in = (unsigned char *)out.p;
	z.avail_in = (unsigned)out.len;
	z.next_out = head;
	z.avail_out = sizeof(head);
	ck_assert_int_eq(inflate(&z, Z_SYNC_FLUSH), Z_OK);
	inflateEnd(&z);
	ck_assert_int_eq(head[156], 'x');
	ck_assert_int_eq(memcmp(head + 512, "19 size=8589934592\n", 20), 0);
	ck_assert_int_eq(memcmp(head + 1024, "big", 4), 0);
	ck_assert_int_eq(memcmp(head + 1024 + 124, "00000000000\0", 12), 0);
}
END_TEST

/* How the bytes are handed in leaves no trace. */
START_TEST(test_chunks)
{
	auto_buf struct buf first = BUF_INIT(BUF_ANY), text = BUF_INIT(BUF_ANY);
	auto_fd int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	struct pack_tarw *w;
	size_t i, at, step;

	for (i = 0; i < 60000; i++)
		buf_addf(&text, "line %zu\n", i * i % 977);
	w = begin();
	ck_assert_int_eq(pack_tarw_file_mem(w, "f", 0600, text.p, text.len, &err), 0);
	end(w, NULL);
	buf_add(&first, out.p, out.len);
	for (step = 1; step < 200000; step = step * 7 + 3) {
		buf_reset(&out);
		buf_reset(&tar);
		w = begin();
		ck_assert_int_eq(pack_tarw_file(w, "f", 0600, text.len, &err), 0);
		for (at = 0; at < text.len; at += step)
			ck_assert_int_eq(pack_tarw_data(w, text.p + at,
						 at + step < text.len ? step : text.len - at, &err),
				0);
		end(w, NULL);
		ck_assert_uint_eq(out.len, first.len);
		ck_assert_int_eq(memcmp(out.p, first.p, out.len), 0);
	}
	/* From a file, not at its start. */
	buf_reset(&out);
	buf_reset(&tar);
	ck_assert_int_eq(pwrite(fd, text.p, text.len, 100), (ssize_t)text.len);
	w = begin();
	ck_assert_int_eq(pack_tarw_file_fd(w, "f", 0600, fd, 100, text.len, &err), 0);
	end(w, NULL);
	ck_assert_int_eq(memcmp(out.p, first.p, out.len), 0);
	w = begin();
	ck_assert_int_eq(pack_tarw_file_fd(w, "f", 0600, fd, 101, text.len, &err), -1);
	ck_assert_str_eq(err.msg, "'f' became shorter while it was read");
	pack_tarw_free(w);
}
END_TEST

/* Noise is stored, text is not, and bytes that come again on the other side of what was stored are
   found by no match. */
START_TEST(test_noise)
{
	static const char *const plans[] = {
		"n", "nnnn", "nt", "tn", "tntn", "nntnntt", "ttrnr", "nrnrnr", "h"};
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	const char *plan = plans[_i], *p;
	size_t stored = 0, i;
	struct pack_tarw *w;
	uint32_t v = 5;

	for (p = plan; *p; p++) {
		for (i = 0; i < 100000; i++) {
			v = v * 1664525 + 1013904223;
			buf_addc(&body,
				*p == 'n'                       ? (char)(v >> 24)
					: *p == 'h'             ? (char)(v >> 25)
					: *p == 'r' && i < 2000 ? body.p[body.len - 2000]
								: (char)('a' + i / 7 % 11));
		}
		stored += *p == 'n' || *p == 'h' ? 100000 : 0;
	}
	w = begin();
	ck_assert_int_eq(pack_tarw_file_mem(w, "f", 0600, body.p, body.len, &err), 0);
	end(w, NULL);
	ck_assert_uint_ge(tar.len, 512 + body.len);
	ck_assert_int_eq(memcmp(tar.p + 512, body.p, body.len), 0);
	ck_assert_msg(out.len < stored + stored / 1000 + 2000 * strlen(plan), "%s: %zu bytes", plan,
		out.len);
	/* Seven bits a byte: that does shrink. */
	ck_assert(*plan != 'h' || out.len < stored * 9 / 10);
}
END_TEST

START_TEST(test_limits)
{
	auto_free char *noise = mem_alloc(200000);
	struct pack_tarw_out to = {.fd = -1, .max = 100000};
	atomic_bool stop = true;
	struct pack_tarw *w;
	uint32_t v = 3;
	size_t i;
	int rc;

	for (i = 0; i < 200000; i++) {
		v = v * 1664525 + 1013904223;
		noise[i] = (char)(v >> 24);
	}
	w = pack_tarw_new(&to);
	rc = pack_tarw_file_mem(w, "f", 0600, noise, 200000, &err);
	ck_assert(rc || pack_tarw_end(w, NULL, &err));
	ck_assert_str_eq(err.msg, "the archive is larger than 100000 bytes");
	pack_tarw_free(w);

	to = (struct pack_tarw_out){.fd = -1, .stop = &stop};
	w = pack_tarw_new(&to);
	ck_assert_int_eq(pack_tarw_file_mem(w, "f", 0600, noise, 200000, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	pack_tarw_free(w);

	out.max = 1000;
	w = begin();
	rc = pack_tarw_file_mem(w, "f", 0600, noise, 200000, &err);
	ck_assert(rc || pack_tarw_end(w, NULL, &err));
	ck_assert_str_eq(err.msg, "the archive is larger than 1000 bytes");
	pack_tarw_free(w);
}
END_TEST

Suite *suite_tarw(void);
Suite *suite_tarw(void)
{
	Suite *s = suite_create("tarw");
	TCase *tc = tcase_create("tarw");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_form);
	tcase_add_loop_test(tc, test_names, 0, (int)ARRAY_LEN(names));
	tcase_add_test(tc, test_record_lengths);
	tcase_add_test(tc, test_huge);
	tcase_add_test(tc, test_chunks);
	tcase_add_loop_test(tc, test_noise, 0, 9);
	tcase_add_test(tc, test_limits);
	suite_add_tcase(s, tc);
	return s;
}
