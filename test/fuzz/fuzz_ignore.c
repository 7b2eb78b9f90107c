/*
 * Input: a path, a newline, the rules. Properties: rules once more change nothing, nor do comments,
 * nor rules about what lies below the path; a last star excludes, a last !* includes; after that
 * the rules can only do what they did before.
 */
#include "base/mem.h"
#include "text/ignore.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Clean and relative, as the header asks for. */
static bool path_is_clean(const char *p)
{
	size_t n;

	for (;; p += n + 1) {
		n = strcspn(p, "/");
		if (!n || (n == 1 && *p == '.') || (n == 2 && !memcmp(p, "..", 2)))
			return false;
		if (!p[n])
			return true;
	}
}

/* The verdict after one more text; the list keeps it. */
static bool with(
	struct ignore *l, const char *text, size_t len, const char *domain, const char *path)
{
	struct err err = {0};

	if (ignore_add(l, text, len, domain, &err))
		BUG_IF(err.kind == ERR_NONE || !err.msg[0]);
	return ignore_match(l, path, false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *nl = memchr(data, '\n', size), *rules;
	auto_free char *path = NULL;
	struct ignore l;
	size_t len, dir_len;
	bool is;

	if (!nl)
		return 0;
	rules = nl + 1;
	len = size - (size_t)(rules - (const char *)data);
	path = mem_strndup((const char *)data, (size_t)(nl - (const char *)data));
	if (!path_is_clean(path))
		return 0;
	ignore_is_file(path, &dir_len);
	BUG_IF(ignore_dir_cmp(path, path) != 0);
	ignore_init(&l, IGNORE_PLAIN);
	is = with(&l, rules, len, "", path);
	ignore_match(&l, path, true);
	BUG_IF(with(&l, rules, len, "", path) != is);
	BUG_IF(with(&l, "# /**\n\n  \n", 10, "", path) != is);
	BUG_IF(with(&l, "*\n", 2, path, path) != is);
	BUG_IF(!with(&l, "*", 1, "", path));
	BUG_IF(with(&l, "!*", 2, "", path));
	BUG_IF(with(&l, rules, len, "", path) && !is);
	ignore_clear(&l);
	return 0;
}
