#include "oci/rate.h"

#include "base/limits.h"
#include "base/mem.h"
#include "http/client.h"

#include <string.h>
#include <strings.h>

/* A part of a field's value. */
struct span {
	const char *p;
	size_t n;
};

static struct span span_trim(struct span s)
{
	while (s.n && (*s.p == ' ' || *s.p == '\t')) {
		s.p++;
		s.n--;
	}
	while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

/* Takes what is before the next `mark` outside of quotes off the front of *rest. False: nothing is
   left. */
static bool span_next(struct span *rest, char mark, struct span *out)
{
	bool quoted = false;
	size_t i;

	if (!rest->p)
		return false;
	for (i = 0; i < rest->n && (quoted || rest->p[i] != mark); i++)
		if (rest->p[i] == '"')
			quoted = !quoted;
	*out = span_trim((struct span){rest->p, i});
	if (i < rest->n)
		*rest = (struct span){rest->p + i + 1, rest->n - i - 1};
	else
		*rest = (struct span){0};
	return true;
}

static bool span_is(struct span s, const char *text)
{
	return s.n == strlen(text) && !strncasecmp(s.p, text, s.n);
}

/* -1: it is no number, or too long a one. */
static int64_t span_number(struct span s)
{
	int64_t n = 0;
	size_t i;

	if (!s.n || s.n > LIMIT_RATE_DIGITS)
		return -1;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return -1;
		n = n * 10 + (s.p[i] - '0');
	}
	return n;
}

static struct span span_of(const char *text)
{
	return text ? (struct span){text, strlen(text)} : (struct span){0};
}

/* The number behind `key=` among the parts of an item. -1: there is none. */
static int64_t item_number(struct span item, const char *key)
{
	struct span part, name;
	unsigned i;

	for (i = 0; i < LIMIT_RATE_ITEMS && span_next(&item, ';', &part); i++)
		if (span_next(&part, '=', &name) && span_is(name, key))
			return span_number(span_trim(part));
	return -1;
}

static struct span item_name(struct span item)
{
	struct span name = {0};

	(void)span_next(&item, ';', &name);
	return name;
}

static uint64_t rate_window_ms(int64_t seconds)
{
	return seconds > 0 && seconds <= LIMIT_RATE_WINDOW_S ? (uint64_t)seconds * 1000 : 0;
}

/* What was read, in the form of what is said. -1: it was not there. */
static bool rate_fill(
	struct oci_rate *out, int64_t remaining, int64_t limit, int64_t window_s, int64_t reset)
{
	*out = (struct oci_rate){.remaining = (uint64_t)remaining,
		.limit = limit > 0 ? (uint64_t)limit : 0,
		.window_ms = rate_window_ms(window_s),
		.reset_ms = http_wait_ms(reset)};
	return limit != 0;
}

/* ---- "default";r=50;t=30 --------------------------------------------------------------------- */

/* The policy of that name, or the first one: many send one without saying the same name. */
static struct span policy_of(const char *policies, struct span name)
{
	struct span rest = span_of(policies), item, first = {0};
	unsigned i;

	for (i = 0; i < LIMIT_RATE_ITEMS && span_next(&rest, ',', &item); i++) {
		struct span its = item_name(item);

		if (its.n == name.n && !strncmp(its.p, name.p, name.n))
			return item;
		if (!i)
			first = item;
	}
	return first;
}

static bool rate_of_items(struct oci_rate *out, const struct oci_rate_fields *f)
{
	struct span rest = span_of(f->rate), item, least = {0};
	int64_t remaining = -1;
	unsigned i;

	for (i = 0; i < LIMIT_RATE_ITEMS && span_next(&rest, ',', &item); i++) {
		int64_t n = item_number(item, "r");

		if (n < 0 || (remaining >= 0 && n >= remaining))
			continue;
		remaining = n;
		least = item;
	}
	if (remaining < 0)
		return false;
	item = policy_of(f->policy, item_name(least));
	return rate_fill(out, remaining, item_number(item, "q"), item_number(item, "w"),
		item_number(least, "t"));
}

/* ---- limit=100, remaining=50, reset=5 -------------------------------------------------------- */

static int64_t member_number(struct span members, const char *key)
{
	struct span item, name;
	unsigned i;

	for (i = 0; i < LIMIT_RATE_ITEMS && span_next(&members, ',', &item); i++)
		if (span_next(&item, '=', &name) && span_is(name, key))
			return span_number(item_name(item));
	return -1;
}

/* The window of "100;w=10", a policy in its older form. */
static int64_t window_of(const char *policies)
{
	struct span rest = span_of(policies), item;
	int64_t w = -1;
	unsigned i;

	for (i = 0; i < LIMIT_RATE_ITEMS && w < 0 && span_next(&rest, ',', &item); i++)
		w = item_number(item, "w");
	return w;
}

static bool rate_of_members(struct oci_rate *out, const struct oci_rate_fields *f)
{
	struct span members = span_of(f->rate);
	int64_t remaining = member_number(members, "remaining");

	if (remaining < 0)
		return false;
	return rate_fill(out, remaining, member_number(members, "limit"), window_of(f->policy),
		member_number(members, "reset"));
}

/* ---- a field for each ------------------------------------------------------------------------ */

/* "100", "100;w=21600", "100, 100;w=60": the first number. */
static int64_t field_number(const char *text)
{
	struct span rest = span_of(text), item = {0};

	(void)span_next(&rest, ',', &item);
	return span_number(item_name(item));
}

static bool rate_of_fields(struct oci_rate *out, const struct oci_rate_fields *f)
{
	int64_t remaining = field_number(f->remaining), window = window_of(f->remaining);

	if (remaining < 0)
		return false;
	if (window < 0)
		window = window_of(f->limit);
	if (window < 0)
		window = window_of(f->policy);
	return rate_fill(out, remaining, field_number(f->limit), window, field_number(f->reset));
}

/* ---- all of them ----------------------------------------------------------------------------- */

bool oci_rate_parse(struct oci_rate *out, const struct oci_rate_fields *fields)
{
	return rate_of_items(out, fields) || rate_of_members(out, fields) ||
		rate_of_fields(out, fields);
}

bool oci_rate_read(struct oci_rate *out, const struct http_res *res)
{
	auto_free char *rate = http_header_nth(res, "RateLimit", 0);
	auto_free char *remaining = http_header_nth(res, "RateLimit-Remaining", 0);
	auto_free char *policy = NULL, *limit = NULL, *reset = NULL;

	if (!rate && !remaining)
		return false;
	policy = http_header_nth(res, "RateLimit-Policy", 0);
	limit = http_header_nth(res, "RateLimit-Limit", 0);
	reset = http_header_nth(res, "RateLimit-Reset", 0);
	return oci_rate_parse(
		out, &(struct oci_rate_fields){rate, policy, limit, remaining, reset});
}
