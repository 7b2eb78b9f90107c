#include "text/ignore_glob.h"

#include "base/utf8.h"

#define RUNE_ERROR 0xfffdu

size_t ignore_rune(const char *s, size_t n, uint32_t *rune)
{
	size_t used = utf8_char(s, n, rune);

	if (!used)
		*rune = RUNE_ERROR;
	return used ? used : 1;
}

/* One end of a range. The bytes used, or 0 when malformed; something always has to follow, the ] at least. */
static size_t class_char(const char *p, size_t n, uint32_t *rune)
{
	size_t esc = n && *p == '\\', used;

	if (n <= esc || (!esc && (*p == '-' || *p == ']')))
		return 0;
	used = ignore_rune(p + esc, n - esc, rune);
	if ((*rune == RUNE_ERROR && used == 1) || esc + used >= n)
		return 0;
	return esc + used;
}

/* A class, from its [: the bytes used, or 0 when malformed. */
static size_t class_match(const char *p, size_t n, uint32_t rune, bool *match)
{
	size_t i = 1, used;
	uint32_t lo, hi;
	bool negated = n > 1 && p[1] == '^', in = false, any = false;

	i += negated;
	while (!(any && i < n && p[i] == ']')) {
		used = class_char(p + i, n - i, &lo);
		if (!used)
			return 0;
		i += used;
		hi = lo;
		if (p[i] == '-') {
			used = class_char(p + i + 1, n - i - 1, &hi);
			if (!used)
				return 0;
			i += 1 + used;
		}
		in = in || (lo <= rune && rune <= hi);
		any = true;
	}
	*match = in != negated;
	return i + 1;
}

bool ignore_glob_valid(const char *pat, size_t len)
{
	size_t i = 0, used;
	bool match;

	while (i < len) {
		used = pat[i] == '\\' ? 2 : 1;
		if (pat[i] == '[')
			used = class_match(pat + i, len - i, 0, &match);
		if (!used || i + used > len)
			return false;
		i += used;
	}
	return true;
}

/* One term of the pattern but a star at the front of the name: false, or the bytes used of both. */
static bool term_match(const char *pat, size_t pat_len, const char *name, size_t name_len,
	size_t *pat_used, size_t *name_used)
{
	uint32_t rune;
	bool match = true;

	*pat_used = *name_used = 1;
	if (!name_len)
		return false;
	switch (*pat) {
	case '[':
		*name_used = ignore_rune(name, name_len, &rune);
		*pat_used = class_match(pat, pat_len, rune, &match);
		return match;
	case '?':
		*name_used = ignore_rune(name, name_len, &rune);
		return true;
	case '\\':
		*pat_used = 2;
		return pat[1] == *name;
	default:
		return *pat == *name;
	}
}

/* A failed term sends us back to the last star, which then takes one byte more. An earlier star never has to be tried again. */
bool ignore_glob(const char *pat, size_t pat_len, const char *name, size_t name_len)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_name = 0, pu, nu;

	while (p < pat_len || n < name_len) {
		if (p < pat_len && pat[p] == '*') {
			star = ++p;
			star_name = n;
			if (p == pat_len)
				return true;
			continue;
		}
		if (p < pat_len &&
			term_match(pat + p, pat_len - p, name + n, name_len - n, &pu, &nu)) {
			p += pu;
			n += nu;
			continue;
		}
		if (star == SIZE_MAX || star_name >= name_len)
			return false;
		p = star;
		n = ++star_name;
	}
	return true;
}
