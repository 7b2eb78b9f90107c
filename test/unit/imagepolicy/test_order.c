/* Which tag wins: the rows of the contract that need no more than tags and a spec. */
#include "base/mem.h"
#include "test/unit/imagepolicy/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA "\"policy\":{\"alphabetical\":{}}"
#define ALPHA_DESC "\"policy\":{\"alphabetical\":{\"order\":\"desc\"}}"
#define NUM "\"policy\":{\"numerical\":{\"order\":\"asc\"}}"
#define NUM_DESC "\"policy\":{\"numerical\":{\"order\":\"desc\"}}"
#define SEMVER(range) "\"policy\":{\"semver\":{\"range\":\"" range "\"}}"
#define FILTER(pattern, extract) \
	",\"filterTags\":{\"pattern\":\"" pattern "\",\"extract\":\"" extract "\"}"
#define SEED "^sha-(?P<sha>[a-fA-F0-9]+)$"
#define EMPTY "Failure: version list argument cannot be empty"
#define NO_NUMBER "Failure: failed to parse invalid numeric value "
#define LEFT_OUT "; filterTags can leave such a tag out"
#define NO_GROUP(name) \
	"; filterTags.pattern has no group '" name "', which filterTags.extract wants"
#define INVALID "InvalidPolicy: invalid policy: "

struct row {
	const char *spec, *tags;
	const char *want; /* how the answer begins, behind a '~'; else the whole of it */
};

static void check_rows(const struct row *rows, size_t n)
{
	char tags[512] = "";
	struct world w;
	size_t i;

	world_begin(&w);
	world_repository(&w, "app", "ghcr.io/org/app", "");
	for (i = 0; i < n; i++) {
		const char *want = rows[i].want, *got;
		bool begins = *want == '~';

		if (strcmp(tags, rows[i].tags) != 0)
			world_tags(&w, "app", rows[i].tags);
		snprintf(tags, sizeof(tags), "%s", rows[i].tags);
		world_policy(&w, "p", rows[i].spec);
		got = world_answer(&w, "p");
		want += begins;
		ck_assert_msg(begins ? !strncmp(got, want, strlen(want)) : !strcmp(got, want),
			"row %zu, '%s': '%s' instead of '%s'", i, rows[i].spec, got, want);
		fake_kube_delete(w.kube, "imagepolicies", "apps", "p");
		world_settle(&w);
	}
	world_clear(&w);
}

#define CHECK_ROWS(...) \
	do { \
		static const struct row rows[] = {__VA_ARGS__}; \
		check_rows(rows, ARRAY_LEN(rows)); \
	} while (0)

START_TEST(ip_01_semver_over_prefixed_and_plain)
{
	CHECK_ROWS({SEMVER("1.x"), "1.2.0 v1.10.0 1.9.9 v2.0.0 latest 1.11", "v1.10.0"});
}
END_TEST

START_TEST(ip_02_equal_versions)
{
	CHECK_ROWS({SEMVER(">=1.0.0"), "1.0.0 v1.0.0 0.9.0", "v1.0.0"});
}
END_TEST

START_TEST(ip_03_prereleases)
{
	CHECK_ROWS({SEMVER("1.x"), "1.0.0 1.1.0-rc.1", "1.0.0"},
		{SEMVER(">=1.0.0-0"), "1.0.0 1.1.0-rc.1", "1.1.0-rc.1"});
}
END_TEST

START_TEST(ip_04_range_empty_or_none)
{
	CHECK_ROWS({SEMVER(""), "1.0.0", INVALID "the semver range is empty"},
		{SEMVER("not"), "1.0.0", "~" INVALID "semver range 'not' is not valid"});
}
END_TEST

START_TEST(ip_05_nothing_in_range)
{
	struct world w;

	world_begin(&w);
	world_repository(&w, "app", "ghcr.io/org/app", "");
	world_tags(&w, "app", "1.0.0");
	world_policy(&w, "p", SEMVER("1.x"));
	ck_assert_str_eq(world_answer(&w, "p"), "1.0.0");
	world_change(&w, "p", SEMVER("2.x"));
	ck_assert_str_eq(world_answer(&w, "p"),
		"Failure: unable to determine latest version from provided list: no version of it "
		"is in the range: of 1 tags 1 is a version");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "1.0.0");
	ck_assert_str_eq(world_status(&w, "p", "Reconciling.reason"), "ProgressingWithRetry");
	ck_assert_str_eq(world_status(&w, "p", "Stalled.status"), "");
	world_clear(&w);
}
END_TEST

START_TEST(ip_06_alphabetical_is_by_bytes)
{
	CHECK_ROWS({ALPHA, "a.1 a-1 a_1 A1 a1 Z", "a_1"}, {ALPHA, "1 A _ a", "a"},
		{ALPHA, "1 A _", "_"}, {ALPHA_DESC, "a.1 a-1 a_1 a1", "a-1"},
		{ALPHA_DESC, "1 A _ a", "1"});
}
END_TEST

START_TEST(ip_07_alphabetical_numbers)
{
	CHECK_ROWS({ALPHA, "9 10", "9"});
}
END_TEST

START_TEST(ip_08_numerical)
{
	CHECK_ROWS({NUM, "9 10 0.5", "10"}, {NUM_DESC, "9 10 0.5", "0.5"});
}
END_TEST

START_TEST(ip_09_numerical_with_another_tag)
{
	CHECK_ROWS({NUM, "1 2 latest", NO_NUMBER "'latest'" LEFT_OUT});
}
END_TEST

START_TEST(ip_10_numerical_tie)
{
	CHECK_ROWS({NUM, "2 02 2.0", "02"}, {NUM_DESC, "2 02 2.0", "02"});
}
END_TEST

START_TEST(ip_11_numbers_as_go_reads_them)
{
	CHECK_ROWS({NUM, "inf 1 2", "inf"}, {NUM, "1e3 999", "1e3"}, {NUM, "0x1p4 15", "0x1p4"},
		{NUM, "1_000 999", "1_000"}, {NUM, "1e400 1", NO_NUMBER "'1e400'" LEFT_OUT},
		{NUM, "0x10 1", NO_NUMBER "'0x10'" LEFT_OUT});
}
END_TEST

START_TEST(ip_12_nan_does_not_count)
{
	CHECK_ROWS({NUM, "nan 1 2", "2"}, {NUM_DESC, "nan 1 2 NaN", "1"},
		{NUM, "nan",
			"Failure: unable to determine latest version from provided list: each of "
			"them is a nan"});
}
END_TEST

START_TEST(ip_13_neighbours_that_a_double_cannot_tell_apart)
{
	CHECK_ROWS({NUM, "20230101123456789 20230101123456788", "20230101123456788"});
}
END_TEST

START_TEST(ip_14_filter_without_extract)
{
	CHECK_ROWS({ALPHA ",\"filterTags\":{\"pattern\":\"^v\"}", "v1 v2 x", "v2"});
}
END_TEST

START_TEST(ip_15_seed)
{
	CHECK_ROWS({ALPHA FILTER(SEED, "$sha"), "sha-1a sha-ff sha-0123456 main zz", "sha-ff"});
}
END_TEST

/* The keys: what is empty for all ties, and the smallest tag stands for it. */
START_TEST(ip_16_names_in_templates)
{
	CHECK_ROWS({ALPHA FILTER(SEED, "${sha}"), "sha-9 sha-1", "sha-9"},
		{ALPHA FILTER(SEED, "$1"), "sha-9 sha-1", "sha-9"},
		{ALPHA FILTER(SEED, "${1}x"), "sha-9 sha-1", "sha-9"},
		{ALPHA FILTER(SEED, "$1x"), "sha-9 sha-1", "sha-1"},
		{ALPHA FILTER(SEED, "$sha_x"), "sha-9 sha-1", "sha-1"},
		{ALPHA FILTER(SEED, "$sha-x"), "sha-9 sha-1", "sha-9"});
}
END_TEST

START_TEST(ip_17_dollar_signs_that_are_text)
{
	CHECK_ROWS({NUM FILTER(SEED, "$$"), "sha-1", NO_NUMBER "'$' of tag 'sha-1'" LEFT_OUT},
		{NUM FILTER(SEED, "$"), "sha-1", NO_NUMBER "'$' of tag 'sha-1'" LEFT_OUT},
		{NUM FILTER(SEED, "$-"), "sha-1", NO_NUMBER "'$-' of tag 'sha-1'" LEFT_OUT},
		{NUM FILTER(SEED, "${}"), "sha-1", NO_NUMBER "'${}' of tag 'sha-1'" LEFT_OUT},
		{NUM FILTER(SEED, "${sha"), "sha-1", NO_NUMBER "'${sha' of tag 'sha-1'" LEFT_OUT},
		{NUM FILTER(SEED, "$01"), "sha-1",
			NO_NUMBER "'' of tag 'sha-1'" NO_GROUP("01") LEFT_OUT},
		{NUM FILTER(SEED, "$1000000001"), "sha-1",
			NO_NUMBER "'' of tag 'sha-1'" NO_GROUP("1000000001") LEFT_OUT});
}
END_TEST

START_TEST(ip_18_two_tags_with_one_key)
{
	CHECK_ROWS({NUM FILTER("^.-?([0-9.]+)$", "$1"), "q1 r1 q-1", "q-1"},
		{ALPHA FILTER("^.1-(.)$", "$1"), "q1-1 r1-1", "q1-1"},
		{NUM FILTER("^.-(.*)$", "$1"), "a-2 b-2.0 c-02", "a-2"});
}
END_TEST

START_TEST(ip_19_patterns_that_are_none)
{
	CHECK_ROWS({ALPHA FILTER("(?=a)", "$1"), "a",
			   "~" INVALID "filterTags: pattern '(?=a)' is not valid"},
		{ALPHA FILTER("(", ""), "a", "~" INVALID "filterTags: pattern '(' is not valid"});
}
END_TEST

START_TEST(ip_20_filter_leaves_nothing)
{
	CHECK_ROWS({ALPHA FILTER("^x", ""), "a", EMPTY ": no tag passes the filter '^x'"},
		{NUM FILTER("^x", ""), "a", EMPTY ": no tag passes the filter '^x'"},
		{SEMVER("*") FILTER("^x", ""), "a", EMPTY ": no tag passes the filter '^x'"});
}
END_TEST

START_TEST(ip_21_no_policy_and_two)
{
	CHECK_ROWS({"\"policy\":{}", "1.0.0 9",
			   INVALID "spec.policy has none of semver, alphabetical and numerical"},
		{"\"policy\":{\"numerical\":{},\"semver\":{\"range\":\"*\"},\"alphabetical\":{}}",
			"1.0.0 9 x", "1.0.0"},
		{"\"policy\":{\"numerical\":{},\"alphabetical\":{}}", "1.0.0 9 x", "x"});
}
END_TEST

Suite *suite_order(void);
Suite *suite_order(void)
{
	Suite *s = suite_create("order");
	TCase *tc = tcase_create("order");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, ip_01_semver_over_prefixed_and_plain);
	tcase_add_test(tc, ip_02_equal_versions);
	tcase_add_test(tc, ip_03_prereleases);
	tcase_add_test(tc, ip_04_range_empty_or_none);
	tcase_add_test(tc, ip_05_nothing_in_range);
	tcase_add_test(tc, ip_06_alphabetical_is_by_bytes);
	tcase_add_test(tc, ip_07_alphabetical_numbers);
	tcase_add_test(tc, ip_08_numerical);
	tcase_add_test(tc, ip_09_numerical_with_another_tag);
	tcase_add_test(tc, ip_10_numerical_tie);
	tcase_add_test(tc, ip_11_numbers_as_go_reads_them);
	tcase_add_test(tc, ip_12_nan_does_not_count);
	tcase_add_test(tc, ip_13_neighbours_that_a_double_cannot_tell_apart);
	tcase_add_test(tc, ip_14_filter_without_extract);
	tcase_add_test(tc, ip_15_seed);
	tcase_add_test(tc, ip_16_names_in_templates);
	tcase_add_test(tc, ip_17_dollar_signs_that_are_text);
	tcase_add_test(tc, ip_18_two_tags_with_one_key);
	tcase_add_test(tc, ip_19_patterns_that_are_none);
	tcase_add_test(tc, ip_20_filter_leaves_nothing);
	tcase_add_test(tc, ip_21_no_policy_and_two);
	suite_add_tcase(s, tc);
	return s;
}
