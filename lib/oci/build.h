/*
 * A Flux artifact from files: one layer (tar, gzip: lib/pack/tarw.h), a config and a manifest. The
 * same files and texts give the same bytes on every machine: sorted, owner 0, no times, modes 0600,
 * 0700 (a file with any x bit) and 0750.
 *
 * Blocks; for a worker or a command-line tool. It touches no state but its arguments.
 *
 *	struct oci_build a = {0};
 *	if (oci_build_run(&a, &(struct oci_build_in){
 *		.path = "deploy", .source = ..., .revision = ...}, err)) ...
 *	oci_push_start(client, &(struct oci_push_req){
 *		.blobs = a.blobs, .blob_count = 2, .manifest = buf_str(&a.manifest), ...});
 *	oci_build_clear(&a);      when the push has ended
 */
#ifndef OCI_BUILD_H
#define OCI_BUILD_H
#include "base/buf.h"
#include "base/err.h"
#include "oci/push.h"

#include <stdint.h>

#define OCI_CREATED_DEFAULT "1970-01-01T00:00:00Z"

struct oci_build_in {
	const char *path; /* a directory, or one file, which is then alone in the archive */
	/* patterns, one a line (lib/text/ignore.h); NULL: those of the flux CLI (VCS files,
	   pictures, archives) */
	const char *ignore;
	const char *created; /* RFC 3339; NULL: OCI_CREATED_DEFAULT */
	const char *source, *revision; /* annotations */
	/* more of them, "key=value"; they win over the ones above. Ends with NULL; may be NULL */
	const char *const *annotations;
};

struct oci_build {
	int fd; /* the layer, in a file without a name; -1: none */
	struct buf config, manifest;
	struct oci_push_blob blobs[2]; /* layer, config: they borrow from the fields above */
	uint64_t entries; /* in the archive: directories and files */
	uint64_t files; /* of these */
	uint64_t skipped; /* links, sockets and the like, which an artifact does not hold */
};

/* 0, or -1 with nothing to clear. ERR_STALL for what the caller said (path, time, annotation),
   ERR_RETRY for what the disk said. */
int oci_build_run(struct oci_build *a, const struct oci_build_in *in, struct err *err) must_check;
void oci_build_clear(struct oci_build *a);

#endif
