#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "test/fake/dns.h"
#include "test/fake/tcp_script.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GET "GET /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\n\r\n"
#define OK2 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct world {
	struct loop *l;
	struct http_client *c;
	struct tcp_script *s;
	struct fake_dns *dns; /* NULL: the system's */
};

static struct world w;

/* The sandbox may have a proxy in its environment; tests of proxies set their own, before they
   begin. */
static void no_proxies(void)
{
	static const char *const names[] = {"http_proxy", "HTTP_PROXY", "https_proxy",
		"HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "REQUEST_METHOD"};
	size_t i;

	for (i = 0; i < ARRAY_LEN(names); i++)
		unsetenv(names[i]);
}

static void begin_names(const struct tcp_step *script, const struct dns_row *names)
{
	struct http_client_opts opts = {0};

	clock_fake(1700000000000);
	w.l = loop_new();
	w.dns = names ? fake_dns_new(w.l, names, NULL) : NULL;
	if (w.dns)
		opts.dns = fake_dns_opts(w.dns);
	w.c = http_client_new(w.l, &opts);
	w.s = script ? tcp_script_new(w.l, script) : NULL;
}

static void begin(const struct tcp_step *script)
{
	begin_names(script, NULL);
}

static void finish(void)
{
	struct http_client_stats st;
	int i;

	http_client_stats(w.c, &st);
	ck_assert_uint_eq(st.open_requests, 0);
	/* The script may still have to notice that we closed. */
	http_client_free(w.c);
	for (i = 0; i < 20; i++)
		loop_turn(w.l, false);
	if (w.s)
		tcp_script_free(w.s);
	if (w.dns)
		fake_dns_free(w.dns);
	for (i = 0; i < 5; i++)
		loop_turn(w.l, false);
	ck_assert_int_eq(loop_free(w.l), 0);
}

static void until_done(struct op *op)
{
	while (!op->done)
		loop_turn(w.l, true);
}

static void until_hold(void)
{
	int i;

	while (!tcp_script_holds(w.s))
		loop_turn(w.l, true);
	for (i = 0; i < 50; i++)
		loop_turn(w.l, false);
}

static struct op *get(struct http_req req)
{
	req.method = req.method ? req.method : "GET";
	req.url = req.url ? req.url : tcp_script_url(w.s, "/x");
	req.max_body = req.max_body ? req.max_body : 1000;
	return http_start(w.c, &req);
}

/* ---- what goes over the wire ----------------------------------------------------------------- */

static const struct http_hdr HDRS[] = {{"Accept", "application/json"}, {"X-Empty", ""},
	{"Content-Type", "text/plain"}, {NULL, NULL}};

static const struct {
	const char *name, *method, *body, *bearer, *basic;
	const struct http_hdr *hdrs;
	const char *want;
} WIRE[] = {
	{"get", "GET", NULL, NULL, NULL, NULL, GET},
	{"head", "HEAD", NULL, NULL, NULL, NULL,
		"HEAD /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\n\r\n"},
	{"headers", "GET", NULL, NULL, NULL, HDRS,
		"GET /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nAccept: "
		"application/json\r\n"
		"X-Empty:\r\nContent-Type: text/plain\r\n\r\n"},
	{"post", "POST", "abc", NULL, NULL, HDRS + 2,
		"POST /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nContent-Type: "
		"text/plain\r\n"
		"Content-Length: 3\r\n\r\nabc"},
	{"empty post", "POST", NULL, NULL, NULL, NULL,
		"POST /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nContent-Length: "
		"0\r\n\r\n"},
	{"patch", "PATCH", "{}", "tok", NULL, NULL,
		"PATCH /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nAuthorization: Bearer "
		"tok\r\n"
		"Content-Length: 2\r\n\r\n{}"},
	{"delete", "DELETE", NULL, NULL, "u:p", NULL,
		"DELETE /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nAuthorization: Basic "
		"dTpw\r\n\r\n"},
	{"put", "PUT", "12", NULL, NULL, NULL,
		"PUT /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\nContent-Length: "
		"2\r\n\r\n12"},
};

START_TEST(test_wire)
{
	struct tcp_step script[] = {{TCP_EXPECT, WIRE[_i].want, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:  2 \r\nContent-Length: 2\r\n\r\n", 0},
		{TCP_SEND, strcmp(WIRE[_i].method, "HEAD") != 0 ? "ok" : "", 0}, {0}};
	struct secret bearer = {0}, basic = {0};
	const struct http_res *r;
	struct op *op;
	char *nth;

	begin(script);
	if (WIRE[_i].bearer)
		secret_set(&bearer, WIRE[_i].bearer, strlen(WIRE[_i].bearer));
	if (WIRE[_i].basic)
		secret_set(&basic, WIRE[_i].basic, strlen(WIRE[_i].basic));
	op = get((struct http_req){.method = WIRE[_i].method,
		.body = WIRE[_i].body,
		.body_len = WIRE[_i].body ? strlen(WIRE[_i].body) : 0,
		.bearer = &bearer,
		.basic = &basic,
		.hdrs = WIRE[_i].hdrs});
	secret_clear(&bearer);
	secret_clear(&basic);
	until_done(op);
	r = http_result(op);
	ck_assert_msg(!op->err.kind, "%s: %s", WIRE[_i].name, op->err.msg);
	ck_assert_int_eq(r->status, 200);
	ck_assert_str_eq(buf_str(&r->body), strcmp(WIRE[_i].method, "HEAD") != 0 ? "ok" : "");
	ck_assert_str_eq(http_header(r, "X-a"), "2");
	nth = http_header_nth(r, "x-A", 0);
	ck_assert_str_eq(nth, "1");
	free(nth);
	ck_assert_ptr_null(http_header_nth(r, "x-a", 2));
	ck_assert_ptr_null(http_header(r, "x"));
	ck_assert(r->new_connection);
	op_free(op);
	finish();
}
END_TEST

START_TEST(test_refused)
{
	static const struct {
		const char *url, *header, *method, *bearer;
	} rows[] = {
		{"ftp://h/", "v", "GET", NULL},
		{"http://user:pass@127.0.0.1:1/", "v", "GET", NULL},
		{"http://h/a b", "v", "GET", NULL},
		{"http://127.0.0.1:1/", "a\r\nX: y", "GET", NULL},
		{"http://127.0.0.1:1/", "v", "GET /\r\n", NULL},
		{"http://127.0.0.1:1/", "v", "GET", "tok\r\nX: y"},
	};
	struct secret bearer = {0};
	struct http_hdr hdrs[] = {{"X-H", rows[_i].header}, {NULL, NULL}};
	struct op *op;

	begin(NULL);
	if (rows[_i].bearer)
		secret_set(&bearer, rows[_i].bearer, strlen(rows[_i].bearer));
	op = get((struct http_req){
		.url = rows[_i].url, .hdrs = hdrs, .method = rows[_i].method, .bearer = &bearer});
	secret_clear(&bearer);
	until_done(op);
	/* A credential may be another next time. */
	ck_assert_msg(op->err.kind == (rows[_i].bearer ? ERR_RETRY : ERR_STALL), "row %d: %d %s",
		_i, op->err.kind, op->err.msg);
	ck_assert_ptr_null(strstr(op->err.msg, "pass"));
	ck_assert_ptr_null(strstr(op->err.msg, "tok"));
	op_free(op);
	finish();
}
END_TEST

/* ---- what comes back ------------------------------------------------------------------------- */

static const struct {
	const char *name, *answer;
	size_t fill;
	bool cut; /* the server closes after it */
	int status; /* 0: the op fails */
	int code;
	const char *text; /* in the body, or in the message */
} ANSWERS[] = {
	{"plain", OK2, 0, false, 200, 0, "ok"},
	{"1xx before it",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" OK2, 0,
		false, 200, 0, "ok"},
	{"chunked, with trailer",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
		"chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX-T: z\r\n\r\n",
		0, false, 200, 0, "ok"},
	{"until close", "HTTP/1.0 200 OK\r\n\r\nok", 0, true, 200, 0, "ok"},
	{"redirect is not followed",
		"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 2\r\n\r\nno", 0,
		false, 307, 0, "no"},
	{"no content", "HTTP/1.1 204 No Content\r\n\r\n", 0, false, 204, 0, ""},
	{"error", "HTTP/1.1 500 X\r\nContent-Length: 4\r\n\r\noops", 0, false, 500, 0, "oops"},
	{"cut in the body", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", 0, true, 0,
		-ECONNRESET, "3 bytes"},
	{"cut in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nok", 0, true,
		0, -ECONNRESET, ""},
	{"cut in the headers", "HTTP/1.1 200 OK\r\nContent-Le", 0, true, 0, 0, ""},
	{"closed at once", "", 0, true, 0, -ECONNRESET, "/x'"},
	{"only 1xx", "HTTP/1.1 100 Continue\r\n\r\n", 0, true, 0, 0, ""},
	{"garbage", "\x16\x03\x01 hello\r\n\r\n", 0, true, 0, -EPROTO, ""},
	{"length past the limit", "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", 0, false, 0,
		-EFBIG, "1000 bytes"},
	{"length that overflows",
		"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n", 0, false, 0,
		-EFBIG, ""},
	{"endless body", "HTTP/1.1 200 OK\r\n\r\n", 1 << 20, false, 0, -EFBIG, "1000 bytes"},
	{"header bomb", "HTTP/1.1 200 OK\r\nX: ", 1 << 20, false, 0, 0, ""},
	{"1 MiB of headers, many lines", NULL, 0, false, 0, -EFBIG, "65536"},
	{"endless 1xx", NULL, 1, false, 0, -EFBIG, "65536"},
	{"NUL in a header", NULL, 2, false, 0, -EPROTO, ""},
};

START_TEST(test_answers)
{
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct tcp_step script[] = {{TCP_EXPECT, GET, 0}, {TCP_SEND, NULL, 0},
		{TCP_FILL, NULL, ANSWERS[_i].fill},
		{ANSWERS[_i].cut ? TCP_CLOSE : TCP_END, NULL, 0}, {0}};
	const struct http_res *r;
	struct op *op;
	int i;

	if (ANSWERS[_i].answer) {
		buf_adds(&text, ANSWERS[_i].answer);
	} else {
		script[2].n = 0;
		buf_adds(&text, "HTTP/1.1 200 OK\r\n");
		for (i = 0; i < 20000 && !ANSWERS[_i].fill; i++)
			buf_addf(&text, "X-Header-%d: something of fifty bytes to fill up\r\n", i);
		if (ANSWERS[_i].fill == 1) {
			buf_reset(&text);
			for (i = 0; i < 20000; i++)
				buf_adds(&text, "HTTP/1.1 102 Processing\r\nX: y\r\n\r\n");
		}
	}
	script[1].text = buf_str(&text);
	if (ANSWERS[_i].fill == 2) {
		static const struct tcp_step nul[] = {{TCP_EXPECT, GET, 0},
			{TCP_SEND, "HTTP/1.1 200 OK\r\nA: ", 0}, {TCP_NUL, NULL, 0},
			{TCP_SEND, "\r\nContent-Length: 0\r\n\r\n", 0}, {0}};

		begin(nul);
	} else {
		begin(script);
	}
	op = get((struct http_req){.deadline_ms = 60000});
	until_done(op);
	r = http_result(op);
	if (ANSWERS[_i].status) {
		ck_assert_msg(!op->err.kind, "%s: %s", ANSWERS[_i].name, op->err.msg);
		ck_assert_int_eq(r->status, ANSWERS[_i].status);
		ck_assert_str_eq(buf_str(&r->body), ANSWERS[_i].text);
		ck_assert_ptr_null(http_header(r, "X-T"));
		ck_assert_ptr_null(http_header(r, "X"));
	} else {
		ck_assert_msg(op->err.kind == ERR_RETRY, "%s: kind %d '%s'", ANSWERS[_i].name,
			op->err.kind, op->err.msg);
		ck_assert_msg(!ANSWERS[_i].code || op->err.code == ANSWERS[_i].code,
			"%s: code %d '%s'", ANSWERS[_i].name, op->err.code, op->err.msg);
		ck_assert_msg(strstr(op->err.msg, ANSWERS[_i].text) && strstr(op->err.msg, "GET"),
			"%s: '%s'", ANSWERS[_i].name, op->err.msg);
	}
	op_free(op);
	finish();
}
END_TEST

/* A server, or a load balancer, that sends its answer and then resets the connection: what is
   complete counts, also when it takes more than one read; what only a proper end could complete
   does not. */
static const struct {
	const char *name, *method, *answer;
	size_t fill;
	int status; /* 0: the op fails */
} RESETS[] = {
	{"a length", "GET", OK2, 0, 200},
	{"a length and the last answer", "GET",
		"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 0, 200},
	{"HEAD", "HEAD", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n", 0,
		200},
	{"no content", "GET", "HTTP/1.1 204 No Content\r\n\r\n", 0, 204},
	{"chunks", "GET",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 0,
		200},
	{"three buffers", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 40000\r\n\r\n", 40000, 200},
	{"a refusal of a post", "POST", "HTTP/1.1 413 X\r\nContent-Length: 2\r\n\r\nno", 0, 413},
	{"until close", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok", 0, 0},
	{"a byte too few", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 40001\r\n\r\n", 40000, 0},
	{"no last chunk", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		0, 0},
	{"half of the headers", "GET", "HTTP/1.1 200 OK\r\nContent-Le", 0, 0},
	{"nothing", "GET", "", 0, 0},
};

START_TEST(test_reset)
{
	const struct tcp_step script[] = {{TCP_REQUEST, RESETS[_i / 10].method, 0},
		{TCP_SEND, RESETS[_i / 10].answer, 0}, {TCP_FILL, NULL, RESETS[_i / 10].fill},
		{TCP_RESET, NULL, 0}, {0}};
	const char *name = RESETS[_i / 10].name;
	struct op *op;

	begin(script);
	op = get((struct http_req){.method = RESETS[_i / 10].method,
		.body = "12",
		.body_len = !strcmp(RESETS[_i / 10].method, "POST") ? 2 : 0,
		.max_body = 50000,
		.deadline_ms = 60000});
	until_done(op);
	if (RESETS[_i / 10].status) {
		ck_assert_msg(!op->err.kind, "%s: %s", name, op->err.msg);
		ck_assert_int_eq(http_result(op)->status, RESETS[_i / 10].status);
	} else {
		ck_assert_msg(op->err.kind == ERR_RETRY, "%s: taken", name);
		ck_assert_msg(op->err.code == -ECONNRESET, "%s: %s", name, op->err.msg);
	}
	op_free(op);
	finish();
}
END_TEST

/* An error's body is kept up to its limit and no more is read of it; the op succeeds. */
START_TEST(test_error_body)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 502 X\r\nContent-Length: 1000000\r\n\r\n", 0},
		{TCP_FILL, NULL, 1000000}, {0}};
	struct op *op;

	begin(script);
	op = get((struct http_req){
		.on_body = (void *)(uintptr_t)abort, .keep_error_body = true, .max_body = 5});
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	ck_assert_int_eq(http_result(op)->status, 502);
	ck_assert_uint_eq(http_result(op)->body.len, LIMIT_ERROR_BODY);
	op_free(op);
	finish();
}
END_TEST

/* ---- time ------------------------------------------------------------------------------------ */

static const struct {
	const char *name, *sent;
	struct http_req req;
	uint64_t early, late; /* nothing happens in the first, it fails after the second */
	const char *text;
} TIMES[] = {
	{"deadline, no answer", "", {.deadline_ms = 5000}, 4999, 1, "not done within 5s"},
	{"deadline, in the body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx",
		{.deadline_ms = 5000, .headers_ms = 1000}, 4999, 1, "not done within 5s"},
	{"headers", "HTTP/1.1 200 OK\r\nConte", {.deadline_ms = 5000, .headers_ms = 1000}, 999, 1,
		"no answer within 1s"},
	{"idle", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx", {.idle_ms = 2000}, 1999, 1,
		"no byte for 2s"},
	{"rate", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nxx",
		{.min_rate = 1, .min_rate_window_ms = 60000}, 59999, 1, "only 2 bytes in 1m0s"},
	{"no rate failure while fast enough", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nxxx",
		{.min_rate = 1, .min_rate_window_ms = 3000, .idle_ms = 5000}, 4999, 1,
		"no byte for 5s"},
};

START_TEST(test_times)
{
	struct tcp_step script[] = {
		{TCP_EXPECT, GET, 0}, {TCP_SEND, TIMES[_i].sent, 0}, {TCP_HOLD, NULL, 0}, {0}};
	struct op *op;
	int i;

	begin(script);
	op = get(TIMES[_i].req);
	until_hold();
	if (strstr(TIMES[_i].sent, "xx"))
		while (!http_result(op)->body_bytes)
			loop_turn(w.l, true);
	loop_test_advance(w.l, TIMES[_i].early);
	for (i = 0; i < 20; i++)
		loop_turn(w.l, false);
	ck_assert_msg(!op->done, "%s: %s", TIMES[_i].name, op->err.msg);
	loop_test_advance(w.l, TIMES[_i].late);
	for (i = 0; i < 20; i++)
		loop_turn(w.l, false);
	ck_assert_msg(op->done, "%s: still running", TIMES[_i].name);
	ck_assert_int_eq(op->err.code, -ETIMEDOUT);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_msg(strstr(op->err.msg, TIMES[_i].text), "%s: '%s'", TIMES[_i].name, op->err.msg);
	op_free(op);
	tcp_script_go(w.s);
	finish();
}
END_TEST

/* ---- pause and resume ------------------------------------------------------------------------ */

struct sink {
	struct op *op;
	struct buf got;
	unsigned pauses, calls;
	int headers, fail_at;
	size_t cancel_at;
};

static enum http_body_ret sink_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct sink *k = arg;

	k->calls++;
	ck_assert_uint_le(n, 16384);
	if (k->fail_at && k->got.len >= (size_t)k->fail_at) {
		err_code(err, ERR_STALL, -7, "enough");
		return HTTP_BODY_FAIL;
	}
	if (k->pauses && k->calls % 3 == 1) {
		k->pauses--;
		return HTTP_BODY_PAUSE;
	}
	buf_add(&k->got, data, n);
	if (k->cancel_at && k->got.len >= k->cancel_at)
		op_cancel(k->op);
	return HTTP_BODY_OK;
}

static int sink_headers(void *arg, const struct http_res *res, struct err *err)
{
	struct sink *k = arg;

	k->headers++;
	ck_assert(res->headers_complete);
	if (k->fail_at < 0)
		return err_code(err, ERR_STALL, -8, "not that");
	return 0;
}

START_TEST(test_pause)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n", 0},
		{TCP_FILL, NULL, 300000}, {0}};
	struct sink k = {.got = BUF_INIT(BUF_ANY), .pauses = 7};
	unsigned left = 8, i;

	begin(script);
	k.op = get((struct http_req){.on_body = sink_body,
		.on_headers = sink_headers,
		.arg = &k,
		.max_body = 300000,
		.idle_ms = 1000,
		.min_rate = 1000,
		.min_rate_window_ms = 1000});
	while (!k.op->done) {
		if (k.pauses < left - 1) {
			left--;
			/* A pause may last: nothing is supervised. */
			for (i = 0; i < 5; i++)
				loop_turn(w.l, false);
			loop_test_advance(w.l, 100000);
			ck_assert(!k.op->done);
			http_resume(k.op);
		}
		loop_turn(w.l, k.pauses == left - 1);
	}
	ck_assert_msg(!k.op->err.kind, "%s", k.op->err.msg);
	ck_assert_uint_eq(k.got.len, 300000);
	ck_assert_uint_eq(http_result(k.op)->body_bytes, 300000);
	ck_assert_uint_eq(k.pauses, 0);
	ck_assert_int_eq(k.headers, 1);
	http_resume(k.op); /* safe after the end */
	op_free(k.op);
	buf_clear(&k.got);
	finish();
}
END_TEST

/* Row 0: on_body fails; 1: on_headers fails; 2: cancelled from inside on_body; 3: cancelled while
   paused. */
START_TEST(test_callbacks_end_it)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n", 0},
		{TCP_FILL, NULL, 3000000}, {0}};
	static const int want[] = {-7, -8, 0, 0};
	struct sink k = {.got = BUF_INIT(BUF_ANY)};

	begin(script);
	k.fail_at = _i == 0 ? 50000 : _i == 1 ? -1 : 0;
	k.cancel_at = _i == 2 ? 50000 : 0;
	k.pauses = _i == 3;
	k.op = get((struct http_req){.on_body = sink_body,
		.on_headers = sink_headers,
		.arg = &k,
		.max_body = 300000000});
	if (_i == 3) {
		while (k.pauses)
			loop_turn(w.l, true);
		op_cancel(k.op);
	}
	until_done(k.op);
	ck_assert_int_eq(k.op->err.code, want[_i]);
	ck_assert_int_eq(k.op->err.kind, _i < 2 ? ERR_STALL : ERR_CANCELED);
	ck_assert_uint_lt(k.got.len, 100000);
	op_free(k.op);
	buf_clear(&k.got);
	finish();
}
END_TEST

/* ---- cancel at every phase ------------------------------------------------------------------- */

START_TEST(test_cancel)
{
	static const char *const sent[] = {
		"", "HTTP/1.1 200 OK\r\nCont", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxx"};
	struct tcp_step script[] = {{TCP_EXPECT, GET, 0}, {TCP_SEND, _i < 3 ? sent[_i] : "", 0},
		{TCP_HOLD, NULL, 0}, {TCP_WAIT_CLOSE, NULL, 0}, {0}};
	struct op *op;
	int i;

	begin(script);
	op = get((struct http_req){.deadline_ms = 1000});
	until_hold();
	op_cancel(op);
	ck_assert(!op->done); /* never from inside the call */
	for (i = 0; i < 5 && !op->done; i++)
		loop_turn(w.l, false);
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	tcp_script_go(w.s);
	finish();
}
END_TEST

/* Before it has begun, while it connects, while a name is being resolved (by a resolver that may
   take its time). */
START_TEST(test_cancel_early)
{
	static const char *const urls[] = {
		"http://127.0.0.1:9/", "http://192.0.2.1:9/", "http://does-not-exist.invalid/"};
	uint64_t from;
	struct op *op;
	int i, turn;

	for (turn = 0; turn < 4; turn++) {
		begin(NULL);
		op = get((struct http_req){.url = urls[_i]});
		for (i = 0; i < turn && !op->done; i++)
			loop_turn(w.l, false);
		from = clock_ns();
		if (turn == 3) {
			op_drop(op);
			for (i = 0; i < 5; i++)
				loop_turn(w.l, false);
		} else {
			op_cancel(op);
			for (i = 0; i < 5 && !op->done; i++)
				loop_turn(w.l, false);
			ck_assert(op->done);
			op_free(op);
		}
		ck_assert_uint_lt(clock_ns() - from, 2000000000);
		finish();
	}
}
END_TEST

static const struct dns_row NAMES[] = {{"stuck.test", DNS_STALL, NULL, 0},
	{"reg.test", DNS_A, "127.0.0.1", 60}, {"two.test", DNS_AAAA, "::1", 60},
	{"two.test", DNS_A, "127.0.0.1", 60}, {"both.test", DNS_A, "127.0.0.1", 60},
	{"both.test", DNS_A, "127.0.0.2", 60}, {0}};

/* Row 0: the deadline; row 1: a cancel. */
START_TEST(test_cancel_resolving)
{
	struct op *op;
	int i;

	begin_names(NULL, NAMES);
	op = get((struct http_req){.url = "http://stuck.test/", .deadline_ms = 5000});
	while (!fake_dns_asked(w.dns, "stuck.test"))
		loop_turn(w.l, true);
	if (_i)
		op_cancel(op);
	else
		loop_test_advance(w.l, 5000);
	for (i = 0; i < 5 && !op->done; i++)
		loop_turn(w.l, false);
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind, _i ? ERR_CANCELED : ERR_RETRY);
	op_free(op);
	finish();
}
END_TEST

/* A lookup belongs to the time for a connection. */
START_TEST(test_connect_deadline)
{
	struct op *op;
	int i;

	begin_names(NULL, NAMES);
	op = get((struct http_req){
		.url = "http://stuck.test/", .connect_ms = 3000, .deadline_ms = 60000});
	while (!fake_dns_asked(w.dns, "stuck.test"))
		loop_turn(w.l, true);
	loop_test_advance(w.l, 2999);
	ck_assert(!op->done);
	loop_test_advance(w.l, 1);
	for (i = 0; i < 5 && !op->done; i++)
		loop_turn(w.l, false);
	ck_assert(op->done);
	ck_assert_int_eq(op->err.code, -ETIMEDOUT);
	ck_assert_str_eq(op->err.msg, "GET 'http://stuck.test/': no connection within 3s");
	op_free(op);
	finish();
}
END_TEST

/* The only connection is another request's: waiting for it is none of the time for a connection. */
START_TEST(test_connect_deadline_in_line)
{
	static const struct tcp_step script[] = {{TCP_REQUEST, "GET /x", 0}, {TCP_HOLD, NULL, 0},
		{TCP_SEND, OK2, 0}, {TCP_REQUEST, "GET /y", 0}, {TCP_SEND, OK2, 0}, {0}};
	struct op *first, *op;

	begin(script);
	http_client_free(w.c);
	w.c = http_client_new(w.l, &(struct http_client_opts){.max_per_host = 1});
	first = get((struct http_req){0});
	until_hold();
	op = get((struct http_req){
		.url = tcp_script_url(w.s, "/y"), .connect_ms = 3000, .deadline_ms = 60000});
	loop_test_advance(w.l, 4000);
	ck_assert(!op->done);
	tcp_script_go(w.s);
	until_done(first);
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(first);
	op_free(op);
	finish();
}
END_TEST

/* An address that takes the connection and says nothing in TLS: nothing was looked up. */
START_TEST(test_connect_deadline_tls)
{
	static const struct tcp_step script[] = {{TCP_WAIT_CLOSE, NULL, 0}, {0}};
	auto_free char *url = NULL;
	struct op *op;
	int i;

	begin(script);
	url = mem_printf("https://%s/", tcp_script_host(w.s));
	op = get((struct http_req){.url = url, .connect_ms = 3000, .deadline_ms = 60000});
	for (i = 0; i < 100; i++) {
		loop_turn(w.l, false);
		usleep(500);
	}
	loop_test_advance(w.l, 2999);
	ck_assert(!op->done);
	loop_test_advance(w.l, 1);
	for (i = 0; i < 5 && !op->done; i++)
		loop_turn(w.l, false);
	ck_assert_str_eq(strstr(op->err.msg, "': "), "': no connection within 3s");
	op_free(op);
	finish();
}
END_TEST

/* ---- names and addresses --------------------------------------------------------------------- */

static unsigned port_of(const struct tcp_script *s)
{
	return (unsigned)atoi(strchr(tcp_script_host(s), ':') + 1);
}

/* Once there is a connection the answer may take longer. */
START_TEST(test_connect_deadline_over)
{
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x HTTP/1.1\r\nHost: reg.test:", 0}, {TCP_WAIT_CLOSE, NULL, 0},
		{0}};
	char url[64];
	struct op *op;
	int i;

	begin_names(script, NAMES);
	snprintf(url, sizeof(url), "http://reg.test:%u/x", port_of(w.s));
	op = get((struct http_req){.url = url, .connect_ms = 3000, .deadline_ms = 10000});
	for (i = 0; i < 200; i++) {
		loop_turn(w.l, false);
		usleep(500);
	}
	loop_test_advance(w.l, 9000);
	ck_assert(!op->done);
	loop_test_advance(w.l, 1000);
	for (i = 0; i < 5 && !op->done; i++)
		loop_turn(w.l, false);
	ck_assert_str_eq(strstr(op->err.msg, "': "), "': not done within 10s");
	op_free(op);
	finish();
}
END_TEST

/* The host that was asked for is what goes over the wire; the second request needs no lookup, and
   finds the connection open. */
START_TEST(test_name)
{
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x HTTP/1.1\r\nHost: reg.test:", 0}, {TCP_SEND, OK2, 0},
		{TCP_REQUEST, "GET /x HTTP/1.1\r\nHost: reg.test:", 0}, {TCP_SEND, OK2, 0}, {0}};
	auto_free char *url = NULL;
	char text[IP_TEXT_MAX];
	int i;

	begin_names(script, NAMES);
	url = mem_printf("http://reg.test:%u/x", port_of(w.s));
	for (i = 0; i < 2; i++) {
		struct op *op = get((struct http_req){.url = url});

		until_done(op);
		ck_assert_msg(!op->err.kind, "%s", op->err.msg);
		ck_assert_int_eq(http_result(op)->new_connection, !i);
		ck_assert(http_result(op)->has_peer);
		ip_format(&http_result(op)->peer, text);
		ck_assert_str_eq(text, "127.0.0.1");
		op_free(op);
	}
	ck_assert_uint_eq(fake_dns_asked(w.dns, "reg.test"), 1);
	finish();
}
END_TEST

/* The server listens on 127.0.0.1 only: the other address of the name is refused, and that one is
   tried. */
START_TEST(test_next_address)
{
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x", 0}, {TCP_SEND, OK2, 0}, {0}};
	auto_free char *url = NULL;
	struct op *op;

	begin_names(script, NAMES);
	url = mem_printf("http://%s:%u/x", _i ? "both.test" : "two.test", port_of(w.s));
	op = get((struct http_req){.url = url});
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(op);
	finish();
}
END_TEST

/* libcurl keeps what it is told for a while; it must hear of a new address all the same. */
START_TEST(test_address_moves)
{
	static const struct dns_row moved[] = {{"reg.test", DNS_A, "127.0.0.2", 60}, {0}};
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x", 0}, {TCP_SEND, OK2, 0}, {TCP_CLOSE, NULL, 0}, {0}};
	auto_free char *url = NULL;
	struct op *op;
	int i;

	begin_names(script, NAMES);
	url = mem_printf("http://reg.test:%u/x", port_of(w.s));
	op = get((struct http_req){.url = url});
	until_done(op);
	op_free(op);
	for (i = 0; i < 20; i++)
		loop_turn(w.l, false);
	fake_dns_rows(w.dns, moved);
	loop_test_advance(w.l, 60000);
	op = get((struct http_req){.url = url});
	until_done(op);
	ck_assert_int_eq(op->err.code, -ECONNREFUSED); /* nobody listens at 127.0.0.2 */
	op_free(op);
	ck_assert_uint_eq(fake_dns_asked(w.dns, "reg.test"), 2);
	finish();
}
END_TEST

START_TEST(test_no_such_name)
{
	struct op *op;

	begin_names(NULL, NAMES);
	op = get((struct http_req){.url = "http://nobody.test/x"});
	until_done(op);
	ck_assert_str_eq(op->err.msg,
		"GET 'http://nobody.test/x': Could not resolve host: nobody.test (no such name)");
	ck_assert_int_eq(op->err.code, -EHOSTUNREACH);
	op_free(op);
	finish();
}
END_TEST

static int refuse(void *arg, const struct ip *ip, unsigned port, struct err *err)
{
	const char *allowed = arg;
	char text[IP_TEXT_MAX];

	ip_format(ip, text);
	if (port && !strcmp(text, allowed))
		return 0;
	return err_set(err, ERR_RETRY, "'%s' is not for us", text);
}

/* Nothing is opened: by address, by name, for localhost. */
START_TEST(test_address_refused)
{
	static const char *const hosts[] = {"127.0.0.1", "reg.test", "localhost", "both.test"};
	auto_free char *url = NULL;
	struct op *op;

	begin_names((const struct tcp_step[]){{0}}, NAMES);
	url = mem_printf("http://%s:%u/x", hosts[_i], port_of(w.s));
	op = get((struct http_req){.url = url, .on_connect = refuse, .arg = (void *)"10.0.0.1"});
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_int_eq(op->err.code, -EPERM);
	ck_assert_ptr_nonnull(strstr(op->err.msg, "is not for us"));
	ck_assert_ptr_nonnull(strstr(op->err.msg, hosts[_i]));
	op_free(op);
	ck_assert_uint_eq(tcp_script_connections(w.s), 0);
	finish();
}
END_TEST

/* One of two addresses may be used: it is. */
START_TEST(test_one_address_refused)
{
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x", 0}, {TCP_SEND, OK2, 0}, {0}};
	auto_free char *url = NULL;
	struct op *op;

	begin_names(script, NAMES);
	url = mem_printf("http://both.test:%u/x", port_of(w.s));
	op = get((struct http_req){.url = url, .on_connect = refuse, .arg = (void *)"127.0.0.1"});
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(op);
	finish();
}
END_TEST

/* A connection that somebody else opened and left is not used by one who may not: no byte of the
   request is sent. */
START_TEST(test_kept_connection_refused)
{
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET /x", 0}, {TCP_SEND, OK2, 0}, {TCP_WAIT_CLOSE, NULL, 0}, {0}};
	auto_free char *url = NULL;
	struct op *op;

	begin_names(script, NAMES);
	url = mem_printf("http://reg.test:%u/x", port_of(w.s));
	op = get((struct http_req){.url = url});
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(op);
	op = get((struct http_req){.url = url, .on_connect = refuse, .arg = (void *)"10.0.0.1"});
	until_done(op);
	ck_assert_int_eq(op->err.code, -EPERM);
	ck_assert(!http_result(op)->new_connection);
	op_free(op);
	finish();
}
END_TEST

/* ---- connections ----------------------------------------------------------------------------- */

START_TEST(test_reuse)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0},
		{TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0}, {TCP_EXPECT, GET, 0},
		/* The server closes the kept connection just as the next request is on its way: one
		   more try, on a new one. */
		{TCP_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0}, {TCP_EXPECT, GET, 0},
		{TCP_SEND, OK2, 0}, {0}};
	struct http_client_stats st;
	struct op *op;
	int i;

	begin(script);
	for (i = 0; i < 3; i++) {
		op = get((struct http_req){0});
		until_done(op);
		ck_assert_msg(!op->err.kind, "request %d: %s", i, op->err.msg);
		ck_assert_int_eq(http_result(op)->new_connection, i != 1);
		op_free(op);
	}
	http_client_stats(w.c, &st);
	ck_assert_uint_eq(st.requests, 3);
	ck_assert_uint_eq(st.new_connections, 2);
	finish();
}
END_TEST

/* Row 0: after 89 s the connection is used again; row 1: after 90 s the server has seen it close.
   (curl's own clock stands still here.) */
START_TEST(test_idle_close)
{
	static const struct tcp_step kept[] = {{TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0},
		{TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0}, {0}};
	static const struct tcp_step closed[] = {{TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0},
		{TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0}, {TCP_EXPECT, GET, 0},
		{TCP_SEND, OK2, 0}, {0}};
	struct op *op;
	int i;

	begin(_i ? closed : kept);
	for (i = 0; i < 2; i++) {
		op = get((struct http_req){0});
		until_done(op);
		ck_assert_msg(!op->err.kind, "%s", op->err.msg);
		ck_assert_int_eq(http_result(op)->new_connection, !i || _i);
		op_free(op);
		loop_test_advance(w.l, _i ? 90000 : 89000);
	}
	finish();
}
END_TEST

START_TEST(test_refused_connection)
{
	static const struct tcp_step script[] = {{0}};
	struct op *op;

	begin(script);
	op = get((struct http_req){.url = tcp_script_url(w.s, "/x?token=hush")});
	tcp_script_unlisten(w.s);
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_int_eq(op->err.code, -ECONNREFUSED);
	ck_assert_ptr_null(strstr(op->err.msg, "hush"));
	ck_assert_ptr_nonnull(strstr(op->err.msg, tcp_script_host(w.s)));
	op_free(op);
	finish();
}
END_TEST

struct chain {
	struct op *first, *second;
};

static enum http_body_ret chain_body(void *arg, const char *data, size_t n, struct err *err)
{
	struct chain *c = arg;

	(void)data;
	(void)n;
	(void)err;
	if (!c->second) /* from inside curl */
		c->second = get((struct http_req){0});
	return HTTP_BODY_OK;
}

START_TEST(test_start_inside)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok", 0},
		{TCP_ACCEPT, NULL, 0}, {TCP_EXPECT, GET, 0}, {TCP_SEND, OK2, 0}, {0}};
	struct chain c = {0};

	begin(script);
	c.first = get((struct http_req){.on_body = chain_body, .arg = &c});
	while (!c.second || !c.second->done)
		loop_turn(w.l, true);
	ck_assert_msg(!c.second->err.kind, "%s", c.second->err.msg);
	op_free(c.second);
	op_drop(c.first);
	loop_turn(w.l, false);
	loop_turn(w.l, false);
	finish();
}
END_TEST

/* ---- upload ---------------------------------------------------------------------------------- */

static long upload(void *arg, char *to, size_t room)
{
	size_t *left = arg;
	size_t n = *left < room ? *left : room;

	if (*left == 13)
		return -1;
	n = n > 7000 ? 7000 : n;
	memset(to, 'x', n);
	*left -= n;
	return (long)n;
}

START_TEST(test_upload)
{
	static const struct tcp_step script[] = {{TCP_REQUEST, "PUT /x HTTP/1.1\r\n", 0},
		{TCP_SEND, "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", 0}, {0}};
	size_t left = 100000, n;
	struct op *op;

	begin(script);
	op = get((struct http_req){
		.method = "PUT", .on_upload = upload, .arg = &left, .body_total = 100000});
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	ck_assert_int_eq(http_result(op)->status, 201);
	n = strlen(tcp_script_last(w.s));
	ck_assert_ptr_nonnull(strstr(tcp_script_last(w.s), "\r\nContent-Length: 100000\r\n"));
	ck_assert_ptr_null(strstr(tcp_script_last(w.s), "Expect"));
	ck_assert_uint_gt(n, 100000);
	op_free(op);
	finish();
}
END_TEST

/* Row 0: the data ends early; row 1: reading it fails. */
START_TEST(test_upload_short)
{
	static const struct tcp_step script[] = {{TCP_WAIT_CLOSE, NULL, 0}, {0}};
	size_t left = _i ? 7013 : 5000;
	struct op *op;

	begin(script);
	op = get((struct http_req){
		.method = "PUT", .on_upload = upload, .arg = &left, .body_total = 100000});
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_ptr_nonnull(strstr(op->err.msg, "early"));
	op_free(op);
	finish();
}
END_TEST

/* ---- the rest -------------------------------------------------------------------------------- */

START_TEST(test_retry_after)
{
	static const struct {
		const char *value;
		int64_t want;
	} rows[] = {
		{"7", 7000},
		{"0", 0},
		{"", -1},
		{"-1", -1},
		{"1.5", -1},
		{"soon", -1},
		{"86400", 3600000},
		{"99999999999999999999999", -1},
		/* The fake clock says Tue, 14 Nov 2023 22:13:20 GMT. */
		{"Tue, 14 Nov 2023 22:13:30 GMT", 10000},
		{"Tue, 14 Nov 2023 22:13:10 GMT", 0},
		{"Tue, 14 Nov 2033 22:13:10 GMT", 3600000},
		{"Tue, 14 Nov 2023 22:13:30 UTC", 10000},
		{"Tue, 14 Nov 2023 22:13:30 CEST", -1},
		{"Tuesday, 14-Nov-23 22:13:30 GMT", 10000},
		{"Tue Nov 14 22:13:30 2023", 10000},
		{"2023-11-14T22:13:30Z", 10000},
		{"2023-11-14T23:13:30.5+01:00", 10500},
		/* The same moment as seconds and milliseconds since 1970, a past one, and
		   nonsense. */
		{"1700000010", 10000},
		{"1700000010250", 10250},
		{"1699999990", 0},
		{"1700007200", 3600000},
		{"1900000000", -1},
		{"17000000102500", -1},
		{"1600000000", -1},
	};
	struct http_res res = {.raw_headers = BUF_INIT(1000)};

	clock_fake(1700000000000);
	ck_assert_int_eq(http_retry_after_ms(&res), -1);
	buf_addf(&res.raw_headers, "retry-after: %s\r\n", rows[_i].value);
	ck_assert_msg(http_retry_after_ms(&res) == rows[_i].want, "'%s': %lld", rows[_i].value,
		(long long)http_retry_after_ms(&res));
	buf_clear(&res.raw_headers);
	buf_clear(&res.scratch);
}
END_TEST

/* A client reads its environment when it is made. */
static void remake_client(void)
{
	http_client_free(w.c);
	w.c = http_client_new(w.l, &(struct http_client_opts){0});
}

#define THROUGH(host) \
	"GET http://" host "/x HTTP/1.1\r\nHost: " host "\r\nUser-Agent: flux/v2\r\n" \
	"Proxy-Connection: Keep-Alive\r\n\r\n"
#define CONNECT(auth) \
	"CONNECT registry.test:443 HTTP/1.1\r\nHost: registry.test:443\r\n" auth \
	"User-Agent: flux/v2\r\nProxy-Connection: Keep-Alive\r\n\r\n"

/* "{host}" is where the script listens. Loopback is reached directly, but through a proxy that a
   caller names; credentials for the origin do not go to CONNECT. libcurl's own reading of the
   environment is out of the game. */
static const struct {
	const char *name, *var, *value, *more, *more_value;
	const char *url, *proxy, *user; /* NULL: the script's; of struct http_proxy */
	bool none;
	const char *want;
} PROXIES[] = {
	{"of the environment", "http_proxy", "http://{host}", NULL, NULL, "http://registry.test/x",
		NULL, NULL, false, THROUGH("registry.test")},
	{"in capitals, without a scheme", "HTTP_PROXY", "{host}", NULL, NULL,
		"http://registry.test/x", NULL, NULL, false, THROUGH("registry.test")},
	{"for https, with a password", "HTTPS_PROXY", "http://u:p%3Aq@{host}", NULL, NULL,
		"https://registry.test/x", NULL, NULL, false,
		CONNECT("Proxy-Authorization: Basic dTpwOnE=\r\n")},
	{"of the caller", NULL, NULL, NULL, NULL, "https://registry.test/x", "http://{host}", "u",
		false, CONNECT("Proxy-Authorization: Basic dTpw\r\n")},
	{"the caller's user wins", NULL, NULL, NULL, NULL, "https://registry.test/x",
		"http://who:knows@{host}", "u", false,
		CONNECT("Proxy-Authorization: Basic dTpw\r\n")},
	{"the caller's for loopback", "http_proxy", "http://127.0.0.1:1", NULL, NULL,
		"http://127.0.0.1:2/x", "http://{host}", NULL, false, THROUGH("127.0.0.1:2")},
	{"the caller's in spite of NO_PROXY", "no_proxy", "*", NULL, NULL, "http://registry.test/x",
		"http://{host}", NULL, false, THROUGH("registry.test")},
	{"none", "http_proxy", "http://127.0.0.1:1", NULL, NULL, NULL, NULL, NULL, true, GET},
	{"loopback", "http_proxy", "http://127.0.0.1:1", NULL, NULL, NULL, NULL, NULL, false, GET},
	{"loopback, no_proxy or not", "http_proxy", "http://127.0.0.1:1", "no_proxy", "corp.test",
		NULL, NULL, NULL, false, GET},
	{"ALL_PROXY", "ALL_PROXY", "http://127.0.0.1:1", "all_proxy", "http://127.0.0.1:1", NULL,
		NULL, NULL, false, GET},
};

static char *with_host(const char *text)
{
	const char *at = text ? strstr(text, "{host}") : NULL;

	return at ? mem_printf("%.*s%s", (int)(at - text), text, tcp_script_host(w.s))
		  : mem_strdup(text);
}

START_TEST(test_proxy)
{
	bool tunnel = !strncmp(PROXIES[_i].want, "CONNECT", 7);
	const struct tcp_step script[] = {{TCP_EXPECT, PROXIES[_i].want, 0},
		{TCP_SEND, tunnel ? "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n" : OK2, 0},
		{0}};
	struct http_proxy proxy = {.none = PROXIES[_i].none};
	struct secret bearer = {0};
	auto_free char *value = NULL;
	struct op *op;

	no_proxies();
	begin(script);
	value = with_host(PROXIES[_i].value);
	if (value)
		setenv(PROXIES[_i].var, value, 1);
	if (PROXIES[_i].more)
		setenv(PROXIES[_i].more, PROXIES[_i].more_value, 1);
	remake_client();
	proxy.url = with_host(PROXIES[_i].proxy);
	proxy.user = mem_strdup(PROXIES[_i].user);
	secret_set(&proxy.password, "p", 1);
	secret_set(&bearer, "hush", 4);
	op = get((struct http_req){
		.url = PROXIES[_i].url, .proxy = &proxy, .bearer = tunnel ? &bearer : NULL});
	until_done(op);
	if (tunnel) {
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		ck_assert_ptr_nonnull(strstr(op->err.msg, "403"));
		ck_assert(!http_result(op)->tls_answered);
	} else {
		ck_assert_msg(!op->err.kind, "%s: %s", PROXIES[_i].name, op->err.msg);
	}
	op_free(op);
	http_proxy_clear(&proxy);
	secret_clear(&bearer);
	finish();
}
END_TEST

/* What one user's password has opened serves nobody else, nor him a second time. */
START_TEST(test_proxy_connections)
{
	static const struct tcp_step script[] = {{TCP_REQUEST, "GET http://registry.test/x", 0},
		{TCP_SEND, OK2, 0}, {TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0},
		{TCP_REQUEST, "GET http://registry.test/x", 0}, {TCP_SEND, OK2, 0}, {0}};
	struct http_proxy proxy = {0};
	struct op *op;
	int i;

	no_proxies();
	begin(script);
	remake_client();
	proxy.url = with_host("http://{host}");
	secret_set(&proxy.password, "p", 1);
	for (i = 0; i < 2; i++) {
		free(proxy.user);
		proxy.user = mem_strdup(i ? "b" : "a");
		op = get((struct http_req){.url = "http://registry.test/x", .proxy = &proxy});
		until_done(op);
		ck_assert_msg(!op->err.kind, "%s", op->err.msg);
		ck_assert(http_result(op)->new_connection);
		ck_assert_ptr_nonnull(strstr(tcp_script_last(w.s),
			i ? "Proxy-Authorization: Basic Yjpw\r\n"
			  : "Proxy-Authorization: Basic YTpw\r\n"));
		op_free(op);
	}
	http_proxy_clear(&proxy);
	finish();
}
END_TEST

/* The proxy's name is looked up, the target's is not; an address that the URL names is judged, the
   proxy's own never. */
START_TEST(test_proxy_names)
{
	static const struct {
		const char *target;
		bool ok;
	} rows[] = {{"http://reg.test/x", true}, {"http://10.0.0.1/x", true},
		{"http://127.0.0.1/x", false}, {"http://localhost/x", false}};
	static const struct tcp_step script[] = {
		{TCP_REQUEST, "GET http://", 0}, {TCP_SEND, OK2, 0}, {0}};
	static const struct dns_row names[] = {{"proxy.test", DNS_A, "127.0.0.1", 60}, {0}};
	struct http_proxy proxy = {0};
	struct op *op;

	begin_names(rows[_i].ok ? script : (const struct tcp_step[]){{0}}, names);
	proxy.url = mem_printf("http://u:p@proxy.test:%u", port_of(w.s));
	op = get((struct http_req){.url = rows[_i].target,
		.proxy = &proxy,
		.on_connect = refuse,
		.arg = (void *)"10.0.0.1"});
	until_done(op);
	ck_assert_msg(!op->err.kind == rows[_i].ok, "%s", op->err.msg);
	ck_assert_int_eq(op->err.code, rows[_i].ok ? 0 : -EPERM);
	ck_assert(!http_result(op)->has_peer);
	ck_assert_uint_eq(fake_dns_asked(w.dns, NULL), rows[_i].ok ? 1 : 0);
	op_free(op);
	free(proxy.url);
	finish();
}
END_TEST

/* Nobody but the proxy is connected to, so that it is the proxy that cannot be; of one that
   answers, the words are its own. */
START_TEST(test_proxy_dead)
{
	static const char *const urls[] = {
		"http://u:hush@127.0.0.1:1", "https://127.0.0.1:1", "socks5://127.0.0.1:1"};
	struct http_proxy proxy = {.url = (char *)(uintptr_t)urls[_i / 2]};
	struct op *op;

	no_proxies();
	begin(NULL);
	op = get((struct http_req){
		.url = _i % 2 ? "https://registry.test/x" : "http://registry.test/x",
		.proxy = &proxy});
	until_done(op);
	ck_assert_msg(strstr(op->err.msg, "': the proxy: Failed to connect to 127.0.0.1 port 1"),
		"%s", op->err.msg);
	ck_assert_int_eq(op->err.code, -ECONNREFUSED);
	ck_assert_ptr_null(strstr(op->err.msg, "hush"));
	op_free(op);
	finish();
}
END_TEST

/* A failure ends in a status that many can read; whatever is wrong with a proxy's URL, its password
   stays out of it. */
START_TEST(test_proxy_secret)
{
	static const char *const urls[] = {"http://user:h%20u sh@127.0.0.1:1",
		"http://user:hush@127.0.0.1:99999", "ftp://user:hush@127.0.0.1:1",
		"http://user:hu%00sh@127.0.0.1:1", "http://user:hush@[::1", "user:hush@127.0.0.1:1",
		"http://user:hush@no-such-host.invalid:1", "http://user:hu/sh@127.0.0.1:1",
		"http://user:hu%sh@127.0.0.1:1"};
	struct http_proxy proxy = {0};
	struct op *op;

	no_proxies();
	if (_i % 2)
		proxy.url = mem_strdup(urls[_i / 2]);
	else
		setenv("http_proxy", urls[_i / 2], 1);
	begin(NULL);
	op = get((struct http_req){.url = "http://registry.test/x", .proxy = &proxy});
	until_done(op);
	ck_assert_int_ne(op->err.kind, ERR_NONE);
	ck_assert_msg(
		!strstr(op->err.msg, "sh@") && !strstr(op->err.msg, "hush"), "%s", op->err.msg);
	if (!(_i % 2) && strstr(op->err.msg, "URL is"))
		ck_assert_msg(!strncmp(op->err.msg, "http_proxy: ", 12), "%s", op->err.msg);
	op_free(op);
	http_proxy_clear(&proxy);
	finish();
}
END_TEST

/* ---- memory for bodies ----------------------------------------------------------------------- */

#define BODY (100 * LIMIT_KIB)

static struct account *account;

static void begin_account(const struct tcp_step *script, uint64_t bodies)
{
	begin(script);
	http_client_free(w.c);
	account = account_new(w.l, 3 * bodies);
	w.c = http_client_new(
		w.l, &(struct http_client_opts){.account = account, .pool = ACCOUNT_BODIES});
}

static void finish_account(void)
{
	finish();
	account_free(account);
}

static void check_account(uint64_t held, uint64_t waiting)
{
	struct account_stats s;

	account_stats(account, ACCOUNT_BODIES, &s);
	ck_assert_uint_eq(s.held, held);
	ck_assert_uint_eq(s.waiting, waiting);
}

/* A large body takes what it announces, whatever came of it; without a length, what it may have.
   Both give it back with the op. */
START_TEST(test_account)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n", 0},
		{TCP_FILL, NULL, BODY - 1}, {TCP_HOLD, NULL, 0}, {TCP_FILL, NULL, 1},
		{TCP_EXPECT, GET, 0}, {TCP_SEND, "HTTP/1.1 200 OK\r\n\r\n", 0},
		{TCP_FILL, NULL, BODY}, {TCP_CLOSE, NULL, 0}, {TCP_END, NULL, 0}};
	struct op *op;

	begin_account(script, LIMIT_MIB);
	op = get((struct http_req){.max_body = LIMIT_MIB});
	until_hold();
	check_account(BODY, 0);
	tcp_script_go(w.s);
	until_done(op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	ck_assert_uint_eq(http_result(op)->body.len, BODY);
	ck_assert_uint_le(http_result(op)->body.cap, BODY + 1);
	check_account(BODY, 0);
	op_free(op);
	check_account(0, 0);
	op = get((struct http_req){.max_body = 200 * LIMIT_KIB});
	until_done(op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	check_account(200 * LIMIT_KIB, 0);
	op_free(op);
	finish_account();
}
END_TEST

/* While there is none the body pauses: it goes on when there is, or its deadline ends it, or its
   owner. */
START_TEST(test_account_wait)
{
	static const struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 102400\r\n\r\n", 0},
		{TCP_FILL, NULL, BODY}, {TCP_HOLD, NULL, 0}, {TCP_END, NULL, 0}};
	struct op *other, *op;

	begin_account(script, BODY);
	other = account_take(account, ACCOUNT_BODIES, "somebody", BODY);
	op = get((struct http_req){.max_body = LIMIT_MIB, .deadline_ms = 60000});
	until_hold();
	check_account(BODY, BODY);
	ck_assert_uint_le(http_result(op)->body.len, LIMIT_MEMORY_FREE);
	if (_i == 0) {
		op_free(other);
		until_done(op);
		ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
		ck_assert_uint_eq(http_result(op)->body.len, BODY);
		check_account(BODY, 0);
	} else if (_i == 1) {
		loop_test_advance(w.l, 60000);
		until_done(op);
		ck_assert_ptr_nonnull(
			strstr(op->err.msg, "no memory was free for its body within 1m0s"));
		ck_assert_int_eq(op->err.code, -ETIMEDOUT);
		check_account(BODY, 0);
	} else {
		op_cancel(op);
		until_done(op);
		ck_assert_int_eq(op->err.kind, ERR_CANCELED);
		check_account(BODY, 0);
	}
	op_free(op);
	if (_i)
		op_free(other);
	check_account(0, 0);
	tcp_script_go(w.s);
	finish_account();
}
END_TEST

/* What holds memory and comes too slowly ends once others wait: not before, not while it comes fast
   enough (2), and not of a pool that is no stranger's (3). */
START_TEST(test_account_pace)
{
	struct tcp_step script[] = {{TCP_EXPECT, GET, 0},
		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n", 0},
		{TCP_FILL, NULL, BODY}, {TCP_HOLD, NULL, 0}, {TCP_FILL, NULL, 700000},
		{TCP_HOLD, NULL, 0}, {TCP_END, NULL, 0}};
	enum account_pool pool = _i == 3 ? ACCOUNT_JOBS : ACCOUNT_BODIES;
	struct op *other = NULL, *op;
	bool ends = _i == 1;

	if (_i != 2)
		script[4] = (struct tcp_step){TCP_END, NULL, 0};
	begin_account(script, 4 * LIMIT_MIB);
	if (_i == 3) {
		http_client_free(w.c);
		w.c = http_client_new(
			w.l, &(struct http_client_opts){.account = account, .pool = pool});
	}
	op = get((struct http_req){.max_body = 2 * LIMIT_MIB});
	until_hold();
	ck_assert_uint_eq(http_result(op)->body.len, BODY);
	loop_test_advance(w.l, LIMIT_MEMORY_RATE_MS); /* nobody waits */
	for (int i = 0; i < 20; i++)
		loop_turn(w.l, false);
	ck_assert(!op->done);
	if (_i)
		other = account_take(account, pool, "somebody", 100 * LIMIT_MIB);
	if (_i == 2) {
		tcp_script_go(w.s);
		until_hold();
		ck_assert_uint_eq(http_result(op)->body.len, BODY + 700000);
	}
	loop_test_advance(w.l, LIMIT_MEMORY_RATE_MS - 1);
	for (int i = 0; i < 20; i++)
		loop_turn(w.l, false);
	ck_assert(!op->done);
	loop_test_advance(w.l, 1);
	for (int i = 0; i < 20; i++)
		loop_turn(w.l, false);
	ck_assert_int_eq(op->done, ends);
	if (ends) {
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		ck_assert_int_eq(op->err.code, -ETIMEDOUT);
		ck_assert_ptr_nonnull(strstr(op->err.msg,
			"': its body came with less than 64 KiB a second over 10s, and others wait "
			"for the memory that it holds"));
	}
	op_drop(op);
	op_drop(other);
	for (int i = 0; i < 5; i++)
		loop_turn(w.l, false);
	check_account(0, 0);
	tcp_script_go(w.s);
	finish_account();
}
END_TEST

Suite *suite_client(void);
Suite *suite_client(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, test_wire, 0, (int)ARRAY_LEN(WIRE));
	tcase_add_loop_test(tc, test_refused, 0, 6);
	tcase_add_loop_test(tc, test_answers, 0, (int)ARRAY_LEN(ANSWERS));
	tcase_add_loop_test(tc, test_reset, 0, 10 * (int)ARRAY_LEN(RESETS));
	tcase_add_test(tc, test_error_body);
	tcase_add_loop_test(tc, test_times, 0, (int)ARRAY_LEN(TIMES));
	tcase_add_test(tc, test_pause);
	tcase_add_loop_test(tc, test_callbacks_end_it, 0, 4);
	tcase_add_loop_test(tc, test_cancel, 0, 3);
	tcase_add_loop_test(tc, test_cancel_early, 0, 3);
	tcase_add_loop_test(tc, test_cancel_resolving, 0, 2);
	tcase_add_test(tc, test_connect_deadline);
	tcase_add_test(tc, test_connect_deadline_over);
	tcase_add_test(tc, test_connect_deadline_in_line);
	tcase_add_test(tc, test_connect_deadline_tls);
	tcase_add_test(tc, test_name);
	tcase_add_loop_test(tc, test_next_address, 0, 2);
	tcase_add_test(tc, test_address_moves);
	tcase_add_test(tc, test_no_such_name);
	tcase_add_loop_test(tc, test_address_refused, 0, 4);
	tcase_add_test(tc, test_one_address_refused);
	tcase_add_test(tc, test_kept_connection_refused);
	tcase_add_test(tc, test_reuse);
	tcase_add_loop_test(tc, test_idle_close, 0, 2);
	tcase_add_test(tc, test_refused_connection);
	tcase_add_test(tc, test_start_inside);
	tcase_add_test(tc, test_upload);
	tcase_add_loop_test(tc, test_upload_short, 0, 2);
	tcase_add_loop_test(tc, test_retry_after, 0, 23);
	tcase_add_loop_test(tc, test_proxy, 0, (int)ARRAY_LEN(PROXIES));
	tcase_add_test(tc, test_proxy_connections);
	tcase_add_loop_test(tc, test_proxy_names, 0, 4);
	tcase_add_loop_test(tc, test_proxy_dead, 0, 6);
	tcase_add_loop_test(tc, test_proxy_secret, 0, 18);
	tcase_add_test(tc, test_account);
	tcase_add_loop_test(tc, test_account_wait, 0, 3);
	tcase_add_loop_test(tc, test_account_pace, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
