#include "test/unit/ocirepository/world.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/obj.h"
#include "base/sys.h"
#include "cloud/cloud.h"
#include "controllers/ocirepository/ocirepository.h"
#include "ctl/controller.h"
#include "ctl/depends.h"
#include "ctl/event.h"
#include "ev/account.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "http/client.h"
#include "kube/client.h"
#include "kube/watch.h"
#include "oci/manifest.h"
#include "oci/mirrors.h"
#include "oci/registry.h"
#include "pack/tarw.h"
#include "source/item.h"
#include "source/peers.h"
#include "store/store.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* The end of a log: Check takes messages of a few KiB. */
static const char *tail(const char *text)
{
	size_t n = strlen(text);

	return n > 1500 ? text + n - 1500 : text;
}

static void build_layer(struct buf *out, const void *data, size_t len, bool notes)
{
	struct pack_tarw *t;
	struct pack_tarw_result res;
	struct err err = {0};

	buf_init(out, BUF_ANY);
	t = pack_tarw_new(&(struct pack_tarw_out){.fd = -1, .mem = out});
	ck_assert(!pack_tarw_dir(t, ".", 0750, &err) &&
		!pack_tarw_file_mem(t, "app.yaml", 0600, data, len, &err) &&
		(!notes || !pack_tarw_file_mem(t, "notes.md", 0600, "notes", 5, &err)) &&
		!pack_tarw_end(t, &res, &err));
	pack_tarw_free(t);
}

void world_layer(struct buf *out, const void *data, size_t len)
{
	build_layer(out, data, len, false);
}

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
	snprintf(w->root, sizeof(w->root), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(w->root));
	build_layer(&w->layer, "one", 3, true);
	build_layer(&w->layer2, "two", 3, true);
	w->opts.adv_address = "artifacts.test.";
}

static void lost(void *arg, const char *path)
{
	struct world *w = arg;

	artifact_file_lost(w->c, path);
}

static void room(void *arg)
{
	struct world *w = arg;

	controller_try_failed(w->c);
}

static bool scanned;

static void scan_done(struct op *op, void *arg)
{
	(void)arg;
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	op_free(op);
	scanned = true;
}

static bool is_scanned(struct world *w)
{
	(void)w;
	return scanned;
}

void world_start(struct world *w)
{
	struct ocirepository_opts opts = w->opts;
	struct err err = {0};

	w->http = http_client_new(w->loop,
		&(struct http_client_opts){
			.max_per_host = 24, .account = w->account, .pool = ACCOUNT_BODIES});
	w->oci = oci_client_new(w->loop, w->http);
	oci_client_use_account(w->oci, w->account);
	if (w->mirrors) {
		struct oci_mirrors *m = oci_mirrors_parse(w->mirrors, strlen(w->mirrors), &err);

		ck_assert_msg(m != NULL, "%s", err.msg);
		oci_client_use_mirrors(w->oci, m);
	}
	w->cloud = cloud_new(&(struct cloud_opts){.loop = w->loop, .http = w->http});
	w->client =
		kube_client_new(w->loop, fake_kube_config(w->kube), &(struct kube_client_opts){0});
	w->store = store_open(w->loop,
		&(struct store_opts){.root = w->root,
			.retention_records = 2,
			.retention_ttl_ms = 60000,
			.restore_ms = 30000,
			.quota = w->quota,
			.on_lost = lost,
			.on_room = room,
			.arg = w},
		&err);
	ck_assert_msg(w->store != NULL, "%s", err.msg);
	if (w->ask_peers) {
		w->peers_http = http_client_new(w->loop, &(struct http_client_opts){0});
		w->peers = peers_new(&(struct peers_opts){.kube = w->client,
			.http = w->peers_http,
			.ns = "flux-system",
			.service = "peers",
			.self = "pod-self"});
	}
	w->metrics = metrics_new();
	w->events = event_recorder_new(w->client, "source-controller", "test");
	opts.controller.loop = w->loop;
	opts.controller.kube = w->client;
	opts.registry.oci = w->oci;
	opts.registry.cloud = w->cloud;
	opts.store = w->store;
	opts.peers = w->peers;
	opts.controller.metrics = w->metrics;
	opts.controller.events = w->events;
	w->c = ocirepository_new(&opts);
	scanned = false;
	op_then(store_scan_start(w->store), scan_done, w);
	world_until(w, is_scanned, "the scan");
	controller_start(w->c);
}

static bool idle(struct world *w)
{
	struct store_stats st;

	store_stats(w->store, &st);
	return controller_idle(w->c) && !st.jobs;
}

void world_stop(struct world *w)
{
	int i;

	controller_stop(w->c);
	world_until(w, idle, "the controller to end");
	event_recorder_stop(w->events);
	peers_stop(w->peers);
	oci_client_stop(w->oci);
	cloud_stop(w->cloud);
	for (i = 0; i < 50; i++)
		loop_turn(w->loop, false);
	loop_settle(w->loop);
	controller_free(w->c);
	event_recorder_free(w->events);
	peers_free(MOVE(w->peers));
	if (w->peers_http)
		http_client_free(MOVE(w->peers_http));
	metrics_free(w->metrics);
	oci_client_free(w->oci);
	cloud_free(w->cloud);
	http_client_free(w->http);
	kube_client_free(w->client);
	store_close(w->store);
	w->c = NULL;
}

void world_clear(struct world *w)
{
	auto_free char *rm = mem_printf("rm -rf %s", w->root);
	int i;

	if (w->c)
		world_stop(w);
	fake_kube_free(w->kube);
	fake_registry_free(w->reg);
	for (i = 0; i < 20; i++)
		loop_turn(w->loop, false);
	ck_assert_int_eq(loop_free(w->loop), 0);
	buf_clear(&w->layer);
	buf_clear(&w->layer2);
	ck_assert_int_eq(system(rm), 0);
}

void world_object(struct world *w, const char *name, const char *spec)
{
	auto_free char *url = mem_printf("\"url\":\"oci://%s/app\",", fake_host(w->reg));
	auto_free char *json = mem_printf("{\"metadata\":{\"name\":\"%s\",\"namespace\":\"apps\"},"
					  "\"spec\":{%s\"interval\":\"1m\"%s%s}}",
		name, strstr(spec, "\"url\"") ? "" : url, *spec ? "," : "", spec);

	fake_kube_put(w->kube, "ocirepositories", json);
}

void world_until(struct world *w, bool (*fn)(struct world *w), const char *what)
{
	uint64_t from = clock_ns();

	while (!fn(w)) {
		loop_turn(w->loop, false);
		ck_assert_msg(clock_ns() - from < 40000000000ULL,
			"waited 40 s for %s; writes:\n%s\nregistry:\n%s", what,
			tail(fake_kube_log(w->kube)), tail(fake_log(w->reg)));
	}
}

/* One of the objects, and those of what they depend on. */
static unsigned watches(const struct world *w)
{
	unsigned n, open = 1 + (w->peers != NULL);

	for (n = 0; n < KIND_DEPENDS_MAX; n++)
		open += depends_watch(w->c->depends, n) != NULL;
	return open;
}

/* ms of the test's clock go by for each moment without quiet. */
static void settle(struct world *w, uint64_t ms)
{
	struct http_client_stats s;
	struct kube_stats k;
	struct store_stats st;
	struct metrics_scrape *scrape;
	auto_buf struct buf page = BUF_INIT(BUF_ANY);
	uint64_t from = clock_ns();
	int quiet = 0;

	/* Quiet: for 20 ms of real time there was no run and no request but the two watches. */
	while (quiet < 20) {
		int i;

		for (i = 0; i < 20; i++)
			loop_turn(w->loop, false);
		http_client_stats(w->http, &s);
		kube_client_stats(w->client, &k);
		store_stats(w->store, &st);
		buf_reset(&page);
		scrape = metrics_scrape_start(w->metrics);
		while (metrics_scrape_next(scrape, &page))
			;
		metrics_scrape_end(scrape);
		if (s.open_requests || k.http.open_requests > watches(w) || st.jobs ||
			!strstr(buf_str(&page),
				"controller_runtime_active_workers{controller=\"ocirepository\"} "
				"0")) {
			quiet = 0;
			if (ms)
				loop_test_advance(w->loop, ms);
		} else {
			quiet++;
		}
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		ck_assert_msg(clock_ns() - from < 40000000000ULL,
			"no peace within 40 s: %u open requests to registries, %u to the API "
			"server, "
			"%u jobs of the store; writes:\n%s\nregistry:\n%s",
			(unsigned)s.open_requests, (unsigned)k.http.open_requests,
			(unsigned)st.jobs, tail(fake_kube_log(w->kube)), tail(fake_log(w->reg)));
	}
}

void world_settle(struct world *w)
{
	settle(w, 0);
}

void world_settle_in_time(struct world *w)
{
	settle(w, 10);
}

struct item *world_item(struct world *w, const char *name)
{
	return kube_watch_find(w->c->watch, "apps", name)->user;
}

const char *world_status(struct world *w, const char *name, const char *path)
{
	static char out[2048];
	const json_t *o = fake_kube_get(w->kube, "ocirepositories", "apps", name);
	json_t *status = obj_get(o, "status"), *at = status, *one;
	char *copy = mem_strdup(path), *save = NULL, *part = strtok_r(copy, ".", &save);
	size_t i;

	json_array_foreach (obj_get(status, "conditions"), i, one)
		if (!strcmp(obj_str_or("", one, "type"), part)) {
			at = one;
			part = strtok_r(NULL, ".", &save);
			break;
		}
	for (; part; part = strtok_r(NULL, ".", &save))
		at = json_object_get(at, part);
	free(copy);
	if (json_is_string(at))
		snprintf(out, sizeof(out), "%s", json_string_value(at));
	else if (json_is_integer(at))
		snprintf(out, sizeof(out), "%lld", (long long)json_integer_value(at));
	else
		out[0] = '\0';
	return out;
}

void world_file(struct world *w, const char *name, struct buf *out)
{
	auto_free char *path = mem_printf("%s/%s", w->root, world_status(w, name, "artifact.path"));
	struct err err = {0};

	buf_init(out, BUF_ANY);
	if (sys_read_file(AT_FDCWD, path, out, &err))
		buf_reset(out);
}

void world_push(struct world *w, const char *tag, const struct buf *layer, struct fake_image *image)
{
	fake_image(w->reg, "app", tag, OCI_TYPE_FLUX_CONTENT, layer->p, layer->len, image);
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

bool world_has_event(struct world *w, const char *reason)
{
	auto_free char *line = mem_printf("EVENT %s ", reason);

	return strstr(fake_kube_log(w->kube), line) != NULL;
}

void world_forget(struct world *w)
{
	fake_kube_log_reset(w->kube);
	fake_log_reset(w->reg);
}

void world_pass(struct world *w, uint64_t ms)
{
	loop_test_advance(w->loop, ms);
	world_settle(w);
}
