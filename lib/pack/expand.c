#include "pack/expand.h"

#include "base/limits.h"
#include "pack/gunzip.h"
#include "pack/pack.h"
#include "pack/unzstd.h"

#include <string.h>

enum pack_kind pack_sniff(const unsigned char *p, size_t n)
{
	if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
		return PACK_GZIP;
	if (n >= 4 && !memcmp(p, "\x28\xb5\x2f\xfd", 4))
		return PACK_ZSTD;
	return PACK_TAR;
}

int pack_expand_init(struct pack_expand *x, struct pack_src *src, uint64_t max, struct err *err)
{
	const unsigned char *p = NULL;
	size_t n;

	*x = (struct pack_expand){.src = src, .max = max};
	if (pack_src_next(src, &p, &n, err))
		return -1;
	if (!n)
		return err_set(err, ERR_RETRY, "the layer is empty");
	x->kind = pack_sniff(p, n);
	pack_src_rewind(src);
	if (x->kind == PACK_GZIP)
		x->gz = pack_gunzip_new(src);
	else if (x->kind == PACK_ZSTD)
		x->zst = pack_unzstd_new(src);
	return 0;
}

void pack_expand_clear(struct pack_expand *x)
{
	pack_gunzip_free(x->gz);
	pack_unzstd_free(x->zst);
	*x = (struct pack_expand){0};
}

int pack_expand_count(struct pack_expand *x, uint64_t n, struct err *err)
{
	x->total += n;
	if (x->total > x->max)
		return err_code(err, ERR_RETRY, PACK_OVER_EXPANDED,
			"the layer expands to more than %llu bytes", (unsigned long long)x->max);
	if (x->total > LIMIT_RATIO_FROM && x->total / LIMIT_RATIO > x->src->size)
		return err_code(err, ERR_RETRY, PACK_OVER_RATIO,
			"the layer expands to more than %d times its %llu bytes", LIMIT_RATIO,
			(unsigned long long)x->src->size);
	return 0;
}

int pack_expand_next(struct pack_expand *x, const unsigned char **p, size_t *n, struct err *err)
{
	int rc;

	if (x->gz)
		rc = pack_gunzip_next(x->gz, p, n, err);
	else if (x->zst)
		rc = pack_unzstd_next(x->zst, p, n, err);
	else
		rc = pack_src_next(x->src, p, n, err);
	if (rc || pack_expand_count(x, *n, err))
		return -1;
	/* Inflate takes 1,000 output chunks from a few input ones, so the flag is polled here as
	   well. */
	return pack_stopped(x->src->stop, err);
}

const char *pack_expand_why(const struct pack_expand *x)
{
	return x->gz ? pack_gunzip_why(x->gz) : "it is not gzip";
}
