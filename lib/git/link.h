/*
 * The seam between the protocol (refs.c, fetch.c, push.c) and what carries it: HTTP (http.c) or an
 * ssh process (ssh.c). Inside lib/git only; loop thread.
 *
 * A link is one conversation with one service of one repository. The protocol sees two moves:
 *
 *	open	gets the server's advertisement (protocol v2: its capabilities, v0: its refs)
 *	talk	sends a request, gets the answer
 *
 * Over HTTP each move is a request of its own, and talk may come without open (`stateless`). Over
 * ssh open starts the process and talk writes to it, as often as the protocol likes; gitc_link_free
 * ends it.
 *
 * Bytes of an answer are given to on_data as they come. It takes all of them, and says what next:
 *	MORE	go on
 *	PAUSE	all bytes were taken, no further ones until link_resume
 *	END	the answer is whole, by what the protocol says: over ssh the move ends, and bytes
 *		that come behind it are an error; over HTTP the body has to end, too
 *	FAIL	*err is filled, the move fails with it
 * The op of a move succeeds at END, and when the bytes end without one (HTTP: the body, ssh: the
 * process ends well): whether the answer was whole then is for the protocol to judge. on_data is
 * called from inside of libraries: it may start, cancel and resume ops, and frees nothing.
 *
 * Deadlines: time_ms bounds the move; with `stream` only its beginning (until the first byte of the
 * answer), and then silence (LIMIT_GIT_IDLE_MS, pauses do not count) and LIMIT_GIT_RATE over
 * LIMIT_GIT_RATE_MS do. A link has one move in flight at most. A cancelled move ends with
 * ERR_CANCELED; over ssh that ends the process.
 *
 * Errors are ready for a status: they name what was asked (git-upload-pack, or method and URL),
 * never a credential, and have a code of gitc.h where one fits.
 */
#ifndef GIT_LINK_H
#define GIT_LINK_H
#include "base/buf.h"
#include "base/err.h"
#include "git/client.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gitc_link;
struct op;

enum gitc_service { GITC_UPLOAD_PACK, GITC_RECEIVE_PACK };
enum gitc_feed { GITC_FEED_MORE, GITC_FEED_PAUSE, GITC_FEED_END, GITC_FEED_FAIL };

struct gitc_move {
	/* What is sent, one after the other; borrowed until the op is done. NULL: nothing. */
	const struct buf *head, *body;
	enum gitc_feed (*on_data)(void *arg, const char *p, size_t n, struct err *err);
	void *arg;
	uint64_t max; /* bytes of the answer; more is GITC_TOO_LARGE */
	uint64_t time_ms;
	bool stream;
};

struct gitc_link_type {
	const char *name; /* "http", "ssh" */
	bool stateless; /* talk needs no open before it */
	struct op *(*open)(struct gitc_link *link, const struct gitc_move *move);
	struct op *(*talk)(struct gitc_link *link, const struct gitc_move *move);
	/* After PAUSE. Safe when the move is done; it is not freed yet. */
	void (*resume)(struct op *move);
	/* No move is in flight. */
	void (*free)(struct gitc_link *link);
};

/* Embedded by what carries it. */
struct gitc_link {
	const struct gitc_link_type *type;
	bool sent; /* of the last talk: some of the request may have reached the server */
	/* HTTP, after open: where the service is, when it is not where the URL says; and that it is
	   at another host, which is not remembered. */
	char *base;
	bool away;
};

/* How a link is made. Everything is copied or referenced. */
struct gitc_link_req {
	const struct gitc_target *target;
	enum gitc_service service;
	bool v2; /* offer protocol version 2 */
	const char *base; /* HTTP: as an earlier link's open has found it; NULL: the URL itself */
};

/* By the URL's scheme: http.h's or ssh.h's. Never NULL; what is wrong is said by the moves. */
struct gitc_link *gitc_link_new(struct gitc_client *c, const struct gitc_link_req *req);

static inline const char *gitc_service_name(enum gitc_service s)
{
	return s == GITC_UPLOAD_PACK ? "git-upload-pack" : "git-receive-pack";
}

#endif
