/* The extension with timestamps of logs. Whatever its length fields say, what is read lies within
   it; and no log has signed it. */
#include "crypto/sct.h"

#include "base/buf.h"
#include "crypto/pubkey.h"
#include "test/fuzz/certmut.h"

#define OID_LIST "\6\x0a\x2b\6\1\4\1\xd6\x79\2\4\2"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

/* n bytes at p lie in the value. */
static void within(const unsigned char *value, size_t len, const unsigned char *p, size_t n)
{
	BUG_IF(p < value || n > len || p + n > value + len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_buf struct buf tbs = BUF_INIT(BUF_ANY);
	const unsigned char *value;
	struct sct all[SCT_MAX];
	struct digest issuer;
	struct err err = {0};
	struct cert *c;
	size_t len;
	int n, i;

	if (size > 8192)
		return 0;
	c = cert_around(OID_LIST, sizeof(OID_LIST) - 1, data, size);
	if (!c)
		return 0;
	BUG_IF(cert_extension(c, "1.3.6.1.4.1.11129.2.4.2", &value, &len, &err) || len != size);
	n = sct_read(all, c, &err);
	BUG_IF(n > SCT_MAX || (n < 0 && !*err.msg));
	err_clear(&err);
	BUG_IF(cert_tbs(c, &tbs, &err));
	digest_mem(&issuer, DIGEST_SHA256, "", 0);
	for (i = 0; i < n; i++) {
		within(value, len, all[i].log_id, SCT_LOG_ID);
		within(value, len, all[i].extensions, all[i].extensions_len);
		within(value, len, all[i].sig, all[i].sig_len);
		BUG_IF(sct_verifies(&all[i], &tbs, &issuer, cert_key(c)));
	}
	cert_free(c);
	return 0;
}
