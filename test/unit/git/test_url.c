#include "git/url.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_url(void);

static const struct {
	const char *text, *show, *user, *password;
	unsigned port;
} good[] = {
	{"https://github.com/a/b", "https://github.com/a/b", NULL, NULL, 443},
	{"HTTPS://GitHub.com:443/a/b.git/", "https://github.com/a/b.git", NULL, NULL, 443},
	{"http://h:8080/a", "http://h:8080/a", NULL, NULL, 8080},
	{"https://u:p%40%3a@h/a", "https://h/a", "u", "p@:", 443},
	{"https://u@h/a", "https://h/a", "u", NULL, 443},
	{"https://[::1]:3000/a", "https://[::1]:3000/a", NULL, NULL, 3000},
	{"https://h/a%20b", "https://h/a%20b", NULL, NULL, 443},
	{"ssh://h/a", "ssh://h/a", "git", NULL, 22},
	{"ssh://git@h:22/a", "ssh://h/a", "git", NULL, 22},
	{"ssh://me@h:2222/~me/a%20b", "ssh://me@h:2222/~me/a b", "me", NULL, 2222},
};

START_TEST(test_good)
{
	auto_buf struct buf shown = BUF_INIT(BUF_ANY);
	auto_gitc_url struct gitc_url u = {0}, copy = {0};
	struct err err = {0};

	ck_assert_msg(!gitc_url_parse(&u, good[_i].text, &err), "%s", err.msg);
	gitc_url_copy(&copy, &u);
	gitc_url_show(&copy, &shown);
	ck_assert_str_eq(buf_str(&shown), good[_i].show);
	ck_assert_pstr_eq(copy.user, good[_i].user);
	ck_assert_pstr_eq(copy.password.p, good[_i].password);
	ck_assert_uint_eq(copy.port, good[_i].port);
}
END_TEST

static const char *const bad[] = {"", "github.com/a", "git@github.com:a/b", "file:///a",
	"git://h/a", "https://", "https://h", "https://h/", "https:///a", "https://h/a?b=s3cret",
	"https://h/a#s3cret", "https://h:0/a", "https://h:99999/a", "https://u:%zz@h/a",
	"https://u%3a:s3cret@h/a", "https://u:s3cret%0a@h/a", "https://0x7f.1/a",
	"ssh://u:s3cret@h/a", "ssh://-oProxyCommand=x/a", "ssh://-u@h/a", "ssh://@h/a",
	"ssh://h/a%00", "ssh://h/a%0ab", "ssh://h", "https://h/a\nb", "https://h\\x/a"};

START_TEST(test_bad)
{
	struct gitc_url u;
	struct err err = {0};

	ck_assert_msg(gitc_url_parse(&u, bad[_i], &err), "'%s' parses", bad[_i]);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(!strstr(err.msg, "s3cret"), "%s", err.msg);
}
END_TEST

Suite *suite_url(void)
{
	Suite *s = suite_create("url");
	TCase *t = tcase_create("url");

	tcase_add_loop_test(t, test_good, 0, ARRAY_LEN(good));
	tcase_add_loop_test(t, test_bad, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, t);
	return s;
}
