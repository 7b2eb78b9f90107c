#include "base/ip.h"

#include "base/limits.h"
#include "base/mem.h"

#include <arpa/inet.h>
#include <check.h>
#include <netinet/in.h>
#include <string.h>

Suite *suite_ip(void);

static const struct {
	const char *text, *form; /* NULL: none */
} forms[] = {
	{"1.2.3.4", "1.2.3.4"},
	{"::ffff:1.2.3.4", "1.2.3.4"},
	{"::ffff:102:304", "1.2.3.4"},
	{"64:ff9b::1.2.3.4", "1.2.3.4"},
	{"2002:102:304::9", "1.2.3.4"},
	{"::1.2.3.4", "1.2.3.4"},
	{"0.0.0.0", "0.0.0.0"},
	{"::", "::"},
	{"::1", "::1"},
	{"2001:DB8::1", "2001:db8::1"},
	{"64:ff9b:1::1", "64:ff9b:1::1"},
	{"1.2.3", NULL},
	{"01.2.3.4", NULL},
	{"[::1]", NULL},
	{"fe80::1%eth0", NULL},
	{"host", NULL},
	{"", NULL},
};

START_TEST(form)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	ck_assert_msg(!ip_parse(&ip, forms[_i].text) == !!forms[_i].form, "'%s'", forms[_i].text);
	if (!forms[_i].form)
		return;
	ip_format(&ip, text);
	ck_assert_str_eq(text, forms[_i].form);
}
END_TEST

START_TEST(sockaddr)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(80)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
	struct sockaddr none = {.sa_family = AF_UNIX};
	struct ip a, b, want;
	unsigned port;

	ck_assert(!ip_parse(&want, "10.1.2.3"));
	inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr);
	inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr);
	ck_assert(!ip_of_sockaddr(&a, &port, (struct sockaddr *)&v4));
	ck_assert_uint_eq(port, 80);
	ck_assert(!ip_of_sockaddr(&b, &port, (struct sockaddr *)&v6));
	ck_assert_uint_eq(port, 443);
	ck_assert(ip_equal(&a, &want) && ip_equal(&b, &want) && ip_is_v4(&b));
	ck_assert(ip_of_sockaddr(&a, NULL, &none));
}
END_TEST

static const struct {
	const char *net, *ip;
	int has; /* -1: no network */
} inside[] = {
	{"10.0.0.0/8", "10.255.0.1", 1},
	{"10.0.0.0/8", "11.0.0.1", 0},
	{"10.0.0.0/8", "::ffff:10.0.0.1", 1},
	{"10.0.0.0/8", "64:ff9b::10.0.0.1", 1},
	{"10.0.0.0/8", "fd00::1", 0},
	{"192.168.1.128/25", "192.168.1.129", 1},
	{"192.168.1.128/25", "192.168.1.127", 0},
	{"192.168.1.7", "192.168.1.7", 1},
	{"192.168.1.7", "192.168.1.6", 0},
	{"0.0.0.0/0", "255.255.255.255", 1},
	{"0.0.0.0/0", "::1", 0},
	{"::/0", "2600::1", 1},
	{"fd00::/8", "fdff::1", 1},
	{"fd00::/8", "fc00::1", 0},
	{"fd00::1", "fd00::1", 1},
	{"10.0.0.1/8", NULL, -1},
	{"10.0.0.0/33", NULL, -1},
	{"10.0.0.0/-1", NULL, -1},
	{"10.0.0.0/8x", NULL, -1},
	{"10.0.0.0/", NULL, -1},
	{"fd00::1/8", NULL, -1},
	{"fd00::/129", NULL, -1},
	{"::ffff:10.0.0.0/104", NULL, -1},
	{"ten", NULL, -1},
	{"", NULL, -1},
	{"/8", NULL, -1},
};

START_TEST(net)
{
	struct err err = {0};
	struct ip_net n;
	struct ip ip;
	int rc = ip_net_parse(&n, inside[_i].net, &err);

	ck_assert_msg(rc == (inside[_i].has < 0 ? -1 : 0), "'%s': %s", inside[_i].net, err.msg);
	if (rc)
		return;
	ck_assert(!ip_parse(&ip, inside[_i].ip));
	ck_assert_msg(ip_net_has(&n, &ip) == inside[_i].has, "'%s' in '%s'", inside[_i].ip,
		inside[_i].net);
}
END_TEST

START_TEST(list)
{
	static const char *const bad[] = {"10.0.0.0/8,", ",", "", "10.0.0.0/8, 11.0.0.0/8", "x"};
	struct ip_nets nets = {0};
	struct err err = {0};
	struct ip ip;
	size_t i;

	for (i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(ip_nets_add(&nets, bad[i], &err), "'%s'", bad[i]);
	ip_nets_clear(&nets);
	ck_assert(!ip_nets_add(&nets, "10.0.0.0/8,fd00::/8", &err));
	ck_assert(!ip_nets_add(&nets, "192.168.0.0/16", &err));
	ck_assert(!ip_parse(&ip, "192.168.3.4") && ip_nets_have(&nets, &ip));
	ck_assert(!ip_parse(&ip, "fd11::") && ip_nets_have(&nets, &ip));
	ck_assert(!ip_parse(&ip, "172.16.0.1") && !ip_nets_have(&nets, &ip));
	for (i = 0; i < LIMIT_NETS - 3; i++)
		ck_assert(!ip_nets_add(&nets, "1.1.1.1", &err));
	ck_assert(ip_nets_add(&nets, "1.1.1.1", &err));
	ip_nets_clear(&nets);
}
END_TEST

Suite *suite_ip(void)
{
	Suite *s = suite_create("ip");
	TCase *t = tcase_create("ip");

	tcase_add_loop_test(t, form, 0, ARRAY_LEN(forms));
	tcase_add_test(t, sockaddr);
	tcase_add_test(t, list);
	tcase_add_loop_test(t, net, 0, ARRAY_LEN(inside));
	suite_add_tcase(s, t);
	return s;
}
