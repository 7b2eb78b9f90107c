/*
 * Names in the store. A path is `<kind>/<namespace>/<name>/<file>`, relative to the store's root;
 * this is also what `status.artifact.path` holds. A file is called after what it was made of, not
 * after its bytes: `<algo>:<hex>.tar.gz` (the digest of a manifest), `<40 hex>.tar.gz` (a commit of
 * Git), or `latest.tar.gz`. Kind, namespace and name are checked before
 * they become a path: lower-case letters, digits, '-' and '.', beginning and ending with a letter
 * or digit, at most 253 bytes (namespace: 63), so neither "..", ".tmp" nor a slash can be among
 * them. Any thread.
 */
#ifndef STORE_PATH_H
#define STORE_PATH_H
#include "base/err.h"
#include "crypto/digest.h"

#include <stdbool.h>

#define STORE_PART_MAX 253
#define STORE_SUFFIX ".tar.gz"
/* What stands before that: "sha256:...", or 40 hex digits */
#define STORE_NAME_MAX DIGEST_TEXT_MAX
#define STORE_LATEST "latest.tar.gz"
/* kind/namespace/name/ + file, and a NUL */
#define STORE_FILE_MAX (STORE_NAME_MAX + 7)
#define STORE_DIR_MAX (STORE_PART_MAX + 1 + 63 + 1 + STORE_PART_MAX + 1)
#define STORE_PATH_MAX (STORE_DIR_MAX + STORE_FILE_MAX)

struct store_path {
	char dir[STORE_DIR_MAX]; /* "ocirepository/apps/web" */
	char file[STORE_FILE_MAX]; /* "sha256:....tar.gz", "6b1c....tar.gz" or "latest.tar.gz" */
	bool latest;
};

/* Both forms, nothing else: no empty part, no "..", no trailing slash. */
int store_path_parse(struct store_path *p, const char *text, struct err *err) must_check;
/* The same, but the latest link is an error: only files are written and looked after. */
int store_path_parse_file(struct store_path *p, const char *text, struct err *err) must_check;
/* The text of p. Returns out. */
char *store_path_format(const struct store_path *p, char out[STORE_PATH_MAX]);
/* "ocirepository", "apps", "web" → "ocirepository/apps/web" */
int store_dir_format(char out[STORE_DIR_MAX], const char *kind, const char *ns, const char *name,
	struct err *err) must_check;
/* "ocirepository/apps/web" → "apps": for whom work on it is done (lib/ev/work.h). Returns out. */
#define STORE_OWNER_MAX 64
char *store_dir_owner(char out[STORE_OWNER_MAX], const char *dir);
/* The path of the file that is called `what`, without its suffix. */
int store_path_of(char out[STORE_PATH_MAX], const char *kind, const char *ns, const char *name,
	const char *what, struct err *err) must_check;
/* What the file of this path is called, without its suffix. -1: it is no path of a file. */
int store_path_name(const char *path, char out[STORE_NAME_MAX], struct err *err) must_check;

#endif
