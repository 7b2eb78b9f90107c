#include "test/unit/image/rig.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/sys.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

void rig_init(struct rig *r)
{
	struct err err = {0};

	log_set_fd(-1);
	r->image = NULL;
	snprintf(r->path, sizeof(r->path), "/tmp/oci-unit-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(r->path));
	ck_assert_msg(!store_root_open(&r->root, r->path, &err), "%s", err.msg);
}

void rig_clear(struct rig *r)
{
	auto_free char *rm = mem_printf("rm -rf %s", r->path);

	store_root_close(&r->root);
	ck_assert_int_eq(system(rm), 0);
}

int rig_write(
	struct rig *r, const char *tags, int64_t now_s, struct image_tags_job *out, struct err *err)
{
	static const char NS[] = "apps", NAME[] = "web";
	auto_free char *copy = mem_strdup(tags);
	struct image_tags_list list;
	struct image_tags_job job = {
		.root = &r->root, .ns = (char *)(uintptr_t)NS, .name = (char *)(uintptr_t)NAME};
	atomic_bool stop = false;
	char *save = NULL, *tag;
	int rc;

	image_tags_list_init(&list, 100000);
	for (tag = strtok_r(copy, " ", &save); tag; tag = strtok_r(NULL, " ", &save))
		ck_assert(!image_tags_list_add(&list, tag, err));
	job.list = &list;
	job.now_s = now_s;
	snprintf(job.head.image, sizeof(job.head.image), "%s",
		r->image ? r->image : "ghcr.io/org/app");
	digest_mem(&job.head.excluded, DIGEST_SHA256, "", 0);
	job.head.scanned_ms = now_s * 1000;
	rc = image_tags_write(&job, &stop, err);
	image_tags_list_clear(&list);
	job.list = NULL;
	if (out)
		*out = job;
	return rc;
}

const char *rig_read(struct rig *r)
{
	static char text[4096];
	struct image_tags *t;
	struct image_tag tag;
	struct err err = {0};
	size_t n = 0;
	int rc;

	text[0] = '\0';
	if (image_tags_open(&t, &r->root, "apps", "web", &err)) {
		snprintf(text, sizeof(text), "(%s)", err.msg);
		return text;
	}
	while ((rc = image_tags_next(t, &tag, &err)) > 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s@%lld", n ? " " : "",
			tag.tag, (long long)tag.seen_s);
	if (rc)
		snprintf(text, sizeof(text), "(%s)", err.msg);
	image_tags_close(t);
	return text;
}

void rig_file(struct rig *r, struct buf *out)
{
	struct err err = {0};

	buf_init(out, BUF_ANY);
	ck_assert(!sys_read_file(r->root.fd, "tags/apps/web", out, &err));
}

void rig_put(struct rig *r, const void *data, size_t n)
{
	struct err err = {0};

	ck_assert(!sys_write_file(r->root.fd, "tags/apps/web", data, n, 0600, false, &err));
}
