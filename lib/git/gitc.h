/*
 * A Git client for one process: what a server has, a commit and its objects (objects.h), and new
 * commits (draft.h). Each question begins anew: there is no clone, no work tree and no negotiation
 * of what is here already. The wire lives on the loop, the objects in worker jobs; libgit2 hashes
 * them (hash.h), and nobody else includes its headers.
 *
 * The prefix is gitc_ ("git client"): git_ belongs to libgit2, whose symbols ours must not shadow.
 *
 * Formats: gitprotocol-common, -capabilities, -v2, -pack and -http of Git's documentation.
 */
#ifndef GIT_GITC_H
#define GIT_GITC_H

/* err.code of what this module says itself; what HTTP and the system say stays: a status, a
   negative errno. */
enum gitc_code {
	GITC_AUTH_FAILED =
		1, /* the server wants other credentials, or some; or is not whom we trust */
	GITC_NOT_FOUND, /* it has no such repository, or hides it from these credentials */
	GITC_SHA256, /* the repository's objects are named by SHA-256 */
	GITC_DUMB, /* the server has files, and no Git service */
	GITC_PROTOCOL, /* what it says is no Git, or a lie */
	GITC_NOT_OURS, /* it does not give this object by its hash: ask for a ref and its history */
	GITC_NO_OPTIONS, /* it takes no push options */
	/* the push was sent, and nobody said what became of it: look at the refs */
	GITC_PUSH_UNKNOWN,
	GITC_TOO_LARGE, /* past one of our limits */
	GITC_BAD_PACK, /* the objects do not hold what their names say */
	GITC_MISSING, /* the object set does not have this object */
	GITC_BAD_OBJECT, /* an object is malformed, or not of the type that was wanted */
	GITC_BAD_NAME, /* a name in a tree is none that may lie on a disk */
	GITC_NO_PATH, /* there is no such path in the commit */
	GITC_SAME, /* nothing would change */
};

#endif
