/*
 * What happened to something lately: a few entries, each a time and two short texts, in one
 * allocation of as many bytes as they need. Nothing has happened: NULL, and it costs a pointer.
 * Whoever adds says how many stay; the oldest go. Texts are cut, so that a history is bounded.
 * The owner frees with free(). One thread at a time.
 *
 *	struct history *h = NULL;
 *	history_add(&h, 16, clock_wall_ms(), "1.2.3@sha256:...", "");
 *	for (at = 0; history_next(h, &at, &e);) ...
 */
#ifndef BASE_HISTORY_H
#define BASE_HISTORY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of one text; what is longer is cut at a whole character. */
#define HISTORY_TEXT_MAX 600

struct history;

struct history_entry {
	int64_t at_ms; /* since 1970 UTC, whole seconds */
	unsigned times; /* how often, at most 65,535 */
	const char *what, *text; /* in the history: until it changes */
};

/* At the end, as the newest. most: at least 1. */
void history_add(
	struct history **h, unsigned most, int64_t at_ms, const char *what, const char *text);
/* The same; but an entry that is there and says the same, ids and times apart (vary.h), is counted
   up and becomes the newest. */
void history_count(
	struct history **h, unsigned most, int64_t at_ms, const char *what, const char *text);
/* From the oldest to the newest: *at is 0 first. False: there is no more. h may be NULL. */
bool history_next(const struct history *h, size_t *at, struct history_entry *e);
unsigned history_len(const struct history *h);

#endif
