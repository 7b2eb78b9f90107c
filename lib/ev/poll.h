/*
 * Readiness of a file descriptor that somebody else owns (a socket of ours or of libcurl).
 * poll_close must be called before the descriptor is closed; the callback is never called after it.
 * Loop thread.
 */
#ifndef EV_POLL_H
#define EV_POLL_H

struct loop;
struct poll;

enum { POLL_READ = 1, POLL_WRITE = 2, POLL_ERROR = 4 };

/* events: what is ready. POLL_ERROR: the connection was refused or reset; with it comes all that is
   waited for, because what arrived before can still be read and the next read or write says what
   happened. It comes again until the poll is closed or waits for nothing. */
typedef void poll_fn(void *arg, int events);

struct poll *poll_new(struct loop *l, int fd, poll_fn *fn, void *arg);
/* What to wait for from now on; 0: nothing. */
void poll_set(struct poll *p, int events);
void poll_close(struct poll *p); /* NULL is fine */

#endif
