#include "http/url.h"

#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

/* want: the formatted URL; NULL: refused, with `why` in the message. */
static const struct {
	const char *text, *want, *why;
} PARSE[] = {
	{"https://example.com", "https://example.com/", NULL},
	{"HTTPS://Example.COM:443/A/b?c=d&e#f", "https://example.com/A/b?c=d&e", NULL},
	{"http://example.com:80", "http://example.com/", NULL},
	{"http://example.com:443/", "http://example.com:443/", NULL},
	{"http://example.com:", "http://example.com/", NULL},
	{"http://example.com./x", "http://example.com/x", NULL},
	{"http://example.com?x", "http://example.com/?x", NULL},
	{"http://example.com#x", "http://example.com/", NULL},
	{"http://u:p@example.com/x", "http://example.com/x", NULL},
	{"http://[::1]:5000/x", "http://[::1]:5000/x", NULL},
	{"http://[0:0:0:0:0:0:0:1]", "http://[::1]/", NULL},
	{"http://[::FFFF:1.2.3.4]/", "http://[::ffff:1.2.3.4]/", NULL},
	{"http://127.0.0.1:65535/%41%2f", "http://127.0.0.1:65535/%41%2f", NULL},
	{"http://my_host-1.local/", "http://my_host-1.local/", NULL},
	{"http://1.2.3.4.example/", "http://1.2.3.4.example/", NULL},
	{"http://x/a[b]@:!$&'()*+,;=~", "http://x/a[b]@:!$&'()*+,;=~", NULL},
	{"", NULL, "neither"},
	{"ftp://example.com/", NULL, "neither"},
	{"//example.com/", NULL, "neither"},
	{"http:/example.com/", NULL, "neither"},
	{" http://example.com/", NULL, "neither"},
	{"http://", NULL, "no host"},
	{"http:///x", NULL, "no host"},
	{"http://:80/", NULL, "no host"},
	{"http://u@/", NULL, "no host"},
	{"http://a@b@c/", NULL, "more than one"},
	{"http://a..b/", NULL, "empty part"},
	{"http://.b/", NULL, "empty part"},
	{"http://b../", NULL, "empty part"},
	{"http://a b/", NULL, "does not belong"},
	{"http://a\\b/", NULL, "does not belong"},
	{"http://a%41/", NULL, "does not belong"},
	{"http://b\xc3\xbc/", NULL, "does not belong"},
	{"http://a/b\\c", NULL, "percent-encoded"},
	{"http://a/b c", NULL, "percent-encoded"},
	{"http://a/b\x01", NULL, "percent-encoded"},
	{"http://a/\xc3\xbc", NULL, "percent-encoded"},
	{"http://a/?\"", NULL, "percent-encoded"},
	{"http://a/%4", NULL, "broken percent"},
	{"http://a/%zz", NULL, "broken percent"},
	{"http://a/%00", NULL, "NUL"},
	{"http://a:0/", NULL, "port"},
	{"http://a:65536/", NULL, "port"},
	{"http://a:99999999999999999999/", NULL, "port"},
	{"http://a:8o/", NULL, "port"},
	{"http://a:-1/", NULL, "port"},
	{"http://[::1/", NULL, "IPv6"},
	{"http://[]/", NULL, "IPv6"},
	{"http://[::1%25eth0]/", NULL, "IPv6"},
	{"http://[1.2.3.4]/", NULL, "IPv6"},
	{"http://[::1]x/", NULL, "after"},
	/* other spellings of 127.0.0.1 */
	{"http://2130706433/", NULL, "numeric"},
	{"http://0x7f000001/", NULL, "numeric"},
	{"http://0x7f.1/", NULL, "numeric"},
	{"http://127.1/", NULL, "numeric"},
	{"http://0177.0.0.1/", NULL, "numeric"},
	{"http://127.0.0.01/", NULL, "numeric"},
	{"http://127.0.0.256/", NULL, "numeric"},
	{"http://1.2.3.4.5/", NULL, "numeric"},
	{"http://a.1/", NULL, "numeric"},
	{"http://0x/", NULL, "numeric"},
	{"http://127.0.0.1./", "http://127.0.0.1/", NULL},
};

START_TEST(test_parse)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct url u;
	int rc = url_parse(&u, PARSE[_i].text, &err);

	if (!PARSE[_i].want) {
		ck_assert_msg(rc && err.kind == ERR_STALL && strstr(err.msg, PARSE[_i].why),
			"'%s': %d '%s'", PARSE[_i].text, rc, err.msg);
		return;
	}
	ck_assert_msg(!rc, "'%s': %s", PARSE[_i].text, err.msg);
	url_format(&u, &b);
	ck_assert_str_eq(buf_str(&b), PARSE[_i].want);
	url_clear(&u);
}
END_TEST

START_TEST(test_too_long)
{
	struct err err = {0};
	char *text = mem_alloc(LIMIT_URL + 2);
	struct url u;

	memset(text, 'a', LIMIT_URL + 1);
	memcpy(text, "http://a/", 9);
	text[LIMIT_URL + 1] = '\0';
	ck_assert_int_eq(url_parse(&u, text, &err), -1);
	text[LIMIT_URL] = '\0';
	ck_assert_int_eq(url_parse(&u, text, &err), 0);
	url_clear(&u);
	free(text);
}
END_TEST

/* RFC 3986 sections 5.4.1 and 5.4.2, against http://a/b/c/d;p?q, and more. */
static const struct {
	const char *ref, *want;
} RESOLVE[] = {
	{"g", "http://a/b/c/g"},
	{"./g", "http://a/b/c/g"},
	{"g/", "http://a/b/c/g/"},
	{"/g", "http://a/g"},
	{"//g", "http://g/"},
	{"?y", "http://a/b/c/d;p?y"},
	{"g?y", "http://a/b/c/g?y"},
	{"#s", "http://a/b/c/d;p?q"},
	{"g#s", "http://a/b/c/g"},
	{"g?y#s", "http://a/b/c/g?y"},
	{";x", "http://a/b/c/;x"},
	{"g;x", "http://a/b/c/g;x"},
	{"", "http://a/b/c/d;p?q"},
	{".", "http://a/b/c/"},
	{"./", "http://a/b/c/"},
	{"..", "http://a/b/"},
	{"../", "http://a/b/"},
	{"../g", "http://a/b/g"},
	{"../..", "http://a/"},
	{"../../", "http://a/"},
	{"../../g", "http://a/g"},
	{"../../../g", "http://a/g"},
	{"../../../../g", "http://a/g"},
	{"/./g", "http://a/g"},
	{"/../g", "http://a/g"},
	{"g.", "http://a/b/c/g."},
	{".g", "http://a/b/c/.g"},
	{"g..", "http://a/b/c/g.."},
	{"..g", "http://a/b/c/..g"},
	{"./../g", "http://a/b/g"},
	{"./g/.", "http://a/b/c/g/"},
	{"g/./h", "http://a/b/c/g/h"},
	{"g/../h", "http://a/b/c/h"},
	{"g;x=1/./y", "http://a/b/c/g;x=1/y"},
	{"g;x=1/../y", "http://a/b/c/y"},
	{"g?y/./x", "http://a/b/c/g?y/./x"},
	{"https://x/../y", "https://x/y"},
	{"%2e%2E/g", "http://a/b/g"},
	{"//u@other:8/x", "http://other:8/x"},
	{"/v2/app/tags/list?n=2&last=b", "http://a/v2/app/tags/list?n=2&last=b"},
	{"g:h", NULL},
	{"ftp://x/", NULL},
	{"javascript:alert", NULL},
	{"a b", NULL},
	{"//", NULL},
	{"\\\\evil/", NULL},
};

START_TEST(test_resolve)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct url base, u;
	int rc;

	ck_assert_int_eq(url_parse(&base, "http://a/b/c/d;p?q", &err), 0);
	rc = url_resolve(&u, &base, RESOLVE[_i].ref, &err);
	url_clear(&base);
	if (!RESOLVE[_i].want) {
		ck_assert_msg(rc, "'%s' was taken", RESOLVE[_i].ref);
		return;
	}
	ck_assert_msg(!rc, "'%s': %s", RESOLVE[_i].ref, err.msg);
	url_format(&u, &b);
	ck_assert_msg(!strcmp(buf_str(&b), RESOLVE[_i].want), "'%s': got '%s', want '%s'",
		RESOLVE[_i].ref, buf_str(&b), RESOLVE[_i].want);
	url_clear(&u);
}
END_TEST

START_TEST(test_same)
{
	static const struct {
		const char *a, *b;
		bool host, origin, server;
	} rows[] = {
		{"http://a/", "http://A:80/x?y", true, true, true},
		{"http://a/", "https://a:80/", true, false, true},
		{"http://a/", "https://a/", false, false, true},
		{"http://a:5000/", "https://a/", false, false, true},
		{"http://b/", "https://a/", false, false, false},
		{"https://a/", "http://a/", false, false, false},
		{"https://a:1/", "https://a/", false, false, false},
		{"http://a/", "http://a.:80/", true, true, true},
		{"http://a/", "http://b/", false, false, false},
		{"http://a:1/", "http://a:2/", false, false, false},
		{"http://[::1]/", "http://[0::1]/", true, true, true},
	};
	struct err err = {0};
	struct url a, b;

	ck_assert_int_eq(url_parse(&a, rows[_i].a, &err), 0);
	ck_assert_int_eq(url_parse(&b, rows[_i].b, &err), 0);
	ck_assert_int_eq(url_same_host(&a, &b), rows[_i].host);
	ck_assert_int_eq(url_same_origin(&a, &b), rows[_i].origin);
	ck_assert_int_eq(url_same_server(&a, &b), rows[_i].server);
	url_clear(&a);
	url_clear(&b);
}
END_TEST

static const struct {
	const char *host;
	enum host_class want;
} CLASSES[] = {
	{"example.com", HOST_NAME},
	{"localhost.example.com", HOST_NAME},
	{"notlocalhost", HOST_NAME},
	{"localhost", HOST_LOCALHOST},
	{"LocalHost.", HOST_LOCALHOST},
	{"a.b.localhost", HOST_LOCALHOST},
	{"8.8.8.8", HOST_PUBLIC},
	{"127.0.0.1", HOST_LOOPBACK},
	{"127.255.0.2", HOST_LOOPBACK},
	{"10.1.2.3", HOST_PRIVATE},
	{"172.16.0.1", HOST_PRIVATE},
	{"172.31.255.255", HOST_PRIVATE},
	{"172.32.0.1", HOST_PUBLIC},
	{"172.15.0.1", HOST_PUBLIC},
	{"192.168.0.1", HOST_PRIVATE},
	{"192.169.0.1", HOST_PUBLIC},
	{"169.254.169.254", HOST_LINK_LOCAL},
	{"0.0.0.0", HOST_SPECIAL},
	{"100.64.0.1", HOST_SPECIAL},
	{"100.128.0.1", HOST_PUBLIC},
	{"192.0.2.1", HOST_SPECIAL},
	{"198.18.0.1", HOST_SPECIAL},
	{"224.0.0.1", HOST_SPECIAL},
	{"255.255.255.255", HOST_SPECIAL},
	{"::", HOST_SPECIAL},
	{"::1", HOST_LOOPBACK},
	{"::ffff:127.0.0.1", HOST_LOOPBACK},
	{"::ffff:10.0.0.1", HOST_PRIVATE},
	{"::ffff:8.8.8.8", HOST_PUBLIC},
	{"::127.0.0.1", HOST_LOOPBACK},
	{"64:ff9b::a9fe:a9fe", HOST_LINK_LOCAL},
	{"2002:7f00:1::", HOST_LOOPBACK},
	{"fc00::1", HOST_ULA},
	{"fd12::1", HOST_ULA},
	{"fe80::1", HOST_LINK_LOCAL},
	{"febf::1", HOST_LINK_LOCAL},
	{"ff02::1", HOST_SPECIAL},
	{"2001:db8::1", HOST_SPECIAL},
	{"2001:4860:4860::8888", HOST_PUBLIC},
	{"4000::1", HOST_SPECIAL},
};

START_TEST(test_classes)
{
	enum host_class got = host_classify(CLASSES[_i].host);

	ck_assert_msg(got == CLASSES[_i].want, "'%s': got %d, want %d", CLASSES[_i].host, got,
		CLASSES[_i].want);
	ck_assert_int_eq(host_is_internal(got), got != HOST_NAME && got != HOST_PUBLIC);
}
END_TEST

START_TEST(test_safe)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{"https://user:secret@host/path?token=secret#secret", "https://host/path"},
		{"oci://user:secret@host/path", "oci://host/path"},
		{"user:secret@host/path", "host/path"},
		{"https://user:se/secret@host/path", "https://host/path"},
		{"https://user:se?secret@host/path", "https://..."},
		{"https://user:se#secret@host/path", "https://..."},
		{"host/path?x=secret://", "host/path"},
		{"http://a/b\r\nX: y", "http://a/b??X: y"},
		{"", ""},
	};
	auto_buf struct buf b = BUF_INIT(LIMIT_URL);

	url_safe(&b, rows[_i].text);
	ck_assert_msg(!strcmp(buf_str(&b), rows[_i].want), "'%s': got '%s', want '%s'",
		rows[_i].text, buf_str(&b), rows[_i].want);
}
END_TEST

static const struct {
	const char *text, *shown;
} USERS[] = {
	{"https://ci:token@git.example/x.git", "https://git.example/x.git"},
	{"https://token@git.example:8443/x?y=a@b#c", "https://git.example:8443/x?y=a@b#c"},
	{"https://a:b@c@host", "https://host"},
	{"https://ci:pass/word@host/x", "https://host/x"},
	{"https://ci:pass?word@host/x", "https://host/x"},
	{"https://ci:p@ss/word@host/x", "https://host/x"},
	{"https://[2001:db8::1]/org/x@v1", "https://[2001:db8::1]/org/x@v1"},
	{"https://ci:x@[2001:db8::1]:80/x", "https://[2001:db8::1]:80/x"},
	{"https://github.com/org/@scope/app", "https://github.com/org/@scope/app"},
	{"https://github.com:443/@scope", "https://github.com:443/@scope"},
	{"git@github.com:org/app.git", "git@github.com:org/app.git"},
	{"ssh://git@github.com/org/app", "ssh://github.com/org/app"},
	{"what:ever@you like", "what:ever@you like"},
	{"://@", "://"},
	{"", ""},
};

START_TEST(test_hide_user)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	url_hide_user(&b, USERS[_i].text);
	ck_assert_str_eq(buf_str(&b), USERS[_i].shown);
}
END_TEST

START_TEST(test_encode)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	url_encode(&b, "aZ9-._~/ %&=?#\xc3");
	ck_assert_str_eq(buf_str(&b), "aZ9-._~%2F%20%25%26%3D%3F%23%C3");
}
END_TEST

Suite *suite_url(void);
Suite *suite_url(void)
{
	Suite *s = suite_create("url");
	TCase *tc = tcase_create("url");

	tcase_add_loop_test(tc, test_parse, 0, (int)ARRAY_LEN(PARSE));
	tcase_add_test(tc, test_too_long);
	tcase_add_loop_test(tc, test_resolve, 0, (int)ARRAY_LEN(RESOLVE));
	tcase_add_loop_test(tc, test_same, 0, 7);
	tcase_add_loop_test(tc, test_classes, 0, (int)ARRAY_LEN(CLASSES));
	tcase_add_loop_test(tc, test_safe, 0, 9);
	tcase_add_loop_test(tc, test_hide_user, 0, (int)ARRAY_LEN(USERS));
	tcase_add_test(tc, test_encode);
	suite_add_tcase(s, tc);
	return s;
}
