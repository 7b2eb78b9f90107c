#include "crypto/hmac.h"

#include "base/mem.h"

#include <limits.h>
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
