/*
 * Posts notices (notice.h) to notification-controller: POST of JSON to one address, in the
 * background. No run waits for it, and nothing that it does or fails to do changes a run.
 *
 * Notices of one namespace wait in a line of their own and go one at a time, so those of an object
 * arrive in order; the lines take turns for the few requests that are on their way. A namespace
 * whose objects all fail, or have annotations of 60 KiB, delays itself.
 *
 * An answer of 2xx is the end, and so is 429: notification-controller has said the same within its
 * rate limit. Nothing is said again after another answer below 500: it would be the same once more.
 * Silence, a connection that fails, 502, 503 and 504 say that nobody is there: the line tries again
 * after a back-off, from 1 to 30 seconds, until the notice is LIMIT_NOTICE_MS old; any other 5xx
 * LIMIT_NOTICE_TRIES times, since it may be the notice that cannot be taken.
 *
 * LIMIT_NOTICES and LIMIT_NOTICES_BYTES bound what waits. Past either, the line that holds most
 * loses its oldest error, or its oldest notice when there is none: what people need is how things
 * are now, of errors more come by themselves, and a new artifact is told only once. One that says
 * what the last one waiting of its object says joins it.
 *
 * A failure is logged once for the time that nothing gets through, with the next success; the
 * counters have the rest. Loop thread.
 *
 *	struct poster *p = poster_new(loop, http, "http://notification-controller.flux-system/",
 *		"source-controller", host);
 *	poster_post(p, &notice);
 *	... at the end: poster_drain(p), turn the loop until poster_idle(p) or the time is up,
 *	poster_stop(p), turn the loop, poster_free(p)
 */
#ifndef CTL_POSTER_H
#define CTL_POSTER_H
#include <stdbool.h>
#include <stdint.h>

struct http_client;
struct loop;
struct notice;
struct poster;

struct poster_stats {
	uint64_t sent, duplicate; /* 2xx; 429 */
	uint64_t joined; /* said what one that waits says */
	uint64_t dropped; /* no room, or no time at the end */
	uint64_t failed; /* given up */
	uint64_t tries; /* requests, repetitions included */
	unsigned waiting;
};

/* The URL is one that url.h takes. component and instance go into each notice. Strings are copied,
   the client is borrowed. */
struct poster *poster_new(struct loop *l, struct http_client *http, const char *url,
	const char *component, const char *instance);
void poster_post(struct poster *p, const struct notice *n);
void poster_stats(const struct poster *p, struct poster_stats *out);

/* Takes no more. What waits is sent; what has failed once, or fails now, is dropped. */
void poster_drain(struct poster *p);
/* Nothing waits, nothing is on its way. */
bool poster_idle(const struct poster *p);
/* Takes no more, drops what waits, cancels what is on its way; turn the loop, then free. NULL is
   fine here and below. */
void poster_stop(struct poster *p);
void poster_free(struct poster *p);

#endif
