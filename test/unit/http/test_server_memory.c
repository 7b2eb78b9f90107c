/* What a request may hold: large headers, bodies that are counted, bodies that nobody wants, and
   for how long. */
#include "base/clock.h"
#include "base/limits.h"
#include "ev/account.h"
#include "ev/op.h"
#include "http/server.h"
#include "server_peer.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_server_memory(void);

#define T0 1700000000000
#define MAX_BODY (3 * LIMIT_MIB)
#define MAX_HEADERS (256 * LIMIT_KIB)

static struct loop *loop;
static struct http_server *server;
static struct account *account;
static unsigned handled;

/* Answers with the target and how much body there is. */
static void handle(void *arg, struct http_exchange *x)
{
	struct buf b = BUF_INIT(BUF_ANY);

	(void)arg;
	handled++;
	buf_addf(&b, "%s %zu.", http_x_target(x), http_x_body(x)->len);
	http_reply_buf(x, 200, NULL, &b);
}

static bool wants(void *arg, struct http_exchange *x)
{
	(void)arg;
	return strcmp(http_x_target(x), "/nobody") != 0;
}

static void begin(uint64_t memory)
{
	clock_fake(T0);
	loop = loop_new();
	handled = 0;
	account = memory ? account_new(loop, memory) : NULL;
	server = test_server(loop,
		(struct http_server_opts){.handler = handle,
			.wants_body = wants,
			.max_body = MAX_BODY,
			.max_headers = MAX_HEADERS,
			.account = account,
			.header_ms = 10000,
			.request_ms = 30000});
}

static void end(void)
{
	http_server_free(server);
	loop_settle(loop);
	account_free(account);
	ck_assert_int_eq(loop_free(loop), 0);
}

static void send_many(struct peer *p, size_t n)
{
	static char piece[65536];
	size_t now;

	memset(piece, 'x', sizeof(piece));
	for (; n; n -= now) {
		now = n < sizeof(piece) ? n : sizeof(piece);
		peer_send(p, piece, now);
	}
}

static void send_body(struct peer *p, const char *target, size_t announced, size_t sent)
{
	char head[256];

	snprintf(head, sizeof(head), "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
		target, announced);
	peer_puts(p, head);
	send_many(p, sent);
}

static uint64_t held(void)
{
	struct account_stats st;

	account_stats(account, ACCOUNT_BODIES, &st);
	return st.held;
}

static const struct {
	const char *line, *target;
} TARGETS[] = {
	{"/hook/a", "/hook/a"},
	{"/hook/a?b=c&d", "/hook/a?b=c&d"},
	{"/hook/%61%2f", "/hook/%61%2f"},
	{"//hook/./a", "//hook/./a"},
	{"http://b:80/hook/a?q", "http://b:80/hook/a?q"},
	{"http://b?q", "http://b?q"},
};

START_TEST(test_target)
{
	struct peer p;
	char text[256];

	begin(0);
	peer_open(&p, loop, server);
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", TARGETS[_i].line);
	peer_puts(&p, text);
	snprintf(text, sizeof(text), "\r\n\r\n%s 0.", TARGETS[_i].target);
	ck_assert_msg(peer_until(&p, text), "%s", buf_str(&p.got));
	peer_close(&p);
	end();
}
END_TEST

static void send_header(struct peer *p, size_t n, bool whole)
{
	peer_puts(p, "GET /h HTTP/1.1\r\nHost: a\r\nX-Long: ");
	send_many(p, n);
	if (whole)
		peer_puts(p, "\r\n\r\n");
}

START_TEST(test_large_header)
{
	struct peer p;

	begin(0);
	peer_open(&p, loop, server);
	send_header(&p, 255 * LIMIT_KIB, true);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "200");
	/* The next one on the connection begins clean. */
	buf_reset(&p.got);
	send_header(&p, 100, true);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "200");
	buf_reset(&p.got);
	send_header(&p, 300 * LIMIT_KIB, true);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "431");
	peer_close(&p);
	end();
}
END_TEST

/* They have places of their own; whoever sends a small one needs none. */
START_TEST(test_large_headers_are_few)
{
	struct peer p[LIMIT_LARGE_HEADERS], more, small;
	unsigned i;

	begin(0);
	for (i = 0; i < LIMIT_LARGE_HEADERS; i++) {
		peer_open(&p[i], loop, server);
		send_header(&p[i], 100 * LIMIT_KIB, false);
		peer_settle(&p[i]);
	}
	peer_open(&more, loop, server);
	send_header(&more, 100 * LIMIT_KIB, false);
	ck_assert_str_eq(peer_responses(&more, 1, 0), "503");
	ck_assert_ptr_nonnull(strstr(buf_str(&more.got), "\r\nRetry-After: 1\r\n"));
	peer_open(&small, loop, server);
	send_header(&small, 100, true);
	ck_assert_str_eq(peer_responses(&small, 1, 0), "200");
	peer_puts(&p[0], "\r\n\r\n");
	ck_assert_str_eq(peer_responses(&p[0], 1, 0), "200");
	/* Its place is free again. */
	peer_close(&more);
	peer_open(&more, loop, server);
	send_header(&more, 100 * LIMIT_KIB, true);
	ck_assert_str_eq(peer_responses(&more, 1, 0), "200");
	for (i = 0; i < LIMIT_LARGE_HEADERS; i++)
		peer_close(&p[i]);
	peer_close(&more);
	peer_close(&small);
	end();
}
END_TEST

/* It is read and measured as any other, and takes no memory. */
START_TEST(test_unwanted_body)
{
	struct peer p;

	begin(48 * LIMIT_MIB);
	peer_open(&p, loop, server);
	send_body(&p, "/nobody", MAX_BODY, MAX_BODY - 1);
	peer_settle(&p);
	ck_assert_uint_eq(held(), 0);
	peer_puts(&p, "x");
	ck_assert(peer_until(&p, "\r\n\r\n/nobody 0."));
	/* Keep-alive: the next one is wanted. */
	buf_reset(&p.got);
	send_body(&p, "/a", 10, 10);
	ck_assert(peer_until(&p, "\r\n\r\n/a 10."));
	buf_reset(&p.got);
	send_body(&p, "/nobody", MAX_BODY + 1, 0);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "413");
	peer_close(&p);
	/* Nobody says how long it is. */
	peer_open(&p, loop, server);
	peer_puts(&p,
		"POST /nobody HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		"300001\r\n");
	send_many(&p, MAX_BODY + 1);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "413");
	peer_close(&p);
	ck_assert_uint_eq(handled, 2);
	end();
}
END_TEST

/* Of a pool for bodies of 16 MiB one name has 4 MiB at most: a whole body, and no second one. */
START_TEST(test_bodies_are_counted)
{
	struct peer p, q, small;

	begin(48 * LIMIT_MIB);
	peer_open(&p, loop, server);
	peer_open(&q, loop, server);
	peer_open(&small, loop, server);
	send_body(&p, "/p", MAX_BODY, MAX_BODY - 1);
	peer_settle(&p);
	ck_assert_uint_eq(held(), MAX_BODY);
	peer_puts(&q, "POST /q HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n20000\r\n");
	send_many(&q, 0x20000);
	peer_settle(&q);
	ck_assert_uint_eq(held(), MAX_BODY);
	/* A small one waits for nothing. */
	send_body(&small, "/s", 60000, 60000);
	ck_assert(peer_until(&small, "\r\n\r\n/s 60000."));
	peer_puts(&p, "x");
	ck_assert(peer_until(&p, "\r\n\r\n/p 3145728."));
	peer_puts(&q, "\r\n0\r\n\r\n");
	ck_assert(peer_until(&q, "\r\n\r\n/q 131072."));
	peer_settle(&q);
	ck_assert_uint_eq(held(), 0);
	peer_close(&p);
	peer_close(&q);
	peer_close(&small);
	end();
}
END_TEST

/* Who waits for memory does so for as long as a request may take. */
START_TEST(test_no_memory_in_time)
{
	struct op *other;
	struct peer p;

	begin(48 * LIMIT_MIB);
	other = account_take(account, ACCOUNT_BODIES, "other", 16 * LIMIT_MIB);
	peer_open(&p, loop, server);
	send_body(&p, "/p", MAX_BODY, 100000);
	peer_settle(&p);
	ck_assert_uint_eq(held(), 16 * LIMIT_MIB);
	loop_test_advance(loop, 29000);
	peer_settle(&p);
	ck_assert_str_eq(buf_str(&p.got), "");
	loop_test_advance(loop, 1100);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "503");
	ck_assert_ptr_nonnull(strstr(buf_str(&p.got), "\r\nRetry-After: 1\r\n"));
	peer_close(&p);
	op_drop(other);
	end();
}
END_TEST

/* However well it moves. */
START_TEST(test_whole_request_in_time)
{
	struct peer p, q;
	int i;

	begin(0);
	peer_open(&q, loop, server);
	peer_puts(&q, "POST /q HTTP/1.1\r\n");
	peer_open(&p, loop, server);
	send_body(&p, "/p", 1000, 0);
	peer_settle(&p);
	for (i = 0; i < 29; i++) {
		loop_test_advance(loop, 1000);
		peer_puts(&p, "x");
		peer_settle(&p);
		/* A header has less time. */
		if (i == 11)
			ck_assert_str_eq(peer_responses(&q, 1, 0), "408");
	}
	ck_assert_str_eq(buf_str(&p.got), "");
	loop_test_advance(loop, 1100);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "408");
	peer_close(&p);
	peer_close(&q);
	end();
}
END_TEST

Suite *suite_server_memory(void)
{
	Suite *s = suite_create("server_memory");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_target, 0, sizeof(TARGETS) / sizeof(TARGETS[0]));
	tcase_add_test(t, test_large_header);
	tcase_add_test(t, test_large_headers_are_few);
	tcase_add_test(t, test_unwanted_body);
	tcase_add_test(t, test_bodies_are_counted);
	tcase_add_test(t, test_no_memory_in_time);
	tcase_add_test(t, test_whole_request_in_time);
	suite_add_tcase(s, t);
	return s;
}
