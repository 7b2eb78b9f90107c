/* What the answer says: its header fields. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/client.h"

#include <string.h>
#include <strings.h>

#define RETRY_AFTER_MAX_MS 3600000
/* From here on a number of seconds is a moment, of 2001; as a wait it would be 31 years. */
#define RETRY_AFTER_STAMP 1000000000LL
/* It is a moment of the next day, or nonsense. */
#define RETRY_AFTER_AHEAD_MS 86400000

/* The n-th line of that name: its value's place and length. False: none. */
static bool header_find(
	const struct http_res *res, const char *name, unsigned n, const char **value, size_t *len)
{
	const char *p = buf_str(&res->raw_headers), *end = p + res->raw_headers.len;
	size_t name_len = strlen(name);

	while (p < end) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		const char *from, *to = eol ? eol : end;

		if ((size_t)(to - p) > name_len && p[name_len] == ':' &&
			!strncasecmp(p, name, name_len) && !n--) {
			from = p + name_len + 1;
			while (from < to && (*from == ' ' || *from == '\t'))
				from++;
			while (to > from && (to[-1] == ' ' || to[-1] == '\t' || to[-1] == '\r'))
				to--;
			*value = from;
			*len = (size_t)(to - from);
			return true;
		}
		p = to + 1;
	}
	return false;
}

char *http_header_nth(const struct http_res *res, const char *name, unsigned n)
{
	const char *value;
	size_t len;

	return header_find(res, name, n, &value, &len) ? mem_strndup(value, len) : NULL;
}

const char *http_header(const struct http_res *res, const char *name)
{
	/*
	 * The scratch space belongs to whoever reads the result, not to the result: const is for
	 * what was received.
	 */
	struct buf *scratch = (struct buf *)(uintptr_t)&res->scratch;
	const char *value = NULL;
	size_t len = 0;
	unsigned n = 0;

	while (header_find(res, name, n, &value, &len))
		n++;
	if (!n)
		return NULL;
	buf_clear(scratch);
	buf_init(scratch, BUF_ANY);
	buf_add(scratch, value, len);
	return buf_str(scratch);
}

int64_t http_wait_ms(int64_t n)
{
	int64_t now = clock_wall_ms();

	if (n < RETRY_AFTER_STAMP)
		return n < 0 ? -1 : n * 1000;
	if (n < RETRY_AFTER_STAMP * 1000)
		n *= 1000;
	if (n <= now)
		return n > now - RETRY_AFTER_AHEAD_MS ? 0 : -1;
	return n - now < RETRY_AFTER_AHEAD_MS ? n - now : -1;
}

static int64_t wait_of_number(const char *text)
{
	int64_t n = 0;

	for (; *text && n < INT64_MAX / 20; text++)
		n = n * 10 + (*text - '0');
	return http_wait_ms(n);
}

static int64_t wait_of_date(const char *text)
{
	int64_t at, now = clock_wall_ms();
	struct err ignored = {0};

	if (time_parse_http(text, &at, &ignored) && time_parse_rfc3339(text, &at, &ignored))
		return -1;
	return at > now ? at - now : 0;
}

int64_t http_retry_after_ms(const struct http_res *res)
{
	const char *text = http_header(res, "Retry-After");
	int64_t wait;

	if (!text || !*text)
		return -1;
	wait = text[strspn(text, "0123456789")] ? wait_of_date(text) : wait_of_number(text);
	return wait < RETRY_AFTER_MAX_MS ? wait : RETRY_AFTER_MAX_MS;
}
