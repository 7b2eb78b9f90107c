#include "image/name.h"

#include "base/mem.h"
#include "oci/ref.h"

#include <check.h>
#include <string.h>

Suite *suite_name(void);

static const struct {
	const char *image, *canonical; /* NULL: refused */
	const char *says; /* in the message */
} names[] = {
	{"alpine", "index.docker.io/library/alpine", NULL},
	{"docker.io/alpine", "index.docker.io/library/alpine", NULL},
	{"index.docker.io/library/alpine", "index.docker.io/library/alpine", NULL},
	{"org/app", "index.docker.io/org/app", NULL},
	{"localhost/a", "index.docker.io/localhost/a", NULL},
	{"host_name/a", "index.docker.io/host_name/a", NULL},
	{"ghcr.io/org/app", "ghcr.io/org/app", NULL},
	{"ghcr.io/org/app/", "ghcr.io/org/app", NULL},
	{"ghcr.io//org//app", "ghcr.io/org/app", NULL},
	{"localhost:5000/ab", "localhost:5000/ab", NULL},
	{"localhost:5000/a", NULL, "at least 2"},
	{"[::1]:5000/app/xx", "[::1]:5000/app/xx", NULL},
	{"", NULL, "at least 2"},
	{"a", NULL, "at least 2"},
	{"ghcr.io/Org/app", NULL, "lower case"},
	{"Alpine", NULL, "lower case"},
	{"ghcr.io/org/a pp", NULL, "characters"},
	{"alpine:3.19", NULL, "remove ':3.19'"},
	{"org/app:1", NULL, "'org/app:1' should not include a tag; remove ':1'"},
	{"localhost:5000/app:1", NULL, "remove ':1'"},
	{"[::1]:5000/app:1", NULL, "remove ':1'"},
	{"localhost:5000", NULL, "remove ':5000'"},
	{"alpine@sha256:abc", NULL, "remove '@sha256:abc'"},
	{"oci://ghcr.io/org/app", NULL, "remove 'oci://'"},
	{"https://ghcr.io/org/app", NULL, "remove 'https://'"},
	{"user:secretpw@ghcr.io/org/app", NULL, "should not include a user"},
	{"https://user:secretpw@ghcr.io/org/app", NULL, "should not include a user"},
	{"user:secretpw@ghcr.io", NULL, "should not include a user"},
	{"user:secretpw@ghcr.io:443", NULL, "should not include a user"},
	{"https://user:secretpw@ghcr.io", NULL, "should not include a user"},
	{"ghcr.io:x/org/app", NULL, "port"},
	{"ghcr.io/org/../app", NULL, "'..'"},
	{"ghcr.io/org/%61pp", NULL, "characters"},
};

START_TEST(test_names)
{
	struct oci_repo r = {0};
	struct err err = {0};
	char text[OCI_REPO_TEXT_MAX];
	int rc = image_name_parse(&r, names[_i].image, true, &err);

	if (names[_i].canonical) {
		ck_assert_msg(!rc, "'%s': %s", names[_i].image, err.msg);
		ck_assert_str_eq(oci_repo_format(&r, text), names[_i].canonical);
		ck_assert(r.insecure);
		return;
	}
	ck_assert_msg(rc, "'%s' was taken", names[_i].image);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_msg(
		strstr(err.msg, names[_i].says) != NULL, "'%s': %s", names[_i].image, err.msg);
	ck_assert_msg(!strstr(err.msg, "secretpw"), "%s", err.msg);
	ck_assert_str_eq(r.host, "");
}
END_TEST

static void long_name(size_t n, bool ok)
{
	auto_free char *image = mem_zalloc(n + 1);
	struct oci_repo r;
	struct err err = {0};

	memset(image, 'a', n);
	ck_assert_int_eq(!image_name_parse(&r, image, false, &err), ok);
}

/* Without "library/" 255 characters; a name without a host has it. */
START_TEST(test_long)
{
	long_name(255 - 8, true);
	long_name(256, false);
	long_name(9000, false);
}
END_TEST

Suite *suite_name(void)
{
	Suite *s = suite_create("name");
	TCase *t = tcase_create("name");

	tcase_add_loop_test(t, test_names, 0, (int)ARRAY_LEN(names));
	tcase_add_test(t, test_long);
	suite_add_tcase(s, t);
	return s;
}
