/* The pull request of a pushed branch, at a forge that keeps one and says what it was asked. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/imageupdateautomation/spec.h"
#include "ctl/role.h"
#include "http/server.h"
#include "test/unit/imageupdateautomation/world.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static struct {
	struct http_server *server;
	bool open, down;
	unsigned made, renamed;
	char *title, *body;
} forge;

static void words_take(const json_t *said)
{
	free(forge.title);
	forge.title = mem_strdup(obj_str(said, "title"));
	if (!obj_str(said, "body"))
		return;
	free(forge.body);
	forge.body = mem_strdup(obj_str(said, "body"));
}

static void reply(struct http_exchange *x, int status, const char *open, const char *close)
{
	auto_free char *text = mem_printf(
		"%s{\"number\":7,\"title\":\"%s\",\"html_url\":\"https://f.test/7\",\"head\":"
		"{\"ref\":\"bot\",\"repo\":{\"id\":1}},\"base\":{\"ref\":\"main\",\"repo\":"
		"{\"id\":1}}}%s",
		open, forge.title ? forge.title : "", close);

	http_reply_text(x, status, text);
}

static void on_request(void *arg, struct http_exchange *x)
{
	const struct buf *body = http_x_body(x);
	auto_json json_t *said = json_loadb(body->p, body->len, 0, NULL);
	const char *method = http_x_method(x);

	(void)arg;
	if (forge.down) {
		http_reply_text(x, 503, "{\"message\":\"not now\"}");
	} else if (!strcmp(method, "GET") && !forge.open) {
		http_reply_text(x, 200, "[]");
	} else if (!strcmp(method, "GET")) {
		reply(x, 200, "[", "]");
	} else if (!strcmp(method, "POST")) {
		ck_assert(!forge.open);
		forge.open = true;
		forge.made++;
		words_take(said);
		reply(x, 201, "", "");
	} else {
		ck_assert_str_eq(method, "PATCH");
		ck_assert_str_eq(http_x_target(x), "/api/v3/repos/o/app/pulls/7");
		forge.renamed++;
		words_take(said);
		reply(x, 200, "", "");
	}
}

#define SPEC(ref) \
	"\"interval\":\"1h\",\"suspend\":true,\"sourceRef\":{\"name\":\"app\"},\"git\":{" ref \
	"\"commit\":{\"author\":{\"name\":\"bot\",\"email\":\"bot@b\"},\"messageTemplate\":" \
	"\"Bump {{range .Changed.Changes}}{{.NewValue}}{{end}}\\n\\nbody\"}," \
	"\"push\":{\"branch\":\"bot\"}}"

static void begin(const char *spec)
{
	auto_free char *api = NULL;
	struct err err = {0};

	world_begin(&w);
	fake_git_run(w.git, "mkdir o && mv app.git o/app.git && ln -s o/app.git app.git");
	forge.server = http_server_new(w.loop,
		&(struct http_server_opts){.name = "forge",
			.address = "127.0.0.1:0",
			.handler = on_request,
			.max_body = 1 << 20},
		&err);
	ck_assert_msg(forge.server != NULL, "%s", err.msg);
	api = mem_printf("http://%s/api/v3", http_server_address(forge.server));
	fake_kube_put(w.kube, "secrets",
		"{\"metadata\":{\"name\":\"forge\",\"namespace\":\"apps\"},\"data\":{\"token\":"
		"\"dDBrZW4=\"}}");
	world_source_as(
		&w, "app", fake_git_url(w.git, "o/app.git"), "\"ref\":{\"branch\":\"main\"}");
	world_chosen(&w, "app", "v2", "");
	world_automation_as(&w, "a", spec);
	world_annotate(&w, "a", AUTOMATION_REQUEST, "github");
	world_annotate(&w, "a", AUTOMATION_REQUEST_API, api);
	world_annotate(&w, "a", AUTOMATION_REQUEST_SECRET, "forge");
}

static void resume(void)
{
	fake_kube_merge(
		w.kube, "imageupdateautomations", "apps", "a", "{\"spec\":{\"suspend\":null}}");
	world_settle(&w);
}

static void end(void)
{
	world_stop(&w);
	http_server_free(forge.server);
	free(forge.title);
	free(forge.body);
	world_clear(&w);
}

static void restart(void)
{
	world_stop(&w);
	world_start(&w);
}

/* It ends the watches, which come back within a second. */
static void an_hour_passes(void)
{
	world_pass(&w, 3600000);
	world_pass(&w, 1000);
}

static void others_push(const char *branch)
{
	auto_free char *line =
		mem_printf("cd tree && git fetch -q ../app.git %s && git checkout -q FETCH_HEAD && "
			   "git commit -q --allow-empty -m 'of others' && "
			   "git push -q ../app.git HEAD:%s",
			branch, branch);

	fake_git_run(w.git, line);
}

/* As often as it was made and renamed by then, and the words of it. */
static void is_there(unsigned made, unsigned renamed, const char *tag)
{
	auto_free char *title = mem_printf("Bump %s", tag);
	auto_free char *body = mem_printf("%s\n\nbody", title);

	ck_assert_msg(forge.made == made && forge.renamed == renamed,
		"it was made %u times and renamed %u times, now it is '%s': %s", forge.made,
		forge.renamed, forge.title, world_answer(&w, "a"));
	ck_assert_str_eq(forge.title, title);
	if (!renamed)
		ck_assert_str_eq(forge.body, body);
}

static void ready(const char *more)
{
	auto_free char *text = mem_printf("Succeeded: repository up-to-date%s", more);

	ck_assert_str_eq(world_answer(&w, "a"), text);
}

/* Others move the branch that it reads: the request that is there is left as it is. */
START_TEST(test_title_stays)
{
	begin(SPEC(""));
	resume();
	is_there(1, 0, "v2");
	ready("; pull request: https://f.test/7");
	if (_i)
		restart();
	free(forge.title);
	forge.title = mem_strdup("what people call it");
	others_push("main");
	an_hour_passes();
	ck_assert_uint_eq(forge.renamed, 0);
	ready("; pull request: https://f.test/7");
	/* A push brings its own. */
	world_chosen(&w, "app", "v3", "");
	is_there(1, 1, "v3");
	end();
}
END_TEST

/* Closed, or merged by a squash: not before the next push is there another one. 1, 3, 5: another
   process by then; 2, 3: Git was not to be had meanwhile; 4, 5: nor was the forge. */
START_TEST(test_closed)
{
	begin(SPEC(""));
	resume();
	is_there(1, 0, "v2");
	forge.open = false;
	fake_git_need(w.git, _i / 2 == 1 ? "nobody" : NULL);
	forge.down = _i / 2 == 2;
	if (_i % 2)
		restart();
	others_push("main");
	an_hour_passes();
	if (_i / 2) {
		ck_assert_msg(strstr(world_answer(&w, "a"),
				      _i / 2 == 1 ? "failed to checkout source"
						  : "failed to find the pull request of") != NULL,
			"%s", world_answer(&w, "a"));
		fake_git_need(w.git, NULL);
		forge.down = false;
		an_hour_passes();
	}
	is_there(1, 0, "v2");
	ready("");
	world_chosen(&w, "app", "v3", "");
	is_there(2, 0, "v3");
	ready("; pull request: https://f.test/7");
	end();
}
END_TEST

/* The forge was not to be had right after the push. 1: another process by then, 2: others have
   pushed to the branch by then. */
START_TEST(test_owed)
{
	begin(SPEC(""));
	forge.down = true;
	resume();
	ck_assert_str_eq(world_tag(&w, "bot"), "v2");
	ck_assert_ptr_nonnull(strstr(world_answer(&w, "a"), "failed to open a pull request for"));
	if (_i == 1)
		restart();
	if (_i == 2)
		others_push("bot");
	forge.down = false;
	an_hour_passes();
	is_there(1, 0, "v2");
	ready("; pull request: https://f.test/7");
	ck_assert_str_eq(world_git(&w, "rev-list --count main..bot"), _i == 2 ? "2" : "1");
	/* That was all. */
	forge.open = false;
	others_push("main");
	an_hour_passes();
	is_there(1, 0, "v2");
	end();
}
END_TEST

static bool leads;

static bool asks_who_leads(void *role)
{
	(void)role;
	return leads;
}

/* What this process knows is of no use where another one has led meanwhile. */
START_TEST(test_owed_by_another)
{
	begin(SPEC(""));
	world_stop(&w);
	leads = true;
	w.opts.controller.leads = asks_who_leads;
	world_start(&w);
	resume();
	is_there(1, 0, "v2");
	leads = false;
	role_changed(w.c);
	world_settle(&w);
	forge.open = false;
	fake_kube_merge(w.kube, "imageupdateautomations", "apps", "a",
		"{\"status\":{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":"
		"\"GitOperationFailed\",\"message\":\"no\",\"observedGeneration\":2}]}}");
	world_settle(&w);
	leads = true;
	role_changed(w.c);
	an_hour_passes();
	is_there(2, 0, "v2");
	end();
}
END_TEST

/* Nor to give the one that is there its new title. */
START_TEST(test_title_owed)
{
	begin(SPEC(""));
	resume();
	forge.down = true;
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "bot"), "v3");
	if (_i)
		restart();
	forge.down = false;
	an_hour_passes();
	is_there(1, 1, "v3");
	end();
}
END_TEST

/* Where it wanted none as it pushed, it owes none. */
START_TEST(test_not_wanted)
{
	begin(SPEC(""));
	fake_kube_merge(w.kube, "imageupdateautomations", "apps", "a",
		"{\"metadata\":{\"annotations\":{\"" AUTOMATION_REQUEST "\":null}}}");
	resume();
	ck_assert_str_eq(world_tag(&w, "bot"), "v2");
	world_annotate(&w, "a", AUTOMATION_REQUEST, "github");
	others_push("main");
	an_hour_passes();
	ck_assert_uint_eq(forge.made, 0);
	world_chosen(&w, "app", "v3", "");
	is_there(1, 0, "v3");
	end();
}
END_TEST

/* No branch is read that it could lead to. */
START_TEST(test_no_base)
{
	begin(SPEC("\"checkout\":{\"ref\":{\"tag\":\"t\"}},"));
	fake_git_run(w.git, "git -C app.git tag t main");
	resume();
	ck_assert_str_eq(world_tag(&w, "bot"), "v2");
	ck_assert_uint_eq(forge.made, 0);
	ready("; no pull request: no branch is read that it could lead to; annotation "
	      "'" AUTOMATION_REQUEST_BASE "' may name one");
	world_annotate(&w, "a", AUTOMATION_REQUEST_BASE, "main");
	world_chosen(&w, "app", "v3", "");
	is_there(1, 0, "v3");
	ready("; pull request: https://f.test/7");
	end();
}
END_TEST

Suite *suite_request(void);
Suite *suite_request(void)
{
	Suite *s = suite_create("request");
	TCase *t = tcase_create("request");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_title_stays, 0, 2);
	tcase_add_loop_test(t, test_closed, 0, 6);
	tcase_add_loop_test(t, test_owed, 0, 3);
	tcase_add_test(t, test_owed_by_another);
	tcase_add_loop_test(t, test_title_owed, 0, 2);
	tcase_add_test(t, test_not_wanted);
	tcase_add_test(t, test_no_base);
	suite_add_tcase(s, t);
	return s;
}
