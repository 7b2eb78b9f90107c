/*
 * Input: a range, a newline, tags divided by newlines. Properties: what is parsed compares equal to
 * itself and antisymmetrically, better is a strict order, a release matches `*`, a matched version
 * matches again, and a range in a group of alternatives matches at least as much as alone.
 */
#include "base/mem.h"
#include "text/semver.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_order(
	const struct semver *a, const char *a_tag, const struct semver *b, const char *b_tag)
{
	BUG_IF(semver_compare(a, a) != 0);
	BUG_IF(semver_compare(a, b) != -semver_compare(b, a));
	BUG_IF(semver_better(a, a_tag, b, b_tag) && semver_better(b, b_tag, a, a_tag));
	BUG_IF(strcmp(a_tag, b_tag) != 0 && !semver_better(a, a_tag, b, b_tag) &&
		!semver_better(b, b_tag, a, a_tag));
}

static void check_tags(
	char *tags, const struct semver_range *range, const struct semver_range *wider)
{
	struct semver_range any;
	struct semver v, last = {0};
	struct err err;
	char *tag, *last_tag = NULL;

	BUG_IF(semver_range_parse(&any, "*", &err));
	while ((tag = strsep(&tags, "\n"))) {
		if (!semver_parse(&v, tag))
			continue;
		BUG_IF(semver_range_match(&any, &v) != !v.pre[0]);
		if (range && semver_range_match(range, &v)) {
			BUG_IF(!semver_range_match(range, &v));
			BUG_IF(wider && !semver_range_match(wider, &v));
		}
		if (last_tag)
			check_order(&last, last_tag, &v, tag);
		last = v;
		last_tag = tag;
	}
	semver_range_clear(&any);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	auto_free char *more = NULL;
	struct semver_range range = {0}, wider = {0};
	struct err err = {0};
	char *tags = text, *r = strsep(&tags, "\n");
	bool ok = !semver_range_parse(&range, r, &err);

	BUG_IF(!ok && (err.kind == ERR_NONE || !err.msg[0]));
	more = mem_printf("%s||0.0.1", r);
	if (ok && strchr(r, '-') == NULL && !semver_range_parse(&wider, more, &err))
		check_tags(tags, &range, &wider);
	else
		check_tags(tags, ok ? &range : NULL, NULL);
	semver_range_clear(&range);
	semver_range_clear(&wider);
	return 0;
}
