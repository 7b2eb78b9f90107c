#include "test/unit/ocirepository/scenes.h"

#include "base/base64.h"
#include "base/mem.h"
#include "crypto/rand.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TAG(t) "\"ref\":{\"tag\":\"" t "\"}"
/* Over 256 KiB: by way of a temporary file. */
#define LARGE 300000

static struct {
	struct fake_image image[3];
	struct buf layer[3];
	char *challenge;
	struct buf file;
	char *path, *ranges;
	unsigned images;
} made;

void scene_clear(void)
{
	unsigned i;

	for (i = 0; i < made.images; i++)
		fake_image_clear(&made.image[i]);
	for (i = 0; i < ARRAY_LEN(made.layer); i++)
		buf_clear(&made.layer[i]);
	buf_clear(&made.file);
	free(made.challenge);
	free(made.path);
	free(made.ranges);
	memset(&made, 0, sizeof(made));
}

static void push(struct world *w, const char *tag, const struct buf *layer)
{
	world_push(w, tag, layer, &made.image[made.images++]);
}

static const struct buf *noise(unsigned n, size_t bytes)
{
	char *data = mem_alloc(bytes);

	rand_bytes(data, bytes);
	world_layer(&made.layer[n], data, bytes);
	free(data);
	return &made.layer[n];
}

static void spec(struct world *w, const char *text)
{
	auto_free char *patch = mem_printf("{\"spec\":{%s}}", text);

	fake_kube_merge(w->kube, "ocirepositories", "apps", "web", patch);
}

/* The object is Ready with its tag 1.0. */
static void settled(struct world *w, const struct buf *layer)
{
	push(w, "1.0", layer);
	world_object(w, "web", TAG("1.0"));
	world_start(w);
	world_settle(w);
	ck_assert_str_eq(world_status(w, "web", "Ready.status"), "True");
}

static void all_files_lost(struct world *w)
{
	auto_free char *rm = mem_printf("rm -rf %s/ocirepository %s/.index", w->root, w->root);

	ck_assert_int_eq(system(rm), 0);
}

/* ---- before ---------------------------------------------------------------------------------- */

static void first(struct world *w)
{
	push(w, "1.0", &w->layer);
	world_object(w, "web", TAG("1.0"));
}

static void revision(struct world *w)
{
	settled(w, &w->layer);
	world_stop(w);
	push(w, "2.0", &w->layer2);
	spec(w, TAG("2.0"));
}

/* The same path, with other bytes. */
static void rules(struct world *w)
{
	settled(w, &w->layer);
	world_stop(w);
	spec(w, "\"ignore\":\"*.md\"");
}

static void large(struct world *w)
{
	push(w, "1.0", noise(0, LARGE));
	world_object(w, "web", TAG("1.0") ",\"ignore\":\"*.md\"");
}

static void restore(struct world *w)
{
	settled(w, &w->layer);
	world_stop(w);
	spec(w, "\"suspend\":true");
	all_files_lost(w);
}

static void deleted(struct world *w)
{
	settled(w, &w->layer);
	world_stop(w);
	fake_kube_delete(w->kube, "ocirepositories", "apps", "web");
}

/* The oldest of three gives way to the new one. */
static void quota(struct world *w)
{
	w->quota = 210000;
	settled(w, noise(0, 100000));
	push(w, "2.0", noise(1, 100000));
	spec(w, TAG("2.0"));
	world_settle(w);
	world_stop(w);
	push(w, "3.0", noise(2, 100000));
	spec(w, TAG("3.0"));
}

/* Two records are kept, the third goes when its time is over. */
static void retention(struct world *w)
{
	settled(w, &w->layer);
	push(w, "2.0", &w->layer2);
	spec(w, TAG("2.0"));
	world_settle(w);
	world_pass(w, 120000);
	world_stop(w);
	push(w, "3.0", noise(0, 1000));
	spec(w, TAG("3.0"));
}

/* A list of tags, a Secret, and a token for it. */
static void login(struct world *w)
{
	auto_buf struct buf b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *secret = NULL;
	struct fake_answer *head;

	plain = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"bWU6c2VjcmV0\"}}}", fake_host(w->reg));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	secret = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w->kube, "secrets", secret);
	made.challenge = mem_printf("Bearer realm=\"http://%s/token\"", fake_host(w->reg));
	fake_on(w->reg, "GET", "/token")->body = "{\"token\":\"good\"}";
	fake_on(w->reg, "GET", "/v2/app/tags/list")->body = "{\"tags\":[\"1.0.0\"]}";
	head = fake_on(w->reg, "HEAD", "/none");
	head->challenge = made.challenge;
	head->need = "Bearer good";
	push(w, "1.0.0", &w->layer);
	head->headers = made.image[0].paths[3];
	head->path = made.image[0].paths[0];
	world_object(w, "web", "\"ref\":{\"semver\":\"1.x\"},\"secretRef\":{\"name\":\"pull\"}");
}

/* Another replica has what this one lacks. */
static void peers(struct world *w)
{
	auto_free char *slice = NULL;
	struct fake_answer *a;

	settled(w, noise(0, LARGE));
	world_file(w, "web", &made.file);
	made.path = mem_printf("/%s", world_status(w, "web", "artifact.path"));
	world_stop(w);
	all_files_lost(w);
	w->ask_peers = true;
	a = fake_on(w->reg, "GET", made.path);
	a->body = made.file.p;
	a->body_len = made.file.len;
	a->ranges = true;
	slice = mem_printf(
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"flux-system\"},\"ports\":[{"
		"\"name\":\"http\",\"port\":%u}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"],"
		"\"targetRef\":{\"name\":\"pod-1\"}}]}",
		fake_port(w->reg));
	fake_kube_put(w->kube, "endpointslices", slice);
}

/* ---- course ---------------------------------------------------------------------------------- */

/* The index is written ten seconds after something has changed. */
static void until_saved(struct world *w)
{
	world_pass(w, 11000);
}

/* Retention looks again when the superseded file's time is over. */
static void a_minute(struct world *w)
{
	world_pass(w, 61000);
	world_pass(w, 61000);
}

#define POINTS(...) ((const char *const[]){__VA_ARGS__, NULL})

const struct scene scenes[] = {
	{"first artifact", first, NULL, "1.0@",
		POINTS("reconcile/finalizer", "reconcile/finalizer+", "reconcile/storage",
			"reconcile/resolve", "reconcile/slot", "reconcile/manifest",
			"reconcile/quota", "reconcile/temp", "reconcile/pull", "reconcile/publish",
			"reconcile/publish+", "reconcile/hold", "reconcile/status",
			"reconcile/status+", "reconcile/commit", "reconcile/retain",
			"reconcile/events", "reconcile/drop", "reconcile/cleanup", "reconcile/end",
			"publish/pack", "blob/transfer", "image/manifest", "resolve/head",
			"registry request/send", "kube/request", "kube_list/send", "sys.fdatasync",
			"sys.rename", "sys.write", "store.written", "store.synced", "store.renamed",
			"store.linked"),
		.files = 1},
	{"new revision", revision, NULL, "2.0@",
		POINTS("reconcile/publish+", "reconcile/retain+", "store.renamed"), .files = 2},
	{"other rules", rules, NULL, "1.0@",
		POINTS("reconcile/hold+", "reconcile/status+", "reconcile/commit+",
			"store.renamed"),
		.files = 1},
	{"large layer", large, NULL, "1.0@",
		POINTS("reconcile/temp+", "reconcile/pull+", "sys.write", "blob/settle"),
		.files = 1},
	{"restore", restore, NULL, "1.0@",
		POINTS("reconcile/pinned", "reconcile/peers", "reconcile/publish+"), .files = 1},
	{"deleted", deleted, NULL, NULL,
		POINTS("reconcile/remove", "reconcile/remove+", "reconcile/release",
			"store.removing", "sys.unlink"),
		.files = 0},
	{"quota", quota, NULL, "3.0@",
		POINTS("reconcile/quota+", "sys.unlink", "reconcile/status+"), .files = 2},
	{"retention", retention, a_minute, "3.0@", POINTS("reconcile/tidy", "sys.unlink"),
		.files = 2},
	{"login", login, NULL, "1.0.0@",
		POINTS("reconcile/credentials+", "tag list/ask", "token/ask",
			"registry request/token+"),
		.files = 1},
	{"index", first, until_saved, "1.0@", POINTS("sys.rename", "store.linked"), .files = 1},
	{"from a peer", peers, NULL, "1.0@",
		POINTS("peers/known", "peers/order", "peers/temp+", "peers/peer", "peers/ask+",
			"peers/write+", "peers/check", "reconcile/publish+"),
		.follows = true, .files = 1},
};

const unsigned scenes_count = ARRAY_LEN(scenes);
