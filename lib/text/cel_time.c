/* Times, durations and doubles as text, as Go's packages time and strconv have them: to the
   nanosecond, which base/time.h has no use for. */
#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "text/cel_internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- durations ------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	uint64_t ns;
};

static const struct unit units[] = {{"ns", 1}, {"us", 1000}, {"\xC2\xB5s", 1000},
	{"\xCE\xBCs", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000},
	{"h", 3600000000000}};

/* What stands at s, up to the next digit or point. */
static const struct unit *find_unit(const char *s, size_t len, size_t *used)
{
	size_t i;

	for (*used = 0; *used < len && s[*used] != '.' && !ascii_is_digit(s[*used]);)
		++*used;
	for (i = 0; i < ARRAY_LEN(units); i++)
		if (strlen(units[i].name) == *used && !memcmp(units[i].name, s, *used))
			return &units[i];
	return NULL;
}

#define DURATION_MAX ((uint64_t)1 << 63)

/* 1.5h: takes it off s and adds it. */
static bool take_part(const char **s, const char *end, uint64_t *total)
{
	uint64_t whole = 0, fraction = 0;
	const char *from = *s;
	double scale = 1;
	bool point, full = false;
	const struct unit *unit;
	size_t used;

	for (; *s < end && ascii_is_digit(**s); ++*s) {
		whole = whole * 10 + (uint64_t)(**s - '0');
		if (whole > DURATION_MAX)
			return false;
	}
	used = (size_t)(*s - from);
	point = *s < end && **s == '.';
	for (*s += point; point && *s < end && ascii_is_digit(**s); ++*s, used++) {
		uint64_t next = fraction * 10 + (uint64_t)(**s - '0');

		/* Digits that do not fit any more count for nothing. */
		full = full || fraction > (DURATION_MAX - 1) / 10 || next > DURATION_MAX;
		if (!full) {
			fraction = next;
			scale *= 10;
		}
	}
	if (!used)
		return false;
	unit = find_unit(*s, (size_t)(end - *s), &used);
	if (!unit || whole > DURATION_MAX / unit->ns)
		return false;
	*s += used;
	whole *= unit->ns;
	if (fraction)
		whole += (uint64_t)((double)fraction * ((double)unit->ns / scale));
	*total += whole;
	return whole <= DURATION_MAX && *total <= DURATION_MAX;
}

bool cel_duration_parse(const char *s, size_t len, int64_t *ns)
{
	const char *end = s + len;
	bool minus = len && *s == '-';
	uint64_t total = 0;

	s += len && (*s == '-' || *s == '+');
	*ns = 0;
	if (end - s == 1 && *s == '0')
		return true;
	if (s == end)
		return false;
	while (s < end)
		if (!take_part(&s, end, &total))
			return false;
	if (total > INT64_MAX && !minus)
		return false;
	*ns = minus ? (int64_t)(0 - total) : (int64_t)total;
	return true;
}

/* ---- times ----------------------------------------------------------------------------------- */

bool cel_timestamp_ok(int64_t sec)
{
	return sec >= -62135596800LL && sec <= 253402300799LL;
}

/* At least min digits and at most max, up to `most`. */
static bool take_number(const char **s, const char *end, int min, int max, int most, int *out)
{
	int n;

	*out = 0;
	for (n = 0; n < max && *s < end && ascii_is_digit(**s); n++)
		*out = *out * 10 + (*(*s)++ - '0');
	return n >= min && *out <= most;
}

static bool take_char(const char **s, const char *end, char c)
{
	if (*s == end || **s != c)
		return false;
	++*s;
	return true;
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **s, const char *end, struct tm *tm)
{
	if (!take_number(s, end, 4, 4, 9999, &tm->tm_year) || !take_char(s, end, '-') ||
		!take_number(s, end, 2, 2, 12, &tm->tm_mon) || !tm->tm_mon ||
		!take_char(s, end, '-') || !take_number(s, end, 2, 2, 31, &tm->tm_mday))
		return false;
	if (!tm->tm_mday || tm->tm_mday > days_of(tm->tm_year, tm->tm_mon))
		return false;
	tm->tm_year -= 1900;
	tm->tm_mon--;
	return true;
}

/* .123 or ,123; there need not be one. */
static bool take_fraction(const char **s, const char *end, int32_t *nsec)
{
	int32_t unit = 100000000;
	const char *from;

	*nsec = 0;
	if (*s == end || (**s != '.' && **s != ','))
		return true;
	for (from = ++*s; *s < end && ascii_is_digit(**s); ++*s) {
		*nsec += (**s - '0') * unit;
		unit /= 10;
	}
	return *s > from;
}

static bool take_zone(const char **s, const char *end, int32_t *minutes)
{
	bool minus;
	int h, m;

	*minutes = 0;
	if (take_char(s, end, 'Z'))
		return true;
	minus = *s < end && **s == '-';
	if (!minus && (*s == end || **s != '+'))
		return false;
	++*s;
	if (!take_number(s, end, 2, 2, 24, &h) || !take_char(s, end, ':') ||
		!take_number(s, end, 2, 2, 60, &m))
		return false;
	*minutes = minus ? -(h * 60 + m) : h * 60 + m;
	return true;
}

bool cel_timestamp_parse(const char *s, size_t len, struct cel_time *out)
{
	const char *end = s + len;
	struct tm tm = {0};

	/* An hour may have one digit, as Go takes it. */
	if (!take_date(&s, end, &tm) || !take_char(&s, end, 'T') ||
		!take_number(&s, end, 1, 2, 23, &tm.tm_hour) || !take_char(&s, end, ':') ||
		!take_number(&s, end, 2, 2, 59, &tm.tm_min) || !take_char(&s, end, ':') ||
		!take_number(&s, end, 2, 2, 59, &tm.tm_sec) ||
		!take_fraction(&s, end, &out->nsec) || !take_zone(&s, end, &out->offset) ||
		s != end)
		return false;
	out->sec = (int64_t)timegm(&tm) - out->offset * 60;
	return cel_timestamp_ok(out->sec);
}

void cel_timestamp_format(const struct cel_time *t, char out[CEL_TIME_TEXT])
{
	time_t sec = (time_t)(t->sec + t->offset * 60);
	int offset = t->offset < 0 ? -t->offset : t->offset;
	char fraction[16] = "", zone[16] = "Z";
	struct tm tm = {0};
	size_t n;

	gmtime_r(&sec, &tm);
	if (t->nsec) {
		n = (size_t)snprintf(fraction, sizeof(fraction), ".%09d", (int)t->nsec);
		while (fraction[n - 1] == '0')
			fraction[--n] = 0;
	}
	if (offset)
		snprintf(zone, sizeof(zone), "%c%02d:%02d", t->offset < 0 ? '-' : '+', offset / 60,
			offset % 60);
	snprintf(out, CEL_TIME_TEXT, "%04d-%02d-%02dT%02d:%02d:%02d%s%s", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, fraction, zone);
}

/* ---- doubles --------------------------------------------------------------------------------- */

/* As few digits as read back as the same: d.ddde+xx. */
static void shortest(double d, char out[64])
{
	int digits;

	for (digits = 0; digits < 17; digits++) {
		snprintf(out, 64, "%.*e", digits, d);
		if (strtod(out, NULL) == d)
			return;
	}
}

static bool format_special(double d, char out[CEL_DOUBLE_TEXT])
{
	if (isfinite(d))
		return false;
	snprintf(out, CEL_DOUBLE_TEXT, "%s", isnan(d) ? "NaN" : d < 0 ? "-Inf" : "+Inf");
	return true;
}

void cel_double_format(double d, char out[CEL_DOUBLE_TEXT])
{
	char text[64];
	long exponent;

	if (format_special(d, out))
		return;
	shortest(d, text);
	exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
	if (exponent < -4 || exponent >= 6)
		snprintf(out, CEL_DOUBLE_TEXT, "%s", text);
	else
		cel_double_format_plain(d, out);
}

void cel_double_format_plain(double d, char out[CEL_DOUBLE_TEXT])
{
	char text[64];
	long exponent;
	int digits;

	if (format_special(d, out))
		return;
	shortest(d, text);
	exponent = strtol(strchr(text, 'e') + 1, NULL, 10);
	digits = (int)strcspn(text, "e") - (text[0] == '-');
	digits -= digits > 1;
	snprintf(out, CEL_DOUBLE_TEXT, "%.*f",
		digits - 1 > exponent ? (int)(digits - 1 - exponent) : 0, d);
}

static bool word_is(const char *s, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(s, word, len);
}

static size_t count_digits(const char *s, size_t len, bool hex)
{
	size_t n = 0;

	while (n < len && (hex ? ascii_is_hex(s[n]) : ascii_is_digit(s[n])))
		n++;
	return n;
}

/* What strtod reads, without what it reads beyond numbers: blanks, words, an x that ends. */
static bool is_double(const char *s, size_t len)
{
	bool hex = len > 2 && s[0] == '0' && (s[1] | 0x20) == 'x';
	size_t at = hex ? 2 : 0, n = count_digits(s + at, len - at, hex), digits = n, sign;

	at += n;
	if (at < len && s[at] == '.') {
		n = count_digits(s + at + 1, len - at - 1, hex);
		digits += n;
		at += n + 1;
	}
	if (!digits)
		return false;
	if (at == len)
		return !hex;
	if ((s[at] | 0x20) != (hex ? 'p' : 'e'))
		return false;
	at++;
	sign = at < len && (s[at] == '-' || s[at] == '+');
	n = count_digits(s + at + sign, len - at - sign, false);
	return n && at + sign + n == len;
}

#define NUMBER_MAX LIMIT_CEL_TEXT

bool cel_double_parse(const char *s, size_t len, double *out)
{
	size_t sign = len && (*s == '-' || *s == '+');
	const char *number = s + sign;
	auto_free char *text = NULL;

	len -= sign;
	if (word_is(number, len, "nan") && !sign) {
		*out = NAN;
		return true;
	}
	if (word_is(number, len, "inf") || word_is(number, len, "infinity")) {
		*out = sign && *s == '-' ? -INFINITY : INFINITY;
		return true;
	}
	if (len > NUMBER_MAX || !is_double(number, len))
		return false;
	text = mem_strndup(number, len);
	*out = strtod(text, NULL);
	if (!isfinite(*out))
		return false;
	if (sign && *s == '-')
		*out = -*out;
	return true;
}
