/* What the Sigstore of test/unit/verify/data/keyless has signed, in the fake registry: the image
   app:1.0 and layers below its .sig tag. What is given to the registry lives until keyless_clear,
   which comes after the registry's end. */
#ifndef UNIT_OCIREPOSITORY_KEYLESS_H
#define UNIT_OCIREPOSITORY_KEYLESS_H
#include "test/unit/ocirepository/world.h"

#define KEYLESS_WHO \
	"\"matchOIDCIdentity\":[{\"issuer\":\"^https://issuer[.]example$\"," \
	"\"subject\":\"^https://github[.]com/org/app/\"}]"
#define KEYLESS_SPEC(verify) \
	"\"ref\":{\"tag\":\"1.0\"},\"verify\":{\"provider\":\"cosign\"," verify "}"
#define KEYLESS_SUBJECT_NAME \
	"https://github.com/org/app/.github/workflows/release.yaml@refs/tags/v1"

/* A trusted root of that name; free it. */
char *keyless_root_text(const char *name);
/* The image. The digest that it has. */
const char *keyless_push(struct world *w);
/* The layer of that name, of legacy.json, below its .sig tag. */
void keyless_sign(struct world *w, const char *name);
/* Of apps/web: it is verified, or not, for this reason. */
void keyless_good(struct world *w);
void keyless_bad(struct world *w, const char *why);
void keyless_clear(void);

#endif
