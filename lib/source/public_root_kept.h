/*
 * What is kept on disk of a TUF repository, so that a restart neither waits for its server nor
 * forgets what it has said: one file for each, under the names of verify_tuf_kept_name, in a folder
 * of the repository's own. All of it is proven again when it is read: nobody has to trust the
 * folder. Any thread; it blocks.
 */
#ifndef SOURCE_PUBLIC_ROOT_KEPT_H
#define SOURCE_PUBLIC_ROOT_KEPT_H
#include "base/err.h"

#include <stddef.h>

struct verify_tuf;

/* TUF_ROOT/tuf-repo-cdn.sigstore.dev, of such a URL. Free it. */
char *public_root_kept_dir(const char *tuf_root, const char *url);
/* Gives it all that is there. -1: something in there cannot be believed; what came before it was
   taken. */
int public_root_kept_read(struct verify_tuf *t, const char *dir, struct err *err) must_check;
int public_root_kept_write(
	const char *dir, const char *name, const void *data, size_t n, struct err *err) must_check;

#endif
