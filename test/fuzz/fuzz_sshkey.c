/* Private keys: the first byte is how long the passphrase behind it is, then comes the key. What is
   taken is written and taken again as the same one, and signs what it verifies itself. */
#include "crypto/ssh_key.h"

#include "base/mem.h"
#include "crypto/ssh_sig.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf first = BUF_INIT(1 << 20), second = BUF_INIT(1 << 20);
	struct ssh_key *key = NULL, *again = NULL;
	struct secret pass = {0};
	struct err err = {0};
	size_t n = size ? data[0] : 0;

	if (!size || n + 1 > size)
		return 0;
	secret_set(&pass, (const char *)data + 1, n);
	if (ssh_key_parse(&key, (const char *)data + 1 + n, size - 1 - n, &pass, NULL, &err)) {
		BUG_IF(key || err.kind != ERR_RETRY || !err.code || !*err.msg);
	} else {
		BUG_IF(ssh_key_write(key, &first));
		BUG_IF(ssh_key_parse(&again, first.p, first.len, NULL, NULL, &err));
		BUG_IF(ssh_key_write(again, &second) || first.len != second.len);
		buf_reset(&first);
		if (ssh_sig_sign(&first, key, "git", "text", 4, &err))
			BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	}
	ssh_key_free(key);
	ssh_key_free(again);
	secret_clear(&pass);
	return 0;
}
