/* Receivers on one loop: the controller with its server, a follower beside it when it is wanted,
   and a fake API server. The clock stands still. Whatever a test does, world_clear looks whether a
   token stands in the log, in an answer or in an Event. */
#ifndef UNIT_RECEIVER_WORLD_H
#define UNIT_RECEIVER_WORLD_H
#include "base/buf.h"
#include "controllers/receiver/receiver.h"
#include "test/fake/kube.h"

#include <stdbool.h>

#define TOKEN "correct-horse-battery"
#define OTHER_TOKEN "another-horse-entirely"

/* A replica. */
struct side {
	struct world *w;
	struct metrics *metrics;
	struct controller *c;
	struct http_server *server;
	bool follows;
};

struct world {
	struct loop *loop;
	struct fake_kube *kube;
	struct kube_client *client;
	struct event_recorder *events;
	struct account *account;
	struct hook *hook;
	struct side leader, follower; /* the latter: after world_follow */
	struct receiver_opts opts; /* of the next side: what is no part of the world */
	unsigned connections; /* of the next side; 0: as many as usual */
	int log;
	struct buf answers; /* all of them */
	char body[512]; /* of the last answer */
	char head[2048];
};

void world_init(struct world *w); /* nothing runs */
void world_start(struct world *w);
void world_follow(struct world *w);
void world_clear(struct world *w);
/* Turns the loop until nothing is on its way any more. */
void world_settle(struct world *w);
void world_pass(struct world *w, uint64_t ms);

/* Secret apps/NAME with this token. */
void world_secret(struct world *w, const char *name, const char *token);
/* Receiver apps/hook: `spec` without braces. */
void world_receiver(struct world *w, const char *spec);
void world_receiver_as(struct world *w, const char *name, const char *spec);
/* An object of any kind with labels (JSON, or NULL). */
void world_object(
	struct world *w, const char *plural, const char *ns, const char *name, const char *labels);
/* requestedAt of an object; "" when it has none. */
const char *world_asked(struct world *w, const char *plural, const char *ns, const char *name);
/* A member of the status of apps/hook, or "Ready.reason" and the like; "" when absent. */
const char *world_status(struct world *w, const char *path);
const char *world_path(struct world *w);
/* What was logged so far. Free it. */
char *world_log(struct world *w);

/* The status of the answer; 0: it was cut. */
int world_request(struct world *w, struct side *s, const void *data, size_t n);
/* A POST to the leader; headers: whole lines. */
int world_post(struct world *w, const char *path, const char *headers, const char *body);
int world_post_to(
	struct world *w, struct side *s, const char *path, const char *headers, const char *body);

/* Somebody who calls and does not wait. */
struct caller {
	struct world *w;
	int fd;
	struct buf got;
	bool ended;
};
void caller_post(struct caller *c, struct world *w, const char *path, const char *body);
/* Announces more than it sends. */
void caller_post_part(struct caller *c, struct world *w, const char *path, size_t announced,
	const void *data, size_t n);
/* The status, or 0: none has come yet. */
int caller_status(struct caller *c);
void caller_close(struct caller *c);

#endif
