#include "test/unit/git/wire.h"

#include "base/mem.h"
#include "http/client.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const SETUP =
	"git init -q --bare --template= -b main app.git; git -C app.git config http.receivepack "
	"true;"
	"git -C app.git config receive.advertisePushOptions true;"
	"git -C app.git config uploadpack.allowFilter true;"
	"git init -q --template= -b main work; cd work; echo 1 > a.txt; git add .; git commit -qm "
	"one;"
	"echo 2 > a.txt; git commit -qam two; git tag -am tagged v1; git branch staging;"
	"mkdir d; echo 'b: 1' > d/b.yaml; git add .; git commit -qm three; git tag v2;"
	"git push -q ../app.git main staging v1 v2";

static void done(struct op *op, void *arg)
{
	(void)op;
	*(bool *)arg = true;
}

/* Made once for all tests of a suite, and copied. */
static char template[] = "/tmp/wire-git-XXXXXX";

void wire_setup(void)
{
	struct loop *l = loop_new();
	struct fake_git *g = fake_git_new(l);
	auto_free char *copy = NULL;

	ck_assert(mkdtemp(template) != NULL);
	fake_git_run(g, SETUP);
	copy = mem_printf("cp -r . %s", template);
	fake_git_run(g, copy);
	fake_git_free(g);
	while (loop_turn(l, false))
		;
	ck_assert_int_eq(loop_free(l), 0);
}

void wire_teardown(void)
{
	auto_free char *command = mem_printf("rm -rf %s", template);

	ck_assert_int_eq(system(command), 0);
	memcpy(template + strlen(template) - 6, "XXXXXX", 6);
}

static void init(struct wire *w, const char *setup)
{
	struct http_client_opts opts = {.user_agent = "flux/v2"};
	struct err err = {0};
	auto_free char *lies = NULL;

	unsetenv("http_proxy");
	unsetenv("https_proxy");
	*w = (struct wire){.loop = loop_new()};
	w->http = http_client_new(w->loop, &opts);
	w->server = fake_git_new(w->loop);
	w->liar = fake_registry_new(w->loop);
	w->state = mem_printf("%s/state", fake_git_folder(w->server));
	w->folder = gitc_folder_new(w->state, &err);
	ck_assert_msg(w->folder != NULL, "%s", err.msg);
	w->git = gitc_client_new(
		w->loop, &(struct gitc_client_opts){.http = w->http, .folder = w->folder});
	if (setup)
		fake_git_run(w->server, setup);
	ck_assert(!gitc_url_parse(&w->url, fake_git_url(w->server, "app.git"), &err));
	lies = mem_printf("http://%s/app.git", fake_host(w->liar));
	ck_assert(!gitc_url_parse(&w->lies, lies, &err));
	w->auth = gitc_auth_new();
	secret_set(&w->auth->basic, "u:p4ssword", 10);
	gitc_auth_seal(w->auth);
}

void wire_init(struct wire *w)
{
	auto_free char *copy = mem_printf("cp -r %s/. .", template);

	init(w, copy);
}

void wire_init_lies(struct wire *w)
{
	init(w, NULL);
}

void wire_clear(struct wire *w)
{
	gitc_auth_unref(w->auth);
	gitc_url_clear(&w->url);
	gitc_url_clear(&w->lies);
	gitc_client_free(w->git);
	gitc_folder_free(w->folder);
	http_client_free(w->http);
	fake_registry_free(w->liar);
	fake_git_free(w->server);
	free(w->state);
	while (loop_turn(w->loop, false))
		;
	ck_assert_int_eq(loop_free(w->loop), 0);
}

void wire_wait(struct wire *w, struct op *op)
{
	bool ended = false;

	if (op->done)
		return;
	op_then(op, done, &ended);
	while (!ended)
		loop_turn(w->loop, true);
}

void wire_ok(const struct op *op)
{
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
}

void wire_failed(const struct op *op, int code, const char *says)
{
	ck_assert_msg(op->err.kind != ERR_NONE, "no error where '%s' was expected", says);
	ck_assert_msg(strstr(op->err.msg, says), "'%s' does not say '%s'", op->err.msg, says);
	ck_assert_msg(!strstr(op->err.msg, "p4ssword"), "%s", op->err.msg);
	ck_assert_msg(op->err.code == code, "code %d, not %d: %s", op->err.code, code, op->err.msg);
}

struct gitc_oid wire_oid(struct wire *w, const char *what)
{
	auto_free char *command = mem_printf("git -C app.git rev-parse '%s'", what);
	auto_free char *hex = fake_git_ask(w->server, command);
	struct gitc_oid oid;

	ck_assert_msg(gitc_oid_parse(&oid, hex, strlen(hex)), "%s", hex);
	return oid;
}

struct gitc_target wire_target(const struct wire *w)
{
	return (struct gitc_target){.url = &w->url, .auth = w->auth, .owner = "apps"};
}

struct gitc_target wire_lies(const struct wire *w)
{
	return (struct gitc_target){.url = &w->lies, .auth = w->auth, .owner = "apps"};
}

static struct fake_answer *add(
	struct wire *w, const char *method, const char *path, const char *headers)
{
	struct fake_answer *a = fake_on(w->liar, method, path);

	a->headers = headers;
	return a;
}

struct fake_answer *wire_advert(struct wire *w, const char *service, const char *body)
{
	bool up = !strcmp(service, "git-upload-pack");
	struct fake_answer *a = add(w, "GET",
		up ? "/app.git/info/refs?service=git-upload-pack"
		   : "/app.git/info/refs?service=git-receive-pack",
		up ? "Content-Type: application/x-git-upload-pack-advertisement\r\n"
		   : "Content-Type: application/x-git-receive-pack-advertisement\r\n");

	a->body = body;
	return a;
}

struct fake_answer *wire_answer(struct wire *w, const char *service, const char *body, size_t n)
{
	bool up = !strcmp(service, "git-upload-pack");
	struct fake_answer *a =
		add(w, "POST", up ? "/app.git/git-upload-pack" : "/app.git/git-receive-pack",
			up ? "Content-Type: application/x-git-upload-pack-result\r\n"
			   : "Content-Type: application/x-git-receive-pack-result\r\n");

	a->body = body;
	a->body_len = n;
	return a;
}

char *wire_pkts(const char *first, ...)
{
	struct buf b = BUF_INIT(BUF_ANY);
	const char *line;
	va_list ap;

	va_start(ap, first);
	for (line = first; line; line = va_arg(ap, const char *)) {
		if (!strcmp(line, "0000") || !strcmp(line, "0001"))
			buf_adds(&b, line);
		else
			buf_addf(&b, "%04zx%s\n", strlen(line) + 5, line);
	}
	va_end(ap);
	return buf_take(&b);
}
