/*
 * kill -9 anywhere. Each scene is played once to learn which points it passes: every row of every
 * task that it runs, and every file system call. Then a process plays it that dies
 *
 * - at each point once, in the first scene that has it,
 * - in each scene wherever something has just changed or is about to, on the disk or at the API
 *   server: between two of these moments nobody outside of the process sees a difference,
 * - at some passages of any points, which SEED chooses.
 *
 * What is in the tree then has whole bytes. The next process serves what the status names and
 * nothing else, makes the object Ready, and leaves nothing behind.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/digest.h"
#include "ctl/kind.h"
#include "ev/loop.h"
#include "ev/task.h"
#include "store/store.h"
#include "test/unit/ocirepository/scenes.h"
#include "test/unit/ocirepository/trail.h"

#include <check.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Kills of each scene at passages that SEED chooses; RANDOM_KILLS=N says otherwise. */
#define RANDOM_KILLS 6
/* Several tests, so that none takes long. */
#define PARTS 3

static unsigned seed, random_kills;
static const struct scene *scene;
static char what[256]; /* for messages */

static bool leads(void *arg)
{
	(void)arg;
	return !scene->follows;
}

static void play_begin(struct world *w)
{
	world_init(w);
	scene->before(w);
	w->opts.controller.leads = leads;
}

static void play(struct world *w)
{
	world_start(w);
	if (scene->course)
		scene->course(w);
	else
		world_settle(w);
}

static void play_end(struct world *w)
{
	scene_clear();
	world_clear(w);
}

static void learn(void)
{
	const char *const *p;
	struct world w;

	play_begin(&w);
	trail_begin();
	play(&w);
	world_stop(&w);
	trail_end();
	for (p = scene->passes; *p; p++)
		ck_assert_msg(trail_has(*p), "%s: never at '%s'", scene->name, *p);
	play_end(&w);
}

/* ---- the one that dies ----------------------------------------------------------------------- */

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

static void die(const struct world *w, const struct trail_stop *at)
{
	struct world other = *w;

	mute_check();
	other.loop = loop_new();
	sys_kill_at(at->point, at->nth);
	play(&other);
	world_stop(&other);
	_exit(0);
}

/* The servers stay with us. False: it came to its end. */
static bool has_died(struct world *w, const struct trail_stop *at)
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (!child)
		die(w, at);
	while (!waitpid(child, &status, WNOHANG))
		loop_turn(w->loop, false);
	ck_assert_msg(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : status == 0,
		"%s: the process ended with status %x; writes:\n%s", what, status,
		fake_kube_log(w->kube));
	return WIFSIGNALED(status);
}

/* ---- what it leaves -------------------------------------------------------------------------- */

struct left {
	struct digest named[8]; /* files with a name */
	unsigned n, temps, strange;
	char first_strange[300];
};

static struct digest file_digest(const char *path)
{
	struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct digest d;

	ck_assert_msg(!sys_read_file(AT_FDCWD, path, &b, &err), "%s: %s", what, err.msg);
	digest_mem(&d, DIGEST_SHA256, buf_str(&b), b.len);
	buf_clear(&b);
	return d;
}

static void look(struct left *l, const char *root, const char *dir, int depth)
{
	auto_free char *path = mem_printf("%s/%s", root, dir);
	DIR *d = opendir(path);
	struct dirent *e;

	ck_assert_ptr_nonnull(d);
	while ((e = readdir(d))) {
		auto_free char *at = mem_printf("%s%s%s", dir, *dir ? "/" : "", e->d_name);
		auto_free char *whole = mem_printf("%s/%s", root, at);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!strcmp(dir, ".tmp")) {
			l->temps++;
		} else if (e->d_type == DT_DIR && depth < 3) {
			look(l, root, at, depth + 1);
		} else if (depth == 3 && !strncmp(e->d_name, "sha256:", 7)) {
			ck_assert_uint_lt(l->n, ARRAY_LEN(l->named));
			l->named[l->n++] = file_digest(whole);
		} else if (strcmp(at, ".index") != 0 && strcmp(e->d_name, "latest.tar.gz") != 0) {
			if (!l->strange++)
				snprintf(l->first_strange, sizeof(l->first_strange), "%s", at);
		}
	}
	closedir(d);
}

static void look_around(const struct world *w, struct left *l)
{
	*l = (struct left){0};
	look(l, w->root, "", 0);
	ck_assert_msg(!l->strange, "%s: what is '%s'?", what, l->first_strange);
}

static enum store_got ask(const struct world *w, const char *path, struct digest *d)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	enum store_got got;
	char page[16384];
	ssize_t n;
	int fd = -1;

	ck_assert_int_eq(store_path_parse(&p, path, &err), 0);
	got = store_get(w->store, &p, &f, &fd);
	while (got == STORE_HIT && (n = read(fd, page, sizeof(page))) > 0)
		buf_add(&b, page, (size_t)n);
	digest_mem(d, DIGEST_SHA256, buf_str(&b), b.len);
	sys_close(fd);
	return got;
}

/* ---- what must be so ------------------------------------------------------------------------- */

#define LATEST "ocirepository/apps/web/latest.tar.gz"

/* The digests that a status has named so far; what is served has one of these. */
static struct {
	char text[8][DIGEST_TEXT_MAX];
	unsigned n;
} told;

static bool text_was_told(const char *text)
{
	unsigned i;

	for (i = 0; i < told.n && strcmp(told.text[i], text) != 0; i++)
		;
	return i < told.n;
}

static bool was_told(const struct digest *d)
{
	char text[DIGEST_TEXT_MAX];

	return text_was_told(digest_format(d, text));
}

static void tell_text(const char *text)
{
	if (!*text || text_was_told(text))
		return;
	ck_assert_uint_lt(told.n, ARRAY_LEN(told.text));
	snprintf(told.text[told.n++], DIGEST_TEXT_MAX, "%s", text);
}

static void tell(struct world *w)
{
	tell_text(world_status(w, "web", "artifact.digest"));
}

/* What is there before anybody dies. */
static void tell_files(struct world *w)
{
	char text[DIGEST_TEXT_MAX];
	struct left l;
	unsigned i;

	told.n = 0;
	tell(w);
	look_around(w, &l);
	for (i = 0; i < l.n; i++)
		tell_text(digest_format(&l.named[i], text));
}

static void check_served(struct world *w, const char *path)
{
	struct digest d;

	if (ask(w, path, &d) != STORE_HIT)
		return;
	tell(w);
	ck_assert_msg(was_told(&d), "%s: '%s' is served with other bytes than a status names", what,
		path);
}

/* Time passes for the next process: what fails is asked again. */
static void pass_time(struct world *w)
{
	static uint64_t last;
	uint64_t now = clock_ns() / 1000000;

	if (last && now > last)
		loop_test_advance(w->loop, now - last < 100 ? now - last : 100);
	last = now;
}

static bool is_healed(struct world *w)
{
	const char *path;

	pass_time(w);
	tell(w);
	check_served(w, LATEST);
	path = world_status(w, "web", "artifact.path");
	if (*path) {
		auto_free char *copy = mem_strdup(path);

		check_served(w, copy);
	}
	if (!scene->revision)
		return !fake_kube_get(w->kube, "ocirepositories", "apps", "web");
	return !strcmp(world_status(w, "web", "Ready.status"), "True") &&
		!strncmp(world_status(w, "web", "artifact.revision"), scene->revision,
			strlen(scene->revision)) &&
		store_ready(w->store);
}

static void check_is(struct world *w, const char *path, const char *digest)
{
	char text[DIGEST_TEXT_MAX];
	struct digest d;

	ck_assert_msg(ask(w, path, &d) == STORE_HIT, "%s: '%s' is not served", what, path);
	digest_format(&d, text);
	ck_assert_msg(!strcmp(text, digest), "%s: '%s' is %s, and the status says %s", what, path,
		text, digest);
}

static void check_healed(struct world *w)
{
	auto_free char *digest = mem_strdup(world_status(w, "web", "artifact.digest"));
	auto_free char *path = mem_strdup(world_status(w, "web", "artifact.path"));
	struct digest d;
	struct left l;

	look_around(w, &l);
	ck_assert_msg(!l.temps, "%s: %u temporary files", what, l.temps);
	ck_assert_msg(l.n <= scene->files, "%s: %u files", what, l.n);
	if (!scene->revision) {
		ck_assert_msg(ask(w, LATEST, &d) == STORE_MISS, "%s: it is served", what);
		return;
	}
	check_is(w, path, digest);
	check_is(w, LATEST, digest);
}

/* False: the point was not reached. All must be well then, too. */
static bool kill_at(const struct trail_stop *at)
{
	struct world w;
	struct left l;
	unsigned i;
	bool died;

	snprintf(what, sizeof(what), "SEED=%u, %s, killed at '%s' %u", seed, scene->name, at->point,
		at->nth);
	play_begin(&w);
	tell_files(&w);
	died = has_died(&w, at);
	tell(&w);
	look_around(&w, &l);
	world_start(&w);
	world_until(&w, is_healed, what);
	world_settle(&w);
	ck_assert_msg(is_healed(&w), "%s: it did not stay healed", what);
	check_healed(&w);
	/* What had a name is what a status named before, or names now. */
	for (i = 0; i < l.n && scene->revision; i++)
		ck_assert_msg(was_told(&l.named[i]), "%s: a file with strange bytes", what);
	play_end(&w);
	return died;
}

/* A busy machine may let a process take another way than it took before. */
static void kill_surely(const struct trail_stop *at)
{
	int tries = 3;

	while (!kill_at(at))
		ck_assert_msg(--tries, "%s: not reached", what);
}

/* ---- the tests ------------------------------------------------------------------------------- */

/* The trail of `scene`. */
static struct trail_stop *learned(unsigned *n)
{
	const struct trail_stop *stops;
	struct trail_stop *copy;

	learn();
	stops = trail_stops(n);
	copy = mem_alloc(*n * sizeof(*copy));
	memcpy(copy, stops, *n * sizeof(*copy));
	return copy;
}

static bool is_one_of(const char *point, const char *const *list)
{
	for (; *list && strcmp(*list, point) != 0; list++)
		;
	return *list;
}

/* Something is about to change that others see, or has just changed. */
static bool changes(const struct trail_stop *at)
{
	static const char *const CHANGES[] = {"sys.write", "sys.fdatasync", "sys.rename",
		"sys.unlink", "sys.mkdir", "sys.symlink", "store.written", "store.synced",
		"store.renamed", "store.linked", "store.removing", "kube/request+",
		"reconcile/status+", "reconcile/end", NULL};

	return is_one_of(at->point, CHANGES);
}

/* Is it new, in all scenes so far? */
static bool is_new(const char *point)
{
	static char seen[400][SYS_POINT_MAX];
	static unsigned n;
	unsigned i;

	for (i = 0; i < n && strcmp(seen[i], point) != 0; i++)
		;
	if (i < n)
		return false;
	ck_assert_uint_lt(n, ARRAY_LEN(seen));
	snprintf(seen[n++], SYS_POINT_MAX, "%s", point);
	return true;
}

/* A row that is added later wants a scene that passes it. */
static void check_all_rows(void)
{
	const struct kind *k = &ocirepository_kind;
	const struct step *const tables[] = {
		k->work, k->work_last, k->restore, k->restore_last, k->remove, k->remove_last};
	const struct step *s;
	size_t i;

	for (i = 0; i < ARRAY_LEN(tables); i++)
		for (s = tables[i]; s->name; s++) {
			auto_free char *point = mem_printf("reconcile/%s", s->name);

			ck_assert_msg(!is_new(point), "no scene passes '%s'", point);
		}
}

START_TEST(test_every_point)
{
	unsigned s, turn = 0;

	for (s = 0; s < scenes_count; s++) {
		auto_free struct trail_stop *stops = NULL;
		unsigned n, i;

		scene = &scenes[s];
		stops = learned(&n);
		for (i = 0; i < n; i++)
			if ((is_new(stops[i].point) || changes(&stops[i])) &&
				turn++ % PARTS == (unsigned)_i)
				kill_surely(&stops[i]);
	}
	check_all_rows();
}
END_TEST

static int by_name(const void *a, const void *b)
{
	const struct trail_stop *x = a, *y = b;
	int names = strcmp(x->point, y->point);

	return names ? names : (int)x->nth - (int)y->nth;
}

/* A point first, then one of its passages: the same ones for the same seed, even where threads
   passed in another order. */
static struct trail_stop *choose(struct trail_stop *sorted, unsigned n, unsigned *state)
{
	unsigned points = 0, which, i, passages;

	for (i = 0; i < n; i++)
		points += sorted[i].nth == 1;
	which = (unsigned)rand_r(state) % points;
	for (i = 0; sorted[i].nth != 1 || which--; i++)
		;
	for (passages = 1; i + passages < n && sorted[i + passages].nth != 1; passages++)
		;
	return &sorted[i + (unsigned)rand_r(state) % passages];
}

/* Any passage of any point. */
START_TEST(test_random_passages)
{
	auto_free struct trail_stop *stops = NULL;
	unsigned n, i, state = seed + (unsigned)_i;

	scene = &scenes[_i];
	stops = learned(&n);
	qsort(stops, n, sizeof(*stops), by_name);
	for (i = 0; i < random_kills; i++)
		kill_at(choose(stops, n, &state));
}
END_TEST

static unsigned number_of(const char *variable, unsigned otherwise)
{
	const char *given = getenv(variable);

	return given ? (unsigned)strtoul(given, NULL, 10) : otherwise;
}

Suite *suite_kills(void);
Suite *suite_kills(void)
{
	Suite *s = suite_create("kills");
	TCase *tc = tcase_create("kills");

	seed = number_of("SEED", (unsigned)time(NULL) ^ (unsigned)getpid());
	random_kills = number_of("RANDOM_KILLS", RANDOM_KILLS);
	printf("kills: SEED=%u\n", seed);
	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_every_point, 0, PARTS);
	tcase_add_loop_test(tc, test_random_passages, 0, (int)scenes_count);
	suite_add_tcase(s, tc);
	return s;
}
