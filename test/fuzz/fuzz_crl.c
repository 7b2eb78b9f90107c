/* Lists of revoked certificates. What counts is about this moment, and what is wrong is said. The
   first byte: 's', and the rest is what our issuer signs; else the rest is the list, and nobody has
   made one with a key that is not his. */
#include "crypto/crl.h"

#include "test/fuzz/revocation.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void list_make(struct buf *out, const unsigned char *data, size_t size)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);

	revocation_sign(&body, data, size);
	revocation_tlv(out, 0x30, body.p, body.len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct notary_cert *c, *issuer;
	auto_buf struct buf list = BUF_INIT(BUF_ANY);
	struct revoked got;
	struct err err = {0};
	int rc;

	if (!c) {
		c = revocation_cert("leaf");
		issuer = revocation_cert("root");
	}
	if (size && *data == 's')
		list_make(&list, data + 1, size - 1);
	else if (size)
		buf_add(&list, data + 1, size - 1);
	rc = crl_read(&got, c, issuer, "http://pki.example/root.crl", list.p, list.len,
		REVOCATION_NOW, &err);
	BUG_IF(rc && (err.kind != ERR_RETRY || !*err.msg));
	BUG_IF(rc && (got.status != REVOKED_UNKNOWN || got.until_ms));
	BUG_IF(!rc && (got.until_ms < REVOCATION_NOW || got.status == REVOKED_UNKNOWN));
	BUG_IF(revoked_counts(&got, 0) != (got.status == REVOKED_YES));
	return 0;
}
