/*
 * Downloads one blob and proves that it is what its descriptor says: exactly so many bytes, with
 * that digest over the whole of it.
 *
 * Up to LIMIT_BLOB_IN_MEMORY bytes it stays in memory. A larger one goes to the caller's descriptor
 * (a temporary file, empty) through two buffers: the transfer fills one while a worker hashes and
 * writes the other, and pauses when both are busy; memory is flat and the loop never writes a file.
 * After a break it goes on with Range (206 checked, 200 starts over), a bounded number of times.
 * The timeout bounds what comes before the body; the body is bounded by its size, no progress for
 * 30 s, and 1 KiB/s over 60 s; all tries and pauses together by LIMIT_BLOB_BASE_MS and the size at
 * LIMIT_BLOB_WHOLE_RATE. Loop thread. This is the only place that joins a transfer and a worker.
 *
 *	op = oci_blob_start(client,
 *		&(struct oci_blob_req){
 *			.target = {&repo, id, 60000}, .blob = image->layer, .fd = tmp});
 *	... done, no error: oci_blob_mem(op) has the bytes if the blob is small,
 *	else they are in the file (not synced).
 */
#ifndef OCI_BLOB_H
#define OCI_BLOB_H
#include "base/buf.h"
#include "oci/manifest.h"
#include "oci/target.h"

#include <stdint.h>

struct flight;
struct oci_client;
struct op;

struct oci_blob_req {
	struct oci_target target;
	const struct oci_descriptor *blob;
	/* for blobs over LIMIT_BLOB_IN_MEMORY; stays the caller's, open until the op is done. Else
	   not looked at */
	int fd;
	uint64_t max; /* largest blob allowed; 0: LIMIT_BLOB */
	const char *owner; /* of the jobs on workers (ev/work.h): a namespace. Copied; NULL: none */
	/* Those who wait for it together: its lines of the log are the first one's. Borrowed until
	   the op is freed; may be NULL. */
	const struct flight *flight;
};

/* Does a blob of this size need a file? */
#define oci_blob_needs_file(size) ((size) > LIMIT_BLOB_IN_MEMORY)

struct op *oci_blob_start(struct oci_client *c, const struct oci_blob_req *req);
/* The bytes of a small blob, NULL of a large one. Borrowed from the op; a caller that keeps them
   swaps the buf for an empty one. */
struct buf *oci_blob_mem(struct op *op);
/* Its jobs are the process's own from now on, also one that waits: several owners want it. */
void oci_blob_disown(struct op *op);

#endif
