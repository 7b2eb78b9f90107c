#include "ctl/poster.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/event.h"
#include "ctl/notice.h"
#include "ev/loop.h"
#include "http/client.h"
#include "test/fake/receiver.h"
#include "test/fake/tcp_script.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

Suite *suite_poster(void);

static struct loop *loop;
static struct http_client *http;
static struct fake_receiver *receiver; /* NULL: the test has its own server */
static struct poster *poster;
static int log_fd[2];

static void begin_at(const char *url)
{
	poster = poster_new(loop, http, url, "source-controller", "host-1");
}

static void begin_without(void)
{
	clock_fake(1800000000000);
	ck_assert_int_eq(pipe(log_fd), 0);
	log_set_fd(log_fd[1]);
	loop = loop_new();
	http = http_client_new(loop, &(struct http_client_opts){.max_connections = 4});
}

static void begin(void)
{
	begin_without();
	receiver = fake_receiver_new(loop);
	begin_at(fake_receiver_url(receiver));
}

static struct poster_stats stats(void)
{
	struct poster_stats s;

	poster_stats(poster, &s);
	return s;
}

static uint64_t open_requests(void)
{
	struct http_client_stats s;

	http_client_stats(http, &s);
	return s.open_requests;
}

/* Until nothing changes any more. */
static void settle(void)
{
	unsigned quiet, i;

	for (quiet = 0; quiet < 5; quiet++) {
		uint64_t before = stats().tries;

		for (i = 0; i < 30; i++)
			loop_turn(loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		if (stats().tries != before ||
			(receiver && open_requests() > fake_receiver_waiting(receiver)))
			quiet = 0;
	}
}

static void pass(uint64_t ms)
{
	loop_test_advance(loop, ms);
	settle();
}

static void end(void)
{
	int i;

	poster_stop(poster);
	settle();
	ck_assert(poster_idle(poster));
	poster_free(poster);
	http_client_free(http);
	if (receiver)
		fake_receiver_free(receiver);
	for (i = 0; i < 50; i++)
		loop_turn(loop, false);
	ck_assert_int_eq(loop_free(loop), 0);
	log_set_fd(-1);
	close(log_fd[0]);
	close(log_fd[1]);
}

/* How often the text stands in what was logged since the last call. */
static int logged(const char *what)
{
	static char all[65536];
	const char *at = all;
	ssize_t n;
	int times = 0;

	log_debug(NULL, "mark"); /* not written at this level */
	log_error(NULL, "end of log");
	n = read(log_fd[0], all, sizeof(all) - 1);
	ck_assert_int_gt(n, 0);
	all[n] = '\0';
	for (; (at = strstr(at, what)); at++)
		times++;
	return times;
}

static void post_with(const char *ns, const char *name, bool error, const char *message,
	const json_t *annotations)
{
	auto_free char *uid = mem_printf("%s/%s", ns, name);

	poster_post(poster,
		&(struct notice){
			.about = &(struct event_about){"v1", "K", ns, name, uid, "7", NULL},
			.error = error,
			.reason = error ? "Failed" : "Fine",
			.message = message,
			.annotations = annotations});
}

static void post(const char *ns, const char *name, bool error, const char *message)
{
	post_with(ns, name, error, message, NULL);
}

START_TEST(test_sent)
{
	begin();
	post("apps", "web", false, "m");
	ck_assert_uint_eq(stats().sent, 0); /* never inside the call */
	settle();
	ck_assert_str_eq(fake_receiver_said(receiver), "web info Fine\n");
	ck_assert_str_eq(obj_str(fake_receiver_last(receiver), "reportingInstance"), "host-1");
	ck_assert_uint_eq(stats().sent, 1);
	ck_assert(poster_idle(poster));
	end();
}
END_TEST

START_TEST(test_duplicate)
{
	begin();
	fake_receiver_answer(receiver, 429);
	post("apps", "web", true, "m");
	settle();
	pass(60000);
	ck_assert_uint_eq(stats().duplicate, 1);
	ck_assert_uint_eq(stats().tries, 1);
	ck_assert_uint_eq(stats().failed, 0);
	ck_assert_int_eq(logged("cannot tell"), 0);
	end();
}
END_TEST

/* What it will never take is not said again: a redirect, a wrong path, a body that is none. */
START_TEST(test_refused)
{
	static const int codes[] = {301, 400, 404, 413};

	begin();
	fake_receiver_answer(receiver, codes[_i]);
	post("apps", "web", true, "m");
	settle();
	pass(60000);
	ck_assert_uint_eq(stats().failed, 1);
	ck_assert_uint_eq(stats().tries, 1);
	ck_assert_int_eq(logged("cannot tell"), 1);
	end();
}
END_TEST

/* In order for each object, one namespace's at a time. */
START_TEST(test_order)
{
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 0);
	for (i = 0; i < 10; i++) {
		post("a", "one", i % 2, i % 2 ? "failed" : "fine");
		post("b", "two", !(i % 2), "text");
	}
	settle();
	ck_assert_uint_eq(fake_receiver_waiting(receiver), 2);
	fake_receiver_answer(receiver, 202);
	settle();
	ck_assert_uint_eq(stats().sent, 20);
	{
		const char *at = fake_receiver_said(receiver), *one = at, *two = at;

		for (i = 0; i < 10; i++) {
			one = strstr(one, "one ");
			two = strstr(two, "two ");
			ck_assert(one && two);
			ck_assert_int_eq(!strncmp(one, "one error", 9), i % 2);
			ck_assert_int_eq(!strncmp(two, "two error", 9), !(i % 2));
			one++;
			two++;
		}
	}
	end();
}
END_TEST

/* It takes connections and says nothing: four requests at a time, and each ends. */
START_TEST(test_stalling)
{
	char ns[16];
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 0);
	for (i = 0; i < 20; i++) {
		snprintf(ns, sizeof(ns), "ns%u", i);
		post(ns, "web", true, "m");
	}
	settle();
	ck_assert_uint_eq(fake_receiver_waiting(receiver), 4);
	ck_assert_uint_eq(stats().waiting, 16);
	pass(LIMIT_NOTICE_POST_MS + 1);
	ck_assert_uint_eq(stats().tries, 8); /* the next four namespaces */
	ck_assert_int_eq(logged("cannot tell"), 1);
	ck_assert_uint_eq(stats().failed, 0);
	/* It wakes up: nothing was lost. */
	fake_receiver_answer(receiver, 202);
	settle();
	pass(40000);
	ck_assert_uint_eq(stats().sent, 20);
	ck_assert_int_eq(logged("takes events again"), 1);
	end();
}
END_TEST

/* Dead, then back at the same address: what waited arrives, in order. */
START_TEST(test_restart)
{
	unsigned i;

	begin();
	fake_receiver_stop(receiver);
	post("apps", "web", true, "m");
	post("apps", "web", false, "m");
	settle();
	for (i = 0; i < 60; i++)
		pass(1000);
	ck_assert_uint_eq(stats().sent + stats().failed, 0);
	ck_assert_uint_ge(stats().tries, 5);
	ck_assert_uint_le(stats().tries, 8); /* 1, 2, 4, 8, 16, 30 s */
	ck_assert_int_eq(logged("cannot tell"), 1);
	fake_receiver_start(receiver);
	pass(33001);
	ck_assert_str_eq(fake_receiver_said(receiver), "web error Failed\nweb info Fine\n");
	ck_assert_int_eq(logged("takes events again"), 1);
	/* A later one is another outage. */
	fake_receiver_answer(receiver, 503);
	post("apps", "web", true, "m");
	settle();
	pass(60001);
	ck_assert_int_eq(logged("it answered with status 503"), 1);
	end();
}
END_TEST

/* Too old to be true any more. */
START_TEST(test_age)
{
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 503);
	post("apps", "web", true, "m");
	settle();
	for (i = 0; i < 16 * 60; i += 30)
		pass(30000);
	ck_assert_uint_eq(stats().failed, 1);
	ck_assert(poster_idle(poster));
	ck_assert_uint_le(stats().tries, 40);
	end();
}
END_TEST

/* One notice that cannot be taken holds its own namespace up for some tries, nobody else. */
START_TEST(test_poison)
{
	unsigned i;

	begin();
	fake_receiver_except(receiver, "bad", 500);
	post("apps", "bad", true, "m");
	post("apps", "web", true, "m");
	post("other", "web", true, "m");
	settle();
	ck_assert_str_eq(fake_receiver_said(receiver), "web error Failed\n");
	for (i = 0; i < 30; i++)
		pass(1000);
	ck_assert_str_eq(fake_receiver_said(receiver), "web error Failed\nweb error Failed\n");
	ck_assert_uint_eq(stats().failed, 1);
	ck_assert_uint_eq(stats().tries, LIMIT_NOTICE_TRIES + 2);
	end();
}
END_TEST

START_TEST(test_joins)
{
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 0);
	for (i = 0; i < 5; i++)
		post("apps", "web", true, "same"); /* the first one is on its way */
	post("apps", "api", true, "same");
	post("apps", "web", true, "same"); /* the last of this object is the same */
	post("apps", "web", false, "same");
	post("apps", "web", true, "same");
	settle();
	ck_assert_uint_eq(stats().joined, 4);
	ck_assert_uint_eq(stats().waiting, 4);
	fake_receiver_answer(receiver, 202);
	settle();
	ck_assert_uint_eq(stats().sent, 5);
	end();
}
END_TEST

/* A namespace of a thousand failing objects loses its own errors, nobody else's, and none of what
   tells of artifacts. */
START_TEST(test_room)
{
	char name[32];
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 0);
	post("calm", "sent", true, "m");
	post("calm", "web", true, "m");
	post("noisy", "sent", true, "m");
	post("noisy", "artifact", false, "m");
	for (i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "o%u", i);
		post("noisy", name, true, "m");
	}
	settle();
	ck_assert_uint_eq(stats().waiting, LIMIT_NOTICES);
	ck_assert_uint_eq(stats().dropped, 3002 - LIMIT_NOTICES);
	fake_receiver_answer(receiver, 202);
	settle();
	ck_assert_uint_eq(stats().sent, LIMIT_NOTICES + 2);
	ck_assert_ptr_nonnull(strstr(fake_receiver_said(receiver), "web error"));
	ck_assert_ptr_nonnull(strstr(fake_receiver_said(receiver), "artifact info"));
	/* The newest are there, the oldest went. */
	ck_assert_ptr_nonnull(strstr(fake_receiver_said(receiver), "o2999 error"));
	ck_assert_ptr_null(strstr(fake_receiver_said(receiver), "o0 error"));
	end();
}
END_TEST

/* The same by bytes: annotations of 60 KiB. */
START_TEST(test_bytes)
{
	auto_json json_t *annotations = json_object();
	auto_free char *big = mem_alloc(60001);
	char name[32];
	unsigned i;

	memset(big, 'x', 60000);
	big[60000] = '\0';
	json_object_set_new(annotations, "event.toolkit.fluxcd.io/x", json_string(big));
	begin();
	fake_receiver_answer(receiver, 0);
	post("calm", "sent", true, "m");
	post("calm", "web", true, "m");
	for (i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "o%u", i);
		post_with("noisy", name, false, "m", annotations);
	}
	settle();
	ck_assert_uint_le(stats().waiting, LIMIT_NOTICES_BYTES / 60000 + 1);
	ck_assert_uint_ge(stats().waiting, LIMIT_NOTICES_BYTES / LIMIT_NOTICE);
	fake_receiver_answer(receiver, 202);
	settle();
	ck_assert_ptr_nonnull(strstr(fake_receiver_said(receiver), "web error"));
	end();
}
END_TEST

/* Every line is emptied by what comes: the one that goes is not the one that is put into. */
START_TEST(test_room_of_many_lines)
{
	auto_json json_t *annotations = json_object();
	auto_free char *big = mem_alloc(60001);
	char ns[32];
	unsigned i;

	memset(big, 'x', 60000);
	big[60000] = '\0';
	json_object_set_new(annotations, "event.toolkit.fluxcd.io/x", json_string(big));
	begin();
	fake_receiver_stop(receiver);
	for (i = 0; i < 300; i++) {
		snprintf(ns, sizeof(ns), "n%u", i);
		post_with(ns, "web", i % 3, "m", annotations);
		if (i % 50 == 0)
			settle();
	}
	ck_assert_uint_ge(stats().dropped, 300 - 4 - LIMIT_NOTICES_BYTES / 60000 - 1);
	fake_receiver_start(receiver);
	for (i = 0; i < 40; i++)
		pass(1000);
	ck_assert(poster_idle(poster));
	ck_assert_uint_eq(stats().sent + stats().dropped, 300);
	end();
}
END_TEST

/* The answer's body is of no interest: endless, or cut. */
START_TEST(test_body)
{
	static const struct tcp_step script[] = {{TCP_REQUEST, "POST / HTTP/1.1\r\n", 0},
		{TCP_SEND, "HTTP/1.1 202 Accepted\r\nContent-Length: 100000000\r\n\r\n", 0},
		{TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0},
		{TCP_REQUEST, "POST / HTTP/1.1\r\n", 0},
		{TCP_SEND, "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
		{TCP_SEND, "10000\r\n", 0}, {TCP_FILL, NULL, 65536}, {TCP_WAIT_CLOSE, NULL, 0},
		{0}};
	struct tcp_script *s;
	unsigned i;

	begin_without();
	receiver = NULL;
	s = tcp_script_new(loop, script);
	begin_at(tcp_script_url(s, "/"));
	post("apps", "web", true, "m");
	post("apps", "web", false, "m");
	for (i = 0; i < 1000 && !poster_idle(poster); i++) {
		loop_turn(loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	ck_assert_uint_eq(stats().sent, 2);
	ck_assert_uint_eq(stats().tries, 2);
	for (i = 0; i < 50; i++)
		loop_turn(loop, false);
	tcp_script_free(s);
	end();
}
END_TEST

/* The end of the process: what waits goes, and nobody waits for who is not there. */
START_TEST(test_drain)
{
	char name[16];
	unsigned i;

	begin();
	fake_receiver_answer(receiver, 0);
	for (i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "o%u", i);
		post(i % 2 ? "a" : "b", name, false, "m");
	}
	settle();
	poster_drain(poster);
	post("a", "late", false, "m");
	ck_assert(!poster_idle(poster));
	fake_receiver_answer(receiver, 202);
	settle();
	ck_assert(poster_idle(poster));
	ck_assert_uint_eq(stats().sent, 50);
	end();
}
END_TEST

START_TEST(test_drain_of_the_dead)
{
	begin();
	fake_receiver_stop(receiver);
	post("failed-before", "web", false, "m");
	post("failed-before", "api", false, "m");
	settle();
	post("fails-now", "web", false, "m");
	post("fails-now", "api", false, "m");
	poster_drain(poster);
	settle(); /* no time passes */
	ck_assert(poster_idle(poster));
	ck_assert_uint_eq(stats().failed + stats().dropped, 4);
	end();
}
END_TEST

START_TEST(test_stop)
{
	begin();
	fake_receiver_answer(receiver, 0);
	post("apps", "web", true, "m");
	post("apps", "api", true, "m");
	post("other", "api", true, "m");
	settle();
	end();
}
END_TEST

Suite *suite_poster(void)
{
	Suite *s = suite_create("poster");
	TCase *tc = tcase_create("poster");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_sent);
	tcase_add_test(tc, test_duplicate);
	tcase_add_loop_test(tc, test_refused, 0, 4);
	tcase_add_test(tc, test_order);
	tcase_add_test(tc, test_stalling);
	tcase_add_test(tc, test_restart);
	tcase_add_test(tc, test_age);
	tcase_add_test(tc, test_poison);
	tcase_add_test(tc, test_joins);
	tcase_add_test(tc, test_room);
	tcase_add_test(tc, test_bytes);
	tcase_add_test(tc, test_room_of_many_lines);
	tcase_add_test(tc, test_body);
	tcase_add_test(tc, test_drain);
	tcase_add_test(tc, test_drain_of_the_dead);
	tcase_add_test(tc, test_stop);
	suite_add_tcase(s, tc);
	return s;
}
