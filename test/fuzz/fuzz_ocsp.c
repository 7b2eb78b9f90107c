/* Answers of OCSP. What counts is about this moment, and what is wrong is said. The first byte: s,
   and the rest is what our issuer signs; else the rest is the answer, and nobody has made one with
   a key that is not his. */
#include "crypto/ocsp.h"

#include "test/fuzz/revocation.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void answer_make(struct buf *out, const unsigned char *data, size_t size)
{
	static const unsigned char status[] = {0x0a, 1, 0};
	static const unsigned char kind[] = {
		0x06, 0x09, 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x30, 0x01, 0x01};
	auto_buf struct buf body = BUF_INIT(BUF_ANY), basic = BUF_INIT(BUF_ANY);
	auto_buf struct buf bytes = BUF_INIT(BUF_ANY), all = BUF_INIT(BUF_ANY);

	revocation_sign(&body, data, size);
	revocation_tlv(&basic, 0x30, body.p, body.len);
	buf_add(&bytes, kind, sizeof(kind));
	revocation_tlv(&bytes, 0x04, basic.p, basic.len);
	buf_reset(&body);
	revocation_tlv(&body, 0x30, bytes.p, bytes.len);
	buf_add(&all, status, sizeof(status));
	revocation_tlv(&all, 0xa0, body.p, body.len);
	revocation_tlv(out, 0x30, all.p, all.len);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	static struct notary_cert *c, *issuer;
	auto_buf struct buf answer = BUF_INIT(BUF_ANY);
	struct revoked got;
	struct err err = {0};
	int rc;

	if (!c) {
		c = revocation_cert("leaf");
		issuer = revocation_cert("root");
	}
	if (size && *data == 's')
		answer_make(&answer, data + 1, size - 1);
	else if (size)
		buf_add(&answer, data + 1, size - 1);
	rc = ocsp_read(&got, c, issuer, answer.p, answer.len, REVOCATION_NOW, &err);
	BUG_IF(rc && (err.kind != ERR_RETRY || !*err.msg));
	BUG_IF(rc && (got.status != REVOKED_UNKNOWN || got.until_ms));
	BUG_IF(!rc && got.until_ms < REVOCATION_NOW);
	BUG_IF(revoked_counts(&got, 0) != (got.status == REVOKED_YES));
	return 0;
}
