#include "pack/unpack.h"

#include "base/mem.h"
#include "base/sys.h"
#include "pack/path.h"
#include "pack/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file has its name when it is whole: until then it is this one, beside it. */
#define PART ".oci-unpack.part"

struct unpack {
	int dirfd;
	int fd; /* of the file at work; -1: none */
	int parent; /* its directory */
	char *name; /* in there; NULL: it has got it */
	char quoted[PACK_QUOTE_MAX]; /* its whole name */
};

static int unpack_failed(struct unpack *u, const char *what, struct err *err)
{
	return err_sys(err, "%s '%s'", what, u->quoted);
}

/* All directories that the first n bytes of the path name. */
static int dirs_make(
	struct unpack *u, const char *path, size_t n, const char *what, struct err *err)
{
	auto_free char *part = mem_strndup(path, n);
	char *slash = part;

	for (;;) {
		auto_fd int fd = -1;

		slash = strchr(slash, '/');
		if (slash)
			*slash = '\0';
		/* What leads through a link is refused here. */
		fd = sys_open_beneath(u->dirfd, part, O_RDONLY | O_DIRECTORY, 0);
		if (fd < 0 && (errno != ENOENT || sys_mkdirat(u->dirfd, part, 0777)))
			return unpack_failed(u, what, err);
		if (!slash)
			return 0;
		*slash++ = '/';
	}
}

/* A layer that was made of what a killed pull has left. */
static int name_check(const struct unpack *u, const char *path, struct err *err)
{
	const char *at = strstr(path, PART);

	if (at && (at == path || at[-1] == '/') &&
		(!at[sizeof(PART) - 1] || at[sizeof(PART) - 1] == '/'))
		return err_set(
			err, ERR_STALL, "'%s' has a name that only this program uses", u->quoted);
	return 0;
}

static int on_dir(void *ctx, const char *path, struct err *err)
{
	struct unpack *u = ctx;

	pack_quote(u->quoted, path, strlen(path));
	if (name_check(u, path, err))
		return -1;
	return dirs_make(u, path, strlen(path), "cannot make the directory", err);
}

/* What did not get its name goes. */
static void file_clear(struct unpack *u)
{
	if (u->fd >= 0)
		sys_close(u->fd);
	if (u->name && u->parent >= 0)
		(void)sys_unlinkat(u->parent, PART, 0);
	if (u->parent >= 0)
		sys_close(u->parent);
	u->fd = u->parent = -1;
	free(MOVE(u->name));
}

static int on_file(void *ctx, const char *path, bool exec, struct err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	auto_free char *dir = slash ? mem_strndup(path, (size_t)(slash - path)) : NULL;
	struct unpack *u = ctx;

	pack_quote(u->quoted, path, strlen(path));
	if (name_check(u, path, err))
		return -1;
	if (slash &&
		dirs_make(u, path, (size_t)(slash - path), "cannot make the directory of", err))
		return -1;
	file_clear(u);
	u->name = mem_strdup(name);
	u->parent = sys_open_beneath(u->dirfd, slash ? dir : ".", O_RDONLY | O_DIRECTORY, 0);
	if (u->parent < 0)
		return unpack_failed(u, "cannot open the directory of", err);
	if (sys_unlinkat(u->parent, PART, 0) && errno != ENOENT)
		return unpack_failed(u, "cannot make room for", err);
	u->fd = sys_openat(
		u->parent, PART, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, exec ? 0777 : 0666);
	return u->fd < 0 ? unpack_failed(u, "cannot create", err) : 0;
}

static int on_data(void *ctx, const void *p, size_t n, struct err *err)
{
	struct unpack *u = ctx;

	return sys_write_all(u->fd, p, n) ? unpack_failed(u, "cannot write", err) : 0;
}

static int on_end(void *ctx, struct err *err)
{
	struct unpack *u = ctx;
	int fd = u->fd;

	u->fd = -1;
	/* Some file systems say only here that there was no room. */
	if (close(fd))
		return unpack_failed(u, "cannot write", err);
	if (sys_renameat(u->parent, PART, u->parent, u->name))
		return unpack_failed(u, "cannot replace", err);
	free(MOVE(u->name));
	return 0;
}

int pack_unpack(const struct pack_in *in, int dirfd, struct err *err)
{
	struct unpack u = {.dirfd = dirfd, .fd = -1, .parent = -1};
	int rc = pack_walk(in,
		&(struct pack_walker){
			.dir = on_dir, .file = on_file, .data = on_data, .end = on_end, .ctx = &u},
		err);

	file_clear(&u);
	return rc;
}
