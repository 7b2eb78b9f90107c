#include "crypto/sha1.h"

#include "base/err.h"

#include <openssl/evp.h>

void sha1_init(struct sha1 *s)
{
	if (!s->md)
		s->md = EVP_MD_CTX_new();
	BUG_IF(!s->md || !EVP_DigestInit_ex(s->md, EVP_sha1(), NULL));
}

void sha1_update(struct sha1 *s, const void *p, size_t n)
{
	BUG_IF(!EVP_DigestUpdate(s->md, p, n));
}

void sha1_final(struct sha1 *s, unsigned char out[SHA1_SIZE])
{
	unsigned int len = 0;

	BUG_IF(!EVP_DigestFinal_ex(s->md, out, &len) || len != SHA1_SIZE);
}

void sha1_clear(struct sha1 *s)
{
	EVP_MD_CTX_free(s->md);
	s->md = NULL;
}
