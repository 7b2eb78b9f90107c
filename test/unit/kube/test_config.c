#include "kube/config.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <check.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];

static void put(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static void setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/kube-config-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	unsetenv("KUBERNETES_SERVICE_HOST");
	unsetenv("KUBERNETES_SERVICE_PORT");
	clock_fake(0);
}

static int drop(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void teardown(void)
{
	nftw(dir, drop, 8, FTW_DEPTH | FTW_PHYS);
}

static struct kube_config *load(const char *file, const char *context, struct err *err)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return kube_config_load(
		&(struct kube_config_opts){.kubeconfig = path, .context = context}, err);
}

#define TWO_CONTEXTS \
	"apiVersion: v1\nkind: Config\ncurrent-context: one\n" \
	"contexts:\n" \
	"- {name: one, context: {cluster: c1, user: u1, namespace: apps}}\n" \
	"- {name: two, context: {cluster: c2, user: u2}}\n" \
	"clusters:\n" \
	"- name: c1\n  cluster: {server: 'https://api.example.com/base/path/', " \
	"certificate-authority-data: aGVsbG8=,\n" \
	"    tls-server-name: other.example, proxy-url: 'socks5://me:p%20w@10.0.0.1'}\n" \
	"- name: c2\n  cluster: {server: 'http://[::1]:8080', certificate-authority: ca.pem}\n" \
	"users:\n" \
	"- {name: u1, user: {token: tok}}\n" \
	"- {name: u2, user: {client-certificate: crt.pem, client-key-data: a2V5, username: me, " \
	"password: pw}}\n"

START_TEST(test_contexts)
{
	struct err err = {0};
	struct kube_config *c;

	put("config", TWO_CONTEXTS);
	put("ca.pem", "the ca");
	put("crt.pem", "the crt");
	c = load("config", NULL, &err);
	ck_assert_msg(c, "%s", err.msg);
	ck_assert_str_eq(c->server, "https://api.example.com/base/path");
	ck_assert_str_eq(c->host, "api.example.com:443");
	ck_assert_str_eq(c->ns, "apps");
	ck_assert_str_eq(kube_config_token(c, true)->p, "tok");
	ck_assert_str_eq(buf_str(&c->trust.ca_pem), "hello");
	ck_assert(c->trust.ca_only);
	ck_assert(!c->trust.insecure);
	ck_assert_str_eq(c->trust.server_name, "other.example");
	ck_assert_str_eq(c->proxy.url, "socks5h://10.0.0.1:1080");
	ck_assert_str_eq(c->proxy.user, "me");
	ck_assert_str_eq(c->proxy.password.p, "p w");
	kube_config_free(c);

	c = load("config", "two", &err);
	ck_assert_msg(c, "%s", err.msg);
	ck_assert_str_eq(c->server, "http://[::1]:8080");
	ck_assert_str_eq(c->host, "[::1]:8080");
	ck_assert_str_eq(c->ns, "default");
	ck_assert_ptr_null(kube_config_token(c, false));
	ck_assert_str_eq(buf_str(&c->trust.ca_pem), "the ca");
	ck_assert_str_eq(buf_str(&c->trust.cert_pem), "the crt");
	ck_assert_str_eq(c->trust.key_pem.p, "key");
	ck_assert_str_eq(c->basic.p, "me:pw");
	kube_config_free(c);
}
END_TEST

#define ONE(cluster, user) \
	"current-context: x\ncontexts: [{name: x, context: {cluster: x, user: x}}]\n" \
	"clusters: [{name: x, cluster: {" cluster "}}]\nusers: [{name: x, user: {" user "}}]\n"

static const struct {
	const char *name, *text, *why; /* why NULL: taken */
} FILES[] = {
	{"minimal", ONE("server: 'http://a'", ""), NULL},
	{"JSON",
		"{\"current-context\":\"x\",\"contexts\":[{\"name\":\"x\",\"context\":{\"cluster\":"
		"\"x\"}}],"
		"\"clusters\":[{\"name\":\"x\",\"cluster\":{\"server\":\"https://a\"}}]}",
		NULL},
	{"insecure", ONE("server: 'https://a', insecure-skip-tls-verify: true", ""), NULL},
	{"host and port only", ONE("server: 'a:8080'", ""), NULL},
	{"user is null",
		"current-context: x\ncontexts: [{name: x, context: {cluster: x, user: x}}]\n"
		"clusters: [{name: x, cluster: {server: 'http://a'}}]\nusers: [{name: x, user: "
		"null}]\n",
		NULL},
	{"exec is null", ONE("server: 'http://a'", "exec: null, token: a"), NULL},
	{"exec", ONE("server: 'http://a'", "exec: {command: aws}"),
		"'exec', which is not supported"},
	{"auth-provider", ONE("server: 'http://a'", "auth-provider: {name: gcp}"),
		"'auth-provider'"},
	{"impersonation", ONE("server: 'http://a'", "as: admin"), "'as'"},
	{"no context", "contexts: []\n", "no current-context"},
	{"unknown context", "current-context: nope\n", "no context 'nope'"},
	{"unknown cluster", "current-context: x\ncontexts: [{name: x, context: {cluster: q}}]\n",
		"no cluster 'q'"},
	{"unknown user",
		"current-context: x\ncontexts: [{name: x, context: {cluster: x, user: q}}]\n"
		"clusters: [{name: x, cluster: {server: 'http://a'}}]\n",
		"no user 'q'"},
	{"no server", ONE("", ""), "no server"},
	{"bad server", ONE("server: 'ftp://hush'", ""), "not a valid URL"},
	{"server with a user", ONE("server: 'https://hush:hush@a'", ""), "holds a user"},
	{"server with a query", ONE("server: 'https://a?token=hush'", ""), "a query"},
	{"ca and insecure",
		ONE("server: 'https://a', insecure-skip-tls-verify: true, "
		    "certificate-authority-data: aGVsbG8=",
			""),
		"exclude each other"},
	{"ca file missing", ONE("server: 'https://a', certificate-authority: nix", ""),
		"certificate-authority: open"},
	{"ca of garbage", ONE("server: 'https://a', certificate-authority-data: '*hush*'", ""),
		"certificate-authority-data"},
	{"key missing", ONE("server: 'https://a'", "client-certificate-data: aGVsbG8="),
		"need each other"},
	{"token file missing", ONE("server: 'https://a'", "tokenFile: nix"), "tokenFile"},
	{"proxy with a broken password",
		ONE("server: 'https://a', proxy-url: 'http://hush:%hush@a'", ""),
		"proxy-url: the proxy's URL is malformed"},
	{"proxy of another kind", ONE("server: 'https://a', proxy-url: 'ftp://a'", ""),
		"proxy-url"},
	{"no mapping", "- a\n", "not a kubeconfig"},
	{"two documents", "a: b\n---\nc: d\n", "not a kubeconfig"},
	{"broken", "a: [\n", "config: line"},
	{"empty", "", "no current-context"},
};

START_TEST(test_files)
{
	struct err err = {0};
	struct kube_config *c;

	put("config", FILES[_i].text);
	c = load("config", NULL, &err);
	if (FILES[_i].why) {
		ck_assert_msg(!c, "%s: taken", FILES[_i].name);
		ck_assert_msg(strstr(err.msg, FILES[_i].why), "%s: '%s'", FILES[_i].name, err.msg);
		ck_assert_msg(!strstr(err.msg, "hush"), "%s: '%s'", FILES[_i].name, err.msg);
	} else {
		ck_assert_msg(c, "%s: %s", FILES[_i].name, err.msg);
	}
	kube_config_free(c);
}
END_TEST

/* KUBECONFIG with several files: the first to name a thing wins, files that are not there are
   skipped, paths are relative to their file. */
START_TEST(test_env)
{
	struct err err = {0};
	char env[512];
	struct kube_config *c;
	char sub[256];

	snprintf(sub, sizeof(sub), "%s/sub", dir);
	mkdir(sub, 0700);
	put("sub/ca.pem", "sub ca");
	put("first", "current-context: x\nusers: [{name: x, user: {token: first}}]\n");
	put("sub/second",
		ONE("server: 'https://a', certificate-authority: ca.pem", "token: second"));
	snprintf(env, sizeof(env), "%s/nix::%s/first:%s/sub/second", dir, dir, dir);
	c = kube_config_load(&(struct kube_config_opts){.env = env}, &err);
	ck_assert_msg(c, "%s", err.msg);
	ck_assert_str_eq(c->token.p, "first");
	ck_assert_str_eq(buf_str(&c->trust.ca_pem), "sub ca");
	kube_config_free(c);
	/* given by the flag, a file must be there */
	snprintf(env, sizeof(env), "%s/nix", dir);
	c = kube_config_load(
		&(struct kube_config_opts){.kubeconfig = env, .env = "/dev/null"}, &err);
	ck_assert_ptr_null(c);
	ck_assert_ptr_nonnull(strstr(err.msg, "nix"));
}
END_TEST

START_TEST(test_in_cluster)
{
	struct kube_config_opts opts = {.service_account_dir = dir};
	struct err err = {0};
	struct kube_config *c;

	ck_assert_ptr_null(kube_config_load(&opts, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "--kubeconfig"));
	setenv("KUBERNETES_SERVICE_HOST", _i ? "fd00::1" : "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	ck_assert_ptr_null(kube_config_load(&opts, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "token"));
	put("token", "tok1\n");
	ck_assert_ptr_null(kube_config_load(&opts, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "CA"));
	put("ca.crt", "pem");
	put("namespace", "flux-system");
	c = kube_config_load(&opts, &err);
	ck_assert_msg(c, "%s", err.msg);
	ck_assert_str_eq(c->server, _i ? "https://[fd00::1]" : "https://10.96.0.1");
	ck_assert_str_eq(c->host, _i ? "[fd00::1]:443" : "10.96.0.1:443");
	ck_assert_str_eq(c->ns, "flux-system");
	ck_assert(c->trust.ca_only);
	ck_assert_str_eq(buf_str(&c->trust.ca_pem), "pem");
	/* rotation: once a minute, or when refused; a broken file leaves the old token */
	put("token", "tok2");
	ck_assert_str_eq(kube_config_token(c, false)->p, "tok1");
	clock_fake_add(60000);
	ck_assert_str_eq(kube_config_token(c, false)->p, "tok2");
	put("token", "tok3");
	ck_assert_str_eq(kube_config_token(c, false)->p, "tok2");
	ck_assert_str_eq(kube_config_token(c, true)->p, "tok3");
	put("token", "");
	ck_assert_str_eq(kube_config_token(c, true)->p, "tok3");
	put("token", "a b");
	ck_assert_str_eq(kube_config_token(c, true)->p, "tok3");
	kube_config_free(c);
}
END_TEST

/* ---- rotation -------------------------------------------------------------------------------- */

static void sh(const char *script)
{
	auto_free char *cmd = mem_printf("cd %s && %s", dir, script);

	ck_assert_msg(system(cmd) == 0, "%s", cmd);
}

static void make_pairs(void)
{
	sh("for i in 1 2 3; do openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 "
	   "-nodes -subj /CN=$i -keyout key$i -out crt$i 2>/dev/null || exit 1; done");
}

static bool holds(const char *file, const char *p, size_t n)
{
	auto_free char *path = mem_printf("%s/%s", dir, file);
	char text[8192];
	FILE *f = fopen(path, "r");
	size_t len;

	ck_assert_ptr_nonnull(f);
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	return len == n && !memcmp(text, p, n);
}

static int log_pipe[2];

/* Lines logged since the last call. */
static unsigned logged(void)
{
	char text[8192];
	ssize_t n = read(log_pipe[0], text, sizeof(text) - 1), i;
	unsigned lines = 0;

	for (i = 0; i < n; i++)
		lines += text[i] == '\n';
	return lines;
}

/* What is done to the files, and which of the three is in use ten seconds later. */
static const struct {
	const char *name, *script;
	unsigned ca, pair, logs;
} ROTATIONS[] = {
	{"nothing", "true", 1, 1, 0},
	{"a new CA", "cp crt2 ca", 2, 1, 1},
	{"its file is gone", "rm ca", 2, 1, 1},
	{"and still is", "true", 2, 1, 0},
	{"half of one", "head -c 300 crt3 >ca", 2, 1, 0},
	{"an empty one", ": >ca", 2, 1, 0},
	{"a whole one", "cp crt3 ca", 3, 1, 1},
	{"a certificate without its key", "cp crt2 crt", 3, 1, 1},
	{"its key as well", "cp key2 key", 3, 2, 1},
	{"a key without its certificate, and a CA", "cp key3 key && cp crt1 ca", 3, 2, 1},
	{"all of them", "cp crt3 crt", 1, 3, 2},
	{"the key cannot be read", "rm key && mkdir key", 1, 3, 1},
	{"a link in its place", "rmdir key && ln -s key3 key", 1, 3, 0},
	{"another target", "ln -sfn key1 key && cp crt1 crt", 1, 1, 1},
};

START_TEST(test_rotation)
{
	const struct http_trust *t;
	struct err err = {0};
	struct kube_config *c;
	char ca[16], crt[16], key[16];
	size_t i;

	ck_assert_int_eq(pipe2(log_pipe, O_NONBLOCK), 0);
	log_set_fd(log_pipe[1]);
	make_pairs();
	sh("cp crt1 ca && cp crt1 crt && cp key1 key");
	put("config",
		ONE("server: 'https://a', certificate-authority: ca",
			"client-certificate: crt, client-key: key"));
	c = load("config", NULL, &err);
	ck_assert_msg(c, "%s", err.msg);
	for (i = 0; i < ARRAY_LEN(ROTATIONS); i++) {
		sh(ROTATIONS[i].script);
		clock_fake_add(10000);
		t = kube_config_trust(c);
		snprintf(ca, sizeof(ca), "crt%u", ROTATIONS[i].ca);
		snprintf(crt, sizeof(crt), "crt%u", ROTATIONS[i].pair);
		snprintf(key, sizeof(key), "key%u", ROTATIONS[i].pair);
		ck_assert_msg(holds(ca, t->ca_pem.p, t->ca_pem.len), "%s: not the CA %s",
			ROTATIONS[i].name, ca);
		ck_assert_msg(holds(crt, t->cert_pem.p, t->cert_pem.len), "%s: not %s",
			ROTATIONS[i].name, crt);
		ck_assert_msg(holds(key, t->key_pem.p, t->key_pem.len), "%s: not %s",
			ROTATIONS[i].name, key);
		ck_assert_msg(logged() == ROTATIONS[i].logs, "%s: lines", ROTATIONS[i].name);
	}
	/* not before ten seconds have passed */
	sh("cp crt2 ca");
	clock_fake_add(9999);
	t = kube_config_trust(c);
	ck_assert(holds("crt1", t->ca_pem.p, t->ca_pem.len));
	clock_fake_add(1);
	t = kube_config_trust(c);
	ck_assert(holds("crt2", t->ca_pem.p, t->ca_pem.len));
	kube_config_free(c);
}
END_TEST

/* Of a pair with one half in the kubeconfig the other is never taken alone; in a cluster the CA is
   a file. */
START_TEST(test_rotation_elsewhere)
{
	struct kube_config_opts opts = {.service_account_dir = dir};
	const struct http_trust *t;
	struct err err = {0};
	struct kube_config *c;

	log_set_fd(-1);
	make_pairs();
	sh("cp crt1 crt && printf \"current-context: x\\ncontexts: [{name: x, context: {cluster: "
	   "x, "
	   "user: x}}]\\nclusters: [{name: x, cluster: {server: 'https://a', "
	   "certificate-authority-data: $(base64 -w0 crt1)}}]\\nusers: [{name: x, user: "
	   "{client-certificate: crt, client-key-data: $(base64 -w0 key1)}}]\\n\" >config");
	c = load("config", NULL, &err);
	ck_assert_msg(c, "%s", err.msg);
	sh("cp crt2 crt");
	clock_fake_add(10000);
	t = kube_config_trust(c);
	ck_assert(holds("crt1", t->cert_pem.p, t->cert_pem.len));
	ck_assert(holds("crt1", t->ca_pem.p, t->ca_pem.len));
	kube_config_free(c);

	setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1", 1);
	setenv("KUBERNETES_SERVICE_PORT", "443", 1);
	put("token", "tok");
	sh("cp crt1 ca.crt");
	c = kube_config_load(&opts, &err);
	ck_assert_msg(c, "%s", err.msg);
	sh("cp crt2 ca.crt");
	clock_fake_add(10000);
	t = kube_config_trust(c);
	ck_assert(holds("crt2", t->ca_pem.p, t->ca_pem.len));
	ck_assert(t->ca_only);
	kube_config_free(c);
}
END_TEST

Suite *suite_config(void);
Suite *suite_config(void)
{
	Suite *s = suite_create("config");
	TCase *tc = tcase_create("config");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, test_contexts);
	tcase_add_loop_test(tc, test_files, 0, (int)ARRAY_LEN(FILES));
	tcase_add_test(tc, test_env);
	tcase_add_loop_test(tc, test_in_cluster, 0, 2);
	tcase_add_test(tc, test_rotation);
	tcase_add_test(tc, test_rotation_elsewhere);
	suite_add_tcase(s, tc);
	return s;
}
