/* What a call does: which objects it wakes, when it fails, how calls are merged. */
#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ctl/controller.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "test/unit/receiver/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_call(void);

#define SPEC(resources) \
	"\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},\"resources\":[" resources "]"
#define OCI(name) "{\"kind\":\"OCIRepository\",\"name\":\"" name "\"}"
#define JSON "Content-Type: application/json\r\n"

static void begin(struct world *w, const char *spec)
{
	world_init(w);
	world_secret(w, "t", TOKEN);
	world_start(w);
	world_receiver(w, spec);
	ck_assert_str_eq(world_status(w, "Ready.status"), "True");
}

static int post(struct world *w, const char *body)
{
	return world_post(w, world_path(w), JSON, body);
}

static bool is_asked(struct world *w, const char *plural, const char *ns, const char *name)
{
	return *world_asked(w, plural, ns, name) != '\0';
}

/* ---- resources ------------------------------------------------------------------------------- */

START_TEST(rc_23_missing)
{
	struct world w;

	begin(&w, SPEC(OCI("none")));
	ck_assert_int_eq(post(&w, "{}"), 500);
	ck_assert_str_eq(w.body, "not every resource could be made to reconcile\n");
	world_clear(&w);
	begin(&w, SPEC(OCI("none") "," OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	ck_assert_int_eq(post(&w, "{}"), 500);
	ck_assert(is_asked(&w, "ocirepositories", "apps", "web"));
	world_clear(&w);
}
END_TEST

#define LABELED(labels) "{\"kind\":\"Bucket\",\"name\":\"*\"" labels "}"

static const struct {
	const char *spec;
	int status, asked;
} BY_LABELS[] = {
	{SPEC(LABELED(",\"matchLabels\":{\"app\":\"a\"}")), 200, 2},
	{SPEC(LABELED(",\"matchLabels\":{\"app\":\"a\",\"tier\":\"x\"}")), 200, 1},
	{SPEC(LABELED(",\"matchLabels\":{\"app\":\"none\"}")), 200, 0},
	{SPEC(LABELED("")), 500, 0},
	{SPEC(LABELED(",\"matchLabels\":{}")), 200, 3},
	{SPEC(LABELED(",\"matchLabels\":{\"not a label\":\"a\"}")), 500, 0},
	{SPEC("{\"kind\":\"Bucket\",\"name\":\"*\",\"namespace\":\"other\",\"matchLabels\":{}}"),
		200, 4},
};

START_TEST(rc_24_labels)
{
	struct world w;
	int asked;

	begin(&w, BY_LABELS[_i].spec);
	world_object(&w, "buckets", "apps", "a1", "{\"app\":\"a\"}");
	world_object(&w, "buckets", "apps", "a2", "{\"app\":\"a\",\"tier\":\"x\"}");
	world_object(&w, "buckets", "apps", "b", "{\"app\":\"b\"}");
	world_object(&w, "buckets", "other", "o", "{\"app\":\"a\"}");
	ck_assert_int_eq(post(&w, "{}"), BY_LABELS[_i].status);
	asked = is_asked(&w, "buckets", "apps", "a1") + is_asked(&w, "buckets", "apps", "a2") +
		is_asked(&w, "buckets", "apps", "b") + 4 * is_asked(&w, "buckets", "other", "o");
	ck_assert_int_eq(asked, BY_LABELS[_i].asked);
	world_clear(&w);
}
END_TEST

static const struct {
	const char *kind, *plural, *api;
	int status;
} KINDS[] = {
	{"Bucket", "buckets", NULL, 200},
	{"GitRepository", "gitrepositories", NULL, 200},
	{"OCIRepository", "ocirepositories", NULL, 200},
	{"HelmRepository", "helmrepositories", NULL, 200},
	{"HelmChart", "helmcharts", NULL, 200},
	{"ImageRepository", "imagerepositories", NULL, 200},
	{"ArtifactGenerator", "artifactgenerators", NULL, 200},
	{"Kustomization", "kustomizations", NULL, 500},
	{"HelmRelease", "helmreleases", NULL, 500},
	{"ImagePolicy", "imagepolicies", NULL, 500},
	{"ImageUpdateAutomation", "imageupdateautomations", NULL, 500},
	{"ExternalArtifact", "externalartifacts", NULL, 500},
	{"Kustomization", "kustomizations", "kustomize.toolkit.fluxcd.io/v1", 200},
	{"HelmRelease", "helmreleases", "helm.toolkit.fluxcd.io/v2", 200},
	{"ImagePolicy", "imagepolicies", "image.toolkit.fluxcd.io/v1", 200},
	{"ImageUpdateAutomation", "imageupdateautomations", "image.toolkit.fluxcd.io/v1", 200},
	{"ExternalArtifact", "externalartifacts", "source.toolkit.fluxcd.io/v1", 200},
	{"Bucket", "buckets", "source.toolkit.fluxcd.io/v1/../v2", 500},
	{"Bucket", "buckets", "..", 500},
	{"Secret", "secrets", "v1", 500},
};

START_TEST(rc_25_kinds)
{
	auto_free char *api = KINDS[_i].api ? mem_printf(",\"apiVersion\":\"%s\"", KINDS[_i].api)
					    : mem_strdup("");
	auto_free char *spec =
		mem_printf(SPEC("{\"kind\":\"%s\",\"name\":\"x\"%s}"), KINDS[_i].kind, api);
	struct world w;

	begin(&w, spec);
	world_object(&w, KINDS[_i].plural, "apps", "x", NULL);
	ck_assert_int_eq(post(&w, "{}"), KINDS[_i].status);
	ck_assert_int_eq(is_asked(&w, KINDS[_i].plural, "apps", "x"), KINDS[_i].status == 200);
	world_clear(&w);
}
END_TEST

START_TEST(rc_26_other_namespace)
{
	struct world w;
	int strict;

	for (strict = 0; strict < 2; strict++) {
		world_init(&w);
		w.opts.no_cross_namespace = strict;
		world_secret(&w, "t", TOKEN);
		world_object(&w, "buckets", "other", "b", NULL);
		world_object(&w, "buckets", "apps", "own", NULL);
		world_start(&w);
		world_receiver(&w,
			SPEC("{\"kind\":\"Bucket\",\"name\":\"b\",\"namespace\":\"other\"},"
			     "{\"kind\":\"Bucket\",\"name\":\"own\",\"namespace\":\"apps\"}"));
		ck_assert_int_eq(post(&w, "{}"), strict ? 500 : 200);
		ck_assert_int_eq(is_asked(&w, "buckets", "other", "b"), !strict);
		ck_assert(is_asked(&w, "buckets", "apps", "own"));
		world_clear(&w);
	}
}
END_TEST

/* ---- filters --------------------------------------------------------------------------------- */

#define FILTER "req.tag.contains(res.metadata.name)"

static const struct {
	const char *filter, *headers, *body;
	int status;
	bool fires;
} FILTERED[] = {
	{FILTER, JSON, "{\"tag\":\"my-web-1\"}", 200, true},
	{FILTER, JSON, "{\"tag\":\"other\"}", 200, false},
	{FILTER, JSON, "{}", 500, false},
	{FILTER, JSON, "[1]", 500, false},
	{FILTER, "", "{\"tag\":\"my-web-1\"}", 500, false},
	{FILTER, "Content-Type: application/x+json\r\n", "{\"tag\":\"my-web-1\"}", 500, false},
	{FILTER, "Content-Type: application/json; charset=utf-8\r\n", "{\"tag\":\"my-web-1\"}", 200,
		true},
	{"true", JSON, "{}", 200, true},
	{"false", JSON, "{}", 200, false},
};

START_TEST(rc_27_filters)
{
	auto_free char *spec =
		mem_printf("%s,\"resourceFilter\":\"%s\"", SPEC(OCI("web")), FILTERED[_i].filter);
	struct world w;

	begin(&w, spec);
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	ck_assert_int_eq(world_post(&w, world_path(&w), FILTERED[_i].headers, FILTERED[_i].body),
		FILTERED[_i].status);
	ck_assert_int_eq(is_asked(&w, "ocirepositories", "apps", "web"), FILTERED[_i].fires);
	world_clear(&w);
}
END_TEST

START_TEST(rc_29_both_filters)
{
	static const struct {
		const char *all, *own;
		bool fires;
	} rows[] = {{"true", "true", true}, {"true", "false", false}, {"false", "true", false}};
	struct world w;
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		auto_free char *spec = mem_printf(
			SPEC("{\"kind\":\"Bucket\",\"name\":\"*\",\"matchLabels\":{},"
			     "\"filter\":\"%s\"}," OCI("web")) ",\"resourceFilter\":\"%s\"",
			rows[i].own, rows[i].all);

		begin(&w, spec);
		world_object(&w, "ocirepositories", "apps", "web", NULL);
		world_object(&w, "buckets", "apps", "b1", NULL);
		world_object(&w, "buckets", "apps", "b2", NULL);
		ck_assert_int_eq(post(&w, "{}"), 200);
		ck_assert_int_eq(is_asked(&w, "buckets", "apps", "b1"), rows[i].fires);
		ck_assert_int_eq(is_asked(&w, "buckets", "apps", "b2"), rows[i].fires);
		ck_assert_int_eq(is_asked(&w, "ocirepositories", "apps", "web"),
			!strcmp(rows[i].all, "true"));
		world_clear(&w);
	}
}
END_TEST

/* One that fails takes nothing from the others. */
START_TEST(rc_29_filter_of_one)
{
	struct world w;

	begin(&w,
		SPEC("{\"kind\":\"Bucket\",\"name\":\"b\",\"filter\":\"" FILTER "\"}," OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	world_object(&w, "buckets", "apps", "b", NULL);
	ck_assert_int_eq(post(&w, "{}"), 500);
	ck_assert(is_asked(&w, "ocirepositories", "apps", "web"));
	ck_assert(!is_asked(&w, "buckets", "apps", "b"));
	world_clear(&w);
}
END_TEST

/* ---- the annotation -------------------------------------------------------------------------- */

START_TEST(rc_31_suspended_target)
{
	struct world w;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL); /* its spec says suspend */
	ck_assert_int_eq(post(&w, "{}"), 200);
	ck_assert(is_asked(&w, "ocirepositories", "apps", "web"));
	world_clear(&w);
}
END_TEST

START_TEST(rc_32_another_value_each_time)
{
	auto_free char *before = mem_strdup("");
	struct world w;
	int i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	for (i = 0; i < 5; i++) {
		const char *now;

		ck_assert_int_eq(post(&w, "{}"), 200);
		now = world_asked(&w, "ocirepositories", "apps", "web");
		ck_assert_int_gt(strcmp(now, before), 0);
		ck_assert_uint_eq(strlen(now), strlen("2027-01-15T08:00:00.000000000Z"));
		ck_assert_int_eq(strncmp(now, "2027-01-15T08:00:00.0", 21), 0);
		free(before);
		before = mem_strdup(now);
	}
	ck_assert_str_eq(obj_str_or("", fake_kube_get(w.kube, "ocirepositories", "apps", "web"),
				 "metadata", "annotations", "a"),
		"b");
	world_clear(&w);
}
END_TEST

START_TEST(rc_33_api_server_fails)
{
	struct world w;

	begin(&w, SPEC(OCI("web") "," LABELED(",\"matchLabels\":{}")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_fail(w.kube, "PATCH ocirepositories/web", 500, 100);
	fake_kube_fail(w.kube, "GET buckets/", 500, 100);
	ck_assert_int_eq(post(&w, "{}"), 500);
	world_clear(&w);
}
END_TEST

/* It takes the call and says nothing. */
START_TEST(rc_33_api_server_hangs)
{
	struct world w;
	struct caller c;
	int i;

	begin(&w, SPEC(OCI("web") "," OCI("web") "," OCI("web") "," OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	caller_post(&c, &w, world_path(&w), "{}");
	for (i = 0; i < 24; i++) {
		world_settle(&w);
		if (i < 9)
			ck_assert_int_eq(caller_status(&c), 0);
		loop_test_advance(w.loop, 1000);
	}
	loop_test_advance(w.loop, 1500);
	world_settle(&w);
	ck_assert_int_eq(caller_status(&c), 500);
	caller_close(&c);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_clear(&w);
}
END_TEST

/* ---- many ------------------------------------------------------------------------------------ */

static unsigned patches(struct world *w, const char *line)
{
	const char *at = fake_kube_log(w->kube);
	unsigned n = 0;

	while ((at = strstr(at, line))) {
		n++;
		at++;
	}
	return n;
}

/* A call that comes while a patch is on its way waits for another one, with all that do. */
START_TEST(rc_35_merged)
{
	auto_free char *first = NULL;
	struct caller c[LIMIT_RECEIVER_CALLS / 2];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	caller_post(&c[0], &w, world_path(&w), "{}");
	world_settle(&w);
	ck_assert_uint_eq(fake_kube_held(w.kube), 1);
	for (i = 1; i < ARRAY_LEN(c); i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	ck_assert_uint_eq(fake_kube_held(w.kube), 1);
	fake_kube_release(w.kube);
	world_settle(&w);
	/* The first one has its answer; the others' patch has begun after they came. */
	ck_assert_int_eq(caller_status(&c[0]), 200);
	ck_assert_int_eq(caller_status(&c[1]), 0);
	first = mem_strdup(world_asked(&w, "ocirepositories", "apps", "web"));
	ck_assert_uint_eq(fake_kube_held(w.kube), 1);
	/* One of them hangs up. */
	caller_close(&c[ARRAY_LEN(c) - 1]);
	fake_kube_release(w.kube);
	world_settle(&w);
	for (i = 1; i < ARRAY_LEN(c) - 1; i++)
		ck_assert_int_eq(caller_status(&c[i]), 200);
	ck_assert_uint_eq(patches(&w, "PATCH ocirepositories/web\n"), 2);
	ck_assert_str_ne(world_asked(&w, "ocirepositories", "apps", "web"), first);
	for (i = 0; i < ARRAY_LEN(c) - 1; i++)
		caller_close(&c[i]);
	fake_kube_hold(w.kube, NULL);
	world_clear(&w);
}
END_TEST

/* More than are worked on at a time: the others wait, and none is lost. */
START_TEST(rc_35_many)
{
	enum { MANY = 200 };
	struct caller c[MANY];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < MANY; i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	ck_assert_uint_eq(fake_kube_held(w.kube), 1);
	for (i = 0; i < 40; i++) {
		fake_kube_release(w.kube);
		world_settle(&w);
	}
	for (i = 0; i < MANY; i++) {
		ck_assert_int_eq(caller_status(&c[i]), 200);
		caller_close(&c[i]);
	}
	ck_assert_uint_le(patches(&w, "PATCH ocirepositories/web\n"),
		2 + 2 * MANY / (LIMIT_RECEIVER_CALLS / 2));
	fake_kube_hold(w.kube, NULL);
	world_clear(&w);
}
END_TEST

/* However many call one of them, another one has its turn. */
START_TEST(rc_35_share)
{
	struct caller c[LIMIT_RECEIVER_CALLS];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_receiver_as(&w, "other", SPEC(OCI("api")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	world_object(&w, "ocirepositories", "apps", "api", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	ck_assert_int_eq(world_post(&w,
				 obj_str_or("", fake_kube_get(w.kube, "receivers", "apps", "other"),
					 "status", "webhookPath"),
				 "", "{}"),
		200);
	for (i = 0; i < 4; i++) {
		fake_kube_release(w.kube);
		world_settle(&w);
	}
	for (i = 0; i < ARRAY_LEN(c); i++) {
		ck_assert_int_eq(caller_status(&c[i]), 200);
		caller_close(&c[i]);
	}
	fake_kube_hold(w.kube, NULL);
	world_clear(&w);
}
END_TEST

/* However few connections there are: those who call one of them do not take all. */
START_TEST(rc_35_few_connections)
{
	static const unsigned few[] = {4, 16, 40};
	struct caller c[40];
	struct world w;
	unsigned i;

	world_init(&w);
	w.connections = few[_i];
	world_secret(&w, "t", TOKEN);
	world_start(&w);
	world_receiver(&w, SPEC(OCI("web")));
	world_receiver_as(&w, "other", SPEC(OCI("api")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	world_object(&w, "ocirepositories", "apps", "api", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < few[_i]; i++) {
		caller_post(&c[i], &w, world_path(&w), "{}");
		world_settle(&w);
	}
	ck_assert_int_eq(world_post(&w,
				 obj_str_or("", fake_kube_get(w.kube, "receivers", "apps", "other"),
					 "status", "webhookPath"),
				 "", "{}"),
		200);
	for (i = 0; i < few[_i]; i++)
		caller_close(&c[i]);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_clear(&w);
}
END_TEST

/* More than may wait: 503, at once. */
START_TEST(rc_35_busy)
{
	enum { MOST = LIMIT_RECEIVER_CALLS / 2 + LIMIT_RECEIVER_WAITING / 2 };
	struct caller *c = mem_array(NULL, MOST, sizeof(*c));
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < MOST; i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	ck_assert_int_eq(post(&w, "{}"), 503);
	ck_assert_str_eq(w.body, "too many calls at a time\n");
	ck_assert_ptr_nonnull(strstr(w.head, "\r\nRetry-After: 1\r\n"));
	for (i = 0; i < MOST; i++)
		caller_close(&c[i]);
	free(c);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_clear(&w);
}
END_TEST

/* Who waits for a place and has gone is forgotten; who was begun with is not. */
START_TEST(rc_35_hangs_up)
{
	struct caller c[LIMIT_RECEIVER_CALLS + 5];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_close(&c[i]);
	/* Nobody sees it at once: their side is closed, and they might still read. */
	world_pass(&w, 26000);
	fake_kube_release(w.kube);
	world_settle(&w);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_settle(&w);
	ck_assert(is_asked(&w, "ocirepositories", "apps", "web"));
	world_clear(&w);
}
END_TEST

static const struct {
	const char *change; /* NULL: it is deleted */
	int status;
	bool other; /* is another object woken? */
} CHANGES[] = {
	{NULL, 404, false},
	{"{\"spec\":{\"suspend\":true}}", 503, false},
	{"{\"spec\":{\"resources\":[{\"kind\":\"Bucket\",\"name\":\"b\"}]}}", 200, true},
};

/* A call that waits is of the Receiver as it is when its turn comes. */
START_TEST(rc_08_changed_while_it_waits)
{
	struct caller c[LIMIT_RECEIVER_CALLS / 2 + 1];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	world_object(&w, "buckets", "apps", "b", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	if (CHANGES[_i].change)
		fake_kube_merge(w.kube, "receivers", "apps", "hook", CHANGES[_i].change);
	else
		fake_kube_delete(w.kube, "receivers", "apps", "hook");
	world_settle(&w);
	fake_kube_hold(w.kube, NULL);
	for (i = 0; i < 4; i++) {
		fake_kube_release(w.kube);
		world_settle(&w);
	}
	/* What was begun is finished. */
	ck_assert_int_eq(caller_status(&c[0]), 200);
	ck_assert_int_eq(caller_status(&c[ARRAY_LEN(c) - 1]), CHANGES[_i].status);
	ck_assert_int_eq(is_asked(&w, "buckets", "apps", "b"), CHANGES[_i].other);
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_close(&c[i]);
	world_clear(&w);
}
END_TEST

/* The process ends while calls are on their way and wait. */
START_TEST(test_ends)
{
	struct caller c[LIMIT_RECEIVER_CALLS + 5];
	struct world w;
	unsigned i;

	begin(&w, SPEC(OCI("web") "," LABELED(",\"matchLabels\":{}")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	fake_kube_hold(w.kube, "PATCH ocirepositories/web");
	for (i = 0; i < ARRAY_LEN(c); i++)
		caller_post(&c[i], &w, world_path(&w), "{}");
	world_settle(&w);
	controller_stop(w.leader.c);
	world_settle(&w);
	ck_assert(controller_idle(w.leader.c));
	for (i = 0; i < ARRAY_LEN(c); i++) {
		ck_assert_int_eq(caller_status(&c[i]), 503);
		caller_close(&c[i]);
	}
	fake_kube_hold(w.kube, NULL);
	world_clear(&w);
}
END_TEST

/* ---- bodies ---------------------------------------------------------------------------------- */

static const struct {
	const char *begin, *piece, *end;
	size_t pieces;
} HOSTILE[] = {
	{"[", "[", "", 1000000}, /* deep */
	{"{\"a\":[", "{},", "{}]}", 900000}, /* many values */
	{"{\"a\":\"", "\\u0000", "\"}", 300000},
	{"{", "\"a\":1,", "\"a\":1}", 300000}, /* one key, often */
	{"", "\xff\xfe", "", 1000000},
	{"{\"a\":", "9", "}", 2000000},
};

/* It is told that it is no such object, and the next call finds all as it was. */
START_TEST(test_hostile_bodies)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct world w;
	size_t i;
	int status;

	begin(&w, SPEC(OCI("web")) ",\"resourceFilter\":\"" FILTER "\"");
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	buf_adds(&b, HOSTILE[_i].begin);
	for (i = 0; i < HOSTILE[_i].pieces; i++)
		buf_adds(&b, HOSTILE[_i].piece);
	buf_adds(&b, HOSTILE[_i].end);
	status = post(&w, b.p);
	ck_assert_msg(status == 500 || status == 400, "%d", status);
	ck_assert(!is_asked(&w, "ocirepositories", "apps", "web"));
	ck_assert_int_eq(post(&w, "{\"tag\":\"web\"}"), 200);
	ck_assert(is_asked(&w, "ocirepositories", "apps", "web"));
	world_clear(&w);
}
END_TEST

/* Of a payload that becomes a large tree; an ordinary one waits for nobody. */
START_TEST(test_memory)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct account_stats st;
	struct caller c;
	struct op *other;
	struct world w;
	size_t i;

	begin(&w, SPEC(OCI("web")));
	world_object(&w, "ocirepositories", "apps", "web", NULL);
	account_stats(w.account, ACCOUNT_JOBS, &st);
	other = account_take(w.account, ACCOUNT_JOBS, "other", st.limit);
	world_settle(&w);
	ck_assert_int_eq(post(&w, "{\"tag\":[1,2,3]}"), 200);
	buf_adds(&b, "{\"a\":[");
	for (i = 0; i < 20000; i++)
		buf_adds(&b, "1,");
	buf_adds(&b, "1]}");
	caller_post(&c, &w, world_path(&w), b.p);
	world_settle(&w);
	ck_assert_int_eq(caller_status(&c), 0);
	op_free(other);
	world_settle(&w);
	ck_assert_int_eq(caller_status(&c), 200);
	account_stats(w.account, ACCOUNT_JOBS, &st);
	ck_assert_uint_eq(st.held, 0);
	caller_close(&c);
	world_clear(&w);
}
END_TEST

/* What a payload takes is given back before the API server is waited for. */
START_TEST(test_memory_is_given_back)
{
	static const char *const filters[] = {"", ",\"resourceFilter\":\"res.kind != ''\""};
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	struct account_stats stats;
	struct caller c;
	struct world w;
	size_t i;

	buf_adds(&b, "{\"a\":[");
	for (i = 0; i < 10000; i++)
		buf_adds(&b, "{},");
	buf_adds(&b, "{}]}");
	for (i = 0; i < ARRAY_LEN(filters); i++) {
		auto_free char *spec = mem_printf(
			"\"type\":\"dockerhub\",\"secretRef\":{\"name\":\"t\"},\"resources\":[" OCI(
				"web") "]%s",
			filters[i]);

		begin(&w, spec);
		world_object(&w, "ocirepositories", "apps", "web", NULL);
		fake_kube_hold(w.kube, "PATCH ocirepositories/web");
		caller_post(&c, &w, world_path(&w), b.p);
		world_settle(&w);
		ck_assert_uint_eq(fake_kube_held(w.kube), 1);
		account_stats(w.account, ACCOUNT_JOBS, &stats);
		ck_assert_uint_eq(stats.held, 0);
		fake_kube_hold(w.kube, NULL);
		fake_kube_release(w.kube);
		world_settle(&w);
		ck_assert_int_eq(caller_status(&c), 200);
		caller_close(&c);
		world_clear(&w);
	}
}
END_TEST

/* ---- tokens ---------------------------------------------------------------------------------- */

/* world_clear looks for it in the log, which is at its loudest, in answers and in Events. */
START_TEST(rc_36_token_is_told_to_nobody)
{
	static const char *const types[] = {"gitlab", "harbor", "github", "generic-hmac", "nexus"};
	struct world w;
	size_t i;

	for (i = 0; i < ARRAY_LEN(types); i++) {
		auto_free char *spec = mem_printf("\"type\":\"%s\",\"secretRef\":{\"name\":\"t\"},"
						  "\"resources\":[" OCI("none") "]",
			types[i]);
		auto_free char *log = NULL;

		begin(&w, spec);
		ck_assert_int_eq(world_post(&w, world_path(&w),
					 "X-Gitlab-Token: wrong\r\nAuthorization: wrong\r\n", "{}"),
			400);
		world_post(&w, world_path(&w),
			"X-Gitlab-Token: " TOKEN "\r\nAuthorization: " TOKEN "\r\n", "{}");
		if (i < 2)
			ck_assert_int_eq(
				world_post(&w, world_path(&w),
					"X-Gitlab-Token: " TOKEN "\r\nAuthorization: " TOKEN "\r\n",
					"{}"),
				500);
		log = world_log(&w);
		ck_assert_ptr_nonnull(strstr(log, "refused a call"));
		ck_assert_ptr_null(strstr(log, world_path(&w) + 6));
		world_clear(&w);
	}
}
END_TEST

Suite *suite_call(void)
{
	Suite *s = suite_create("call");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 120);
	tcase_add_test(t, rc_23_missing);
	tcase_add_loop_test(t, rc_24_labels, 0, (int)ARRAY_LEN(BY_LABELS));
	tcase_add_loop_test(t, rc_25_kinds, 0, (int)ARRAY_LEN(KINDS));
	tcase_add_test(t, rc_26_other_namespace);
	tcase_add_loop_test(t, rc_27_filters, 0, (int)ARRAY_LEN(FILTERED));
	tcase_add_test(t, rc_29_both_filters);
	tcase_add_test(t, rc_29_filter_of_one);
	tcase_add_test(t, rc_31_suspended_target);
	tcase_add_test(t, rc_32_another_value_each_time);
	tcase_add_test(t, rc_33_api_server_fails);
	tcase_add_test(t, rc_33_api_server_hangs);
	tcase_add_test(t, rc_35_merged);
	tcase_add_test(t, rc_35_many);
	tcase_add_test(t, rc_35_share);
	tcase_add_loop_test(t, rc_35_few_connections, 0, 3);
	tcase_add_test(t, rc_35_busy);
	tcase_add_test(t, rc_35_hangs_up);
	tcase_add_loop_test(t, test_hostile_bodies, 0, (int)ARRAY_LEN(HOSTILE));
	tcase_add_test(t, test_memory);
	tcase_add_test(t, test_memory_is_given_back);
	tcase_add_loop_test(t, rc_08_changed_while_it_waits, 0, (int)ARRAY_LEN(CHANGES));
	tcase_add_test(t, test_ends);
	tcase_add_test(t, rc_36_token_is_told_to_nobody);
	suite_add_tcase(s, t);
	return s;
}
