#include "base/vary.h"

#include <check.h>
#include <string.h>
#include <time.h>

#define D1 "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define D2 "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"

/* What registries, proxies and our own code say at one try and at the next. */
static const struct {
	const char *a, *b;
	bool equal;
} pairs[] = {
	{"", "", true}, {"denied", "denied", true}, {"denied", "denied!", false},
	{"answered 500 (INTERNAL: request 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed)",
		"answered 500 (INTERNAL: request 9B1DEB4D-3B7D-4BAD-9BDD-2B0D7B3DCB6D)", true},
	{"(trace id 4bf92f3577b34da6a3ce929d0e0e4736)", "(trace id 00f067aa0ba902b7)", true},
	{"\"RequestId\":\"5X3Q0Z8J7H6K2M1N\"", "\"RequestId\":\"TXJ9Y2Z04K1W8QAB\"", true},
	{"at 2026-01-31T09:30:00.123Z", "at 2026-02-01T10:00:59Z", true},
	{"at 2026-01-31 09:30:00+01:00,", "at 2026-01-31 09:30:07+01:00,", true},
	{"stamp 1769851800", "stamp 1769851801", true},
	{"timed out after 30001 ms", "timed out after 30004 ms", true},
	{"timed out after 1.5s", "timed out after 2s", true},
	{"retry after 37 seconds", "retry after 9 seconds", true},
	/* what is another error */
	{"answered 401 Unauthorized", "answered 403 Forbidden", false},
	{"answered 500", "answered 502", false},
	{"127.0.0.1:5000 refused", "127.0.0.1:5001 refused", false},
	{"3 of 5 layers", "4 of 5 layers", false},
	{"no such file deadline", "no such file decadence", false},
	{"request 1234567", "request 7654321", false},
	{"stored artifact for digest 'latest@" D1 "'", "stored artifact for digest 'latest@" D2 "'",
		false},
	{"manifest " D1 " is gone", "manifest " D2 " is gone", false},
	{"HEAD of https://r.io/v2/app/manifests/v20260101 answered 404",
		"HEAD of https://r.io/v2/app/manifests/v20260102 answered 404", false},
	{"HEAD of https://r.io/v2/app/manifests/20260101 answered 404",
		"HEAD of https://r.io/v2/app/manifests/20260102 answered 404", false},
	{"no tag matches '>=20260101'", "no tag matches '>=20260102'", false},
	{"can't find request 12345678", "can't find request 87654321", true},
	{"the proxy's request 12345678 is 'x'", "the proxy's request 87654321 is 'x'", true},
	{"12345678", "x", false},
	{"12345678x", "87654321x", false}, /* nine digits and letters, not hexadecimal */
};

START_TEST(test_equal)
{
	ck_assert_msg(vary_equal(pairs[_i].a, pairs[_i].b) == pairs[_i].equal, "'%s' and '%s'",
		pairs[_i].a, pairs[_i].b);
	ck_assert_msg(vary_equal(pairs[_i].b, pairs[_i].a) == pairs[_i].equal, "'%s' and '%s'",
		pairs[_i].b, pairs[_i].a);
	ck_assert(vary_equal(pairs[_i].a, pairs[_i].a));
}
END_TEST

static const struct {
	const char *text;
	bool numbers;
	const char *want;
} texts[] = {
	{"", true, ""},
	{"12 of 40 after 1034ms", true, "# of # after #"},
	{"12 of 40 after 1034ms", false, "12 of 40 after #"},
	{"v1.2.3 and 0xff", true, "v#.#.# and #xff"},
	{"id 4bf92f3577b34da6.", false, "id #."},
	{"'1.2.3@" D1 "' 7", true, "'1.2.3@" D1 "' #"},
	{"an end '12", true, "an end '#"},
	{"GET https://h:50/v2/a1: 7", true, "GET https://h:50/v2/a1: #"},
	{"\xff\xfe 1", true, "\xff\xfe #"},
};

START_TEST(test_put)
{
	auto_buf struct buf b = BUF_INIT(4096);

	vary_put(&b, texts[_i].text, texts[_i].numbers);
	ck_assert_str_eq(buf_str(&b), texts[_i].want);
}
END_TEST

/* A message may be 32 KiB of whatever a stranger likes: quotes and words that begin and never end
   cost no more than others. */
START_TEST(test_long)
{
	static const char *const fill[] = {
		"'", "a'", "1", "a:", "a://", "12:", "deadbeef", "1.", " 'a"};
	static char a[32768];
	size_t i, n = strlen(fill[_i]);
	clock_t from = clock();

	for (i = 0; i + n < sizeof(a); i += n)
		memcpy(a + i, fill[_i], n);
	a[i] = '\0';
	for (i = 0; i < 20; i++)
		ck_assert(vary_equal(a, a));
	ck_assert_int_lt((int)((clock() - from) / (CLOCKS_PER_SEC / 1000)), 2000);
}
END_TEST

Suite *suite_vary(void);
Suite *suite_vary(void)
{
	Suite *s = suite_create("vary");
	TCase *tc = tcase_create("vary");

	tcase_add_loop_test(tc, test_equal, 0, sizeof(pairs) / sizeof(*pairs));
	tcase_add_loop_test(tc, test_put, 0, sizeof(texts) / sizeof(*texts));
	tcase_add_loop_test(tc, test_long, 0, 9);
	suite_add_tcase(s, tc);
	return s;
}
