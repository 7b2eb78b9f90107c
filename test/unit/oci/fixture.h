/* What the tests of lib/oci share: a loop, a client, one or two fake registries, and a way to wait
   for an op. */
#ifndef UNIT_OCI_FIXTURE_H
#define UNIT_OCI_FIXTURE_H
#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/work.h"
#include "http/client.h"
#include "oci/identity.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "test/fake/registry.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct fixture {
	struct loop *loop;
	struct http_client *http;
	struct oci_client *oci;
	struct fake_registry *reg;
	struct oci_identity *nobody;
	struct oci_repo repo; /* "app" in reg */
};

static inline void fixture_repo(
	struct oci_repo *repo, const struct fake_registry *f, const char *name)
{
	auto_free char *url = mem_printf("oci://%s/%s", fake_host(f), name);
	struct err err = {0};

	ck_assert_msg(!oci_repo_parse(repo, url, false, &err), "%s", err.msg);
}

static inline void fixture_init(struct fixture *x)
{
	struct http_client_opts opts = {.max_per_host = 24};

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("all_proxy");
	x->loop = loop_new();
	x->http = http_client_new(x->loop, &opts);
	x->oci = oci_client_new(x->loop, x->http);
	x->reg = fake_registry_new(x->loop);
	x->nobody = oci_identity_new();
	fixture_repo(&x->repo, x->reg, "app");
}

static inline void fixture_clear(struct fixture *x)
{
	int i;

	oci_identity_unref(x->nobody);
	oci_client_stop(x->oci);
	for (i = 0; i < 10; i++)
		loop_turn(x->loop, false);
	oci_client_free(x->oci);
	http_client_free(x->http);
	fake_registry_free(x->reg);
	while (loop_turn(x->loop, false))
		;
	ck_assert_int_eq(loop_free(x->loop), 0);
}

static inline void fixture_done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

/* Turns the loop until the op is done. */
static inline void fixture_wait(struct fixture *x, struct op *op)
{
	bool done = false;

	op_then(op, fixture_done, &done);
	while (!done)
		loop_turn(x->loop, true);
}

/* Turns until the fake registry's log ends with this line: the moment when a test with a faked
   clock may move it. */
static inline void fixture_until(struct fixture *x, const char *line)
{
	for (;;) {
		const char *log = fake_log(x->reg);
		size_t n = strlen(log), k = strlen(line);

		if (n >= k && !strcmp(log + n - k, line))
			break;
		loop_turn(x->loop, true);
	}
}

/* Moves the clock step by step until the op is done. */
static inline void fixture_advance(struct fixture *x, struct op *op, uint64_t step, uint64_t most)
{
	bool done = false;
	uint64_t gone;
	int i;

	op_then(op, fixture_done, &done);
	for (gone = 0; !done && gone < most; gone += step) {
		loop_test_advance(x->loop, step);
		for (i = 0; i < 4 && !done; i++)
			loop_turn(x->loop, false);
	}
	ck_assert_msg(done, "not done after %llu ms", (unsigned long long)gone);
}

static inline void fixture_ok(const struct op *op)
{
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
}

static inline int fixture_busy_run(void *job, const atomic_bool *stop, struct err *err)
{
	atomic_bool *go = job;

	while (!*go && !*stop)
		usleep(500);
	return *stop ? err_set(err, ERR_CANCELED, "canceled") : 0;
}

/* Starts `start` while another job has the only thread that its owner "apps" may have (of four):
   its job has to wait in that owner's line. Then it ends well. */
static inline void fixture_in_line(
	struct fixture *x, struct op *(*start)(struct fixture *x, void *arg), void *arg)
{
	atomic_bool go = false;
	struct op *op,
		*busy = work_start_for(x->loop, WORK_HEAVY, "apps", fixture_busy_run, NULL, &go);
	struct work_stats stats;
	bool done = false;

	op = start(x, arg);
	op_then(op, fixture_done, &done);
	do {
		loop_turn(x->loop, true);
		work_stats(x->loop, &stats);
	} while (!done && !stats.heavy_waiting);
	ck_assert_msg(!done, "it did not wait for its owner's turn");
	go = true;
	while (!done || !busy->done)
		loop_turn(x->loop, true);
	fixture_ok(op);
	op_free(op);
	op_free(busy);
}

static inline void fixture_failed(const struct op *op, const char *says)
{
	ck_assert_msg(op->err.kind != ERR_NONE, "no error where '%s' was expected", says);
	ck_assert_msg(strstr(op->err.msg, says), "'%s' does not say '%s'", op->err.msg, says);
}

/* user "u", password "p": "Basic dTpw" */
static inline struct oci_identity *fixture_user(const struct fixture *x)
{
	struct oci_identity *id = oci_identity_new();

	oci_identity_add_basic(id, fake_host(x->reg), "u", "p");
	return id;
}

#endif
