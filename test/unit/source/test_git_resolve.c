/* Equal versions are told apart by their commits, and what comes for that is bounded. */
#include "source/git_resolve.h"

#include "base/mem.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "git/client.h"
#include "git/folder.h"
#include "git/gitc.h"
#include "git/url.h"
#include "http/client.h"
#include "test/fake/git_http.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

Suite *suite_git_resolve(void);

struct world {
	struct loop *loop;
	struct http_client *http;
	struct fake_git *server;
	struct gitc_folder *folder;
	struct gitc_client *git;
	struct gitc_url url;
};

static void world_init(struct world *w)
{
	struct err err = {0};
	auto_free char *state = NULL;

	unsetenv("http_proxy");
	*w = (struct world){.loop = loop_new()};
	w->http = http_client_new(w->loop, &(struct http_client_opts){.user_agent = "flux/v2"});
	w->server = fake_git_new(w->loop);
	state = mem_printf("%s/state", fake_git_folder(w->server));
	w->folder = gitc_folder_new(state, &err);
	ck_assert_msg(w->folder != NULL, "%s", err.msg);
	w->git = gitc_client_new(
		w->loop, &(struct gitc_client_opts){.http = w->http, .folder = w->folder});
	ck_assert(!gitc_url_parse(&w->url, fake_git_url(w->server, "app.git"), &err));
	fake_git_run(w->server,
		"git init -q --bare --template= -b main app.git; cd app.git; "
		"git config uploadpack.allowFilter true; "
		"t=$(git mktree </dev/null); "
		"git tag 1.0.0 $(GIT_COMMITTER_DATE='1700000000 +0000' git commit-tree -m a $t); "
		"git tag v1.0.0 $(GIT_COMMITTER_DATE='1700000001 +0000' git commit-tree -m b $t); "
		"git tag 0.9.0 1.0.0");
}

static void world_clear(struct world *w)
{
	gitc_url_clear(&w->url);
	gitc_client_free(w->git);
	gitc_folder_free(w->folder);
	http_client_free(w->http);
	fake_git_free(w->server);
	while (loop_turn(w->loop, false))
		;
	ck_assert_int_eq(loop_free(w->loop), 0);
}

static struct op *resolve(struct world *w, uint64_t max_pack)
{
	char semver[] = ">=0.1.0";
	struct op *op = git_resolve_start(w->loop,
		&(struct git_resolve_req){.git = w->git,
			.target = {.url = &w->url},
			.ref = &(struct git_ref){.semver = semver},
			.max_pack = max_pack});

	while (!op->done)
		loop_turn(w->loop, true);
	return op;
}

START_TEST(test_ties)
{
	struct world w;
	struct op *op;

	world_init(&w);
	op = resolve(&w, 0);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	ck_assert_str_eq(git_resolve_result(op)->ref, "refs/tags/v1.0.0");
	op_free(op);
	world_clear(&w);
}
END_TEST

START_TEST(test_max_pack)
{
	struct world w;
	struct op *op;

	world_init(&w);
	op = resolve(&w, 40);
	ck_assert_int_eq(op->err.code, GITC_TOO_LARGE);
	ck_assert_msg(strstr(op->err.msg, "more than the 40 bytes") != NULL, "%s", op->err.msg);
	op_free(op);
	world_clear(&w);
}
END_TEST

/* Only the commits come, where a server can leave out the rest: these tell the time. */
START_TEST(test_no_trees)
{
	struct world w;
	struct op *op;

	world_init(&w);
	fake_git_run(w.server, "git -C app.git config uploadpackfilter.blob:none.allow false");
	op = resolve(&w, 0);
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	op_free(op);
	world_clear(&w);
}
END_TEST

Suite *suite_git_resolve(void)
{
	Suite *s = suite_create("git_resolve");
	TCase *t = tcase_create("git_resolve");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_ties);
	tcase_add_test(t, test_max_pack);
	tcase_add_test(t, test_no_trees);
	suite_add_tcase(s, t);
	return s;
}
