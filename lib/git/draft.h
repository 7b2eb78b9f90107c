/*
 * A new commit on top of one that is there: some files get other bytes, nothing else changes. Made
 * in memory on a worker; the bytes of the commit are handed out to be signed, then all that is new
 * (blobs, trees, the commit) becomes a pack for a push. The set needs the trees above
 * the files only, not their blobs. One thread at a time.
 *
 *	struct gitc_draft *d = gitc_draft_new(&req, stop, err);
 *	struct buf signature = ... of gitc_draft_payload(d);
 *	if (gitc_draft_seal(d, buf_str(&signature), &oid, &pack, stop, err)) ...
 *	gitc_draft_free(d);
 */
#ifndef GIT_DRAFT_H
#define GIT_DRAFT_H
#include "base/buf.h"
#include "base/err.h"
#include "git/commit.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct gitc_draft;

/* A file that is there, as a regular one: it keeps its mode. */
struct gitc_change {
	const char *path;
	const char *text;
	size_t len;
};

struct gitc_draft_req {
	const struct gitc_objects *objects;
	struct gitc_oid parent;
	const struct gitc_change *changes; /* each path once, any order */
	size_t n_changes;
	/* Author and committer. Characters that git has no room for (LF, NUL, angle brackets) are
	   dropped, as git drops them. */
	struct gitc_person who;
	const char *message; /* the bytes as they are */
	size_t message_len;
	/* Bytes: of the trees from the root to a file, and of the pack; 0: LIMIT_GIT_TREES,
	   LIMIT_GIT_PACK. It holds no more than both. */
	uint64_t trees, max_pack;
};

/* Copies all it needs. NULL with *err filled: a path that is no file (GITC_NO_PATH), objects that
   are missing, a name without characters, more than its bounds (GITC_TOO_LARGE). GITC_SAME: nothing
   would change. */
struct gitc_draft *gitc_draft_new(
	const struct gitc_draft_req *req, const atomic_bool *stop, struct err *err) must_check;
void gitc_draft_free(struct gitc_draft *d); /* NULL is fine */
/* The commit without a signature: what is signed. Borrowed. */
const struct buf *gitc_draft_payload(const struct gitc_draft *d);
/* Ends it. signature: armored PGP or SSH, or NULL. *oid is the new commit's; *pack, which is
   cleared before, is the pack. */
int gitc_draft_seal(struct gitc_draft *d, const char *signature, struct gitc_oid *oid,
	struct buf *pack, const atomic_bool *stop, struct err *err) must_check;

#endif
