#include "text/ignore_glob.h"

#include "base/utf8.h"

#include <string.h>

#define RUNE_ERROR 0xfffdu

size_t ignore_rune(const char *s, size_t n, uint32_t *rune)
{
	size_t used = utf8_char(s, n, rune);

	if (!used)
		*rune = RUNE_ERROR;
	return used ? used : 1;
}

/* One end of a range. The bytes used, or 0 when malformed; something always has to follow, the ] at
   least. */
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

bool ignore_budget_look(struct ignore_budget *b)
{
	b->stopped = b->stop && atomic_load_explicit(b->stop, memory_order_relaxed);
	b->over = b->stopped || b->used > b->max;
	b->look_at = b->used + IGNORE_LOOK_EVERY;
	return !b->over;
}

/* After a star: the next place in the name at which the pattern's next byte stands. An escape or
   class takes the very next one. */
static size_t next_place(char want, const char *name, size_t from, size_t len)
{
	const char *at;

	if (want == '?' || want == '[' || want == '\\' || want == '*')
		return from;
	at = memchr(name + from, want, len - from);
	return at ? (size_t)(at - name) : len;
}

/* A failed term sends us back to the last star, which then takes one byte more. An earlier star
   never has to be tried again. */
bool ignore_glob(
	const char *pat, size_t pat_len, const char *name, size_t name_len, struct ignore_budget *b)
{
	size_t p = 0, n = 0, star = SIZE_MAX, star_name = 0, pu, nu;

	while (p < pat_len || n < name_len) {
		if (p < pat_len && pat[p] == '*') {
			star = ++p;
			if (p == pat_len)
				return true;
			star_name = n = next_place(pat[p], name, n, name_len);
			continue;
		}
		if (p < pat_len &&
			term_match(pat + p, pat_len - p, name + n, name_len - n, &pu, &nu)) {
			p += pu;
			n += nu;
			if (!ignore_spend(b, pu))
				return false;
			continue;
		}
		if (star == SIZE_MAX || star_name >= name_len ||
			!ignore_spend(b, p < pat_len ? pu : 1))
			return false;
		p = star;
		n = star_name = next_place(pat[star], name, star_name + 1, name_len);
	}
	return true;
}
