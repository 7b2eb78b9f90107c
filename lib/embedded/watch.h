/*
 * Watch: a ring of the last changes in memory (LIMIT_EMBEDDED_RING_EVENTS, LIMIT_EMBEDDED_RING),
 * and the streams that read it. A version before the ring, or before the start of the process, is
 * 410 Gone: the client lists again. Loop thread.
 */
#ifndef EMBEDDED_WATCH_H
#define EMBEDDED_WATCH_H
#include "embedded/call.h"

struct loop;
struct emb_chain;
struct emb_history;
struct http_exchange;

struct emb_history *emb_history_new(struct loop *l, int64_t version);
/* Takes the changes over (cs is empty after) and wakes the watches. */
void emb_history_add(struct emb_history *h, struct emb_changes *cs);
/* Of the last change. */
int64_t emb_history_version(const struct emb_history *h);
/* Every change after this version is still here. */
int64_t emb_history_floor(const struct emb_history *h);
/* Ends all watches, cleanly, and those that come later. */
void emb_history_stop(struct emb_history *h);
/* No watch may be left. */
void emb_history_free(struct emb_history *h);

struct emb_watch_req {
	struct emb_history *history;
	struct emb_chain *chain;
	/* Kind, version, ns, name and selectors, form; taken over. With `initial`, run as a list
	   first. */
	struct emb_call *call;
	bool initial; /* begin with what is there, as ADDED */
	int64_t from; /* without: changes after this version */
	bool bookmarks;
	uint64_t timeout_ms; /* 0: until the client goes */
};
/* Replies to the exchange with the stream. */
void emb_watch_start(struct http_exchange *x, const struct emb_watch_req *req);

#endif
