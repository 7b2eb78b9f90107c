#include "http/dns.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "test/fake/dns.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_dns(void);

static struct {
	struct loop *l;
	struct fake_dns *fake;
	struct dns *dns;
} w;

static void begin(const struct dns_row *rows, const char *conf)
{
	struct dns_opts opts;

	clock_fake(1700000000000);
	w.l = loop_new();
	w.fake = fake_dns_new(w.l, rows, conf);
	opts = fake_dns_opts(w.fake);
	w.dns = dns_new(w.l, &opts);
}

static void finish(void)
{
	int i;

	dns_free(w.dns);
	fake_dns_free(w.fake);
	for (i = 0; i < 5; i++)
		loop_turn(w.l, false);
	ck_assert_int_eq(loop_free(w.l), 0);
}

static void turns(int n)
{
	while (n--)
		loop_turn(w.l, false);
}

/* The addresses as text, or what went wrong. */
static const char *text_of(const struct op *op)
{
	static char out[ERR_MSG_MAX];
	size_t i;

	ck_assert(op->done);
	snprintf(out, sizeof(out), "%s", op->err.msg);
	if (op->err.kind) {
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		ck_assert_int_eq(op->err.code, -EHOSTUNREACH);
		return out;
	}
	for (i = 0; i < dns_result(op)->n; i++) {
		char one[IP_TEXT_MAX];

		ip_format(&dns_result(op)->at[i], one);
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s%s", i ? " " : "", one);
	}
	return out;
}

static const char *ask(const char *name)
{
	struct op *op = dns_start(w.dns, name);
	uint64_t began = clock_ns();
	const char *text;

	/* c-ares' own clock is real: what it would retry for seconds ends by our limit. */
	while (!op->done && clock_ns() - began < 1000000000ULL)
		loop_turn(w.l, false);
	if (!op->done)
		loop_test_advance(w.l, LIMIT_LOOKUP_MS);
	turns(5);
	text = text_of(op);
	op_free(op);
	return text;
}

static struct dns_stats stats(void)
{
	struct dns_stats s;

	dns_stats(w.dns, &s);
	return s;
}

/* ---- answers --------------------------------------------------------------------------------- */

static const struct dns_row ANSWERS[] = {
	{"one.test", DNS_A, "127.0.0.7", 60},
	{"two.test", DNS_A, "127.0.0.1", 60},
	{"two.test", DNS_A, "127.0.0.2", 60},
	{"six.test", DNS_AAAA, "::1", 60},
	{"alias.test", DNS_CNAME, "further.test", 60},
	{"further.test", DNS_CNAME, "one.test", 60},
	{"round.test", DNS_CNAME, "round.test", 60},
	{"empty.test", DNS_CNAME, "nobody.test", 60},
	{"failed.test", DNS_FAIL, NULL, 0},
	{"rubbish.test", DNS_RUBBISH, NULL, 0},
	{"cut.test", DNS_CUT, NULL, 0},
	{"loop.test", DNS_LOOP, NULL, 0},
	{"many.test", DNS_MANY, NULL, 600},
	{"web.ns.svc.cluster.test", DNS_A, "127.0.0.9", 30},
	{0},
};

static const struct {
	const char *name, *want; /* what it begins with; NULL: only an end is asked for */
} ASKED[] = {
	{"one.test", "127.0.0.7"},
	{"two.test", "127.0.0."},
	{"six.test", "::1"},
	{"alias.test", "127.0.0.7"},
	{"nobody.test", "no such name"},
	{"empty.test", "no such name"},
	{"round.test", NULL},
	{"failed.test", "the name servers"},
	{"rubbish.test", "the name servers"},
	{"cut.test", NULL},
	{"loop.test", NULL},
	{"many.test", "127.0."},
	{"web", "127.0.0.9"},
	{"web.ns", "127.0.0.9"},
	{"web.ns.svc.cluster.test", "127.0.0.9"},
	{"localhost", "127.0.0.1 ::1"},
	{"x.localhost", "127.0.0.1 ::1"},
};

START_TEST(answers)
{
	const char *got;

	begin(ANSWERS,
		"search ns.svc.cluster.test svc.cluster.test cluster.test\n"
		"options ndots:5\n");
	got = ask(ASKED[_i].name);
	ck_assert_msg(!ASKED[_i].want || !strncmp(got, ASKED[_i].want, strlen(ASKED[_i].want)),
		"'%s': %s", ASKED[_i].name, got);
	finish();
}
END_TEST

/* A search domain that is out of order does not hide the name itself. */
START_TEST(broken_search_domain)
{
	static const struct dns_row rows[] = {{"reg.test.broken.test", DNS_FAIL, NULL, 0},
		{"reg.test", DNS_A, "127.0.0.1", 60}, {0}};

	begin(rows, "search broken.test\noptions ndots:5\n");
	ck_assert_str_eq(ask("reg.test"), "127.0.0.1");
	finish();
}
END_TEST

/* Row 0: some name servers say nothing when they are asked for IPv6. Row 1: a search domain says
   nothing. */
START_TEST(half_an_answer)
{
	static const struct dns_row rows[] = {{"reg.test", DNS_A, "127.0.0.1", 60},
		{"reg.test", DNS_STALL_AAAA, NULL, 0}, {"web.test", DNS_A, "127.0.0.1", 60},
		{"web.test.stuck.test", DNS_STALL, NULL, 0}, {0}};
	struct dns_opts opts;

	begin(rows, _i ? "search stuck.test\noptions ndots:5\n" : NULL);
	dns_free(w.dns);
	opts = fake_dns_opts(w.fake);
	opts.query_ms = 50;
	w.dns = dns_new(w.l, &opts);
	ck_assert_str_eq(ask(_i ? "web.test" : "reg.test"), "127.0.0.1");
	finish();
}
END_TEST

START_TEST(localhost_asks_nobody)
{
	begin(ANSWERS, NULL);
	ask("localhost");
	ask("registry.localhost");
	ck_assert_uint_eq(fake_dns_asked(w.fake, NULL), 0);
	finish();
}
END_TEST

/* ---- the cache ------------------------------------------------------------------------------- */

START_TEST(kept_for_its_ttl)
{
	static const struct dns_row rows[] = {{"short.test", DNS_A, "127.0.0.1", 1},
		{"middle.test", DNS_A, "127.0.0.1", 20}, {"long.test", DNS_A, "127.0.0.1", 86400},
		{0}};
	static const unsigned keeps[] = {5, 20, 60};
	const char *name = rows[_i].name;

	begin(rows, NULL);
	ask(name);
	loop_test_advance(w.l, keeps[_i] * 1000 - 1);
	ask(name);
	ck_assert_uint_eq(fake_dns_asked(w.fake, name), 1);
	loop_test_advance(w.l, 1);
	ask(name);
	ck_assert_uint_eq(fake_dns_asked(w.fake, name), 2);
	finish();
}
END_TEST

START_TEST(failure_is_kept_for_5_s)
{
	static const struct dns_row none[] = {{0}};
	static const struct dns_row some[] = {{"new.test", DNS_A, "127.0.0.1", 60}, {0}};

	begin(none, NULL);
	ck_assert_str_eq(ask("new.test"), "no such name");
	fake_dns_rows(w.fake, some);
	ck_assert_str_eq(ask("new.test"), "no such name");
	ck_assert_uint_eq(fake_dns_asked(w.fake, "new.test"), 1);
	loop_test_advance(w.l, 5000);
	ck_assert_str_eq(ask("new.test"), "127.0.0.1");
	finish();
}
END_TEST

/* Row 0: the server fails; row 1: it says nothing any more; row 2: it says that there is no such
   name. */
START_TEST(old_answer)
{
	static const struct dns_row good[] = {{"reg.test", DNS_A, "127.0.0.1", 10}, {0}};
	static const struct dns_row bad[][2] = {
		{{"reg.test", DNS_FAIL, NULL, 0}}, {{"reg.test", DNS_STALL, NULL, 0}}, {{0}}};
	struct op *op;

	begin(good, NULL);
	ask("reg.test");
	fake_dns_rows(w.fake, bad[_i]);
	loop_test_advance(w.l, 10000);
	op = dns_start(w.dns, "reg.test");
	if (_i == 1) {
		turns(20);
		ck_assert(!op->done);
		loop_test_advance(w.l, 1000);
		turns(5);
	}
	while (!op->done)
		loop_turn(w.l, true);
	ck_assert_str_eq(text_of(op), _i == 2 ? "no such name" : "127.0.0.1");
	op_free(op);
	/* The next one does not wait. */
	op = dns_start(w.dns, "reg.test");
	turns(2);
	ck_assert(op->done);
	op_free(op);
	if (_i != 2) {
		loop_test_advance(w.l, 300000);
		op = dns_start(w.dns, "reg.test");
		turns(5);
		loop_test_advance(w.l, LIMIT_LOOKUP_MS);
		while (!op->done)
			loop_turn(w.l, true);
		ck_assert_msg(op->err.kind, "still served");
		op_free(op);
	}
	finish();
}
END_TEST

START_TEST(names_are_capped)
{
	static const struct dns_row none[] = {{0}};
	unsigned i;

	begin(none, NULL);
	for (i = 0; i < LIMIT_NAMES + 20; i++) {
		char name[32];

		snprintf(name, sizeof(name), "n%u.test", i);
		ask(name);
	}
	ck_assert_uint_eq(stats().names, LIMIT_NAMES);
	finish();
}
END_TEST

/* ---- who waits ------------------------------------------------------------------------------- */

static const struct dns_row STALLED[] = {{"stuck.test", DNS_STALL, NULL, 0},
	{"good.test", DNS_A, "127.0.0.1", 60}, {"late.test", DNS_STALL, NULL, 0}, {0}};

START_TEST(one_lookup_for_all)
{
	struct op *ops[3];
	int i;

	begin(STALLED, NULL);
	for (i = 0; i < 3; i++)
		ops[i] = dns_start(w.dns, "stuck.test");
	turns(20);
	ck_assert_uint_eq(stats().lookups, 1);
	ck_assert_uint_eq(fake_dns_asked(w.fake, "stuck.test"), 1);
	op_cancel(ops[1]);
	turns(3);
	ck_assert(ops[1]->done && !ops[0]->done && !ops[2]->done);
	ck_assert_int_eq(ops[1]->err.kind, ERR_CANCELED);
	loop_test_advance(w.l, LIMIT_LOOKUP_MS - 1);
	turns(3);
	ck_assert(!ops[0]->done);
	loop_test_advance(w.l, 1);
	turns(3);
	ck_assert_str_eq(text_of(ops[0]), "the name servers do not answer");
	ck_assert_str_eq(text_of(ops[2]), "the name servers do not answer");
	ck_assert_uint_eq(stats().waiting, 0);
	for (i = 0; i < 3; i++)
		op_free(ops[i]);
	finish();
}
END_TEST

/* Whoever gives up does not take the answer from the next one. */
START_TEST(goes_on_without_waiters)
{
	begin(STALLED, NULL);
	op_drop(dns_start(w.dns, "good.test"));
	while (stats().waiting)
		loop_turn(w.l, true);
	ask("good.test");
	ck_assert_uint_eq(stats().lookups, 1);
	finish();
}
END_TEST

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* All places are taken by names that stall, and many more wait. */
START_TEST(stalled_names_make_room)
{
	static struct dns_row rows[302];
	static char names[300][32];
	struct op *ops[300], *op;
	unsigned i, before;

	for (i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "s%u.test", i);
		rows[i] = (struct dns_row){names[i], DNS_STALL, NULL, 0};
	}
	rows[300] = (struct dns_row){"good.test", DNS_A, "127.0.0.1", 60};
	begin(rows, NULL);
	before = descriptors();
	for (i = 0; i < 300; i++)
		ops[i] = dns_start(w.dns, names[i]);
	op = dns_start(w.dns, "good.test");
	turns(5);
	ck_assert_uint_le(descriptors(), before + LIMIT_LOOKUPS + 4);
	ck_assert_uint_eq(stats().lookups, LIMIT_LOOKUPS);
	/* Each second a place may change hands: 300 names ahead are done within 5. */
	for (i = 0; i < 50 && !op->done; i++) {
		loop_test_advance(w.l, 100);
		turns(5);
	}
	ck_assert_str_eq(text_of(op), "127.0.0.1");
	op_free(op);
	loop_test_advance(w.l, LIMIT_LOOKUP_MS);
	turns(5);
	for (i = 0; i < 300; i++) {
		ck_assert_str_eq(text_of(ops[i]), "the name servers do not answer");
		op_free(ops[i]);
	}
	ck_assert_uint_eq(stats().waiting, 0);
	finish();
}
END_TEST

/* It ends with lookups on their way and in the line. */
START_TEST(free_while_busy)
{
	unsigned i;

	begin(STALLED, NULL);
	for (i = 0; i < 100; i++) {
		auto_free char *name = mem_printf("x%u.test", i);

		op_drop(dns_start(w.dns, name));
	}
	op_drop(dns_start(w.dns, "stuck.test"));
	turns(1);
	finish();
}
END_TEST

START_TEST(resolv_conf_is_read_anew)
{
	static const struct dns_row rows[] = {{"a.one.test", DNS_A, "127.0.0.1", 60},
		{"b.two.test", DNS_A, "127.0.0.2", 60}, {0}};
	FILE *f;

	begin(rows, "search one.test\n");
	ck_assert_str_eq(ask("a"), "127.0.0.1");
	f = fopen(fake_dns_opts(w.fake).resolv_conf, "w");
	fputs("nameserver 127.0.0.1\nsearch two.test\n", f);
	fclose(f);
	ck_assert_str_eq(ask("b"), "127.0.0.2");
	finish();
}
END_TEST

Suite *suite_dns(void)
{
	Suite *s = suite_create("dns");
	TCase *tc = tcase_create("dns");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, answers, 0, ARRAY_LEN(ASKED));
	tcase_add_test(tc, broken_search_domain);
	tcase_add_loop_test(tc, half_an_answer, 0, 2);
	tcase_add_test(tc, localhost_asks_nobody);
	tcase_add_loop_test(tc, kept_for_its_ttl, 0, 3);
	tcase_add_test(tc, failure_is_kept_for_5_s);
	tcase_add_loop_test(tc, old_answer, 0, 3);
	tcase_add_test(tc, names_are_capped);
	tcase_add_test(tc, one_lookup_for_all);
	tcase_add_test(tc, goes_on_without_waiters);
	tcase_add_test(tc, stalled_names_make_room);
	tcase_add_test(tc, free_while_busy);
	tcase_add_test(tc, resolv_conf_is_read_anew);
	suite_add_tcase(s, tc);
	return s;
}
