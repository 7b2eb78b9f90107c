#include "ctl/turns.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ev/loop.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

struct one {
	struct turn turn;
	char name[16];
	bool leave; /* as soon as it is granted */
};

static struct loop *loop;
static struct turns turns;
static char order[4096]; /* names, as they were granted */
static unsigned width;
static const char *narrow;

static void granted(void *arg)
{
	struct one *o = arg;

	snprintf(order + strlen(order), sizeof(order) - strlen(order), "%s ", o->name);
	if (o->leave)
		turn_leave(&o->turn);
}

static unsigned width_of(void *arg, const char *owner, const char *host)
{
	(void)arg;
	(void)owner;
	return narrow && !strcmp(host, narrow) ? width : 1000;
}

static void setup(struct turns_opts opts)
{
	clock_fake(0);
	loop = loop_new();
	opts.loop = loop;
	opts.width = width_of;
	turns_init(&turns, &opts);
	narrow = NULL;
	order[0] = '\0';
}

static void done(void)
{
	turns_clear(&turns);
	ck_assert_int_eq(loop_free(loop), 0);
}

static void ask(struct one *o, const char *name, const struct turn_ask *ask)
{
	snprintf(o->name, sizeof(o->name), "%s", name);
	turn_init(&o->turn, &turns, granted, o);
	turn_wait(&o->turn, ask);
}

static void wait_at(struct one *o, const char *name, const char *owner, const char *host)
{
	ask(o, name, &(struct turn_ask){.owner = owner, .host = host, .slow_ms = 1000});
}

/* What was granted since the last call. */
static const char *grants(void)
{
	static char last[sizeof(order)];

	memcpy(last, order, sizeof(order));
	order[0] = '\0';
	return last;
}

START_TEST(test_first_come)
{
	struct one o[4] = {0};

	setup((struct turns_opts){.places = 2});
	wait_at(&o[0], "a", "n", "h");
	wait_at(&o[1], "b", "n", "h");
	wait_at(&o[2], "c", "n", "h");
	wait_at(&o[3], "d", "n", "h");
	ck_assert_str_eq(grants(), "a b ");
	ck_assert_uint_eq(turns_waiting(&turns, "n", "h"), 2);
	turn_leave(&o[2].turn); /* out of the line */
	turn_leave(&o[2].turn);
	ck_assert_uint_eq(turns.waiting, 1);
	turn_leave(&o[0].turn);
	ck_assert_str_eq(grants(), "d ");
	ck_assert(turn_held(&o[3].turn));
	ck_assert(!turn_held(&o[0].turn));
	turn_leave(&o[1].turn);
	turn_leave(&o[3].turn);
	done();
}
END_TEST

/* A thousand objects of one namespace do not come before the one of another. */
START_TEST(test_owners_in_turn)
{
	enum { N = 1000 };
	struct one *many = mem_zalloc(N * sizeof(*many));
	struct one first = {0}, other[2] = {0};
	int i;

	setup((struct turns_opts){.places = 1});
	wait_at(&first, "first", "big", "h");
	for (i = 0; i < N; i++) {
		wait_at(&many[i], "m", "big", "h");
		many[i].leave = true;
	}
	wait_at(&other[0], "A", "small", "h");
	wait_at(&other[1], "B", "small", "h");
	other[0].leave = other[1].leave = true;
	grants();
	turn_leave(&first.turn);
	ck_assert_int_eq(strncmp(grants(), "m A m B m m ", 12), 0);
	free(many);
	done();
}
END_TEST

/* Of one owner, the hosts take turns as well, a new one first. */
START_TEST(test_hosts_in_turn)
{
	struct one first = {0}, a[3] = {0}, b = {0};
	int i;

	setup((struct turns_opts){.places = 1});
	wait_at(&first, "first", "n", "a");
	for (i = 0; i < 3; i++) {
		wait_at(&a[i], "a", "n", "a");
		a[i].leave = true;
	}
	wait_at(&b, "b", "n", "b");
	b.leave = true;
	grants();
	turn_leave(&first.turn);
	ck_assert_str_eq(grants(), "b a a a ");
	/* Known now: in turns. */
	turn_wait(&first.turn, &(struct turn_ask){.owner = "n", .host = "a"});
	for (i = 0; i < 3; i++)
		turn_wait(&a[i].turn, &(struct turn_ask){.owner = "n", .host = "a"});
	turn_wait(&b.turn, &(struct turn_ask){.owner = "n", .host = "b"});
	grants();
	turn_leave(&first.turn);
	ck_assert_str_eq(grants(), "a b a a ");
	done();
}
END_TEST

START_TEST(test_per_host)
{
	struct one a[3] = {0}, b = {0};
	int i;

	setup((struct turns_opts){.places = 10, .per_host = 2});
	for (i = 0; i < 3; i++)
		wait_at(&a[i], "a", "n", "a");
	wait_at(&b, "b", "n", "b");
	ck_assert_str_eq(grants(), "a a b ");
	turn_leave(&a[1].turn);
	ck_assert_str_eq(grants(), "a ");
	turn_leave(&a[0].turn);
	turn_leave(&a[2].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

/* What goes to no matter which host is bounded by no host's share, quick or slow. */
START_TEST(test_without_host)
{
	struct one a[4] = {0}, b = {0};
	int i;

	setup((struct turns_opts){
		.places = 3, .per_host = 1, .slow = 9, .slow_per_host = 1, .slow_per_owner = 9});
	for (i = 0; i < 4; i++)
		wait_at(&a[i], "a", "n", "");
	ck_assert_str_eq(grants(), "a a a ");
	loop_test_advance(loop, 1000);
	ck_assert_str_eq(grants(), "a ");
	ck_assert_uint_eq(turns.slow, 3);
	wait_at(&b, "b", "n", "b");
	ck_assert_str_eq(grants(), "b ");
	for (i = 0; i < 4; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

/* A host that has not answered yet: one at a time, also when that one has become slow. */
START_TEST(test_width)
{
	struct one a[3] = {0}, b = {0};
	int i;

	setup((struct turns_opts){
		.places = 10, .slow = 10, .slow_per_host = 10, .slow_per_owner = 10});
	narrow = "a";
	width = 1;
	for (i = 0; i < 3; i++)
		wait_at(&a[i], "a", "n", "a");
	wait_at(&b, "b", "n", "b");
	ck_assert_str_eq(grants(), "a b ");
	loop_test_advance(loop, 1000);
	ck_assert_int_eq(a[0].turn.state, TURN_SLOW);
	ck_assert_str_eq(grants(), "");
	width = 8;
	turns_look(&turns);
	ck_assert_str_eq(grants(), "a a ");
	for (i = 0; i < 3; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

/* Who holds a place for long no longer keeps the others from it, as far as there is room for the
   slow; then it keeps its place. */
START_TEST(test_slow)
{
	struct one a[8] = {0}, b = {0};
	char name[2] = "a";
	int i;

	setup((struct turns_opts){.places = 4, .slow = 9, .slow_per_host = 3, .slow_per_owner = 9});
	for (i = 0; i < 8; i++, name[0]++)
		wait_at(&a[i], name, "n", "h");
	ck_assert_str_eq(grants(), "a b c d ");
	wait_at(&b, "B", "n", "g");
	loop_test_advance(loop, 999);
	ck_assert_str_eq(grants(), "");
	loop_test_advance(loop, 1);
	/* Three of this host are among the slow, one keeps its place: three are left for others. */
	ck_assert_str_eq(grants(), "B ");
	ck_assert_uint_eq(turns.slow, 3);
	ck_assert_uint_eq(turns.held, 2);
	loop_test_advance(loop, 5000);
	ck_assert_str_eq(grants(), "");
	turn_leave(&a[0].turn);
	ck_assert_str_eq(grants(), "e ");
	loop_test_advance(loop, 500);
	ck_assert_int_eq(a[3].turn.state, TURN_SLOW);
	ck_assert_int_eq(b.turn.state, TURN_SLOW);
	for (i = 0; i < 8; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

START_TEST(test_slow_per_owner)
{
	struct one a[4] = {0}, b = {0};
	int i;

	setup((struct turns_opts){.places = 1, .slow = 9, .slow_per_host = 9, .slow_per_owner = 2});
	for (i = 0; i < 4; i++)
		wait_at(&a[i], "a", "greedy", "h");
	wait_at(&b, "b", "other", "h");
	for (i = 0; i < 10; i++)
		loop_test_advance(loop, 1000);
	/* There is no room for a third one of this owner, who would keep the only place. */
	ck_assert_str_eq(grants(), "a a b ");
	ck_assert_int_eq(b.turn.state, TURN_SLOW);
	turn_leave(&a[0].turn);
	ck_assert_str_eq(grants(), "a ");
	for (i = 0; i < 4; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

/* What one owner does takes all of its room for the slow and half of the places; the others find
   the other half. */
START_TEST(test_greedy_owner)
{
	struct one a[40] = {0}, b[3] = {0};
	char host[16];
	int i;

	setup((struct turns_opts){
		.places = 8, .slow = 100, .slow_per_host = 100, .slow_per_owner = 10});
	for (i = 0; i < 40; i++) {
		snprintf(host, sizeof(host), "h%d", i % 7);
		wait_at(&a[i], "a", "greedy", host);
	}
	for (i = 0; i < 10; i++)
		loop_test_advance(loop, 1000);
	grants();
	ck_assert_uint_eq(turns.slow, 10);
	ck_assert_uint_eq(turns.held, 4);
	ck_assert_uint_eq(turns_waiting(&turns, "greedy", "h0"), 4);
	ck_assert_uint_eq(turns_waiting(&turns, "other", "h0"), 0);
	for (i = 0; i < 3; i++)
		wait_at(&b[i], "b", "other", "h0");
	ck_assert_str_eq(grants(), "b b b ");
	for (i = 0; i < 40; i++)
		turn_leave(&a[i].turn);
	for (i = 0; i < 3; i++)
		turn_leave(&b[i].turn);
	done();
}
END_TEST

static unsigned one(void *arg, const char *owner, const char *host)
{
	(void)arg;
	(void)owner;
	return *host == 's' ? 1 : 1000;
}

/* Two owners at one host: what one of them keeps is half of the host's places. */
START_TEST(test_shared_host)
{
	struct one a[20] = {0}, b = {0};
	int i;

	setup((struct turns_opts){.places = 64,
		.per_host = 8,
		.slow = 100,
		.slow_per_host = 5,
		.slow_per_owner = 50});
	for (i = 0; i < 20; i++)
		wait_at(&a[i], "a", "hung", "h");
	for (i = 0; i < 10; i++)
		loop_test_advance(loop, 1000);
	ck_assert_uint_eq(turns.slow, 5);
	ck_assert_uint_eq(turns.held, 4);
	grants();
	wait_at(&b, "b", "other", "h");
	ck_assert_str_eq(grants(), "b ");
	for (i = 0; i < 20; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

/* Any number of hosts that have never answered. */
START_TEST(test_narrow)
{
	struct one s[20] = {0}, a[6] = {0};
	char host[16];
	int i;

	setup((struct turns_opts){
		.places = 8, .slow = 100, .slow_per_host = 100, .slow_per_owner = 100});
	turns.opts.width = one;
	for (i = 0; i < 20; i++) {
		snprintf(host, sizeof(host), "s%d", i);
		wait_at(&s[i], "s", "n", host);
	}
	ck_assert_str_eq(grants(), "s s ");
	for (i = 0; i < 6; i++)
		wait_at(&a[i], "a", "n", "answers");
	ck_assert_str_eq(grants(), "a a a a a a ");
	loop_test_advance(loop, 1000); /* all of them are slow now */
	ck_assert_str_eq(grants(), "s s ");
	ck_assert_uint_eq(turns.narrow, 2);
	for (i = 0; i < 20; i++)
		turn_leave(&s[i].turn);
	for (i = 0; i < 6; i++)
		turn_leave(&a[i].turn);
	ck_assert_uint_eq(turns.narrow, 0);
	done();
}
END_TEST

START_TEST(test_big)
{
	struct turn_ask big = {.owner = "n", .host = "h", .big = true};
	struct one b[3] = {0}, s = {0};
	int i;

	setup((struct turns_opts){.places = 4, .big = 2});
	for (i = 0; i < 3; i++)
		ask(&b[i], "b", &big);
	wait_at(&s, "s", "n", "h");
	ck_assert_str_eq(grants(), "b b s "); /* the big one in front does not keep it */
	ck_assert(turn_is_for(&b[2].turn, &turns, &big));
	big.big = false;
	ck_assert(!turn_is_for(&b[2].turn, &turns, &big));
	turn_leave(&b[0].turn);
	ck_assert_str_eq(grants(), "b ");
	for (i = 0; i < 3; i++)
		turn_leave(&b[i].turn);
	turn_leave(&s.turn);
	done();
}
END_TEST

static void remember(void *arg, struct turn *turn)
{
	char *names = arg;
	size_t n = strlen(names);

	snprintf(names + n, 16 - n, "%s", CONTAINER_OF(turn, struct one, turn)->name);
}

START_TEST(test_who_waits)
{
	struct one a[3] = {0}, b = {0};
	char names[16] = "";
	int i;

	setup((struct turns_opts){.places = 1});
	ck_assert_uint_eq(turns_longest_ms(&turns), 0);
	wait_at(&a[0], "0", "n", "h");
	wait_at(&a[1], "1", "n", "h");
	loop_test_advance(loop, 700);
	wait_at(&a[2], "2", "n", "h");
	wait_at(&b, "b", "m", "g");
	loop_test_advance(loop, 300);
	ck_assert_uint_eq(turns_longest_ms(&turns), 1000);
	turns_each_waiting(&turns, 1000, remember, names);
	ck_assert_str_eq(names, "1");
	turns_each_waiting(&turns, 300, remember, names);
	ck_assert_str_eq(names, "112b");
	for (i = 0; i < 3; i++)
		turn_leave(&a[i].turn);
	turn_leave(&b.turn);
	done();
}
END_TEST

Suite *suite_turns(void);
Suite *suite_turns(void)
{
	Suite *s = suite_create("turns");
	TCase *tc = tcase_create("turns");

	tcase_add_test(tc, test_first_come);
	tcase_add_test(tc, test_owners_in_turn);
	tcase_add_test(tc, test_hosts_in_turn);
	tcase_add_test(tc, test_per_host);
	tcase_add_test(tc, test_without_host);
	tcase_add_test(tc, test_width);
	tcase_add_test(tc, test_slow);
	tcase_add_test(tc, test_slow_per_owner);
	tcase_add_test(tc, test_greedy_owner);
	tcase_add_test(tc, test_shared_host);
	tcase_add_test(tc, test_narrow);
	tcase_add_test(tc, test_big);
	tcase_add_test(tc, test_who_waits);
	suite_add_tcase(s, tc);
	return s;
}
