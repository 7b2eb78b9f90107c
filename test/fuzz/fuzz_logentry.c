/* What lies beside a signature of a certificate: the entry of a log, a NUL, a certificate in PEM. A
   root that trusts nobody finds nothing good, and each thing that is wrong is said. */
#include "verify/legacy.h"

#include "base/mem.h"
#include "verify/identity.h"
#include "verify/log_body.h"
#include "verify/policy.h"
#include "verify/trusted_root.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

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

/* The body alone, against a signature that it cannot be of. */
static void body(const char *text, size_t size)
{
	struct verify_log_body b = {0};
	struct verify_log_subject of = {.sig = &(struct buf){0}};
	struct err err = {0};

	if (verify_log_body_read(&b, text, size, &err)) {
		why(&err);
	} else {
		BUG_IF(!verify_log_body_of_hash(&b, &of, &err));
		err_clear(&err);
		BUG_IF(!verify_log_body_of_envelope(&b, &of, &err));
		why(&err);
	}
	verify_log_body_clear(&b);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	auto_free char *entry = mem_strndup((const char *)data, size);
	size_t n = strlen(entry);
	auto_free char *pem =
		n < size ? mem_strndup((const char *)data + n + 1, size - n - 1) : NULL;
	struct verify_legacy_layer layer = {
		.sig = BUF_INIT(16), .log_entry = entry, .certificate = pem};
	auto_buf struct buf payload = BUF_INIT(16), signer = BUF_INIT(64);
	struct verify_identities who = {0};
	struct verify_policy policy = {.root = root(), .who = &who};
	struct digest manifest;
	struct err err = {0};

	digest_mem(&manifest, DIGEST_SHA256, "", 0);
	buf_adds(&layer.sig, "signature");
	buf_adds(&payload, "payload");
	BUG_IF(verify_legacy(&layer, &payload, &policy, &manifest, NULL, &signer, &err) !=
		VERDICT_BAD);
	why(&err);
	body(entry, n);
	buf_clear(&layer.sig);
	return 0;
}
