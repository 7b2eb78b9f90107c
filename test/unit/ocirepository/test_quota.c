/* What the store's quota does to a run: before the pull, after a repack, and to what is lost. */
#include "base/mem.h"
#include "base/sys.h"
#include "crypto/rand.h"
#include "store/store.h"
#include "world.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

Suite *suite_quota(void);

#define SOON 1500 /* until who was refused hears of room */
#define TAG(t) "\"ref\":{\"tag\":\"" t "\"}"

/* The back-off is longer than any test: what is tried again was told to. */
static void begin(struct world *w, uint64_t quota)
{
	world_init(w);
	w->quota = quota;
	w->opts.controller.min_retry_ms = w->opts.controller.max_retry_ms = 6000000;
}

/* A plain layer of about so many bytes. */
static void layer_of(struct buf *out, size_t bytes)
{
	char *noise = mem_alloc(bytes);

	rand_bytes(noise, bytes);
	world_layer(out, noise, bytes);
	free(noise);
}

static void check_refused(struct world *w, const char *name, const char *message)
{
	ck_assert_str_eq(world_status(w, name, "Ready.status"), "False");
	ck_assert_str_eq(world_status(w, name, "Ready.reason"), "StorageQuotaExceeded");
	ck_assert_str_eq(world_status(w, name, "StorageOperationFailed.status"), "True");
	ck_assert_msg(strstr(world_status(w, name, "Ready.message"), message) != NULL, "%s",
		world_status(w, name, "Ready.message"));
}

static void check_ready(struct world *w, const char *name)
{
	ck_assert_msg(!strcmp(world_status(w, name, "Ready.status"), "True"), "%s: %s", name,
		world_status(w, name, "Ready.message"));
}

/* Nothing is pulled that has no room; what there is goes on; and it comes as soon as it may. */
START_TEST(test_waits)
{
	struct world w;
	struct fake_image one, two;
	struct buf a, b;

	begin(&w, 150000);
	layer_of(&a, 100000);
	layer_of(&b, 100000);
	world_push(&w, "1.0", &a, &one);
	world_push(&w, "2.0", &b, &two);
	world_object(&w, "web", TAG("1.0"));
	world_start(&w);
	world_settle(&w);
	check_ready(&w, "web");
	world_forget(&w);
	world_object(&w, "api", TAG("2.0"));
	world_settle(&w);
	check_refused(&w, "api",
		"no room in the storage quota of 0.1 MiB (--storage-quota): 0.1 MiB are taken, "
		"0.1 MiB more are needed");
	ck_assert(!strstr(fake_log(w.reg), "/blobs/"));
	check_ready(&w, "web");
	world_pass(&w, SOON);
	check_refused(&w, "api", "quota");
	fake_kube_delete(w.kube, "ocirepositories", "apps", "web");
	world_settle(&w);
	world_pass(&w, SOON);
	check_ready(&w, "api");
	fake_image_clear(&one);
	fake_image_clear(&two);
	buf_clear(&a);
	buf_clear(&b);
	world_clear(&w);
}
END_TEST

/* An object's own older artifacts give way to its new one, however many records are kept. */
START_TEST(test_gives_way)
{
	struct world w;
	struct fake_image image[3];
	struct buf layer[3];
	struct store_stats st;
	unsigned i;

	begin(&w, 210000);
	for (i = 0; i < 3; i++)
		layer_of(&layer[i], 100000);
	world_push(&w, "1.0", &layer[0], &image[0]);
	world_object(&w, "web", TAG("1.0"));
	world_start(&w);
	world_settle(&w);
	world_push(&w, "2.0", &layer[1], &image[1]);
	world_object(&w, "web", TAG("2.0"));
	world_settle(&w);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.files, 2);
	world_push(&w, "3.0", &layer[2], &image[2]);
	world_object(&w, "web", TAG("3.0"));
	world_settle(&w);
	check_ready(&w, "web");
	ck_assert(strstr(world_status(&w, "web", "artifact.revision"), "3.0@"));
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.files, 2);
	ck_assert_uint_eq(st.reserved, 0);
	ck_assert_uint_le(st.bytes, 210000);
	for (i = 0; i < 3; i++) {
		fake_image_clear(&image[i]);
		buf_clear(&layer[i]);
	}
	world_clear(&w);
}
END_TEST

/* What a status names comes back whatever the quota says. */
START_TEST(test_restore)
{
	struct world w;
	struct fake_image image;
	auto_buf struct buf file = BUF_INIT(BUF_ANY);
	struct buf layer;
	char cmd[128];

	begin(&w, 0);
	layer_of(&layer, 100000);
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", TAG("1.0"));
	world_start(&w);
	world_settle(&w);
	check_ready(&w, "web");
	world_stop(&w);
	snprintf(cmd, sizeof(cmd), "rm -rf %s/ocirepository", w.root);
	ck_assert_int_eq(system(cmd), 0);
	w.quota = 1000;
	world_start(&w);
	world_settle(&w);
	check_ready(&w, "web");
	world_file(&w, "web", &file);
	ck_assert_uint_eq(file.len, layer.len);
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

/* ---- an artifact that is larger than its layer */

/* Words of a few thousand, as tight as gzip can, and a link, so that it is packed again. */
#define WORDS \
	"BEGIN { srand(1)\n" \
	"for (i = 0; i < 3000; i++) { n = 3 + int(rand() * 8); w = \"\"\n" \
	"for (j = 0; j < n; j++) w = w sprintf(\"%c\", 97 + int(rand() * 26)); v[i] = w }\n" \
	"for (i = 0; i < 40000; i++) print v[int(rand() * rand() * 3000)] }"

static void tight_layer(struct world *w, struct buf *out)
{
	char cmd[1024];
	struct err err = {0};

	snprintf(cmd, sizeof(cmd),
		"mkdir %s.in && cd %s.in && awk '%s' >words && ln -s words link && "
		"tar --format=ustar -cf - link words | gzip -9n >layer",
		w->root, w->root, WORDS);
	ck_assert_int_eq(system(cmd), 0);
	snprintf(cmd, sizeof(cmd), "%s.in/layer", w->root);
	*out = BUF_INIT(BUF_ANY);
	ck_assert_msg(!sys_read_file(AT_FDCWD, cmd, out, &err), "%s", err.msg);
	snprintf(cmd, sizeof(cmd), "rm -rf %s.in", w->root);
	ck_assert_int_eq(system(cmd), 0);
}

static const struct {
	const char *name;
	uint64_t beyond; /* the layer's size */
	bool fits;
} GROWN[] = {{"no room for what it grows by", 10, false}, {"room", 1 << 20, true}};

START_TEST(test_grows)
{
	struct world w;
	struct fake_image image;
	struct buf layer;
	struct store_stats st;

	begin(&w, 0);
	tight_layer(&w, &layer);
	w.quota = layer.len + GROWN[_i].beyond;
	world_push(&w, "1.0", &layer, &image);
	world_object(&w, "web", TAG("1.0"));
	world_start(&w);
	world_settle(&w);
	store_stats(w.store, &st);
	ck_assert_uint_eq(st.reserved, 0);
	if (GROWN[_i].fits) {
		check_ready(&w, "web");
		ck_assert_uint_gt(st.bytes, layer.len + 10);
	} else {
		check_refused(&w, "web", "no room in the storage quota");
		ck_assert_uint_eq(st.bytes, 0);
		ck_assert_uint_eq(st.published, 0);
	}
	fake_image_clear(&image);
	buf_clear(&layer);
	world_clear(&w);
}
END_TEST

Suite *suite_quota(void)
{
	Suite *s = suite_create("quota");
	TCase *t = tcase_create("quota");

	tcase_add_test(t, test_waits);
	tcase_add_test(t, test_gives_way);
	tcase_add_test(t, test_restore);
	tcase_add_loop_test(t, test_grows, 0, (int)ARRAY_LEN(GROWN));
	suite_add_tcase(s, t);
	return s;
}
