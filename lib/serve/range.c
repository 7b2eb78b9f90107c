#include "serve/range.h"

#include "base/ascii.h"
#include "base/time.h"

#include <string.h>
#include <strings.h>

/* Digits to a number, UINT64_MAX for what does not fit (which is past every file's end). False
   without a digit. */
static bool range_number(const char **p, uint64_t *out)
{
	uint64_t v = 0;
	bool over = false;

	if (!ascii_is_digit(**p))
		return false;
	for (; ascii_is_digit(**p); ++*p) {
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
		if (!range_number(&p, &last) || *p)
			return RANGE_NONE;
		/* the last `last` bytes */
		if (!last || !size)
			return RANGE_BEYOND;
		*len = last < size ? last : size;
		*from = size - *len;
		return RANGE_PART;
	}
	if (!range_number(&p, &first) || *p++ != '-')
		return RANGE_NONE;
	if (*p && !range_number(&p, &last))
		return RANGE_NONE;
	if (*p || last < first)
		return RANGE_NONE;
	if (first >= size)
		return RANGE_BEYOND;
	*from = first;
	*len = (last < size - 1 ? last : size - 1) - first + 1;
	return RANGE_PART;
}

/* ---- entity tags */

/* One entity-tag at *p: its opaque part with quotes, *p after it. NULL when it is none. */
static const char *range_next_tag(const char **p, size_t *n, bool *weak)
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
		found = range_next_tag(&p, &n, &is_weak);
		if (!found)
			return false;
		if ((weak || !is_weak) && n == strlen(tag) && !memcmp(found, tag, n))
			return true;
	}
}

/* ---- conditions */

/*
 * An HTTP-date in seconds since 1970. What is none counts as if the field were not there (section
 * 13.1).
 */
static bool date_parse(const char *text, int64_t *out)
{
	struct err ignored;
	int64_t ms;

	if (time_parse_http(text, &ms, &ignored))
		return false;
	*out = ms / 1000;
	return true;
}

int conditions_check(const struct conditions *c, const struct validators *v)
{
	int64_t at;

	if (c->if_match) {
		if (!etag_in_list(c->if_match, v->etag, false))
			return 412;
	} else if (c->if_unmodified_since && date_parse(c->if_unmodified_since, &at)) {
		if (v->mtime_s > at)
			return 412;
	}
	if (c->if_none_match)
		return etag_in_list(c->if_none_match, v->etag, true) ? 304 : 0;
	if (c->if_modified_since && date_parse(c->if_modified_since, &at))
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
	return date_parse(c->if_range, &at) && at == v->mtime_s;
}
