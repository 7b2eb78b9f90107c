#include "pack/scan.h"

#include "base/limits.h"
#include "pack/path.h"
#include "pack/read.h"
#include "pack/sort.h"
#include "text/ignore.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void scan_reason(
	struct pack_scan *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
}

static int scan_read_rules(
	struct pack_scan *s, struct pack_read *r, const struct pack_entry *e, struct err *err)
{
	struct pack_rules *rules;
	char q[PACK_QUOTE_MAX];
	const void *p;
	size_t n;

	s->rules_total += e->size;
	if (e->size > LIMIT_IGNORE_FILE || s->rules_total > LIMIT_IGNORE_TOTAL)
		return err_set(err, ERR_RETRY, "entry '%s' is too long for ignore rules",
			pack_quote(q, e->path, strlen(e->path)));
	/* Each file costs a little more, and the name of its folder once again. */
	if (pack_memory_take(&r->src->memory,
		    PACK_RULES_FACTOR * e->size + strlen(e->path) + 4 * sizeof(*rules), err))
		return -1;
	rules = vec_add(&s->rules);
	rules->seq = (uint32_t)e->seq;
	buf_init(&rules->text, LIMIT_IGNORE_FILE);
	do {
		if (pack_read_data(r, &p, &n, err))
			return -1;
		buf_add(&rules->text, p, n);
	} while (n);
	return 0;
}

static int scan_take_entry(
	struct pack_scan *s, struct pack_read *r, const struct pack_entry *e, struct err *err)
{
	char q[PACK_QUOTE_MAX];
	size_t dir_len;

	if (e->type == PACK_LINK) {
		s->links++;
		scan_reason(s, "entry '%s' is a link", pack_quote(q, e->path, strlen(e->path)));
		return 0;
	}
	/* The root is written "." or "./", and comes first if at all. */
	if (!*e->path && e->seq)
		scan_reason(s, "entry '.' is not the first");
	else if (*e->path && !e->tidy)
		scan_reason(s, "the name of entry '%s' is not clean",
			pack_quote(q, e->path, strlen(e->path)));
	if (pack_index_add(
		    &s->ix, e->path, e->type == PACK_DIR, e->mode & 0111, e->size, e->seq, err))
		return -1;
	if (e->type == PACK_FILE && ignore_is_file(e->path, &dir_len))
		return scan_read_rules(s, r, e, err);
	return 0;
}

int pack_scan_run(struct pack_scan *s, struct pack_src *src, const struct pack_limits *limits,
	struct err *err)
{
	struct pack_read r;
	struct pack_entry e;
	const char *why;
	int rc;

	*s = (struct pack_scan){0};
	pack_index_init(&s->ix, limits->entries, &src->memory);
	s->ix.stop = src->stop;
	rc = pack_read_init(&r, src, limits->expanded, limits->entries, err);
	while (!rc && (rc = pack_read_next(&r, &e, err)) > 0)
		rc = scan_take_entry(s, &r, &e, err);
	if (rc)
		goto out;
	s->expanded = r.x.total;
	s->entries = r.entries;
	why = pack_plain_why(&r.w);
	if (r.warned)
		scan_reason(s, "libarchive warns of it");
	if (pack_expand_why(&r.x))
		scan_reason(s, "%s", pack_expand_why(&r.x));
	if (why)
		scan_reason(s, "%s", why);
	rc = pack_index_build(&s->ix, err);
	if (!rc && s->ix.repeated)
		scan_reason(s, "a name comes twice");
out:
	pack_read_clear(&r);
	return rc;
}

void pack_scan_clear(struct pack_scan *s)
{
	struct pack_rules *rules;

	vec_each (&s->rules, rules)
		buf_clear(&rules->text);
	vec_clear(&s->rules);
	pack_index_clear(&s->ix);
}

struct found {
	struct pack_rules *rules;
	char *dir;
};

static int scan_by_dir(const void *a, const void *b, const void *ctx)
{
	(void)ctx;
	return ignore_dir_cmp(((const struct found *)a)->dir, ((const struct found *)b)->dir);
}

static int scan_by_seq(const void *key, const void *elem)
{
	uint32_t seq = *(const uint32_t *)key, other = ((const struct pack_rules *)elem)->seq;

	return seq < other ? -1 : seq > other;
}

int pack_scan_rules(struct pack_scan *s, pack_ignore_fn fn, void *ctx, struct err *err)
{
	VEC(struct found) all = {0};
	struct found *f;
	const struct pack_item *it;
	int rc = 0;

	if (!s->rules.len)
		return 0;
	vec_each (&s->ix.items, it) {
		const char *name = pack_index_name(&s->ix, it);
		struct pack_rules *rules;
		size_t dir_len;

		if (!rc)
			rc = pack_stopped(s->ix.stop, err);
		if (rc || it->dir || !ignore_is_file(name, &dir_len))
			continue;
		rules = bsearch(
			&it->seq, s->rules.p, s->rules.len, sizeof(*s->rules.p), scan_by_seq);
		BUG_IF(!rules);
		f = vec_add(&all);
		f->rules = rules;
		f->dir = mem_strndup(name, dir_len);
	}
	/* The items are in name order, where "+a/.sourceignore" comes before ".sourceignore"; a
	   parent's rules must come first. */
	if (!rc)
		rc = pack_sort(all.p, all.len, sizeof(*all.p), scan_by_dir, NULL, s->ix.stop, err);
	vec_each (&all, f) {
		if (!rc)
			rc = pack_stopped(s->ix.stop, err);
		if (!rc)
			rc = fn(ctx, f->dir, buf_str(&f->rules->text), f->rules->text.len, err);
		buf_clear(&f->rules->text);
		free(f->dir);
	}
	vec_clear(&all);
	return rc;
}
