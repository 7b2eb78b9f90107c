#include "base/utf8.h"

#include "base/mem.h"

#include <string.h>

size_t utf8_char(const char *s, size_t n, uint32_t *rune)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	const unsigned char *p = (const unsigned char *)s;
	uint32_t r = p[0];
	size_t len = 1, i;

	if (p[0] >= 0x80) {
		if (p[0] < 0xc2 || p[0] > 0xf4)
			return 0;
		len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
		if (len > n)
			return 0;
		r &= 0x7fu >> len;
		for (i = 1; i < len; i++) {
			if ((p[i] & 0xc0) != 0x80)
				return 0;
			r = r << 6 | (p[i] & 0x3f);
		}
		if (r < least[len] || r > 0x10ffff || (r >= 0xd800 && r <= 0xdfff))
			return 0;
	}
	if (rune)
		*rune = r;
	return len;
}

bool utf8_ok(const char *s, size_t n)
{
	size_t i, len;

	for (i = 0; i < n; i += len) {
		len = utf8_char(s + i, n - i, NULL);
		if (!len)
			return false;
	}
	return true;
}

size_t utf8_cut(const char *s, size_t n, size_t max)
{
	if (n <= max)
		return n;
	while (max && ((unsigned char)s[max] & 0xc0) == 0x80)
		max--;
	return max;
}

char *utf8_tidy(const char *text, size_t max)
{
	size_t n = utf8_cut(text, strlen(text), max), i, len;
	char *copy = mem_strndup(text, n);

	for (i = 0; i < n; i += len) {
		len = utf8_char(copy + i, n - i, NULL);
		if (!len) {
			copy[i] = '?';
			len = 1;
		}
	}
	return copy;
}
