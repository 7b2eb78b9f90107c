/* Questions to servers that are no registries. */
#include "oci/outside.h"

#include "base/limits.h"
#include "test/unit/oci/fixture.h"

Suite *suite_outside(void);

static struct fixture x;

static void begin(const char *networks)
{
	struct err err = {0};

	fixture_init(&x);
	if (networks)
		ck_assert_msg(!oci_client_allow(x.oci, networks, &err), "%s", err.msg);
}

static struct op *ask(const char *url, uint64_t max)
{
	struct op *op = oci_outside_start(x.oci,
		&(struct oci_outside_req){.url = url, .max_body = max, .deadline_ms = 10000});

	fixture_wait(&x, op);
	return op;
}

static void fails(const char *url, const char *why)
{
	struct op *op = ask(url, 100);

	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_msg(strstr(op->err.msg, why), "%s", op->err.msg);
	op_free(op);
}

static uint64_t counted;

static void count(void *arg, enum oci_kind kind, const char *host, const char *code, uint64_t n)
{
	(void)host;
	if (kind == OCI_KIND_REVOCATION && !strcmp(code, arg))
		counted += n;
}

static uint64_t requests(char *code)
{
	counted = 0;
	oci_client_each_request(x.oci, count, code);
	return counted;
}

/* Who makes a certificate does not lead us to this machine, unless the operator allows it. */
START_TEST(test_loopback)
{
	auto_free char *url = NULL;
	struct op *op;

	begin(_i ? "127.0.0.0/8" : NULL);
	url = mem_printf("http://%s/list", fake_host(x.reg));
	fake_on(x.reg, "GET", "/list")->body = "bytes";
	if (_i) {
		op = ask(url, 100);
		ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
		ck_assert_str_eq(buf_str(oci_outside_body(op)), "bytes");
		op_free(op);
		ck_assert_uint_eq(requests((char *)"200"), 1);
	} else {
		fails(url,
			"'127.0.0.1' is a loopback address, where a certificate may not send us "
			"(--registry-allow-private)");
		ck_assert_str_eq(fake_log(x.reg), "");
		ck_assert_uint_eq(requests((char *)"<error>"), 1);
	}
	fixture_clear(&x);
}
END_TEST

/* The controller's own servers are nowhere, whatever is allowed. */
START_TEST(test_own)
{
	auto_free char *url = NULL;

	begin("127.0.0.0/8");
	url = mem_printf("http://%s/list", fake_host(x.reg));
	oci_client_own_address(x.oci, fake_host(x.reg));
	fails(url, "is a port of this controller itself");
	oci_client_own_host(x.oci, "source-controller.flux-system.svc");
	fails("http://source-controller.flux-system.svc/", "is this controller itself");
	ck_assert_str_eq(fake_log(x.reg), "");
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *url, *why;
} urls[] = {
	{"", "URL"},
	{"ldap://a.example/x", "ldap"},
	{"https://a.example/x", "it is no plain URL of http"},
	{"http://me:secret@a.example/x", "it is no plain URL of http"},
	{"http://a.example/x#y", "it is no plain URL of http"},
	{"http://0x7f.1/", "0x7f.1"},
	{"http://169.254.169.254/latest", "'169.254.169.254' is a link-local address, where a"},
};

START_TEST(test_urls)
{
	begin(NULL);
	fails(urls[_i].url, urls[_i].why);
	fixture_clear(&x);
}
END_TEST

START_TEST(test_answers)
{
	auto_free char *url = NULL;
	struct fake_answer *a;
	struct op *op;

	begin("127.0.0.0/8");
	url = mem_printf("http://%s/list", fake_host(x.reg));
	a = fake_on(x.reg, "GET", "/list");
	a->status = 301;
	a->headers = "Location: /other\r\n";
	fails(url, "/list': the answer is 301");
	a->status = 200;
	a->body = "more than is wanted";
	op = ask(url, 5);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(test_cancel)
{
	auto_free char *url = NULL;
	struct op *op;

	begin("127.0.0.0/8");
	url = mem_printf("http://%s/list", fake_host(x.reg));
	fake_on(x.reg, "GET", "/list")->way = FAKE_SILENT;
	op = oci_outside_start(
		x.oci, &(struct oci_outside_req){.url = url, .max_body = 1, .deadline_ms = 10000});
	while (!*fake_log(x.reg))
		loop_turn(x.loop, true);
	op_cancel(op);
	fixture_wait(&x, op);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	ck_assert_uint_eq(requests((char *)"<canceled>"), 1);
	fixture_clear(&x);
}
END_TEST

Suite *suite_outside(void)
{
	Suite *s = suite_create("outside");
	TCase *tc = tcase_create("outside");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_loopback, 0, 2);
	tcase_add_test(tc, test_own);
	tcase_add_loop_test(tc, test_urls, 0, ARRAY_LEN(urls));
	tcase_add_test(tc, test_answers);
	tcase_add_test(tc, test_cancel);
	suite_add_tcase(s, tc);
	return s;
}
