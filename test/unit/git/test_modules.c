/* GR-09: .gitmodules, and where relative URLs lead. */
#include "base/mem.h"
#include "git/gitc.h"
#include "git/modules.h"

#include <check.h>
#include <string.h>

static const struct {
	const char *text;
	const char *rows; /* "name path url|..."; NULL: an error */
	const char *why;
} files[] = {
	{"", "", NULL},
	{"[submodule \"a\"]\n\tpath = lib/a\n\turl = ../a.git\n", "a lib/a ../a.git|", NULL},
	{"\xef\xbb\xbf# c\n; c\n[core]\nx = y\n[submodule \"a b\\\"\\\\c\"] path = a # c\nurl=\"x "
	 "# y\" ; z\n",
		"a b\"\\c a x # y|", NULL},
	{"[SubModule \"a\"]\r\n PATH = a\r\n Url = \"u\"\\\n v\r\nbranch\n", "a a u v|", NULL},
	{"[submodule \"a\"]\npath=a/\nurl=1\nurl=2\n[submodule \"b\"]\nurl=3\n[submodule "
	 "\"a\"]\nurl=4\n",
		"a a 4|", NULL},
	{"[submodule \"a\"]\npath=x\nurl=1\n[submodule \"b\"]\npath=x\nurl=2\n", "b x 2|", NULL},
	{"[submodule]\npath=x\nurl=1\n[other \"a\"]\npath=y\n", "", NULL},
	{"[submodule \"..\"]\npath=x\n", NULL, "line 1: a module's name that leads elsewhere"},
	{"[submodule \"a/../../b\"]\n", NULL, "leads elsewhere"},
	{"[submodule \"a\\\\..\\\\b\"]\n", NULL, "leads elsewhere"},
	{"[submodule \"\"]\n", NULL, "leads elsewhere"},
	{"[submodule \"a\"]\npath=../x\n", NULL, "module 'a': the path '../x' is refused"},
	{"[submodule \"a\"]\npath=.git/hooks\n", NULL, "the path"},
	{"[submodule \"a\"]\npath=x/.GIT\n", NULL, "the path"},
	{"[submodule \"a\"]\npath=-x\n", NULL, "the path"},
	{"[submodule \"a\"]\npath=/x\n", NULL, "the path"},
	{"[submodule \"a\"]\npath=\n", NULL, "the path"},
	{"[submodule \"a\"]\nurl=--upload-pack=x\n", NULL, "the url '--upload-pack=x' is refused"},
	{"[submodule \"a\"]\nurl=\"https://x\\nhost: y\"\n", NULL, "the url"},
	{"[submodule \"a\"]\nurl\n", NULL, "the url"},
	{"[submodule \"a\n", NULL, "line 1: a name without an end"},
	{"\n\n[submodule \"a\"\n", NULL, "line 3: a section without an end"},
	{"x = \"y\n", NULL, "a quote without an end"},
	{"x = \\q\n", NULL, "an escape that is none"},
	{"= y\n", NULL, "neither a section nor a key"},
};

START_TEST(test_gr_09_file)
{
	struct buf rows = BUF_INIT(BUF_ANY);
	struct gitc_modules m;
	struct gitc_modules_row *r;
	struct err err = {0};
	int rc = gitc_modules_parse(&m, files[_i].text, strlen(files[_i].text), &err);

	if (files[_i].rows) {
		ck_assert_msg(!rc, "%s", err.msg);
		vec_each (&m.rows, r)
			buf_addf(&rows, "%s %s %s|", r->name, r->path, r->url);
		ck_assert_str_eq(buf_str(&rows), files[_i].rows);
		gitc_modules_clear(&m);
	} else {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.code, GITC_BAD_OBJECT);
		ck_assert_msg(strstr(err.msg, files[_i].why) != NULL, "%s", err.msg);
	}
	buf_clear(&rows);
}
END_TEST

static const struct {
	const char *parent, *url, *is; /* NULL: an error */
} urls[] = {
	{"https://h/o/r", "../x", "https://h/o/x"},
	{"https://h/o/r.git/", "../x.git/", "https://h/o/x.git"},
	{"https://u:p@h:8/o/r", "../../y/x", "https://u:p@h:8/y/x"},
	{"https://h/o/r", "./x", "https://h/o/r/x"},
	{"https://h/o/r", ".././../x", "https://h/x"},
	{"https://h/o/r", "../../../x", NULL},
	{"https://h/o/r", "../../../evil.example/x", NULL},
	{"https://h", "../x", NULL},
	{"ssh://git@h/o/r", "../x", "ssh://git@h/o/x"},
	{"ssh://git@h/o/r", "https://other/x", "https://other/x"},
	{"https://h/o/r", "git@h:o/x.git", "ssh://git@h/o/x.git"},
	{"https://h/o/r", "h:/o/x", "ssh://h/o/x"},
	{"https://h/o/r", "ext::sh -c x", NULL},
	{"https://h/o/r", "file:///etc", NULL},
	{"https://h/o/r", "git://h/x", NULL},
	{"https://h/o/r", "/etc/x", NULL},
	{"https://h/o/r", "x", NULL},
	{"https://h/o/r", "h:", NULL},
};

START_TEST(test_gr_09_urls)
{
	struct buf out = BUF_INIT(1000);
	struct err err = {0};
	int rc = gitc_modules_url(&out, urls[_i].parent, urls[_i].url, &err);

	if (urls[_i].is) {
		ck_assert_msg(!rc, "%s", err.msg);
		ck_assert_str_eq(buf_str(&out), urls[_i].is);
	} else {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.code, GITC_BAD_OBJECT);
	}
	buf_clear(&out);
}
END_TEST

/* Neither the user nor the password of a URL that is refused is told. */
START_TEST(test_secret)
{
	struct buf out = BUF_INIT(1000);
	struct err err = {0};

	ck_assert_int_eq(gitc_modules_url(&out, "https://h/r", "ftp://user:hidden@h/x", &err), -1);
	ck_assert_ptr_null(strstr(err.msg, "hidden"));
	ck_assert_ptr_null(strstr(err.msg, "user"));
	buf_clear(&out);
}
END_TEST

Suite *suite_modules(void);
Suite *suite_modules(void)
{
	Suite *s = suite_create("modules");
	TCase *t = tcase_create("modules");

	tcase_add_loop_test(t, test_gr_09_file, 0, ARRAY_LEN(files));
	tcase_add_loop_test(t, test_gr_09_urls, 0, ARRAY_LEN(urls));
	tcase_add_test(t, test_secret);
	suite_add_tcase(s, t);
	return s;
}
