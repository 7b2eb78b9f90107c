#include "store/saved.h"

#include "base/mem.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_saved(void);

#define BOOT "8f5f4ac6-0b5c-4a0b-9a6f-0c5c3e1d2b7a"
#define HEX64(c) c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define DIR "ocirepository/apps/web"
#define FILE_A "sha256:" HEX64("aa") ".tar.gz"
#define FILE_B "sha256:" HEX64("bb") ".tar.gz"
#define DIGEST "sha256:" HEX64("0c")
#define FIRST "oci-source-controller store index 1\n"
#define LINE "3 4 5 " DIGEST " " DIR "/" FILE_A "\n"
#define LINE_B "3 4 5 " DIGEST " " DIR "/" FILE_B "\n"

static struct store_file file_of(uint64_t size, uint64_t ino, int64_t mtime_ns)
{
	struct store_file f = {.size = size, .ino = ino, .mtime_ns = mtime_ns};

	digest_mem(&f.digest, DIGEST_SHA256, &size, sizeof(size));
	return f;
}

START_TEST(test_round)
{
	const struct store_file a = file_of(1, 2, 3),
				b = file_of(UINT64_MAX, UINT64_MAX, INT64_MAX),
				old = file_of(1, 2, -1);
	struct buf text = BUF_INIT(BUF_ANY);
	struct store_saved s;
	const struct store_file *f;
	struct err err = {0};

	store_saved_begin(&text, BOOT);
	store_saved_add(&text, DIR, FILE_B, &b);
	store_saved_add(&text, DIR, FILE_A, &a);
	store_saved_add(&text, "ocirepository/apps/old", FILE_A, &old);
	store_saved_end(&text);
	ck_assert_msg(store_saved_parse(&s, &text, BOOT, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(text.len, 0);
	ck_assert_uint_eq(s.files.len, 2);
	f = store_saved_find(&s, DIR "/" FILE_A);
	ck_assert(f && store_file_same(f, &a) && digest_equal(&f->digest, &a.digest));
	f = store_saved_find(&s, DIR "/" FILE_B);
	ck_assert(f && store_file_same(f, &b) && digest_equal(&f->digest, &b.digest));
	ck_assert_ptr_null(store_saved_find(&s, "ocirepository/apps/old/" FILE_A));
	store_saved_clear(&s);
	ck_assert_ptr_null(store_saved_find(&s, DIR "/" FILE_A));
}
END_TEST

/* Of a text with its right end: what is refused, and with which words. */
static const struct {
	const char *name, *text, *says; /* says: NULL: it is taken */
} ROWS[] = {
	{"one file", FIRST "boot " BOOT "\n" LINE, NULL},
	{"no file", FIRST "boot " BOOT "\n", NULL},
	{"another version", "oci-source-controller store index 2\nboot " BOOT "\n" LINE,
		"another version"},
	{"nothing", "", "another version"},
	{"another boot", FIRST "boot 00000000-0b5c-4a0b-9a6f-0c5c3e1d2b7a\n" LINE,
		"the id of another boot"},
	{"a longer boot", FIRST "boot " BOOT "0\n" LINE, "the id of another boot"},
	{"no boot", FIRST LINE, "the id of another boot"},
	{"twice", FIRST "boot " BOOT "\n" LINE LINE_B LINE, "a path twice"},
	{"an empty line", FIRST "boot " BOOT "\n\n" LINE, "a line that is none"},
	{"a number less", FIRST "boot " BOOT "\n4 5 " DIGEST " " DIR "/" FILE_A "\n",
		"a line that is none"},
	{"a sign", FIRST "boot " BOOT "\n3 4 -5 " DIGEST " " DIR "/" FILE_A "\n",
		"a line that is none"},
	{"too large a number",
		FIRST "boot " BOOT "\n18446744073709551616 4 5 " DIGEST " " DIR "/" FILE_A "\n",
		"a line that is none"},
	{"too late a time",
		FIRST "boot " BOOT "\n3 4 9223372036854775808 " DIGEST " " DIR "/" FILE_A "\n",
		"a line that is none"},
	{"no digest", FIRST "boot " BOOT "\n3 4 5 sha256:00 " DIR "/" FILE_A "\n",
		"a line that is none"},
	{"a path out of the store",
		FIRST "boot " BOOT "\n3 4 5 " DIGEST " ocirepository/../web/" FILE_A "\n",
		"a line that is none"},
	{"the latest link", FIRST "boot " BOOT "\n3 4 5 " DIGEST " " DIR "/latest.tar.gz\n",
		"a line that is none"},
};

START_TEST(test_rows)
{
	struct buf text = BUF_INIT(BUF_ANY);
	struct store_saved s;
	struct err err = {0};
	int rc;

	buf_adds(&text, ROWS[_i].text);
	store_saved_end(&text);
	rc = store_saved_parse(&s, &text, BOOT, &err);
	ck_assert_msg(rc == (ROWS[_i].says ? -1 : 0), "%s: %s", ROWS[_i].name, err.msg);
	if (rc)
		ck_assert_msg(
			strstr(err.msg, ROWS[_i].says) != NULL, "%s: %s", ROWS[_i].name, err.msg);
	ck_assert_msg(!rc || (!s.files.len && !s.text.p), "%s", ROWS[_i].name);
	store_saved_clear(&s);
}
END_TEST

/* Whatever is cut off or changed by one bit, nothing of it is believed. */
START_TEST(test_damage)
{
	auto_buf struct buf whole = BUF_INIT(BUF_ANY);
	struct store_saved s;
	struct err err = {0};
	size_t i;

	buf_adds(&whole, FIRST "boot " BOOT "\n" LINE LINE_B);
	store_saved_end(&whole);
	for (i = 0; i < whole.len; i++) {
		struct buf cut = BUF_INIT(BUF_ANY), bent = BUF_INIT(BUF_ANY);

		buf_add(&cut, whole.p, i);
		ck_assert_int_eq(store_saved_parse(&s, &cut, BOOT, &err), -1);
		buf_add(&bent, whole.p, whole.len);
		bent.p[i] ^= 1;
		ck_assert_msg(store_saved_parse(&s, &bent, BOOT, &err) == -1, "byte %zu", i);
	}
	buf_addc(&whole, '\n');
	ck_assert_int_eq(store_saved_parse(&s, &whole, BOOT, &err), -1);
}
END_TEST

Suite *suite_saved(void)
{
	Suite *s = suite_create("saved");
	TCase *t = tcase_create("saved");

	tcase_add_test(t, test_round);
	tcase_add_loop_test(t, test_rows, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(t, test_damage);
	suite_add_tcase(s, t);
	return s;
}
