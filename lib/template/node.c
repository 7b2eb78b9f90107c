/* The pieces of a tree. */
#include "template/internal.h"
#include "template/parse.h"

#include <string.h>

struct node *node_new(struct parser *p, enum node_kind kind, uint32_t pos)
{
	struct node *n = value_alloc(&p->tmpl->pool, sizeof(*n));

	if (!n) {
		parse_out_of_memory(p);
		return NULL;
	}
	n->kind = kind;
	n->pos = pos;
	return n;
}

struct node *node_of_token(struct parser *p, enum node_kind kind, const struct token *t)
{
	struct node *n = node_new(p, kind, t->pos);

	if (n) {
		n->text = t->p;
		n->len = t->len;
	}
	return n;
}

void node_add_kid(struct node *parent, struct node *kid)
{
	if (parent->last)
		parent->last->next = kid;
	else
		parent->kids = kid;
	parent->last = kid;
	parent->n_kids++;
}

/* `.a.b` and `$x.a.b`: the names between the dots; of a variable, the first with its $. */
int node_add_names(struct parser *p, struct node *n, const char *s, size_t len)
{
	const char *end = s + len, *dot;
	size_t count = n->n_names + 1, i;
	struct name *names;

	if (s < end && *s == '.')
		s++;
	for (i = 0; s + i < end; i++)
		count += s[i] == '.';
	names = value_alloc(&p->tmpl->pool, count * sizeof(*names));
	if (!names)
		return parse_out_of_memory(p);
	if (n->n_names)
		memcpy(names, n->names, n->n_names * sizeof(*names));
	n->names = names;
	for (;;) {
		dot = memchr(s, '.', (size_t)(end - s));
		names[n->n_names++] = (struct name){s, (size_t)((dot ? dot : end) - s)};
		if (!dot)
			return 0;
		s = dot + 1;
	}
}

bool name_same(const struct name *a, const struct name *b)
{
	return a->len == b->len && !memcmp(a->s, b->s, a->len);
}
