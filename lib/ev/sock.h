/*
 * TCP sockets for the servers: plain non-blocking descriptors (close-on-exec), watched with
 * lib/ev/poll and owned by the caller. Addresses are written "HOST:PORT", ":PORT" (all addresses)
 * or "[v6]:PORT"; port 0 takes a free one. Any thread.
 */
#ifndef EV_SOCK_H
#define EV_SOCK_H
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define SOCK_NAME_MAX 64

/* Numeric hosts only: a name would block. *fd is the caller's. `chosen` is the address that was
   taken, for the log. */
int sock_listen(
	const char *address, int *fd, char chosen[SOCK_NAME_MAX], struct err *err) must_check;
/* The next connection with no delay, keepalive and a user timeout set, or -1 with errno (EAGAIN:
   none waits). */
int sock_accept(int listener, char peer[SOCK_NAME_MAX]);
/* Whose address "1.2.3.4:5" or "[v6]:5" is, for counting: the IPv4 address (an IPv6 form of it is
   the same one), or the /64 of an IPv6 address, as one host may take any address of that. Anything
   else is a group of its own. */
void sock_peer_group(const char *peer, char group[SOCK_NAME_MAX]);
/* Bytes that were written and that the other side has not acknowledged; 0 where nobody can say. */
uint64_t sock_unsent(int fd);
/* Bytes wait to be read; the end and an error are none. */
bool sock_has_bytes(int fd);
/* ":9090" → ("", 9090); 0 or -1. host must hold SOCK_NAME_MAX bytes. */
int sock_split(
	const char *address, char host[SOCK_NAME_MAX], unsigned *port, struct err *err) must_check;

#endif
