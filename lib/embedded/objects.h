/*
 * The embedded API's state: one SQLite database (docs/embedded-api.md). WAL, synchronous=NORMAL,
 * one transaction per request with the version counter in it. A kill of the process loses nothing;
 * a power cut may lose the last commits but never the file's consistency, so every start raises the
 * counter by EMB_VERSION_STEP and no version is ever given twice.
 *
 * The only user of SQLite. One thread at a time, any thread: after the start all calls come from
 * the chain's jobs (chain.h). An object is stored as JSON without apiVersion and kind, which every
 * version of a kind adds for itself.
 *
 *	if (emb_db_begin(db, err) || emb_db_get(db, key, ns, name, &old, err)) ...
 *	if (emb_db_put(db, key, new, expires, err) || emb_db_commit(db, err))
 *		...                                         after an error: emb_db_rollback
 */
#ifndef EMBEDDED_OBJECTS_H
#define EMBEDDED_OBJECTS_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define EMB_VERSION_STEP 1000000

struct emb_db;

/* The file is made if missing. Fails when another process has it. */
struct emb_db *emb_db_open(const char *path, struct err *err) must_check;
void emb_db_close(struct emb_db *db); /* NULL is fine */
/* The counter: the version of the last write. */
int64_t emb_db_version(const struct emb_db *db);
/* True when the database was made by this open. */
bool emb_db_is_new(const struct emb_db *db);

int emb_db_begin(struct emb_db *db, struct err *err) must_check;
int emb_db_commit(struct emb_db *db, struct err *err) must_check;
/* Also takes the counter back. No effect outside a transaction. */
void emb_db_rollback(struct emb_db *db);

/* key: struct emb_kind.resource. ns: "" for what has no namespace. *text (owned by the caller, *len
   bytes) NULL: there is none. */
int emb_db_get(struct emb_db *db, const char *key, const char *ns, const char *name, char **text,
	size_t *len, struct err *err) must_check;
/* Raises the counter; *version is the object's new one, which the text must already hold
   (emb_db_version() + 1). expires_ms: wall clock, 0 never. */
int emb_db_put(struct emb_db *db, const char *key, const char *ns, const char *name,
	const char *text, size_t len, int64_t expires_ms, struct err *err) must_check;
/* Raises the counter too: a deletion is an event with a version of its own. */
int emb_db_delete(struct emb_db *db, const char *key, const char *ns, const char *name,
	struct err *err) must_check;

struct emb_row {
	const char *ns, *name, *text; /* borrowed until the callback returns */
	size_t len;
};
/* Return 1 to stop early, -1 with *err filled to fail. */
typedef int emb_row_fn(void *arg, const struct emb_row *row, struct err *err);
/* Rows of one kind in the order of (namespace, name), after the given pair (NULL: from the start),
   at most `max`. ns NULL: of all namespaces. Returns how many were looked at, or -1. */
int emb_db_list(struct emb_db *db, const char *key, const char *ns, const char *after_ns,
	const char *after_name, unsigned max, emb_row_fn *fn, void *arg,
	struct err *err) must_check;
/* Rows of any kind whose time is over; fn gets key in the place of text. */
int emb_db_expired(struct emb_db *db, int64_t now_ms, unsigned max,
	int (*fn)(void *arg, const char *key, const char *ns, const char *name, struct err *err),
	void *arg, struct err *err) must_check;
/* Is there any object in this namespace? 1, 0 or -1. */
int emb_db_any_in(struct emb_db *db, const char *ns, struct err *err) must_check;

/* What the folder of manifests created, by uid (files.h). */
int emb_db_mark(struct emb_db *db, const char *key, const char *ns, const char *name,
	const char *uid, struct err *err) must_check;
int emb_db_unmark(struct emb_db *db, const char *key, const char *ns, const char *name,
	struct err *err) must_check;
/* All marks; fn gets the uid in row->text. */
int emb_db_marks(struct emb_db *db,
	int (*fn)(void *arg, const char *key, const struct emb_row *row, struct err *err),
	void *arg, struct err *err) must_check;

#endif
