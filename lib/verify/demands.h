/*
 * What an object demands of its signatures beyond its spec, as annotations: what the certificate of
 * a CI system says of the build (Fulcio's extensions: oid-info.md of sigstore/fulcio), to the
 * letter; and with keys, that a log knows the signature. A demand narrows, it never widens. Any
 * thread.
 *
 *	verify.oci-source-controller/source-repository-uri: https://github.com/org/app
 *
 *	if (verify_demands_read(&d, annotations, err)) ...
 *	verify_demands_clear(&d);
 */
#ifndef VERIFY_DEMANDS_H
#define VERIFY_DEMANDS_H
#include "base/err.h"
#include "crypto/digest.h"

#include <jansson.h>
#include <stdbool.h>

struct cert;

#define VERIFY_DEMANDS_PREFIX "verify.oci-source-controller/"
#define VERIFY_DEMANDS_LOG "require-log"

enum verify_extension {
	VERIFY_EXTENSION_SIGNER, /* the workflow that signs */
	VERIFY_EXTENSION_RUNNER,
	VERIFY_EXTENSION_SOURCE,
	VERIFY_EXTENSION_REF,
	VERIFY_EXTENSION_TRIGGER,
	VERIFY_EXTENSIONS,
};

struct verify_demands {
	char *extensions[VERIFY_EXTENSIONS]; /* NULL: whatever it says */
	bool log; /* an entry of a log, of a signature by a key, too */
};

/* Of all annotations of an object (or NULL) those below the prefix. *out is zeroed before. -1
   (ERR_STALL): one has a name that nobody knows, or a value that is none. */
int verify_demands_read(
	struct verify_demands *out, const json_t *annotations, struct err *err) must_check;
/* One of them; name without the prefix. -1 (ERR_STALL). */
int verify_demands_add(
	struct verify_demands *d, const char *name, const char *value, struct err *err) must_check;
void verify_demands_copy(struct verify_demands *out, const struct verify_demands *from);
void verify_demands_clear(struct verify_demands *d);
/* Is there anything that only a certificate can say? */
bool verify_demands_of_certificate(const struct verify_demands *d);
/* Others have another digest. */
void verify_demands_digest(const struct verify_demands *d, struct digest_ctx *h);
/* Does the certificate say what is demanded? */
int verify_demands_check(
	const struct verify_demands *d, const struct cert *leaf, struct err *err) must_check;

#endif
