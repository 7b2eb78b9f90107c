/*
 * Where the files of an image layout lie in a tar (POSIX.1-2024, pax, "ustar Interchange Format";
 * GNU and PAX names too), so that each can be read at its place. Only the headers are read, by the
 * strict walk of lib/pack/plain.h; a tar that is compressed is refused. As after unpacking, the
 * last of several entries with one name counts.
 *
 * An index never changes: it is made on a worker, and belongs to one file as fstat(2) shows it. It
 * costs what its names cost and 24 bytes an entry. References are for the loop thread.
 *
 *	oci_layout_tar_read(&t, fd, &st, stop, err)
 *	if (oci_layout_tar_fits(t, &st) && oci_layout_tar_find(t, "index.json", &at, &size, err) > 0)
 *		... size bytes of fd at `at`
 */
#ifndef OCI_LAYOUT_TAR_H
#define OCI_LAYOUT_TAR_H
#include "base/err.h"
#include "base/list.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct oci_layout_tar;

/* One task does it, and tells those who wait when it has. */
struct oci_layout_gate {
	bool taken;
	struct list waiting;
};

/* What is kept of a mirror's layout between questions. Loop thread. */
struct oci_layout_kept {
	struct oci_layout_tar *tar; /* the newest; NULL: none was read */
	struct oci_layout_gate open; /* does the volume answer? */
	struct oci_layout_gate read; /* of the tar, for all that want it */
	/* Questions that nobody waits for any more, and whose work has not ended, oldest first. */
	struct list abandoned;
	unsigned reads; /* so far */
};

struct oci_layout_kept *oci_layout_kept_new(void);
void oci_layout_kept_free(struct oci_layout_kept *k); /* NULL is fine; nobody waits */

/* st is of fd. ERR_CANCELED when the flag is set. */
int oci_layout_tar_read(struct oci_layout_tar **out, int fd, const struct stat *st,
	const atomic_bool *stop, struct err *err) must_check;
/* Is it of this file, and has that not changed? */
bool oci_layout_tar_fits(const struct oci_layout_tar *t, const struct stat *st);
/* 1; 0: there is no such entry; -1: it is no plain file. */
int oci_layout_tar_find(const struct oci_layout_tar *t, const char *name, uint64_t *at,
	uint64_t *size, struct err *err) must_check;

struct oci_layout_tar *oci_layout_tar_ref(struct oci_layout_tar *t); /* NULL is fine */
void oci_layout_tar_unref(struct oci_layout_tar *t); /* NULL is fine */

#endif
