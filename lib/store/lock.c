#include "store/lock.h"

#include "base/sys.h"

#include <errno.h>

int store_lock_take(int dirfd, const char *path, struct err *err)
{
	if (!sys_try_lock(dirfd))
		return 0;
	if (errno == EWOULDBLOCK)
		return err_set(err, ERR_RETRY, "store '%s' is in use by another process", path);
	return err_sys(err, "lock store '%s'", path);
}
