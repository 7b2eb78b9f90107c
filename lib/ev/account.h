/*
 * The account of memory that strangers can size: every job and body in flight that may take more
 * than a little takes its worst case from here before it begins, and waits in line while there is
 * none. So the sum is bounded, however many of them come at once.
 *
 * There are two pools, told apart by who decides how long memory is held:
 *  - ACCOUNT_BODIES: bytes of answers. A registry that stalls holds them until the client ends it
 *    (http/client.h): soon, when others wait.
 *  - ACCOUNT_JOBS: what our own workers compute, which ends by itself.
 *
 * Who is next: of those that fit now, the one whose key (a host, a namespace) holds least; of
 * equals, who came first. No key holds more than half of the jobs or a quarter of the bodies, but
 * for a single taking. Who was passed ACCOUNT_PASSES times is due: next before all others, so a
 * large one does not starve behind small ones. More than the pool has counts as the whole pool: it
 * runs alone. LIMIT_MEMORY_FREE and less never wait.
 *
 * Strangers decide how long bodies are held, so a quarter of that pool is for small takings (an
 * ACCOUNT_SMALLth of the quarter and less): large ones never fill it, and up to so much the small
 * ones still pass a large one that is due and has no room yet.
 *
 * Order, so that nobody waits in a circle: one who holds of BODIES may wait for JOBS; one who holds
 * of JOBS waits for nothing here. What turns out to be too small is given back before more is asked
 * for.
 *
 * The op is what is held: once it has succeeded the memory is taken, and op_free gives it back.
 * Loop thread.
 *
 *	return task_wait(t, account_take(acc, ACCOUNT_JOBS, ns, 16 * LIMIT_MIB));     in its resume:
 *	r->grant = MOVE(t->op);
 *	...
 *	op_free(MOVE(r->grant));
 */
#ifndef EV_ACCOUNT_H
#define EV_ACCOUNT_H
#include <stdint.h>

struct account;
struct loop;
struct op;

enum account_pool { ACCOUNT_JOBS, ACCOUNT_BODIES, ACCOUNT_POOLS };

#define ACCOUNT_PASSES 8
#define ACCOUNT_SMALL 8

/* bytes: of both pools; two thirds are for jobs. */
struct account *account_new(struct loop *l, uint64_t bytes);
/* All its ops must be gone. NULL is fine. */
void account_free(struct account *a);
/* Succeeds when the bytes are there. key is copied. */
struct op *account_take(struct account *a, enum account_pool pool, const char *key, uint64_t bytes);

struct account_stats {
	uint64_t held, waiting, limit; /* bytes */
};
void account_stats(const struct account *a, enum account_pool pool, struct account_stats *out);

/* What the account of a process should have: a share of its memory limit, within LIMIT_MEMORY_MIN
   and LIMIT_MEMORY_MAX. pulls: how many may run at a time. */
uint64_t account_share(uint64_t memory_limit, unsigned pulls);

#endif
