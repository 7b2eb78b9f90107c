/*
 * New commits to a repository: git-receive-pack with report-status. The server's own advertisement
 * is read first, so an update whose `old` is stale is known before anything is sent. Loop thread.
 *
 *	op = gitc_push_start(client, &(struct gitc_push_req){.target = target, .pack = &pack,
 *		.updates = &(struct gitc_update){"refs/heads/main", old, new}, .n_updates = 1});
 *	... done, no error: gitc_push_result(op)->updates[0].ok, or why not
 *
 * The op fails when the server did not take the push as a whole (auth, the pack is refused, no
 * push options there); an update that it refuses is a success of the op with `ok` false.
 * GITC_PUSH_UNKNOWN: it was sent, and the answer is missing or makes no sense. The refs say what
 * became of it.
 */
#ifndef GIT_PUSH_H
#define GIT_PUSH_H
#include "base/buf.h"
#include "git/client.h"
#include "git/oid.h"

#include <stdbool.h>
#include <stddef.h>

struct op;

struct gitc_update {
	const char *name; /* the whole name: "refs/heads/main" */
	struct gitc_oid old; /* what it is now; zero: it is not there */
	struct gitc_oid new; /* what it shall be; zero would delete it, and is refused */
	bool force; /* whatever it is now; `old` does not count */
};

struct gitc_push_req {
	struct gitc_target target;
	const struct gitc_update *updates; /* copied */
	size_t n_updates; /* 1 to LIMIT_GIT_UPDATES */
	/* Borrowed until the op is done; NULL: the server has all objects already. */
	const struct buf *pack;
	const char *const *options; /* "k=v", ends with NULL; NULL: none. Copied */
};

struct gitc_pushed {
	const char *name;
	bool ok;
	char *why; /* the server's words, printable; NULL when ok */
};

struct gitc_push_result {
	struct gitc_pushed *updates; /* in the order of the request */
	size_t n;
	bool ok; /* all of them */
	/* Refused because somebody else was there first: fetch again, build on that. */
	bool raced;
	const char *said; /* what the server's hooks wrote, printable, capped; "" */
};

struct op *gitc_push_start(struct gitc_client *c, const struct gitc_push_req *req);
/* Borrowed from the op, which has succeeded. */
const struct gitc_push_result *gitc_push_result(const struct op *op);

#endif
