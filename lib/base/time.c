#include "base/time.h"

#include "base/clock.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *const DAYS[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const MONTHS[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

static int time_split(int64_t wall_ms, struct tm *tm)
{
	int64_t ms = wall_ms % 1000;
	time_t sec;

	if (ms < 0)
		ms += 1000;
	sec = (time_t)((wall_ms - ms) / 1000);
	gmtime_r(&sec, tm);
	return (int)ms;
}

static char *time_put(const struct tm *tm, const char *fraction, char *out)
{
	snprintf(out, TIME_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d%sZ", tm->tm_year + 1900,
		tm->tm_mon + 1, tm->tm_mday, tm->tm_hour, tm->tm_min, tm->tm_sec, fraction);
	return out;
}

char *time_format_rfc3339(int64_t wall_ms, char out[TIME_TEXT_MAX])
{
	struct tm tm;

	time_split(wall_ms, &tm);
	return time_put(&tm, "", out);
}

char *time_format_millis(int64_t wall_ms, char out[TIME_TEXT_MAX])
{
	struct tm tm;
	char fraction[12];

	snprintf(fraction, sizeof(fraction), ".%03d", time_split(wall_ms, &tm));
	return time_put(&tm, fraction, out);
}

char *time_format_micros(int64_t wall_ms, char out[TIME_TEXT_MAX])
{
	struct tm tm;
	char fraction[12];

	snprintf(fraction, sizeof(fraction), ".%03d000", time_split(wall_ms, &tm));
	return time_put(&tm, fraction, out);
}

char *time_format_http(int64_t wall_ms, char out[TIME_TEXT_MAX])
{
	struct tm tm;

	time_split(wall_ms, &tm);
	snprintf(out, TIME_TEXT_MAX, "%s, %02d %s %04d %02d:%02d:%02d GMT", DAYS[tm.tm_wday],
		tm.tm_mday, MONTHS[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	return out;
}

static bool time_digits(const char **s, int n, int *value)
{
	*value = 0;
	while (n--) {
		if (!isdigit((unsigned char)**s))
			return false;
		*value = *value * 10 + (*(*s)++ - '0');
	}
	return true;
}

static bool time_in_range(const struct tm *tm)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	int y = tm->tm_year + 1900;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	if (tm->tm_mon < 0 || tm->tm_mon > 11 || tm->tm_mday < 1)
		return false;
	if (tm->tm_mday > days[tm->tm_mon] + (leap && tm->tm_mon == 1))
		return false;
	return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

int time_parse_rfc3339(const char *s, int64_t *wall_ms, struct err *err)
{
	struct tm tm = {0};
	const char *p = s;
	int64_t ms = 0;
	int year, mon, hour = 0, min = 0, sign = 0, scale = 100;

	if (!time_digits(&p, 4, &year) || *p++ != '-' || !time_digits(&p, 2, &mon) || *p++ != '-' ||
		!time_digits(&p, 2, &tm.tm_mday) || (*p != 'T' && *p != 't'))
		goto bad;
	p++;
	if (!time_digits(&p, 2, &tm.tm_hour) || *p++ != ':' || !time_digits(&p, 2, &tm.tm_min) ||
		*p++ != ':' || !time_digits(&p, 2, &tm.tm_sec))
		goto bad;
	if (*p == '.') {
		if (!isdigit((unsigned char)*++p))
			goto bad;
		for (; isdigit((unsigned char)*p); p++, scale /= 10)
			ms += (*p - '0') * scale;
	}
	if (*p == 'Z' || *p == 'z') {
		p++;
	} else if (*p == '+' || *p == '-') {
		sign = *p++ == '+' ? 1 : -1;
		if (!time_digits(&p, 2, &hour) || *p++ != ':' || !time_digits(&p, 2, &min) ||
			hour > 23 || min > 59)
			goto bad;
	} else {
		goto bad;
	}
	tm.tm_year = year - 1900;
	tm.tm_mon = mon - 1;
	if (*p || !time_in_range(&tm))
		goto bad;
	*wall_ms = ((int64_t)timegm(&tm) - sign * (hour * 3600 + min * 60)) * 1000 + ms;
	return 0;
bad:
	return err_set(err, ERR_RETRY, "'%.64s' is not an RFC 3339 time", s);
}

/* One of the names, in full or its first `len` bytes: its index, or -1. */
static int time_name(const char **p, const char *const *names, int n, size_t len)
{
	int i;

	for (i = 0; i < n; i++) {
		size_t whole = len ? len : strlen(names[i]);

		if (!strncmp(*p, names[i], whole)) {
			*p += whole;
			return i;
		}
	}
	return -1;
}

static bool time_skip(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

static bool time_clock(const char **p, struct tm *tm)
{
	return time_digits(p, 2, &tm->tm_hour) && time_skip(p, ":") &&
		time_digits(p, 2, &tm->tm_min) && time_skip(p, ":") &&
		time_digits(p, 2, &tm->tm_sec);
}

static bool time_is_utc(const char *p)
{
	return !strcmp(p, " GMT") || !strcmp(p, " UTC") || !strcmp(p, " +0000");
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool date_imf(const char *p, struct tm *tm)
{
	if (time_name(&p, DAYS, 7, 3) < 0 || !time_skip(&p, ", ") ||
		!time_digits(&p, 2, &tm->tm_mday) || !time_skip(&p, " "))
		return false;
	tm->tm_mon = time_name(&p, MONTHS, 12, 3);
	if (!time_skip(&p, " ") || !time_digits(&p, 4, &tm->tm_year) || !time_skip(&p, " "))
		return false;
	return time_clock(&p, tm) && time_is_utc(p);
}

/* "Sunday, 06-Nov-94 08:49:37 GMT"; a year over 50 years ahead is one of the past (RFC 9110). */
static bool date_850(const char *p, struct tm *tm)
{
	static const char *const days[] = {
		"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
	struct tm now;

	if (time_name(&p, days, 7, 0) < 0 || !time_skip(&p, ", ") ||
		!time_digits(&p, 2, &tm->tm_mday) || !time_skip(&p, "-"))
		return false;
	tm->tm_mon = time_name(&p, MONTHS, 12, 3);
	if (!time_skip(&p, "-") || !time_digits(&p, 2, &tm->tm_year) || !time_skip(&p, " "))
		return false;
	time_split(clock_wall_ms(), &now);
	tm->tm_year += (now.tm_year + 1900) / 100 * 100;
	if (tm->tm_year > now.tm_year + 1900 + 50)
		tm->tm_year -= 100;
	return time_clock(&p, tm) && time_is_utc(p);
}

/* "Sun Nov  6 08:49:37 1994" */
static bool date_asctime(const char *p, struct tm *tm)
{
	if (time_name(&p, DAYS, 7, 3) < 0 || !time_skip(&p, " "))
		return false;
	tm->tm_mon = time_name(&p, MONTHS, 12, 3);
	if (!time_skip(&p, " ") || !time_digits(&p, time_skip(&p, " ") ? 1 : 2, &tm->tm_mday) ||
		!time_skip(&p, " "))
		return false;
	return time_clock(&p, tm) && time_skip(&p, " ") && time_digits(&p, 4, &tm->tm_year) && !*p;
}

int time_parse_http(const char *s, int64_t *wall_ms, struct err *err)
{
	static bool (*const forms[])(const char *p, struct tm *tm) = {
		date_imf, date_850, date_asctime};
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = {0};

		if (!forms[i](s, &tm))
			continue;
		tm.tm_year -= 1900;
		if (!time_in_range(&tm))
			break;
		*wall_ms = (int64_t)timegm(&tm) * 1000;
		return 0;
	}
	return err_set(err, ERR_RETRY, "'%.64s' is not an HTTP date", s);
}

static bool unit_ns(const char **p, double *ns)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"ns", 1}, {"us", 1e3}, {"\xc2\xb5s", 1e3}, {"\xce\xbcs", 1e3}, {"ms", 1e6},
		{"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t n = strlen(units[i].name);

		if (!strncmp(*p, units[i].name, n) && !isalpha((unsigned char)(*p)[n])) {
			*p += n;
			*ns = units[i].ns;
			return true;
		}
	}
	return false;
}

int time_parse_duration(const char *s, int64_t *ms, struct err *err)
{
	const char *p = s;
	bool negative = false;
	double total = 0;

	if (*p == '-' || *p == '+')
		negative = *p++ == '-';
	if (!strcmp(p, "0")) {
		*ms = 0;
		return 0;
	}
	if (!*p)
		goto bad;
	while (*p) {
		double value = 0, scale = 0.1, ns;
		bool any = false;

		for (; isdigit((unsigned char)*p); p++, any = true)
			value = value * 10 + (*p - '0');
		if (*p == '.')
			for (p++; isdigit((unsigned char)*p); p++, scale /= 10, any = true)
				value += (*p - '0') * scale;
		if (!any || !unit_ns(&p, &ns))
			goto bad;
		total += value * ns;
		if (total > 9.2e18)
			goto bad;
	}
	/* The half nanosecond keeps 0.1s from becoming 99 ms. */
	*ms = (int64_t)((total + 0.5) / 1e6);
	if (negative)
		*ms = -*ms;
	return 0;
bad:
	return err_set(err, ERR_RETRY, "'%.64s' is not a duration", s);
}

char *time_format_duration(int64_t ms, char out[TIME_TEXT_MAX])
{
	uint64_t u = ms < 0 ? (uint64_t)0 - (uint64_t)ms : (uint64_t)ms;
	const char *sign = ms < 0 ? "-" : "";
	uint64_t h = u / 3600000, m = u / 60000 % 60, s = u / 1000 % 60, f = u % 1000;
	char sec[32];
	int n;

	if (u && u < 1000) {
		snprintf(out, TIME_TEXT_MAX, "%s%llums", sign, (unsigned long long)u);
		return out;
	}
	n = snprintf(sec, sizeof(sec), "%llu.%03llu", (unsigned long long)s, (unsigned long long)f);
	while (n && sec[n - 1] == '0')
		sec[--n] = '\0';
	if (n && sec[n - 1] == '.')
		sec[--n] = '\0';
	if (h)
		snprintf(out, TIME_TEXT_MAX, "%s%lluh%llum%ss", sign, (unsigned long long)h,
			(unsigned long long)m, sec);
	else if (m)
		snprintf(out, TIME_TEXT_MAX, "%s%llum%ss", sign, (unsigned long long)m, sec);
	else
		snprintf(out, TIME_TEXT_MAX, "%s%ss", sign, sec);
	return out;
}
