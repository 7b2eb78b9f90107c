/* What the server does with connections and replies: files, streams, time limits, the cap, the
   drain, clients that leave. */
#include "http/server.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/op.h"
#include "http/server_internal.h"
#include "server_peer.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

Suite *suite_server(void);

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define T0 1700000000000

/* ---- a handler that does as the path says */

struct site {
	struct loop *loop;
	struct http_server *server;
	struct http_exchange *held; /* by /hold and /stream */
	unsigned handled, ended, gone;
	struct buf feed; /* what a stream gives next */
	int feed_rc; /* and returns when feed is empty */
	uint64_t made; /* bytes of /endless */
	int file;
	size_t file_size;
};

static void on_end(void *arg, struct http_exchange *x, bool gone)
{
	struct site *s = arg;

	s->ended++;
	s->gone += gone;
	if (s->held == x)
		s->held = NULL;
}

static int pull_feed(void *arg, struct buf *b)
{
	struct site *s = arg;

	if (!s->feed.len)
		return s->feed_rc;
	buf_add(b, s->feed.p, s->feed.len);
	buf_reset(&s->feed);
	return 1;
}

static int pull_endless(void *arg, struct buf *b)
{
	struct site *s = arg;

	memset(buf_room(b, 65536), 'e', 65536);
	b->len += 65536;
	s->made += 65536;
	return 1;
}

static void handle(void *arg, struct http_exchange *x)
{
	struct site *s = arg;
	const char *path = http_x_path(x);
	struct buf b = BUF_INIT(BUF_ANY);

	s->handled++;
	http_x_on_end(x, on_end, s);
	if (!strcmp(path, "/hold")) {
		s->held = x;
	} else if (!strcmp(path, "/stream")) {
		s->held = x;
		http_reply_stream(x, 200, "text/plain", pull_feed, s);
	} else if (!strcmp(path, "/endless")) {
		http_reply_stream(x, 200, NULL, pull_endless, s);
	} else if (!strcmp(path, "/file")) {
		http_x_add_header(x, "X-One", "1");
		http_reply_file(x, 200, fcntl(s->file, F_DUPFD_CLOEXEC, 0), 0, s->file_size);
	} else if (!strcmp(path, "/part")) {
		http_reply_file(x, 206, fcntl(s->file, F_DUPFD_CLOEXEC, 0), 10, 5);
	} else if (!strcmp(path, "/short")) {
		http_reply_file(x, 200, fcntl(s->file, F_DUPFD_CLOEXEC, 0), 0, s->file_size + 1);
	} else if (!strcmp(path, "/big")) {
		memset(buf_room(&b, s->file_size), 'b', s->file_size);
		b.len = s->file_size;
		http_reply_buf(x, 200, NULL, &b);
	} else if (!strcmp(path, "/none")) {
		http_reply_buf(x, 204, NULL, NULL);
	} else if (!strcmp(path, "/same")) {
		buf_adds(&b, "must not be sent");
		http_reply_buf(x, 304, NULL, &b);
	} else {
		http_reply_text(x, 200, path);
	}
}

static void site_open(struct site *s, struct http_server_opts opts)
{
	memset(s, 0, sizeof(*s));
	s->loop = loop_new();
	opts.handler = handle;
	opts.arg = s;
	s->server = test_server(s->loop, opts);
	s->feed = BUF_INIT(BUF_ANY);
	s->feed_rc = 0;
	s->file = -1;
}

static void site_file(struct site *s, size_t size)
{
	char *p;
	size_t i;

	s->file = memfd_create("test", MFD_CLOEXEC);
	s->file_size = size;
	ck_assert_int_eq(ftruncate(s->file, (off_t)size), 0);
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, s->file, 0);
	ck_assert_ptr_ne(p, MAP_FAILED);
	for (i = 0; i < size; i++)
		p[i] = (char)('a' + i % 23);
	munmap(p, size);
}

static void site_close(struct site *s)
{
	struct http_server_stats st;

	http_server_free(s->server);
	ck_assert_uint_eq(s->ended, s->handled);
	ck_assert_ptr_null(s->held);
	buf_clear(&s->feed);
	if (s->file >= 0)
		close(s->file);
	ck_assert_int_eq(loop_free(s->loop), 0);
	(void)st;
}

static struct http_server_stats stats(const struct site *s)
{
	struct http_server_stats st;

	http_server_stats(s->server, &st);
	return st;
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

static const char *body(struct peer *p)
{
	const char *end = strstr(buf_str(&p->got), "\r\n\r\n");

	return end ? end + 4 : "";
}

/* ---- replies */

static void add_status(void *arg, int status, uint64_t n)
{
	buf_addf(arg, "%d: %llu, ", status, (unsigned long long)n);
}

START_TEST(test_file)
{
	auto_buf struct buf statuses = BUF_INIT(BUF_ANY);
	struct site s;
	struct peer p;
	struct http_server_stats st;
	const char *bytes;
	size_t i, wrong = 0;

	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 5 * 1024 * 1024 + 7);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/file") GET("/part"));
	ck_assert_str_eq(peer_responses(&p, 2, 0), "200 206");
	ck_assert_ptr_nonnull(strstr(p.got.p, "\r\nX-One: 1\r\n"));
	bytes = body(&p);
	for (i = 0; i < s.file_size; i++)
		wrong += bytes[i] != (char)('a' + i % 23);
	ck_assert_uint_eq(wrong, 0);
	ck_assert_int_eq(memcmp(p.got.p + p.got.len - 9, "\r\n\r\nklmno", 9), 0);
	http_server_stats(s.server, &st);
	ck_assert_uint_eq(st.bytes_sent, p.got.len);
	ck_assert_uint_eq(st.requests, 2);
	ck_assert_uint_eq(st.connections, 1);
	http_server_each_status(s.server, add_status, &statuses);
	ck_assert_str_eq(buf_str(&statuses), "200: 1, 206: 1, ");
	ck_assert_uint_eq(s.ended, 2);
	ck_assert_uint_eq(s.gone, 0);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A file that shrank under us: the length was promised, so only a cut tells the client. */
START_TEST(test_file_too_short)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 1000);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/short"));
	peer_until_eof(&p);
	ck_assert_ptr_nonnull(strstr(p.got.p, "Content-Length: 1001\r\n"));
	ck_assert_uint_lt(strlen(body(&p)), 1001);
	ck_assert_uint_eq(s.gone, 1);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_big_buf)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	s.file_size = 20 * 1024 * 1024;
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/big") GET("/after"));
	ck_assert_str_eq(peer_responses(&p, 2, 0), "200 200");
	ck_assert_uint_eq(strspn(body(&p), "b"), s.file_size);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_bodyless)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p,
		GET("/none") GET("/same") "HEAD /big HTTP/1.1\r\nHost: a\r\n\r\n"
					  "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET("/x"));
	ck_assert_str_eq(peer_responses(&p, 5, 4), "204 304 200 200 200");
	ck_assert_ptr_null(strstr(p.got.p, "must not"));
	/* RFC 9110 section 8.6: no Content-Length in a 204 */
	ck_assert_ptr_null(memmem(p.got.p, 100, "Content-Length", 14));
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_stream)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	buf_adds(&s.feed, "one ");
	peer_puts(&p, GET("/stream"));
	ck_assert(peer_until(&p, "Transfer-Encoding: chunked\r\n\r\n4\r\none \r\n"));
	/* it has nothing: no spinning, nothing sent */
	peer_settle(&p);
	ck_assert_ptr_nonnull(s.held);
	buf_adds(&s.feed, "two");
	http_reply_wake(s.held);
	http_reply_wake(s.held);
	ck_assert(peer_until(&p, "3\r\ntwo\r\n"));
	s.feed_rc = -1;
	http_reply_wake(s.held);
	ck_assert(peer_until(&p, "0\r\n\r\n"));
	ck_assert_uint_eq(s.ended, 1);
	/* HTTP/1.0 knows no chunks: the end is the close */
	s.feed_rc = -1;
	buf_adds(&s.feed, "old");
	buf_reset(&p.got);
	peer_puts(&p, "GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
	peer_until_eof(&p);
	ck_assert_ptr_null(strstr(p.got.p, "chunked"));
	ck_assert_ptr_nonnull(strstr(p.got.p, "Connection: close\r\n"));
	ck_assert_str_eq(body(&p), "old");
	peer_close(&p);
	/* failed: cut, without the last chunk */
	peer_open(&p, s.loop, s.server);
	s.feed_rc = -2;
	buf_adds(&s.feed, "part");
	peer_puts(&p, GET("/stream"));
	peer_until_eof(&p);
	ck_assert_ptr_nonnull(strstr(p.got.p, "4\r\npart\r\n"));
	ck_assert_ptr_null(strstr(p.got.p, "0\r\n\r\n"));
	ck_assert_uint_eq(s.gone, 1);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A client that does not read makes the stream stop, not the memory grow, and other clients are
   served meanwhile. */
START_TEST(test_slow_reader)
{
	struct site s;
	struct peer p, q;
	uint64_t made;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/endless"));
	for (i = 0; i < 2000; i++)
		loop_turn(s.loop, false);
	made = s.made;
	for (i = 0; i < 100; i++)
		loop_turn(s.loop, false);
	ck_assert_uint_eq(s.made, made);
	peer_open(&q, s.loop, s.server);
	peer_puts(&q, GET("/x"));
	ck_assert_str_eq(peer_responses(&q, 1, 0), "200");
	loop_test_advance(s.loop, 59000);
	ck_assert_uint_eq(s.gone, 0);
	/* it takes what a minute asks for: the time begins again */
	take_bytes(&p, 4 * 60 * LIMIT_REPLY_RATE);
	ck_assert_uint_gt(s.made, made);
	loop_test_advance(s.loop, 59000);
	ck_assert_uint_eq(s.gone, 0);
	loop_test_advance(s.loop, 1000);
	loop_test_advance(s.loop, 60000);
	ck_assert_uint_eq(s.gone, 1);
	ck_assert_uint_eq(stats(&s).too_slow, 1);
	peer_close(&p);
	peer_close(&q);
	site_close(&s);
}
END_TEST

/* ---- later replies, clients that leave */

START_TEST(test_later)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	/* the next request must wait for its turn */
	peer_puts(&p, GET("/hold") GET("/x"));
	peer_settle(&p);
	ck_assert_uint_eq(s.handled, 1);
	ck_assert_uint_eq(p.got.len, 0);
	http_reply_text(s.held, 200, "held");
	ck_assert_str_eq(peer_responses(&p, 2, 0), "200 200");
	ck_assert_ptr_nonnull(strstr(p.got.p, "\r\n\r\nheldHTTP/1.1 200"));
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_gone)
{
	static const char *const PATHS[] = {GET("/hold"), GET("/stream"), GET("/hold") GET("/x")};
	struct site s;
	struct peer p;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, PATHS[_i]);
	peer_settle(&p);
	ck_assert_ptr_nonnull(s.held);
	peer_close(&p);
	peer_open(&p, s.loop, s.server);
	peer_settle(&p);
	ck_assert_uint_eq(s.gone, 0); /* perhaps it closed its sending side only */
	/* a stream ends by nobody's doing, any other answer comes soon */
	loop_test_advance(s.loop, strstr(PATHS[_i], "/stream") ? 1000 : 30000);
	ck_assert_uint_eq(s.gone, 1);
	ck_assert_ptr_null(s.held);
	ck_assert_uint_eq(s.handled, 1);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_reset)
{
	struct linger now = {.l_onoff = 1};
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/hold"));
	peer_settle(&p);
	ck_assert_ptr_nonnull(s.held);
	setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	peer_close(&p);
	while (!s.gone)
		loop_turn(s.loop, true);
	site_close(&s);
}
END_TEST

/* printf 'GET ...' | nc: the client has closed its side and waits for the answer. */
START_TEST(test_half_closed)
{
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 3 * 1024 * 1024);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/x") GET("/file"));
	shutdown(p.fd, SHUT_WR);
	ck_assert_str_eq(peer_responses(&p, 2, 0), "200 200");
	peer_until_eof(&p);
	ck_assert(!p.reset);
	peer_close(&p);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/hold"));
	shutdown(p.fd, SHUT_WR);
	peer_settle(&p);
	http_reply_text(s.held, 200, "still here");
	ck_assert_str_eq(peer_responses(&p, 1, 0), "200");
	peer_close(&p);
	/* nothing, or half a request, and the end */
	peer_open(&p, s.loop, s.server);
	shutdown(p.fd, SHUT_WR);
	peer_until_eof(&p);
	ck_assert_uint_eq(p.got.len, 0);
	peer_close(&p);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, "GET /x HTT");
	shutdown(p.fd, SHUT_WR);
	peer_until_eof(&p);
	ck_assert_uint_eq(p.got.len, 0);
	peer_close(&p);
	site_close(&s);
}
END_TEST

static const struct {
	const char *name, *request, *last;
	unsigned times;
	size_t file;
} PIPED[] = {
	{"small", GET("/x"), GET("/last"), 200, 0},
	{"small files", GET("/file"), GET("/last"), 200, 1000},
	{"large files", GET("/file"), GET("/last"), 20, 3 * 1024 * 1024},
	{"HEADs", "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n", GET("/last"), 200, 1000},
	{"parts, long headers",
		"GET /part HTTP/1.1\r\nHost: a\r\nX-Long: "
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"\r\n\r\n",
		GET("/last"), 1000, 1000},
	{"an error at the end", GET("/x"), "rubbish\r\n", 200, 0},
};

/* All that was asked before the client closed its side is answered, in whatever pieces it is
   read. */
START_TEST(test_half_closed_pipeline)
{
	struct buf all = BUF_INIT(BUF_ANY);
	unsigned i, times = PIPED[_i].times, answers = 0;
	const char *at;
	struct site s;
	struct peer p;

	site_open(&s, (struct http_server_opts){0});
	if (PIPED[_i].file)
		site_file(&s, PIPED[_i].file);
	for (i = 0; i < times; i++)
		buf_adds(&all, PIPED[_i].request);
	buf_adds(&all, PIPED[_i].last);
	peer_open(&p, s.loop, s.server);
	peer_send(&p, all.p, all.len);
	shutdown(p.fd, SHUT_WR);
	peer_until_eof(&p);
	for (at = p.got.p; (at = memmem(at, p.got.len - (size_t)(at - p.got.p), "HTTP/1.1 ", 9));
		at++)
		answers++;
	ck_assert_msg(answers == times + 1, "%s: %u answers", PIPED[_i].name, answers);
	ck_assert(!p.reset);
	buf_clear(&all);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A flood of requests behind one that is answered is left where it is: in the kernel. */
START_TEST(test_read_ahead)
{
	struct site s;
	struct peer p;
	size_t sent = 0;
	ssize_t n;
	char data[4096];

	site_open(&s, (struct http_server_opts){0});
	memset(data, 'a', sizeof(data));
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/hold"));
	peer_settle(&p);
	do {
		n = send(p.fd, data, sizeof(data), 0);
		sent += n > 0 ? (size_t)n : 0;
		peer_settle(&p);
	} while (n > 0);
	ck_assert_uint_gt(sent, 200000);
	ck_assert_uint_le(room_first(s.server, RANK_BUSY)->in.len, LIMIT_REQUEST_AHEAD);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A stranger's upload is refused before it was sent; the answer must not be lost in a reset. */
START_TEST(test_refused_upload)
{
	struct site s;
	struct peer p;
	char data[65536] = {0};
	int i;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n");
	for (i = 0; i < 50; i++)
		peer_send(&p, data, sizeof(data));
	peer_until_eof(&p);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "413");
	ck_assert(!p.reset);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* ---- time */

START_TEST(test_timeouts)
{
	struct site s;
	struct peer p;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_body = 100});
	/* nothing comes: closed without a word */
	peer_open(&p, s.loop, s.server);
	peer_settle(&p);
	loop_test_advance(s.loop, 30000);
	peer_until_eof(&p);
	ck_assert_uint_eq(p.got.len, 0);
	peer_close(&p);
	/* slowloris: a byte now and then does not help */
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, "GET /x HTTP/1.1\r\n");
	for (i = 0; i < 29; i++) {
		peer_puts(&p, "X");
		peer_settle(&p);
		loop_test_advance(s.loop, 1000);
	}
	ck_assert(!p.eof);
	loop_test_advance(s.loop, 1000);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "408");
	peer_until_eof(&p);
	peer_close(&p);
	/* a keep-alive connection may be idle for longer, then goes silently */
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/x"));
	ck_assert_str_eq(peer_responses(&p, 1, 0), "200");
	loop_test_advance(s.loop, 119999);
	peer_settle(&p);
	ck_assert(!p.eof);
	peer_puts(&p, GET("/x"));
	ck_assert_str_eq(peer_responses(&p, 2, 0), "200 200");
	loop_test_advance(s.loop, 120000);
	peer_until_eof(&p);
	ck_assert_str_eq(peer_responses(&p, 3, 0), "200 200");
	peer_close(&p);
	/* a body that stands still; one that moves has time */
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
	for (i = 0; i < 5; i++) {
		peer_puts(&p, "a");
		peer_settle(&p);
		loop_test_advance(s.loop, 59000);
	}
	ck_assert(!p.eof);
	loop_test_advance(s.loop, 1000);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "408");
	peer_close(&p);
	/* a handler may take its time */
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/hold"));
	peer_settle(&p);
	loop_test_advance(s.loop, 10000000);
	peer_settle(&p);
	http_reply_text(s.held, 200, "at last");
	ck_assert_str_eq(peer_responses(&p, 1, 0), "200");
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A refused client that never closes is not lingered for without end. */
START_TEST(test_linger_ends)
{
	struct site s;
	struct peer p;
	struct http_server_stats st;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, "rubbish\r\n");
	peer_until_eof(&p);
	http_server_stats(s.server, &st);
	ck_assert_uint_eq(st.open_connections, 1);
	ck_assert_uint_eq(st.refused, 1);
	peer_puts(&p, "and more and more");
	peer_settle(&p);
	loop_test_advance(s.loop, 2000);
	http_server_stats(s.server, &st);
	ck_assert_uint_eq(st.open_connections, 0);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_date)
{
	struct site s;
	struct peer p;

	clock_fake(784111777000);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/x"));
	ck_assert(peer_until(&p, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
	loop_test_advance(s.loop, 1000);
	peer_puts(&p, GET("/x"));
	ck_assert(peer_until(&p, "\r\nDate: Sun, 06 Nov 1994 08:49:38 GMT\r\n"));
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* ---- the cap, the drain */

START_TEST(test_cap)
{
	struct site s;
	struct peer p[4];
	int i;

	site_open(&s, (struct http_server_opts){.max_connections = 3});
	for (i = 0; i < 3; i++) {
		peer_open(&p[i], s.loop, s.server);
		peer_puts(&p[i], GET("/x"));
		ck_assert_str_eq(peer_responses(&p[i], 1, 0), "200");
	}
	peer_puts(&p[0], GET("/x")); /* now p[1] is idle for the longest time */
	ck_assert_str_eq(peer_responses(&p[0], 2, 0), "200 200");
	peer_open(&p[3], s.loop, s.server);
	peer_puts(&p[3], GET("/hold"));
	peer_settle(&p[3]);
	ck_assert_ptr_nonnull(s.held);
	peer_until_eof(&p[1]);
	peer_settle(&p[0]);
	peer_settle(&p[2]);
	ck_assert(!p[0].eof && !p[2].eof);
	peer_close(&p[1]);
	/* all busy: the new one is told */
	peer_puts(&p[0], "GET /x HTTP/1.1\r\n");
	peer_puts(&p[2], "GET /x HTTP/1.1\r\n");
	peer_settle(&p[0]);
	peer_open(&p[1], s.loop, s.server);
	ck_assert_str_eq(peer_responses(&p[1], 1, 0), "503");
	peer_until_eof(&p[1]);
	peer_puts(&p[0], "Host: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&p[0], 3, 0), "200 200 200");
	for (i = 0; i < 4; i++)
		peer_close(&p[i]);
	site_close(&s);
}
END_TEST

/* ---- who gives way */

static unsigned still_open(struct peer *p, unsigned n)
{
	unsigned open = 0;

	for (; n--; p++) {
		peer_settle(p);
		open += !p->eof;
	}
	return open;
}

static void close_all(struct peer *p, unsigned n)
{
	for (; n--; p++)
		peer_close(p);
}

/* Opens and waits until the server has seen it. */
static void come(struct site *s, struct peer *p)
{
	peer_open(p, s->loop, s->server);
	peer_settle(p);
}

static bool served(struct site *s)
{
	struct peer p;
	bool ok;

	peer_open(&p, s->loop, s->server);
	peer_puts(&p, GET("/x"));
	ok = !strcmp(peer_responses(&p, 1, 0), "200");
	peer_close(&p);
	peer_open(&p, s->loop, s->server); /* the server notices that the last one is gone */
	peer_settle(&p);
	peer_close(&p);
	return ok;
}

START_TEST(test_silent_give_way)
{
	struct site s;
	struct peer p[3];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 3});
	for (i = 0; i < 3; i++)
		come(&s, &p[i]);
	ck_assert(served(&s));
	ck_assert_uint_eq(still_open(p, 1), 0); /* the oldest one went */
	ck_assert_uint_ge(stats(&s).gave_way, 1);
	ck_assert_uint_eq(stats(&s).turned_away, 0);
	close_all(p, 3);
	site_close(&s);
}
END_TEST

/* Four come in one turn of the loop, and three have their requests with them. */
START_TEST(test_not_silent)
{
	struct site s;
	struct peer p[4];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 3});
	for (i = 0; i < 4; i++) {
		peer_open(&p[i], s.loop, s.server);
		ck_assert_int_gt(send(p[i].fd, GET("/x"), strlen(GET("/x")), 0), 0);
	}
	for (i = 0; i < 3; i++)
		ck_assert_str_eq(peer_responses(&p[i], 1, 0), "200");
	peer_until_eof(&p[3]);
	ck_assert_uint_eq(stats(&s).turned_away, 1);
	ck_assert_uint_eq(stats(&s).gave_way, 0);
	close_all(p, 4);
	site_close(&s);
}
END_TEST

/* Four come in one turn of the loop, and three have left again: nobody is behind their places. */
START_TEST(test_left_give_way)
{
	struct site s;
	struct peer p[4];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 3});
	for (i = 0; i < 4; i++)
		peer_open(&p[i], s.loop, s.server);
	close_all(p, 3);
	ck_assert_int_gt(send(p[3].fd, GET("/x"), strlen(GET("/x")), 0), 0);
	ck_assert_str_eq(peer_responses(&p[3], 1, 0), "200");
	ck_assert_uint_eq(stats(&s).turned_away, 0);
	peer_close(&p[3]);
	site_close(&s);
}
END_TEST

START_TEST(test_half_requests_give_way)
{
	struct site s;
	struct peer p[3];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 3, .max_body = 10});
	for (i = 0; i < 3; i++) {
		come(&s, &p[i]);
		peer_puts(&p[i],
			i == 1 ? "PUT /x HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\na"
			       : "GET /x HTTP/1.1\r\n");
		peer_settle(&p[i]);
	}
	loop_test_advance(s.loop, 1900);
	ck_assert(!served(&s));
	ck_assert_uint_eq(still_open(p, 3), 3);
	loop_test_advance(s.loop, 100);
	ck_assert(served(&s));
	ck_assert_uint_eq(still_open(p, 1), 0);
	close_all(p, 3);
	site_close(&s);
}
END_TEST

/* It may still wait for its answer, or be gone for good. */
START_TEST(test_half_closed_give_way)
{
	struct site s;
	struct peer p;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 1});
	come(&s, &p);
	peer_puts(&p, GET("/hold"));
	peer_settle(&p);
	ck_assert(!served(&s));
	ck_assert_uint_eq(stats(&s).turned_away, 2);
	shutdown(p.fd, SHUT_WR);
	peer_settle(&p);
	ck_assert(served(&s));
	ck_assert_uint_eq(s.gone, 1);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_order_of_giving_way)
{
	struct site s;
	struct peer p[5];
	struct peer q[4];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 4});
	come(&s, &p[0]); /* idle, for the longest time */
	peer_puts(&p[0], GET("/x"));
	ck_assert_str_eq(peer_responses(&p[0], 1, 0), "200");
	come(&s, &p[1]);
	peer_puts(&p[1], "GET /x"); /* half a request */
	come(&s, &p[2]); /* silent */
	come(&s, &p[3]);
	peer_puts(&p[3], GET("/hold"));
	peer_settle(&p[3]);
	loop_test_advance(s.loop, 5000);
	for (i = 0; i < 4; i++) {
		static const unsigned GONE[] = {2, 1, 0};

		come(&s, &q[i]);
		peer_puts(&q[i], GET("/endless"));
		peer_settle(&q[i]);
		if (i == 3)
			break;
		peer_settle(&p[GONE[i]]);
		ck_assert_msg(p[GONE[i]].eof, "%d: %u is still there", i, GONE[i]);
		ck_assert_uint_eq(still_open(p, 4), 3U - (unsigned)i);
	}
	/* one waits for its answer, three get theirs: nobody goes */
	peer_until_eof(&q[3]);
	ck_assert_ptr_nonnull(strstr(q[3].got.p, " 503 "));
	ck_assert_uint_eq(still_open(&p[3], 1), 1);
	close_all(p, 4);
	close_all(q, 4);
	site_close(&s);
}
END_TEST

START_TEST(test_slow_readers_give_way)
{
	struct site s;
	struct peer slow[2], quick;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 3});
	for (i = 0; i < 2; i++) {
		come(&s, &slow[i]);
		ck_assert_int_gt(send(slow[i].fd, GET("/endless"), strlen(GET("/endless")), 0), 0);
		for (int n = 0; n < 200; n++)
			loop_turn(s.loop, false);
	}
	come(&s, &quick);
	ck_assert_int_gt(send(quick.fd, GET("/endless"), strlen(GET("/endless")), 0), 0);
	/* what the kernel of a client took at once was quick; the time after that counts as well */
	for (i = 0; i < 30; i++) {
		take_bytes(&quick, 20 * LIMIT_KIB);
		loop_test_advance(s.loop, 1000);
		if (i < 4)
			ck_assert(!served(&s));
		else if (i == 20)
			ck_assert(served(&s));
	}
	ck_assert_uint_ge(stats(&s).gave_way, 1);
	ck_assert_uint_ge(s.gone, 1);
	take_bytes(&quick, 20 * LIMIT_KIB);
	peer_close(&quick);
	close_all(slow, 2);
	site_close(&s);
}
END_TEST

/* At once, and nothing is kept of it. */
START_TEST(test_turned_away)
{
	struct site s;
	struct peer busy, p;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 1});
	come(&s, &busy);
	peer_puts(&busy, GET("/hold"));
	peer_settle(&busy);
	peer_open(&p, s.loop, s.server);
	ck_assert_int_gt(send(p.fd, GET("/x"), strlen(GET("/x")), 0), 0);
	peer_until_eof(&p);
	ck_assert(!p.reset);
	ck_assert_str_eq(peer_responses(&p, 1, 0), "503");
	ck_assert_ptr_nonnull(strstr(p.got.p, "\r\nRetry-After: 1\r\n"));
	ck_assert_str_eq(body(&p), "too many connections\n");
	ck_assert_uint_eq(stats(&s).turned_away, 1);
	ck_assert_uint_eq(stats(&s).open_connections, 1);
	ck_assert_uint_eq(s.handled, 1);
	peer_close(&p);
	peer_close(&busy);
	site_close(&s);
}
END_TEST

START_TEST(test_peer_cap)
{
	struct site s;
	struct peer p[3], q;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 8, .max_per_peer = 2});
	for (i = 0; i < 3; i++) {
		come(&s, &p[i]);
		peer_puts(&p[i], GET("/endless"));
		peer_settle(&p[i]);
	}
	ck_assert_uint_eq(still_open(p, 3), 2);
	ck_assert_uint_eq(stats(&s).turned_away, 1);
	/* that is their affair alone */
	peer_open_from(&q, s.loop, s.server, "127.0.0.2");
	peer_puts(&q, GET("/x"));
	ck_assert_str_eq(peer_responses(&q, 1, 0), "200");
	/* and it is the idle one of that address that gives way to it, not the other address's */
	peer_close(&p[0]);
	peer_settle(&q);
	come(&s, &p[0]);
	peer_puts(&p[0], GET("/x"));
	ck_assert_str_eq(peer_responses(&p[0], 1, 0), "200");
	peer_close(&p[2]);
	come(&s, &p[2]);
	peer_puts(&p[2], GET("/x"));
	ck_assert_str_eq(peer_responses(&p[2], 1, 0), "200");
	peer_until_eof(&p[0]);
	ck_assert_uint_eq(still_open(&q, 1), 1);
	close_all(p, 3);
	peer_close(&q);
	site_close(&s);
}
END_TEST

static const struct {
	unsigned all, peer;
} CAPS[] = {{1024, 256}, {400, 100}, {204, 64}, {128, 64}, {100, 50}, {32, 16}, {16, 16}, {3, 3}};

START_TEST(test_peer_cap_default)
{
	struct site s;

	site_open(&s, (struct http_server_opts){.max_connections = CAPS[_i].all});
	ck_assert_uint_eq(s.server->opts.max_per_peer, CAPS[_i].peer);
	ck_assert_uint_eq(stats(&s).max_connections, CAPS[_i].all);
	site_close(&s);
}
END_TEST

/* Sixty-four bytes now and then do not keep an answer alive. */
START_TEST(test_dripping_reader)
{
	struct site s;
	struct peer p;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	come(&s, &p);
	ck_assert_int_gt(send(p.fd, GET("/endless"), strlen(GET("/endless")), 0), 0);
	for (i = 0; i < 200; i++)
		loop_turn(s.loop, false);
	for (i = 0; i < 13 && !s.gone; i++) {
		take_bytes(&p, 64);
		loop_test_advance(s.loop, 10000);
	}
	ck_assert_uint_eq(s.gone, 1);
	ck_assert_uint_eq(stats(&s).too_slow, 1);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* A narrow link has all the time that its file takes. */
START_TEST(test_slow_link)
{
	struct site s;
	struct peer p;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 16 * 1024 * 1024);
	come(&s, &p);
	peer_puts(&p, "GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	for (i = 0; i < 1024; i++) {
		take_bytes(&p, 15 * LIMIT_KIB);
		loop_test_advance(s.loop, 1000);
		ck_assert_msg(!s.gone, "cut after %d s", i);
	}
	peer_until_eof(&p);
	ck_assert_uint_eq(s.gone, 0);
	ck_assert_uint_eq(stats(&s).too_slow, 0);
	peer_close(&p);
	site_close(&s);
}
END_TEST

/* Clients that had their last answer and stay: a few are waited for. */
START_TEST(test_few_linger)
{
	struct site s;
	struct peer p[20];
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = 40});
	for (i = 0; i < 20; i++) {
		come(&s, &p[i]);
		peer_puts(&p[i], "rubbish\r\n");
		peer_until_eof(&p[i]);
	}
	ck_assert_uint_le(stats(&s).open_connections, 40 / 8 + 1);
	close_all(p, 20);
	site_close(&s);
}
END_TEST

/* A hundred requests in one packet: all answered in order, and another client is not kept waiting
   for the last. */
START_TEST(test_pipeline)
{
	struct buf b = BUF_INIT(BUF_ANY), want = BUF_INIT(BUF_ANY);
	struct site s;
	struct peer p, q;
	const char *at;
	int i;

	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_open(&q, s.loop, s.server);
	for (i = 0; i < 100; i++)
		buf_addf(&b, "GET /%d/ HTTP/1.1\r\nHost: a\r\n\r\n", i);
	ck_assert_int_eq(send(p.fd, b.p, b.len, 0), (ssize_t)b.len);
	ck_assert_int_gt(send(q.fd, GET("/q"), strlen(GET("/q")), 0), 0);
	while (s.handled < 2)
		loop_turn(s.loop, false);
	ck_assert_uint_lt(s.handled, 50);
	ck_assert_str_eq(peer_responses(&q, 1, 0), "200");
	ck_assert_uint_lt(s.handled, 100);
	ck_assert(peer_until(&p, "\r\n\r\n/99/"));
	at = p.got.p;
	for (i = 0; i < 100; i++) {
		buf_reset(&want);
		buf_addf(&want, "\r\n\r\n/%d/", i);
		at = strstr(at, want.p);
		ck_assert_msg(at != NULL, "no %d", i);
	}
	buf_clear(&b);
	buf_clear(&want);
	peer_close(&p);
	peer_close(&q);
	site_close(&s);
}
END_TEST

/* Out of descriptors: idle connections make room, then the listener rests instead of spinning, and
   goes on later. */
START_TEST(test_no_descriptors)
{
	struct rlimit was, now;
	struct site s;
	struct peer idle, a, b;
	struct loop_stats st;
	int i, top;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&idle, s.loop, s.server);
	peer_puts(&idle, GET("/x"));
	ck_assert_str_eq(peer_responses(&idle, 1, 0), "200");
	peer_open(&a, s.loop, s.server); /* connected by the kernel, not accepted yet */
	peer_open(&b, s.loop, s.server);
	top = dup(0);
	close(top);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &was), 0);
	now = was;
	now.rlim_cur = (rlim_t)top;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &now), 0);
	peer_puts(&a, GET("/hold"));
	while (!s.held)
		loop_turn(s.loop, true);
	peer_until_eof(&idle);
	loop_stats(s.loop, &st);
	i = (int)st.turns;
	for (; st.turns < (uint64_t)i + 50; loop_stats(s.loop, &st))
		loop_turn(s.loop, false);
	ck_assert_uint_eq(s.handled, 2);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &was), 0);
	peer_puts(&b, GET("/b"));
	peer_settle(&b);
	ck_assert_uint_eq(b.got.len, 0);
	loop_test_advance(s.loop, 100);
	ck_assert_str_eq(peer_responses(&b, 1, 0), "200");
	peer_close(&idle);
	peer_close(&a);
	peer_close(&b);
	site_close(&s);
}
END_TEST

static void note(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

START_TEST(test_drain)
{
	struct site s;
	struct peer idle, held, big, late;
	bool done = false;
	struct op *op;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 40 * 1024 * 1024);
	peer_open(&idle, s.loop, s.server);
	peer_puts(&idle, GET("/x"));
	ck_assert_str_eq(peer_responses(&idle, 1, 0), "200");
	peer_open(&held, s.loop, s.server);
	peer_puts(&held, GET("/hold"));
	peer_settle(&held);
	peer_open(&big, s.loop, s.server);
	peer_puts(&big, GET("/file"));
	/* connected and asked, but the server has not looked yet */
	peer_open(&late, s.loop, s.server);
	ck_assert_int_gt(send(late.fd, GET("/late"), strlen(GET("/late")), 0), 0);
	op = http_server_drain(s.server, 5000);
	op_then(op, note, &done);
	peer_until_eof(&idle);
	ck_assert_str_eq(peer_responses(&late, 1, 0), "200");
	ck_assert_ptr_nonnull(strstr(late.got.p, "Connection: close\r\n"));
	ck_assert_str_eq(peer_responses(&big, 1, 0), "200");
	for (i = 0; i < 20; i++)
		loop_turn(s.loop, false);
	ck_assert(!done);
	http_reply_text(s.held, 200, "done");
	ck_assert_str_eq(peer_responses(&held, 1, 0), "200");
	ck_assert_ptr_nonnull(strstr(held.got.p, "Connection: close\r\n"));
	peer_close(&idle);
	peer_close(&held);
	peer_close(&big);
	peer_close(&late);
	while (!done)
		loop_turn(s.loop, true);
	ck_assert_int_eq(op->err.kind, ERR_NONE);
	op_free(op);
	site_close(&s);
}
END_TEST

#define MANY 200

/* So many are closed in slices, after the grace too. */
START_TEST(test_drain_many)
{
	struct site s;
	struct peer p[MANY];
	bool done = false;
	struct op *op;
	int i;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){.max_connections = MANY, .max_per_peer = MANY});
	for (i = 0; i < MANY; i++) {
		peer_open(&p[i], s.loop, s.server);
		peer_puts(&p[i], _i ? "GET /half" : GET("/x"));
	}
	peer_settle(&p[MANY - 1]);
	ck_assert_uint_eq(stats(&s).open_connections, MANY);
	op = http_server_drain(s.server, 5000);
	op_then(op, note, &done);
	if (_i)
		loop_test_advance(s.loop, 5000);
	ck_assert_uint_ge(stats(&s).open_connections, MANY - 64);
	ck_assert(!done);
	while (!done)
		loop_turn(s.loop, true);
	ck_assert_uint_eq(stats(&s).open_connections, 0);
	op_free(op);
	close_all(p, MANY);
	site_close(&s);
}
END_TEST

START_TEST(test_drain_cut)
{
	struct site s;
	struct peer p;
	bool done = false;
	struct op *op;

	clock_fake(T0);
	site_open(&s, (struct http_server_opts){0});
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/hold"));
	peer_settle(&p);
	op = http_server_drain(s.server, 5000);
	op_then(op, note, &done);
	loop_test_advance(s.loop, 4999);
	ck_assert_uint_eq(s.gone, 0);
	loop_test_advance(s.loop, 1);
	ck_assert_uint_eq(s.gone, 1);
	while (!done)
		loop_turn(s.loop, true);
	op_free(op);
	peer_close(&p);
	site_close(&s);
}
END_TEST

START_TEST(test_drain_nothing)
{
	struct site s;
	struct op *op;
	bool done = false;

	site_open(&s, (struct http_server_opts){0});
	op = http_server_drain(s.server, 5000);
	op_then(op, note, &done);
	ck_assert(!done);
	while (!done)
		loop_turn(s.loop, true);
	op_free(op);
	site_close(&s);
}
END_TEST

START_TEST(test_listen_fails)
{
	struct http_server_opts o = {
		.name = "test", .address = "127.0.0.1:99999", .handler = handle};
	struct loop *l = loop_new();
	struct err err;

	ck_assert_ptr_null(http_server_new(l, &o, &err));
	ck_assert_msg(!strncmp(err.msg, "server 'test': ", 15), "%s", err.msg);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* Hanging up in the middle of a file must not end the process, even where nobody ignored
   SIGPIPE. */
START_TEST(test_sigpipe)
{
	struct linger now = {.l_onoff = 1};
	struct site s;
	struct peer p;

	signal(SIGPIPE, SIG_DFL);
	site_open(&s, (struct http_server_opts){0});
	site_file(&s, 40 * 1024 * 1024);
	peer_open(&p, s.loop, s.server);
	peer_puts(&p, GET("/file"));
	ck_assert(peer_until(&p, "abc"));
	setsockopt(p.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	peer_close(&p);
	while (!s.gone)
		loop_turn(s.loop, true);
	site_close(&s);
}
END_TEST

Suite *suite_server(void)
{
	Suite *s = suite_create("server");
	TCase *t = tcase_create("server");

	tcase_add_test(t, test_file);
	tcase_add_test(t, test_file_too_short);
	tcase_add_test(t, test_big_buf);
	tcase_add_test(t, test_bodyless);
	tcase_add_test(t, test_stream);
	tcase_add_test(t, test_slow_reader);
	tcase_add_test(t, test_later);
	tcase_add_loop_test(t, test_gone, 0, 3);
	tcase_add_test(t, test_reset);
	tcase_add_test(t, test_half_closed);
	tcase_add_loop_test(t, test_half_closed_pipeline, 0, ARRAY_LEN(PIPED));
	tcase_add_test(t, test_read_ahead);
	tcase_add_test(t, test_refused_upload);
	tcase_add_test(t, test_timeouts);
	tcase_add_test(t, test_linger_ends);
	tcase_add_test(t, test_date);
	tcase_add_test(t, test_cap);
	tcase_add_test(t, test_silent_give_way);
	tcase_add_test(t, test_not_silent);
	tcase_add_test(t, test_left_give_way);
	tcase_add_test(t, test_half_requests_give_way);
	tcase_add_test(t, test_half_closed_give_way);
	tcase_add_test(t, test_order_of_giving_way);
	tcase_add_test(t, test_slow_readers_give_way);
	tcase_add_test(t, test_turned_away);
	tcase_add_test(t, test_peer_cap);
	tcase_add_loop_test(t, test_peer_cap_default, 0, ARRAY_LEN(CAPS));
	tcase_add_test(t, test_dripping_reader);
	tcase_add_test(t, test_slow_link);
	tcase_add_test(t, test_few_linger);
	tcase_add_test(t, test_pipeline);
	tcase_add_test(t, test_no_descriptors);
	tcase_add_test(t, test_drain);
	tcase_add_loop_test(t, test_drain_many, 0, 2);
	tcase_add_test(t, test_drain_cut);
	tcase_add_test(t, test_drain_nothing);
	tcase_add_test(t, test_listen_fails);
	tcase_add_test(t, test_sigpipe);
	suite_add_tcase(s, t);
	return s;
}
