/*
 * A signature of the Notary Project in COSE (RFC 9052: COSE_Sign1, tagged; signature envelope
 * specification for COSE): the protected header as bytes, a map beside it with the certificates of
 * who signed, the payload and the signature. Any thread.
 */
#ifndef VERIFY_COSE_H
#define VERIFY_COSE_H
#include "verify/envelope.h"

#define VERIFY_COSE_TYPE "application/cose"

/* *out is zeroed before, and to be cleared after a failure, too. -1: ERR_RETRY. */
int verify_cose_open(
	struct verify_envelope *out, const char *data, size_t n, struct err *err) must_check;

#endif
