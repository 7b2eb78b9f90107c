#include "git/pack_format.h"

#include "base/buf.h"

#include <string.h>

#define NAME_BYTES 20

bool gitc_head_parse(struct gitc_head *h, const unsigned char *p, size_t n)
{
	unsigned shift = 4;
	size_t i = 0;

	if (!n)
		return false;
	*h = (struct gitc_head){.type = p[0] >> 4 & 7, .size = p[0] & 15};
	while (p[i++] & 128) {
		if (i == n || shift > 56)
			return false;
		h->size |= (uint64_t)(p[i] & 127) << shift;
		shift += 7;
	}
	if (h->type == PACK_OBJ_REF) {
		h->name = i;
		i += NAME_BYTES;
	} else if (h->type == PACK_OBJ_OFS) {
		/* 7 bits a byte, most significant first, and each further byte adds one. */
		if (i == n)
			return false;
		h->back = p[i] & 127;
		while (p[i++] & 128) {
			if (i == n || h->back >> 48)
				return false;
			h->back = (h->back + 1) << 7 | (p[i] & 127);
		}
	}
	h->len = i;
	return i <= n;
}

void gitc_head_put(struct buf *out, unsigned type, uint64_t size)
{
	unsigned char c = (unsigned char)(type << 4 | (size & 15));

	for (size >>= 4; size; size >>= 7) {
		buf_addc(out, (char)(c | 128));
		c = size & 127;
	}
	buf_addc(out, (char)c);
}

bool gitc_delta_size(const unsigned char *p, size_t n, size_t *at, uint64_t *out)
{
	unsigned shift = 0;

	for (*out = 0; *at < n && shift < 63; shift += 7) {
		unsigned char c = p[(*at)++];

		*out |= (uint64_t)(c & 127) << shift;
		if (!(c & 128))
			return true;
	}
	return false;
}

/* Up to `count` bytes of a number, of which `bits` says which are there. False: they are cut. */
static bool delta_number(
	const unsigned char *p, size_t n, size_t *at, unsigned bits, unsigned count, size_t *out)
{
	unsigned i;

	for (*out = 0, i = 0; i < count; i++) {
		if (!(bits >> i & 1))
			continue;
		if (*at == n)
			return false;
		*out |= (size_t)p[(*at)++] << 8 * i;
	}
	return true;
}

bool gitc_delta_apply(const unsigned char *base, size_t base_len, const unsigned char *p, size_t n,
	unsigned char *out, size_t out_len)
{
	uint64_t from, to;
	size_t at = 0, made = 0;

	if (!gitc_delta_size(p, n, &at, &from) || !gitc_delta_size(p, n, &at, &to) ||
		from != base_len || to != out_len)
		return false;
	while (at < n) {
		unsigned char c = p[at++];
		const unsigned char *what;
		size_t where, len = c;

		if (!c)
			return false; /* reserved */
		if (c & 128) {
			if (!delta_number(p, n, &at, c, 4, &where) ||
				!delta_number(p, n, &at, c >> 4 & 7, 3, &len))
				return false;
			if (!len)
				len = 0x10000;
			if (where > base_len || len > base_len - where)
				return false;
			what = base + where;
		} else {
			if (len > n - at)
				return false;
			what = p + at;
			at += len;
		}
		if (len > out_len - made)
			return false;
		memcpy(out + made, what, len);
		made += len;
	}
	return made == out_len;
}
