#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/vec.h"
#include "embedded/tx.h"
#include "embedded/watch.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_watch(void);

#define TABLE "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
#define PARTIAL "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
#define SECRETS "/api/v1/namespaces/default/secrets"

static void expect(struct rig_watch *w, unsigned n, const char *type, const char *name)
{
	json_t *e = rig_event(w, n);

	ck_assert_msg(!strcmp(obj_str_or("", e, "type"), type), "event %u is %s, want %s", n,
		obj_str_or("", e, "type"), type);
	if (name)
		ck_assert_str_eq(obj_str_or("", e, "object", "metadata", "name"), name);
	json_decref(e);
}

static char *version_now(struct rig *r)
{
	json_t *o = rig_expect(r, 200, "GET", REPOS "?limit=1", NULL);
	char *v = mem_strdup(obj_str(o, "metadata", "resourceVersion"));

	json_decref(o);
	return v;
}

START_TEST(test_from_version)
{
	struct rig r;
	struct rig_watch w, again;
	auto_free char *version = NULL, *path = NULL;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("before", SPEC));
	version = version_now(&r);
	path = mem_printf("%s?watch=true&resourceVersion=%s", REPOS, version);
	rig_do(&r, 201, "POST", REPOS,
		REPO("between", SPEC)); /* before the watch starts: in the ring */
	rig_watch(&r, &w, path, NULL);
	expect(&w, 1, "ADDED", "between");
	rig_do(&r, 200, "PATCH", REPOS "/before", "{\"spec\":{\"interval\":\"6m\"}}");
	expect(&w, 2, "MODIFIED", "before");
	rig_do(&r, 200, "PATCH", REPOS "/before", "{\"spec\":{\"interval\":\"6m\"}}"); /* nothing */
	/* another kind */
	rig_do(&r, 201, "POST", SECRETS,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"}}");
	rig_do(&r, 200, "DELETE", REPOS "/between", NULL);
	expect(&w, 3, "DELETED", "between");
	/* A second watch from the same version sees the same. */
	rig_watch(&r, &again, path, NULL);
	expect(&again, 3, "DELETED", "between");
	rig_watch_end(&again);
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

START_TEST(test_initial)
{
	struct rig r;
	struct rig_watch w;
	json_t *e;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_do(&r, 201, "POST", REPOS, REPO("b", SPEC));
	rig_watch(
		&r, &w, REPOS "?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Db", TABLE);
	e = rig_event(&w, 1);
	ck_assert_str_eq(obj_str(e, "object", "kind"), "Table");
	ck_assert_uint_eq(json_array_size(obj_get(e, "object", "columnDefinitions")), 5);
	json_decref(e);
	rig_do(&r, 200, "PATCH", REPOS "/a", "{\"spec\":{\"interval\":\"6m\"}}");
	rig_do(&r, 200, "PATCH", REPOS "/b", "{\"spec\":{\"interval\":\"6m\"}}");
	e = rig_event(&w, 2);
	ck_assert_str_eq(obj_str(e, "type"), "MODIFIED");
	ck_assert_uint_eq(json_array_size(obj_get(e, "object", "columnDefinitions")), 0);
	same_json("cells",
		json_array_get(
			obj_get(json_array_get(obj_get(e, "object", "rows"), 0), "cells"), 0),
		"\"b\"");
	json_decref(e);
	rig_watch_end(&w);
	rig_watch(&r, &w, SECRETS "?watch=1", PARTIAL);
	rig_do(&r, 201, "POST", SECRETS,
		"{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},"
		"\"stringData\":{\"a\":\"b\"}}");
	e = rig_event(&w, 1);
	ck_assert_str_eq(obj_str(e, "object", "kind"), "PartialObjectMetadata");
	ck_assert_ptr_null(obj_get(e, "object", "data"));
	json_decref(e);
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

/* More than one slice of what is there, and changes meanwhile: nothing is missed. */
START_TEST(test_many)
{
	struct rig r;
	struct rig_watch w;
	unsigned i;

	rig_start(&r, false);
	for (i = 0; i < 450; i++) {
		auto_free char *body = mem_printf("{\"apiVersion\":\"source.toolkit.fluxcd.io/"
						  "v1\",\"kind\":\"OCIRepository\",\"metadata\":{"
						  "\"name\":\"r%04u\"},\"spec\":%s}",
			i, SPEC);

		rig_do(&r, 201, "POST", REPOS, body);
	}
	rig_watch(&r, &w, "/apis/source.toolkit.fluxcd.io/v1/ocirepositories?watch=1", NULL);
	rig_do(&r, 201, "POST", REPOS, REPO("zz", SPEC));
	expect(&w, 450, "ADDED", "r0449");
	expect(&w, 451, "ADDED", "zz");
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

/* An object that leaves the selection is DELETED for this watch, one that enters it ADDED. */
START_TEST(test_selection)
{
	struct rig r;
	struct rig_watch w;
	auto_free char *version = NULL, *path = NULL;
	json_t *e, *o;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	version = version_now(&r);
	path = mem_printf("%s?watch=true&resourceVersion=%s&labelSelector=x%%3Dy", REPOS, version);
	rig_watch(&r, &w, path, NULL);
	rig_do(&r, 200, "PATCH", REPOS "/a", "{\"spec\":{\"interval\":\"6m\"}}"); /* not selected */
	rig_do(&r, 200, "PATCH", REPOS "/a", "{\"metadata\":{\"labels\":{\"x\":\"y\"}}}");
	expect(&w, 1, "ADDED", "a");
	rig_do(&r, 200, "PATCH", REPOS "/a", "{\"metadata\":{\"labels\":{\"z\":\"1\"}}}");
	expect(&w, 2, "MODIFIED", "a");
	o = rig_expect(&r, 200, "PATCH", REPOS "/a", "{\"metadata\":{\"labels\":{\"x\":\"n\"}}}");
	e = rig_event(&w, 3);
	ck_assert_str_eq(obj_str(e, "type"), "DELETED");
	/* With the state that was selected, and the version that ended it. */
	ck_assert_str_eq(obj_str(e, "object", "metadata", "labels", "x"), "y");
	ck_assert_str_eq(obj_str(e, "object", "metadata", "resourceVersion"),
		obj_str(o, "metadata", "resourceVersion"));
	json_decref(e);
	json_decref(o);
	rig_do(&r, 200, "DELETE", REPOS "/a", NULL); /* it left already */
	rig_do(&r, 201, "POST", REPOS,
		"{\"apiVersion\":\"source.toolkit.fluxcd.io/"
		"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"b\",\"labels\":{\"x\":"
		"\"y\"}},\"spec\":" SPEC "}");
	expect(&w, 4, "ADDED", "b");
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

START_TEST(test_gone)
{
	struct rig r;
	struct rig_watch w;
	auto_free char *version = NULL, *path = NULL;
	json_t *e;

	rig_start(&r, false);
	version = version_now(&r);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_do(&r, 201, "POST", REPOS, REPO("b", SPEC));
	e = rig_expect(&r, 200, "GET", REPOS "?limit=1", NULL);
	path = mem_printf("%s?limit=1&continue=%s", REPOS, obj_str(e, "metadata", "continue"));
	json_decref(e);
	rig_restart(&r);
	/* Versions and continue tokens of before the start are gone. */
	rig_do(&r, 410, "GET", path, NULL);
	free(path);
	path = mem_printf("%s?watch=true&resourceVersion=%s", REPOS, version);
	rig_watch(&r, &w, path, NULL);
	e = rig_event(&w, 1);
	ck_assert_str_eq(obj_str(e, "type"), "ERROR");
	ck_assert_int_eq(obj_int(0, e, "object", "code"), 410);
	ck_assert_str_eq(obj_str(e, "object", "reason"), "Expired");
	json_decref(e);
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

static bool over(void *arg)
{
	return ((struct rig_watch *)arg)->done;
}

/* The last thing a watch with a time limit says is where to go on. */
START_TEST(test_timeout)
{
	struct rig r;
	struct rig_watch w;
	auto_free char *version = NULL, *path = NULL;
	json_t *e;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	version = version_now(&r);
	path = mem_printf(
		"%s?watch=true&resourceVersion=%s&timeoutSeconds=1&allowWatchBookmarks=true", REPOS,
		version);
	rig_watch(&r, &w, path, NULL);
	rig_until(&r, over, &w);
	ck_assert_int_eq(w.op->err.kind, ERR_NONE); /* a clean end */
	e = rig_event(&w, 1);
	same_json("bookmark", obj_get(e, "type"), "\"BOOKMARK\"");
	ck_assert_str_eq(obj_str(e, "object", "metadata", "resourceVersion"), version);
	ck_assert_str_eq(obj_str(e, "object", "kind"), "OCIRepository");
	json_decref(e);
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

/* Watches end when the API does. */
START_TEST(test_stop)
{
	struct rig r;
	struct rig_watch w;

	rig_start(&r, false);
	rig_do(&r, 201, "POST", REPOS, REPO("a", SPEC));
	rig_watch(&r, &w, REPOS "?watch=1", NULL);
	expect(&w, 1, "ADDED", "a");
	rig_restart(&r);
	rig_until(&r, over, &w);
	ck_assert_int_eq(w.op->err.kind, ERR_NONE);
	rig_watch_end(&w);
	rig_stop(&r);
}
END_TEST

/* ---- the ring by itself ---------------------------------------------------------------------- */

static void change(struct emb_history *h, int64_t version, size_t size)
{
	struct emb_changes cs = {0};

	*vec_add(&cs) = (struct emb_change){.type = EMB_ADDED,
		.version = version,
		.ns = mem_strdup(""),
		.name = mem_strdup("x"),
		.text = mem_zalloc(size + 1),
		.len = size};
	emb_history_add(h, &cs);
}

START_TEST(test_ring)
{
	struct loop *l = loop_new();
	struct emb_history *h = emb_history_new(l, 100);
	int64_t v;

	ck_assert_int_eq(emb_history_floor(h), 100);
	for (v = 101; v <= 100 + LIMIT_EMBEDDED_RING_EVENTS; v++)
		change(h, v, 10);
	ck_assert_int_eq(emb_history_floor(h), 100);
	ck_assert_int_eq(emb_history_version(h), 100 + LIMIT_EMBEDDED_RING_EVENTS);
	change(h, v, 10); /* one more than there is room for */
	ck_assert_int_eq(emb_history_floor(h), 101);
	/* Big ones push out what their bytes need; the newest stays, whatever its size. */
	change(h, v + 1, LIMIT_EMBEDDED_RING + 1);
	ck_assert_int_eq(emb_history_floor(h), v);
	ck_assert_int_eq(emb_history_version(h), v + 1);
	change(h, v + 2, 10);
	ck_assert_int_eq(emb_history_floor(h), v + 1);
	emb_history_free(h);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_watch(void)
{
	Suite *s = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_from_version);
	tcase_add_test(tc, test_initial);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_selection);
	tcase_add_test(tc, test_gone);
	tcase_add_test(tc, test_timeout);
	tcase_add_test(tc, test_stop);
	tcase_add_test(tc, test_ring);
	suite_add_tcase(s, tc);
	return s;
}
