/* What the Sigstore of test/unit/verify/data/keyless has signed, in the fake registry: the image
   app:1.0 and layers below its .sig tag. What is given to the registry lives until keyless_end. */
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
const struct fake_image *keyless_push(struct world *w);
/* What the case of that name, of legacy.json, says as a layer; size: that it is said to have, -1:
   the right one. And its payload. Free them. */
char *keyless_layer(const char *name, long long size);
char *keyless_payload(const char *name);
/* Below the .sig tag of the image: the texts of layers, with commas between them. */
void keyless_layers(struct world *w, const char *layers);
/* One good layer of that name below the tag. */
void keyless_sign(struct world *w, const char *name);
/* Of apps/web: it is verified, or not, for this reason. */
void keyless_good(struct world *w);
void keyless_bad(struct world *w, const char *why);
/* After it, what was given to the registry is gone. */
void keyless_end(struct world *w);

#endif
