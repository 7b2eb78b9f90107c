/*
 * The tags of one ImageRepository on the disk: `tags/NAMESPACE/NAME` below the store's root, beside
 * the artifacts, whose scan and sweep see no file of theirs in it. Lines of text:
 *
 *	oci-source-controller tags 1
 *	image index.docker.io/library/alpine
 *	excluded sha256:...		the exclusion list that was used, as a set
 *	began SECONDS			when this file's history began: the first scan
 *	scanned MILLISECONDS		when the registry was asked; both on the wall clock
 *	tags COUNT
 *	revision sha256:...		of the tags as they stand here, joined by newlines
 *	(an empty line)
 *	TAG SECONDS			when we have seen it first; descending bytes, none twice
 *	end sha256:...			of all that stands before this line
 *
 * It is read as a stream, so a million tags cost the memory of one, and believed whole or not at
 * all: what is missing, cut, changed or not in order is an error, and its owner scans anew. Nothing
 * here takes a loop: it blocks, on a worker. lib/image/tags_write.h makes the file.
 *
 *	if (image_tags_open(&t, root, "apps", "web", &err))
 *		return -1;                      err.code -ENOENT: there is none
 *	while ((rc = image_tags_next(t, &tag, &err)) > 0)
 *		...
 *	image_tags_close(t);                    rc 0: all of it was there, and right
 */
#ifndef IMAGE_TAGS_H
#define IMAGE_TAGS_H
#include "base/err.h"
#include "crypto/digest.h"
#include "oci/ref.h"
#include "store/path.h"

#include <stdint.h>

struct image_tags;
struct store_root;

#define IMAGE_TAGS_FOLDER "tags"

struct image_tags_head {
	char image[OCI_REPO_TEXT_MAX]; /* canonical */
	struct digest excluded;
	int64_t began_s; /* a tag that was seen then was there before we looked */
	int64_t scanned_ms;
	uint64_t count;
	struct digest revision;
};

struct image_tag {
	const char *tag; /* terminated; borrowed until the next call */
	int64_t seen_s;
};

/* -1 with code -ENOENT: there is no such file. */
int image_tags_open(struct image_tags **out, const struct store_root *root, const char *ns,
	const char *name, struct err *err) must_check;
const struct image_tags_head *image_tags_head(const struct image_tags *t);
/* 1: *out is the next one; 0: the end, and all was right; -1: the file is not to be believed. */
int image_tags_next(struct image_tags *t, struct image_tag *out, struct err *err) must_check;
void image_tags_close(struct image_tags *t); /* NULL is fine */

/* The folder of its file, "tags/apps". -1: no object has such a name. */
int image_tags_folder(
	char out[STORE_DIR_MAX], const char *ns, const char *name, struct err *err) must_check;

#endif
