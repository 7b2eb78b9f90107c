/*
 * What a transparency log (Rekor, versions 1 and 2) promises of its entries. Nothing is asked of
 * it: the promise lies beside the signature. Any thread.
 */
#ifndef VERIFY_TLOG_H
#define VERIFY_TLOG_H
#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct digest;
struct verify_log;
struct verify_root;

struct verify_log_entry {
	struct buf body; /* as it lies in the log */
	int64_t time_s; /* when it was taken, since 1970 UTC */
	int64_t index;
	struct buf log_id;
};

/* The log of the trusted root that it is of; NULL: there is none. */
const struct verify_log *verify_tlog_find(
	const struct verify_root *root, const struct verify_log_entry *e);
/* The signed entry timestamp: has the log taken the entry at that time? */
int verify_tlog_promise(const struct verify_log *log, const struct verify_log_entry *e,
	const struct buf *promise, struct err *err) must_check;

/* Where an entry lies in a log, and the path from there to what the log has signed. */
struct verify_log_proof {
	int64_t index, size;
	struct buf root, path; /* the path: nodes of 32 bytes, one behind the other */
	const char *checkpoint; /* a signed note; borrowed */
};

/* Does the entry lie in the log? It does when both say so: the path leads from the entry to the
   proof's root, and the log has signed that root, and the size. */
int verify_tlog_inclusion(const struct verify_log_entry *e, const struct verify_log_proof *proof,
	struct err *err) must_check;
int verify_tlog_checkpoint(const struct verify_log *log, const struct verify_log_proof *proof,
	struct err *err) must_check;
/* Is it a checkpoint of version 2? */
bool verify_tlog_is_v2(const struct verify_log_proof *proof);
/* The same two for version 2: body is what the entry must be, e's own is not looked at; index and
   size are those of the entry and of the checkpoint, and the root is the checkpoint's. */
int verify_tlog_inclusion_v2(const struct verify_log_entry *e, const struct buf *body,
	const struct verify_log_proof *proof, struct err *err) must_check;
int verify_tlog_checkpoint_v2(const struct verify_log *log, const struct verify_log_proof *proof,
	struct err *err) must_check;

#endif
