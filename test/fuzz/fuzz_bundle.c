/* Sigstore bundles, and the manifests that hold them. What is no bundle leaves nothing behind and
   says why; what is one proves nothing with a key that did not sign it, nor with a
   root that trusts nobody. */
#include "verify/bundle.h"

#include "base/base64.h"
#include "verify/identity.h"
#include "verify/keys.h"
#include "verify/policy.h"
#include "verify/trusted_root.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

#define KEY \
	"-----BEGIN PUBLIC KEY-----\n" \
	"MCowBQYDK2VwAyEAF1XU8PWt1YgjtBcqgcH5ouvIubXf0j/5IJd5GUN2buw=\n" \
	"-----END PUBLIC KEY-----\n"

static struct verify_keys *keys(void)
{
	static struct verify_keys *k;
	auto_buf struct buf text = BUF_INIT(4096);
	struct err err = {0};
	json_t *secret;

	if (k)
		return k;
	base64_encode(&text, KEY, strlen(KEY), BASE64_STD);
	secret = json_pack("{s{ss}}", "data", "a.pub", buf_str(&text));
	BUG_IF(verify_keys_read(&k, secret, &err));
	json_decref(secret);
	return k;
}

#define ROOT "{\"mediaType\":\"application/vnd.dev.sigstore.trustedroot+json;version=0.1\"}"

static struct verify_root *root(void)
{
	static struct verify_root *r;
	struct err err = {0};

	if (!r)
		BUG_IF(verify_root_parse(&r, ROOT, strlen(ROOT), &err));
	return r;
}

static void why(const struct err *err)
{
	BUG_IF(err->kind != ERR_RETRY || !*err->msg || strpbrk(err->msg, "\r\n"));
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct digest manifest, blob = {0};
	struct verify_bundle b = {0};
	struct verify_identities who = {0};
	struct verify_policy keyless = {.root = root(), .who = &who};
	struct err err = {0};
	uint64_t bytes;

	digest_mem(&manifest, DIGEST_SHA256, data, size);
	if (verify_bundle_parse(&b, (const char *)data, size, &err)) {
		BUG_IF(b.root || b.key || b.envelope);
		why(&err);
	} else {
		BUG_IF(verify_bundle(&b, &(struct verify_policy){.keys = keys()}, &manifest, NULL,
			       NULL, &err) != VERDICT_BAD);
		why(&err);
		err_clear(&err);
		BUG_IF(verify_bundle(&b, &keyless, &manifest, NULL, NULL, &err) != VERDICT_BAD);
		why(&err);
	}
	verify_bundle_clear(&b);
	err_clear(&err);
	if (verify_bundle_blob((const char *)data, size, &manifest, &blob, &bytes, &err))
		why(&err);
	else
		BUG_IF(blob.algo == DIGEST_NONE);
	return 0;
}
