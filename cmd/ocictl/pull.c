#include "base/sys.h"
#include "cmd/ocictl/commands.h"
#include "cmd/ocictl/layer.h"
#include "cmd/ocictl/run.h"
#include "pack/source.h"
#include "pack/unpack.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The layer itself, whatever it is. */
static int pull_copy(const struct layer *l, struct err *err)
{
	const unsigned char *p;
	struct pack_src src;
	size_t n;
	int rc;

	pack_src_init(&src, l->in.mem, l->in.fd, l->in.size, NULL);
	while (!(rc = pack_src_next(&src, &p, &n, err)) && n)
		if (sys_write_all(1, p, n)) {
			rc = err_sys(err, "write to stdout");
			break;
		}
	pack_src_clear(&src);
	return rc;
}

static int pull_unpack(const struct layer *l, const char *output, struct err *err)
{
	auto_fd int fd = -1;
	int rc;

	if (sys_mkdir_all(output, 0777, err))
		return -1;
	fd = sys_openat(AT_FDCWD, output, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return err_sys(err, "cannot open the directory '%.500s'", output);
	rc = pack_unpack(&l->in, fd, err);
	if (rc && err->code == PACK_NO_ARCHIVE)
		err_wrap(err,
			"a layer of media type '%.200s' is no archive (--output=- takes it "
			"as it is)",
			l->media_type);
	return rc;
}

int command_pull(struct args *a)
{
	bool copy = a->output && !strcmp(a->output, "-");
	char text[OCI_REF_TEXT_MAX];
	struct err err = {0};
	struct layer l;
	int rc;

	if (!a->output)
		return ocictl_misused("pull needs --output");
	rc = layer_fetch(&l, a, &err);
	if (!rc)
		rc = copy ? pull_copy(&l, &err) : pull_unpack(&l, a->output, &err);
	if (!rc && !copy)
		printf("%s\n", oci_ref_format(&a->ref.repo, a->ref.tag, &l.manifest, text));
	layer_clear(&l);
	return rc ? ocictl_failed(&err) : ocictl_flush(0);
}
