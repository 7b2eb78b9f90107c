/*
 * The volume under the store. Every five seconds a worker looks whether the store's path still
 * leads to the folder that is open: somebody may have removed it, or mounted something over it. If
 * not, what the path leads to now takes the place of the old folder, is made where it is missing,
 * and the tree is read again. And it looks whether a volume that has refused bytes may take them
 * now: it can be written to, and has room for the least of them. Where that was not true, the next
 * time is after 10 s at the earliest, and each after twice as long, up to a quarter of an hour.
 * Internal to lib/store. Loop
 * thread.
 */
#ifndef STORE_VOLUME_H
#define STORE_VOLUME_H
#include "ev/op.h"
#include "ev/timer.h"

#include <stdbool.h>
#include <stdint.h>

struct store;

/* What a look has found. */
struct volume_state {
	bool replaced; /* another folder is open now */
	bool measured; /* and this is so: */
	bool read_only;
	uint64_t free; /* bytes */
};

struct volume {
	struct timer timer;
	struct op *op; /* the look that is on */
	void (*replaced)(struct store *s);
	uint64_t least; /* bytes that were refused, the smallest; 0: none since the last try */
	uint64_t told_at, pause_ms; /* the last try, on clock_ms(), and how long after it none is */
};

/* Is what was refused worth another try? Yes is said once. */
bool volume_is_better(struct volume *v, const struct volume_state *now, uint64_t now_ms);

/* replaced: another folder is open now. Called again it does nothing. The store stops it when it
   closes. */
void volume_start(struct store *s, void (*replaced)(struct store *s));

#endif
