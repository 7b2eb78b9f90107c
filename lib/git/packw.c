#include "git/packw.h"

#include "base/mem.h"
#include "crypto/sha1.h"
#include "git/pack_format.h"
#include "pack/deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void gitc_packw_clear(struct gitc_packw *w)
{
	struct gitc_made *m;

	vec_each (&w->made, m)
		free(m->p);
	vec_clear(&w->made);
}

void gitc_packw_add(
	struct gitc_packw *w, enum gitc_type type, const void *p, size_t n, struct gitc_oid *oid)
{
	struct gitc_made *m;

	/* Twice in a pack is once too often. */
	vec_each (&w->made, m)
		if (gitc_oid_equal(&m->oid, oid))
			return;
	m = vec_add(&w->made);
	*m = (struct gitc_made){.oid = *oid, .type = type, .p = n ? mem_dup(p, n) : NULL, .n = n};
}

static void put_be32(struct buf *out, uint32_t v)
{
	unsigned char b[4] = {v >> 24 & 255, v >> 16 & 255, v >> 8 & 255, v & 255};

	buf_add(out, b, sizeof(b));
}

int gitc_packw_end(const struct gitc_packw *w, struct buf *out)
{
	unsigned char sum[SHA1_SIZE];
	struct sha1 h = {0};
	size_t from = out->len;
	const struct gitc_made *m;

	buf_adds(out, "PACK");
	put_be32(out, 2);
	put_be32(out, (uint32_t)w->made.len);
	vec_each (&w->made, m) {
		gitc_head_put(out, m->type, m->n);
		if (pack_deflate(out, m->p, m->n))
			return -1;
	}
	if (buf_over(out))
		return -1;
	sha1_init(&h);
	sha1_update(&h, out->p + from, out->len - from);
	sha1_final(&h, sum);
	sha1_clear(&h);
	return buf_add(out, sum, sizeof(sum));
}
