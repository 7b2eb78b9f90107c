#include "oci/layout_files.h"

#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>

#define SLICE ((size_t)64 * 1024) /* between two looks at the stop flag */

int oci_layout_files_open(struct oci_layout_files *f, const char *path,
	const struct oci_layout_tar *tar, struct err *err)
{
	*f = (struct oci_layout_files){.fd = -1};
	/* Not blocking: a FIFO where a file is expected must not hang us. */
	f->fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (f->fd < 0)
		return err_sys(err, "open it");
	if (sys_fstat(f->fd, &f->st))
		return err_sys(err, "stat it");
	f->is_tar = S_ISREG(f->st.st_mode);
	if (!f->is_tar && !S_ISDIR(f->st.st_mode))
		return err_set(err, ERR_RETRY, "it is neither a folder nor a tar");
	if (f->is_tar && tar && oci_layout_tar_fits(tar, &f->st))
		f->tar = tar;
	return 0;
}

void oci_layout_files_close(struct oci_layout_files *f)
{
	if (f->fd >= 0)
		sys_close(f->fd);
	f->fd = -1;
}

int oci_layout_file_open(const struct oci_layout_files *f, const char *name,
	struct oci_layout_file *out, struct err *err)
{
	struct stat st;
	int rc;

	*out = (struct oci_layout_file){.fd = -1};
	if (f->is_tar) {
		rc = oci_layout_tar_find(f->tar, name, &out->at, &out->size, err);
		out->fd = rc > 0 ? f->fd : -1;
		out->shared = true;
		return rc;
	}
	out->fd = sys_open_beneath(f->fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
	if (out->fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (out->fd < 0 && (errno == ELOOP || errno == EXDEV))
		return err_set(err, ERR_RETRY, "'%s' is a link, or behind one", name);
	if (out->fd < 0)
		return err_sys(err, "open '%s'", name);
	if (sys_fstat(out->fd, &st))
		return err_sys(err, "stat '%s'", name);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_RETRY, "'%s' is no regular file", name);
	out->size = (uint64_t)st.st_size;
	return 1;
}

void oci_layout_file_close(struct oci_layout_file *file)
{
	if (file->fd >= 0 && !file->shared)
		sys_close(file->fd);
	file->fd = -1;
}

int oci_layout_file_read(const struct oci_layout_file *file, uint64_t from, size_t n, struct buf *b,
	const atomic_bool *stop, struct err *err)
{
	while (n) {
		size_t want = n < SLICE ? n : SLICE;
		char *to = buf_room(b, want);
		ssize_t got;

		if (*stop)
			return err_set(err, ERR_CANCELED, "canceled");
		if (!to)
			return err_set(err, ERR_RETRY, "it is larger than %zu bytes", b->max);
		got = sys_pread(file->fd, to, want, file->at + from);
		if (got < 0)
			return err_sys(err, "read it");
		if (!got)
			return err_set(err, ERR_RETRY, "it became shorter while it was read");
		b->len += (size_t)got;
		from += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}
