/*
 * Commits and tags out of their bytes. What is read is no more than came in; what was signed is
 * itself a commit (or the tag's front) that says the same and has no signature.
 */
#include "git/commit.h"

#include <string.h>

static void check_person(const struct gitc_person *p)
{
	BUG_IF(!p->name != !p->email || (!p->name && (p->when || p->tz)));
	BUG_IF(p->when < 0 || p->tz < -6039 || p->tz > 6039);
	BUG_IF(p->name && (strchr(p->name, '\n') || strpbrk(p->email, "<\n")));
}

static void check_commit(const char *p, size_t n)
{
	struct gitc_commit c, again;

	if (!gitc_commit_parse(&c, p, n)) {
		BUG_IF(c.payload.len + c.signature.len > n + 1 || c.message.len > n);
		BUG_IF(buf_over(&c.payload) || buf_over(&c.signature) || buf_over(&c.message));
		check_person(&c.author);
		check_person(&c.committer);
		BUG_IF(gitc_commit_parse(&again, c.payload.p, c.payload.len));
		BUG_IF(again.signature.len || !gitc_oid_equal(&c.tree, &again.tree));
		BUG_IF(!buf_equal(&c.message, &again.message));
		BUG_IF(!buf_equal(&c.payload, &again.payload));
		BUG_IF(c.parents.len != again.parents.len);
		gitc_commit_clear(&again);
	}
	gitc_commit_clear(&c);
}

static void check_tag(const char *p, size_t n)
{
	struct gitc_tag t, again;

	if (!gitc_tag_parse(&t, p, n)) {
		BUG_IF(t.payload.len + t.signature.len != n || t.message.len > n);
		BUG_IF(t.type < GITC_COMMIT || t.type > GITC_TAG);
		if (t.has_tagger)
			check_person(&t.tagger);
		BUG_IF(gitc_tag_parse(&again, t.payload.p, t.payload.len));
		BUG_IF(strcmp(t.name, again.name) || !gitc_oid_equal(&t.target, &again.target));
		gitc_tag_clear(&again);
	}
	gitc_tag_clear(&t);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size)
{
	check_commit((const char *)data, size);
	check_tag((const char *)data, size);
	return 0;
}
