#include "http/proxy_env.h"

#include "base/mem.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static void setup(void)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy",
		"HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "REQUEST_METHOD"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

/* Both proxies are set; does the URL take one? */
static const struct {
	const char *no_proxy, *url;
	bool taken;
} RULES[] = {
	{"", "https://reg.test/x", true},
	{"", "http://reg.test/x", true},
	{"", "http://10.0.0.1:5000/", true},
	{"", "https://[fd00::1]/", true},
	/* loopback, whatever the list says */
	{"", "http://localhost:5000/", false},
	{"", "https://LOCALHOST/", false},
	{"", "https://localhost./", false},
	{"", "http://reg.localhost/", false},
	{"", "http://notlocalhost/", true},
	{"", "http://localhost.test/", true},
	{"", "http://127.0.0.1:1/", false},
	{"", "https://127.9.9.9/", false},
	{"", "http://[::1]:9/", false},
	{"", "http://[::ffff:127.0.0.1]/", false},
	{"", "http://128.0.0.1/", true},
	{"", "http://0.0.0.0/", true},
	/* everything */
	{"*", "https://reg.test/", false},
	{"*", "https://8.8.8.8/", false},
	{" * ", "https://reg.test/", false},
	{"corp.test,*", "https://reg.test/", false},
	{"*:443", "https://reg.test/", true},
	{"**", "https://reg.test/", true},
	/* names */
	{"reg.test", "https://reg.test/", false},
	{"reg.test", "https://a.b.reg.test/", false},
	{"reg.test", "https://myreg.test/", true},
	{"reg.test", "https://test/", true},
	{"reg.test", "https://reg.test.evil/", true},
	{"REG.Test", "https://reg.TEST/", false},
	{"reg.test", "https://reg.test./", false},
	{"reg.test.", "https://reg.test/", false},
	{".reg.test", "https://a.reg.test/", false},
	{".reg.test", "https://reg.test/", true},
	{".reg.test", "https://myreg.test/", true},
	{".cluster.local.,.svc", "https://a.cluster.local/", false},
	{".cluster.local.,.svc", "https://a.svc/", false},
	{"*.reg.test", "https://a.reg.test/", false},
	{"*.reg.test", "https://a.b.reg.test/", false},
	{"*.reg.test", "https://reg.test/", true},
	{"*reg.test", "https://myreg.test/", true},
	{"r*g.test", "https://reg.test/", true},
	{"a, b ,\treg.test\n", "https://reg.test/", false},
	{"a b,reg.test", "https://b/", true},
	{",,reg.test,", "https://reg.test/", false},
	{"http://reg.test", "https://reg.test/", true},
	{"reg.test/", "https://reg.test/", true},
	/* ports */
	{"reg.test:443", "https://reg.test/", false},
	{"reg.test:443", "https://reg.test:443/", false},
	{"reg.test:443", "https://a.reg.test/", false},
	{"reg.test:443", "http://reg.test/", true},
	{"reg.test:80", "http://reg.test/", false},
	{"reg.test:5000", "https://reg.test/", true},
	{"reg.test:5000", "https://reg.test:5000/", false},
	{".reg.test:5000", "https://a.reg.test:5000/", false},
	{"*.reg.test:5000", "https://a.reg.test:5001/", true},
	{"reg.test:", "https://reg.test:5000/", false},
	{"reg.test:https", "https://reg.test/", true},
	{":443", "https://reg.test/", true},
	{":", "https://reg.test/", true},
	/* addresses */
	{"10.0.0.1", "https://10.0.0.1/", false},
	{"10.0.0.1", "https://10.0.0.11/", true},
	{"10.0.0.1", "https://110.0.0.1/", true},
	{"10.0.0.1:5000", "https://10.0.0.1:5000/", false},
	{"10.0.0.1:5000", "https://10.0.0.1/", true},
	{"10.0.0", "https://10.0.0.1/", true},
	{"10.", "https://10.0.0.1/", true},
	{"0.0.1", "https://10.0.0.1/", true}, /* a name, and addresses are below none */
	{"010.0.0.1", "https://10.0.0.1/", true},
	{"fd00::1", "https://[fd00::1]/", false},
	{"FD00:0::1", "https://[fd00::1]/", false},
	{"fd00::1", "https://[fd00::2]/", true},
	{"[fd00::1]", "https://[fd00::1]:5000/", false},
	{"[fd00::1]:5000", "https://[fd00::1]:5000/", false},
	{"[fd00::1]:5000", "https://[fd00::1]/", true},
	{"fd00::1:5000", "https://[fd00::1]:5000/", true}, /* an address of its own */
	{"10.0.0.1", "https://[::ffff:10.0.0.1]/", false},
	{"::ffff:10.0.0.1", "https://10.0.0.1/", false},
	{"[fd00::1", "https://[fd00::1]/", true},
	/* networks */
	{"10.0.0.0/8", "https://10.255.0.1:5000/", false},
	{"10.0.0.0/8", "https://11.0.0.1/", true},
	{"10.1.2.3/8", "https://10.255.0.1/", false},
	{" 10.0.0.0/8 ", "https://10.0.0.1/", false},
	{"10.0.0.128/25", "https://10.0.0.129/", false},
	{"10.0.0.128/25", "https://10.0.0.127/", true},
	{"10.0.0.1/32", "https://10.0.0.1/", false},
	{"10.0.0.1/32", "https://10.0.0.2/", true},
	{"0.0.0.0/0", "https://8.8.8.8/", false},
	{"0.0.0.0/0", "https://[fd00::1]/", true},
	{"0.0.0.0/0", "https://reg.test/", true},
	{"10.0.0.0/33", "https://10.0.0.1/", true},
	{"10.0.0.0/", "https://10.0.0.1/", true},
	{"10.0.0.0/-1", "https://10.0.0.1/", true},
	{"10.0.0.0/99999999999999999999", "https://10.0.0.1/", true},
	{"10.0.0/8", "https://10.0.0.1/", true},
	{"10.0.0.0/8:443", "https://10.0.0.1/", true},
	{"fd00::/8", "https://[fd12::1]/", false},
	{"fd00::/8", "https://[fe80::1]/", true},
	{"2001:db8::/33", "https://[2001:db8:7fff::1]/", false},
	{"2001:db8::/33", "https://[2001:db8:8000::1]/", true},
	{"::/0", "https://[fd00::1]/", false},
	{"::/0", "https://10.0.0.1/", true},
	{"::ffff:10.0.0.0/104", "https://10.9.9.9/", false},
	{"::/129", "https://[fd00::1]/", true},
};

START_TEST(test_rules)
{
	const struct http_proxy *p;
	struct err err = {0};
	struct proxy_env *e;
	auto_url struct url u;

	setenv("HTTPS_PROXY", "http://proxy.test:1", 1);
	setenv("HTTP_PROXY", "http://proxy.test:2", 1);
	setenv("NO_PROXY", RULES[_i].no_proxy, 1);
	e = proxy_env_new();
	ck_assert_int_eq(url_parse(&u, RULES[_i].url, &err), 0);
	ck_assert_int_eq(proxy_env_for(e, &u, &p, &err), 0);
	ck_assert_msg(!!p == RULES[_i].taken, "NO_PROXY '%s', %s: %s", RULES[_i].no_proxy,
		RULES[_i].url, p ? "through the proxy" : "directly");
	if (p)
		ck_assert_str_eq(p->url, u.https ? "http://proxy.test:1" : "http://proxy.test:2");
	proxy_env_free(e);
}
END_TEST

/* Which variable counts. */
static const struct {
	const char *name, *env[3][2], *url, *want; /* NULL: directly */
	const char *why; /* the message */
} VARS[] = {
	{"nothing", {{0}}, "https://a.test/", NULL, NULL},
	{"capitals first", {{"HTTPS_PROXY", "u:1"}, {"https_proxy", "l:1"}}, "https://a.test/",
		"http://u:1", NULL},
	{"an empty one does not count", {{"HTTP_PROXY", ""}, {"http_proxy", "l:1"}},
		"http://a.test/", "http://l:1", NULL},
	{"https only", {{"https_proxy", "l:1"}}, "http://a.test/", NULL, NULL},
	{"http only", {{"http_proxy", "l:1"}}, "https://a.test/", NULL, NULL},
	{"all", {{"ALL_PROXY", "l:1"}, {"all_proxy", "l:1"}}, "https://a.test/", NULL, NULL},
	{"NO_PROXY first", {{"http_proxy", "l:1"}, {"NO_PROXY", "b"}, {"no_proxy", "*"}},
		"http://a.test/", "http://l:1", NULL},
	{"no_proxy", {{"http_proxy", "l:1"}, {"NO_PROXY", ""}, {"no_proxy", "*"}}, "http://a.test/",
		NULL, NULL},
	{"CGI", {{"http_proxy", "l:1"}, {"REQUEST_METHOD", "GET"}}, "http://a.test/", NULL,
		"http_proxy is not used"},
	{"CGI and https", {{"https_proxy", "l:1"}, {"REQUEST_METHOD", "GET"}}, "https://a.test/",
		"http://l:1", NULL},
	{"CGI and loopback", {{"http_proxy", "l:1"}, {"REQUEST_METHOD", "GET"}},
		"http://127.0.0.1/", NULL, NULL},
	{"malformed", {{"HTTPS_PROXY", "http://hush:hush@a b"}}, "https://a.test/", NULL,
		"HTTPS_PROXY: the proxy's URL is malformed"},
	{"malformed, but not needed", {{"HTTPS_PROXY", "http://a b"}, {"NO_PROXY", ".test"}},
		"https://a.test/", NULL, NULL},
	{"of another kind", {{"https_proxy", "ftp://hush"}}, "https://a.test/", NULL,
		"https_proxy: the proxy's URL is neither"},
};

START_TEST(test_vars)
{
	const struct http_proxy *p;
	struct err err = {0};
	struct proxy_env *e;
	auto_url struct url u;
	size_t i;
	int rc;

	for (i = 0; i < 3 && VARS[_i].env[i][0]; i++)
		setenv(VARS[_i].env[i][0], VARS[_i].env[i][1], 1);
	e = proxy_env_new();
	/* read once */
	setenv("HTTPS_PROXY", "http://later:1", 1);
	ck_assert_int_eq(url_parse(&u, VARS[_i].url, &err), 0);
	rc = proxy_env_for(e, &u, &p, &err);
	if (VARS[_i].why) {
		ck_assert_msg(rc, "%s: taken", VARS[_i].name);
		ck_assert_int_eq(err.kind, ERR_RETRY);
		ck_assert_msg(strstr(err.msg, VARS[_i].why), "%s: '%s'", VARS[_i].name, err.msg);
		ck_assert_msg(!strstr(err.msg, "hush"), "%s: '%s'", VARS[_i].name, err.msg);
	} else {
		ck_assert_msg(!rc, "%s: %s", VARS[_i].name, err.msg);
		ck_assert_msg(!p == !VARS[_i].want, "%s", VARS[_i].name);
		if (p)
			ck_assert_str_eq(p->url, VARS[_i].want);
	}
	proxy_env_free(e);
}
END_TEST

static const struct {
	const char *text, *url, *user, *password; /* url NULL: refused */
} URLS[] = {
	{"http://proxy.test:3128", "http://proxy.test:3128", NULL, NULL},
	{"http://proxy.test", "http://proxy.test:80", NULL, NULL},
	{"HTTPS://Proxy.Test/", "https://proxy.test:443", NULL, NULL},
	{"socks5://proxy.test", "socks5h://proxy.test:1080", NULL, NULL},
	{"socks5h://10.0.0.1:9", "socks5h://10.0.0.1:9", NULL, NULL},
	{"proxy.test", "http://proxy.test:80", NULL, NULL},
	{"proxy.test:3128", "http://proxy.test:3128", NULL, NULL},
	{"proxy.test:3128/path?q#f", "http://proxy.test:3128", NULL, NULL},
	{"[fd00::1]:3128", "http://[fd00::1]:3128", NULL, NULL},
	{"me:pw@proxy.test", "http://proxy.test:80", "me", "pw"},
	{"http://me@proxy.test", "http://proxy.test:80", "me", NULL},
	{"http://me:@proxy.test", "http://proxy.test:80", "me", ""},
	{"http://:pw@proxy.test", "http://proxy.test:80", "", "pw"},
	{"http://m%40e:p%3Aw%2f:x@proxy.test", "http://proxy.test:80", "m@e", "p:w/:x"},
	{"http://me:p@w@proxy.test", "http://proxy.test:80", "me", "p@w"},
	{"http://me:p%00w@proxy.test", NULL, NULL, NULL},
	{"http://me:p%0d%0aw@proxy.test", NULL, NULL, NULL},
	{"http://me:p%zzw@proxy.test", NULL, NULL, NULL},
	{"http://me:p%2@proxy.test", NULL, NULL, NULL},
	{"http://proxy test", NULL, NULL, NULL},
	{"http://proxy.test:0", NULL, NULL, NULL},
	{"http://proxy.test:65536", NULL, NULL, NULL},
	{"http://proxy.test:x", NULL, NULL, NULL},
	{"http://", NULL, NULL, NULL},
	{"http://[fd00::1", NULL, NULL, NULL},
	{"http://0x7f.1", NULL, NULL, NULL},
	{"ftp://proxy.test", NULL, NULL, NULL},
	{"socks4://proxy.test", NULL, NULL, NULL},
	{"", NULL, NULL, NULL},
	{"/", NULL, NULL, NULL},
};

START_TEST(test_urls)
{
	struct http_proxy p = {0};
	struct err err = {0};
	int rc = proxy_parse(&p, URLS[_i].text, &err);

	if (!URLS[_i].url) {
		ck_assert_msg(rc, "'%s' became %s", URLS[_i].text, p.url);
		ck_assert_int_eq(err.kind, ERR_STALL);
		ck_assert_msg(
			!*URLS[_i].text || URLS[_i].text[1] == 0 || !strstr(err.msg, URLS[_i].text),
			"'%s'", err.msg);
		return;
	}
	ck_assert_msg(!rc, "'%s': %s", URLS[_i].text, err.msg);
	ck_assert_str_eq(p.url, URLS[_i].url);
	ck_assert_msg(!p.user == !URLS[_i].user, "'%s'", URLS[_i].text);
	if (p.user)
		ck_assert_str_eq(p.user, URLS[_i].user);
	ck_assert_msg(!p.password.p == !URLS[_i].password, "'%s'", URLS[_i].text);
	if (p.password.p)
		ck_assert_str_eq(p.password.p, URLS[_i].password);
	http_proxy_clear(&p);
}
END_TEST

Suite *suite_proxy_env(void);
Suite *suite_proxy_env(void)
{
	Suite *s = suite_create("proxy_env");
	TCase *tc = tcase_create("proxy_env");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, test_rules, 0, (int)ARRAY_LEN(RULES));
	tcase_add_loop_test(tc, test_vars, 0, (int)ARRAY_LEN(VARS));
	tcase_add_loop_test(tc, test_urls, 0, (int)ARRAY_LEN(URLS));
	suite_add_tcase(s, tc);
	return s;
}
