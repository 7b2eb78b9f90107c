#include "base/limits.h"
#include "base/mem.h"
#include "choice_table.h"
#include "image/choose.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What Go's packages say, frozen; test/e2e/policydiff.sh says how it is made. The count is pinned:
   a cut table would pass. */
START_TEST(test_choose_frozen)
{
	struct choice_result res = {0};

	ck_assert_int_eq(choice_table_run("test/unit/image/data/choices.tsv", &res), 0);
	ck_assert_uint_eq(res.failed, 0);
	ck_assert_uint_eq(res.passed, 3000);
}
END_TEST

/* The tags are divided by blanks and stand in descending order; after a '@' comes when it was seen
   first. */
static int choose(const struct choose_rules *rules, const char *tags, struct choose_result *res,
	struct err *err)
{
	auto_free char *text = mem_strdup(tags);
	char *rest = text, *tag, *seen;
	struct choose *c;
	int rc = 0;

	ck_assert_msg(!choose_new(&c, rules, err), "%s", err->msg);
	while (!rc && (tag = strsep(&rest, " "))) {
		seen = tag;
		tag = strsep(&seen, "@");
		rc = choose_tag(c, tag, seen ? strtol(seen, NULL, 10) : 0, err);
	}
	if (!rc)
		rc = choose_end(c, res, err);
	choose_free(c);
	return rc;
}

static const struct say_row {
	struct choose_rules rules;
	const char *tags, *tag, *say;
} say_rows[] = {
	{{.by = CHOOSE_ALPHABETICAL}, "b a", "b", "it won over 'a': it is the greater text"},
	{{.by = CHOOSE_ALPHABETICAL, .desc = true}, "b a", "a",
		"it won over 'b': it is the smaller text"},
	{{.by = CHOOSE_ALPHABETICAL}, "b", "b", "no other tag competes"},
	{{.by = CHOOSE_NUMERICAL, .pattern = "^.-(.*)", .extract = "$1"}, "r-1 q-2", "q-2",
		"it won over 'r-1': of '2' and '1' the first is the greater number"},
	{{.by = CHOOSE_NUMERICAL, .desc = true}, "2 1", "1",
		"it won over '2': it is the smaller number"},
	{{.by = CHOOSE_NUMERICAL}, "2.0 2 02", "02",
		"it won over '2': it is an equal number, and the smaller text"},
	{{.by = CHOOSE_SEMVER, .range = "*"}, "v1.0.0 1.0.0", "v1.0.0",
		"it won over '1.0.0': it is an equal version, and stands first"},
	{{.by = CHOOSE_SEMVER, .range = "1.x"}, "2.0.0 1.2.0 1.10.0", "1.10.0",
		"it won over '1.2.0': it is the higher version"},
	{{.by = CHOOSE_ALPHABETICAL, .pin = "a"}, "b a", "a",
		"it is pinned; without that 'b' would win"},
	{{.by = CHOOSE_ALPHABETICAL, .pattern = "^(?P<n>.)$", .extract = "x$no"}, "b a", "a",
		"no other tag competes; filterTags.pattern has no group 'no', which "
		"filterTags.extract wants"},
};

START_TEST(test_choose_say)
{
	const struct say_row *row = &say_rows[_i];
	auto_buf struct buf say = BUF_INIT(BUF_ANY);
	struct choose_result res;
	struct err err = {0};

	ck_assert_msg(!choose(&row->rules, row->tags, &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, row->tag);
	choose_say(&row->rules, &res, &say);
	ck_assert_str_eq(buf_str(&say), row->say);
}
END_TEST

static const struct fail_row {
	struct choose_rules rules;
	const char *tags, *want;
} fail_rows[] = {
	{{.by = CHOOSE_SEMVER, .range = ">=3"}, "latest 2.0.0 1.0.0",
		"unable to determine latest version from provided list: no version of it is in the "
		"range: of 3 tags 2 are versions"},
	{{.by = CHOOSE_SEMVER, .range = "*", .pattern = "^[0-9a]", .extract = "$3"},
		"latest a 1.0.0",
		"unable to determine latest version from provided list: no version of it is in the "
		"range: of 3 tags 2 pass the filter, and of these 0 are versions; "
		"filterTags.pattern has no group '3', which filterTags.extract wants"},
	{{.by = CHOOSE_NUMERICAL, .pattern = "^(?P<n>.)$", .extract = "${nn}"}, "2 1",
		"failed to parse invalid numeric value '' of tag '2'; filterTags.pattern has no "
		"group 'nn', which filterTags.extract wants; filterTags can leave such a tag out"},
};

START_TEST(test_choose_fails)
{
	struct choose_result res;
	struct err err = {0};

	ck_assert_int_eq(choose(&fail_rows[_i].rules, fail_rows[_i].tags, &res, &err), -1);
	ck_assert_str_eq(err.msg, fail_rows[_i].want);
}
END_TEST

/* Of one key the last tag stands for it, and a key never is its own runner-up, whatever the order
   in which its tags come. */
static const struct {
	struct choose_rules rules;
	const char *tags, *tag, *runner_up;
} key_rows[] = {
	{{.by = CHOOSE_ALPHABETICAL}, "z-1 y-2 x-2 w-1", "x-2", "w-1"},
	{{.by = CHOOSE_NUMERICAL}, "z-2 y-02 x-2 w-1", "x-2", "y-02"},
	{{.by = CHOOSE_NUMERICAL}, "z-1 y-2 x-01 w-3 v-2", "w-3", "v-2"},
	{{.by = CHOOSE_SEMVER, .range = "*"}, "z-1.0.0 y-v1.0.0 x-1.0.0", "x-1.0.0", "y-v1.0.0"},
	{{.by = CHOOSE_SEMVER, .range = "*"}, "z-1.0.0 y-2.0.0 x-v2.0.0 w-2.0.0", "w-2.0.0",
		"x-v2.0.0"},
};

START_TEST(test_choose_keys)
{
	struct choose_rules rules = key_rows[_i].rules;
	struct choose_result res;
	struct err err = {0};

	rules.pattern = "^[a-z]-(?P<key>.*)$";
	rules.extract = "$key";
	ck_assert_msg(!choose(&rules, key_rows[_i].tags, &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, key_rows[_i].tag);
	ck_assert_str_eq(res.runner_up, key_rows[_i].runner_up);
}
END_TEST

/* The best ones in order, "tag=key": a key stands there once, and moves when its tag comes again. */
static const struct nth_row {
	struct choose_rules rules;
	const char *tags, *want;
} nth_rows[] = {
	{{.by = CHOOSE_ALPHABETICAL, .keep = 3}, "z-1 y-3 x-2 w-4", "w-4=4 y-3=3 x-2=2"},
	{{.by = CHOOSE_ALPHABETICAL, .keep = 3}, "z-1 y-3 x-3 w-1", "x-3=3 w-1=1"},
	{{.by = CHOOSE_ALPHABETICAL, .keep = 0}, "z-1 y-3 x-2 w-4", "w-4=4 y-3=3"},
	/* Of equal numbers the later one stands first; `2` comes again, above `02`. */
	{{.by = CHOOSE_NUMERICAL, .keep = 4}, "z-2 y-02 x-1 w-2 v-3", "v-3=3 w-2=2 y-02=02 x-1=1"},
	{{.by = CHOOSE_NUMERICAL, .keep = 3}, "z-2 y-02 x-1 w-2 v-3", "v-3=3 w-2=2 y-02=02"},
	{{.by = CHOOSE_SEMVER, .range = "*", .keep = 9}, "z-1.0.0 y-2.0.0 x-0.1.0",
		"y-2.0.0=2.0.0 z-1.0.0=1.0.0 x-0.1.0=0.1.0"},
	{{.by = CHOOSE_ALPHABETICAL, .keep = 3, .pin = "z-1"}, "z-1 y-2", "y-2=2 z-1=1"},
	{{.by = CHOOSE_NUMERICAL, .keep = 3, .pin = "z-1"}, "z-1 y-x", ""},
};

START_TEST(test_choose_nth)
{
	struct choose_rules rules = nth_rows[_i].rules;
	auto_free char *text = mem_strdup(nth_rows[_i].tags);
	auto_buf struct buf said = BUF_INIT(BUF_ANY);
	char *rest = text, key[CHOOSE_KEY_SHOWN + 1];
	struct choose_result res;
	struct err err = {0};
	const char *tag;
	struct choose *c;
	size_t i;

	rules.pattern = "^[a-z]-(?P<key>.*)$";
	rules.extract = "$key";
	ck_assert_int_eq(choose_new(&c, &rules, &err), 0);
	while ((tag = strsep(&rest, " ")))
		ck_assert_int_eq(choose_tag(c, tag, 0, &err), 0);
	ck_assert_int_eq(choose_end(c, &res, &err), 0);
	for (i = 0; (tag = choose_nth(c, i, key)); i++)
		buf_addf(&said, "%s%s=%s", i ? " " : "", tag, key);
	choose_free(c);
	ck_assert_str_eq(buf_str(&said), nth_rows[_i].want);
}
END_TEST

START_TEST(test_choose_skip)
{
	struct choose_rules rules = {.by = CHOOSE_NUMERICAL, .skip = "^3$|x"};
	struct choose_result res;
	struct err err = {0};

	/* What is skipped need not even be a number. */
	ck_assert_msg(!choose(&rules, "x 3 2 1", &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, "2");
	ck_assert_uint_eq(res.skipped, 2);
	ck_assert_int_eq(choose(&rules, "x 3", &res, &err), -1);
	ck_assert_str_eq(err.msg,
		"version list argument cannot be empty: what is not skipped does not pass the "
		"filter");
}
END_TEST

/* What skips takes time, too, also when no tag is left for the filter. */
START_TEST(test_choose_skip_takes_too_long)
{
	struct choose_rules rules = {
		.by = CHOOSE_ALPHABETICAL, .skip = "(?:[0-9a-z.-]?){1000}Z|^a"};
	char tag[OCI_TAG_MAX + 1];
	struct choose *c;
	struct err err = {0};
	int i, rc = 0;

	memset(tag, 'a', sizeof(tag) - 1);
	tag[sizeof(tag) - 1] = '\0';
	ck_assert(!choose_new(&c, &rules, &err));
	for (i = 0; !rc && i < 20000; i++) {
		snprintf(tag + 100, 29, "%08d-abcdefghijklmnopqrs", 99999999 - i * 7919);
		rc = choose_tag(c, tag, 0, &err);
	}
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strstr(err.msg, "matching with what is skipped '(?:[0-9a-z"), "%s", err.msg);
	choose_free(c);
}
END_TEST

START_TEST(test_choose_pin)
{
	struct choose_rules rules = {.by = CHOOSE_NUMERICAL, .pattern = "^[0-9]", .pin = "old"};
	struct choose_result res;
	struct err err = {0};

	ck_assert_msg(!choose(&rules, "old 3 2", &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, "old");
	ck_assert_str_eq(res.unpinned, "3");
	ck_assert_str_eq(res.runner_up, "");
	/* It holds though the rest fails. */
	rules.pattern = NULL;
	ck_assert_msg(!choose(&rules, "zz old 3 2", &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, "old");
	ck_assert_str_eq(res.unpinned, "");
	ck_assert_int_eq(choose(&rules, "3 2", &res, &err), -1);
	ck_assert_str_eq(err.msg, "tag 'old', which is pinned, is not among the tags of the image");
}
END_TEST

START_TEST(test_choose_young)
{
	struct choose_rules rules = {
		.by = CHOOSE_NUMERICAL, .pattern = "^[0-9]", .born_until_s = 100};
	struct choose_result res;
	struct err err = {0};

	ck_assert_msg(!choose(&rules, "a@101 9@103 8@102 3@100 2@50", &res, &err), "%s", err.msg);
	ck_assert_str_eq(res.tag, "3");
	ck_assert_uint_eq(res.young, 2);
	ck_assert_int_eq(res.young_s, 102);
	ck_assert_int_eq(choose(&rules, "9@101", &res, &err), -1);
	ck_assert_str_eq(
		err.msg, "version list argument cannot be empty: the tags that pass are too young");
	ck_assert_int_eq(res.young_s, 101);
}
END_TEST

static const struct {
	struct choose_rules rules;
	const char *says, *more;
} bad_rows[] = {
	{{.by = CHOOSE_SEMVER, .range = ""}, "the semver range is empty"},
	{{.by = CHOOSE_SEMVER}, "the semver range is empty"},
	{{.by = CHOOSE_SEMVER, .range = "not"}, "semver range 'not' is not valid",
		"; one that is: '>=1.2.0 <2.0.0', or '1.x'"},
	{{.by = CHOOSE_ALPHABETICAL, .pattern = "(?=a)"}, "filterTags: pattern '(?=a)'"},
	{{.by = CHOOSE_ALPHABETICAL, .skip = "("}, "tags to skip: pattern '('"},
};

START_TEST(test_choose_bad)
{
	struct choose *c = NULL;
	struct err err = {0};

	ck_assert_int_eq(choose_new(&c, &bad_rows[_i].rules, &err), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(strstr(err.msg, bad_rows[_i].says) == err.msg, "%s", err.msg);
	if (bad_rows[_i].more)
		ck_assert_msg(strstr(err.msg, bad_rows[_i].more) != NULL, "%s", err.msg);
	ck_assert_ptr_null(c);
}
END_TEST

/* A template may make much of a tag: not more than we are ready to sort by. */
START_TEST(test_choose_long_key)
{
	struct choose_rules rules = {.by = CHOOSE_ALPHABETICAL, .pattern = ".*"};
	char extract[LIMIT_EXTRACT + 1], tags[OCI_TAG_MAX + 1];
	struct choose_result res;
	struct err err = {0};
	size_t i;

	for (i = 0; i + 2 < sizeof(extract); i += 2)
		memcpy(extract + i, "$0", 2);
	extract[i] = '\0';
	memset(tags, 'a', sizeof(tags) - 1);
	tags[sizeof(tags) - 1] = '\0';
	rules.extract = extract;
	ck_assert_int_eq(choose(&rules, tags, &res, &err), -1);
	ck_assert_msg(strstr(err.msg, "more than 1024 bytes of tag 'aaa"), "%s", err.msg);
	ck_assert_msg(!choose(&rules, "a", &res, &err), "%s", err.msg);
}
END_TEST

/* Many tags, and an expression that a backtracking matcher would not survive. */
START_TEST(test_choose_many)
{
	struct choose_rules rules = {
		.by = CHOOSE_NUMERICAL, .pattern = "^v-(?:0*)*(?P<n>[0-9]+)$", .extract = "$n"};
	struct choose_result res;
	struct choose *c;
	struct err err = {0};
	char tag[32];
	int i;

	ck_assert(!choose_new(&c, &rules, &err));
	for (i = 2000; i > 0; i--) {
		snprintf(tag, sizeof(tag), "v-%06d", i);
		ck_assert_msg(!choose_tag(c, tag, 0, &err), "%s", err.msg);
	}
	ck_assert(!choose_end(c, &res, &err));
	ck_assert_str_eq(res.tag, "v-002000");
	ck_assert_str_eq(res.runner_up, "v-001999");
	ck_assert_uint_eq(res.total, 2000);
	choose_free(c);
}
END_TEST

Suite *suite_choose(void);
Suite *suite_choose(void)
{
	Suite *s = suite_create("choose");
	TCase *tc = tcase_create("choose");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_choose_frozen);
	tcase_add_loop_test(tc, test_choose_say, 0, ARRAY_LEN(say_rows));
	tcase_add_loop_test(tc, test_choose_fails, 0, ARRAY_LEN(fail_rows));
	tcase_add_loop_test(tc, test_choose_keys, 0, ARRAY_LEN(key_rows));
	tcase_add_loop_test(tc, test_choose_nth, 0, ARRAY_LEN(nth_rows));
	tcase_add_test(tc, test_choose_skip);
	tcase_add_test(tc, test_choose_skip_takes_too_long);
	tcase_add_test(tc, test_choose_pin);
	tcase_add_test(tc, test_choose_young);
	tcase_add_loop_test(tc, test_choose_bad, 0, ARRAY_LEN(bad_rows));
	tcase_add_test(tc, test_choose_long_key);
	tcase_add_test(tc, test_choose_many);
	suite_add_tcase(s, tc);
	return s;
}
