#include "oci/target.h"

#include "test/unit/oci/fixture.h"

Suite *suite_target(void);

/* What an op keeps does not depend on what its caller does afterwards. */
START_TEST(keeps)
{
	struct oci_identity *id = oci_identity_new();
	struct oci_target own = {0}, from;
	struct oci_repo repo = {0};
	uint64_t number = oci_identity_id(id);
	struct err err = {0};

	ck_assert_int_eq(oci_repo_parse(&repo, "oci://reg.example/app", false, &err), 0);
	from = (struct oci_target){&repo, id, 60000};
	oci_target_init(&own, &from);
	repo = (struct oci_repo){0};
	oci_identity_unref(id);
	ck_assert_str_eq(own.repo->host, "reg.example");
	ck_assert_str_eq(own.repo->name, "app");
	ck_assert_uint_eq(oci_identity_id(own.identity), number);
	ck_assert_uint_eq(own.timeout_ms, 60000);
	oci_target_clear(&own);
	ck_assert_ptr_null(own.repo);
	oci_target_clear(&own);
}
END_TEST

Suite *suite_target(void)
{
	Suite *s = suite_create("target");
	TCase *t = tcase_create("target");

	tcase_add_test(t, keeps);
	suite_add_tcase(s, t);
	return s;
}
