#include "text/ignore.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "text/ignore_glob.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static void add(struct ignore *l, const char *text, const char *domain)
{
	struct err err;

	ck_assert_msg(!ignore_add(l, text, strlen(text), domain, &err), "%s", err.msg);
}

static const struct {
	const char *rules, *path;
	bool is_dir, excluded;
} rules_rows[] = {/* The defaults stand while nothing real is there, the VCS ones always. */
	{"", "x.jpg", false, true}, {"# c\n\n \t\n", "a/x.jpg", false, true},
	{"", ".github/workflows/ci.yaml", false, true}, {"", "a/.flux.yaml", false, true},
	{"/a", "x.jpg", false, false}, {"/a", ".git", true, true},
	{"/a", ".git/config", false, true}, {"/a", ".gitignore", false, true},
	{"!.git", ".git/config", false, false}, {"", ".sourceignore", false, false},
	{"", ".git", false, false}, {"", "", true, false}, {"*", "", true, false},
	/* A file in an excluded directory can come back. */
	{"a/\n!a/keep", "a", true, true}, {"a/\n!a/keep", "a/x", false, true},
	{"a/\n!a/keep", "a/keep", false, false}, {"/*\n!/d/", "d/a/b", false, false},
	{"/*\n!/d/", "e", false, true}, {"!x\nx", "x", false, true},
	/* Names anywhere, paths at the root only. */
	{"foo", "a/foo/b", false, true}, {"/foo", "a/foo", false, false},
	{"a/b", "c/a/b", false, false}, {"a/b", "a/b/c", false, true},
	{"foo/", "foo", false, false}, {"foo/", "foo", true, true}, {"foo/", "foo/x", false, true},
	{"a/b/", "a/b", false, false},
	/* ** */
	{"**/b", "a/b", false, true}, {"a/**", "a/b/c", false, true}, {"a/**", "a", true, true},
	{"a/**/b", "a/b", false, true}, {"a/**/b", "a/x/y/b", false, true},
	{"a/**/b/c", "a/b/x/b/c", false, false}, {"x**/b", "xa/b", false, false},
	{"x**", "xa", false, true},
	/* Globs as Go has them. */
	{"*.txt", "a.txt", false, true}, {"*.txt", ".txt", false, true}, {"f*", "foo", false, true},
	{"f*o", "foo", false, true},
	{"a?c",
		"a\xc3\xa9"
		"c",
		false, true},
	{"a?c", "abbc", false, false}, {"[a-c]x", "bx", false, true}, {"[^a]x", "ax", false, false},
	{"[!a]x", "!x", false, true}, {"[a", "[a", false, false}, {"[]a]", "a", false, false},
	{"[]a]", "]", false, false}, {"[-a]", "a", false, false}, {"[a-]", "a", false, false},
	{"[\\]a]", "]", false, true}, {"a\\", "a", false, false}, {"*[a", "a", false, false},
	{"a\\*", "a*", false, true}, {"a\\*", "ab", false, false},
	{"[\xc3\xa0-\xc3\xbc]", "\xc3\xa9", false, true}, {"[\xff]", "\xff", false, false},
	{"a*b*c", "aXbYbc", false, true}, {"a*b*c", "aXbYb", false, false},
	/* Blanks, comments, line ends. */
	{"foo   ", "foo", false, true}, {"foo\\ ", "foo ", false, true},
	{"foo\r\nbar\r\n", "foo", false, true}, {" #a", " #a", false, true},
	{"\\#a", "#a", false, true}, {"\\!a", "!a", false, true},
	{"\xc2\xa0\n", "x.jpg", false, true}, {"a\nb", "b", false, true}};

START_TEST(test_rules)
{
	struct ignore l;

	ignore_init(&l, IGNORE_SOURCE);
	add(&l, rules_rows[_i].rules, "");
	ck_assert_msg(ignore_match(&l, rules_rows[_i].path, rules_rows[_i].is_dir) ==
			rules_rows[_i].excluded,
		"rules '%s', path '%s': want %d", rules_rows[_i].rules, rules_rows[_i].path,
		rules_rows[_i].excluded);
	ignore_clear(&l);
}
END_TEST

/* Every pattern that Flux leaves out by default. An artifact's digest depends on each. */
START_TEST(test_defaults)
{
	static const char *const out[] = {".git/HEAD", ".gitignore", ".gitmodules",
		".gitattributes", "a.jpg", "a.jpeg", "a.gif", "a.png", "a.wmv", "a.flv", "a.tar.gz",
		"a.zip", ".github/a", ".circleci/a", ".travis.yml", ".gitlab-ci.yml",
		"appveyor.yml", ".drone.yml", "cloudbuild.yaml", "codeship-services.yml",
		"codeship-steps.yml", ".goreleaser.yml", ".sops.yaml", ".flux.yaml"};
	static const char *const in[] = {"a.yaml", ".sourceignore", "a.tar", "a.tgz", "a.svg",
		".gitkeep", ".sops.yml", ".goreleaser.yaml", "github/a", ".helmignore"};
	struct ignore l, vcs;
	char path[64];
	size_t i;

	ignore_init(&l, IGNORE_SOURCE);
	ignore_init(&vcs, IGNORE_SOURCE);
	add(&vcs, "/nothing", "");
	for (i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		snprintf(path, sizeof(path), "deep/er/%s", out[i]);
		ck_assert_msg(ignore_match(&l, out[i], false), "%s", out[i]);
		ck_assert_msg(ignore_match(&l, path, false), "%s", path);
		/* A pattern of one's own takes the place of all but those of git. */
		ck_assert_msg(ignore_match(&vcs, out[i], false) == (i < 4), "%s", out[i]);
	}
	for (i = 0; i < sizeof(in) / sizeof(in[0]); i++)
		ck_assert_msg(!ignore_match(&l, in[i], false), "%s", in[i]);
	ignore_clear(&l);
	ignore_clear(&vcs);
}
END_TEST

START_TEST(test_domain)
{
	struct ignore l;

	ignore_init(&l, IGNORE_SOURCE);
	add(&l, "*.txt\n/top\n", "");
	add(&l, "!foo.txt\n/b\n", "a/x");
	ck_assert(ignore_match(&l, "foo.txt", false));
	ck_assert(ignore_match(&l, "a/foo.txt", false));
	ck_assert(!ignore_match(&l, "a/x/foo.txt", false));
	ck_assert(!ignore_match(&l, "a/x/y/foo.txt", false));
	ck_assert(ignore_match(&l, "a/xy/foo.txt", false));
	ck_assert(ignore_match(&l, "a/x/b", true));
	ck_assert(!ignore_match(&l, "a/x/y/b", true));
	ck_assert(!ignore_match(&l, "b", true));
	/* The last list wins. */
	add(&l, "!top", "");
	ck_assert(!ignore_match(&l, "top", false));
	/* A domain's own directory is not below it. */
	add(&l, "*", "a/x");
	ck_assert(!ignore_match(&l, "a/x", true));
	ck_assert(ignore_match(&l, "a/x/z", true));
	ignore_clear(&l);
}
END_TEST

START_TEST(test_plain)
{
	struct ignore l;

	ignore_init(&l, IGNORE_PLAIN);
	ck_assert(!ignore_match(&l, ".git/config", false));
	add(&l, ignore_vcs, "");
	add(&l, ignore_ext, "");
	ck_assert(ignore_match(&l, ".git/config", false));
	ck_assert(ignore_match(&l, "x.png", false));
	ck_assert(!ignore_match(&l, ".sops.yaml", false));
	ignore_clear(&l);
}
END_TEST

START_TEST(test_limits)
{
	auto_free char *text = mem_alloc(LIMIT_IGNORE_FILE + 1);
	struct ignore l;
	struct err err = {0};
	size_t i;

	ignore_init(&l, IGNORE_PLAIN);
	memset(text, '\n', LIMIT_IGNORE_FILE + 1);
	ck_assert_int_eq(ignore_add(&l, text, LIMIT_IGNORE_FILE, "", &err), 0);
	ck_assert_int_eq(ignore_add(&l, text, LIMIT_IGNORE_FILE + 1, "", &err), -1);
	memset(text, 'a', LIMIT_PATTERN + 3);
	text[1] = '\n';
	ck_assert_int_eq(ignore_add(&l, text, LIMIT_PATTERN + 2, "x/y", &err), 0);
	ck_assert_int_eq(ignore_add(&l, text, LIMIT_PATTERN + 3, "x/y", &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, "'x/y', line 2") != NULL, "%s", err.msg);
	ignore_clear(&l);
	ignore_init(&l, IGNORE_SOURCE);
	for (i = 0; i < 2 * (LIMIT_IGNORE_PATTERNS + 1); i += 2)
		memcpy(text + i, "a\n", 2);
	ck_assert_int_eq(ignore_add(&l, text, 2 * LIMIT_IGNORE_PATTERNS, "", &err), 0);
	ck_assert_int_eq(ignore_add(&l, "\n#\n", 3, "", &err), 0);
	ck_assert_int_eq(ignore_add(&l, "b", 1, "", &err), -1);
	ignore_clear(&l);
}
END_TEST

/* More components than fit on the stack, and a NUL in the rules. */
START_TEST(test_odd)
{
	char path[2 * LIMIT_PATH_DEPTH + 2];
	struct ignore l;
	struct err err;
	size_t i;

	for (i = 0; i < LIMIT_PATH_DEPTH; i++)
		memcpy(path + 2 * i, "a/", 2);
	memcpy(path + 2 * i, "z", 2);
	ignore_init(&l, IGNORE_PLAIN);
	add(&l, "z", "");
	ck_assert(ignore_match(&l, path, false));
	path[2 * i] = 'y';
	ck_assert(!ignore_match(&l, path, false));
	ck_assert_int_eq(ignore_add(&l, "y\0\n[y\0]b", 8, "", &err), 0);
	ck_assert(!ignore_match(&l, path, false));
	ck_assert(ignore_match(&l, "yb", false));
	ignore_clear(&l);
}
END_TEST

/* Empty components and ** in a row: the last one says what follows. */
static const struct {
	const char *rule, *path;
	bool excluded;
} row_rows[] = {{"a//b", "a/b", true}, {"a/**//b", "a/b", true}, {"a/**//b", "a/x/b", false},
	{"a//**/b", "a/x/b", true}, {"a/**/**/b", "a/x/y/b", true}, {"**//b", "x/b", false},
	{"////b", "b", true}, {"a////", "a/x", true}, {"a/**/", "a/x", true}};

START_TEST(test_row)
{
	struct ignore l;

	ignore_init(&l, IGNORE_PLAIN);
	add(&l, row_rows[_i].rule, "");
	ck_assert_msg(ignore_match(&l, row_rows[_i].path, true) == row_rows[_i].excluded, "%s: %s",
		row_rows[_i].rule, row_rows[_i].path);
	ignore_clear(&l);
}
END_TEST

/* What rules compile to is at most four times their text and some 200 bytes each, however deep the
   folder and however odd the text. */
START_TEST(test_memory)
{
	static const char *const lines[] = {"x", "a/", "/", "**/", "!a/*/"};
	auto_buf struct buf text = BUF_INIT(LIMIT_IGNORE_FILE), domain = BUF_INIT(LIMIT_PATH);
	size_t before, n = _i % 5, k, count = 0;
	struct err err = {0};
	struct ignore l;

	while (domain.len < 4000)
		buf_adds(&domain, "folder/");
	domain.p[--domain.len] = '\0';
	/* Short lines, or lines as long as they may be. */
	while (count < LIMIT_IGNORE_PATTERNS && text.len < LIMIT_IGNORE_FILE - LIMIT_PATTERN - 1) {
		for (k = 0; k < (_i < 5 ? 1 : LIMIT_PATTERN / strlen(lines[n])); k++)
			buf_adds(&text, lines[n]);
		buf_addc(&text, '\n');
		count++;
	}
	ignore_init(&l, IGNORE_SOURCE);
	before = mem_in_use();
	ck_assert_msg(!ignore_add(&l, text.p, text.len, domain.p, &err), "%s", err.msg);
	/* The sanitizers' allocator tells nothing. */
	if (mem_in_use() > before)
		ck_assert_msg(mem_in_use() - before < 4 * text.len + 200 * count + 8192,
			"'%s': %zu bytes for %zu of text in %zu lines", lines[n],
			mem_in_use() - before, text.len, count);
	ck_assert_uint_eq(l.count, count);
	ignore_clear(&l);
}
END_TEST

/* A rule whose every try takes millions of steps, and one of each other kind. */
static char *costly(void)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	unsigned i;

	buf_adds(&b, "/x/**/y/\n!z\n*.png\n*");
	for (i = 0; i < 2000; i++)
		buf_addc(&b, 'a');
	buf_adds(&b, "?bx\n");
	return mem_strdup(buf_str(&b));
}

static void costly_path(char path[4096])
{
	memset(path, 'a', 4095);
	path[4094] = 'x';
	path[4095] = '\0';
}

START_TEST(test_budget)
{
	struct ignore_budget b = {.max = 3000000};
	auto_free char *text = costly();
	char path[4096];
	struct ignore l;
	struct err err = {0};

	costly_path(path);
	ignore_init(&l, IGNORE_SOURCE);
	add(&l, text, "apps/base");
	/* Cheap ones first: below the domain or not, they take next to nothing. */
	ck_assert_int_eq(ignore_match_within(&l, &b, "apps/base/a.png", false, &err), 1);
	ck_assert_int_eq(ignore_match_within(&l, &b, "apps/base/x/q/y", true, &err), 1);
	ck_assert_int_eq(ignore_match_within(&l, &b, "apps/base/x/q/y", false, &err), 0);
	ck_assert_uint_lt(b.used, 1000);
	memmove(path + 10, path, sizeof(path) - 10);
	memcpy(path, "apps/base/", 10);
	path[4094] = 'x';
	path[4095] = '\0';
	ck_assert_int_eq(ignore_match_within(&l, &b, path, false, &err), -1);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_msg(strstr(err.msg, "4 rules for more than 3 entries") != NULL, "%s", err.msg);
	ck_assert_msg(strstr(err.msg, "aaa...' (apps/base/.sourceignore, line 4)") != NULL, "%s",
		err.msg);
	ck_assert_uint_lt(b.used, 3000000 + 2 * IGNORE_LOOK_EVERY);
	/* It stays over. */
	ck_assert_int_eq(ignore_match_within(&l, &b, "a", false, &err), -1);
	ignore_clear(&l);
}
END_TEST

/* Who gives the rules is named. */
START_TEST(test_budget_origin)
{
	struct ignore_budget b = {.max = 100000};
	auto_free char *text = costly();
	char path[4096];
	struct ignore l;
	struct err err = {0};

	costly_path(path);
	ignore_init(&l, IGNORE_SOURCE);
	l.origin = "spec.ignore";
	add(&l, text, "");
	ck_assert_int_eq(ignore_match_within(&l, &b, path, false, &err), -1);
	ck_assert_msg(strstr(err.msg, "(spec.ignore, line 4)") != NULL, "%s", err.msg);
	ignore_clear(&l);
}
END_TEST

/* The stop flag is seen in the middle of one pattern. */
START_TEST(test_budget_stop)
{
	atomic_bool stop = true;
	struct ignore_budget b = {.max = UINT64_MAX, .stop = &stop};
	auto_free char *text = costly();
	char path[4096];
	struct ignore l;
	struct err err = {0};

	costly_path(path);
	ignore_init(&l, IGNORE_SOURCE);
	add(&l, text, "");
	ck_assert_int_eq(ignore_match_within(&l, &b, path, false, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	ck_assert_uint_le(b.used, 2 * IGNORE_LOOK_EVERY);
	ignore_clear(&l);
}
END_TEST

/* A matcher that is only right, for ASCII. */
static bool glob_slowly(const char *p, const char *s)
{
	bool in = false, negated;

	if (!*p)
		return !*s;
	if (*p == '*')
		return glob_slowly(p + 1, s) || (*s && glob_slowly(p, s + 1));
	if (!*s)
		return false;
	if (*p == '?')
		return glob_slowly(p + 1, s + 1);
	if (*p == '\\')
		return p[1] == *s && glob_slowly(p + 2, s + 1);
	if (*p != '[')
		return *p == *s && glob_slowly(p + 1, s + 1);
	negated = *++p == '^';
	p += negated;
	do {
		p += *p == '\\';
		in = in || *p == *s;
	} while (*++p != ']');
	return in != negated && glob_slowly(p + 1, s + 1);
}

/* What makes matching fast must not change it: all patterns over a small alphabet against all
   names, with and without a first look. */
START_TEST(test_passed_over)
{
	static const char alphabet[] = "ab*?]\\.[";
	const size_t n = sizeof(alphabet) - 1;
	char pattern[5] = "", name[4] = "";
	unsigned i, k, at, count = 0;

	for (i = 0; i < n * n * n * n; i++) {
		struct ignore plain, path;

		for (k = i, at = 0; at < 4; at++, k /= n)
			pattern[at] = alphabet[k % n];
		ignore_init(&plain, IGNORE_PLAIN);
		ignore_init(&path, IGNORE_PLAIN);
		add(&plain, pattern, "");
		if (pattern[0] != '!' && pattern[0] != '#')
			add(&path, pattern, "d");
		for (k = 0; k < 64; k++) {
			char below[8];

			name[0] = "ab]."[k & 3];
			name[1] = "ab]."[k >> 2 & 3];
			name[2] = "ab]."[k >> 4 & 3];
			if (!strcmp(name, "..") || !strcmp(name, "."))
				continue;
			snprintf(below, sizeof(below), "d/%s", name);
			/* In a domain the directory's own name must not help. */
			ck_assert_msg(ignore_match(&plain, name, false) ==
					ignore_match(&path, below, false),
				"'%s' '%s'", pattern, name);
			ck_assert_msg(ignore_match(&plain, name, false) ==
					(plain.count &&
						ignore_glob_valid(pattern, strlen(pattern)) &&
						glob_slowly(pattern, name)),
				"'%s' '%s'", pattern, name);
			count++;
		}
		ignore_clear(&plain);
		ignore_clear(&path);
	}
	ck_assert_uint_eq(count, n * n * n * n * 64);
}
END_TEST

static const struct {
	const char *path;
	int dir_len;
} is_file_rows[] = {{".sourceignore", 0}, {"a/.sourceignore", 1}, {"a/b/.sourceignore", 3},
	{"a/sourceignore", -1}, {"x.sourceignore", -1}, {".git/.sourceignore", -1},
	{"a/.git/b/.sourceignore", -1}, {".github/.sourceignore", 7}, {".sourceignore/a", -1}};

START_TEST(test_is_file)
{
	size_t len = 99;
	bool is = ignore_is_file(is_file_rows[_i].path, &len);

	ck_assert_msg(is == (is_file_rows[_i].dir_len >= 0), "%s", is_file_rows[_i].path);
	if (is)
		ck_assert_int_eq((int)len, is_file_rows[_i].dir_len);
}
END_TEST

static const char *const dir_order_order[] = {
	"", "a", "a/b", "a/b/c", "a/c", "a!", "a-b", "ab", "b", "\xff"};

START_TEST(test_dir_order)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(dir_order_order); i++) {
		int got = ignore_dir_cmp(dir_order_order[_i], dir_order_order[i]);
		int want = (_i > (int)i) - (_i < (int)i);

		ck_assert_msg(got == want, "'%s' and '%s': got %d, want %d", dir_order_order[_i],
			dir_order_order[i], got, want);
	}
}
END_TEST

Suite *suite_ignore(void);
Suite *suite_ignore(void)
{
	Suite *s = suite_create("ignore");
	TCase *tc = tcase_create("ignore");

	tcase_add_loop_test(tc, test_rules, 0, ARRAY_LEN(rules_rows));
	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_domain);
	tcase_add_test(tc, test_plain);
	tcase_add_test(tc, test_limits);
	tcase_add_test(tc, test_odd);
	tcase_add_loop_test(tc, test_row, 0, ARRAY_LEN(row_rows));
	tcase_add_loop_test(tc, test_memory, 0, 10);
	tcase_add_test(tc, test_budget);
	tcase_add_test(tc, test_budget_origin);
	tcase_add_test(tc, test_budget_stop);
	tcase_add_test(tc, test_passed_over);
	tcase_add_loop_test(tc, test_is_file, 0, ARRAY_LEN(is_file_rows));
	tcase_add_loop_test(tc, test_dir_order, 0, ARRAY_LEN(dir_order_order));
	suite_add_tcase(s, tc);
	return s;
}
