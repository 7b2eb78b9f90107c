#include "http/guard.h"

#include "base/mem.h"
#include "http/client.h"

#include <check.h>
#include <ifaddrs.h>
#include <string.h>

Suite *suite_guard(void);

static const struct {
	const char *ip;
	unsigned port;
	bool ok;
} own[] = {
	{"127.0.0.1", 9090, false},
	{"127.8.9.1", 9090, false},
	{"::1", 9090, false},
	{"0.0.0.0", 9090, false},
	{"::", 9090, false},
	{"::ffff:127.0.0.1", 8080, false},
	{"::ffff:0:0", 8080, false},
	{"::127.0.0.1", 8080, false},
	{"64:ff9b::127.0.0.1", 8080, false},
	{"2002:7f00:1::1", 8080, false},
	{"10.255.1.2", 9191, false},
	{"::ffff:10.255.1.2", 9191, false},
	{"10.255.1.2", 9192, true},
	{"127.0.0.1", 9091, true},
	{"8.8.8.8", 9090, true},
};

static const struct {
	const char *url;
	bool ok;
} own_names[] = {
	{"http://me.svc/x", false},
	{"http://ME.svc./x", false},
	{"https://me.svc:1234/x", false},
	{"http://adv.svc:9191/x", false},
	{"http://adv.svc:5000/x", true},
	{"http://reg.example:9090/x", true},
	/* an address is judged where the connection is opened */
	{"http://127.0.0.1:9090/x", true},
};

static void own_guard(struct http_guard *g)
{
	http_guard_init(g);
	http_guard_own_address(g, "127.0.0.1:9090");
	http_guard_own_address(g, "[::]:8080");
	http_guard_own_address(g, "rubbish");
	http_guard_own_host(g, "me.svc.");
	http_guard_own_host(g, "adv.svc:9191");
	http_guard_own_host(g, "10.255.1.2:9191");
	http_guard_own_host(g, "");
}

static struct ip ip_of(const char *text)
{
	struct ip ip;

	ck_assert_msg(!ip_parse(&ip, text), "'%s'", text);
	return ip;
}

/* Whoever names it, and whatever the operator allows. */
START_TEST(own_port)
{
	struct http_hop hops[] = {{0}, {.chosen = true, .from = HOST_PUBLIC},
		{.chosen = true, .from = HOST_LOOPBACK}};
	struct ip ip = ip_of(own[_i].ip);
	struct http_guard g;
	size_t i;

	own_guard(&g);
	for (i = 0; i < (own[_i].ok ? 1 : ARRAY_LEN(hops)); i++) {
		struct err err = {0};

		ck_assert(!ip_nets_add(&g.allowed, "0.0.0.0/0", &err));
		ck_assert_msg(
			!http_guard_connect(&g, &hops[i], &ip, own[_i].port, &err) == own[_i].ok,
			"'%s' port %u: %s", own[_i].ip, own[_i].port, err.msg);
	}
	http_guard_clear(&g);
}
END_TEST

/* Every address of this machine, not only loopback. */
START_TEST(own_interfaces)
{
	struct ifaddrs *all, *at;
	struct http_guard g;

	own_guard(&g);
	ck_assert(!getifaddrs(&all));
	for (at = all; at; at = at->ifa_next) {
		struct err err = {0};
		struct ip ip;

		if (at->ifa_addr && !ip_of_sockaddr(&ip, NULL, at->ifa_addr))
			ck_assert(http_guard_connect(&g, &(struct http_hop){0}, &ip, 9090, &err));
	}
	freeifaddrs(all);
	http_guard_clear(&g);
}
END_TEST

START_TEST(own_name)
{
	auto_url struct url u = {0};
	struct err err = {0};
	struct http_guard g;

	own_guard(&g);
	ck_assert_msg(!url_parse(&u, own_names[_i].url, &err), "%s", err.msg);
	ck_assert_msg(
		!http_guard_check(&g, &u, &err) == own_names[_i].ok, "'%s'", own_names[_i].url);
	http_guard_clear(&g);
}
END_TEST

/* A registry at one address, of which the class counts, names another. */
static const struct {
	const char *from, *to;
	bool ok;
} hops[] = {
	{"8.8.8.8", "9.9.9.9", true},
	{"8.8.8.8", "2600::1", true},
	{"8.8.8.8", "10.0.0.1", false},
	{"8.8.8.8", "172.31.0.1", false},
	{"8.8.8.8", "192.168.0.1", false},
	{"8.8.8.8", "100.64.0.1", false},
	{"8.8.8.8", "169.254.169.254", false},
	{"8.8.8.8", "127.0.0.1", false},
	{"8.8.8.8", "0.0.0.0", false},
	{"8.8.8.8", "::", false},
	{"8.8.8.8", "::1", false},
	{"8.8.8.8", "fd00::1", false},
	{"8.8.8.8", "fe80::1", false},
	{"8.8.8.8", "::ffff:10.0.0.1", false},
	{"8.8.8.8", "64:ff9b::10.0.0.1", false},
	{"8.8.8.8", "2002:a00:1::", false},
	{"8.8.8.8", "::10.0.0.1", false},
	{"8.8.8.8", "224.0.0.1", false},
	{"8.8.8.8", "10.9.9.9", true}, /* allowed below */
	{"8.8.8.8", "::ffff:10.9.9.9", true},
	{"8.8.8.8", "fd99::1", true},
	{"10.0.0.1", "8.8.8.8", true},
	{"10.0.0.1", "10.0.0.1", true},
	{"10.0.0.1", "192.168.7.7", true},
	{"10.0.0.1", "fd00::1", true},
	{"fd00::1", "10.0.0.1", true},
	{"100.64.0.1", "10.0.0.1", true},
	{"10.0.0.1", "127.0.0.1", false},
	{"10.0.0.1", "0.0.0.0", false},
	{"10.0.0.1", "169.254.169.254", false},
	{"10.0.0.1", "fe80::1", false},
	{"169.254.1.1", "169.254.1.2", true},
	{"127.0.0.1", "127.0.0.1", true},
	{"127.0.0.1", "::1", true},
	{"::ffff:127.0.0.1", "127.0.0.2", true},
	{"127.0.0.1", "10.0.0.1", true},
	{"127.0.0.1", "169.254.169.254", false},
	/* what clouds tell their nodes at addresses that are not link-local */
	{"10.0.0.1", "fd00:ec2::254", false},
	{"10.0.0.1", "fd00:ec2::23", false},
	{"10.0.0.1", "fd20:ce::254", false},
	{"10.0.0.1", "100.100.100.200", false},
	{"10.0.0.1", "64:ff9b::100.100.100.200", false},
	{"10.0.0.1", "64:ff9b:1::169.254.169.254", false},
	{"10.0.0.1", "192.0.0.192", false},
	{"10.0.0.1", "168.63.129.16", false},
	{"8.8.8.8", "168.63.129.16", false},
	{"10.0.0.1", "fd00:ec3::254", true},
	{"10.0.0.1", "100.100.100.201", true},
	{"8.8.8.8", "168.63.129.17", true},
};

START_TEST(hop)
{
	struct ip to = ip_of(hops[_i].to);
	struct http_res res = {.peer = ip_of(hops[_i].from), .has_peer = true};
	struct url asked = {.host = (char *)(uintptr_t)"reg.example"};
	struct http_hop from = http_hop_from(&res, &asked), user = {0};
	struct err err = {0};
	struct http_guard g;

	http_guard_init(&g);
	ck_assert(!ip_nets_add(&g.allowed, "10.9.0.0/16,fd99::/32", &err));
	ck_assert_msg(!http_guard_connect(&g, &from, &to, 443, &err) == hops[_i].ok,
		"from '%s' to '%s': %s", hops[_i].from, hops[_i].to, err.msg);
	/* What the user wrote may be anywhere. */
	ck_assert(!http_guard_connect(&g, &user, &to, 443, &err));
	http_guard_clear(&g);
}
END_TEST

/* Behind a proxy the registry's address is what its URL says, and a name says nothing. */
START_TEST(hop_behind_proxy)
{
	static const struct {
		const char *host;
		enum host_class from;
	} rows[] = {{"reg.example", HOST_NAME}, {"10.0.0.1", HOST_PRIVATE}};
	struct url asked = {.host = (char *)(uintptr_t)rows[_i].host};
	struct http_hop from = http_hop_from(&(struct http_res){0}, &asked);
	struct ip to = ip_of("10.0.0.2");
	struct err err = {0};
	struct http_guard g = {.ports = {0}};

	ck_assert(from.chosen);
	ck_assert_int_eq(from.from, rows[_i].from);
	ck_assert_int_eq(http_guard_connect(&g, &from, &to, 443, &err), _i ? 0 : -1);
}
END_TEST

static const struct {
	const char *from, *to;
	bool insecure, ok;
} redirects[] = {
	{"https://reg.example/v2/a", "https://cdn.example/b", false, true},
	{"https://reg.example/v2/a", "http://cdn.example/b", false, false},
	{"https://reg.example/v2/a", "http://cdn.example/b", true, true},
	{"http://reg.example/v2/a", "http://cdn.example/b", false, true},
	{"http://reg.example/v2/a", "https://cdn.example/b", false, true},
	{"https://reg.example/v2/a", "https://u:p@cdn.example/b", false, false},
	{"https://reg.example/v2/a", "https://me.svc/b", false, false},
};

START_TEST(redirect)
{
	auto_url struct url from = {0}, to = {0};
	struct err err = {0};
	struct http_guard g;

	own_guard(&g);
	ck_assert(!url_parse(&from, redirects[_i].from, &err));
	ck_assert(!url_parse(&to, redirects[_i].to, &err));
	ck_assert_msg(!http_guard_redirect(&g, &from, &to, redirects[_i].insecure, &err) ==
			redirects[_i].ok,
		"'%s' to '%s': %s", redirects[_i].from, redirects[_i].to, err.msg);
	ck_assert(!strstr(err.msg, "u:p"));
	http_guard_clear(&g);
}
END_TEST

Suite *suite_guard(void)
{
	Suite *s = suite_create("guard");
	TCase *t = tcase_create("guard");

	tcase_add_loop_test(t, own_port, 0, ARRAY_LEN(own));
	tcase_add_test(t, own_interfaces);
	tcase_add_loop_test(t, own_name, 0, ARRAY_LEN(own_names));
	tcase_add_loop_test(t, hop, 0, ARRAY_LEN(hops));
	tcase_add_loop_test(t, hop_behind_proxy, 0, 2);
	tcase_add_loop_test(t, redirect, 0, ARRAY_LEN(redirects));
	suite_add_tcase(s, t);
	return s;
}
