#include "ev/sock.h"

#include <check.h>

Suite *suite_sock(void);

static const struct {
	const char *peer, *group;
} GROUPS[] = {
	{"10.1.2.3:4567", "10.1.2.3"},
	{"127.0.0.1:1", "127.0.0.1"},
	{"[::ffff:10.1.2.3]:4567", "10.1.2.3"},
	{"[::1]:4567", "::"},
	{"[2001:db8:1:2:3:4:5:6]:4567", "2001:db8:1:2::"},
	{"[2001:db8:1:2::ffff]:1", "2001:db8:1:2::"},
	{"[2001:db8:1:3::ffff]:1", "2001:db8:1:3::"},
	{"[fe80::1]:1", "fe80::"},
	{"", ""},
	{"nonsense", "nonsense"},
};

START_TEST(test_group)
{
	char group[SOCK_NAME_MAX];

	sock_peer_group(GROUPS[_i].peer, group);
	ck_assert_str_eq(group, GROUPS[_i].group);
}
END_TEST

Suite *suite_sock(void)
{
	Suite *s = suite_create("sock");
	TCase *t = tcase_create("sock");

	tcase_add_loop_test(t, test_group, 0, sizeof(GROUPS) / sizeof(GROUPS[0]));
	suite_add_tcase(s, t);
	return s;
}
