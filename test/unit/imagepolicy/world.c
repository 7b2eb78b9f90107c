#include "test/unit/imagepolicy/world.h"

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
#include "ev/op.h"
#include "ev/work.h"
#include "http/client.h"
#include "kube/client.h"
#include "oci/registry.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void world_init(struct world *w)
{
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
	w->reg = fake_registry_new(w->loop);
	snprintf(w->path, sizeof(w->path), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->path));
	ck_assert_msg(!store_root_open(&w->root, w->path, &err), "%s", err.msg);
}

void world_start(struct world *w)
{
	struct imagepolicy_opts opts = w->opts;

	w->http = http_client_new(w->loop, &(struct http_client_opts){.max_per_host = 24});
	w->oci = oci_client_new(w->loop, w->http);
	w->cloud = cloud_new(&(struct cloud_opts){.loop = w->loop, .http = w->http});
	w->client =
		kube_client_new(w->loop, fake_kube_config(w->kube), &(struct kube_client_opts){0});
	w->metrics = metrics_new();
	w->events = event_recorder_new(w->client, "image-reflector-controller", "test");
	w->catalog = image_catalog_new(w->loop, &w->root);
	opts.controller.loop = w->loop;
	opts.controller.kube = w->client;
	opts.controller.metrics = w->metrics;
	opts.controller.events = w->events;
	opts.registry.oci = w->oci;
	opts.registry.cloud = w->cloud;
	opts.catalog = w->catalog;
	w->c = imagepolicy_new(&opts);
	controller_start(w->c);
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
	oci_client_stop(w->oci);
	cloud_stop(w->cloud);
	for (i = 0; i < 50; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	controller_free(w->c);
	image_catalog_free(w->catalog);
	event_recorder_free(w->events);
	metrics_free(w->metrics);
	oci_client_free(w->oci);
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
	fake_registry_free(w->reg);
	for (i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	ck_assert_int_eq(loop_free(w->loop), 0);
	store_root_close(&w->root);
	ck_assert_int_eq(system(rm), 0);
}

void world_begin(struct world *w)
{
	world_init(w);
	world_start(w);
	image_catalog_listed(w->catalog);
	world_settle(w);
}

/* ---- ImageRepositories ----------------------------------------------------------------------- */

static const char *name_of(const char *key, char ns[64])
{
	const char *slash = strchr(key, '/');

	snprintf(ns, 64, "%.*s", slash ? (int)(slash - key) : 4, slash ? key : "apps");
	return slash ? slash + 1 : key;
}

static char *member(const json_t *spec, const char *key)
{
	return mem_strdup(obj_str(spec, key, "name"));
}

void world_repository(struct world *w, const char *key, const char *image, const char *more)
{
	auto_free char *text = mem_printf("{%s}", more);
	auto_json json_t *spec = json_loads(text, 0, NULL);
	char ns[64];
	const char *name = name_of(key, ns);
	struct image_facts f = {.image = mem_strdup(image), .timeout_ms = 30000};
	json_t *one;
	size_t i;

	ck_assert_msg(spec != NULL, "%s", text);
	f.insecure = obj_bool(false, spec, "insecure");
	f.access = json_incref(obj_get(spec, "accessFrom"));
	f.login.secret = member(spec, "secretRef");
	json_array_foreach (obj_get(spec, "exclusionList"), i, one)
		image_exclude_add(&f.exclude, json_string_value(one));
	image_catalog_put(w->catalog, ns, name, &f, NULL);
}

static void written(struct op *op, void *arg)
{
	(void)arg;
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	op_free(op);
}

void world_tags(struct world *w, const char *key, const char *tags)
{
	struct image_tags_head head = {.scanned_ms = clock_wall_ms()};
	auto_free char *copy = mem_strdup(tags);
	struct image_tags_list list;
	char ns[64], *rest = copy, *tag;
	const char *name = name_of(key, ns);
	struct err err = {0};

	snprintf(head.image, sizeof(head.image), "%s",
		image_catalog_find(w->catalog, ns, name)->canonical);
	digest_mem(&head.excluded, DIGEST_SHA256, "", 0);
	image_tags_list_init(&list, 100000000);
	while ((tag = strsep(&rest, " ")))
		if (*tag)
			ck_assert(!image_tags_list_add(&list, tag, &err));
	op_then(image_catalog_write_start(w->catalog, ns, name, &list, NULL, &head, clock_ms()),
		written, w);
	world_settle(w);
	image_tags_list_clear(&list);
}

void world_no_tags(struct world *w, const char *key)
{
	char ns[64];
	const char *name = name_of(key, ns);

	op_then(image_catalog_look_start(w->catalog, ns, name, NULL), written, w);
	world_settle(w);
}

/* ---- ImagePolicies --------------------------------------------------------------------------- */

void world_policy(struct world *w, const char *name, const char *spec)
{
	bool refers = strstr(spec, "\"imageRepositoryRef\"");
	auto_free char *json = mem_printf(
		"{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},\"spec\":{%s%s%s}}", name,
		refers ? "" : "\"imageRepositoryRef\":{\"name\":\"app\"}",
		refers || !*spec ? "" : ",", spec);

	fake_kube_put(w->kube, "imagepolicies", json);
	world_settle(w);
}

static void merge(struct world *w, const char *name, const char *patch)
{
	fake_kube_merge(w->kube, "imagepolicies", "apps", name, patch);
	world_settle(w);
}

void world_change(struct world *w, const char *name, const char *spec)
{
	auto_free char *patch = mem_printf("{\"spec\":{%s}}", spec);

	merge(w, name, patch);
}

void world_annotate(struct world *w, const char *name, const char *key, const char *value)
{
	auto_free char *patch = mem_printf("{\"metadata\":{\"annotations\":{\"%s\":%s%s%s}}}", key,
		value ? "\"" : "", value ? value : "null", value ? "\"" : "");

	merge(w, name, patch);
}

/* ---- what came of it ------------------------------------------------------------------------- */

static unsigned watches(const struct world *w)
{
	unsigned n, open = 1;

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
			"controller_runtime_active_workers{controller=\"imagepolicy\"} 0");
}

void world_settle(struct world *w)
{
	uint64_t from = clock_ns();
	int quiet = 0, i;

	while (quiet < 10) {
		for (i = 0; i < 20; i++)
			loop_turn(w->loop, false);
		quiet = is_busy(w) ? 0 : quiet + 1;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		ck_assert_msg(clock_ns() - from < 40000000000ULL, "no peace within 40 s:\n%s\n%s",
			fake_kube_log(w->kube), fake_log(w->reg));
	}
}

void world_pass(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	world_settle(w);
}

const char *world_status(struct world *w, const char *name, const char *path)
{
	static char out[4][2048];
	static unsigned turn;
	const json_t *o = fake_kube_get(w->kube, "imagepolicies", "apps", name);
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
	static char text[4200];

	if (!strcmp(world_status(w, name, "Ready.status"), "True"))
		return world_status(w, name, "latestRef.tag");
	snprintf(text, sizeof(text), "%s: %s", world_status(w, name, "Ready.reason"),
		world_status(w, name, "Ready.message"));
	return text;
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

void world_forget(struct world *w)
{
	fake_kube_log_reset(w->kube);
	fake_log_reset(w->reg);
}

void world_manifest(struct world *w, const char *tag, char digit, int status)
{
	/* Answers borrow their texts for the life of the registry: they are few, and this process
	   ends after one test. */
	static char texts[32][256];
	static unsigned used;
	char *path = texts[used++ % 32], *headers = texts[used++ % 32];
	char hex[65];
	struct fake_answer *a;

	memset(hex, digit, 64);
	hex[64] = '\0';
	snprintf(path, sizeof(texts[0]), "/v2/app/manifests/%s", tag);
	snprintf(headers, sizeof(texts[0]), "Docker-Content-Digest: sha256:%s\r\n", hex);
	a = fake_on(w->reg, "HEAD", path);
	a->times = 1;
	a->status = status;
	if (status == 200)
		a->headers = headers;
}
