/* Public keys in PEM. What is taken is taken again, verifies nothing that is no signature, and what
   is refused says why. */
#include "crypto/pubkey.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct pubkey *key = NULL, *again = NULL;
	struct err err = {0};

	if (pubkey_parse(&key, (const char *)data, size, &err)) {
		BUG_IF(key || err.kind != ERR_RETRY || !*err.msg);
		return 0;
	}
	BUG_IF(pubkey_parse(&again, (const char *)data, size, &err));
	BUG_IF(pubkey_verifies(key, NULL, 0, data, size));
	BUG_IF(pubkey_verifies(key, data, size, "a message", 9));
	pubkey_free(key);
	pubkey_free(again);
	return 0;
}
