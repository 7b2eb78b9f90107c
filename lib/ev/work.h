/*
 * Blocking or heavy work on libuv's worker threads. A job owns copies of its input and is the result: `run` gets it on a worker, the
 * loop gets it back when the op is done. Two lanes: WORK_HEAVY (inflate, tar, hashing of big blobs, signatures) takes at most all threads
 * but one; WORK_SHORT (open, fdatasync, rename, readahead, a database commit) always finds a thread.
 *
 *	struct op *op = work_start(loop, WORK_SHORT, publish_run, publish_free, job);
 *	... when done: struct publish *job = work_job(op);  op_free(op) frees the job too
 */
#ifndef EV_WORK_H
#define EV_WORK_H
#include "base/err.h"

#include <stdatomic.h>

struct loop;
struct op;

enum work_lane { WORK_SHORT, WORK_HEAVY };

/* On a worker: 0, or -1 with *err filled. Polls *stop at least every 64 KiB of work and gives up with any error when it is set.
   Must not touch anything of the loop. */
typedef int work_fn(void *job, const atomic_bool *stop, struct err *err);

/* free_job may be NULL; it is called on the loop, by op_free. */
struct op *work_start(
	struct loop *l, enum work_lane lane, work_fn *run, void (*free_job)(void *job), void *job);
void *work_job(struct op *op);

#endif
