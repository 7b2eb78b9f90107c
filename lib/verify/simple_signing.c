#include "verify/simple_signing.h"

#include "base/limits.h"
#include "base/obj.h"
#include "verify/plain.h"

#include <string.h>

#define TYPE "cosign container image signature"

enum verdict verify_simple_signing(
	const char *payload, size_t n, const struct digest *manifest, struct err *err)
{
	auto_json json_t *o = NULL;
	char want[DIGEST_TEXT_MAX], shown[VERIFY_PLAIN_MAX];
	const char *type, *digest;

	if (n > LIMIT_SIGNATURE_PAYLOAD) {
		err_set(err, ERR_RETRY, "the payload has %zu bytes, more than %llu", n,
			LIMIT_SIGNATURE_PAYLOAD);
		return VERDICT_BAD;
	}
	o = obj_parse_within(payload, n, &obj_signed, "the payload", err);
	if (!o)
		return VERDICT_BAD;
	type = obj_str(o, "critical", "type");
	if (!type || strcmp(type, TYPE) != 0) {
		err_set(err, ERR_RETRY, "the payload's type is '%s', not '" TYPE "'",
			verify_plain(type, shown));
		return VERDICT_BAD;
	}
	digest = obj_str(o, "critical", "image", "docker-manifest-digest");
	digest_format(manifest, want);
	if (!*want || !digest || strcmp(digest, want) != 0) {
		err_set(err, ERR_RETRY, "it is the signature of '%s', not of '%s'",
			verify_plain(digest, shown), want);
		return VERDICT_BAD;
	}
	return VERDICT_GOOD;
}
