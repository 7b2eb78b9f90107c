/*
 * The file with the rules of --registry-mirrors, for a client: read at the start, and again when it
 * changes (ev/reread.h). New rules are for what is asked from then on. Loop thread.
 */
#ifndef OCI_MIRRORS_FILE_H
#define OCI_MIRRORS_FILE_H
#include "base/err.h"

struct loop;
struct oci_client;
struct reread;

/* c is borrowed until reread_free. NULL: the file cannot be used; *err names it. */
struct reread *oci_mirrors_file(
	struct loop *l, struct oci_client *c, const char *path, struct err *err) must_check;

#endif
