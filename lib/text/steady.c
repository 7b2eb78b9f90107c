#include "text/steady.h"

#include "base/ascii.h"
#include "base/mem.h"

#include <string.h>
#include <strings.h>

#define HEX_MIN 8
#define MIXED_MIN 12 /* bytes of a word of letters and digits */
#define MIXED_CHANGES 4 /* from a letter to a digit or back */

/* ---- what a word is -------------------------------------------------------------------------- */

static size_t word_len(const char *s)
{
	size_t n = 0;

	while (ascii_is_alnum(s[n]))
		n++;
	return n;
}

static bool looks_random(const char *s, size_t n)
{
	size_t i, hex = 0, digits = 0, changes = 0;

	for (i = 0; i < n; i++) {
		hex += ascii_is_hex(s[i]);
		digits += ascii_is_digit(s[i]);
		changes += i && ascii_is_digit(s[i]) != ascii_is_digit(s[i - 1]);
	}
	if (!digits)
		return false;
	return (hex == n && n >= HEX_MIN) || (n >= MIXED_MIN && changes >= MIXED_CHANGES);
}

/* 8-4-4-4-12 hex digits: RFC 9562 section 4. */
static size_t uuid_len(const char *s)
{
	size_t i;

	for (i = 0; i < 36; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s[i] != '-' : !ascii_is_hex(s[i]))
			return 0;
	}
	return ascii_is_alnum(s[i]) ? 0 : i;
}

/* Does s begin as the pattern says, where 9 stands for a digit? */
static bool steady_fits(const char *s, const char *pattern)
{
	for (; *pattern; s++, pattern++)
		if (*pattern == '9' ? !ascii_is_digit(*s) : *s != *pattern)
			return false;
	return true;
}

/* RFC 3339, in two words or one; a date alone; a time of day alone. */
static size_t time_len(const char *s)
{
	size_t n = steady_fits(s, "9999-99-99") || steady_fits(s, "9999/99/99") ? 10 : 0;

	if (n && (s[n] == 'T' || s[n] == ' ') && steady_fits(s + n + 1, "99:99"))
		n += 6;
	else if (steady_fits(s, "99:99:99"))
		n = 5;
	else
		return ascii_is_alnum(s[n]) ? 0 : n;
	if (steady_fits(s + n, ":99"))
		n += 3;
	if ((s[n] == '.' || s[n] == ',') && ascii_is_digit(s[n + 1]))
		n += 1 + strspn(s + n + 1, "0123456789");
	if (s[n] == 'Z')
		n++;
	else if ((s[n] == '+' || s[n] == '-') && steady_fits(s + n + 1, "99:99"))
		n += 6;
	return n;
}

static size_t unit_len(const char *s)
{
	static const char *const units[] = {"milliseconds", "millisecond", "microseconds",
		"seconds", "second", "secs", "sec", "minutes", "minute", "mins", "min", "hours",
		"hour", "ms", "ns", "us", "??s", "s", "m", "h"}; /* "??": a micro sign */
	size_t i;

	for (i = 0; i < ARRAY_LEN(units); i++) {
		size_t n = strlen(units[i]);

		if (!strncasecmp(s, units[i], n) && !ascii_is_alnum(s[n]))
			return n;
	}
	return 0;
}

/* "37 seconds", "215.32us", "1m30s". */
static size_t duration_len(const char *s)
{
	size_t n = 0, all = 0, unit;

	while (ascii_is_digit(s[all])) {
		n = all + strspn(s + all, "0123456789");
		if (s[n] == '.' && ascii_is_digit(s[n + 1]))
			n += 1 + strspn(s + n + 1, "0123456789");
		if ((s[n] == 'h' || s[n] == 'm') && ascii_is_digit(s[n + 1])) {
			all = n + 1;
			continue;
		}
		unit = unit_len(s + n + (s[n] == ' '));
		return unit ? n + (s[n] == ' ') + unit : 0;
	}
	return 0;
}

/* "Request ID: ", "correlationId=": the length up to the value behind it. */
static size_t label_len(const char *s)
{
	static const char *const labels[] = {"request", "req", "correlation", "trace", "ray",
		"activity", "session", "operation", "transaction", "span"};
	size_t i, n = 0;

	for (i = 0; i < ARRAY_LEN(labels) && !n; i++)
		if (!strncasecmp(s, labels[i], strlen(labels[i])))
			n = strlen(labels[i]);
	if (!n)
		return 0;
	n += strspn(s + n, " _-");
	if (strncasecmp(s + n, "id", 2) != 0 || ascii_is_alnum(s[n + 2]))
		return 0;
	n += 2;
	i = strspn(s + n, " :='\"");
	return strcspn(s + n, ":='\"") < i || ascii_is_digit(s[n + i]) ? n + i : 0;
}

/* ---- what is kept ---------------------------------------------------------------------------- */

static bool in_url(const char *word, size_t n, const char *url)
{
	const char *p;

	for (p = url; (p = strchr(p, *word)); p++)
		if (!strncmp(p, word, n))
			return true;
	return false;
}

/* "sha256:" and the hex behind it. */
static size_t digest_len(const char *s)
{
	size_t n;

	if (strncmp(s, "sha256:", 7) != 0 && strncmp(s, "sha384:", 7) != 0 &&
		strncmp(s, "sha512:", 7) != 0)
		return 0;
	n = word_len(s + 7);
	return n ? 7 + n : 0;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* The value behind a label: up to a blank or what closes it. */
static size_t value_len(const char *s)
{
	return strcspn(s, " ,;()[]{}'\"<>");
}

static void steady_put(
	struct buf *out, const char *s, size_t n, const char *instead, const char *url)
{
	if (instead && !in_url(s, n, url))
		buf_adds(out, instead);
	else
		buf_add(out, s, n);
}

void steady_add(struct buf *out, const char *text, const char *url)
{
	const char *s = text;
	size_t n;

	while (*s) {
		if ((n = digest_len(s))) {
			buf_add(out, s, n);
		} else if ((n = label_len(s))) {
			buf_add(out, s, n);
			buf_adds(out, "<id>");
			n += value_len(s + n);
		} else if ((n = uuid_len(s))) {
			steady_put(out, s, n, "<id>", url);
		} else if ((n = time_len(s)) || (n = duration_len(s))) {
			steady_put(out, s, n, "<time>", url);
		} else if ((n = word_len(s))) {
			steady_put(out, s, n, looks_random(s, n) ? "<id>" : NULL, url);
		} else {
			buf_addc(out, *s);
			n = 1;
		}
		s += n;
	}
}

void steady_add_clean(struct buf *out, const char *s, size_t max)
{
	bool blank = true;

	for (; *s && out->len < max; s++) {
		unsigned char c = (unsigned char)*s;

		if (c <= 0x20 || c == 0x7f) {
			if (!blank)
				buf_addc(out, ' ');
			blank = true;
			continue;
		}
		buf_addc(out, c > 0x7e ? '?' : *s);
		blank = false;
	}
	if (out->len >= max)
		buf_adds(out, "...");
}
