/*
 * Commits and annotated tags, read out of an object set (objects.h): who, when, what, and what was
 * signed, byte for byte. The forms are those of git-commit-tree(1), git-mktag(1), and
 * gitformat-signature; what git itself calls malformed (git-fsck(1)) is an error where we would
 * rely on it, and is left alone where not. Workers; plain values that the caller clears.
 */
#ifndef GIT_COMMIT_H
#define GIT_COMMIT_H
#include "base/buf.h"
#include "base/err.h"
#include "base/vec.h"
#include "git/objects.h"
#include "git/oid.h"

#include <stdint.h>

struct gitc_person {
	/* Any bytes but NUL and LF; git itself writes no angle brackets, and the email has no "<".
	   NULL when the line says nothing that git could read: then `when` is 0 as well. */
	char *name, *email;
	int64_t when; /* seconds since 1970 */
	int tz; /* minutes east of UTC, as they are written: "-0130" is -90 */
};

struct gitc_commit {
	struct gitc_oid tree;
	VEC(struct gitc_oid) parents;
	struct gitc_person author, committer;
	struct buf message; /* the bytes after the headers */
	/* Of the header `gpgsig`, the blanks in front of its lines taken away, with the last line's
	   end; empty: it is not signed. */
	struct buf signature;
	struct buf payload; /* what was signed: the commit without such headers */
};

struct gitc_tag {
	struct gitc_oid target;
	enum gitc_type type; /* of the target */
	char *name;
	bool has_tagger;
	struct gitc_person tagger;
	struct buf message; /* without the signature */
	struct buf signature; /* what trails the message, from "-----BEGIN ..." on; may be empty */
	struct buf payload; /* all that is in front of it */
};

/* Fills *out, whose clear may be called after a failure too. */
int gitc_commit_read(const struct gitc_objects *o, const struct gitc_oid *oid,
	struct gitc_commit *out, struct err *err) must_check;
void gitc_commit_clear(struct gitc_commit *c);
int gitc_tag_read(const struct gitc_objects *o, const struct gitc_oid *oid, struct gitc_tag *out,
	struct err *err) must_check;
void gitc_tag_clear(struct gitc_tag *t);

/* The tree of a commit. */
int gitc_tree_of(const struct gitc_objects *o, const struct gitc_oid *commit, struct gitc_oid *tree,
	struct err *err) must_check;

/* The same of bytes that are there: NULL, or what is wrong with them. */
const char *gitc_commit_parse(struct gitc_commit *out, const char *p, size_t n) must_check;
const char *gitc_tag_parse(struct gitc_tag *out, const char *p, size_t n) must_check;

#endif
