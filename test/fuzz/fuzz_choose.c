/*
 * Input, in lines: s, a or n (which order; upper case: descending), a range, a pattern, a template,
 * an expression to skip, then tags. Properties: who wins was given, and is not its own runner-up;
 * without a template the two alone come to the same; who wins is the first of all; what fails says
 * why.
 */
#include "base/mem.h"
#include "image/choose.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TAGS_MAX 64

static int tag_order(const void *a, const void *b)
{
	return strcmp(*(char *const *)b, *(char *const *)a);
}

static void check_list(const struct choose *c, const struct choose_result *res)
{
	auto_free struct choose_list *list = choose_list_new(c);

	BUG_IF(!list->len || list->len > res->passed || strcmp(list->tags[0], res->tag) != 0);
}

static int run(const struct choose_rules *rules, char *const *tags, size_t n,
	struct choose_result *res, struct err *err)
{
	struct choose *c;
	size_t i;
	int rc = 0;

	if (choose_new(&c, rules, err))
		return -1;
	for (i = 0; !rc && i < n; i++)
		if (!i || strcmp(tags[i], tags[i - 1]) != 0)
			rc = choose_tag(c, tags[i], 0, err);
	if (!rc)
		rc = choose_end(c, res, err);
	if (!rc && rules->all)
		check_list(c, res);
	choose_free(c);
	return rc;
}

static void check(const struct choose_rules *rules, char *const *tags, size_t n)
{
	struct choose_result res, two;
	struct err err = {0};
	char *pair[2];
	size_t i;

	if (run(rules, tags, n, &res, &err)) {
		BUG_IF(err.kind == ERR_NONE || !err.msg[0]);
		return;
	}
	for (i = 0; i < n && strcmp(tags[i], res.tag) != 0; i++)
		;
	BUG_IF(i == n || !strcmp(res.tag, res.runner_up));
	if (!res.runner_up[0] || (rules->extract && *rules->extract))
		return;
	pair[0] = res.tag;
	pair[1] = res.runner_up;
	qsort(pair, 2, sizeof(*pair), tag_order);
	BUG_IF(run(rules, pair, 2, &two, &err));
	BUG_IF(strcmp(two.tag, res.tag) != 0 || strcmp(two.runner_up, res.runner_up) != 0);
	BUG_IF(two.tied != res.tied);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_free char *text = mem_strndup((const char *)data, size);
	char *rest = text, *kind = strsep(&rest, "\n"), *tags[TAGS_MAX], *t;
	struct choose_rules rules = {0};
	size_t n = 0;

	rules.by = strpbrk(kind, "sS") ? CHOOSE_SEMVER
		: strpbrk(kind, "nN")  ? CHOOSE_NUMERICAL
				       : CHOOSE_ALPHABETICAL;
	rules.desc = strpbrk(kind, "NA");
	rules.all = true;
	rules.range = strsep(&rest, "\n");
	rules.pattern = strsep(&rest, "\n");
	rules.extract = strsep(&rest, "\n");
	rules.skip = strsep(&rest, "\n");
	while (n < TAGS_MAX && (t = strsep(&rest, "\n")))
		if (oci_tag_valid(t, strlen(t)))
			tags[n++] = t;
	qsort(tags, n, sizeof(*tags), tag_order);
	check(&rules, tags, n);
	return 0;
}
