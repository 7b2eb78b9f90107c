#include "test/fake/git_http.h"

#include "base/buf.h"
#include "base/mem.h"
#include "http/server.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAITING_MAX 8

struct held {
	struct fake_git *g;
	struct http_exchange *x; /* NULL: this place is free */
	char *out; /* what the backend has said; NULL: it was not asked */
	size_t n;
};

struct fake_git {
	struct http_server *server;
	char folder[32];
	char *need, *url, *hold;
	struct {
		char *command; /* NULL: this place is free */
		unsigned nth;
	} before[WAITING_MAX];
	struct held held[WAITING_MAX];
	bool old, hold_served;
	struct buf log;
};

static char *read_all(int fd, size_t *n)
{
	struct buf b = BUF_INIT(BUF_ANY);
	ssize_t got;
	char *room;

	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	for (;;) {
		room = buf_room(&b, 65536);
		got = read(fd, room, 65536);
		ck_assert_int_ge(got, 0);
		if (!got)
			break;
		b.len += (size_t)got;
	}
	*n = b.len;
	buf_addc(&b, '\0');
	return buf_take(&b);
}

static int temp_file(void)
{
	int fd = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* ---- CGI ------------------------------------------------------------------------------------- */

static void set_environment(struct fake_git *g, struct http_exchange *x, const char *path,
	const char *query, const char *length)
{
	const char *version = http_x_header(x, "Git-Protocol"), *type;

	type = http_x_header(x, "Content-Type");
	setenv("GIT_PROJECT_ROOT", g->folder, 1);
	setenv("GIT_HTTP_EXPORT_ALL", "1", 1);
	setenv("REQUEST_METHOD", http_x_method(x), 1);
	setenv("PATH_INFO", path, 1);
	setenv("QUERY_STRING", query, 1);
	setenv("CONTENT_TYPE", type ? type : "", 1);
	setenv("CONTENT_LENGTH", length, 1);
	setenv("REMOTE_USER", "tester", 1);
	setenv("REMOTE_ADDR", "127.0.0.1", 1);
	if (version && !g->old)
		setenv("GIT_PROTOCOL", version, 1);
}

static char *run_backend(struct fake_git *g, struct http_exchange *x, size_t *n)
{
	const struct buf *body = http_x_body(x);
	char *target = mem_strdup(http_x_target(x)), *query = strchr(target, '?'), *out;
	int in = temp_file(), to = temp_file(), status;
	char length[32];
	pid_t pid;

	if (query)
		*query++ = '\0';
	snprintf(length, sizeof(length), "%zu", body->len);
	ck_assert_int_eq(write(in, buf_str(body), body->len), (ssize_t)body->len);
	ck_assert_int_eq(lseek(in, 0, SEEK_SET), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (!pid) {
		set_environment(g, x, target, query ? query : "", length);
		dup2(in, 0);
		dup2(to, 1);
		execlp("git", "git", "http-backend", (char *)NULL);
		_exit(127);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	out = read_all(to, n);
	close(in);
	close(to);
	free(target);
	return out;
}

/* "Status: 404 Not Found", "Content-Type: ...", an empty line, the body. */
static void answer(struct http_exchange *x, const char *out, size_t n)
{
	const char *body = strstr(out, "\r\n\r\n"), *line, *end;
	auto_free char *type = NULL;
	struct buf b = BUF_INIT(BUF_ANY);
	int status = 200;

	ck_assert_msg(body != NULL, "http-backend said '%s'", out);
	for (line = out; line < body; line = end + 2) {
		end = strstr(line, "\r\n");
		if (!strncasecmp(line, "Status: ", 8))
			status = (int)strtol(line + 8, NULL, 10);
		else if (!strncasecmp(line, "Content-Type: ", 14))
			type = mem_strndup(line + 14, (size_t)(end - line - 14));
	}
	body += 4;
	buf_add(&b, body, n - (size_t)(body - out));
	http_reply_buf(x, status, type, &b);
}

static void note(struct fake_git *g, struct http_exchange *x)
{
	const char *auth = http_x_header(x, "Authorization");

	buf_addf(&g->log, "%s %s", http_x_method(x), http_x_target(x));
	if (auth)
		buf_addf(&g->log, " auth=%s", auth);
	if (http_x_header(x, "Git-Protocol"))
		buf_adds(&g->log, " v2");
	buf_addc(&g->log, '\n');
}

static void run_before(struct fake_git *g)
{
	size_t i;

	for (i = 0; i < WAITING_MAX; i++)
		if (g->before[i].command && !--g->before[i].nth) {
			fake_git_run(g, g->before[i].command);
			free(MOVE(g->before[i].command));
		}
}

static void held_end(void *arg, struct http_exchange *x, bool gone)
{
	struct held *h = arg;

	(void)x;
	(void)gone;
	h->x = NULL;
	free(MOVE(h->out));
}

static bool is_held(struct fake_git *g, struct http_exchange *x)
{
	auto_free char *line = mem_printf("%s %s", http_x_method(x), http_x_target(x));
	size_t i;

	if (!g->hold || !strstr(line, g->hold))
		return false;
	for (i = 0; g->held[i].x; i++)
		ck_assert_uint_lt(i + 1, WAITING_MAX);
	g->held[i] = (struct held){.g = g, .x = x};
	if (g->hold_served)
		g->held[i].out = run_backend(g, x, &g->held[i].n);
	http_x_on_end(x, held_end, &g->held[i]);
	return true;
}

static void serve(struct fake_git *g, struct http_exchange *x, char *out, size_t n)
{
	if (!out)
		out = run_backend(g, x, &n);
	answer(x, out, n);
	free(out);
}

static void on_request(void *arg, struct http_exchange *x)
{
	const char *auth = http_x_header(x, "Authorization");
	struct fake_git *g = arg;

	note(g, x);
	if (g->need && (!auth || strcmp(auth, g->need) != 0)) {
		http_x_add_header(x, "WWW-Authenticate", "Basic realm=\"git\"");
		http_reply_text(x, 401, "who are you?\n");
		return;
	}
	if (!strcmp(http_x_method(x), "POST"))
		run_before(g);
	if (is_held(g, x))
		return;
	serve(g, x, NULL, 0);
}

/* ---- for tests ------------------------------------------------------------------------------- */

struct fake_git *fake_git_new(struct loop *l)
{
	struct fake_git *g = NEW(struct fake_git);
	struct err err = {0};

	snprintf(g->folder, sizeof(g->folder), "/tmp/fake-git-XXXXXX");
	ck_assert(mkdtemp(g->folder) != NULL);
	buf_init(&g->log, BUF_ANY);
	g->server = http_server_new(l,
		&(struct http_server_opts){.name = "git",
			.address = "127.0.0.1:0",
			.handler = on_request,
			.arg = g,
			.max_body = 64 * 1024 * 1024},
		&err);
	ck_assert_msg(g->server != NULL, "%s", err.msg);
	setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
	setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
	setenv("GIT_AUTHOR_NAME", "A", 1);
	setenv("GIT_AUTHOR_EMAIL", "a@example.com", 1);
	setenv("GIT_COMMITTER_NAME", "C", 1);
	setenv("GIT_COMMITTER_EMAIL", "c@example.com", 1);
	setenv("GIT_AUTHOR_DATE", "1700000000 +0000", 1);
	setenv("GIT_COMMITTER_DATE", "1700000000 +0000", 1);
	return g;
}

void fake_git_free(struct fake_git *g)
{
	auto_free char *command = mem_printf("rm -rf %s", g->folder);
	size_t i;

	for (i = 0; i < WAITING_MAX; i++) {
		free(g->before[i].command);
		free(g->held[i].out);
	}
	free(g->hold);
	ck_assert_int_eq(system(command), 0);
	http_server_free(g->server);
	buf_clear(&g->log);
	free(g->need);
	free(g->url);
	free(g);
}

void fake_git_run(struct fake_git *g, const char *command)
{
	free(fake_git_ask(g, command));
}

char *fake_git_ask(struct fake_git *g, const char *command)
{
	auto_free char *whole = mem_printf("set -e; cd %s; %s", g->folder, command);
	struct buf out = BUF_INIT(BUF_ANY);
	FILE *f = popen(whole, "r");
	size_t n;
	char *p;

	ck_assert(f != NULL);
	do {
		p = buf_room(&out, 4096);
		n = fread(p, 1, 4096, f);
		out.len += n;
	} while (n);
	ck_assert_msg(pclose(f) == 0, "'%s' failed", command);
	while (out.len && out.p[out.len - 1] == '\n')
		out.len--;
	p = mem_strndup(buf_str(&out), out.len);
	buf_clear(&out);
	return p;
}

const char *fake_git_folder(const struct fake_git *g)
{
	return g->folder;
}

const char *fake_git_host(const struct fake_git *g)
{
	return http_server_address(g->server);
}

const char *fake_git_url(struct fake_git *g, const char *path)
{
	free(g->url);
	g->url = mem_printf("http://%s/%s", fake_git_host(g), path);
	return g->url;
}

void fake_git_old(struct fake_git *g, bool old)
{
	g->old = old;
}

void fake_git_need(struct fake_git *g, const char *authorization)
{
	free(g->need);
	g->need = mem_strdup(authorization);
}

void fake_git_before_post(struct fake_git *g, unsigned n, const char *command)
{
	size_t i;

	for (i = 0; g->before[i].command; i++)
		ck_assert_uint_lt(i + 1, WAITING_MAX);
	g->before[i].command = mem_strdup(command);
	g->before[i].nth = n;
}

void fake_git_hold(struct fake_git *g, const char *part, bool served)
{
	free(g->hold);
	g->hold = mem_strdup(part);
	g->hold_served = served;
}

unsigned fake_git_held(const struct fake_git *g)
{
	unsigned n = 0, i;

	for (i = 0; i < WAITING_MAX; i++)
		n += g->held[i].x != NULL;
	return n;
}

void fake_git_release(struct fake_git *g)
{
	size_t i;

	for (i = 0; i < WAITING_MAX; i++)
		if (g->held[i].x)
			serve(g, MOVE(g->held[i].x), MOVE(g->held[i].out), g->held[i].n);
}

const char *fake_git_log(const struct fake_git *g)
{
	return buf_str(&g->log);
}

void fake_git_log_reset(struct fake_git *g)
{
	buf_reset(&g->log);
}
