/* What happens to an automation while its push is on the way, and right after it. */
#include "base/buf.h"
#include "base/mem.h"
#include "ctl/object.h"
#include "ctl/role.h"
#include "ev/loop.h"
#include "test/unit/imageupdateautomation/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define KIND "imageupdateautomations"
#define ASKS "GET /app.git/info/refs?service=git-receive-pack"
#define PUSH "POST /app.git/git-receive-pack"

static struct world w;
static bool leads;

static bool asks_who_leads(void *role)
{
	(void)role;
	return leads;
}

/* Everything up to the push, which waits: for the server's refs, which come before it, or for its
   answer when it has landed. */
static void begin(bool landed, const char *git)
{
	world_begin(&w);
	world_stop(&w);
	leads = true;
	w.opts.controller.leads = asks_who_leads;
	world_start(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	fake_git_hold(w.git, landed ? PUSH : ASKS, landed);
	world_automation(&w, "a", git, "");
	ck_assert_uint_eq(fake_git_held(w.git), 1);
}

static void let_go(void)
{
	fake_git_hold(w.git, NULL, false);
	fake_git_release(w.git);
	world_settle(&w);
}

static void ready(void)
{
	ck_assert_str_eq(world_answer(&w, "a"), "Succeeded: repository up-to-date");
}

static void is_pushed_as(const char *tag, const char *commits)
{
	ck_assert_str_eq(world_tag(&w, "main"), tag);
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), commits);
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), world_git(&w, "rev-parse main"));
}

/* One commit of ours, and the status knows it. */
static void is_pushed(const char *commits)
{
	is_pushed_as("v2", commits);
}

static unsigned told(void)
{
	const char *at = fake_kube_log(w.kube);
	unsigned n = 0;

	while ((at = strstr(at, "EVENT Succeeded pushed commit"))) {
		at++;
		n++;
	}
	return n;
}

/* ---- who leads ------------------------------------------------------------------------------- */

/* It has lost the lead: what has not come to the server by then does not come. */
START_TEST(test_lead_lost)
{
	begin(_i, "");
	leads = false;
	role_changed(w.c);
	world_settle(&w);
	let_go();
	ck_assert_str_eq(world_tag(&w, "main"), _i ? "v2" : "v1");
	world_forget(&w);
	world_chosen(&w, "app", "v3", "");
	world_pass(&w, 60000);
	ck_assert_str_eq(fake_git_log(w.git), "");
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), "");
	/* The next leader finds what there is. */
	world_chosen(&w, "app", "v2", "");
	leads = true;
	role_changed(w.c);
	world_settle(&w);
	is_pushed("2");
	ready();
	ck_assert_uint_eq(told(), 1);
	world_clear(&w);
}
END_TEST

/* By its clock it has lost it, and nobody has said so yet: a process that stood still. */
START_TEST(test_lead_lost_unsaid)
{
	static const char *const git[] = {
		"", "\"push\":{\"refspec\":\"refs/heads/main:refs/heads/x\"}"};

	world_begin(&w);
	world_stop(&w);
	leads = true;
	w.opts.controller.leads = asks_who_leads;
	world_start(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	/* Before the push, or between the two. */
	fake_git_hold(w.git, _i ? PUSH : "POST /app.git/git-upload-pack", false);
	world_automation(&w, "a", git[_i], "");
	ck_assert_uint_eq(fake_git_held(w.git), 1);
	leads = false;
	let_go();
	ck_assert_str_eq(world_tag(&w, "main"), _i ? "v2" : "v1");
	ck_assert_str_eq(world_tag(&w, "x"), "");
	ck_assert_uint_eq(world_asked(&w, "POST /app.git/git-receive-pack"), _i);
	leads = true;
	world_pass(&w, 2000);
	is_pushed("2");
	ck_assert_uint_eq(told(), 1);
	ck_assert_str_eq(world_tag(&w, "x"), _i ? "v2" : "");
	world_clear(&w);
}
END_TEST

/* ---- the objects ----------------------------------------------------------------------------- */

/* Suspended: no push that has not come to the server by then. */
START_TEST(test_suspended)
{
	begin(_i, "");
	fake_kube_merge(w.kube, KIND, "apps", "a", "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	let_go();
	ck_assert_str_eq(world_tag(&w, "main"), _i ? "v2" : "v1");
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), "");
	fake_kube_merge(w.kube, KIND, "apps", "a", "{\"spec\":{\"suspend\":null}}");
	world_settle(&w);
	is_pushed("2");
	ready();
	ck_assert_uint_eq(told(), 1);
	world_clear(&w);
}
END_TEST

/* Another spec while the push is on its way: it is not pushed twice. */
START_TEST(test_changed)
{
	begin(_i, "");
	fake_kube_merge(w.kube, KIND, "apps", "a", "{\"spec\":{\"interval\":\"2h\"}}");
	world_settle(&w);
	let_go();
	is_pushed("2");
	ready();
	ck_assert_uint_eq(told(), 1);
	world_clear(&w);
}
END_TEST

START_TEST(test_deleted)
{
	begin(_i, "");
	fake_kube_delete(w.kube, KIND, "apps", "a");
	world_settle(&w);
	let_go();
	ck_assert_ptr_null(fake_kube_get(w.kube, KIND, "apps", "a"));
	ck_assert_str_eq(world_tag(&w, "main"), _i ? "v2" : "v1");
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), _i ? "2" : "1");
	world_clear(&w);
}
END_TEST

/* The run has what it needs of it; the next one has not. */
START_TEST(test_source_deleted)
{
	begin(_i, "");
	fake_kube_delete(w.kube, "gitrepositories", "apps", "app");
	world_settle(&w);
	let_go();
	is_pushed("2");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "SourceManagerFailed");
	world_source(&w, "app", "\"branch\":\"main\"");
	ck_assert_str_eq(world_tag(&w, "main"), "v3");
	ready();
	world_clear(&w);
}
END_TEST

/* ---- who comes next -------------------------------------------------------------------------- */

#define AT_B "\"metadata\":{\"name\":\"app\",\"namespace\":\"b\"}"

static const char *tag_of_b(void)
{
	return world_git(&w, "show main:b.yaml");
}

/* The server does not answer one namespace: another one with the same URL and branch need not wait
   for it. */
START_TEST(test_iu_11_other_namespace)
{
	auto_free char *source = NULL;
	int n;

	begin(false, "");
	fake_git_run(w.git,
		"cd tree && echo 'tag: v1 # {\"$imagepolicy\": \"b:app:tag\"}' >b.yaml && "
		"git add -A && git commit -qm b && git push -q ../app.git main");
	fake_git_hold(w.git, NULL, false);
	source = mem_printf("{" AT_B ",\"spec\":{\"interval\":\"1h\",\"url\":\"%s\","
			    "\"ref\":{\"branch\":\"main\"}}}",
		fake_git_url(w.git, "app.git"));
	fake_kube_put(w.kube, "gitrepositories", source);
	fake_kube_put(w.kube, "imagepolicies",
		"{" AT_B ",\"spec\":{},\"status\":{\"latestRef\":{\"name\":\"ghcr.io/app\","
		"\"tag\":\"v2\"}}}");
	fake_kube_put(w.kube, KIND,
		"{" AT_B ",\"spec\":{\"interval\":\"1h\",\"sourceRef\":{\"kind\":"
		"\"GitRepository\",\"name\":\"app\"},\"git\":{\"commit\":{\"author\":{"
		"\"email\":\"b@b\"}}}}}");
	for (n = 0; n < 500 && !strstr(tag_of_b(), "v2"); n++)
		world_settle(&w); /* it does not wait while something is held */
	ck_assert_uint_eq(fake_git_held(w.git), 1);
	ck_assert_str_eq(world_tag(&w, "main"), "v1");
	ck_assert_msg(strstr(tag_of_b(), "v2") != NULL, "%s", fake_git_log(w.git));
	/* Its push is refused, and it tries again. */
	let_go();
	is_pushed("4");
	ck_assert_ptr_nonnull(strstr(tag_of_b(), "v2"));
	world_clear(&w);
}
END_TEST

/* ---- whose commit is it? --------------------------------------------------------------------- */

/* What a run of the automation would commit at that time: no line ends behind its message. */
#define OURS(when_s) \
	"export GIT_AUTHOR_NAME=bot GIT_AUTHOR_EMAIL=bot@b GIT_COMMITTER_NAME=bot " \
	"GIT_COMMITTER_EMAIL=bot@b GIT_AUTHOR_DATE='@" when_s " +0000' " \
	"GIT_COMMITTER_DATE='@" when_s " +0000' && " \
	"printf 'Update from image update automation' | git commit -qaF - --cleanup=verbatim"

/* The head is of the same author, and no run of ours would have made it. */
START_TEST(test_iu_22_another_ones)
{
	static const char *const others[] = {
		/* The same change with other words, and another change with the same words. */
		"sed -i s/v1/v2/ apps/app.yaml && git commit -qam other",
		"sed -i s/v1/v2/ apps/app.yaml && echo x >>other && git commit -qam 'Update from "
		"image update automation'",
		/* Two parents; none of ours at all. */
		"sed -i s/v1/v2/ apps/app.yaml && git commit -qam x && git merge -q -s ours -m "
		"'Update "
		"from image update automation' --allow-unrelated-histories $(git commit-tree -m x "
		"HEAD^{tree})",
		/* Ours, byte by byte, of the year 10000. */
		"sed -i s/v1/v2/ apps/app.yaml && " OURS("253402300800"),
	};
	auto_free char *make =
		mem_printf("cd tree && export GIT_AUTHOR_NAME=bot "
			   "GIT_AUTHOR_EMAIL=bot@b GIT_COMMITTER_NAME=bot "
			   "GIT_COMMITTER_EMAIL=bot@b; %s && git push -q ../app.git main",
			others[_i]);

	world_begin(&w);
	fake_git_run(w.git, make);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	world_automation(&w, "a", "", "");
	ready();
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), "");
	ck_assert_uint_eq(told(), 0);
	world_clear(&w);
}
END_TEST

/* A policy chooses at any time while it is found out whose the head is: that is written then. */
START_TEST(test_iu_22_chosen_meanwhile)
{
	int n;

	world_begin(&w);
	fake_git_run(w.git,
		"cd tree && export GIT_AUTHOR_NAME=bot GIT_AUTHOR_EMAIL=bot@b "
		"GIT_COMMITTER_NAME=bot GIT_COMMITTER_EMAIL=bot@b; "
		"sed -i s/v1/v2/ apps/app.yaml && git commit -qam other && "
		"git push -q ../app.git main");
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	fake_git_hold(w.git, "POST /app.git/git-upload-pack", false);
	world_automation(&w, "a", "", "");
	for (n = 0; n < _i; n++) {
		fake_git_release(w.git);
		world_settle(&w);
	}
	ck_assert_uint_eq(fake_git_held(w.git), 1);
	world_chosen(&w, "app", "v3", "");
	let_go();
	world_pass(&w, 1000);
	is_pushed_as("v3", "3");
	world_clear(&w);
}
END_TEST

/* ---- the second push ------------------------------------------------------------------------- */

#define SECOND "\"push\":{\"refspec\":\"refs/heads/main:refs/heads/x\"}"

/* It is refused, then it is not: no new commit is needed for it. 1: another process by then, 2:
   others have pushed to the branch by then. */
START_TEST(test_iu_07_again)
{
	world_begin(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	fake_git_run(w.git,
		"printf '#!/bin/sh\\nread a b ref; [ $ref != refs/heads/x ]\\n' "
		">app.git/hooks/pre-receive && chmod +x app.git/hooks/pre-receive");
	world_automation(&w, "a", SECOND, "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ck_assert_str_eq(world_tag(&w, "x"), "");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "GitOperationFailed");
	if (_i == 1) {
		world_stop(&w);
		world_start(&w);
	}
	if (_i == 2)
		fake_git_run(w.git,
			"cd tree && git pull -q ../app.git main && git commit -q "
			"--allow-empty -m others && git push -q ../app.git HEAD:main");
	world_pass(&w, 120000);
	ck_assert_str_eq(world_tag(&w, "x"), "");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "GitOperationFailed");
	fake_git_run(w.git, "rm app.git/hooks/pre-receive");
	world_pass(&w, 1000000);
	ready();
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), _i == 2 ? "3" : "2");
	/* It is done: what others push now is no business of it until there is a commit. */
	world_forget(&w);
	world_pass(&w, 3600000);
	ck_assert_uint_eq(world_asked(&w, "git-receive-pack"), 0);
	world_clear(&w);
}
END_TEST

/* The process was killed between the two. */
START_TEST(test_iu_07_iu_22_killed)
{
	begin(true, SECOND);
	world_stop(&w);
	fake_git_hold(w.git, NULL, false);
	fake_git_release(w.git);
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ck_assert_str_eq(world_tag(&w, "x"), "");
	world_start(&w);
	is_pushed("2");
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	world_clear(&w);
}
END_TEST

/* The process was killed between the two; this one has led before it, and leads after it. */
START_TEST(test_iu_07_iu_22_other_killed)
{
	world_begin(&w);
	world_stop(&w);
	leads = true;
	w.opts.controller.leads = asks_who_leads;
	world_start(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	world_automation(&w, "a", SECOND, "");
	is_pushed("2");
	leads = false;
	role_changed(w.c);
	world_settle(&w);
	world_chosen(&w, "app", "v3", "");
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && sed -i s/v2/v3/ apps/app.yaml && " OURS(
			"1800000001") " && git push -q ../app.git HEAD:main");
	leads = true;
	role_changed(w.c);
	world_settle(&w);
	is_pushed_as("v3", "3");
	ck_assert_uint_eq(told(), 2);
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	world_clear(&w);
}
END_TEST

/* The lead is lost and won again while a status is on its way: what another one has sent meanwhile
   this status does not have. */
START_TEST(test_lead_won_during_status)
{
	world_begin(&w);
	world_stop(&w);
	leads = true;
	w.opts.controller.leads = asks_who_leads;
	world_start(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	fake_kube_hold(w.kube, "PATCH imageupdateautomations/a/status");
	world_automation(&w, "a", SECOND, "");
	/* That of the beginning waits, and that of the end. */
	while (strcmp(world_tag(&w, "x"), "v2") != 0) {
		fake_kube_release(w.kube);
		world_settle(&w);
	}
	ck_assert_uint_eq(fake_kube_held(w.kube), 1);
	leads = false;
	role_changed(w.c);
	world_chosen(&w, "app", "v3", "");
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && sed -i s/v2/v3/ apps/app.yaml && " OURS(
			"1800000001") " && git push -q ../app.git HEAD:main");
	leads = true;
	role_changed(w.c);
	fake_kube_hold(w.kube, NULL);
	fake_kube_release(w.kube);
	world_settle(&w);
	is_pushed_as("v3", "3");
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	world_clear(&w);
}
END_TEST

Suite *suite_during(void);
Suite *suite_during(void)
{
	Suite *s = suite_create("during");
	TCase *t = tcase_create("during");

	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_lead_lost, 0, 2);
	tcase_add_loop_test(t, test_lead_lost_unsaid, 0, 2);
	tcase_add_loop_test(t, test_suspended, 0, 2);
	tcase_add_loop_test(t, test_changed, 0, 2);
	tcase_add_loop_test(t, test_deleted, 0, 2);
	tcase_add_loop_test(t, test_source_deleted, 0, 2);
	tcase_add_test(t, test_iu_11_other_namespace);
	tcase_add_loop_test(t, test_iu_22_another_ones, 0, 4);
	tcase_add_loop_test(t, test_iu_22_chosen_meanwhile, 0, 5);
	tcase_add_loop_test(t, test_iu_07_again, 0, 3);
	tcase_add_test(t, test_iu_07_iu_22_killed);
	tcase_add_test(t, test_iu_07_iu_22_other_killed);
	tcase_add_test(t, test_lead_won_during_status);
	suite_add_tcase(s, t);
	return s;
}
