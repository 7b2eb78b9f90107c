#include "image/catalog.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/obj.h"
#include "base/sys.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/work.h"
#include "test/unit/image/rig.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

Suite *suite_catalog(void);

struct world {
	struct rig rig;
	struct loop *loop;
	struct image_catalog *c;
	struct image_listener listener;
	char heard[512]; /* "came apps/web; tags apps/web; " */
	char scans[256];
};

static void heard(void *arg, const struct image_entry *e, enum image_news news)
{
	static const char *const words[] = {"came", "changed", "tags", "goes"};
	struct world *w = arg;
	size_t n = strlen(w->heard);

	snprintf(w->heard + n, sizeof(w->heard) - n, "%s %s; ", words[news], e->key);
}

static void scan(void *arg, const struct image_entry *e)
{
	struct world *w = arg;
	size_t n = strlen(w->scans);

	snprintf(w->scans + n, sizeof(w->scans) - n, "%s; ", e->key);
}

static void begin(struct world *w)
{
	*w = (struct world){0};
	clock_fake(1800000000000);
	rig_init(&w->rig);
	w->loop = loop_new();
	w->c = image_catalog_new(w->loop, &w->rig.root);
	w->listener = (struct image_listener){.heard = heard, .arg = w};
	image_catalog_listen(w->c, &w->listener);
	image_catalog_on_push(w->c, scan, w);
}

static void settle(struct world *w)
{
	int i;

	for (i = 0; i < 5; i++) {
		loop_settle(w->loop);
		loop_turn(w->loop, false);
	}
}

static void end(struct world *w)
{
	image_listener_out(&w->listener);
	image_catalog_free(w->c);
	settle(w);
	ck_assert_int_eq(loop_free(w->loop), 0);
	rig_clear(&w->rig);
}

static const char *news(struct world *w)
{
	static char out[512];

	snprintf(out, sizeof(out), "%s", w->heard);
	w->heard[0] = '\0';
	return out;
}

static void put(struct world *w, const char *name, const char *image, const char *exclude)
{
	struct image_facts f = {.image = mem_strdup(image)};

	if (exclude)
		image_exclude_add(&f.exclude, exclude);
	image_catalog_put(w->c, "apps", name, &f, NULL);
}

static const struct image_entry *entry(struct world *w, const char *name)
{
	return image_catalog_find(w->c, "apps", name);
}

static void done(struct op *op, void *arg)
{
	(void)arg;
	ck_assert_msg(op->err.kind == ERR_NONE, "%s", op->err.msg);
	op_free(op);
}

static void look(struct world *w, const char *name)
{
	op_then(image_catalog_look_start(w->c, "apps", name, NULL), done, NULL);
	settle(w);
}

struct scanned {
	struct image_tags_list list;
	struct op *op;
};

static void scan_begin(struct world *w, struct scanned *s, const char *tag, uint64_t since_ms)
{
	struct image_tags_head head = {.image = "ghcr.io/org/app", .scanned_ms = clock_wall_ms()};
	struct err err = {0};

	digest_mem(&head.excluded, DIGEST_SHA256, "", 0);
	image_tags_list_init(&s->list, 10000);
	ck_assert(!image_tags_list_add(&s->list, tag, &err));
	s->op = image_catalog_write_start(w->c, "apps", "web", &s->list, NULL, &head, since_ms);
}

static void scan_end(struct world *w, struct scanned *s)
{
	settle(w);
	ck_assert(s->op->done);
	ck_assert_msg(s->op->err.kind == ERR_NONE, "%s", s->op->err.msg);
	op_free(s->op);
	image_tags_list_clear(&s->list);
}

static void scanned(struct world *w, const char *tag)
{
	struct scanned s;

	scan_begin(w, &s, tag, clock_ms());
	scan_end(w, &s);
}

START_TEST(test_comes_changes_goes)
{
	struct world w;

	begin(&w);
	ck_assert_ptr_null(entry(&w, "web"));
	put(&w, "web", "ghcr.io/org/app", NULL);
	ck_assert_str_eq(news(&w), "came apps/web; ");
	ck_assert_str_eq(entry(&w, "web")->canonical, "ghcr.io/org/app");
	ck_assert(!entry(&w, "web")->looked);
	look(&w, "web");
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert(entry(&w, "web")->looked && !entry(&w, "web")->has);
	put(&w, "web", "ghcr.io/org/app:1", NULL);
	ck_assert_str_eq(news(&w), "changed apps/web; ");
	ck_assert_ptr_nonnull(strstr(entry(&w, "web")->wrong->msg, "remove ':1'"));
	image_catalog_drop(w.c, "apps", "web");
	ck_assert_str_eq(news(&w), "goes apps/web; ");
	ck_assert_ptr_null(entry(&w, "web"));
	end(&w);
}
END_TEST

/* What one process has written the next one finds; the same again is no news. */
START_TEST(test_tags_stay)
{
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	ck_assert_str_eq(news(&w), "came apps/web; tags apps/web; ");
	ck_assert(entry(&w, "web")->has);
	ck_assert_uint_eq(entry(&w, "web")->head.count, 1);
	scanned(&w, "1.0");
	ck_assert_str_eq(news(&w), "");
	scanned(&w, "2.0");
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	image_listener_out(&w.listener);
	image_catalog_free(w.c);
	settle(&w);
	w.c = image_catalog_new(w.loop, &w.rig.root);
	image_catalog_listen(w.c, &w.listener);
	put(&w, "web", "ghcr.io/org/app", NULL);
	look(&w, "web");
	ck_assert(entry(&w, "web")->has);
	ck_assert_str_eq(entry(&w, "web")->head.image, "ghcr.io/org/app");
	ck_assert_str_eq(rig_read(&w.rig), "2.0@1800000000");
	end(&w);
}
END_TEST

START_TEST(test_a_broken_file_is_none)
{
	struct buf file;
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	rig_file(&w.rig, &file);
	rig_put(&w.rig, file.p, file.len - 5);
	buf_clear(&file);
	news(&w);
	look(&w, "web");
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert(entry(&w, "web")->looked && !entry(&w, "web")->has);
	end(&w);
}
END_TEST

START_TEST(test_push)
{
	struct stat before, after;
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", "\\.sig$");
	/* Without tags there is nothing to add to; the scan brings it. */
	image_catalog_push(w.c, entry(&w, "web"), "1.1");
	ck_assert_str_eq(w.scans, "apps/web; ");
	settle(&w);
	ck_assert_str_eq(news(&w), "came apps/web; ");
	loop_test_advance(w.loop, 10000);
	scanned(&w, "1.0");
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000010");
	loop_test_advance(w.loop, 10000);
	image_catalog_push(w.c, entry(&w, "web"), "1.1");
	settle(&w);
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert_uint_eq(entry(&w, "web")->head.count, 2);
	ck_assert_str_eq(rig_read(&w.rig), "1.1@1800000020 1.0@1800000010");
	ck_assert_int_eq(entry(&w, "web")->head.scanned_ms, 1800000010000);
	/* Known already, excluded, none at all: the file is the same one. */
	ck_assert(!fstatat(w.rig.root.fd, "tags/apps/web", &before, 0));
	image_catalog_push(w.c, entry(&w, "web"), "1.1");
	image_catalog_push(w.c, entry(&w, "web"), "1.2.sig");
	image_catalog_push(w.c, entry(&w, "web"), "a/b");
	settle(&w);
	ck_assert_str_eq(news(&w), "");
	ck_assert(!fstatat(w.rig.root.fd, "tags/apps/web", &after, 0));
	ck_assert_uint_eq(after.st_ino, before.st_ino);
	ck_assert_str_eq(rig_read(&w.rig), "1.1@1800000020 1.0@1800000010");
	end(&w);
}
END_TEST

START_TEST(test_push_while_suspended)
{
	struct image_facts f = {.image = mem_strdup("ghcr.io/org/app"), .suspended = true};
	struct world w;

	begin(&w);
	image_catalog_put(w.c, "apps", "web", &f, NULL);
	scanned(&w, "1.0");
	image_catalog_push(w.c, entry(&w, "web"), "2.0");
	settle(&w);
	ck_assert_str_eq(w.scans, "");
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	end(&w);
}
END_TEST

/* And one that began after it, within the same millisecond, has seen all. */
START_TEST(test_push_before_a_scan)
{
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	image_catalog_push(w.c, entry(&w, "web"), "9.0");
	settle(&w);
	ck_assert_str_eq(rig_read(&w.rig), "9.0@1800000000 1.0@1800000000");
	image_catalog_scan_begins(w.c, "apps", "web");
	scanned(&w, "1.0");
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	end(&w);
}
END_TEST

/* The answer of a scan that was on its way may be older than the push. */
START_TEST(test_push_during_a_scan)
{
	struct scanned s;
	uint64_t since;
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	since = clock_ms();
	image_catalog_push(w.c, entry(&w, "web"), "2.0");
	scan_begin(&w, &s, "1.0", since);
	scan_end(&w, &s);
	ck_assert_str_eq(rig_read(&w.rig), "2.0@1800000000 1.0@1800000000");
	/* The next one has the last word. */
	loop_test_advance(w.loop, 10000);
	scanned(&w, "1.0");
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	end(&w);
}
END_TEST

/* However many are pushed, and however often: one job is on its way and one waits, with all of
   them. */
START_TEST(test_many_pushes)
{
	char tag[16];
	struct world w;
	int i;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "0");
	news(&w);
	for (i = 0; i < 500; i++) {
		snprintf(tag, sizeof(tag), "1.%d", i % 50);
		image_catalog_push(w.c, entry(&w, "web"), tag);
	}
	settle(&w);
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert_uint_eq(entry(&w, "web")->head.count, 51);
	ck_assert_uint_eq(entry(&w, "web")->pushed.len, 50);
	/* More than one takes: the scan brings the rest. */
	for (i = 0; i < 50000; i++) {
		snprintf(tag, sizeof(tag), "2.%d", i);
		image_catalog_push(w.c, entry(&w, "web"), tag);
	}
	settle(&w);
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert_uint_le(entry(&w, "web")->head.count, 2000);
	end(&w);
}
END_TEST

/* One after the other, as they were asked for. */
START_TEST(test_in_turns)
{
	struct scanned a, b;
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "0");
	scan_begin(&w, &a, "1", clock_ms() + 1);
	image_catalog_push(w.c, entry(&w, "web"), "2");
	scan_begin(&w, &b, "3", clock_ms() + 1);
	image_catalog_push(w.c, entry(&w, "web"), "4");
	op_cancel(b.op);
	settle(&w);
	ck_assert(b.op->done && b.op->err.kind == ERR_CANCELED);
	op_free(b.op);
	image_tags_list_clear(&b.list);
	scan_end(&w, &a);
	ck_assert_str_eq(rig_read(&w.rig), "4@1800000000 2@1800000000 1@1800000000");
	end(&w);
}
END_TEST

/* A file that another process has written since, or this one before it was killed. */
START_TEST(test_other_tags_than_the_status)
{
	char told[DIGEST_TEXT_MAX];
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	digest_format(&entry(&w, "web")->head.revision, told);
	image_catalog_forget(w.c, "apps", "web");
	ck_assert(!entry(&w, "web")->looked && !entry(&w, "web")->has);
	op_then(image_catalog_look_start(w.c, "apps", "web", "sha256:0"), done, NULL);
	settle(&w);
	ck_assert(entry(&w, "web")->looked && !entry(&w, "web")->has);
	op_then(image_catalog_look_start(w.c, "apps", "web", ""), done, NULL);
	settle(&w);
	ck_assert(!entry(&w, "web")->has);
	op_then(image_catalog_look_start(w.c, "apps", "web", told), done, NULL);
	settle(&w);
	ck_assert(entry(&w, "web")->has);
	end(&w);
}
END_TEST

/* Until the next scan the file is of the image before. */
START_TEST(test_push_to_another_image)
{
	struct scanned s;
	uint64_t since;
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	since = clock_ms();
	put(&w, "web", "ghcr.io/org/other", NULL);
	image_catalog_push(w.c, entry(&w, "web"), "6.6.6");
	settle(&w);
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	/* A scan of the one before, that ends late. */
	scan_begin(&w, &s, "1.0", since);
	scan_end(&w, &s);
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	put(&w, "web", "ghcr.io/org/app", NULL);
	scan_begin(&w, &s, "1.1", since);
	scan_end(&w, &s);
	ck_assert_str_eq(rig_read(&w.rig), "1.1@1800000000");
	end(&w);
}
END_TEST

/* Somebody could not read the file. */
START_TEST(test_doubt)
{
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	image_catalog_doubt(w.c, "apps", "web");
	image_catalog_doubt(w.c, "apps", "none");
	scanned(&w, "1.0");
	news(&w);
	image_catalog_doubt(w.c, "apps", "web");
	settle(&w);
	ck_assert_str_eq(news(&w), "");
	rig_put(&w.rig, "x", 1);
	image_catalog_doubt(w.c, "apps", "web");
	image_catalog_doubt(w.c, "apps", "web");
	settle(&w);
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert(!entry(&w, "web")->has);
	end(&w);
}
END_TEST

START_TEST(test_removed)
{
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	news(&w);
	op_then(image_catalog_remove_start(w.c, "apps", "web"), done, NULL);
	settle(&w);
	ck_assert_str_eq(news(&w), "tags apps/web; ");
	ck_assert(!entry(&w, "web")->has);
	ck_assert_str_eq(rig_read(&w.rig), "(artifact 'tags/apps/web' is not in the store)");
	scanned(&w, "1.0");
	image_catalog_drop(w.c, "apps", "web");
	settle(&w);
	ck_assert_str_eq(rig_read(&w.rig), "(artifact 'tags/apps/web' is not in the store)");
	ck_assert(sys_may_write(w.rig.root.fd, "tags") != 0);
	end(&w);
}
END_TEST

/* Of what was deleted while nobody looked. */
START_TEST(test_swept)
{
	struct world w;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	image_catalog_listed(w.c);
	settle(&w);
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	image_listener_out(&w.listener);
	image_catalog_free(w.c);
	settle(&w);
	w.c = image_catalog_new(w.loop, &w.rig.root);
	image_catalog_listed(w.c);
	settle(&w);
	ck_assert_str_eq(rig_read(&w.rig), "(artifact 'tags/apps/web' is not in the store)");
	end(&w);
}
END_TEST

/* Each job is some kilobytes, and of files there may be any number. */
START_TEST(test_swept_a_few_at_a_time)
{
	char path[64];
	struct err err = {0};
	struct world w;
	unsigned most = 0, left = 0;
	int i;

	begin(&w);
	put(&w, "web", "ghcr.io/org/app", NULL);
	scanned(&w, "1.0");
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "tags/apps/gone-%d", i);
		ck_assert(!sys_write_file(w.rig.root.fd, path, "x", 1, 0600, false, &err));
	}
	image_catalog_listed(w.c);
	for (i = 0; i < 2000; i++) {
		loop_turn(w.loop, false);
		if (work_jobs(w.loop) > most)
			most = work_jobs(w.loop);
	}
	settle(&w);
	ck_assert_uint_ge(most, 1);
	ck_assert_uint_le(most, 8);
	for (i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "tags/apps/gone-%d", i);
		left += !faccessat(w.rig.root.fd, path, F_OK, 0);
	}
	ck_assert_uint_eq(left, 0);
	ck_assert_str_eq(rig_read(&w.rig), "1.0@1800000000");
	end(&w);
}
END_TEST

static const struct {
	const char *access, *labels;
	bool allows;
} access_rows[] = {
	{"null", "{\"a\":\"b\"}", false},
	{"{}", "{\"a\":\"b\"}", false},
	{"{\"namespaceSelectors\":[]}", "{\"a\":\"b\"}", false},
	{"{\"namespaceSelectors\":[{}]}", "{}", true},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{}}]}", "null", true},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{\"a\":\"b\"}}]}", "{\"a\":\"b\",\"c\":\"d\"}",
		true},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{\"a\":\"b\"}}]}", "{\"a\":\"c\"}", false},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{\"a\":\"b\"}}]}", "null", false},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{\"a\":\"b\",\"c\":\"d\"}}]}", "{\"a\":\"b\"}",
		false},
	{"{\"namespaceSelectors\":[{\"matchLabels\":{\"a\":\"x\"}},{\"matchLabels\":{\"c\":\"d\"}}]"
	 "}",
		"{\"c\":\"d\"}", true},
	{"{\"namespaceSelectors\":[{\"matchLabels\":\"a\"}]}", "{\"a\":\"b\"}", false},
	{"{\"namespaceSelectors\":[{\"matchLabels\":null}]}", "{}", true},
	{"{\"namespaceSelectors\":[\"x\",{\"matchLabels\":{\"a\":1}}]}", "{\"a\":1}", false},
};

START_TEST(test_access)
{
	struct image_facts f = {.image = mem_strdup("ghcr.io/org/app")};
	json_t *labels = json_loads(access_rows[_i].labels, JSON_DECODE_ANY, NULL);
	struct world w;

	begin(&w);
	f.access = json_loads(access_rows[_i].access, JSON_DECODE_ANY, NULL);
	image_catalog_put(w.c, "apps", "web", &f, NULL);
	ck_assert_int_eq(image_entry_allows(entry(&w, "web"), labels), access_rows[_i].allows);
	json_decref(labels);
	end(&w);
}
END_TEST

Suite *suite_catalog(void)
{
	Suite *s = suite_create("catalog");
	TCase *t = tcase_create("catalog");

	tcase_add_test(t, test_comes_changes_goes);
	tcase_add_test(t, test_tags_stay);
	tcase_add_test(t, test_a_broken_file_is_none);
	tcase_add_test(t, test_push);
	tcase_add_test(t, test_push_while_suspended);
	tcase_add_test(t, test_push_before_a_scan);
	tcase_add_test(t, test_push_during_a_scan);
	tcase_add_test(t, test_many_pushes);
	tcase_add_test(t, test_in_turns);
	tcase_add_test(t, test_other_tags_than_the_status);
	tcase_add_test(t, test_push_to_another_image);
	tcase_add_test(t, test_doubt);
	tcase_add_test(t, test_removed);
	tcase_add_test(t, test_swept);
	tcase_add_test(t, test_swept_a_few_at_a_time);
	tcase_add_loop_test(t, test_access, 0, (int)ARRAY_LEN(access_rows));
	suite_add_tcase(s, t);
	return s;
}
