/*
 * Lists of revoked certificates (RFC 5280 section 5). Nobody is asked here. Any thread; a list of
 * LIMIT_CRL takes some 50 ms.
 *
 * A list is read where it lies: it may have hundreds of thousands of entries, and a tree of them
 * would take ten times as much memory as its bytes. It has to be the issuer's own, in version 2,
 * and about all of its certificates of that kind for whatever reason; where it says at which places
 * it is to be had, the one it came from is one of them: who is in the middle may hand out the list
 * of another place. One that is to be read with a delta list (freshestCRL) says nothing here.
 */
#ifndef CRYPTO_CRL_H
#define CRYPTO_CRL_H
#include "base/err.h"
#include "crypto/notary_cert.h"
#include "crypto/revoked.h"

/* Of a CertificateList in DER, which came from url. -1 (ERR_RETRY): it says nothing that counts at
   now_ms. */
int crl_read(struct revoked *out, const struct notary_cert *c, const struct notary_cert *issuer,
	const char *url, const void *der, size_t n, int64_t now_ms, struct err *err) must_check;

#endif
