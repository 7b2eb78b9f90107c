/*
 * Reads a folder of manifests: `*.yaml`, `*.yml` and `*.json` directly in it, in the order of their
 * names, hidden files left out. Blocks: worker only. Broken files are errors with file and line;
 * the others still count.
 */
#ifndef EMBEDDED_MANIFESTS_H
#define EMBEDDED_MANIFESTS_H
#include "base/err.h"

#include <jansson.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct emb_kind;
struct emb_kinds;
struct emb_version;

struct emb_manifest {
	char *file;
	unsigned line;
	const struct emb_kind *kind;
	const struct emb_version *v;
	/* ns: "default" where the file names none; "" of a kind without namespaces */
	char *ns, *name;
	json_t *root; /* as in the file, without what a server sets (status, uid, ...) */
	int rank; /* namespaces before Secrets before the rest */
};

struct emb_manifests {
	struct emb_manifest *p; /* ordered by rank, then as they stood */
	size_t len, cap;
	char **errors; /* texts: "web.yaml: line 12: ..." */
	size_t n_errors, cap_errors;
	/* the folder was read to its end, and every file and object in it was understood */
	bool complete;
	/* a file could not be read, or is being written: it may be whole at the next look */
	bool unread;
};

/* What a folder looked like, links followed, without reading a file. */
struct emb_folder {
	uint64_t dev, ino; /* the directory itself: another one may stand under the same path */
	uint64_t sum; /* over names, and device, inode, size and times of what they lead to */
	size_t files; /* manifests in it, dangling links too */
};

/* 0 also with errors in files; -1 when the folder itself cannot be read (complete is false
   then). */
int emb_manifests_read(struct emb_manifests *ms, const struct emb_kinds *ks, const char *dir,
	const atomic_bool *stop, struct err *err) must_check;
/* -1: the folder cannot be read. Blocks: worker only. */
int emb_manifests_scan(struct emb_folder *out, const char *dir, struct err *err) must_check;
bool emb_folder_equal(const struct emb_folder *a, const struct emb_folder *b);
/* The same directory, whatever is in it. */
bool emb_folder_same(const struct emb_folder *a, const struct emb_folder *b);
/* "ocirepositories.source.toolkit.fluxcd.io/apps/web": one object has one key. Free it. */
char *emb_manifest_key(const struct emb_manifest *m);
void emb_manifests_clear(struct emb_manifests *ms);
/* Adds an error text for one manifest. */
void emb_manifests_error(
	struct emb_manifests *ms, const char *file, unsigned line, const char *why);

#endif
