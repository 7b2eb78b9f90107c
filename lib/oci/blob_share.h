/*
 * A blob (blob.h) that several want at the same time is downloaded once. Hundreds of objects may
 * follow one tag; what it means anew is the same layer for all of them.
 *
 * A download is the same when host, `insecure`, repository, digest, size, mirror, timeout and
 * patience are, and the identity is. A large one is shared with other identities, too, where none
 * of them brings CAs, a client certificate or a proxy of its own: whoever joins has asked the
 * registry with its own credentials for that very blob before, by HEAD, and was answered with 200.
 * For a small one the question would cost as much as the blob.
 *
 * Each of them ends with bytes of its own: in memory, or in its own file, where a worker hashes
 * them anew while it copies them from the file of the one who came first. As long as all who wait
 * are of one owner, the download's jobs stand in that owner's line; when one of another owner
 * joins, in that of the process, so that nobody waits behind another one's jobs.
 *
 * Who gives up takes nothing from the others, whoever began; when all have, the download is
 * cancelled. Its failure is that of all who have its identity; the others begin anew, together
 * where they are of one identity. So they do when it takes long (LIMIT_SHARE_BASE_MS and the size
 * at LIMIT_SHARE_RATE), for a registry may be slow for one account only. Loop thread.
 *
 *	op = oci_blob_share_start(client, &(struct oci_blob_req){...});
 *	... done, no error: as after oci_blob_start, with oci_blob_share_mem(op)
 */
#ifndef OCI_BLOB_SHARE_H
#define OCI_BLOB_SHARE_H
#include "oci/blob.h"

/* req->flight is not looked at. */
struct op *oci_blob_share_start(struct oci_client *c, const struct oci_blob_req *req);
/* As oci_blob_mem. */
struct buf *oci_blob_share_mem(struct op *op);

#endif
