/*
 * Texts of strangers that say the same thing each time in the same words. What a registry says of a
 * failure ends in a condition, and each new wording is a write to the API server and an Event:
 * request ids, times of day and countdowns must not be in it.
 *
 * Replaced by `<id>`: UUIDs; words of eight or more hex digits; words in which letters and digits
 * change places often; whatever follows "request id", "correlation id", "trace id" and their like.
 * By `<time>`: dates, times of day, and numbers with a unit of time. Kept, because it is the same
 * each time and says what is wrong: a digest (`sha256:` and its like) and every word of the URL
 * that was asked for, so a tag or a repository may look like an id.
 *
 * Plain text work, no state. Any thread.
 */
#ifndef TEXT_STEADY_H
#define TEXT_STEADY_H
#include "base/buf.h"

/* Appends `text` (printable ASCII). url: what was asked for. */
void steady_add(struct buf *out, const char *text, const char *url);
/* Appends a text of any bytes as printable ASCII, blanks run together, until `out` has max bytes;
   "..." says that there was more. */
void steady_add_clean(struct buf *out, const char *s, size_t max);

#endif
