/*
 * TCP sockets for the servers: plain non-blocking descriptors (close-on-exec), watched with lib/ev/poll and owned by the caller.
 * Addresses are written "HOST:PORT", ":PORT" (all addresses) or "[v6]:PORT"; port 0 takes a free one. Any thread.
 */
#ifndef EV_SOCK_H
#define EV_SOCK_H
#include "base/err.h"

#define SOCK_NAME_MAX 64

/* Numeric hosts only: a name would block. *fd is the caller's. `chosen` is the address that was taken, for the log. */
int sock_listen(
	const char *address, int *fd, char chosen[SOCK_NAME_MAX], struct err *err) must_check;
/* The next connection with no delay, keepalive and a user timeout set, or -1 with errno (EAGAIN: none waits). */
int sock_accept(int listener, char peer[SOCK_NAME_MAX]);
/* ":9090" → ("", 9090); 0 or -1. host must hold SOCK_NAME_MAX bytes. */
int sock_split(
	const char *address, char host[SOCK_NAME_MAX], unsigned *port, struct err *err) must_check;

#endif
