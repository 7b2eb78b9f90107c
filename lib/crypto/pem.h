/*
 * Certificates in PEM (RFC 7468). Any thread.
 *
 *	auto_buf struct buf out = BUF_INIT(LIMIT_CA_PEM);
 *	if (pem_add_certs(&out, text.p, text.len, &added))
 *		... there are more than fit
 */
#ifndef CRYPTO_PEM_H
#define CRYPTO_PEM_H
#include "base/buf.h"

#include <stdbool.h>

/* Appends each certificate of the text that out does not have yet, in one form: the same
   certificate always gives the same bytes. What is no certificate (keys, text, OpenSSL's "trusted"
   ones) or a broken one is skipped, as Go's x509 skips it. *added: how many; NULL is fine. 0, or -1
   past out's limit. */
int pem_add_certs(struct buf *out, const char *text, size_t n, size_t *added);

/* Is there a certificate, and is every block of the text whole? A file that is just being written
   is not. */
bool pem_is_whole(const char *text, size_t n);
/* Is the first certificate the one of this key? A key with a passphrase is nobody's. */
bool pem_is_pair(const char *cert, size_t cert_len, const char *key, size_t key_len);

#endif
