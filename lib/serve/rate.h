/*
 * How often a client may ask: a token bucket for each address. It holds two seconds' requests, so
 * that a controller that fetches for all its objects at once is not held up, and fills at the rate.
 * A client is what the server counts connections by, http_x_client().
 *
 * The table is bounded (LIMIT_RATE_CLIENTS): who asked least recently is forgotten for a new one,
 * and begins anew with a full bucket. Loop thread.
 *
 *	struct serve_rate *r = serve_rate_new(100);
 *	if ((ms = serve_rate_take(r, http_x_client(x))))
 *		... 429, and it may come again after ms
 */
#ifndef SERVE_RATE_H
#define SERVE_RATE_H
#include <stdint.h>

struct serve_rate;

struct serve_rate *serve_rate_new(unsigned per_second); /* not 0 */
void serve_rate_free(struct serve_rate *r); /* NULL is fine */
/* 0: it may ask, and has. Else nothing is taken, and so many ms later there is something. */
uint64_t serve_rate_take(struct serve_rate *r, const char *client);

#endif
