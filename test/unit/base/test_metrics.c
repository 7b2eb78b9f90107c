#include "base/metrics.h"

#include "base/mem.h"
#include "base/sys.h"

#include <check.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *suite_metrics(void);

/* The whole page; *slices gets the number of calls. */
static char *page(struct metrics *m, unsigned *slices)
{
	struct metrics_scrape *s = metrics_scrape_start(m);
	struct buf b = BUF_INIT(BUF_ANY);
	unsigned n = 1;

	while (metrics_scrape_next(s, &b))
		n++;
	metrics_scrape_end(s);
	if (slices)
		*slices = n;
	return buf_take(&b);
}

static const struct number_row {
	double v;
	const char *text;
} NUMBERS[] = {
	{0, "0"},
	{-0.0, "0"},
	{1, "1"},
	{-3, "-3"},
	{0.1, "0.1"},
	{0.012, "0.012"},
	{1.0 / 3, "0.3333333333333333"},
	{1700000000.25, "1700000000.25"},
	{123456789012345, "123456789012345"},
	{1e21, "1e+21"},
	{5e-324, "4.94066e-324"},
	{INFINITY, "+Inf"},
	{-INFINITY, "-Inf"},
	{NAN, "NaN"},
};

START_TEST(test_number)
{
	char out[METRIC_TEXT_MAX];

	ck_assert_str_eq(metric_format(NUMBERS[_i].v, out), NUMBERS[_i].text);
	if (!isnan(NUMBERS[_i].v))
		ck_assert(strtod(out, NULL) == NUMBERS[_i].v);
}
END_TEST

START_TEST(test_page)
{
	struct metrics *m = metrics_new();
	struct metric_family *c = metrics_counter(m, "c_total", "Says \\ and\nmore.", "a,b");
	struct metric_family *g = metrics_gauge(m, "g", "A gauge.", "");
	struct metric_buckets two = {.n = 2, .le = {0.5, 2}};
	struct metric_family *h = metrics_histogram(m, "h_seconds", "H.", "k", two);
	auto_free char *text = NULL;

	metrics_gauge(m, "empty", "Nothing.", "x");
	metric_inc(metric_series(c, "x", "q\"b\\s\nn"));
	metric_add(metric_series(c, "x", "q\"b\\s\nn"), 1.5);
	metric_inc(metric_series(c, "", "y"));
	metric_add(metric_series(g), 0.5);
	metric_add(metric_series(g), -2);
	metric_observe(metric_series(h, "v"), 0.5); /* a bound belongs to its bucket */
	metric_observe(metric_series(h, "v"), 0.6);
	metric_observe(metric_series(h, "v"), 100);
	ck_assert_uint_eq(metric_count(metric_series(h, "v")), 3);
	text = page(m, NULL);
	ck_assert_str_eq(text,
		"# HELP c_total Says \\\\ and\\nmore.\n"
		"# TYPE c_total counter\n"
		"c_total{a=\"x\",b=\"q\\\"b\\\\s\\nn\"} 2.5\n"
		"c_total{a=\"\",b=\"y\"} 1\n"
		"# HELP g A gauge.\n"
		"# TYPE g gauge\n"
		"g -1.5\n"
		"# HELP h_seconds H.\n"
		"# TYPE h_seconds histogram\n"
		"h_seconds_bucket{k=\"v\",le=\"0.5\"} 1\n"
		"h_seconds_bucket{k=\"v\",le=\"2\"} 2\n"
		"h_seconds_bucket{k=\"v\",le=\"+Inf\"} 3\n"
		"h_seconds_sum{k=\"v\"} 101.1\n"
		"h_seconds_count{k=\"v\"} 3\n");
	metrics_free(m);
}
END_TEST

/* client_golang's ExponentialBucketsRange(0.01, 1800, 10), as Flux's controllers publish it. */
START_TEST(test_buckets)
{
	struct metric_buckets b = METRICS_RECONCILE_BUCKETS;
	double factor = pow(180000, 1.0 / 9);
	unsigned i;

	ck_assert_uint_eq(b.n, 10);
	ck_assert_double_eq_tol(b.le[0], 0.01, 1e-15);
	ck_assert_double_eq_tol(b.le[9], 1800, 1e-9);
	for (i = 1; i < 10; i++)
		ck_assert_double_eq_tol(b.le[i] / b.le[i - 1], factor, 1e-9);
}
END_TEST

static void emit(void *arg, struct metric_out *out)
{
	metric_emit(out, *(int *)arg, "one");
	metric_emit(out, 7, "t\"wo");
}

START_TEST(test_callback)
{
	struct metrics *m = metrics_new();
	auto_free char *text = NULL;
	int v = 5;

	metric_family_on_scrape(metrics_gauge(m, "g", "G.", "k"), emit, &v);
	v = 6;
	text = page(m, NULL);
	ck_assert_str_eq(text, "# HELP g G.\n# TYPE g gauge\ng{k=\"one\"} 6\ng{k=\"t\\\"wo\"} 7\n");
	metrics_free(m);
}
END_TEST

static void emit_it(void *arg, struct metric_out *out)
{
	metric_emit(out, 1, (const char *)arg);
}

/* Two that do the same count in one family, and one of them goes. */
START_TEST(test_join)
{
	static char a[] = "a", b[] = "b";
	struct metrics *m = metrics_new();
	struct metric_buckets one = {.n = 1, .le = {1}};
	struct metric_family *c = metrics_counter(m, "c", "C.", "k,l");
	struct metric_family *h = metrics_histogram(m, "h", "H.", "", one);
	auto_free char *both = NULL, *rest = NULL, *none = NULL;

	ck_assert_ptr_eq(metrics_counter(m, "c", "C.", "k,l"), c);
	ck_assert_ptr_eq(metrics_histogram(m, "h", "H.", "", one), h);
	metric_family_on_scrape(metrics_gauge(m, "g", "G.", "k"), emit_it, a);
	metric_family_on_scrape(metrics_gauge(m, "g", "G.", "k"), emit_it, b);
	both = page(m, NULL);
	ck_assert_str_eq(both, "# HELP g G.\n# TYPE g gauge\ng{k=\"a\"} 1\ng{k=\"b\"} 1\n");
	metrics_off_scrape(m, a);
	rest = page(m, NULL);
	ck_assert_str_eq(rest, "# HELP g G.\n# TYPE g gauge\ng{k=\"b\"} 1\n");
	metrics_off_scrape(m, b);
	none = page(m, NULL);
	ck_assert_str_eq(none, "");
	metrics_free(m);
}
END_TEST

/* What a stranger writes: cut between characters, so that the page stays UTF-8. */
static const struct long_row {
	const char *unit; /* repeated */
	size_t shown; /* bytes */
} LONG_VALUES[] = {
	{"x", METRICS_VALUE_MAX},
	{"\u00e9", METRICS_VALUE_MAX},
	{"\u20ac", METRICS_VALUE_MAX - 1}, /* three bytes each */
	{"\U0001f600", METRICS_VALUE_MAX},
};

START_TEST(test_long_value)
{
	const struct long_row *r = &LONG_VALUES[_i];
	struct metrics *m = metrics_new();
	struct buf value = BUF_INIT(BUF_ANY), want = BUF_INIT(BUF_ANY);
	auto_free char *text = NULL;

	while (value.len < 1000000)
		buf_adds(&value, r->unit);
	metric_inc(metric_series(metrics_counter(m, "c", "C.", "k"), buf_str(&value)));
	text = page(m, NULL);
	buf_addf(&want, "# HELP c C.\n# TYPE c counter\nc{k=\"%.*s\"} 1\n", (int)r->shown, value.p);
	ck_assert_str_eq(text, buf_str(&want));
	buf_clear(&value);
	buf_clear(&want);
	metrics_free(m);
}
END_TEST

struct thousands {
	size_t n;
	unsigned calls;
};

static bool emit_some(void *arg, struct metric_out *out, struct metric_cursor *at)
{
	struct thousands *t = arg;
	char name[300];
	int i;

	t->calls++;
	for (i = 0; i < 20 && at->at < t->n; i++, at->at++) {
		snprintf(name, sizeof(name), "%0*zu", 250, at->at);
		metric_emit(out, (double)at->at, name);
	}
	return at->at < t->n;
}

/* Two pages at a time, each with a place of its own in what is read for it. */
START_TEST(test_read_in_slices)
{
	struct thousands first = {.n = 1500}, second = {.n = 40};
	struct metrics *m = metrics_new();
	struct metric_family *g = metrics_gauge(m, "g", "G.", "k");
	struct buf b[2] = {BUF_INIT(BUF_ANY), BUF_INIT(BUF_ANY)};
	struct metrics_scrape *s[2];
	bool more[2] = {true, true};
	unsigned slices = 0, i, lines;
	const char *at;

	metric_family_in_slices(g, emit_some, &first);
	metric_family_in_slices(g, emit_some, &second);
	for (i = 0; i < 2; i++)
		s[i] = metrics_scrape_start(m);
	while (more[0] || more[1]) {
		for (i = 0; i < 2; i++) {
			size_t before = b[i].len;

			if (more[i])
				more[i] = metrics_scrape_next(s[i], &b[i]);
			ck_assert_uint_lt(b[i].len - before, 75000);
		}
		slices++;
	}
	ck_assert_uint_gt(slices, 5);
	ck_assert_uint_eq(first.calls, 2 * 75);
	ck_assert_uint_eq(second.calls, 2 * 2);
	ck_assert_str_eq(buf_str(&b[0]), buf_str(&b[1]));
	for (lines = 0, at = b[0].p; (at = strstr(at, "\ng{")); at++)
		lines++;
	ck_assert_uint_eq(lines, 1540);
	for (i = 0; i < 2; i++) {
		metrics_scrape_end(s[i]);
		buf_clear(&b[i]);
	}
	metrics_free(m);
}
END_TEST

/* Somebody goes while a page stands in what it shows: the next one is shown from its begin. */
static const struct goes_row {
	bool first, second; /* these go, after the first slice (which ends inside the first) */
	unsigned lines; /* at most */
} GOES[] = {{true, false, 300 + 300}, {false, true, 1500}, {true, true, 300}};

START_TEST(test_reader_goes)
{
	const struct goes_row *r = &GOES[_i];
	struct thousands first = {.n = 1500}, second = {.n = 300};
	struct metrics *m = metrics_new();
	struct metric_family *g = metrics_gauge(m, "g", "G.", "k");
	struct metrics_scrape *s = metrics_scrape_start(m);
	struct buf b = BUF_INIT(BUF_ANY);
	unsigned lines;
	const char *at;

	metric_family_in_slices(g, emit_some, &first);
	metric_family_in_slices(g, emit_some, &second);
	ck_assert(metrics_scrape_next(s, &b));
	if (r->first)
		metrics_off_scrape(m, &first);
	if (r->second)
		metrics_off_scrape(m, &second);
	while (metrics_scrape_next(s, &b))
		;
	metrics_scrape_end(s);
	for (lines = 0, at = b.p; (at = strstr(at, "\ng{")); at++)
		lines++;
	ck_assert_uint_le(lines, r->lines);
	ck_assert_uint_gt(lines, r->lines - 100);
	buf_clear(&b);
	metrics_free(m);
}
END_TEST

static const struct join_row {
	bool gauge;
	const char *labels;
} UNLIKE[] = {{true, "k,l"}, {false, "k"}, {false, "k,l,m"}, {false, "k,m"}, {false, ""}};

START_TEST(test_unlike)
{
	struct metrics *m = metrics_new();

	metrics_counter(m, "c", "C.", "k,l");
	if (UNLIKE[_i].gauge)
		metrics_gauge(m, "c", "C.", UNLIKE[_i].labels);
	else
		metrics_counter(m, "c", "C.", UNLIKE[_i].labels);
}
END_TEST

/* Ten thousand objects: bounded slices; series come and go in between, and every line is whole. */
START_TEST(test_slices)
{
	struct metrics *m = metrics_new();
	struct metric_family *h =
		metrics_histogram(m, "h", "H.", "name", METRICS_RECONCILE_BUCKETS);
	struct metrics_scrape *s, *other;
	struct buf b = BUF_INIT(BUF_ANY);
	char name[32];
	unsigned i, slices = 0;
	size_t before;

	for (i = 0; i < 10000; i++) {
		snprintf(name, sizeof(name), "object-%u", i);
		metric_observe(metric_series(h, name), i);
	}
	s = metrics_scrape_start(m);
	other = metrics_scrape_start(m);
	metrics_scrape_next(other, &b);
	metrics_scrape_end(other);
	buf_reset(&b);
	do {
		before = b.len;
		slices++;
		/* the ones around where the page stands, and one at the end */
		for (i = slices * 60; i < slices * 60 + 80; i++) {
			snprintf(name, sizeof(name), "object-%u", i);
			metric_remove(metric_series(h, name));
		}
		snprintf(name, sizeof(name), "late-%u", slices);
		metric_observe(metric_series(h, name), 1);
	} while (metrics_scrape_next(s, &b) && b.len - before < 70000);
	ck_assert_uint_lt(b.len - before, 70000);
	metrics_scrape_end(s);
	ck_assert_uint_gt(slices, 50);
	ck_assert_int_eq(b.p[b.len - 1], '\n');
	ck_assert_ptr_nonnull(strstr(b.p, "h_count{name=\"late-1\"} 1\n"));
	{
		/* per series ten buckets, +Inf, sum, count: nothing is cut in the middle */
		size_t lines = 0, counts = 0;
		char *at, *save = b.p;

		while ((at = strsep(&save, "\n"))) {
			lines += !strncmp(at, "h_", 2);
			counts += !strncmp(at, "h_count{", 8);
		}
		ck_assert_uint_eq(lines, counts * 13);
	}
	buf_clear(&b);
	metrics_free(m);
}
END_TEST

START_TEST(test_remove)
{
	struct metrics *m = metrics_new();
	struct metric_family *c = metrics_counter(m, "c", "C.", "k");
	struct metric *a = metric_series(c, "a"), *b;
	auto_free char *text = NULL;

	metric_inc(a);
	b = metric_series(c, "b");
	metric_inc(b);
	ck_assert_ptr_eq(metric_series(c, "a"), a);
	metric_remove(a);
	metric_remove(NULL);
	ck_assert_ptr_eq(metric_series(c, "b"), b);
	ck_assert_double_eq(metric_value(metric_series(c, "a")), 0); /* begins anew */
	metric_remove(metric_series(c, "a"));
	metric_remove(b);
	text = page(m, NULL);
	ck_assert_str_eq(text, "");
	metrics_free(m);
}
END_TEST

static double value_of(const char *text, const char *name)
{
	char line[100];
	const char *at;

	snprintf(line, sizeof(line), "\n%s ", name);
	at = strstr(text, line);
	ck_assert_msg(at != NULL, "no %s in\n%s", name, text);
	return strtod(at + strlen(line), NULL);
}

START_TEST(test_process)
{
	struct metrics *m = metrics_new();
	auto_free char *text = NULL;
	double start;

	metrics_add_process(m);
	text = page(m, NULL);
	ck_assert_double_gt(value_of(text, "process_cpu_seconds_total"), 0);
	ck_assert_double_gt(value_of(text, "process_resident_memory_bytes"), 100000);
	ck_assert_double_ge(value_of(text, "process_virtual_memory_bytes"),
		value_of(text, "process_resident_memory_bytes"));
	ck_assert_double_ge(value_of(text, "process_virtual_memory_max_bytes"),
		value_of(text, "process_virtual_memory_bytes"));
	ck_assert_double_ge(value_of(text, "process_network_receive_bytes_total"), 0);
	ck_assert_double_ge(value_of(text, "process_network_transmit_bytes_total"), 0);
	ck_assert_double_ge(value_of(text, "process_open_fds"), 3);
	ck_assert_double_gt(value_of(text, "process_max_fds"), 10);
	ck_assert_double_ge(value_of(text, "process_threads"), 1);
	ck_assert_double_eq(value_of(text, "file_syncs_total"), (double)sys_syncs());
	start = value_of(text, "process_start_time_seconds");
	ck_assert_double_le(start, (double)time(NULL) + 2);
	ck_assert_double_gt(start, (double)time(NULL) - 3600);
	metrics_free(m);
}
END_TEST

Suite *suite_metrics(void)
{
	Suite *s = suite_create("metrics");
	TCase *t = tcase_create("metrics");

	tcase_add_loop_test(t, test_number, 0, (int)ARRAY_LEN(NUMBERS));
	tcase_add_test(t, test_page);
	tcase_add_test(t, test_buckets);
	tcase_add_test(t, test_callback);
	tcase_add_loop_test(t, test_long_value, 0, (int)ARRAY_LEN(LONG_VALUES));
	tcase_add_test(t, test_read_in_slices);
	tcase_add_loop_test(t, test_reader_goes, 0, (int)ARRAY_LEN(GOES));
	tcase_add_test(t, test_join);
	tcase_add_loop_test_raise_signal(t, test_unlike, SIGABRT, 0, (int)ARRAY_LEN(UNLIKE));
	tcase_add_test(t, test_slices);
	tcase_add_test(t, test_remove);
	tcase_add_test(t, test_process);
	suite_add_tcase(s, t);
	return s;
}
