#include "image/tags.h"

#include "base/mem.h"
#include "test/unit/image/rig.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

Suite *suite_tags(void);

START_TEST(test_there_is_none)
{
	struct image_tags *t;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(image_tags_open(&t, &r.root, "apps", "web", &err));
	ck_assert_int_eq(err.code, -ENOENT);
	ck_assert(image_tags_open(&t, &r.root, "..", "web", &err));
	rig_clear(&r);
}
END_TEST

START_TEST(test_head)
{
	struct image_tags *t;
	struct image_tag tag;
	struct err err = {0};
	struct digest want;
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "1.0 2.0 9 10", 1800000000, NULL, &err));
	ck_assert(!image_tags_open(&t, &r.root, "apps", "web", &err));
	ck_assert_str_eq(image_tags_head(t)->image, "ghcr.io/org/app");
	ck_assert_uint_eq(image_tags_head(t)->count, 4);
	ck_assert_int_eq(image_tags_head(t)->began_s, 1800000000);
	ck_assert_int_eq(image_tags_head(t)->scanned_ms, 1800000000000);
	digest_mem(&want, DIGEST_SHA256, "9\n2.0\n10\n1.0", 12);
	ck_assert(digest_equal(&want, &image_tags_head(t)->revision));
	ck_assert_int_eq(image_tags_next(t, &tag, &err), 1);
	ck_assert_str_eq(tag.tag, "9");
	image_tags_close(t);
	rig_clear(&r);
}
END_TEST

/* A file that is not what was written is none: cut, or with a byte changed, or longer. */
START_TEST(test_broken)
{
	struct err err = {0};
	struct buf file;
	struct rig r;
	size_t i;

	rig_init(&r);
	ck_assert(!rig_write(&r, "b-1 a-2 a-1", 1800000000, NULL, &err));
	rig_file(&r, &file);
	ck_assert_str_eq(rig_read(&r), "b-1@1800000000 a-2@1800000000 a-1@1800000000");
	for (i = 0; i < file.len; i++) {
		rig_put(&r, file.p, i);
		ck_assert_msg(rig_read(&r)[0] == '(', "cut at %zu: %s", i, rig_read(&r));
	}
	for (i = 0; i < file.len; i++) {
		file.p[i] ^= 1;
		rig_put(&r, file.p, file.len);
		ck_assert_msg(rig_read(&r)[0] == '(', "byte %zu: %s", i, rig_read(&r));
		file.p[i] ^= 1;
	}
	buf_addc(&file, '\n');
	rig_put(&r, file.p, file.len);
	ck_assert_str_eq(rig_read(&r), "(the file of tags goes on behind its end)");
	buf_clear(&file);
	rig_clear(&r);
}
END_TEST

/* With a digest that is right. */
static void put_right(struct rig *r, const char *text)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	char end[DIGEST_TEXT_MAX];
	struct digest d;

	buf_adds(&b, text);
	digest_mem(&d, DIGEST_SHA256, b.p, b.len);
	buf_addf(&b, "end %s\n", digest_format(&d, end));
	rig_put(r, b.p, b.len);
}

#define DIGEST_0 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEAD(count) \
	"oci-source-controller tags 1\nimage a/b\nexcluded " DIGEST_0 \
	"\nbegan 1\nscanned 1\ntags " count "\nrevision " DIGEST_0 "\n\n"

static const struct {
	const char *text, *says;
} wrong[] = {
	{HEAD("2") "b 1\na 2\n", "b@1 a@2"},
	{HEAD("0"), ""},
	{HEAD("2") "a 1\nb 1\n", "(the file of tags is not in order)"},
	{HEAD("2") "a 1\na 1\n", "(the file of tags is not in order)"},
	{HEAD("1") "a\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") "a 1x\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") "a -1\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") "a 999999999999\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") ".a 1\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") "a\xc3\xa4 1\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1") "b 1\na 1\n", "(the file of tags has more lines than it says, or no end)"},
	{HEAD("3") "b 1\na 1\n", "(the file of tags has a line that is no tag)"},
	{HEAD("1000001"), "(the file of tags has no proper head)"},
	{"oci-source-controller tags 2\n", "(the file of tags is of another version)"},
};

START_TEST(test_wrong)
{
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "x", 1, NULL, &err));
	put_right(&r, wrong[_i].text);
	ck_assert_str_eq(rig_read(&r), wrong[_i].says);
	rig_clear(&r);
}
END_TEST

Suite *suite_tags(void)
{
	Suite *s = suite_create("tags");
	TCase *t = tcase_create("tags");

	tcase_add_test(t, test_there_is_none);
	tcase_add_test(t, test_head);
	tcase_add_test(t, test_broken);
	tcase_add_loop_test(t, test_wrong, 0, (int)ARRAY_LEN(wrong));
	suite_add_tcase(s, t);
	return s;
}
