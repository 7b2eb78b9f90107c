/* What signatures are of: in-toto statements and simple-signing payloads; and manifests of
   signatures. What speaks of one manifest does not speak of another one whose digest cannot be in
   it, since it is its own. */
#include "base/mem.h"
#include "base/vec.h"
#include "verify/legacy.h"
#include "verify/notation.h"
#include "verify/simple_signing.h"
#include "verify/statement.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static void why(const struct err *err)
{
	BUG_IF(err->kind != ERR_RETRY || !*err->msg);
}

static void layers(const char *text, size_t size)
{
	struct verify_legacy_layers l = {0};
	const struct verify_legacy_layer *one;
	struct err err = {0};

	if (verify_legacy_read(&l, text, size, &err))
		why(&err);
	vec_each (&l, one)
		BUG_IF(one->why ? !*one->why : !one->sig.len && err.kind == ERR_NONE);
	verify_legacy_clear(&l);
}

/* The Notary Project's. */
static void notation(const char *text, size_t size, const struct digest *subject)
{
	auto_free char *type = NULL;
	struct digest blob = {0};
	uint64_t bytes = 0;
	struct err err = {0};

	if (verify_notation_blob(text, size, subject, &blob, &bytes, &type, &err))
		why(&err);
	else
		BUG_IF(!type || bytes > INT64_MAX);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	const char *text = (const char *)data;
	struct digest known, own;
	struct err err = {0};

	digest_mem(&known, DIGEST_SHA256, "", 0);
	digest_mem(&own, DIGEST_SHA256, data, size);
	if (verify_statement(text, size, &known, &err) == VERDICT_BAD)
		why(&err);
	err_clear(&err);
	if (size) {
		BUG_IF(verify_statement(text, size, &own, &err) != VERDICT_BAD);
		why(&err);
	}
	err_clear(&err);
	if (verify_simple_signing(text, size, &known, &err) == VERDICT_BAD)
		why(&err);
	err_clear(&err);
	if (size) {
		BUG_IF(verify_simple_signing(text, size, &own, &err) != VERDICT_BAD);
		why(&err);
	}
	layers(text, size);
	notation(text, size, &known);
	return 0;
}
