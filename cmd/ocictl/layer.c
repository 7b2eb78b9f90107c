#include "cmd/ocictl/layer.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "cmd/ocictl/run.h"
#include "ev/op.h"
#include "oci/blob.h"
#include "oci/image.h"
#include "oci/resolve.h"

#include <fcntl.h>
#include <stdlib.h>

static struct layer layer_none(void)
{
	return (struct layer){
		.mem = BUF_INIT(LIMIT_BLOB_IN_MEMORY), .fd = -1, .out_fd = -1, .tmp_fd = -1};
}

/* Where a repack goes, and what it needs on the way. */
static int layer_prepare(struct layer *l, struct err *err)
{
	const char *tmp = getenv("TMPDIR");

	if (!tmp || !*tmp)
		tmp = "/tmp";
	l->out_fd = sys_temp_file(err);
	if (l->out_fd < 0)
		return -1;
	l->tmp_fd = sys_openat(AT_FDCWD, tmp, O_RDONLY | O_DIRECTORY, 0);
	if (l->tmp_fd < 0)
		return err_sys(err, "cannot open '%.200s'", tmp);
	l->in.out_fd = l->out_fd;
	l->in.spool_dirfd = l->tmp_fd;
	return 0;
}

int layer_of_file(struct layer *l, int fd, uint64_t size, struct err *err)
{
	*l = layer_none();
	l->in = (struct pack_in){.fd = fd, .size = size};
	return layer_prepare(l, err);
}

static int resolve(struct layer *l, struct run *r, const struct args *a, struct err *err)
{
	char digest[DIGEST_TEXT_MAX] = "";
	struct op *op;
	int rc;

	if (a->ref.digest.algo != DIGEST_NONE)
		digest_format(&a->ref.digest, digest);
	op = oci_resolve_start(r->oci,
		&(struct oci_resolve_req){.target = ocictl_run_target(r, a),
			.digest = digest,
			.tag = a->ref.tag,
			.layer_type = a->layer_type});
	rc = ocictl_run_wait(r, op, err);
	l->manifest = oci_resolve_result(op)->digest;
	op_free(op);
	return rc;
}

static int blob_get(struct layer *l, struct run *r, const struct args *a,
	const struct oci_descriptor *d, struct err *err)
{
	struct op *op;
	int rc;

	l->media_type = mem_strdup(d->media_type);
	if (oci_blob_needs_file(d->size) && (l->fd = sys_temp_file(err)) < 0)
		return -1;
	op = oci_blob_start(r->oci,
		&(struct oci_blob_req){.target = ocictl_run_target(r, a), .blob = d, .fd = l->fd});
	rc = ocictl_run_wait(r, op, err);
	if (!rc && oci_blob_mem(op)) {
		struct buf empty = l->mem;

		l->mem = *oci_blob_mem(op);
		*oci_blob_mem(op) = empty;
	}
	op_free(op);
	l->in = (struct pack_in){
		.mem = l->fd < 0 ? buf_str(&l->mem) : NULL, .fd = l->fd, .size = d->size};
	return rc;
}

static int image_get(struct layer *l, struct run *r, const struct args *a, struct err *err)
{
	struct op *op = oci_image_start(r->oci,
		&(struct oci_image_req){.target = ocictl_run_target(r, a),
			.digest = &l->manifest,
			.platform = &a->platform,
			.layer_type = a->layer_type});
	int rc = ocictl_run_wait(r, op, err);

	if (!rc)
		rc = blob_get(l, r, a, oci_image_result(op)->layer, err);
	op_free(op);
	return rc;
}

int layer_fetch(struct layer *l, const struct args *a, struct err *err)
{
	struct run r;
	int rc;

	*l = layer_none();
	rc = ocictl_run_init(&r, a, err);
	if (!rc)
		rc = resolve(l, &r, a, err);
	if (!rc)
		rc = image_get(l, &r, a, err);
	ocictl_run_clear(&r);
	return rc ? rc : layer_prepare(l, err);
}

void layer_clear(struct layer *l)
{
	const int fds[] = {l->fd, l->out_fd, l->tmp_fd};
	size_t i;

	for (i = 0; i < ARRAY_LEN(fds); i++)
		if (fds[i] >= 0)
			sys_close(fds[i]);
	free(l->media_type);
	buf_clear(&l->mem);
}
