/*
 * Private keys as Git over ssh and ssh signatures have them: "OPENSSH PRIVATE KEY" (OpenSSH's
 * PROTOCOL.key), also encrypted with a passphrase (bcrypt; aes256-ctr, aes256-cbc, aes256-gcm), and
 * the forms that OpenSSL reads: PKCS#8, PKCS#1, SEC 1. Ed25519, ECDSA on P-256, P-384 and P-521,
 * RSA.
 *
 * A passphrase costs as much as whoever encrypted the key has wanted, a tenth of a second and more:
 * on a worker. No message holds any of the text. A key is read only once it is there.
 *
 *	if (ssh_key_parse(&key, pem, len, &passphrase, stop, err))
 *		return -1;
 *	rc = ssh_sig_sign(&out, key, "git", data, n, err);
 *	ssh_key_free(key);
 */
#ifndef CRYPTO_SSH_KEY_H
#define CRYPTO_SSH_KEY_H
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"

#include <stdatomic.h>
#include <stddef.h>

struct ssh_key;

/* err.code of ssh_key_parse. */
enum {
	SSH_KEY_BROKEN = 1, /* or of a kind that is not taken */
	SSH_KEY_NO_PASSPHRASE, /* it is encrypted, and none was given */
	SSH_KEY_WRONG_PASSPHRASE,
};

/* passphrase: may be NULL or empty; that of a key without one is not looked at. stop: may be NULL.
   0, *out is the caller's; or -1 (ERR_RETRY with a code of above; ERR_CANCELED). */
int ssh_key_parse(struct ssh_key **out, const char *pem, size_t len,
	const struct secret *passphrase, const atomic_bool *stop, struct err *err) must_check;
void ssh_key_free(struct ssh_key *key); /* NULL is fine; wipes */
/* May Git objects be signed with it? RSA keys need 2048 bits. 0 or -1 (ERR_RETRY). */
int ssh_key_check_signing(const struct ssh_key *key, struct err *err) must_check;
/* Appends it as "OPENSSH PRIVATE KEY" without a passphrase: the caller wipes that. 0, or -1 past
   out's limit. */
int ssh_key_write(const struct ssh_key *key, struct buf *out) must_check;

#endif
