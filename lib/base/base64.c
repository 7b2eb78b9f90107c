#include "base/base64.h"

#include <stdint.h>

static const char std_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int base64_encode(struct buf *out, const void *data, size_t n, unsigned flags)
{
	const char *digits = flags & BASE64_URL ? url_digits : std_digits;
	const unsigned char *p = data;
	size_t i, left;
	char *to;

	to = n <= SIZE_MAX / 2 ? buf_room(out, (n + 2) / 3 * 4) : NULL;
	if (!to)
		return -1;
	for (i = 0; i < n; i += 3) {
		uint32_t v = (uint32_t)p[i] << 16;

		left = n - i;
		if (left > 1)
			v |= (uint32_t)p[i + 1] << 8;
		if (left > 2)
			v |= p[i + 2];
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		if (left > 1)
			*to++ = digits[v >> 6 & 63];
		else if (!(flags & BASE64_URL))
			*to++ = '=';
		if (left > 2)
			*to++ = digits[v & 63];
		else if (!(flags & BASE64_URL))
			*to++ = '=';
	}
	*to = '\0';
	out->len = (size_t)(to - out->p);
	return 0;
}

static int base64_digit(char c, unsigned flags)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == (flags & BASE64_URL ? '-' : '+'))
		return 62;
	if (c == (flags & BASE64_URL ? '_' : '/'))
		return 63;
	return -1;
}

int base64_decode(struct buf *out, const char *text, size_t len, unsigned flags, struct err *err)
{
	size_t at, start = out->len;
	unsigned digits = 0, pads = 0;
	uint32_t v = 0;
	char *to = len <= SIZE_MAX / 2 ? buf_room(out, len / 4 * 3 + 3) : NULL;

	if (!to)
		return err_set(err, ERR_RETRY, "base64 text of %zu characters is too long", len);
	for (at = 0; at < len; at++) {
		int d;

		if ((flags & BASE64_NEWLINES) && (text[at] == '\n' || text[at] == '\r'))
			continue;
		if (text[at] == '=' && !(flags & BASE64_URL) && digits >= 2 && digits + pads < 4) {
			pads++;
			continue;
		}
		d = base64_digit(text[at], flags);
		if (d < 0 || pads)
			goto bad;
		v = v << 6 | (uint32_t)d;
		if (++digits < 4)
			continue;
		*to++ = (char)(v >> 16);
		*to++ = (char)(v >> 8);
		*to++ = (char)v;
		digits = 0;
		v = 0;
	}
	if (digits == 1 || (digits && !(flags & BASE64_URL) && digits + pads != 4))
		goto bad;
	/* The bits that the last digit has too many must be zero: one value, one text. */
	if ((digits == 2 && v & 15) || (digits == 3 && v & 3))
		goto bad;
	if (digits == 2)
		*to++ = (char)(v >> 4);
	if (digits == 3) {
		*to++ = (char)(v >> 10);
		*to++ = (char)(v >> 2);
	}
	*to = '\0';
	out->len = (size_t)(to - out->p);
	return 0;
bad:
	out->p[start] = '\0';
	return err_set(err, ERR_RETRY, "malformed base64 at character %zu", at + 1);
}
