#include "pack/pack.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "build.h"
#include "pack/index.h"
#include "pack/path.h"
#include "pack/sort.h"

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define DATA "test/unit/pack/data/"

static struct buf tar, gz, out, list;

static void setup(void)
{
	tar = gz = out = list = BUF_INIT(BUF_ANY);
}

static void teardown(void)
{
	buf_clear(&tar);
	buf_clear(&gz);
	buf_clear(&out);
	buf_clear(&list);
}

static int temp_fd(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void load(struct buf *b, const char *name)
{
	auto_fd int fd = open(name, O_RDONLY);
	char chunk[4096];
	ssize_t n;

	ck_assert_msg(fd >= 0, "cannot open %s", name);
	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		buf_add(b, chunk, (size_t)n);
}

/* Runs it on gz (or what mem says); a repack's compressed bytes go to out. Fails the test on an
   error. */
static void run(struct pack_in *in, struct pack_result *res)
{
	auto_fd int fd = temp_fd();
	struct err err = {0};

	if (!in->mem && !in->size) {
		in->mem = gz.p;
		in->size = gz.len;
	}
	if (!in->spool_dirfd)
		in->spool_dirfd = -1;
	in->out_fd = fd;
	ck_assert_msg(!pack_run(in, res, &err), "%s", err.msg);
	buf_reset(&out);
	if (res->how == PACK_REPACKED) {
		ck_assert_ptr_nonnull(buf_room(&out, res->size));
		ck_assert_int_eq(pread(fd, out.p, res->size, 0), (ssize_t)res->size);
		ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)res->size);
		out.len = res->size;
	}
}

static const char *listed(int with_text)
{
	auto_buf struct buf plain = BUF_INIT(BUF_ANY);

	tb_gunzip(&plain, out.p, out.len);
	buf_reset(&list);
	tb_list(&list, plain.p, plain.len, with_text);
	return buf_str(&list);
}

/* What the flux CLI pushes is the artifact as it is. */
START_TEST(test_flux_push)
{
	static const char *const files[] = {DATA "flux-push.tgz", DATA "flux-push-pax.tgz"};
	struct pack_in in = {0};
	struct pack_result res;

	load(&gz, files[_i]);
	run(&in, &res);
	ck_assert_msg(res.how == PACK_PASS, "%s: %s", files[_i], res.why);
	ck_assert_uint_eq(res.size, gz.len);
	ck_assert_int_eq(res.digest.algo, DIGEST_NONE);
	ck_assert_uint_eq(res.entries, _i ? 15 : 12);
}
END_TEST

static int none(void *ctx, const char *path, bool is_dir, struct err *err)
{
	(void)ctx;
	(void)is_dir;
	(void)err;
	ck_assert_str_ne(path, ""); /* nobody asks for the root */
	ck_assert_str_ne(path, ".");
	return false;
}

static int named(void *ctx, const char *path, bool is_dir, struct err *err)
{
	(void)is_dir;
	(void)err;
	return !strcmp(path, ctx);
}

/*
 * The tar of a repack is, byte for byte, what Flux's own store makes of the same files
 * (flux-store.tgz was written by Go's archive/tar with the store's rules).
 */
START_TEST(test_flux_store)
{
	auto_buf struct buf theirs = BUF_INIT(BUF_ANY), ours = BUF_INIT(BUF_ANY),
			    store = BUF_INIT(BUF_ANY);
	struct pack_in in = {0};
	struct pack_result res;

	load(&gz, DATA "flux-push.tgz");
	tb_gunzip(&tar, gz.p, gz.len);
	in.mem = tar.p; /* plain tar is always repacked */
	in.size = tar.len;
	run(&in, &res);
	ck_assert_int_eq(res.how, PACK_REPACKED);
	load(&store, DATA "flux-store.tgz");
	tb_gunzip(&theirs, store.p, store.len);
	tb_gunzip(&ours, out.p, out.len);
	ck_assert_uint_eq(ours.len, theirs.len);
	ck_assert_int_eq(memcmp(ours.p, theirs.p, ours.len), 0);
	ck_assert_uint_eq(res.entries, 12);
}
END_TEST

/* Golden digests of repack format 2: if a row fails, the format has changed, and every repacked
   artifact of every user with it. */
static const struct {
	const char *what;
	const char *digest;
} golden[] = {
	{"flux-push.tgz",
		"sha256:472cbb635d4d9ae94ad2a9d7324c0bf0b74d24f79a7ad902f6890449c122b9f1"},
	{"flux-push-pax.tgz",
		"sha256:e30af4d77b71bc4ac14ba4a84eda2f2130be60ce90ed9231792850f364a1002a"},
	{"2 MiB of text and noise",
		"sha256:d9ba5b885206c6cc28a1f7548bea83dd279662ffd4520a7e934cedd1facbc78c"},
	{"noise and repeated noise in turns",
		"sha256:d67cde89178d33c885d699860324579cbd272c2e3c3a5b3778da1fd2f04059d2"},
};

static void golden_input(int row)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	uint32_t v = 7;
	char name[32];
	int i;

	if (row < 2) {
		auto_free char *path = mem_printf(DATA "%s", golden[row].what);

		load(&gz, path);
		tb_gunzip(&tar, gz.p, gz.len);
		return;
	}
	for (i = 0; row == 3 && i < 9; i++) {
		buf_reset(&body);
		while (body.len < 70000 * (size_t)(i % 3 + 1)) {
			v = v * 1664525 + 1013904223;
			/* A few bytes before each piece come again in it: no match may reach over a
			   stored piece. */
			if (i % 2 && body.len % 20000 < 1000 && body.len > 20000)
				buf_addc(&body, body.p[body.len - 20000]);
			else
				buf_addc(&body, i % 3 == 1 ? (char)(v >> 29) : (char)(v >> 24));
		}
		snprintf(name, sizeof(name), "f%02d", i);
		tb_add(&tar, &(struct tb_head){.name = name, .size = body.len}, body.p, body.len);
	}
	for (i = 0; row == 2 && i < 40; i++) {
		buf_reset(&body);
		while (body.len < (size_t)i * 2600) {
			v = v * 1664525 + 1013904223;
			if (i % 2)
				buf_addf(&body, "key%u: value%u\n", v >> 28, v >> 24);
			else
				buf_addc(&body, (char)(v >> 24));
		}
		snprintf(name, sizeof(name), "d%d/f%02d", i % 7, i);
		tb_add(&tar, &(struct tb_head){.name = name, .size = body.len}, body.p, body.len);
	}
	tb_zero(&tar, 2);
}

START_TEST(test_golden)
{
	auto_fd int dir = open("/tmp", O_RDONLY | O_DIRECTORY);
	struct pack_in in = {.spool_dirfd = dir};
	struct pack_result res;
	struct digest d;
	char text[DIGEST_TEXT_MAX];

	golden_input(_i);
	in.mem = tar.p;
	in.size = tar.len;
	run(&in, &res);
	digest_mem(&d, DIGEST_SHA256, out.p, out.len);
	ck_assert(digest_equal(&d, &res.digest));
	ck_assert_msg(!strcmp(digest_format(&d, text), golden[_i].digest), "%s: %s, not %s",
		golden[_i].what, text, golden[_i].digest);
	/* RFC 1952: no flags, no time, XFL 0, OS 255. */
	ck_assert_int_eq(memcmp(out.p, "\x1f\x8b\x08\0\0\0\0\0\0\xff", 10), 0);
}
END_TEST

/* 60 files in a row, or shuffled. */
static void many(bool shuffled)
{
	char name[32], text[64];
	int i;

	for (i = 0; i < 60; i++) {
		int k = shuffled ? i * 37 % 60 : i;

		snprintf(name, sizeof(name), "dir%d/f%02d", k / 10, k);
		snprintf(text, sizeof(text), "text of %d\n", k);
		tb_file(&tar, name, text);
	}
	tb_zero(&tar, 2);
}

/* The order, the container and the way (straight, memory, disk) leave no trace. */
START_TEST(test_same_bytes)
{
	auto_buf struct buf zst = BUF_INIT(BUF_ANY);
	struct pack_result res;
	struct digest first;

	many(false);
	run(&(struct pack_in){.mem = tar.p, .size = tar.len}, &res);
	first = res.digest;
	ck_assert(!res.spooled);
	ck_assert_uint_eq(res.entries, 1 + 6 + 60);

	tb_zstd(&zst, tar.p, tar.len);
	run(&(struct pack_in){.mem = zst.p, .size = zst.len}, &res);
	ck_assert(digest_equal(&first, &res.digest));

	buf_reset(&tar);
	many(true);
	run(&(struct pack_in){.mem = tar.p, .size = tar.len}, &res);
	ck_assert(digest_equal(&first, &res.digest));

	/* What was repacked passes, and repacked once more it is the same. */
	buf_add(&gz, out.p, out.len);
	run(&(struct pack_in){0}, &res);
	ck_assert_msg(res.how == PACK_PASS, "%s", res.why);
	buf_reset(&tar);
	tb_gunzip(&tar, gz.p, gz.len);
	run(&(struct pack_in){.mem = tar.p, .size = tar.len}, &res);
	ck_assert(digest_equal(&first, &res.digest));
}
END_TEST

static int entries_in(const char *dir)
{
	DIR *d = opendir(dir);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

/* Over a MiB out of order: through a file, which has no name even then. */
START_TEST(test_spool_file)
{
	char dir[] = "/tmp/spool-XXXXXX";
	auto_fd int dirfd = -1;
	auto_free char *text = mem_alloc(300001);
	auto_buf struct buf a = BUF_INIT(BUF_ANY), b = BUF_INIT(BUF_ANY);
	struct pack_in in = {0};
	struct pack_result res;
	struct digest first;
	struct err err = {0};
	char name[16];
	int i;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	for (i = 0; i < 6; i++) {
		memset(text, 'a' + i, 300000);
		text[300000] = '\0';
		snprintf(name, sizeof(name), "f%d", i);
		tb_file(&a, name, text);
	}
	tb_file(&a, "g", "small");
	tb_zero(&a, 2);
	tb_file(&b, "g", "small");
	buf_add(&b, a.p, a.len - 2048);
	tb_zero(&b, 2);

	run(&(struct pack_in){.mem = a.p, .size = a.len}, &res);
	ck_assert(!res.spooled);
	first = res.digest;
	in = (struct pack_in){.mem = b.p, .size = b.len, .spool_dirfd = dirfd};
	run(&in, &res);
	ck_assert(res.spooled);
	ck_assert(digest_equal(&first, &res.digest));
	ck_assert_int_eq(entries_in(dir), 0);

	in.spool_dirfd = -1;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "no directory"));
	rmdir(dir);
}
END_TEST

#ifdef TEST_BUILD
/* Every way in which the disk can refuse the spool; and a file system without nameless files, where
   it gets a name for a moment. */
static const struct {
	enum sys_call call;
	unsigned nth;
	int error;
	const char *says; /* NULL: it works all the same */
} faults[] = {
	{SYS_OPEN, 1, EOPNOTSUPP, NULL},
	{SYS_OPEN, 1, EACCES, "cannot create a spool file: Permission denied"},
	{SYS_WRITE, 1, ENOSPC, "cannot write the spool file: No space left on device"},
	{SYS_WRITE, 5, EIO, "cannot write the spool file: Input/output error"},
};

START_TEST(test_spool_faults)
{
	char dir[] = "/tmp/spool-XXXXXX";
	auto_fd int dirfd = -1;
	auto_free char *text = mem_alloc(300001);
	struct pack_in in = {.out_fd = -1};
	struct pack_result res;
	struct err err = {0};
	char name[16];
	int i, rc;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY);
	memset(text, 't', 300000);
	text[300000] = '\0';
	for (i = 6; i; i--) {
		snprintf(name, sizeof(name), "f%d", i);
		tb_file(&tar, name, text);
	}
	tb_zero(&tar, 2);
	in.mem = tar.p;
	in.size = tar.len;
	in.spool_dirfd = dirfd;
	sys_fault(faults[_i].call, faults[_i].nth, faults[_i].error);
	rc = pack_run(&in, &res, &err);
	sys_fault_clear();
	if (faults[_i].says) {
		ck_assert_int_eq(rc, -1);
		ck_assert_str_eq(err.msg, faults[_i].says);
		ck_assert_int_eq(err.code, -faults[_i].error);
	} else {
		ck_assert_msg(!rc, "%s", err.msg);
		ck_assert(res.spooled);
	}
	ck_assert_int_eq(entries_in(dir), 0);
	rmdir(dir);
}
END_TEST
#endif

/* What the rules exclude; a file in an excluded directory can stay. */
START_TEST(test_excluded)
{
	struct pack_in in = {.excluded = none};
	struct pack_result res;

	tb_dir(&tar, ".");
	tb_dir(&tar, "a");
	tb_file(&tar, "a/x", "x");
	tb_file(&tar, "a/y", "y");
	tb_file(&tar, "b/z", "z");
	tb_zero(&tar, 2);
	tb_gzip(&gz, tar.p, tar.len);
	run(&in, &res);
	ck_assert_int_eq(res.how, PACK_PASS);

	in.excluded = named;
	in.ctx = (void *)"a/y";
	run(&in, &res);
	ck_assert_int_eq(res.how, PACK_REPACKED);
	ck_assert_str_eq(res.why, "the ignore rules exclude 'a/y'");
	ck_assert_uint_eq(res.excluded, 1);
	ck_assert_str_eq(listed(0), ". d 750 0\na d 750 0\na/x f 600 1\nb d 750 0\nb/z f 600 1\n");

	in.ctx = (void *)"a";
	run(&in, &res);
	ck_assert_str_eq(
		listed(0), ". d 750 0\na/x f 600 1\na/y f 600 1\nb d 750 0\nb/z f 600 1\n");

	/* "b" has no entry: the layer does without it, and passes. */
	in.ctx = (void *)"b";
	run(&in, &res);
	ck_assert_msg(res.how == PACK_PASS, "%s", res.why);
}
END_TEST

static int note_rules(void *ctx, const char *dir, const char *text, size_t len, struct err *err)
{
	(void)err;
	return buf_addf(ctx, "[%s]%.*s;", dir, (int)len, text);
}

static int rules_done(void *ctx, struct err *err)
{
	if (buf_over(ctx))
		return err_set(err, ERR_STALL, "no more rules");
	return buf_adds(ctx, "done");
}

START_TEST(test_rules)
{
	auto_buf struct buf seen = BUF_INIT(4096);
	struct pack_in in = {.ignore_file = note_rules, .rules_done = rules_done, .ctx = &seen};
	struct pack_result res;
	struct err err = {0};

	tb_file(&tar, "b/.sourceignore", "B");
	tb_file(&tar, "+/.sourceignore", "plus");
	tb_file(&tar, ".sourceignore", "old root");
	tb_file(&tar, "b/c/.sourceignore", "");
	tb_file(&tar, ".git/.sourceignore", "never");
	tb_file(&tar, "b/.git/x/.sourceignore", "never");
	tb_file(&tar, ".gitx/.sourceignore", "gitx");
	tb_file(&tar, "x.sourceignore", "never");
	tb_dir(&tar, "d/.sourceignore");
	tb_type(&tar, "e/.sourceignore", '2');
	tb_file(&tar, ".sourceignore", "root");
	tb_file(&tar, "b-/.sourceignore", "minus");
	tb_zero(&tar, 2);
	run(
		&(struct pack_in){
			.ignore_file = note_rules, .ctx = &seen, .mem = tar.p, .size = tar.len},
		&res);
	ck_assert_str_eq(buf_str(&seen), "[]root;[+]plus;[.gitx]gitx;[b]B;[b/c];[b-]minus;");

	/* An archive that has only a .sourceignore passes with it. */
	buf_reset(&tar);
	buf_reset(&seen);
	tb_file(&tar, ".sourceignore", "*.md\n");
	tb_zero(&tar, 2);
	tb_gzip(&gz, tar.p, tar.len);
	run(&in, &res);
	ck_assert_int_eq(res.how, PACK_PASS);
	ck_assert_str_eq(buf_str(&seen), "[]*.md\n;done");

	seen.over = true;
	in.ignore_file = NULL;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "no more rules");
}
END_TEST

static int refuse_rules(void *ctx, const char *dir, const char *text, size_t len, struct err *err)
{
	(void)ctx;
	(void)text;
	(void)len;
	return err_set(err, ERR_STALL, "rules of '%s'", dir);
}

START_TEST(test_rules_limits)
{
	auto_free char *text = mem_alloc(LIMIT_IGNORE_FILE + 2);
	struct pack_in in = {.ignore_file = refuse_rules, .out_fd = -1, .spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};
	char name[32];
	int i;

	tb_file(&tar, "a/.sourceignore", "x");
	tb_zero(&tar, 2);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "rules of 'a'");
	ck_assert_int_eq(err.kind, ERR_STALL);

	memset(text, '\n', LIMIT_IGNORE_FILE + 1);
	text[LIMIT_IGNORE_FILE + 1] = '\0';
	buf_reset(&tar);
	tb_file(&tar, "a/.sourceignore", text);
	tb_zero(&tar, 2);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "entry 'a/.sourceignore' is too long for ignore rules");

	buf_reset(&tar);
	text[LIMIT_IGNORE_FILE] = '\0';
	for (i = 0; i < 9; i++) {
		snprintf(name, sizeof(name), "%d/.sourceignore", i);
		tb_file(&tar, name, text);
	}
	tb_zero(&tar, 2);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "entry '8/.sourceignore' is too long for ignore rules");
}
END_TEST

struct opener {
	int calls, fd;
};

static int open_out(void *ctx, struct err *err)
{
	struct opener *o = ctx;

	o->calls++;
	if (o->fd < 0)
		return err_set(err, ERR_RETRY, "no output today");
	return o->fd;
}

/* The output is opened only when it is needed. */
START_TEST(test_open_out)
{
	auto_fd int fd = temp_fd();
	struct opener o = {.fd = fd};
	struct pack_in in = {.open_out = open_out, .ctx = &o, .out_fd = -1, .spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};

	many(false);
	tb_gzip(&gz, tar.p, tar.len);
	in.mem = gz.p;
	in.size = gz.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), 0);
	ck_assert_int_eq(o.calls, 0);
	in.mem = tar.p;
	in.size = tar.len;
	in.algo = DIGEST_SHA512;
	ck_assert_int_eq(pack_run(&in, &res, &err), 0);
	ck_assert_int_eq(o.calls, 1);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), (off_t)res.size);
	ck_assert_int_eq(res.digest.algo, DIGEST_SHA512);
	o.fd = -1;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "no output today");
}
END_TEST

static int stop_now(void *ctx, const char *path, bool is_dir, struct err *err)
{
	(void)path;
	(void)is_dir;
	(void)err;
	atomic_store((atomic_bool *)ctx, true);
	return false;
}

/* Stopped before, and between the two passes. */
START_TEST(test_stop)
{
	atomic_bool stop = true;
	struct pack_in in = {.stop = &stop, .out_fd = -1, .spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};

	many(false);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	atomic_store(&stop, false);
	in.excluded = stop_now;
	in.ctx = &stop;
	err_clear(&err);
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
}
END_TEST

/* The worst of inputs: long names that differ at their ends, in no order, each with rules of its
   own directory. */
static void long_names(unsigned n)
{
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	auto_free char *dir = mem_alloc(4000);
	unsigned i, at;

	memset(dir, 'a', 4000);
	for (i = 0; i < 4000; i += 200)
		dir[i] = '/';
	for (i = 0; i < n; i++) {
		at = i * 7919 % n;
		buf_reset(&r);
		buf_addf(&r, "%.*s/%u%s", 3990, dir + 1, at, i % 2 ? "/.sourceignore" : "");
		{
			auto_buf struct buf rec = BUF_INIT(BUF_ANY);

			tb_record(&rec, "path", buf_str(&r));
			tb_pax(&tar, 'x', rec.p, rec.len);
		}
		tb_file(&tar, "x", "y\n");
	}
	tb_zero(&tar, 2);
}

static int no_rules(void *ctx, const char *dir, const char *text, size_t len, struct err *err)
{
	(void)ctx;
	(void)dir;
	(void)text;
	(void)len;
	(void)err;
	return 0;
}

struct stopper {
	atomic_bool stop;
	unsigned after_ms;
	atomic_ullong at;
};

/* Of the process: the machine may do something else meanwhile. */
static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *stop_later(void *arg)
{
	struct stopper *s = arg;

	usleep(s->after_ms * 1000);
	s->at = cpu_ns();
	s->stop = true;
	return NULL;
}

/* Wherever it is, it ends soon after somebody said so. */
START_TEST(test_stop_soon)
{
	struct stopper s = {.after_ms = (unsigned)_i * 60};
	struct pack_in in = {.stop = &s.stop,
		.ignore_file = no_rules,
		.excluded = none,
		.out_fd = -1,
		.spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};
	pthread_t thread;
	int rc;

	long_names(7000);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pthread_create(&thread, NULL, stop_later, &s), 0);
	rc = pack_run(&in, &res, &err);
	if (s.at) /* else it had ended before */
		ck_assert_uint_lt(cpu_ns() - s.at, 300000000);
	ck_assert_int_eq(rc, -1); /* there is nothing to write to */
	pthread_join(thread, NULL);
}
END_TEST

static int by_tens(const void *a, const void *b, const void *ctx)
{
	ck_assert_ptr_eq(ctx, &tar);
	return *(const int *)a / 10 - *(const int *)b / 10;
}

START_TEST(test_sort)
{
	static const atomic_bool stop = true;
	struct err err = {0};
	int n[300], i, k;

	for (k = 0; k < 300; k++) {
		for (i = 0; i < k; i++)
			n[i] = i * 7 % k;
		ck_assert_int_eq(pack_sort(n, (size_t)k, sizeof(*n), by_tens, &tar, NULL, &err), 0);
		for (i = 1; i < k; i++)
			ck_assert_int_le(n[i - 1] / 10, n[i] / 10);
	}
	/* Equal ones stay as they were. */
	for (i = 0; i < 300; i++)
		n[i] = i % 10;
	ck_assert_int_eq(pack_sort(n, 300, sizeof(*n), by_tens, &tar, NULL, &err), 0);
	for (i = 0; i < 300; i++)
		ck_assert_int_eq(n[i], i % 10);
	ck_assert_int_eq(pack_sort(n, 300, sizeof(*n), by_tens, &tar, &stop, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
}
END_TEST

/* From a file, with names outside ASCII while the process is in the C locale. */
START_TEST(test_fd_and_locale)
{
	auto_fd int fd = temp_fd();
	auto_buf struct buf r = BUF_INIT(BUF_ANY);
	struct pack_in in = {.fd = fd};
	struct pack_result res;

	setlocale(LC_ALL, "C");
	tb_record(&r, "path", "\xe6\x97\xa5.yaml");
	tb_pax(&tar, 'x', r.p, r.len);
	tb_file(&tar, "x", "text");
	tb_zero(&tar, 2);
	ck_assert_int_eq(write(fd, tar.p, tar.len), (ssize_t)tar.len);
	in.size = tar.len;
	run(&in, &res);
	ck_assert_int_eq(res.how, PACK_REPACKED);
	setlocale(LC_ALL, "C.UTF-8");
	ck_assert_str_eq(listed(1), ". d 750 0\n\xe6\x97\xa5.yaml f 600 4 text\n");
}
END_TEST

/* A file that changes between the passes is noticed. */
static int change_file(void *ctx, const char *path, bool is_dir, struct err *err)
{
	int fd = *(int *)ctx;

	(void)path;
	(void)is_dir;
	(void)err;
	ck_assert_int_eq(pwrite(fd, tar.p + tar.len / 2, tar.len / 2, 0), (ssize_t)(tar.len / 2));
	return false;
}

START_TEST(test_changed)
{
	auto_fd int fd = temp_fd();
	int copy = fd;
	struct pack_in in = {
		.fd = fd, .excluded = change_file, .ctx = &copy, .out_fd = -1, .spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};

	tb_file(&tar, "a", "A");
	tb_zero(&tar, 2);
	in.size = tar.len;
	tb_file(&tar, "a", "AB");
	tb_zero(&tar, 2);
	ck_assert_int_eq(write(fd, tar.p, in.size), (ssize_t)in.size);
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_str_eq(err.msg, "the layer changed between two readings");
}
END_TEST

START_TEST(test_full_disk)
{
	auto_fd int fd = open("/dev/full", O_WRONLY);
	struct pack_in in = {.out_fd = fd, .spool_dirfd = -1};
	struct pack_result res;
	struct err err = {0};

	many(false);
	in.mem = tar.p;
	in.size = tar.len;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_ptr_nonnull(strstr(err.msg, "cannot write the archive: No space left"));
}
END_TEST

/* An archive of nothing is an artifact of nothing, as with Flux. */
START_TEST(test_empty)
{
	struct pack_result res;

	tb_zero(&tar, 2);
	run(&(struct pack_in){.mem = tar.p, .size = tar.len}, &res);
	ck_assert_str_eq(listed(0), ". d 750 0\n");
	tb_gzip(&gz, tar.p, tar.len);
	run(&(struct pack_in){0}, &res);
	ck_assert_int_eq(res.how, PACK_PASS);
	ck_assert_uint_eq(res.entries, 0);
}
END_TEST

/* Names, rules and a decoder's window come out of one limit; what passes it can be tried again with
   more. */
static const struct {
	const char *name;
	unsigned files, rules; /* bytes of rules */
	bool zstd;
	uint64_t enough;
} MEMORY[] = {
	{"names", 1000, 0, false, 1000 * (sizeof("file-000000") + PACK_ITEM_COST) + 1000},
	{"rules", 1, 1000, false, 1000 * PACK_RULES_FACTOR + 1000},
	{"window", 1, 0, true, LIMIT_MIB},
};

START_TEST(test_memory)
{
	struct pack_in in = {.ignore_file = note_rules, .out_fd = -1, .spool_dirfd = -1};
	auto_buf struct buf seen = BUF_INIT(BUF_ANY);
	auto_free char *text = mem_zalloc(MEMORY[_i].rules + 1);
	struct pack_result res;
	struct err err = {0};
	char name[32];
	unsigned i;

	_Static_assert(sizeof(struct pack_item) == 16, "there may be 200,000");
	in.ctx = &seen;
	memset(text, '\n', MEMORY[_i].rules);
	if (MEMORY[_i].rules)
		tb_file(&tar, ".sourceignore", text);
	for (i = 0; i < MEMORY[_i].files; i++) {
		snprintf(name, sizeof(name), "file-%06u", i);
		tb_file(&tar, name, "");
	}
	tb_zero(&tar, 2);
	if (MEMORY[_i].zstd)
		tb_zstd(&gz, tar.p, tar.len);
	else
		tb_gzip(&gz, tar.p, tar.len);
	in.mem = gz.p;
	in.size = gz.len;
	in.limits.memory = MEMORY[_i].enough / 10;
	ck_assert_int_eq(pack_run(&in, &res, &err), -1);
	ck_assert_msg(err.code == -ENOBUFS, "%s: %s", MEMORY[_i].name, err.msg);
	ck_assert_ptr_nonnull(strstr(err.msg, "bytes of memory"));
	if (MEMORY[_i].zstd)
		return; /* never a pass-through */
	in.limits.memory = MEMORY[_i].enough;
	ck_assert_msg(!pack_run(&in, &res, &err), "%s: %s", MEMORY[_i].name, err.msg);
}
END_TEST

Suite *suite_pack(void);
Suite *suite_pack(void)
{
	Suite *s = suite_create("pack");
	TCase *tc = tcase_create("pack");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_flux_push, 0, 2);
	tcase_add_test(tc, test_flux_store);
	tcase_add_loop_test(tc, test_golden, 0, (int)ARRAY_LEN(golden));
	tcase_add_test(tc, test_same_bytes);
	tcase_add_test(tc, test_spool_file);
#ifdef TEST_BUILD
	tcase_add_loop_test(tc, test_spool_faults, 0, (int)ARRAY_LEN(faults));
#endif
	tcase_add_test(tc, test_excluded);
	tcase_add_test(tc, test_rules);
	tcase_add_test(tc, test_rules_limits);
	tcase_add_test(tc, test_open_out);
	tcase_add_test(tc, test_stop);
	tcase_add_loop_test(tc, test_stop_soon, 0, 8);
	tcase_add_test(tc, test_sort);
	tcase_add_test(tc, test_fd_and_locale);
	tcase_add_test(tc, test_changed);
	tcase_add_test(tc, test_full_disk);
	tcase_add_test(tc, test_empty);
	tcase_add_loop_test(tc, test_memory, 0, ARRAY_LEN(MEMORY));
	suite_add_tcase(s, tc);
	return s;
}
