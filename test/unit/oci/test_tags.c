#include "oci/tags.h"

#include "base/limits.h"
#include "oci/link.h"
#include "oci/manifest.h"
#include "test/unit/oci/fixture.h"

Suite *suite_tags(void);

#define LIST "/v2/app/tags/list"

static struct op *start(struct fixture *x, const struct oci_tags_req *req)
{
	struct oci_tags_req r = *req;

	r.target = (struct oci_target){&x->repo, x->nobody, 60000};
	return oci_tags_start(x->oci, &r);
}

static struct op *list(struct fixture *x, const struct oci_tags_req *req)
{
	struct op *op = start(x, req);

	fixture_wait(x, op);
	return op;
}

static const struct {
	const char *tags, *range, *filter, *layer_type, *winner, *runner_up;
	unsigned total, passed, versions, matched;
} choices[] = {
	{"\"1.0.0\",\"1.2.0\",\"1.1.0\"", "*", NULL, NULL, "1.2.0", "1.1.0", 3, 3, 3, 3},
	{"\"1.2.0\",\"1.1.0\",\"1.0.0\"", "1.x", "", NULL, "1.2.0", "1.1.0", 3, 3, 3, 3},
	{"\"latest\",\"1.0.0\",\"main\",\"0123abc\"", ">=1.0.0", NULL, NULL, "1.0.0", "", 4, 4, 1,
		1},
	{"\"1.0.0\",\"2.0.0-rc.1\"", ">=1.0.0", NULL, NULL, "1.0.0", "", 2, 2, 2, 1},
	{"\"1.0.0\",\"2.0.0-rc.1\"", ">=1.0.0-0", NULL, NULL, "2.0.0-rc.1", "1.0.0", 2, 2, 2, 2},
	{"\"1.0.0-staging-test-deploy-3\",\"1.0.0-staging-test-deploy-20\",\"1.0.0\"", ">=0.0.0-0",
		".*-staging-test-deploy-.*", NULL, "1.0.0-staging-test-deploy-3",
		"1.0.0-staging-test-deploy-20", 3, 2, 2, 2},
	{"\"v1.0.0\",\"1.0.0\"", "*", NULL, NULL, "1.0.0", "v1.0.0", 2, 2, 2, 2},
	{"\"1.0.0\",\"1.0.0\"", "*", NULL, NULL, "1.0.0", "", 2, 2, 2, 2},
	{"\"1\\u002e0.0\",\"a\\\"b\",\"../x\",\"\"", "*", NULL, NULL, "1.0.0", "", 4, 1, 1, 1},
	{"\"1.0.0_b\",\"1.0.0\"", "*", NULL, NULL, "1.0.0", "", 2, 2, 1, 1},
	{"\"1.0.1_b\",\"1.0.0\"", "*", NULL, OCI_TYPE_HELM_CHART, "1.0.1_b", "1.0.0", 2, 2, 2, 2},
	{" \"1.0.0\" ,\n\t\"2.0.0\" ", "*", NULL, NULL, "2.0.0", "1.0.0", 2, 2, 2, 2},
	{"\"1.0.0\",\"2.0.0\"", NULL, "^2", NULL, "", "", 2, 1, 0, 0},
};

START_TEST(choice)
{
	auto_free char *body = mem_printf("{\"name\":\"app\",\"tags\":[%s]}", choices[_i].tags);
	const struct oci_tags_result *r;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "GET", LIST)->body = body;
	op = list(&x,
		&(struct oci_tags_req){.range = choices[_i].range,
			.filter = choices[_i].filter,
			.layer_type = choices[_i].layer_type});
	fixture_ok(op);
	r = oci_tags_result(op);
	ck_assert_str_eq(r->tag, choices[_i].winner);
	ck_assert_str_eq(r->runner_up, choices[_i].runner_up);
	ck_assert_uint_eq(r->total, choices[_i].total);
	ck_assert_uint_eq(r->passed, choices[_i].passed);
	ck_assert_uint_eq(r->versions, choices[_i].versions);
	ck_assert_uint_eq(r->matched, choices[_i].matched);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *body, *range, *filter, *says;
	int status;
} failures[] = {
	{"{\"tags\":[\"1.0.0\"]}", ">=2.0.0", NULL,
		"no match found for semver '>=2.0.0': of 1 tags 1 are versions", 200},
	{"{\"tags\":[\"1.0.0\",\"x\"]}", "*", "^x", "of 2 tags 1 pass the filter '^x', 0 of these",
		200},
	{"{\"tags\":[]}", "*", NULL, "of 0 tags", 200},
	{"{\"tags\":null}", "*", NULL, "of 0 tags", 200},
	{"{}", "*", NULL, "of 0 tags", 200},
	{"<html>", "*", NULL, "no object", 200},
	{"", "*", NULL, "cut short", 200},
	{"{\"tags\":[\"1.0.0\"", "*", NULL, "cut short", 200},
	{"{\"tags\":[1]}", "*", NULL, "no string", 200},
	{"{\"tags\":[{\"a\":\"1.0.0\"}]}", "*", NULL, "no string", 200},
	{"{\"tags\":[\"1.0.0\"]} x", "*", NULL, "bytes after", 200},
	{"{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"repository name not known\"}]}",
		"*", NULL, "404 Not Found (NAME_UNKNOWN: repository name not known)", 404},
};

START_TEST(failure)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST);
	a->body = failures[_i].body;
	a->status = failures[_i].status;
	op = list(&x,
		&(struct oci_tags_req){.range = failures[_i].range, .filter = failures[_i].filter});
	fixture_failed(op, failures[_i].says);
	fixture_failed(op, "tags of '127.0.0.1:");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */

START_TEST(pages)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST "?n=1000");
	a->body = "{\"tags\":[\"1.0.0\"]}";
	a->headers = "Link: </v2/app/tags/list?n=1000&last=1.0.0>; rel=\"next\"\r\n";
	a = fake_on(x.reg, "GET", LIST "?n=1000&last=1.0.0");
	a->body = "{\"tags\":[\"3.0.0\"]}";
	a->headers = "Link: <list?n=1000&last=3.0.0>;rel=next\r\n";
	a = fake_on(x.reg, "GET", LIST "?n=1000&last=3.0.0");
	a->body = "{\"tags\":[\"2.0.0\"]}";
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_ok(op);
	ck_assert_str_eq(oci_tags_result(op)->tag, "3.0.0");
	ck_assert_uint_eq(oci_tags_result(op)->pages, 3);
	ck_assert_uint_eq(oci_tags_result(op)->total, 3);
	op_free(op);
	ck_assert_uint_eq(fake_connections(x.reg), 1);
	fixture_clear(&x);
}
END_TEST

static const struct {
	const char *link, *says;
} links[] = {
	{"<http://evil.example/v2/app/tags/list?last=x>; rel=\"next\"",
		"'http://evil.example/v2/app/tags/list', which is not the registry's own host"},
	{"<http://127.0.0.1:1/v2/app/tags/list?last=x>; rel=\"next\"", "own host"},
	{"</v2/app/tags/list?n=1000>; rel=\"next\"", "circle"},
	{"</v2/app/tags/list?n=1000; rel=\"next\"", "malformed"},
	{"<gopher://x/>; rel=\"next\"", "neither http:// nor https://"},
};

START_TEST(bad_link)
{
	auto_free char *header = mem_printf("Link: %s\r\n", links[_i].link);
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST);
	a->body = "{\"tags\":[\"1.0.0\"]}";
	a->headers = header;
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_failed(op, links[_i].says);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Pages that never end: each has another address, so only counting helps. */
START_TEST(empty_pages)
{
	struct fake_answer *a;
	char *paths[20], *headers[20];
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	for (i = 0; i < 20; i++) {
		paths[i] = mem_printf(i ? LIST "?p=%d" : LIST "?n=1000", i);
		headers[i] = mem_printf("Link: <?p=%d>; rel=next\r\n", i + 1);
		a = fake_on(x.reg, "GET", paths[i]);
		a->body = "{\"tags\":[]}";
		a->headers = headers[i];
	}
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_failed(op, "10 pages without a tag");
	ck_assert_uint_eq(oci_tags_result(op)->pages, 11);
	op_free(op);
	for (i = 0; i < 20; i++) {
		free(paths[i]);
		free(headers[i]);
	}
	fixture_clear(&x);
}
END_TEST

START_TEST(slow_pages)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	bool done = false;

	/* Each page comes within its own timeout, but all of them together take too long. */
	clock_fake(1000000);
	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST "?n=1000");
	a->body = "{\"tags\":[\"1.0.0\"]}";
	a->headers = "Link: <?p=1>; rel=next\r\n";
	a = fake_on(x.reg, "GET", LIST "?p=1");
	a->body = "{\"tags\":[\"1.0.1\"]}";
	a->headers = "Link: <?p=2>; rel=next\r\n";
	op = start(&x, &(struct oci_tags_req){.range = "*"});
	op_then(op, fixture_done, &done);
	while (!strstr(fake_log(x.reg), "n=1000"))
		loop_turn(x.loop, true);
	clock_fake_add(LIMIT_TAG_LIST_TIMEOUTS * 60000);
	while (!done)
		loop_turn(x.loop, true);
	ck_assert_msg(strstr(op->err.msg, "takes too long") || strstr(op->err.msg, "within"), "%s",
		op->err.msg);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

static void many(struct buf *b, int from, int count)
{
	int i;

	buf_adds(b, "{\"name\":\"app\",\"tags\":[");
	for (i = from; i < from + count; i++)
		buf_addf(b, "%s\"1.%d.%d\"", i > from ? "," : "", i / 1000, i % 1000);
	buf_adds(b, "]}");
}

struct turns {
	struct loop *loop;
	uint64_t turn, in_turn, most;
};

static int count_turns(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	struct turns *t = arg;
	struct loop_stats stats;

	(void)tag;
	(void)verdict;
	(void)err;
	loop_stats(t->loop, &stats);
	if (stats.turns != t->turn)
		t->in_turn = 0;
	t->turn = stats.turns;
	if (++t->in_turn > t->most)
		t->most = t->in_turn;
	return 0;
}

/* A page of 2 MiB is read in pieces: no turn of the loop sees all of it. */
START_TEST(large_page)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct turns turns = {0};
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	turns.loop = x.loop;
	many(&body, 0, 200000);
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->body_len = body.len;
	op = list(&x,
		&(struct oci_tags_req){
			.range = "*", .filter = "^1[.]", .each = count_turns, .arg = &turns});
	fixture_ok(op);
	ck_assert_str_eq(oci_tags_result(op)->tag, "1.199.999");
	ck_assert_uint_eq(oci_tags_result(op)->total, 200000);
	ck_assert_msg(turns.most > 1000 && turns.most < 100000, "%llu tags in one turn",
		(unsigned long long)turns.most);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

#define LISTS 4

/* Several lists at once share the time of a turn: each pauses in the middle of what the transfer
   brought, and misses nothing. */
START_TEST(many_lists)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct op *op[LISTS];
	struct loop_stats st;
	struct fake_answer *a;
	struct fixture x;
	uint64_t turns;
	int i;

	fixture_init(&x);
	many(&body, 0, 20000);
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->body_len = body.len;
	a->times = LISTS;
	loop_stats(x.loop, &st);
	turns = st.turns;
	/* Some microseconds a tag: the whole takes far longer than a turn may. */
	for (i = 0; i < LISTS; i++)
		op[i] = start(&x,
			&(struct oci_tags_req){
				.range = "*", .filter = "^[0-9.]*[13579]$|(?:[0-9a.]?){150}Z"});
	for (i = 0; i < LISTS; i++)
		while (!op[i]->done)
			loop_turn(x.loop, true);
	for (i = 0; i < LISTS; i++) {
		fixture_ok(op[i]);
		ck_assert_uint_eq(oci_tags_result(op[i])->total, 20000);
		ck_assert_uint_eq(oci_tags_result(op[i])->passed, 10000);
		ck_assert_str_eq(oci_tags_result(op[i])->tag, "1.19.999");
		op_free(op[i]);
	}
	loop_stats(x.loop, &st);
	ck_assert_uint_gt(st.turns - turns, LISTS * 2);
	fixture_clear(&x);
}
END_TEST

/* A filter that takes milliseconds for a tag is given up, and no turn takes much of that. */
START_TEST(slow_filter)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	buf_adds(&body, "{\"tags\":[");
	for (i = 0; i < 5000; i++)
		buf_addf(&body, "%s\"1.0.%d-%0100d\"", i ? "," : "", i, 1);
	buf_adds(&body, "]}");
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->body_len = body.len;
	op = list(&x, &(struct oci_tags_req){.range = "*", .filter = "(?:[0-9a-z.-]?){1000}Z"});
	fixture_failed(op,
		"matching with the filter '(?:[0-9a-z.-]?){1000}Z' takes too long: it was given up "
		"after ");
	ck_assert_uint_lt(oci_tags_result(op)->total, 5000);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Google's registries add a map of all manifests to each page, in front of the tags and behind
   them, which is larger than the tags. */
START_TEST(other_members)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i, part;

	fixture_init(&x);
	buf_adds(&body, "{\"child\":[],");
	for (part = 0; part < 2; part++) {
		buf_addf(&body, "\"%s\":{", part ? "more" : "manifest");
		for (i = 0; i < 1000; i++)
			buf_addf(&body,
				"%s\"sha256:%064d\":{\"imageSizeBytes\":\"1\",\"layerId\":\"\","
				"\"tag\":[\"1.%d.0\",\"}]\\\"\"],\"tags\":[\"9.0.0\"]}",
				i ? "," : "", i, i);
		buf_adds(&body, part ? "}}" : "},\"name\":\"app\",\"tags\":[\"1.0.0\",\"1.1.0\"],");
	}
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->body_len = body.len;
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_ok(op);
	ck_assert_str_eq(oci_tags_result(op)->tag, "1.1.0");
	ck_assert_uint_eq(oci_tags_result(op)->total, 2);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(page_limit)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST);
	a->way = FAKE_ENDLESS;
	a->chunked = true;
	a->body = "{\"tags\":[\"";
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_failed(op, "an element of the JSON document is larger than 1024 bytes");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Google's registries send all tags in one page, with a map of all manifests: 20 MiB here. */
START_TEST(google_page)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	buf_adds(&body, "{\"child\":[],\"manifest\":{\"x\":0");
	for (i = 0; body.len < 20 * LIMIT_MIB; i++)
		buf_addf(&body, ",\"sha256:%064d\":{\"imageSizeBytes\":\"1\",\"tag\":[\"b-%d\"]}",
			i, i);
	buf_adds(&body, "},\"name\":\"app\",\"tags\":[\"1.0.0\",\"2.0.0\"]}");
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->body_len = body.len;
	a->no_length = _i;
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_ok(op);
	ck_assert_str_eq(oci_tags_result(op)->tag, "2.0.0");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* {"tags":["1.0.FROM", ...]} */
static void page(struct buf *b, int from, int n)
{
	int i;

	buf_adds(b, "{\"tags\":[");
	for (i = 0; i < n; i++)
		buf_addf(b, "%s\"1.0.%d\"", i ? "," : "", from + i);
	buf_adds(b, "]}");
}

/* What a full page without Link is followed by: the winner, and the tags counted. */
static const struct {
	const char *name;
	int from, n, status; /* of the second page */
	const char *winner;
	unsigned total;
} unlinked[] = {
	{"a short page", 1000, 10, 200, "1.0.1009", 1010},
	{"an empty page", 0, 0, 200, "1.0.999", 1000},
	{"the tag asked for comes again", 999, 10, 200, "1.0.1008", 1009},
	{"the same page", 0, 1000, 200, "1.0.999", 1000},
	{"the same tags, longer and in another order", 500, 1000, 200, "1.0.999", 1000},
	{"no such page", 0, 0, 404, "1.0.999", 1000},
	{"no such page, in its own words", 0, -1, 404, "1.0.999", 1000},
	{"a bad request", 0, 0, 400, "1.0.999", 1000},
	{"no such method", 0, 0, 405, "1.0.999", 1000},
	{"no such query", 0, 0, 422, "1.0.999", 1000},
	{"not implemented", 0, 0, 501, "1.0.999", 1000},
	{"forbidden", 0, 0, 403, NULL, 1000},
	{"too many", 0, 0, 429, NULL, 1000},
	{"not well", 0, 0, 500, NULL, 1000},
};

START_TEST(page_without_link)
{
	auto_buf struct buf first = BUF_INIT(BUF_ANY), second = BUF_INIT(BUF_ANY);
	const struct oci_tags_result *r;
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	page(&first, 0, 1000);
	if (unlinked[_i].n < 0)
		buf_adds(&second, "{\"errors\":[{\"code\":\"NAME_UNKNOWN\"}]}");
	else
		page(&second, unlinked[_i].from, unlinked[_i].n);
	fake_on(x.reg, "GET", LIST "?n=1000")->body = first.p;
	a = fake_on(x.reg, "GET", LIST "?n=1000&last=1.0.999");
	a->status = unlinked[_i].status;
	a->body = second.p;
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	r = oci_tags_result(op);
	if (unlinked[_i].winner) {
		fixture_ok(op);
		ck_assert_msg(
			!strcmp(r->tag, unlinked[_i].winner), "%s: %s", unlinked[_i].name, r->tag);
		ck_assert_uint_eq(r->total, unlinked[_i].total);
		ck_assert_uint_eq(r->versions, unlinked[_i].total);
	} else {
		char status[16];

		snprintf(status, sizeof(status), "answered %d", unlinked[_i].status);
		fixture_failed(op, status);
	}
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Neither a short page nor one of a registry that gives all at once is followed by another one. */
START_TEST(page_is_the_last)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	page(&body, 0, _i ? 1001 : 999);
	fake_on(x.reg, "GET", LIST)->body = body.p;
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_ok(op);
	ck_assert_str_eq(fake_log(x.reg), "tls\nGET " LIST "?n=1000\n");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* A page is cut in the middle: it comes again, and its tags count once. */
START_TEST(cut_page)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	struct fake_answer *a;
	struct fixture x;
	struct op *op;

	clock_fake(1000000);
	fixture_init(&x);
	page(&body, 0, 100);
	a = fake_on(x.reg, "GET", LIST);
	a->body = body.p;
	a->way = FAKE_CUT;
	a->cut = body.len / 2;
	a->times = _i;
	fake_on(x.reg, "GET", LIST)->body = body.p;
	op = start(&x, &(struct oci_tags_req){.range = "*"});
	fixture_advance(&x, op, 50, 5000);
	if (_i == 3) {
		fixture_failed(op, "tags");
	} else {
		fixture_ok(op);
		ck_assert_uint_eq(oci_tags_result(op)->total, 100);
		ck_assert_str_eq(oci_tags_result(op)->tag, "1.0.99");
	}
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(tag_limit)
{
	auto_buf struct buf body = BUF_INIT(BUF_ANY);
	char *paths[12], *headers[12];
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	int i;

	fixture_init(&x);
	buf_adds(&body, "{\"tags\":[\"x\"");
	for (i = 1; i < 200000; i++)
		buf_adds(&body, ",\"x\"");
	buf_adds(&body, "]}");
	for (i = 0; i < 12; i++) {
		paths[i] = mem_printf(i ? LIST "?p=%d" : LIST "?n=1000", i);
		headers[i] = mem_printf("Link: <?p=%d>; rel=next\r\n", i + 1);
		a = fake_on(x.reg, "GET", paths[i]);
		a->body = body.p;
		a->body_len = body.len;
		a->headers = headers[i];
	}
	op = list(&x, &(struct oci_tags_req){.range = "*"});
	fixture_failed(op, "more than 1000000 tags");
	op_free(op);
	for (i = 0; i < 12; i++) {
		free(paths[i]);
		free(headers[i]);
	}
	fixture_clear(&x);
}
END_TEST

static int collect(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err)
{
	static const char *const words[] = {
		"filtered", "no version", "prerelease", "outside", "ok"};
	struct buf *b = arg;

	if (!strcmp(tag, "stop"))
		return err_set(err, ERR_RETRY, "told to stop");
	buf_addf(b, "%s=%s ", tag, words[verdict]);
	return 0;
}

START_TEST(each)
{
	auto_buf struct buf seen = BUF_INIT(100);
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "GET", LIST)->body = "{\"tags\":[\"b\",\"a\",\"c\",\"stop\",\"d\"]}";
	op = list(&x, &(struct oci_tags_req){.filter = "^[^c]", .each = collect, .arg = &seen});
	fixture_failed(op, "told to stop");
	ck_assert_str_eq(buf_str(&seen), "b=ok a=ok c=filtered ");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* Why each tag was taken or not, and in one sentence how the choice came about. */
START_TEST(verdicts)
{
	auto_buf struct buf seen = BUF_INIT(1000), said = BUF_INIT(1000);
	struct fixture x;
	struct op *op;

	fixture_init(&x);
	fake_on(x.reg, "GET", LIST)->body =
		"{\"tags\":[\"latest\",\"v1.1.0\",\"1.2.0\",\"1.3.0-rc.1\",\"2.0.0\","
		"\"2.1.0-rc.1\",\"beta-1.9.0\",\"a b\"]}";
	op = list(&x,
		&(struct oci_tags_req){
			.range = "1.x", .filter = "^[^b]", .each = collect, .arg = &seen});
	fixture_ok(op);
	ck_assert_str_eq(buf_str(&seen),
		"latest=no version v1.1.0=ok 1.2.0=ok 1.3.0-rc.1=prerelease 2.0.0=outside "
		"2.1.0-rc.1=outside beta-1.9.0=filtered ");
	oci_tags_say(oci_tags_result(op), "1.x", "^[^b]", &said);
	ck_assert_str_eq(buf_str(&said),
		"chosen for semver '1.x': of 8 tags 6 pass the filter '^[^b]', 2 are in the range, "
		"'v1.1.0' is the next best");
	op_free(op);
	op = list(&x, &(struct oci_tags_req){.range = "2.0.0"});
	fixture_ok(op);
	buf_reset(&said);
	oci_tags_say(oci_tags_result(op), "2.0.0", NULL, &said);
	ck_assert_str_eq(buf_str(&said), "chosen for semver '2.0.0': of 8 tags 1 is in the range");
	op_free(op);
	fixture_clear(&x);
}
END_TEST

START_TEST(canceled)
{
	struct fake_answer *a;
	struct fixture x;
	struct op *op;
	bool done = false;

	fixture_init(&x);
	a = fake_on(x.reg, "GET", LIST);
	a->way = FAKE_STALL;
	a->body = "{\"tags\":[\"1.0.0\",\"1.0.1\"]}";
	a->cut = 12;
	op = start(&x, &(struct oci_tags_req){.range = "*"});
	op_then(op, fixture_done, &done);
	fixture_until(&x, "GET " LIST "?n=1000\n");
	op_cancel(op);
	while (!done)
		loop_turn(x.loop, true);
	ck_assert_int_eq(op->err.kind, ERR_CANCELED);
	op_free(op);
	fixture_clear(&x);
}
END_TEST

/* ---- the Link header ------------------------------------------------------------------------- */

static const struct {
	const char *value, *target; /* target NULL: none */
	int rc;
} headers[] = {
	{"</v2/x?n=1>; rel=\"next\"", "/v2/x?n=1", 0},
	{"</v2/x>;rel=next", "/v2/x", 0},
	{"</v2/x> ; REL = \"prev next\"", "/v2/x", 0},
	{"</a>; rel=prev, </b>; rel=next", "/b", 0},
	{"</a>; rel=next, </b>; rel=next", "/a", 0},
	{"</a>; title=\"x, y; rel=next\"; rel=last", NULL, 0},
	{"</a>; title=\"\\\">\"; rel=next", "/a", 0},
	{"</a,b;c>; rel=next", "/a,b;c", 0},
	{"</a>", NULL, 0},
	{"</a>; rel=nextish", NULL, 0},
	{"</a>; crossorigin; rel=next", "/a", 0},
	{"", NULL, 0},
	{", ,", NULL, 0},
	{"/a; rel=next", NULL, -1},
	{"</a; rel=next", NULL, -1},
	{"</a>; rel=\"next", NULL, -1},
	{"</a>; rel=\"next\\", NULL, -1},
	{"</a> garbage", NULL, -1},
};

START_TEST(link_header)
{
	auto_free char *target = NULL;
	struct err err = {0};
	int rc = oci_link_next(headers[_i].value, &target, &err);

	ck_assert_msg(rc == headers[_i].rc, "'%s': %d", headers[_i].value, rc);
	if (headers[_i].target)
		ck_assert_str_eq(target, headers[_i].target);
	else
		ck_assert_msg(!target, "'%s': '%s'", headers[_i].value, target);
}
END_TEST

Suite *suite_tags(void)
{
	Suite *s = suite_create("tags");
	TCase *t = tcase_create("tags");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, choice, 0, ARRAY_LEN(choices));
	tcase_add_loop_test(t, failure, 0, ARRAY_LEN(failures));
	tcase_add_test(t, pages);
	tcase_add_loop_test(t, bad_link, 0, ARRAY_LEN(links));
	tcase_add_test(t, empty_pages);
	tcase_add_test(t, slow_pages);
	tcase_add_test(t, large_page);
	tcase_add_test(t, many_lists);
	tcase_add_test(t, slow_filter);
	tcase_add_test(t, other_members);
	tcase_add_test(t, page_limit);
	tcase_add_loop_test(t, google_page, 0, 2);
	tcase_add_loop_test(t, page_without_link, 0, ARRAY_LEN(unlinked));
	tcase_add_loop_test(t, page_is_the_last, 0, 2);
	tcase_add_loop_test(t, cut_page, 1, 4);
	tcase_add_test(t, tag_limit);
	tcase_add_test(t, each);
	tcase_add_test(t, verdicts);
	tcase_add_test(t, canceled);
	tcase_add_loop_test(t, link_header, 0, ARRAY_LEN(headers));
	suite_add_tcase(s, t);
	return s;
}
