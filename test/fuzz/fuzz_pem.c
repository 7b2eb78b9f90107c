/* Files of a folder of CAs. What is taken is taken again from its own text, byte by byte the same,
   and nothing twice. */
#include "crypto/pem.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf out = BUF_INIT(BUF_ANY), again = BUF_INIT(BUF_ANY);
	size_t added, more;

	BUG_IF(pem_add_certs(&out, (const char *)data, n, &added));
	BUG_IF(!added != !out.len);
	BUG_IF(pem_add_certs(&again, buf_str(&out), out.len, &more));
	BUG_IF(more != added || again.len != out.len ||
		memcmp(buf_str(&again), buf_str(&out), out.len) != 0);
	BUG_IF(pem_add_certs(&out, buf_str(&again), again.len, &more) || more);
	return 0;
}
