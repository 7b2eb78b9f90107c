/*
 * What is a number is decided here, by Go's grammar; its value is the C library's, which rounds to
 * the nearest double as Go does. The texts that both read are the same but for the underscores.
 */
#include "text/number.h"

#include "base/ascii.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- inf and nan ----------------------------------------------------------------------------- */

static bool number_is_word(const char *p, size_t len, const char *word)
{
	size_t i;

	if (len != strlen(word))
		return false;
	for (i = 0; i < len; i++)
		if ((p[i] | 0x20) != word[i])
			return false;
	return true;
}

/* A nan has no sign. */
static bool number_special(double *out, const char *p, size_t len)
{
	bool sign = len && (*p == '+' || *p == '-');
	double inf = sign && *p == '-' ? -(double)INFINITY : (double)INFINITY;

	if (number_is_word(p, len, "nan")) {
		*out = (double)NAN;
		return true;
	}
	p += sign;
	len -= sign;
	if (!number_is_word(p, len, "inf") && !number_is_word(p, len, "infinity"))
		return false;
	*out = inf;
	return true;
}

/* ---- the literal ----------------------------------------------------------------------------- */

/* Where the text is read, and a copy of it without underscores. */
struct literal {
	const char *p, *end;
	char *to;
	bool hex;
	/* An underscore stands between digits; the prefix 0x counts as one. */
	bool after_digit, after_underscore;
};

static char literal_at(const struct literal *l)
{
	return l->p < l->end ? *l->p : '\0';
}

/* False: an underscore stands before it. */
static bool literal_take(struct literal *l)
{
	*l->to++ = *l->p++;
	l->after_digit = false;
	return !l->after_underscore;
}

/* Digits and underscores; how many digits there are. False: an underscore out of place. */
static bool literal_digits(struct literal *l, bool hex, size_t *n)
{
	*n = 0;
	for (; l->p < l->end; l->p++) {
		if (*l->p == '_') {
			if (!l->after_digit)
				return false;
			l->after_digit = false;
			l->after_underscore = true;
			continue;
		}
		if (!(hex ? ascii_is_hex(*l->p) : ascii_is_digit(*l->p)))
			return true;
		*l->to++ = *l->p;
		l->after_digit = true;
		l->after_underscore = false;
		++*n;
	}
	return true;
}

static bool literal_exponent(struct literal *l)
{
	size_t n;

	if (!literal_take(l))
		return false;
	if (literal_at(l) == '+' || literal_at(l) == '-')
		*l->to++ = *l->p++;
	return literal_digits(l, false, &n) && n;
}

static bool literal_prefix(struct literal *l)
{
	if (literal_at(l) == '+' || literal_at(l) == '-')
		*l->to++ = *l->p++;
	l->hex = l->end - l->p > 2 && l->p[0] == '0' && (l->p[1] | 0x20) == 'x';
	if (l->hex) {
		*l->to++ = *l->p++;
		*l->to++ = *l->p++;
		l->after_digit = true;
	}
	return l->p < l->end;
}

static bool literal_read(struct literal *l)
{
	size_t before, after = 0;
	bool exponent;

	if (!literal_prefix(l) || !literal_digits(l, l->hex, &before))
		return false;
	if (literal_at(l) == '.' && (!literal_take(l) || !literal_digits(l, l->hex, &after)))
		return false;
	exponent = (literal_at(l) | 0x20) == (l->hex ? 'p' : 'e');
	/* A hexadecimal one has an exponent, or it is none. */
	if (!(before + after) || (l->hex && !exponent))
		return false;
	if (exponent && !literal_exponent(l))
		return false;
	return l->p == l->end && !l->after_underscore;
}

bool number_parse(double *out, const char *text, size_t len)
{
	char plain[NUMBER_TEXT_MAX + 1];
	struct literal l = {.p = text, .end = text + len, .to = plain};
	double value;

	if (number_special(out, text, len))
		return true;
	if (len > NUMBER_TEXT_MAX || !literal_read(&l))
		return false;
	*l.to = '\0';
	value = strtod(plain, NULL);
	if (isinf(value))
		return false;
	*out = value;
	return true;
}
