#include "page/html.h"

#include "base/buf.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_html(void);

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *name, *text;
	size_t most;
	const char *want;
} texts[] = {
	{"plain", "web 1.2.3", 100, "web 1.2.3"},
	{"element", "<script>alert(1)</script>", 100, "&lt;script&gt;alert(1)&lt;/script&gt;"},
	{"attribute", "\" onload='x' &quot;", 100, "&quot; onload=&#39;x&#39; &amp;quot;"},
	{"letters", "ärger 日本 مرحبا", 100, "ärger 日本 مرحبا"},
	{"override", "a\u202egpj.exe\u202c", 100, "a" BAD "gpj.exe" BAD},
	{"isolates", "\u2066x\u2069\u200f\u200e\u061c", 100, BAD "x" BAD BAD BAD BAD},
	{"nobody sees", "a\u200bb\u00adc\ufeffd\u2028e", 100, "a" BAD "b" BAD "c" BAD "d" BAD "e"},
	{"tags", "a\U000e0041b", 100, "a" BAD "b"},
	{"controls", "a\x01\x1b[31m\x7f\xc2\x85", 100, "a" BAD BAD "[31m" BAD BAD},
	{"lines", "a\nb\tc", 100, "a b c"},
	{"no UTF-8", "a\xff\xc3(\xed\xa0\x80", 100, "a" BAD BAD "(" BAD BAD BAD},
	{"cut", "abcdef", 3, "abc…"},
	{"just so", "abc", 3, "abc"},
	{"not within a character", "aä", 2, "a…"},
	{"not within an entity", "<<<<", 2, "&lt;&lt;…"},
	{"empty", "", 10, ""},
};

START_TEST(test_text)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	html_text(&b, texts[_i].text, texts[_i].most);
	ck_assert_msg(!strcmp(buf_str(&b), texts[_i].want), "%s: '%s', wanted '%s'", texts[_i].name,
		buf_str(&b), texts[_i].want);
}
END_TEST

static const struct {
	int64_t ms;
	const char *want;
} spans[] = {
	{-5, "0s"},
	{59999, "59s"},
	{60000, "1m"},
	{3599000, "59m"},
	{3600000, "1h"},
	{47 * 3600000LL, "47h"},
	{48 * 3600000LL, "2d"},
	{400 * 86400000LL, "400d"},
};

START_TEST(test_span)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	html_span(&b, spans[_i].ms);
	ck_assert_str_eq(buf_str(&b), spans[_i].want);
}
END_TEST

START_TEST(test_time)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	html_time(&b, 0, 1000);
	ck_assert_str_eq(buf_str(&b), "—");
	buf_reset(&b);
	html_time(&b, 1769851800000, 1769851800000 + 90000);
	ck_assert_str_eq(buf_str(&b),
		"<time datetime=\"2026-01-31T09:30:00Z\" title=\"2026-01-31T09:30:00Z\">1m "
		"ago</time>");
}
END_TEST

Suite *suite_html(void)
{
	Suite *s = suite_create("html");
	TCase *t = tcase_create("html");

	tcase_add_loop_test(t, test_text, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, test_span, 0, ARRAY_LEN(spans));
	tcase_add_test(t, test_time);
	suite_add_tcase(s, t);
	return s;
}
