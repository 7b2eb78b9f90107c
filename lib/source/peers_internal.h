/* Between peers.c, which knows the replicas, and peers_fetch.c, which asks them. Loop thread. */
#ifndef SOURCE_PEERS_INTERNAL_H
#define SOURCE_PEERS_INTERNAL_H
#include "base/list.h"
#include "base/vec.h"
#include "ev/timer.h"
#include "source/peers.h"

struct task;

struct peers {
	struct peers_opts opts;
	char *ns, *service, *self;
	struct op *watch;
	struct list early; /* of struct peers_wait, until the first list, or it is late */
	struct timer late;
	bool known;
	struct list all; /* of struct peer */
	struct peers_stats stats;
	bool failing; /* the watch, as it was logged */
};

/* Lives in a task that is paused until it is known who there is. */
struct peers_wait {
	struct list link;
	struct task *task;
};

/* False: it is known, nobody waits. */
bool peers_wait_start(struct peers *p, struct peers_wait *w, struct task *t);

typedef VEC(char *) peers_order;

/* Whom to ask, first to last: "10.0.0.3:9090", "[fd00::3]:9090". Free them. */
void peers_order_new(struct peers *p, peers_order *out);
void peers_order_clear(peers_order *o);
/* This one did not answer, or not with the truth. */
void peers_put_aside(struct peers *p, const char *address);
/* It has answered, whatever it said; or it had begun to, or could have, and took too long. */
void peers_heard(struct peers *p, const char *address, bool in_time);

#endif
