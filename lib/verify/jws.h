/*
 * A signature of the Notary Project as a JSON web signature (signature envelope specification for
 * JWS): payload and protected header in base64url, and beside them the certificates of who signed,
 * from the signer's up to the root. Any thread.
 */
#ifndef VERIFY_JWS_H
#define VERIFY_JWS_H
#include "verify/envelope.h"

#define VERIFY_JWS_TYPE "application/jose+json"

/* *out is zeroed before, and to be cleared after a failure, too. -1: ERR_RETRY. */
int verify_jws_open(
	struct verify_envelope *out, const char *text, size_t n, struct err *err) must_check;

#endif
