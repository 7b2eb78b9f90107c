/*
 * A file of tags. The input is its text without the end, or, when it begins with '!', with whatever
 * end it has. What is taken is in descending order, and tags only; and a scan that finds the same
 * tags of the same image leaves every one with its time, unless that has not come yet.
 */
#include "base/buf.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/vec.h"
#include "image/tags.h"
#include "image/tags_write.h"
#include "store/root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static struct store_root root;

static void root_remove(void)
{
	auto_free char *rm = mem_printf("rm -rf %s", path);

	(void)!system(rm);
}

static void root_open(void)
{
	struct err err = {0};

	if (root.path)
		return;
	snprintf(path, sizeof(path), "/tmp/fuzz-tags-XXXXXX");
	BUG_IF(!mkdtemp(path) || store_root_open(&root, path, &err));
	BUG_IF(mkdirat(root.fd, "tags", 0700) || mkdirat(root.fd, "tags/a", 0700));
	atexit(root_remove);
}

#define NOW_S 1700000000

struct seen {
	char image[OCI_REPO_TEXT_MAX];
	VEC(int64_t) at;
	struct image_tags_list list;
};

/* -1: it is refused. */
static int read_all(struct seen *s)
{
	char last[OCI_TAG_MAX + 1] = "";
	struct image_tags *t;
	struct image_tag tag;
	struct err err = {0};
	int rc;

	if (image_tags_open(&t, &root, "a", "b", &err))
		return -1;
	snprintf(s->image, sizeof(s->image), "%s", image_tags_head(t)->image);
	while ((rc = image_tags_next(t, &tag, &err)) > 0) {
		BUG_IF(!oci_tag_valid(tag.tag, strlen(tag.tag)) || tag.seen_s < 0);
		BUG_IF(*last && strcmp(last, tag.tag) <= 0);
		snprintf(last, sizeof(last), "%s", tag.tag);
		*vec_add(&s->at) = tag.seen_s;
		BUG_IF(image_tags_list_add(&s->list, tag.tag, &err));
	}
	BUG_IF(!rc && s->at.len != image_tags_head(t)->count);
	BUG_IF(rc && !*err.msg);
	image_tags_close(t);
	return rc;
}

static void seen_clear(struct seen *s)
{
	vec_clear(&s->at);
	image_tags_list_clear(&s->list);
}

static void check_again(struct seen *s)
{
	char ns[] = "a", name[] = "b";
	struct image_tags_job job = {
		.root = &root, .ns = ns, .name = name, .list = &s->list, .now_s = NOW_S};
	struct seen again = {0};
	atomic_bool stop = false;
	struct err err = {0};
	size_t i;

	snprintf(job.head.image, sizeof(job.head.image), "%s", s->image);
	digest_mem(&job.head.excluded, DIGEST_SHA256, "", 0);
	BUG_IF(image_tags_write(&job, &stop, &err));
	image_tags_list_init(&again.list, 1 << 24);
	BUG_IF(read_all(&again) || again.at.len != s->at.len);
	for (i = 0; i < s->at.len; i++) /* none of the future */
		BUG_IF(again.at.p[i] != (s->at.p[i] < NOW_S ? s->at.p[i] : NOW_S));
	seen_clear(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool as_is = size && *data == '!';
	auto_buf struct buf text = BUF_INIT(BUF_ANY);
	struct seen s = {0};
	struct err err = {0};

	root_open();
	buf_add(&text, data + as_is, size - as_is);
	if (!as_is) {
		char end[DIGEST_TEXT_MAX];
		struct digest d;

		digest_mem(&d, DIGEST_SHA256, buf_str(&text), text.len);
		buf_addf(&text, "end %s\n", digest_format(&d, end));
	}
	BUG_IF(sys_write_file(root.fd, "tags/a/b", text.p, text.len, 0600, false, &err));
	image_tags_list_init(&s.list, 1 << 24);
	if (!read_all(&s))
		check_again(&s);
	seen_clear(&s);
	return 0;
}
