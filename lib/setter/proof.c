#include "base/limits.h"
#include "base/mem.h"
#include "setter/internal.h"
#include "text/steady.h"

#include <string.h>

struct proof {
	struct setter_work *w;
	struct ymarks *before, *after;
	size_t next; /* edit */
	/* Edits of values in mappings, by mapping and key: what stands there twice is told. */
	VEC(struct setter_edit *) keys;
};

static int key_compare(const struct setter_edit *a, unsigned long in, const char *key)
{
	return a->in != in ? (a->in < in ? -1 : 1) : strcmp(a->key, key);
}

static int edit_compare(const void *pa, const void *pb)
{
	const struct setter_edit *const *a = pa, *const *b = pb;
	int d = key_compare(*a, (*b)->in, (*b)->key);

	return d ? d : (*a)->piece < (*b)->piece ? -1 : 1;
}

static void keys_collect(struct proof *p)
{
	struct setter_edit *e;

	vec_each (&p->w->edits, e)
		if (e->key)
			*vec_add(&p->keys) = e;
	if (p->keys.len)
		qsort(p->keys.p, p->keys.len, sizeof(*p->keys.p), edit_compare);
}

/* The first edit of this key in this mapping is told, once, when the key comes a second time. */
static void key_see(struct proof *p, const struct ymark *k)
{
	size_t from = 0, to = p->keys.len;
	struct setter_edit *e;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (key_compare(p->keys.p[mid], k->in, k->value) < 0)
			from = mid + 1;
		else
			to = mid;
	}
	if (from >= p->keys.len || key_compare(p->keys.p[from], k->in, k->value) != 0)
		return;
	e = p->keys.p[from];
	if (++e->keys_seen == 2) {
		auto_buf struct buf name = BUF_INIT(LIMIT_SETTER_NAME);

		steady_add_clean(&name, k->value, 128);
		setter_report(p->w, SETTER_KEY_TWICE, k->line,
			"key '%s' stands twice in its mapping; what is read of it depends on the "
			"reader",
			buf_str(&name));
	}
}

/* The piece that was to be set: all of it but text, quotes and a tag that had to go. */
static bool is_set(const struct setter_edit *e, const struct ymark *a, const struct ymark *b)
{
	struct ymark want = *a;

	want.value = b->value;
	want.len = b->len;
	want.style = b->style;
	if (e->tag_end > e->tag_at)
		want.tag = NULL;
	return ymark_same(&want, b) && setter_scalar_is(b, e->change.new_text);
}

/* 1: both have come to their end and are as they should be; 0: go on; -1: they are not. */
static int prove_piece(struct proof *p, unsigned long piece)
{
	const struct ymark *a, *b;
	const struct setter_edit *e = p->next < p->w->edits.len ? &p->w->edits.p[p->next] : NULL;
	struct err err;
	int had = ymarks_next(p->before, &a, &err), has = ymarks_next(p->after, &b, &err);

	if (had < 0 || had != has)
		return -1;
	if (!had)
		return e ? -1 : 1;
	if (a->kind == YMARK_SCALAR && a->key)
		key_see(p, a);
	if (!e || e->piece != piece)
		return ymark_same(a, b) ? 0 : -1;
	p->next++;
	return is_set(e, a, b) ? 0 : -1;
}

static int prove_all(struct proof *p)
{
	unsigned long piece = 0;
	int rc;

	do {
		if (setter_stopped(p->w))
			return -1;
		rc = prove_piece(p, piece++);
	} while (!rc);
	if (rc > 0)
		return 0;
	setter_report(p->w, SETTER_NOT_PROVEN,
		p->next < p->w->edits.len ? p->w->edits.p[p->next].change.line : 1,
		"what was to be set would have changed more than the values");
	return 1;
}

int setter_prove(struct setter_work *w, const char *text, size_t len)
{
	struct proof p = {.w = w,
		.before = ymarks_new(w->in->text, w->in->len),
		.after = ymarks_new(text, len)};
	int rc;

	keys_collect(&p);
	rc = prove_all(&p);
	ymarks_free(p.before);
	ymarks_free(p.after);
	vec_clear(&p.keys);
	return rc;
}
