/*
 * Every file system call of our own code goes through here: one place that retries EINTR, opens
 * without following links, counts what is dear (syncs), and in test builds fails or kills on
 * request. Any thread. Like the calls they wrap: -1 with errno, unless a contract says
 * `struct err`.
 *
 * Opening beneath a directory: sys_open_beneath resolves a relative path that can leave dirfd
 * neither by `..` nor by a link, and refuses links on every step (openat2 with RESOLVE_BENEATH |
 * RESOLVE_NO_SYMLINKS; where that is missing (ENOSYS) or forbidden by a seccomp filter (EPERM),
 * step by step with O_NOFOLLOW). A link gives ELOOP, a path that would leave gives EXDEV.
 *
 * Faults (builds with TEST_BUILD only): sys_fault(SYS_FDATASYNC, 2, ENOSPC) makes the second
 * fdatasync from now fail, sys_fault_after makes that one and all later ones fail.
 *
 * Points (likewise): SYS_POINT("store.renamed") names a place where sys_kill_at("store.renamed", n)
 * ends the process with SIGKILL at the n-th passage. Each call above is a point before it is made,
 * "sys.rename", and so is each row of each task (ev/task.h), so nobody has to keep a list of them.
 * For a whole program, from its environment:
 *	SYS_KILL_AT=POINT[:N]   as sys_kill_at
 *	SYS_KILL_FILE=FILE      the same from the moment on at which there is such a file with
 *	                        "POINT[:N]"; it is taken away when the point counts
 *	SYS_POINTS=FILE         each point that is passed becomes a line of it
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H
#include "base/buf.h"
#include "base/err.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

enum sys_call {
	SYS_OPEN,
	SYS_READ,
	SYS_WRITE,
	SYS_FDATASYNC,
	SYS_RENAME,
	SYS_UNLINK,
	SYS_MKDIR,
	SYS_SYMLINK,
	SYS_READLINK,
	SYS_STAT,
	SYS_READDIR,
	SYS_LOCK,
	SYS_CALLS, /* how many there are */
};

/* Close-on-exec is always added. */
int sys_openat(int dirfd, const char *path, int flags, mode_t mode) must_check;
int sys_open_beneath(int dirfd, const char *path, int flags, mode_t mode) must_check;
/* The same, but only if every step is in the kernel's cache, so that it cannot wait for a disk:
   EAGAIN otherwise, or where the kernel (before 5.12) cannot say. For the loop's thread. */
int sys_open_cached(int dirfd, const char *path, int flags) must_check;
/* Another descriptor of the same open file. */
int sys_dup(int fd) must_check;
/* Keeps errno. */
void sys_close(int fd);

/* All n bytes, or -1. */
int sys_write_all(int fd, const void *data, size_t n) must_check;
int sys_pwrite_all(int fd, const void *data, size_t n, uint64_t at) must_check;
/* As pread(2), EINTR retried. */
ssize_t sys_pread(int fd, void *data, size_t n, uint64_t at) must_check;
/* Would reading there wait for a disk? False also where the kernel cannot say. */
bool sys_is_cold(int fd, uint64_t at);
/* These bytes need not stay in the kernel's cache for us. */
void sys_drop_cached(int fd, uint64_t at, uint64_t n);
/* The whole of a regular file, appended to b, which has the limit; larger is an error. The message
   names the path. */
int sys_read_file(int dirfd, const char *path, struct buf *b, struct err *err) must_check;
/* Does anybody have this regular file open for writing? False also where the kernel does not say:
   a file of another user's, without CAP_LEASE, and some file systems. */
bool sys_has_writer(int dirfd, const char *path);
/* A new whole file, atomically: a temporary one beside it ("PATH.tmp"), written, fdatasynced (if
   `sync`), renamed. One writer at a time; what one that was killed has left goes with the next. */
int sys_write_file(int dirfd, const char *path, const void *data, size_t n, mode_t mode, bool sync,
	struct err *err) must_check;

/* A file without a name in $TMPDIR or /tmp, to read and write. -1 with *err filled. */
int sys_temp_file(struct err *err) must_check;
/* A file that is in memory only and that nobody else may open, with these bytes: what a program of
   ours has to read and no disk should see. Read from its start. -1 with *err filled. */
int sys_memory_file(const void *data, size_t n, struct err *err) must_check;
int sys_fdatasync(int fd) must_check;
int sys_renameat(int from_dir, const char *from, int to_dir, const char *to) must_check;
/* flags: AT_REMOVEDIR or 0. */
int sys_unlinkat(int dirfd, const char *path, int flags);
int sys_mkdirat(int dirfd, const char *path, mode_t mode) must_check;
/* An absolute or relative path with all its parents; what exists already is fine. */
int sys_mkdir_all(const char *path, mode_t mode, struct err *err) must_check;
int sys_symlinkat(const char *target, int dirfd, const char *path) must_check;
/* The target, terminated; a target that does not fit is ENAMETOOLONG. */
int sys_readlinkat(int dirfd, const char *path, char *out, size_t size) must_check;
int sys_fstat(int fd, struct stat *st) must_check;
/* Of the name itself, a link is not followed. */
int sys_lstatat(int dirfd, const char *path, struct stat *st) must_check;
/* May this process write there? EACCES, EROFS, ... The answer may be old when it arrives: for
   messages, not for safety. */
int sys_may_write(int dirfd, const char *path) must_check;
/* Of what the name leads to, links are followed. */
int sys_statat(int dirfd, const char *path, struct stat *st) must_check;
/* fd is taken over, also on failure. closedir() it. */
DIR *sys_fdopendir(int fd) must_check;
/* The next entry but "." and ".."; NULL with errno 0 at the end, else with errno. */
struct dirent *sys_readdir(DIR *d) must_check;
/* Makes `to` another name for what `from` is, at once for all threads. Both stay open. */
int sys_dup_over(int from, int to) must_check;
/* Of the file system that fd is on: bytes that are free for us, and whether it takes none. */
int sys_free_space(int fd, uint64_t *bytes, bool *read_only) must_check;
/* An exclusive advisory lock (flock) that the kernel drops with the process; EWOULDBLOCK when
   somebody else has it. */
int sys_try_lock(int fd) must_check;

/* Raises the soft limit of descriptors to the hard one, `most` at the most, and returns how many of
   them this process may have; never more than `most`, and a limit that is higher already stays.
   Before threads are started. */
uint64_t sys_raise_descriptors(uint64_t most);

/* Calls of fdatasync since the process started, of all threads, failed ones included. */
uint64_t sys_syncs(void);

#define SYS_POINT_MAX 64 /* a point's name, with its end */
#ifdef TEST_BUILD
void sys_fault(enum sys_call call, unsigned nth, int error);
void sys_fault_after(enum sys_call call, unsigned nth, int error);
#define SYS_DIE 0 /* as the error: the process ends with SIGKILL instead, before the call is made */
#define SYS_HANG (-1) /* as the error: the call waits for sys_fault_clear, then is made */
/* Faults that came true since the process started. */
unsigned sys_faults(void);
/* sys_open_beneath as on a kernel without openat2: its call fails with this errno from now on (0:
   as the kernel says). */
void sys_fault_openat2(int error);
/* nth 0: at none. */
void sys_kill_at(const char *point, unsigned nth);
/* Called at every passage of a point instead of a kill: lets a test look at the tree in between. */
void sys_on_point(void (*fn)(const char *point, void *arg), void *arg);
/* No faults, no points, from now on. */
void sys_fault_clear(void);
void sys_point(const char *name);
#define SYS_POINT(name) sys_point(name)
#else
#define SYS_POINT(name) ((void)0)
#endif

#endif
