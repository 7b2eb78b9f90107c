#include "oci/guard.h"

#include "base/lru.h"
#include "base/mem.h"
#include "http/url.h"

#include <check.h>
#include <string.h>

Suite *suite_guard(void);

static const struct {
	const char *url;
	bool ok;
} own[] = {
	{"http://127.0.0.1:9090/x", false},
	{"https://127.0.0.1:9090/x", false},
	{"http://127.8.9.1:9090/x", false},
	{"http://localhost:9090/x", false},
	{"http://x.localhost:9090/x", false},
	{"http://[::1]:9090/x", false},
	{"http://0.0.0.0:9090/x", false},
	{"http://[::]:9090/x", false},
	{"http://[::ffff:127.0.0.1]:8080/x", false},
	{"http://me.svc/x", false},
	{"http://ME.svc./x", false},
	{"https://me.svc:1234/x", false},
	{"http://adv.svc:9191/x", false},
	{"http://adv.svc:5000/x", true},
	{"http://10.255.1.2:9191/x", false},
	{"http://127.0.0.1:9091/x", true},
	{"http://reg.example:9090/x", true},
	{"http://8.8.8.8:9090/x", true},
};

START_TEST(own_port)
{
	auto_url struct url u = {0};
	struct err err = {0};
	struct oci_guard g;

	oci_guard_init(&g);
	oci_guard_own_address(&g, "127.0.0.1:9090");
	oci_guard_own_address(&g, "[::]:8080");
	oci_guard_own_address(&g, "rubbish");
	oci_guard_own_host(&g, "me.svc.");
	oci_guard_own_host(&g, "adv.svc:9191");
	oci_guard_own_host(&g, "10.255.1.2:9191");
	oci_guard_own_host(&g, "");
	ck_assert_msg(!url_parse(&u, own[_i].url, &err), "%s", err.msg);
	ck_assert_msg(!oci_guard_check(&g, &u, &err) == own[_i].ok, "'%s'", own[_i].url);
	oci_guard_clear(&g);
}
END_TEST

static const struct {
	const char *from, *to;
	bool insecure, ok;
} redirects[] = {
	{"https://reg.example/v2/a", "https://cdn.example/b", false, true},
	{"https://reg.example/v2/a", "https://8.8.8.8/b", false, true},
	{"https://reg.example/v2/a", "http://cdn.example/b", false, false},
	{"https://reg.example/v2/a", "http://cdn.example/b", true, true},
	{"http://reg.example/v2/a", "http://cdn.example/b", false, true},
	{"http://reg.example/v2/a", "https://cdn.example/b", false, true},
	{"https://reg.example/v2/a", "https://127.0.0.1/b", false, false},
	{"https://reg.example/v2/a", "https://127.0.0.1/b", true, false},
	{"https://reg.example/v2/a", "https://localhost/b", false, false},
	{"https://reg.example/v2/a", "https://10.0.0.1/b", false, false},
	{"https://reg.example/v2/a", "https://169.254.169.254/latest/meta-data", false, false},
	{"https://reg.example/v2/a", "https://[fe80::1]/b", false, false},
	{"https://reg.example/v2/a", "https://[::ffff:10.0.0.1]/b", false, false},
	{"https://reg.example/v2/a", "https://u:p@cdn.example/b", false, false},
	{"http://127.0.0.1:5000/v2/a", "http://127.0.0.1:5001/b", false, true},
	{"http://10.0.0.1:5000/v2/a", "http://10.0.0.2/b", false, true},
	{"http://127.0.0.1:5000/v2/a", "http://127.0.0.1:9090/b", false, false},
};

START_TEST(redirect)
{
	auto_url struct url from = {0}, to = {0};
	struct err err = {0};
	struct oci_guard g;

	oci_guard_init(&g);
	oci_guard_own_address(&g, "127.0.0.1:9090");
	ck_assert(!url_parse(&from, redirects[_i].from, &err));
	ck_assert(!url_parse(&to, redirects[_i].to, &err));
	ck_assert_msg(!oci_guard_redirect(&g, &from, &to, redirects[_i].insecure, &err) ==
			redirects[_i].ok,
		"'%s' to '%s': %s", redirects[_i].from, redirects[_i].to, err.msg);
	ck_assert(!strstr(err.msg, "u:p"));
	oci_guard_clear(&g);
}
END_TEST

/* ---- the map with a limit ------------------------------------------------------------------------------------------ */

struct thing {
	struct lru_item item;
	bool busy;
};

static bool thing_busy(const struct lru_item *it)
{
	return CONTAINER_OF(it, const struct thing, item)->busy;
}

static void thing_free(struct lru_item *it)
{
	free(CONTAINER_OF(it, struct thing, item));
}

static struct thing *add(struct lru *l, const char *key)
{
	struct thing *t = NEW(struct thing);

	lru_add(l, key, &t->item);
	return t;
}

START_TEST(lru)
{
	struct lru l;

	lru_init(&l, 3, thing_busy, thing_free);
	add(&l, "a");
	add(&l, "b");
	add(&l, "c");
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	add(&l, "d"); /* b was not used for longest */
	ck_assert_ptr_null(lru_get(&l, "b"));
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	CONTAINER_OF(lru_get(&l, "c"), struct thing, item)->busy = true;
	ck_assert_ptr_nonnull(lru_get(&l, "a"));
	ck_assert_ptr_nonnull(lru_get(&l, "d"));
	add(&l, "e"); /* c is busy: a goes */
	ck_assert_ptr_nonnull(lru_get(&l, "c"));
	ck_assert_ptr_null(lru_get(&l, "a"));
	lru_drop(&l, lru_get(&l, "d"));
	ck_assert_ptr_null(lru_get(&l, "d"));
	ck_assert_uint_eq(l.map.len, 2);
	lru_clear(&l);
	ck_assert_ptr_null(l.newest);
	ck_assert_ptr_null(l.oldest);
}
END_TEST

Suite *suite_guard(void)
{
	Suite *s = suite_create("guard");
	TCase *t = tcase_create("guard");

	tcase_add_loop_test(t, own_port, 0, ARRAY_LEN(own));
	tcase_add_loop_test(t, redirect, 0, ARRAY_LEN(redirects));
	tcase_add_test(t, lru);
	suite_add_tcase(s, t);
	return s;
}
