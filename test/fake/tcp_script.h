/*
 * A server on the test's own loop that follows a script: it asserts what it receives byte by byte,
 * then answers, drips, stalls, cuts.
 *
 *	static const struct tcp_step script[] = {
 *		{TCP_EXPECT, "GET /x HTTP/1.1\r\nHost: {host}\r\nUser-Agent: flux/v2\r\n\r\n", 0},
 *		{TCP_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 0},
 *		{0}};
 *	struct tcp_script *s = tcp_script_new(loop, script);
 *	... tcp_script_url(s, "/x") ...
 *	tcp_script_free(s);        fails the test when the script has not run to its end
 *
 * Steps run one after another; the first connection is accepted by itself, a later one by
 * TCP_ACCEPT (the one before stays open, unheard, unless it was closed). "{host}" in a text stands
 * for the server's HOST:PORT.
 */
#ifndef FAKE_TCP_SCRIPT_H
#define FAKE_TCP_SCRIPT_H
#include "base/buf.h"

#include <stdbool.h>

struct loop;
struct tcp_script;

enum tcp_verb {
	TCP_END,
	TCP_ACCEPT, /* the next connection */
	TCP_EXPECT, /* exactly these bytes */
	/* one whole request (with Content-Length) that begins with text; kept: tcp_script_last */
	TCP_REQUEST,
	TCP_SEND, /* text */
	TCP_DRIP, /* text, a byte a turn */
	TCP_FILL, /* n bytes of 'x' */
	TCP_NUL, /* a byte of zero */
	TCP_WAIT_CLOSE, /* until the client closes */
	TCP_CLOSE,
	TCP_RESET, /* close with RST */
	TCP_HOLD, /* until tcp_script_go */
};

struct tcp_step {
	enum tcp_verb verb;
	const char *text;
	size_t n;
};

struct tcp_script *tcp_script_new(struct loop *l, const struct tcp_step *steps);
/* "http://127.0.0.1:PORT" and path: valid until the next call. */
const char *tcp_script_url(struct tcp_script *s, const char *path);
const char *tcp_script_host(const struct tcp_script *s);
/* The last request of TCP_REQUEST. */
const char *tcp_script_last(const struct tcp_script *s);
/* The step it is at. */
size_t tcp_script_at(const struct tcp_script *s);
bool tcp_script_holds(const struct tcp_script *s);
void tcp_script_go(struct tcp_script *s);
/* Connections accepted so far. */
unsigned tcp_script_connections(const struct tcp_script *s);
/* Stops listening now: connections are refused from here on. */
void tcp_script_unlisten(struct tcp_script *s);
void tcp_script_free(struct tcp_script *s);

#endif
