/*
 * Which commit does a reference mean now? commit before name before semver before tag before
 * branch, as in a GitRepository's spec.ref (git_spec.h). A commit is known without a request;
 * everything else is one question for the remote's refs, of which only those come that count. Equal
 * versions (1.0.0, 1.0.0+b) are told apart by the times of their commits, which are fetched for
 * that, without trees: the newest wins, and of equally old ones the tag that comes first in byte
 * order. Loop thread.
 *
 *	struct op *op = git_resolve_start(
 *		loop, &(struct git_resolve_req){.git = client, .target = target, .ref = &ref});
 *	... when done, op->err.kind == ERR_NONE: git_resolve_result(op)->revision
 */
#ifndef SOURCE_GIT_RESOLVE_H
#define SOURCE_GIT_RESOLVE_H
#include "base/limits.h"
#include "git/oid.h"
#include "git/refs.h"
#include "source/git_spec.h"

#include <stdbool.h>

struct gitc_client;
struct loop;
struct op;

/* What the target points at has to stay there until the op is done; the rest is copied. */
struct git_resolve_req {
	struct gitc_client *git;
	struct gitc_target target;
	const struct git_ref *ref;
	uint64_t max_pack; /* as in git/fetch.h, of equal versions */
};

/* NAME@sha1:HEX, and a NUL */
#define GIT_REVISION_MAX (LIMIT_GIT_REF_NAME + 6 + GITC_OID_HEX)

struct git_resolved {
	/* "main@sha1:HEX", "v1.0.0@sha1:HEX"; "sha1:HEX" of a commit alone; with ref.name the whole
	   name, "refs/heads/main@sha1:HEX". HEX is always a commit. */
	char revision[GIT_REVISION_MAX];
	/* The ref at the remote, "refs/tags/v1.0.0"; "": there is none (a commit). */
	char ref[LIMIT_GIT_REF_NAME + 1];
	struct gitc_oid commit;
	/* What a commit by hash is on, for servers that let nobody ask by hash: "refs/heads/main", or
	   "" for any. */
	char branch[LIMIT_GIT_REF_NAME + 1];
	/* The annotated tag that points at it. */
	struct gitc_oid tag;
	bool has_tag;
	bool empty; /* the repository has no ref at all: the op has failed for that */
};

struct op *git_resolve_start(struct loop *l, const struct git_resolve_req *req);
/* Borrowed from the op; also after a failure. */
const struct git_resolved *git_resolve_result(const struct op *op);

/* The branch (or another ref that moves) that the commit is on; NULL: a tag's, or nobody knows. */
const char *git_resolved_branch(const struct git_resolved *r);

/* The commit that a revision names, of status.artifact.revision or a status's
   observedSourceRevision. -1: it names none. */
int git_revision_commit(const char *revision, struct gitc_oid *out, struct err *err) must_check;

#endif
