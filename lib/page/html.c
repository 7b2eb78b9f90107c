#include "page/html.h"

#include "base/buf.h"
#include "base/time.h"
#include "base/utf8.h"

#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Direction marks, overrides and isolates (Unicode TR9), zero width, line separators, the byte
   order mark, tags: what makes a text look like another one. */
static bool is_hidden(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c || c == 0x180e ||
		(c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
		(c >= 0x2060 && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
		(c >= 0xe0000 && c <= 0xe0fff);
}

static void char_add(struct buf *b, const char *s, size_t n, uint32_t c)
{
	switch (c) {
	case '&':
		buf_adds(b, "&amp;");
		break;
	case '<':
		buf_adds(b, "&lt;");
		break;
	case '>':
		buf_adds(b, "&gt;");
		break;
	case '"':
		buf_adds(b, "&quot;");
		break;
	case '\'':
		buf_adds(b, "&#39;");
		break;
	case '\n':
	case '\t':
		buf_addc(b, ' ');
		break;
	default:
		if (is_hidden(c))
			buf_adds(b, REPLACEMENT);
		else
			buf_add(b, s, n);
	}
}

void html_text(struct buf *b, const char *text, size_t most)
{
	size_t len = strnlen(text, most + 1), end = utf8_cut(text, len, most), at, n;
	uint32_t c;

	for (at = 0; at < end; at += n) {
		n = utf8_char(text + at, end - at, &c);
		if (n) {
			char_add(b, text + at, n, c);
			continue;
		}
		buf_adds(b, REPLACEMENT);
		n = 1;
	}
	if (len > most)
		buf_adds(b, "…");
}

void html_span(struct buf *b, int64_t ms)
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		buf_addf(b, "%ds", (int)s);
	else if (s < 3600)
		buf_addf(b, "%dm", (int)(s / 60));
	else if (s < 48 * 3600)
		buf_addf(b, "%dh", (int)(s / 3600));
	else
		buf_addf(b, "%lldd", (long long)(s / 86400));
}

void html_time(struct buf *b, int64_t at_ms, int64_t now_ms)
{
	char text[TIME_TEXT_MAX];

	if (at_ms <= 0) {
		buf_adds(b, "—");
		return;
	}
	time_format_rfc3339(at_ms, text);
	buf_addf(b, "<time datetime=\"%s\" title=\"%s\">", text, text);
	html_span(b, now_ms - at_ms);
	buf_adds(b, " ago</time>");
}
