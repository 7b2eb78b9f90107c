#include "git/http.h"

#include "base/mem.h"
#include "git/auth.h"
#include "git/fetch.h"
#include "git/refs.h"
#include "test/unit/git/wire.h"

Suite *suite_http(void);

#define REFS "/app.git/info/refs?service=git-upload-pack"
#define TYPE "Content-Type: application/x-git-upload-pack-advertisement\r\n"

static struct op *list(struct wire *w)
{
	struct op *op = gitc_refs_start(w->git,
		&(struct gitc_refs_req){.target = wire_lies(w),
			.prefixes = (const char *const[]){"refs/heads/main", NULL}});

	wire_wait(w, op);
	return op;
}

/* What is no Git service, and how it is told. */
static const struct {
	int status;
	const char *headers, *body;
	int code;
	const char *says;
} answers[] = {
	{200, "Content-Type: text/html; charset=utf-8\r\n", "<html>Log in", GITC_PROTOCOL,
		"a web page and no Git"},
	{203, "Content-Type: text/html\r\n", "<html>", GITC_PROTOCOL, "a web page"},
	{200, "Content-Type: text/plain\r\n", "1111\trefs/heads/main\n", GITC_DUMB,
		"no smart HTTP"},
	{200, NULL, "", GITC_DUMB, "no smart HTTP"},
	{200, TYPE "Content-Encoding: gzip\r\n", "\x1f\x8b", GITC_PROTOCOL, "compressed"},
	{206, TYPE, "x", 206, "206"},
	{401, "Content-Type: text/plain\r\n", "HTTP Basic: Access denied for p4ssword",
		GITC_AUTH_FAILED, "401 Unauthorized (HTTP Basic: Access denied for xxxxxxxx)"},
	{403, "Content-Type: text/html\r\n", "<html>", GITC_AUTH_FAILED, "403 Forbidden"},
	{404, NULL, "", GITC_NOT_FOUND, "404 Not Found"},
	{500, NULL, "", 500, "500"},
	{302, NULL, "", 302, "without saying where to"},
	{302, "Location: " REFS "\r\n", "", 302, "again and again"},
	{302, "Location: /users/sign_in\r\n", "", GITC_PROTOCOL, "is no repository"},
	{302, "Location: ftp://x/\r\n", "", 0, "cannot be read"},
	{302, "Location: http://u:p@example.com/x/info/refs?service=git-upload-pack\r\n", "", 0,
		"user information"},
};

START_TEST(test_answers)
{
	struct fake_answer *a;
	struct wire w;
	struct op *op;

	wire_init_lies(&w);
	a = fake_on(w.liar, "GET", REFS);
	a->status = answers[_i].status;
	a->headers = answers[_i].headers;
	a->body = answers[_i].body;
	op = list(&w);
	wire_failed(op, answers[_i].code, answers[_i].says);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* What is known of the credentials is told; of a server's own words, too. */
START_TEST(test_origin)
{
	struct gitc_auth *auth = gitc_auth_new();
	struct gitc_target target;
	struct fake_answer *a;
	struct wire w;
	struct op *op;

	wire_init_lies(&w);
	auth->origin = mem_strdup("Secret 'apps/git' has no 'password'");
	if (_i)
		secret_set(&auth->basic, "bot:x", 5);
	gitc_auth_seal(auth);
	a = fake_on(w.liar, "GET", REFS);
	a->status = 401;
	a->headers = "Content-Type: text/plain\r\n";
	a->body = "go away";
	target = wire_lies(&w);
	target.auth = auth;
	op = gitc_refs_start(w.git,
		&(struct gitc_refs_req){.target = target,
			.prefixes = (const char *const[]){"refs/heads/main", NULL}});
	wire_wait(&w, op);
	wire_failed(op, GITC_AUTH_FAILED,
		_i ? "401 Unauthorized: Secret 'apps/git' has no 'password' (go away)"
		   : "401 Unauthorized: it wants credentials, and there are none: Secret "
		     "'apps/git' has no 'password' (go away)");
	op_free(op);
	gitc_auth_unref(auth);
	wire_clear(&w);
}
END_TEST

START_TEST(test_retry_after)
{
	struct fake_answer *a;
	struct wire w;
	struct op *op;

	wire_init_lies(&w);
	a = fake_on(w.liar, "GET", REFS);
	a->status = 429;
	a->headers = "Retry-After: 7\r\n";
	op = list(&w);
	wire_failed(op, 429, "429 Too Many Requests");
	ck_assert_int_eq(op->err.kind, ERR_WAIT);
	ck_assert_uint_eq(op->err.retry_ms, 7000);
	op_free(op);
	wire_clear(&w);
}
END_TEST

static char *moved_to(const char *host, const char *path)
{
	return mem_printf(
		"Location: http://%s/%s/info/refs?service=git-upload-pack\r\n", host, path);
}

/* The same host keeps the credentials, and the place is remembered. */
START_TEST(test_redirect_within)
{
	auto_free char *answer =
		wire_pkts("1111111111111111111111111111111111111111 refs/heads/main", "0000", NULL);
	auto_free char *headers = NULL;
	struct fake_answer *a;
	struct wire w;
	struct op *op;
	int i;

	wire_init_lies(&w);
	headers = moved_to(fake_host(w.liar), "moved.git");
	a = fake_on(w.liar, "GET", REFS);
	a->status = 301;
	a->headers = headers;
	a = fake_on(w.liar, "GET", "/moved.git/info/refs?service=git-upload-pack");
	a->headers = TYPE;
	a->body = WIRE_V2;
	a->need = WIRE_BASIC;
	a = fake_on(w.liar, "POST", "/moved.git/git-upload-pack");
	a->headers = "Content-Type: application/x-git-upload-pack-result\r\n";
	a->body = answer;
	a->need = WIRE_BASIC;
	for (i = 0; i < 2; i++) {
		op = list(&w);
		wire_ok(op);
		ck_assert_uint_eq(gitc_refs_result(op)->n, 1);
		op_free(op);
	}
	ck_assert_str_eq(fake_log(w.liar),
		"GET /app.git/info/refs?service=git-upload-pack auth=" WIRE_BASIC "\n"
		"GET /moved.git/info/refs?service=git-upload-pack auth=" WIRE_BASIC "\n"
		"POST /moved.git/git-upload-pack auth=" WIRE_BASIC "\n"
		"POST /moved.git/git-upload-pack auth=" WIRE_BASIC "\n");
	wire_clear(&w);
}
END_TEST

/* Another host (here: another port) never sees them, nor is it remembered. */
START_TEST(test_gr_21_redirect_to_another_host)
{
	auto_free char *headers = NULL;
	struct fake_answer *a;
	struct wire w;
	struct gitc_target t;
	struct gitc_oid main;
	struct op *op;
	int i;

	wire_init(&w);
	headers = moved_to(fake_git_host(w.server), "app.git");
	a = fake_on(w.liar, "GET", REFS);
	a->status = 302;
	a->headers = headers;
	for (i = 0; i < 2; i++) {
		op = list(&w);
		wire_ok(op);
		ck_assert_uint_eq(gitc_refs_result(op)->n, 1);
		op_free(op);
	}
	t = wire_lies(&w);
	main = wire_oid(&w, "main");
	op = gitc_fetch_start(w.git,
		&(struct gitc_fetch_req){.target = t, .want = &main, .n_want = 1, .depth = 1});
	wire_wait(&w, op);
	wire_ok(op);
	op_free(op);
	ck_assert(strstr(fake_log(w.liar), "auth=" WIRE_BASIC));
	ck_assert(!strstr(fake_git_log(w.server), "auth="));
	ck_assert(strstr(fake_git_log(w.server), "POST"));
	/* And when it wants some, that is told. */
	fake_git_need(w.server, WIRE_BASIC);
	op = list(&w);
	wire_failed(op, GITC_AUTH_FAILED, "another host than the URL's and gets no credentials");
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* A POST is never led elsewhere; what was remembered is asked for anew. */
START_TEST(test_redirected_post)
{
	auto_free char *headers = NULL;
	struct fake_answer *a;
	struct wire w;
	struct op *op;

	wire_init_lies(&w);
	headers = moved_to(fake_git_host(w.server), "app.git");
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	a = wire_answer(&w, "git-upload-pack", "", 0);
	a->status = 307;
	a->headers = headers;
	op = list(&w);
	wire_failed(op, 307, "not followed");
	op_free(op);
	ck_assert_str_eq(fake_git_log(w.server), "");
	wire_clear(&w);
}
END_TEST

Suite *suite_http(void)
{
	Suite *s = suite_create("http");
	TCase *t = tcase_create("http");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_loop_test(t, test_answers, 0, ARRAY_LEN(answers));
	tcase_add_loop_test(t, test_origin, 0, 2);
	tcase_add_test(t, test_retry_after);
	tcase_add_test(t, test_redirect_within);
	tcase_add_test(t, test_gr_21_redirect_to_another_host);
	tcase_add_test(t, test_redirected_post);
	suite_add_tcase(s, t);
	return s;
}
