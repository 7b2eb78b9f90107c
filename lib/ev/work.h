/*
 * Blocking or heavy work on libuv's worker threads. A job owns copies of its input and is the
 * result: `run` gets it on a worker, the loop gets it back when the op is done. Three lanes, by how
 * long a thread may be taken:
 *
 *	WORK_SHORT	milliseconds (open, fdatasync, rename, readahead, a database commit): always
 *			finds a thread
 *	WORK_HEAVY	up to about a second (parsing, hashing and unpacking of what is small): all
 *			threads but one
 *	WORK_BULK	seconds to minutes (layers and files over LIMIT_WORK_BULK): all threads but
 *			two
 *
 * Heavy and bulk jobs have an owner, the namespace they are done for: jobs wait in one line for
 * each owner, the lines take turns, and one owner has at most all threads but three at a time (one
 * at least). So neither large jobs nor one owner's many can take what the others need. There are
 * three threads more than processors, so what an owner may have is still all of the machine.
 *
 *	struct op *op = work_start(loop, WORK_SHORT, publish_run, publish_free, job);
 *	struct op *op = work_start_for(
 *		loop, work_lane_of(size), "apps", publish_run, publish_free, job);
 *	... when done: struct publish *job = work_job(op);  op_free(op) frees the job too
 */
#ifndef EV_WORK_H
#define EV_WORK_H
#include "base/err.h"

#include <stdatomic.h>
#include <stdint.h>

struct loop;
struct op;

enum work_lane { WORK_SHORT, WORK_HEAVY, WORK_BULK };

/* On a worker: 0, or -1 with *err filled. Polls *stop at least every 64 KiB of work, and every few
   thousand items of a loop over many, and gives up with any error when it is set. Must not touch
   anything of the loop. */
typedef int work_fn(void *job, const atomic_bool *stop, struct err *err);

/* free_job may be NULL; it is called on the loop, by op_free. */
struct op *work_start(
	struct loop *l, enum work_lane lane, work_fn *run, void (*free_job)(void *job), void *job);
/* owner is copied; NULL or "" is the process itself, which has a line of its own and no share that
   it must keep to. */
struct op *work_start_for(struct loop *l, enum work_lane lane, const char *owner, work_fn *run,
	void (*free_job)(void *job), void *job);
void *work_job(struct op *op);
/* It is the process's own job from now on: while it waits it stands in that line. */
void work_disown(struct op *op);
/* Heavy or bulk, for reading, hashing or unpacking so many bytes. */
enum work_lane work_lane_of(uint64_t bytes);

/* Jobs of the two lanes. running: given to a thread. */
struct work_stats {
	unsigned heavy_running, heavy_waiting, bulk_running, bulk_waiting;
};
void work_stats(const struct loop *l, struct work_stats *out);
/* Those of all lanes that were given to a thread and have not ended. */
unsigned work_jobs(const struct loop *l);

#endif
