#include "git/folder.h"

#include "base/mem.h"
#include "base/sys.h"
#include "git/objects_internal.h"

#include <fcntl.h>
#include <stdlib.h>

struct gitc_folder *gitc_folder_new(const char *path, struct err *err)
{
	struct gitc_folder *f;
	int fd;

	if (sys_mkdir_all(path, 0700, err))
		return NULL;
	fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0) {
		err_sys(err, "cannot open '%s'", path);
		return NULL;
	}
	f = NEW(struct gitc_folder);
	f->fd = fd;
	return f;
}

void gitc_folder_free(struct gitc_folder *f)
{
	if (!f)
		return;
	sys_close(f->fd);
	free(f);
}
