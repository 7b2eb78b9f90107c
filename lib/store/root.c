#include "store/root.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/rand.h"
#include "store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TMP ".tmp"
#define DIR_MODE 0700
#define FILE_MODE 0600

static int open_dir(int at, const char *path)
{
	return sys_open_beneath(at, path, O_RDONLY | O_DIRECTORY, 0);
}

static bool missing(int error)
{
	/* A link on the way, or something else in a folder's place, is not our file. */
	return error == ENOENT || error == ENOTDIR || error == ELOOP || error == EXDEV;
}

/* ---- open, .tmp */

/* Also when somebody removed it meanwhile. */
static int open_tmp(const struct store_root *r)
{
	int fd = open_dir(r->fd, TMP);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	if (sys_mkdirat(r->fd, TMP, DIR_MODE) && errno != EEXIST)
		return -1;
	return open_dir(r->fd, TMP);
}

/* What cannot be removed harms nobody: a later start tries again. */
static int empty_tmp(const struct store_root *r, struct err *err)
{
	int fd = open_tmp(r);
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return errno == EROFS ? 0 : err_sys(err, "open '%s' of the store", TMP);
	d = sys_fdopendir(fd);
	if (!d)
		return err_sys(err, "read '%s' of the store", TMP);
	while ((e = sys_readdir(d)))
		sys_unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
	return 0;
}

static bool is_empty(int root)
{
	int again = sys_openat(root, ".", O_RDONLY | O_DIRECTORY, 0);
	DIR *d = again < 0 ? NULL : sys_fdopendir(again);
	bool empty = d && !sys_readdir(d);

	if (d)
		closedir(d);
	return empty;
}

/* Told at the start, not by every artifact. */
static int check_writable(const struct store_root *r, const char *path, struct err *err)
{
	if (!sys_may_write(r->fd, ".") && !sys_may_write(r->fd, TMP))
		return 0;
	err_sys(err, "write to store '%s'", path);
	return err->code == -EROFS && !is_empty(r->fd) ? 0 : -1;
}

int store_root_open(struct store_root *r, const char *path, struct err *err)
{
	*r = (struct store_root){.fd = -1};
	if (sys_mkdir_all(path, 0755, err))
		return err_wrap(err, "store");
	r->path = mem_strdup(path);
	r->fd = sys_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
	if (r->fd < 0)
		err_sys(err, "open store '%s'", path);
	else if (!store_lock_take(r->fd, path, err) && !empty_tmp(r, err) &&
		!check_writable(r, path, err))
		return 0;
	store_root_close(r);
	return -1;
}

void store_root_close(struct store_root *r)
{
	sys_close(r->fd);
	r->fd = -1;
	free(MOVE(r->path));
}

bool store_root_is_current(const struct store_root *r)
{
	struct stat there, open;

	return !sys_statat(AT_FDCWD, r->path, &there) && !sys_fstat(r->fd, &open) &&
		there.st_dev == open.st_dev && there.st_ino == open.st_ino;
}

int store_root_replace(const struct store_root *r, struct err *err)
{
	struct store_root now;
	int rc;

	if (store_root_open(&now, r->path, err))
		return -1;
	rc = sys_dup_over(now.fd, r->fd);
	if (rc)
		err_sys(err, "replace store '%s'", r->path);
	store_root_close(&now);
	return rc;
}

/* ---- writing */

int store_temp_new(const struct store_root *r, struct store_temp *t, struct err *err)
{
	auto_fd int tmp = open_tmp(r);

	*t = STORE_TEMP_INIT;
	if (tmp < 0)
		return err_sys(err, "open '%s' of the store", TMP);
	rand_hex(t->name, 16);
	t->fd = sys_openat(tmp, t->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, FILE_MODE);
	if (t->fd < 0)
		return err_sys(err, "create a file in '%s' of the store", TMP);
	return 0;
}

static void fill(struct store_file *f, const struct stat *st)
{
	memset(f, 0, sizeof(*f));
	f->size = (uint64_t)st->st_size;
	f->mtime_ns = (int64_t)st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec;
	f->ino = (uint64_t)st->st_ino;
}

int store_temp_sync(
	struct store_temp *t, const struct digest *digest, struct store_file *out, struct err *err)
{
	struct stat st;

	SYS_POINT("store.written");
	if (sys_fdatasync(t->fd))
		return err_sys(err, "sync a file of the store");
	if (sys_fstat(t->fd, &st))
		return err_sys(err, "stat a file of the store");
	fill(out, &st);
	out->digest = *digest;
	SYS_POINT("store.synced");
	return 0;
}

/* The folders of an object, made as far as they are missing. */
static int open_object(const struct store_root *r, const char *dir)
{
	char part[STORE_DIR_MAX];
	size_t n = 0;
	int fd = open_dir(r->fd, dir);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	do {
		n += 1 + strcspn(dir + n + 1, "/");
		memcpy(part, dir, n);
		part[n] = '\0';
		/* Opened one by one: mkdirat would follow a link on the way. */
		fd = open_dir(r->fd, part);
		if (fd < 0 && errno == ENOENT) {
			char *slash = strrchr(part, '/');
			auto_fd int parent = -1;

			if (slash) {
				*slash = '\0';
				parent = open_dir(r->fd, part);
				*slash = '/';
			}
			if ((slash && parent < 0) ||
				(sys_mkdirat(slash ? parent : r->fd, slash ? slash + 1 : part,
					 DIR_MODE) &&
					errno != EEXIST))
				return -1;
		} else if (fd < 0) {
			return -1;
		}
		sys_close(fd);
	} while (dir[n]);
	return open_dir(r->fd, dir);
}

/* Best effort: the index knows what is latest; the link is for people and for tools that look at
   the volume. */
static void link_latest(int tmp, const char *temp_name, int dir, const char *file)
{
	char now[STORE_FILE_MAX], name[STORE_TEMP_NAME + 2];

	if (!sys_readlinkat(dir, STORE_LATEST, now, sizeof(now)) && !strcmp(now, file))
		return;
	snprintf(name, sizeof(name), "%s.l", temp_name);
	if (sys_symlinkat(file, tmp, name))
		return;
	if (sys_renameat(tmp, name, dir, STORE_LATEST))
		sys_unlinkat(tmp, name, 0);
}

void store_root_link(const struct store_root *r, const struct store_path *p)
{
	auto_fd int tmp = open_tmp(r), dir = open_dir(r->fd, p->dir);
	char name[STORE_TEMP_NAME];

	rand_hex(name, 16);
	if (tmp >= 0 && dir >= 0)
		link_latest(tmp, name, dir, p->file);
}

/* The temp, under this name in that folder. *dir_fd stays open. */
static int temp_rename(const struct store_root *r, struct store_temp *t, int tmp, const char *dir,
	const char *file, int *dir_fd, struct err *err)
{
	int tries = 3, rc;

	BUG_IF(t->fd < 0);
	if (tmp < 0)
		return err_sys(err, "open '%s' of the store", TMP);
	do {
		sys_close(*dir_fd);
		*dir_fd = open_object(r, dir);
		if (*dir_fd < 0)
			return err_sys(err, "open folder '%s' of the store", dir);
		rc = sys_renameat(tmp, t->name, *dir_fd, file);
		/* The sweep may have removed the empty folder in between. */
	} while (rc && errno == ENOENT && --tries);
	if (rc)
		return err_sys(err, "rename to '%s/%s' in the store", dir, file);
	SYS_POINT("store.renamed");
	return 0;
}

static void temp_named(struct store_temp *t)
{
	sys_close(t->fd);
	*t = STORE_TEMP_INIT;
}

int store_temp_name(
	const struct store_root *r, struct store_temp *t, const char *path, struct err *err)
{
	auto_fd int tmp = -1, dir = -1;
	struct store_path p;

	if (store_path_parse_file(&p, path, err))
		return -1;
	tmp = open_tmp(r);
	if (temp_rename(r, t, tmp, p.dir, p.file, &dir, err))
		return -1;
	link_latest(tmp, t->name, dir, p.file);
	SYS_POINT("store.linked");
	temp_named(t);
	return 0;
}

int store_temp_name_in(const struct store_root *r, struct store_temp *t, const char *dir,
	const char *file, struct err *err)
{
	auto_fd int tmp = open_tmp(r), fd = -1;

	if (temp_rename(r, t, tmp, dir, file, &fd, err))
		return -1;
	temp_named(t);
	return 0;
}

int store_temp_publish(const struct store_root *r, struct store_temp *t, const char *path,
	const struct digest *digest, const atomic_bool *stop, struct store_file *out,
	struct err *err)
{
	if (store_temp_sync(t, digest, out, err))
		return -1;
	if (*stop) /* the last moment at which a cancel changes nothing */
		return err_set(err, ERR_CANCELED, "canceled");
	return store_temp_name(r, t, path, err);
}

void store_temp_drop(const struct store_root *r, struct store_temp *t)
{
	auto_fd int tmp = -1;

	if (t->fd < 0)
		return;
	sys_close(t->fd);
	tmp = open_dir(r->fd, TMP);
	if (tmp >= 0)
		sys_unlinkat(tmp, t->name, 0);
	*t = STORE_TEMP_INIT;
}

int store_root_save(
	const struct store_root *r, const char *name, const void *data, size_t n, struct err *err)
{
	struct store_temp t;
	auto_fd int tmp = -1;
	int rc = 0;

	if (store_temp_new(r, &t, err))
		return -1;
	tmp = open_tmp(r);
	if (tmp < 0 || sys_write_all(t.fd, data, n) || sys_renameat(tmp, t.name, r->fd, name))
		rc = err_sys(err, "write '%s' of the store", name);
	if (rc) {
		store_temp_drop(r, &t);
		return rc;
	}
	sys_close(t.fd);
	return 0;
}

/* ---- reading */

int store_root_open_file(const struct store_root *r, const char *path, int *fd,
	struct store_file *out, struct err *err)
{
	/* Not blocking: a FIFO in a file's place must not hang a worker. */
	int got = sys_open_beneath(r->fd, path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (got < 0 && missing(errno))
		return err_code(err, ERR_RETRY, -ENOENT, "artifact '%s' is not in the store", path);
	if (got < 0)
		return err_sys(err, "open artifact '%s'", path);
	if (sys_fstat(got, &st)) {
		err_sys(err, "stat artifact '%s'", path);
		sys_close(got);
		return -1;
	}
	if (!S_ISREG(st.st_mode)) {
		sys_close(got);
		return err_code(err, ERR_RETRY, -ENOENT, "'%s' is not a regular file", path);
	}
	fill(out, &st);
	*fd = got;
	return 0;
}

int store_root_hash(int fd, struct store_file *f, enum digest_algo algo, const atomic_bool *stop,
	struct err *err)
{
	uint64_t size;

	if (digest_fd(&f->digest, algo, fd, stop, &size, err))
		return -1;
	f->size = size;
	return 0;
}

bool store_is_damage(int code)
{
	return code == -EUCLEAN || code == -EBADMSG;
}

bool store_file_same(const struct store_file *a, const struct store_file *b)
{
	return a->size == b->size && a->mtime_ns == b->mtime_ns && a->ino == b->ino;
}

/* ---- removing */

/* Removes the folder and its parents as long as they are empty. */
static void prune(const struct store_root *r, const char *dir)
{
	char path[STORE_DIR_MAX];
	char *slash;
	int parent;

	snprintf(path, sizeof(path), "%s", dir);
	while ((slash = strrchr(path, '/'))) {
		*slash = '\0';
		parent = open_dir(r->fd, path);
		if (parent < 0)
			return;
		if (sys_unlinkat(parent, slash + 1, AT_REMOVEDIR) && errno != ENOENT) {
			sys_close(parent);
			return;
		}
		sys_close(parent);
	}
	sys_unlinkat(r->fd, path, AT_REMOVEDIR);
}

int store_root_remove(const struct store_root *r, const char *path, struct err *err)
{
	auto_fd int dir = -1;
	struct store_path p;

	if (store_path_parse(&p, path, err))
		return -1;
	dir = open_dir(r->fd, p.dir);
	if (dir < 0 && missing(errno))
		return 0;
	if (dir < 0)
		return err_sys(err, "open folder '%s' of the store", p.dir);
	if (sys_unlinkat(dir, p.file, 0) && errno != ENOENT)
		return err_sys(err, "remove artifact '%s'", path);
	return 0;
}

int store_root_remove_in(
	const struct store_root *r, const char *dir, const char *file, struct err *err)
{
	auto_free char *path = mem_printf("%s/%s", dir, file);
	auto_fd int fd = open_dir(r->fd, dir);

	if (fd < 0 && missing(errno))
		return 0;
	if (fd < 0)
		return err_sys(err, "open folder '%s' of the store", dir);
	if (sys_unlinkat(fd, file, 0) && errno != ENOENT)
		return err_sys(err, "remove '%s' of the store", path);
	prune(r, path);
	return 0;
}

int store_root_remove_dir(const struct store_root *r, const char *dir, struct err *err)
{
	int fd = open_dir(r->fd, dir), rc = 0;
	struct dirent *e;
	DIR *d;

	if (fd < 0 && missing(errno))
		return 0;
	d = fd < 0 ? NULL : sys_fdopendir(fd);
	if (!d)
		return err_sys(err, "open folder '%s' of the store", dir);
	while ((e = sys_readdir(d))) {
		SYS_POINT("store.removing");
		if (sys_unlinkat(dirfd(d), e->d_name, 0) && errno != ENOENT)
			rc = err_sys(err, "remove '%s/%s' of the store", dir, e->d_name);
	}
	if (errno)
		rc = err_sys(err, "read folder '%s' of the store", dir);
	closedir(d);
	if (!rc)
		prune(r, dir);
	return rc;
}

/* ---- the whole tree */

struct scan {
	const struct store_root *root;
	store_scan_fn *fn;
	void *arg;
	const atomic_bool *stop;
};

static int scan_file(struct scan *s, int dir_fd, const char *dir, const char *name, struct err *err)
{
	char text[STORE_PATH_MAX + 256];
	struct store_file f;
	struct store_path p;
	struct stat st;
	struct err ignored;

	if ((size_t)snprintf(text, sizeof(text), "%s/%s", dir, name) >= STORE_PATH_MAX ||
		store_path_parse_file(&p, text, &ignored))
		return 0;
	if (sys_lstatat(dir_fd, name, &st))
		return errno == ENOENT ? 0 : err_sys(err, "stat '%s' in the store", text);
	if (!S_ISREG(st.st_mode))
		return 0;
	fill(&f, &st);
	s->fn(s->arg, &p, &f);
	return 0;
}

/* Folders that somebody else keeps on the volume (lost+found) must not make ours unknown. */
static bool scan_is_foreign(int error)
{
	return error == EACCES || error == EPERM;
}

/* depth: 0 the root, 1 a kind, 2 a namespace, 3 an object. fd is taken over. */
static int scan_dir(struct scan *s, int fd, const char *dir, int depth, struct err *err)
{
	char child[STORE_DIR_MAX + 257];
	DIR *d = sys_fdopendir(fd);
	struct dirent *e;
	int sub, rc = 0;

	if (!d)
		return err_sys(err, "read folder '%s' of the store", dir);
	while (!rc && (e = sys_readdir(d))) {
		if (*s->stop)
			rc = err_set(err, ERR_CANCELED, "canceled");
		else if (depth == 3)
			rc = scan_file(s, fd, dir, e->d_name, err);
		else if (e->d_name[0] != '.') {
			snprintf(child, sizeof(child), "%s%s%s", dir, depth ? "/" : "", e->d_name);
			sub = open_dir(fd, e->d_name);
			if (sub >= 0)
				rc = scan_dir(s, sub, child, depth + 1, err);
			else if (scan_is_foreign(errno))
				log_info(NULL, "a folder of the store's volume is not ours",
					LS("folder", child));
			else if (!missing(errno))
				rc = err_sys(err, "open folder '%s' of the store", child);
		}
		errno = 0;
	}
	if (!rc && errno)
		rc = err_sys(err, "read folder '%s' of the store", dir);
	closedir(d);
	return rc;
}

int store_root_scan(const struct store_root *r, store_scan_fn *fn, void *arg,
	const atomic_bool *stop, struct err *err)
{
	struct scan s = {r, fn, arg, stop};
	int fd = open_dir(r->fd, ".");

	if (fd < 0)
		return err_sys(err, "open the store");
	return scan_dir(&s, fd, "", 0, err);
}
