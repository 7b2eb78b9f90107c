/* The entries of logs in a sigstore bundle (sigstore_rekor.proto). Any thread. */
#ifndef VERIFY_BUNDLE_ENTRY_H
#define VERIFY_BUNDLE_ENTRY_H
#include "verify/protojson.h"
#include "verify/tlog.h"

#include <stdbool.h>

extern const struct verify_pj_field verify_bundle_entry_fields[];

extern const struct verify_pj_field verify_bundle_times_fields[]; /* timestampVerificationData */

struct verify_bundle_entry {
	struct verify_log_entry entry;
	const char *kind, *version; /* as the bundle has it; "" */
	bool has_promise, has_proof;
	struct buf promise;
	struct verify_log_proof proof;
};

/* Of a list that verify_pj_check has passed: does one have a proof, and each proof a checkpoint? No
   entry at all is fine. */
int verify_bundle_entries_check(const json_t *entries, struct err *err) must_check;
/* One of them. *out is zeroed before, and to be cleared in any case; it borrows from it. */
int verify_bundle_entry_read(
	struct verify_bundle_entry *out, const json_t *o, struct err *err) must_check;
void verify_bundle_entry_clear(struct verify_bundle_entry *e);

/* The timestamps of such a message; NULL: none. */
const json_t *verify_bundle_times(const json_t *o);
/* The bytes of one of them. */
int verify_bundle_time_read(struct buf *out, const json_t *one, struct err *err) must_check;

#endif
