/*
 * DSSE envelopes (secure-systems-lab/dsse, envelope.md and protocol.md): a payload, its type, and
 * signatures of both together. Any thread.
 */
#ifndef VERIFY_DSSE_H
#define VERIFY_DSSE_H
#include "base/buf.h"
#include "base/err.h"
#include "verify/protojson.h"

#include <jansson.h>

extern const struct verify_pj_field verify_dsse_fields[];

struct verify_dsse {
	const char *type; /* borrowed from the envelope */
	struct buf payload, signature;
	struct buf signed_bytes; /* PAE: what the signature is of */
};

/* Of an envelope that verify_pj_check has passed. *d is zeroed before; -1: it has no single
   signature, or no payload. To be cleared in any case. */
int verify_dsse_read(struct verify_dsse *d, const json_t *envelope, struct err *err) must_check;
void verify_dsse_clear(struct verify_dsse *d);

#endif
