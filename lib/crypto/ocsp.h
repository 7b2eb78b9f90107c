/*
 * The Online Certificate Status Protocol (RFC 6960): the question whether one certificate was
 * revoked, and what an answer to it says. Nobody is asked here. Any thread.
 *
 * An answer counts when the issuer's key signs it, or that of a certificate that the issuer has
 * issued for just this (id-kp-OCSPSigning); whether that one was revoked is not asked, whatever it
 * says of itself (id-pkix-ocsp-nocheck). The question has no nonce, as public responders answer
 * none: for how long an answer counts is what it says itself.
 */
#ifndef CRYPTO_OCSP_H
#define CRYPTO_OCSP_H
#include "base/buf.h"
#include "base/err.h"
#include "crypto/notary_cert.h"
#include "crypto/revoked.h"

/* Appends an OCSPRequest in DER: SHA-1 names the issuer, since many responders know nothing
   else. */
int ocsp_request(struct buf *out, const struct notary_cert *c, const struct notary_cert *issuer,
	struct err *err) must_check;
/* Of an OCSPResponse in DER. -1 (ERR_RETRY): it says nothing that counts at now_ms. */
int ocsp_read(struct revoked *out, const struct notary_cert *c, const struct notary_cert *issuer,
	const void *der, size_t n, int64_t now_ms, struct err *err) must_check;

#endif
