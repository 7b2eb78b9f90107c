/* Who waits for a token, and who does not. The rest of lib/oci/token is tested through requests, in
   test_registry.c. */
#include "oci/token.h"

#include "base/log.h"
#include "ev/task.h"
#include "http/guard.h"
#include "oci/health.h"
#include "oci/tally.h"
#include "test/unit/oci/fixture.h"

#include <errno.h>
#include <fcntl.h>

Suite *suite_token(void);

#define ASKED "GET /token?service=svc&scope=repository%3Aapp%3Apull\n"

struct world {
	struct fixture x;
	struct http_guard guard;
	struct oci_health *health;
	struct oci_tokens *tokens;
	uint64_t requests, refused;
	struct oci_tally tally;
	char *realm;
	struct fake_answer *answer;
};

static struct op *probe(void *arg, const struct oci_health_key *key)
{
	return oci_token_probe(((struct world *)arg)->tokens, key);
}

static void init(struct world *w)
{
	clock_fake(1000000);
	*w = (struct world){.requests = 0};
	fixture_init(&w->x);
	http_guard_init(&w->guard);
	w->health = oci_health_new(w->x.loop, &w->refused);
	w->tokens =
		oci_tokens_new(w->x.loop, w->x.http, &w->guard, w->health, &w->requests, &w->tally);
	oci_health_probe_with(w->health, probe, w);
	w->realm = mem_printf("http://%s/token", fake_host(w->x.reg));
	w->answer = fake_on(w->x.reg, "GET", "/token");
	w->answer->body = "{\"token\":\"tok\"}";
}

static void clear(struct world *w)
{
	int i;

	oci_health_stop(w->health);
	oci_tokens_stop(w->tokens);
	for (i = 0; i < 20; i++)
		loop_turn(w->x.loop, false);
	oci_tokens_free(w->tokens);
	oci_health_free(w->health);
	http_guard_clear(&w->guard);
	oci_tally_clear(&w->tally);
	free(w->realm);
	fixture_clear(&w->x);
}

static struct op *start(struct world *w, uint64_t timeout_ms)
{
	return oci_token_start(w->tokens,
		&(struct oci_token_req){.target = {&w->x.repo, w->x.nobody, timeout_ms},
			.realm = w->realm,
			.service = "svc",
			.scope = "repository:app:pull"});
}

static unsigned open_requests(struct world *w)
{
	struct http_client_stats s;

	http_client_stats(w->x.http, &s);
	return (unsigned)s.open_requests;
}

static void until_closed(struct world *w)
{
	while (open_requests(w))
		loop_turn(w->x.loop, true);
}

START_TEST(nobody_waits)
{
	struct op *op;
	struct world w;

	init(&w);
	w.answer->way = FAKE_SILENT;
	op = start(&w, 60000);
	fixture_until(&w.x, ASKED);
	ck_assert_uint_eq(open_requests(&w), 1);
	op_drop(op);
	until_closed(&w);
	clear(&w);
}
END_TEST

/* Nor does it hold anything when the time of the last one is over; the others lose nothing by one
   that gives up. */
START_TEST(times_of_their_own)
{
	struct op *brief, *canceled, *patient;
	bool done = false;
	struct world w;

	init(&w);
	w.answer->way = FAKE_SILENT;
	brief = start(&w, 1000);
	canceled = start(&w, 60000);
	patient = start(&w, 20000);
	op_then(patient, fixture_done, &done);
	fixture_until(&w.x, ASKED);
	fixture_advance(&w.x, brief, 100, 1100);
	fixture_failed(brief, "no token for '127.0.0.1:");
	fixture_failed(brief, "/token': the token server did not answer in time");
	ck_assert_int_eq(brief->err.code, -ETIMEDOUT);
	op_free(brief);
	op_drop(canceled);
	loop_turn(w.x.loop, false);
	ck_assert_uint_eq(open_requests(&w), 1);
	ck_assert(!done);
	loop_test_advance(w.x.loop, 19000);
	while (!done)
		loop_turn(w.x.loop, true);
	fixture_failed(patient, "does not answer (no answer in time)");
	op_free(patient);
	until_closed(&w);
	ck_assert_uint_eq(w.requests, 1);
	clear(&w);
}
END_TEST

/* Somebody comes while the fetch that nobody wanted is being cancelled. */
START_TEST(wanted_again)
{
	struct op *op;
	struct world w;

	init(&w);
	w.answer->way = FAKE_SILENT;
	w.answer->times = 1;
	fake_on(w.x.reg, "GET", "/token")->body = "{\"token\":\"second\"}";
	op = start(&w, 60000);
	fixture_until(&w.x, ASKED);
	op_drop(op);
	op = start(&w, 60000);
	fixture_wait(&w.x, op);
	fixture_ok(op);
	ck_assert_str_eq(oci_token_result(op)->p, "second");
	op_free(op);
	ck_assert_uint_eq(w.requests, 2);
	clear(&w);
}
END_TEST

/* A fetch ends by itself, however long its waiters would like to wait; then the server is down for
   all. */
START_TEST(too_long)
{
	struct oci_health_key key;
	struct op *op;
	struct world w;

	init(&w);
	key = (struct oci_health_key){.host = w.x.repo.host, .realm = w.realm};
	w.answer->way = FAKE_SILENT;
	op = start(&w, 1000 * 60 * 1000);
	fixture_until(&w.x, ASKED);
	fixture_advance(&w.x, op, 100, LIMIT_TOKEN_MS + 1000);
	fixture_failed(op, "/token': the token server '127.0.0.1:");
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	op = start(&w, 60000);
	fixture_wait(&w.x, op);
	fixture_failed(op, "the token server '127.0.0.1:");
	fixture_failed(op, "does not answer (no answer in time)");
	op_free(op);
	ck_assert_uint_eq(w.requests, 1);
	/* We look ourselves, and ask for nothing, whether it is back. */
	w.answer->way = FAKE_WHOLE;
	w.answer->status = 400;
	loop_test_advance(w.x.loop, 1201);
	fixture_until(&w.x, "\nGET /token\n");
	while (oci_health_state(w.health, &key) != OCI_HOST_UP)
		loop_turn(w.x.loop, true);
	w.answer->status = 200;
	op = start(&w, 60000);
	fixture_wait(&w.x, op);
	fixture_ok(op);
	op_free(op);
	clear(&w);
}
END_TEST

START_TEST(not_before)
{
	struct op *op;
	struct world w;
	int i;

	init(&w);
	w.answer->status = 429;
	w.answer->headers = "Retry-After: 30\r\n";
	for (i = 0; i < 2; i++) {
		op = start(&w, 60000);
		fixture_wait(&w.x, op);
		fixture_failed(op, "the token server answered 429 Too Many Requests");
		ck_assert_int_eq(op->err.kind, i ? ERR_HELD : ERR_WAIT);
		ck_assert_uint_eq(op->err.retry_ms, i ? 20000 : 30000);
		op_free(op);
		loop_test_advance(w.x.loop, 10000);
	}
	ck_assert_uint_eq(w.requests, 1);
	ck_assert_uint_eq(w.refused, 1);
	clear(&w);
}
END_TEST

/* Two runs that wait for the same fetch; each has a log of its own. */
struct run {
	struct task task;
	struct world *w;
	struct log_ctx log;
};

static enum step_ret run_wait(struct task *t)
{
	return task_wait(t, start(TASK(t, struct run)->w, 60000));
}

static enum step_ret run_on(struct task *t)
{
	(void)t;
	return STEP_NEXT;
}

static void run_free(struct task *t)
{
	struct run *r = TASK(t, struct run);

	free(r->log.members);
	free(r);
}

static struct run *run_start(struct world *w, const char *members)
{
	static const struct step steps[] = {{"token", run_wait, run_on}, {0}};
	struct run *r = NEW(struct run);

	r->w = w;
	task_init(&r->task, w->x.loop, "run", steps, NULL, run_free);
	r->log.members = mem_strdup(members);
	r->task.log = &r->log;
	task_spawn(&r->task);
	return r;
}

/* A fetch that many share tells its lines under a run that waits for it now, never under one that
   has left and may be gone. */
START_TEST(log_of_the_first)
{
	static const char *const runs[] = {"\"run\":1", "\"run\":2"};
	struct run *waiting[2];
	char text[8192];
	struct world w;
	int fds[2], i, k;
	ssize_t n;

	init(&w);
	w.answer->way = FAKE_SILENT;
	for (i = 0; i < 2; i++)
		waiting[i] = run_start(&w, runs[i]);
	fixture_until(&w.x, ASKED);
	ck_assert_int_eq(pipe2(fds, O_NONBLOCK), 0);
	log_set_fd(fds[1]);
	for (i = 0; i < 3; i++) {
		char *line, *end;

		task_dump(w.x.loop);
		n = read(fds[0], text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		/* The newest task is the first line. */
		line = strstr(text, "\"task\":\"token\"");
		ck_assert_ptr_nonnull(line);
		end = strchr(line, '\n');
		ck_assert_ptr_eq(strchr(text, '\n'), end);
		*end = '\0';
		for (k = 0; k < 2; k++)
			ck_assert_int_eq(!!strstr(text, runs[k]), k == i);
		if (i == 2) /* being cancelled, for nobody any more */
			break;
		op_drop(&waiting[i]->task.self);
		loop_turn(w.x.loop, false);
		loop_turn(w.x.loop, false);
	}
	log_set_fd(-1);
	until_closed(&w);
	clear(&w);
}
END_TEST

Suite *suite_token(void)
{
	Suite *s = suite_create("token");
	TCase *t = tcase_create("token");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, nobody_waits);
	tcase_add_test(t, times_of_their_own);
	tcase_add_test(t, wanted_again);
	tcase_add_test(t, too_long);
	tcase_add_test(t, not_before);
	tcase_add_test(t, log_of_the_first);
	suite_add_tcase(s, t);
	return s;
}
