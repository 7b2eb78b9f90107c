/*
 * Everything at once, by dice: specs that change, objects that go and come back, Secrets, refused
 * writes, late watches, files that vanish, a registry that fails, restarts. Whatever happened
 * before, when it is quiet again every object is Ready, its file is what its status says, and
 * nothing else is on the disk. CHAOS_SEED=n in the environment runs that one only.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "ctl/item.h"
#include "ctl/run.h"
#include "ev/loop.h"
#include "source/env.h"
#include "store/store.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OBJECTS 5
#define ROUNDS 150

static unsigned long long state;

static unsigned dice(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % n;
}

static const char *name_of(unsigned i)
{
	static char name[8];

	snprintf(name, sizeof(name), "o%u", i);
	return name;
}

static bool is_there(struct world *w, const char *name)
{
	return fake_kube_get(w->kube, "ocirepositories", "apps", name) != NULL;
}

static void merge(struct world *w, const char *name, const char *patch)
{
	if (is_there(w, name))
		fake_kube_merge(w->kube, "ocirepositories", "apps", name, patch);
}

static void make(struct world *w, const char *name)
{
	if (!is_there(w, name))
		world_object(w, name,
			dice(2) ? "\"ref\":{\"tag\":\"1.0\"}"
				: "\"ref\":{\"tag\":\"1.0\"},\"secretRef\":{\"name\":\"pull\"}");
}

static void write_secret(struct world *w)
{
	fake_kube_put(w->kube, "secrets",
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":\"Opaque\"}");
}

static void relabel(void *arg)
{
	struct world *w = arg;

	merge(w, name_of(dice(OBJECTS)), "{\"metadata\":{\"labels\":{\"a\":\"b\"}}}");
}

static void fail_a_write(struct world *w, const char *name)
{
	static const int codes[] = {409, 500, 503};
	auto_free char *line =
		mem_printf("PATCH ocirepositories/%s%s", name, dice(3) ? "/status" : "");

	if (dice(2))
		fake_kube_fail(w->kube, line, codes[dice(3)], 1);
	else
		fake_kube_hook(w->kube, line, relabel, w);
}

static void lose_a_file(struct world *w, const char *name)
{
	auto_free char *path = mem_printf("%s/%s", w->root, world_status(w, name, "artifact.path"));

	if (!*world_status(w, name, "artifact.path"))
		return;
	if (dice(2)) {
		unlink(path);
	} else {
		FILE *f = fopen(path, "r+");

		if (f) {
			fputs("garbage", f);
			fclose(f);
		}
	}
}

static void request(struct world *w, const char *name)
{
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	int fd = -1;

	if (!store_path_parse(&p, world_status(w, name, "artifact.path"), &err))
		store_get(w->store, &p, &f, &fd);
	sys_close(fd);
}

static void restart(struct world *w)
{
	fake_kube_mute(w->kube, false);
	world_stop(w);
	world_start(w);
}

static void round_of(struct world *w, struct fake_answer *silent, const char *const paths[3])
{
	const char *name = name_of(dice(OBJECTS));
	char patch[128];
	unsigned i, n;

	switch (dice(16)) {
	case 0:
		merge(w, name, "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
		break;
	case 1:
		merge(w, name, "{\"spec\":{\"ref\":{\"tag\":\"1.0\"}}}");
		break;
	case 2:
		merge(w, name, "{\"spec\":{\"ref\":{\"tag\":\"none\"}}}");
		break;
	case 3:
		merge(w, name,
			dice(2) ? "{\"spec\":{\"ignore\":\"*.md\"}}"
				: "{\"spec\":{\"ignore\":null}}");
		break;
	case 4:
		merge(w, name,
			dice(2) ? "{\"spec\":{\"suspend\":true}}"
				: "{\"spec\":{\"suspend\":null}}");
		break;
	case 5:
		snprintf(patch, sizeof(patch),
			"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/"
			"requestedAt\":\"%u\"}}}",
			dice(1000));
		merge(w, name, patch);
		break;
	case 6:
		if (is_there(w, name))
			fake_kube_delete(w->kube, "ocirepositories", "apps", name);
		break;
	case 7:
		merge(w, name, "{\"metadata\":{\"finalizers\":null}}");
		if (dice(2) && is_there(w, name)) {
			fake_kube_delete(w->kube, "ocirepositories", "apps", name);
			make(w, name);
		}
		break;
	case 8:
		make(w, name);
		break;
	case 9:
		if (dice(2) && fake_kube_get(w->kube, "secrets", "apps", "pull"))
			fake_kube_delete(w->kube, "secrets", "apps", "pull");
		else
			write_secret(w);
		break;
	case 10:
		fail_a_write(w, name);
		break;
	case 11:
		lose_a_file(w, name);
		request(w, name);
		break;
	case 12:
		silent->way = dice(2) ? FAKE_SILENT : FAKE_RESET;
		silent->path = dice(2) ? paths[dice(3)] : "";
		break;
	case 13:
		fake_kube_mute(w->kube, dice(2));
		break;
	case 14:
		if (!dice(3))
			restart(w);
		break;
	default:
		loop_test_advance(w->loop, dice(4) ? dice(3000) : dice(70000));
	}
	n = dice(60);
	for (i = 0; i < n; i++)
		loop_turn(w->loop, false);
}

/* The clock moves on when all runs have ended, or hang: workers and connections need real time. */
static void quiet(struct world *w, unsigned seconds)
{
	unsigned i, k;

	while (seconds--) {
		loop_test_advance(w->loop, 1000);
		for (i = 0; i < 50; i++) {
			for (k = 0; k < 20; k++)
				loop_turn(w->loop, false);
			if (!w->c->queue.running && !w->c->queue.ready && !SOURCE_ENV(w->c)->looks)
				break;
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		}
	}
}

static int files(struct world *w, const char *name)
{
	auto_free char *dir = mem_printf("%s/ocirepository/apps/%s", w->root, name);
	DIR *d = opendir(dir);
	struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, "sha256:", 7);
	if (d)
		closedir(d);
	return n;
}

static void check_object(struct world *w, const char *name, const char *want)
{
	char text[DIGEST_TEXT_MAX];
	struct store_path p;
	struct store_file f;
	struct err err = {0};
	struct buf file;
	struct digest d;
	int fd = -1;

	ck_assert_msg(!strcmp(world_status(w, name, "Ready.status"), "True"), "%s: %s", name,
		world_status(w, name, "Ready.message"));
	ck_assert_str_eq(world_status(w, name, "artifact.digest"), want);
	world_file(w, name, &file);
	digest_mem(&d, DIGEST_SHA256, file.p, file.len);
	ck_assert_msg(!strcmp(digest_format(&d, text), want), "%s: other bytes on the disk", name);
	buf_clear(&file);
	ck_assert_int_eq(store_path_parse(&p, world_status(w, name, "artifact.path"), &err), 0);
	ck_assert_msg(store_get(w->store, &p, &f, &fd) == STORE_HIT, "%s is not served", name);
	sys_close(fd);
	ck_assert_msg(files(w, name) == 1, "%s has %d files", name, files(w, name));
}

START_TEST(test_chaos)
{
	const char *seed = getenv("CHAOS_SEED");
	struct world w;
	struct fake_image image, next;
	struct fake_answer *silent;
	const char *paths[3];
	unsigned i;

	if (seed && _i)
		return;
	state = 88172645463325252ULL * (unsigned)((seed ? atoi(seed) : _i) + 1);
	world_init(&w);
	w.opts.controller.concurrent = 2;
	silent = fake_on(w.reg, "GET", "");
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "2.0", &w.layer2, &next);
	paths[0] = image.paths[1];
	paths[1] = image.paths[2];
	paths[2] = next.paths[2];
	write_secret(&w);
	for (i = 0; i < OBJECTS; i++)
		make(&w, name_of(i));
	world_start(&w);
	for (i = 0; i < ROUNDS; i++)
		round_of(&w, silent, paths);
	/* Peace. */
	silent->path = "";
	fake_kube_mute(w.kube, false);
	fake_kube_behave(w.kube);
	write_secret(&w);
	quiet(&w, 100);
	for (i = 0; i < OBJECTS; i++) {
		make(&w, name_of(i));
		merge(&w, name_of(i),
			"{\"spec\":{\"ref\":{\"tag\":\"1.0\"},\"suspend\":null,\"ignore\":null}}");
	}
	quiet(&w, 240);
	world_settle(&w);
	for (i = 0; i < OBJECTS; i++)
		check_object(&w, name_of(i), image.layer_text);
	ck_assert_uint_eq(w.c->items, OBJECTS);
	ck_assert_uint_eq(w.c->lanes.pulls.held, 0);
	ck_assert_uint_eq(SOURCE_ENV(w.c)->looks, 0);
	ck_assert_uint_eq(w.c->leaving.len, 0);
	for (i = 0; i < OBJECTS; i++) {
		merge(&w, name_of(i), "{\"spec\":{\"suspend\":true}}");
		fake_kube_delete(w.kube, "ocirepositories", "apps", name_of(i));
	}
	for (i = 0; i < 5; i++)
		world_pass(&w, 1000);
	ck_assert_uint_eq(w.c->items, 0);
	for (i = 0; i < OBJECTS; i++)
		ck_assert_int_eq(files(&w, name_of(i)), 0);
	fake_image_clear(&image);
	fake_image_clear(&next);
	world_clear(&w);
}
END_TEST

Suite *suite_chaos(void);
Suite *suite_chaos(void)
{
	Suite *s = suite_create("chaos");
	TCase *tc = tcase_create("chaos");

	tcase_set_timeout(tc, 120);
	tcase_add_loop_test(tc, test_chaos, 0, 8);
	suite_add_tcase(s, tc);
	return s;
}
