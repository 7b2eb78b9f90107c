#include "test/unit/ocirepository/scenes.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/rand.h"
#include "ev/loop.h"
#include "oci/manifest.h"
#include "test/unit/ocirepository/signing.h"

#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TAG(t) "\"ref\":{\"tag\":\"" t "\"}"
/* Over 256 KiB: by way of a temporary file. */
#define LARGE 300000

static struct {
	struct fake_image image[3];
	struct buf layer[3];
	char *challenge, *header;
	struct buf file;
	char *path, *layout, *mirrors;
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
	free(made.header);
	free(made.path);
	if (made.layout) {
		auto_free char *rm = mem_printf("rm -rf %s %s.tar", made.layout, made.layout);

		ck_assert_int_eq(system(rm), 0);
	}
	free(made.layout);
	free(made.mirrors);
	memset(&made, 0, sizeof(made));
	signing_clear();
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

/* By a key of a Secret, below a tag. */
static void signed_by_key(struct world *w)
{
	push(w, "1.0", &w->layer);
	signing_sign(w, &made.image[0], &made.image[0]);
	signing_trust(w, "rsa2048");
	world_object(w, "web", TAG("1.0") ",\"verify\":{\"secretRef\":{\"name\":\"trust\"}}");
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

static void secret(struct world *w)
{
	auto_buf struct buf b64 = BUF_INIT(4096);
	auto_free char *plain = NULL, *json = NULL;

	plain = mem_printf("{\"auths\":{\"%s\":{\"auth\":\"bWU6c2VjcmV0\"}}}", fake_host(w->reg));
	ck_assert(!base64_encode(&b64, plain, strlen(plain), BASE64_STD));
	json = mem_printf(
		"{\"metadata\":{\"name\":\"pull\",\"namespace\":\"apps\"},\"type\":"
		"\"kubernetes.io/dockerconfigjson\",\"data\":{\".dockerconfigjson\":\"%s\"}}",
		buf_str(&b64));
	fake_kube_put(w->kube, "secrets", json);
}

/* A list of tags, a Secret, and a token for it. */
static void login(struct world *w)
{
	struct fake_answer *head;

	secret(w);
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

/* The registry fails first, then it refuses without saying how to log in, and it does not tell the
   digest. */
static void hard(struct world *w)
{
	static const char HEAD[] = "/v2/app/manifests/1.0";
	struct fake_answer *a = fake_on(w->reg, "HEAD", HEAD);

	secret(w);
	made.challenge = mem_printf("Bearer realm=\"http://%s/token\"", fake_host(w->reg));
	a->status = 503;
	a->times = 1;
	a = fake_on(w->reg, "HEAD", HEAD);
	a->status = 401;
	a->times = 1;
	a = fake_on(w->reg, "HEAD", HEAD);
	a->need = "Bearer good";
	a->challenge = made.challenge;
	made.header = mem_printf("WWW-Authenticate: %s\r\n", made.challenge);
	a = fake_on(w->reg, "GET", "/v2/");
	a->status = 401;
	a->headers = made.header;
	a->body = "";
	fake_on(w->reg, "GET", "/token")->body = "{\"token\":\"good\"}";
	push(w, "1.0", &w->layer);
	world_object(w, "web", TAG("1.0") ",\"secretRef\":{\"name\":\"pull\"}");
}

static void layout_file(const char *name, const void *data, size_t len)
{
	auto_free char *path = mem_printf("%s/%s", made.layout, name), *dir = mem_strdup(path);
	struct err err = {0};

	*strrchr(dir, '/') = '\0';
	ck_assert_msg(!sys_mkdir_all(dir, 0755, &err) &&
			!sys_write_file(AT_FDCWD, path, data, len, 0644, false, &err),
		"%s", err.msg);
}

static void layout_blob(const struct digest *d, const void *data, size_t len)
{
	char hex[DIGEST_HEX_MAX];
	auto_free char *name = mem_printf("blobs/sha256/%s", digest_hex(d, hex));

	layout_file(name, data, len);
}

/* The image lies in a tar beside the controller. */
static void layout(struct world *w)
{
	static const char FORM[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	const struct fake_image *i = &made.image[0];
	auto_free char *index = NULL, *tar = NULL;

	first(w);
	made.layout = mem_printf("%s-layout", w->root);
	layout_file("oci-layout", FORM, strlen(FORM));
	layout_blob(&i->manifest, i->json, strlen(i->json));
	layout_blob(&i->layer, w->layer.p, w->layer.len);
	layout_blob(&i->config, "{}", 2);
	index = mem_printf("{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"%s\",\"digest\":"
			   "\"%s\",\"size\":%zu,\"annotations\":{\"" OCI_REF_NAME "\":\"1.0\"}}]}",
		OCI_TYPE_MANIFEST, i->manifest_text, strlen(i->json));
	layout_file("index.json", index, strlen(index));
	tar = mem_printf("tar -C %s -cf %s.tar .", made.layout, made.layout);
	ck_assert_int_eq(system(tar), 0);
	made.mirrors = mem_printf("rules: [{match: '%s/app', fallback: false, mirrors: [{url: "
				  "'oci-layout://%s.tar'}]}]",
		fake_host(w->reg), made.layout);
	w->mirrors = made.mirrors;
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
		"{\"metadata\":{\"name\":\"s\",\"namespace\":\"flux-system\",\"labels\":{"
		"\"kubernetes.io/service-name\":\"peers\"}},\"ports\":[{"
		"\"name\":\"http\",\"port\":%u}],\"endpoints\":[{\"addresses\":[\"127.0.0.1\"],"
		"\"targetRef\":{\"name\":\"pod-1\"}}]}",
		fake_port(w->reg));
	fake_kube_put(w->kube, "endpointslices", slice);
}

/* ---- course ---------------------------------------------------------------------------------- */

/* The index is written ten seconds after something has changed. */
static void until_saved(struct world *w)
{
	world_settle(w);
	world_pass(w, 11000);
}

/* What failed is asked again within a second: nothing settles while the clock stands still. */
static void seconds(struct world *w)
{
	int i, n;

	for (i = 0; i < 30; i++) {
		for (n = 0; n < 100; n++)
			loop_turn(w->loop, false);
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
		loop_test_advance(w->loop, 200);
	}
	world_settle_in_time(w);
}

/* Retention looks again when the superseded file's time is over. */
static void a_minute(struct world *w)
{
	world_settle(w);
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
	{"signed", signed_by_key, NULL, "1.0@",
		POINTS("reconcile/keys+", "reconcile/verify+", "reconcile/changed",
			"signature/referrers", "signature/tag+", "signature/layer+"),
		.files = 1},
	{"a hard registry", hard, seconds, "1.0@",
		POINTS("registry request/ping+", "registry request/pause+", "resolve/get+",
			"resolve/hash"),
		.files = 1},
	{"image layout", layout, NULL, "1.0@",
		POINTS("registry request/layout+", "image layout/line", "image layout/open+",
			"image layout/turn", "image layout/scan+", "image layout/find+",
			"image layout/answer", "image layout/read+", "image layout/give",
			"image layout/leave"),
		.files = 1},
	{"index", first, until_saved, "1.0@", POINTS("sys.rename", "store.linked"), .files = 1},
	{"from a peer", peers, NULL, "1.0@",
		POINTS("peers/known", "peers/order", "peers/temp+", "peers/peer", "peers/ask+",
			"peers/write+", "peers/check", "reconcile/publish+"),
		.follows = true, .files = 1},
};

const unsigned scenes_count = ARRAY_LEN(scenes);
