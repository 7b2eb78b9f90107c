#include "http/syntax.h"

#include "base/ascii.h"
#include "base/mem.h"

#include <string.h>

bool http_is_tchar(char c)
{
	return ascii_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

bool http_is_token(const char *s)
{
	const char *p = s;

	while (http_is_tchar(*p))
		p++;
	return p > s && !*p;
}

bool http_is_unreserved(char c)
{
	return ascii_is_alnum(c) || (c && strchr("-._~", c));
}

int http_percent_value(const char *p, size_t n)
{
	int hi, lo;

	if (n < 3 || p[0] != '%')
		return -1;
	hi = ascii_hex_value(p[1]);
	lo = ascii_hex_value(p[2]);
	return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

/* One element less: "/a/b" is "/a" then, and "/a" nothing. */
static void element_drop(struct buf *out)
{
	while (out->len && out->p[--out->len] != '/')
		;
	if (out->p)
		out->p[out->len] = '\0';
}

static bool span_is(const char *p, size_t n, const char *what)
{
	return n == strlen(what) && !memcmp(p, what, n);
}

void http_path_clean(const char *p, size_t n, struct buf *out)
{
	const char *end = p + n, *slash;

	while (p < end) {
		size_t len;

		p++; /* the slash */
		slash = memchr(p, '/', (size_t)(end - p));
		len = (size_t)((slash ? slash : end) - p);
		if (span_is(p, len, ".."))
			element_drop(out);
		else if (len && !span_is(p, len, "."))
			buf_addf(out, "/%.*s", (int)len, p);
		p += len;
		/* "/a/." and "/a/.." have none behind them. */
		if (p == end && (!out->len || !len))
			buf_addc(out, '/');
	}
}

static const struct {
	int status;
	const char *text;
} texts[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{304, "Not Modified"},
	{307, "Temporary Redirect"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{414, "URI Too Long"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{417, "Expectation Failed"},
	{421, "Misdirected Request"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{451, "Unavailable For Legal Reasons"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{505, "HTTP Version Not Supported"},
};

const char *http_status_text(int status)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "";
}
