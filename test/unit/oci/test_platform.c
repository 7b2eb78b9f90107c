#include "oci/platform.h"

#include "base/vec.h"

#include <check.h>
#include <string.h>

Suite *suite_platform(void);

static const struct {
	const char *text;
	bool ok;
} texts[] = {
	{"linux/arm64", true},
	{"linux/arm/v7", true},
	{"windows/amd64", true},
	{"linux/ppc64le/power9", true},
	{"", false},
	{"linux", false},
	{"linux/", false},
	{"/arm64", false},
	{"linux//v7", false},
	{"linux/arm/", false},
	{"linux/arm/v7/x", false},
	{"Linux/ARM64", false},
	{"linux/arm64 ", false},
	{"linux/arm64\n", false},
	{"linux/abcdefghijklmnopqrstuvwxyz0123456", false},
};

START_TEST(parse)
{
	char text[OCI_PLATFORM_TEXT_MAX];
	struct oci_platform p;
	struct err err = {0};

	if (!texts[_i].ok) {
		ck_assert_msg(oci_platform_parse(&p, texts[_i].text, &err), "%s", texts[_i].text);
		ck_assert_msg(strstr(err.msg, "is no platform such as linux/arm64"), "%s", err.msg);
		return;
	}
	ck_assert_msg(!oci_platform_parse(&p, texts[_i].text, &err), "%s", err.msg);
	ck_assert_str_eq(oci_platform_format(&p, text), texts[_i].text);
}
END_TEST

static const struct {
	const char *want, *os, *arch, *variant;
	bool takes;
} entries[] = {
	{"linux/arm64", "linux", "arm64", NULL, true},
	{"linux/arm64", "linux", "arm64", "v8", true},
	{"linux/arm64/v8", "linux", "arm64", "", true},
	{"linux/arm64/v9", "linux", "arm64", "v8", false},
	{"linux/arm", "linux", "arm", "v6", true},
	{"linux/arm/v6", "linux", "arm", "", false},
	{"linux/arm/v7", "linux", "arm", "", true},
	{"linux/amd64/v2", "linux", "amd64", "", false},
	{"linux/amd64", "windows", "amd64", "", false},
	{"linux/amd64", "linux", "386", "", false},
};

START_TEST(takes)
{
	struct oci_platform p;
	struct err err = {0};

	ck_assert(!oci_platform_parse(&p, entries[_i].want, &err));
	ck_assert_msg(oci_platform_takes(&p, entries[_i].os, entries[_i].arch,
			      entries[_i].variant) == entries[_i].takes,
		"row %d", _i);
}
END_TEST

START_TEST(equal)
{
	struct oci_platform a, b;
	struct err err = {0};

	ck_assert(!oci_platform_parse(&a, "linux/amd64", &err));
	ck_assert(oci_platform_equal(&a, &oci_platform_default));
	ck_assert(!oci_platform_parse(&b, "linux/amd64/v2", &err));
	ck_assert(!oci_platform_equal(&a, &b));
}
END_TEST

Suite *suite_platform(void)
{
	Suite *s = suite_create("platform");
	TCase *t = tcase_create("platform");

	tcase_add_loop_test(t, parse, 0, ARRAY_LEN(texts));
	tcase_add_loop_test(t, takes, 0, ARRAY_LEN(entries));
	tcase_add_test(t, equal);
	suite_add_tcase(s, t);
	return s;
}
