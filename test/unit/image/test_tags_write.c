#include "image/tags_write.h"

#include "base/mem.h"
#include "base/sys.h"
#include "test/unit/image/rig.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

Suite *suite_tags_write(void);

START_TEST(test_sorted_and_once)
{
	struct image_tags_job job;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "9 10 latest 9 v1 10", 100, &job, &err));
	ck_assert_str_eq(rig_read(&r), "v1@100 latest@100 9@100 10@100");
	ck_assert_str_eq(job.latest[0], "v1");
	ck_assert_str_eq(job.latest[3], "10");
	ck_assert_str_eq(job.latest[4], "");
	ck_assert_uint_eq(job.head.count, 4);
	ck_assert_int_eq(job.before.algo, DIGEST_NONE);
	rig_clear(&r);
}
END_TEST

START_TEST(test_none)
{
	struct image_tags_job job;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "", 100, &job, &err));
	ck_assert_str_eq(rig_read(&r), "");
	ck_assert_uint_eq(job.head.count, 0);
	rig_clear(&r);
}
END_TEST

/* What was there before keeps the time when it was seen first; what goes and comes back is new. */
START_TEST(test_seen)
{
	struct image_tags_job a, b;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "1 2 3", 100, &a, &err));
	ck_assert(!rig_write(&r, "2 3 4", 200, &b, &err));
	ck_assert_str_eq(rig_read(&r), "4@200 3@100 2@100");
	ck_assert_int_eq(b.head.began_s, 100);
	ck_assert(digest_equal(&a.head.revision, &b.before));
	ck_assert(!digest_equal(&a.head.revision, &b.head.revision));
	ck_assert(!rig_write(&r, "1 2 3", 300, &b, &err));
	ck_assert_str_eq(rig_read(&r), "3@100 2@100 1@300");
	ck_assert(digest_equal(&a.head.revision, &b.head.revision));
	rig_clear(&r);
}
END_TEST

/* A broken file counts as none, wherever it breaks. */
/* A clock that was ahead when the history began would make all tags older than it for years. */
START_TEST(test_clock_goes_back)
{
	struct image_tags_job job;
	struct err err = {0};
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "1.0", 9000, NULL, &err));
	ck_assert(!rig_write(&r, "1.0", 100, &job, &err));
	ck_assert_int_eq(job.head.began_s, 100);
	ck_assert_str_eq(rig_read(&r), "1.0@100");
	ck_assert(!rig_write(&r, "1.0 2.0", 200, &job, &err));
	ck_assert_int_eq(job.head.began_s, 100);
	ck_assert_str_eq(rig_read(&r), "2.0@200 1.0@100");
	rig_clear(&r);
}
END_TEST

/* When another image's tags were seen makes none of this one's older, or younger. */
START_TEST(test_another_image)
{
	struct image_tags_job job;
	struct err err = {0};
	struct rig r = {0};

	rig_init(&r);
	ck_assert(!rig_write(&r, "1.0 2.0", 100, NULL, &err));
	r.image = "ghcr.io/org/other";
	ck_assert(!rig_write(&r, "1.0 3.0", 200, &job, &err));
	ck_assert_str_eq(rig_read(&r), "3.0@200 1.0@200");
	ck_assert_int_eq(job.head.began_s, 200);
	rig_clear(&r);
}
END_TEST

START_TEST(test_broken_before)
{
	struct image_tags_job job;
	struct err err = {0};
	struct buf file;
	struct rig r;

	rig_init(&r);
	ck_assert(!rig_write(&r, "1 2 3", 100, NULL, &err));
	rig_file(&r, &file);
	file.p[file.len - 3] ^= 1;
	rig_put(&r, file.p, file.len);
	ck_assert(!rig_write(&r, "2 3", 200, &job, &err));
	ck_assert_str_eq(rig_read(&r), "3@200 2@200");
	ck_assert_int_eq(job.head.began_s, 200);
	ck_assert_uint_eq(job.head.count, 2);
	buf_clear(&file);
	rig_clear(&r);
}
END_TEST

START_TEST(test_budget)
{
	struct image_tags_list l;
	struct err err = {0};

	image_tags_list_init(&l, 32);
	ck_assert(!image_tags_list_add(&l, "1.0", &err));
	ck_assert(!image_tags_list_add(&l, "1.1", &err));
	ck_assert(image_tags_list_add(&l, "1.2", &err));
	ck_assert_int_eq(err.code, IMAGE_TAGS_OVER);
	ck_assert_ptr_nonnull(strstr(err.msg, "more than 32 bytes"));
	ck_assert_uint_eq(image_tags_list_size(&l), 24);
	image_tags_list_clear(&l);
}
END_TEST

/* A disk that refuses: the old file stays, and nothing is left under .tmp. */
START_TEST(test_faults)
{
	static const enum sys_call calls[] = {SYS_WRITE, SYS_FDATASYNC, SYS_RENAME};
	auto_free char *left = NULL;
	struct err err = {0};
	struct stat st;
	struct rig r;
	size_t i;

	rig_init(&r);
	left = mem_printf("test -z \"$(ls -A %s/.tmp)\"", r.path);
	ck_assert(!rig_write(&r, "1", 100, NULL, &err));
	for (i = 0; i < ARRAY_LEN(calls); i++) {
		sys_fault(calls[i], 1, ENOSPC);
		ck_assert(rig_write(&r, "2", 200, NULL, &err));
		sys_fault_clear();
		ck_assert_int_eq(err.code, -ENOSPC);
		ck_assert_str_eq(rig_read(&r), "1@100");
		ck_assert_int_eq(system(left), 0);
	}
	ck_assert(!fstatat(r.root.fd, "tags/apps/web", &st, 0));
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	rig_clear(&r);
}
END_TEST

/* Many: in the worker's slices. */
START_TEST(test_many)
{
	struct image_tags_list l;
	struct image_tags_job job = {0};
	struct image_tags *t;
	struct image_tag tag;
	atomic_bool stop = false;
	struct err err = {0};
	char text[32], ns[] = "apps", name[] = "web";
	struct rig r;
	unsigned n = 0;

	rig_init(&r);
	image_tags_list_init(&l, 16 << 20);
	for (n = 0; n < 50000; n++) {
		snprintf(text, sizeof(text), "sha-%08x", n * 2654435761U);
		ck_assert(!image_tags_list_add(&l, text, &err));
	}
	job = (struct image_tags_job){
		.root = &r.root, .ns = ns, .name = name, .list = &l, .now_s = 7};
	snprintf(job.head.image, sizeof(job.head.image), "a/b");
	digest_mem(&job.head.excluded, DIGEST_SHA256, "", 0);
	ck_assert_msg(!image_tags_write(&job, &stop, &err), "%s", err.msg);
	ck_assert(!image_tags_open(&t, &r.root, ns, name, &err));
	for (n = 0; image_tags_next(t, &tag, &err) > 0; n++)
		ck_assert_int_eq(tag.seen_s, 7);
	ck_assert_uint_eq(n, 50000);
	image_tags_close(t);
	stop = true;
	ck_assert(image_tags_write(&job, &stop, &err));
	ck_assert_int_eq(err.kind, ERR_CANCELED);
	image_tags_list_clear(&l);
	rig_clear(&r);
}
END_TEST

Suite *suite_tags_write(void)
{
	Suite *s = suite_create("tags_write");
	TCase *t = tcase_create("tags_write");

	tcase_add_test(t, test_sorted_and_once);
	tcase_add_test(t, test_none);
	tcase_add_test(t, test_seen);
	tcase_add_test(t, test_clock_goes_back);
	tcase_add_test(t, test_another_image);
	tcase_add_test(t, test_broken_before);
	tcase_add_test(t, test_budget);
	tcase_add_test(t, test_faults);
	tcase_add_test(t, test_many);
	suite_add_tcase(s, t);
	return s;
}
