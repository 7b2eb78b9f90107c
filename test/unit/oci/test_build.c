#include "oci/build.h"

#include "base/mem.h"
#include "pack/pack.h"
#include "text/ignore.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

Suite *suite_build(void);

struct tree {
	char dir[32];
};

static void init(struct tree *t)
{
	snprintf(t->dir, sizeof(t->dir), "/tmp/oci-artifact-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(t->dir));
}

static void clear(struct tree *t)
{
	auto_free char *cmd = mem_printf("rm -rf '%s'", t->dir);

	ck_assert_int_eq(system(cmd), 0);
}

static void put(struct tree *t, const char *path, const char *text, mode_t mode)
{
	auto_free char *full = mem_printf("%s/%s", t->dir, path);
	char *slash;
	FILE *f;

	for (slash = full + strlen(t->dir) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	f = fopen(full, "w");
	ck_assert_msg(f, "%s", full);
	fputs(text, f);
	fclose(f);
	chmod(full, mode);
}

static void build(struct tree *t, struct oci_build *a, const char *ignore)
{
	struct err err = {0};

	ck_assert_msg(!oci_build_run(a,
			      &(struct oci_build_in){.path = t->dir,
				      .ignore = ignore,
				      .source = "https://example.com/a.git",
				      .revision = "main@sha1:1234"},
			      &err),
		"%s", err.msg);
}

/* The names in the archive, as tar lists them, each with a blank behind it. */
static char *names(const struct oci_build *a)
{
	auto_free char *cmd = mem_printf("tar tzf /proc/%d/fd/%d", (int)getpid(), a->fd);
	struct buf out = BUF_INIT(BUF_ANY);
	char line[512];
	FILE *p = popen(cmd, "r");

	ck_assert_ptr_nonnull(p);
	while (fgets(line, sizeof(line), p)) {
		line[strcspn(line, "\n")] = ' ';
		buf_adds(&out, line);
	}
	ck_assert_int_eq(pclose(p), 0);
	return buf_take(&out);
}

/* The digests are part of what users rely on: another value here is another format, and to be
   announced. */
START_TEST(golden)
{
	struct oci_build a;
	char text[DIGEST_TEXT_MAX];
	auto_free char *list = NULL;
	struct tree t;

	init(&t);
	put(&t, "b/deployment.yaml", "kind: Deployment\n", 0644);
	put(&t, "a.yaml", "kind: ConfigMap\n", 0600);
	put(&t, "b/run.sh", "#!/bin/sh\n", 0755);
	build(&t, &a, NULL);
	list = names(&a);
	ck_assert_str_eq(list, ". a.yaml b b/deployment.yaml b/run.sh ");
	ck_assert_uint_eq(a.entries, 5);
	ck_assert_uint_eq(a.files, 3);
	ck_assert_str_eq(digest_format(&a.blobs[0].digest, text),
		"sha256:63acbcbf7d625220bdb0b231c040a1e1b59d1b7b04038ef93d26fa5ca3fe0ee1");
	ck_assert_str_eq(digest_format(&a.blobs[1].digest, text),
		"sha256:d6224f22e0aa1e91ac5139c5c5fd62c867c4a215213a969e1cbddd2fbeb2ad27");
	ck_assert_str_eq(buf_str(&a.manifest),
		"{\"schemaVersion\":2,\"mediaType\":\"application/"
		"vnd.oci.image.manifest.v1+json\",\"config\":{\"med"
		"iaType\":\"application/"
		"vnd.cncf.flux.config.v1+json\",\"digest\":\"sha256:d6224f22e0aa1e91ac5139"
		"c5c5fd62c867c4a215213a969e1cbddd2fbeb2ad27\",\"size\":233},\"layers\":[{"
		"\"mediaType\":\"applicatio"
		"n/"
		"vnd.cncf.flux.content.v1.tar+gzip\",\"digest\":\"sha256:"
		"63acbcbf7d625220bdb0b231c040a1e1b59d"
		"1b7b04038ef93d26fa5ca3fe0ee1\",\"size\":257}],\"annotations\":{\"org."
		"opencontainers.image.create"
		"d\":\"1970-01-01T00:00:00Z\",\"org.opencontainers.image.revision\":\"main@sha1:"
		"1234\",\"org.openco"
		"ntainers.image.source\":\"https://example.com/a.git\"}}");
	oci_build_clear(&a);
	clear(&t);
}
END_TEST

static const struct {
	const char *ignore, *names;
} ignores[] = {
	{NULL, ". .sourceignore a.txt d d/e d/e/f.txt x.yaml "},
	{"",
		". .git .git/HEAD .gitignore .sourceignore a.txt d d/e d/e/f.txt p.png x.yaml "
		"z.tar.gz "},
	{"*.txt\n", ". .git .git/HEAD .gitignore .sourceignore d d/e p.png x.yaml z.tar.gz "},
	{"d/\n.*\n*.png\n*.gz", ". a.txt x.yaml "},
	/* what is excluded with its directory can come back; the directory does not */
	{"d/\n.*\n*.png\n*.gz\n!f.txt", ". a.txt d/e/f.txt x.yaml "},
};

START_TEST(ignore)
{
	struct oci_build a;
	auto_free char *list = NULL;
	struct tree t;

	init(&t);
	put(&t, "a.txt", "a", 0644);
	put(&t, "d/e/f.txt", "f", 0644);
	put(&t, "x.yaml", "x", 0644);
	put(&t, "p.png", "p", 0644);
	put(&t, "z.tar.gz", "z", 0644);
	put(&t, ".git/HEAD", "h", 0644);
	put(&t, ".gitignore", "g", 0644);
	put(&t, ".sourceignore", "*", 0644); /* is not read here, but travels */
	build(&t, &a, ignores[_i].ignore);
	list = names(&a);
	ck_assert_str_eq(list, ignores[_i].names);
	oci_build_clear(&a);
	clear(&t);
}
END_TEST

START_TEST(special_files)
{
	auto_free char *link = NULL, *fifo = NULL, *list = NULL;
	struct oci_build a;
	struct tree t;

	init(&t);
	put(&t, "a.txt", "a", 0644);
	link = mem_printf("%s/link", t.dir);
	fifo = mem_printf("%s/fifo", t.dir);
	ck_assert_int_eq(symlink("/etc/passwd", link), 0);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	build(&t, &a, NULL);
	list = names(&a);
	ck_assert_str_eq(list, ". a.txt ");
	ck_assert_uint_eq(a.skipped, 2);
	oci_build_clear(&a);
	clear(&t);
}
END_TEST

START_TEST(one_file)
{
	auto_free char *path = NULL, *list = NULL;
	struct oci_build a;
	struct err err = {0};
	struct tree t;

	init(&t);
	put(&t, "sub/logo.png", "png", 0644);
	path = mem_printf("%s/sub/logo.png", t.dir);
	ck_assert(!oci_build_run(&a, &(struct oci_build_in){.path = path}, &err));
	list = names(&a);
	ck_assert_str_eq(list, ". logo.png ");
	ck_assert(!strstr(buf_str(&a.manifest), "image.source"));
	oci_build_clear(&a);
	clear(&t);
}
END_TEST

/* The order of annotations, times and modes of files do not matter; what they say does. */
START_TEST(annotations)
{
	static const char *const one[] = {"b=2", "a=1", "c=x=y", NULL};
	static const char *const two[] = {"c=x=y", "a=1", "b=2", NULL};
	static const char *const other[] = {"org.opencontainers.image.source=mine", NULL};
	struct oci_build a, b;
	struct err err = {0};
	struct tree t;

	init(&t);
	put(&t, "a.txt", "a", 0644);
	ck_assert(!oci_build_run(
		&a, &(struct oci_build_in){.path = t.dir, .annotations = one}, &err));
	put(&t, "a.txt", "a", 0640);
	ck_assert(!oci_build_run(
		&b, &(struct oci_build_in){.path = t.dir, .annotations = two}, &err));
	ck_assert_str_eq(buf_str(&a.manifest), buf_str(&b.manifest));
	ck_assert_ptr_nonnull(strstr(buf_str(&a.manifest),
		"\"annotations\":{\"a\":\"1\",\"b\":\"2\",\"c\":\"x=y\",\"org.opencontainers.image."
		"created\":\"1970-01-01T00:00:00Z\"}"));
	oci_build_clear(&b);
	ck_assert(!oci_build_run(&b,
		&(struct oci_build_in){.path = t.dir, .source = "s", .annotations = other}, &err));
	ck_assert_ptr_nonnull(strstr(buf_str(&b.manifest), "image.source\":\"mine\""));
	oci_build_clear(&a);
	oci_build_clear(&b);
	clear(&t);
}
END_TEST

static const char *const bad_annotation[] = {"no equals sign", NULL};
static const char *const empty_key[] = {"=x", NULL};
static const char *const not_utf8[] = {"k=\xff", NULL};

static const struct {
	struct oci_build_in in;
	const char *says;
} mistakes[] = {
	{{.path = "/nowhere/at/all"}, "'/nowhere/at/all'"},
	{{.path = "/dev/null"}, "neither a directory nor a file"},
	{{.path = "/tmp", .created = "yesterday"}, "yesterday"},
	{{.path = NULL, .annotations = bad_annotation}, "key=value"},
	{{.path = NULL, .annotations = empty_key}, "key=value"},
	{{.path = NULL, .annotations = not_utf8}, "UTF-8"},
	{{.path = NULL, .source = "\xff"}, "UTF-8"},
};

START_TEST(mistake)
{
	struct oci_build_in in = mistakes[_i].in;
	struct oci_build a;
	struct err err = {0};
	struct tree t;

	init(&t);
	if (!in.path)
		in.path = t.dir;
	ck_assert(oci_build_run(&a, &in, &err));
	ck_assert_msg(strstr(err.msg, mistakes[_i].says), "'%s'", err.msg);
	ck_assert_int_eq(err.kind, ERR_STALL);
	clear(&t);
}
END_TEST

START_TEST(odd_names)
{
	struct oci_build a;
	struct err err = {0};
	struct tree t;

	init(&t);
	put(&t, _i ? "back\\slash" : "latin-\xe4", "a", 0644);
	ck_assert(oci_build_run(&a, &(struct oci_build_in){.path = t.dir}, &err));
	ck_assert_int_eq(err.kind, ERR_STALL);
	clear(&t);
}
END_TEST

/* What we push passes through: the layer itself is what the controller serves. */
START_TEST(passes_through)
{
	struct pack_result res;
	struct oci_build a;
	struct err err = {0};
	struct tree t;

	init(&t);
	put(&t, "b/deployment.yaml", "kind: Deployment\n", 0644);
	put(&t, "a.yaml", "kind: ConfigMap\n", 0600);
	build(&t, &a, NULL);
	ck_assert_msg(!pack_run(&(struct pack_in){.fd = a.fd,
					.size = a.blobs[0].size,
					.out_fd = -1,
					.spool_dirfd = -1},
			      &res, &err),
		"%s", err.msg);
	ck_assert_msg(res.how == PACK_PASS, "%s", res.why);
	oci_build_clear(&a);
	clear(&t);
}
END_TEST

Suite *suite_build(void)
{
	Suite *s = suite_create("build");
	TCase *t = tcase_create("build");

	tcase_add_test(t, golden);
	tcase_add_loop_test(t, ignore, 0, ARRAY_LEN(ignores));
	tcase_add_test(t, special_files);
	tcase_add_test(t, one_file);
	tcase_add_test(t, annotations);
	tcase_add_loop_test(t, mistake, 0, ARRAY_LEN(mistakes));
	tcase_add_loop_test(t, odd_names, 0, 2);
	tcase_add_test(t, passes_through);
	suite_add_tcase(s, t);
	return s;
}
