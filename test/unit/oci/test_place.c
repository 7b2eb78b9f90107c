/* The spellings of one place. */
#include "oci/place.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_place(void);

static const struct {
	const char *url, *host;
	unsigned port;
	const char *name;
} ROWS[] = {
	{"oci://ghcr.io/org/app", "ghcr.io", 0, "org/app"},
	{"oci://GHCR.io/org/app", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io//org///app/", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io:443/org/app", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io:0443/org/app", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io:80/org/app", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io./org/app", "ghcr.io", 0, "org/app"},
	{"oci://ghcr.io.:5000/org/app", "ghcr.io", 5000, "org/app"},
	{"oci://a.b:5000/x/y", "a.b", 5000, "x/y"},
	{"oci://alpine", "index.docker.io", 0, "library/alpine"},
	{"oci://docker.io/alpine", "index.docker.io", 0, "library/alpine"},
	{"oci://docker.io:443/alpine", "index.docker.io", 0, "library/alpine"},
	{"oci://Docker.io./alpine", "index.docker.io", 0, "library/alpine"},
	{"oci://registry-1.docker.io/library/alpine", "index.docker.io", 0, "library/alpine"},
	{"oci://registry.hub.docker.com/org/app", "index.docker.io", 0, "org/app"},
	{"oci://docker.io.evil.test/org/app", "docker.io.evil.test", 0, "org/app"},
	{"oci://127.0.0.1:5000/app", "127.0.0.1", 5000, "app"},
	{"oci://10.5:5000/app", "10.0.0.5", 5000, "app"},
	{"oci://0xa.0.0.5./app", "10.0.0.5", 0, "app"},
	{"oci://010.0.0.5.evil.test/app", "010.0.0.5.evil.test", 0, "app"},
	{"oci://[::1]:5000/app", "[::1]", 5000, "app"},
	{"oci://[0:0:0:0:0:0:0:1]:443/app", "[::1]", 0, "app"},
	{"oci://[::ffff:10.0.0.5]:5000/app", "10.0.0.5", 5000, "app"},
	{"oci://[2001:DB8::0:1]/app", "[2001:db8::1]", 0, "app"},
};

START_TEST(test_place)
{
	struct oci_place p;
	struct oci_repo repo;
	struct err err = {0};

	ck_assert_msg(!oci_repo_parse(&repo, ROWS[_i].url, false, &err), "%s", err.msg);
	oci_place_of(&p, &repo);
	ck_assert_msg(!strcmp(p.host, ROWS[_i].host) && p.port == ROWS[_i].port &&
			!strcmp(p.name, ROWS[_i].name),
		"%s: %s %u %s", ROWS[_i].url, p.host, p.port, p.name);
}
END_TEST

START_TEST(test_same_host)
{
	static const char *const urls[] = {
		"oci://docker.io/a/b", "oci://registry-1.docker.io:443/a/b", "oci://a.b:1/a/b"};
	struct oci_place p[3];
	struct oci_repo repo;
	struct err err = {0};
	int i;

	for (i = 0; i < 3; i++) {
		ck_assert(!oci_repo_parse(&repo, urls[i], false, &err));
		oci_place_of(&p[i], &repo);
	}
	ck_assert(oci_place_same_host(&p[0], &p[1]));
	ck_assert(!oci_place_same_host(&p[0], &p[2]));
	ck_assert_str_eq(oci_place_name(&p[1], 0), "index.docker.io");
	ck_assert_str_eq(oci_place_name(&p[1], 3), "registry.hub.docker.com");
	ck_assert_ptr_null(oci_place_name(&p[1], 4));
	ck_assert_str_eq(oci_place_name(&p[2], 0), "a.b");
	ck_assert_ptr_null(oci_place_name(&p[2], 1));
}
END_TEST

Suite *suite_place(void)
{
	Suite *s = suite_create("place");
	TCase *tc = tcase_create("place");

	tcase_add_loop_test(tc, test_place, 0, ARRAY_LEN(ROWS));
	tcase_add_test(tc, test_same_host);
	suite_add_tcase(s, tc);
	return s;
}
