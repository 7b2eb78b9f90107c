#include "base/log.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_log(void);

static int fds[2];
static char line[70000];

static void up(void)
{
	clock_fake(1769851800123);
	ck_assert_int_eq(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	fcntl(fds[1], F_SETPIPE_SZ, 1 << 20);
	log_set_fd(fds[1]);
}

static const char *said(void)
{
	ssize_t n = read(fds[0], line, sizeof(line) - 1);

	line[n < 0 ? 0 : n] = '\0';
	return line;
}

START_TEST(test_line)
{
	struct log_ctx ctx = {.members = (char[]){"\"controller\":\"x\",\"n\":1"}};
	struct err err = {.msg = "it \"broke\""};

	up();
	log_info(&ctx, "stored artifact", LS("revision", "v1"), LU("size", UINT64_MAX), LI("i", -5),
		LB("ok", true), LN("s", 0.25), LE(&err));
	ck_assert_str_eq(said(),
		"{\"level\":\"info\",\"ts\":\"2026-01-31T09:30:00.123Z\",\"msg\":\"stored "
		"artifact\","
		"\"controller\":\"x\",\"n\":1,\"revision\":\"v1\",\"size\":18446744073709551615,"
		"\"i\":-5,"
		"\"ok\":true,\"s\":0.25,\"error\":\"it \\\"broke\\\"\"}\n");
	log_error(NULL, "plain");
	ck_assert_str_eq(said(),
		"{\"level\":\"error\",\"ts\":\"2026-01-31T09:30:00.123Z\",\"msg\":\"plain\"}\n");
	log_set_json(false);
	log_info(NULL, "console", LS("a", "b"));
	ck_assert_str_eq(said(), "2026-01-31T09:30:00.123Z\tinfo\tconsole\t{\"a\":\"b\"}\n");
}
END_TEST

START_TEST(test_level)
{
	up();
	log_debug(NULL, "no");
	ck_assert_str_eq(said(), "");
	ck_assert_int_eq(log_set_level("debug"), 0);
	log_debug(NULL, "yes");
	ck_assert_ptr_nonnull(strstr(said(), "\"yes\""));
	ck_assert_int_eq(log_set_level("error"), 0);
	log_info(NULL, "no");
	ck_assert_str_eq(said(), "");
	ck_assert_int_eq(log_set_level("verbose"), -1);
	ck_assert(log_on(LOG_ERROR));
	ck_assert(!log_on(LOG_INFO));
	log_set_fd(-1);
	ck_assert(!log_on(LOG_ERROR));
}
END_TEST

/* One line, valid JSON, whatever is logged: a broken one stops `flux logs` of the whole pod. */
START_TEST(test_anything)
{
	auto_free char *huge = mem_alloc(200000);
	const char *values[] = {"a\nb", "\xff\xfe", "\"}\n{", "", NULL, huge};
	auto_json json_t *o = NULL;
	struct err err;
	size_t n;

	up();
	memset(huge, 'x', 199999);
	huge[199999] = '\0';
	log_info(NULL, "message", LS("value", values[_i]));
	n = strlen(said());
	ck_assert_uint_gt(n, 0);
	ck_assert_ptr_eq(strchr(line, '\n'), line + n - 1);
	o = obj_parse(line, n, "the line", &err);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(obj_str(o, "msg"), "message");
}
END_TEST

Suite *suite_log(void)
{
	Suite *s = suite_create("log");
	TCase *t = tcase_create("log");

	tcase_add_test(t, test_line);
	tcase_add_test(t, test_level);
	tcase_add_loop_test(t, test_anything, 0, 6);
	suite_add_tcase(s, t);
	return s;
}
