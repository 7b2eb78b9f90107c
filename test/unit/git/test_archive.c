/* GR-05, GR-06, GR-07, GR-08, GR-09, GR-10: what comes out as an artifact. */
#include "packs.h"
#include "repo.h"

#include "base/limits.h"
#include "base/mem.h"
#include "git/archive.h"
#include "git/gitc.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct gitc_folder *folder;

static void setup(void)
{
	folder = gr_setup();
	gr_init();
}

static void teardown(void)
{
	gr_teardown(folder);
}

/* Writes the archive to the file `out`. */
static int make(struct gitc_archive_req *req, struct gitc_archive_result *res, struct err *err)
{
	int fd = open("out", O_RDWR | O_CREAT | O_TRUNC, 0600), rc;

	ck_assert_int_ge(fd, 0);
	req->out_fd = fd;
	rc = gitc_archive(req, res, err);
	close(fd);
	return rc;
}

/* What tar says is in it: mode and name of each, in order. */
static void expect_list(const char *want)
{
	struct buf list = BUF_INIT(BUF_ANY);

	gr_sh(&list,
		"tar tvzf out --numeric-owner | awk '{print substr($1, 1, 4) $2, $NF}' | tr '\\n' "
		"' '");
	ck_assert_str_eq(buf_str(&list), want);
	buf_clear(&list);
}

/* GR-07: a symbolic link, a gitlink, an x bit, a folder that has nothing but a link. */
START_TEST(test_gr_07_modes)
{
	struct gitc_archive_result res, again;
	struct gitc_archive_req req = {0};
	struct buf sum = BUF_INIT(BUF_ANY);
	char text[DIGEST_HEX_MAX];
	struct err err = {0};

	gr_sh(NULL,
		"cd r; mkdir -p a/b links; echo hello | tee a/x a/b/y a.txt >/dev/null; chmod 755 "
		"a/x; "
		"ln -s ../a links/link; printf 'version https://git-lfs.github.com/spec/v1\\n' "
		">lfs.bin; "
		": >empty; git add .; git update-index --add --cacheinfo "
		"160000,4b825dc642cb6eb9a060e54bf8d69288fbee4904,mod; git commit -qm m");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list("drwx0/0 . drwx0/0 a drwx0/0 a/b -rw-0/0 a/b/y -rwx0/0 a/x -rw-0/0 a.txt "
		    "-rw-0/0 empty -rw-0/0 lfs.bin drwx0/0 links drwx0/0 mod ");
	ck_assert_uint_eq(res.entries, 10);
	ck_assert_uint_eq(res.links, 1);
	ck_assert_uint_eq(res.modules, 1);
	gr_sh(&sum, "sha256sum out | cut -d' ' -f1");
	ck_assert_str_eq(buf_str(&sum), digest_hex(&res.digest, text));
	/* The bytes are those of the files. */
	gr_sh(NULL,
		"mkdir t; tar xzf out -C t; cmp t/a/b/y r/a/b/y; cmp t/lfs.bin r/lfs.bin; test -x "
		"t/a/x; "
		"test ! -s t/empty");
	/* The same input, the same bytes. */
	ck_assert_int_eq(make(&req, &again, &err), 0);
	ck_assert(digest_equal(&res.digest, &again.digest));
	ck_assert_uint_eq(res.size, again.size);
	gitc_objects_unref((struct gitc_objects *)req.objects);
	buf_clear(&sum);
}
END_TEST

/* GR-05, GR-06: rules of the tree in the order of its folders, the spec's last, the defaults only
   when there is none. */
START_TEST(test_gr_06_rules)
{
	struct gitc_archive_result res, more;
	struct gitc_archive_req req = {0};
	struct err err = {0};

	gr_sh(NULL,
		"cd r; mkdir -p a/b .github; echo x | tee a/x.md a/y a/b/x.md a/b/z top.png "
		".github/w "
		".gitattributes .gitmodules >/dev/null; git add .; git commit -qm 1");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list("drwx0/0 . drwx0/0 a drwx0/0 a/b -rw-0/0 a/b/x.md -rw-0/0 a/b/z -rw-0/0 a/x.md "
		    "-rw-0/0 a/y ");
	req.ignore = "*.md\n!/a/b/x.md\n";
	ck_assert_msg(!make(&req, &more, &err), "%s", err.msg);
	expect_list("drwx0/0 . drwx0/0 .github -rw-0/0 .github/w drwx0/0 a drwx0/0 a/b -rw-0/0 "
		    "a/b/x.md -rw-0/0 a/b/z -rw-0/0 a/y -rw-0/0 top.png ");
	ck_assert(!digest_equal(&res.digest, &more.digest));
	ck_assert_uint_eq(more.excluded, 3);
	gitc_objects_unref((struct gitc_objects *)req.objects);
	/* A folder's own, in which one of its parent's is taken back. */
	gr_sh(NULL,
		"cd r; printf '*.md\\n*.png\\n' >.sourceignore; printf '!x.md\\nz\\n' "
		">a/b/.sourceignore; "
		"git add .; git commit -qm 2");
	req.ignore = NULL;
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list("drwx0/0 . drwx0/0 .github -rw-0/0 .github/w -rw-0/0 .sourceignore drwx0/0 a "
		    "drwx0/0 a/b -rw-0/0 a/b/.sourceignore -rw-0/0 a/b/x.md -rw-0/0 a/y ");
	req.ignore = "/*\n!/a/b/z\n";
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list("drwx0/0 . -rw-0/0 a/b/z ");
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

static const struct {
	const char *dirs[3];
	const char *list; /* NULL: the first one is not there */
} sparse[] = {
	{{"app"},
		"drwx0/0 . drwx0/0 app drwx0/0 app/sub -rw-0/0 app/sub/y -rw-0/0 app/x -rw-0/0 "
		"app.yaml drwx0/0 app2 -rw-0/0 app2/z "},
	{{"app/"}, "drwx0/0 . drwx0/0 app drwx0/0 app/sub -rw-0/0 app/sub/y -rw-0/0 app/x "},
	{{"./app/sub"}, "drwx0/0 . drwx0/0 app drwx0/0 app/sub -rw-0/0 app/sub/y "},
	{{"app2", "other/deep"},
		"drwx0/0 . drwx0/0 app2 -rw-0/0 app2/z drwx0/0 other drwx0/0 other/deep -rw-0/0 "
		"other/deep/w "},
	{{"none"}, NULL},
	{{"ap"}, NULL},
	{{"../app"}, NULL},
	{{"none", "app"}, NULL},
};

START_TEST(test_gr_10_sparse)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct err err = {0};
	int rc;

	gr_sh(NULL,
		"cd r; mkdir -p app/sub app2 other/deep; echo x | tee app/x app/sub/y app2/z "
		"other/v "
		"other/deep/w app.yaml top >/dev/null; git add .; git commit -qm 1");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	req.sparse = sparse[_i].dirs;
	while (req.n_sparse < 3 && sparse[_i].dirs[req.n_sparse])
		req.n_sparse++;
	rc = make(&req, &res, &err);
	if (sparse[_i].list) {
		ck_assert_msg(!rc, "%s", err.msg);
		expect_list(sparse[_i].list);
	} else {
		ck_assert_int_eq(rc, -1);
		ck_assert_int_eq(err.code, GITC_NO_PATH);
		ck_assert_ptr_nonnull(strstr(err.msg, "does not exist in repository"));
		ck_assert_ptr_nonnull(strstr(err.msg, sparse[_i].dirs[0]));
	}
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

static struct gitc_include include(const char *file, const char *from, const char *to)
{
	struct gitc_include in = {.fd = open(file, O_RDONLY), .from = from, .to = to, .name = file};
	struct stat st;

	ck_assert_int_ge(in.fd, 0);
	ck_assert_int_eq(fstat(in.fd, &st), 0);
	in.size = (uint64_t)st.st_size;
	return in;
}

/* GR-08: artifacts of others at their places, with their rules. */
START_TEST(test_gr_08_include)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct gitc_include in[2];
	struct buf text = BUF_INIT(BUF_ANY);
	struct err err = {0};
	int i;

	gr_sh(NULL,
		"cd r; mkdir -p d/e; echo first | tee d/e/x d/y top.md >/dev/null; chmod 755 d/y; "
		"printf '*.md\\n' >d/.sourceignore; git add .; git commit -qm 1");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	gitc_objects_unref((struct gitc_objects *)req.objects);
	gr_sh(NULL,
		"mv out first.tar.gz; cd r; git rm -qr d; mkdir -p own/d; echo second | tee own/z "
		"own/d/y "
		"own/d/n.md >/dev/null; git add .; git commit -qm 2");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	in[0] = include("first.tar.gz", NULL, "first");
	in[1] = include("first.tar.gz", "./d/", "own/d");
	req.includes = in;
	req.n_includes = 2;
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list(
		"drwx0/0 . drwx0/0 first drwx0/0 first/d -rw-0/0 first/d/.sourceignore drwx0/0 "
		"first/d/e -rw-0/0 first/d/e/x -rwx0/0 first/d/y -rw-0/0 first/top.md drwx0/0 own "
		"drwx0/0 own/d -rw-0/0 own/d/.sourceignore drwx0/0 own/d/e -rw-0/0 own/d/e/x "
		"-rwx0/0 own/d/y -rw-0/0 own/z -rw-0/0 top.md ");
	/* Of two files at one path the later one. */
	gr_sh(&text, "tar xzOf out own/d/y own/z");
	ck_assert_str_eq(buf_str(&text), "first\nsecond");
	in[0].from = "d/y";
	in[0].to = "own/file";
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	gr_sh(NULL, "tar tzf out | grep -x own/file >list");
	in[0].from = "d/none";
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_str_eq(err.msg, "include 'first.tar.gz': there is no 'd/none'");
	ck_assert_int_eq(err.code, GITC_NO_PATH);
	in[0].from = NULL;
	for (i = 0; i < 3; i++) {
		static const char *const bad[] = {"../x", ".git/hooks", "/abs"};

		in[0].to = bad[i];
		ck_assert_int_eq(make(&req, &res, &err), -1);
		ck_assert_int_eq(err.code, GITC_BAD_NAME);
	}
	/* A file where a folder is. */
	in[0].to = "own/z";
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "is a file and a directory"));
	close(in[0].fd);
	close(in[1].fd);
	gitc_objects_unref((struct gitc_objects *)req.objects);
	buf_clear(&text);
}
END_TEST

/* GR-09 on this level: modules at their paths, one in another. */
START_TEST(test_gr_09_modules)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct gitc_module modules[2];
	struct gitc_objects *o;
	struct gitc_oid commit;
	char hex[GITC_OID_HEX];
	struct err err = {0};

	gr_sh(NULL, "cd r; echo leaf >leaf; ln -s leaf link; git add .; git commit -qm 1");
	o = gr_fetch(folder, "HEAD");
	commit = gr_rev("HEAD");
	gitc_oid_format(&commit, hex);
	gr_sh(NULL,
		"cd r; git rm -q leaf link; mkdir d; echo top >d/top; git add .; "
		"git update-index --add --cacheinfo 160000,%s,d/mod; git commit -qm 2",
		hex);
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	modules[0] = (struct gitc_module){"d/mod", (struct gitc_objects *)req.objects, req.commit};
	modules[1] = (struct gitc_module){"d/mod/d/mod", o, commit};
	req.modules = modules;
	req.n_modules = 2;
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	expect_list("drwx0/0 . drwx0/0 d drwx0/0 d/mod drwx0/0 d/mod/d drwx0/0 d/mod/d/mod -rw-0/0 "
		    "d/mod/d/mod/leaf -rw-0/0 d/mod/d/top -rw-0/0 d/top ");
	ck_assert_uint_eq(res.modules, 0);
	ck_assert_uint_eq(res.links, 1);
	gitc_objects_unref((struct gitc_objects *)req.objects);
	gitc_objects_unref(o);
}
END_TEST

/* Names that a tar of 1988 has no room for, and bytes that are no UTF-8. */
START_TEST(test_odd_names)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct err err = {0};

	gr_sh(NULL,
		"cd r; n=$(printf 'n%%.0s' {1..200}); mkdir -p $n/$n; echo x >$n/$n/f; echo y "
		">\u00fc; "
		"echo z >$'\\xff\\xfe'; git add .; git commit -qm 1");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	gr_sh(NULL, "mkdir t; tar xzf out -C t; diff -r t r -x .git");
	gitc_objects_unref((struct gitc_objects *)req.objects);
	gr_sh(NULL, "cd r; echo x >'a\\b'; git add .; git commit -qm 1");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, GITC_BAD_NAME);
	req.ignore = "a\\\\b\n";
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

/* A real history: deltas, renames, many files; each commit as git itself would unpack it. */
START_TEST(test_history)
{
	static const char *const revs[] = {"HEAD", "HEAD~3", "HEAD~7"};
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct err err = {0};
	unsigned i;

	gr_sh(NULL,
		"cd r; seq 3000 >big; for i in 1 2 3 4 5 6 7 8; do mkdir -p d$i; echo $i >d$i/f; "
		"seq $i 2 4000 >d$i/s; sed -i ${i}00s/.*/x/ big; cp big d$i/copy; git add .; "
		"git commit -qm $i; done; git gc -q --aggressive");
	req.objects = gr_fetch(folder, "HEAD");
	for (i = 0; i < 3; i++) {
		req.commit = gr_rev(revs[i]);
		ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
		gr_sh(NULL,
			"rm -rf t u; mkdir t u; tar xzf out -C t; git -C r archive %s | tar x -C "
			"u; "
			"diff -r t u",
			revs[i]);
	}
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

/* GR-20: a delta takes memory that the budget has to have, and with it comes out. */
START_TEST(test_gr_20_memory)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	struct err err = {0};

	gr_sh(NULL,
		"cd r; seq 20000 >f; git add .; git commit -qm 1; echo x >>f; git commit -qam 2");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD~1");
	req.limits.memory = 100000;
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, -ENOBUFS);
	ck_assert_ptr_nonnull(strstr(err.msg, "file 'f': an object takes "));
	req.limits.memory = 1000000;
	ck_assert_msg(!make(&req, &res, &err), "%s", err.msg);
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

/* Limits, a missing blob, the stop flag. */
START_TEST(test_refused)
{
	struct gitc_archive_result res;
	struct gitc_archive_req req = {0};
	atomic_bool stop = true;
	struct err err = {0};

	gr_sh(NULL,
		"cd r; echo 12345 | tee a b c >/dev/null; git add .; git commit -qm 1; seq 100 >d; "
		"git add .; git commit -qm 2");
	req.objects = gr_fetch(folder, "HEAD");
	req.commit = gr_rev("HEAD");
	req.limits.entries = 3;
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	req.limits = (struct pack_limits){.expanded = 300};
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, GITC_TOO_LARGE);
	ck_assert_ptr_nonnull(strstr(err.msg, "the files have more than 300 bytes"));
	req.limits = (struct pack_limits){.memory = 100};
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, -ENOBUFS);
	req.limits = (struct pack_limits){0};
	req.stop = &stop;
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	req.stop = NULL;
	gitc_objects_unref((struct gitc_objects *)req.objects);
	req.objects = gr_pack(folder, "git rev-list --objects --filter=blob:none HEAD");
	ck_assert_int_eq(make(&req, &res, &err), -1);
	ck_assert_int_eq(err.code, GITC_MISSING);
	ck_assert_ptr_nonnull(strstr(err.msg, "file 'a': blob '"));
	gitc_objects_unref((struct gitc_objects *)req.objects);
}
END_TEST

Suite *suite_archive(void);
Suite *suite_archive(void)
{
	Suite *s = suite_create("archive");
	TCase *t = tcase_create("archive");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_gr_07_modes);
	tcase_add_test(t, test_gr_06_rules);
	tcase_add_loop_test(t, test_gr_10_sparse, 0, ARRAY_LEN(sparse));
	tcase_add_test(t, test_gr_08_include);
	tcase_add_test(t, test_gr_09_modules);
	tcase_add_test(t, test_odd_names);
	tcase_add_test(t, test_history);
	tcase_add_test(t, test_gr_20_memory);
	tcase_add_test(t, test_refused);
	suite_add_tcase(s, t);
	return s;
}
