/* Each piece is an allocation of its own, so that a sanitizer sees where one ends. */
#include "base/mem.h"
#include "text/cel_internal.h"

#include <string.h>

struct cel_block {
	struct cel_block *next;
	size_t size;
	max_align_t data[];
};

void *cel_pool_alloc(struct cel_pool *p, size_t n)
{
	struct cel_block *b;

	if (n > p->max || p->used + n + sizeof(*b) > p->max)
		return NULL;
	b = mem_zalloc(sizeof(*b) + n);
	b->next = p->head;
	b->size = n + sizeof(*b);
	p->head = b;
	p->used += b->size;
	return b->data;
}

void *cel_pool_dup(struct cel_pool *p, const void *data, size_t n)
{
	void *to = cel_pool_alloc(p, n);

	if (to && n)
		memcpy(to, data, n);
	return to;
}

void cel_pool_release(struct cel_pool *p, struct cel_block *mark)
{
	while (p->head != mark) {
		struct cel_block *b = p->head;

		p->head = b->next;
		p->used -= b->size;
		free(b);
	}
}
