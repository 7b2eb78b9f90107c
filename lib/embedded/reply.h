/*
 * From a call to an answer: runs it in the chain, gives its changes to the watchers, and sends
 * object, list, Table or Status. Loop thread.
 */
#ifndef EMBEDDED_REPLY_H
#define EMBEDDED_REPLY_H
#include "embedded/call.h"

struct emb_chain;
struct emb_history;
struct http_exchange;

/* call is taken over. A list's version, when it is the later page of another one, is in
   first_version (0: none). */
void emb_reply_call(struct http_exchange *x, struct emb_chain *chain, struct emb_history *history,
	struct emb_call *call, int64_t first_version);
/* st is cleared. */
void emb_reply_status(struct http_exchange *x, struct emb_status *st);
/* o is taken over. */
void emb_reply_json(struct http_exchange *x, int code, json_t *o);

/* A continue token: the list's version and the last object's place. */
int emb_continue_parse(
	const char *token, int64_t *version, char **ns, char **name, struct err *err) must_check;

#endif
