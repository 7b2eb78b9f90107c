/* The answer to ls-refs: whole or in pieces it says the same. The first byte is the size of the
   pieces. */
#include "git/lsrefs.h"

#include "git/reflist.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

static int read_in(struct gitc_refs *refs, const char *p, size_t n, size_t piece)
{
	static const char *const prefixes[] = {"refs/heads/", "refs/tags/v", NULL};
	struct gitc_reflist list;
	struct gitc_lsrefs l;
	struct err err = {0};
	size_t at, len;
	int rc = 0;

	*refs = (struct gitc_refs){0};
	gitc_reflist_init(&list, prefixes, true);
	gitc_lsrefs_init(&l, &list);
	for (at = 0; at < n && rc >= 0; at += len) {
		len = n - at < piece ? n - at : piece;
		rc = gitc_lsrefs_feed(&l, p + at, len, &err);
	}
	if (rc >= 0)
		rc = gitc_lsrefs_is_whole(&l) ? gitc_reflist_finish(&list, refs, &err) : -2;
	gitc_lsrefs_clear(&l);
	gitc_reflist_clear(&list);
	return rc;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	struct gitc_refs whole, pieces;
	size_t i;
	int rc;

	if (!size)
		return 0;
	rc = read_in(&whole, (const char *)data + 1, size - 1, size);
	BUG_IF(rc != read_in(&pieces, (const char *)data + 1, size - 1, (size_t)data[0] + 1));
	BUG_IF(whole.n != pieces.n);
	for (i = 0; i < whole.n; i++) {
		const char *name = whole.p[i].name;

		BUG_IF(strcmp(name, pieces.p[i].name) != 0);
		BUG_IF(strncmp(name, "refs/heads/", 11) != 0 && strncmp(name, "refs/tags/v", 11) &&
			strcmp(name, "HEAD") != 0);
	}
	gitc_refs_clear(&whole);
	gitc_refs_clear(&pieces);
	return 0;
}
