/* A store's root in a folder of its own, and files of tags in it. */
#ifndef UNIT_IMAGE_RIG_H
#define UNIT_IMAGE_RIG_H
#include "base/err.h"
#include "image/tags_write.h"
#include "store/root.h"

struct rig {
	const char *image; /* of what is written; NULL: ghcr.io/org/app */
	char path[64];
	struct store_root root;
};

void rig_init(struct rig *r);
void rig_clear(struct rig *r);
/* Writes the file of apps/web from these tags, separated by blanks. now_s: the time of the scan. */
int rig_write(struct rig *r, const char *tags, int64_t now_s, struct image_tags_job *out,
	struct err *err);
/* "TAG@SECONDS TAG@SECONDS", or the error in parentheses. Static. */
const char *rig_read(struct rig *r);
/* The bytes of the file, for a test that changes them. */
void rig_file(struct rig *r, struct buf *out);
void rig_put(struct rig *r, const void *data, size_t n);

#endif
