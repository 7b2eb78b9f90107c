/*
 * Which tag of a repository an ImagePolicy means: the rules of its spec, compiled once, then fed
 * with one tag at a time in descending order of bytes, as they stand in the file of tags (tags.h).
 * Only the best two are kept, or as many as are asked for, so a list of any length costs the memory
 * of those.
 *
 * Order, as Flux has it:
 * - The filter (RE2, unanchored) first. With `extract` the key to sort by is what the template
 *   comes to (text/expand.h), else the tag. Of tags with one key the last one of the list stands
 *   for it: the smallest text.
 * - alphabetical: bytes; asc takes the greatest key, desc the smallest.
 * - numerical (text/number.h): one key that is no number fails the whole choice. What ties goes to
 *   the tag that comes later in the list, which is the smaller text. A nan is left out: it is
 *   neither more nor less than anything, and in Flux the result depends on what else is there.
 * - semver (text/semver.h): the highest version in the range; what is no version is ignored. Of
 *   equal ones the key that comes first in the list wins, so `v1.0.0` before `1.0.0`.
 * test/e2e/policydiff.sh holds that to Go.
 *
 * With `all` those that take part are kept, too, up to LIMIT_BUILT_TAGS: somebody else has the last
 * word on them (built.h). More of them are a failure.
 *
 * Before the filter tags are left out that the user skips, and those that we have seen too short a
 * time ago. A pinned tag wins whatever the rest says, if it is there.
 *
 * Blocks for as long as matching takes, which is bounded: LIMIT_FILTER_MS, and LIMIT_FILTER_TAG_US
 * more for each tag and expression. One thread at a time.
 *
 *	if (choose_new(&c, &rules, err))
 *		return -1;
 *	while (there is another tag)
 *		if (choose_tag(c, tag, seen_s, err))
 *			...
 *	rc = choose_end(c, &result, err);
 *	choose_free(c);
 */
#ifndef IMAGE_CHOOSE_H
#define IMAGE_CHOOSE_H
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "oci/ref.h"

#include <stdbool.h>
#include <stdint.h>

struct choose;

enum choose_by { CHOOSE_SEMVER, CHOOSE_ALPHABETICAL, CHOOSE_NUMERICAL };

/* Borrowed. NULL and "" are the same in the filter's texts, and NULL in the others is: none. */
struct choose_rules {
	enum choose_by by;
	bool desc; /* not of semver */
	bool all;
	const char *range; /* of semver */
	const char *pattern, *extract;
	const char *skip; /* an expression: tags that it matches do not count */
	const char *pin;
	/* Who was seen first after this one is too young; seconds. 0: nobody is. */
	int64_t born_until_s;
	size_t keep; /* how many of the best choose_nth() is to know; less than 2 are 2 */
};

#define CHOOSE_KEEP_MAX 100 /* each tag is compared with all that are kept */
/* Tags in order, the best first. */
struct choose_list {
	size_t len;
	char tags[LIMIT_BUILT_TAGS][OCI_TAG_MAX + 1];
};

#define CHOOSE_KEY_SHOWN 64 /* bytes of a key */

struct choose_result {
	char tag[OCI_TAG_MAX + 1]; /* the winner */
	char runner_up[OCI_TAG_MAX + 1]; /* second best; "": none */
	/* Their keys, cut; they are the tags without `extract`. */
	char key[CHOOSE_KEY_SHOWN + 1], runner_up_key[CHOOSE_KEY_SHOWN + 1];
	bool tied; /* they are equal, and the place in the list has decided */
	char unpinned[OCI_TAG_MAX + 1]; /* with a pin: who would win without it; "": nobody */
	/* The first group in `extract` that the pattern has not, cut: it is empty in every key,
	   as in Flux; "": there is none. */
	char no_group[CHOOSE_KEY_SHOWN + 1];
	uint64_t total; /* tags that were given */
	uint64_t skipped, young; /* of them */
	uint64_t passed; /* the filter */
	uint64_t versions; /* of those, with CHOOSE_SEMVER: in the range or not */
	int64_t young_s; /* of those too young that pass the filter: the oldest; 0: there is none */
};

/* 0, *out is the caller's (choose_free); or -1 (ERR_STALL): a rule is none. */
int choose_new(struct choose **out, const struct choose_rules *rules, struct err *err) must_check;
void choose_free(struct choose *c); /* NULL is fine */
/* The next tag of the list: it is valid, and less than the one before. seen_s: when we have seen it
   first. -1: the choice has failed. */
int choose_tag(struct choose *c, const char *tag, int64_t seen_s, struct err *err) must_check;
/* That were all. -1: nothing is to be chosen; the counts are there all the same. */
int choose_end(struct choose *c, struct choose_result *out, struct err *err) must_check;
/* After choose_end(): the best tag but n by the rules alone, whatever is pinned, and its key, cut.
   NULL: there are no more, or the choice failed. Borrowed until choose_free(). */
const char *choose_nth(const struct choose *c, size_t n, char key[CHOOSE_KEY_SHOWN + 1]);
/* With `all`, after choose_end went well: who takes part. The caller's, for free(). */
struct choose_list *choose_list_new(const struct choose *c);

/* The first words of choose_say() when a tag is pinned. */
#define CHOOSE_PINNED "it is pinned"
/* Why the winner won over the runner-up, or without them: a part of a sentence, for people. */
void choose_say(const struct choose_rules *rules, const struct choose_result *res, struct buf *out);

#endif
