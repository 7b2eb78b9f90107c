#include "crypto/notary_cert_internal.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

/* Which hash is the one of the mask, too, is seen when the signature is looked at. */
static int pss_hash(const X509_ALGOR *alg)
{
	RSA_PSS_PARAMS *pss;
	const void *value = NULL;
	int type = V_ASN1_UNDEF, hash = NID_undef;

	X509_ALGOR_get0(NULL, &type, &value, alg);
	if (type != V_ASN1_SEQUENCE)
		return NID_undef;
	pss = ASN1_item_unpack(value, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	if (pss && pss->hashAlgorithm)
		hash = OBJ_obj2nid(pss->hashAlgorithm->algorithm);
	RSA_PSS_PARAMS_free(pss);
	return hash;
}

/* False: it is no way to sign with such a key. */
static bool way_read(const X509_ALGOR *alg, int key_kind, int *hash, bool *pss)
{
	const ASN1_OBJECT *o = NULL;
	int kind = NID_undef;

	X509_ALGOR_get0(&o, NULL, NULL, alg);
	*pss = OBJ_obj2nid(o) == NID_rsassaPss;
	*hash = NID_undef;
	if (*pss) {
		kind = EVP_PKEY_RSA;
		*hash = pss_hash(alg);
	} else if (OBJ_find_sigid_algs(OBJ_obj2nid(o), hash, &kind) != 1) {
		return false;
	}
	return kind == key_kind &&
		(kind == EVP_PKEY_ED25519 || *hash == NID_sha256 || *hash == NID_sha384 ||
			*hash == NID_sha512);
}

static bool verify_init(EVP_MD_CTX *m, const X509_ALGOR *alg, EVP_PKEY *key)
{
	EVP_PKEY_CTX *ctx = NULL;
	const EVP_MD *md;
	int hash;
	bool pss;

	if (!way_read(alg, EVP_PKEY_get_base_id(key), &hash, &pss))
		return false;
	md = hash == NID_undef ? NULL : EVP_get_digestbynid(hash);
	if (EVP_DigestVerifyInit(m, &ctx, md, NULL, key) != 1)
		return false;
	return !pss ||
		(EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
			EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
			EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_AUTO) == 1);
}

bool notary_signed_by(const X509_ALGOR *alg, const ASN1_BIT_STRING *sig, const void *data, size_t n,
	EVP_PKEY *key)
{
	EVP_MD_CTX *m;
	bool good;

	/* A byte is not cut. */
	if (!notary_issuer_key_ok(key) || (sig->flags & 7))
		return false;
	m = EVP_MD_CTX_new();
	BUG_IF(!m);
	good = verify_init(m, alg, key) &&
		EVP_DigestVerify(m, ASN1_STRING_get0_data(sig), (size_t)ASN1_STRING_length(sig),
			data, n) == 1;
	EVP_MD_CTX_free(m);
	ERR_clear_error();
	return good;
}
