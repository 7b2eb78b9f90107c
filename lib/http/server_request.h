/*
 * One request as bytes (RFC 9112), without sockets: internal to the server, and what
 * test/fuzz/fuzz_request.c feeds.
 *
 * The head is first found by our own line scanner, which refuses what llhttp lets through or
 * reports late (bare CR or LF, folded lines, two Hosts, too many fields); then llhttp, strict, sees
 * it in one piece. The body (Content-Length or chunked) goes through llhttp as it comes (llhttp 8
 * takes one extension a chunk, and refuses a second; nobody sends any). An error is an HTTP status
 * and a sentence; the connection cannot be used after it.
 *
 *	n = http_request_head(r, p, len)	0: more is needed; > 0: bytes that were the head;
 *						-1: r->status, r->why
 *	n = http_request_body(r, p, len)	bytes used; r->complete says when it ends; -1 as
 *						above
 */
#ifndef HTTP_SERVER_REQUEST_H
#define HTTP_SERVER_REQUEST_H
#include "base/buf.h"
#include "base/vec.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct llhttp__internal_s; /* llhttp_t */

struct http_field {
	const char *name, *value; /* in head, terminated */
	size_t name_len, value_len;
};

struct http_pair {
	size_t name, value; /* offsets in `decoded` */
};

struct http_request {
	/* the scanner */
	size_t max_head;
	unsigned max_fields;
	size_t skipped; /* empty lines before the request, in bytes */
	size_t scanned; /* bytes looked at of the head that is not complete */
	size_t line; /* where the current line begins */
	unsigned lines;
	/* the head */
	struct buf head; /* a copy, cut into strings in place */
	VEC(struct http_field) fields;
	const char *method;
	/* of an absolute-form target: it replaces the Host field (RFC 9112 section 3.2.2) */
	struct buf host;
	const char *target; /* as it came, in head */
	struct buf path;
	const char *query; /* after the '?', or NULL */
	int minor; /* HTTP/1.<minor> */
	bool is_head, keep_alive, expect_continue, has_body, chunked, head_done;
	uint64_t content_length;
	/* the body */
	size_t max_body;
	/* Set between head and body: it is read and counted, and body stays empty. */
	bool drop_body;
	uint64_t body_len; /* bytes of content that came */
	struct buf body;
	uint64_t raw_body; /* bytes it took on the wire */
	bool complete;
	/* for http_x_query and http_x_header, made when asked for */
	bool pairs_made;
	VEC(struct http_pair) pairs;
	struct buf decoded;
	VEC(char *) joined;
	struct llhttp__internal_s *parser;
	/* the error */
	int status;
	const char *why;
};

/* max_body 0: any body is refused. */
void http_request_init(struct http_request *r, size_t max_body);
/* A head may have so many bytes, and as many more fields; LIMIT_REQUEST_HEADERS without this. */
void http_request_allow_head(struct http_request *r, size_t bytes);
/* For the next request on the connection: keeps small buffers. */
void http_request_reset(struct http_request *r);
void http_request_clear(struct http_request *r);

/* Called with everything received since the last head or body, as often as more came. */
ssize_t http_request_head(struct http_request *r, const char *p, size_t n);
ssize_t http_request_body(struct http_request *r, const char *p, size_t n);

/* Repeated fields are joined by ", " (RFC 9110 section 5.3). NULL when absent. */
const char *http_request_field(struct http_request *r, const char *name);
const char *http_request_query(struct http_request *r, const char *name);

#endif
