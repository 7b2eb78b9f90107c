#include "test/unit/imageupdateautomation/world.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "cloud/cloud.h"
#include "ctl/depends.h"
#include "ctl/event.h"
#include "ctl/item.h"
#include "ev/loop.h"
#include "ev/work.h"
#include "forge/forge.h"
#include "git/client.h"
#include "git/folder.h"
#include "http/client.h"
#include "kube/client.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define KIND "imageupdateautomations"
/* Beside those of the controller: ImagePolicies and GitRepositories. */
#define WATCHES 2

void world_start(struct world *w)
{
	struct imageupdateautomation_opts opts = w->opts;

	w->http = http_client_new(w->loop, &(struct http_client_opts){.max_per_host = 24});
	w->cloud = cloud_new(&(struct cloud_opts){.loop = w->loop, .http = w->http});
	w->forge = forge_new(w->loop, w->http, NULL);
	w->gitc = gitc_client_new(
		w->loop, &(struct gitc_client_opts){.http = w->http, .folder = w->folder});
	w->client =
		kube_client_new(w->loop, fake_kube_config(w->kube), &(struct kube_client_opts){0});
	w->metrics = metrics_new();
	w->events = event_recorder_new(w->client, "image-automation-controller", "test");
	opts.controller.loop = w->loop;
	opts.controller.kube = w->client;
	opts.controller.metrics = w->metrics;
	opts.controller.events = w->events;
	opts.login.cloud = w->cloud;
	opts.forge = w->forge;
	opts.git = w->gitc;
	opts.folder = w->path;
	w->c = imageupdateautomation_new(&opts);
	controller_start(w->c);
	world_settle(w);
}

void world_begin(struct world *w)
{
	auto_free char *state = NULL;
	struct err err = {0};

	*w = (struct world){0};
	clock_fake(1800000000000);
	log_set_fd(getenv("UNIT_LOG") ? 2 : -1);
	if (getenv("UNIT_LOG"))
		ck_assert_int_eq(log_set_level(getenv("UNIT_LOG")), 0);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	w->loop = loop_new();
	w->kube = fake_kube_new(w->loop);
	w->git = fake_git_new(w->loop);
	snprintf(w->path, sizeof(w->path), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->path));
	state = mem_printf("%s/git", w->path);
	w->folder = gitc_folder_new(state, &err);
	ck_assert_msg(w->folder != NULL, "%s", err.msg);
	fake_git_run(w->git,
		"git init -q --bare -b main app.git && git -C app.git config http.receivepack true "
		"&& "
		"git -C app.git config uploadpack.allowFilter true && "
		"git -C app.git config receive.advertisePushOptions true && "
		"git init -q -b main tree && cd tree && mkdir apps && "
		"printf 'kind: App\\nmetadata:\\n  name: web\\ntag: v1 # {\"$imagepolicy\": "
		"\"apps:app:tag\"}\\n' >apps/app.yaml && echo other >other && "
		"git add -A && git commit -q -m first && git push -q ../app.git main");
	world_start(w);
}

void world_stop(struct world *w)
{
	int i;

	controller_stop(w->c);
	for (i = 0; !controller_idle(w->c); i++) {
		loop_turn(w->loop, false);
		ck_assert_int_lt(i, 1000000);
	}
	event_recorder_stop(w->events);
	cloud_stop(w->cloud);
	forge_stop(w->forge);
	for (i = 0; i < 50; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	controller_free(w->c);
	event_recorder_free(w->events);
	metrics_free(w->metrics);
	gitc_client_free(w->gitc);
	forge_free(w->forge);
	cloud_free(w->cloud);
	http_client_free(w->http);
	kube_client_free(w->client);
	w->c = NULL;
}

void world_clear(struct world *w)
{
	auto_free char *rm = mem_printf("rm -rf %s", w->path);
	int i;

	if (w->c)
		world_stop(w);
	fake_kube_free(w->kube);
	fake_git_free(w->git);
	for (i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	gitc_folder_free(w->folder);
	ck_assert_int_eq(loop_free(w->loop), 0);
	ck_assert_int_eq(system(rm), 0);
}

/* ---- objects --------------------------------------------------------------------------------- */

static void put(struct world *w, const char *plural, const char *name, const char *rest)
{
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},%s}", name, rest);

	fake_kube_put(w->kube, plural, json);
	world_settle(w);
}

void world_source_as(struct world *w, const char *name, const char *url, const char *more)
{
	auto_free char *rest = mem_printf(
		"\"spec\":{\"interval\":\"1h\",\"url\":\"%s\"%s%s}", url, *more ? "," : "", more);

	put(w, "gitrepositories", name, rest);
}

void world_source(struct world *w, const char *name, const char *ref)
{
	auto_free char *url = mem_strdup(fake_git_url(w->git, "app.git"));
	auto_free char *more = *ref ? mem_printf("\"ref\":{%s}", ref) : mem_strdup("");

	world_source_as(w, name, url, more);
}

void world_chosen(struct world *w, const char *name, const char *tag, const char *labels)
{
	auto_free char *status = tag
		? mem_printf("{\"latestRef\":{\"name\":\"ghcr.io/%s\",\"tag\":\"%s\"}}", name, tag)
		: mem_strdup("{}");
	auto_free char *json =
		mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\",\"labels\":{%s}},"
			   "\"spec\":{},\"status\":%s}",
			name, labels, status);

	fake_kube_put(w->kube, "imagepolicies", json);
	world_settle(w);
}

void world_automation_as(struct world *w, const char *name, const char *spec)
{
	auto_free char *rest = mem_printf("\"spec\":{%s}", spec);

	put(w, KIND, name, rest);
}

void world_automation(struct world *w, const char *name, const char *git, const char *more)
{
	auto_free char *spec = mem_printf(
		"\"interval\":\"1h\",\"sourceRef\":{\"kind\":\"GitRepository\",\"name\":\"app\"},"
		"\"git\":{\"commit\":{\"author\":{\"name\":\"bot\",\"email\":\"bot@b\"}}%s%s}%s%s",
		*git ? "," : "", git, *more ? "," : "", more);

	world_automation_as(w, name, spec);
}

void world_annotate(struct world *w, const char *name, const char *key, const char *value)
{
	auto_free char *patch =
		mem_printf("{\"metadata\":{\"annotations\":{\"%s\":\"%s\"}}}", key, value);

	fake_kube_merge(w->kube, KIND, "apps", name, patch);
	world_settle(w);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static unsigned watches(const struct world *w)
{
	unsigned n, open = 1 + WATCHES;

	for (n = 0; n < KIND_DEPENDS_MAX; n++)
		open += depends_watch(w->c->depends, n) != NULL;
	return open;
}

static bool is_busy(struct world *w)
{
	auto_buf struct buf page = BUF_INIT(BUF_ANY);
	struct metrics_scrape *scrape = metrics_scrape_start(w->metrics);
	struct http_client_stats s;
	struct kube_stats k;

	while (metrics_scrape_next(scrape, &page))
		;
	metrics_scrape_end(scrape);
	http_client_stats(w->http, &s);
	kube_client_stats(w->client, &k);
	return s.open_requests || k.http.open_requests > watches(w) || work_jobs(w->loop) ||
		!strstr(buf_str(&page),
			"controller_runtime_active_workers{controller=\"imageupdateautomation\"} "
			"0");
}

/* A run that sleeps between two tries is busy, and the clock stands still: it is moved for it. One
   whose request is held goes no further. */
void world_settle(struct world *w)
{
	uint64_t from = clock_ns();
	int quiet = 0, i;
	bool held;

	while (quiet < 10) {
		for (i = 0; i < 20; i++)
			loop_turn(w->loop, false);
		held = fake_git_held(w->git) || fake_kube_held(w->kube);
		quiet = is_busy(w) && !held ? 0 : quiet + 1;
		if (!quiet)
			loop_test_advance(w->loop, 1);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		ck_assert_msg(clock_ns() - from < 40000000000ULL, "no peace within 40 s:\n%s\n%s",
			fake_kube_log(w->kube), fake_git_log(w->git));
	}
}

void world_pass(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	world_settle(w);
}

const char *world_status(struct world *w, const char *name, const char *path)
{
	static char out[4][4096];
	static unsigned turn;
	const json_t *o = fake_kube_get(w->kube, KIND, "apps", name);
	json_t *at = obj_get(o, "status"), *one;
	auto_free char *copy = mem_strdup(path);
	char *rest = copy, *part = strsep(&rest, "."), *text = out[turn++ % 4];
	size_t i;

	json_array_foreach (obj_get(at, "conditions"), i, one)
		if (!strcmp(obj_str_or("", one, "type"), part)) {
			at = one;
			part = strsep(&rest, ".");
			break;
		}
	for (; part; part = strsep(&rest, "."))
		at = json_object_get(at, part);
	text[0] = '\0';
	if (json_is_string(at))
		snprintf(text, sizeof(out[0]), "%s", json_string_value(at));
	else if (json_is_integer(at))
		snprintf(text, sizeof(out[0]), "%lld", (long long)json_integer_value(at));
	return text;
}

const char *world_answer(struct world *w, const char *name)
{
	static char text[8300];

	snprintf(text, sizeof(text), "%s: %s", world_status(w, name, "Ready.reason"),
		world_status(w, name, "Ready.message"));
	return text;
}

const char *world_git(struct world *w, const char *arguments)
{
	static char *out[4];
	static unsigned turn;
	auto_free char *line = mem_printf("git -C app.git %s 2>&1 || true", arguments);
	unsigned n = turn++ % 4;

	free(out[n]);
	out[n] = fake_git_ask(w->git, line);
	return out[n];
}

const char *world_tag(struct world *w, const char *branch)
{
	auto_free char *line = mem_printf("show refs/heads/%s:apps/app.yaml 2>/dev/null | sed -n "
					  "'s/^tag: \\([^ ]*\\).*/\\1/p'",
		branch);

	return world_git(w, line);
}

unsigned world_asked(struct world *w, const char *part)
{
	const char *at = fake_git_log(w->git);
	unsigned n = 0;

	while ((at = strstr(at, part))) {
		at += strlen(part);
		n++;
	}
	return n;
}

void world_forget(struct world *w)
{
	fake_kube_log_reset(w->kube);
	fake_git_log_reset(w->git);
}
