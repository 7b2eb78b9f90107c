/*
 * HTTP/1.1 server on the loop (RFC 9110, RFC 9112): one small connection machine for artifacts,
 * metrics, health and the embedded API. The request parser is llhttp in strict mode; what it lets
 * through and the RFCs forbid is refused here (folded headers, two Hosts, ...). Keep-alive,
 * pipelining-safe (one request at a time per connection), bounded headers, timeouts for idle and
 * slow clients. A client that closes its sending side gets all its answers. Loop thread.
 *
 * Room: there is a number of connections in all, and one for each peer (an IPv4 address, or the /64
 * of an IPv6 one). Past either, one gives way, of the peer or of all: first one that has closed its
 * side or had its last answer, then one that has sent nothing, or no whole request for 2 s, an idle
 * one, a client that reads nothing for 5 s or below LIMIT_REPLY_SLOW (after 10 s); of each kind the
 * one that was not heard of for the longest time. What a client has taken is what its side has
 * acknowledged, so bytes that wait in the kernel do not count.
 *
 * Where the places run out, the peer that holds most is the first to give one up. If nobody gives
 * way by itself, and that peer holds more than the new one would and more than a few, it loses one
 * that is answered: of its oldest the one that makes least progress. So no few addresses keep
 * others out, whatever they do with their connections. Nor do they send off one that has just come:
 * it has a second to ask before it gives way to a peer that holds more. If the peer with most has
 * no more than its share, the new connection is turned away: 503, closed at once.
 *
 * For each request the handler is called once, when headers and (if the server takes bodies) the
 * whole body are there. It answers with exactly one http_reply_* call, at once or later. Until then
 * it may hold the exchange; if the client goes away first, on_gone is called (once, if set) and the
 * exchange must not be touched after. HEAD is answered by the same call as GET: the server leaves
 * the body out.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct account;
struct loop;
struct op;
struct http_server;
struct http_exchange; /* a request and its reply; the x of http_x_* */

typedef void http_handler_fn(void *arg, struct http_exchange *x);

struct http_server_opts {
	const char *name; /* "artifacts", "metrics", ... for logs and metrics */
	const char *address; /* lib/ev/sock.h; port 0 allowed */
	http_handler_fn *handler;
	void *arg;
	size_t max_body; /* 0: requests with a body get 413 */
	/* Asked when a header is there and its body is to come: false, and that is read and
	   counted as any other, but not kept; http_x_body is empty then. NULL: all are wanted. */
	bool (*wants_body)(void *arg, struct http_exchange *x);
	/* For bodies over LIMIT_MEMORY_FREE: they wait for their memory, under the server's name,
	   and get 503 where it does not come in time. NULL: it is not counted. */
	struct account *account;
	/* 0: LIMIT_REQUEST_HEADERS. A connection that needs more than that is one of
	   LIMIT_LARGE_HEADERS, or gets 503. */
	size_t max_headers;
	unsigned max_connections; /* 0: LIMIT_CONNECTIONS. See "Room" */
	unsigned max_per_peer; /* 0: a quarter of them, or at least 64, or half of few */
	uint64_t header_ms; /* a whole header within; 0: 30 s */
	uint64_t request_ms; /* header and body within; 0: as long as the body moves */
	uint64_t idle_ms; /* keep-alive wait; 0: 120 s */
	/* A body must move, and of a reply something must be taken, LIMIT_REPLY_RATE on average,
	   within; 0: 60 s. */
	uint64_t progress_ms;
};

/* Binds and listens at once; logs msg "listening" with server and address. NULL with *err
   filled. */
struct http_server *http_server_new(
	struct loop *l, const struct http_server_opts *opts, struct err *err) must_check;
/* "127.0.0.1:9090": the address that was chosen. Borrowed. */
const char *http_server_address(const struct http_server *s);
/* Stops listening and closes idle connections; running answers go on. The op ends when all are gone
   or after grace_ms, when the rest is cut. Then http_server_free. */
struct op *http_server_drain(struct http_server *s, uint64_t grace_ms);
void http_server_free(struct http_server *s); /* cuts what is left */

/* ---- the request; everything is borrowed until the reply is finished */
const char *http_x_method(const struct http_exchange *x);
/* What stands in the request line, byte for byte. */
const char *http_x_target(const struct http_exchange *x);
/* Path without query, percent-decoded only where that gives unreserved characters; never NULL,
   begins with '/'. */
const char *http_x_path(const struct http_exchange *x);
/* The first query parameter of that name, percent-decoded (+ is a space), or NULL. */
const char *http_x_query(struct http_exchange *x, const char *name);
/* Repeated fields are joined by ", ". "Host" is that of an absolute-form target when there is one.
   NULL when absent. */
const char *http_x_header(struct http_exchange *x, const char *name);
const struct buf *http_x_body(const struct http_exchange *x);
/* Its body was read and not kept (wants_body). */
bool http_x_body_dropped(const struct http_exchange *x);
/* Whose it is, as far as a server can tell: the client's address, or the /64 of an IPv6 one. */
const char *http_x_client(const struct http_exchange *x);
/* For the handler: its own pointer on the exchange, and what to call when the client goes away
   before the reply was finished, or when the reply is finished (gone tells which). */
void http_x_on_end(struct http_exchange *x,
	void (*fn)(void *arg, struct http_exchange *x, bool gone), void *arg);

/* ---- the reply */
/* Adds a header to the coming reply. Name and value are copied; a value with CR, LF or NUL is a
   bug. Date, Content-Length, Connection and Transfer-Encoding are the server's own. */
void http_x_add_header(struct http_exchange *x, const char *name, const char *value);
/* A whole body; the bytes are taken over (b is emptied). content_type may be NULL. */
void http_reply_buf(struct http_exchange *x, int status, const char *content_type, struct buf *b);
void http_reply_text(
	struct http_exchange *x, int status, const char *text); /* text/plain, copied */
/* Bytes [from, from + len) of fd by sendfile(2); fd is taken over. The caller has set Content-Type,
   Content-Range and so on. */
void http_reply_file(struct http_exchange *x, int status, int fd, uint64_t from, uint64_t len);
/* A body of unknown length (chunked; HTTP/1.0: until close). `pull` is asked for more when there is
   room: it appends to b and returns 1, or 0 when it has nothing now (then http_reply_wake), or -1
   at the end (what it added is still sent), or -2 when it failed (the connection is cut, so that
   the client can tell). At most about 64 KiB a call, so that no slice is long. */
void http_reply_stream(struct http_exchange *x, int status, const char *content_type,
	int (*pull)(void *arg, struct buf *b), void *arg);
void http_reply_wake(struct http_exchange *x);

struct http_server_stats {
	uint64_t requests, connections, open_connections, max_connections, bytes_sent;
	uint64_t refused; /* requests that were not HTTP, too large, too slow */
	uint64_t turned_away; /* connections for which there was no room */
	uint64_t turned_away_peer; /* of these: the peer had as many as it may have */
	uint64_t gave_way; /* connections that were closed for others */
	uint64_t cut_for_share; /* and those that were at work: their peer held most */
	uint64_t too_slow; /* replies that were cut: nothing taken, or below LIMIT_REPLY_RATE */
};
/* Replies, by status: one call for each that there was. */
void http_server_each_status(
	const struct http_server *s, void (*fn)(void *arg, int status, uint64_t n), void *arg);
void http_server_stats(const struct http_server *s, struct http_server_stats *out);

#endif
