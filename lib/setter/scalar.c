#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "setter/internal.h"
#include "text/yaml_scalar.h"

#include <string.h>

#define CORE_TAG "tag:yaml.org,2002:"

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* What yscalar_resolve takes for a string, as Go does, and other readers for a time, a number of
   base 60 or one that is too large. */
static bool is_like_number(const char *s)
{
	const char *p = s + digits(s);
	char *end;

	if (p - s == 4 && *p == '-' && digits(p + 1) && p[1 + digits(p + 1)] == '-')
		return strspn(s, "0123456789-+:.TtZz") == strlen(s);
	if (ascii_is_digit(*s) && strchr(s, ':'))
		return strspn(s, "0123456789_:.") == strlen(s);
	strtod(s, &end);
	return (ascii_is_digit(*s) || *s == '.') && end != s && !*end;
}

/* May it stand without quotes, in brackets too, and be nothing but a string to any reader of YAML
   1.1 or 1.2? */
static bool is_bare(const char *s)
{
	size_t len = strlen(s);
	struct yscalar k;
	struct err err;

	if (!len || !(ascii_is_alnum(*s) || strchr("_./", *s)) || s[len - 1] == ':')
		return false;
	if (strpbrk(s, " \t\r\n,[]{}#\"'\\`&*!|>%"))
		return false;
	if (yscalar_resolve(&k, s, len, NULL, true, &err) || k.kind != YSCALAR_STR)
		return false;
	return !is_like_number(s) && strcmp(s, "...") != 0;
}

char *setter_scalar_write(enum ymark_style style, const char *value, bool *quoted)
{
	char quote = style == YMARK_SINGLE ? '\'' : '"';
	struct buf b = BUF_INIT(BUF_ANY);

	*quoted = false;
	if (style == YMARK_PLAIN && is_bare(value))
		return mem_strdup(value);
	*quoted = style == YMARK_PLAIN;
	buf_addc(&b, quote);
	for (; *value; value++) {
		if (*value == quote || (*value == '\\' && quote == '"'))
			buf_addc(&b, quote == '"' ? '\\' : quote);
		buf_addc(&b, *value);
	}
	buf_addc(&b, quote);
	return buf_take(&b);
}

enum scalar_tag setter_scalar_tag(const char *tag, bool quoted)
{
	static const char *const others[] = {"int", "float", "bool", "null", "timestamp"};
	size_t i;

	if (!tag || strncmp(tag, CORE_TAG, strlen(CORE_TAG)) != 0)
		return SCALAR_TAG_STAYS;
	tag += strlen(CORE_TAG);
	if (!strcmp(tag, "str"))
		return quoted ? SCALAR_TAG_GOES : SCALAR_TAG_STAYS;
	for (i = 0; i < ARRAY_LEN(others); i++)
		if (!strcmp(tag, others[i]))
			return SCALAR_TAG_GOES;
	return SCALAR_TAG_UNFIT;
}

bool setter_scalar_is(const struct ymark *k, const char *value)
{
	struct yscalar s;
	struct err err;

	return k->kind == YMARK_SCALAR && k->len == strlen(value) &&
		!memcmp(k->value, value, k->len) &&
		!yscalar_resolve(&s, k->value, k->len, k->tag, k->style == YMARK_PLAIN, &err) &&
		s.kind == YSCALAR_STR;
}
