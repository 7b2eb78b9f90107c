/*
 * Killed at any moment. A child process runs the controller against the API server and the registry
 * of this one, and dies at a point of the store's work, or when the API server gets a certain
 * request. Whatever has a name in the tree then is whole; the next start serves what the status
 * says and leaves nothing behind.
 */
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "ev/loop.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum change { FIRST, NEW_REVISION, NEW_RULES, DELETED };

static const struct {
	const char *name;
	enum change change;
	const char *point; /* of the store; or */
	const char *request; /* the child dies when this arrives; it is carried out */
} ROWS[] = {
	{"first, written", FIRST, "store.written", NULL},
	{"first, synced", FIRST, "store.synced", NULL},
	{"first, renamed", FIRST, "store.renamed", NULL},
	{"first, linked", FIRST, "store.linked", NULL},
	{"first, finalizer", FIRST, NULL, "PATCH ocirepositories/web"},
	{"first, status", FIRST, NULL, "PATCH ocirepositories/web/status"},
	{"revision, written", NEW_REVISION, "store.written", NULL},
	{"revision, synced", NEW_REVISION, "store.synced", NULL},
	{"revision, renamed", NEW_REVISION, "store.renamed", NULL},
	{"revision, linked", NEW_REVISION, "store.linked", NULL},
	{"revision, status", NEW_REVISION, NULL, "PATCH ocirepositories/web/status"},
	{"rules, written", NEW_RULES, "store.written", NULL},
	{"rules, synced", NEW_RULES, "store.synced", NULL},
	{"rules, status", NEW_RULES, NULL, "PATCH ocirepositories/web/status"},
	{"rules, renamed", NEW_RULES, "store.renamed", NULL},
	{"rules, linked", NEW_RULES, "store.linked", NULL},
	{"deleted, removing", DELETED, "store.removing", NULL},
	{"deleted, release", DELETED, NULL, "PATCH ocirepositories/web"},
};

static pid_t child;

static void kill_child(void *arg)
{
	(void)arg;
	kill(child, SIGKILL);
}

static bool never(struct world *w)
{
	(void)w;
	return false;
}

/* Check's assertions write to a file without a name that parent and child share: a child that dies
   in the middle would spoil it. */
static void mute_check(void)
{
	int null = open("/dev/null", O_RDWR), fd;
	struct stat st;

	for (fd = 3; fd < 256; fd++)
		if (fd != null && !fstat(fd, &st) && S_ISREG(st.st_mode) && !st.st_nlink)
			dup2(null, fd);
}

/* Runs a controller in a process of its own until it dies. The servers stay with us. */
static void run_and_die(struct world *w, const char *point, const char *request)
{
	int status;

	if (request)
		fake_kube_hook(w->kube, request, kill_child, NULL);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (!child) {
		struct world other = *w;

		mute_check();
		other.loop = loop_new();
		if (point)
			sys_kill_at(point, 1);
		world_start(&other);
		world_until(&other, never, "its death");
		_exit(1);
	}
	while (!waitpid(child, &status, WNOHANG))
		loop_turn(w->loop, false);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		"the child ended with status %x; writes:\n%s", status, fake_kube_log(w->kube));
}

static bool file_digest(const char *path, struct digest *d)
{
	struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	bool ok = !sys_read_file(AT_FDCWD, path, &b, &err);

	if (ok)
		digest_mem(d, DIGEST_SHA256, b.p, b.len);
	buf_clear(&b);
	return ok;
}

/* Digests of the files that have a name now. */
static int named(struct world *w, struct digest *out, int max)
{
	auto_free char *dir = mem_printf("%s/ocirepository/apps/web", w->root);
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)) && n < max)
		if (!strncmp(e->d_name, "sha256:", 7)) {
			auto_free char *path = mem_printf("%s/%s", dir, e->d_name);

			ck_assert(file_digest(path, &out[n++]));
		}
	if (d)
		closedir(d);
	return n;
}

static int temps(struct world *w)
{
	auto_free char *dir = mem_printf("%s/.tmp", w->root);
	DIR *d = opendir(dir);
	int n = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static enum store_got ask(struct world *w, const char *path, struct digest *d)
{
	struct buf b = BUF_INIT(BUF_ANY);
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	enum store_got got;
	char page[4096];
	ssize_t n;
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	got = store_get(w->store, &p, &f, &fd);
	while (got == STORE_HIT && (n = read(fd, page, sizeof(page))) > 0)
		buf_add(&b, page, (size_t)n);
	digest_mem(d, DIGEST_SHA256, buf_str(&b), b.len);
	buf_clear(&b);
	sys_close(fd);
	return got;
}

static bool is(const struct digest *d, const char *text)
{
	char t[DIGEST_TEXT_MAX];

	return !strcmp(digest_format(d, t), text);
}

START_TEST(test_killed)
{
	static const char latest[] = "ocirepository/apps/web/latest.tar.gz";
	enum change change = ROWS[_i].change;
	struct world w;
	struct fake_image image, next;
	struct digest there[4], d;
	auto_free char *old = NULL;
	int n = 0, i;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	if (change != FIRST) {
		world_start(&w);
		world_settle(&w);
		world_stop(&w);
	}
	old = mem_strdup(image.layer_text);
	if (change == NEW_REVISION)
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
			"{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	else if (change == NEW_RULES)
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web",
			"{\"spec\":{\"ignore\":\"*.md\"}}");
	else if (change == DELETED)
		fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	run_and_die(&w, ROWS[_i].point, ROWS[_i].request);
	n = named(&w, there, 4);
	world_start(&w);
	world_settle(&w);
	if (change == DELETED) {
		ck_assert_ptr_null(fake_kube_get(w.kube, "ocirepositories", "apps", "web"));
		ck_assert_int_eq(named(&w, there, 4), 0);
	} else {
		auto_free char *now = mem_strdup(world_status(&w, "web", "artifact.digest"));

		ck_assert_str_eq(world_status(&w, "web", "Ready.status"), "True");
		if (change != NEW_RULES)
			ck_assert_str_eq(now, change == FIRST ? image.layer_text : next.layer_text);
		else
			ck_assert_str_ne(now, old);
		for (i = 0; i < n; i++)
			ck_assert_msg(is(&there[i], now) || is(&there[i], old),
				"%s: a file that is neither the old nor the new one",
				ROWS[_i].name);
		/* What is served is what the status says. */
		ck_assert_int_eq(ask(&w, world_status(&w, "web", "artifact.path"), &d), STORE_HIT);
		ck_assert(is(&d, now));
		ck_assert_int_eq(ask(&w, latest, &d), STORE_HIT);
		ck_assert(is(&d, now));
		ck_assert(store_ready(w.store));
	}
	ck_assert_int_eq(temps(&w), 0);
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

Suite *suite_crash(void);
Suite *suite_crash(void)
{
	Suite *s = suite_create("crash");
	TCase *tc = tcase_create("crash");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_killed, 0, (int)ARRAY_LEN(ROWS));
	suite_add_tcase(s, tc);
	return s;
}
