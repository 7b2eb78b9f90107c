/*
 * Properties: what is refused says why; each rule that was read is for the repository that its
 * pattern becomes with a letter for each star, however that is spelled, and is found once.
 */
#include "base/limits.h"
#include "base/mem.h"
#include "oci/ref.h"
#include "source/rules.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	const struct rule *rule;
	unsigned times, all;
};

static void seen_add(void *arg, const struct rule *rule)
{
	struct seen *s = arg;

	s->times += rule == s->rule;
	s->all++;
}

/* Of the host a pattern without a star stands as it is compared. */
static void check_rule(const struct rules *r, const struct rule *rule)
{
	auto_free char *url = NULL;
	struct seen seen = {.rule = rule};
	struct err err = {0};
	struct oci_repo repo;
	char *at;

	BUG_IF(!rule->kind || !rule->host || !*rule->host || !rule->path);
	url = rule->port
		? mem_printf("oci://%s:%u/%s%sa", rule->host, rule->port, rule->path,
			  *rule->path ? "/" : "b/")
		: mem_printf("oci://%s.%s/%s%sa", rule->host, strpbrk(rule->host, ".:[") ? "" : "x",
			  rule->path, *rule->path ? "/" : "b/");
	for (at = url; *at; at++)
		if (*at == '*')
			*at = 'x';
	if (oci_repo_parse(&repo, url, false, &err))
		return; /* too long with what was added, or an address with a dot */
	rules_each(r, &repo, NULL, seen_add, &seen);
	BUG_IF(strpbrk(rule->host, "*") == NULL && seen.times != 1);
	BUG_IF(seen.times > 1 || seen.all > LIMIT_RULES);
}

static void each(void *arg, const struct rule *rule)
{
	check_rule(arg, rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const urls[] = {"oci://ghcr.io/org/app", "oci://alpine",
		"oci://[::1]:5000/app", "oci://a.b:5000/x/y/z"};
	struct err err = {0};
	struct rules *r = rules_parse((const char *)data, size, &err);
	struct oci_repo repo;
	size_t i;

	BUG_IF(!r && (err.kind == ERR_NONE || !*err.msg));
	for (i = 0; r && i < ARRAY_LEN(urls); i++)
		if (!oci_repo_parse(&repo, urls[i], false, &err))
			rules_each(r, &repo, NULL, each, r);
	rules_unref(r);
	return 0;
}
