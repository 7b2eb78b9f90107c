/*
 * Texts that say the same but for what a server makes up anew for each answer: request ids, time
 * stamps, how long it took. An error that comes back every minute with another id in it is one
 * error: no new Event, no write of the status.
 *
 * What varies: a UUID; a word of eight or more hexadecimal digits (at least one of 0-9) or of
 * sixteen or more letters and digits (at least two of 0-9); a time or date with time (RFC 3339); a
 * number before a unit of time ("30001 ms"); with `numbers` every number. What never does, for it
 * names a thing: a URL, a digest ("sha256:..."), what stands in single quotes. So a message about
 * another artifact is another message.
 *
 * Nothing is kept. Any thread. Any bytes.
 */
#ifndef BASE_VARY_H
#define BASE_VARY_H
#include "base/buf.h"

#include <stdbool.h>

/* Equal but for what varies. */
bool vary_equal(const char *a, const char *b);
/* Adds the text with one # for each piece that varies. */
void vary_put(struct buf *to, const char *text, bool numbers);

#endif
