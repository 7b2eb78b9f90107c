/* A certificate around one extension: what stands in it comes from who attacks, the rest parses. */
#ifndef FUZZ_CERTMUT_H
#define FUZZ_CERTMUT_H
#include "base/buf.h"
#include "base/mem.h"
#include "crypto/cert.h"

/* DER: tag, length in two bytes, what is in it. */
static inline void der_add(struct buf *out, int tag, const void *data, size_t n)
{
	BUG_IF(n > 65535);
	buf_addc(out, (char)tag);
	buf_addc(out, (char)0x82);
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
	buf_add(out, n ? data : "", n);
}

static inline void der_wrap(struct buf *b, int tag)
{
	auto_buf struct buf inner = BUF_INIT(BUF_ANY);

	buf_add(&inner, buf_str(b), b->len);
	buf_reset(b);
	der_add(b, tag, buf_str(&inner), inner.len);
}

/* oid: with its tag and length. NULL: it is none that is taken. */
static inline struct cert *cert_around(
	const void *oid, size_t oid_len, const unsigned char *value, size_t n)
{
	static const unsigned char head[] = "\xa0\3\2\1\2" /* version 3 */
					    "\2\1\1" /* serial number */
					    "\x30\x0a\6\x08\x2a\x86\x48\xce\x3d\4\3\2" /* ECDSA */
					    "\x30\0" /* the issuer */
					    "\x30\x1e\x17\x0d"
					    "260115115900Z"
					    "\x17\x0d"
					    "260115120900Z"
					    "\x30\0" /* the subject */
					    "\x30\x2a\x30\5\6\3\x2b\x65\x70\3\x21\0"
					    "\x17\x55\xd4\xf0\xf5\xad\xe5\x88\x23\xb4\x17\x2a"
					    "\x81\xc1\xf9\xa2\xeb\xc8\xb9\xb5\xdf\xd2\x3f\xf9"
					    "\x20\x97\x79\x19\x43\x76\x6e\xec";
	auto_buf struct buf ext = BUF_INIT(BUF_ANY), all = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct cert *c = NULL;

	buf_add(&ext, oid, oid_len);
	der_add(&ext, 4, value, n);
	der_wrap(&ext, 0x30);
	der_wrap(&ext, 0x30);
	der_wrap(&ext, 0xa3);
	buf_add(&all, head, sizeof(head) - 1);
	buf_add(&all, buf_str(&ext), ext.len);
	der_wrap(&all, 0x30);
	buf_add(&all, "\x30\x0a\6\x08\x2a\x86\x48\xce\x3d\4\3\2\3\2\0\0", 16);
	der_wrap(&all, 0x30);
	if (cert_parse_der(&c, buf_str(&all), all.len, &err))
		BUG_IF(c || err.kind != ERR_RETRY || !*err.msg);
	return c;
}

#endif
