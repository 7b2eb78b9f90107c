/* Signatures that the fake registry holds, by the key whose other half is rsa2048.pub of
   test/unit/verify/data. What is given to it lives until signing_clear, which comes after the
   registry's end. */
#ifndef UNIT_OCIREPOSITORY_SIGNING_H
#define UNIT_OCIREPOSITORY_SIGNING_H
#include "test/unit/ocirepository/world.h"

/* The Secret apps/trust with a key of that name. */
void signing_trust(struct world *w, const char *key);
/* Taken over. Returns it. */
char *signing_keep(char *text);
/* An answer to a GET below /v2/app/; path and body are taken over. */
struct fake_answer *signing_answer(struct world *w, char *path, char *body, const char *headers);
/* The sha256 of a text, as text. */
char *signing_digest(const char *text);
struct fake_answer *signing_blob(struct world *w, char *text);
/* What cosign signs of it; free it. */
char *signing_payload(const struct fake_image *of);
/* By our key, below the tag of `at`: a signature of `of`. */
struct fake_answer *signing_sign(
	struct world *w, const struct fake_image *of, const struct fake_image *at);
/* What refers to that image: entries of an index, with commas between them. tag: the registry does
   not know of referrers. */
struct fake_answer *signing_list(
	struct world *w, const struct fake_image *of, const char *entries, bool tag);
void signing_clear(void);

/* ---- a world in which a signature is looked for: the object apps/web ------------------------- */

void signing_start(struct world *w);
/* Is that in the registry's log? */
bool signing_asked(struct world *w, const char *what);
/* After it, what was given to the registry is gone. */
void signing_end(struct world *w, struct fake_image *image);
/* It is ready, and was verified. message: of SourceVerified; NULL: any. */
void signing_good(struct world *w, const char *message);
/* It is not, for this reason and by this provider: both conditions say so. */
void signing_bad(struct world *w, const char *provider, const char *why);

#endif
