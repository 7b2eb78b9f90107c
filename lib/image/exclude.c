#include "image/exclude.h"

#include "base/clock.h"
#include "base/limits.h"
#include "text/match.h"

#include <stdlib.h>
#include <string.h>

void image_exclude_add(struct image_exclude *x, const char *pattern)
{
	*vec_add(&x->patterns) = mem_strdup(pattern);
}

void image_exclude_copy(struct image_exclude *to, const struct image_exclude *from)
{
	char **p;

	*to = (struct image_exclude){0};
	vec_each (&from->patterns, p)
		image_exclude_add(to, *p);
}

void image_exclude_clear(struct image_exclude *x)
{
	char **p;

	vec_each (&x->patterns, p)
		free(*p);
	vec_clear(&x->patterns);
}

static int text_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void image_exclude_digest(const struct image_exclude *x, struct digest *out)
{
	auto_digest_ctx struct digest_ctx h = {0};
	VEC(char *) sorted = {0};
	char **p, *before = NULL;

	vec_each (&x->patterns, p)
		*vec_add(&sorted) = *p;
	if (sorted.len)
		qsort(sorted.p, sorted.len, sizeof(*sorted.p), text_compare);
	digest_ctx_init(&h, DIGEST_SHA256);
	/* With its end each: "ab" is not "a", "b". */
	vec_each (&sorted, p) {
		if (!before || strcmp(before, *p) != 0)
			digest_update(&h, *p, strlen(*p) + 1);
		before = *p;
	}
	digest_final(&h, out);
	vec_clear(&sorted);
}

/* ---- compiled -------------------------------------------------------------------------------- */

int image_filter_init(struct image_filter *f, const struct image_exclude *x, struct err *err)
{
	char **p;

	*f = (struct image_filter){0};
	vec_each (&x->patterns, p) {
		struct match *m;

		if (match_new(&m, *p, err)) {
			err->kind = ERR_STALL;
			image_filter_clear(f);
			return err_wrap(err, "exclusionList");
		}
		*vec_add(&f->matches) = m;
	}
	return 0;
}

void image_filter_clear(struct image_filter *f)
{
	struct match **m;

	vec_each (&f->matches, m)
		match_free(*m);
	vec_clear(&f->matches);
}

int image_filter_excludes(struct image_filter *f, const char *tag, struct err *err)
{
	uint64_t since = clock_ns();
	size_t n = strlen(tag);
	struct match **m;
	int found = 0;

	vec_each (&f->matches, m) {
		f->asked++;
		if (match_text(*m, tag, n)) {
			found = 1;
			break;
		}
	}
	f->ns += clock_ns() - since;
	if (f->ns / 1000 > LIMIT_FILTER_MS * 1000 + f->asked * LIMIT_FILTER_TAG_US)
		return err_set(err, ERR_RETRY,
			"matching tags with exclusionList takes too long: it was given up at '%s'",
			tag);
	return found;
}
