#include "git/refs.h"

#include "base/limits.h"
#include "base/mem.h"
#include "http/client.h"
#include "test/unit/git/wire.h"

Suite *suite_refs(void);

#define LS "POST /app.git/git-upload-pack v2\n"
#define GET "GET /app.git/info/refs?service=git-upload-pack v2\n"

static struct op *list(struct wire *w, const struct gitc_target *t, const char *prefix, bool head)
{
	const char *prefixes[] = {prefix, NULL};
	struct op *op = gitc_refs_start(w->git,
		&(struct gitc_refs_req){
			.target = *t, .prefixes = prefix ? prefixes : NULL, .head = head});

	wire_wait(w, op);
	return op;
}

static void is_at(struct wire *w, const struct op *op, const char *name, const char *what)
{
	const struct gitc_ref *r = gitc_refs_find(gitc_refs_result(op), name);
	struct gitc_oid want = wire_oid(w, what);
	char hex[GITC_OID_HEX];

	ck_assert_msg(r != NULL, "no '%s'", name);
	ck_assert_msg(
		gitc_oid_equal(&r->oid, &want), "%s is at %s", name, gitc_oid_format(&r->oid, hex));
}

/* The same answer, whatever the version: v2, v0 (GR-22). */
START_TEST(test_gr_22_refs)
{
	struct wire w;
	struct gitc_target t;
	struct op *op;
	const struct gitc_refs *refs;
	struct gitc_oid peeled;

	wire_init(&w);
	fake_git_old(w.server, _i);
	t = wire_target(&w);
	op = list(&w, &t, NULL, true);
	wire_ok(op);
	refs = gitc_refs_result(op);
	ck_assert_uint_eq(refs->n, 5);
	ck_assert(!refs->empty);
	ck_assert_str_eq(refs->head_target, "refs/heads/main");
	is_at(&w, op, "HEAD", "main");
	is_at(&w, op, "refs/heads/main", "main");
	is_at(&w, op, "refs/heads/staging", "staging");
	is_at(&w, op, "refs/tags/v1", "v1");
	peeled = wire_oid(&w, "v1^{commit}");
	ck_assert(gitc_refs_find(refs, "refs/tags/v1")->has_peeled);
	ck_assert(gitc_oid_equal(&gitc_refs_find(refs, "refs/tags/v1")->peeled, &peeled));
	ck_assert(!gitc_refs_find(refs, "refs/tags/v2")->has_peeled);
	op_free(op);
	op = list(&w, &t, "refs/tags/", false);
	wire_ok(op);
	ck_assert_uint_eq(gitc_refs_result(op)->n, 2);
	ck_assert(!gitc_refs_find(gitc_refs_result(op), "HEAD"));
	op_free(op);
	op = list(&w, &t, "refs/heads/none", false);
	wire_ok(op);
	ck_assert_uint_eq(gitc_refs_result(op)->n, 0);
	ck_assert(!gitc_refs_result(op)->empty);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* Who is known to speak v2 is asked with one request, over a connection that is there (GR-03). */
START_TEST(test_gr_03_one_request)
{
	struct http_client_stats stats;
	struct wire w;
	struct gitc_target t;
	struct op *op;
	int i;

	wire_init(&w);
	t = wire_target(&w);
	t.auth = NULL;
	for (i = 0; i < 3; i++) {
		op = list(&w, &t, "refs/heads/main", false);
		wire_ok(op);
		is_at(&w, op, "refs/heads/main", "main");
		op_free(op);
	}
	ck_assert_str_eq(fake_git_log(w.server), GET LS LS LS);
	http_client_stats(w.http, &stats);
	ck_assert_uint_eq(stats.new_connections, 1);
	/* It was replaced by one that speaks v0 only: found out, and right at once. */
	fake_git_log_reset(w.server);
	fake_git_old(w.server, true);
	op = list(&w, &t, "refs/heads/main", false);
	wire_ok(op);
	is_at(&w, op, "refs/heads/main", "main");
	op_free(op);
	ck_assert_str_eq(fake_git_log(w.server), LS GET);
	wire_clear(&w);
}
END_TEST

START_TEST(test_gr_14_empty)
{
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init(&w);
	fake_git_old(w.server, _i);
	fake_git_run(w.server, "git init -q --bare -b trunk empty.git");
	gitc_url_clear(&w.url);
	ck_assert(!gitc_url_parse(&w.url, fake_git_url(w.server, "empty.git"), &(struct err){0}));
	t = wire_target(&w);
	op = list(&w, &t, "refs/heads/trunk", true);
	wire_ok(op);
	ck_assert_uint_eq(gitc_refs_result(op)->n, 0);
	ck_assert(gitc_refs_result(op)->empty);
	if (!_i)
		ck_assert_str_eq(gitc_refs_result(op)->head_target, "refs/heads/trunk");
	op_free(op);
	/* HEAD leads nowhere, but there is a branch. */
	fake_git_run(w.server, "cd work; git push -q ../empty.git main:other");
	op = list(&w, &t, "refs/heads/trunk", true);
	wire_ok(op);
	ck_assert_uint_eq(gitc_refs_result(op)->n, 0);
	ck_assert(!gitc_refs_result(op)->empty);
	op_free(op);
	wire_clear(&w);
}
END_TEST

START_TEST(test_gr_24_sha256)
{
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init(&w);
	fake_git_old(w.server, _i);
	fake_git_run(w.server,
		"git init -q --bare --object-format=sha256 -b main new.git;"
		"git init -q --object-format=sha256 -b main n; cd n; echo 1 > a; git add .;"
		"git commit -qm one; git push -q ../new.git main");
	gitc_url_clear(&w.url);
	ck_assert(!gitc_url_parse(&w.url, fake_git_url(w.server, "new.git"), &(struct err){0}));
	t = wire_target(&w);
	op = list(&w, &t, NULL, false);
	wire_failed(op, GITC_SHA256, "SHA-256");
	op_free(op);
	wire_clear(&w);
}
END_TEST

START_TEST(test_gr_15_missing_repository)
{
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init(&w);
	gitc_url_clear(&w.url);
	ck_assert(!gitc_url_parse(&w.url, fake_git_url(w.server, "no.git"), &(struct err){0}));
	t = wire_target(&w);
	op = list(&w, &t, NULL, false);
	wire_failed(op, GITC_NOT_FOUND, "404 Not Found");
	op_free(op);
	wire_clear(&w);
}
END_TEST

START_TEST(test_gr_16_credentials)
{
	struct gitc_auth *bearer = gitc_auth_new();
	struct wire w;
	struct gitc_target t;
	struct op *op;
	struct err err = {0};
	auto_free char *url = NULL;

	wire_init(&w);
	fake_git_need(w.server, WIRE_BASIC);
	t = wire_target(&w);
	op = list(&w, &t, "refs/tags/", false);
	wire_ok(op);
	op_free(op);
	t.auth = NULL;
	op = list(&w, &t, "refs/tags/", false);
	wire_failed(op, GITC_AUTH_FAILED, "401 Unauthorized: it wants credentials");
	op_free(op);
	secret_set(&bearer->bearer, "t0ken", 5);
	gitc_auth_seal(bearer);
	t.auth = bearer;
	op = list(&w, &t, "refs/tags/", false);
	wire_failed(op, GITC_AUTH_FAILED, "401 Unauthorized (who are you?)");
	op_free(op);
	fake_git_need(w.server, "Bearer t0ken");
	op = list(&w, &t, "refs/tags/", false);
	wire_ok(op);
	op_free(op);
	/* Of the URL. */
	fake_git_need(w.server, WIRE_BASIC);
	url = mem_printf("http://u:p4ssword@%s/app.git", fake_git_host(w.server));
	gitc_url_clear(&w.url);
	ck_assert(!gitc_url_parse(&w.url, url, &err));
	t = (struct gitc_target){.url = &w.url};
	op = list(&w, &t, "refs/tags/", false);
	wire_ok(op);
	op_free(op);
	gitc_auth_unref(bearer);
	wire_clear(&w);
}
END_TEST

/* A list that does not end is given up at a bound: of refs, or of bytes. */
START_TEST(test_endless)
{
	struct buf body = BUF_INIT(BUF_ANY);
	struct gitc_target t;
	struct wire w;
	struct op *op;
	unsigned i;

	wire_init_lies(&w);
	t = wire_lies(&w);
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	for (i = 1; i <= LIMIT_GIT_REFS + 1; i++)
		buf_addf(&body, "0041%040x refs/heads/%08x\n", i, i);
	wire_answer(&w, "git-upload-pack", body.p, body.len);
	op = list(&w, &t, "refs/heads/main", false);
	wire_failed(op, GITC_TOO_LARGE, "more than 500000 refs");
	op_free(op);
	buf_clear(&body);
	wire_clear(&w);
}
END_TEST

/* Lies, and what is told of them. */
static const struct {
	const char *advert, *answer;
	int code;
	const char *says;
} lies[] = {
	{"hello", NULL, GITC_PROTOCOL, "no Git"},
	{"0003", NULL, GITC_PROTOCOL, "length 3"},
	{"fff5x", NULL, GITC_PROTOCOL, "length 65525"},
	{"", NULL, GITC_PROTOCOL, "too early"},
	{"001e# service=git-upload-pack\n0000000eversion 2\n", NULL, GITC_PROTOCOL, "too early"},
	{"001f# service=git-receive-pack\n0000", NULL, GITC_PROTOCOL, "another service"},
	{"001e# service=git-upload-pack\n0000000eversion 2\n0000", NULL, GITC_PROTOCOL,
		"neither lists refs"},
	{"001e# service=git-upload-pack\n00000016ERR it is p4ssword", NULL, GITC_PROTOCOL,
		"the server says: it is xxxxxxxx"},
	{WIRE_V2, "", GITC_PROTOCOL, "too early"},
	{WIRE_V2, "0000x", GITC_PROTOCOL, ""},
	{WIRE_V2, "0008main", GITC_PROTOCOL, "malformed"},
	{WIRE_V2, "0035ERR Repository not found or access denied, sorry.", GITC_NOT_FOUND,
		"not found or access denied"},
	{WIRE_V2,
		"003d1111111111111111111111111111111111111111 refs/heads/main\n"
		"003d1111111111111111111111111111111111111111 refs/heads/main\n0000",
		GITC_PROTOCOL, "twice"},
};

START_TEST(test_lies)
{
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	wire_advert(&w, "git-upload-pack", lies[_i].advert);
	if (lies[_i].answer)
		wire_answer(&w, "git-upload-pack", lies[_i].answer, 0);
	op = list(&w, &t, "refs/heads/main", false);
	wire_failed(op, lies[_i].code, lies[_i].says);
	op_free(op);
	wire_clear(&w);
}
END_TEST

/* Names that are none, in a list that is good otherwise. */
START_TEST(test_names)
{
	auto_free char *answer =
		wire_pkts("1111111111111111111111111111111111111111 refs/heads/main",
			"1111111111111111111111111111111111111111 refs/heads/../x",
			"1111111111111111111111111111111111111111 refs/heads/a\x01",
			"1111111111111111111111111111111111111111 refs/heads/\xff",
			"1111111111111111111111111111111111111111 main",
			"0000000000000000000000000000000000000000 refs/heads/zero",
			"1111111111111111111111111111111111111111 refs/heads/a.b/c", "0000", NULL);
	const struct gitc_refs *refs;
	struct wire w;
	struct gitc_target t;
	struct op *op;

	wire_init_lies(&w);
	t = wire_lies(&w);
	wire_advert(&w, "git-upload-pack", WIRE_V2);
	wire_answer(&w, "git-upload-pack", answer, 0);
	op = list(&w, &t, NULL, false);
	wire_ok(op);
	refs = gitc_refs_result(op);
	ck_assert_uint_eq(refs->n, 2);
	ck_assert_str_eq(refs->p[0].name, "refs/heads/a.b/c");
	ck_assert_str_eq(refs->p[1].name, "refs/heads/main");
	op_free(op);
	wire_clear(&w);
}
END_TEST

Suite *suite_refs(void)
{
	Suite *s = suite_create("refs");
	TCase *t = tcase_create("refs");

	tcase_set_timeout(t, 60);
	tcase_add_unchecked_fixture(t, wire_setup, wire_teardown);
	tcase_add_loop_test(t, test_gr_22_refs, 0, 2);
	tcase_add_test(t, test_gr_03_one_request);
	tcase_add_loop_test(t, test_gr_14_empty, 0, 2);
	tcase_add_loop_test(t, test_gr_24_sha256, 0, 2);
	tcase_add_test(t, test_gr_15_missing_repository);
	tcase_add_test(t, test_gr_16_credentials);
	tcase_add_loop_test(t, test_lies, 0, ARRAY_LEN(lies));
	tcase_add_test(t, test_endless);
	tcase_add_test(t, test_names);
	suite_add_tcase(s, t);
	return s;
}
