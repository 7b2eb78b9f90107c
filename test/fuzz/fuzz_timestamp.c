/* Timestamps. Nobody has made one with a key that is not his, and what is wrong is said. The first
   bytes are of an authority: a length in two bytes, and a certificate in DER. */
#include "crypto/timestamp.h"

#include "crypto/cert.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	size_t n = size < 2 ? 0 : (size_t)data[0] << 8 | data[1];
	struct cert *c = NULL;
	struct err err = {0};
	int64_t at_s = 0;

	if (size < 2 || n > size - 2 || cert_parse_der(&c, data + 2, n, &err))
		return 0;
	/* What was stamped is not in the input, but by a chance of SHA-256. */
	BUG_IF(!timestamp_verify(&at_s, data + 2 + n, size - 2 - n, data, size,
		(const struct cert *const[]){c}, 1, &err));
	BUG_IF(err.kind != ERR_RETRY || !*err.msg);
	err_clear(&err);
	(void)!timestamp_verify(&at_s, data + 2 + n, size - 2 - n, "signature", 9,
		(const struct cert *const[]){c}, 1, &err);
	cert_free(c);
	return 0;
}
