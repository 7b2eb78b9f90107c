/* What the targets of OCSP and of lists of revoked certificates share: the certificates of
   test/unit/crypto/data, and a signature of the issuer's key. */
#ifndef FUZZ_REVOCATION_H
#define FUZZ_REVOCATION_H
#include "base/base64.h"
#include "base/buf.h"
#include "crypto/notary_cert.h"

#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <string.h>

#define REVOCATION_NOW 1796083200000 /* 2026-12-01 */

static inline struct notary_cert *revocation_cert(const char *name)
{
	json_t *all = json_load_file("test/unit/crypto/data/revocation.json", 0, NULL);
	const char *text = json_string_value(json_object_get(json_object_get(all, "cert"), name));
	auto_buf struct buf der = BUF_INIT(BUF_ANY);
	struct notary_cert *c = NULL;
	struct err err = {0};

	BUG_IF(!text || base64_decode(&der, text, strlen(text), BASE64_STD, &err) ||
		notary_cert_parse(&c, der.p, der.len, &err));
	json_decref(all);
	return c;
}

/* Of the certificate `root`. */
static inline EVP_PKEY *revocation_key(void)
{
	static const char pem[] =
		"-----BEGIN PRIVATE KEY-----\n"
		"MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgAEgTSU0TfhYxu6MB\n"
		"1ayrbnu3qnTOEYXUVlZe9R1zdnehRANCAASZkTx78FEKyTU8WSuHmj5ePpmLWJQ7\n"
		"uv4pwGmjtmzatpVwP3DkusYeTbvORNJqvhlZwJpKEOz4eViBnWDUdcqK\n"
		"-----END PRIVATE KEY-----\n";
	BIO *in = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);

	BUG_IF(!key);
	BIO_free(in);
	return key;
}

static inline void revocation_tlv(struct buf *out, int tag, const void *data, size_t n)
{
	buf_addc(out, (char)tag);
	buf_addc(out, (char)0x83);
	buf_addc(out, (char)(n >> 16));
	buf_addc(out, (char)(n >> 8));
	buf_addc(out, (char)n);
	buf_add(out, data, n);
}

/* data as what is signed, how and the signature behind it: what stands in the frame of both. */
static inline void revocation_sign(struct buf *out, const unsigned char *data, size_t n)
{
	static const unsigned char alg[] = {
		0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
	static EVP_PKEY *key;
	EVP_MD_CTX *m = EVP_MD_CTX_new();
	unsigned char sig[128] = {0};
	size_t len = sizeof(sig) - 1;

	if (!key)
		key = revocation_key();
	BUG_IF(EVP_DigestSignInit(m, NULL, EVP_sha256(), NULL, key) != 1 ||
		EVP_DigestSign(m, sig + 1, &len, data, n) != 1);
	EVP_MD_CTX_free(m);
	buf_add(out, data, n);
	buf_add(out, alg, sizeof(alg));
	revocation_tlv(out, 3, sig, len + 1);
}

#endif
