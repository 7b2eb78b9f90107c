#include "source/public_root_kept.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "verify/tuf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

char *public_root_kept_dir(const char *tuf_root, const char *url)
{
	const char *at = strstr(url, "://");
	char *dir = mem_printf("%s/%s", tuf_root, at ? at + 3 : url), *c;

	for (c = dir + strlen(tuf_root) + 1; *c; c++)
		if (!ascii_is_alnum(*c) && *c != '.' && *c != '_')
			*c = '-';
	return dir;
}

/* 1: there is no such file. */
static int file_read(struct verify_tuf *t, enum verify_tuf_file file, int dir, struct err *err)
{
	auto_buf struct buf b = BUF_INIT(LIMIT_TUF_META);
	char name[VERIFY_TUF_PATH_MAX];

	verify_tuf_kept_name(t, file, name);
	if (sys_read_file(dir, name, &b, err)) {
		if (err->code != -ENOENT)
			return -1;
		err_clear(err);
		return 1;
	}
	return verify_tuf_restore(t, file, buf_str(&b), b.len, err);
}

int public_root_kept_read(struct verify_tuf *t, const char *dir, struct err *err)
{
	auto_fd int fd = sys_openat(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	enum verify_tuf_file file = VERIFY_TUF_FILE_ROOT;
	unsigned roots = 0;
	int rc = 0;

	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(err, "open '%s'", dir);
	while (file < VERIFY_TUF_FILE_NONE && rc >= 0) {
		rc = file_read(t, file, fd, err);
		/* Of root.json there may be many, one for each version; of the others one is the
		   way to the next. */
		if (file != VERIFY_TUF_FILE_ROOT && rc == 1)
			break;
		if (file != VERIFY_TUF_FILE_ROOT || rc == 1 || ++roots == LIMIT_TUF_ROOTS)
			file++;
	}
	return rc < 0 ? err_wrap(err, "'%s'", dir) : 0;
}

int public_root_kept_write(
	const char *dir, const char *name, const void *data, size_t n, struct err *err)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);

	if (sys_mkdir_all(dir, 0700, err))
		return -1;
	return sys_write_file(AT_FDCWD, path, data, n, 0600, true, err);
}
