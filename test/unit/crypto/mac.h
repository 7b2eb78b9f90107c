/* Signatures as callers of Receivers make them (HMAC, in hex). */
#ifndef UNIT_CRYPTO_MAC_H
#define UNIT_CRYPTO_MAC_H
#include <check.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* PREFIX and the hex of the HMAC; borrowed until the fourth next call. */
static inline const char *mac_text(
	const char *prefix, const EVP_MD *md, const char *key, const char *body, bool upper)
{
	static char out[4][160];
	static int at;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned int n = 0, i;
	char *p = out[at = (at + 1) % 4];
	size_t len = strlen(prefix);

	ck_assert_ptr_nonnull(HMAC(
		md, key, (int)strlen(key), (const unsigned char *)body, strlen(body), mac, &n));
	memcpy(p, prefix, len);
	for (i = 0; i < n; i++)
		snprintf(p + len + 2 * i, 3, upper ? "%02X" : "%02x", mac[i]);
	return p;
}

#endif
