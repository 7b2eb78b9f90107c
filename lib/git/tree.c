#include "git/tree.h"

#include "base/limits.h"
#include "git/gitc.h"
#include "git/names.h"
#include "pack/path.h"
#include "pack/sort.h"

#include <string.h>

#define OID_BYTES 20

const char *gitc_tree_name(const struct gitc_tree *t, const struct gitc_tree_entry *e)
{
	return t->raw.b.p + e->name;
}

void gitc_tree_oid(const struct gitc_tree *t, const struct gitc_tree_entry *e, struct gitc_oid *oid)
{
	memcpy(oid->b, t->raw.b.p + e->name + e->len + 1, OID_BYTES);
}

void gitc_tree_clear(struct gitc_tree *t)
{
	gitc_raw_clear(&t->raw);
	vec_clear(&t->entries);
}

/* What the type's bits say, and of a file whether its owner may execute it: as git reads modes that
   it does not write any more. */
static bool tree_mode(unsigned bits, enum gitc_mode *mode)
{
	switch (bits & 0170000) {
	case 0040000:
		*mode = GITC_MODE_DIR;
		return true;
	case 0100000:
		*mode = bits & 0100 ? GITC_MODE_EXEC : GITC_MODE_FILE;
		return true;
	case 0120000:
		*mode = GITC_MODE_LINK;
		return true;
	case 0160000:
		*mode = GITC_MODE_MODULE;
		return true;
	default:
		return false;
	}
}

/* "<octal> <name>\0<20 bytes>" at *at. NULL, or what is wrong. */
static const char *tree_entry(const struct gitc_raw *raw, size_t *at, struct gitc_tree_entry *e)
{
	const char *p = raw->b.p + *at, *end = raw->b.p + raw->b.len, *nul;
	unsigned bits = 0, digits = 0;

	for (; p < end && *p >= '0' && *p <= '7' && digits < 7; p++, digits++)
		bits = bits * 8 + (unsigned)(*p - '0');
	if (p == end || *p != ' ' || !digits || !tree_mode(bits, &e->mode))
		return "has an entry without a mode";
	p++;
	nul = memchr(p, '\0', (size_t)(end - p));
	if (!nul || end - nul - 1 < OID_BYTES)
		return "is cut";
	e->name = (uint32_t)(p - raw->b.p);
	e->len = (uint32_t)(nul - p);
	*at = (size_t)(nul + 1 + OID_BYTES - raw->b.p);
	return NULL;
}

static int tree_refused(const struct gitc_tree *t, const struct gitc_tree_entry *e,
	const char *path, const char *why, struct err *err)
{
	char q[PACK_QUOTE_MAX], r[PACK_QUOTE_MAX];

	return err_code(err, ERR_RETRY, GITC_BAD_NAME, "the name '%s' in folder '%s' %s",
		pack_quote(q, gitc_tree_name(t, e), e->len),
		pack_quote(r, *path ? path : ".", strlen(*path ? path : ".")), why);
}

static int by_name(const void *a, const void *b, const void *ctx)
{
	const struct gitc_tree_entry *x = a, *y = b;
	const struct gitc_tree *t = ctx;

	/* A NUL follows each. */
	return strcmp(gitc_tree_name(t, x), gitc_tree_name(t, y));
}

static int tree_parse(struct gitc_tree *t, const struct gitc_oid *oid, const char *path,
	uint64_t max, struct err *err)
{
	struct gitc_tree_entry e;
	const char *why;
	size_t at = 0;

	while (at < t->raw.b.len) {
		why = tree_entry(&t->raw, &at, &e);
		if (why)
			return gitc_object_bad(oid, GITC_TREE, why, err);
		why = gitc_name_refused(gitc_tree_name(t, &e), e.len);
		if (why)
			return tree_refused(t, &e, path, why, err);
		if (t->entries.len >= max)
			return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
				"the commit has too many files and folders");
		*vec_add(&t->entries) = e;
	}
	return 0;
}

static int tree_sort(
	struct gitc_tree *t, const char *path, const atomic_bool *stop, struct err *err)
{
	struct gitc_tree_entry *e;

	if (pack_sort(t->entries.p, t->entries.len, sizeof(*t->entries.p), by_name, t, stop, err))
		return -1;
	vec_each (&t->entries, e)
		if (e > t->entries.p && !by_name(e - 1, e, t))
			return tree_refused(t, e, path, "is there twice", err);
	return 0;
}

static int tree_load(const struct gitc_objects *o, const struct gitc_oid *oid, const char *path,
	uint64_t left, const atomic_bool *stop, struct gitc_raw *raw, struct err *err)
{
	uint64_t max = left < LIMIT_GIT_TREE ? left : LIMIT_GIT_TREE;
	char q[PACK_QUOTE_MAX];

	if (!gitc_raw_read(o, oid, &(struct gitc_raw_req){GITC_TREE, max, 0}, stop, raw, err))
		return 0;
	if (err->code != GITC_TOO_LARGE || max == LIMIT_GIT_TREE)
		return -1;
	return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
		"the folders down to '%s' have too many entries",
		pack_quote(q, path, strlen(path)));
}

int gitc_tree_read(const struct gitc_objects *o, const struct gitc_oid *oid, const char *path,
	struct gitc_tree_left left, const atomic_bool *stop, struct gitc_tree *out, struct err *err)
{
	*out = (struct gitc_tree){0};
	if (!tree_load(o, oid, path, left.bytes, stop, &out->raw, err) &&
		!tree_parse(out, oid, path, left.entries, err) && !tree_sort(out, path, stop, err))
		return 0;
	gitc_tree_clear(out);
	return -1;
}

const struct gitc_tree_entry *gitc_tree_find(const struct gitc_tree *t, const char *name, size_t n)
{
	size_t low = 0, high = t->entries.len;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct gitc_tree_entry *e = &t->entries.p[mid];
		int rc = strncmp(name, gitc_tree_name(t, e), n);

		if (!rc && e->len > n)
			rc = -1;
		if (!rc)
			return e;
		if (rc < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}
