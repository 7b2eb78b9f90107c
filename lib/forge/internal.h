/*
 * The inside of lib/forge: place.c reads where a repository is, ask.c makes one request and reads
 * what it was answered, token.c gets and keeps tokens, request.c sees to pull requests, forge.c
 * begins and ends it all. For the files of this folder only. Loop thread.
 */
#ifndef FORGE_INTERNAL_H
#define FORGE_INTERNAL_H
#include "base/buf.h"
#include "base/lru.h"
#include "forge/forge.h"
#include "http/client.h"

#include <jansson.h>

struct forge {
	struct loop *loop;
	struct http_client *http;
	const struct http_guard *guard;
	struct lru tokens;
};

#define FORGE_GITHUB_API "https://api.github.com"

/* ---- place.c --------------------------------------------------------------------------------- */

struct forge_place {
	char *api; /* "https://api.github.com", no slash at its end */
	char *path; /* "owner/name"; of GitLab with all groups */
	char *owner; /* the first part of path */
	bool is_git; /* api is at the server of url, and no less private */
};

/* Where the parts of a struct forge_request_req say it is. */
struct forge_where {
	enum forge_kind kind;
	const char *url, *api;
	bool anywhere; /* api may be at any host */
	const char *base; /* of an App, instead of what url says; NULL: none */
};

/* -1 (ERR_STALL): *p is empty. */
int forge_place_read(
	struct forge_place *p, const struct forge_where *where, struct err *err) must_check;
void forge_place_clear(struct forge_place *p);
/* The base URL of an App's API: https, but to this very machine. *out is the caller's. */
int forge_base_read(char **out, const char *base, struct err *err) must_check;

/* ---- ask.c ----------------------------------------------------------------------------------- */

/* A struct forge_way that lasts. */
struct forge_route {
	struct http_trust trust;
	struct http_proxy proxy;
	char *owner;
	uint64_t until_ms; /* on clock_ms() */
};

void forge_route_init(struct forge_route *r, const struct forge_way *way);
void forge_route_clear(struct forge_route *r);

struct forge_ask {
	enum forge_kind kind;
	const char *method, *url;
	const struct secret *bearer;
	const struct buf *body; /* JSON; NULL: none */
	const struct forge_route *route;
};

struct op *forge_ask_start(struct forge *f, const struct forge_ask *ask);
/* An answer that is no success, as an error with the status as its code. -1; or 0: it is one. */
int forge_ask_check(const struct op *op, struct err *err) must_check;
/* The JSON of an answer; NULL: *err says that it is none. */
json_t *forge_ask_json(const struct op *op, struct err *err);

/* ---- token.c --------------------------------------------------------------------------------- */

void forge_tokens_init(struct forge *f);
void forge_tokens_stop(struct forge *f);

#endif
