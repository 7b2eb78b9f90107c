#include "base/buf.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/obj.h"
#include "controllers/imageupdateautomation/spec.h"
#include "ctl/object.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "test/unit/imageupdateautomation/world.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct world w;

static const char *revision(const char *branch)
{
	static char out[2][200];
	static unsigned turn;
	auto_free char *line = mem_printf("rev-parse refs/heads/%s", branch);
	char *text = out[turn++ % 2];

	snprintf(text, sizeof(out[0]), "%s@sha1:%s", branch, world_git(&w, line));
	return text;
}

static void ready(const char *name)
{
	ck_assert_str_eq(world_answer(&w, name), "Succeeded: repository up-to-date");
	ck_assert_str_eq(world_status(&w, name, "Reconciling.status"), "");
}

static const char *asked_at(const char *name)
{
	return obj_str_or("", fake_kube_get(w.kube, "gitrepositories", "apps", name), "metadata",
		"annotations", OBJECT_REQUESTED_AT);
}

/* A policy that has chosen v2, and the GitRepository. */
static void begin(void)
{
	world_begin(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
}

START_TEST(test_iu_01_commit)
{
	begin();
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ready("a");
	ck_assert_str_eq(world_status(&w, "a", "observedSourceRevision"), revision("main"));
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), revision("main") + 10);
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.app.tag"), "v2");
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.app.name"), "ghcr.io/app");
	ck_assert_str_eq(world_status(&w, "a", "lastAutomationRunTime"),
		world_status(&w, "a", "lastPushTime"));
	ck_assert_str_eq(world_status(&w, "a", "observedGeneration"), "1");
	ck_assert_str_eq(world_git(&w, "show -s --format='%an <%ae> %cn <%ce> %s' main"),
		"bot <bot@b> bot <bot@b> Update from image update automation");
	ck_assert_str_eq(world_git(&w, "fsck --strict --no-dangling"), "");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_20_event)
{
	auto_free char *text = NULL;

	begin();
	world_automation(&w, "a", "", "");
	text = mem_printf("EVENT Succeeded pushed commit '%.7s' to branch 'main'\n"
			  "Update from image update automation",
		revision("main") + 10);
	ck_assert_msg(strstr(fake_kube_log(w.kube), text) != NULL, "%s", fake_kube_log(w.kube));
	world_clear(&w);
}
END_TEST

/* Without the files that are none of ours. */
START_TEST(test_iu_02_set_42_nothing_new)
{
	begin();
	world_automation(&w, "a", "", "");
	world_forget(&w);
	world_pass(&w, 3600000);
	ck_assert_str_eq(fake_git_log(w.git), "POST /app.git/git-upload-pack v2\n");
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), "2");
	ready("a");
	ck_assert_str_ne(world_status(&w, "a", "lastAutomationRunTime"),
		world_status(&w, "a", "lastPushTime"));
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_03_policy)
{
	begin();
	world_automation(&w, "a", "", "");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v3");
	world_chosen(&w, "app", "v3", "\"any\":\"label\"");
	world_chosen(&w, "other", NULL, "");
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), "3");
	world_clear(&w);
}
END_TEST

/* A new commit wakes nobody. */
START_TEST(test_iu_04_others)
{
	begin();
	world_automation(&w, "a", "", "");
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && sed -i 's/v2/v0/' "
		"apps/app.yaml && git commit -q -a -m back && git push -q ../app.git "
		"HEAD:main");
	fake_kube_merge(w.kube, "gitrepositories", "apps", "app", "{\"status\":{\"x\":1}}");
	world_settle(&w);
	ck_assert_str_eq(world_tag(&w, "main"), "v0");
	world_pass(&w, 3600000);
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_05_iu_06_branch)
{
	begin();
	world_automation(&w, "a", "\"push\":{\"branch\":\"bot\"}", "");
	ck_assert_str_eq(world_tag(&w, "bot"), "v2");
	ck_assert_str_eq(world_tag(&w, "main"), "v1");
	ck_assert_str_eq(world_git(&w, "rev-parse bot^"), world_git(&w, "rev-parse main"));
	ck_assert_str_eq(world_status(&w, "a", "observedSourceRevision"), revision("main"));
	world_forget(&w);
	world_pass(&w, 3600000);
	ck_assert_int_eq(world_asked(&w, "POST"), 2);
	/* Main goes on, and the branch is behind: what is on it stays. */
	fake_git_run(w.git,
		"cd tree && echo b >b && git add b && git commit -q -m b && git push "
		"-q ../app.git main");
	world_pass(&w, 3600000);
	ck_assert_str_eq(world_git(&w, "rev-list --count bot"), "2");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "bot"), "v3");
	ck_assert_str_eq(world_git(&w, "rev-list --count bot"), "3");
	world_clear(&w);
}
END_TEST

/* A branch that is not looked at is made anew, if that is allowed. */
START_TEST(test_iu_05_forced)
{
	begin();
	world_stop(&w);
	w.opts.no_all_branches = true;
	w.opts.no_force_push = _i;
	world_start(&w);
	fake_git_run(w.git,
		"git -C app.git branch bot $(git -C app.git commit-tree -m stale "
		"'main^{tree}')");
	world_automation(&w, "a", "\"push\":{\"branch\":\"bot\"}", "");
	ck_assert_str_eq(world_tag(&w, "bot"), _i ? "v1" : "v2");
	ck_assert_str_eq(
		world_status(&w, "a", "Ready.reason"), _i ? "GitOperationFailed" : "Succeeded");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_07_iu_08_refspec)
{
	begin();
	fake_git_run(w.git,
		"printf '#!/bin/sh\\necho \"$GIT_PUSH_OPTION_COUNT "
		"$GIT_PUSH_OPTION_0 $GIT_PUSH_OPTION_1\" >>said\\n' "
		">app.git/hooks/pre-receive && chmod +x app.git/hooks/pre-receive");
	world_automation(&w, "a",
		"\"push\":{\"refspec\":\"refs/heads/main:refs/heads/x\",\"options\":{\"b\":\"2\","
		"\"a\":\"\"}}",
		"");
	ck_assert_str_eq(world_tag(&w, "x"), "v2");
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	ck_assert_str_eq(
		world_git(&w, "--version >/dev/null; cat app.git/said"), "2 a= b=2\n2 a= b=2");
	ck_assert_msg(
		strstr(fake_kube_log(w.kube),
			"to branch 'main' and refspecs 'refs/heads/main:refs/heads/x'") != NULL,
		"%s", fake_kube_log(w.kube));
	/* It goes forward over commits of others ... */
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && for n in 1 2; do git commit "
		"-q --allow-empty -m $n; done && git push -q ../app.git HEAD:main");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_git(&w, "rev-parse x"), world_git(&w, "rev-parse main"));
	/* ... and never back. */
	fake_git_run(w.git,
		"git -C app.git branch -f x $(git -C app.git commit-tree -m other "
		"'main^{tree}')");
	world_chosen(&w, "app", "v4", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v4");
	ck_assert_str_eq(world_tag(&w, "x"), "v3");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "GitOperationFailed");
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), revision("main") + 10);
	world_clear(&w);
}
END_TEST

/* Whether a ref moves forward is told by commits alone. 1: the server leaves no trees out. */
START_TEST(test_iu_08_history)
{
	begin();
	world_automation(&w, "a", "\"push\":{\"refspec\":\"refs/heads/main:refs/heads/x\"}", "");
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && git commit -q --allow-empty -m 1 && "
		"git push -q ../app.git HEAD:main");
	/* refs, commit, files, push, refs; then the history */
	fake_git_before_post(w.git, 6,
		_i ? "git -C app.git config uploadpackfilter.tree.allow false"
		   : "git -C app.git config uploadpackfilter.blob:none.allow false");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "x"), "v3");
	ready("a");
	world_clear(&w);
}
END_TEST

/* A folder of so many names takes memory of the account, and gives it back. 1: there is not as
   much. */
START_TEST(test_room)
{
	struct account_stats s;

	world_begin(&w);
	world_stop(&w);
	fake_git_run(w.git,
		"cd tree && b=$(git rev-parse HEAD:other) && { git ls-tree HEAD; "
		"seq -f \"100644 blob $b\t$(printf 'b%.0s' $(seq 210))%06.0f\" 9000; } >../many && "
		"git push -q -f ../app.git $(git commit-tree -m many -p HEAD "
		"$(git mktree <../many)):refs/heads/main");
	w.opts.account = account_new(w.loop, (_i ? 4 : 16) * LIMIT_MIB);
	world_start(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	world_chosen(&w, "app", "v2", "");
	world_automation(&w, "a", "", "");
	if (_i)
		ck_assert_msg(
			strstr(world_answer(&w, "a"),
				"the folders down to 'apps/app.yaml' have too many entries") !=
				NULL,
			"%s", world_answer(&w, "a"));
	else
		ck_assert_str_eq(world_tag(&w, "main"), "v2");
	account_stats(w.opts.account, ACCOUNT_JOBS, &s);
	ck_assert_uint_eq(s.held + s.waiting, 0);
	world_stop(&w);
	account_free(MOVE(w.opts.account));
	world_start(&w);
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_09_iu_10_tag)
{
	begin();
	fake_git_run(w.git, "git -C app.git tag -a -m one v1.0 main");
	world_source(&w, "app", "\"tag\":\"v1.0\"");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_answer(&w, "a"),
		"SourceManagerFailed: push spec not provided, and cannot be inferred from "
		".spec.git.checkout.ref or GitRepository .spec.ref");
	world_automation(&w, "b", "\"push\":{\"branch\":\"from-tag\"}", "");
	ck_assert_str_eq(world_tag(&w, "from-tag"), "v2");
	ck_assert_str_eq(world_git(&w, "rev-parse from-tag^"), world_git(&w, "rev-parse main"));
	world_clear(&w);
}
END_TEST

#define FASTER \
	"git -C app.git update-ref refs/heads/main $(git -C app.git commit-tree -m faster -p " \
	"main 'main^{tree}')"

/* Somebody else is faster: between our look and our push, several times. */
START_TEST(test_iu_11_race)
{
	unsigned n;

	begin();
	/* POSTs of the first try: refs, fetch, fetch of files, push. The others have the files. */
	for (n = 0; n < 4; n++)
		fake_git_before_post(w.git, 4 + n * 3, FASTER);
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ready("a");
	ck_assert_msg(strstr(fake_kube_log(w.kube), "Failed") == NULL, "%s", fake_kube_log(w.kube));
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), revision("main") + 10);
	world_clear(&w);
}
END_TEST

/* What it has pushed it does not fetch: another choice is one question and a push. */
START_TEST(test_iu_01_again)
{
	begin();
	world_automation(&w, "a", "", "");
	world_forget(&w);
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v3");
	ck_assert_str_eq(fake_git_log(w.git),
		"POST /app.git/git-upload-pack v2\n"
		"GET /app.git/info/refs?service=git-receive-pack\n"
		"POST /app.git/git-receive-pack\n");
	ready("a");
	world_clear(&w);
}
END_TEST

static size_t count(const char *log, const char *what)
{
	size_t n = 0;

	for (; (log = strstr(log, what)); log++)
		n++;
	return n;
}

/* Nor does an automation of another branch take that away. */
START_TEST(test_iu_01_branches)
{
	begin();
	fake_git_run(w.git,
		"cd tree && git checkout -q -b other && echo o >o && git add o && git commit -q -m "
		"o && git push -q ../app.git HEAD:other");
	world_automation(&w, "a", "", "");
	world_automation(&w, "b", "\"checkout\":{\"ref\":{\"branch\":\"other\"}}", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ck_assert_str_eq(world_tag(&w, "other"), "v2");
	world_forget(&w);
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v3");
	ck_assert_str_eq(world_tag(&w, "other"), "v3");
	ck_assert_uint_eq(count(fake_git_log(w.git), "/git-upload-pack v2"), 2);
	ck_assert_uint_eq(count(fake_git_log(w.git), "POST /app.git/git-receive-pack"), 2);
	ready("a");
	ready("b");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_12_refused)
{
	begin();
	fake_git_run(w.git,
		"printf '#!/bin/sh\\necho \"GH006: protected\" >&2; exit 1\\n' "
		">app.git/hooks/pre-receive && chmod +x app.git/hooks/pre-receive");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "GitOperationFailed");
	ck_assert_msg(strstr(world_answer(&w, "a"), "GH006: protected") != NULL, "%s",
		world_answer(&w, "a"));
	ck_assert_str_eq(world_status(&w, "a", "Reconciling.reason"), "ProgressingWithRetry");
	ck_assert_str_ne(world_status(&w, "a", "lastAutomationRunTime"), "");
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.app.tag"), "");
	fake_git_run(w.git, "rm app.git/hooks/pre-receive");
	world_pass(&w, 60000);
	ready("a");
	world_clear(&w);
}
END_TEST

/* Who may read and not push. */
START_TEST(test_iu_12_may_not_push)
{
	begin();
	fake_git_run(w.git, "git -C app.git config http.receivepack false");
	world_automation(&w, "a", "", "");
	ck_assert_msg(strstr(world_answer(&w, "a"),
			      "GitOperationFailed: failed to push to branch "
			      "'main': ") != NULL &&
			strstr(world_answer(&w, "a"), "403 Forbidden; reading works") != NULL,
		"%s", world_answer(&w, "a"));
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_13_no_ref)
{
	begin();
	world_source(&w, "app", "");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_answer(&w, "a"),
		"GitOperationFailed: failed to checkout source: couldn't find remote ref "
		"'refs/heads/master' (spec.ref is not set: master is the default)");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_13_source)
{
	world_begin(&w);
	world_chosen(&w, "app", "v2", "");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "SourceManagerFailed");
	ck_assert_msg(strstr(world_answer(&w, "a"), "GitRepository 'apps/app' not found") != NULL,
		"%s", world_answer(&w, "a"));
	/* It is there: at once. */
	world_source(&w, "app", "\"branch\":\"main\"");
	ready("a");
	world_clear(&w);
}
END_TEST

/* Another spec under the same generation: of a new object of that name, or (1) of the same one
   after the database was restored from a backup. */
START_TEST(test_iu_13_other_spec)
{
	const json_t *o;
	json_t *spec;
	int i;

	begin();
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	fake_git_run(w.git, "cd tree && git push -q ../app.git HEAD:other");
	o = fake_kube_get(w.kube, "gitrepositories", "apps", "app");
	if (_i) {
		spec = obj_get(o, "spec", "ref");
		json_object_set_new(spec, "branch", json_string("other"));
		fake_kube_go_back(w.kube);
		world_settle(&w);
	} else {
		fake_kube_mute(w.kube, true);
		fake_kube_delete(w.kube, "gitrepositories", "apps", "app");
		world_source(&w, "app", "\"branch\":\"other\"");
		fake_kube_cut(w.kube, "gitrepositories");
		fake_kube_mute(w.kube, false);
		world_settle(&w);
	}
	o = fake_kube_get(w.kube, "gitrepositories", "apps", "app");
	ck_assert_int_eq(obj_int(0, o, "metadata", "generation"), 1);
	/* The watch is back, and then the next run is due. */
	for (i = 0; i < 8; i++)
		world_pass(&w, 4000);
	ck_assert_str_eq(world_tag(&w, "other"), "v2");
	world_clear(&w);
}
END_TEST

/* A name that is no text, and that no archive would have: Git does not mind. */
START_TEST(test_set_36_odd_names)
{
	begin();
	fake_git_run(w.git,
		"cd tree && git pull -q ../app.git main && cp apps/app.yaml apps/$(printf "
		"'caf\\351').yaml && cp apps/app.yaml 'apps/back\\slash.yaml' && git add -A && git "
		"commit -qm odd && git push -q ../app.git HEAD:main");
	world_chosen(&w, "app", "v2", "");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_answer(&w, "a"), "Succeeded: repository up-to-date");
	ck_assert_str_eq(world_git(&w, "grep -h -o v2 main -- apps | tr '\\n' ' '"), "v2 v2 v2 ");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_13_other_namespace)
{
	auto_free char *other = NULL;

	begin();
	world_stop(&w);
	w.opts.no_cross_namespace = _i;
	world_start(&w);
	other = mem_printf("{\"metadata\":{\"name\":\"far\",\"namespace\":\"flux\"},\"spec\":{"
			   "\"interval\":\"1h\",\"url\":\"%s\",\"ref\":{\"branch\":\"main\"}}}",
		fake_git_url(w.git, "app.git"));
	fake_kube_put(w.kube, "gitrepositories", other);
	world_automation_as(&w, "a",
		"\"interval\":\"1h\",\"sourceRef\":{\"kind\":\"GitRepository\",\"name\":\"far\","
		"\"namespace\":\"flux\"},\"git\":{\"commit\":{\"author\":{\"email\":\"b@b\"}}}");
	if (_i) {
		ck_assert_str_eq(world_answer(&w, "a"),
			"AccessDenied: can't access 'GitRepository/flux/far', cross-namespace "
			"references have been blocked");
		ck_assert_str_eq(world_status(&w, "a", "Stalled.reason"), "AccessDenied");
	} else {
		ready("a");
	}
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_14_no_git)
{
	begin();
	world_automation_as(&w, "a",
		"\"interval\":\"1h\",\"sourceRef\":{\"kind\":\"GitRepository\",\"name\":\"app\"}");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "InvalidSourceConfiguration");
	ck_assert_str_eq(world_status(&w, "a", "Stalled.status"), "True");
	ck_assert_str_eq(world_status(&w, "a", "observedGeneration"), "1");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_15_selector)
{
	begin();
	world_chosen(&w, "other", "v9", "\"team\":\"a\"");
	world_automation(&w, "a", "", "\"policySelector\":{\"matchLabels\":{\"team\":\"a\"}}");
	ck_assert_str_eq(world_tag(&w, "main"), "v1");
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.other.tag"), "v9");
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.app.tag"), "");
	/* SET-13: a marker of one that it does not take. */
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; no marker of a policy of this automation was "
		"found in the repository");
	world_clear(&w);
}
END_TEST

/* An hour goes by, and the watches that have ended with it come back. */
static void hour(void)
{
	world_pass(&w, 3600000);
	world_pass(&w, 5000);
}

/* Somebody pushes these lines as apps/more.yaml, and the automation looks. */
static void more(const char *lines)
{
	auto_free char *line = mem_printf(
		"cd tree && git pull -q ../app.git main && printf '%s' >apps/more.yaml && git add "
		"-A && git commit -q -m more && git push -q ../app.git HEAD:main",
		lines);

	fake_git_run(w.git, line);
	hour();
}

/* Markers of others hide no own one, and what is told of a policy is true of it now. */
START_TEST(test_set_13_whose_marker)
{
	static const char others[] = "a: 1 # {\"$imagepolicy\": \"web:app\"}\\n"
				     "b: 1 # {\"$imagepolicy\": \"db:app\"}\\n"
				     "c: 1 # {\"$imagepolicy\": \"apps:theirs\"}\\n";
	auto_free char *text =
		mem_printf("%sd: 1 # {\"$imagepolicy\": \"apps:late:tag\"}\\n", others);

	begin();
	world_chosen(&w, "app", "v2", "\"team\":\"a\"");
	world_chosen(&w, "theirs", "v2", "\"team\":\"b\"");
	world_automation(&w, "a", "", "\"policySelector\":{\"matchLabels\":{\"team\":\"a\"}}");
	ready("a");
	more(others);
	ready("a");
	more(text);
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; left alone: apps/more.yaml:4: no policy "
		"'apps:late' in this namespace");
	/* Nothing new: one question, and the same words. */
	world_forget(&w);
	hour();
	ck_assert_int_eq(world_asked(&w, "POST"), 1);
	ck_assert_msg(
		strstr(world_answer(&w, "a"), "no policy") != NULL, "%s", world_answer(&w, "a"));
	world_chosen(&w, "late", NULL, "\"team\":\"a\"");
	hour();
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; left alone: apps/more.yaml:4: policy "
		"'apps:late' has chosen nothing yet");
	world_chosen(&w, "late", "v9", "\"team\":\"a\"");
	ready("a");
	ck_assert_str_eq(world_git(&w, "show main:apps/more.yaml | grep -c '^d: v9 '"), "1");
	world_clear(&w);
}
END_TEST

static void path_is(const char *path)
{
	auto_free char *patch = mem_printf("{\"spec\":{\"update\":{\"path\":\"%s\"}}}", path);

	fake_kube_merge(w.kube, "imageupdateautomations", "apps", "a", patch);
	world_settle(&w);
}

/* What it looked through had no marker: it says so, as long as that is so, and asks for no more. */
START_TEST(test_set_33_no_marker)
{
	begin();
	fake_git_run(w.git,
		"cd tree && mkdir none && mv apps/app.yaml other && sed 's/icy/cy/' other "
		">apps/app.yaml && echo text >none/text && git add -A && git commit -q -m typo && "
		"git push -q ../app.git HEAD:main");
	world_automation(&w, "a", "", "\"update\":{\"path\":\"./apps\"}");
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; no marker was found below 'apps'");
	world_forget(&w);
	hour();
	ck_assert_int_eq(world_asked(&w, "POST"), 1);
	ck_assert_ptr_null(strstr(fake_kube_log(w.kube), "EVENT"));
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; no marker was found below 'apps'");
	path_is("./none");
	ck_assert_str_eq(world_answer(&w, "a"),
		"Succeeded: repository up-to-date; no YAML file was found below 'none'");
	path_is("./apps");
	fake_git_run(w.git,
		"cd tree && cp other apps/app.yaml && git add -A && git commit -q -m mended && "
		"git push -q ../app.git HEAD:main");
	hour();
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ready("a");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_18_suspended)
{
	begin();
	world_automation(&w, "a", "", "");
	fake_kube_merge(
		w.kube, "imageupdateautomations", "apps", "a", "{\"spec\":{\"suspend\":true}}");
	world_settle(&w);
	world_forget(&w);
	world_annotate(&w, "a", OBJECT_REQUESTED_AT, "now");
	world_chosen(&w, "app", "v3", "");
	ck_assert_str_eq(fake_kube_log(w.kube), "");
	ck_assert_str_eq(fake_git_log(w.git), "");
	ck_assert_str_eq(world_status(&w, "a", "lastHandledReconcileAt"), "");
	fake_kube_merge(
		w.kube, "imageupdateautomations", "apps", "a", "{\"spec\":{\"suspend\":null}}");
	world_settle(&w);
	ck_assert_str_eq(world_tag(&w, "main"), "v3");
	ck_assert_str_eq(world_status(&w, "a", "lastHandledReconcileAt"), "now");
	world_clear(&w);
}
END_TEST

START_TEST(test_iu_19_empty)
{
	auto_free char *url = NULL;

	begin();
	fake_git_run(w.git, "git init -q --bare empty.git");
	url = mem_strdup(fake_git_url(w.git, "empty.git"));
	world_source_as(&w, "app", url, "\"ref\":{\"branch\":\"main\"}");
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "GitOperationFailed");
	ck_assert_msg(strstr(world_answer(&w, "a"), "repository is empty") != NULL, "%s",
		world_answer(&w, "a"));
	world_clear(&w);
}
END_TEST

/* It was killed between the push and the status: nothing is done twice, and what the commit's
   making would have brought comes after it. */
START_TEST(test_iu_22_killed)
{
	auto_free char *told = NULL;

	begin();
	fake_kube_fail(w.kube, "PATCH imageupdateautomations/a/status", 500, 100);
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	world_stop(&w);
	world_forget(&w);
	fake_kube_behave(w.kube);
	loop_test_advance(w.loop, 60000);
	world_start(&w);
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), "2");
	ready("a");
	ck_assert_str_eq(world_status(&w, "a", "lastPushCommit"), revision("main") + 10);
	ck_assert_str_eq(world_status(&w, "a", "lastPushTime"), "2027-01-15T08:00:00Z");
	told = mem_printf("EVENT Succeeded pushed commit '%.7s' to branch 'main'\n"
			  "Update from image update automation",
		revision("main") + 10);
	ck_assert_msg(strstr(fake_kube_log(w.kube), told) != NULL, "%s", fake_kube_log(w.kube));
	ck_assert_str_eq(world_status(&w, "a", "observedSourceRevision"), revision("main"));
	ck_assert_str_eq(world_status(&w, "a", "observedPolicies.app.tag"), "v2");
	world_clear(&w);
}
END_TEST

/* Those of this URL and branch, and no others. */
START_TEST(test_iu_23_woken)
{
	begin();
	world_source(&w, "same", "\"name\":\"refs/heads/main\"");
	world_source(&w, "other", "\"branch\":\"other\"");
	world_source(&w, "pinned", "\"branch\":\"main\",\"tag\":\"x\"");
	world_automation(&w, "a", "", "");
	ck_assert_str_ne(asked_at("app"), "");
	ck_assert_str_ne(asked_at("same"), "");
	ck_assert_str_eq(asked_at("other"), "");
	ck_assert_str_eq(asked_at("pinned"), "");
	world_clear(&w);
}
END_TEST

/* Automations of one branch take turns. */
START_TEST(test_iu_11_turns)
{
	int n;

	world_begin(&w);
	world_source(&w, "app", "\"branch\":\"main\"");
	fake_git_run(w.git,
		"cd tree && for n in 1 2 3 4; do mkdir $n && cp apps/app.yaml $n; done "
		"&& git add -A && git commit -q -m many && git push -q ../app.git "
		"main");
	for (n = 1; n <= 4; n++) {
		auto_free char *name = mem_printf("a%d", n);
		auto_free char *more = mem_printf("\"update\":{\"path\":\"%d\"}", n);

		world_automation(&w, name, "", more);
	}
	world_chosen(&w, "app", "v2", "");
	ck_assert_str_eq(world_git(&w, "rev-list --count main"), "6");
	ck_assert_str_eq(world_git(&w, "grep -c 'tag: v2' main -- '[1-4]/*' | wc -l"), "4");
	for (n = 1; n <= 4; n++) {
		auto_free char *name = mem_printf("a%d", n);

		ready(name);
	}
	world_clear(&w);
}
END_TEST

START_TEST(test_tpl_04_removed)
{
	begin();
	world_automation_as(&w, "a",
		"\"interval\":\"1h\",\"sourceRef\":{\"name\":\"app\"},\"git\":{\"commit\":{"
		"\"author\":{\"email\":\"b@b\"},\"messageTemplate\":\"{{ .Updated }}\"}}");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "RemovedTemplateField");
	ck_assert_str_eq(world_status(&w, "a", "Stalled.reason"), "RemovedTemplateField");
	ck_assert_str_eq(world_tag(&w, "main"), "v1");
	world_clear(&w);
}
END_TEST

START_TEST(test_set_36_path)
{
	begin();
	world_automation(&w, "a", "", "\"update\":{\"path\":\"nowhere\"}");
	ck_assert_str_eq(world_status(&w, "a", "Ready.reason"), "UpdateFailed");
	world_automation(&w, "b", "", "\"update\":{\"path\":\"../../apps\"}");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	world_clear(&w);
}
END_TEST

/* An old server, without version 2. */
START_TEST(test_iu_01_v0)
{
	begin();
	fake_git_old(w.git, true);
	world_automation(&w, "a", "", "");
	ck_assert_str_eq(world_tag(&w, "main"), "v2");
	ready("a");
	world_clear(&w);
}
END_TEST

#define SECRET(name, data) \
	"{\"metadata\":{\"name\":\"" name "\",\"namespace\":\"apps\"},\"data\":{" data "}}"

/* An annotation leads no token to another host, but for one that comes with it. */
START_TEST(test_request_api_elsewhere)
{
	auto_free char *api = NULL, *url = NULL;

	begin();
	fake_git_run(
		w.git, "mkdir o && cp -r app.git o/app.git && git -C o/app.git rev-parse -q main");
	fake_kube_put(
		w.kube, "secrets", SECRET("git", "\"username\":\"dQ==\",\"password\":\"cA==\""));
	fake_kube_put(w.kube, "secrets", SECRET("forge", "\"token\":\"dDBrZW4=\""));
	api = mem_printf("http://127.0.0.1%s/api/v1", strrchr(fake_git_host(w.git), ':'));
	url = mem_printf("http://localhost%s/o/app.git", strrchr(fake_git_host(w.git), ':'));
	world_source_as(
		&w, "app", url, "\"ref\":{\"branch\":\"main\"},\"secretRef\":{\"name\":\"git\"}");
	world_automation(&w, "a", "\"push\":{\"branch\":\"bot\"}", "\"suspend\":true");
	world_annotate(&w, "a", AUTOMATION_REQUEST, "gitea");
	world_annotate(&w, "a", AUTOMATION_REQUEST_API, api);
	if (_i)
		world_annotate(&w, "a", AUTOMATION_REQUEST_SECRET, "forge");
	fake_kube_merge(
		w.kube, "imageupdateautomations", "apps", "a", "{\"spec\":{\"suspend\":null}}");
	world_settle(&w);
	ck_assert_int_eq(world_asked(&w, "/api/v1/repos/o/app/pulls") > 0, _i);
	ck_assert_msg(strstr(world_answer(&w, "a"), _i ? "answered 404" : "not for it") != NULL,
		"%s\n%s", world_answer(&w, "a"), fake_git_log(w.git));
	ck_assert_ptr_null(strstr(fake_kube_log(w.kube), "t0ken"));
	world_clear(&w);
}
END_TEST

START_TEST(test_gone)
{
	begin();
	world_automation(&w, "a", "", "");
	fake_kube_delete(w.kube, "imageupdateautomations", "apps", "a");
	world_settle(&w);
	ck_assert_ptr_null(fake_kube_get(w.kube, "imageupdateautomations", "apps", "a"));
	world_clear(&w);
}
END_TEST

Suite *suite_automation(void);
Suite *suite_automation(void)
{
	Suite *s = suite_create("automation");
	TCase *t = tcase_create("automation");

	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_iu_01_commit);
	tcase_add_test(t, test_iu_20_event);
	tcase_add_test(t, test_iu_02_set_42_nothing_new);
	tcase_add_test(t, test_iu_03_policy);
	tcase_add_test(t, test_iu_04_others);
	tcase_add_test(t, test_iu_05_iu_06_branch);
	tcase_add_loop_test(t, test_iu_05_forced, 0, 2);
	tcase_add_test(t, test_iu_07_iu_08_refspec);
	tcase_add_test(t, test_iu_09_iu_10_tag);
	tcase_add_test(t, test_iu_11_race);
	tcase_add_test(t, test_iu_11_turns);
	tcase_add_test(t, test_iu_01_again);
	tcase_add_test(t, test_iu_01_branches);
	tcase_add_test(t, test_iu_12_refused);
	tcase_add_test(t, test_iu_13_source);
	tcase_add_loop_test(t, test_iu_13_other_spec, 0, 2);
	tcase_add_test(t, test_set_36_odd_names);
	tcase_add_loop_test(t, test_iu_13_other_namespace, 0, 2);
	tcase_add_test(t, test_iu_14_no_git);
	tcase_add_test(t, test_iu_15_selector);
	tcase_add_test(t, test_iu_18_suspended);
	tcase_add_test(t, test_iu_19_empty);
	tcase_add_test(t, test_iu_22_killed);
	tcase_add_test(t, test_iu_23_woken);
	tcase_add_test(t, test_tpl_04_removed);
	tcase_add_test(t, test_set_36_path);
	tcase_add_test(t, test_iu_01_v0);
	tcase_add_test(t, test_gone);
	suite_add_tcase(s, t);
	t = tcase_create("words");
	tcase_set_timeout(t, 120);
	tcase_add_test(t, test_iu_12_may_not_push);
	tcase_add_test(t, test_iu_13_no_ref);
	tcase_add_test(t, test_set_13_whose_marker);
	tcase_add_test(t, test_set_33_no_marker);
	suite_add_tcase(s, t);
	t = tcase_create("history");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_iu_08_history, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("room");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_room, 0, 2);
	suite_add_tcase(s, t);
	t = tcase_create("requests");
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, test_request_api_elsewhere, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
