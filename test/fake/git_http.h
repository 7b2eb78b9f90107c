/*
 * The real `git http-backend` on the test's own loop: each request is one run of it as a CGI
 * program (git-http-backend(1)), which the loop waits for. The repositories lie in a folder of its
 * own below /tmp, and go with it.
 *
 *	struct fake_git *g = fake_git_new(loop);
 *	fake_git_run(g, "git init -q --bare app.git");           in that folder, by a shell
 *	... fake_git_url(g, "app.git") ...
 *	ck_assert_str_eq(fake_git_log(g), "GET /app.git/info/refs?service=git-upload-pack v2\n");
 *	fake_git_free(g);
 */
#ifndef FAKE_GIT_HTTP_H
#define FAKE_GIT_HTTP_H
#include <stdbool.h>

struct loop;
struct fake_git;

struct fake_git *fake_git_new(struct loop *l);
void fake_git_free(struct fake_git *g);
/* Fails the test when it fails. Git in it reads no configuration, and its commits have the same
   author and time each run. */
void fake_git_run(struct fake_git *g, const char *command);
/* What the command prints, without its last newline. The caller frees it. */
char *fake_git_ask(struct fake_git *g, const char *command);
const char *fake_git_folder(const struct fake_git *g);
/* "http://127.0.0.1:PORT/PATH": valid until the next call. */
const char *fake_git_url(struct fake_git *g, const char *path);
const char *fake_git_host(const struct fake_git *g);
/* Git-Protocol is not heard: v0 only. */
void fake_git_old(struct fake_git *g, bool old);
/* Without this Authorization: 401. NULL: it takes all. */
void fake_git_need(struct fake_git *g, const char *authorization);
/* Right before the n-th POST from now (1: the next) is served: this command, by a shell. Up to 8
   may wait. */
void fake_git_before_post(struct fake_git *g, unsigned n, const char *command);
/* Requests of which this is a part ("POST /app.git/git-upload-pack") get no answer until they are
   released; served: they are served all the same. NULL: from now on none is held. */
void fake_git_hold(struct fake_git *g, const char *part, bool served);
/* Those that wait; whose client has gone does not. */
unsigned fake_git_held(const struct fake_git *g);
/* They get their answers. One that was not served is served now. */
void fake_git_release(struct fake_git *g);
/* "METHOD target[ auth=...][ v2]" a line. */
const char *fake_git_log(const struct fake_git *g);
void fake_git_log_reset(struct fake_git *g);

#endif
