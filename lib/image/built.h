/*
 * When the images behind tags were built, by their own word: `created` of the config (OCI
 * image-spec 1.1, config.md), else the annotation org.opencontainers.image.created of the manifest
 * (annotations.md). Of an index the entry for the default platform counts, else its first one that
 * is an image. 1970 and before is what builds write that shall be reproducible: it counts as not
 * said, as does what is no date or is in no document that we read.
 *
 * What a digest means never changes: it is kept as long as there is room for it, for all who ask.
 * What a tag means may change. It is asked for again after BUILT_TAG_MS, or when the caller wants
 * that, and kept for each `as`: who may not read a repository learns nothing from those who may.
 *
 * A few tags are asked for at a time, one at a host that has not answered yet, each by the requests
 * of lib/oci with all that they keep to. A failure ends all; what was found out until then is kept,
 * so the next try goes on from there. That a tag is not there is no failure. Loop thread.
 *
 *	op = image_built_start(built, &(struct image_built_req){...});
 *	... when done: image_built_result(op)->tags[0].built_ms
 */
#ifndef IMAGE_BUILT_H
#define IMAGE_BUILT_H
#include "image/choose.h"
#include "oci/target.h"

#include <stdbool.h>
#include <stdint.h>

struct image_built;
struct loop;
struct oci_client;
struct op;

#define BUILT_TAG_MS 3600000

/* client is borrowed. */
struct image_built *image_built_new(struct loop *loop, struct oci_client *client);
/* No op is left. */
void image_built_free(struct image_built *b);

/* Everything is copied. */
struct image_built_req {
	struct oci_target target;
	const char *as; /* whose rights are used, in a word without line feeds */
	const struct choose_list *tags;
	const char *owner; /* of jobs on workers (ev/work.h): a namespace */
	bool anew; /* also the tags that were asked for a short time ago */
};

struct image_built_tag {
	int64_t built_ms; /* since 1970; 0: it does not say */
	bool missing; /* the registry does not have it: built_ms is what was known before */
};

struct image_built_result {
	struct image_built_tag tags[LIMIT_BUILT_TAGS]; /* in the order of the request's */
	size_t asked; /* for so many tags requests were made, or would have been */
	const char *failed; /* the tag that the failure is about; NULL: none */
};

struct op *image_built_start(struct image_built *b, const struct image_built_req *req);
/* Borrowed from the op. Also after a failure. */
const struct image_built_result *image_built_result(const struct op *op);

#endif
