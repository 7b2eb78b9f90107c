/* Timestamps, as responses and as tokens. Nobody has made one with a key that is not his, and what
   is wrong is said. The first bytes are of an authority: a length in two bytes, and a certificate
   in DER. */
#include "crypto/timestamp.h"

#include "base/vec.h"
#include "crypto/cert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void response_read(const unsigned char *data, size_t size, const void *der, size_t n,
	const struct cert *authority)
{
	struct err err = {0};
	int64_t at_s = 0;

	/* What was stamped is not in the input, but by a chance of SHA-256. */
	BUG_IF(!timestamp_verify(&at_s, der, n, data, size, &authority, 1, &err));
	BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	err_clear(&err);
	(void)!timestamp_verify(&at_s, der, n, "signature", 9, &authority, 1, &err);
}

static void token_read(const unsigned char *data, size_t size, const void *der, size_t n,
	const struct notary_certs *roots)
{
	struct timestamp t = {0};
	struct err err = {0};

	BUG_IF(!timestamp_token_verify(&t, der, n, data, size, roots, &err));
	BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	notary_certs_clear(&t.chain);
	err_clear(&err);
	t = (struct timestamp){0};
	/* The corpus has one that is good. */
	if (!timestamp_token_verify(&t, der, n, "signature", 9, roots, &err))
		BUG_IF(!t.chain.len || t.from_ms > t.until_ms);
	notary_certs_clear(&t.chain);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t n = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	struct notary_certs roots = {0};
	struct notary_cert *root = NULL;
	struct cert *c = NULL;
	struct err err = {0};

	if (size < 2 || n > size - 2)
		return 0;
	if (!cert_parse_der(&c, data + 2, n, &err))
		response_read(data, size, data + 2 + n, size - 2 - n, c);
	cert_free(c);
	err_clear(&err);
	if (!notary_cert_parse(&root, data + 2, n, &err)) {
		*vec_add(&roots) = root;
		token_read(data, size, data + 2 + n, size - 2 - n, &roots);
	}
	notary_certs_clear(&roots);
	return 0;
}
