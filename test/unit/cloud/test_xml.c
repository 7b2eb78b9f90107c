#include "cloud/xml.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_xml(void);

#define OPEN "<R xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><S>"
#define CLOSE "</S></R>"

/* What R/S/a and R/S/b are. */
static const struct {
	const char *name, *xml, *a, *b; /* NULL: not found; xml is refused when says is set */
	const char *says;
} rows[] = {
	{"plain", OPEN "<a>one</a><b>two</b>" CLOSE, "one", "two"},
	{"declaration", "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" OPEN "<a>one</a>" CLOSE "\n",
		"one", NULL},
	{"byte order mark", "\xef\xbb\xbf" OPEN "<a>one</a>" CLOSE, "one", NULL},
	{"nothing wanted", OPEN "<c>one</c>" CLOSE, NULL, NULL},
	{"empty", OPEN "<a/><b></b>" CLOSE, "", ""},
	{"blanks count", OPEN "<a> one\n</a>" CLOSE, " one\n", NULL},
	{"five entities", OPEN "<a>&lt;&gt;&amp;&apos;&quot;</a>" CLOSE, "<>&'\"", NULL},
	{"numeric entities", OPEN "<a>&#65;&#x42;&#xe9;&#x1F600;</a>" CLOSE,
		"AB\xc3\xa9\xf0\x9f\x98\x80", NULL},
	{"comment within", OPEN "<a>on<!-- x -->e</a>" CLOSE, "one", NULL},
	{"comment around", "<!-- <R><S><a>x</a></S></R> -->" OPEN "<!----><a>one</a>" CLOSE, "one",
		NULL},
	{"CDATA", OPEN "<a><![CDATA[<&]]>x</a>" CLOSE, "<&x", NULL},
	{"instruction", OPEN "<?php <a>x</a> ?><a>one</a>" CLOSE, "one", NULL},
	{"child within", OPEN "<a>o<b>x</b>ne</a>" CLOSE, "one", NULL},
	{"attributes", OPEN "<a a=\"x\" b='y'>one</a>" CLOSE, "one", NULL},
	{"too high", "<R><a>one</a></R>", NULL, NULL},
	{"too deep", OPEN "<S><a>one</a></S>" CLOSE, NULL, NULL},
	{"another parent", "<R><T><a>one</a></T></R>", NULL, NULL},
	{"another root", "<Q><S><a>one</a></S></Q>", NULL, NULL},
	{"a prefix is another name", OPEN "<x:a>one</x:a>" CLOSE, NULL, NULL},
	{"case", OPEN "<A>one</A>" CLOSE, NULL, NULL},
	{"longer names", OPEN "<aa>one</aa><ab>two</ab>" CLOSE, NULL, NULL},

	{"its word about itself",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" OPEN "<a>\xc3\xa9</a>" CLOSE,
		"\xc3\xa9", NULL},

	{"twice", OPEN "<a>one</a><a>two</a>" CLOSE, .says = "twice"},
	{"twice, apart", "<R><S><a>1</a></S><S><a>2</a></S></R>", .says = "twice"},
	{"document type", "<!DOCTYPE R>" OPEN "<a>one</a>" CLOSE, .says = "document type"},
	{"declared entity", "<!DOCTYPE R [<!ENTITY x \"one\">]>" OPEN "<a>&x;</a>" CLOSE,
		.says = "document type"},
	{"external entity",
		"<!DOCTYPE R [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>" OPEN "<a>&x;</a>" CLOSE,
		.says = "document type"},
	{"unknown entity", OPEN "<a>&nbsp;</a>" CLOSE, .says = "undefined entity"},
	{"NUL as an entity", OPEN "<a>x&#0;y</a>" CLOSE, .says = "invalid character"},
	{"control as an entity", OPEN "<a>x&#x1b;y</a>" CLOSE, .says = "invalid character"},
	{"control", OPEN "<a>x\x01y</a>" CLOSE, .says = "not well-formed"},
	{"no UTF-8", OPEN "<a>x\xe9y</a>" CLOSE, .says = "not well-formed"},
	{"half of UTF-16", "\xff\xfe<\x80", .says = "syntax error"},
	{"cut in a text", OPEN "<a>on", .says = "no element found"},
	{"cut in a tag", OPEN "<a>one</", .says = "unclosed token"},
	{"cut before the end", OPEN "<a>one</a>", .says = "no element found"},
	{"wrong end", OPEN "<a>one</b>" CLOSE, .says = "mismatched tag"},
	{"two roots", OPEN "<a>one</a>" CLOSE "<R/>", .says = "junk after"},
	{"text behind", OPEN "<a>one</a>" CLOSE "x", .says = ": junk after"},
	{"attribute twice", OPEN "<a x=\"1\" x=\"2\">one</a>" CLOSE, .says = "duplicate attribute"},
	{"nothing", "", .says = "no element found"},
	{"JSON", "{\"a\": 1}", .says = ": not well-formed"},
	{"HTML", "<html><body><p>x<br></body></html>", .says = "mismatched tag"},
	{"an end of another name", "<R><S></R>", .says = ": mismatched tag"},
};

static void is(const char *name, const struct xml_text *got, const char *want)
{
	if (!want) {
		ck_assert_msg(!got->found && !got->text.p, "%s: %s is there: '%s'", name, got->path,
			got->text.p ? got->text.p : "");
		return;
	}
	ck_assert_msg(got->found, "%s: no %s", name, got->path);
	ck_assert_msg(
		got->text.len == strlen(want) && (!got->text.len || !strcmp(got->text.p, want)),
		"%s: %s is '%s'", name, got->path, got->text.p ? got->text.p : "");
}

START_TEST(test_rows)
{
	struct xml_text want[] = {{"R/S/a"}, {"R/S/b"}};
	const char *xml = rows[_i].xml, *says = rows[_i].says;
	struct err err = {0};
	int rc;

	/* What was there before does not stay. */
	secret_set(&want[1].text, "old", 3);
	want[1].found = true;
	rc = xml_read(xml, strlen(xml), want, ARRAY_LEN(want), &err);
	ck_assert_msg(!rc == !says, "%s: %s", rows[_i].name, rc ? err.msg : "not refused");
	if (says) {
		ck_assert_int_eq(err.kind, ERR_RETRY);
		ck_assert_msg(strstr(err.msg, says), "%s: '%s' does not say '%s'", rows[_i].name,
			err.msg, says);
		ck_assert_msg(!strstr(err.msg, "one"), "%s: '%s'", rows[_i].name, err.msg);
	}
	is(rows[_i].name, &want[0], rows[_i].a);
	is(rows[_i].name, &want[1], rows[_i].b);
	xml_texts_clear(want, ARRAY_LEN(want));
}
END_TEST

static int read_one(const struct buf *xml, struct xml_text *want, struct err *err)
{
	return xml_read(buf_str(xml), xml->len, want, 1, err);
}

START_TEST(test_nul)
{
	static const char xml[] = "<R><S><a>x\0y</a></S></R>";
	struct xml_text want = {"R/S/a"};
	struct err err = {0};

	ck_assert_int_eq(xml_read(xml, sizeof(xml) - 1, &want, 1, &err), -1);
	ck_assert(!want.found);
}
END_TEST

START_TEST(test_size)
{
	auto_buf struct buf xml = BUF_INIT(BUF_ANY);
	struct xml_text want = {"a"};
	struct err err = {0};
	size_t room = LIMIT_TOKEN_BODY - strlen("<a></a>"), i;

	buf_adds(&xml, "<a>");
	for (i = 0; i < room; i++)
		buf_addc(&xml, 'x');
	buf_adds(&xml, "</a>");
	ck_assert_msg(!read_one(&xml, &want, &err), "%s", err.msg);
	ck_assert_uint_eq(want.text.len, room);
	xml_texts_clear(&want, 1);
	buf_addc(&xml, '\n');
	ck_assert_int_eq(read_one(&xml, &want, &err), -1);
	ck_assert_str_eq(err.msg, "the answer has more than 65536 bytes");
}
END_TEST

START_TEST(test_depth)
{
	struct xml_text want = {"a"};
	int depth;

	for (depth = LIMIT_XML_DEPTH; depth <= (int)LIMIT_XML_DEPTH + 1; depth++) {
		auto_buf struct buf xml = BUF_INIT(BUF_ANY);
		struct err err = {0};
		int i;

		for (i = 0; i < depth; i++)
			buf_adds(&xml, "<a>");
		for (i = 0; i < depth; i++)
			buf_adds(&xml, "</a>");
		ck_assert_int_eq(
			read_one(&xml, &want, &err), depth > (int)LIMIT_XML_DEPTH ? -1 : 0);
		ck_assert(!err.kind || strstr(err.msg, "nested too deep"));
	}
}
END_TEST

Suite *suite_xml(void)
{
	Suite *s = suite_create("xml");
	TCase *t = tcase_create("xml");

	tcase_add_loop_test(t, test_rows, 0, ARRAY_LEN(rows));
	tcase_add_test(t, test_nul);
	tcase_add_test(t, test_size);
	tcase_add_test(t, test_depth);
	suite_add_tcase(s, t);
	return s;
}
