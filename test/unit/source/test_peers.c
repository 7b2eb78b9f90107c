/* Files from the other replicas: who is asked, in which order, and what is believed. */
#include "source/peers.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "kube/client.h"
#include "test/fake/kube.h"
#include "test/fake/registry.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PATH \
	"ocirepository/apps/web/" \
	"sha256:1111111111111111111111111111111111111111111111111111111111111111.tar.gz"
#define BODY "the artifact"

static struct {
	struct loop *loop;
	struct fake_kube *kube;
	struct fake_registry *pod[3]; /* what answers in a replica's place */
	struct kube_client *client;
	struct http_client *http;
	struct peers *peers;
	const char *holder;
} w;

static const char *holder(void *arg)
{
	(void)arg;
	return w.holder;
}

static void settle(void)
{
	int i;

	for (i = 0; i < 300; i++) {
		loop_turn(w.loop, false);
		if (i % 30 == 0)
			nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}

static void watch(void)
{
	w.peers = peers_new(&(struct peers_opts){.kube = w.client,
		.http = w.http,
		.ns = "flux-system",
		.service = "peers",
		.self = "pod-self",
		.holder = holder});
}

static void begin(void)
{
	int i;

	memset(&w, 0, sizeof(w));
	w.holder = "";
	clock_fake(1800000000000);
	log_set_fd(-1);
	w.loop = loop_new();
	w.kube = fake_kube_new(w.loop);
	for (i = 0; i < 3; i++)
		w.pod[i] = fake_registry_new(w.loop);
	w.client = kube_client_new(w.loop, fake_kube_config(w.kube), &(struct kube_client_opts){0});
	w.http = http_client_new(w.loop, &(struct http_client_opts){0});
}

static void end(void)
{
	int i;

	peers_stop(w.peers);
	settle();
	peers_free(w.peers);
	http_client_free(w.http);
	kube_client_free(w.client);
	fake_kube_free(w.kube);
	for (i = 0; i < 3; i++)
		fake_registry_free(w.pod[i]);
	settle();
	ck_assert_int_eq(loop_free(w.loop), 0);
}

/* The slice of one replica: each has a port of its own. */
#define LABELS "\"labels\":{\"kubernetes.io/service-name\":\"peers\"}"

static void replica(int n, const char *name)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"s%d\",\"namespace\":\"flux-system\"," LABELS
		"},\"ports\":[{"
		"\"name\":\"other\",\"port\":1},{\"name\":\"http\",\"port\":%u}],\"endpoints\":[{"
		"\"addresses\":[\"127.0.0.1\"],\"targetRef\":{\"name\":\"%s\"}}]}",
		n, fake_port(w.pod[n]), name);

	fake_kube_put(w.kube, "endpointslices", json);
}

static struct fake_answer *answer(int n, const char *range, const char *body)
{
	struct fake_answer *a = fake_on(w.pod[n], "GET", "/" PATH);

	a->status = 206;
	a->headers = range;
	a->body = body;
	return a;
}

#define WHOLE "Content-Range: bytes 0-11/12\r\n"

static struct op *fetch_start(void)
{
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, BODY, strlen(BODY));
	return peers_fetch_start(w.peers,
		&(struct peers_req){
			.path = PATH, .digest = &d, .size = strlen(BODY), .owner = "apps"});
}

static bool fetch(void)
{
	struct op *op = fetch_start();
	bool well;

	settle();
	ck_assert(op->done);
	well = op->err.kind == ERR_NONE;
	if (well)
		ck_assert_str_eq(buf_str(peers_mem(op)), BODY);
	else
		ck_assert_str_eq(op->err.msg, "no other replica has '" PATH "'");
	op_free(op);
	return well;
}

static unsigned asked(int n)
{
	const char *at = fake_log(w.pod[n]);
	unsigned times = 0;

	for (; (at = strstr(at, "GET ")); at += 4)
		times++;
	return times;
}

START_TEST(test_leader_first)
{
	int i;

	begin();
	for (i = 0; i < 3; i++)
		answer(i, WHOLE, BODY);
	replica(0, "pod-a");
	replica(1, "pod-b");
	replica(2, "pod-c");
	watch();
	settle();
	w.holder = "pod-b_0f3a";
	for (i = 0; i < 8; i++)
		ck_assert(fetch());
	ck_assert_uint_eq(asked(1), 8);
	ck_assert_ptr_nonnull(strstr(fake_log(w.pod[1]), "range=bytes=0-11"));
	/* Without one they share the work. */
	w.holder = "pod";
	for (i = 0; i < 40; i++)
		ck_assert(fetch());
	for (i = 0; i < 3; i++)
		ck_assert_uint_ge(asked(i), 2);
	end();
}
END_TEST

/* What the first one answers; the second one has the file. */
static const struct {
	int status;
	const char *range, *body;
	enum fake_way way;
	bool aside; /* it is not asked again at once */
} ANSWERS[] = {
	{206, WHOLE, "another file", FAKE_WHOLE, true},
	{206, WHOLE, "too short", FAKE_WHOLE, false},
	{206, WHOLE, "longer than what was asked for", FAKE_WHOLE, true},
	{206, "Content-Range: bytes 0-11/13\r\n", BODY, FAKE_WHOLE, false},
	{206, "Content-Range: bytes 1-12/12\r\n", BODY, FAKE_WHOLE, false},
	{206, "", BODY, FAKE_WHOLE, false},
	{200, "", BODY, FAKE_WHOLE, false},
	{404, "", "", FAKE_WHOLE, false},
	{412, "", "", FAKE_WHOLE, false},
	{503, "Retry-After: 5\r\n", "not here", FAKE_WHOLE, false},
	{301, "Location: http://127.0.0.1:1/\r\n", "", FAKE_WHOLE, false},
	{206, WHOLE, BODY, FAKE_RESET, true},
};

START_TEST(test_answers)
{
	struct fake_answer *a;

	begin();
	a = answer(0, ANSWERS[_i].range, ANSWERS[_i].body);
	a->status = ANSWERS[_i].status;
	a->way = ANSWERS[_i].way;
	answer(1, WHOLE, BODY);
	replica(0, "pod-a");
	replica(1, "pod-b");
	watch();
	settle();
	w.holder = "pod-a_1";
	ck_assert(fetch());
	ck_assert_uint_ge(asked(0), 1);
	ck_assert_uint_eq(asked(1), 1);
	fake_log_reset(w.pod[0]);
	ck_assert(fetch());
	ck_assert_int_eq(asked(0) == 0, ANSWERS[_i].aside);
	loop_test_advance(w.loop, 10000);
	fake_log_reset(w.pod[0]);
	ck_assert(fetch());
	ck_assert_uint_ge(asked(0), 1);
	end();
}
END_TEST

/* The leader accepts and never answers, or never ends: 3 s are its time for a few bytes. */
static void fetch_late(bool found)
{
	struct op *op = fetch_start();

	settle();
	ck_assert(!op->done);
	loop_test_advance(w.loop, 3000);
	settle();
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind == ERR_NONE, found);
	op_free(op);
}

START_TEST(test_late)
{
	struct fake_answer *a, *b;

	begin();
	a = answer(0, WHOLE, BODY);
	a->way = _i ? FAKE_STALL : FAKE_SILENT;
	a->cut = 3;
	b = answer(1, WHOLE, BODY);
	replica(0, "pod-a");
	replica(1, "pod-b");
	watch();
	settle();
	w.holder = "pod-a_1";
	fetch_late(true);
	ck_assert_uint_eq(asked(0), 1);
	/* From then on it is asked last. */
	ck_assert(fetch());
	ck_assert_uint_eq(asked(0), 1);
	b->status = 404;
	fetch_late(false);
	fetch_late(false);
	ck_assert_uint_eq(asked(0), 3);
	/* And after the third time not for a while. */
	ck_assert(!fetch());
	ck_assert_uint_eq(asked(0), 3);
	loop_test_advance(w.loop, 10000);
	a->way = FAKE_WHOLE;
	ck_assert(fetch());
	ck_assert_uint_eq(asked(0), 4);
	/* All is forgotten. */
	b->status = 206;
	fake_log_reset(w.pod[1]);
	ck_assert(fetch());
	ck_assert_uint_eq(asked(0), 5);
	ck_assert_uint_eq(asked(1), 0);
	end();
}
END_TEST

/* Its one connection is somebody else's all the time: that says nothing about it. */
START_TEST(test_in_line)
{
	struct fake_answer *a, *b;
	struct op *first, *second;

	begin();
	http_client_free(w.http);
	w.http = http_client_new(w.loop, &(struct http_client_opts){.max_per_host = 1});
	a = answer(0, WHOLE, BODY);
	a->way = FAKE_SILENT;
	b = answer(1, WHOLE, BODY);
	replica(0, "pod-a");
	replica(1, "pod-b");
	watch();
	settle();
	w.holder = "pod-a_1";
	first = fetch_start();
	second = fetch_start();
	settle();
	loop_test_advance(w.loop, 3000);
	settle();
	ck_assert(first->done && second->done);
	ck_assert_int_eq(second->err.kind, ERR_NONE);
	ck_assert_uint_eq(asked(0), 1);
	op_free(first);
	op_free(second);
	a->way = FAKE_WHOLE;
	b->status = 404;
	ck_assert(fetch());
	ck_assert_uint_eq(asked(0), 2);
	end();
}
END_TEST

/* Slices as a stranger could write them: no replica, or the one that is right. */
static const char *const SLICES[] = {
	"\"ports\":[],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]}]",
	"\"ports\":[{\"port\":0},{\"port\":65536},{\"port\":\"80\"},{\"port\":9,\"protocol\":"
	"\"UDP\"}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"]}]",
	"\"ports\":[{\"port\":9}],\"endpoints\":[{\"addresses\":[]},{\"addresses\":[3]},{"
	"\"addresses\":[\"a.example\"]},{\"addresses\":[\"127.0.0.1/x\"]},{},3,null]",
	"\"ports\":{},\"endpoints\":{}",
	"\"ports\":[{\"port\":9}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"],\"targetRef\":{"
	"\"name\":\"pod-self\"}}]",
	"\"ports\":[{\"port\":9}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"],\"conditions\":{"
	"\"ready\":false,\"serving\":false}}]",
};

START_TEST(test_slices)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"flux-system\"," LABELS "},%s}",
		SLICES[_i]);

	begin();
	fake_kube_put(w.kube, "endpointslices", json);
	watch();
	settle();
	ck_assert(!peers_any(w.peers));
	ck_assert(!fetch());
	end();
}
END_TEST

/* A replica that takes connections and answers nothing (stopped, its disk hangs) does not hold up
   each file. */
START_TEST(test_hung_replica)
{
	struct op *op;
	int i, ms = 0;

	begin();
	answer(0, WHOLE, BODY)->way = FAKE_SILENT;
	answer(1, WHOLE, BODY);
	replica(0, "pod-a");
	replica(1, "pod-b");
	watch();
	settle();
	w.holder = "pod-a_1";
	for (i = 0; i < 20; i++) {
		op = fetch_start();
		settle();
		while (!op->done) {
			loop_test_advance(w.loop, 500);
			ms += 500;
			settle();
		}
		ck_assert_int_eq(op->err.kind, ERR_NONE);
		op_free(op);
	}
	ck_assert_msg(ms <= 10000, "20 files of 12 bytes took %d ms", ms);
	end();
}
END_TEST

START_TEST(test_come_and_go)
{
	auto_buf struct buf json = BUF_INIT(BUF_ANY);
	struct peers_stats s;
	int i;

	begin();
	answer(0, WHOLE, BODY);
	watch();
	settle();
	ck_assert(!peers_any(w.peers));
	replica(0, "pod-a");
	settle();
	ck_assert(fetch());
	fake_kube_delete(w.kube, "endpointslices", "flux-system", "s0");
	settle();
	ck_assert(!peers_any(w.peers));
	/* More than there can be. */
	buf_adds(&json,
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"flux-system\"," LABELS
		"},\"ports\":[{\"port\":"
		"9}],\"endpoints\":[");
	for (i = 0; i < 200; i++)
		buf_addf(&json, "%s{\"addresses\":[\"10.0.0.%d\"]}", i ? "," : "", i);
	buf_adds(&json, "]}");
	fake_kube_put(w.kube, "endpointslices", buf_str(&json));
	settle();
	peers_stats(w.peers, &s);
	ck_assert_uint_eq(s.known, 64);
	end();
}
END_TEST

/* Files are missed before it is known who there is: that is waited for, but not for long. */
START_TEST(test_early)
{
	struct op *op;

	begin();
	answer(0, WHOLE, BODY);
	replica(0, "pod-a");
	if (_i)
		fake_kube_fail(w.kube, "GET endpointslices/", 500, 99);
	watch();
	ck_assert(peers_any(w.peers));
	op = fetch_start();
	settle();
	ck_assert_int_eq(op->done, !_i);
	if (_i) {
		loop_test_advance(w.loop, 2000);
		settle();
	}
	ck_assert(op->done);
	ck_assert_int_eq(op->err.kind, _i ? ERR_RETRY : ERR_NONE);
	op_free(op);
	/* Cancelled while it waits. */
	op_drop(fetch_start());
	end();
}
END_TEST

Suite *suite_peers(void);
Suite *suite_peers(void)
{
	Suite *s = suite_create("peers");
	TCase *tc = tcase_create("peers");

	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, test_leader_first);
	tcase_add_loop_test(tc, test_answers, 0, (int)ARRAY_LEN(ANSWERS));
	tcase_add_loop_test(tc, test_late, 0, 2);
	tcase_add_test(tc, test_in_line);
	tcase_add_loop_test(tc, test_slices, 0, (int)ARRAY_LEN(SLICES));
	tcase_add_test(tc, test_come_and_go);
	tcase_add_test(tc, test_hung_replica);
	tcase_add_loop_test(tc, test_early, 0, 2);
	suite_add_tcase(s, tc);
	return s;
}
