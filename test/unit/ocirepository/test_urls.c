/* What the status says of where the artifact is, when the secret of artifact URLs changes: whoever
   has an artifact gets its new URL, and nothing else happens. */
#include "base/mem.h"
#include "ctl/controller.h"
#include "ctl/item.h"
#include "ctl/shown.h"
#include "ev/loop.h"
#include "ev/reread.h"
#include "serve/urls.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TAG "/v2/app/manifests/1.0.0"
#define LIST "/v2/app/tags/list"
#define HOST "http://artifacts.test./"

struct town {
	struct world w;
	struct fake_image image;
	struct fake_answer *list, *manifest; /* come before all others once they have a path */
	struct serve_urls *urls;
	struct reread *file;
	char name[48];
};

static void secret_write(struct town *t, const char *text)
{
	FILE *f = fopen(t->name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void on_taken(void *arg)
{
	controller_unsettle(((struct town *)arg)->w.c);
}

static void secret_use(struct town *t)
{
	struct err err = {0};

	t->file = serve_urls_file(t->w.loop, t->urls, t->name, &err);
	ck_assert_msg(t->file != NULL, "%s", err.msg);
	reread_on_taken(t->file, on_taken, t);
}

static void next_look(struct town *t, uint64_t ms)
{
	struct reread_stats before, now;

	reread_stats(t->file, &before);
	loop_test_advance(t->w.loop, ms);
	do {
		loop_turn(t->w.loop, false);
		reread_stats(t->file, &now);
	} while (now.looks == before.looks);
}

/* Changes the file, and it is looked at twice. */
static void secret_change(struct town *t, const char *text)
{
	secret_write(t, text);
	next_look(t, REREAD_MS);
	next_look(t, REREAD_AGAIN_MS);
	world_settle(&t->w);
}

/* Two runs found the object in order. */
static void begin(struct town *t, const char *spec, bool secret)
{
	int fd;

	memset(t, 0, sizeof(*t));
	world_init(&t->w);
	snprintf(t->name, sizeof(t->name), "/tmp/oci-unit-secret-XXXXXX");
	fd = mkstemp(t->name);
	ck_assert_int_ge(fd, 0);
	close(fd);
	secret_write(t, "the first secret of all\n");
	t->urls = serve_urls_new();
	t->w.opts.urls = t->urls;
	if (secret)
		secret_use(t);
	t->list = fake_on(t->w.reg, "GET", "/none");
	t->manifest = fake_on(t->w.reg, "GET", "/none");
	t->list->status = t->manifest->status = 404;
	fake_on(t->w.reg, "GET", LIST)->body = "{\"tags\":[\"1.0.0\"]}";
	world_push(&t->w, "1.0.0", &t->w.layer, &t->image);
	world_object(&t->w, "web", spec);
	world_start(&t->w);
	world_settle(&t->w);
	world_pass(&t->w, 60000);
	world_forget(&t->w);
}

static void end(struct town *t)
{
	reread_free(t->file);
	fake_image_clear(&t->image);
	world_clear(&t->w);
	serve_urls_free(t->urls);
	unlink(t->name);
}

/* Both URLs of the status open what they are for, today. */
static void urls_are_new(struct town *t)
{
	char out[SERVE_URL_PATH_MAX];
	const char *path = world_status(&t->w, "web", "artifact.path");
	auto_free char *url = mem_printf(HOST "%s", serve_urls_path(t->urls, path, out));
	auto_free char *latest = mem_printf(
		HOST "%s", serve_urls_path(t->urls, "ocirepository/apps/web/latest.tar.gz", out));

	ck_assert(!strncmp(path, "ocirepository/apps/web/sha256:", 30));
	ck_assert_str_eq(world_status(&t->w, "web", "artifact.url"), url);
	ck_assert_str_eq(world_status(&t->w, "web", "url"), latest);
}

static void one_write(struct town *t)
{
	ck_assert_str_eq(world_writes(&t->w), "PATCH ocirepositories/web/status\n");
	ck_assert(!world_has_event(&t->w, "NewArtifact"));
}

static void row_take(void *arg, const struct page_row *r)
{
	*(char **)arg = mem_strdup(r->artifact_url);
}

/* The status page is for those who may not read the status, too. */
START_TEST(test_page)
{
	struct town t;
	auto_free char *shown = NULL;

	begin(&t, "\"ref\":{\"tag\":\"1.0.0\"}", _i);
	ck_assert(shown_row(t.w.c, "apps/web", row_take, &shown));
	ck_assert_str_eq(shown, _i ? "" : world_status(&t.w, "web", "artifact.url"));
	end(&t);
}
END_TEST

/* Also of an object that is too large to be kept. */
START_TEST(test_rotation)
{
	struct town t;
	auto_free char *was = NULL;
	auto_free char *rules = mem_array(NULL, 300001, 1);
	auto_free char *large = NULL;

	memset(rules, '#', 300000);
	rules[300000] = '\0';
	large = mem_printf("\"ref\":{\"tag\":\"1.0.0\"},\"ignore\":\"%s\"", rules);
	begin(&t, _i ? large : "\"ref\":{\"tag\":\"1.0.0\"}", true);
	ck_assert_int_eq(world_item(&t.w, "web")->partial, _i);
	ck_assert(world_item(&t.w, "web")->settled);
	urls_are_new(&t);
	was = mem_strdup(world_status(&t.w, "web", "artifact.url"));
	secret_change(&t, "the second secret of them\nthe first secret of all\n");
	urls_are_new(&t);
	ck_assert_str_ne(world_status(&t.w, "web", "artifact.url"), was);
	one_write(&t);
	ck_assert_str_eq(fake_log(t.w.reg), "HEAD " TAG "\n");
	/* and that was all */
	world_pass(&t.w, 60000);
	world_forget(&t.w);
	world_pass(&t.w, 60000);
	ck_assert_str_eq(world_writes(&t.w), "");
	ck_assert(world_item(&t.w, "web")->settled);
	/* an older one that goes changes no URL */
	secret_change(&t, "the second secret of them\n");
	ck_assert_str_eq(world_writes(&t.w), "");
	end(&t);
}
END_TEST

/* The registry says nothing good: the artifact that is here (0) has a URL all the same, and of one
   that is lost (1) nothing is said. */
START_TEST(test_failing)
{
	struct town t;
	auto_free char *was = NULL, *file = NULL;

	begin(&t, "\"ref\":{\"semver\":\">=0.1\"}", true);
	was = mem_strdup(world_status(&t.w, "web", "artifact.url"));
	file = mem_printf("%s/%s", t.w.root, world_status(&t.w, "web", "artifact.path"));
	ck_assert_int_eq(_i ? unlink(file) : 0, 0);
	t.list->path = LIST;
	t.manifest->path = t.image.paths[1];
	secret_change(&t, "the second secret of them\n");
	ck_assert_str_eq(world_status(&t.w, "web", "Ready.status"), "False");
	if (_i)
		ck_assert_str_eq(world_status(&t.w, "web", "artifact.url"), was);
	else
		urls_are_new(&t);
	end(&t);
}
END_TEST

static bool is_asked(struct world *w)
{
	return strstr(fake_log(w->reg), TAG);
}

/* A run that goes by what the last one found has asked, and has not got its answer. */
START_TEST(test_run_in_flight)
{
	struct town t;

	begin(&t, "\"ref\":{\"tag\":\"1.0.0\"}", true);
	world_pass(&t.w, 60000);
	reread_on_taken(t.file, NULL, NULL);
	secret_change(&t, "the second secret of them\n");
	world_forget(&t.w);
	loop_test_advance(t.w.loop, 60000);
	world_until(&t.w, is_asked, "the request");
	controller_unsettle(t.w.c);
	world_settle(&t.w);
	urls_are_new(&t);
	one_write(&t);
	ck_assert_str_eq(fake_log(t.w.reg), "HEAD " TAG "\nHEAD " TAG "\n");
	end(&t);
}
END_TEST

START_TEST(test_suspended)
{
	struct town t;

	begin(&t, "\"ref\":{\"tag\":\"1.0.0\"}", true);
	fake_kube_merge(
		t.w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	world_settle(&t.w);
	world_forget(&t.w);
	secret_change(&t, "the second secret of them\n");
	urls_are_new(&t);
	one_write(&t);
	ck_assert_str_eq(fake_log(t.w.reg), "");
	end(&t);
}
END_TEST

/* A file that was lost, and brought back by its own run. */
START_TEST(test_restored)
{
	struct town t;
	auto_free char *file = NULL;

	begin(&t, "\"ref\":{\"tag\":\"1.0.0\"}", true);
	fake_kube_merge(
		t.w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"suspend\":true}}");
	world_settle(&t.w);
	file = mem_printf("%s/%s", t.w.root, world_status(&t.w, "web", "artifact.path"));
	ck_assert_int_eq(unlink(file), 0);
	secret_change(&t, "the second secret of them\n");
	urls_are_new(&t);
	end(&t);
}
END_TEST

/* rows: a secret from now on; none any more. While the controller is down, suspended or not. */
START_TEST(test_begin_and_end)
{
	struct town t;
	bool suspended = _i & 1, had = _i & 2;

	begin(&t, "\"ref\":{\"tag\":\"1.0.0\"}", had);
	if (suspended)
		fake_kube_merge(t.w.kube, "ocirepositories", "apps", "web",
			"{\"spec\":{\"suspend\":true}}");
	world_settle(&t.w);
	world_stop(&t.w);
	if (had) {
		reread_free(MOVE(t.file));
		serve_urls_free(t.urls);
		t.w.opts.urls = t.urls = serve_urls_new();
	} else {
		secret_use(&t);
	}
	world_forget(&t.w);
	world_start(&t.w);
	world_settle(&t.w);
	urls_are_new(&t);
	one_write(&t);
	end(&t);
}
END_TEST

Suite *suite_urls(void);
Suite *suite_urls(void)
{
	Suite *s = suite_create("urls");
	TCase *tc = tcase_create("urls");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_page, 0, 2);
	tcase_add_loop_test(tc, test_rotation, 0, 2);
	tcase_add_loop_test(tc, test_failing, 0, 2);
	tcase_add_test(tc, test_run_in_flight);
	tcase_add_test(tc, test_suspended);
	tcase_add_test(tc, test_restored);
	tcase_add_loop_test(tc, test_begin_and_end, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
