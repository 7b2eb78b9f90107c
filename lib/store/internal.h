/*
 * The store itself, for the files of lib/store only: store.c opens and closes it; scan.c, read.c,
 * write.c, gc.c, saver.c, volume.c and scrub.c are what it does (store/job.h). Loop thread, but for
 * `root`, which jobs read (root.h), and the scrub's file, which is a piece's while one is on.
 */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H
#include "ev/timer.h"
#include "store/index.h"
#include "store/job.h"
#include "store/quota.h"
#include "store/root.h"
#include "store/saver.h"
#include "store/scrub.h"
#include "store/store.h"
#include "store/volume.h"

struct lost {
	char path[STORE_PATH_MAX];
	struct list link;
};

struct store {
	struct loop *loop;
	struct store_root root;
	struct store_index index;
	struct saver saver;
	struct volume volume;
	struct scrub scrub;
	struct quota quota;
	struct op *rescan; /* of a folder that has taken the place of another */
	unsigned records;
	uint64_t ttl_ms, restore_ms;
	void (*on_lost)(void *arg, const char *path);
	void (*on_unknown)(void *arg, const char *dir);
	void (*on_room)(void *arg);
	void (*on_full)(void *arg);
	void *arg;
	struct list lost; /* of struct lost: what the caller is to be told */
	struct defer lost_defer;
	struct timer restore_timer;
	unsigned expected; /* lists that are not complete yet */
	bool scanned, late, ready, closed;
	unsigned jobs; /* not freed yet */
	uint64_t published, removed, remembered;
};

/* One job less; the last one of a store that was closed frees it. */
void store_job_gone(struct store *s);
/*
 * A file that was there is not, or is another: it leaves the index, and is promised again if a
 * status names it. The caller hears of it if `tell`. May free e.
 */
void store_lose(struct store *s, struct store_entry *e, bool tell);
/* The caller hears that it is not there, or may not be what it should. */
void store_tell_lost(struct store *s, const struct store_entry *e);
void store_check_ready(struct store *s);

#endif
