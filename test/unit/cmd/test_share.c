#include "cmd/oci-source-controller/share.h"

#include "base/limits.h"

#include <check.h>

Suite *suite_share(void);

static unsigned sum(const struct share *s)
{
	return 2 * s->artifacts + s->metrics + s->health + s->receivers + s->embedded + s->kube +
		s->registry + s->notices + s->peers;
}

/* Nobody has all: the servers' clients half at most, and something is left for files. */
START_TEST(test_shares)
{
	uint64_t n;

	for (n = 256; n <= 1048576; n += n < 2048 ? 1 : 1000) {
		struct share s = share_of(n);

		ck_assert_uint_le(s.descriptors, n);
		ck_assert_uint_le(2 * s.artifacts, s.descriptors / 2);
		ck_assert_uint_le(sum(&s), s.descriptors - s.descriptors / 10);
		ck_assert_uint_eq(s.others, s.descriptors - sum(&s));
		ck_assert_uint_ge(s.health, 8);
		ck_assert_uint_ge(s.kube, 20);
	}
}
END_TEST

START_TEST(test_usual)
{
	struct share s = share_of(1024);

	ck_assert_uint_eq(s.artifacts, 204);
	ck_assert_uint_eq(s.metrics, 32);
	ck_assert_uint_eq(s.health, 32);
	ck_assert_uint_eq(s.receivers, 32);
	ck_assert_uint_eq(s.embedded, 102);
	ck_assert_uint_eq(s.kube, 32);
	ck_assert_uint_eq(s.registry, 192);
	ck_assert_uint_eq(s.notices, 4);
	ck_assert_uint_eq(s.peers, 8);
	ck_assert_uint_eq(s.others, 182);
	s = share_of(1000000000);
	ck_assert_uint_eq(s.descriptors, LIMIT_DESCRIPTORS);
	ck_assert_uint_eq(s.artifacts, LIMIT_CONNECTIONS);
	ck_assert_uint_eq(s.registry, 512);
}
END_TEST

START_TEST(test_few)
{
	uint64_t n;

	for (n = 0; n < 256; n++) {
		struct share s = share_of(n);

		ck_assert_uint_ge(s.artifacts, 1);
		ck_assert_uint_ge(s.health, 1);
		ck_assert_uint_ge(s.registry, 1);
		ck_assert_uint_le(s.others, n);
	}
}
END_TEST

Suite *suite_share(void)
{
	Suite *s = suite_create("share");
	TCase *t = tcase_create("share");

	tcase_add_test(t, test_shares);
	tcase_add_test(t, test_usual);
	tcase_add_test(t, test_few);
	suite_add_tcase(s, t);
	return s;
}
