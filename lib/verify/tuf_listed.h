/*
 * What one file of a TUF repository says of another one (specification 1.0, sections 4.4 to 4.6):
 * its version, its length, its hashes. Any thread.
 */
#ifndef VERIFY_TUF_LISTED_H
#define VERIFY_TUF_LISTED_H
#include "base/err.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct verify_tuf_listed {
	int64_t version; /* 0: it says none */
	int64_t length; /* -1: it says none */
	struct digest sha256, sha512; /* DIGEST_NONE: it says none */
};

/* NULL reads as an object without members. -1: what it says is no version, length or hash. */
int verify_tuf_listed_read(
	struct verify_tuf_listed *out, const json_t *o, struct err *err) must_check;
/* Are these the bytes? `by` names the file that says so, in the message. */
int verify_tuf_listed_check(const struct verify_tuf_listed *l, const char *by, const char *data,
	size_t n, struct err *err) must_check;

#endif
