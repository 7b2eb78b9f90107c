/*
 * A stable sort that can be stopped: names of an archive may be many and long, and comparing them
 * all takes a second at the worst. Worker thread.
 */
#ifndef PACK_SORT_H
#define PACK_SORT_H
#include "base/err.h"

#include <stdatomic.h>
#include <stddef.h>

typedef int pack_cmp_fn(const void *a, const void *b, const void *ctx);

/* n elements of `size` bytes at p. stop (NULL: never) is looked at before each element: then -1
   with ERR_CANCELED, in any order. */
int pack_sort(void *p, size_t n, size_t size, pack_cmp_fn *cmp, const void *ctx,
	const atomic_bool *stop, struct err *err) must_check;

#endif
