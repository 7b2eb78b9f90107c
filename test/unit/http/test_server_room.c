/* Clients that hold their places: who keeps whom out, and for how long. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "http/server.h"
#include "server_peer.h"

#include <check.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

Suite *suite_server_room(void);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define T0 1700000000000

/* ---- a server, and clients from many addresses */

struct town {
	struct loop *loop;
	struct http_server *server;
	unsigned gone; /* exchanges whose client went, or was cut */
};

static void on_end(void *arg, struct http_exchange *x, bool gone)
{
	struct town *t = arg;

	(void)x;
	t->gone += gone;
}

static int pull_endless(void *arg, struct buf *b)
{
	(void)arg;
	memset(buf_room(b, 65536), 'e', 65536);
	b->len += 65536;
	return 1;
}

static void handle(void *arg, struct http_exchange *x)
{
	const char *path = http_x_path(x);

	http_x_on_end(x, on_end, arg);
	if (!strcmp(path, "/endless"))
		http_reply_stream(x, 200, NULL, pull_endless, NULL);
	else if (strcmp(path, "/hold") != 0)
		http_reply_text(x, 200, "ok");
}

static void town_open(struct town *t, unsigned places)
{
	clock_fake(T0);
	*t = (struct town){.loop = loop_new()};
	t->server = test_server(t->loop,
		(struct http_server_opts){.handler = handle, .arg = t, .max_connections = places});
}

static void town_close(struct town *t)
{
	http_server_free(t->server);
	ck_assert_int_eq(loop_free(t->loop), 0);
}

static struct http_server_stats stats(const struct town *t)
{
	struct http_server_stats st;

	http_server_stats(t->server, &st);
	return st;
}

static const char *address_of(unsigned n)
{
	static char text[32];

	snprintf(text, sizeof(text), "127.0.%u.%u", 1 + n / 200, 1 + n % 200);
	return text;
}

/* Comes from the nth address, with that to say, and is seen. */
static void come(struct town *t, struct peer *p, unsigned n, const char *says)
{
	peer_open_from(p, t->loop, t->server, address_of(n));
	peer_puts(p, says);
	peer_settle(p);
}

/* Asks for a reply that has no end, and does not read it. */
static void come_reading(struct town *t, struct peer *p, unsigned n)
{
	int i;

	peer_open_from(p, t->loop, t->server, address_of(n));
	ck_assert_int_gt(send(p->fd, GET("/endless"), strlen(GET("/endless")), 0), 0);
	for (i = 0; i < 200; i++)
		loop_turn(t->loop, false);
}

/* Reads so many bytes and forgets them. */
static void take_bytes(struct peer *p, size_t n)
{
	struct pollfd readable = {.fd = p->fd, .events = POLLIN};
	char data[4096];
	ssize_t got;

	while (n) {
		got = recv(p->fd, data, n < sizeof(data) ? n : sizeof(data), 0);
		ck_assert_int_ne(got, 0);
		if (got > 0)
			n -= (size_t)got;
		else
			poll(&readable, 1, 1); /* the kernel's buffers move by themselves */
		loop_turn(p->loop, false);
	}
}

static bool served_from(struct town *t, unsigned n)
{
	struct peer p;
	bool ok;

	peer_open_from(&p, t->loop, t->server, address_of(n));
	peer_puts(&p, "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	ok = !strcmp(peer_responses(&p, 1, 0), "200");
	peer_close(&p);
	loop_turn(t->loop, false);
	return ok;
}

static void close_all(struct peer *p, unsigned n)
{
	for (; n--; p++)
		peer_close(p);
}

/* ---- a reader that stops */

START_TEST(test_reader_stops)
{
	struct town t;
	struct peer p;
	int i;

	town_open(&t, 4);
	come_reading(&t, &p, 0);
	for (i = 0; i < 15; i++)
		loop_test_advance(t.loop, 1000);
	take_bytes(&p, 6 * LIMIT_MIB);
	for (i = 0; i < 59; i++)
		loop_test_advance(t.loop, 1000);
	ck_assert_uint_eq(t.gone, 0);
	for (i = 0; i < 5; i++)
		loop_test_advance(t.loop, 1000);
	ck_assert_uint_eq(t.gone, 1);
	ck_assert_uint_eq(stats(&t).too_slow, 1);
	peer_close(&p);
	town_close(&t);
}
END_TEST

/* Pauses of less than a minute are its own affair, as long as nobody needs its place. */
START_TEST(test_reader_pauses)
{
	struct town t;
	struct peer p;
	int i, n;

	town_open(&t, 4);
	come_reading(&t, &p, 0);
	for (n = 0; n < 6; n++) {
		take_bytes(&p, 2 * LIMIT_MIB);
		for (i = 0; i < 50; i++)
			loop_test_advance(t.loop, 1000);
		ck_assert_msg(!t.gone, "cut after pause %d", n);
	}
	peer_close(&p);
	town_close(&t);
}
END_TEST

/* ---- places that run out */

#define ADDRESSES 4
#define PLACES 32
#define EACH (PLACES / ADDRESSES)

/* Everybody waits for an answer, and nobody is slow yet. */
static void fill(struct town *t, struct peer p[PLACES])
{
	unsigned i;

	town_open(t, PLACES);
	for (i = 0; i < PLACES; i++)
		come(t, &p[i], i / EACH, GET("/hold"));
	ck_assert_uint_eq(stats(t).open_connections, PLACES);
}

START_TEST(test_few_addresses)
{
	struct town t;
	struct peer p[PLACES];
	unsigned i;

	fill(&t, p);
	for (i = 0; i < 3 * ADDRESSES; i++)
		ck_assert(served_from(&t, 100 + i));
	/* Their places went to the new ones and are free after them: one had to go, no more. */
	ck_assert_uint_eq(stats(&t).cut_for_share, 1);
	ck_assert_uint_eq(stats(&t).turned_away, 0);
	ck_assert_uint_eq(t.gone, 1);
	close_all(p, PLACES);
	town_close(&t);
}
END_TEST

/* Each in turn, down to what the new ones have. */
START_TEST(test_shares_even_out)
{
	struct town t;
	struct peer p[PLACES], q[PLACES];
	unsigned i, n;

	fill(&t, p);
	for (i = 0; i < PLACES; i++)
		come(&t, &q[i], 10 + i / 4, GET("/hold"));
	for (i = 0, n = 0; i < PLACES; i++) {
		peer_settle(&p[i]);
		n += !p[i].eof;
	}
	/* Some address had five while another one came with its fourth: none has six. */
	ck_assert_uint_ge(n, ADDRESSES * 3);
	ck_assert_uint_le(n, ADDRESSES * 5);
	ck_assert_uint_gt(stats(&t).turned_away, 0);
	close_all(p, PLACES);
	close_all(q, PLACES);
	town_close(&t);
}
END_TEST

/* Who has just come, and has not asked yet, is not sent off by those who have more. */
START_TEST(test_newcomer_stays)
{
	struct town t;
	struct peer p[PLACES], q, more[EACH];
	unsigned i;

	fill(&t, p);
	peer_open_from(&q, t.loop, t.server, address_of(100));
	peer_settle(&q);
	for (i = 0; i < EACH; i++)
		come(&t, &more[i], i % ADDRESSES, GET("/hold"));
	peer_puts(&q, GET("/x"));
	ck_assert_str_eq(peer_responses(&q, 1, 0), "200");
	close_all(p, PLACES);
	close_all(more, EACH);
	peer_close(&q);
	town_close(&t);
}
END_TEST

/* Of the address that holds most the one that reads goes last. */
START_TEST(test_least_progress)
{
	struct town t;
	struct peer p[4];
	unsigned i;

	town_open(&t, 4);
	for (i = 0; i < 4; i++)
		come_reading(&t, &p[i], i ? 0 : 1);
	for (i = 0; i < 4; i++) {
		take_bytes(&p[1], 200 * LIMIT_KIB);
		take_bytes(&p[3], 200 * LIMIT_KIB);
		take_bytes(&p[0], 200 * LIMIT_KIB);
		loop_test_advance(t.loop, 1000);
	}
	ck_assert(served_from(&t, 100));
	ck_assert_uint_eq(stats(&t).cut_for_share, 1);
	ck_assert_uint_eq(t.gone, 1);
	for (i = 0; i < 4; i++)
		if (i != 2)
			take_bytes(&p[i], 4 * LIMIT_MIB);
	close_all(p, 4);
	town_close(&t);
}
END_TEST

/* Many addresses, each with one connection: nobody holds more than its share, but they take
   nothing. */
START_TEST(test_many_addresses)
{
	struct town t;
	struct peer p[8];
	unsigned i;

	town_open(&t, 8);
	for (i = 0; i < 8; i++)
		come_reading(&t, &p[i], i);
	ck_assert(!served_from(&t, 100));
	loop_test_advance(t.loop, 4000);
	take_bytes(&p[3], 1 * LIMIT_MIB);
	loop_test_advance(t.loop, 1000);
	for (i = 0; i < 8; i++)
		ck_assert(served_from(&t, 100 + i));
	ck_assert_uint_eq(stats(&t).cut_for_share, 0);
	take_bytes(&p[3], 4 * LIMIT_MIB); /* who reads is still there */
	close_all(p, 8);
	town_close(&t);
}
END_TEST

/* A few connections are nobody's misdeed, however many others there are. */
START_TEST(test_few_are_left_alone)
{
	struct town t;
	struct peer p[128];
	unsigned i;

	town_open(&t, 128);
	for (i = 0; i < 128; i++)
		come(&t, &p[i], i / 2, GET("/hold"));
	ck_assert(!served_from(&t, 100));
	ck_assert_uint_eq(stats(&t).turned_away, 1);
	ck_assert_uint_eq(stats(&t).turned_away_peer, 0);
	ck_assert_uint_eq(t.gone, 0);
	close_all(p, 128);
	town_close(&t);
}
END_TEST

/* Who holds most gives up an idle one, although another one's is idle for longer. */
START_TEST(test_most_gives_first)
{
	struct town t;
	struct peer p[8];
	unsigned i;

	town_open(&t, 8);
	for (i = 0; i < 8; i++) {
		come(&t, &p[i], i ? 1 : 0, i && i < 7 ? GET("/hold") : GET("/x"));
		loop_test_advance(t.loop, 100);
	}
	ck_assert(served_from(&t, 100));
	peer_settle(&p[0]);
	peer_settle(&p[7]);
	ck_assert(!p[0].eof && p[7].eof);
	ck_assert_uint_eq(t.gone, 0);
	close_all(p, 8);
	town_close(&t);
}
END_TEST

/* It gives way to anybody, but has a second to ask if the other one has more. */
START_TEST(test_silent_second)
{
	struct town t;
	struct peer p[8];
	unsigned i;

	town_open(&t, 8);
	for (i = 0; i < 8; i++)
		come(&t, &p[i], i < 5 ? 0 : i, i < 5 ? GET("/hold") : "");
	loop_test_advance(t.loop, 999);
	ck_assert(!served_from(&t, 0));
	loop_test_advance(t.loop, 1);
	ck_assert(served_from(&t, 0));
	ck_assert_uint_eq(stats(&t).gave_way, 1);
	ck_assert_uint_eq(t.gone, 0);
	close_all(p, 8);
	town_close(&t);
}
END_TEST

/* ---- a thousand */

#define DRIPS 1024

static void drip(struct peer *p, unsigned n, char c)
{
	for (; n--; p++)
		if (p->fd >= 0 && send(p->fd, &c, 1, MSG_NOSIGNAL) < 0)
			peer_close(p);
}

/* They send a byte a second of their requests and come again as soon as they are cut; addresses:
   from how many. */
static void drip_against(unsigned addresses, unsigned waits)
{
	static struct peer p[DRIPS];
	struct town t;
	unsigned i, second;

	ck_assert_uint_ge(sys_raise_descriptors(LIMIT_DESCRIPTORS), 2 * DRIPS + 100);
	town_open(&t, DRIPS);
	for (i = 0; i < DRIPS; i++)
		p[i].fd = -1;
	for (second = 0; second < 45; second++) {
		for (i = 0; i < DRIPS; i++) {
			if (p[i].fd < 0) {
				peer_open_from(&p[i], t.loop, t.server, address_of(i % addresses));
				loop_turn(t.loop, false);
			}
		}
		drip(p, DRIPS,
			"GET /x HTTP/1.1\r\nX: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"[second]);
		for (i = 0; i < 40; i++)
			loop_turn(t.loop, false);
		if (second >= waits)
			ck_assert_msg(served_from(&t, 300), "kept out in second %u", second);
		loop_test_advance(t.loop, 1000);
	}
	close_all(p, DRIPS);
	town_close(&t);
}

START_TEST(test_thousand_from_few)
{
	drip_against(4, 0);
}
END_TEST

START_TEST(test_thousand_from_many)
{
	drip_against(200, 2);
}
END_TEST

Suite *suite_server_room(void)
{
	Suite *s = suite_create("server_room");
	TCase *t = tcase_create("readers");

	tcase_add_test(t, test_reader_stops);
	tcase_add_test(t, test_reader_pauses);
	suite_add_tcase(s, t);
	t = tcase_create("room");
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_few_addresses);
	tcase_add_test(t, test_shares_even_out);
	tcase_add_test(t, test_newcomer_stays);
	tcase_add_test(t, test_least_progress);
	tcase_add_test(t, test_many_addresses);
	tcase_add_test(t, test_few_are_left_alone);
	tcase_add_test(t, test_most_gives_first);
	tcase_add_test(t, test_silent_second);
	tcase_add_test(t, test_thousand_from_few);
	tcase_add_test(t, test_thousand_from_many);
	suite_add_tcase(s, t);
	return s;
}
