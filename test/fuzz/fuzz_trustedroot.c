/* trusted_root.json. What is taken has what it needs and is taken again with the same digest; what
   is refused leaves nothing behind and says why. */
#include "verify/trusted_root.h"

#include "base/vec.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void logs_check(const struct verify_logs *logs)
{
	const struct verify_log *one;

	vec_each (logs, one) {
		BUG_IF(!one->key || !one->id_len || one->id_len > VERIFY_LOG_ID_MAX);
		BUG_IF(one->valid.from == INT64_MIN || one->key_digest.algo != DIGEST_SHA256);
		BUG_IF(!verify_logs_find(logs, one->id, one->id_len, one->valid.from));
	}
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct verify_root *root = NULL, *again = NULL;
	const struct verify_authority *one;
	struct err err = {0};

	if (verify_root_parse(&root, (const char *)data, size, &err)) {
		BUG_IF(root || err.kind != ERR_RETRY || !*err.msg || strpbrk(err.msg, "\r\n"));
		return 0;
	}
	logs_check(&root->tlogs);
	logs_check(&root->ctlogs);
	vec_each (&root->authorities, one)
		BUG_IF(!one->len || one->len > CERT_CHAIN_MAX || !one->certs[one->len - 1]);
	BUG_IF(verify_root_parse(&again, (const char *)data, size, &err));
	BUG_IF(!digest_equal(&root->digest, &again->digest));
	verify_root_unref(root);
	verify_root_unref(again);
	return 0;
}
