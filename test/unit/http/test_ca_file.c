/* --ca-file: at the start there has to be a certificate; later what is broken changes nothing. */
#include "http/ca_file.h"

#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/reread.h"
#include "http/client.h"
#include "http/client_internal.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[128];

static void run(const char *what)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cd %s && %s", dir, what);
	ck_assert_int_eq(system(cmd), 0);
}

static void make_cert(const char *name)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
		"-subj /CN=%s -keyout key -out %s.pem 2>/dev/null",
		name, name);
	run(cmd);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/ca-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	/* A bundle of one, so that what is added can be seen. */
	make_cert("system");
	setenv("SSL_CERT_DIR", "/nonexistent", 1);
	snprintf(path, sizeof(path), "%s/system.pem", dir);
	setenv("SSL_CERT_FILE", path, 1);
	snprintf(path, sizeof(path), "%s/ca", dir);
	clock_fake(1700000000000);
}

static void teardown(void)
{
	run("rm -r \"$PWD\"");
}

static unsigned certs(const struct http_client *c)
{
	const char *p = c->cas.pem ? buf_str(&c->cas.pem->text) : "";
	unsigned n = 0;

	for (; (p = strstr(p, "BEGIN CERTIFICATE")); p++)
		n++;
	return n;
}

static void looks(struct loop *l, struct reread *w, unsigned n)
{
	struct reread_stats s;
	uint64_t before;
	int i;

	while (n--) {
		reread_stats(w, &s);
		before = s.looks;
		loop_test_advance(l, REREAD_MS);
		for (i = 0; i < 20000 && s.looks == before; i++) {
			loop_turn(l, false);
			usleep(500);
			reread_stats(w, &s);
		}
	}
}

START_TEST(test_start)
{
	static const struct {
		const char *name, *make, *want; /* want NULL: it is taken */
	} rows[] = {
		{"a file", "cat one.pem >ca", NULL},
		{"a file with a key and words", "(echo hello; cat key one.pem) >ca", NULL},
		{"a folder", "mkdir ca && cp one.pem system.pem ca", NULL},
		{"nothing there", "true", "No such file"},
		{"no certificate", "cp key ca", "no certificates in PEM"},
		{"an empty folder", "mkdir ca", "no certificates in PEM"},
		{"cut", "head -c 200 one.pem >ca", "no certificates in PEM"},
		{"the second one cut", "(cat system.pem; head -c 200 one.pem) >ca",
			"no certificates in PEM"},
	};
	struct loop *l = loop_new();
	struct http_client *c = http_client_new(l, &(struct http_client_opts){0});
	struct err err = {0};
	struct reread *w;

	make_cert("one");
	run(rows[_i].make);
	w = http_ca_file_new(l, c, path, &err);
	if (rows[_i].want) {
		ck_assert_msg(!w, "%s", rows[_i].name);
		ck_assert_msg(strstr(err.msg, rows[_i].want) && strstr(err.msg, path), "%s: '%s'",
			rows[_i].name, err.msg);
		ck_assert_uint_eq(certs(c), 0);
	} else {
		ck_assert_msg(w, "%s: '%s'", rows[_i].name, err.msg);
		/* the system's own is still there */
		ck_assert_msg(certs(c) >= 2, "%s: %u", rows[_i].name, certs(c));
	}
	reread_free(w);
	http_client_free(c);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

START_TEST(test_rotation)
{
	struct loop *l = loop_new();
	struct http_client *c = http_client_new(l, &(struct http_client_opts){0});
	struct err err = {0};
	struct reread_stats s;
	struct reread *w;
	CURLSH *share;

	make_cert("one");
	make_cert("two");
	run("cp one.pem ca");
	w = http_ca_file_new(l, c, path, &err);
	ck_assert_ptr_nonnull(w);
	share = c->share;
	run("cat one.pem two.pem >new && mv new ca");
	looks(l, w, 2);
	ck_assert_uint_eq(certs(c), 3);
	ck_assert_ptr_ne(c->share, share); /* the sessions are gone */
	run("head -c 100 one.pem >ca");
	looks(l, w, 3);
	ck_assert_uint_eq(certs(c), 3);
	reread_stats(w, &s);
	ck_assert_uint_eq(s.failed, 1);
	/* a change of the system's does not lose ours */
	run("cat system.pem key >new && mv new system.pem");
	loop_test_advance(l, 10000);
	ck_assert(http_cas_look(&c->cas));
	ck_assert_uint_eq(certs(c), 3);
	reread_free(w);
	http_client_free(c);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_ca_file(void);
Suite *suite_ca_file(void)
{
	Suite *s = suite_create("ca_file");
	TCase *tc = tcase_create("all");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_start, 0, 8);
	tcase_add_test(tc, test_rotation);
	suite_add_tcase(s, tc);
	return s;
}
