#include "kube/watch.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "fixture.h"
#include "kube/list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST "GET " BASE "/apis/example.com/v1/repos?limit=500 "
#define LIST_ALL "GET " BASE "/apis/example.com/v1/repos "
#define WATCH(rv) \
	"GET " BASE \
	"/apis/example.com/v1/repos?watch=1&allowWatchBookmarks=true&resourceVersion=" rv \
	"&timeoutSeconds="
#define ITEMS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What the watch says, as one line: "+web@1 ~web@2 -web S E410 " */
struct seen {
	struct op *op;
	char text[8192];
	struct err err;
	uint64_t in_ms;
	unsigned freed, errors;
	bool cancel, drop;
};

static struct seen k;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	size_t n = strlen(k.text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(k.text + n, sizeof(k.text) - n, fmt, ap);
	va_end(ap);
}

static void on_set(void *arg, struct kube_entry *e, const json_t *o, bool added)
{
	ck_assert_ptr_eq(arg, &k);
	ck_assert_str_eq(kube_entry_ns(e), "apps");
	ck_assert_str_eq(obj_str(o, "metadata", "name"), kube_entry_name(e));
	ck_assert_str_eq(obj_str(o, "metadata", "uid"), kube_entry_uid(e));
	ck_assert(!!e->user == !added);
	e->user = &k;
	note("%c%s@%s ", added ? '+' : '~', kube_entry_name(e), e->rv);
	if (k.cancel)
		op_cancel(k.op);
	if (k.drop)
		op_drop(k.op);
}

static void on_deleted(void *arg, struct kube_entry *e)
{
	ck_assert_ptr_eq(arg, &k);
	ck_assert_ptr_eq(e->user, &k);
	note("-%s ", kube_entry_name(e));
}

static void on_synced(void *arg)
{
	ck_assert_ptr_eq(arg, &k);
	note("S ");
}

static void on_reset(void *arg)
{
	ck_assert_ptr_eq(arg, &k);
	note("R ");
}

static void on_error(void *arg, const struct err *err, uint64_t in_ms)
{
	ck_assert_ptr_eq(arg, &k);
	note("E%d ", err->code);
	ck_assert_msg(!strstr(err->msg, BASE), "'%s'", err->msg);
	k.err = *err;
	k.in_ms = in_ms;
	k.errors++;
}

static void free_user(void *arg, void *user)
{
	ck_assert_ptr_eq(arg, user);
	k.freed++;
}

static void begin(const struct tcp_step *script)
{
	world_begin(script);
	memset(&k, 0, sizeof(k));
	k.op = kube_watch_start(w.c,
		&(struct kube_watch_req){.resource = &REPOS,
			.on_set = on_set,
			.on_deleted = on_deleted,
			.on_synced = on_synced,
			.on_reset = on_reset,
			.on_error = on_error,
			.free_user = free_user,
			.arg = &k});
}

static void finish(void)
{
	size_t n = kube_watch_count(k.op);

	op_cancel(k.op);
	until_done(k.op);
	ck_assert_int_eq(k.op->err.kind, ERR_CANCELED);
	op_free(k.op);
	ck_assert_uint_eq(k.freed, n);
	if (tcp_script_holds(w.s))
		tcp_script_go(w.s);
	world_finish();
}

static void until_errors(unsigned n)
{
	while (k.errors < n)
		loop_turn(w.l, true);
}

static void until_synced(void)
{
	while (!kube_watch_synced(k.op))
		loop_turn(w.l, true);
}

static void run_to_end_of(size_t step)
{
	while (tcp_script_at(w.s) < step)
		loop_turn(w.l, true);
	turns(60);
}

static void saw(const char *want)
{
	ck_assert_msg(!strcmp(k.text, want), "saw '%s', want '%s' (last error: %s)", k.text, want,
		k.err.msg);
	k.text[0] = '\0';
}

/* ---- the plain way --------------------------------------------------------------------------- */

START_TEST(test_list_and_watch)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("10", NULL, ITEMS(obj("a", NULL, "1"), obj("b", NULL, "2")))),
			0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, CHUNKED, 0},
		{TCP_SEND, chunk(event("ADDED", obj("c", NULL, "11"))), 0},
		{TCP_SEND, chunk(event("MODIFIED", obj("a", NULL, "12"))), 0},
		{TCP_SEND, chunk(event("DELETED", obj("b", NULL, "13"))), 0},
		/* deleted and made again while we looked elsewhere */
		{TCP_SEND, chunk(event("MODIFIED", obj("c", "other", "14"))), 0},
		{TCP_SEND, chunk(event("DELETED", obj("never", NULL, "15"))), 0},
		{TCP_SEND, chunk(event("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"20\"}}")),
			0},
		/* the server's own timeout: at once again, from the bookmark */
		{TCP_HOLD, NULL, 0}, {TCP_SEND, LAST_CHUNK, 0}, {TCP_REQUEST, WATCH("20"), 0},
		{TCP_HOLD, NULL, 0}, {0}};
	struct kube_watch_stats st;
	struct kube_entry *e;

	begin(script);
	until_hold();
	loop_test_advance(w.l, 1000);
	tcp_script_go(w.s);
	run_to_end_of(12);
	until_hold();
	saw("+a@1 +b@2 S +c@11 ~a@12 -b -c +c@14 ");
	ck_assert_uint_eq(kube_watch_count(k.op), 2);
	e = kube_watch_find(k.op, "apps", "c");
	ck_assert_str_eq(kube_entry_uid(e), "other");
	ck_assert_ptr_eq(kube_watch_find_key(k.op, "apps/c"), e);
	ck_assert_ptr_null(kube_watch_find(k.op, "apps", "b"));
	kube_watch_stats(k.op, &st);
	ck_assert_uint_eq(st.lists, 1);
	ck_assert_uint_eq(st.watches, 2);
	ck_assert_uint_eq(st.events, 5);
	ck_assert_uint_eq(st.bookmarks, 1);
	ck_assert_uint_eq(st.errors, 0);
	finish();
}
END_TEST

/* Every byte on its own, with blank lines between the events. */
START_TEST(test_split_events)
{
	auto_free char *all = mem_printf("%s%s\r\n\n%s", event("ADDED", obj("a", NULL, "11")),
		event("MODIFIED", obj("a", NULL, "12")), event("DELETED", obj("a", NULL, "13")));
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_DRIP, answer(200, "", list("10", NULL, ITEMS(obj("z", NULL, "1")))), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, "HTTP/1.1 200 OK\r\n\r\n", 0},
		{TCP_DRIP, all, 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	until_hold();
	saw("+z@1 S +a@11 ~a@12 -a ");
	finish();
}
END_TEST

START_TEST(test_pages)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", "tok/en", ITEMS(obj("a", NULL, "1")))), 0},
		{TCP_REQUEST, "GET " BASE "/apis/example.com/v1/repos?limit=500&continue=tok%2Fen ",
			0},
		{TCP_SEND, answer(200, "", list("10", NULL, ITEMS(obj("b", NULL, "2")))), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	until_hold();
	saw("+a@1 +b@2 S ");
	finish();
}
END_TEST

/* The continue token expires: the whole list in one piece; what only the first half had is not
   kept. */
START_TEST(test_continue_expired)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("10", "t", ITEMS(obj("a", NULL, "1"), obj("b", NULL, "2")))),
			0},
		{TCP_REQUEST, "GET " BASE "/apis/example.com/v1/repos?limit=500&continue=t ", 0},
		{TCP_SEND, answer(410, "", "{\"reason\":\"Expired\"}"), 0},
		{TCP_REQUEST, LIST_ALL, 0},
		{TCP_SEND,
			answer(200, "",
				list("30", NULL, ITEMS(obj("b", NULL, "2"), obj("c", NULL, "3")))),
			0},
		{TCP_REQUEST, WATCH("30"), 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	until_hold();
	saw("+a@1 +b@2 +c@3 -a S ");
	finish();
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------------------------- */

/* Row 0: 410 as the answer, row 1: as an ERROR event, row 2: with reason Expired only. Then the
   list again, and its differences. */
START_TEST(test_gone)
{
	static const char *const st[] = {
		"{\"code\":410,\"reason\":\"Gone\",\"message\":\"too old\"}",
		"{\"code\":410,\"message\":\"too old\"}", "{\"reason\":\"Expired\"}"};
	const char *first = _i ? CHUNKED : answer(410, "", st[0]);
	const char *then = _i ? chunk(event("ERROR", st[_i])) : "";
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("10", NULL,
					ITEMS(obj("a", NULL, "1"), obj("b", NULL, "2"),
						obj("c", NULL, "3")))),
			0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, first, 0}, {TCP_SEND, then, 0},
		/* refused in mid-stream: that connection is not used again */
		{_i ? TCP_WAIT_CLOSE : TCP_SEND, "", 0}, {_i ? TCP_ACCEPT : TCP_SEND, "", 0},
		{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("40", NULL,
					ITEMS(obj("a", NULL, "1"), obj("b", NULL, "22"),
						obj("c", "new", "33"), obj("d", NULL, "4")))),
			0},
		{TCP_REQUEST, WATCH("40"), 0}, {TCP_SEND, answer(410, "", st[0]), 0},
		/* a second time in a row: not at once */
		{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("50", NULL, ITEMS(obj("a", NULL, "1")))), 0},
		{TCP_REQUEST, WATCH("50"), 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	until_errors(1);
	saw("+a@1 +b@2 +c@3 S ~b@22 -c +c@33 +d@4 E410 ");
	turns(60);
	ck_assert_uint_eq(tcp_script_at(w.s), 11);
	ck_assert_uint_le(k.in_ms, 1500);
	loop_test_advance(w.l, k.in_ms);
	until_hold();
	/* the order of the deletions is the table's */
	ck_assert_ptr_nonnull(strstr(k.text, "-b "));
	ck_assert_ptr_nonnull(strstr(k.text, "-c "));
	ck_assert_ptr_nonnull(strstr(k.text, "-d "));
	ck_assert_uint_eq(kube_watch_count(k.op), 1);
	finish();
}
END_TEST

START_TEST(test_version)
{
	static const struct {
		const char *a, *b;
		bool older;
	} rows[] = {{"9", "10", true}, {"10", "9", false}, {"10", "10", false}, {"007", "8", true},
		{"99999999999999999999998", "99999999999999999999999", true}, {"a", "b", false},
		{"", "1", false}, {"1", "x", false}};

	ck_assert_msg(kube_version_older(rows[_i].a, rows[_i].b) == rows[_i].older, "%s %s",
		rows[_i].a, rows[_i].b);
}
END_TEST

/* A server that was restored from a backup: the first list with older versions is followed by one
   in which everything is news. Row 0: the version is gone; row 1: a bookmark tells. */
START_TEST(test_went_back)
{
	const char *gone = answer(410, "", "{\"code\":410,\"message\":\"too old\"}");
	const char *mark = chunk(event("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"39\"}}"));
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("90", NULL,
					ITEMS(obj("a", NULL, "70"), obj("b", NULL, "80"),
						obj("c", NULL, "5")))),
			0},
		{TCP_REQUEST, WATCH("90"), 0}, {TCP_SEND, _i ? CHUNKED : gone, 0},
		{TCP_SEND, _i ? mark : "", 0}, {_i ? TCP_WAIT_CLOSE : TCP_SEND, "", 0},
		{_i ? TCP_ACCEPT : TCP_SEND, "", 0}, {TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("40", NULL, ITEMS(obj("a", NULL, "7"), obj("c", NULL, "5")))),
			0},
		{TCP_REQUEST, LIST, 0},
		{TCP_SEND,
			answer(200, "",
				list("41", NULL, ITEMS(obj("a", NULL, "7"), obj("c", NULL, "5")))),
			0},
		{TCP_REQUEST, WATCH("41"), 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	if (_i) {
		until_errors(1);
		loop_test_advance(w.l, k.in_ms);
	}
	until_errors(1 + (unsigned)_i);
	loop_test_advance(w.l, k.in_ms);
	until_hold();
	saw(_i ? "+a@70 +b@80 +c@5 S E0 ~a@7 R E0 ~a@7 ~c@5 -b "
	       : "+a@70 +b@80 +c@5 S ~a@7 R E0 ~a@7 ~c@5 -b ");
	finish();
}
END_TEST

/* Lost connections: again from the last version, later each time, and after the third the list
   again. */
START_TEST(test_lost)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, ITEMS(obj("a", NULL, "1")))), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, CHUNKED, 0},
		{TCP_SEND, chunk(event("MODIFIED", obj("a", NULL, "11"))), 0}, {TCP_CLOSE, NULL, 0},
		{TCP_ACCEPT, NULL, 0}, {TCP_REQUEST, WATCH("11"), 0}, {TCP_CLOSE, NULL, 0},
		{TCP_ACCEPT, NULL, 0}, {TCP_REQUEST, WATCH("11"), 0},
		{TCP_SEND, answer(500, "", "{}"), 0}, {TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("12", NULL, ITEMS(obj("a", NULL, "11")))), 0},
		{TCP_REQUEST, WATCH("12"), 0}, {TCP_HOLD, NULL, 0}, {0}};
	unsigned i;

	begin(script);
	for (i = 1; i <= 3; i++) {
		until_errors(i);
		/* Each ends at once, and none is asked for within a second of the last. */
		ck_assert_uint_ge(k.in_ms, 1000);
		ck_assert_uint_le(k.in_ms, i < 3 ? 1500 : 2000);
		turns(60);
		loop_test_advance(w.l, k.in_ms);
	}
	until_hold();
	ck_assert_ptr_nonnull(strstr(k.text, "+a@1 S ~a@11 E"));
	ck_assert_ptr_nonnull(strstr(k.text, "E500 "));
	finish();
}
END_TEST

/* Live from the server's 200 to the end of the watch: before and after nobody knows what has
   happened. */
START_TEST(test_live)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0}, {TCP_HOLD, NULL, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, NULL)), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_HOLD, NULL, 0}, {TCP_SEND, CHUNKED, 0},
		{TCP_HOLD, NULL, 0}, {TCP_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, answer(500, "", "{}"), 0}, {0}};
	struct kube_watch_stats st;

	begin(script);
	until_hold();
	ck_assert(!kube_watch_live(k.op));
	tcp_script_go(w.s);
	until_synced();
	until_hold();
	ck_assert(!kube_watch_live(k.op));
	tcp_script_go(w.s);
	until_hold();
	turns(60);
	ck_assert(kube_watch_live(k.op));
	kube_watch_stats(k.op, &st);
	ck_assert_uint_eq(st.failures, 0);
	tcp_script_go(w.s);
	until_errors(1);
	ck_assert(!kube_watch_live(k.op));
	loop_test_advance(w.l, k.in_ms);
	until_errors(2);
	ck_assert(!kube_watch_live(k.op));
	kube_watch_stats(k.op, &st);
	ck_assert_uint_eq(st.failures, 2);
	finish();
}
END_TEST

static const struct {
	const char *name;
	int status;
	const char *headers, *stream; /* stream: in place of the answer, then the server closes */
	const char *text;
	uint64_t least;
} BAD[] = {
	{"forbidden", 403, "", NULL, "403", 250},
	{"not found", 404, "", NULL, "404", 250},
	{"too many", 429, "Retry-After: 77\r\n", NULL, "429", 77000},
	{"in distress", 503, "Retry-After: 3600\r\n", NULL, "503", 3600000},
	{"redirect", 302, "Location: /x\r\n", NULL, "302", 250},
	{"garbage", 200, NULL, "nonsense\n", "not valid JSON", 250},
	{"a JSON array", 200, NULL, "[1,2]\n", "", 250},
	{"no type", 200, NULL,
		"{\"object\":{\"metadata\":{\"name\":\"a\",\"namespace\":\"b\",\"uid\":\"c\","
		"\"resourceVersion\":\"1\"}}}\n",
		"no type", 250},
	{"no metadata", 200, NULL, "{\"type\":\"ADDED\",\"object\":{}}\n", "has no name", 250},
	{"no namespace", 200, NULL,
		"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"uid\":\"c\","
		"\"resourceVersion\":\"1\"}}}\n",
		"has no name", 250},
	{"bookmark without version", 200, NULL, "{\"type\":\"BOOKMARK\",\"object\":{}}\n",
		"bookmark", 250},
	{"error event", 200, NULL,
		"{\"type\":\"ERROR\",\"object\":{\"code\":500,\"message\":\"etcd is away\"}}\n",
		"etcd is away", 250},
	{"error event of nonsense", 200, NULL, "{\"type\":\"ERROR\",\"object\":7}\n", "status 500",
		250},
	{"ends inside an event", 200, NULL, "{\"type\":\"ADDED\",\"obj", "inside an event", 250},
	{"ends at once", 200, NULL, "", "ended at once", 250},
	{"endless event", 200, NULL, NULL, "larger than", 250},
};

START_TEST(test_bad_watch)
{
	auto_free char *stream =
		mem_printf("HTTP/1.1 200 OK\r\n\r\n%s", BAD[_i].stream ? BAD[_i].stream : "");
	const char *sent = BAD[_i].headers ? answer(BAD[_i].status, BAD[_i].headers, "{}") : stream;
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, NULL)), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, sent, 0},
		{TCP_FILL, NULL, BAD[_i].headers || BAD[_i].stream ? 0 : 5000000},
		{TCP_CLOSE, NULL, 0}, {0}};

	begin(script);
	until_errors(1);
	ck_assert_msg(strstr(k.err.msg, BAD[_i].text), "%s: '%s'", BAD[_i].name, k.err.msg);
	ck_assert_msg(
		k.in_ms >= BAD[_i].least, "%s: %llu", BAD[_i].name, (unsigned long long)k.in_ms);
	ck_assert_uint_eq(kube_watch_count(k.op), 0);
	run_to_end_of(6);
	finish();
}
END_TEST

static const struct {
	const char *name, *body, *text;
	int status;
} BAD_LIST[] = {
	{"forbidden", "{\"message\":\"no\"}", "list repos: no (status 403)", 403},
	{"the first page gone", "{}", "410", 410},
	{"no version", "{\"items\":[],\"metadata\":{}}", "no resourceVersion", 200},
	{"cut", "{\"items\":[{\"metadata\":", "cut short", 200},
	{"garbage", "garbage", "no object", 200},
	{"item without name", "{\"items\":[{}],\"metadata\":{\"resourceVersion\":\"1\"}}",
		"has no name", 200},
	{"item of garbage", "{\"items\":[nix],\"metadata\":{\"resourceVersion\":\"1\"}}",
		"not valid JSON", 200},
	{"nothing", "", "cut short", 200},
};

START_TEST(test_bad_list)
{
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(BAD_LIST[_i].status, "Connection: close\r\n", BAD_LIST[_i].body),
			0},
		{TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0}, {TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, NULL)), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_HOLD, NULL, 0}, {0}};

	begin(script);
	until_errors(1);
	ck_assert_msg(
		strstr(k.err.msg, BAD_LIST[_i].text), "%s: '%s'", BAD_LIST[_i].name, k.err.msg);
	ck_assert(!kube_watch_synced(k.op));
	turns(60);
	loop_test_advance(w.l, k.in_ms);
	until_hold();
	ck_assert_ptr_nonnull(strstr(k.text, "S "));
	finish();
}
END_TEST

/* An object near the limit is taken, in list and event. */
START_TEST(test_huge_object)
{
	enum { N = 3500000 };
	char *pad = mem_alloc(N + 1), *o;
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0}, {TCP_SEND, NULL, 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, "HTTP/1.1 200 OK\r\n\r\n", 0},
		{TCP_SEND, NULL, 0}, {TCP_HOLD, NULL, 0}, {0}};

	memset(pad, 'p', N);
	pad[N] = '\0';
	o = mem_printf("{\"metadata\":{\"namespace\":\"apps\",\"name\":\"big\",\"uid\":\"u\","
		       "\"resourceVersion\":\"1\"},\"data\":\"%s\"}",
		pad);
	script[1].text = answer(200, "", list("10", NULL, ITEMS(o)));
	strstr(o, "Version\":\"1")[10] = '2';
	script[4].text = event("MODIFIED", o);
	begin(script);
	until_hold();
	while (!strstr(k.text, "~"))
		loop_turn(w.l, true);
	saw("+big@1 S ~big@2 ");
	finish();
	free(pad);
	free(o);
}
END_TEST

/* Silence. Row 0: no answer at all; 1: after a bookmark nothing for 150 s; 2: without bookmarks the
   server's time and 30 s. */
START_TEST(test_silence)
{
	static const uint64_t early[] = {59000, 149000, 269000}, late[] = {1000, 1000, 61000};
	const char *first = _i == 1
		? chunk(event("BOOKMARK", "{\"metadata\":{\"resourceVersion\":\"15\"}}"))
		: "";
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, NULL)), 0},
		{TCP_REQUEST, WATCH("10"), 0}, {TCP_SEND, _i ? CHUNKED : "", 0},
		{TCP_SEND, first, 0}, {TCP_HOLD, NULL, 0}, {TCP_WAIT_CLOSE, NULL, 0},
		{TCP_ACCEPT, NULL, 0}, {TCP_REQUEST, _i == 1 ? WATCH("15") : WATCH("10"), 0},
		{TCP_HOLD, NULL, 0}, {0}};
	struct kube_watch_stats st = {0};
	int i;

	begin(script);
	until_hold();
	for (kube_watch_stats(k.op, &st); _i == 1 && !st.bookmarks; kube_watch_stats(k.op, &st))
		loop_turn(w.l, true);
	for (i = 0; i < 100; i++)
		loop_turn(w.l, false);
	loop_test_advance(w.l, early[_i]);
	turns(20);
	ck_assert_uint_eq(k.errors, 0);
	loop_test_advance(w.l, late[_i]);
	tcp_script_go(w.s);
	until_errors(1);
	turns(60);
	loop_test_advance(w.l, k.in_ms);
	while (tcp_script_at(w.s) < 9)
		loop_turn(w.l, true);
	finish();
}
END_TEST

/* A version from the future (the server's database was restored from a backup) is watched without a
   word, for ever: half an hour of silence is reason enough to list. */
START_TEST(test_deaf)
{
	struct tcp_step script[4 + 6 * 4 + 4] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("90", NULL, ITEMS(obj("a", NULL, "70")))), 0}};
	struct kube_watch_stats st;
	size_t n = 2;
	int i;

	for (i = 0; i < 6; i++) {
		script[n++] = (struct tcp_step){TCP_REQUEST, WATCH("90"), 0};
		script[n++] = (struct tcp_step){TCP_SEND, CHUNKED, 0};
		script[n++] = (struct tcp_step){TCP_HOLD, NULL, 0};
		script[n++] = (struct tcp_step){TCP_SEND, LAST_CHUNK, 0};
	}
	script[n++] = (struct tcp_step){TCP_REQUEST, LIST, 0};
	script[n++] = (struct tcp_step){
		TCP_SEND, answer(200, "", list("95", NULL, ITEMS(obj("a", NULL, "70")))), 0};
	script[n++] = (struct tcp_step){TCP_REQUEST, WATCH("95"), 0};
	script[n++] = (struct tcp_step){TCP_HOLD, NULL, 0};
	begin(script);
	for (i = 0; i < 6; i++) {
		until_hold();
		loop_test_advance(w.l, 240000);
		tcp_script_go(w.s);
		run_to_end_of(2 + (size_t)(i + 1) * 4);
	}
	until_hold();
	kube_watch_stats(k.op, &st);
	ck_assert_uint_eq(st.lists, 2);
	ck_assert_uint_eq(st.watches, 7);
	ck_assert_uint_eq(st.errors, 0);
	saw("+a@70 S ");
	finish();
}
END_TEST

/* A server, or a proxy before it, that ends each watch at once: with a bookmark, an event or a word
   of its own, it is asked once a second; one that ends it after that time is asked again at
   once. */
START_TEST(test_ends_at_once)
{
	static const char *const rows[] = {
		"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"10\"}}}\n",
		"{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"namespace\":\"apps\",\"name\":"
		"\"a\","
		"\"uid\":\"u-a\",\"resourceVersion\":\"10\"}}}\n",
	};
	struct tcp_step script[2 + 8 * 3 + 3] = {{TCP_REQUEST, LIST, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, ITEMS(obj("a", NULL, "1")))), 0}};
	struct kube_watch_stats st;
	size_t n = 2;
	int i;

	for (i = 0; i < 8; i++) {
		script[n++] = (struct tcp_step){TCP_REQUEST, WATCH("10"), 0};
		script[n++] = (struct tcp_step){i < 7 ? TCP_SEND : TCP_HOLD, "", 0};
		script[n++] = (struct tcp_step){TCP_SEND, answer(200, "", rows[_i]), 0};
	}
	script[n++] = (struct tcp_step){TCP_REQUEST, WATCH("10"), 0};
	script[n++] = (struct tcp_step){TCP_HOLD, NULL, 0};
	begin(script);
	for (i = 0; i < 7; i++) {
		run_to_end_of(2 + (size_t)(i + 1) * 3);
		/* Nothing within a second ... */
		loop_test_advance(w.l, 999);
		turns(60);
		kube_watch_stats(k.op, &st);
		ck_assert_uint_eq(st.watches, (uint64_t)i + 1);
		/* ... and something within a half more. */
		loop_test_advance(w.l, 501);
		turns(60);
		kube_watch_stats(k.op, &st);
		ck_assert_uint_eq(st.watches, (uint64_t)i + 2);
	}
	until_hold();
	loop_test_advance(w.l, 1000);
	tcp_script_go(w.s);
	run_to_end_of(n - 1);
	until_hold();
	kube_watch_stats(k.op, &st);
	ck_assert_uint_eq(st.watches, 9);
	ck_assert_uint_eq(st.lists, 1);
	ck_assert_uint_eq(st.errors, 0);
	finish();
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */

/* Row 0: before it began; 1: list under way; 2: while watching; 3: while waiting; 4: from on_set in
   the list; 5: from on_set in the watch; 6: dropped from on_set. */
START_TEST(test_cancel)
{
	static const size_t at[] = {0, 1, 5, 2, 2, 5, 5};
	const char *first = _i == 3
		? answer(500, "", "{}")
		: answer(200, "",
			  list("10", NULL, ITEMS(obj("a", NULL, "1"), obj("b", NULL, "2"))));
	struct tcp_step script[] = {{TCP_REQUEST, LIST, 0},
		{_i == 1 ? TCP_HOLD : TCP_SEND, first, 0},
		{_i == 1 || _i == 3 || _i == 4 ? TCP_END : TCP_REQUEST, WATCH("10"), 0},
		{TCP_SEND, CHUNKED, 0}, {TCP_SEND, chunk(event("ADDED", obj("c", NULL, "11"))), 0},
		{TCP_SEND, chunk(event("ADDED", obj("d", NULL, "12"))), 0}, {TCP_HOLD, NULL, 0},
		{0}};
	static const struct tcp_step none[] = {{0}};

	begin(_i == 0 ? none : script);
	k.cancel = _i == 4;
	if (_i)
		while (tcp_script_at(w.s) < at[_i])
			loop_turn(w.l, true);
	if (_i == 3)
		until_errors(1);
	if (_i >= 5) {
		until_synced();
		k.cancel = _i == 5;
		k.drop = _i == 6;
		while (!strstr(k.text, "+c@11"))
			loop_turn(w.l, true);
		turns(20);
		ck_assert_ptr_null(strstr(k.text, "+d@12"));
	}
	if (_i == 4) {
		until_done(k.op);
		saw("+a@1 ");
	}
	if (_i == 6) {
		ck_assert_uint_eq(k.freed, 3);
		while (!tcp_script_holds(w.s))
			loop_turn(w.l, true);
		tcp_script_go(w.s);
		world_finish();
		return;
	}
	if (_i >= 5 || _i == 2)
		until_hold();
	finish();
}
END_TEST

START_TEST(test_metadata_only)
{
	struct tcp_step script[] = {
		{TCP_REQUEST,
			"GET " BASE "/api/v1/namespaces/apps/"
			"secrets?limit=7&labelSelector=a%3Db&fieldSelector=type%3Dx ",
			0},
		{TCP_HOLD, NULL, 0},
		{TCP_SEND, answer(200, "", list("10", NULL, ITEMS(obj("a", NULL, "1")))), 0},
		{TCP_REQUEST, "GET " BASE "/api/v1/namespaces/apps/secrets?watch=1&", 0},
		{TCP_HOLD, NULL, 0}, {0}};

	world_begin(script);
	memset(&k, 0, sizeof(k));
	k.op = kube_watch_start(w.c,
		&(struct kube_watch_req){.resource = &SECRETS,
			.ns = "apps",
			.label_selector = "a=b",
			.field_selector = "type=x",
			.metadata_only = true,
			.page = 7,
			.on_set = on_set,
			.on_deleted = on_deleted,
			.free_user = free_user,
			.arg = &k});
	until_hold();
	ck_assert_ptr_nonnull(strstr(tcp_script_last(w.s),
		"\r\nAccept: "
		"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n"));
	tcp_script_go(w.s);
	run_to_end_of(4);
	ck_assert_ptr_nonnull(strstr(tcp_script_last(w.s),
		"\r\nAccept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n"));
	ck_assert_ptr_nonnull(
		strstr(tcp_script_last(w.s), "&labelSelector=a%3Db&fieldSelector=type%3Dx "));
	finish();
}
END_TEST

Suite *suite_watch(void);
Suite *suite_watch(void)
{
	Suite *s = suite_create("watch");
	TCase *tc = tcase_create("watch");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_list_and_watch);
	tcase_add_test(tc, test_split_events);
	tcase_add_test(tc, test_pages);
	tcase_add_test(tc, test_continue_expired);
	tcase_add_loop_test(tc, test_gone, 0, 3);
	tcase_add_loop_test(tc, test_version, 0, 8);
	tcase_add_loop_test(tc, test_went_back, 0, 2);
	tcase_add_test(tc, test_live);
	tcase_add_test(tc, test_lost);
	tcase_add_loop_test(tc, test_bad_watch, 0, (int)ARRAY_LEN(BAD));
	tcase_add_loop_test(tc, test_bad_list, 0, (int)ARRAY_LEN(BAD_LIST));
	tcase_add_test(tc, test_huge_object);
	tcase_add_test(tc, test_deaf);
	tcase_add_loop_test(tc, test_ends_at_once, 0, 2);
	tcase_add_loop_test(tc, test_silence, 0, 3);
	tcase_add_loop_test(tc, test_cancel, 0, 7);
	tcase_add_test(tc, test_metadata_only);
	suite_add_tcase(s, tc);
	return s;
}
