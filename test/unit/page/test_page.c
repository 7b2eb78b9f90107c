#include "page/page.h"

#include "base/clock.h"
#include "base/history.h"
#include "base/log.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/obj.h"
#include "page/row.h"
#include "page/timeline.h"
#include "test/unit/http/server_peer.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_page(void);

#define NOW 1769851800000

/* What stands behind the page: N objects toy/ns-K/object-NNNN, or one whose texts are `text`. */
struct fake {
	struct loop *loop;
	struct page *page;
	struct http_server *server;
	struct peer peer;
	unsigned n;
	const char *text; /* of everything that is a text; NULL: ordinary */
	struct history *revisions, *events;
	bool hangs; /* the walk has no end */
	uint64_t burn_ns; /* a step of the walk takes so long */
	uint64_t turn;
	unsigned steps, worst; /* in one turn of the loop */
	const char *host;
};

static enum page_state state_of(unsigned i)
{
	return i % 10 == 3     ? PAGE_FAILED
		: i % 100 == 4 ? PAGE_PROGRESSING
		: i % 100 == 5 ? PAGE_SUSPENDED
			       : PAGE_READY;
}

#define STEP 200

static void step_count(struct fake *f)
{
	uint64_t from = clock_ns();

	if (f->turn != loop_turn_number(f->loop))
		f->steps = 0;
	f->turn = loop_turn_number(f->loop);
	if (++f->steps > f->worst)
		f->worst = f->steps;
	while (clock_ns() - from < f->burn_ns)
		;
}

static bool fake_walk(void *arg, struct page_cursor *cursor, page_brief_fn *fn, void *fn_arg)
{
	struct fake *f = arg;
	size_t *at = &cursor->at;
	char key[80], ns[20];
	unsigned i;

	step_count(f);
	for (i = 0; i < STEP && *at < f->n; i++, ++*at) {
		/* In an order of its own. */
		unsigned nth = (unsigned)((*at * 7919) % f->n);

		snprintf(ns, sizeof(ns), "ns-%u", nth % 7);
		snprintf(key, sizeof(key), "toy/%s/object-%04u", ns, nth);
		fn(fn_arg,
			&(struct page_brief){.key = key,
				.ns = f->text ? f->text : ns,
				.host = "r.example",
				.state = f->text ? PAGE_FAILED : state_of(nth)});
	}
	return *at < f->n || f->hangs;
}

static bool fake_row(void *arg, const char *key, page_row_fn *fn, void *fn_arg)
{
	struct fake *f = arg;
	char ns[20], name[20], revision[120];
	unsigned nth, k;
	struct page_row r;

	step_count(f);
	if (sscanf(key, "toy/ns-%u/object-%u", &k, &nth) != 2 || nth >= f->n)
		return false;
	snprintf(ns, sizeof(ns), "ns-%u", k);
	snprintf(name, sizeof(name), "object-%04u", nth);
	snprintf(revision, sizeof(revision), "1.0.%u@sha256:%064u", nth, nth);
	r = (struct page_row){.key = key,
		.kind = "toy",
		.title = "Toy",
		.ns = ns,
		.name = name,
		.state = state_of(nth),
		.url = "oci://r.example/app",
		.reference = "semver 1.x",
		.reason = state_of(nth) == PAGE_READY ? "Succeeded" : "PullFailed",
		.message = "it is as it is",
		.revision = revision,
		.updated_ms = NOW - 5 * 60000,
		.since_ms = NOW - 60000,
		.revisions = f->revisions,
		.events = f->events,
		.rule = "The highest.",
		.why = "of 3 tags 2 match",
		.digest = "sha256:00",
		.artifact_url = "http://a/b",
		.source = "https://ci:hunter2@git.example/x.git",
		.source_revision = "",
		.created = "",
		.handled = "",
		.size = 2048,
		.interval_ms = 60000,
		.generation = 3,
		.observed = 2};
	r.n_conds = 1;
	r.conds[0] = (struct page_cond){
		"Ready", "False", r.reason, r.message, "2026-01-31T09:00:00Z", 3};
	if (f->text) {
		r.name = r.ns = r.url = r.reference = r.reason = r.message = r.revision = f->text;
		r.why = r.digest = r.artifact_url = r.source = r.source_revision = f->text;
		r.created = r.handled = f->text;
		r.state = PAGE_FAILED;
		for (k = 0; k < PAGE_CONDS; k++)
			r.conds[k] =
				(struct page_cond){f->text, f->text, f->text, f->text, f->text, 1};
		r.n_conds = PAGE_CONDS;
	}
	fn(fn_arg, &r);
	return true;
}

static void fake_hosts(void *arg, page_host_fn *fn, void *fn_arg)
{
	struct fake *f = arg;
	char name[40];
	unsigned i;

	for (i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "r%u.example", i);
		fn(fn_arg,
			&(struct page_host){.name = f->host ? f->host : name,
				.proven = i % 3,
				.up = i != 35,
				.insecure = i == 35});
	}
}

static void fake_open(struct fake *f, unsigned n)
{
	*f = (struct fake){.n = n};
	log_set_fd(-1);
	clock_fake(NOW);
	f->loop = loop_new();
	f->page = page_new(f->loop,
		&(struct page_source){
			.walk = fake_walk, .row = fake_row, .hosts = fake_hosts, .arg = f},
		"v1");
	f->server = test_server(
		f->loop, (struct http_server_opts){.handler = page_handle, .arg = f->page});
	peer_open(&f->peer, f->loop, f->server);
}

static void fake_close(struct fake *f)
{
	peer_close(&f->peer);
	http_server_free(f->server);
	page_free(f->page);
	free(f->revisions);
	free(f->events);
	ck_assert_int_eq(loop_free(f->loop), 0);
}

/* The body of the one response in `got`, its chunks put together; *largest is that of them. */
static char *body_of(const struct buf *got, size_t *largest)
{
	struct buf out = BUF_INIT(BUF_ANY);
	const char *p = strstr(buf_str(got), "\r\n\r\n");
	bool chunked = strstr(buf_str(got), "Transfer-Encoding: chunked") != NULL;
	size_t n;

	ck_assert_ptr_nonnull(p);
	p += 4;
	if (!chunked)
		buf_adds(&out, p);
	while (chunked && (n = strtoul(p, NULL, 16))) {
		p = strstr(p, "\r\n") + 2;
		buf_add(&out, p, n);
		p += n + 2;
		if (largest && n > *largest)
			*largest = n;
	}
	return buf_take(&out);
}

static char *get_with(struct fake *f, const char *target, const char *status, size_t *largest)
{
	auto_free char *request = mem_printf("GET %s HTTP/1.1\r\nHost: a\r\n\r\n", target);

	buf_reset(&f->peer.got);
	peer_puts(&f->peer, request);
	ck_assert_str_eq(peer_responses(&f->peer, 1, 0), status);
	return body_of(&f->peer.got, largest);
}

static char *get(struct fake *f, const char *target)
{
	return get_with(f, target, "200", NULL);
}

static json_t *get_json(struct fake *f, const char *target)
{
	auto_free char *text = get(f, target);
	struct err err = {0};
	json_t *o = obj_parse(text, strlen(text), "page", &err);

	ck_assert_msg(o != NULL, "%s: %s", target, err.msg);
	return o;
}

static size_t count_of(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)); text += strlen(part))
		n++;
	return n;
}

#define ck_has(text, part) \
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in '%.3000s'", part, text)
#define ck_hasnt(text, part) ck_assert_msg(!strstr(text, part), "'%s' in '%.9000s'", part, text)

/* ---- what is there --------------------------------------------------------------------------- */

START_TEST(test_list)
{
	struct fake f;
	auto_free char *page = NULL, *empty = NULL, *none = NULL;

	fake_open(&f, 100);
	page = get(&f, "/");
	ck_has(page, "<h1>88 of 100 objects ready</h1>");
	ck_has(page, "<b>10</b> failed");
	ck_has(page, "<a href=\"/objects/toy/ns-3/object-0003\">object-0003</a>");
	ck_has(page, "<b>PullFailed</b> <bdi>it is as it is</bdi>");
	ck_has(page, "semver 1.x");
	ck_has(page, "5m ago");
	ck_has(page, "<svg class=\"strip\"");
	ck_has(page, "r35.example<span>does not answer, insecure</span>");
	ck_has(page, "and 16 more");
	/* What is wrong comes first. */
	ck_assert(strstr(page, ">object-0093<") < strstr(page, ">object-0000<"));
	ck_assert_uint_eq(count_of(page, "<li class=\"bad"), 10);
	ck_hasnt(page, "class=\"pages\"");
	f.n = 0;
	empty = get(&f, "/");
	ck_has(empty, "There are no objects.");
	f.n = 5;
	none = get(&f, "/?q=nothing");
	ck_has(none, "No object is like that.");
	fake_close(&f);
}
END_TEST

static const struct {
	const char *target;
	unsigned matched, failed;
} filters[] = {
	{"/api/objects", 2000, 200},
	{"/api/objects?state=failed", 200, 200},
	{"/api/objects?state=suspended", 20, 200},
	{"/api/objects?state=&namespace=&q=", 2000, 200},
	{"/api/objects?namespace=ns-3", 286, 29},
	{"/api/objects?namespace=ns-3&state=failed", 29, 29},
	{"/api/objects?namespace=ns", 0, 0},
	{"/api/objects?q=object-000", 10, 1},
	{"/api/objects?q=r.example", 2000, 200},
	{"/api/objects?q=OCI", 0, 0},
};

START_TEST(test_filters)
{
	struct fake f;
	auto_json json_t *o = NULL;

	fake_open(&f, 2000);
	o = get_json(&f, filters[_i].target);
	ck_assert_int_eq(obj_int(-1, o, "total"), 2000);
	ck_assert_int_eq(obj_int(-1, o, "matched"), filters[_i].matched);
	ck_assert_int_eq(obj_int(-1, o, "counts", "failed"), filters[_i].failed);
	ck_assert_uint_eq(json_array_size(obj_get(o, "objects")),
		filters[_i].matched < PAGE_LIMIT ? filters[_i].matched : PAGE_LIMIT);
	fake_close(&f);
}
END_TEST

START_TEST(test_json)
{
	struct fake f;
	auto_json json_t *all = NULL, *one = NULL;
	const json_t *o;

	fake_open(&f, 1);
	history_add(&f.revisions, 4, NOW - 3600000, "0.9.0@sha256:aa", "");
	history_count(&f.events, 4, NOW - 60000, "NewArtifact", "stored it");
	all = get_json(&f, "/api/objects");
	o = json_array_get(obj_get(all, "objects"), 0);
	ck_assert_str_eq(obj_str(o, "page"), "/objects/toy/ns-0/object-0000");
	ck_assert_str_eq(obj_str(o, "state"), "ready");
	ck_assert_str_eq(obj_str(o, "updated"), "2026-01-31T09:25:00Z");
	o = obj_get(o, "revisions");
	ck_assert_uint_eq(json_array_size(o), 2);
	ck_assert_str_eq(obj_str(json_array_get(o, 0), "revision"), "0.9.0@sha256:aa");
	o = json_array_get(obj_get(all, "registries"), 0);
	ck_assert_str_eq(obj_str(o, "name"), "r35.example");
	ck_assert_str_eq(obj_str(o, "state"), "down");
	ck_assert(obj_bool(false, o, "insecure"));
	one = get_json(&f, "/api/objects/toy/ns-0/object-0000");
	ck_assert_str_eq(obj_str(json_array_get(obj_get(one, "conditions"), 0), "type"), "Ready");
	ck_assert_str_eq(obj_str(one, "originSource"), "https://git.example/x.git");
	ck_assert_str_eq(
		obj_str(json_array_get(obj_get(one, "events"), 0), "message"), "stored it");
	ck_assert_str_eq(obj_str(one, "why"), "of 3 tags 2 match");
	ck_assert_int_eq(obj_int(0, one, "size"), 2048);
	fake_close(&f);
}
END_TEST

START_TEST(test_object)
{
	struct fake f;
	auto_free char *page = NULL;

	fake_open(&f, 10);
	history_add(&f.revisions, 4, NOW - 3600000, "0.8.0@sha256:aa", "");
	history_add(&f.revisions, 4, NOW - 1800000, "0.9.0@sha256:bb", "");
	history_count(&f.events, 4, NOW - 60000, "NewArtifact", "stored it");
	history_count(&f.events, 4, NOW - 60000, "NewArtifact", "stored it");
	page = get(&f, "/objects/toy/ns-3/object-0003");
	ck_assert_ptr_nonnull(strstr(page, "https://git.example/x.git"));
	ck_assert_ptr_null(strstr(page, "hunter2"));
	ck_has(page, "<h1>object-0003</h1>");
	ck_has(page, "<title>ns-3/object-0003</title>");
	ck_has(page, "href=\"/api/objects/toy/ns-3/object-0003\">JSON");
	ck_has(page, "3, reconciled: 2");
	ck_has(page, "2.0 KiB");
	ck_has(page, "The highest.");
	ck_has(page, "of 3 tags 2 match");
	ck_has(page, "2 times");
	ck_has(page, "<svg class=\"band\"");
	/* The first stood for half an hour: 500 of 1,000 with a gap of 2. */
	ck_has(page, "<rect class=\"even\" x=\"0\" y=\"0\" width=\"498\" height=\"28\">");
	ck_has(page, "<span class=\"pill\">for 30m</span>");
	ck_has(page, "<span class=\"pill\">for 25m</span>");
	fake_close(&f);
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */

/* `next` from page to page gives each object once, in order; the same by HTML's links. */
START_TEST(test_all_pages)
{
	struct fake f;
	struct map seen = {0};
	auto_free char *target = mem_strdup("/api/objects?limit=300"), *html = NULL, *back = NULL;
	const json_t *objects;
	unsigned pages = 0;
	size_t i;

	fake_open(&f, 2000);
	while (target) {
		auto_json json_t *o = get_json(&f, target);

		objects = obj_get(o, "objects");
		for (i = 0; i < json_array_size(objects); i++)
			ck_assert_ptr_null(
				map_put(&seen, obj_str(json_array_get(objects, i), "page"), &f));
		pages++;
		free(target);
		target = mem_strdup(obj_str(o, "next"));
	}
	ck_assert_uint_eq(pages, 7);
	ck_assert_uint_eq(seen.len, 2000);
	map_clear(&seen);
	html = get(&f, "/?after=2toy%2Fns-0%2Fobject-0000&limit=10&q=object");
	ck_has(html, "222 – 231 of 2,000");
	ck_has(html, "<a rel=\"start\" href=\"/?q=object&amp;limit=10\">");
	ck_has(html, "&amp;before=2toy%2Fns-0%2Fobject-0007\">← Previous");
	ck_has(html, "&amp;after=2toy%2Fns-0%2Fobject-0077\">Next →");
	back = get(&f, "/?before=2toy%2Fns-0%2Fobject-0007&limit=2");
	ck_has(back, "220 – 221 of 2,000");
	ck_has(back, ">object-0000<");
	fake_close(&f);
}
END_TEST

START_TEST(test_limits)
{
	struct fake f;
	auto_free char *many = NULL;

	fake_open(&f, 2000);
	many = get(&f, "/?limit=100000");
	ck_assert_uint_eq(count_of(many, "<div class=\"name\">"), PAGE_LIMIT_MAX);
	fake_close(&f);
}
END_TEST

static const struct {
	const char *request, *status;
} requests[] = {
	{"GET /?state=green", "400"},
	{"GET /?limit=-1", "400"},
	{"GET /?limit=x", "400"},
	{"GET /?limit=0", "400"},
	{"GET /api/objects?state=x", "400"},
	{"GET /objects/toy/ns-1/object-9999", "404"},
	{"GET /objects/", "404"},
	{"GET /objects/x/y/z", "404"},
	{"GET /objects/toy/ns-1/..%2f..%2fetc", "404"},
	{"GET /api/objects/", "404"},
	{"GET /api", "404"},
	{"GET /favicon.ico", "204"},
	{"GET /objects", "404"},
	{"GET //", "404"},
};

START_TEST(test_refused)
{
	struct fake f;
	auto_free char *request =
		mem_printf("%s HTTP/1.1\r\nHost: a\r\n\r\n", requests[_i].request);

	fake_open(&f, 10);
	peer_puts(&f.peer, request);
	ck_assert_msg(!strcmp(peer_responses(&f.peer, 1, 0), requests[_i].status), "%s: %.60s",
		requests[_i].request, buf_str(&f.peer.got));
	ck_assert_ptr_null(strstr(buf_str(&f.peer.got), "etc"));
	fake_close(&f);
}
END_TEST

START_TEST(test_headers)
{
	static const char *const targets[] = {"/", "/api/objects", "/objects/toy/ns-1/object-0001",
		"/api/objects/toy/ns-1/object-0001"};
	static const char *const want[] = {"Cache-Control: no-store\r\n",
		"X-Content-Type-Options: nosniff\r\n", "Referrer-Policy: no-referrer\r\n"};
	auto_free char *request = NULL, *page = NULL;
	struct fake f;
	size_t k;

	fake_open(&f, 10);
	page = get(&f, targets[_i]);
	for (k = 0; k < ARRAY_LEN(want); k++)
		ck_has(buf_str(&f.peer.got), want[k]);
	ck_assert_int_eq(!strstr(buf_str(&f.peer.got), "Content-Type: text/html"), _i % 2);
	if (!(_i % 2))
		ck_has(buf_str(&f.peer.got),
			"Content-Security-Policy: default-src 'none'; style-src 'sha256-");
	/* HEAD: the same without a body. */
	request = mem_printf("HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[_i]);
	buf_reset(&f.peer.got);
	peer_puts(&f.peer, request);
	ck_assert_str_eq(peer_responses(&f.peer, 1, 1), "200");
	ck_has(buf_str(&f.peer.got), want[0]);
	fake_close(&f);
}
END_TEST

/* ---- strangers' texts ------------------------------------------------------------------------ */

static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"\"><img src=x onerror=alert(1)>",
	"' onmouseover='alert(1)",
	"</title></style></svg><b>x",
	"&lt;script&gt;",
	"a\u202e<i>\u2066",
	"javascript:alert(1)",
	"\xff\xfe<\x01>",
};

/* Of what can do harm nothing is left as it came, wherever it stands. */
static void page_is_clean(const char *page)
{
	ck_hasnt(page, "<script");
	ck_hasnt(page, "<img");
	ck_hasnt(page, "<b>x");
	ck_hasnt(page, "<i>\u2066");
	ck_hasnt(page, "' onmouseover");
	ck_hasnt(page, "\u202e");
	ck_hasnt(page, "href=\"javascript");
	ck_hasnt(page, "\x01");
	ck_assert_uint_eq(count_of(page, "</title></style>"), 0);
	ck_assert_uint_eq(count_of(page, "</html>"), 1);
}

START_TEST(test_hostile)
{
	struct fake f;
	auto_free char *list = NULL, *object = NULL, *echo = NULL, *target = NULL;
	auto_json json_t *o = NULL;
	struct buf q = BUF_INIT(BUF_ANY);
	const char *c;

	fake_open(&f, 3);
	f.text = f.host = hostile[_i];
	history_count(&f.events, 4, NOW - 60000, f.text, f.text);
	history_add(&f.revisions, 4, NOW - 60000, f.text, f.text);
	list = get(&f, "/");
	page_is_clean(list);
	object = get(&f, "/objects/toy/ns-1/object-0001");
	page_is_clean(object);
	o = get_json(&f, "/api/objects");
	ck_assert_uint_eq(json_array_size(obj_get(o, "objects")), 3);
	/* What a link made the reader ask for comes back in the form. */
	for (c = f.text; *c; c++)
		buf_addf(&q, "%%%02x", (unsigned char)*c);
	target = mem_printf("/?q=%s&namespace=%s&after=%s", buf_str(&q), buf_str(&q), buf_str(&q));
	echo = get(&f, target);
	page_is_clean(echo);
	buf_clear(&q);
	fake_close(&f);
}
END_TEST

/* However long its texts are, an object adds a bounded part. */
START_TEST(test_caps)
{
	struct fake f;
	auto_free char *long_text = mem_alloc(200001), *list = NULL, *object = NULL, *json = NULL;
	int i;

	memset(long_text, '"', 200000);
	long_text[200000] = 0;
	fake_open(&f, 3);
	f.text = long_text;
	for (i = 0; i < 40; i++) {
		history_add(&f.events, 6, NOW, "x", long_text);
		history_add(&f.revisions, 16, NOW - i * 1000, long_text, "");
	}
	list = get(&f, "/");
	ck_assert_uint_eq(count_of(list, "<div class=\"name\">"), 3);
	ck_assert_uint_le(strlen(list), 3 * ROW_HTML_MAX + 40000);
	object = get(&f, "/objects/toy/ns-1/object-0001");
	ck_assert_uint_le(strlen(object), 512 * 1024);
	json = get(&f, "/api/objects/toy/ns-1/object-0001");
	ck_assert_uint_le(strlen(json), 320 * 1024);
	fake_close(&f);
}
END_TEST

/* ---- slices and places ----------------------------------------------------------------------- */

/* A step of the walk or a row costs 2 ms: no turn has more of them than fit into the loop's 6 ms
   for bulk work, and one. By the number of steps, since time is nobody's here. */
START_TEST(test_slices)
{
	struct fake f;
	auto_free char *page = NULL;
	size_t largest = 0;

	fake_open(&f, 2000);
	f.burn_ns = 2000000;
	page = get_with(&f, "/?limit=50", "200", &largest);
	ck_assert_uint_eq(count_of(page, "<div class=\"name\">"), 50);
	ck_assert_uint_ge(f.worst, 1);
	ck_assert_uint_le(f.worst, LOOP_BULK_NS / 2000000 + 1);
	f.burn_ns = 0;
	free(page);
	page = get_with(&f, "/?limit=500", "200", &largest);
	ck_assert_uint_le(largest, 64 * 1024 + ROW_HTML_MAX);
	fake_close(&f);
}
END_TEST

/* Who has the places may keep them for so long, and no longer. */
START_TEST(test_places)
{
	struct peer held[PAGE_LISTS];
	struct fake f;
	int i, k;

	fake_open(&f, 10);
	f.hangs = true;
	for (i = 0; i < PAGE_LISTS; i++) {
		peer_open(&held[i], f.loop, f.server);
		peer_puts(&held[i], "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
		peer_settle(&held[i]);
	}
	peer_puts(&f.peer, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&f.peer, 1, 0), "503");
	ck_has(buf_str(&f.peer.got), "Retry-After: 1\r\n");
	/* One object needs no place. */
	buf_reset(&f.peer.got);
	peer_puts(&f.peer, "GET /objects/toy/ns-1/object-0001 HTTP/1.1\r\nHost: a\r\n\r\n");
	ck_assert_str_eq(peer_responses(&f.peer, 1, 0), "200");
	loop_test_advance(f.loop, PAGE_LIST_MS);
	buf_reset(&f.peer.got);
	peer_puts(&f.peer, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	for (k = 0; k < 20; k++)
		loop_turn(f.loop, false);
	f.hangs = false;
	ck_assert_str_eq(peer_responses(&f.peer, 1, 0), "200");
	/* The oldest was cut, without the last chunk; the others go on. */
	peer_until_eof(&held[0]);
	ck_assert_ptr_null(strstr(buf_str(&held[0].got), "</html>"));
	for (i = 1; i < PAGE_LISTS; i++)
		ck_assert(peer_until(&held[i], "</html>"));
	for (i = 0; i < PAGE_LISTS; i++)
		peer_close(&held[i]);
	fake_close(&f);
}
END_TEST

/* Clients that leave in the middle give their places back. */
START_TEST(test_gone)
{
	struct peer held[PAGE_LISTS];
	struct fake f;
	auto_free char *page = NULL;
	int i;

	fake_open(&f, 2000);
	f.hangs = true;
	for (i = 0; i < PAGE_LISTS; i++) {
		peer_open(&held[i], f.loop, f.server);
		peer_puts(&held[i], "GET /?limit=500 HTTP/1.1\r\nHost: a\r\n\r\n");
		peer_settle(&held[i]);
		peer_close(&held[i]);
	}
	f.hangs = false;
	for (i = 0; i < 200; i++)
		loop_turn(f.loop, false);
	page = get(&f, "/");
	ck_has(page, "</html>");
	fake_close(&f);
}
END_TEST

Suite *suite_page(void)
{
	Suite *s = suite_create("page");
	TCase *t = tcase_create("page");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_list);
	tcase_add_loop_test(t, test_filters, 0, ARRAY_LEN(filters));
	tcase_add_test(t, test_json);
	tcase_add_test(t, test_object);
	tcase_add_test(t, test_all_pages);
	tcase_add_test(t, test_limits);
	tcase_add_loop_test(t, test_refused, 0, ARRAY_LEN(requests));
	tcase_add_loop_test(t, test_headers, 0, 4);
	tcase_add_loop_test(t, test_hostile, 0, ARRAY_LEN(hostile));
	tcase_add_test(t, test_caps);
	tcase_add_test(t, test_slices);
	tcase_add_test(t, test_places);
	tcase_add_test(t, test_gone);
	suite_add_tcase(s, t);
	return s;
}
