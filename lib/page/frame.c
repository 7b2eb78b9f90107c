#include "page/frame.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/digest.h"
#include "http/server.h"
#include "page/html.h"
#include "page/style.h"

#include <string.h>

/* The digest of the style sheet as Content-Security-Policy has it (CSP level 3, section 2.3.1). */
static const char *style_source(void)
{
	static struct buf text = BUF_INIT(128);
	struct digest d;

	if (text.len)
		return buf_str(&text);
	digest_mem(&d, DIGEST_SHA256, page_style, strlen(page_style));
	buf_adds(&text, "'sha256-");
	BUG_IF(base64_encode(&text, d.bin, digest_size(d.algo), 0));
	buf_adds(&text, "'");
	return buf_str(&text);
}

void frame_headers_plain(struct http_exchange *x)
{
	http_x_add_header(x, "Cache-Control", "no-store");
	http_x_add_header(x, "X-Content-Type-Options", "nosniff");
	http_x_add_header(x, "Referrer-Policy", "no-referrer");
	http_x_add_header(x, "X-Frame-Options", "DENY");
}

void frame_headers(struct http_exchange *x)
{
	auto_buf struct buf b = BUF_INIT(1024);

	frame_headers_plain(x);
	buf_addf(&b,
		"default-src 'none'; style-src %s; img-src data:; form-action 'self'; base-uri "
		"'none'; frame-ancestors 'none'",
		style_source());
	http_x_add_header(x, "Content-Security-Policy", buf_str(&b));
}

const char *frame_state_word(enum page_state s)
{
	static const char *const words[] = {"Failed", "Progressing", "Ready", "Suspended"};

	return words[s];
}

/* Beside the name in a browser's tab. */
static const char *icon_colour(enum page_state s)
{
	static const char *const colours[] = {"c02b1d", "d8a12f", "0e7a53", "667085"};

	return colours[s];
}

void frame_open(struct buf *b, const char *title, enum page_state state, const char *json,
	const char *version)
{
	buf_adds(b,
		"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/>"
		"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"/>"
		"<meta name=\"color-scheme\" content=\"light dark\"/><title>");
	html_text(b, title, 300);
	buf_addf(b,
		"</title><link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg "
		"xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%%3E%%3Ccircle cx='8' "
		"cy='8' r='7' fill='%%23%s'/%%3E%%3C/svg%%3E\"/><style>",
		icon_colour(state));
	buf_adds(b, page_style);
	buf_adds(b,
		"</style></head><body>\n<header><a class=\"home\" href=\"/\">"
		"<svg class=\"mark\" viewBox=\"0 0 26 26\" aria-hidden=\"true\">"
		"<rect class=\"a\" width=\"26\" height=\"26\" rx=\"7\"/>"
		"<path class=\"b\" d=\"M6 8.2a2 2 0 0 1 2-2h10a2 2 0 0 1 2 2v2.3H6z\"/>"
		"<path class=\"b\" d=\"M6 12.2h14v5.6a2 2 0 0 1-2 2H8a2 2 0 0 1-2-2zm4 "
		"2.3v1.8h6v-1.8z\"/>"
		"</svg><b>oci-source-controller</b></a><span class=\"v\">");
	html_text(b, version, 60);
	buf_addf(b, "</span><a class=\"j\" href=\"%s\">JSON</a></header>\n<main>\n", json);
}

void frame_close(struct buf *b, int64_t now_ms)
{
	char text[TIME_TEXT_MAX];

	buf_addf(b,
		"</main>\n<footer>As of <time>%s</time>. Former revisions and events are those "
		"since "
		"the controller's start.</footer></body></html>\n",
		time_format_rfc3339(now_ms, text));
}

void frame_state(struct buf *b, enum page_state s)
{
	buf_addf(b, "<span class=\"st %s\"><i></i><span>%s</span></span>", page_state_name(s),
		frame_state_word(s));
}
