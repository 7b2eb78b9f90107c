/*
 * Makes an artifact on a worker, to the disk, and under its name. Of a layer's bytes: the layer
 * itself where it passes through or is copied, a repack of it otherwise (lib/pack). Or of whatever
 * a kind has, by a function of that kind's. A task.
 *
 * When the path has other bytes already they stay: the new ones are handed out as a temporary file,
 * for store_prepare_start. A job begins with a slice of memory that nobody counts, which is enough
 * for nearly all layers. One that needs more ends, gives back what it has, and begins again with
 * four times as much out of the account. An artifact that turns out larger than the room that was
 * reserved for it waits with its bytes on the disk until there is more, or fails. Loop thread.
 *
 *	struct op *op = publish_start(loop, &(struct publish_req){...});
 *	... when done: const struct publish_result *res = publish_result(op), also after a failure
 */
#ifndef SOURCE_PUBLISH_H
#define SOURCE_PUBLISH_H
#include "base/buf.h"
#include "crypto/digest.h"
#include "pack/pack.h"
#include "store/store.h"

#include <stdatomic.h>

struct account;
struct loop;
struct op;

/* What a maker is given, and what it says of the file that it has made. */
struct publish_make {
	int out_fd; /* the file, empty */
	enum digest_algo algo;
	uint64_t memory; /* bytes that it may take; 0: nobody counts */
	const atomic_bool *stop;
	struct digest digest;
	uint64_t size;
};

/* Makes the artifact's file. What `arg` points at is the job's from publish_start on, and freed
   with it, on the loop. */
struct publish_maker {
	/* On a worker, again from the beginning after the code -ENOBUFS, with more memory. NULL:
	   there is no such function. -1 with another errno (negative) in err->code is the disk's
	   fault; anything else is not. */
	int (*make)(void *arg, struct publish_make *m, struct err *err);
	void (*free)(void *arg);
	void *arg;
};

/* Of one that was not given to a job. */
void publish_maker_clear(struct publish_maker *m);

struct publish_req {
	struct store *store;
	struct account *account; /* NULL: nobody counts */
	const char *owner; /* in whose line the job waits. Copied */
	const char *path; /* of the artifact. Copied */
	struct publish_maker maker; /* taken over; with one there is no layer, no rule, no limit */
	const struct digest *layer; /* of the layer's bytes, checked. Copied */
	uint64_t size; /* of the layer, or of what the maker works through */
	struct buf *bytes; /* a small layer: taken over */
	struct store_temp *temp; /* a large one: taken over */
	bool copy; /* the layer as it is */
	const char *ignore; /* more rules, or NULL. Copied */
	struct pack_limits limits;
	enum digest_algo algo;
	uint64_t room; /* that is reserved in the store (store_room_start) */
	bool must; /* past the quota: a status names it */
	struct digest
		have; /* of what the status names under this path; DIGEST_NONE: another path */
	bool have_file; /* and it is there */
};

struct publish_result {
	struct digest digest;
	uint64_t size;
	bool same; /* the very bytes were there */
	bool hold; /* the path has other bytes: `temp` has the new ones */
	struct store_temp temp; /* take it, or it is dropped with the op */
	char why[256]; /* why the layer did not pass through; "" */
	bool storage_failed; /* the disk's fault, not the layer's; or the quota's (err.code) */
};

struct op *publish_start(struct loop *l, const struct publish_req *req);
struct publish_result *publish_result(struct op *op);

#endif
