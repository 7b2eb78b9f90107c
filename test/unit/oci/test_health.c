#include "oci/health.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_health(void);

static const struct oci_health_key reg = {.host = "reg.example"};
static const struct oci_health_key token = {
	.host = "reg.example", .realm = "https://auth.example/token"};

struct world {
	struct loop *loop;
	struct oci_health *health;
	uint64_t refused;
	unsigned told, probes;
	struct op *probe; /* on its way */
};

static void probe_cancel(struct op *op)
{
	op_finish(op);
}

static void probe_free(struct op *op)
{
	free(op);
}

static struct op *probe(void *arg, const struct oci_health_key *key)
{
	static const struct op_type type = {"probe", probe_cancel, probe_free};
	struct world *w = arg;

	(void)key;
	w->probes++;
	w->probe = NEW(struct op);
	op_init(w->probe, w->loop, &type);
	return w->probe;
}

/* code: 0 for an answer */
static void probe_ends(struct world *w, int code)
{
	struct op *op = MOVE(w->probe);
	struct err err = {0};

	ck_assert_ptr_nonnull(op);
	if (code) {
		err_code(&err, ERR_RETRY, code, "GET 'https://reg.example/v2/': no");
		op_end(op, &err);
	} else {
		op_finish(op);
	}
	loop_turn(w->loop, false);
}

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
	oci_health_probe_with(w->health, probe, w);
	oci_health_on_change(w->health, changed, w);
}

static void clear(struct world *w)
{
	oci_health_stop(w->health);
	loop_turn(w->loop, false);
	oci_health_free(w->health);
	ck_assert_int_eq(loop_free(w->loop), 0);
}

static unsigned told(struct world *w)
{
	loop_turn(w->loop, false);
	return w->told;
}

static bool takes(struct world *w, struct oci_pass *p, struct err *err)
{
	*p = (struct oci_pass){0};
	err_clear(err);
	return !oci_pass_take(w->health, &reg, false, p, err);
}

/* One request that ends as the code says; 0: answered. */
static bool request(struct world *w, uint64_t lasts, int code)
{
	struct err err = {0};
	struct oci_pass p;

	if (!takes(w, &p, &err))
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
	ck_assert(request(&w, 0, -ECONNREFUSED));
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	ck_assert_uint_eq(w.told, 0); /* not from inside */
	ck_assert_uint_eq(told(&w), 1);
	ck_assert(!takes(&w, &p, &err));
	ck_assert_str_eq(err.msg,
		"the registry 'reg.example' does not answer (connection refused); it is tried "
		"again at least once a minute");
	ck_assert_int_eq(err.kind, ERR_RETRY);
	ck_assert_int_eq(err.code, -ECONNREFUSED);
	ck_assert_uint_eq(w.refused, 1);
	clear(&w);
}
END_TEST

/* Up, and then n failures in a row. */
static void ails(struct world *w, int n)
{
	ck_assert(request(w, 0, 0));
	while (n--)
		ck_assert(request(w, 0, n % 2 ? -ECONNRESET : -EPROTO));
	told(w);
	w->told = 0;
}

/* It is the probe that decides, and the host is up until it has. */
START_TEST(third_failure_in_a_row)
{
	struct world w;
	struct oci_pass p;
	struct err err;

	init(&w);
	ails(&w, 2);
	ck_assert(request(&w, 0, 0));
	ck_assert(request(&w, 0, -EHOSTUNREACH));
	ck_assert(request(&w, 5000, -ETIMEDOUT));
	ck_assert_uint_eq(w.probes, 0);
	ck_assert(request(&w, 0, -ECONNREFUSED));
	ck_assert_uint_eq(w.probes, 1);
	ck_assert(request(&w, 0, -ECONNREFUSED));
	ck_assert_uint_eq(w.probes, 1);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	probe_ends(&w, -EHOSTUNREACH);
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	ck_assert_uint_eq(told(&w), 1);
	ck_assert(!takes(&w, &p, &err));
	ck_assert(strstr(err.msg, "(no)"));
	ck_assert_int_eq(err.code, -EHOSTUNREACH);
	clear(&w);
}
END_TEST

/* One object's repositories hang, or its time is short, or it trusts a wrong CA. */
START_TEST(well_but_for_one)
{
	struct world w;
	int i;

	init(&w);
	ails(&w, 3);
	for (i = 1; i < 20; i++) {
		ck_assert_uint_eq(w.probes, (unsigned)i);
		probe_ends(&w, 0);
		ck_assert(request(&w, 1000, -ETIMEDOUT));
		ck_assert(request(&w, 60000, -ETIMEDOUT));
		ck_assert(request(&w, 0, -EPROTO));
		ck_assert_int_eq(state(&w), OCI_HOST_UP);
	}
	ck_assert_uint_eq(w.refused, 0);
	/* The probe gets no answer, but somebody did meanwhile. */
	ck_assert(request(&w, 0, 0));
	probe_ends(&w, -ETIMEDOUT);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	/* It says nothing when it was we who had no descriptor for it. */
	ails(&w, 3);
	probe_ends(&w, -EMFILE);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	ck_assert_uint_eq(told(&w), 0);
	clear(&w);
}
END_TEST

/* Down: after 1 s, 2 s, 4 s ... 40 s, each a fifth more or less, and only for somebody who asks. */
START_TEST(probes)
{
	static const uint64_t pauses[] = {1, 2, 4, 8, 16, 32, 40, 40, 40};
	struct oci_pass p;
	struct world w;
	struct err err;
	size_t i;

	init(&w);
	ck_assert(request(&w, 0, -ECONNREFUSED));
	for (i = 0; i < ARRAY_LEN(pauses); i++) {
		ck_assert(!takes(&w, &p, &err));
		ck_assert(!takes(&w, &p, &err));
		loop_test_advance(w.loop, pauses[i] * 799);
		ck_assert_uint_eq(w.probes, i);
		loop_test_advance(w.loop, pauses[i] * 402);
		ck_assert_uint_eq(w.probes, i + 1);
		ck_assert(!takes(&w, &p, &err));
		probe_ends(&w, -ECONNREFUSED);
	}
	/* The one of before was for the refusal during the probe; nobody asks any more. */
	ck_assert_int_eq(loop_turn(w.loop, false), false);
	loop_test_advance(w.loop, 3600 * 1000);
	ck_assert_uint_eq(w.probes, i);
	/* Soon, but the refused one must have told of it before it is called back. */
	ck_assert(!takes(&w, &p, &err));
	loop_test_advance(w.loop, 799);
	ck_assert_uint_eq(w.probes, i);
	loop_test_advance(w.loop, 402);
	told(&w);
	w.told = 0;
	probe_ends(&w, 0);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	ck_assert_uint_eq(told(&w), 1);
	clear(&w);
}
END_TEST

/* Hosts that hang keep no other one from being asked. */
START_TEST(many_probes)
{
	struct oci_pass p = {0};
	unsigned i, before;
	struct world w;
	struct err err;

	init(&w);
	oci_health_on_change(w.health, NULL, NULL);
	for (i = 0; i < LIMIT_PROBES + 10; i++) {
		auto_free char *name = mem_printf("h%u.example", i);
		struct oci_health_key key = {.host = name};

		ck_assert(!oci_pass_take(w.health, &key, false, &p, &err));
		err_code(&err, ERR_RETRY, -ECONNREFUSED, "no");
		oci_pass_failed(&p, &err);
		oci_pass_release(&p);
		ck_assert(oci_pass_take(w.health, &key, false, &p, &err));
	}
	loop_test_advance(w.loop, 1201);
	ck_assert_uint_eq(w.probes, LIMIT_PROBES);
	ck_assert(request(&w, 0, -ECONNREFUSED));
	ck_assert(!takes(&w, &p, &err));
	before = w.probes;
	for (i = 0; i < 40 && w.probes < before + 11; i++) {
		loop_test_advance(w.loop, 300);
		loop_turn(w.loop, false);
	}
	ck_assert_uint_ge(w.probes, before + 11);
	w.probe = NULL;
	clear(&w);
}
END_TEST

/* An object with a timeout of a second does not make a host look dead that nobody has asked yet. */
START_TEST(short_timeouts)
{
	struct world w;
	int i;

	init(&w);
	for (i = 0; i < 20; i++)
		ck_assert(request(&w, 1000, -ETIMEDOUT));
	ck_assert_int_eq(state(&w), OCI_HOST_UNPROVEN);
	ck_assert(request(&w, LIMIT_SILENCE_MS, -ETIMEDOUT));
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	clear(&w);
}
END_TEST

static void request_aside(struct world *w, int code)
{
	struct oci_pass p = {0};
	struct err err = {0};

	ck_assert(!oci_pass_take(w->health, &reg, true, &p, &err));
	err_code(&err, ERR_RETRY, code, "no");
	if (code)
		oci_pass_failed(&p, &err);
	else
		oci_pass_answered(&p);
	oci_pass_release(&p);
}

/* Through a proxy of its own. */
START_TEST(aside)
{
	struct world w;
	int i;

	init(&w);
	request_aside(&w, -ECONNREFUSED);
	ck_assert_int_eq(state(&w), OCI_HOST_UNPROVEN);
	request_aside(&w, 0);
	ck_assert_int_eq(state(&w), OCI_HOST_UP);
	for (i = 0; i < 5; i++)
		request_aside(&w, -ECONNREFUSED);
	ck_assert_uint_eq(w.probes, 0);
	ails(&w, 3);
	probe_ends(&w, -ECONNREFUSED);
	request_aside(&w, 0);
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
	clear(&w);
}
END_TEST

/* Nor does it say whether a repeat is worth while for the others. */
START_TEST(aside_in_vain)
{
	struct oci_pass direct = {0}, other = {0};
	struct world w;
	struct err err = {0};

	init(&w);
	ck_assert(!oci_pass_take(w.health, &reg, false, &direct, &err));
	ck_assert(!oci_pass_take(w.health, &reg, true, &other, &err));
	oci_pass_well(&other, false);
	ck_assert(oci_pass_may_repeat(&direct));
	oci_pass_well(&direct, false);
	oci_pass_well(&other, true);
	ck_assert(!oci_pass_may_repeat(&direct));
	oci_pass_release(&direct);
	oci_pass_release(&other);
	clear(&w);
}
END_TEST

START_TEST(our_own_trouble)
{
	static const int codes[] = {-EMFILE, -ENFILE, -ENOMEM, -ENOBUFS, -EADDRNOTAVAIL};
	struct world w;

	init(&w);
	ck_assert(request(&w, 0, codes[_i]));
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
	ck_assert(takes(&w, &p, &err));
	ck_assert(request(&w, 0, -ECONNREFUSED));
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
		ck_assert(request(&w, 0, -ECONNREFUSED));
	ck_assert_uint_eq(w.refused, 0);
	clear(&w);
}
END_TEST

START_TEST(apart)
{
	struct oci_health_key insecure = {.host = "reg.example", .insecure = true};
	struct oci_pass p = {0};
	struct world w;
	struct err err;

	init(&w);
	ck_assert(request(&w, 0, -EPROTO));
	ck_assert_int_eq(oci_health_state(w.health, &token), OCI_HOST_UNPROVEN);
	ck_assert(!oci_pass_take(w.health, &insecure, false, &p, &err));
	oci_pass_answered(&p);
	oci_pass_release(&p);
	ck_assert_int_eq(state(&w), OCI_HOST_DOWN);
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

/* What one registry says about a token server speaks for that registry's users alone. */
START_TEST(token_servers_apart)
{
	const struct oci_health_key others[] = {
		{.host = "evil.example", .realm = token.realm},
		{.host = "reg.example", .realm = "http://auth.example/token"},
		{.host = "reg.example", .realm = "https://auth.example/other"},
		{.host = "reg.example", .realm = token.realm, .insecure = true},
		{.host = "reg.example",
			.realm = token.realm,
			.hop = {.chosen = true, .from = HOST_LOOPBACK}},
		{.host = "auth.example"},
	};
	struct oci_pass p = {0};
	struct err err = {0};
	unsigned n[3] = {0};
	struct world w;
	size_t i;

	init(&w);
	ck_assert(!oci_pass_take(w.health, &token, false, &p, &err));
	err_code(&err, ERR_RETRY, -EPROTO, "GET 'https://auth.example/token': no");
	oci_pass_failed(&p, &err);
	oci_pass_release(&p);
	ck_assert(oci_pass_take(w.health, &token, false, &p, &err));
	ck_assert(strstr(err.msg, "the token server 'auth.example' does not answer (no);"));
	for (i = 0; i < ARRAY_LEN(others); i++) {
		ck_assert(!oci_pass_take(w.health, &others[i], false, &p, &err));
		oci_pass_release(&p);
	}
	oci_health_each(w.health, count_host, n);
	ck_assert_uint_eq(n[0], 1);
	/* Who waits for the registry is told when its token server is back. */
	ck_assert_uint_eq(told(&w), 0);
	loop_test_advance(w.loop, 1201);
	probe_ends(&w, 0);
	ck_assert_uint_eq(told(&w), 1);
	clear(&w);
}
END_TEST

START_TEST(not_before)
{
	const struct oci_health_key path = {
		.host = "reg.example", .realm = "https://auth.example/other"};
	const struct oci_health_key evil = {.host = "evil.example", .realm = token.realm};
	struct err said = {0}, err = {0};
	struct world w;

	init(&w);
	err_code(&said, ERR_WAIT, 429, "the registry answered 429 Too Many Requests (slow down)");
	said.retry_ms = 30000;
	oci_health_hold(w.health, &reg, 7, &said);
	clock_fake_add(10000);
	ck_assert(oci_health_held(w.health, &reg, 7, &err));
	ck_assert_int_eq(err.kind, ERR_HELD);
	ck_assert_int_eq(err.code, 429);
	ck_assert_uint_eq(err.retry_ms, 20000);
	ck_assert_str_eq(err.msg, said.msg);
	ck_assert_uint_eq(w.refused, 1);
	err_clear(&err);
	ck_assert(!oci_health_held(w.health, &reg, 8, &err));
	ck_assert(!oci_health_held(w.health, &token, 7, &err));
	/* Of a token server all paths, but not as another registry knows it. */
	oci_health_hold(w.health, &token, 7, &said);
	ck_assert(!oci_health_held(w.health, &evil, 7, &err));
	ck_assert(oci_health_held(w.health, &path, 7, &err));
	err_clear(&err);
	clock_fake_add(20000);
	ck_assert(!oci_health_held(w.health, &reg, 7, &err));
	/* What is no Retry-After is not kept. */
	said.kind = ERR_RETRY;
	oci_health_hold(w.health, &reg, 7, &said);
	ck_assert(!oci_health_held(w.health, &reg, 7, &err));
	clear(&w);
}
END_TEST

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
	ck_assert(!oci_pass_take(w.health, &reg, false, &first, &err));
	for (i = 0; i < LIMIT_REGISTRY_HOSTS + 50; i++) {
		auto_free char *name = mem_printf("h%d.example", i);
		struct oci_health_key key = {.host = name};
		struct oci_pass p = {0};

		ck_assert(!oci_pass_take(w.health, &key, false, &p, &err));
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
	tcase_add_test(t, well_but_for_one);
	tcase_add_test(t, many_probes);
	tcase_add_test(t, aside);
	tcase_add_test(t, aside_in_vain);
	tcase_add_test(t, token_servers_apart);
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
