/* Git over ssh, with OpenSSH's server and git itself at the other end. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "git/auth.h"
#include "git/client.h"
#include "git/fetch.h"
#include "git/folder.h"
#include "git/gitc.h"
#include "git/objects.h"
#include "git/push.h"
#include "git/refs.h"
#include "git/ssh.h"
#include "git/url.h"
#include "http/client.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

Suite *suite_ssh(void);

static char dir[] = "/tmp/test-gitssh-XXXXXX";
/* Of the server: it takes GIT_PROTOCOL at the first, so that the second speaks v0. */
static unsigned port[2];
static pid_t server;
static struct loop *loop;
static struct http_client *http;
static struct gitc_folder *folder;
static struct gitc_client *git;
static struct gitc_url url;
static struct gitc_auth *auth;

static int sh(const char *script)
{
	auto_free char *all = mem_printf(
		"D=%s P=%u Q=%u; cd $D && { %s; } >/dev/null 2>&1", dir, port[0], port[1], script);

	return system(all);
}

static int listener(unsigned *to)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(!bind(fd, (struct sockaddr *)&a, sizeof(a)) && !listen(fd, 8) &&
		!getsockname(fd, (struct sockaddr *)&a, &n));
	*to = ntohs(a.sin_port);
	return fd;
}

static bool answers(unsigned at)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)at)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool yes = !connect(fd, (struct sockaddr *)&a, sizeof(a));

	close(fd);
	return yes;
}

static void server_start(void)
{
	auto_free char *config = mem_printf("%s/config", dir);
	int a = listener(&port[0]), b = listener(&port[1]), i;

	close(a);
	close(b);
	ck_assert_int_eq(sh("{ echo Port $P; echo Port $Q; echo ListenAddress 127.0.0.1; echo "
			    "HostKey $D/host; echo PidFile none; echo AuthorizedKeysFile $D/keys; "
			    "echo StrictModes no; echo UsePAM no; echo PermitRootLogin yes; echo "
			    "MaxStartups 100; echo Match LocalPort $P; echo AcceptEnv "
			    "GIT_PROTOCOL; } >config; [ $(id -u) -ne 0 ] || mkdir -p /run/sshd"),
		0);
	server = fork();
	if (!server) {
		auto_free char *log = mem_printf("%s/log", dir);

		execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-E", log, "-f", config, NULL);
		_exit(127);
	}
	for (i = 0; i < 1000 && !(answers(port[0]) && answers(port[1])); i++)
		usleep(10000);
	ck_assert_int_lt(i, 1000);
}

static void world_make(void)
{
	memcpy(dir + sizeof(dir) - 7, "XXXXXX", 6);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(
		sh("key() { f=$1; shift; ssh-keygen -q -f $f -C $f \"$@\"; }; key host -t ed25519 "
		   "-N ''; key other -t ed25519 -N ''; key ed -t ed25519 -N ''; key rsa -t rsa -b "
		   "2048 -N ''; key ec -t ecdsa -N ''; key locked -t ed25519 -a 2 -N 'some words'; "
		   "key stranger -t ed25519 -N ''; cat ed.pub rsa.pub ec.pub locked.pub >keys; git "
		   "init -q -b main work && cd work && git config user.email a@b && git config "
		   "user.name a && echo 1 >a && git add a && git commit -qm one && git tag v1 && "
		   "echo 2 >a && git commit -qam two && git clone -q --bare . \"$D/it's a "
		   "repo!.git\" && git clone -q --bare . $D/app.git && cd $D && git -C app.git "
		   "config uploadpack.allowFilter true"),
		0);
	server_start();
	ck_assert_int_eq(sh("for p in $P $Q; do echo \"[127.0.0.1]:$p $(cut -d ' ' -f 1,2 "
			    "host.pub)\"; done >known; sed \"s,AAAA.*,$(cut -d ' ' -f 2 "
			    "other.pub),\" known >changed"),
		0);
}

static void world_end(void)
{
	kill(server, SIGTERM);
	waitpid(server, NULL, 0);
	ck_assert_int_eq(sh("rm -rf $D"), 0);
}

static void file_read(const char *name, struct buf *b)
{
	auto_free char *path = mem_printf("%s/%s", dir, name);
	struct err err = {0};

	buf_init(b, 1 << 20);
	ck_assert_msg(!sys_read_file(AT_FDCWD, path, b, &err), "%s", err.msg);
}

static void auth_is(const char *key, const char *passphrase, const char *hosts)
{
	struct buf b;

	gitc_auth_unref(auth);
	auth = gitc_auth_new();
	if (key) {
		file_read(key, &b);
		secret_set(&auth->identity, b.p, b.len);
		buf_clear(&b);
	}
	if (passphrase)
		secret_set(&auth->passphrase, passphrase, strlen(passphrase));
	if (hosts)
		file_read(hosts, &auth->known_hosts);
	gitc_auth_seal(auth);
}

/* path: in a URL. */
static void url_is(unsigned at, const char *path)
{
	auto_free char *text = mem_printf(
		"ssh://%s@127.0.0.1:%u%s/%s", getpwuid(getuid())->pw_name, at, dir, path);
	struct err err = {0};

	gitc_url_clear(&url);
	ck_assert_msg(!gitc_url_parse(&url, text, &err), "%s", err.msg);
}

static void client_new(const char *kex, const char *host_keys)
{
	gitc_client_free(git);
	git = gitc_client_new(loop,
		&(struct gitc_client_opts){.http = http,
			.folder = folder,
			.ssh_kex = kex,
			.ssh_host_keys = host_keys});
}

static void setup(void)
{
	auto_free char *state = mem_printf("%s/state-%d", dir, (int)getpid());
	struct err err = {0};

	prctl(PR_SET_CHILD_SUBREAPER, 1); /* as the first process of a container */
	loop = loop_new();
	http = http_client_new(loop, &(struct http_client_opts){0});
	folder = gitc_folder_new(state, &err);
	ck_assert_msg(folder != NULL, "%s", err.msg);
	client_new(NULL, NULL);
	auth_is("ed", NULL, "known");
	url_is(port[0], "app.git");
}

static void teardown(void)
{
	gitc_client_free(git);
	gitc_folder_free(folder);
	http_client_free(http);
	gitc_url_clear(&url);
	gitc_auth_unref(auth);
	ck_assert_int_eq(loop_free(loop), 0);
	ck_assert(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static struct gitc_target target(void)
{
	return (struct gitc_target){.url = &url, .auth = auth, .timeout_ms = 60000};
}

static void wait_for(struct op *op)
{
	while (!op->done)
		loop_turn(loop, true);
}

static struct op *refs_get(void)
{
	struct op *op = gitc_refs_start(git, &(struct gitc_refs_req){.target = target()});

	wait_for(op);
	return op;
}

static struct gitc_oid oid_of(const char *what)
{
	auto_free char *script = mem_printf("git -C app.git rev-parse %s >oid", what);
	struct gitc_oid oid;
	struct buf b;

	ck_assert_int_eq(sh(script), 0);
	file_read("oid", &b);
	ck_assert(gitc_oid_parse(&oid, b.p, 40));
	buf_clear(&b);
	return oid;
}

static void refs_are_there(void)
{
	struct op *op = refs_get();
	const struct gitc_ref *main_ref, *tag;
	struct gitc_oid want = oid_of("main");

	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	main_ref = gitc_refs_find(gitc_refs_result(op), "refs/heads/main");
	tag = gitc_refs_find(gitc_refs_result(op), "refs/tags/v1");
	ck_assert(main_ref && tag && gitc_oid_equal(&main_ref->oid, &want));
	op_free(op);
}

static void refs_fail(int code, const char *why)
{
	struct op *op = refs_get();

	ck_assert_int_ne(op->err.kind, ERR_NONE);
	ck_assert_msg(strstr(op->err.msg, why) != NULL, "'%s' has no '%s'", op->err.msg, why);
	ck_assert_int_eq(op->err.code, code);
	op_free(op);
}

/* ---- what works: IU-21, GR-22 ---------------------------------------------------------------- */

static const struct {
	const char *key, *passphrase, *path;
	bool v0;
} WORKS[] = {
	{"ed", NULL, "app.git", false},
	{"ed", NULL, "app.git", true},
	{"rsa", NULL, "app.git", false},
	{"ec", "not needed", "app.git", false},
	{"locked", "some words", "app.git", false},
	{"ed", NULL, "it's%20a%20repo!.git", false},
};

START_TEST(test_iu_21_refs)
{
	auth_is(WORKS[_i].key, WORKS[_i].passphrase, "known");
	url_is(port[WORKS[_i].v0], WORKS[_i].path);
	refs_are_there();
}
END_TEST

START_TEST(test_algorithms)
{
	client_new("curve25519-sha256", "ssh-ed25519");
	refs_are_there();
	client_new("diffie-hellman-group1-sha1", NULL);
	refs_fail(0, "no matching key exchange method found");
	client_new(NULL, "ecdsa-sha2-nistp256");
	refs_fail(0, "no matching host key type found");
	client_new("nonsense", NULL);
	refs_fail(0, "--ssh-kex-algos names one that the ssh client does not have");
	client_new(NULL, "nonsense");
	refs_fail(0, "--ssh-hostkey-algos names one that the ssh client does not have");
}
END_TEST

START_TEST(test_iu_21_fetch_and_push)
{
	static const char empty_pack[] =
		"PACK\0\0\0\2\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82"
		"\x3c\xfd\x3e\xd3\x1e";
	struct gitc_oid tip = oid_of("main"), other;
	struct gitc_update up = {.name = "refs/heads/new", .new = tip};
	auto_buf struct buf pack = BUF_INIT(1000);
	struct gitc_objects *objects;
	struct op *op;

	url_is(port[_i], "app.git");
	op = gitc_fetch_start(git,
		&(struct gitc_fetch_req){
			.target = target(), .want = &tip, .n_want = 1, .depth = 1});
	wait_for(op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	objects = gitc_fetch_take(op);
	ck_assert(gitc_objects_has(objects, &tip));
	gitc_objects_unref(objects);
	op_free(op);
	buf_add(&pack, empty_pack, sizeof(empty_pack) - 1);
	op = gitc_push_start(git,
		&(struct gitc_push_req){
			.target = target(), .updates = &up, .n_updates = 1, .pack = &pack});
	wait_for(op);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	ck_assert_msg(gitc_push_result(op)->ok, "%s", gitc_push_result(op)->updates[0].why);
	op_free(op);
	other = oid_of("new");
	ck_assert(gitc_oid_equal(&other, &tip));
	ck_assert_int_eq(sh("git -C app.git update-ref -d refs/heads/new"), 0);
}
END_TEST

/* ---- what is refused: GR-16, GR-17 ----------------------------------------------------------- */

static const struct {
	const char *key, *passphrase, *hosts, *why;
} REFUSED[] = {
	{NULL, NULL, "known", "ssh wants a private key, 'identity' of a Secret, and there is none"},
	{"ed", NULL, NULL,
		"ssh wants the host keys, 'known_hosts' of the Secret, and there are none"},
	{"locked", NULL, "known",
		"identity: the private key is encrypted and there is no passphrase"},
	{"locked", "other words", "known", "identity: the passphrase of the private key is wrong"},
	{"keys", NULL, "known", "identity: it is no private key in PEM, or it is broken"},
	{"stranger", NULL, "known", "ssh: the server does not take the private key for this user"},
	/* GR-17 */
	{"ed", NULL, "changed",
		"ssh: the host key has changed: the one of the server is not the one in "
		"known_hosts"},
	{"ed", NULL, "ed.pub",
		"ssh: known_hosts has no host key of the server of this kind: none of kind ED25519 "
		"for '[127.0.0.1]:"},
};

START_TEST(test_gr_16_gr_17)
{
	auth_is(REFUSED[_i].key, REFUSED[_i].passphrase, REFUSED[_i].hosts);
	refs_fail(GITC_AUTH_FAILED, REFUSED[_i].why);
}
END_TEST

START_TEST(test_no_repository)
{
	url_is(port[0], "none.git");
	refs_fail(GITC_NOT_FOUND, "does not appear to be a git repository");
}
END_TEST

START_TEST(test_no_server)
{
	unsigned gone;

	close(listener(&gone));
	url_is(gone, "app.git");
	refs_fail(0, "Connection refused");
}
END_TEST

static void url_part(char **part, const char *text)
{
	free(*part);
	*part = mem_strdup(text);
}

/* What a URL's reader should not have let through. */
START_TEST(test_nothing_is_an_option)
{
	static const char *const USERS[] = {"-oProxyCommand=x", "", "a b", "a\nb", "a;b", "$(id)"};
	static const char *const HOSTS[] = {"-oProxyCommand=x", "", "a b", "a/b", "%h"};
	auto_free char *user = mem_strdup(url.user), *path = NULL;
	size_t i;

	for (i = 0; i < ARRAY_LEN(USERS); i++) {
		url_part(&url.user, USERS[i]);
		refs_fail(0, "the user name in the URL is none that ssh takes");
	}
	url_part(&url.user, user);
	path = mem_printf("/x'; touch %s/touched; '", dir);
	url_part(&url.path, path);
	refs_fail(GITC_NOT_FOUND, "does not appear to be a git repository");
	ck_assert_int_ne(sh("[ -e touched ]"), 0);
	url_part(&url.path, "/--upload-pack=x");
	refs_fail(GITC_NOT_FOUND, "does not appear to be a git repository");
	url_part(&url.path, "/a\nb");
	refs_fail(0, "the path in the URL has a control character");
	for (i = 0; i < ARRAY_LEN(HOSTS); i++) {
		url_part(&url.host, HOSTS[i]);
		refs_fail(0, "the host in the URL is none that ssh takes");
	}
}
END_TEST

/* ---- how it ends ----------------------------------------------------------------------------- */

/* After so many turns of the loop. */
START_TEST(test_cancel)
{
	struct gitc_oid tip = oid_of("main");
	struct op *op = gitc_fetch_start(
		git, &(struct gitc_fetch_req){.target = target(), .want = &tip, .n_want = 1});
	int i;

	for (i = 0; i < 2 * _i && !op->done; i++)
		loop_turn(loop, true);
	op_cancel(op);
	wait_for(op);
	op_free(op);
}
END_TEST

/* A server that takes the connection and says nothing. */
START_TEST(test_deadline)
{
	unsigned silent;
	int fd = listener(&silent), peer;
	struct op *op;

	clock_fake(1000000);
	url_is(silent, "app.git");
	op = gitc_refs_start(git, &(struct gitc_refs_req){.target = target()});
	fcntl(fd, F_SETFL, O_NONBLOCK);
	while ((peer = accept(fd, NULL, NULL)) < 0)
		loop_turn(loop, false);
	loop_test_advance(loop, 59000);
	loop_turn(loop, false);
	ck_assert(!op->done);
	loop_test_advance(loop, 2000);
	wait_for(op);
	ck_assert_ptr_nonnull(strstr(op->err.msg, "no whole answer within 1m0s"));
	op_free(op);
	close(fd);
	close(peer);
}
END_TEST

Suite *suite_ssh(void)
{
	Suite *s = suite_create("ssh");
	TCase *t = tcase_create("ssh");

	tcase_add_unchecked_fixture(t, world_make, world_end);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_iu_21_refs, 0, (int)ARRAY_LEN(WORKS));
	tcase_add_test(t, test_algorithms);
	tcase_add_loop_test(t, test_iu_21_fetch_and_push, 0, 2);
	tcase_add_loop_test(t, test_gr_16_gr_17, 0, (int)ARRAY_LEN(REFUSED));
	tcase_add_test(t, test_no_repository);
	tcase_add_test(t, test_no_server);
	tcase_add_test(t, test_nothing_is_an_option);
	tcase_add_loop_test(t, test_cancel, 0, 8);
	tcase_add_test(t, test_deadline);
	suite_add_tcase(s, t);
	return s;
}
