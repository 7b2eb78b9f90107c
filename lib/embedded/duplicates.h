/* Finds keys that stand twice in a JSON object: jansson can refuse them or take the last one, but
   `fieldValidation` wants their paths. */
#ifndef EMBEDDED_DUPLICATES_H
#define EMBEDDED_DUPLICATES_H
#include <stddef.h>

struct emb_paths;

/* text is valid JSON (jansson read it). Paths like "spec.url" are appended, at most
   LIMIT_EMBEDDED_UNKNOWN. */
void emb_duplicates(const char *text, size_t len, struct emb_paths *out);

#endif
