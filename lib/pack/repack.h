/*
 * Pass 2: writes the items that a scan left (and the rules did not exclude) as repack format 2.
 * Reads the layer again: when the files are in order already, straight from the stream to the
 * output; else the bodies go through a spool, in memory up to LIMIT_SPOOL_MEMORY, past it in an
 * unlinked temporary file. Worker thread.
 */
#ifndef PACK_REPACK_H
#define PACK_REPACK_H
#include "pack/pack.h"
#include "pack/scan.h"

struct pack_repack {
	struct pack_scan *scan;
	struct pack_src *src;
	const struct pack_limits *limits; /* none is 0 */
	int spool_dirfd; /* -1: no file */
	int out_fd; /* -1: only digest and size */
	enum digest_algo algo;
};

/* Fills res->digest, size, entries, spooled. */
int pack_repack_run(
	const struct pack_repack *in, struct pack_result *res, struct err *err) must_check;

#endif
