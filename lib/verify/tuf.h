/*
 * A client of a TUF repository (The Update Framework, specification 1.0, section 5) that follows
 * one of its targets, without any network: it says which file it wants next, and is given the
 * bytes. What it believes begins with a root.json that came with the program; every later one has
 * to be signed by the keys of the one before and by its own. Nothing that was believed is taken
 * back for something older, unless the keys that said so have been changed (section 5.3.11).
 * Delegated targets are not looked at.
 *
 * Any thread, one at a time. Times are of the caller.
 *
 *	t = verify_tuf_new(root, len, "trusted_root.json", err);
 *	verify_tuf_restore(t, ...) for each file that an earlier process has kept
 *	if (verify_tuf_check(t, now_ms, err) == 0)
 *		... verify_tuf_target(t) is good without asking anybody
 *	verify_tuf_begin(t, now_ms);
 *	while (verify_tuf_wants(t, &want))
 *		... fetch want.path, want.max bytes at most
 *		verify_tuf_give(t, data, len, err), or verify_tuf_lacks(t, err) if there is none
 *	... verify_tuf_target(t)
 *
 * A refresh that fails leaves what was proven until then: it may begin again.
 */
#ifndef VERIFY_TUF_H
#define VERIFY_TUF_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct verify_tuf;

enum verify_tuf_file {
	VERIFY_TUF_FILE_ROOT, /* of the next version */
	VERIFY_TUF_FILE_TIMESTAMP,
	VERIFY_TUF_FILE_SNAPSHOT,
	VERIFY_TUF_FILE_TARGETS,
	VERIFY_TUF_FILE_TARGET,
	VERIFY_TUF_FILE_NONE, /* it has all */
};

#define VERIFY_TUF_PATH_MAX 320

struct verify_tuf_want {
	char path[VERIFY_TUF_PATH_MAX]; /* below the address of the repository */
	char name[VERIFY_TUF_PATH_MAX]; /* under which it may be kept: without a hash */
	size_t max; /* it has no more bytes */
	bool optional; /* that there is none is an answer */
};

/* NULL: root is no root.json that is signed by its own keys. It may have expired. `target` is
   borrowed for ever. */
struct verify_tuf *verify_tuf_new(
	const char *root, size_t n, const char *target, struct err *err) must_check;
void verify_tuf_free(struct verify_tuf *t); /* NULL is fine */
/* Something that was kept, in the order of enum verify_tuf_file, proven again but for its age. -1:
   it cannot be believed, and is as good as not there. */
int verify_tuf_restore(struct verify_tuf *t, enum verify_tuf_file file, const char *data, size_t n,
	struct err *err) must_check;
/* The same name as verify_tuf_want's, of what verify_tuf_restore takes next. Returns out. */
char *verify_tuf_kept_name(
	const struct verify_tuf *t, enum verify_tuf_file file, char out[VERIFY_TUF_PATH_MAX]);

/* Is all of it there, and good at this time? */
int verify_tuf_check(struct verify_tuf *t, int64_t now_ms, struct err *err) must_check;
/* A refresh begins, with one time for all of it. */
void verify_tuf_begin(struct verify_tuf *t, int64_t now_ms);
/* False: nothing, the refresh has ended well. */
bool verify_tuf_wants(const struct verify_tuf *t, struct verify_tuf_want *out);
/* The bytes of what it wants, or that there is no such file. -1 (ERR_RETRY): the refresh has
   failed; the message begins with the file's name. */
int verify_tuf_give(struct verify_tuf *t, const char *data, size_t n, struct err *err) must_check;
int verify_tuf_lacks(struct verify_tuf *t, struct err *err) must_check;
/* The target's bytes, of the last refresh that got so far; empty: none did. Borrowed. */
const struct buf *verify_tuf_target(const struct verify_tuf *t);

#endif
