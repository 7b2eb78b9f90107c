#include "pack/sort.h"

#include "base/mem.h"
#include "pack/source.h"

#include <stdbool.h>
#include <string.h>

struct sorter {
	size_t size;
	pack_cmp_fn *cmp;
	const void *ctx;
	const atomic_bool *stop;
};

/* Two sorted runs, from..mid and mid..end, become one. */
static int sort_merge(const struct sorter *s, const char *in, char *out, size_t from, size_t mid,
	size_t end, struct err *err)
{
	size_t a = from, b = mid, to;

	for (to = from; to < end; to++) {
		bool first = b == end ||
			(a < mid && s->cmp(in + a * s->size, in + b * s->size, s->ctx) <= 0);

		if (pack_stopped(s->stop, err))
			return -1;
		memcpy(out + to * s->size, in + (first ? a++ : b++) * s->size, s->size);
	}
	return 0;
}

int pack_sort(void *p, size_t n, size_t size, pack_cmp_fn *cmp, const void *ctx,
	const atomic_bool *stop, struct err *err)
{
	struct sorter s = {size, cmp, ctx, stop};
	auto_free char *other = NULL;
	char *in = p, *out, *was;
	size_t run, from, mid, end;

	if (n < 2)
		return 0;
	out = other = mem_array(NULL, n, size);
	for (run = 1; run < n; run *= 2) {
		for (from = 0; from < n; from = end) {
			mid = n - from < run ? n : from + run;
			end = n - mid < run ? n : mid + run;
			if (sort_merge(&s, in, out, from, mid, end, err))
				return -1;
		}
		was = in;
		in = out;
		out = was;
	}
	if (in != p)
		memcpy(p, in, n * size);
	return 0;
}
