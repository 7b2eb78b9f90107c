/* Payloads that name what was pushed. */
#include "base/mem.h"
#include "ev/loop.h"
#include "image/catalog.h"
#include "store/root.h"
#include "test/unit/receiver/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_push(void);

#define IMAGE(name) "{\"kind\":\"ImageRepository\",\"name\":\"" name "\"}"
#define ALL \
	IMAGE("app") \
	"," IMAGE("db") "," IMAGE("unknown") "," \
					     "{\"kind\":\"ImageRepository\",\"name\":\"far\"," \
					     "\"namespace\":\"other\"}," \
					     "{\"kind\":\"OCIRepository\",\"name\":\"web\"}"
#define DOCKERHUB(repo) \
	"{\"push_data\":{\"tag\":\"1.2\"},\"repository\":{\"repo_url\":" \
	"\"https://hub.docker.com/r/" repo "\",\"repo_name\":\"" repo "\"}}"
#define HARBOR(repo) \
	"{\"type\":\"PUSH_ARTIFACT\",\"event_data\":{\"resources\":[{\"digest\":\"sha256:" \
	"0000000000000000000000000000000000000000000000000000000000000000\",\"tag\":\"1.2\"," \
	"\"resource_url\":\"" repo ":1.2\"}]}}"

struct scene {
	struct world w;
	struct store_root root;
	char path[64];
	struct image_catalog *catalog;
	char fed[256]; /* "apps/app; " */
};

static void on_push(void *arg, const struct image_entry *e)
{
	struct scene *s = arg;
	size_t n = strlen(s->fed);

	ck_assert_str_eq(e->pushed.p[e->pushed.len - 1].tag, "1.2");
	snprintf(s->fed + n, sizeof(s->fed) - n, "%s; ", e->key);
}

static void image(struct scene *s, const char *ns, const char *name, const char *image)
{
	struct image_facts f = {.image = mem_strdup(image)};

	image_catalog_put(s->catalog, ns, name, &f, NULL);
	world_object(&s->w, "imagerepositories", ns, name, NULL);
}

static void begin(struct scene *s, const char *type, const char *annotation)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"hook\",\"namespace\":\"apps\",\"annotations\":{%s}},"
		"\"spec\":{\"type\":\"%s\",\"secretRef\":{\"name\":\"t\"},\"resources\":[" ALL
		"]}}",
		annotation, type);
	struct err err = {0};

	*s = (struct scene){0};
	snprintf(s->path, sizeof(s->path), "/tmp/receiver-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(s->path));
	ck_assert(!store_root_open(&s->root, s->path, &err));
	world_init(&s->w);
	s->catalog = image_catalog_new(s->w.loop, &s->root);
	image_catalog_on_push(s->catalog, on_push, s);
	s->w.opts.catalog = s->catalog;
	world_secret(&s->w, "t", TOKEN);
	image(s, "apps", "app", "docker.io/org/app");
	image(s, "apps", "db", "docker.io/org/db");
	/* Of the same image, and none of the Receiver's business. */
	image(s, "other", "app", "docker.io/org/app");
	/* It is to be woken, and whoever calls is not believed there. */
	image(s, "other", "far", "docker.io/org/db");
	image(s, "apps", "app2", "docker.io/org/app");
	world_object(&s->w, "imagerepositories", "apps", "unknown", NULL);
	world_object(&s->w, "ocirepositories", "apps", "web", NULL);
	world_start(&s->w);
	fake_kube_put(s->w.kube, "receivers", json);
	world_settle(&s->w);
}

static void end(struct scene *s)
{
	auto_free char *rm = mem_printf("rm -rf %s", s->path);

	image_catalog_on_push(s->catalog, NULL, NULL);
	image_catalog_free(s->catalog);
	world_clear(&s->w);
	store_root_close(&s->root);
	ck_assert_int_eq(system(rm), 0);
}

/* Which were annotated: "app db unknown web". */
static const char *asked(struct scene *s)
{
	static const char *const images[] = {"app", "db", "unknown", "app2"};
	static char out[128];
	size_t i;

	out[0] = '\0';
	for (i = 0; i < ARRAY_LEN(images); i++)
		if (*world_asked(&s->w, "imagerepositories", "apps", images[i]))
			snprintf(out + strlen(out), sizeof(out) - strlen(out), "%s ", images[i]);
	if (*world_asked(&s->w, "ocirepositories", "apps", "web"))
		snprintf(out + strlen(out), sizeof(out) - strlen(out), "web");
	return out;
}

#define SELECT "\"oci-source-controller/payload\":\"select\""
#define FEED "\"oci-source-controller/payload\":\"feed\""
#define OPEN "dockerhub"
#define PROVEN "harbor"

static const struct {
	const char *type, *annotation, *body, *asked, *fed;
} PUSHES[] = {
	/* Whoever knows the path could say so: it is no more than Flux makes of it. */
	{OPEN, "", DOCKERHUB("org/app"), "app db unknown web", ""},
	{OPEN, FEED, DOCKERHUB("org/app"), "app db unknown web", "apps/app; "},
	{OPEN, SELECT, DOCKERHUB("org/app"), "app web", "apps/app; "},
	{OPEN, SELECT, DOCKERHUB("org/none"), "app db unknown web", ""},
	{OPEN, SELECT, "{}", "app db unknown web", ""},
	{PROVEN, "", HARBOR("index.docker.io/org/db"), "app db unknown web", "apps/db; "},
	{PROVEN, SELECT, HARBOR("index.docker.io/org/db"), "db web", "apps/db; "},
	{PROVEN, SELECT, HARBOR("ghcr.io/org/db"), "app db unknown web", ""},
};

START_TEST(test_pushes)
{
	struct scene s;

	begin(&s, PUSHES[_i].type, PUSHES[_i].annotation);
	ck_assert_int_eq(world_post(&s.w, world_path(&s.w),
				 "Content-Type: application/json\r\nAuthorization: " TOKEN "\r\n",
				 PUSHES[_i].body),
		200);
	ck_assert_str_eq(asked(&s), PUSHES[_i].asked);
	ck_assert_str_eq(s.fed, PUSHES[_i].fed);
	if (!strstr(PUSHES[_i].asked, "app web"))
		ck_assert(*world_asked(&s.w, "imagerepositories", "other", "far"));
	end(&s);
}
END_TEST

/* Of a call that is refused, or that fails, nothing is believed. */
START_TEST(test_pushes_of_bad_calls)
{
	struct scene s;

	begin(&s, PROVEN, SELECT);
	ck_assert_int_eq(world_post(&s.w, world_path(&s.w), "Authorization: wrong\r\n",
				 HARBOR("index.docker.io/org/db")),
		400);
	ck_assert_str_eq(asked(&s), "");
	fake_kube_fail(s.w.kube, "PATCH imagerepositories/db", 500, 10);
	ck_assert_int_eq(world_post(&s.w, world_path(&s.w), "Authorization: " TOKEN "\r\n",
				 HARBOR("index.docker.io/org/db")),
		500);
	ck_assert_str_eq(s.fed, "");
	end(&s);
}
END_TEST

Suite *suite_push(void)
{
	Suite *s = suite_create("push");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_pushes, 0, (int)ARRAY_LEN(PUSHES));
	tcase_add_test(t, test_pushes_of_bad_calls);
	suite_add_tcase(s, t);
	return s;
}
