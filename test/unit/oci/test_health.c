#include "oci/health.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_health(void);

#define LONG_MS 60000

static const struct oci_health_key reg = {"reg.example", false, false};
static const struct oci_health_key token = {"reg.example", false, true};

struct world {
	struct loop *loop;
	struct oci_health *health;
	uint64_t refused;
	unsigned told;
};

static void changed(void *arg, const char *host)
{
	struct world *w = arg;

	ck_assert_str_eq(host, "reg.example");
	w->told++;
}

static void init(struct world *w)
{
	clock_fake(1000000);
	*w = (struct world){.loop = loop_new()};
	w->health = oci_health_new(w->loop, &w->refused);
	oci_health_on_change(w->health, changed, w);
}

static void clear(struct world *w)
{
	oci_health_free(w->health);
	ck_assert_int_eq(loop_free(w->loop), 0);
}

static unsigned told(struct world *w)
{
	loop_turn(w->loop, false);
	return w->told;
}

static bool takes(struct world *w, uint64_t timeout_ms, struct oci_pass *p, struct err *err)
{
	*p = (struct oci_pass){0};
	err_clear(err);
	return !oci_pass_take(w->health, &reg, timeout_ms, p, err);
}

/* One request that ends as the code says; 0: answered. */
static bool request(struct world *w, uint64_t timeout_ms, uint64_t lasts, int code)
{
	struct err err = {0};
	struct oci_pass p;

	if (!takes(w, timeout_ms, &p, &err))
		return false;
	clock_fake_add(lasts);
	if (code) {
		err_code(&err, ERR_RETRY, code, "HEAD 'https://reg.example/v2/secret/x': %s",
			code == -ETIMEDOUT ? "not done within 1m" : "connection refused");
		oci_pass_failed(&p, &err);
	} else {
		oci_pass_answered(&p);
	}
	oci_pass_release(&p);
	return true;
}

static enum oci_host_state state(struct world *w)
{
	return oci_health_state(w->health, &reg);
}

START_TEST(first_failure)
{
	struct oci_pass p;
	struct err err;
	struct world w;

	init(&w);
	ck_assert_int_eq(state(&w), OCI_HOST_UNPROVEN);
	ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	ck_assert_uint_eq(w.told, 0); /* not from inside */
	ck_assert_uint_eq(told(&w), 1);
	ck_assert(!takes(&w, LONG_MS, &p, &err));
	ck_assert_str_eq(err.msg,
		"the registry 'reg.example' does not answer (connection refused); it is tried "
		"again at most every 60 s");
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_int_eq(err.code, -ECONNREFUSED);
	ck_assert_uint_eq(w.refused, 1);
	clear(&w);
}
END_TEST

START_TEST(third_failure_in_a_row)
{
	struct world w;

	init(&w);
	ck_assert(request(&w, LONG_MS, 0, 0));
	ck_assert_uint_eq(told(&w), 1);
	ck_assert(request(&w, LONG_MS, 0, -ECONNRESET));
	ck_assert(request(&w, LONG_MS, 0, -EPROTO));
	ck_assert(request(&w, LONG_MS, 0, 0));
	ck_assert(request(&w, LONG_MS, 0, -EHOSTUNREACH));
	ck_assert(request(&w, LONG_MS, 5000, -ETIMEDOUT));
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	ck_assert_uint_eq(told(&w), 1);
	ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	ck_assert_uint_eq(told(&w), 2);
	clear(&w);
}
END_TEST

/* One at a time, after 1 s, 2 s, 4 s ... 60 s, each a fifth more or less. */
START_TEST(probes)
{
	static const uint64_t pauses[] = {1, 2, 4, 8, 16, 32, 60, 60, 60};
	struct err err, other;
	struct oci_pass p, q;
	struct world w;
	size_t i;

	init(&w);
	ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	for (i = 0; i < ARRAY_LEN(pauses); i++) {
		clock_fake_add(pauses[i] * 799);
		ck_assert(!takes(&w, LONG_MS, &p, &err));
		clock_fake_add(pauses[i] * 402);
		ck_assert(takes(&w, LONG_MS, &p, &err));
		ck_assert(!takes(&w, LONG_MS, &q, &other));
		err_code(&err, ERR_RETRY, -ECONNREFUSED, "HEAD 'https://reg.example/v2/a/b': no");
		oci_pass_failed(&p, &err);
		oci_pass_release(&p);
		/* It is told what all others are told. */
		ck_assert(!takes(&w, LONG_MS, &q, &other));
		ck_assert_str_eq(err.msg, other.msg);
		ck_assert(strstr(err.msg, "(no)"));
	}
	clock_fake_add(72001);
	ck_assert(request(&w, LONG_MS, 0, 0));
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	ck_assert(request(&w, LONG_MS, 0, 0));
	ck_assert_uint_eq(told(&w), 1); /* two changes, told at once */
	clear(&w);
}
END_TEST

START_TEST(cancelled_probe)
{
	struct oci_pass p, q;
	struct world w;
	struct err err;

	init(&w);
	ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	clock_fake_add(1201);
	ck_assert(takes(&w, LONG_MS, &p, &err));
	oci_pass_release(&p);
	ck_assert(takes(&w, LONG_MS, &q, &err));
	ck_assert(!takes(&w, LONG_MS, &p, &err));
	oci_pass_release(&q);
	clear(&w);
}
END_TEST

/* An object with a timeout of a second takes nothing from others: neither does it make a host look
   dead, nor takes it their probe. */
START_TEST(short_timeouts)
{
	struct oci_pass p, q;
	struct world w;
	struct err err;
	int i;

	init(&w);
	for (i = 0; i < 20; i++)
		ck_assert(request(&w, 1000, 1000, -ETIMEDOUT));
	ck_assert_int_eq(state(&w), OCI_HOST_UNPROVEN);
	ck_assert(request(&w, LONG_MS, LIMIT_SILENCE_MS, -ETIMEDOUT));
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	clock_fake_add(1201);
	ck_assert(takes(&w, 1000, &p, &err));
	ck_assert(!takes(&w, 1000, &q, &err));
	ck_assert(takes(&w, LONG_MS, &q, &err));
	oci_pass_release(&q);
	/* It is paced by itself. */
	err_code(&err, ERR_RETRY, -ETIMEDOUT, "silence");
	oci_pass_failed(&p, &err);
	oci_pass_release(&p);
	ck_assert(!takes(&w, 1000, &p, &err));
	ck_assert(takes(&w, LONG_MS, &q, &err));
	oci_pass_release(&q);
	clear(&w);
}
END_TEST

START_TEST(our_own_trouble)
{
	static const int codes[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -EADDRNOTAVAIL};
	struct world w;

	init(&w);
	ck_assert(request(&w, LONG_MS, 0, codes[_i]));
	ck_assert_int_eq(state(&w), OCI_HOST_UNPROVEN);
	clear(&w);
}
END_TEST

/* A request that began before the host went down, and is answered, brings it back; its later end
   changes nothing. */
START_TEST(late_answer)
{
	struct oci_pass p;
	struct world w;
	struct err err;

	init(&w);
	ck_assert(takes(&w, LONG_MS, &p, &err));
	ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	oci_pass_answered(&p);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	err_code(&err, ERR_RETRY, -ECONNRESET, "x");
	oci_pass_failed(&p, &err);
	ck_assert_str_eq(err.msg, "x");
	oci_pass_release(&p);
	oci_pass_release(&p);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	clear(&w);
}
END_TEST

START_TEST(off)
{
	struct world w;
	int i;

	init(&w);
	oci_health_off(w.health);
	for (i = 0; i < 5; i++)
		ck_assert(request(&w, LONG_MS, 0, -ECONNREFUSED));
	ck_assert_uint_eq(w.refused, 0);
	clear(&w);
}
END_TEST

START_TEST(apart)
{
	struct oci_health_key insecure = {"reg.example", true, false};
	struct oci_pass p = {0};
	struct world w;
	struct err err;

	init(&w);
	ck_assert(request(&w, LONG_MS, 0, -EPROTO));
	ck_assert_int_eq(oci_health_state(w.health, &token), OCI_HOST_UNPROVEN);
	ck_assert(!oci_pass_take(w.health, &insecure, LONG_MS, &p, &err));
	oci_pass_answered(&p);
	oci_pass_release(&p);
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	clear(&w);
}
END_TEST

START_TEST(not_before)
{
	struct err said = {0}, err = {0};
	struct world w;

	init(&w);
	err_code(&said, ERR_WAIT, 429, "the registry answered 429 Too Many Requests (slow down)");
	said.retry_ms = 30000;
	oci_health_hold(w.health, &reg, 7, &said);
	clock_fake_add(10000);
	ck_assert(oci_health_held(w.health, &reg, 7, &err));
	ck_assert_int_eq(err.kind, ERR_WAIT);
	ck_assert_int_eq(err.code, 429);
	ck_assert_uint_eq(err.retry_ms, 20000);
	ck_assert_str_eq(err.msg, said.msg);
	ck_assert_uint_eq(w.refused, 1);
	err_clear(&err);
	ck_assert(!oci_health_held(w.health, &reg, 8, &err));
	ck_assert(!oci_health_held(w.health, &token, 7, &err));
	clock_fake_add(20000);
	ck_assert(!oci_health_held(w.health, &reg, 7, &err));
	/* What is no Retry-After is not kept. */
	said.kind = ERR_RETRY;
	oci_health_hold(w.health, &reg, 7, &said);
	ck_assert(!oci_health_held(w.health, &reg, 7, &err));
	clear(&w);
}
END_TEST

static void count_host(void *arg, const struct oci_host_info *info)
{
	unsigned *n = arg;

	n[0]++;
	n[1] += info->in_flight;
	n[2] += info->proven && info->up && !strcmp(info->role, "registry");
}

/* Strangers choose the names: the oldest without a request in flight is forgotten. */
START_TEST(many_hosts)
{
	struct oci_pass first = {0};
	unsigned n[3] = {0};
	struct world w;
	struct err err;
	int i;

	init(&w);
	oci_health_on_change(w.health, NULL, NULL);
	ck_assert(!oci_pass_take(w.health, &reg, LONG_MS, &first, &err));
	for (i = 0; i < LIMIT_REGISTRY_HOSTS + 50; i++) {
		auto_free char *name = mem_printf("h%d.example", i);
		struct oci_health_key key = {name, false, false};
		struct oci_pass p = {0};

		ck_assert(!oci_pass_take(w.health, &key, LONG_MS, &p, &err));
		oci_pass_answered(&p);
		oci_pass_release(&p);
	}
	oci_health_each(w.health, count_host, n);
	ck_assert_uint_eq(n[0], LIMIT_REGISTRY_HOSTS);
	ck_assert_uint_eq(n[1], 1);
	ck_assert_uint_eq(n[2], LIMIT_REGISTRY_HOSTS - 1);
	oci_pass_release(&first);
	loop_turn(w.loop, false);
	clear(&w);
}
END_TEST

Suite *suite_health(void)
{
	Suite *s = suite_create("health");
	TCase *t = tcase_create("health");

	tcase_add_test(t, first_failure);
	tcase_add_test(t, third_failure_in_a_row);
	tcase_add_test(t, probes);
	tcase_add_test(t, cancelled_probe);
	tcase_add_test(t, short_timeouts);
	tcase_add_loop_test(t, our_own_trouble, 0, 5);
	tcase_add_test(t, late_answer);
	tcase_add_test(t, off);
	tcase_add_test(t, apart);
	tcase_add_test(t, not_before);
	tcase_add_test(t, many_hosts);
	suite_add_tcase(s, t);
	return s;
}
