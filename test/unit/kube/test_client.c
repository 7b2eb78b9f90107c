#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "fixture.h"
#include "kube/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAD "Host: {host}\r\nUser-Agent: oci-source-controller\r\n"

static struct op *start(enum kube_verb verb, const json_t *body)
{
	return kube_start(w.c,
		&(struct kube_req){.verb = verb,
			.resource = &REPOS,
			.ns = "apps",
			.name = "web",
			.subresource = verb == KUBE_PATCH ? "status" : NULL,
			.body = body,
			.if_uid = verb == KUBE_DELETE ? "u\"1" : NULL});
}

/* ---- exact requests -------------------------------------------------------------------------- */

static const struct {
	enum kube_verb verb;
	const char *want;
} WIRE[] = {
	{KUBE_GET,
		"GET " BASE "/apis/example.com/v1/namespaces/apps/repos/web HTTP/1.1\r\n" HEAD
		"Accept: application/json\r\n\r\n"},
	{KUBE_CREATE,
		"POST " BASE "/apis/example.com/v1/namespaces/apps/"
		"repos?fieldManager=oci-source-controller HTTP/1.1\r\n" HEAD
		"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
		"7\r\n\r\n{\"a\":1}"},
	{KUBE_UPDATE,
		"PUT " BASE "/apis/example.com/v1/namespaces/apps/repos/"
		"web?fieldManager=oci-source-controller HTTP/1.1\r\n" HEAD
		"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
		"7\r\n\r\n{\"a\":1}"},
	{KUBE_PATCH,
		"PATCH " BASE "/apis/example.com/v1/namespaces/apps/repos/web/"
		"status?fieldManager=oci-source-controller HTTP/1.1\r\n" HEAD
		"Accept: application/json\r\nContent-Type: "
		"application/merge-patch+json\r\nContent-Length: 7\r\n\r\n{\"a\":1}"},
	{KUBE_DELETE,
		"DELETE " BASE "/apis/example.com/v1/namespaces/apps/repos/web HTTP/1.1\r\n" HEAD
		"Accept: application/json\r\nContent-Type: application/json\r\nContent-Length: "
		"73\r\n\r\n"
		"{\"apiVersion\":\"v1\",\"kind\":\"DeleteOptions\",\"preconditions\":{\"uid\":"
		"\"u\\\"1\"}}"},
};

START_TEST(test_wire)
{
	struct tcp_step script[] = {
		{TCP_EXPECT, WIRE[_i].want, 0}, {TCP_SEND, answer(200, "", "{\"b\":2}"), 0}, {0}};
	auto_json json_t *body = json_pack("{s:i}", "a", 1);
	auto_json json_t *got = NULL;
	struct kube_stats st;
	struct op *op;

	world_begin(script);
	op = start(WIRE[_i].verb, body);
	until_done(op);
	ck_assert_msg(!op->err.kind, "row %d: %s", _i, op->err.msg);
	ck_assert_int_eq(obj_int(0, kube_result(op), "b"), 2);
	got = kube_take(op);
	ck_assert_ptr_nonnull(got);
	ck_assert_ptr_null(kube_result(op));
	op_free(op);
	kube_client_stats(w.c, &st);
	ck_assert_uint_eq(st.verbs[WIRE[_i].verb], 1);
	world_finish();
}
END_TEST

START_TEST(test_path)
{
	static const struct {
		const struct kube_resource *res;
		const char *ns, *name, *sub, *want;
	} rows[] = {
		{&SECRETS, "a", "b", NULL, "/api/v1/namespaces/a/secrets/b"},
		{&SECRETS, NULL, NULL, NULL, "/api/v1/secrets"},
		{&REPOS, "", NULL, NULL, "/apis/example.com/v1/repos"},
		{&REPOS, "a/../b", "..", "x?y",
			"/apis/example.com/v1/namespaces/a%2F..%2Fb/repos/%2E/x%3Fy"},
	};
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	kube_path(&b, rows[_i].res, rows[_i].ns, rows[_i].name, rows[_i].sub);
	ck_assert_str_eq(buf_str(&b), rows[_i].want);
	kube_query_add(&b, "a", "b&c");
	kube_query_add(&b, "d", "e");
	ck_assert_ptr_nonnull(strstr(buf_str(&b), "?a=b%26c&d=e"));
}
END_TEST

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct {
	int status;
	const char *headers, *body;
	enum err_kind kind;
	uint64_t retry_ms;
	const char *text;
} ERRORS[] = {
	{404, "",
		"{\"kind\":\"Status\",\"message\":\"repos \\\"web\\\" not "
		"found\",\"reason\":\"NotFound\"}",
		ERR_RETRY, 0, "get Repo 'apps/web': repos \"web\" not found (status 404)"},
	{409, "", "{\"reason\":\"Conflict\",\"message\":\"changed\"}", ERR_RETRY, 0, "changed"},
	{403, "", "not JSON", ERR_RETRY, 0, "status 403"},
	{500, "", "", ERR_RETRY, 0, "status 500"},
	{302, "Location: http://127.0.0.1:1/\r\n", "", ERR_RETRY, 0, "status 302"},
	/* Too long to wait for here: the caller's queue does. */
	{429, "Retry-After: 60\r\n", "{}", ERR_WAIT, 60000, "status 429"},
	{503, "Retry-After: 31\r\n", "{}", ERR_WAIT, 31000, "status 503"},
};

START_TEST(test_errors)
{
	struct tcp_step script[] = {{TCP_REQUEST, "GET", 0},
		{TCP_SEND, answer(ERRORS[_i].status, ERRORS[_i].headers, ERRORS[_i].body), 0}, {0}};
	struct op *op;

	world_begin(script);
	op = start(KUBE_GET, NULL);
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERRORS[_i].kind);
	ck_assert_int_eq(op->err.code, ERRORS[_i].status);
	ck_assert_uint_eq(op->err.retry_ms, ERRORS[_i].retry_ms);
	ck_assert_msg(strstr(op->err.msg, ERRORS[_i].text), "row %d: '%s'", _i, op->err.msg);
	ck_assert_ptr_null(strstr(op->err.msg, BASE));
	op_free(op);
	world_finish();
}
END_TEST

/* Row 0: the connection is cut; 1: garbage; 2: no answer until the deadline; 3: refused. No message
   shows the base path. */
START_TEST(test_broken)
{
	static const char *const garbage = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{\"a";
	struct tcp_step script[] = {{TCP_REQUEST, "GET", 0},
		{_i == 2 ? TCP_HOLD : TCP_SEND, _i == 1 ? garbage : "HTTP/1.1", 0},
		{_i == 0 ? TCP_RESET : TCP_END, NULL, 0}, {0}};
	static const struct tcp_step none[] = {{0}};
	struct op *op;

	world_begin(_i == 3 ? none : script);
	if (_i == 3)
		tcp_script_unlisten(w.s);
	op = start(KUBE_GET, NULL);
	if (_i == 2) {
		until_hold();
		loop_test_advance(w.l, 30000);
		tcp_script_go(w.s);
	}
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_int_le(op->err.code, 0);
	ck_assert_msg(!strstr(op->err.msg, BASE), "row %d: '%s'", _i, op->err.msg);
	ck_assert_msg(strstr(op->err.msg, "Repo") || strstr(op->err.msg, "/repos/web"), "'%s'",
		op->err.msg);
	op_free(op);
	world_finish();
}
END_TEST

/* ---- retries --------------------------------------------------------------------------------- */

START_TEST(test_retry_after)
{
	struct tcp_step script[] = {{TCP_REQUEST, "PATCH", 0},
		{TCP_SEND, answer(429, "Retry-After: 2\r\n", "{}"), 0}, {TCP_REQUEST, "PATCH", 0},
		{TCP_SEND, answer(503, "Retry-After: 3\r\n", "{}"), 0}, {TCP_REQUEST, "PATCH", 0},
		{TCP_SEND, answer(200, "", "{}"), 0}, {0}};
	auto_json json_t *body = json_object();
	struct kube_stats st;
	struct op *op;
	int i;

	world_begin(script);
	op = start(KUBE_PATCH, body);
	for (i = 0; i < 2; i++) {
		while (tcp_script_at(w.s) < (size_t)(2 + 2 * i))
			loop_turn(w.l, true);
		turns(60);
		ck_assert(!op->done);
		loop_test_advance(w.l, i ? 2999 : 1999);
		turns(60);
		ck_assert_uint_eq(tcp_script_at(w.s), (size_t)(2 + 2 * i));
		loop_test_advance(w.l, 1);
	}
	until_done(op);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(op);
	kube_client_stats(w.c, &st);
	ck_assert_uint_eq(st.verbs[KUBE_PATCH], 3);
	world_finish();
}
END_TEST

/* A POST may have had its effect before a 503: it is not sent twice. */
START_TEST(test_create_not_twice)
{
	struct tcp_step script[] = {{TCP_REQUEST, "POST", 0},
		{TCP_SEND, answer(503, "Retry-After: 1\r\n", "{}"), 0}, {0}};
	auto_json json_t *body = json_object();
	struct op *op;

	world_begin(script);
	op = start(KUBE_CREATE, body);
	until_done(op);
	ck_assert_int_eq(op->err.kind, ERR_WAIT);
	ck_assert_uint_eq(op->err.retry_ms, 1000);
	op_free(op);
	world_finish();
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

struct codes {
	unsigned n401, n200;
};

static void count_codes(
	void *arg, const char *code, const char *method, const char *host, uint64_t n)
{
	struct codes *c = arg;

	ck_assert_str_eq(method, "GET");
	ck_assert_str_eq(host, tcp_script_host(w.s));
	if (!strcmp(code, "401"))
		c->n401 = (unsigned)n;
	else if (!strcmp(code, "200"))
		c->n200 = (unsigned)n;
	else
		ck_abort_msg("code '%s'", code);
}

/* Rotation: a refused token is read again at once, and only once; later the file is looked at once
   a minute. */
START_TEST(test_token)
{
	struct tcp_step script[] = {{TCP_REQUEST, "GET", 0}, {TCP_SEND, answer(401, "", "{}"), 0},
		{TCP_REQUEST, "GET", 0}, {TCP_SEND, answer(200, "", "{}"), 0},
		{TCP_REQUEST, "GET", 0}, {TCP_SEND, answer(200, "", "{}"), 0},
		{TCP_REQUEST, "GET", 0}, {TCP_SEND, answer(200, "", "{}"), 0},
		{TCP_REQUEST, "GET", 0}, {TCP_SEND, answer(401, "", "{}"), 0}, {0}};
	static const char *const want[] = {"second", "second", "third", "third"};
	char path[] = "/tmp/kube-token-XXXXXX", line[64];
	struct codes codes = {0};
	struct op *op;
	int i;

	close(mkstemp(path));
	world_begin_with(script, path, 0);
	write_file(path, "second\n");
	for (i = 0; i < 4; i++) {
		if (i == 1)
			write_file(path, "third\n");
		if (i == 2)
			loop_test_advance(w.l, 60000);
		op = start(KUBE_GET, NULL);
		until_done(op);
		ck_assert_int_eq(op->err.code, i == 3 ? 401 : 0);
		op_free(op);
		snprintf(line, sizeof(line), "\r\nAuthorization: Bearer %s\r\n", want[i]);
		ck_assert_msg(strstr(tcp_script_last(w.s), line), "request %d: %s", i,
			tcp_script_last(w.s));
	}
	kube_client_each_code(w.c, count_codes, &codes);
	ck_assert_uint_eq(codes.n401, 2);
	ck_assert_uint_eq(codes.n200, 3);
	unlink(path);
	world_finish();
}
END_TEST

START_TEST(test_qps)
{
	enum { N = 4 };
	struct tcp_step script[2 * N + 1] = {{0}};
	struct op *ops[N];
	int i, done;

	for (i = 0; i < N; i++) {
		script[2 * i] = (struct tcp_step){TCP_REQUEST, "GET", 0};
		script[2 * i + 1] = (struct tcp_step){TCP_SEND, answer(200, "", "{}"), 0};
	}
	world_begin_with(script, NULL, 1);
	/* burst 2, then one a second */
	for (i = 0; i < N; i++) {
		struct op *op = start(KUBE_GET, NULL);

		ops[i] = op;
		if (i < 2)
			until_done(op);
	}
	turns(60);
	ck_assert(!ops[2]->done);
	loop_test_advance(w.l, 1002);
	until_done(ops[2]);
	turns(60);
	ck_assert(!ops[3]->done);
	loop_test_advance(w.l, 1002);
	until_done(ops[3]);
	for (done = 0, i = 0; i < N; i++) {
		done += !ops[i]->err.kind;
		op_free(ops[i]);
	}
	ck_assert_int_eq(done, N);
	world_finish();
}
END_TEST

START_TEST(test_cancel)
{
	struct tcp_step script[] = {{TCP_REQUEST, "GET", 0},
		{_i ? TCP_SEND : TCP_HOLD, answer(429, "Retry-After: 5\r\n", "{}"), 0}, {0}};
	struct op *op;

	world_begin(script);
	op = start(KUBE_GET, NULL);
	if (_i)
		while (tcp_script_at(w.s) < 2)
			loop_turn(w.l, true);
	else
		until_hold();
	turns(60);
	op_cancel(op);
	turns(10);
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	tcp_script_go(w.s);
	world_finish();
}
END_TEST

Suite *suite_client(void);
Suite *suite_client(void)
{
	Suite *s = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_set_timeout(tc, 20);
	tcase_add_loop_test(tc, test_wire, 0, (int)ARRAY_LEN(WIRE));
	tcase_add_loop_test(tc, test_path, 0, 4);
	tcase_add_loop_test(tc, test_errors, 0, (int)ARRAY_LEN(ERRORS));
	tcase_add_loop_test(tc, test_broken, 0, 4);
	tcase_add_test(tc, test_retry_after);
	tcase_add_test(tc, test_create_not_twice);
	tcase_add_test(tc, test_token);
	tcase_add_test(tc, test_qps);
	tcase_add_loop_test(tc, test_cancel, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
