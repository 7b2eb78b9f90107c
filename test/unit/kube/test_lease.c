#include "kube/lease.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/time.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATH BASE "/apis/coordination.k8s.io/v1/namespaces/flux-system/leases"
#define GET "GET " PATH "/lease "
#define PUT "PUT " PATH "/lease?"
#define POST "POST " PATH "?"

#define RECORD(holder, seconds, renewed) \
	"{\"metadata\":{\"name\":\"lease\",\"resourceVersion\":\"7\",\"labels\":{\"a\":\"b\"}," \
	"\"managedFields\":[{\"manager\":\"x\"}]},\"spec\":{\"holderIdentity\":\"" holder \
	"\",\"leaseDurationSeconds\":" seconds ",\"acquireTime\":\"2026-01-01T00:00:00.000000Z\"," \
	"\"renewTime\":\"" renewed "\",\"leaseTransitions\":3}}"
#define T1 "2026-01-01T00:00:01.000000Z"
#define T2 "2026-01-01T00:00:02.000000Z"
#define OURS RECORD("me", "35", T1)

/* ACCEPT, a request that begins so, and this answer. All on one connection. */
#define ANSWER(request, status, body) \
	{TCP_REQUEST, request, 0}, {TCP_HOLD, NULL, 0}, {TCP_SEND, answer(status, "", body), 0}

static struct {
	struct op *op;
	char text[16]; /* "+-E" */
	size_t len;
	char error[ERR_MSG_MAX];
} k;

static void note(char what)
{
	ck_assert_uint_lt(k.len, sizeof(k.text) - 1);
	k.text[k.len++] = what;
}

static void on_change(void *arg, bool leads)
{
	ck_assert_ptr_eq(arg, &k);
	note(leads ? '+' : '-');
	ck_assert_int_eq(kube_lease_leads(k.op), leads);
}

static void on_error(void *arg, const struct err *err)
{
	ck_assert_ptr_eq(arg, &k);
	note('E');
	snprintf(k.error, sizeof(k.error), "%s", err->msg);
}

static void begin_with_qps(const struct tcp_step *script, bool keep, unsigned qps)
{
	world_begin_with(script, NULL, qps);
	memset(&k, 0, sizeof(k));
	k.op = kube_lease_start(w.c,
		&(struct kube_lease_req){.ns = "flux-system",
			.name = "lease",
			.identity = "me",
			.duration_ms = 35000,
			.renew_ms = 30000,
			.retry_ms = 5000,
			.keep = keep,
			.on_change = on_change,
			.on_error = on_error,
			.arg = &k});
}

static void begin_with(const struct tcp_step *script, bool keep)
{
	begin_with_qps(script, keep, 0);
}

static void begin(const struct tcp_step *script)
{
	begin_with(script, false);
}

/* The next request is there; its body, or NULL. */
static json_t *request(void)
{
	const char *text, *body;
	struct err err = {0};

	until_hold();
	text = tcp_script_last(w.s);
	body = strstr(text, "\r\n\r\n") + 4;
	return *body ? obj_parse(body, strlen(body), "body", &err) : NULL;
}

static void reply(void)
{
	tcp_script_go(w.s);
	turns(60);
}

/* A look that changes nothing. */
static void look(void)
{
	json_decref(request());
	reply();
}

static void later(uint64_t ms)
{
	loop_test_advance(w.l, ms);
	turns(60);
}

static void writes(const char *holder, int64_t seconds, int64_t changes, bool acquired)
{
	auto_json json_t *body = request();
	char now[TIME_TEXT_MAX];

	ck_assert_str_eq(obj_str(body, "kind"), "Lease");
	ck_assert_str_eq(obj_str(body, "spec", "holderIdentity"), holder);
	ck_assert_int_eq(obj_int(-1, body, "spec", "leaseDurationSeconds"), seconds);
	ck_assert_int_eq(obj_int(-1, body, "spec", "leaseTransitions"), changes);
	time_format_micros(clock_wall_ms(), now);
	ck_assert_str_eq(obj_str(body, "spec", "renewTime"), now);
	ck_assert_int_eq(!strcmp(obj_str(body, "spec", "acquireTime"), now), acquired);
	ck_assert_ptr_null(obj_get(body, "metadata", "managedFields"));
	reply();
}

/* Cancels it; nothing is asked any more. */
static void finish(void)
{
	op_cancel(k.op);
	until_done(k.op);
	ck_assert(!kube_lease_leads(k.op));
	op_free(k.op);
	world_finish();
}

START_TEST(test_made_renewed_released)
{
	struct tcp_step script[] = {ANSWER(GET, 404, "{}"), ANSWER(POST, 201, OURS),
		ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS), ANSWER(GET, 200, OURS),
		ANSWER(PUT, 200, RECORD("", "1", T2)), {0}};

	begin(script);
	look();
	ck_assert(!kube_lease_leads(k.op));
	writes("me", 35, -1, true);
	ck_assert_str_eq(k.text, "+");
	ck_assert(kube_lease_leads(k.op));
	ck_assert_str_eq(kube_lease_holder(k.op), "me");
	later(4999);
	ck_assert(!tcp_script_holds(w.s));
	later(1);
	look();
	writes("me", 35, 3, false);
	ck_assert_str_eq(k.text, "+");
	op_cancel(k.op);
	ck_assert(!kube_lease_leads(k.op) || !k.op->done);
	look();
	writes("", 1, 3, true);
	finish();
	ck_assert_str_eq(k.text, "+");
}
END_TEST

/* Their clock is not ours: what counts is how long the record stays the same. */
START_TEST(test_held_by_another)
{
	struct tcp_step script[] = {ANSWER(GET, 200, RECORD("you", "15", T1)),
		ANSWER(GET, 200, RECORD("you", "15", T2)),
		ANSWER(GET, 200, RECORD("you", "15", T2)),
		ANSWER(GET, 200, RECORD("you", "15", T2)), ANSWER(PUT, 200, OURS),
		ANSWER(GET, 200, RECORD("you", "15", T2)), {0}};

	begin(script);
	look();
	ck_assert_str_eq(kube_lease_holder(k.op), "you");
	later(6000);
	look();
	later(6000);
	look();
	later(8999);
	until_hold();
	later(1); /* 15 s since it has changed */
	look();
	writes("me", 35, 4, true);
	ck_assert_str_eq(k.text, "+");
	later(5000);
	look(); /* taken from us: at once */
	ck_assert_str_eq(k.text, "+-");
	finish(); /* nothing to give back */
}
END_TEST

/* Nobody's, or no Lease at all: it is taken. */
static const char *const FREE[] = {RECORD("", "35", T1), RECORD("you", "0", T1),
	RECORD("you", "-5", T1), RECORD("you", "9999999999999", T1), RECORD("you", "\"x\"", T1),
	RECORD("me", "35", T1), "{\"spec\":[],\"metadata\":3}", "{}", "[]"};

START_TEST(test_free)
{
	struct tcp_step script[] = {ANSWER(GET, 200, FREE[_i]), ANSWER(PUT, 200, OURS), {0}};
	json_t *body;

	begin_with(script, true);
	look();
	body = request();
	ck_assert_str_eq(obj_str(body, "spec", "holderIdentity"), "me");
	ck_assert_str_eq(obj_str(body, "metadata", "name"), "lease");
	json_decref(body);
	reply();
	ck_assert_str_eq(k.text, "+");
	finish(); /* it is kept */
}
END_TEST

/* Renewals fail: it leads for the deadline, and not a moment longer, whatever the loop does. */
START_TEST(test_runs_out)
{
	struct tcp_step script[] = {ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS),
		ANSWER(GET, 403, "{}"), ANSWER(GET, 200, OURS), ANSWER(PUT, 403, "{}"),
		ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS), {0}};

	begin_with(script, true);
	look();
	look();
	ck_assert_str_eq(k.text, "+");
	later(5000);
	look();
	ck_assert_str_eq(k.text, "+E");
	later(5000);
	look();
	look();
	ck_assert_str_eq(k.text, "+E"); /* one row of failures */
	ck_assert_ptr_nonnull(strstr(k.error, "Lease 'flux-system/lease'"));
	clock_fake_add(19999);
	ck_assert(kube_lease_leads(k.op));
	clock_fake_add(1);
	ck_assert(!kube_lease_leads(k.op));
	later(0);
	ck_assert_str_eq(k.text, "+E-");
	look();
	look();
	ck_assert_str_eq(k.text, "+E-+"); /* and again */
	finish();
}
END_TEST

/* An answer that comes too late to lead by it. */
START_TEST(test_late_answer)
{
	struct tcp_step script[] = {ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS), {0}};

	begin_with(script, true);
	look();
	json_decref(request());
	tcp_script_go(w.s);
	clock_fake_add(30000);
	turns(60);
	ck_assert(!kube_lease_leads(k.op));
	ck_assert_ptr_null(strchr(k.text, '+'));
	finish();
}
END_TEST

/* No limit of --kube-api-qps holds it up: four requests in no time, where two may go. */
START_TEST(test_no_limit)
{
	struct tcp_step script[] = {ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS),
		ANSWER(GET, 200, OURS), ANSWER(PUT, 200, RECORD("", "1", T2)), {0}};

	begin_with_qps(script, false, 1);
	look();
	look();
	op_cancel(k.op);
	look();
	writes("", 1, 3, true);
	finish();
}
END_TEST

START_TEST(test_conflict)
{
	struct tcp_step script[] = {ANSWER(GET, 404, "{}"), ANSWER(POST, 409, "{}"),
		ANSWER(GET, 200, RECORD("you", "35", T1)), {0}};

	begin(script);
	look();
	look();
	later(6000);
	look();
	ck_assert_str_eq(k.text, "");
	ck_assert_str_eq(kube_lease_holder(k.op), "you");
	finish();
}
END_TEST

/* Cancelled during a renewal that the server has done: it is read again, and given back. */
START_TEST(test_cancelled_write)
{
	struct tcp_step script[] = {ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS),
		ANSWER(GET, 200, OURS), {TCP_REQUEST, PUT, 0}, {TCP_HOLD, NULL, 0},
		{TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0},
		ANSWER(GET, 200, RECORD("me", "35", T2)), ANSWER(PUT, 200, RECORD("", "1", T2)),
		{0}};

	begin(script);
	look();
	look();
	later(5000);
	look();
	json_decref(request());
	op_cancel(k.op);
	reply();
	look();
	writes("", 1, 3, true);
	finish();
}
END_TEST

/* Nobody answers at the end: the process does not wait for long. */
START_TEST(test_release_in_vain)
{
	struct tcp_step script[] = {ANSWER(GET, 200, OURS), ANSWER(PUT, 200, OURS),
		{TCP_REQUEST, GET, 0}, {TCP_HOLD, NULL, 0}, {TCP_WAIT_CLOSE, NULL, 0}, {0}};

	begin(script);
	look();
	look();
	op_cancel(k.op);
	until_hold();
	later(3000);
	reply();
	finish();
}
END_TEST

/* Cancelled while it is taken: the server has done it, and it is given back. */
START_TEST(test_cancelled_first)
{
	struct tcp_step script[] = {ANSWER(GET, 200, RECORD("", "1", T1)), {TCP_REQUEST, PUT, 0},
		{TCP_HOLD, NULL, 0}, {TCP_WAIT_CLOSE, NULL, 0}, {TCP_ACCEPT, NULL, 0},
		ANSWER(GET, 200, OURS), ANSWER(PUT, 200, RECORD("", "1", T2)), {0}};

	begin(script);
	look();
	json_decref(request());
	op_cancel(k.op);
	reply();
	ck_assert_msg(!k.op->done, "it is left as held by a process that is gone");
	look();
	writes("", 1, 3, true);
	finish();
}
END_TEST

Suite *suite_lease(void);
Suite *suite_lease(void)
{
	Suite *s = suite_create("lease");
	TCase *tc = tcase_create("lease");

	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, test_made_renewed_released);
	tcase_add_test(tc, test_held_by_another);
	tcase_add_loop_test(tc, test_free, 0, (int)ARRAY_LEN(FREE));
	tcase_add_test(tc, test_runs_out);
	tcase_add_test(tc, test_late_answer);
	tcase_add_test(tc, test_no_limit);
	tcase_add_test(tc, test_conflict);
	tcase_add_test(tc, test_cancelled_write);
	tcase_add_test(tc, test_cancelled_first);
	tcase_add_test(tc, test_release_in_vain);
	suite_add_tcase(s, tc);
	return s;
}
