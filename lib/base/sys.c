#include "base/sys.h"

#include "base/limits.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_uint_fast64_t counts[SYS_CALLS];

#ifdef TEST_BUILD

static struct {
	atomic_uint left; /* calls until it fails; 0: no fault */
	atomic_bool on; /* and all later ones */
	atomic_int error;
	atomic_bool for_good;
} faults[SYS_CALLS];

static atomic_uint fired, cleared;
static atomic_int openat2_error;
static void set_fault(enum sys_call call, unsigned nth, int error, bool for_good)
{
	faults[call].error = error;
	faults[call].for_good = for_good;
	faults[call].on = false;
	faults[call].left = nth;
}

void sys_fault(enum sys_call call, unsigned nth, int error)
{
	set_fault(call, nth, error, false);
}

void sys_fault_after(enum sys_call call, unsigned nth, int error)
{
	set_fault(call, nth, error, true);
}

unsigned sys_faults(void)
{
	return fired;
}

void sys_fault_openat2(int error)
{
	openat2_error = error;
}

void sys_fault_clear(void)
{
	int i;

	for (i = 0; i < SYS_CALLS; i++)
		set_fault(i, 0, 0, false);
	cleared++;
	openat2_error = 0;
	sys_kill_at("", 0);
	sys_on_point(NULL, NULL);
}

/* True: the call is to fail, errno says how. */
static bool fault_due(enum sys_call call)
{
	static const char *const POINTS[SYS_CALLS] = {"sys.open", "sys.read", "sys.write",
		"sys.fdatasync", "sys.rename", "sys.unlink", "sys.mkdir", "sys.symlink",
		"sys.readlink", "sys.stat", "sys.readdir", "sys.lock"};

	sys_point(POINTS[call]);
	counts[call]++;
	if (!faults[call].on) {
		if (!faults[call].left || --faults[call].left)
			return false;
		faults[call].on = faults[call].for_good;
	}
	if (faults[call].error == SYS_DIE)
		raise(SIGKILL);
	fired++;
	if (faults[call].error == SYS_HANG) {
		unsigned now = cleared;

		while (cleared == now)
			sched_yield();
		return false;
	}
	errno = faults[call].error;
	return true;
}

#else

static int fault_due(enum sys_call call)
{
	counts[call]++;
	return 0;
}

#endif

uint64_t sys_raise_descriptors(uint64_t most)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r))
		return 0;
	if (r.rlim_cur < r.rlim_max && r.rlim_cur < most) {
		rlim_t before = r.rlim_cur;

		r.rlim_cur = r.rlim_max < most ? r.rlim_max : most;
		if (setrlimit(RLIMIT_NOFILE, &r))
			r.rlim_cur = before;
	}
	return r.rlim_cur < most ? r.rlim_cur : most;
}

uint64_t sys_syncs(void)
{
	return counts[SYS_FDATASYNC];
}

#define RETRY(expr) \
	__extension__({ \
		__typeof__(expr) rc_; \
		do \
			rc_ = (expr); \
		while (rc_ < 0 && errno == EINTR); \
		rc_; \
	})

void sys_close(int fd)
{
	int no = errno;

	if (fd >= 0)
		close(fd); /* Linux frees the descriptor even on EINTR */
	errno = no;
}

/* ---- opening */

int sys_openat(int dirfd, const char *path, int flags, mode_t mode)
{
	if (fault_due(SYS_OPEN))
		return -1;
	return RETRY(openat(dirfd, path, flags | O_CLOEXEC, mode));
}

static int openat2_raw(int dirfd, const char *path, int flags, mode_t mode, uint64_t resolve)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | resolve,
	};

#ifdef TEST_BUILD
	if (openat2_error) {
		errno = openat2_error;
		return -1;
	}
#endif
	return (int)RETRY(syscall(SYS_openat2, dirfd, path, &how, sizeof(how)));
}

static bool is_link(int dirfd, const char *name)
{
	struct stat st;

	return !fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) && S_ISLNK(st.st_mode);
}

/* Without openat2: one component after another, none of them a link or "..". */
static int open_by_steps(int dirfd, const char *path, int flags, mode_t mode)
{
	char part[256];
	int at = dirfd, next;
	size_t n;

	if (*path == '/') {
		errno = EXDEV;
		return -1;
	}
	for (;;) {
		n = strcspn(path, "/");
		if (n >= sizeof(part)) {
			errno = ENAMETOOLONG;
			break;
		}
		memcpy(part, path, n);
		part[n] = '\0';
		path += n + strspn(path + n, "/");
		if (!strcmp(part, "..")) {
			errno = EXDEV;
			break;
		}
		if (!n) {
			errno = ENOENT;
			break;
		}
		if (!*path) {
			next = RETRY(openat(at, part, flags | O_NOFOLLOW | O_CLOEXEC, mode));
			if (at != dirfd)
				sys_close(at);
			return next;
		}
		next = RETRY(openat(at, part, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
		/* With O_DIRECTORY a link is "not a directory"; openat2 says ELOOP. */
		if (next < 0 && errno == ENOTDIR)
			errno = is_link(at, part) ? ELOOP : ENOTDIR;
		if (at != dirfd)
			sys_close(at);
		if (next < 0)
			return -1;
		at = next;
	}
	if (at != dirfd)
		sys_close(at);
	return -1;
}

int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode)
{
	int fd;

	if (fault_due(SYS_OPEN))
		return -1;
	fd = openat2_raw(dirfd, path, flags, mode, 0);
	if (fd >= 0 || (errno != ENOSYS && errno != EPERM))
		return fd;
	return open_by_steps(dirfd, path, flags, mode);
}

int sys_open_cached(int dirfd, const char *path, int flags)
{
	int fd;

	if (fault_due(SYS_OPEN))
		return -1;
	fd = openat2_raw(dirfd, path, flags, 0, RESOLVE_CACHED);
	if (fd < 0 && (errno == ENOSYS || errno == EPERM || errno == EINVAL))
		errno = EAGAIN;
	return fd;
}

/* ---- bytes */

/* at: -1 for the descriptor's own position. */
static int write_all(int fd, const char *p, size_t n, off_t at)
{
	while (n) {
		ssize_t w;

		if (fault_due(SYS_WRITE))
			return -1;
		w = RETRY(at < 0 ? write(fd, p, n) : pwrite(fd, p, n, at));
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
		if (at >= 0)
			at += w;
	}
	return 0;
}

int sys_write_all(int fd, const void *data, size_t n)
{
	return write_all(fd, data, n, -1);
}

int sys_pwrite_all(int fd, const void *data, size_t n, uint64_t at)
{
	return write_all(fd, data, n, (off_t)at);
}

static ssize_t read_once(int fd, void *data, size_t n)
{
	if (fault_due(SYS_READ))
		return -1;
	return RETRY(read(fd, data, n));
}

ssize_t sys_pread(int fd, void *data, size_t n, uint64_t at)
{
	if (fault_due(SYS_READ))
		return -1;
	return RETRY(pread(fd, data, n, (off_t)at));
}

bool sys_is_cold(int fd, uint64_t at)
{
	char byte;
	struct iovec v = {&byte, 1};

	return preadv2(fd, &v, 1, (off_t)at, RWF_NOWAIT) < 0 && errno == EAGAIN;
}

void sys_drop_cached(int fd, uint64_t at, uint64_t n)
{
	posix_fadvise(fd, (off_t)at, (off_t)n, POSIX_FADV_DONTNEED);
}

static int read_rest(int fd, struct buf *b, const char *path, struct err *err)
{
	char page[16 * 1024];
	ssize_t n;

	while ((n = read_once(fd, page, sizeof(page))) > 0)
		if (buf_add(b, page, (size_t)n))
			return err_set(
				err, ERR_RETRY, "file '%s' is larger than %zu bytes", path, b->max);
	return n < 0 ? err_sys(err, "read '%s'", path) : 0;
}

int sys_read_file(int dirfd, const char *path, struct buf *b, struct err *err)
{
	/* Not blocking: a FIFO where a file is expected must not hang us; for a regular file it
	   means nothing. */
	auto_fd int fd = sys_openat(dirfd, path, O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0)
		return err_sys(err, "open '%s'", path);
	if (sys_fstat(fd, &st))
		return err_sys(err, "stat '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_RETRY, "'%s' is not a regular file", path);
	return read_rest(fd, b, path, err);
}

/* A read lease is refused while there is a writer. Who comes to write while we have it waits until
   we let it go, which is at once; we would be told of him with SIGIO, which ends a process. */
bool sys_has_writer(int dirfd, const char *path)
{
	auto_fd int fd = sys_openat(dirfd, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0 || fcntl(fd, F_SETSIG, SIGURG))
		return false;
	if (fcntl(fd, F_SETLEASE, F_RDLCK))
		return errno == EAGAIN;
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

int sys_write_file(int dirfd, const char *path, const void *data, size_t n, mode_t mode, bool sync,
	struct err *err)
{
	char tmp[LIMIT_PATH];
	auto_fd int fd = -1;

	if ((size_t)snprintf(tmp, sizeof(tmp), "%s.tmp", path) >= sizeof(tmp))
		return err_set(err, ERR_RETRY, "the path '%.100s...' is too long", path);
	sys_unlinkat(dirfd, tmp, 0); /* of a process that was killed */
	fd = sys_openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL, mode);
	if (fd < 0)
		return err_sys(err, "create '%s'", tmp);
	if (sys_write_all(fd, data, n) || (sync && sys_fdatasync(fd)) ||
		sys_renameat(dirfd, tmp, dirfd, path)) {
		err_sys(err, "write '%s'", path);
		sys_unlinkat(dirfd, tmp, 0);
		return -1;
	}
	return 0;
}

/* ---- the rest, one by one */

int sys_temp_file(struct err *err)
{
	const char *dir = getenv("TMPDIR");
	int fd;

	if (!dir || !*dir)
		dir = "/tmp";
	fd = sys_openat(AT_FDCWD, dir, O_TMPFILE | O_RDWR, 0600);
	if (fd < 0) {
		/* A file system without such files. */
		auto_free char *name = mem_printf("%s/oci-XXXXXX", dir);

		fd = mkostemp(name, O_CLOEXEC);
		if (fd >= 0)
			unlink(name);
	}
	if (fd < 0)
		err_sys(err, "cannot make a temporary file in '%.200s'", dir);
	return fd;
}

int sys_memory_file(const void *data, size_t n, struct err *err)
{
	int fd = fault_due(SYS_OPEN) ? -1 : memfd_create("private", MFD_CLOEXEC);

	/* OpenSSH takes no key that others may read. */
	if (fd < 0 || fchmod(fd, 0600) || (n && sys_pwrite_all(fd, data, n, 0))) {
		err_sys(err, "cannot make a file in memory");
		sys_close(fd);
		return -1;
	}
	return fd;
}

int sys_fdatasync(int fd)
{
	return fault_due(SYS_FDATASYNC) ? -1 : RETRY(fdatasync(fd));
}

int sys_renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	return fault_due(SYS_RENAME) ? -1 : renameat(from_dir, from, to_dir, to);
}

int sys_unlinkat(int dirfd, const char *path, int flags)
{
	return fault_due(SYS_UNLINK) ? -1 : unlinkat(dirfd, path, flags);
}

int sys_mkdirat(int dirfd, const char *path, mode_t mode)
{
	return fault_due(SYS_MKDIR) ? -1 : mkdirat(dirfd, path, mode);
}

/* Keeps errno. */
static bool is_missing(const char *path)
{
	int before = errno;
	struct stat st;
	bool missing = stat(path, &st) != 0;

	errno = before;
	return missing;
}

int sys_mkdir_all(const char *path, mode_t mode, struct err *err)
{
	auto_free char *copy = mem_strdup(path);
	char *at = copy;
	bool last;

	do {
		at += strspn(at, "/");
		at += strcspn(at, "/");
		last = !*at;
		*at = '\0';
		if (*copy && sys_mkdirat(AT_FDCWD, copy, mode) && errno != EEXIST &&
			(errno != EROFS || is_missing(copy)))
			return err_sys(err, "make directory '%s'", copy);
		if (!last)
			*at = '/';
	} while (!last);
	return 0;
}

int sys_symlinkat(const char *target, int dirfd, const char *path)
{
	return fault_due(SYS_SYMLINK) ? -1 : symlinkat(target, dirfd, path);
}

int sys_readlinkat(int dirfd, const char *path, char *out, size_t size)
{
	ssize_t n;

	if (fault_due(SYS_READLINK))
		return -1;
	n = readlinkat(dirfd, path, out, size);
	if (n < 0)
		return -1;
	if ((size_t)n >= size) {
		errno = ENAMETOOLONG;
		return -1;
	}
	out[n] = '\0';
	return 0;
}

int sys_fstat(int fd, struct stat *st)
{
	return fault_due(SYS_STAT) ? -1 : fstat(fd, st);
}

int sys_lstatat(int dirfd, const char *path, struct stat *st)
{
	return fault_due(SYS_STAT) ? -1 : fstatat(dirfd, path, st, AT_SYMLINK_NOFOLLOW);
}

int sys_may_write(int dirfd, const char *path)
{
	return fault_due(SYS_STAT) ? -1 : faccessat(dirfd, path, W_OK, AT_EACCESS);
}

int sys_statat(int dirfd, const char *path, struct stat *st)
{
	return fault_due(SYS_STAT) ? -1 : fstatat(dirfd, path, st, 0);
}

DIR *sys_fdopendir(int fd)
{
	DIR *d = fdopendir(fd);

	if (!d)
		sys_close(fd);
	return d;
}

struct dirent *sys_readdir(DIR *d)
{
	struct dirent *e;

	if (fault_due(SYS_READDIR))
		return NULL;
	do {
		errno = 0;
		e = readdir(d);
	} while (e && (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")));
	return e;
}

int sys_dup(int fd)
{
	return RETRY(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

int sys_dup_over(int from, int to)
{
	return RETRY(dup3(from, to, O_CLOEXEC)) < 0 ? -1 : 0;
}

int sys_free_space(int fd, uint64_t *bytes, bool *read_only)
{
	struct statvfs st;

	if (fault_due(SYS_STAT) || fstatvfs(fd, &st))
		return -1;
	*bytes = (uint64_t)st.f_bavail * st.f_frsize;
	*read_only = st.f_flag & ST_RDONLY;
	return 0;
}

int sys_try_lock(int fd)
{
	return fault_due(SYS_LOCK) ? -1 : RETRY(flock(fd, LOCK_EX | LOCK_NB));
}
