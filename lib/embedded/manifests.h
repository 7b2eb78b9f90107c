/*
 * Reads a folder of manifests: `*.yaml`, `*.yml` and `*.json` directly in it, in the order of their names, hidden files left out. Blocks:
 * worker only. Broken files are errors with file and line; the others still count.
 */
#ifndef EMBEDDED_MANIFESTS_H
#define EMBEDDED_MANIFESTS_H
#include "base/err.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>

struct emb_kind;
struct emb_kinds;
struct emb_version;

struct emb_manifest {
	char *file;
	unsigned line;
	const struct emb_kind *kind;
	const struct emb_version *v;
	char *ns,
		*name; /* ns: "default" where the file names none; "" of a kind without namespaces */
	json_t *root; /* as in the file, without what a server sets (status, uid, ...) */
	int rank; /* namespaces before Secrets before the rest */
};

struct emb_manifests {
	struct emb_manifest *p; /* ordered by rank, then as they stood */
	size_t len, cap;
	char **errors; /* texts: "web.yaml: line 12: ..." */
	size_t n_errors, cap_errors;
	bool complete; /* the folder was read to its end, and every file and object in it was understood */
};

/* 0 also with errors in files; -1 when the folder itself cannot be read (complete is false then). */
int emb_manifests_read(struct emb_manifests *ms, const struct emb_kinds *ks, const char *dir,
	const atomic_bool *stop, struct err *err) must_check;
void emb_manifests_clear(struct emb_manifests *ms);
/* Adds an error text for one manifest. */
void emb_manifests_error(
	struct emb_manifests *ms, const char *file, unsigned line, const char *why);

#endif
