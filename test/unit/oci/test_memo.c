#include "oci/memo.h"

#include "base/limits.h"
#include "base/mem.h"
#include "oci/ref.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_memo(void);

static const struct http_hop hop = {.chosen = true, .from = HOST_LOOPBACK};

START_TEST(apart)
{
	struct oci_challenge bearer = {OCI_AUTH_BEARER, "https://a/token", "svc", "x"};
	struct oci_challenge basic = {.scheme = OCI_AUTH_BASIC};
	struct oci_repo app = {"reg", "app", false}, other = {"reg", "other", false};
	struct oci_repo insecure = {"reg", "app", true};
	struct oci_memos *m = oci_memos_new();
	struct oci_way way;

	oci_memo_set(m, &app, 1, &basic, &hop);
	oci_memo_set(m, &app, 1, &bearer, &hop);
	way = oci_memo_get(m, &app, 1);
	ck_assert_int_eq(way.scheme, OCI_AUTH_BEARER);
	ck_assert_str_eq(way.realm, "https://a/token");
	ck_assert_str_eq(way.service, "svc");
	ck_assert(way.hop.chosen && way.hop.from == HOST_LOOPBACK);
	ck_assert_int_eq(oci_memo_get(m, &app, 2).scheme, OCI_AUTH_NONE);
	ck_assert_int_eq(oci_memo_get(m, &other, 1).scheme, OCI_AUTH_NONE);
	ck_assert_int_eq(oci_memo_get(m, &insecure, 1).scheme, OCI_AUTH_NONE);
	oci_memo_drop(m, &app, 1);
	oci_memo_drop(m, &app, 1);
	ck_assert_int_eq(oci_memo_get(m, &app, 1).scheme, OCI_AUTH_NONE);
	oci_memos_free(m);
}
END_TEST

/* Registries choose how long a realm is. */
START_TEST(bounded)
{
	struct oci_challenge c = {.scheme = OCI_AUTH_BEARER};
	struct oci_memos *m = oci_memos_new();
	struct oci_repo repo = {.host = "reg"};
	size_t i, kept = 0, n = 8000;

	memset(c.realm, 'x', sizeof(c.realm) - 1);
	for (i = 0; i < n; i++) {
		snprintf(repo.name, sizeof(repo.name), "r%zu", i);
		oci_memo_set(m, &repo, 1, &c, &hop);
	}
	for (i = 0; i < n; i++) {
		snprintf(repo.name, sizeof(repo.name), "r%zu", i);
		kept += oci_memo_get(m, &repo, 1).scheme != OCI_AUTH_NONE;
	}
	ck_assert_uint_le(kept * sizeof(c.realm), LIMIT_CHALLENGES_BYTES);
	ck_assert_uint_ge(kept, LIMIT_CHALLENGES_BYTES / (2 * sizeof(c.realm)));
	ck_assert_int_ne(oci_memo_get(m, &repo, 1).scheme, OCI_AUTH_NONE);
	oci_memos_free(m);
}
END_TEST

Suite *suite_memo(void)
{
	Suite *s = suite_create("memo");
	TCase *t = tcase_create("memo");

	tcase_add_test(t, apart);
	tcase_add_test(t, bounded);
	suite_add_tcase(s, t);
	return s;
}
