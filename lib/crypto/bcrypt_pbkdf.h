/*
 * bcrypt_pbkdf: how OpenSSH makes the key of an encrypted private key out of a passphrase.
 * OpenBSD's construction, which no library of the system has: PBKDF2 (RFC 8018) with another
 * function inside, bcrypt over SHA-512, and the bytes of its blocks interleaved. Any thread; a
 * round takes some 4 ms for each 32 bytes of key.
 */
#ifndef CRYPTO_BCRYPT_PBKDF_H
#define CRYPTO_BCRYPT_PBKDF_H
#include <stdatomic.h>
#include <stddef.h>

#define BCRYPT_SALT_MAX 64
#define BCRYPT_KEY_MAX 128

/* Fills key_len bytes (1 to BCRYPT_KEY_MAX); rounds is at least 1, salt_len 1 to BCRYPT_SALT_MAX.
   0, or -1: *stop was set (NULL is fine). */
int bcrypt_pbkdf(const void *pass, size_t pass_len, const void *salt, size_t salt_len,
	unsigned rounds, unsigned char *key, size_t key_len, const atomic_bool *stop);

#endif
