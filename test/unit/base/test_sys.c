#include "base/sys.h"

#include "base/mem.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_sys(void);

static char dir[64];
static int dirfd_;

static void up(void)
{
	char cmd[512];

	snprintf(dir, sizeof(dir), "/tmp/test-sys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(cmd, sizeof(cmd),
		"cd %s && mkdir -p a/b && echo inside > a/b/f && ln -s f a/b/link && ln -s b "
		"a/dirlink "
		"&& ln -s /etc a/out && ln -s ../.. a/up && mkfifo a/fifo",
		dir);
	ck_assert_int_eq(system(cmd), 0);
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
}

static void down(void)
{
	char cmd[128];

	close(dirfd_);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

/* ---- opening beneath */

static const struct beneath_row {
	const char *path;
	int want; /* errno, 0: opens */
} BENEATH[] = {
	{"a/b/f", 0},
	{"a//b/f", 0},
	{"a/b", 0},
	{"a/b/link", ELOOP},
	{"a/dirlink/f", ELOOP},
	{"a/out/passwd", ELOOP},
	{"a/up/etc", ELOOP},
	{"a/b/none", ENOENT},
	{"a/none/f", ENOENT},
	{"a/b/f/x", ENOTDIR},
	{"/etc/passwd", EXDEV},
	{"../x", EXDEV},
	{"", ENOENT},
};

/* 0: as the kernel has it; else what openat2 pretends to fail with. */
static void beneath(const struct beneath_row *row, int pretend)
{
	int fd, got;

	up();
#ifdef TEST_BUILD
	sys_fault_openat2(pretend);
#endif
	fd = sys_open_beneath(dirfd_, row->path, O_RDONLY | O_NONBLOCK, 0);
	got = fd < 0 ? errno : 0;
	ck_assert_msg(got == row->want, "'%s' (%d): %s", row->path, pretend, strerror(got));
	if (fd >= 0)
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	sys_close(fd);
#ifdef TEST_BUILD
	sys_fault_clear();
#endif
	down();
}

START_TEST(test_beneath)
{
	beneath(&BENEATH[_i], 0);
}
END_TEST

#ifdef TEST_BUILD
START_TEST(test_beneath_by_steps)
{
	beneath(&BENEATH[_i], _i & 1 ? ENOSYS : EPERM);
}
END_TEST

START_TEST(test_create_by_steps)
{
	int fd;

	up();
	sys_fault_openat2(ENOSYS);
	fd = sys_open_beneath(dirfd_, "a/b/new", O_RDWR | O_CREAT | O_EXCL, 0640);
	ck_assert_int_ge(fd, 0);
	sys_close(fd);
	ck_assert_int_eq(sys_open_beneath(dirfd_, "a/b/link", O_RDWR | O_CREAT, 0640), -1);
	/* "..": also in the middle, and where it would stay inside */
	ck_assert_int_eq(sys_open_beneath(dirfd_, "a/../a/b/f", O_RDONLY, 0), -1);
	ck_assert_int_eq(errno, EXDEV);
	/* what cannot be said without openat2 */
	ck_assert_int_eq(sys_open_cached(dirfd_, "a/b/f", O_RDONLY), -1);
	ck_assert_int_eq(errno, EAGAIN);
	sys_fault_clear();
	fd = sys_open_cached(dirfd_, "a/b/new", O_RDONLY);
	ck_assert_int_ge(fd, 0);
	sys_close(fd);
	down();
}
END_TEST
#endif

/* ---- files */

START_TEST(test_read_write)
{
	auto_buf struct buf b = BUF_INIT(10);
	auto_buf struct buf big = BUF_INIT(200000);
	auto_free char *data = mem_zalloc(100000);
	struct err err = {0};

	up();
	ck_assert_int_eq(sys_write_file(dirfd_, "w", "0123456789", 10, 0600, true, &err), 0);
	ck_assert_int_eq(sys_read_file(dirfd_, "w", &b, &err), 0);
	ck_assert_str_eq(buf_str(&b), "0123456789");
	ck_assert_int_eq(sys_write_file(dirfd_, "w", "0123456789a", 11, 0600, false, &err), 0);
	buf_reset(&b);
	ck_assert_int_eq(sys_read_file(dirfd_, "w", &b, &err), -1);
	ck_assert_str_eq(err.msg, "file 'w' is larger than 10 bytes");
	ck_assert_int_eq(sys_write_file(dirfd_, "w", data, 100000, 0600, false, &err), 0);
	ck_assert_int_eq(sys_read_file(dirfd_, "w", &big, &err), 0);
	ck_assert_uint_eq(big.len, 100000);
	ck_assert_int_eq(sys_read_file(dirfd_, "none", &b, &err), -1);
	ck_assert_int_eq(err.code, -ENOENT);
	ck_assert_str_eq(err.msg, "open 'none': No such file or directory");
	ck_assert_int_eq(sys_read_file(dirfd_, "a", &b, &err), -1);
	ck_assert_int_eq(sys_read_file(dirfd_, "a/fifo", &b, &err), -1); /* and does not hang */
	ck_assert_str_eq(err.msg, "'a/fifo' is not a regular file");
	down();
}
END_TEST

START_TEST(test_mkdir_all)
{
	struct err err = {0};
	char path[128];
	struct stat st;

	up();
	snprintf(path, sizeof(path), "%s/x/y//z/", dir);
	ck_assert_int_eq(sys_mkdir_all(path, 0700, &err), 0);
	ck_assert_int_eq(sys_mkdir_all(path, 0700, &err), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0700);
	snprintf(path, sizeof(path), "%s/a/b/f/z", dir);
	ck_assert_int_eq(sys_mkdir_all(path, 0700, &err), -1);
	ck_assert_int_eq(sys_mkdir_all("", 0700, &err), 0);
	ck_assert_int_eq(sys_mkdir_all("/", 0700, &err), 0);
	down();
}
END_TEST

START_TEST(test_links_and_lists)
{
	char target[8];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	up();
	ck_assert_int_eq(sys_readlinkat(dirfd_, "a/dirlink", target, sizeof(target)), 0);
	ck_assert_str_eq(target, "b");
	ck_assert_int_eq(sys_symlinkat("12345678", dirfd_, "long"), 0);
	ck_assert_int_eq(sys_readlinkat(dirfd_, "long", target, sizeof(target)), -1);
	ck_assert_int_eq(errno, ENAMETOOLONG);
	d = sys_fdopendir(sys_openat(dirfd_, "a/b", O_RDONLY | O_DIRECTORY, 0));
	ck_assert_ptr_nonnull(d);
	while ((e = sys_readdir(d)))
		n += e->d_name[0] != '.';
	ck_assert_int_eq(errno, 0);
	ck_assert_uint_eq(n, 2);
	closedir(d);
	down();
}
END_TEST

START_TEST(test_lock)
{
	int other;

	up();
	other = open(dir, O_RDONLY | O_DIRECTORY);
	ck_assert_int_eq(sys_try_lock(dirfd_), 0);
	ck_assert_int_eq(sys_try_lock(other), -1);
	ck_assert_int_eq(errno, EWOULDBLOCK);
	close(dirfd_);
	ck_assert_int_eq(sys_try_lock(other), 0);
	dirfd_ = other;
	down();
}
END_TEST

#ifdef TEST_BUILD

/* ---- faults */

START_TEST(test_faults)
{
	struct err err = {0};
	uint64_t before;
	int fd;

	up();
	fd = sys_openat(dirfd_, "f", O_RDWR | O_CREAT, 0600);
	before = sys_syncs();
	sys_fault(SYS_FDATASYNC, 2, ENOSPC);
	ck_assert_int_eq(sys_fdatasync(fd), 0);
	ck_assert_int_eq(sys_fdatasync(fd), -1);
	ck_assert_int_eq(errno, ENOSPC);
	ck_assert_int_eq(sys_fdatasync(fd), 0);
	ck_assert_uint_eq(sys_syncs() - before, 3);
	sys_fault_after(SYS_WRITE, 2, EIO);
	ck_assert_int_eq(sys_write_all(fd, "x", 1), 0);
	ck_assert_int_eq(sys_write_all(fd, "x", 1), -1);
	ck_assert_int_eq(sys_write_all(fd, "x", 1), -1);
	sys_fault_clear();
	ck_assert_int_eq(sys_write_all(fd, "x", 1), 0);
	sys_close(fd);
	/* nothing is left of a process that died over a file */
	sys_close(sys_openat(dirfd_, "w.tmp", O_WRONLY | O_CREAT, 0600));
	ck_assert_int_eq(sys_write_file(dirfd_, "w", "abc", 3, 0600, true, &err), 0);
	ck_assert_int_eq(sys_unlinkat(dirfd_, "w.tmp", 0), -1);
	ck_assert_int_eq(sys_unlinkat(dirfd_, "w", 0), 0);
	/* nor of a file that could not be written whole */
	sys_fault(SYS_RENAME, 1, EIO);
	ck_assert_int_eq(sys_write_file(dirfd_, "w", "abc", 3, 0600, true, &err), -1);
	ck_assert_str_eq(err.msg, "write 'w': Input/output error");
	{
		char cmd[128];

		snprintf(cmd, sizeof(cmd), "ls %s | grep -q w", dir);
		ck_assert_int_ne(system(cmd), 0);
	}
	down();
}
END_TEST

START_TEST(test_kill)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		sys_kill_at("here", 2);
		SYS_POINT("there");
		SYS_POINT("here");
		SYS_POINT("here");
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST
#endif

static rlim_t soft(void)
{
	struct rlimit r;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &r), 0);
	return r.rlim_cur;
}

START_TEST(test_raise_descriptors)
{
	struct rlimit r = {.rlim_cur = 200, .rlim_max = 500};

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &r), 0);
	ck_assert_uint_eq(sys_raise_descriptors(100), 100); /* enough already */
	ck_assert_uint_eq(soft(), 200);
	ck_assert_uint_eq(sys_raise_descriptors(300), 300);
	ck_assert_uint_eq(soft(), 300);
	ck_assert_uint_eq(sys_raise_descriptors(65536), 500);
	ck_assert_uint_eq(soft(), 500);
	ck_assert_uint_eq(sys_raise_descriptors(65536), 500);
}
END_TEST

Suite *suite_sys(void)
{
	Suite *s = suite_create("sys");
	TCase *t = tcase_create("sys");

	tcase_add_loop_test(t, test_beneath, 0, (int)ARRAY_LEN(BENEATH));
	tcase_add_test(t, test_read_write);
	tcase_add_test(t, test_mkdir_all);
	tcase_add_test(t, test_links_and_lists);
	tcase_add_test(t, test_lock);
	tcase_add_test(t, test_raise_descriptors);
#ifdef TEST_BUILD
	tcase_add_loop_test(t, test_beneath_by_steps, 0, (int)ARRAY_LEN(BENEATH));
	tcase_add_test(t, test_create_by_steps);
	tcase_add_test(t, test_faults);
	tcase_add_test(t, test_kill);
#endif
	suite_add_tcase(s, t);
	return s;
}
