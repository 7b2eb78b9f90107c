#include "base/cbor.h"

#include "base/limits.h"
#include "base/utf8.h"

struct cbor cbor_of(const void *data, size_t n)
{
	const unsigned char *p = n ? data : (const void *)"";

	return (struct cbor){p, p + n};
}

static int ends(struct err *err)
{
	return err_set(err, ERR_RETRY, "it ends inside an item");
}

/* What the five bits of the first byte say, or the bytes behind it. */
static int number_read(struct cbor *r, unsigned info, uint64_t *n, struct err *err)
{
	size_t bytes, i;

	*n = info;
	if (info < 24)
		return 0;
	if (info == 31)
		return err_set(err, ERR_RETRY, "an item has no length of its own");
	if (info > 27)
		return err_set(err, ERR_RETRY, "an item is of no known form");
	bytes = (size_t)1 << (info - 24);
	if ((size_t)(r->end - r->p) < bytes)
		return ends(err);
	for (*n = 0, i = 0; i < bytes; i++)
		*n = *n << 8 | *r->p++;
	return 0;
}

/* Each value takes a byte at least: who says that more of them follow lies. */
static int room_check(const struct cbor *r, const struct cbor_item *item, struct err *err)
{
	size_t left = (size_t)(r->end - r->p);

	switch (item->kind) {
	case CBOR_BYTES:
	case CBOR_TEXT:
	case CBOR_ARRAY:
		return item->n > left ? ends(err) : 0;
	case CBOR_MAP:
		return item->n > left / 2 ? ends(err) : 0;
	case CBOR_TAG:
		return left ? 0 : ends(err);
	default:
		return 0;
	}
}

int cbor_next(struct cbor *r, struct cbor_item *out, struct err *err)
{
	unsigned first;

	*out = (struct cbor_item){0};
	if (r->p == r->end)
		return ends(err);
	first = *r->p++;
	out->kind = (enum cbor_kind)(first >> 5);
	if (number_read(r, first & 31, &out->n, err) || room_check(r, out, err))
		return -1;
	if (out->kind != CBOR_BYTES && out->kind != CBOR_TEXT)
		return 0;
	out->data = (const char *)r->p;
	r->p += out->n;
	if (out->kind == CBOR_TEXT && !utf8_ok(out->data, out->n))
		return err_set(err, ERR_RETRY, "a text is not UTF-8");
	return 0;
}

static int value_skip(struct cbor *r, unsigned depth, struct err *err)
{
	struct cbor_item item;
	uint64_t i, n = 0;

	if (cbor_next(r, &item, err))
		return -1;
	if (item.kind == CBOR_ARRAY)
		n = item.n;
	else if (item.kind == CBOR_MAP)
		n = 2 * item.n;
	else if (item.kind == CBOR_TAG)
		n = 1;
	if (n && !depth)
		return err_set(err, ERR_RETRY, "it is nested more than %d deep", LIMIT_CBOR_DEPTH);
	for (i = 0; i < n; i++)
		if (value_skip(r, depth - 1, err))
			return -1;
	return 0;
}

int cbor_skip(struct cbor *r, struct err *err)
{
	return value_skip(r, LIMIT_CBOR_DEPTH, err);
}
