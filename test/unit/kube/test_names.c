#include "kube/names.h"

#include "base/mem.h"

#include <check.h>
#include <string.h>

Suite *suite_names(void);

START_TEST(test_names)
{
	static const struct {
		const char *text;
		bool label, subdomain, qualified, value;
	} rows[] = {
		{"a", true, true, true, true},
		{"a-1", true, true, true, true},
		{"", false, false, false, true},
		{"a.b", false, true, true, true},
		{"A", false, false, true, true},
		{"-a", false, false, false, false},
		{"a-", false, false, false, false},
		{"a..b", false, false, true, true},
		{"a_b", false, false, true, true},
		{"x.io/Name", false, false, true, false},
		{"X/a", false, false, false, false},
		{"x/", false, false, false, false},
		{"/x", false, false, false, false},
		{"a b", false, false, false, false},
		{".", false, false, false, false},
		{"0123456789012345678901234567890123456789012345678901234567890123", false, true,
			false, false},
	};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert_msg(
			kube_is_dns_label(rows[i].text) == rows[i].label, "label %s", rows[i].text);
		ck_assert_msg(kube_is_dns_subdomain(rows[i].text) == rows[i].subdomain ||
				strlen(rows[i].text) == 64,
			"subdomain %s", rows[i].text);
		ck_assert_msg(kube_is_qualified(rows[i].text) == rows[i].qualified, "qualified %s",
			rows[i].text);
		ck_assert_msg(kube_is_label_value(rows[i].text) == rows[i].value, "value %s",
			rows[i].text);
	}
}
END_TEST

Suite *suite_names(void)
{
	Suite *s = suite_create("names");
	TCase *tc = tcase_create("names");

	tcase_add_test(tc, test_names);
	suite_add_tcase(s, tc);
	return s;
}
