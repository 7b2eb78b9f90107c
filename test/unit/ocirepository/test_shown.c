#include "ctl/shown.h"

#include "base/clock.h"
#include "base/history.h"
#include "base/mem.h"
#include "base/obj.h"
#include "page/row.h"
#include "source/item.h"
#include "test/unit/ocirepository/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_shown(void);

/* One object as the page has it. */
static void row_take(void *arg, const struct page_row *r)
{
	*(json_t **)arg = row_json(r, true);
}

static json_t *row_of(struct world *w, const char *name)
{
	auto_free char *key = mem_printf("apps/%s", name);
	json_t *o = NULL;

	ck_assert(shown_row(w->c, key, row_take, &o));
	return o;
}

#define ck_text(o, key, want) ck_assert_str_eq(obj_str_or("", o, key), want)

static const struct {
	const char *name, *spec, *url, *reference, *state;
} shown[] = {
	{"a tag", "\"ref\":{\"tag\":\"1.0\"}", NULL, "tag 1.0", "ready"},
	{"none", "\"ref\":{}", NULL, "tag latest", "failed"},
	{"semver before tag", "\"ref\":{\"tag\":\"x\",\"semver\":\">=1.0\"}", NULL, "semver >=1.0",
		"ready"},
	{"with a filter", "\"ref\":{\"semver\":\"1.x\",\"semverFilter\":\"^1\"}", NULL,
		"semver 1.x, filter ^1", "ready"},
	{"digest before all",
		"\"ref\":{\"semver\":\"1.x\",\"digest\":"
		"\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\"}",
		NULL,
		"digest sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"failed"},
	{"suspended", "\"suspend\":true,\"ref\":{\"tag\":\"1.0\"}", NULL, "tag 1.0", "suspended"},
	{"credentials in the URL", "\"url\":\"oci://user:hunter2@r.example/app?token=hunter2\"",
		"oci://r.example/app", "tag latest", "failed"},
};

START_TEST(test_spec)
{
	struct world w;
	struct fake_image image, version;
	auto_json json_t *o = NULL;
	auto_free char *all = NULL, *patch = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_push(&w, "1.0.0", &w.layer, &version);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	fake_on(w.reg, "GET", "/v2/app/tags/list")->body =
		"{\"name\":\"app\",\"tags\":[\"1.0.0\"]}";
	patch = mem_printf("{\"spec\":{\"ref\":null,%s}}", shown[_i].spec);
	if (!strstr(shown[_i].spec, "\"ref\""))
		fake_kube_merge(w.kube, "ocirepositories", "apps", "web", patch);
	else
		world_object(&w, "web", shown[_i].spec);
	world_start(&w);
	world_settle(&w);
	o = row_of(&w, "web");
	ck_text(o, "reference", shown[_i].reference);
	ck_text(o, "state", shown[_i].state);
	if (shown[_i].url)
		ck_text(o, "url", shown[_i].url);
	all = json_dumps(o, 0);
	ck_assert_msg(!strstr(all, "hunter2"), "%s", all);
	fake_image_clear(&image);
	fake_image_clear(&version);
	world_clear(&w);
}
END_TEST

/* A new revision leaves the one before, and when it came; without keep_history nothing is kept. */
START_TEST(test_revisions)
{
	struct world w;
	struct fake_image first, second;
	auto_json json_t *o = NULL;
	auto_free char *was = NULL, *now = NULL;
	const json_t *revisions, *events;
	struct artifact_item *a;

	world_init(&w);
	w.opts.controller.keep_history = _i == 0;
	world_push(&w, "1.0", &w.layer, &first);
	was = mem_printf("1.0@%s", first.manifest_text);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	a = ARTIFACT_ITEM(world_item(&w, "web"));
	ck_assert_ptr_null(a->revisions);
	world_push(&w, "2.0", &w.layer2, &second);
	now = mem_printf("2.0@%s", second.manifest_text);
	fake_kube_merge(
		w.kube, "ocirepositories", "apps", "web", "{\"spec\":{\"ref\":{\"tag\":\"2.0\"}}}");
	world_settle(&w);
	ck_assert_str_eq(world_status(&w, "web", "artifact.revision"), now);
	o = row_of(&w, "web");
	revisions = obj_get(o, "revisions");
	events = obj_get(o, "events");
	ck_text(o, "revision", now);
	/* Only what is remembered can say why. */
	ck_assert_int_eq(
		strstr(obj_str_or("", o, "why"), "stored artifact with revision") != NULL, !_i);
	if (_i) {
		ck_assert_ptr_null(a->revisions);
		ck_assert_ptr_null(a->item.events);
	} else {
		ck_assert_uint_eq(json_array_size(revisions), 2);
		ck_text(json_array_get(revisions, 0), "revision", was);
		ck_text(json_array_get(revisions, 1), "revision", now);
		ck_text(json_array_get(revisions, 1), "time",
			world_status(&w, "web", "artifact.lastUpdateTime"));
		ck_assert_uint_eq(json_array_size(events), 2);
		ck_text(json_array_get(events, 1), "reason", "NewArtifact");
	}
	fake_image_clear(&first);
	fake_image_clear(&second);
	world_clear(&w);
}
END_TEST

/* After a restart the present revision has the time of the status. */
START_TEST(test_restart)
{
	struct world w;
	struct fake_image image;
	auto_json json_t *before = NULL, *after = NULL;

	world_init(&w);
	w.opts.controller.keep_history = true;
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	before = row_of(&w, "web");
	world_stop(&w);
	clock_fake_add(3600000);
	world_start(&w);
	world_settle(&w);
	after = row_of(&w, "web");
	ck_assert_str_ne(obj_str_or("", after, "updated"), "");
	ck_text(after, "updated", obj_str(before, "updated"));
	ck_text(after, "revision", obj_str(before, "revision"));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

static void brief_take(void *arg, const struct page_brief *b)
{
	char *all = arg;

	snprintf(all + strlen(all), 200, "%s %s %s;", b->key, b->ns, page_state_name(b->state));
}

START_TEST(test_walk)
{
	struct world w;
	struct fake_image image;
	char all[1000] = "";
	struct page_cursor at = {0};
	json_t *none = NULL;

	world_init(&w);
	world_push(&w, "1.0", &w.layer, &image);
	world_object(&w, "web", "\"ref\":{\"tag\":\"1.0\"}");
	world_start(&w);
	world_settle(&w);
	ck_assert(!shown_walk(w.c, &at, brief_take, all));
	ck_assert_str_eq(all, "ocirepository/apps/web apps ready;");
	ck_assert(!shown_row(w.c, "apps/other", row_take, &none));
	ck_assert(!shown_row(w.c, "apps", row_take, &none));
	ck_assert(!shown_row(w.c, "apps/", row_take, &none));
	ck_assert(!shown_row(w.c, "/web", row_take, &none));
	ck_assert(!shown_row(w.c, "apps/web/x", row_take, &none));
	ck_assert(!shown_row(w.c, "", row_take, &none));
	fake_image_clear(&image);
	world_clear(&w);
}
END_TEST

Suite *suite_shown(void)
{
	Suite *s = suite_create("shown");
	TCase *t = tcase_create("shown");

	tcase_add_loop_test(t, test_spec, 0, ARRAY_LEN(shown));
	tcase_add_loop_test(t, test_revisions, 0, 2);
	tcase_add_test(t, test_restart);
	tcase_add_test(t, test_walk);
	suite_add_tcase(s, t);
	return s;
}
