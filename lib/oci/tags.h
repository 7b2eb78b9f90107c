/*
 * The tag list of a repository, and the choice of one by version: pages are read as a stream, one
 * tag at a time, and only the best candidate is kept, so a list of any length costs the memory of
 * one tag. Loop thread.
 *
 * Order, as Flux has it: the filter (RE2, unanchored) first, then tags that are versions (others
 * are ignored), then the range. With the Helm chart's layer media type `_` in a tag stands for `+`.
 *
 * Pages follow `Link: <...>; rel="next"` (RFC 8288; OCI distribution spec 1.1, "Listing tags") on
 * the registry's own host only. A page with as many tags as were asked for and no Link is not known
 * to be the last: the next one is asked for with `last`, until one is empty, short or brings
 * nothing new. Limits: LIMIT_TAG_LIST bytes in all pages, LIMIT_TAG_PAGES, LIMIT_TAGS, a page seen
 * before, too many pages without a tag, ten times the timeout in all and LIMIT_TAG_LIST_MS;
 * LIMIT_FILTER_MS and LIMIT_FILTER_TAG_US for the filter. The lists of all objects share the time
 * that a turn of the loop has for bulk work.
 */
#ifndef OCI_TAGS_H
#define OCI_TAGS_H
#include "oci/target.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct oci_client;
struct op;
struct semver;

/* What became of one tag. */
enum oci_tag_verdict {
	OCI_TAG_FILTERED, /* the filter does not match */
	OCI_TAG_NO_VERSION,
	OCI_TAG_PRERELEASE, /* of a version that the range takes, but it takes no prereleases */
	OCI_TAG_OUTSIDE, /* the range */
	OCI_TAG_MATCHES, /* one to choose from; without a range all that the filter lets through */
};

struct oci_tags_req {
	struct oci_target target;
	const char *range; /* spec.ref.semver; NULL: no choice, only `each` */
	const char *filter; /* spec.ref.semverFilter; NULL or "": none */
	const char *layer_type; /* spec.layerSelector.mediaType; may be NULL */
	const char *current; /* the tag that was chosen before; NULL: none */
	/* May be NULL. Called for every valid tag, in the registry's order. A page of a registry
	   that does not know `last` may bring one twice. -1 with *err ends it. */
	int (*each)(void *arg, const char *tag, enum oci_tag_verdict verdict, struct err *err);
	void *arg;
};

struct oci_tags_result {
	char tag[OCI_TAG_MAX + 1]; /* the winner; "" without a range */
	char runner_up[OCI_TAG_MAX + 1]; /* second best; "": none */
	uint64_t total; /* tags in all pages */
	uint64_t passed; /* the filter */
	uint64_t versions; /* of those, are versions */
	uint64_t matched; /* of those, in the range */
	uint64_t pages;
	uint64_t bytes; /* of the pages that were read, also of one that is on its way */
	/* Filter and range let the current tag through, and the list has nothing as good: so it
	   lacks that tag. Also after a failure because nothing matches. */
	bool behind;
};

/* Reads a tag as a version; false: it is none. chart: of a Helm chart. */
bool oci_tag_version(struct semver *v, const char *tag, bool chart);
/* Range and filter are compiled before any request (the filter first). No match is a failure whose
   message has the counts. */
struct op *oci_tags_start(struct oci_client *c, const struct oci_tags_req *req);
/* Also after a failure: what was counted until then. */
const struct oci_tags_result *oci_tags_result(const struct op *op);
/* The choice for people: of how many tags, how many the filter and the range let through, and which
   is the next best. filter may be NULL. */
void oci_tags_say(
	const struct oci_tags_result *r, const char *range, const char *filter, struct buf *out);

#endif
