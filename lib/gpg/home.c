#include "gpg/home.h"

#include "base/mem.h"
#include "base/sys.h"
#include "crypto/rand.h"
#include "gpg/gpg.h"

#include <fcntl.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFIX "gpg-"
#define SOCKET "S.gpg-agent"
#define DEPTH 4 /* of what gpg makes in it */

static const char *const SOCKETS[] = {SOCKET, SOCKET ".browser", SOCKET ".extra", SOCKET ".ssh"};

char *gpg_home_name(const char *folder)
{
	char hex[17];

	return mem_printf("%s/" PREFIX "%s", folder, rand_hex(hex, 8));
}

int gpg_home_make(const char *path, struct err *err)
{
	const size_t room =
		sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof("/" SOCKET ".browser");
	auto_free char *conf = mem_printf("%s/common.conf", path);

	if (strlen(path) > room)
		return err_set(err, ERR_RETRY,
			"the path '%.200s' is too long: the sockets in it have room for %zu "
			"characters",
			path, room);
	if (sys_mkdir_all(path, 0700, err))
		return -1;
	/* Without it a new home of some versions has its keys in a daemon of their own. */
	return sys_write_file(AT_FDCWD, conf, "", 0, 0600, false, err);
}

void gpg_home_unplug(const char *path)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(SOCKETS); i++) {
		auto_free char *name = mem_printf("%s/%s", path, SOCKETS[i]);

		(void)sys_unlinkat(AT_FDCWD, name, 0);
	}
}

static void tree_remove(int parent, const char *name, unsigned depth)
{
	int fd = sys_openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	DIR *d = fd < 0 ? NULL : sys_fdopendir(fd);
	struct dirent *e;

	while (d && (e = sys_readdir(d)))
		if (sys_unlinkat(dirfd(d), e->d_name, 0) && depth)
			tree_remove(dirfd(d), e->d_name, depth - 1);
	if (d)
		closedir(d);
	(void)sys_unlinkat(parent, name, AT_REMOVEDIR);
}

void gpg_home_remove(const char *path)
{
	tree_remove(AT_FDCWD, path, DEPTH);
}

void gpg_sweep(const char *folder)
{
	int fd = sys_openat(AT_FDCWD, folder, O_RDONLY | O_DIRECTORY, 0);
	DIR *d = fd < 0 ? NULL : sys_fdopendir(fd);
	struct dirent *e;

	while (d && (e = sys_readdir(d)))
		if (!strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1))
			tree_remove(dirfd(d), e->d_name, DEPTH);
	if (d)
		closedir(d);
}
