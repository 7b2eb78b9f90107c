#include "oci/tally.h"

#include "base/buf.h"
#include "http/url.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct oci_tally tally;

static void add(enum oci_kind kind, const char *host, int status)
{
	char text[300];
	struct url u;
	struct err err;

	snprintf(text, sizeof(text), "https://%s/v2/", host);
	ck_assert_msg(!url_parse(&u, text, &err), "%s", err.msg);
	oci_tally_add(&tally, kind, &u, status);
	url_clear(&u);
}

static void line(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n)
{
	buf_addf(arg, "%s %s %s %llu\n", oci_kind_name(kind), host, code, (unsigned long long)n);
}

static const char *all(void)
{
	static struct buf b;

	buf_clear(&b);
	b = BUF_INIT(BUF_ANY);
	oci_tally_each(&tally, line, &b);
	return buf_str(&b);
}

START_TEST(test_counts)
{
	add(OCI_KIND_HEAD, "ghcr.io", 200);
	add(OCI_KIND_HEAD, "GHCR.io:443", 200); /* the same */
	add(OCI_KIND_BLOB, "ghcr.io", 307);
	add(OCI_KIND_BLOB, "blobs.example:5000", OCI_TALLY_ERROR);
	add(OCI_KIND_TAGS, "[::1]:5000", OCI_TALLY_CANCELED);
	ck_assert_str_eq(all(),
		"head ghcr.io 200 2\nblob ghcr.io 307 1\nblob blobs.example:5000 <error> 1\n"
		"tags [::1]:5000 <canceled> 1\n");
	oci_tally_clear(&tally);
	ck_assert_str_eq(all(), "");
}
END_TEST

static const struct code_row {
	int status;
	const char *code;
} STATUSES[] = {
	{200, "200"},
	{299, "2xx"},
	{100, "1xx"},
	{399, "3xx"},
	{429, "429"},
	{499, "4xx"},
	{504, "504"},
	{599, "5xx"},
	{600, "other"},
	{999, "other"},
	{1000, "other"},
	{99, "other"},
};

START_TEST(test_codes)
{
	char want[64];

	add(OCI_KIND_HEAD, "a.example", STATUSES[_i].status);
	snprintf(want, sizeof(want), "head a.example %s 1\n", STATUSES[_i].code);
	ck_assert_str_eq(all(), want);
	oci_tally_clear(&tally);
}
END_TEST

static uint64_t sum;
static unsigned hosts;

static void add_up(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n)
{
	(void)kind;
	(void)code;
	if (!arg || !strcmp(arg, host))
		sum += n;
	hosts += !arg;
}

/* Of this host; NULL: of all. */
static uint64_t sum_of(const char *host)
{
	sum = hosts = 0;
	oci_tally_each(&tally, add_up, (void *)(uintptr_t)host);
	return sum;
}

/* Names without end that lead nowhere: what has answered keeps its numbers, and what answers later
   still gets some. Nothing that was counted is lost. */
START_TEST(test_many_hosts)
{
	enum { JUNK = 3 * LIMIT_REGISTRY_HOSTS_COUNTED };
	char host[64];
	int i;

	add(OCI_KIND_HEAD, "first.example", 200);
	for (i = 0; i < JUNK; i++) {
		snprintf(host, sizeof(host), "junk%d.example", i);
		add(OCI_KIND_HEAD, host, OCI_TALLY_ERROR);
	}
	add(OCI_KIND_HEAD, "late.example", OCI_TALLY_ERROR);
	add(OCI_KIND_HEAD, "late.example", 401);
	ck_assert_uint_eq(sum_of("first.example"), 1);
	ck_assert_uint_eq(sum_of("late.example"), 1);
	ck_assert_uint_eq(sum_of("junk0.example"), 0); /* it gave way */
	ck_assert_uint_eq(sum_of("junk1.example"), 1);
	ck_assert_uint_eq(sum_of("junk299.example"), 0);
	ck_assert_uint_eq(sum_of("other"), JUNK - LIMIT_REGISTRY_HOSTS_COUNTED + 3);
	ck_assert_uint_eq(sum_of(NULL), JUNK + 3);
	ck_assert_uint_eq(hosts, LIMIT_REGISTRY_HOSTS_COUNTED + 1);
	/* All that has a number of its own has answered: nobody gives way any more. */
	for (i = 0; i < JUNK; i++) {
		snprintf(host, sizeof(host), "real%d.example", i);
		add(OCI_KIND_HEAD, host, 200);
	}
	sum_of(NULL);
	ck_assert_uint_eq(sum, 2 * JUNK + 3);
	ck_assert_uint_eq(hosts, LIMIT_REGISTRY_HOSTS_COUNTED + 2); /* two codes of "other" */
	ck_assert_uint_eq(sum_of("first.example"), 1);
	ck_assert_uint_eq(sum_of("real0.example"), 1);
	ck_assert_uint_eq(sum_of("real299.example"), 0);
	oci_tally_clear(&tally);
}
END_TEST

Suite *suite_tally(void);
Suite *suite_tally(void)
{
	Suite *s = suite_create("tally");
	TCase *tc = tcase_create("tally");

	tcase_add_test(tc, test_counts);
	tcase_add_loop_test(tc, test_codes, 0, (int)ARRAY_LEN(STATUSES));
	tcase_add_test(tc, test_many_hosts);
	suite_add_tcase(s, tc);
	return s;
}
