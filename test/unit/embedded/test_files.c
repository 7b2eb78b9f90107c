#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "embedded/crds.h"
#include "embedded/kind.h"
#include "embedded/manifests.h"
#include "ev/loop.h"
#include "rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_files(void);

#define MANIFEST(name, interval) \
	"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: " name \
	"}\nspec: {interval: " interval ", url: 'oci://host/app'}\n"

static void write_file(const char *dir, const char *name, const char *text)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void remove_file(const char *dir, const char *name)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);

	ck_assert_int_eq(unlink(path), 0);
}

/* ---- reading --------------------------------------------------------------------------------- */

struct box {
	char dir[32];
	struct emb_kinds *ks;
	struct emb_manifests ms;
	int rc;
	struct err err;
};

static void box_new(struct box *b)
{
	*b = (struct box){.ks = emb_kinds_new(embedded_crds, &b->err)};
	snprintf(b->dir, sizeof(b->dir), "/tmp/manifests-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(b->dir));
}

static void look(struct box *b)
{
	atomic_bool stop = false;

	emb_manifests_clear(&b->ms);
	b->rc = emb_manifests_read(&b->ms, b->ks, b->dir, &stop, &b->err);
}

static void box_free(struct box *b)
{
	auto_free char *rm = mem_printf("rm -rf %s", b->dir);

	emb_manifests_clear(&b->ms);
	emb_kinds_free(b->ks);
	ck_assert_int_eq(system(rm), 0);
}

START_TEST(test_read)
{
	struct box b;
	size_t i;
	static const char *const order[] = {"z", "s", "a", "b", "c", "d"};

	box_new(&b);
	write_file(b.dir, "10.yaml", MANIFEST("a", "5m") "---\n" MANIFEST("b", "5m"));
	write_file(b.dir, "20.yml", MANIFEST("c", "5m") "status: {url: x}\n");
	write_file(b.dir, "30.json",
		"{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":["
		"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
		"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"d\",\"namespace\":\"n\","
		"\"uid\":\"1\",\"resourceVersion\":\"2\"}},"
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}]}");
	write_file(b.dir, "99.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: z}\n");
	write_file(b.dir, "readme.txt", "no: [yaml");
	write_file(b.dir, ".hidden.yaml", "no: [yaml");
	write_file(b.dir, "empty.yaml", "# nothing\n");
	look(&b);
	ck_assert_int_eq(b.rc, 0);
	ck_assert(b.ms.complete);
	ck_assert_uint_eq(b.ms.n_errors, 0);
	ck_assert_uint_eq(b.ms.len, ARRAY_LEN(order));
	for (i = 0; i < b.ms.len; i++)
		ck_assert_str_eq(b.ms.p[i].name, order[i]);
	ck_assert_str_eq(b.ms.p[0].ns, "");
	ck_assert_str_eq(b.ms.p[2].ns, "default");
	ck_assert_str_eq(b.ms.p[5].ns, "n");
	/* What only a server says is not part of a manifest. */
	ck_assert_ptr_null(json_object_get(b.ms.p[4].root, "status"));
	ck_assert_ptr_null(obj_get(b.ms.p[5].root, "metadata", "uid"));
	ck_assert_ptr_null(obj_get(b.ms.p[5].root, "metadata", "resourceVersion"));
	box_free(&b);
}
END_TEST

static const struct {
	const char *name, *text, *error;
	bool complete;
	size_t others;
} BROKEN[] = {
	{"syntax", "a: b\nc: [\n", "x.yaml: line 3:", false, 1},
	{"a key twice", "a: 1\na: 2\n", "x.yaml: line 2:", false, 1},
	{"no object", "just text\n", "x.yaml: line 1: not a Kubernetes object", false, 1},
	{"an unknown kind", "\napiVersion: v1\nkind: Pod\nmetadata: {name: p}\n",
		"x.yaml: line 2: the kind 'Pod' of 'v1' is not known here", false, 1},
	{"a namespace of numbers",
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: 5}\n",
		"x.yaml: line 1: metadata.namespace is not a string", false, 1},
	{"no name", "apiVersion: v1\nkind: Secret\n", "x.yaml: line 1: metadata.name is missing",
		false, 1},
	{"the good one twice", "---\n---\n" MANIFEST("good", "9m"),
		"x.yaml: line 3: OCIRepository 'good' stands already in a.yaml, line 1", true, 1},
};

START_TEST(test_broken)
{
	struct box b;

	box_new(&b);
	write_file(b.dir, "a.yaml", MANIFEST("good", "5m"));
	write_file(b.dir, "x.yaml", BROKEN[_i].text);
	look(&b);
	ck_assert_int_eq(b.rc, 0);
	ck_assert_uint_eq(b.ms.n_errors, 1);
	ck_assert_msg(!strncmp(b.ms.errors[0], BROKEN[_i].error, strlen(BROKEN[_i].error)),
		"%s: %s", BROKEN[_i].name, b.ms.errors[0]);
	ck_assert_msg(b.ms.complete == BROKEN[_i].complete, "%s", BROKEN[_i].name);
	ck_assert_uint_eq(b.ms.len, BROKEN[_i].others);
	box_free(&b);
}
END_TEST

/* As kubectl reads it: none. */
START_TEST(test_no_namespace)
{
	static const char *const rows[] = {"''", "null", "~"};
	auto_free char *text = mem_printf(
		"apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: %s}\n", rows[_i]);
	struct box b;

	box_new(&b);
	write_file(b.dir, "a.yaml", text);
	look(&b);
	ck_assert_uint_eq(b.ms.len, 1);
	ck_assert_str_eq(b.ms.p[0].ns, "default");
	box_free(&b);
}
END_TEST

static struct emb_folder scan(const char *dir)
{
	struct emb_folder f = {0};
	struct err err = {0};

	ck_assert_msg(!emb_manifests_scan(&f, dir, &err), "%s", err.msg);
	return f;
}

static bool is_other(const char *dir, struct emb_folder *last)
{
	struct emb_folder before = *last;

	*last = scan(dir);
	return !emb_folder_equal(&before, last);
}

static void swap_link(const char *dir, const char *name, const char *target)
{
	auto_free char *path = mem_printf("%s/%s", dir, name), *tmp = mem_printf("%s.new", path);

	ck_assert_int_eq(symlink(target, tmp), 0);
	ck_assert_int_eq(rename(tmp, path), 0);
}

/* What a look without reading has to see: all that gives no event in the folder itself too. */
START_TEST(test_scan)
{
	auto_free char *one = NULL, *two = NULL, *current = NULL;
	struct emb_folder f;
	struct box b;

	box_new(&b);
	one = mem_printf("%s/one", b.dir);
	two = mem_printf("%s/two", b.dir);
	current = mem_printf("%s/current", b.dir);
	ck_assert(!mkdir(one, 0700) && !mkdir(two, 0700));
	swap_link(b.dir, "current", "one");
	f = scan(current);
	ck_assert_uint_eq(f.files, 0);
	ck_assert(!is_other(current, &f));
	write_file(one, "note.txt", "x");
	ck_assert(!is_other(current, &f));
	write_file(one, "a.yaml", "a: 1\n");
	ck_assert(is_other(current, &f));
	ck_assert(!is_other(current, &f));
	write_file(one, "a.yaml", "a: 11\n");
	ck_assert(is_other(current, &f));
	/* A link that leads nowhere, and then somewhere. */
	swap_link(one, "b.yaml", "../b");
	ck_assert(is_other(current, &f));
	ck_assert_uint_eq(f.files, 2);
	write_file(b.dir, "b", "b: 1\n");
	ck_assert(is_other(current, &f));
	/* A volume of a ConfigMap: the files stay links into ..data, which is swapped. */
	swap_link(one, "..data", "../two");
	write_file(two, "c", "c: 1\n");
	swap_link(one, "c.yaml", "..data/c");
	ck_assert(is_other(current, &f));
	write_file(b.dir, "c", "c: 1\n");
	swap_link(one, "..data", "..");
	ck_assert(is_other(current, &f));
	/* The folder itself is a link. */
	swap_link(b.dir, "current", "two");
	ck_assert(is_other(current, &f));
	box_free(&b);
}
END_TEST

START_TEST(test_empty_file)
{
	struct box b;

	box_new(&b);
	write_file(b.dir, "a.yaml", "");
	look(&b);
	ck_assert_int_eq(b.rc, 0);
	ck_assert(!b.ms.complete); /* it may be about to be written */
	ck_assert_uint_eq(b.ms.n_errors, 0);
	write_file(b.dir, "a.yaml", "# nothing\n");
	look(&b);
	ck_assert(b.ms.complete);
	box_free(&b);
}
END_TEST

START_TEST(test_no_folder)
{
	struct box b;

	box_new(&b);
	ck_assert_int_eq(rmdir(b.dir), 0);
	look(&b);
	ck_assert_int_eq(b.rc, -1);
	ck_assert(!b.ms.complete);
	box_free(&b);
}
END_TEST

/* ---- applying -------------------------------------------------------------------------------- */

struct wait {
	struct rig *r;
	const char *path, *want; /* the spec's interval; "" when it must be gone */
};

static bool is_there(void *arg)
{
	struct wait *w = arg;
	json_t *o = rig_call(w->r, "GET", w->path, NULL, NULL, NULL);
	bool ok = !strcmp(obj_str_or("", o, "spec", "interval"), w->want);

	json_decref(o);
	return ok;
}

static void wait_for(struct rig *r, const char *path, const char *want)
{
	struct wait w = {r, path, want};

	rig_poll(r, is_there, &w);
}

START_TEST(test_life)
{
	struct rig r;
	json_t *o;

	rig_start(&r, true);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m"));
	write_file(r.files, "b.yaml", MANIFEST("b", "5m"));
	wait_for(&r, REPOS "/a", "5m");
	o = rig_expect(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_ptr_nonnull(obj_str(
		o, "metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"));
	json_decref(o);
	/* What others wrote into other fields stays when the file changes; what they wrote into its
	   fields does not. */
	rig_do(&r, 200, "PATCH", REPOS "/a",
		"{\"spec\":{\"timeout\":\"30s\"},\"metadata\":{\"labels\":{\"x\":\"y\"}}}");
	write_file(r.files, "a.yaml", MANIFEST("a", "6m"));
	wait_for(&r, REPOS "/a", "6m");
	o = rig_expect(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_str_eq(obj_str(o, "spec", "timeout"), "30s");
	ck_assert_str_eq(obj_str(o, "metadata", "labels", "x"), "y");
	json_decref(o);
	/* A broken file is no reason to delete, and does not hold up the others. */
	rig_do(&r, 201, "POST", REPOS, REPO("by-hand", SPEC));
	write_file(r.files, "broken.yaml", "a: [\n");
	remove_file(r.files, "b.yaml");
	write_file(r.files, "c.yaml", MANIFEST("c", "5m"));
	wait_for(&r, REPOS "/c", "5m");
	rig_do(&r, 200, "GET", REPOS "/b", NULL);
	remove_file(r.files, "broken.yaml");
	wait_for(&r, REPOS "/b", "");
	rig_do(&r, 200, "GET", REPOS "/by-hand", NULL);
	rig_stop(&r);
}
END_TEST

/* What a file says about an object that somebody else made does not make it the folder's own. */
START_TEST(test_adopted)
{
	struct rig r;

	rig_start(&r, true);
	rig_do(&r, 201, "POST", REPOS, REPO("mine", SPEC));
	write_file(r.files, "mine.yaml", MANIFEST("mine", "7m"));
	write_file(r.files, "other.yaml", MANIFEST("other", "7m"));
	wait_for(&r, REPOS "/mine", "7m");
	wait_for(&r, REPOS "/other", "7m");
	/* Deleted and made again by hand: another object under the same name. */
	rig_do(&r, 200, "DELETE", REPOS "/other", NULL);
	rig_do(&r, 201, "POST", REPOS, REPO("other", SPEC));
	write_file(r.files, "third.yaml", MANIFEST("third", "7m"));
	remove_file(r.files, "mine.yaml");
	remove_file(r.files, "other.yaml");
	wait_for(&r, REPOS "/third", "7m");
	remove_file(r.files, "third.yaml");
	wait_for(&r, REPOS "/third", "");
	rig_do(&r, 200, "GET", REPOS "/mine", NULL);
	rig_do(&r, 200, "GET", REPOS "/other", NULL);
	rig_stop(&r);
}
END_TEST

#define IN_NS "/apis/source.toolkit.fluxcd.io/v1/namespaces/apps/ocirepositories"
#define IN_APPS(name) \
	"apiVersion: source.toolkit.fluxcd.io/v1\nkind: OCIRepository\nmetadata: {name: " name \
	", namespace: apps}\nspec: {interval: 5m, url: 'oci://host/app'}\n"

/* A namespace goes with its file only when nothing is left in it that would go too. */
START_TEST(test_namespaces)
{
	struct rig r;

	rig_start(&r, true);
	write_file(r.files, "ns.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: {name: apps}\n");
	write_file(r.files, "a.yaml", IN_APPS("a"));
	wait_for(&r, IN_NS "/a", "5m");
	remove_file(r.files, "ns.yaml");
	write_file(r.files, "b.yaml", IN_APPS("b"));
	wait_for(&r, IN_NS "/b", "5m");
	rig_do(&r, 200, "GET", IN_NS "/a", NULL);
	rig_do(&r, 200, "GET", "/api/v1/namespaces/apps", NULL);
	remove_file(r.files, "a.yaml");
	remove_file(r.files, "b.yaml");
	wait_for(&r, IN_NS "/a", "");
	rig_do(&r, 404, "GET", "/api/v1/namespaces/apps", NULL);
	/* One that no file spells out is made, and stays. */
	write_file(r.files, "c.yaml", IN_APPS("c"));
	wait_for(&r, IN_NS "/c", "5m");
	remove_file(r.files, "c.yaml");
	wait_for(&r, IN_NS "/c", "");
	rig_do(&r, 200, "GET", "/api/v1/namespaces/apps", NULL);
	rig_stop(&r);
}
END_TEST

/* The marks are in the database: a restart still knows what the folder created. */
START_TEST(test_restart)
{
	struct rig r;
	auto_free char *away = NULL;

	rig_start(&r, true);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m"));
	write_file(r.files, "b.yaml", MANIFEST("b", "5m"));
	wait_for(&r, REPOS "/a", "5m");
	/* A folder that is away deletes nothing, at the start neither. */
	away = mem_printf("%s.away", r.files);
	ck_assert_int_eq(rename(r.files, away), 0);
	rig_restart(&r);
	rig_do(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_int_eq(rename(away, r.files), 0);
	remove_file(r.files, "a.yaml");
	rig_restart(&r);
	wait_for(&r, REPOS "/a", "");
	rig_do(&r, 200, "GET", REPOS "/b", NULL);
	rig_stop(&r);
}
END_TEST

/* ---- what is not done at once ---------------------------------------------------------------- */

static void turn_for(struct rig *r, uint64_t ms)
{
	uint64_t end = clock_ms() + ms;

	while (clock_ms() < end)
		loop_turn(r->loop, false);
}

static char *uid_of(struct rig *r, const char *path)
{
	json_t *o = rig_expect(r, 200, "GET", path, NULL);
	char *uid = mem_strdup(obj_str(o, "metadata", "uid"));

	json_decref(o);
	return uid;
}

/* A writer that pauses between two objects of one file deletes neither. */
START_TEST(test_slow_writer)
{
	auto_free char *before = NULL, *after = NULL;
	struct rig r;

	rig_start(&r, true);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m") "---\n" MANIFEST("b", "5m"));
	wait_for(&r, REPOS "/b", "5m");
	before = uid_of(&r, REPOS "/b");
	turn_for(&r, 5500); /* nothing is left to be done about the first form */
	write_file(r.files, "a.yaml", MANIFEST("a", "6m"));
	wait_for(&r, REPOS "/a", "6m");
	turn_for(&r, 2000);
	write_file(r.files, "a.yaml", MANIFEST("a", "6m") "---\n" MANIFEST("b", "6m"));
	wait_for(&r, REPOS "/b", "6m");
	after = uid_of(&r, REPOS "/b");
	ck_assert_str_eq(before, after);
	write_file(r.files, "a.yaml", MANIFEST("a", "7m"));
	wait_for(&r, REPOS "/b", "");
	rig_stop(&r);
}
END_TEST

/* One who keeps the file open may pause for as long as he likes. */
START_TEST(test_open_file)
{
	static const char first[] = MANIFEST("a", "6m"), rest[] = "---\n" MANIFEST("b", "6m");
	auto_free char *before = NULL, *after = NULL, *path = NULL;
	struct rig r;
	int fd;

	rig_start(&r, true);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m") "---\n" MANIFEST("b", "5m"));
	wait_for(&r, REPOS "/b", "5m");
	before = uid_of(&r, REPOS "/b");
	path = mem_printf("%s/a.yaml", r.files);
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, first, strlen(first)), (ssize_t)strlen(first));
	wait_for(&r, REPOS "/a", "6m");
	turn_for(&r, 9000);
	ck_assert_int_eq(write(fd, rest, strlen(rest)), (ssize_t)strlen(rest));
	close(fd);
	wait_for(&r, REPOS "/b", "6m");
	after = uid_of(&r, REPOS "/b");
	ck_assert_str_eq(before, after);
	/* And what he leaves out goes once he is done. */
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	ck_assert_int_eq(write(fd, first, strlen(first)), (ssize_t)strlen(first));
	turn_for(&r, 7000);
	json_decref(rig_expect(&r, 200, "GET", REPOS "/b", NULL));
	close(fd);
	wait_for(&r, REPOS "/b", "");
	rig_stop(&r);
}
END_TEST

/* What was deleted with kubectl stays so while the folder does, also when it is looked at again.
   And a manifest may move. */
START_TEST(test_deleted_by_hand)
{
	auto_free char *before = NULL, *after = NULL;
	struct rig r;

	rig_start(&r, true);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m") "---\n" MANIFEST("b", "5m"));
	write_file(r.files, "c.yaml", MANIFEST("c", "5m"));
	wait_for(&r, REPOS "/c", "5m");
	before = uid_of(&r, REPOS "/b");
	rig_do(&r, 200, "DELETE", REPOS "/a", NULL);
	turn_for(&r, 6500);
	rig_do(&r, 404, "GET", REPOS "/a", NULL);
	write_file(r.files, "a.yaml", MANIFEST("a", "6m"));
	wait_for(&r, REPOS "/a", "6m");
	write_file(r.files, "b.yaml", MANIFEST("b", "6m"));
	wait_for(&r, REPOS "/b", "6m");
	after = uid_of(&r, REPOS "/b");
	ck_assert_str_eq(before, after);
	rig_stop(&r);
}
END_TEST

/* Not the manifest's fault: it is tried again though nobody touches the folder. */
START_TEST(test_retry)
{
	static const char held[] = "{\"metadata\":{\"name\":\"held\",\"finalizers\":[\"x.y/z\"]},"
				   "\"spec\":{\"interval\":\"5m\",\"url\":\"oci://host/app\"}}";
	auto_free char *object = mem_printf(
		"{\"apiVersion\":\"source.toolkit.fluxcd.io/v1\",\"kind\":\"OCIRepository\",%s",
		held + 1);
	struct rig r;

	rig_start(&r, true);
	rig_do(&r, 201, "POST", "/api/v1/namespaces",
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"apps\"}}");
	rig_do(&r, 201, "POST", IN_NS, object);
	rig_do(&r, 200, "DELETE", "/api/v1/namespaces/apps", NULL);
	write_file(r.files, "a.yaml", IN_APPS("a"));
	write_file(r.files, "b.yaml", MANIFEST("b", "5m"));
	wait_for(&r, REPOS "/b", "5m");
	turn_for(&r, 1500);
	rig_do(&r, 404, "GET", IN_NS "/a", NULL);
	rig_do(&r, 200, "PATCH", IN_NS "/held", "{\"metadata\":{\"finalizers\":null}}");
	wait_for(&r, IN_NS "/a", "5m");
	rig_stop(&r);
}
END_TEST

/* Another directory in its place counts; an empty one is no wish to delete everything, as it is in
   the same directory. */
START_TEST(test_other_folder)
{
	auto_free char *away = NULL;
	struct rig r;

	rig_start(&r, true);
	away = mem_printf("%s.away", r.files);
	write_file(r.files, "a.yaml", MANIFEST("a", "5m"));
	wait_for(&r, REPOS "/a", "5m");
	ck_assert_int_eq(rename(r.files, away), 0);
	ck_assert_int_eq(mkdir(r.files, 0700), 0);
	turn_for(&r, 12500); /* a poll, the settling, the second look, and some */
	rig_do(&r, 200, "GET", REPOS "/a", NULL);
	ck_assert_int_eq(rmdir(r.files), 0);
	swap_link(r.dir, "files", "files.away");
	write_file(away, "a.yaml", MANIFEST("a", "6m"));
	wait_for(&r, REPOS "/a", "6m");
	remove_file(away, "a.yaml");
	wait_for(&r, REPOS "/a", "");
	rig_stop(&r);
}
END_TEST

Suite *suite_files(void)
{
	Suite *s = suite_create("files");
	TCase *tc = tcase_create("files");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_read);
	tcase_add_loop_test(tc, test_broken, 0, (int)ARRAY_LEN(BROKEN));
	tcase_add_test(tc, test_empty_file);
	tcase_add_test(tc, test_no_folder);
	tcase_add_test(tc, test_life);
	tcase_add_test(tc, test_adopted);
	tcase_add_test(tc, test_namespaces);
	tcase_add_test(tc, test_restart);
	tcase_add_loop_test(tc, test_no_namespace, 0, 3);
	tcase_add_test(tc, test_scan);
	tcase_add_test(tc, test_slow_writer);
	tcase_add_test(tc, test_open_file);
	tcase_add_test(tc, test_deleted_by_hand);
	tcase_add_test(tc, test_retry);
	tcase_add_test(tc, test_other_folder);
	suite_add_tcase(s, tc);
	return s;
}
