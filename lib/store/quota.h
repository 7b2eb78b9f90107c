/*
 * What of --storage-quota is taken: the files that are there, and what runs have reserved for files
 * that they are about to bring. Who was refused is told when there may be room (on_room): it is
 * looked for a second after something went, was given back or was superseded, and ten seconds after
 * the last time that somebody was told at the earliest. Internal to
 * lib/store; the ops are in store.h. Loop thread.
 */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H
#include "ev/timer.h"
#include "store/index.h"

struct store;

struct quota {
	uint64_t max; /* bytes; 0: none */
	uint64_t reserved;
	uint64_t refused; /* times since the start */
	uint64_t least; /* of what was refused, the smallest; 0: nobody waits */
	uint64_t told_at; /* on clock_ms(); 0: never */
	uint64_t may_go; /* bytes of all that may give way; as long as `counted` */
	bool counted;
	struct timer timer; /* set while somebody waits and something has changed */
};

/* So many more would go in now if all superseded files gave way. */
bool quota_has_room(struct store *s, uint64_t bytes);
/* Something has become less, or may give way. */
void quota_changed(struct store *s);

#endif
