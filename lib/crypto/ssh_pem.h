/*
 * Private keys in the forms that OpenSSL reads: "PRIVATE KEY", "ENCRYPTED PRIVATE KEY" (PKCS#8, RFC
 * 5958), "RSA PRIVATE KEY" (PKCS#1, RFC 8017), "EC PRIVATE KEY" (RFC 5915), with the encryption of
 * RFC 1421 also. Included by ssh_key.c only; any thread.
 */
#ifndef CRYPTO_SSH_PEM_H
#define CRYPTO_SSH_PEM_H
#include "base/err.h"
#include "base/secret.h"

#include <openssl/evp.h>

/* As ssh_key_parse. NULL: *err is filled. */
EVP_PKEY *ssh_pem_read(
	const char *pem, size_t len, const struct secret *passphrase, struct err *err) must_check;

#endif
