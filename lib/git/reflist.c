#include "git/reflist.h"

#include "base/limits.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "git/gitc.h"

#include <stdlib.h>
#include <string.h>

void gitc_reflist_init(struct gitc_reflist *l, const char *const *prefixes, bool head)
{
	size_t n = 0, i;

	*l = (struct gitc_reflist){.head = head};
	if (!prefixes)
		return;
	while (prefixes[n])
		n++;
	l->prefixes = mem_array(NULL, n + 1, sizeof(*l->prefixes));
	for (i = 0; i < n; i++)
		l->prefixes[i] = mem_strdup(prefixes[i]);
	l->prefixes[n] = NULL;
}

void gitc_reflist_clear(struct gitc_reflist *l)
{
	struct gitc_ref *r;
	size_t i;

	vec_each (&l->refs, r)
		free(r->name);
	vec_clear(&l->refs);
	for (i = 0; l->prefixes && l->prefixes[i]; i++)
		free(l->prefixes[i]);
	free(l->prefixes);
	free(l->head_target);
	*l = (struct gitc_reflist){0};
}

/* What git-check-ref-format(1) refuses ends in nobody's status. */
bool gitc_ref_name_ok(const char *name, size_t n)
{
	size_t i;

	if (n == 4 && !memcmp(name, "HEAD", 4))
		return true;
	if (n < 6 || n > LIMIT_GIT_REF_NAME || memcmp(name, "refs/", 5) != 0 || !utf8_ok(name, n))
		return false;
	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)name[i], next = i + 1 < n ? name[i + 1] : 0;

		if (c <= 0x20 || c == 0x7f || strchr("~^:?*[\\", c))
			return false;
		if ((c == '.' && next == '.') || (c == '@' && next == '{'))
			return false;
		if (c == '/' && (!next || next == '/' || next == '.'))
			return false;
		if (c == '.' && !next)
			return false;
	}
	return true;
}

static bool is_wanted(const struct gitc_reflist *l, const char *name, size_t n)
{
	size_t i, len;

	if (n == 4 && !memcmp(name, "HEAD", 4))
		return l->head;
	if (!l->prefixes)
		return true;
	for (i = 0; l->prefixes[i]; i++) {
		len = strlen(l->prefixes[i]);
		if (n >= len && !memcmp(name, l->prefixes[i], len))
			return true;
	}
	return false;
}

int gitc_reflist_add(struct gitc_reflist *l, const char *name, size_t n, const struct gitc_oid *oid,
	const struct gitc_oid *peeled, struct err *err)
{
	struct gitc_ref *r;

	l->last_kept = false;
	if (++l->seen > LIMIT_GIT_REFS)
		return err_code(err, ERR_RETRY, GITC_TOO_LARGE,
			"the repository has more than %d refs", LIMIT_GIT_REFS);
	l->any = true;
	if (!gitc_ref_name_ok(name, n) || gitc_oid_is_zero(oid) || !is_wanted(l, name, n))
		return 0;
	r = vec_add(&l->refs);
	*r = (struct gitc_ref){.name = mem_strndup(name, n), .oid = *oid};
	l->last_kept = true;
	if (peeled)
		gitc_reflist_peel(l, peeled);
	return 0;
}

void gitc_reflist_peel(struct gitc_reflist *l, const struct gitc_oid *peeled)
{
	struct gitc_ref *r;

	if (!l->last_kept)
		return;
	r = &l->refs.p[l->refs.len - 1];
	r->peeled = *peeled;
	r->has_peeled = true;
}

void gitc_reflist_head_target(struct gitc_reflist *l, const char *name, size_t n)
{
	if (!l->head || !gitc_ref_name_ok(name, n))
		return;
	free(l->head_target);
	l->head_target = mem_strndup(name, n);
}

static int by_name(const void *a, const void *b)
{
	const struct gitc_ref *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int gitc_reflist_finish(struct gitc_reflist *l, struct gitc_refs *out, struct err *err)
{
	size_t i;

	if (l->refs.len)
		qsort(l->refs.p, l->refs.len, sizeof(*l->refs.p), by_name);
	for (i = 1; i < l->refs.len; i++)
		if (!strcmp(l->refs.p[i - 1].name, l->refs.p[i].name))
			return err_code(err, ERR_RETRY, GITC_PROTOCOL,
				"the server names '%.300s' twice", l->refs.p[i].name);
	*out = (struct gitc_refs){.p = MOVE(l->refs.p),
		.n = l->refs.len,
		.empty = !l->any,
		.head_target = MOVE(l->head_target)};
	l->refs.len = l->refs.cap = 0;
	return 0;
}

void gitc_refs_clear(struct gitc_refs *refs)
{
	size_t i;

	for (i = 0; i < refs->n; i++)
		free(refs->p[i].name);
	free(refs->p);
	free(refs->head_target);
	*refs = (struct gitc_refs){0};
}

const struct gitc_ref *gitc_refs_find(const struct gitc_refs *refs, const char *name)
{
	struct gitc_ref key = {.name = (char *)(uintptr_t)name};

	return refs->n ? bsearch(&key, refs->p, refs->n, sizeof(*refs->p), by_name) : NULL;
}
