/*
 * The front of the API: who may ask (secret path, Host, Origin), what the path and the query mean,
 * and where the answer comes from. Loop thread.
 */
#ifndef EMBEDDED_API_H
#define EMBEDDED_API_H
struct emb_api {
	struct emb_db *db; /* for calls; touched by workers only */
	const struct emb_kinds *kinds;
	struct emb_chain *chain;
	struct emb_history *history;
	const char *prefix; /* "/" and 64 hex digits */
	const char *address; /* "127.0.0.1:41234" */
};

struct http_exchange;

/* The handler of the HTTP server; arg is the struct emb_api. */
void emb_api_handle(void *arg, struct http_exchange *x);

#endif
