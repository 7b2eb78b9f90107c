#include "store/path.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_path(void);

#define HEX "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct row {
	const char *text;
	bool ok, latest;
} ROWS[] = {
	{"ocirepository/apps/web/sha256:" HEX ".tar.gz", true, false},
	{"ocirepository/apps/web/sha512:" HEX HEX ".tar.gz", true, false},
	{"ocirepository/apps/web/latest.tar.gz", true, true},
	{"ocirepository/a/b.c-d/latest.tar.gz", true, true},
	{"ocirepository/" A63 "/b/latest.tar.gz", true, true},
	{"ocirepository/" A63 "a/b/latest.tar.gz", false, false},
	{"gitrepository/apps/web/" COMMIT ".tar.gz", true, false},
	{"gitrepository/apps/web/" COMMIT "0.tar.gz", false, false},
	{"gitrepository/apps/web/0" COMMIT ".tar.gz", false, false},
	{"gitrepository/apps/web/sha1:" COMMIT ".tar.gz", false, false},
	{"gitrepository/apps/web/0123456789ABCDEF0123456789abcdef01234567.tar.gz", false, false},
	{"gitrepository/apps/web/0123456789abcdef0123456789abcdef0123456.tar.gz", false, false},
	{"ocirepository/apps/web/sha256:" HEX ".tar", false, false},
	{"ocirepository/apps/web/sha256:" HEX, false, false},
	{"ocirepository/apps/web/sha256:" HEX "0.tar.gz", false, false},
	{"ocirepository/apps/web/sha512:" HEX ".tar.gz", false, false},
	{"ocirepository/apps/web/md5:" HEX ".tar.gz", false, false},
	{"ocirepository/apps/web/sha256-" HEX ".tar.gz", false, false},
	{"ocirepository/apps/web/SHA256:" HEX ".tar.gz", false, false},
	{"ocirepository/apps/web/sha256:A123456789abcdef0123456789abcdef0123456789abcdef0123456789"
	 "abcdef.tar.gz",
		false, false},
	{"ocirepository/apps/web/latest.tar.gz/", false, false},
	{"/ocirepository/apps/web/latest.tar.gz", false, false},
	{"ocirepository//web/latest.tar.gz", false, false},
	{"ocirepository/apps/latest.tar.gz", false, false},
	{"ocirepository/apps/web/x/latest.tar.gz", false, false},
	{"ocirepository/apps/../latest.tar.gz", false, false},
	{"../apps/web/latest.tar.gz", false, false},
	{".tmp/apps/web/latest.tar.gz", false, false},
	{"ocirepository/.a/web/latest.tar.gz", false, false},
	{"ocirepository/a./web/latest.tar.gz", false, false},
	{"ocirepository/-a/web/latest.tar.gz", false, false},
	{"ocirepository/Apps/web/latest.tar.gz", false, false},
	{"ocirepository/apps/we b/latest.tar.gz", false, false},
	{"ocirepository/apps/we%62/latest.tar.gz", false, false},
	{"ocirepository/apps/web/Latest.tar.gz", false, false},
	{"ocirepository/apps/web/latest", false, false},
	{"ocirepository/apps/web/", false, false},
	{"ocirepository/apps/web", false, false},
	{"", false, false},
	{"///", false, false},
};

START_TEST(test_parse)
{
	const struct row *row = &ROWS[_i];
	struct store_path p;
	struct err err = {0};
	char text[STORE_PATH_MAX];
	int rc = store_path_parse(&p, row->text, &err);

	ck_assert_msg((rc == 0) == row->ok, "'%s': %d %s", row->text, rc, err.msg);
	if (rc)
		return;
	ck_assert_msg(p.latest == row->latest, "'%s': latest %d", row->text, p.latest);
	ck_assert_int_eq(store_path_parse_file(&p, row->text, &err), row->latest ? -1 : 0);
	ck_assert_str_eq(store_path_format(&p, text), row->text);
}
END_TEST

START_TEST(test_longest)
{
	char kind[STORE_PART_MAX + 2], text[STORE_PATH_MAX + 300];
	char dir[STORE_DIR_MAX], path[STORE_PATH_MAX];
	const struct digest d = {.algo = DIGEST_SHA512};
	char name[STORE_NAME_MAX], back[STORE_NAME_MAX];
	struct store_path p;
	struct err err;

	memset(kind, 'a', sizeof(kind));
	kind[STORE_PART_MAX] = '\0';
	ck_assert_int_eq(store_path_of(path, kind, A63, kind, digest_format(&d, name), &err), 0);
	ck_assert_uint_eq(strlen(path), STORE_PATH_MAX - 1);
	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	ck_assert_str_eq(store_path_format(&p, text), path);
	ck_assert_int_eq(store_path_name(path, back, &err), 0);
	ck_assert_str_eq(back, name);
	kind[STORE_PART_MAX] = 'a';
	kind[STORE_PART_MAX + 1] = '\0';
	ck_assert_int_eq(store_dir_format(dir, "k", "n", kind, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	snprintf(text, sizeof(text), "k/n/%s/latest.tar.gz", kind);
	ck_assert_int_eq(store_path_parse(&p, text, &err), -1);
}
END_TEST

Suite *suite_path(void)
{
	Suite *s = suite_create("path");
	TCase *t = tcase_create("path");

	tcase_add_loop_test(t, test_parse, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(t, test_longest);
	suite_add_tcase(s, t);
	return s;
}
