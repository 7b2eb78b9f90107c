/* A Receiver's reconcile: its path, its token, what stalls it. */
#include "base/mem.h"
#include "base/obj.h"
#include "test/unit/receiver/world.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

Suite *suite_steps(void);

#define GENERIC "\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},\"resources\":[]"

/* printf %s "$token$name$namespace" | sha256sum */
#define PATH "/hook/4119899d3e6985759e0dcfcaa66575742bd418653a95b3a8d836ba0ccc52daf3"

#define OIDC(validation) \
	"\"type\":\"generic-oidc\",\"resources\":[],\"oidcProviders\":[{\"issuerURL\":" \
	"\"https://issuer.test\",\"validations\":[{\"expression\":\"" validation "\"," \
	"\"message\":\"m\"}]}]"

/* printf %s hookapps | sha256sum */
#define PATH_OIDC "/hook/b1083213d31cf1b5d6035e8d217788758f083816ce19b36938e055e063930671"

static void begin(struct world *w)
{
	world_init(w);
	world_start(w);
	world_secret(w, "t", TOKEN);
}

static void change(struct world *w, const char *patch)
{
	fake_kube_merge(w->kube, "receivers", "apps", "hook", patch);
	world_settle(w);
}

START_TEST(rc_01_path)
{
	auto_free char *message = mem_printf("Receiver initialized for path: %s", PATH);
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	ck_assert_str_eq(world_path(&w), PATH);
	ck_assert_str_eq(world_status(&w, "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "Ready.reason"), "Succeeded");
	ck_assert_str_eq(world_status(&w, "Ready.message"), message);
	ck_assert_int_eq(obj_int(-1, fake_kube_get(w.kube, "receivers", "apps", "hook"), "status",
				 "observedGeneration"),
		1);
	/* One Event when it became ready, without the path, and none when nothing is new. */
	ck_assert_ptr_nonnull(
		strstr(fake_kube_log(w.kube), "EVENT Succeeded Receiver initialized\n"));
	fake_kube_log_reset(w.kube);
	world_pass(&w, 600000);
	ck_assert_str_eq(fake_kube_log(w.kube), "");
	world_pass(&w, 60000); /* the watch is there again: it was silent for too long */
	change(&w,
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	ck_assert_str_eq(world_status(&w, "lastHandledReconcileAt"), "now");
	ck_assert_ptr_null(strstr(fake_kube_log(w.kube), "EVENT"));
	world_clear(&w);
}
END_TEST

/* Without a token; a claim may be in its filters. */
START_TEST(rc_01_path_without_token)
{
	struct world w;

	begin(&w);
	world_receiver(&w, OIDC("claims.sub == 'a'") ",\"resourceFilter\":\"claims.sub == 'a'\"");
	ck_assert_str_eq(world_status(&w, "Ready.status"), "True");
	ck_assert_str_eq(world_path(&w), PATH_OIDC);
	ck_assert_int_eq(world_post(&w, PATH_OIDC, "", "{}"), 400);
	ck_assert_int_eq(world_post(&w, PATH_OIDC, "Authorization: Bearer a.b.c\r\n", "{}"), 400);
	world_clear(&w);
}
END_TEST

START_TEST(rc_02_token_changes)
{
	auto_free char *old = NULL;
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	old = mem_strdup(world_path(&w));
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 200);
	/* Nothing waits for an interval. */
	world_secret(&w, "t", OTHER_TOKEN);
	ck_assert_str_ne(world_path(&w), old);
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 404);
	ck_assert_int_eq(world_post(&w, world_path(&w), "", "{}"), 200);
	free(old);
	old = mem_strdup(world_path(&w));
	fake_kube_delete(w.kube, "secrets", "apps", "t");
	world_settle(&w);
	ck_assert_str_eq(world_path(&w), "");
	ck_assert_str_eq(world_status(&w, "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "Ready.reason"), "TokenNotFound");
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 404);
	/* It comes back: no back-off is waited for. */
	world_secret(&w, "t", TOKEN);
	ck_assert_str_eq(world_status(&w, "Ready.status"), "True");
	world_clear(&w);
}
END_TEST

/* A follower, whose table lags behind: the token decides. */
START_TEST(rc_02_token_changes_before_the_status)
{
	auto_free char *old = NULL;
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	world_follow(&w);
	old = mem_strdup(world_path(&w));
	ck_assert_int_eq(world_post_to(&w, &w.follower, old, "", "{}"), 200);
	fake_kube_hold(w.kube, "PATCH receivers/hook/status");
	world_secret(&w, "t", OTHER_TOKEN);
	ck_assert_str_eq(world_path(&w), old);
	ck_assert_int_eq(world_post_to(&w, &w.follower, old, "", "{}"), 404);
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 404);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_settle(&w);
	ck_assert_str_ne(world_path(&w), old);
	ck_assert_int_eq(world_post_to(&w, &w.follower, world_path(&w), "", "{}"), 200);
	world_clear(&w);
}
END_TEST

/* Nobody knows whether it is still there: the path stays, and calls get 503. */
START_TEST(rc_02_secret_cannot_be_read)
{
	auto_free char *old = NULL;
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	old = mem_strdup(world_path(&w));
	fake_kube_fail(w.kube, "GET secrets/t", 403, 1000);
	world_secret(&w, "t", OTHER_TOKEN);
	ck_assert_str_eq(world_status(&w, "Ready.reason"), "TokenNotFound");
	ck_assert_str_eq(world_path(&w), old);
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 503);
	world_clear(&w);
}
END_TEST

/* The watch vouches for it: a call reads no Secret. */
START_TEST(rc_02_token_is_kept)
{
	struct world w;
	unsigned reads, i;

	begin(&w);
	world_receiver(&w, GENERIC);
	world_pass(&w, 60000);
	reads = fake_kube_secret_reads(w.kube);
	for (i = 0; i < 5; i++)
		ck_assert_int_eq(world_post(&w, world_path(&w), "", "{}"), 200);
	ck_assert_uint_eq(fake_kube_secret_reads(w.kube), reads);
	world_clear(&w);
}
END_TEST

static const char *const WITH_TOKEN[] = {"gitlab", "harbor", "github", "generic-hmac", "generic"};

START_TEST(rc_22_empty_token)
{
	auto_free char *spec = mem_printf(
		"\"type\":\"%s\",\"secretRef\":{\"name\":\"e\"},\"resources\":[]", WITH_TOKEN[_i]);
	struct world w;

	begin(&w);
	world_secret(&w, "e", "");
	world_receiver(&w, spec);
	ck_assert_str_eq(world_status(&w, "Ready.reason"), "TokenNotFound");
	ck_assert_str_eq(world_path(&w), "");
	ck_assert_ptr_nonnull(strstr(fake_kube_log(w.kube), "EVENT TokenNotFound "));
	world_clear(&w);
}
END_TEST

START_TEST(test_suspended)
{
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC ",\"suspend\":true");
	ck_assert_str_eq(world_path(&w), "");
	change(&w,
		"{\"metadata\":{\"annotations\":{\"reconcile.fluxcd.io/requestedAt\":\"now\"}}}");
	ck_assert_str_eq(world_status(&w, "lastHandledReconcileAt"), "now");
	change(&w, "{\"spec\":{\"suspend\":null}}");
	ck_assert_str_eq(world_status(&w, "Ready.status"), "True");
	world_clear(&w);
}
END_TEST

START_TEST(test_deleted)
{
	auto_free char *old = NULL;
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	old = mem_strdup(world_path(&w));
	fake_kube_delete(w.kube, "receivers", "apps", "hook");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "receivers", "apps", "hook"));
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 404);
	world_clear(&w);
}
END_TEST

/* Somebody else's finalizer holds it. */
START_TEST(test_being_deleted)
{
	auto_free char *old = NULL;
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	old = mem_strdup(world_path(&w));
	fake_kube_merge(w.kube, "receivers", "apps", "hook",
		"{\"metadata\":{\"finalizers\":[\"finalizers.fluxcd.io\",\"a.test/b\"]}}");
	fake_kube_delete(w.kube, "receivers", "apps", "hook");
	world_settle(&w);
	ck_assert_str_eq(world_path(&w), old);
	ck_assert_int_eq(world_post(&w, old, "", "{}"), 404);
	world_clear(&w);
}
END_TEST

static const struct {
	const char *spec, *reason, *says;
} STALLS[] = {
	{"\"type\":\"generic\",\"resources\":[]", "ValidationFailed", "secretRef is required"},
	{"\"type\":\"generic-oidc\",\"secretRef\":{\"name\":\"t\"},\"resources\":[]",
		"ValidationFailed", "secretRef cannot be set"},
	{"\"type\":\"generic-oidc\",\"resources\":[]", "ValidationFailed",
		"at least one oidcProvider"},
	{GENERIC ",\"oidcProviders\":[{\"issuerURL\":\"https://a\"}]", "ValidationFailed",
		"only be set when type is generic-oidc"},
	{"\"type\":\"x\",\"secretRef\":{\"name\":\"t\"},\"resources\":[]", "ValidationFailed",
		"'x' is not known"},
	{GENERIC ",\"interval\":\"soon\"", "ValidationFailed", "interval"},
	{GENERIC ",\"resourceFilter\":\"bad(1)\"", "InvalidCELExpression", "spec.resourceFilter"},
	{"\"type\":\"generic\",\"secretRef\":{\"name\":\"t\"},\"resources\":[{\"kind\":\"Bucket\","
	 "\"name\":\"a\"},{\"kind\":\"Bucket\",\"name\":\"b\",\"filter\":\"bad(1)\"}]",
		"InvalidCELExpression", "spec.resources[1].filter"},
	{GENERIC ",\"resourceFilter\":\"claims.a == 'b'\"", "InvalidCELExpression", "claims"},
	{OIDC("claims.sub == bad"), "InvalidCELExpression", "oidcProviders[0]: validations[0]"},
	{OIDC("true') || ("), "InvalidCELExpression", "oidcProviders[0]: validations[0]"},
};

START_TEST(rc_28_stalls)
{
	struct world w;

	begin(&w);
	world_receiver(&w, GENERIC);
	fake_kube_log_reset(w.kube);
	world_receiver(&w, STALLS[_i].spec);
	ck_assert_str_eq(world_status(&w, "Stalled.status"), "True");
	ck_assert_str_eq(world_status(&w, "Stalled.reason"), STALLS[_i].reason);
	ck_assert_msg(strstr(world_status(&w, "Stalled.message"), STALLS[_i].says) != NULL, "%s",
		world_status(&w, "Stalled.message"));
	ck_assert_str_eq(world_status(&w, "Ready.status"), "False");
	ck_assert_str_eq(world_status(&w, "Ready.reason"), STALLS[_i].reason);
	ck_assert_str_eq(world_status(&w, "Reconciling.status"), "");
	ck_assert_ptr_nonnull(strstr(fake_kube_log(w.kube), "EVENT "));
	/* A corrected one is ready at once. */
	world_receiver(&w, GENERIC);
	ck_assert_str_eq(world_status(&w, "Ready.status"), "True");
	ck_assert_str_eq(world_status(&w, "Stalled.status"), "");
	world_clear(&w);
}
END_TEST

Suite *suite_steps(void)
{
	Suite *s = suite_create("steps");
	TCase *t = tcase_create("all");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, rc_01_path);
	tcase_add_test(t, rc_01_path_without_token);
	tcase_add_test(t, rc_02_token_changes);
	tcase_add_test(t, rc_02_token_changes_before_the_status);
	tcase_add_test(t, rc_02_secret_cannot_be_read);
	tcase_add_test(t, rc_02_token_is_kept);
	tcase_add_loop_test(t, rc_22_empty_token, 0, (int)ARRAY_LEN(WITH_TOKEN));
	tcase_add_test(t, test_suspended);
	tcase_add_test(t, test_deleted);
	tcase_add_test(t, test_being_deleted);
	tcase_add_loop_test(t, rc_28_stalls, 0, (int)ARRAY_LEN(STALLS));
	suite_add_tcase(s, t);
	return s;
}
