/*
 * The certificates that come with a signature of the Notary Project: are they a chain, and may the
 * first of them sign (signature specification, "Certificate Requirements")? Times and trust are
 * other questions. Any thread.
 */
#ifndef VERIFY_NOTATION_CHAIN_H
#define VERIFY_NOTATION_CHAIN_H
#include "base/err.h"
#include "crypto/notary_cert.h"

#include <stdint.h>

/* From the signer's on, each is issued by the next, and the last one by itself. One alone issues
   itself, and is no CA. */
int verify_chain(const struct notary_certs *chain, struct err *err) must_check;
/* The same of who has signed a timestamp. That the first one is for nothing else is known. */
int verify_chain_timestamps(const struct notary_certs *chain, struct err *err) must_check;
/* Is each of them valid at that time, ms since 1970 UTC? */
int verify_chain_at(const struct notary_certs *chain, int64_t ms, struct err *err) must_check;
/* Does any of the first n say where to ask whether it was revoked? */
bool verify_chain_revocable(const struct notary_certs *chain, size_t n);
bool verify_chain_expired(const struct notary_certs *chain, int64_t ms);

#endif
