#include "base/vary.h"

#include <string.h>

#define DIGITS "0123456789"
#define HEX DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define ALNUM DIGITS LETTERS

#define HEX_ID_MIN 8
#define WORD_ID_MIN 16
#define DIGEST_HEX_MIN 32

/* Where a reader is in a text: it reads characters, and VARIES for a whole piece. */
struct cursor {
	const char *at;
	size_t plain; /* so many are to be read as they are */
	char before; /* the character before; a space at the start */
	bool numbers;
};

enum { END = 0, VARIES = 256 };

static bool vary_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* ---- what names a thing: its length, or 0 ---------------------------------------------------- */

static size_t vary_url(const char *s)
{
	size_t n = strspn(s, ALNUM);

	return n && !strncmp(s + n, "://", 3) ? n + strcspn(s + n, " \t\r\n'\"<>,)") : 0;
}

static size_t vary_digest(const char *s)
{
	size_t n = strspn(s, ALNUM), hex = n && s[n] == ':' ? strspn(s + n + 1, HEX) : 0;

	return hex >= DIGEST_HEX_MIN ? n + 1 + hex : 0;
}

static size_t vary_quoted(const char *s)
{
	const char *end = *s == '\'' ? strchr(s + 1, '\'') : NULL;

	return end ? (size_t)(end - s) + 1 : 0;
}

static size_t vary_name(const char *s)
{
	size_t n = vary_quoted(s);

	if (!n)
		n = vary_url(s);
	return n ? n : vary_digest(s);
}

/* ---- what varies: its length, or 0 ----------------------------------------------------------- */

/* form: d is a digit, x a hexadecimal one, the rest stands for itself. */
static size_t vary_form(const char *s, const char *form)
{
	size_t i;

	for (i = 0; form[i]; i++)
		if (form[i] == 'd'               ? !vary_one_of(s[i], DIGITS)
				: form[i] == 'x' ? !vary_one_of(s[i], HEX)
						 : s[i] != form[i])
			return 0;
	return i;
}

static size_t vary_uuid(const char *s)
{
	size_t n = vary_form(s, "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx");

	return n && !vary_one_of(s[n], ALNUM) ? n : 0;
}

static size_t vary_time_of_day(const char *s)
{
	size_t n = vary_form(s, "dd:dd:dd"), zone;

	if (!n)
		return 0;
	if (s[n] == '.' || s[n] == ',')
		n += 1 + strspn(s + n + 1, DIGITS);
	if (s[n] == 'Z')
		return n + 1;
	zone = s[n] == '+' || s[n] == '-' ? vary_form(s + n + 1, "dd:dd") : 0;
	return zone ? n + 1 + zone : n;
}

static size_t vary_date_and_time(const char *s)
{
	size_t n = vary_form(s, "dddd-dd-dd"), t;

	if (!n)
		return vary_time_of_day(s);
	t = vary_one_of(s[n], "Tt _") ? vary_time_of_day(s + n + 1) : 0;
	return t ? n + 1 + t : 0;
}

static size_t vary_id(const char *s)
{
	size_t n = strspn(s, ALNUM), i, digits = 0;

	for (i = 0; i < n; i++)
		digits += vary_one_of(s[i], DIGITS);
	if (n >= HEX_ID_MIN && digits && strspn(s, HEX) == n)
		return n;
	return n >= WORD_ID_MIN && digits >= 2 ? n : 0;
}

static size_t vary_duration(const char *s)
{
	static const char *const units[] = {
		"us", "ms", "s", "sec", "secs", "second", "seconds", "milliseconds", "minutes"};
	size_t n = strspn(s, DIGITS), unit, i;

	if (n && s[n] == '.')
		n += 1 + strspn(s + n + 1, DIGITS);
	if (n && s[n] == ' ')
		n++;
	unit = n ? strspn(s + n, ALNUM) : 0;
	for (i = 0; unit && i < sizeof(units) / sizeof(*units); i++)
		if (unit == strlen(units[i]) && !strncmp(s + n, units[i], unit))
			return n + unit;
	return 0;
}

static size_t vary_any(const char *s)
{
	size_t n = vary_uuid(s);

	if (!n)
		n = vary_date_and_time(s);
	if (!n)
		n = vary_id(s);
	return n ? n : vary_duration(s);
}

/* ---- reading --------------------------------------------------------------------------------- */

static int cursor_skip(struct cursor *c, size_t n)
{
	c->at += n;
	c->before = c->at[-1];
	return VARIES;
}

static int cursor_next(struct cursor *c)
{
	size_t n;

	if (!c->plain && !vary_one_of(c->before, ALNUM)) {
		c->plain = vary_name(c->at);
		n = c->plain ? 0 : vary_any(c->at);
		if (n)
			return cursor_skip(c, n);
	}
	if (!c->plain && c->numbers && (n = strspn(c->at, DIGITS)))
		return cursor_skip(c, n);
	if (!*c->at)
		return END;
	if (c->plain)
		c->plain--;
	c->before = *c->at++;
	return (unsigned char)c->before;
}

bool vary_equal(const char *a, const char *b)
{
	struct cursor x = {.at = a, .before = ' '}, y = {.at = b, .before = ' '};
	int one;

	do {
		one = cursor_next(&x);
		if (one != cursor_next(&y))
			return false;
	} while (one != END);
	return true;
}

void vary_put(struct buf *to, const char *text, bool numbers)
{
	struct cursor c = {.at = text, .before = ' ', .numbers = numbers};
	int one;

	while ((one = cursor_next(&c)) != END)
		buf_addc(to, one == VARIES ? '#' : (char)one);
}
