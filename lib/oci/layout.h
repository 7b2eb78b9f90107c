/*
 * An OCI image layout (image-spec 1.1, image-layout.md) that answers as a registry would: the list
 * of tags, a tag, a manifest, a blob or a part of it. So a repository can be read from a volume, by
 * a rule of mirrors.h, and whoever asks looks at status, headers and body as always: 404 with the
 * registry's error code for what is not there. Only lib/oci/req.c asks here.
 *
 * The layout of ghcr.io/org/app, of which the rule matches ghcr.io/org and names /mnt/copies, is
 * /mnt/copies/app when it has a file `oci-layout`, else /mnt/copies; layout_index.h says what the
 * names there mean. Where a manifest or blob is asked for by digest, it is what the file of that
 * name holds: whoever asks checks it, as what a registry sends.
 *
 * Each question opens the layout anew, so what changes there is seen by the next one. Only where
 * the files of a tar are is kept, with the mirror, as long as the tar stays the same: one question
 * reads that, the others wait for it. Files are read on workers, in one line for all layouts, so
 * that volumes that hang leave threads for others, and one question at a time finds out whether its
 * layout answers; a blob goes through 64 KiB of memory. An index that is large takes its memory
 * from the account before it is read, and so does a manifest.
 *
 * A cancel ends the question at once. Its work may hang in the kernel, for ever perhaps; as long as
 * it does every other question at this layout fails at once.
 *
 * The callbacks are those of http/client.h, and so are PAUSE and what follows it. Loop thread.
 */
#ifndef OCI_LAYOUT_H
#define OCI_LAYOUT_H
#include "http/client.h"

struct oci_client;
struct oci_mirror;
struct oci_repo;
struct op;

struct oci_layout_req {
	struct oci_mirror *mirror; /* with a layout */
	const struct oci_repo *repo; /* what is meant; the rule's path is in front of its name */
	bool head;
	/* "tags/list", "manifests/latest", "manifests/sha256:...", "blobs/sha256:..." */
	const char *path;
	uint64_t from; /* of a blob: the first byte that is wanted */
	int (*on_headers)(void *arg, const struct http_res *res, struct err *err); /* 2xx only */
	/* NULL: the body is kept in the answer, at most max_body bytes */
	enum http_body_ret (*on_body)(void *arg, const char *data, size_t n, struct err *err);
	void *arg;
	uint64_t max_body;
};

/* All is copied but arg. Success: an answer, of whatever status. Failure: the layout is none, or
   cannot be read; the message begins with its path. */
struct op *oci_layout_start(struct oci_client *c, const struct oci_layout_req *req);
/* Borrowed from the op, which has succeeded. */
const struct http_res *oci_layout_result(const struct op *op);
/* After HTTP_BODY_PAUSE. Safe after the end. */
void oci_layout_resume(struct op *op);

#endif
