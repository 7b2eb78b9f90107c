/*
 * The files of an image layout, by their names in it: "index.json", "blobs/sha256/...". It is a
 * folder, or a tar (layout_tar.h). Nothing that lies in a layout leads out of it: no link is
 * followed and no `..`, and what is no regular file is never read. Blocks: for workers. The caller
 * clears what it has opened, also after a failure.
 *
 *	struct oci_layout_files f;
 *	struct oci_layout_file one;
 *
 *	if (oci_layout_files_open(&f, "/mnt/copies", NULL, err)) ...
 *	if (oci_layout_file_open(&f, "index.json", &one, err) > 0) ...
 *	oci_layout_file_close(&one);
 *	oci_layout_files_close(&f);
 */
#ifndef OCI_LAYOUT_FILES_H
#define OCI_LAYOUT_FILES_H
#include "base/buf.h"
#include "base/err.h"
#include "oci/layout_tar.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct oci_layout_files {
	int fd; /* of the folder or the tar; -1: closed */
	bool is_tar;
	const struct oci_layout_tar *tar; /* its index; borrowed. NULL: read it first */
	struct stat st; /* of a tar */
};

struct oci_layout_file {
	int fd; /* -1: closed */
	bool shared; /* fd is the tar's */
	uint64_t at; /* where its bytes begin */
	uint64_t size;
};

/* The path itself may lead over links: it is the operator's. tar: an index that may be of it, or
   NULL. */
int oci_layout_files_open(struct oci_layout_files *f, const char *path,
	const struct oci_layout_tar *tar, struct err *err) must_check;
void oci_layout_files_close(struct oci_layout_files *f);
/* 1: it is open; 0: it is not there; -1. */
int oci_layout_file_open(const struct oci_layout_files *f, const char *name,
	struct oci_layout_file *out, struct err *err) must_check;
void oci_layout_file_close(struct oci_layout_file *file);
/* The n bytes from `from` on, appended to b, whose limit they fit. A file that has become shorter
   is an error. */
int oci_layout_file_read(const struct oci_layout_file *file, uint64_t from, size_t n, struct buf *b,
	const atomic_bool *stop, struct err *err) must_check;

#endif
