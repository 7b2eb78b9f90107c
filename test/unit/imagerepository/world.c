#include "test/unit/imagerepository/world.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "cloud/cloud.h"
#include "ctl/depends.h"
#include "ctl/event.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "http/client.h"
#include "image/tags.h"
#include "kube/client.h"
#include "oci/registry.h"

#include <check.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

void world_init(struct world *w)
{
	*w = (struct world){0};
	clock_fake(1800000000000);
	log_set_fd(getenv("UNIT_LOG") ? 2 : -1);
	if (getenv("UNIT_LOG"))
		ck_assert_int_eq(log_set_level(getenv("UNIT_LOG")), 0);
	unsetenv("http_proxy");
	unsetenv("https_proxy");
	w->loop = loop_new();
	w->kube = fake_kube_new(w->loop);
	w->reg = fake_registry_new(w->loop);
	snprintf(w->path, sizeof(w->path), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->path));
}

void world_start(struct world *w)
{
	struct imagerepository_opts opts = w->opts;
	struct err err = {0};

	w->http = http_client_new(w->loop,
		&(struct http_client_opts){
			.max_per_host = 24, .account = w->account, .pool = ACCOUNT_BODIES});
	w->oci = oci_client_new(w->loop, w->http);
	w->cloud = cloud_new(&(struct cloud_opts){.loop = w->loop, .http = w->http});
	w->client =
		kube_client_new(w->loop, fake_kube_config(w->kube), &(struct kube_client_opts){0});
	ck_assert_msg(!store_root_open(&w->root, w->path, &err), "%s", err.msg);
	w->catalog = image_catalog_new(w->loop, &w->root);
	w->metrics = metrics_new();
	w->events = event_recorder_new(w->client, "source-controller", "test");
	opts.controller.loop = w->loop;
	opts.controller.kube = w->client;
	opts.controller.metrics = w->metrics;
	opts.controller.events = w->events;
	opts.registry.oci = w->oci;
	opts.registry.cloud = w->cloud;
	opts.catalog = w->catalog;
	opts.account = w->account;
	w->c = imagerepository_new(&opts);
	controller_start(w->c);
	world_settle(w);
}

void world_stop(struct world *w)
{
	uint64_t from = clock_ns();
	int i;

	controller_stop(w->c);
	while (!controller_idle(w->c)) {
		loop_turn(w->loop, false);
		ck_assert_msg(clock_ns() - from < 40000000000ULL, "the controller does not end");
	}
	event_recorder_stop(w->events);
	oci_client_stop(w->oci);
	cloud_stop(w->cloud);
	for (i = 0; i < 50; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	controller_free(w->c);
	image_catalog_free(w->catalog);
	loop_settle(w->loop);
	event_recorder_free(w->events);
	metrics_free(w->metrics);
	oci_client_free(w->oci);
	cloud_free(w->cloud);
	http_client_free(w->http);
	kube_client_free(w->client);
	store_root_close(&w->root);
	w->c = NULL;
}

void world_clear(struct world *w)
{
	auto_free char *rm = mem_printf("rm -rf %s", w->path);
	unsigned i;

	if (w->c)
		world_stop(w);
	fake_kube_free(w->kube);
	fake_registry_free(w->reg);
	for (i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	ck_assert_int_eq(loop_free(w->loop), 0);
	for (i = 0; i < w->ntags; i++)
		free(w->tags[i]);
	ck_assert_int_eq(system(rm), 0);
}

void world_object(struct world *w, const char *name, const char *spec)
{
	auto_free char *image = mem_printf("\"image\":\"%s/app\",", fake_host(w->reg));
	auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},"
					  "\"spec\":{%s%s%s%s}}",
		name, strstr(spec, "\"image\"") ? "" : image,
		strstr(spec, "\"interval\"") ? "" : "\"interval\":\"1m\"",
		*spec && !strstr(spec, "\"interval\"") ? "," : "", spec);

	fake_kube_put(w->kube, "imagerepositories", json);
	world_settle(w);
}

void world_merge(struct world *w, const char *name, const char *patch)
{
	fake_kube_merge(w->kube, "imagerepositories", "apps", name, patch);
	world_settle(w);
}

struct fake_answer *world_tags(struct world *w, const char *tags)
{
	auto_buf struct buf b = BUF_INIT(BUF_ANY);
	auto_free char *copy = mem_strdup(tags);
	struct fake_answer *a;
	char *save = NULL, *tag;
	bool more = false;

	ck_assert_uint_lt(w->ntags, ARRAY_LEN(w->tags));
	buf_adds(&b, "{\"name\":\"app\",\"tags\":[");
	for (tag = strtok_r(copy, " ", &save); tag; tag = strtok_r(NULL, " ", &save), more = true)
		buf_addf(&b, "%s\"%s\"", more ? "," : "", tag);
	buf_adds(&b, "]}");
	a = fake_on(w->reg, "GET", "/v2/app/tags/list");
	a->body = w->tags[w->ntags++] = buf_take(&b);
	return a;
}

static unsigned watches(const struct world *w)
{
	unsigned n, open = 1;

	for (n = 0; n < KIND_DEPENDS_MAX; n++)
		open += depends_watch(w->c->depends, n) != NULL;
	return open;
}

void world_settle(struct world *w)
{
	struct http_client_stats s;
	struct kube_stats k;
	uint64_t from = clock_ns();
	int quiet = 0, i;

	/* For 20 ms of real time there was no run and no request but the watches. */
	while (quiet < 20) {
		for (i = 0; i < 20; i++)
			loop_turn(w->loop, false);
		http_client_stats(w->http, &s);
		kube_client_stats(w->client, &k);
		if (s.open_requests || k.http.open_requests > watches(w) || w->c->queue.running)
			quiet = 0;
		else
			quiet++;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		ck_assert_msg(clock_ns() - from < 40000000000ULL,
			"no peace within 40 s; writes:\n%.1000s\nregistry:\n%.1000s",
			fake_kube_log(w->kube), fake_log(w->reg));
	}
	loop_settle(w->loop);
}

void world_pass(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	world_settle(w);
}

void world_elapse(struct world *w, uint64_t ms)
{
	int i;

	for (; ms; ms -= ms < 250 ? ms : 250) {
		loop_test_advance(w->loop, ms < 250 ? ms : 250);
		for (i = 0; i < 20; i++)
			loop_turn(w->loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
}

const char *world_status(struct world *w, const char *name, const char *path)
{
	static char out[4096];
	const json_t *o = fake_kube_get(w->kube, "imagerepositories", "apps", name);
	json_t *status = obj_get(o, "status"), *at = status, *one;
	auto_free char *copy = mem_strdup(path);
	char *save = NULL, *part = strtok_r(copy, ".", &save);
	size_t i, n = 0;

	json_array_foreach (obj_get(status, "conditions"), i, one)
		if (!strcmp(obj_str_or("", one, "type"), part)) {
			at = one;
			part = strtok_r(NULL, ".", &save);
			break;
		}
	for (; part; part = strtok_r(NULL, ".", &save))
		at = json_object_get(at, part);
	out[0] = '\0';
	if (json_is_string(at))
		snprintf(out, sizeof(out), "%s", json_string_value(at));
	else if (json_is_integer(at))
		snprintf(out, sizeof(out), "%lld", (long long)json_integer_value(at));
	json_array_foreach (at, i, one)
		n += (size_t)snprintf(
			out + n, sizeof(out) - n, "%s%s", i ? " " : "", json_string_value(one));
	return out;
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		n++;
	return n;
}

unsigned world_scans(struct world *w)
{
	return lines_with(fake_log(w->reg), "/tags/list?n=");
}

const char *world_writes(struct world *w)
{
	static char out[8192];
	const char *line = fake_kube_log(w->kube);
	size_t n = 0;

	out[0] = '\0';
	for (; *line; line = strchr(line, '\n') + 1)
		if (strncmp(line, "EVENT", 5) != 0 && strncmp(line, "PATCH events/", 13) != 0)
			n += (size_t)snprintf(
				out + n, sizeof(out) - n, "%.*s\n", (int)strcspn(line, "\n"), line);
	return out;
}

unsigned world_events(struct world *w, const char *reason)
{
	auto_free char *line = mem_printf("EVENT %s ", reason);

	return lines_with(fake_kube_log(w->kube), line);
}

void world_forget(struct world *w)
{
	fake_kube_log_reset(w->kube);
	fake_log_reset(w->reg);
}

const char *world_file(struct world *w, const char *name)
{
	static char text[4096];
	struct image_tags *t;
	struct image_tag tag;
	struct err err = {0};
	size_t n = 0;

	if (image_tags_open(&t, &w->root, "apps", name, &err))
		return "(none)";
	text[0] = '\0';
	while (image_tags_next(t, &tag, &err) > 0 && n < sizeof(text))
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "", tag.tag);
	image_tags_close(t);
	return text;
}
