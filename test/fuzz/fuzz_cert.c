/* Certificates in DER. What is taken can be asked everything; names have no NUL, timestamps lie
   within it and are of nobody who has not signed, and it is no leaf below itself. */
#include "crypto/cert.h"

#include "base/buf.h"
#include "base/limits.h"
#include "base/vec.h"
#include "crypto/pubkey.h"
#include "crypto/sct.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void scts(const struct cert *c)
{
	auto_buf struct buf tbs = BUF_INIT(LIMIT_CERTIFICATE);
	struct err err = {0};
	struct sct all[SCT_MAX];
	struct digest issuer;
	int n = sct_read(all, c, &err), i;

	BUG_IF(n > SCT_MAX || (n < 0 && !*err.msg));
	err_clear(&err);
	if (n < 0 || cert_tbs(c, &tbs, &err))
		return;
	digest_mem(&issuer, DIGEST_SHA256, "", 0);
	for (i = 0; i < n; i++)
		BUG_IF(sct_verifies(&all[i], &tbs, &issuer, cert_key(c)));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct cert *c = NULL;
	struct cert_names names = {0};
	const struct cert_name *one;
	struct cert_chain chain;
	struct err err = {0};

	if (cert_parse_der(&c, data, size, &err)) {
		BUG_IF(c || err.kind != ERR_RETRY || !*err.msg);
		return 0;
	}
	BUG_IF(!cert_equal(c, c) || !cert_key(c));
	if (cert_names(&names, c, &err))
		BUG_IF(!*err.msg);
	vec_each (&names, one)
		BUG_IF(!one->text);
	cert_names_clear(&names);
	scts(c);
	err_clear(&err);
	BUG_IF(!cert_chain_find(&chain, c, (const struct cert *const[]){c}, 1, cert_from(c), &err));
	BUG_IF(!*err.msg);
	cert_free(c);
	return 0;
}
