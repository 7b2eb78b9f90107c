/*
 * What is known of a bundle while it is checked (bundle_checks.c), and the checks of its entries of
 * logs (bundle_log.c), which are rows of both tables. Any thread.
 */
#ifndef VERIFY_BUNDLE_PROOF_H
#define VERIFY_BUNDLE_PROOF_H
#include "base/limits.h"
#include "crypto/cert.h"
#include "verify/bundle.h"
#include "verify/bundle_entry.h"
#include "verify/dsse.h"
#include "verify/policy.h"

#define VERIFY_TIMES_MAX (LIMIT_BUNDLE_LOG_ENTRIES + LIMIT_BUNDLE_TIMESTAMPS)

struct pubkey;

struct verify_bundle_logged {
	struct verify_bundle_entry e;
	const struct verify_log *log; /* NULL: it does not count */
	bool v2;
};

struct verify_bundle_proof {
	const struct verify_bundle *b;
	const struct verify_policy *policy;
	const struct digest *manifest;
	const atomic_bool *stop;
	struct buf *signer;
	struct verify_dsse d;
	/* Who has signed: this certificate, or with leaf NULL this key. */
	struct buf leaf_der;
	struct cert *leaf;
	const struct pubkey *key;
	struct verify_bundle_logged entries[LIMIT_BUNDLE_LOG_ENTRIES];
	size_t len; /* entries that were read */
	struct err skipped; /* why the last entry that does not count does not */
	/* That logs have promised, or else timestamps say; and the paths at these times. */
	int64_t times[VERIFY_TIMES_MAX];
	struct cert_chain chains[VERIFY_TIMES_MAX];
	size_t times_len;
	bool has_time; /* an entry says when, promised or not */
};

/* Rows; arg is the proof. There are entries, and one at least is of a log of the trusted root. */
int verify_bundle_log_entries(void *arg, struct err *err) must_check;
/* What the log has promised it has promised; an entry where it has not does not count. */
int verify_bundle_log_promises(void *arg, struct err *err) must_check;
bool verify_bundle_log_has_promise(const void *arg);
/* Each entry lies where its proof leads to, in what the log has signed. */
int verify_bundle_log_inclusion(void *arg, struct err *err) must_check;
int verify_bundle_log_checkpoints(void *arg, struct err *err) must_check;
bool verify_bundle_log_has_proof(const void *arg);
/* Each is of this signature, of this signer. Of version 2 the inclusion proof says so. */
int verify_bundle_log_bodies(void *arg, struct err *err) must_check;
bool verify_bundle_log_has_body(const void *arg);
void verify_bundle_log_clear(struct verify_bundle_proof *p);

#endif
