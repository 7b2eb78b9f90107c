/* What tells a client which kinds there are: /api, /apis and below, /version, /openapi. Loop
   thread. */
#ifndef EMBEDDED_DISCOVERY_H
#define EMBEDDED_DISCOVERY_H
#include <jansson.h>
#include <stdbool.h>

struct emb_kinds;

/* parts: of the path, without empty ones. *o is the answer (caller's) and true is returned; false:
   no such document. */
bool emb_discovery(const struct emb_kinds *ks, const char *const *parts, unsigned n,
	const char *address, json_t **o);

#endif
