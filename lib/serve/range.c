#include "serve/range.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits to a number, UINT64_MAX for what does not fit (which is past every file's end). False without a digit. */
static bool number(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (!digit(**p))
		return false;
	for (; digit(**p); ++*p) {
		uint64_t d = (uint64_t)(**p - '0');

		over |= v > (UINT64_MAX - d) / 10;
		v = v * 10 + d;
	}
	*out = over ? UINT64_MAX : v;
	return true;
}

enum range_kind range_parse(const char *value, uint64_t size, uint64_t *from, uint64_t *len)
{
	uint64_t first, last = UINT64_MAX;
	const char *p;

	if (!value || strncasecmp(value, "bytes=", 6))
		return RANGE_NONE;
	p = value + 6;
	p += strspn(p, " \t");
	if (*p == '-') {
		p++;
		if (!number(&p, &last) || *p)
			return RANGE_NONE;
		/* the last `last` bytes */
		if (!last || !size)
			return RANGE_BEYOND;
		*len = last < size ? last : size;
		*from = size - *len;
		return RANGE_PART;
	}
	if (!number(&p, &first) || *p++ != '-')
		return RANGE_NONE;
	if (*p && !number(&p, &last))
		return RANGE_NONE;
	if (*p || last < first)
		return RANGE_NONE;
	if (first >= size)
		return RANGE_BEYOND;
	*from = first;
	*len = (last < size - 1 ? last : size - 1) - first + 1;
	return RANGE_PART;
}

/* ---- dates */

static int month_of(const char *s)
{
	static const char NAMES[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int i;

	for (i = 0; i < 12; i++)
		if (!strncmp(s, NAMES + 3 * i, 3))
			return i + 1;
	return 0;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar (H. Hinnant's days_from_civil). */
static int64_t days(int64_t y, int m, int d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool http_date_parse(const char *s, int64_t *out)
{
	char mon[4] = "", end[8] = "";
	int y, d, h, mi, sec, m;

	if (sscanf(s, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d %7s", &d, mon, &y, &h, &mi, &sec,
		    end) == 7) {
		if (strcmp(end, "GMT")) /* IMF-fixdate */
			return false;
	} else if (sscanf(s, "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d %7s", &d, mon, &y, &h,
			   &mi, &sec, end) == 7) {
		if (strcmp(end, "GMT"))
			return false;
		/* RFC 850: two digits of a year. Section 5.6.7 says more than 50 years ahead is the past; nothing here is older than 1970. */
		y += y < 70 ? 2000 : 1900;
	} else if (sscanf(s, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%7s", mon, &d, &h, &mi,
			   &sec, &y, end) != 6) {
		return false; /* asctime */
	}
	m = month_of(mon);
	if (!m || d < 1 || d > 31 || y < 0 || h < 0 || h > 23 || mi < 0 || mi > 59 || sec < 0 ||
		sec > 60)
		return false;
	*out = days(y, m, d) * 86400 + h * 3600 + mi * 60 + sec;
	return true;
}

/* ---- entity tags */

/* One entity-tag at *p: its opaque part with quotes, *p after it. NULL when it is none. */
static const char *next_tag(const char **p, size_t *n, bool *weak)
{
	const char *from, *end;

	*weak = !strncmp(*p, "W/", 2);
	from = *p + (*weak ? 2 : 0);
	if (*from != '"')
		return NULL;
	end = strchr(from + 1, '"');
	if (!end)
		return NULL;
	*n = (size_t)(end - from) + 1;
	*p = end + 1;
	return from;
}

bool etag_in_list(const char *list, const char *tag, bool weak)
{
	const char *p = list, *found;
	bool is_weak;
	size_t n;

	p += strspn(p, " \t");
	if (!strcmp(p, "*"))
		return true;
	for (;;) {
		p += strspn(p, " \t,");
		found = next_tag(&p, &n, &is_weak);
		if (!found)
			return false;
		if ((weak || !is_weak) && n == strlen(tag) && !memcmp(found, tag, n))
			return true;
	}
}

/* ---- conditions */

int conditions_check(const struct conditions *c, const struct validators *v)
{
	int64_t at;

	if (c->if_match) {
		if (!etag_in_list(c->if_match, v->etag, false))
			return 412;
	} else if (c->if_unmodified_since && http_date_parse(c->if_unmodified_since, &at)) {
		if (v->mtime_s > at)
			return 412;
	}
	if (c->if_none_match)
		return etag_in_list(c->if_none_match, v->etag, true) ? 304 : 0;
	if (c->if_modified_since && http_date_parse(c->if_modified_since, &at))
		return v->mtime_s <= at ? 304 : 0;
	return 0;
}

bool conditions_range(const struct conditions *c, const struct validators *v)
{
	int64_t at;

	if (!c->range)
		return false;
	if (!c->if_range)
		return true;
	/* A weak tag never matches here; a date must be the very same. */
	if (*c->if_range == '"' || !strncmp(c->if_range, "W/", 2))
		return !strcmp(c->if_range, v->etag);
	return http_date_parse(c->if_range, &at) && at == v->mtime_s;
}
