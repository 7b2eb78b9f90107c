/* The order by build time: who wins, what is asked for it, and what happens when nobody answers. */
#include "base/mem.h"
#include "controllers/imagepolicy/spec.h"
#include "ev/loop.h"
#include "oci/manifest.h"
#include "test/unit/imagepolicy/world.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALPHA "\"policy\":{\"alphabetical\":{}}"
#define OCI_CONFIG "application/vnd.oci.image.config.v1+json"
#define REQUESTED "reconcile.fluxcd.io/requestedAt"
#define HOUR 3600000

/* Answers borrow their texts for the life of the registry: they are few, and this process ends
   after one test. */
static char *keep(char *text)
{
	static char *all[4000];
	static unsigned used;

	ck_assert_uint_lt(used, 4000);
	return all[used++] = text;
}

static char *digest_of(const char *text)
{
	char out[DIGEST_TEXT_MAX];
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, text, strlen(text));
	return keep(mem_strdup(digest_format(&d, out)));
}

static void put(struct world *w, const char *method, const char *path, char *headers, char *body)
{
	struct fake_answer *a = fake_on(w->reg, method, path);

	a->headers = headers;
	a->body = body;
}

/* A manifest under its digest, which is returned. */
static char *manifest_put(struct world *w, char *json, const char *type)
{
	char *digest = digest_of(json);

	put(w, "GET", keep(mem_printf("/v2/app/manifests/%s", digest)),
		keep(mem_printf("Content-Type: %s\r\n", type)), json);
	return digest;
}

/* An image with this config; more: members of its manifest. */
static char *config_put(struct world *w, char *config, const char *more)
{
	char *digest = digest_of(config);

	put(w, "GET", keep(mem_printf("/v2/app/blobs/%s", digest)), NULL, config);
	return manifest_put(w,
		keep(mem_printf("{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_MANIFEST
				"\",\"config\":{\"mediaType\":\"" OCI_CONFIG
				"\",\"digest\":\"%s\",\"size\":%zu},\"layers\":[]%s}",
			digest, strlen(config), more)),
		OCI_TYPE_MANIFEST);
}

static char *image_put(struct world *w, const char *created)
{
	return config_put(w, keep(mem_printf("{\"created\":\"%s\"}", created)), "");
}

static struct fake_answer *tag_put(struct world *w, const char *tag, const char *digest)
{
	struct fake_answer *a =
		fake_on(w->reg, "HEAD", keep(mem_printf("/v2/app/manifests/%s", tag)));

	a->headers = keep(mem_printf("Docker-Content-Digest: %s\r\n", digest));
	return a;
}

static struct fake_answer *built(struct world *w, const char *tag, const char *created)
{
	return tag_put(w, tag, image_put(w, created));
}

static void repository(struct world *w)
{
	char image[128];

	world_begin(w);
	snprintf(image, sizeof(image), "%s/app", fake_host(w->reg));
	world_repository(w, "app", image, "");
}

/* The images are there: a policy of these tags. */
static void begin(struct world *w, const char *tags, const char *spec)
{
	world_tags(w, "app", tags);
	world_policy(w, "p", spec);
	world_forget(w);
	world_annotate(w, "p", IMAGEPOLICY_ORDER, "build-time");
}

static const char *message(struct world *w)
{
	const char *text = world_status(w, "p", "Ready.message"), *end = strchr(text, ';');

	return end ? end + 2 : text;
}

/* How often was that asked? */
static unsigned asked(struct world *w, const char *what)
{
	const char *at = fake_log(w->reg);
	unsigned n = 0;

	for (; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

START_TEST(the_last_build_wins)
{
	struct world w;

	repository(&w);
	built(&w, "aaa", "2026-01-03T10:00:00Z");
	built(&w, "bbb", "2026-01-02T11:00:00.5+01:00");
	built(&w, "ccc", "2026-01-01T10:00:00Z");
	begin(&w, "aaa bbb ccc", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	ck_assert_str_eq(message(&w),
		"it won over 'bbb': it was built at 2026-01-03T10:00:00Z, and the other one at "
		"2026-01-02T10:00:00Z; the registry was asked for 3 of 3 tags");
	ck_assert_uint_eq(asked(&w, "HEAD "), 3);
	ck_assert_uint_eq(asked(&w, "GET "), 6);
	/* Only what is new is asked for, and only a new winner is news. */
	world_forget(&w);
	built(&w, "ddd", "2026-01-02T12:00:00Z");
	world_tags(&w, "app", "aaa bbb ccc ddd");
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_uint_eq(asked(&w, "HEAD "), 1);
	ck_assert_uint_eq(asked(&w, "GET "), 2);
	world_forget(&w);
	built(&w, "abc", "2026-01-04T12:00:00Z");
	world_tags(&w, "app", "aaa abc bbb ccc ddd");
	ck_assert_str_eq(world_answer(&w, "p"), "abc");
	ck_assert_str_eq(message(&w),
		"it won over 'aaa': it was built at 2026-01-04T12:00:00Z, and the other one at "
		"2026-01-03T10:00:00Z; the registry was asked for 1 of 5 tags");
	ck_assert_uint_eq(asked(&w, "HEAD "), 1);
	/* Without the annotation it is the policy's own order again. */
	world_annotate(&w, "p", IMAGEPOLICY_ORDER, NULL);
	ck_assert_str_eq(world_answer(&w, "p"), "ddd");
	ck_assert_str_eq(message(&w), "it won over 'ccc': it is the greater text");
	world_clear(&w);
}
END_TEST

/* What means no date is behind all dates, and in the policy's own order. */
START_TEST(no_date_and_equal_ones)
{
	struct world w;

	repository(&w);
	tag_put(&w, "a", config_put(&w, keep(mem_strdup("{}")), ""));
	built(&w, "b", "1970-01-01T00:00:00Z");
	built(&w, "c", "0001-01-01T00:00:00Z");
	tag_put(&w, "d", config_put(&w, keep(mem_strdup("{\"created\":[7}")), ""));
	tag_put(&w, "e", manifest_put(&w, keep(mem_strdup("no manifest")), OCI_TYPE_MANIFEST));
	built(&w, "f", "yesterday");
	begin(&w, "a b c d e f", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "f");
	ck_assert_str_eq(message(&w),
		"it won over 'e': neither says when it was built, and it is the first by the "
		"policy's own order; the registry was asked for 6 of 6 tags");
	world_change(&w, "p", "\"policy\":{\"alphabetical\":{\"order\":\"desc\"}}");
	ck_assert_str_eq(world_answer(&w, "p"), "a");
	built(&w, "b1", "2026-01-01T00:00:00Z");
	built(&w, "b2", "2026-01-01T01:00:00+01:00");
	world_tags(&w, "app", "a b b1 c d e f");
	ck_assert_str_eq(world_answer(&w, "p"), "b1");
	ck_assert_str_eq(message(&w),
		"it won over 'a': it was built at 2026-01-01T00:00:00Z, and the other one does "
		"not say when; the registry was asked for 1 of 7 tags");
	world_change(&w, "p", ALPHA);
	world_change(&w, "p", "\"policy\":{\"alphabetical\":{\"order\":\"asc\"}}");
	world_tags(&w, "app", "a b b1 b2 c d e f");
	ck_assert_str_eq(world_answer(&w, "p"), "b2");
	ck_assert_str_eq(message(&w),
		"it won over 'b1': both were built at 2026-01-01T00:00:00Z, and it is the first by "
		"the policy's own order; the registry was asked for 1 of 8 tags");
	world_clear(&w);
}
END_TEST

/* Of an index linux/amd64 counts, else its first image; an artifact says it by an annotation. */
START_TEST(index_and_artifact)
{
#define ENTRY(os, arch) \
	"{\"mediaType\":\"" OCI_TYPE_MANIFEST "\",\"digest\":\"%s\",\"size\":3,\"platform\":{" \
	"\"os\":\"" os "\",\"architecture\":\"" arch "\"}}"
#define INDEX(entries) \
	"{\"schemaVersion\":2,\"mediaType\":\"" OCI_TYPE_INDEX "\",\"manifests\":[" entries "]}"
	struct world w;
	char *json;

	repository(&w);
	json = keep(mem_printf(INDEX(ENTRY("linux", "arm64") "," ENTRY("linux", "amd64")),
		image_put(&w, "2026-05-01T00:00:00Z"), image_put(&w, "2026-01-01T00:00:00Z")));
	tag_put(&w, "both", manifest_put(&w, json, OCI_TYPE_INDEX));
	json = keep(mem_printf(INDEX(ENTRY("unknown", "unknown") "," ENTRY("linux", "arm64")),
		image_put(&w, "2026-06-01T00:00:00Z"), image_put(&w, "2026-03-01T00:00:00Z")));
	tag_put(&w, "arm", manifest_put(&w, json, OCI_TYPE_INDEX));
	tag_put(&w, "art",
		config_put(&w, keep(mem_strdup("{ }")),
			",\"annotations\":{\"org.opencontainers.image.created\":"
			"\"2026-02-01T00:00:00Z\"}"));
	begin(&w, "arm art both", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "arm");
	ck_assert_str_eq(message(&w),
		"it won over 'art': it was built at 2026-03-01T00:00:00Z, and the other one at "
		"2026-02-01T00:00:00Z; the registry was asked for 3 of 3 tags");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "^art$");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "^ar");
	ck_assert_str_eq(world_answer(&w, "p"), "both");
	ck_assert_str_eq(message(&w),
		"no other tag competes; the registry was asked for 0 of 1 tags; tags that match "
		"'^ar' are skipped");
	world_clear(&w);
}
END_TEST

START_TEST(only_what_passes_is_asked_for)
{
	struct world w;

	repository(&w);
	built(&w, "main-1", "2026-01-03T10:00:00Z");
	built(&w, "main-2", "2026-01-02T10:00:00Z");
	begin(&w, "main-1 main-2 main-3 x", ALPHA ",\"filterTags\":{\"pattern\":\"^main-\"}");
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "3$");
	ck_assert_str_eq(world_answer(&w, "p"), "main-1");
	ck_assert_uint_eq(asked(&w, "/manifests/x"), 0);
	world_forget(&w);
	/* Another policy of this ImageRepository knows it already. */
	world_policy(&w, "q", ALPHA ",\"filterTags\":{\"pattern\":\"^main-[12]\"}");
	world_annotate(&w, "q", IMAGEPOLICY_ORDER, "build-time");
	ck_assert_str_eq(world_answer(&w, "q"), "main-1");
	ck_assert_str_eq(fake_log(w.reg), "");
	world_clear(&w);
}
END_TEST

START_TEST(too_many_tags)
{
	auto_buf struct buf tags = BUF_INIT(BUF_ANY);
	char *digest, tag[16];
	struct world w;
	int i;

	repository(&w);
	digest = image_put(&w, "2026-01-03T10:00:00Z");
	for (i = 0; i <= LIMIT_BUILT_TAGS; i++) {
		snprintf(tag, sizeof(tag), "t%03d", i);
		tag_put(&w, tag, digest);
		buf_addf(&tags, "%s ", tag);
	}
	begin(&w, buf_str(&tags), ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"),
		"Failure: 101 tags take part, and build times are asked for of 100 at most: narrow "
		"spec.filterTags");
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "t100");
	ck_assert_str_eq(fake_log(w.reg), "");
	/* One image behind all: one manifest is fetched, or one for each at a time at most. */
	world_annotate(&w, "p", IMAGEPOLICY_SKIP, "100");
	ck_assert_str_eq(world_answer(&w, "p"), "t099");
	ck_assert_uint_eq(asked(&w, "HEAD "), 100);
	ck_assert_uint_le(asked(&w, "GET "), 2 * LIMIT_BUILT_AT_ONCE);
	world_clear(&w);
}
END_TEST

/* A tag is asked for again after an hour, when there is something to decide; or at once, on demand.
   What a digest means stays known. */
START_TEST(a_tag_that_moves)
{
	struct world w;
	struct fake_answer *a;

	repository(&w);
	a = built(&w, "aaa", "2026-01-01T10:00:00Z");
	built(&w, "bbb", "2026-01-02T10:00:00Z");
	begin(&w, "aaa bbb", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "bbb");
	a->headers = keep(
		mem_printf("Docker-Content-Digest: %s\r\n", image_put(&w, "2026-01-03T10:00:00Z")));
	world_forget(&w);
	built(&w, "ccc", "2026-01-01T00:00:00Z");
	world_tags(&w, "app", "aaa bbb ccc");
	ck_assert_str_eq(world_answer(&w, "p"), "bbb");
	ck_assert_uint_eq(asked(&w, "HEAD "), 1);
	world_forget(&w);
	world_annotate(&w, "p", REQUESTED, "now");
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	ck_assert_uint_eq(asked(&w, "HEAD "), 3);
	ck_assert_uint_eq(asked(&w, "GET "), 2);
	world_forget(&w);
	world_pass(&w, HOUR);
	world_tags(&w, "app", "aaa bbb");
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	ck_assert_uint_eq(asked(&w, "HEAD "), 2);
	ck_assert_uint_eq(asked(&w, "GET "), 0);
	world_clear(&w);
}
END_TEST

START_TEST(the_registry_wants_to_be_left_alone)
{
	struct world w;
	struct fake_answer *a;

	repository(&w);
	built(&w, "aaa", "2026-01-03T10:00:00Z");
	a = fake_on(w.reg, "HEAD", "/v2/app/manifests/bbb");
	a->times = 1;
	a->status = 429;
	a->headers = "Retry-After: 60\r\n";
	built(&w, "bbb", "2026-01-02T10:00:00Z");
	begin(&w, "aaa bbb", ALPHA);
	ck_assert_str_eq(world_status(&w, "p", "Ready.reason"), "Failed");
	ck_assert_ptr_nonnull(strstr(
		world_status(&w, "p", "Ready.message"), "failed fetching the build time of "));
	ck_assert_ptr_nonnull(strstr(world_status(&w, "p", "Ready.message"), "/app:bbb: "));
	ck_assert_str_eq(world_status(&w, "p", "latestRef.tag"), "bbb");
	world_forget(&w);
	world_pass(&w, 50000);
	ck_assert_str_eq(fake_log(w.reg), "");
	world_pass(&w, 30000);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	world_clear(&w);
}
END_TEST

/* A list that lacks the winner: it stays while the registry has it, but a later build wins. */
START_TEST(a_list_that_lacks_the_winner)
{
	struct world w;

	repository(&w);
	built(&w, "aaa", "2026-01-03T10:00:00Z")->times = 2;
	built(&w, "bbb", "2026-01-02T10:00:00Z");
	built(&w, "ccc", "2026-01-01T10:00:00Z");
	begin(&w, "aaa bbb ccc", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	world_forget(&w);
	world_tags(&w, "app", "bbb ccc");
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	ck_assert_str_eq(world_writes(&w), "");
	ck_assert_str_eq(fake_log(w.reg), "HEAD /v2/app/manifests/aaa\n");
	/* From now on it is gone: the first answer that says so is not enough. */
	world_pass(&w, 61000);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	world_pass(&w, 61000);
	ck_assert_str_eq(world_answer(&w, "p"), "bbb");
	built(&w, "abc", "2026-01-02T11:00:00Z");
	world_tags(&w, "app", "abc ccc");
	ck_assert_str_eq(world_answer(&w, "p"), "abc");
	world_clear(&w);
}
END_TEST

/* A listed tag that the registry does not have counts as one that does not say. */
START_TEST(a_listed_tag_that_is_not_there)
{
	struct world w;

	repository(&w);
	built(&w, "aaa", "2026-01-03T10:00:00Z");
	begin(&w, "aaa zzz", ALPHA);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	world_clear(&w);
}
END_TEST

START_TEST(pinned_or_another_order)
{
	struct world w;

	repository(&w);
	built(&w, "aaa", "2026-01-03T10:00:00Z");
	built(&w, "bbb", "2026-01-02T10:00:00Z");
	world_tags(&w, "app", "aaa bbb");
	world_policy(&w, "p", ALPHA);
	world_annotate(&w, "p", IMAGEPOLICY_PIN, "bbb");
	world_annotate(&w, "p", IMAGEPOLICY_ORDER, "build-time");
	ck_assert_str_eq(world_answer(&w, "p"), "bbb");
	ck_assert_str_eq(message(&w), "it is pinned");
	ck_assert_str_eq(fake_log(w.reg), "");
	world_annotate(&w, "p", IMAGEPOLICY_PIN, NULL);
	ck_assert_str_eq(world_answer(&w, "p"), "aaa");
	world_annotate(&w, "p", IMAGEPOLICY_ORDER, "push-time");
	ck_assert_str_eq(world_answer(&w, "p"),
		"InvalidSpec: annotation 'oci-source-controller/order': 'push-time' is not "
		"'build-time', the only order");
	world_clear(&w);
}
END_TEST

/* A few at a time, once the registry has answered; whoever stops then leaves nothing behind. */
START_TEST(stopped_while_it_asks)
{
	struct world w;
	char tag[16];
	int i;

	repository(&w);
	built(&w, "zzz", "2026-01-03T10:00:00Z");
	for (i = 1; i < 9; i++) {
		snprintf(tag, sizeof(tag), "t%d", i);
		built(&w, tag, "2026-01-02T10:00:00Z")->way = FAKE_SILENT;
	}
	world_tags(&w, "app", "t1 t2 t3 t4 t5 t6 t7 t8 zzz");
	world_policy(&w, "p", ALPHA);
	fake_kube_merge(w.kube, "imagepolicies", "apps", "p",
		"{\"metadata\":{\"annotations\":{\"" IMAGEPOLICY_ORDER "\":\"build-time\"}}}");
	for (i = 0; fake_most(w.reg) < LIMIT_BUILT_AT_ONCE; i++) {
		loop_turn(w.loop, false);
		ck_assert_int_lt(i, 1000000);
	}
	for (i = 0; i < 1000; i++)
		loop_turn(w.loop, false);
	ck_assert_uint_eq(fake_most(w.reg), LIMIT_BUILT_AT_ONCE);
	ck_assert_uint_eq(asked(&w, "HEAD "), 1 + LIMIT_BUILT_AT_ONCE);
	world_clear(&w);
}
END_TEST

Suite *suite_dates(void);
Suite *suite_dates(void)
{
	Suite *s = suite_create("dates");
	TCase *tc = tcase_create("dates");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_last_build_wins);
	tcase_add_test(tc, no_date_and_equal_ones);
	tcase_add_test(tc, index_and_artifact);
	tcase_add_test(tc, only_what_passes_is_asked_for);
	tcase_add_test(tc, too_many_tags);
	tcase_add_test(tc, a_tag_that_moves);
	tcase_add_test(tc, the_registry_wants_to_be_left_alone);
	tcase_add_test(tc, a_list_that_lacks_the_winner);
	tcase_add_test(tc, a_listed_tag_that_is_not_there);
	tcase_add_test(tc, pinned_or_another_order);
	tcase_add_test(tc, stopped_while_it_asks);
	suite_add_tcase(s, tc);
	return s;
}
