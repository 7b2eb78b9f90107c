#include "text/semver.h"

#include "base/ascii.h"
#include "base/mem.h"

#include <stdio.h>
#include <string.h>

/* ---- the grammar of a version ---------------------------------------------------------------- */

static bool semver_is_ident(char c)
{
	return ascii_is_alnum(c) || c == '-';
}

/* `[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*`: where it ends, or NULL if it does not begin here. */
static const char *scan_idents(const char *p)
{
	if (!semver_is_ident(*p))
		return NULL;
	while (semver_is_ident(*p))
		p++;
	while (*p == '.' && semver_is_ident(p[1])) {
		p++;
		while (semver_is_ident(*p))
			p++;
	}
	return p;
}

/* Decimal digits into 64 bits; NULL if there is none or they do not fit. */
static const char *scan_number(const char *p, uint64_t *n)
{
	*n = 0;
	if (!ascii_is_digit(*p))
		return NULL;
	for (; ascii_is_digit(*p); p++)
		if (__builtin_mul_overflow(*n, 10, n) ||
			__builtin_add_overflow(*n, (uint64_t)(*p - '0'), n))
			return NULL;
	return p;
}

/* Numeric identifiers of a prerelease have no leading zeros (semver.org section 9); the grammar saw
   to the rest. */
static bool pre_is_valid(const char *pre, size_t len)
{
	size_t i = 0;

	while (i < len) {
		size_t from = i;
		bool number = true;

		for (; i < len && pre[i] != '.'; i++)
			number = number && ascii_is_digit(pre[i]);
		if (number && i - from > 1 && pre[from] == '0')
			return false;
		i++;
	}
	return true;
}

/* The loose form that the ranges and the tags share: minor and patch may be missing, leading zeros
   are fine. */
static bool parse_loose(struct semver *v, const char *text)
{
	uint64_t *const parts[] = {&v->major, &v->minor, &v->patch};
	const char *p = text, *pre;
	size_t i;

	*parts[1] = *parts[2] = 0;
	v->pre[0] = 0;
	p += *p == 'v';
	for (i = 0; i < ARRAY_LEN(parts) && (i == 0 || (*p == '.' && ascii_is_digit(p[1]))); i++) {
		p = scan_number(p + (i > 0), parts[i]);
		if (!p)
			return false;
	}
	if (*p == '-') {
		pre = p + 1;
		p = scan_idents(pre);
		if (!p || !pre_is_valid(pre, (size_t)(p - pre)))
			return false;
		memcpy(v->pre, pre, (size_t)(p - pre));
		v->pre[p - pre] = 0;
	}
	if (*p == '+')
		p = scan_idents(p + 1);
	return p && !*p;
}

bool semver_parse(struct semver *v, const char *text)
{
	struct semver tmp;
	const char *dot = strchr(text, '.');

	if (!dot || !strchr(dot + 1, '.') || strnlen(text, SEMVER_TEXT_MAX + 1) > SEMVER_TEXT_MAX)
		return false;
	if (!parse_loose(&tmp, text))
		return false;
	*v = tmp;
	return true;
}

/* ---- order ----------------------------------------------------------------------------------- */

/* Whether an identifier counts as a number: digits only, and within 64 bits. */
static bool ident_is_number(const char *s, size_t len)
{
	static const char max[] = "18446744073709551615";
	size_t i;

	for (i = 0; i < len; i++)
		if (!ascii_is_digit(s[i]))
			return false;
	return len < sizeof(max) - 1 || (len == sizeof(max) - 1 && memcmp(s, max, len) <= 0);
}

static int compare_size(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_ident(const char *a, size_t alen, const char *b, size_t blen)
{
	bool anum, bnum;
	int c = memcmp(a, b, alen < blen ? alen : blen);

	if (!c && alen == blen)
		return 0;
	if (!alen || !blen)
		return alen ? 1 : -1;
	anum = ident_is_number(a, alen);
	bnum = ident_is_number(b, blen);
	if (anum != bnum)
		return anum ? -1 : 1;
	/* No leading zeros: the longer number is the greater one. */
	if (anum && alen != blen)
		return alen > blen ? 1 : -1;
	return c ? (c > 0 ? 1 : -1) : compare_size(alen, blen);
}

static int compare_pre(const char *a, const char *b)
{
	/* A release is higher than all of its prereleases. */
	if (!*a || !*b)
		return (!*a) - (!*b);
	while (*a || *b) {
		size_t alen = strcspn(a, "."), blen = strcspn(b, ".");
		int c = compare_ident(a, alen, b, blen);

		if (c)
			return c;
		a += alen + (a[alen] == '.');
		b += blen + (b[blen] == '.');
	}
	return 0;
}

static int compare_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

int semver_compare(const struct semver *a, const struct semver *b)
{
	int c = compare_number(a->major, b->major);

	if (!c)
		c = compare_number(a->minor, b->minor);
	if (!c)
		c = compare_number(a->patch, b->patch);
	return c ? c : compare_pre(a->pre, b->pre);
}

bool semver_better(
	const struct semver *a, const char *a_tag, const struct semver *b, const char *b_tag)
{
	int c = semver_compare(a, b);

	return c ? c > 0 : strcmp(a_tag, b_tag) < 0;
}
