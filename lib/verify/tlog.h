/*
 * What a transparency log (Rekor, version 1) promises of its entries. Nothing is asked of it: the
 * promise lies beside the signature. Any thread.
 */
#ifndef VERIFY_TLOG_H
#define VERIFY_TLOG_H
#include "base/buf.h"
#include "base/err.h"

#include <stdint.h>

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

#endif
