/* RFC 9112 and RFC 9110, case by case, as bytes on a connection. */
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "server_peer.h"

#include <check.h>
#include <string.h>

Suite *suite_server_request(void);

#define H "Host: a\r\n"
#define END "\r\n"
#define CLOSES true

struct row {
	const char *name;
	const char *bytes;
	const char *statuses; /* of all responses */
	bool closes; /* the server closes after them */
	const char *has; /* somewhere in the answer */
};

static const struct row ROWS[] = {
	/* the plain case */
	{"get", "GET /x HTTP/1.1\r\n" H END, "200", false, "GET /x|"},
	{"two in a row", "GET /1 HTTP/1.1\r\n" H END "GET /2 HTTP/1.1\r\n" H END, "200 200", false,
		"GET /2|"},
	{"three, the last closes",
		"GET /1 HTTP/1.1\r\n" H END "GET /2 HTTP/1.1\r\n" H END "GET /3 HTTP/1.1\r\n" H
		"Connection: close\r\n" END "GET /4 HTTP/1.1\r\n" H END,
		"200 200 200", CLOSES, "GET /3|"},
	{"empty line first (9112 2.2)", "\r\nGET /x HTTP/1.1\r\n" H END, "200", false, "GET /x|"},
	{"empty lines between", "GET /1 HTTP/1.1\r\n" H END "\r\n\r\nGET /2 HTTP/1.1\r\n" H END,
		"200 200", false, "GET /2|"},
	{"no space after the colon", "GET /x HTTP/1.1\r\nHost:a\r\n" END, "200", false, NULL},
	{"white space around a value", "GET /x HTTP/1.1\r\nHost:\t a \t\r\n" END, "200", false,
		NULL},
	{"an empty value", "GET /x HTTP/1.1\r\nX-Empty:\r\n" H END, "200", false, NULL},
	{"content-length 0", "GET /x HTTP/1.1\r\n" H "Content-Length: 0\r\n" END, "200", false,
		NULL},
	{"Connection: Close in any case", "GET /x HTTP/1.1\r\n" H "connection: CLOSE\r\n" END,
		"200", CLOSES, NULL},
	{"close among other options", "GET /x HTTP/1.1\r\n" H "Connection: te, close\r\n" END,
		"200", CLOSES, NULL},
	{"close in a second field",
		"GET /x HTTP/1.1\r\n" H "Connection: te\r\nConnection: close\r\n" END, "200",
		CLOSES, NULL},

	/* HTTP/1.0 (9112 9.3) */
	{"1.0 closes", "GET /x HTTP/1.0\r\n" END, "200", CLOSES, "Connection: close"},
	{"1.0 keep-alive", "GET /x HTTP/1.0\r\nConnection: keep-alive\r\n" END, "200", false,
		"Connection: keep-alive"},
	{"1.0 needs no Host", "GET /x HTTP/1.0\r\n" END, "200", CLOSES, NULL},

	/* request line (9112 3) */
	{"lower-case method is another method", "get /x HTTP/1.1\r\n" H END, "501", CLOSES, NULL},
	{"unknown method", "BREW /x HTTP/1.1\r\n" H END, "501", CLOSES, NULL},
	{"method with a bad byte", "G@T /x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"no method", " /x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"no version", "GET /x\r\n" H END, "400", CLOSES, NULL},
	{"no target", "GET  HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"two spaces", "GET  /x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"two spaces later", "GET /x  HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"space in the target", "GET /x y HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"tab for space", "GET\t/x\tHTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"space at the end", "GET /x HTTP/1.1 \r\n" H END, "400", CLOSES, NULL},
	{"HTTP/2.0", "GET /x HTTP/2.0\r\n" H END, "505", CLOSES, NULL},
	{"HTTP/9.9", "GET /x HTTP/9.9\r\n" H END, "505", CLOSES, NULL},
	{"HTTP/0.9", "GET /x HTTP/0.9\r\n" H END, "505", CLOSES, NULL},
	{"HTTP/1.2", "GET /x HTTP/1.2\r\n" H END, "505", CLOSES, NULL},
	{"HTTP/1.", "GET /x HTTP/1.\r\n" H END, "400", CLOSES, NULL},
	{"HTTP/1.10", "GET /x HTTP/1.10\r\n" H END, "400", CLOSES, NULL},
	{"HTTP/01.1", "GET /x HTTP/01.1\r\n" H END, "400", CLOSES, NULL},
	{"http/1.1 in lower case", "GET /x http/1.1\r\n" H END, "400", CLOSES, NULL},
	{"ICE/1.0", "SOURCE /x ICE/1.0\r\n" H END, "400", CLOSES, NULL},
	{"RTSP", "DESCRIBE /x RTSP/1.0\r\n" H END, "400", CLOSES, NULL},
	{"RTSP method", "DESCRIBE /x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", CLOSES, NULL},
	{"TLS hello", "\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03\r\n", "400", CLOSES, NULL},

	/* target forms (9112 3.2) */
	{"absolute-form", "GET http://b:80/x?q HTTP/1.1\r\n" H END, "200", false, "GET /x|"},
	{"absolute-form, https", "GET https://b/x HTTP/1.1\r\n" H END, "200", false, "GET /x|"},
	{"absolute-form, no path", "GET http://b HTTP/1.1\r\n" H END, "200", false, "GET /|"},
	{"absolute-form, query, no path", "GET http://b?q HTTP/1.1\r\n" H END, "200", false,
		"GET /|"},
	{"absolute-form, still needs Host", "GET http://b/x HTTP/1.1\r\n" END, "400", CLOSES, NULL},
	{"absolute-form, user info", "GET http://u:p@b/x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"absolute-form, no host", "GET http:///x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"absolute-form, other scheme", "GET ftp://b/x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"asterisk-form", "OPTIONS * HTTP/1.1\r\n" H END, "204", false, NULL},
	{"asterisk with GET", "GET * HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"authority-form", "CONNECT b:443 HTTP/1.1\r\n" H END, "501", CLOSES, NULL},
	{"CONNECT with a path", "CONNECT /x HTTP/1.1\r\n" H END, "501", CLOSES, NULL},
	{"relative target", "GET x HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"fragment", "GET /x#y HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"high byte in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"control byte in the target", "GET /\x01 HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"bad percent", "GET /%zz HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"cut percent", "GET /%4 HTTP/1.1\r\n" H END, "400", CLOSES, NULL},
	{"unreserved is decoded", "GET /%41%2d%7E HTTP/1.1\r\n" H END, "200", false, "GET /A-~|"},
	{"reserved stays", "GET /%2F%2e%3a%00%25 HTTP/1.1\r\n" H END, "200", false,
		"GET /%2F.%3a%00%25|"},

	/* lines (9112 2.2, 5.1, 5.2) */
	{"bare LF after the request line", "GET /x HTTP/1.1\n" H END, "400", CLOSES, NULL},
	{"bare LF after a field", "GET /x HTTP/1.1\r\nHost: a\nX: y\r\n" END, "400", CLOSES, NULL},
	{"bare LF at the end", "GET /x HTTP/1.1\r\n" H "\n", "400", CLOSES, NULL},
	{"all bare LF", "GET /x HTTP/1.1\nHost: a\n\n", "400", CLOSES, NULL},
	{"bare CR in a value", "GET /x HTTP/1.1\r\n" H "X: a\rb\r\n" END, "400", CLOSES, NULL},
	{"CR CR LF", "GET /x HTTP/1.1\r\n" H "X: a\r\r\n" END, "400", CLOSES, NULL},
	{"folded with a space", "GET /x HTTP/1.1\r\n" H "X: a\r\n b\r\n" END, "400", CLOSES, NULL},
	{"folded with a tab", "GET /x HTTP/1.1\r\n" H "X: a\r\n\tb\r\n" END, "400", CLOSES, NULL},
	{"white space before the first field", "GET /x HTTP/1.1\r\n " H END, "400", CLOSES, NULL},
	{"space before the colon", "GET /x HTTP/1.1\r\nHost : a\r\n" END, "400", CLOSES, NULL},
	{"tab before the colon", "GET /x HTTP/1.1\r\n" H "X\t: a\r\n" END, "400", CLOSES, NULL},
	{"no colon", "GET /x HTTP/1.1\r\n" H "nothing\r\n" END, "400", CLOSES, NULL},
	{"empty field name", "GET /x HTTP/1.1\r\n" H ": a\r\n" END, "400", CLOSES, NULL},
	{"bad byte in a name", "GET /x HTTP/1.1\r\n" H "X(y): a\r\n" END, "400", CLOSES, NULL},
	{"high byte in a name", "GET /x HTTP/1.1\r\n" H "X\xe4: a\r\n" END, "400", CLOSES, NULL},
	{"control byte in a value", "GET /x HTTP/1.1\r\n" H "X: a\x01\r\n" END, "400", CLOSES,
		NULL},
	{"DEL in a value", "GET /x HTTP/1.1\r\n" H "X: a\x7f\r\n" END, "400", CLOSES, NULL},
	{"high byte in a value (obs-text)", "GET /x HTTP/1.1\r\n" H "X: \xe4\r\n" END, "200", false,
		NULL},

	/* Host (9112 3.2) */
	{"no Host", "GET /x HTTP/1.1\r\n" END, "400", CLOSES, NULL},
	{"two Hosts", "GET /x HTTP/1.1\r\n" H H END, "400", CLOSES, NULL},
	{"two Hosts, 1.0", "GET /x HTTP/1.0\r\n" H "host: b\r\n" END, "400", CLOSES, NULL},
	{"empty Host", "GET /x HTTP/1.1\r\nHost:\r\n" END, "200", false, NULL},
	{"Host with a slash", "GET /x HTTP/1.1\r\nHost: a/b\r\n" END, "400", CLOSES, NULL},
	{"Host with user info", "GET /x HTTP/1.1\r\nHost: u@a\r\n" END, "400", CLOSES, NULL},
	{"Host with a space", "GET /x HTTP/1.1\r\nHost: a b\r\n" END, "400", CLOSES, NULL},
	{"Host with two values", "GET /x HTTP/1.1\r\nHost: a, b\r\n" END, "400", CLOSES, NULL},
	{"Host with a bad port", "GET /x HTTP/1.1\r\nHost: a:8x\r\n" END, "400", CLOSES, NULL},
	{"Host as IPv6", "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n" END, "200", false, NULL},
	{"Host as cut IPv6", "GET /x HTTP/1.1\r\nHost: [::1\r\n" END, "400", CLOSES, NULL},

	/* framing (9112 6): what request smuggling lives on */
	{"length and chunked",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n" END
		"0\r\n\r\n",
		"400", CLOSES, NULL},
	{"chunked and length",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n" END
		"0\r\n\r\n",
		"400", CLOSES, NULL},
	{"two lengths",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 4\r\n" END "abcd",
		"400", CLOSES, NULL},
	{"two equal lengths",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n" END "abc",
		"400", CLOSES, NULL},
	{"a list of lengths", "POST /x HTTP/1.1\r\n" H "Content-Length: 3, 3\r\n" END "abc", "400",
		CLOSES, NULL},
	{"length with a sign", "POST /x HTTP/1.1\r\n" H "Content-Length: +3\r\n" END "abc", "400",
		CLOSES, NULL},
	{"negative length", "POST /x HTTP/1.1\r\n" H "Content-Length: -1\r\n" END, "400", CLOSES,
		NULL},
	{"hexadecimal length", "POST /x HTTP/1.1\r\n" H "Content-Length: 0x3\r\n" END "abc", "400",
		CLOSES, NULL},
	{"length with a space inside", "POST /x HTTP/1.1\r\n" H "Content-Length: 1 0\r\n" END,
		"400", CLOSES, NULL},
	{"empty length", "POST /x HTTP/1.1\r\n" H "Content-Length:\r\n" END, "400", CLOSES, NULL},
	{"length past 64 bits",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 18446744073709551617\r\n" END "a", "400",
		CLOSES, NULL},
	{"length, huge", "POST /x HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n" END,
		"413", CLOSES, NULL},
	{"two codings in two fields",
		"POST /x HTTP/1.1\r\n" H
		"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" END "0\r\n\r\n",
		"400", CLOSES, NULL},
	{"chunked twice",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n" END "0\r\n\r\n",
		"400", CLOSES, NULL},
	{"chunked not last", "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n" END,
		"400", CLOSES, NULL},
	{"another coding first",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n" END "0\r\n\r\n",
		"501", CLOSES, NULL},
	{"identity", "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n" END, "400", CLOSES,
		NULL},
	{"xchunked", "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n" END "0\r\n\r\n",
		"400", CLOSES, NULL},
	{"chunked with a vertical tab",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n" END "0\r\n\r\n", "400",
		CLOSES, NULL},
	{"chunked in quotes", "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: \"chunked\"\r\n" END,
		"400", CLOSES, NULL},
	{"Transfer-Encoding with a space before the colon",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n" END "0\r\n\r\n", "400",
		CLOSES, NULL},
	{"chunked in 1.0", "POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" END "0\r\n\r\n",
		"400", CLOSES, NULL},

	/* bodies */
	{"length", "POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n" END "abc", "200", false,
		"POST /x|abc"},
	{"length, then another",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 3\r\n" END "abcGET /y HTTP/1.1\r\n" H END,
		"200 200", false, "GET /y|"},
	{"chunked",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n" END
		"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
		"200", false, "POST /x|abcde"},
	{"chunked, then another",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"1\r\na\r\n0\r\n\r\nGET /y HTTP/1.1\r\n" H END,
		"200 200", false, "GET /y|"},
	{"chunked, extensions and trailers",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"3;a=\"b\"\r\nabc\r\n0;e\r\nX-T: 1\r\nHost: evil\r\n\r\n"
		"GET /y HTTP/1.1\r\n" H END,
		"200 200", false, "POST /x|abc"},
	{"empty chunked", "POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n",
		"200", false, "POST /x|"},
	{"chunk size with a sign",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"+3\r\nabc\r\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"chunk size 0x3",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"0x3\r\nabc\r\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"empty chunk size",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"\r\nabc\r\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"huge chunk size",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"fffffffffffffffff\r\nabc",
		"400", CLOSES, NULL},
	{"chunk longer than its size",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END
		"3\r\nabcd\r\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"bare LF after a chunk size",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "3\nabc\r\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"bare LF after a chunk",
		"POST /x HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "3\r\nabc\n0\r\n\r\n",
		"400", CLOSES, NULL},
	{"length over the limit", "POST /x HTTP/1.1\r\n" H "Content-Length: 1001\r\n" END, "413",
		CLOSES, NULL},
	{"length at the limit is waited for, garbage follows",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 2\r\n" END "ab\x01\r\n", "200 400",
		CLOSES, "POST /x|ab"},

	/* Expect (9110 10.1.1) and Upgrade (9110 7.8) */
	{"100-continue without a body", "GET /x HTTP/1.1\r\n" H "Expect: 100-continue\r\n" END,
		"200", false, NULL},
	{"100-continue, body refused",
		"POST /x HTTP/1.1\r\n" H "Content-Length: 5000\r\nExpect: 100-continue\r\n" END,
		"413", CLOSES, NULL},
	{"another expectation", "GET /x HTTP/1.1\r\n" H "Expect: tea\r\n" END, "417", CLOSES, NULL},
	{"Upgrade is ignored",
		"GET /x HTTP/1.1\r\n" H "Connection: Upgrade\r\nUpgrade: websocket\r\n" END
		"GET /y HTTP/1.1\r\n" H END,
		"200 200", false, "GET /y|"},
	{"h2c upgrade with a body",
		"POST /x HTTP/1.1\r\n" H
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nContent-Length: 2\r\n" END
		"abGET /y HTTP/1.1\r\n" H END,
		"200 200", false, "POST /x|ab"},
};

static unsigned count(const char *statuses)
{
	unsigned n = 1;

	for (; *statuses; statuses++)
		n += *statuses == ' ';
	return n;
}

static void run_row(const struct row *row, bool byte_by_byte)
{
	struct loop *l = loop_new();
	struct http_server *s =
		test_server(l, (struct http_server_opts){.max_body = 1000, .header_ms = 5000});
	struct peer p;
	const char *got;
	size_t i, n = strlen(row->bytes);

	peer_open(&p, l, s);
	if (byte_by_byte)
		for (i = 0; i < n && !p.eof; i++)
			peer_send(&p, row->bytes + i, 1);
	else
		peer_send(&p, row->bytes, n);
	got = peer_responses(&p, count(row->statuses), 0);
	ck_assert_msg(!strcmp(got, row->statuses), "%s: want '%s', got '%s'\n%s", row->name,
		row->statuses, got, buf_str(&p.got));
	ck_assert_msg(!row->has || strstr(buf_str(&p.got), row->has), "%s: no '%s' in\n%s",
		row->name, row->has, buf_str(&p.got));
	if (row->closes)
		peer_until_eof(&p);
	peer_settle(&p);
	ck_assert_msg(p.eof == row->closes, "%s: %s", row->name, p.eof ? "closed" : "open");
	/* Nothing may follow what was counted. */
	got = peer_responses(&p, p.eof ? count(row->statuses) + 1 : count(row->statuses), 0);
	ck_assert_msg(!strcmp(got, row->statuses), "%s: then '%s'", row->name, got);
	ck_assert_msg(!p.reset, "%s: reset", row->name);
	peer_close(&p);
	http_server_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}

START_TEST(test_row)
{
	run_row(&ROWS[_i], false);
}
END_TEST

START_TEST(test_row_slowly)
{
	run_row(&ROWS[_i], true);
}
END_TEST

/* The answer to HEAD has the fields of GET and no body, and the next response begins right after
   it. */
START_TEST(test_head)
{
	struct loop *l = loop_new();
	struct http_server *s = test_server(l, (struct http_server_opts){0});
	struct peer p;

	peer_open(&p, l, s);
	peer_puts(&p, "HEAD /x HTTP/1.1\r\n" H END "GET /yz HTTP/1.1\r\n" H END);
	ck_assert_str_eq(peer_responses(&p, 2, 1), "200 200");
	ck_assert_ptr_nonnull(strstr(buf_str(&p.got), "Content-Length: 8\r\n"));
	ck_assert_ptr_null(strstr(buf_str(&p.got), "HEAD /x|"));
	peer_close(&p);
	http_server_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_continue)
{
	struct loop *l = loop_new();
	struct http_server *s = test_server(l, (struct http_server_opts){.max_body = 10});
	struct peer p;

	peer_open(&p, l, s);
	peer_puts(&p, "PUT /x HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-Continue\r\n" END);
	ck_assert(peer_until(&p, "HTTP/1.1 100 Continue\r\n\r\n"));
	peer_settle(&p);
	ck_assert_uint_eq(p.got.len, 25);
	peer_puts(&p, "abc");
	ck_assert_str_eq(peer_responses(&p, 2, 0), "100 200");
	/* No 100 when the body is there already (RFC 9110 section 10.1.1). */
	peer_puts(&p,
		"PUT /x HTTP/1.1\r\n" H "Content-Length: 3\r\nExpect: 100-continue\r\n" END "abc");
	ck_assert_str_eq(peer_responses(&p, 3, 0), "100 200 200");
	/* An HTTP/1.0 client does not know what a 100 is (RFC 9110 section 10.1.1). */
	peer_puts(&p,
		"PUT /x HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 1\r\nExpect: "
		"100-continue\r\n" END);
	peer_settle(&p);
	peer_puts(&p, "a");
	ck_assert_str_eq(peer_responses(&p, 4, 0), "100 200 200 200");
	peer_close(&p);
	http_server_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* ---- sizes */

static void expect(size_t max_body, const char *name, struct buf *request, const char *statuses)
{
	struct loop *l = loop_new();
	struct http_server *s = test_server(l, (struct http_server_opts){.max_body = max_body});
	struct peer p;
	const char *got;

	peer_open(&p, l, s);
	peer_send(&p, request->p, request->len);
	got = peer_responses(&p, count(statuses), 0);
	ck_assert_msg(!strcmp(got, statuses), "%s: want '%s', got '%s'", name, statuses, got);
	buf_clear(request);
	peer_close(&p);
	http_server_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}

static void repeat(struct buf *b, const char *text, unsigned n)
{
	while (n--)
		buf_adds(b, text);
}

START_TEST(test_sizes)
{
	struct buf b = BUF_INIT(BUF_ANY);

	buf_adds(&b, "GET /");
	repeat(&b, "a", LIMIT_URL - 1);
	buf_adds(&b, " HTTP/1.1\r\n" H END);
	expect(0, "longest target", &b, "200");

	buf_adds(&b, "GET /");
	repeat(&b, "a", LIMIT_URL);
	buf_adds(&b, " HTTP/1.1\r\n" H END);
	expect(0, "target one too long", &b, "414");

	buf_adds(&b, "GET /");
	repeat(&b, "a", LIMIT_URL * 2);
	expect(0, "endless target", &b, "414");

	buf_adds(&b, "GET / HTTP/1.1\r\n" H);
	repeat(&b, "X: y\r\n", LIMIT_REQUEST_HEADER_COUNT - 1);
	buf_adds(&b, END);
	expect(0, "most fields", &b, "200");

	buf_adds(&b, "GET / HTTP/1.1\r\n" H);
	repeat(&b, "X: y\r\n", LIMIT_REQUEST_HEADER_COUNT + 1);
	buf_adds(&b, END);
	expect(0, "one field too many", &b, "431");

	/* what proxies, meshes and tracing add up to */
	buf_adds(&b, "GET / HTTP/1.1\r\n" H);
	repeat(&b, "X-Forwarded-Something: aaaaaaaaaaaaaaaaa\r\n", 200);
	buf_adds(&b, END);
	expect(0, "200 fields of 40 bytes", &b, "200");

	buf_adds(&b, "GET / HTTP/1.1\r\n" H "X: ");
	repeat(&b, "a", LIMIT_REQUEST_HEADERS);
	expect(0, "endless field", &b, "431");

	buf_adds(&b, "GET / HTTP/1.1\r\n" H);
	repeat(&b, "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", 90 * 40);
	expect(0, "header flood", &b, "431");

	repeat(&b, "\r\n", 40000);
	expect(0, "nothing but empty lines", &b, "400");

	buf_adds(&b, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END);
	repeat(&b,
		"64\r\n"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
		11);
	expect(1000, "chunked body over the limit", &b, "413");

	buf_adds(&b, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "1;");
	repeat(&b, "a", LIMIT_REQUEST_HEADERS + 10);
	expect(1000, "endless chunk extension", &b, "400");

	buf_adds(&b, "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "0\r\n");
	repeat(&b, "X: yyyyyyyyyyyyyyyyyyy\r\n", LIMIT_REQUEST_HEADERS / 20);
	expect(1000, "endless trailers", &b, "400");

	buf_adds(&b, "POST / HTTP/1.1\r\n" H "Content-Length: 1\r\n" END "a");
	expect(0, "a body where none is taken", &b, "413");

	buf_adds(&b, "GET / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "0\r\n\r\n");
	expect(0, "an empty chunked body where none is taken", &b, "413");
}
END_TEST

/* ---- what a handler sees */

static void look(void *arg, struct http_exchange *x)
{
	struct buf b = BUF_INIT(BUF_ANY);
	const char *names[] = {"a", "b", "c d", "e", "f"};
	const char *v;
	size_t i;

	(void)arg;
	buf_addf(&b, "%s;%s;", http_x_path(x), http_x_header(x, "HOST"));
	for (i = 0; i < ARRAY_LEN(names); i++) {
		v = http_x_query(x, names[i]);
		buf_addf(&b, "%s=%s;", names[i], v ? v : "(none)");
	}
	v = http_x_header(x, "x-list");
	buf_addf(&b, "list=%s;", v ? v : "(none)");
	ck_assert_ptr_eq(http_x_header(x, "absent"), NULL);
	http_reply_buf(x, 200, NULL, &b);
}

START_TEST(test_accessors)
{
	struct loop *l = loop_new();
	struct http_server *s = test_server(l, (struct http_server_opts){.handler = look});
	struct peer p;

	peer_open(&p, l, s);
	peer_puts(&p,
		"GET /p?a=1&a=%32&b&c+d=x%20y%2&e=%00&&=z HTTP/1.1\r\nHost: h:1\r\n"
		"X-List: one\r\nx-list:  two \r\n" END);
	ck_assert(peer_until(&p, "/p;h:1;a=1;b=;c d=x y%2;e=(none);f=(none);list=one, two;"));
	peer_puts(&p, "GET HTTP://other:2?a=9 HTTP/1.1\r\nHost: h:1\r\n" END);
	ck_assert(peer_until(&p, "/;other:2;a=9;b=(none)"));
	peer_close(&p);
	http_server_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_server_request(void)
{
	Suite *s = suite_create("server_request");
	TCase *t = tcase_create("rows");

	tcase_add_loop_test(t, test_row, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_loop_test(t, test_row_slowly, 0, (int)ARRAY_LEN(ROWS));
	tcase_add_test(t, test_head);
	tcase_add_test(t, test_continue);
	tcase_add_test(t, test_sizes);
	tcase_add_test(t, test_accessors);
	suite_add_tcase(s, t);
	return s;
}
