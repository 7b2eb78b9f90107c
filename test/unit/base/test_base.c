/* The small ones: err, mem, vec, obj, secret. */
#include "base/err.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/secret.h"
#include "base/vec.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

Suite *suite_base(void);

START_TEST(test_err)
{
	struct err err = {0};
	char longest[3000];

	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	ck_assert_int_eq(err_set(&err, ERR_STALL, "tag '%s'", "a"), -1);
	ck_assert_int_eq(err.kind, ERR_STALL);
	ck_assert_int_eq(err_wrap(&err, "pull '%s'", "b"), -1);
	ck_assert_str_eq(err.msg, "pull 'b': tag 'a'");
	ck_assert_int_eq(err.kind, ERR_STALL);
	err.retry_ms = 5;
	errno = ENOENT;
	ck_assert_int_eq(err_sys(&err, "open '%s'", "c"), -1);
	ck_assert_str_eq(err.msg, "open 'c': No such file or directory");
	ck_assert_int_eq(err.code, -ENOENT);
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_uint_eq(err.retry_ms, 0);
	ck_assert_int_eq(err_code(&err, ERR_WAIT, 429, "%s", longest), -1);
	ck_assert_int_eq(err.code, 429);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	err_wrap(&err, "outer");
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	ck_assert_int_eq(strncmp(err.msg, "outer: xxx", 10), 0);
	err_wrap(&err, "%s", longest);
	ck_assert_uint_eq(strlen(err.msg), ERR_MSG_MAX - 1);
	err_clear(&err);
	ck_assert_int_eq(err.kind, ERR_NONE);
	ck_assert_str_eq(err.msg, "");
	ck_assert_str_eq(err_kind_name(ERR_CANCELED), "canceled");
}
END_TEST

START_TEST(test_bug)
{
	close(2);
	open("/dev/null", O_WRONLY);
	BUG_IF(_i == 0);
	raise(SIGABRT);
}
END_TEST

START_TEST(test_mem)
{
	VEC(int) v = {0};
	auto_free char *s = mem_printf("%d-%s", 7, "x");
	auto_free char *cut = mem_strndup("abc\0def", 7);
	char *moved = MOVE(s), data[16] = "secret";
	int *it, sum = 0, i;

	ck_assert_ptr_null(s);
	ck_assert_str_eq(moved, "7-x");
	free(moved);
	ck_assert_ptr_null(mem_strdup(NULL));
	ck_assert_str_eq(cut, "abc");
	mem_wipe(data, sizeof(data));
	ck_assert_int_eq(memcmp(data, (char[16]){0}, 16), 0);
	for (i = 1; i <= 100; i++)
		*vec_add(&v) = i;
	vec_each (&v, it) {
		sum += *it;
	}
	ck_assert_int_eq(sum, 5050);
	vec_clear(&v);
	ck_assert_uint_eq(v.len + v.cap, 0);
	mem_trim();
}
END_TEST

START_TEST(test_mem_overflow)
{
	/* whatever a stranger multiplied: it ends here and not in a small block */
	mem_array(NULL, (size_t)-1 / 2, 4);
}
END_TEST

START_TEST(test_obj)
{
	struct err err = {0};
	const char *text =
		"{\"a\":{\"b.c/d\":\"x\",\"n\":5,\"t\":true,\"z\":\"a\\u0000b\"},\"s\":\"str\"}";
	auto_json json_t *o = obj_parse(text, strlen(text), "the test", &err);
	auto_buf struct buf b = BUF_INIT(BUF_ANY), small = BUF_INIT(3);

	/* jansson refuses a NUL unless it is asked not to */
	ck_assert_ptr_null(o);
	ck_assert_int_eq(strncmp(err.msg, "the test is not valid JSON: line 1: ", 36), 0);
	o = obj_parse_api(text, strlen(text), "the test", &err);
	ck_assert_ptr_nonnull(o);
	ck_assert_ptr_null(obj_str(o, "a", "z"));
	ck_assert_int_eq(obj_write(o, &b), 0);
	ck_assert_str_eq(b.p, text);
	buf_reset(&b);
	json_decref(o);
	text = "{\"a\":{\"b.c/d\":\"x\",\"n\":5,\"t\":true},\"s\":\"str\"}";
	o = obj_parse(text, strlen(text), "the test", &err);
	ck_assert_ptr_nonnull(o);
	ck_assert_str_eq(obj_str(o, "a", "b.c/d"), "x");
	ck_assert_ptr_null(obj_str(o, "a", "n"));
	ck_assert_ptr_null(obj_str(o, "s", "deeper"));
	ck_assert_ptr_null(obj_str(NULL, "s"));
	ck_assert_str_eq(obj_str_or("f", o, "none"), "f");
	ck_assert_int_eq(obj_int(-1, o, "a", "n"), 5);
	ck_assert_int_eq(obj_int(-1, o, "s"), -1);
	ck_assert(obj_bool(false, o, "a", "t"));
	ck_assert(obj_bool(true, o, "a", "n"));
	ck_assert_int_eq(obj_write(obj_get(o, "a"), &b), 0);
	ck_assert_str_eq(b.p, "{\"b.c/d\":\"x\",\"n\":5,\"t\":true}");
	ck_assert_int_ne(obj_write(o, &small), 0);
	ck_assert_ptr_null(obj_parse("{\"a\":1,\"a\":2}", 13, "x", &err));
	ck_assert_ptr_null(obj_parse("{} x", 4, "x", &err));
	ck_assert_ptr_null(obj_parse("", 0, "x", &err));
}
END_TEST

START_TEST(test_secret)
{
	struct secret a = {0}, b = {0};
	char *was;

	ck_assert(secret_equal(&a, &b));
	secret_set(&a, "token", 5);
	ck_assert_str_eq(a.p, "token");
	secret_copy(&b, &a);
	ck_assert(secret_equal(&a, &b));
	ck_assert_ptr_ne(a.p, b.p);
	secret_set(&b, "tokeN", 5);
	ck_assert(!secret_equal(&a, &b));
	secret_set(&b, "toke", 4);
	ck_assert(!secret_equal(&a, &b));
	was = a.p;
	(void)was;
	secret_clear(&a);
	ck_assert_ptr_null(a.p);
	ck_assert_uint_eq(a.len, 0);
	secret_clear(&a);
	secret_clear(&b);
}
END_TEST

Suite *suite_base(void)
{
	Suite *s = suite_create("base");
	TCase *t = tcase_create("base");

	tcase_add_test(t, test_err);
	tcase_add_loop_test_raise_signal(t, test_bug, SIGABRT, 0, 1);
	tcase_add_test(t, test_mem);
	tcase_add_test_raise_signal(t, test_mem_overflow, SIGABRT);
	tcase_add_test(t, test_obj);
	tcase_add_test(t, test_secret);
	suite_add_tcase(s, t);
	return s;
}
