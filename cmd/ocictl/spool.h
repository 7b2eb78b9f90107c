/*
 * --path=-: what comes on stdin becomes a file, which the artifact then holds under a name that is
 * the same everywhere. Main thread.
 *
 *	struct spool s;
 *	if (spool_stdin(&s, err))
 *		return -1;
 *	... s.path ...
 *	spool_remove(&s);
 */
#ifndef OCICTL_SPOOL_H
#define OCICTL_SPOOL_H
#include "base/err.h"

struct spool {
	char *dir, *path; /* "$TMPDIR/ocictl-XXXXXX", and the file in it; NULL: none */
};

/* 0, or -1 with nothing to remove: the disk's error, or nothing came. */
int spool_stdin(struct spool *s, struct err *err) must_check;
/* Of a zeroed one: nothing. */
void spool_remove(struct spool *s);

struct oci_build;
struct oci_build_in;
/* Builds what --path names, stdin too, and says on stderr what was left out. */
int spool_build(struct oci_build *made, struct oci_build_in *in, struct err *err) must_check;

#endif
