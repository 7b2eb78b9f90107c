#include "cmd/ocictl/objects.h"

#include "base/mem.h"
#include "cmd/ocictl/args.h"
#include "controllers/imagepolicy/spec.h"
#include "image/exclude.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

START_TEST(test_flags)
{
	struct args a = {
		.semver = "1.x", .filter = "^v", .extract = "$0", .skip = "2", .pin = "v1"};
	struct choose_rules rules;
	struct err err = {0};
	struct objects o;

	*vec_add(&a.exclude) = "^a";
	*vec_add(&a.exclude) = "^b";
	ck_assert_ptr_null(objects_misused(&a));
	ck_assert_msg(!objects_read(&o, &a, &err), "%s", err.msg);
	rules = imagepolicy_rules(o.policy, 0);
	ck_assert_int_eq(rules.by, CHOOSE_SEMVER);
	ck_assert_str_eq(rules.range, "1.x");
	ck_assert_str_eq(rules.pattern, "^v");
	ck_assert_str_eq(rules.extract, "$0");
	ck_assert_str_eq(rules.skip, "2");
	ck_assert_str_eq(rules.pin, "v1");
	ck_assert_uint_eq(o.exclude->patterns.len, 2);
	ck_assert_str_eq(o.exclude->patterns.p[1], "^b");
	objects_clear(&o);
	vec_clear(&a.exclude);
}
END_TEST

START_TEST(test_flags_default)
{
	struct args a = {.numerical = "desc"};
	struct err err = {0};
	struct objects o;

	ck_assert_msg(!objects_read(&o, &a, &err), "%s", err.msg);
	ck_assert_int_eq(o.policy->by, CHOOSE_NUMERICAL);
	ck_assert(o.policy->desc);
	ck_assert_uint_eq(o.exclude->patterns.len, 1);
	ck_assert_str_eq(o.exclude->patterns.p[0], "^.*\\.sig$");
	ck_assert_str_eq(o.image, "");
	objects_clear(&o);
}
END_TEST

/* A text that JSON cannot hold must not be left out in silence: the choice would be another one. */
static const struct {
	struct args a;
	const char *why;
} bad_flags[] = {
	{{.semver = "\xff"}, "--semver is no UTF-8"},
	{{.alphabetical = "asc", .filter = "\xff"}, "--filter is no UTF-8"},
	{{.alphabetical = "asc", .filter = "a", .extract = "\xff"}, "--extract is no UTF-8"},
	{{.alphabetical = "asc", .skip = "\xff"}, "--skip is no UTF-8"},
	{{.alphabetical = "asc", .pin = "\xff"}, "--pin is no UTF-8"},
};

START_TEST(test_flags_bad)
{
	struct err err = {0};
	struct objects o;

	ck_assert_int_eq(objects_read(&o, &bad_flags[_i].a, &err), -1);
	ck_assert_str_eq(err.msg, bad_flags[_i].why);
	objects_clear(&o);
}
END_TEST

#define POLICY(ref) \
	"apiVersion: image.toolkit.fluxcd.io/v1\n" \
	"kind: ImagePolicy\n" \
	"metadata: {name: p, namespace: apps}\n" \
	"spec: {imageRepositoryRef: " ref ", policy: {alphabetical: {}}}\n"
#define REPOSITORY(name, image) \
	"---\n" \
	"apiVersion: image.toolkit.fluxcd.io/v1\n" \
	"kind: ImageRepository\n" \
	"metadata: " name "\n" \
	"spec: {image: " image ", insecure: true, exclusionList: [x]}\n"

static const struct {
	const char *text;
	bool has_repo; /* by an argument */
	const char *image, *why; /* the end of the message */
} files[] = {
	{POLICY("{name: web}") REPOSITORY("{name: web, namespace: apps}", "a/b"), false, "a/b"},
	{POLICY("{name: web}") REPOSITORY("{name: web, namespace: apps}", "a/b"), true, "a/b"},
	{POLICY("{name: web}") REPOSITORY("{name: web, namespace: other}", "no/no")
			REPOSITORY("{name: web, namespace: apps}", "a/b"),
		false, "a/b"},
	{POLICY("{name: web, namespace: other}") REPOSITORY("{name: web, namespace: apps}", "no/no")
			REPOSITORY("{name: web, namespace: other}", "a/b"),
		false, "a/b"},
	{"{kind: List, items: [{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, spec: "
	 "{imageRepositoryRef: {name: web}}}, {apiVersion: image.toolkit.fluxcd.io/v1, kind: "
	 "ImageRepository, metadata: {name: web}, spec: {image: a/b, insecure: true, "
	 "exclusionList: [x]}}]}",
		false, "a/b"},
	{POLICY("{name: web}"), true, ""},
	{POLICY("{name: web}"), false, NULL,
		": the ImageRepository 'web' is not there: its repository has to be an argument"},
	{POLICY("{name: web}") "---\n" POLICY("{name: web}"), true, NULL,
		": there are 2 objects ImagePolicy, not one"},
	{"", true, NULL, ": there are 0 objects ImagePolicy, not one"},
	{"- 1\n", true, NULL, ": there are 0 objects ImagePolicy, not one"},
	{"{apiVersion: other.io/v1, kind: ImagePolicy}", true, NULL,
		": there are 0 objects ImagePolicy, not one"},
	{POLICY("{}"), true, NULL, "ImagePolicy: spec.imageRepositoryRef has no name"},
	{POLICY("{name: web}") REPOSITORY("{name: web, namespace: apps}", "a, exclusionList: 1"),
		true, NULL, "key 'exclusionList' stands twice"},
};

START_TEST(test_file)
{
	char path[] = "/tmp/test_objects.XXXXXX";
	struct args a = {.path = path, .has_repo = files[_i].has_repo};
	const char *why = files[_i].why;
	struct err err = {0};
	struct objects o;
	int fd = mkstemp(path), rc;
	size_t n = strlen(files[_i].text);

	ck_assert_int_eq(write(fd, files[_i].text, n), (ssize_t)n);
	close(fd);
	rc = objects_read(&o, &a, &err);
	unlink(path);
	if (why) {
		ck_assert_int_eq(rc, -1);
		ck_assert_msg(strlen(err.msg) >= strlen(why), "%s", err.msg);
		ck_assert_str_eq(err.msg + strlen(err.msg) - strlen(why), why);
	} else {
		ck_assert_msg(!rc, "%s", err.msg);
		ck_assert_str_eq(o.image, files[_i].image);
		ck_assert_int_eq(o.insecure, *o.image != '\0');
		ck_assert_str_eq(o.exclude->patterns.p[0], *o.image ? "x" : "^.*\\.sig$");
	}
	objects_clear(&o);
}
END_TEST

Suite *suite_objects(void);
Suite *suite_objects(void)
{
	Suite *s = suite_create("objects");
	TCase *t = tcase_create("objects");

	tcase_add_test(t, test_flags);
	tcase_add_test(t, test_flags_default);
	tcase_add_loop_test(t, test_flags_bad, 0, ARRAY_LEN(bad_flags));
	tcase_add_loop_test(t, test_file, 0, ARRAY_LEN(files));
	suite_add_tcase(s, t);
	return s;
}
