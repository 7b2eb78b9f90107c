#include "base/secret.h"

#include "base/mem.h"

#include <stdlib.h>

void secret_clear(struct secret *s)
{
	mem_wipe(s->p, s->len);
	free(s->p);
	s->p = NULL;
	s->len = 0;
}

void secret_set(struct secret *s, const char *p, size_t len)
{
	char *copy = mem_strndup(p, len);

	secret_clear(s);
	s->p = copy;
	s->len = len;
}

void secret_copy(struct secret *to, const struct secret *from)
{
	if (to == from)
		return;
	if (from->p)
		secret_set(to, from->p, from->len);
	else
		secret_clear(to);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
	unsigned char diff = 0;
	size_t i;

	if (a->len != b->len)
		return false;
	for (i = 0; i < a->len; i++)
		diff |= (unsigned char)(a->p[i] ^ b->p[i]);
	return !diff;
}
