/* Numbers and text: integers as Go's strconv reads them, floats as it writes them. */
#include "base/ascii.h"
#include "template/internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- from text ------------------------------------------------------------------------------- */

/* Underscores stand between digits, or between the base and a digit, and only with a base. */
static bool underscores_ok(const char *s, size_t len)
{
	bool hex = false;
	char before = '^';
	size_t i = 0;

	if (i < len && (s[i] == '+' || s[i] == '-'))
		i++;
	if (len - i >= 2 && s[i] == '0' && strchr("bBoOxX", s[i + 1])) {
		hex = (s[i + 1] | 0x20) == 'x';
		before = '0';
		i += 2;
	}
	for (; i < len; i++) {
		if (ascii_is_digit(s[i]) || (hex && ascii_is_hex(s[i]))) {
			before = '0';
		} else if (s[i] == '_') {
			if (before != '0')
				return false;
			before = '_';
		} else {
			if (before == '_')
				return false;
			before = '!';
		}
	}
	return before != '_';
}

static unsigned base_of(const char **s, size_t *len)
{
	unsigned base = 10;

	if (*len < 2 || (*s)[0] != '0')
		return base;
	switch ((*s)[1] | 0x20) {
	case 'x':
		base = 16;
		break;
	case 'o':
		base = 8;
		break;
	case 'b':
		base = 2;
		break;
	default:
		*s += 1;
		*len -= 1;
		return 8;
	}
	*s += 2;
	*len -= 2;
	return base;
}

bool number_parse_uint(const char *s, size_t len, uint64_t *out)
{
	bool under = memchr(s, '_', len) != NULL;
	const char *at = s;
	size_t n = len, i;
	unsigned base = base_of(&at, &n);
	uint64_t v = 0;

	if (!n)
		return false;
	for (i = 0; i < n; i++) {
		int d;

		if (at[i] == '_')
			continue;
		if (!ascii_is_hex(at[i]))
			return false;
		d = ascii_hex_value(at[i]);
		if (d >= (int)base || __builtin_mul_overflow(v, (uint64_t)base, &v) ||
			__builtin_add_overflow(v, (uint64_t)d, &v))
			return false;
	}
	if (under && !underscores_ok(s, len))
		return false;
	*out = v;
	return true;
}

bool number_parse_int(const char *s, size_t len, int64_t *out)
{
	bool minus = len && s[0] == '-', sign = minus || (len && s[0] == '+');
	uint64_t u;

	if (!number_parse_uint(s + sign, len - sign, &u) || u > (uint64_t)INT64_MAX + minus)
		return false;
	*out = minus ? (int64_t)(0 - u) : (int64_t)u;
	return true;
}

/* ---- to text --------------------------------------------------------------------------------- */

/* The shortest digits that are read back as the same number: "1.5e+00". */
static void shortest(double d, char *out, size_t size)
{
	int digits;

	for (digits = 0; digits < 17; digits++) {
		snprintf(out, size, "%.*e", digits, d);
		if (strtod(out, NULL) == d)
			return;
	}
}

static int exponent_of(const char *text)
{
	return (int)strtol(strchr(text, 'e') + 1, NULL, 10);
}

/* Digits behind the first one. */
static int digits_behind(const char *text)
{
	const char *dot = strchr(text, '.');

	return dot ? (int)(strchr(text, 'e') - dot) - 1 : 0;
}

static void add_upper(struct buf *b, const char *s, bool upper)
{
	for (; *s; s++)
		buf_addc(b, upper && *s == 'e' ? 'E' : *s);
}

/* %g: %e or %f, whichever its exponent says, without zeros at the end. */
static void add_general(struct buf *b, double d, char verb, int prec)
{
	char text[1100];
	int exponent, limit = prec, behind;
	char *e;

	if (prec < 0)
		shortest(d, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%.*e", prec ? prec - 1 : 0, d);
	exponent = exponent_of(text);
	behind = digits_behind(text);
	e = strchr(text, 'e');
	if (prec >= 0 && behind) {
		/* Go has as many digits as the number has, and no more than asked for. */
		char *end = e;

		while (end[-1] == '0')
			end--;
		if (end[-1] == '.')
			end--;
		memmove(end, e, strlen(e) + 1);
		behind = digits_behind(text);
	}
	if (limit < 0)
		limit = 6;
	else if (!limit)
		limit = 1;
	if (limit > behind + 1 && behind + 1 >= exponent + 1 && prec >= 0)
		limit = behind + 1;
	if (exponent < -4 || exponent >= limit) {
		add_upper(b, text, verb == 'G');
		return;
	}
	snprintf(text, sizeof(text), "%.*f", behind > exponent ? behind - exponent : 0,
		prec < 0 ? d : strtod(text, NULL));
	buf_adds(b, text);
}

/* "0x1.8p+01"; C writes the exponent as short as it can be. */
static void add_hex(struct buf *b, double d, bool upper, int prec)
{
	char text[1100], *p;

	if (prec < 0)
		snprintf(text, sizeof(text), "%a", d);
	else
		snprintf(text, sizeof(text), "%.*a", prec, d);
	p = strchr(text, 'p');
	for (p[0] = 0, p++; ascii_is_digit(p[1]) && !p[2]; p[2] = p[1], p[1] = '0', p[3] = 0)
		;
	buf_addf(b, "%sp%s", text, p);
	for (p = b->p; upper && *p; p++)
		*p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
}

/* An integer and a power of two: "4503599627370496p-52". */
static void add_binary(struct buf *b, double d)
{
	uint64_t bits, digits;
	int exponent;

	memcpy(&bits, &d, sizeof(bits));
	exponent = (int)(bits >> 52 & 0x7ff);
	digits = bits & (((uint64_t)1 << 52) - 1);
	if (exponent)
		digits |= (uint64_t)1 << 52;
	else
		exponent = 1;
	buf_addf(b, "%s%llup%+d", bits >> 63 ? "-" : "", (unsigned long long)digits,
		exponent - 1023 - 52);
}

void float_add(struct buf *b, double d, char verb, int prec)
{
	char text[1500];

	if (!isfinite(d)) {
		buf_adds(b, isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
		return;
	}
	if (prec > 1000)
		prec = 1000;
	if (verb == 'x' || verb == 'X') {
		add_hex(b, d, verb == 'X', prec);
		return;
	}
	if (verb == 'b') {
		add_binary(b, d);
		return;
	}
	if (verb == 'g' || verb == 'G') {
		add_general(b, d, verb, prec);
		return;
	}
	if (prec < 0) {
		shortest(d, text, sizeof(text));
		prec = digits_behind(text);
		if ((verb | 0x20) == 'f') {
			prec -= exponent_of(text);
			prec = prec < 0 ? 0 : prec;
		}
	}
	if ((verb | 0x20) == 'f')
		snprintf(text, sizeof(text), "%.*f", prec, d);
	else
		snprintf(text, sizeof(text), "%.*e", prec, d);
	add_upper(b, text, verb == 'E');
}
