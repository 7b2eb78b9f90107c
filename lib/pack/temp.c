#include "pack/temp.h"

#include "base/sys.h"
#include "crypto/rand.h"

#include <errno.h>
#include <fcntl.h>

int pack_temp_file(int dirfd, struct err *err)
{
	char name[32] = "spool-";
	int fd = sys_openat(dirfd, ".", O_TMPFILE | O_RDWR, 0600);

	if (fd >= 0)
		return fd;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return err_sys(err, "cannot create a spool file");
	rand_hex(name + 6, 12);
	fd = sys_openat(dirfd, name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return err_sys(err, "cannot create a spool file");
	sys_unlinkat(dirfd, name, 0);
	return fd;
}
