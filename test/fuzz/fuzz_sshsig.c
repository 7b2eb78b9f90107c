/* Lines of authorized_keys, a zero byte, then a signature in armor, of the text "signed". Nothing is
   good for nobody. */
#include "crypto/ssh_sig.h"

#include "base/mem.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const unsigned char *end = size ? memchr(data, 0, size) : NULL;
	struct ssh_signers *who = ssh_signers_new(), *nobody = ssh_signers_new();
	const char *text = (const char *)data, *sig = end ? (const char *)end + 1 : "";
	size_t n = end ? (size_t)(end - data) : size, sig_len = end ? size - n - 1 : 0;
	char fingerprint[SSH_FINGERPRINT_MAX] = "";
	struct err err = {0};
	int rc;

	rc = ssh_signers_add(who, n ? text : "", n, &err);
	BUG_IF(rc && (err.kind != ERR_RETRY || !*err.msg));
	err_clear(&err);
	if (ssh_sig_verify(who, sig, sig_len, "git", "signed", 6, fingerprint, &err))
		BUG_IF(err.kind != ERR_RETRY || !err.code || !*err.msg);
	else
		BUG_IF(rc || strlen(fingerprint) != 50);
	BUG_IF(!ssh_sig_verify(nobody, sig, sig_len, "git", "signed", 6, fingerprint, &err));
	ssh_signers_free(who);
	ssh_signers_free(nobody);
	return 0;
}
