#include "base/limits.h"
#include "forge/internal.h"
#include "test/unit/forge/rig.h"

Suite *suite_request(void);

#define MADE(kind) \
	"{\"number\":7,\"iid\":7,\"title\":\"Update web\",\"html_url\":\"https://f.test/7\"," \
	"\"web_url\":\"https://f.test/7\"}"
#define THERE(title) \
	"[{\"number\":6,\"title\":\"x\",\"head\":{\"ref\":\"b\",\"repo\":{\"id\":9}}," \
	"\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}," \
	"{\"number\":7,\"title\":\"" title "\",\"html_url\":\"https://f.test/7\"," \
	"\"head\":{\"ref\":\"b\",\"repo\":{\"id\":1}}," \
	"\"base\":{\"ref\":\"main\",\"repo\":{\"id\":1}}}]"
#define THERE_LAB(title) \
	"[{\"iid\":6,\"source_branch\":\"b\",\"target_branch\":\"main\",\"source_project_id\":2," \
	"\"target_project_id\":1,\"title\":\"x\"},{\"iid\":7,\"title\":\"" title "\"," \
	"\"web_url\":\"https://f.test/7\",\"source_branch\":\"b\",\"target_branch\":\"main\"," \
	"\"source_project_id\":1,\"target_project_id\":1}]"
#define BODY "{\"title\":\"Update web\",\"body\":\"a\\nb\",\"head\":\"b\",\"base\":\"main\"}"
#define BODY_LAB \
	"{\"title\":\"Update web\",\"description\":\"a\\nb\",\"source_branch\":\"b\"," \
	"\"target_branch\":\"main\"}"

static const struct {
	enum forge_kind kind;
	const char *find, *create, *one, *update, *body, *there, *draft, *other;
} forges[] = {
	{FORGE_GITHUB, "GET /api/v3/repos/o/r/pulls?state=open&head=o%3Ab&base=main&per_page=100",
		"POST /api/v3/repos/o/r/pulls", "PATCH /api/v3/repos/o/r/pulls/7",
		"{\"title\":\"Update web\"}", BODY, THERE("Update web"), THERE("Draft: Update web"),
		THERE("Update db")},
	{FORGE_GITLAB,
		"GET /api/v4/projects/o%2Fr/merge_requests?state=opened&source_branch=b&target_"
		"branch=main&per_page=100",
		"POST /api/v4/projects/o%2Fr/merge_requests",
		"PUT /api/v4/projects/o%2Fr/merge_requests/7", "{\"title\":\"Update web\"}",
		BODY_LAB, THERE_LAB("Update web"), THERE_LAB("Draft: Update web"),
		THERE_LAB("Update db")},
	{FORGE_GITEA, "GET /api/v1/repos/o/r/pulls?state=open&limit=50&page=1",
		"POST /api/v1/repos/o/r/pulls", "PATCH /api/v1/repos/o/r/pulls/7",
		"{\"title\":\"Update web\"}", BODY, THERE("Update web"), THERE("Draft: Update web"),
		THERE("Update db")},
};

static struct op *ask(struct rig *r, enum forge_kind kind, const char *api)
{
	auto_free char *url = mem_printf("%s/o/r.git", r->base);
	struct secret token = {(char[]){"t0ken"}, 5};

	return rig_wait(r,
		forge_request_start(r->forge,
			&(struct forge_request_req){.kind = kind,
				.url = url,
				.api = api,
				.token = &token,
				.way = r->way,
				.head = "b",
				.base = "main",
				.title = " Update web\n",
				.body = "a\nb"}));
}

static void is_seven(struct op *op, bool created, bool updated)
{
	const struct forge_request *q = forge_request_result(op);

	rig_ok(op);
	ck_assert_uint_eq(q->number, 7);
	ck_assert_str_eq(q->url, "https://f.test/7");
	ck_assert_int_eq(q->created, created);
	ck_assert_int_eq(q->updated, updated);
	op_free(op);
}

START_TEST(test_none_is_open)
{
	struct rig r;

	rig_init(&r);
	rig_on(&r, forges[_i].find, NULL, 200, "[]")->auth = "Bearer t0ken";
	rig_on(&r, forges[_i].create, forges[_i].body, 201, MADE())->auth = "Bearer t0ken";
	is_seven(ask(&r, forges[_i].kind, NULL), true, false);
	rig_clear(&r);
}
END_TEST

/* Also after a restart in the middle: what is there is found. A fork's with the same names is not
   ours. */
START_TEST(test_one_is_open)
{
	struct rig r;

	rig_init(&r);
	rig_on(&r, forges[_i].find, NULL, 200, forges[_i].there);
	is_seven(ask(&r, forges[_i].kind, NULL), false, false);
	rig_on(&r, forges[_i].find, NULL, 200, forges[_i].draft);
	is_seven(ask(&r, forges[_i].kind, ""), false, false);
	rig_on(&r, forges[_i].find, NULL, 200, forges[_i].other);
	rig_on(&r, forges[_i].one, forges[_i].update, 200, MADE());
	is_seven(ask(&r, forges[_i].kind, NULL), false, true);
	rig_clear(&r);
}
END_TEST

/* Whoever has pushed nothing: neither is a title changed, nor is one made. */
START_TEST(test_only_find)
{
	auto_free char *url = NULL;
	struct secret token = {(char[]){"t0ken"}, 5};
	struct forge_request_req req = {.kind = forges[_i].kind,
		.token = &token,
		.head = "b",
		.base = "main",
		.title = "Update web",
		.only_find = true};
	struct op *op;
	struct rig r;

	rig_init(&r);
	url = mem_printf("%s/o/r.git", r.base);
	req.url = url;
	req.way = r.way;
	rig_on(&r, forges[_i].find, NULL, 200, forges[_i].other);
	is_seven(rig_wait(&r, forge_request_start(r.forge, &req)), false, false);
	rig_on(&r, forges[_i].find, NULL, 200, "[]");
	op = rig_wait(&r, forge_request_start(r.forge, &req));
	rig_says(op, "none is open");
	ck_assert_int_eq(op->err.code, FORGE_NOTHING);
	op_free(op);
	rig_clear(&r);
}
END_TEST

/* Another one was faster. */
START_TEST(test_one_is_made_meanwhile)
{
	static const char *const refusals[] = {
		"{\"message\":\"Validation Failed\",\"errors\":[{\"message\":\"A pull request "
		"already exists for o:b.\"}]}",
		"{\"message\":[\"Another open merge request already exists for this source branch: "
		"!7\"]}",
		"{\"message\":\"pull request already exists for these targets\"}"};
	struct rig r;

	rig_init(&r);
	rig_on(&r, forges[_i].find, NULL, 200, "[]");
	rig_on(&r, forges[_i].create, forges[_i].body, _i ? 409 : 422, refusals[_i]);
	rig_on(&r, forges[_i].find, NULL, 200, forges[_i].there);
	is_seven(ask(&r, forges[_i].kind, NULL), false, false);
	/* It says so for ever. */
	rig_on(&r, forges[_i].find, NULL, 200, "[]");
	rig_on(&r, forges[_i].create, forges[_i].body, 409, refusals[_i]);
	rig_on(&r, forges[_i].find, NULL, 200, "[]");
	rig_on(&r, forges[_i].create, forges[_i].body, 409, refusals[_i]);
	{
		struct op *op = ask(&r, forges[_i].kind, NULL);

		rig_says(op, "already exists");
		rig_says(op, "request of 'b'");
		ck_assert_int_eq(op->err.kind, ERR_RETRY);
		op_free(op);
	}
	rig_clear(&r);
}
END_TEST

static const struct {
	int status;
	const char *body, *header, *value, *says;
	enum err_kind kind;
	uint64_t wait_ms;
} refusal_rows[] = {
	{401, "{\"message\":\"Bad credentials\"}", NULL, NULL, "answered 401: Bad credentials",
		ERR_RETRY, 0},
	{404, "nothing", NULL, NULL, "answered 404", ERR_RETRY, 0},
	{500, "{\"error\":\"x\\u0000\"}", NULL, NULL, "answered 500", ERR_RETRY, 0},
	{429, "", "Retry-After", "17", "answered 429", ERR_WAIT, 17000},
	{429, "", NULL, NULL, "answered 429", ERR_WAIT, LIMIT_FORGE_WAIT_MS},
	{403, "{\"message\":\"API rate limit exceeded\"}", "X-RateLimit-Remaining", "0",
		"rate limit", ERR_WAIT, LIMIT_FORGE_WAIT_MS},
	{403, "{\"message\":\"secondary rate limit\"}", "Retry-After", "3", "403", ERR_WAIT, 3000},
	{403, "{\"message\":\"Resource not accessible\"}", NULL, NULL, "not accessible", ERR_RETRY,
		0},
	{301, "", "Location", "https://u:p@evil.test/x?token=1", "leads to 'https://evil.test/x'",
		ERR_RETRY, 0},
	{307, "", "Location", "/login", "no credential follows", ERR_RETRY, 0},
	{200, "{\"a\":", NULL, NULL, "127.0.0.1", ERR_RETRY, 0},
	{200, "[{\"number\":0,\"head\":{\"ref\":\"b\"},\"base\":{\"ref\":\"main\"}}]", NULL, NULL,
		"no number", ERR_RETRY, 0},
};

START_TEST(test_refused)
{
	struct rig_answer *a;
	struct op *op;
	struct rig r;

	rig_init(&r);
	a = rig_on(&r, forges[0].find, NULL, refusal_rows[_i].status, refusal_rows[_i].body);
	a->header = refusal_rows[_i].header;
	a->value = refusal_rows[_i].value;
	op = ask(&r, FORGE_GITHUB, NULL);
	rig_says(op, refusal_rows[_i].says);
	ck_assert_int_eq(op->err.kind, refusal_rows[_i].kind);
	ck_assert_uint_eq(op->err.retry_ms, refusal_rows[_i].wait_ms);
	ck_assert(!strstr(op->err.msg, "t0ken"));
	op_free(op);
	rig_clear(&r);
}
END_TEST

START_TEST(test_nothing_to_merge)
{
	struct secret token = {(char[]){"t"}, 1};
	struct op *op;
	struct rig r;

	rig_init(&r);
	rig_on(&r, forges[0].find, NULL, 200, "[]");
	rig_on(&r, forges[0].create, BODY, 422,
		"{\"errors\":[{\"message\":\"No commits between main and b\"}]}");
	op = ask(&r, FORGE_GITHUB, NULL);
	rig_says(op, "No commits between");
	ck_assert_int_eq(op->err.code, FORGE_NOTHING);
	op_free(op);
	op = rig_wait(&r,
		forge_request_start(r.forge,
			&(struct forge_request_req){.url = "https://github.com/o/r",
				.token = &token,
				.head = "main",
				.base = "main"}));
	ck_assert_int_eq(op->err.code, FORGE_NOTHING);
	op_free(op);
	rig_clear(&r);
}
END_TEST

/* Gitea's list has no filter: page after page, and not without end. */
START_TEST(test_pages)
{
	char *lines[LIMIT_FORGE_PAGES];
	auto_buf struct buf page = BUF_INIT(BUF_ANY);
	struct rig r;
	int i;

	rig_init(&r);
	for (i = 0; i < 50; i++)
		buf_addf(&page, "%s{\"number\":%d,\"head\":{\"ref\":\"o%d\"}}", i ? "," : "[",
			i + 1, i);
	buf_addc(&page, ']');
	for (i = 0; i < LIMIT_FORGE_PAGES; i++) {
		lines[i] = mem_printf(
			"GET /api/v1/repos/o/r/pulls?state=open&limit=50&page=%d", i + 1);
		rig_on(&r, lines[i], NULL, 200, buf_str(&page));
	}
	rig_on(&r, forges[2].create, BODY, 201, MADE());
	is_seven(ask(&r, FORGE_GITEA, NULL), true, false);
	rig_clear(&r);
	for (i = 0; i < LIMIT_FORGE_PAGES; i++)
		free(lines[i]);
}
END_TEST

/* Where a forge is not at the root of its host. */
START_TEST(test_api_is_given)
{
	auto_free char *api = NULL, *url = NULL;
	struct secret token = {(char[]){"t0ken"}, 5};
	struct rig r;

	rig_init(&r);
	api = mem_printf("%s/git/api/v1/", r.base);
	url = mem_printf("%s/git/o/r", r.base);
	rig_on(&r, "GET /git/api/v1/repos/o/r/pulls?state=open&limit=50&page=1", NULL, 200,
		forges[2].there);
	is_seven(rig_wait(&r,
			 forge_request_start(r.forge,
				 &(struct forge_request_req){.kind = FORGE_GITEA,
					 .url = url,
					 .api = api,
					 .token = &token,
					 .way = r.way,
					 .head = "b",
					 .base = "main",
					 .title = "Update web"})),
		false, false);
	rig_clear(&r);
}
END_TEST

/* Whose token it is may say where it is shown. */
START_TEST(test_own_token)
{
	auto_free char *api = NULL;
	struct secret token = {(char[]){"t0ken"}, 5};
	struct rig r;

	rig_init(&r);
	api = mem_printf("%s/api/v3", r.base);
	rig_on(&r, forges[0].find, NULL, 200, forges[0].there);
	is_seven(rig_wait(&r,
			 forge_request_start(r.forge,
				 &(struct forge_request_req){.kind = FORGE_GITHUB,
					 .url = "ssh://git@git.test:2222/o/r.git",
					 .api = api,
					 .token_is_own = true,
					 .token = &token,
					 .way = r.way,
					 .head = "b",
					 .base = "main",
					 .title = "Update web"})),
		false, false);
	rig_clear(&r);
}
END_TEST

/* Where else than at Git's own server an API is: its client certificate is not shown there. */
START_TEST(test_places_of_git)
{
	static const struct {
		const char *url, *api, *base;
		bool is_git;
	} rows[] = {
		{"https://git.test/o/r", NULL, NULL, true},
		{"https://git.test:8443/o/r", NULL, NULL, true},
		{"http://git.test/o/r", "https://git.test/api/v3", NULL, true},
		{"https://git.test/o/r", "https://git.test/x/api/v3", NULL, true},
		{"https://git.test/o/r", "https://git.test:8443/api/v3", NULL, false},
		{"https://git.test/o/r", "http://git.test:443/api/v3", NULL, false},
		{"https://git.test/o/r", "https://api.git.test/", NULL, false},
		{"https://git.test/o/r", "https://other.test/", NULL, false},
		{"https://git.test/o/r", NULL, "https://git.test/api/v3", true},
		{"https://git.test/o/r", NULL, FORGE_GITHUB_API, false},
		{"https://github.com/o/r", NULL, NULL, false},
		{"https://a.ghe.com/o/r", NULL, NULL, false},
	};
	struct forge_place p;
	struct err err = {0};
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct forge_where where = {.kind = FORGE_GITHUB,
			.url = rows[i].url,
			.api = rows[i].api,
			.anywhere = true,
			.base = rows[i].base};

		ck_assert_msg(!forge_place_read(&p, &where, &err), "%s", err.msg);
		ck_assert_msg(p.is_git == rows[i].is_git, "%s, asked at %s", rows[i].url, p.api);
		forge_place_clear(&p);
	}
}
END_TEST

/* One that nobody can read is an error of whoever would show it. */
START_TEST(test_certificate)
{
	struct http_trust trust = {.cert_pem = BUF_INIT(BUF_ANY), .insecure = true};
	auto_free char *url = NULL, *api = NULL;
	struct secret token = {(char[]){"t0ken"}, 5};
	unsigned port;
	struct op *op;
	struct rig r;

	rig_init(&r);
	buf_adds(&trust.cert_pem, "none");
	port = (unsigned)strtoul(strrchr(r.base, ':') + 1, NULL, 10);
	url = mem_printf("https://127.0.0.1:%u/o/r", port);
	api = mem_printf("https://%s:%u/api/v3", _i ? "localhost" : "127.0.0.1", port);
	r.way.trust = &trust;
	op = rig_wait(&r,
		forge_request_start(r.forge,
			&(struct forge_request_req){.url = url,
				.api = api,
				.token_is_own = true,
				.token = &token,
				.way = r.way,
				.head = "b",
				.base = "main"}));
	ck_assert_int_ne(op->err.kind, ERR_NONE);
	ck_assert_msg((strstr(op->err.msg, "certificate") != NULL) == !_i, "%s", op->err.msg);
	op_free(op);
	http_trust_clear(&trust);
	rig_clear(&r);
}
END_TEST

/* The token is shown to nobody but the repository's own host, and nothing of ours is asked. */
START_TEST(test_places_that_are_not_asked)
{
	static const struct {
		const char *url, *api, *says;
	} rows[] = {
		{"https://git.test/o/r", "https://evil.test/api/v3", "not for it"},
		{"https://git.test/o/r", "https://evilgit.test/api/v3", "not for it"},
		{"https://git.test/o/r", "https://git.test.evil/", "not for it"},
		{"https://git.test/o/r", "http://git.test/api/v3", "in clear"},
		{"https://git.test/o/r", "https://git.test:8443/api/v3", "port 8443"},
		{"https://git.test:8443/o/r", "https://git.test/api/v3", "port 443"},
		{"https://git.test:8443/o/r", "https://api.git.test/", "port 443"},
		{"http://git.test/o/r", "http://git.test:8080/api/v3", "port 8080"},
		{"http://git.test/o/r", "https://git.test:8443/api/v3", "port 8443"},
		{"http://git.test:8080/o/r", "https://git.test/api/v3", "port 443"},
		{"https://git.test/o/r", "https://u:p@git.test/api/v3", "no place"},
		{"https://git.test/o/r", "https://git.test/?a", "no place"},
		{"ssh://git@git.test:22/o", NULL, "'/OWNER/NAME'"},
		{"https://git.test/o/r/x", NULL, "'/OWNER/NAME'"},
		{"https://git.test/o/../r", NULL, "'/OWNER/NAME'"},
		{"https://git.test/o/r%2f", NULL, "'/OWNER/NAME'"},
		{"https://git.test/", NULL, "'/OWNER/NAME'"},
		{"file:///x", NULL, "file"},
	};
	struct secret token = {(char[]){"t0ken"}, 5};
	struct rig r;
	size_t i;

	rig_init(&r);
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		struct op *op = rig_wait(&r,
			forge_request_start(r.forge,
				&(struct forge_request_req){.url = rows[i].url,
					.api = rows[i].api,
					.token = &token,
					.head = "b",
					.base = "main"}));

		rig_says(op, rows[i].says);
		ck_assert_int_eq(op->err.kind, ERR_STALL);
		ck_assert(!strstr(op->err.msg, "u:p"));
		op_free(op);
	}
	http_guard_own_address(&r.guard, strstr(r.base, "127"));
	{
		struct op *op = ask(&r, FORGE_GITHUB, NULL);

		ck_assert_int_ne(op->err.kind, ERR_NONE);
		op_free(op);
	}
	rig_clear(&r);
}
END_TEST

START_TEST(test_cancel)
{
	struct secret token = {(char[]){"t0ken"}, 5};
	struct op *op;
	struct rig r;

	rig_init(&r);
	op = forge_request_start(r.forge,
		&(struct forge_request_req){.url = "https://git.test/o/r",
			.token = &token,
			.head = "b",
			.base = "main"});
	op_cancel(op);
	rig_wait(&r, op);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	rig_clear(&r);
}
END_TEST

START_TEST(test_kinds)
{
	enum forge_kind kind = FORGE_GITHUB;

	ck_assert(forge_kind_parse("github", &kind) && kind == FORGE_GITHUB);
	ck_assert(forge_kind_parse("gitlab", &kind) && kind == FORGE_GITLAB);
	ck_assert(forge_kind_parse("gitea", &kind) && kind == FORGE_GITEA);
	ck_assert(forge_kind_parse("forgejo", &kind) && kind == FORGE_GITEA);
	ck_assert(!forge_kind_parse("GitHub", &kind) && !forge_kind_parse("", &kind));
}
END_TEST

Suite *suite_request(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");

	tcase_add_loop_test(t, test_none_is_open, 0, 3);
	tcase_add_loop_test(t, test_one_is_open, 0, 3);
	tcase_add_loop_test(t, test_only_find, 0, 3);
	tcase_add_loop_test(t, test_one_is_made_meanwhile, 0, 3);
	tcase_add_loop_test(t, test_refused, 0, (int)ARRAY_LEN(refusal_rows));
	tcase_add_test(t, test_nothing_to_merge);
	tcase_add_test(t, test_pages);
	tcase_add_test(t, test_api_is_given);
	tcase_add_test(t, test_places_that_are_not_asked);
	tcase_add_test(t, test_own_token);
	tcase_add_test(t, test_places_of_git);
	tcase_add_loop_test(t, test_certificate, 0, 2);
	tcase_add_test(t, test_cancel);
	tcase_add_test(t, test_kinds);
	suite_add_tcase(s, t);
	return s;
}
