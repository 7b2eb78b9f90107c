/*
 * A new file of tags (tags.h): a list that a registry gave, collected on the loop, becomes the file
 * on a worker, sorted, without what is excluded, each tag with the time when it was seen first. Or
 * one tag is added to a file that is there.
 *
 * A list takes memory for each tag, which the registry decides: it has a budget, and what is too
 * much ends it (IMAGE_TAGS_OVER). The file comes to be as artifacts do (store/root.h): written
 * under `.tmp`, fdatasync, rename. Two must not write the file of one object at a time.
 */
#ifndef IMAGE_TAGS_WRITE_H
#define IMAGE_TAGS_WRITE_H
#include "base/buf.h"
#include "base/vec.h"
#include "image/exclude.h"
#include "image/tags.h"

#include <stdatomic.h>

/* err->code: the budget is spent. */
#define IMAGE_TAGS_OVER 1
#define IMAGE_TAGS_LATEST 10

struct image_tags_list {
	struct buf text; /* the tags, each with its NUL */
	VEC(uint32_t) at; /* where each begins */
	uint64_t budget; /* bytes of both, and as much as sorting takes */
};

void image_tags_list_init(struct image_tags_list *l, uint64_t budget);
void image_tags_list_clear(struct image_tags_list *l);
/* Of its budget, used. */
uint64_t image_tags_list_size(const struct image_tags_list *l);
int image_tags_list_add(struct image_tags_list *l, const char *tag, struct err *err) must_check;

/* As the file has it: descending, each once, without what the filter excludes (NULL: nothing).
   Blocks. */
int image_tags_list_settle(struct image_tags_list *l, struct image_filter *f,
	const atomic_bool *stop, struct err *err) must_check;
/* The tag at this place, borrowed. */
const char *image_tags_list_at(const struct image_tags_list *l, size_t i);

/* One file to be made. */
struct image_tags_job {
	const struct store_root *root;
	char *ns, *name;
	struct image_tags_list *list; /* it is sorted in place */
	struct image_filter *filter; /* what is left out of it; NULL: nothing */
	int64_t now_s; /* when a tag that is new was seen, on the wall clock */
	bool add; /* to what is there, whose head stays as it is but for count and revision */
	/* Else of the new file: image, excluded, scanned_ms. In the end all of it. */
	struct image_tags_head head;
	struct digest before; /* the revision of the old file; DIGEST_NONE: there was none */
	char latest[IMAGE_TAGS_LATEST][OCI_TAG_MAX + 1]; /* the first ones; the rest "" */
};

/* Blocks, on a worker. The old file gives the times when tags were seen; one that is broken counts
   as missing, unless it is to be added to. */
int image_tags_write(
	struct image_tags_job *job, const atomic_bool *stop, struct err *err) must_check;

#endif
