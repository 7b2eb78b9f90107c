/* Keys of issuers: how often they are asked for, and where. */
#include "hook/issuer.h"

#include "base/limits.h"
#include "hook/jwt.h"
#include "test/unit/hook/fake_issuer.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_issuer(void);

static struct fixture f;
static struct fake_issuer who;
static struct issuers *all;
static EVP_PKEY *key, *next;
static struct jwt good, other;

static void jwt_make(struct jwt *t, EVP_PKEY *with, const char *kid)
{
	auto_free char *text = jose_token(
		with, "ES256", json_pack("{s:s, s:s}", "alg", "ES256", "kid", kid), json_object());
	struct err err = {0};

	ck_assert_int_eq(jwt_open(t, text, strlen(text), &err), 0);
}

static void setup(void)
{
	clock_fake(1769851800000);
	fixture_init(&f, NULL);
	fake_issuer_init(&who, f.loop);
	all = issuers_new(f.loop, f.oci);
	key = jose_make("ES256");
	next = jose_make("ES256");
	json_array_append_new(who.keys, jose_jwk(key, "k1"));
	jwt_make(&good, key, "k1");
	jwt_make(&other, next, "k2");
}

static void teardown(void)
{
	jwt_clear(&good);
	jwt_clear(&other);
	jose_free(key);
	jose_free(next);
	issuers_free(all);
	fake_issuer_clear(&who);
	fixture_clear(&f);
}

static void wait_for(struct op *op)
{
	bool done = false;

	op_then(op, fixture_done, &done);
	while (!done)
		loop_turn(f.loop, true);
}

/* 1: it vouches, 0: it does not, -1: it cannot be asked, with this in the message. */
static int ask(const char *url, const struct jwt *t, const char *why)
{
	struct op *op = issuer_ask_start(all, url, t);
	int rc;

	wait_for(op);
	rc = op->err.kind == ERR_NONE ? issuer_vouches(op) : -1;
	ck_assert_msg(rc == -1 ? why && strstr(op->err.msg, why) : !why, "%s", op->err.msg);
	op_free(op);
	return rc;
}

START_TEST(test_kept)
{
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	clock_fake_add(LIMIT_HOOK_KEYS_MS - 1);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	ck_assert_uint_eq(who.sets, 1);
	clock_fake_add(1);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	ck_assert_uint_eq(who.sets, 2);
	ck_assert_uint_eq(who.configs, 2);
}
END_TEST

/* Tokens with keys that nobody knows: a question now and then, and the new key is found. */
START_TEST(test_unknown)
{
	int i;

	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	for (i = 0; i < 50; i++)
		ck_assert_int_eq(ask(who.url, &other, NULL), 0);
	ck_assert_uint_eq(who.sets, 1);
	json_array_append_new(who.keys, jose_jwk(next, "k2"));
	clock_fake_add(LIMIT_HOOK_KEYS_AGAIN_MS - 1);
	ck_assert_int_eq(ask(who.url, &other, NULL), 0);
	clock_fake_add(1);
	ck_assert_int_eq(ask(who.url, &other, NULL), 1);
	ck_assert_uint_eq(who.sets, 2);
}
END_TEST

/* The first token of all may be a stranger's: its fetch is the one for all. */
START_TEST(test_shared)
{
	struct op *ops[20];
	size_t i;

	for (i = 0; i < ARRAY_LEN(ops); i++)
		ops[i] = issuer_ask_start(all, who.url, i % 2 ? &good : &other);
	op_drop(ops[0]); /* takes nothing from the others */
	for (i = 1; i < ARRAY_LEN(ops); i++) {
		if (!ops[i]->done)
			wait_for(ops[i]);
		ck_assert_int_eq(issuer_vouches(ops[i]), i % 2);
		op_free(ops[i]);
	}
	ck_assert_uint_eq(who.configs, 1);
	ck_assert_uint_eq(who.sets, 1);
}
END_TEST

START_TEST(test_failed)
{
	who.status = 503;
	ck_assert_int_eq(ask(who.url, &good, "the answer is 503"), -1);
	ck_assert_int_eq(ask(who.url, &good, "the answer is 503"), -1);
	ck_assert_uint_eq(who.configs, 1);
	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(who.url, &good, "the answer is 503"), -1);
	ck_assert_uint_eq(who.configs, 2);
	who.status = 200;
	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	/* later it fails again: the keys that are there count for a while */
	who.status = 503;
	clock_fake_add(LIMIT_HOOK_KEYS_MS);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
	ck_assert_int_eq(ask(who.url, &other, NULL), 0);
	ck_assert_uint_eq(who.configs, 4);
	clock_fake_add(LIMIT_HOOK_KEYS_OLD_MS - LIMIT_HOOK_KEYS_MS);
	ck_assert_int_eq(ask(who.url, &good, "the answer is 503"), -1);
}
END_TEST

static void refuses(const char *why)
{
	unsigned sets = who.sets;

	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(who.url, &good, why), -1);
	ck_assert_uint_eq(who.sets, sets);
}

START_TEST(test_config)
{
	who.says_issuer = "http://127.0.0.1:1";
	refuses("of another issuer");
	who.says_issuer = NULL;
	who.config = "{}";
	refuses("of another issuer");
	who.config = "no json";
	refuses("what it says of itself");
	who.config = NULL;
	who.says_jwks_uri = "ftp://127.0.0.1/keys";
	refuses("is neither http://");
	who.says_jwks_uri = "http://user:pw@127.0.0.1/keys";
	refuses("user or fragment");
	/* where the cloud tells secrets: an issuer does not lead there */
	who.says_jwks_uri = "http://169.254.169.254/latest/meta-data";
	refuses("this issuer may not send us");
	who.says_jwks_uri = NULL;
	who.jwks = "{}";
	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(who.url, &good, "no set of keys"), -1);
	who.jwks = NULL;
	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(who.url, &good, NULL), 1);
}
END_TEST

/* A slash at the end is part of the name, and one is enough in the path. */
START_TEST(test_slash)
{
	auto_free char *url = mem_printf("%s/", who.url);

	who.says_issuer = url;
	ck_assert_int_eq(ask(url, &good, NULL), 1);
}
END_TEST

/* Messages go into the log, and who has written a password into the URL has made a mistake. */
START_TEST(test_password)
{
	struct op *op = issuer_ask_start(all, "http://me:s3cr3t@127.0.0.1:1", &good);

	wait_for(op);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_ptr_null(strstr(op->err.msg, "s3cr3t"));
	op_free(op);
}
END_TEST

/* Whoever gives up leaves a fetch that ends by itself. */
START_TEST(test_silent)
{
	struct op *op;

	who.silent = true;
	op = issuer_ask_start(all, who.url, &good);
	while (!who.held)
		loop_turn(f.loop, true);
	op_drop(op);
	loop_turn(f.loop, false);
	who.silent = false;
	http_reply_text(who.held, 500, "");
	ck_assert_int_eq(ask(who.url, &good, "the answer is 500"), -1);
}
END_TEST

/* Freed in the middle of a fetch. */
START_TEST(test_end)
{
	who.silent = true;
	op_drop(issuer_ask_start(all, who.url, &good));
	while (!who.held)
		loop_turn(f.loop, true);
}
END_TEST

/* ---- an issuer with TLS ---------------------------------------------------------------------- */

static char dir[] = "/tmp/issuer-XXXXXX";

static void shell(const char *command)
{
	auto_free char *whole = mem_printf("cd %s && %s", dir, command);

	ck_assert_msg(!system(whole), "%s", whole);
}

/* openssl's own server, which answers with the files of the folder. */
static pid_t tls_start(unsigned *port)
{
	char line[256] = "";
	int pipes[2];
	pid_t pid;
	FILE *out;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	shell("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
	      "-subj /CN=x -addext subjectAltName=IP:127.0.0.1 -keyout key -out pem 2>/dev/null");
	ck_assert_int_eq(pipe(pipes), 0);
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
		dup2(pipes[1], 1);
		dup2(open("/dev/null", O_RDWR), 2);
		close(pipes[0]);
		if (!chdir(dir))
			execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-WWW",
				"-cert", "pem", "-key", "key", NULL);
		_exit(127);
	}
	close(pipes[1]);
	out = fdopen(pipes[0], "r"); /* stays open: the server would die of a closed one */
	while (fgets(line, sizeof(line), out) && strncmp(line, "ACCEPT ", 7) != 0)
		;
	ck_assert_msg(strrchr(line, ':') != NULL, "s_server said '%s'", line);
	*port = (unsigned)strtoul(strrchr(line, ':') + 1, NULL, 10);
	return pid;
}

static void file_write(const char *name, const char *text)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	FILE *out = fopen(path, "w");

	ck_assert_ptr_nonnull(out);
	fputs(text, out);
	fclose(out);
}

static void cas_use(void)
{
	auto_free char *path = mem_printf("%s/pem", dir);
	auto_buf struct buf pem = BUF_INIT(BUF_ANY);
	FILE *in = fopen(path, "r");
	char part[4096];
	size_t n;

	ck_assert_ptr_nonnull(in);
	while ((n = fread(part, 1, sizeof(part), in)))
		buf_add(&pem, part, n);
	fclose(in);
	http_client_use_cas(f.http, &pem);
}

static void config_write(const char *url, const char *keys)
{
	auto_free char *text =
		mem_printf("{\"issuer\":\"%s\",\"jwks_uri\":\"%s/keys?v=1\"}", url, keys);

	file_write(".well-known/openid-configuration", text);
}

/* Keys that came over plain http are anybody's, whoever has named the place. */
START_TEST(test_downgrade)
{
	auto_free char *url = NULL, *set = NULL;
	json_t *keys = json_pack("{s:O}", "keys", who.keys);
	unsigned port;
	pid_t pid = tls_start(&port);

	url = mem_printf("https://127.0.0.1:%u", port);
	set = json_dumps(keys, 0);
	json_decref(keys);
	cas_use();
	shell("mkdir .well-known");
	file_write("keys?v=1", set);
	config_write(url, who.url);
	ck_assert_int_eq(ask(url, &good, "it leads from https to http"), -1);
	ck_assert_uint_eq(who.sets, 0);
	config_write(url, url);
	clock_fake_add(LIMIT_HOOK_KEYS_FAILED_MS);
	ck_assert_int_eq(ask(url, &good, NULL), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	shell("rm -r .well-known pem key keys* && rmdir $PWD");
}
END_TEST

Suite *suite_issuer(void)
{
	Suite *s = suite_create("issuer");
	TCase *t = tcase_create("issuer");

	tcase_set_timeout(t, 30);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_kept);
	tcase_add_test(t, test_unknown);
	tcase_add_test(t, test_shared);
	tcase_add_test(t, test_failed);
	tcase_add_test(t, test_config);
	tcase_add_test(t, test_slash);
	tcase_add_test(t, test_password);
	tcase_add_test(t, test_silent);
	tcase_add_test(t, test_end);
	tcase_add_test(t, test_downgrade);
	suite_add_tcase(s, t);
	return s;
}
