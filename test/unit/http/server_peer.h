/*
 * A raw client for the server's tests: bytes in, bytes out, on the same loop and thread, so that a
 * test sees exactly what goes over the wire. Everything waits by turning the loop; Check's own time
 * limit ends a test that waits in vain.
 */
#ifndef TEST_SERVER_PEER_H
#define TEST_SERVER_PEER_H
#include "base/buf.h"
#include "ev/loop.h"
#include "http/server.h"

struct peer {
	struct loop *loop;
	int fd;
	struct buf got;
	bool eof, reset;
};

/* A server on a free loopback port with the echo handler below, unless opts has one. */
struct http_server *test_server(struct loop *l, struct http_server_opts opts);
/* Replies 200 with "METHOD path?query|body" as text. arg: NULL. */
void test_echo(void *arg, struct http_exchange *x);

void peer_open(struct peer *p, struct loop *l, struct http_server *s);
/* From another address of loopback: "127.0.0.2". */
void peer_open_from(struct peer *p, struct loop *l, struct http_server *s, const char *address);
void peer_close(struct peer *p);
/* All of it, turning the loop while the socket is full. Bytes that a closed connection refuses are
   dropped. */
void peer_send(struct peer *p, const void *data, size_t n);
void peer_puts(struct peer *p, const char *text);
/* Until n whole responses have come, or the server closed. Their statuses: "200 404". The first
   HEAD or 304 has no body: heads says how many of the responses, from the first on, are such. */
const char *peer_responses(struct peer *p, unsigned n, unsigned heads);
/* Until the server closed. */
void peer_until_eof(struct peer *p);
/* What is there without waiting, after some turns of the loop. */
void peer_settle(struct peer *p);
/* Until `got` holds the text, or the server closed. */
bool peer_until(struct peer *p, const char *text);

#endif
