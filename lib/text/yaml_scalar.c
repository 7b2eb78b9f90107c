#include "text/yaml_scalar.h"

#include "base/ascii.h"
#include "base/mem.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *words[12];
	struct yscalar is;
} fixed[] = {
	{{"", "~", "null", "Null", "NULL"}, {.kind = YSCALAR_NULL}},
	{{"y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"},
		{.kind = YSCALAR_BOOL, .b = true}},
	{{"n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"},
		{.kind = YSCALAR_BOOL}},
	{{".nan", ".NaN", ".NAN"}, {.kind = YSCALAR_REAL, .r = (double)NAN}},
	{{".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"},
		{.kind = YSCALAR_REAL, .r = (double)INFINITY}},
	{{"-.inf", "-.Inf", "-.INF"}, {.kind = YSCALAR_REAL, .r = -(double)INFINITY}},
};

static bool resolve_word(struct yscalar *s, const char *text)
{
	size_t i, k;

	for (i = 0; i < ARRAY_LEN(fixed); i++)
		for (k = 0; k < ARRAY_LEN(fixed[i].words) && fixed[i].words[k]; k++)
			if (!strcmp(text, fixed[i].words[k])) {
				*s = fixed[i].is;
				return true;
			}
	return false;
}

static int scalar_digit(char c)
{
	if (ascii_is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Go's strconv.ParseInt with base 0 and without underscores: 0x, 0o, 0b, and a leading 0 for
   octal. */
static bool resolve_int(struct yscalar *s, const char *p)
{
	bool negative = *p == '-', sign = negative || *p == '+';
	int base = 10, d;
	uint64_t n = 0;

	p += sign;
	if (!*p)
		return false;
	if (*p == '0') {
		char c = (char)(p[1] | 0x20);

		base = p[1] && p[2] ? (c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 10) : 10;
		p += base == 10 ? 1 : 2;
		base = base == 10 ? 8 : base;
	}
	for (; *p; p++) {
		d = scalar_digit(*p);
		if (d >= base || __builtin_mul_overflow(n, (uint64_t)base, &n) ||
			__builtin_add_overflow(n, (uint64_t)d, &n))
			return false;
	}
	if (n > (uint64_t)INT64_MAX + negative) {
		/* Only without a sign is there a place for more than 63 bits. */
		if (sign)
			return false;
		*s = (struct yscalar){.kind = YSCALAR_BIG, .r = (double)n};
		return true;
	}
	*s = (struct yscalar){.kind = YSCALAR_INT, .i = negative ? (int64_t)(0 - n) : (int64_t)n};
	return true;
}

/* [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)? */
static bool is_float(const char *p)
{
	size_t before, after = 0;

	p += *p == '-' || *p == '+';
	before = strspn(p, "0123456789");
	p += before;
	if (*p == '.') {
		after = strspn(p + 1, "0123456789");
		p += 1 + after;
	}
	if (!before && !after)
		return false;
	if (*p == 'e' || *p == 'E') {
		p++;
		p += *p == '-' || *p == '+';
		if (!ascii_is_digit(*p))
			return false;
		p += strspn(p, "0123456789");
	}
	return !*p;
}

static bool resolve_float(struct yscalar *s, const char *text)
{
	double r;

	if (!is_float(text))
		return false;
	r = strtod(text, NULL);
	if (isinf(r))
		return false;
	*s = (struct yscalar){.kind = YSCALAR_REAL, .r = r};
	return true;
}

/* A copy without underscores. strict: they must stand between digits, or this is NULL. */
static char *drop_underscores(const char *text, size_t len, bool strict)
{
	char *out = mem_alloc(len + 1);
	size_t n = 0, i;

	for (i = 0; i < len; i++) {
		if (text[i] != '_') {
			out[n++] = text[i];
		} else if (strict &&
			!(i && ascii_is_digit(text[i - 1]) && ascii_is_digit(text[i + 1]))) {
			free(out);
			return NULL;
		}
	}
	out[n] = 0;
	return out;
}

static void resolve_plain(struct yscalar *s, const char *text, size_t len)
{
	auto_free char *bare = NULL;

	*s = (struct yscalar){.kind = YSCALAR_STR};
	if (!len || strchr("yYnNtTfFoO~.+-", *text))
		if (resolve_word(s, text))
			return;
	if (len && *text == '.') {
		bare = drop_underscores(text, len, true);
		if (bare)
			resolve_float(s, bare);
	} else if (len && (ascii_is_digit(*text) || *text == '-' || *text == '+')) {
		bare = drop_underscores(text, len, false);
		if (!resolve_int(s, bare))
			resolve_float(s, bare);
	}
}

#define YAML_TAG "tag:yaml.org,2002:"

int yscalar_resolve(struct yscalar *s, const char *text, size_t len, const char *tag, bool plain,
	struct err *err)
{
	static const struct {
		const char *tag;
		enum yscalar_kind kind;
	} tags[] = {{"null", YSCALAR_NULL}, {"bool", YSCALAR_BOOL}, {"int", YSCALAR_INT},
		{"float", YSCALAR_REAL}};
	const char *name = tag && !strncmp(tag, YAML_TAG, sizeof(YAML_TAG) - 1)
		? tag + sizeof(YAML_TAG) - 1
		: NULL;
	size_t i;

	*s = (struct yscalar){.kind = YSCALAR_STR};
	if (!tag) {
		if (plain)
			resolve_plain(s, text, len);
		return 0;
	}
	if (name && !strcmp(name, "binary"))
		return err_set(err, ERR_STALL, "the tag !!binary is not supported");
	for (i = 0; i < ARRAY_LEN(tags); i++) {
		if (!name || strcmp(name, tags[i].tag) != 0)
			continue;
		resolve_plain(s, text, len);
		if (tags[i].kind == YSCALAR_REAL && s->kind == YSCALAR_INT)
			*s = (struct yscalar){.kind = YSCALAR_REAL, .r = (double)s->i};
		if (s->kind == YSCALAR_BIG && tags[i].kind == YSCALAR_INT)
			return 0;
		if (s->kind != tags[i].kind)
			return err_set(err, ERR_STALL, "'%.40s' is no !!%s", text, name);
	}
	return 0;
}

/* Go's FormatFloat(x, 'g', -1, 32): the fewest digits that give the same float, and no exponent
   between 1e-4 and 1e6. */
static void format_float(float f, char out[YSCALAR_KEY_MAX])
{
	char digits[YSCALAR_KEY_MAX];
	int p, exp;

	for (p = 0; p < 9; p++) {
		snprintf(digits, sizeof(digits), "%.*e", p, (double)f);
		if (strtof(digits, NULL) == f)
			break;
	}
	exp = (int)strtol(strchr(digits, 'e') + 1, NULL, 10);
	if (exp < -4 || exp >= 6)
		snprintf(out, YSCALAR_KEY_MAX, "%s", digits);
	else
		snprintf(out, YSCALAR_KEY_MAX, "%.*f", p > exp ? p - exp : 0, strtod(digits, NULL));
}

const char *yscalar_key(const struct yscalar *s, char out[YSCALAR_KEY_MAX])
{
	float f;

	switch (s->kind) {
	case YSCALAR_BOOL:
		return s->b ? "true" : "false";
	case YSCALAR_INT:
		snprintf(out, YSCALAR_KEY_MAX, "%lld", (long long)s->i);
		return out;
	case YSCALAR_REAL:
		f = (float)s->r;
		if (isnan(f))
			return ".nan";
		if (isinf(f))
			return f > 0 ? ".inf" : "-.inf";
		format_float(f, out);
		return out;
	default:
		return NULL;
	}
}
