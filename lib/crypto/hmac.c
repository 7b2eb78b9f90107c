#include "crypto/hmac.h"

#include "base/mem.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

void hmac_sha256(
	struct digest *out, const void *key, size_t key_len, const void *data, size_t data_len)
{
	struct digest made = {.algo = DIGEST_SHA256};
	unsigned int len = 0;

	BUG_IF(key_len > INT_MAX);
	/* OpenSSL takes NULL for "the key of before". */
	BUG_IF(!HMAC(
		EVP_sha256(), key_len ? key : "", (int)key_len, data, data_len, made.bin, &len));
	BUG_IF(len != digest_size(made.algo));
	*out = made;
	mem_wipe(&made, sizeof(made));
}

bool hmac_verifies(enum hmac_algo algo, const void *key, size_t key_len, const void *data, size_t n,
	const void *mac, size_t mac_len)
{
	const EVP_MD *md = algo == HMAC_SHA512 ? EVP_sha512()
		: algo == HMAC_SHA256          ? EVP_sha256()
					       : EVP_sha1();
	unsigned char made[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	bool same;

	BUG_IF(key_len > INT_MAX);
	BUG_IF(!HMAC(
		md, key_len ? key : "", (int)key_len, n ? data : (const void *)"", n, made, &len));
	same = mac_len == len && !CRYPTO_memcmp(made, mac, len);
	mem_wipe(made, sizeof(made));
	return same;
}
