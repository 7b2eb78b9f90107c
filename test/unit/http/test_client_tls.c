/* TLS against openssl's own test server: whom we trust, which name we expect, and whether it was
   TLS at all that answered. */
#include "base/clock.h"
#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "test/fake/dns.h"
#include "test/fake/tcp_script.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64];
static pid_t server;
static unsigned port;

static const char *in_dir(const char *name)
{
	static char paths[8][128];
	static unsigned n;
	char *p = paths[n++ % 8];

	snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
	return p;
}

static void make_cert(const char *name, const char *san)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd),
		"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
		"-subj /CN=%s "
		"-addext subjectAltName=%s -keyout %s/%s.key -out %s/%s.pem 2>/dev/null",
		name, san, dir, name, dir, name);
	ck_assert_int_eq(system(cmd), 0);
}

/* Starts s_server and reads the port that it took. */
static void serve(const char *cert, const char *more, const char *more2)
{
	char line[256] = "", key[128], *p;
	int pipes[2];
	FILE *out;

	snprintf(key, sizeof(key), "%s/%s.key", dir, cert);
	ck_assert_int_eq(pipe(pipes), 0);
	server = fork();
	if (!server) {
		char pem[128];

		snprintf(pem, sizeof(pem), "%s/%s.pem", dir, cert);
		dup2(pipes[1], 1);
		dup2(open("/dev/null", O_RDWR), 2);
		close(pipes[0]);
		execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-www", "-cert",
			pem, "-key", key, more, more2, NULL);
		_exit(127);
	}
	close(pipes[1]);
	out = fdopen(pipes[0], "r");
	while (fgets(line, sizeof(line), out))
		if (!strncmp(line, "ACCEPT ", 7))
			break;
	p = strrchr(line, ':');
	ck_assert_msg(p, "s_server said '%s'", line);
	port = (unsigned)strtoul(p + 1, NULL, 10);
	/* The pipe stays open: s_server would die of a closed one. The test's process is
	   short-lived. */
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/tls-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	unsetenv("https_proxy");
	unsetenv("HTTPS_PROXY");
	unsetenv("ALL_PROXY");
	unsetenv("SSL_CERT_FILE");
	unsetenv("SSL_CERT_DIR");
	clock_fake(1700000000000);
}

static void teardown(void)
{
	char cmd[96];

	if (server > 0) {
		kill(server, SIGKILL);
		waitpid(server, NULL, 0);
	}
	snprintf(cmd, sizeof(cmd), "rm -r %s", dir);
	ck_assert_int_eq(system(cmd), 0);
}

static void read_pem(struct buf *b, const char *name)
{
	FILE *f = fopen(in_dir(name), "r");
	char part[4096];
	size_t n;

	ck_assert_ptr_nonnull(f);
	buf_init(b, 1 << 20);
	while ((n = fread(part, 1, sizeof(part), f)))
		buf_add(b, part, n);
	fclose(f);
}

static struct op *get(struct loop *l, struct http_client *c, const struct http_trust *t)
{
	char url[64];
	struct op *op;

	snprintf(url, sizeof(url), "https://127.0.0.1:%u/", port);
	op = http_start(
		c, &(struct http_req){.method = "GET", .url = url, .trust = t, .max_body = 100000});
	while (!op->done)
		loop_turn(l, true);
	return op;
}

/* As /etc/ssl/certs is, with the server's certificate in it. */
static void hashed_dir(void)
{
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		"cd %s && mkdir hashed && cp srv.pem hashed && openssl rehash hashed", dir);
	ck_assert_int_eq(system(cmd), 0);
	setenv("SSL_CERT_DIR", in_dir("hashed"), 1);
}

/* ca: NULL for the system's; env: SSL_CERT_FILE, or "/hashed" for SSL_CERT_DIR. */
static const struct {
	const char *name, *cert, *san, *ca, *env, *server_name, *client, *more, *more2;
	bool only, insecure, ok, tls;
} TRUST[] = {
	{"private CA only", "srv", "IP:127.0.0.1", "srv", NULL, NULL, NULL, NULL, NULL, true, false,
		true, true},
	{"private CA and the system's", "srv", "IP:127.0.0.1", "srv", NULL, NULL, NULL, NULL, NULL,
		false, false, true, true},
	{"the system's only", "srv", "IP:127.0.0.1", NULL, NULL, NULL, NULL, NULL, NULL, false,
		false, false, true},
	{"another CA", "srv", "IP:127.0.0.1", "other", NULL, NULL, NULL, NULL, NULL, true, false,
		false, true},
	{"not even that", "srv", "IP:127.0.0.1", "other", NULL, NULL, NULL, NULL, NULL, true, true,
		true, true},
	{"SSL_CERT_FILE", "srv", "IP:127.0.0.1", NULL, "srv.pem", NULL, NULL, NULL, NULL, false,
		false, true, true},
	{"SSL_CERT_FILE and a private CA", "srv", "IP:127.0.0.1", "other", "srv.pem", NULL, NULL,
		NULL, NULL, false, false, true, true},
	{"a private CA beside SSL_CERT_FILE", "srv", "IP:127.0.0.1", "srv", "other.pem", NULL, NULL,
		NULL, NULL, false, false, true, true},
	{"a private CA only, in spite of SSL_CERT_FILE", "srv", "IP:127.0.0.1", "other", "srv.pem",
		NULL, NULL, NULL, NULL, true, false, false, true},
	{"SSL_CERT_DIR", "srv", "IP:127.0.0.1", NULL, "/hashed", NULL, NULL, NULL, NULL, false,
		false, true, true},
	{"SSL_CERT_DIR and a private CA", "srv", "IP:127.0.0.1", "other", "/hashed", NULL, NULL,
		NULL, NULL, false, false, true, true},
	{"a private CA only, in spite of SSL_CERT_DIR", "srv", "IP:127.0.0.1", "other", "/hashed",
		NULL, NULL, NULL, NULL, true, false, false, true},
	{"another name", "srv", "DNS:server.test", "srv", NULL, NULL, NULL, NULL, NULL, true, false,
		false, true},
	{"tls-server-name", "srv", "DNS:server.test", "srv", NULL, "server.test", NULL, NULL, NULL,
		true, false, true, true},
	{"a wrong tls-server-name", "srv", "IP:127.0.0.1", "srv", NULL, "server.test", NULL, NULL,
		NULL, true, false, false, true},
	{"client certificate", "srv", "IP:127.0.0.1", "srv", NULL, NULL, "client", "-Verify", "1",
		true, false, true, true},
	{"no client certificate", "srv", "IP:127.0.0.1", "srv", NULL, NULL, NULL, "-Verify", "1",
		true, false, false, true},
	{"a protocol of the past", "srv", "IP:127.0.0.1", "srv", NULL, NULL, NULL, "-tls1_1",
		"-no_comp", true, false, false, true},
};

START_TEST(test_trust)
{
	struct http_trust t = {.ca_only = TRUST[_i].only, .insecure = TRUST[_i].insecure};
	struct loop *l = loop_new();
	const struct http_res *r;
	struct http_client *c;
	struct buf key;
	struct op *op;

	make_cert("srv", TRUST[_i].san);
	make_cert("other", "IP:127.0.0.1");
	make_cert("client", "DNS:client.test");
	serve(TRUST[_i].cert, TRUST[_i].more, TRUST[_i].more2);
	if (TRUST[_i].env && TRUST[_i].env[0] == '/')
		hashed_dir();
	else if (TRUST[_i].env)
		setenv("SSL_CERT_FILE", in_dir(TRUST[_i].env), 1);
	if (TRUST[_i].ca)
		read_pem(&t.ca_pem, strcmp(TRUST[_i].ca, "srv") != 0 ? "other.pem" : "srv.pem");
	if (TRUST[_i].client) {
		read_pem(&t.cert_pem, "client.pem");
		read_pem(&key, "client.key");
		secret_set(&t.key_pem, key.p, key.len);
		buf_clear(&key);
	}
	t.server_name = mem_strdup(TRUST[_i].server_name);
	c = http_client_new(l, &(struct http_client_opts){0});
	op = get(l, c, TRUST[_i].ca || t.insecure ? &t : NULL);
	r = http_result(op);
	if (TRUST[_i].ok) {
		ck_assert_msg(!op->err.kind, "%s: %s", TRUST[_i].name, op->err.msg);
		ck_assert_int_eq(r->status, 200);
	} else {
		ck_assert_msg(op->err.kind == ERR_RETRY, "%s: %d", TRUST[_i].name, op->err.kind);
		ck_assert_msg(op->err.code == -EPROTO || TRUST[_i].more, "%s: %d %s",
			TRUST[_i].name, op->err.code, op->err.msg);
	}
	ck_assert_msg(r->ca_unknown == !!strstr(op->err.msg, "self-signed certificate"), "%s: %s",
		TRUST[_i].name, op->err.msg);
	ck_assert_msg(r->tls_answered == TRUST[_i].tls, "%s: tls_answered %d (%s)", TRUST[_i].name,
		r->tls_answered, op->err.msg);
	op_free(op);
	http_client_free(c);
	http_trust_clear(&t);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* The certificate is of the name that was asked for, or of the tls-server-name, though we are the
   ones who look the name up. */
START_TEST(test_trust_by_name)
{
	static const struct dns_row names[] = {{"api.test", DNS_A, "127.0.0.1", 60}, {0}};
	static const struct {
		const char *san, *server_name;
		bool ok;
	} rows[] = {{"DNS:api.test", NULL, true}, {"IP:127.0.0.1", NULL, false},
		{"DNS:other.test", "other.test", true}, {"DNS:api.test", "other.test", false}};
	struct http_trust t = {.ca_only = true};
	struct http_client_opts opts = {0};
	struct loop *l = loop_new();
	auto_free char *url = NULL;
	struct fake_dns *dns = fake_dns_new(l, names, NULL);
	struct http_client *c;
	struct op *op;
	int i;

	make_cert("srv", rows[_i].san);
	serve("srv", NULL, NULL);
	read_pem(&t.ca_pem, "srv.pem");
	t.server_name = mem_strdup(rows[_i].server_name);
	opts.dns = fake_dns_opts(dns);
	c = http_client_new(l, &opts);
	url = mem_printf("https://api.test:%u/", port);
	op = http_start(c,
		&(struct http_req){.method = "GET", .url = url, .trust = &t, .max_body = 100000});
	while (!op->done)
		loop_turn(l, true);
	ck_assert_msg(!op->err.kind == rows[_i].ok, "%s", op->err.msg);
	ck_assert_uint_eq(fake_dns_asked(dns, NULL), 1);
	op_free(op);
	http_client_free(c);
	http_trust_clear(&t);
	fake_dns_free(dns);
	for (i = 0; i < 5; i++)
		loop_turn(l, false);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* ---- the system's CAs ------------------------------------------------------------------------ */

static void sh(const char *script)
{
	auto_free char *cmd = mem_printf("cd %s && %s", dir, script);

	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

/* Folders: `plain` as a mounted ConfigMap is, `hashed` with c_rehash's links, `mixed` with links to
   another CA and our file beside them, `messy` with ours among what is no certificate, `other`
   without ours. */
static void make_folders(void)
{
	make_cert("srv", "IP:127.0.0.1");
	make_cert("other", "IP:127.0.0.1");
	sh("mkdir -p plain/..1 hashed mixed messy other none && cp srv.pem plain/..1/corp.crt && "
	   "ln -s ..1 plain/..data && ln -s ..data/corp.crt plain/corp.crt && cp srv.pem hashed && "
	   "openssl rehash hashed && cp other.pem mixed && openssl rehash mixed && "
	   "cp srv.pem mixed/corp.pem && cp other.pem other && head -c 3000 /dev/urandom >messy/a "
	   "&& "
	   "sed 's/^M/*/' srv.pem >messy/b && sed 's/^MII/MIJ/' other.pem >messy/c && "
	   "cat srv.key other.pem srv.pem other.pem >messy/d && cp srv.key messy/e && "
	   "mkfifo messy/f && ln -s nowhere messy/g && mkdir messy/h");
}

/* "@x" in the variables: the file or folder x. */
static const struct {
	const char *name, *file, *dirs;
	bool ok;
} SYSTEM[] = {
	{"neither", NULL, NULL, false},
	{"bundle", "@srv.pem", NULL, true},
	{"bundle of another", "@other.pem", NULL, false},
	{"bundle that is not there", "@nix", NULL, false},
	{"bundle that is not there, but a folder", "@nix", "@hashed", true},
	{"hashed folder", NULL, "@hashed", true},
	{"plain folder", NULL, "@plain", true},
	{"mixed folder", NULL, "@mixed", true},
	{"messy folder", NULL, "@messy", true},
	{"folder of another", NULL, "@other", false},
	{"no folder", NULL, "@nix", false},
	{"two folders, the hashed one", NULL, "@other:@hashed", true},
	{"two folders, the plain one", NULL, "@hashed2:@plain", true},
	{"two hashed ones", NULL, "@mixed:@hashed", true},
	{"empty names", NULL, "::@plain:", true},
	{"bundle and plain folder of another", "@srv.pem", "@other", true},
	{"bundle of another and plain folder", "@other.pem", "@plain", true},
	{"bundle of another and hashed folder", "@other.pem", "@hashed", true},
	{"bundle and hashed folder of another", "@srv.pem", "@mixed", true},
	{"both of another", "@other.pem", "@other", false},
};

static void set_var(const char *name, const char *value)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);

	for (; value && *value; value++) {
		if (*value == '@')
			buf_addf(&b, "%s/", dir);
		else
			buf_addc(&b, *value);
	}
	if (value)
		setenv(name, buf_str(&b), 1);
}

START_TEST(test_system)
{
	struct http_trust t = {0};
	struct loop *l = loop_new();
	struct http_client *c;
	struct op *op;

	make_folders();
	make_cert("third", "IP:127.0.0.1");
	serve("srv", NULL, NULL);
	set_var("SSL_CERT_FILE", SYSTEM[_i / 2].file);
	set_var("SSL_CERT_DIR", SYSTEM[_i / 2].dirs);
	c = http_client_new(l, &(struct http_client_opts){0});
	/* With and without CAs of the caller's. */
	if (_i % 2)
		read_pem(&t.ca_pem, "third.pem");
	op = get(l, c, &t);
	ck_assert_msg(
		!op->err.kind == SYSTEM[_i / 2].ok, "%s: %s", SYSTEM[_i / 2].name, op->err.msg);
	ck_assert_msg(SYSTEM[_i / 2].ok || strstr(op->err.msg, "certificate"), "%s: %s",
		SYSTEM[_i / 2].name, op->err.msg);
	op_free(op);
	http_client_free(c);
	http_trust_clear(&t);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* What changes in a folder, or a bundle in its place, counts for the next connection, ten seconds
   later at most. */
static const struct {
	const char *name, *file, *dirs, *there, *gone;
} CHANGES[] = {
	{"a new file", NULL, "@none", "cp srv.pem none/x", "rm -f none/x"},
	{"a file in its place", NULL, "@other", "cat srv.pem other.pem >other/other.pem",
		"cat other.pem other.pem >other/other.pem"},
	{"a folder", NULL, "@later", "cp -r plain later", "rm -r later"},
	{"a hashed folder", NULL, "@hashed", "cp srv.pem hashed && openssl rehash hashed",
		"rm -f hashed/*"},
	{"a swapped link", NULL, "@plain",
		"ln -sfn ..1 plain/..new && mv -T plain/..new plain/..data",
		"mkdir -p plain/..2 && cp other.pem plain/..2/corp.crt && ln -sfn ..2 plain/..new "
		"&& "
		"mv -T plain/..new plain/..data"},
	{"a bundle", "@bundle", "@nix", "cp srv.pem bundle", "cp other.pem bundle"},
	{"a bundle beside a folder", "@bundle", "@other", "cp srv.pem bundle",
		"cp other.pem bundle"},
};

START_TEST(test_system_changes)
{
	struct loop *l = loop_new();
	struct http_client *c;
	struct op *op;
	int i;

	make_folders();
	serve("srv", NULL, NULL);
	set_var("SSL_CERT_FILE", CHANGES[_i].file);
	set_var("SSL_CERT_DIR", CHANGES[_i].dirs);
	if (strcmp(CHANGES[_i].name, "a folder") != 0)
		sh(CHANGES[_i].gone);
	c = http_client_new(l, &(struct http_client_opts){0});
	for (i = 0; i < 6; i++) {
		bool ok = i % 4 >= 2;

		if (i == 2)
			sh(CHANGES[_i].there);
		if (i == 4)
			sh(CHANGES[_i].gone);
		clock_fake_add(10000);
		op = get(l, c, NULL);
		ck_assert_msg(!op->err.kind == ok, "%s, request %d: %s", CHANGES[_i].name, i,
			op->err.msg);
		op_free(op);
	}
	http_client_free(c);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* The second connection resumes the first one's session, but not when it trusts others. */
START_TEST(test_session)
{
	struct http_trust t = {.ca_only = true}, any = {.insecure = true};
	struct loop *l = loop_new();
	struct http_client *c;
	struct op *op;
	int i;

	make_cert("srv", "IP:127.0.0.1");
	serve("srv", NULL, NULL);
	read_pem(&t.ca_pem, "srv.pem");
	c = http_client_new(l, &(struct http_client_opts){0});
	for (i = 0; i < 3; i++) {
		op = get(l, c, i < 2 ? &t : &any);
		ck_assert_msg(!op->err.kind, "%s", op->err.msg);
		ck_assert(http_result(op)->new_connection);
		ck_assert_msg(
			!!strstr(buf_str(&http_result(op)->body), "Reused, TLSv1.3") == (i == 1),
			"request %d", i);
		op_free(op);
	}
	http_client_free(c);
	http_trust_clear(&t);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* A proxy that is spoken to with TLS: its certificate is judged by the same CAs, and spec.insecure
   is no word for it. */
START_TEST(test_proxy_trust)
{
	struct http_trust t = {.insecure = _i == 2};
	struct http_proxy proxy = {0};
	struct loop *l = loop_new();
	struct http_client *c;
	struct op *op;

	make_cert("srv", "IP:127.0.0.1");
	make_cert("other", "IP:127.0.0.1");
	serve("srv", NULL, NULL);
	setenv("SSL_CERT_FILE", in_dir(_i == 1 ? "srv.pem" : "other.pem"), 1);
	if (_i == 3)
		read_pem(&t.ca_pem, "srv.pem");
	c = http_client_new(l, &(struct http_client_opts){0});
	proxy.url = mem_printf("https://127.0.0.1:%u", port);
	op = http_start(c,
		&(struct http_req){.method = "GET",
			.url = "http://registry.test/",
			.trust = &t,
			.proxy = &proxy,
			.max_body = 100000});
	while (!op->done)
		loop_turn(l, true);
	/* s_server answers whatever it is asked. */
	ck_assert_msg(!op->err.kind == (_i == 1 || _i == 3), "row %d: %s", _i, op->err.msg);
	ck_assert_msg(
		!op->err.kind || strstr(op->err.msg, "': the proxy: SSL certificate problem: self"),
		"%s", op->err.msg);
	ck_assert(http_result(op)->ca_unknown == (op->err.kind != ERR_NONE));
	op_free(op);
	http_client_free(c);
	http_proxy_clear(&proxy);
	http_trust_clear(&t);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* The owner of a trust may change it as soon as the request has been started. */
START_TEST(test_trust_is_copied)
{
	struct http_trust t = {.ca_only = true};
	auto_free char *url = NULL;
	struct loop *l = loop_new();
	struct http_client *c;
	struct buf key;
	struct op *op;

	make_cert("srv", "IP:127.0.0.1");
	make_cert("client", "DNS:client.test");
	serve("srv", "-Verify", "1");
	read_pem(&t.ca_pem, "srv.pem");
	read_pem(&t.cert_pem, "client.pem");
	read_pem(&key, "client.key");
	secret_set(&t.key_pem, key.p, key.len);
	buf_clear(&key);
	c = http_client_new(l, &(struct http_client_opts){0});
	url = mem_printf("https://127.0.0.1:%u/", port);
	op = http_start(c,
		&(struct http_req){.method = "GET", .url = url, .trust = &t, .max_body = 100000});
	http_trust_clear(&t);
	while (!op->done)
		loop_turn(l, true);
	ck_assert_msg(!op->err.kind, "%s", op->err.msg);
	op_free(op);
	http_client_free(c);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

/* What is no TLS: an HTTP server, one that closes, one that resets, nobody. */
START_TEST(test_no_tls)
{
	static const struct tcp_step rows[][4] = {
		{{TCP_SEND, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", 0},
			{TCP_WAIT_CLOSE, NULL, 0}, {0}, {0}},
		{{TCP_CLOSE, NULL, 0}, {0}, {0}, {0}},
		{{TCP_EXPECT, "\x16\x03\x01", 0}, {TCP_RESET, NULL, 0}, {0}, {0}},
		{{0}, {0}, {0}, {0}},
	};
	struct loop *l = loop_new();
	struct http_client *c = http_client_new(l, &(struct http_client_opts){0});
	struct tcp_script *s = tcp_script_new(l, rows[_i]);
	struct op *op;
	int i;

	port = (unsigned)strtoul(strchr(tcp_script_host(s), ':') + 1, NULL, 10);
	if (_i == 3)
		tcp_script_unlisten(s);
	op = get(l, c, NULL);
	ck_assert_int_eq(op->err.kind, ERR_RETRY);
	ck_assert_msg(!http_result(op)->tls_answered, "row %d: %s", _i, op->err.msg);
	ck_assert_msg(http_result(op)->no_tls == (_i == 0), "row %d: %s", _i, op->err.msg);
	ck_assert_msg(!!strstr(op->err.msg, "': it speaks no TLS") == (_i == 0), "%s", op->err.msg);
	op_free(op);
	http_client_free(c);
	for (i = 0; i < 20; i++)
		loop_turn(l, false);
	tcp_script_free(s);
	ck_assert_int_eq(loop_free(l), 0);
}
END_TEST

Suite *suite_client_tls(void);
Suite *suite_client_tls(void)
{
	Suite *s = suite_create("client_tls");
	TCase *tc = tcase_create("client_tls");

	tcase_set_timeout(tc, 30);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, test_trust, 0, (int)ARRAY_LEN(TRUST));
	tcase_add_loop_test(tc, test_trust_by_name, 0, 4);
	tcase_add_loop_test(tc, test_system, 0, 2 * (int)ARRAY_LEN(SYSTEM));
	tcase_add_loop_test(tc, test_system_changes, 0, (int)ARRAY_LEN(CHANGES));
	tcase_add_test(tc, test_session);
	tcase_add_test(tc, test_trust_is_copied);
	tcase_add_loop_test(tc, test_proxy_trust, 0, 4);
	tcase_add_loop_test(tc, test_no_tls, 0, 4);
	suite_add_tcase(s, tc);
	return s;
}
