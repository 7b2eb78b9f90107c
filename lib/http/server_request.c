#include "http/server_request.h"

#include "base/ascii.h"
#include "base/limits.h"
#include "base/mem.h"
#include "http/syntax.h"

#include <llhttp.h>
#include <string.h>
#include <strings.h>

/* What chunk sizes, extensions and trailers may take beyond the body itself: without a bound, a
   chunk extension is an endless header. */
#define CHUNK_OVERHEAD LIMIT_REQUEST_HEADERS
/* Buffers above this are given back between requests. */
#define KEEP_BUFFER 1024
#define KEEP_FIELDS 32

static ssize_t request_refuse(struct http_request *r, int status, const char *why)
{
	r->status = status;
	r->why = why;
	return -1;
}

struct span {
	size_t at, len;
};

/* ---- llhttp */

static struct http_request *request_of(llhttp_t *p)
{
	return p->data;
}

static int request_on_field(llhttp_t *p, const char *at, size_t n)
{
	struct http_request *r = request_of(p);

	if (!r->head_done) /* trailers are read and dropped (RFC 9110 section 6.5.1) */
		*vec_add(&r->fields) = (struct http_field){.name = at, .name_len = n};
	return 0;
}

static int request_on_value(llhttp_t *p, const char *at, size_t n)
{
	struct http_request *r = request_of(p);
	struct http_field *f;

	if (r->head_done || !r->fields.len)
		return 0;
	f = &r->fields.p[r->fields.len - 1];
	/* The head is in one piece, so a value in two is a folded line that our scanner did not
	   see. */
	if (f->value) {
		request_refuse(r, 400, "folded header");
		return HPE_USER;
	}
	while (n && (at[n - 1] == ' ' || at[n - 1] == '\t'))
		n--;
	f->value = at;
	f->value_len = n;
	return 0;
}

static int request_on_body(llhttp_t *p, const char *at, size_t n)
{
	struct http_request *r = request_of(p);

	r->body_len += n;
	if (r->body_len > r->max_body || (!r->drop_body && buf_add(&r->body, at, n))) {
		request_refuse(r, 413, "the body is too large");
		return HPE_USER;
	}
	return 0;
}

static int request_on_complete(llhttp_t *p)
{
	request_of(p)->complete = true;
	return HPE_PAUSED;
}

static int request_on_head(llhttp_t *p);

static const llhttp_settings_t SETTINGS = {
	.on_header_field = request_on_field,
	.on_header_value = request_on_value,
	.on_headers_complete = request_on_head,
	.on_body = request_on_body,
	.on_message_complete = request_on_complete,
};

/* ---- the head, before llhttp sees it */

/*
 * RFC 9112 section 3: method SP target SP version, single spaces. Says more than llhttp's one error
 * code for all of it, and says it as soon as the line is there: what is no HTTP at all may never
 * send an empty line. n: without the CRLF.
 */
static int request_line(struct http_request *r, const char *p, size_t n, struct span *target)
{
	const char *end = p + n, *sp = p, *version, *c;

	while (sp < end && http_is_tchar(*sp))
		sp++;
	if (sp == p || sp == end || *sp != ' ')
		return (int)request_refuse(r, 400, "malformed request line");
	version = memrchr(p, ' ', n);
	if (version <= sp + 1)
		return (int)request_refuse(r, 400, "malformed request line");
	for (c = sp + 1; c < version; c++)
		if ((unsigned char)*c <= ' ' || (unsigned char)*c >= 0x7f || *c == '#')
			return (int)request_refuse(r, 400, "bad byte in the request target");
	if (end - version != 9 || memcmp(version, " HTTP/", 6) || version[7] != '.' ||
		!ascii_is_digit(version[6]) || !ascii_is_digit(version[8]))
		return (int)request_refuse(r, 400, "malformed version");
	if (version[6] != '1' || version[8] > '1')
		return (int)request_refuse(r, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
	r->minor = version[8] - '0';
	r->is_head = sp - p == 4 && !memcmp(p, "HEAD", 4);
	if (sp - p == 7 && !memcmp(p, "CONNECT", 7))
		return (int)request_refuse(r, 501, "no tunnels here");
	target->at = (size_t)(sp + 1 - p);
	target->len = (size_t)(version - sp - 1);
	if (target->len > LIMIT_URL)
		return (int)request_refuse(r, 414, "the request target is too long");
	return 0;
}

/*
 * Looks at whole lines only: each ends with CRLF, holds no other CR, and none but the first may
 * begin with white space. Returns the length of the head, 0 when its end has not come, -1.
 */
static ssize_t request_find_head(struct http_request *r, const char *p, size_t n)
{
	struct span target;
	const char *lf, *cr;
	size_t len;

	while ((lf = memchr(p + r->scanned, '\n', n - r->scanned))) {
		len = (size_t)(lf - p) - r->line;
		cr = memchr(p + r->line, '\r', len);
		if (!len || cr != lf - 1)
			return request_refuse(r, 400, "a line does not end with CRLF");
		if (r->lines && (p[r->line] == ' ' || p[r->line] == '\t'))
			return request_refuse(r, 400, "folded header");
		if (!r->lines && len > LIMIT_URL + 64)
			return request_refuse(r, 414, "the request target is too long");
		if (!r->lines && request_line(r, p, len - 1, &target))
			return -1;
		r->scanned = r->line = (size_t)(lf - p) + 1;
		if (r->line > r->max_head || r->lines > r->max_fields + 1)
			return request_refuse(r, 431, "the header is too large");
		if (len == 1)
			return (ssize_t)r->line;
		r->lines++;
	}
	r->scanned = n;
	if (!r->lines && n > LIMIT_URL + 64)
		return request_refuse(r, 414, "the request target is too long");
	if (n > r->max_head || r->lines > r->max_fields + 1)
		return request_refuse(r, 431, "the header is too large");
	return 0;
}

/* ---- the head, after */

/* RFC 9110 section 7.2, RFC 3986 section 3.2.2: a name, an address or nothing, and a port. */
static bool host_valid(const char *h, size_t n)
{
	size_t i = 0;

	if (n && h[0] == '[') {
		for (i = 1; i < n && (ascii_is_hex(h[i]) || h[i] == ':' || h[i] == '.'); i++)
			;
		if (i >= n || h[i] != ']')
			return false;
		i++;
	} else {
		for (; i < n && h[i] != ':'; i++)
			if (!http_is_tchar(h[i]) || h[i] == '#' || h[i] == '^' || h[i] == '`' ||
				h[i] == '|')
				return false;
	}
	if (i < n && h[i++] != ':')
		return false;
	for (; i < n; i++)
		if (h[i] < '0' || h[i] > '9')
			return false;
	return true;
}

static struct http_field *field_find(struct http_request *r, const char *name, unsigned *count)
{
	struct http_field *f, *first = NULL;
	size_t n = strlen(name);

	*count = 0;
	vec_each (&r->fields, f) {
		if (f->name_len != n || strncasecmp(f->name, name, n))
			continue;
		if (!first)
			first = f;
		++*count;
	}
	return first;
}

static int check_host(struct http_request *r)
{
	unsigned count;
	struct http_field *f = field_find(r, "host", &count);

	if (count > 1)
		return (int)request_refuse(r, 400, "more than one Host");
	if (!count && r->minor)
		return (int)request_refuse(r, 400, "no Host");
	if (f && !host_valid(f->value, f->value_len))
		return (int)request_refuse(r, 400, "bad Host");
	return 0;
}

/* RFC 9112 section 6.1 and 6.3. llhttp has checked that a Content-Length is one number and does not
   stand beside a Transfer-Encoding. */
static int check_framing(struct http_request *r)
{
	unsigned lengths, codings;
	struct http_field *length = field_find(r, "content-length", &lengths);
	struct http_field *coding = field_find(r, "transfer-encoding", &codings);

	if (codings && (lengths || !r->minor))
		return (int)request_refuse(r, 400, "Transfer-Encoding where it must not be");
	if (codings > 1 || lengths > 1)
		return (int)request_refuse(r, 400, "the length of the body is said more than once");
	if (coding && (coding->value_len != 7 || strncasecmp(coding->value, "chunked", 7)))
		return (int)request_refuse(r,
			coding->value_len > 9 &&
					!strncasecmp(coding->value + coding->value_len - 7,
						"chunked", 7) &&
					strncasecmp(coding->value, "chunked", 7)
				? 501
				: 400,
			"a transfer coding that is not known here");
	r->chunked = coding != NULL;
	r->content_length = length ? r->parser->content_length : 0;
	r->has_body = r->chunked || r->content_length;
	if (r->has_body && (!r->max_body || r->content_length > r->max_body))
		return (int)request_refuse(
			r, 413, r->max_body ? "the body is too large" : "no body is taken here");
	return 0;
}

static bool field_has_token(const struct http_field *f, const char *token)
{
	const char *p = f->value, *end = p + f->value_len;
	size_t n = strlen(token);

	while (p < end) {
		const char *comma = memchr(p, ',', (size_t)(end - p));
		const char *to = comma ? comma : end;

		while (p < to && (*p == ' ' || *p == '\t'))
			p++;
		while (to > p && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		if ((size_t)(to - p) == n && !strncasecmp(p, token, n))
			return true;
		p = comma ? comma + 1 : end;
	}
	return false;
}

static int check_connection(struct http_request *r)
{
	struct http_field *f;
	unsigned count;

	r->keep_alive = r->minor == 1;
	vec_each (&r->fields, f) {
		if (f->name_len != 10 || strncasecmp(f->name, "connection", 10))
			continue;
		if (field_has_token(f, "close"))
			r->keep_alive = false;
		else if (!r->minor && field_has_token(f, "keep-alive"))
			r->keep_alive = true;
	}
	f = field_find(r, "expect", &count);
	if (f && (count > 1 || f->value_len != 12 || strncasecmp(f->value, "100-continue", 12)))
		return (int)request_refuse(r, 417, "an expectation that is not known here");
	r->expect_continue = f && r->minor && r->has_body;
	return 0;
}

/* Called by llhttp when it has all fields; nothing is terminated yet. */
static int request_on_head(llhttp_t *p)
{
	struct http_request *r = request_of(p);
	struct http_field *f;

	vec_each (&r->fields, f) {
		if (!f->name_len) /* llhttp lets a line through that begins with its colon */
			return (int)request_refuse(r, 400, "a field without a name");
		if (!f->value)
			f->value = "";
	}
	if (check_host(r) || check_framing(r) || check_connection(r))
		return -1;
	r->head_done = true;
	return 0;
}

static void request_terminate(struct http_request *r)
{
	struct http_field *f;

	vec_each (&r->fields, f) {
		r->head.p[f->name - r->head.p + (ptrdiff_t)f->name_len] = '\0';
		if (f->value_len)
			r->head.p[f->value - r->head.p + (ptrdiff_t)f->value_len] = '\0';
		else
			f->value = "";
	}
}

/* RFC 3986 section 6.2.2.2: %XX of an unreserved character is that character; anything else stays
   as it is, so no slash appears. */
static int make_path(struct http_request *r, const char *p, size_t n)
{
	size_t i;
	int c;

	for (i = 0; i < n; i++) {
		if (p[i] != '%') {
			buf_addc(&r->path, p[i]);
			continue;
		}
		c = http_percent_value(p + i, n - i);
		if (c < 0)
			return (int)request_refuse(
				r, 400, "bad percent-encoding in the request target");
		if (http_is_unreserved((char)c)) {
			buf_addc(&r->path, (char)c);
			i += 2;
		} else {
			buf_addc(&r->path, '%');
		}
	}
	return 0;
}

/* RFC 9112 section 3.2: origin-form, absolute-form, asterisk-form (OPTIONS only). */
static int make_target(struct http_request *r, char *target, size_t n)
{
	const char *slash, *q;
	size_t skip;

	target[n] = '\0';
	r->target = target;
	if (n == 1 && *target == '*' && !strcmp(r->method, "OPTIONS"))
		return buf_addc(&r->path, '*');
	if (*target != '/') {
		skip = !strncasecmp(target, "http://", 7)     ? 7
			: !strncasecmp(target, "https://", 8) ? 8
							      : 0;
		if (!skip)
			return (int)request_refuse(r, 400, "bad request target");
		slash = target + skip + strcspn(target + skip, "/?");
		n = (size_t)(slash - target) - skip;
		if (!n || !host_valid(target + skip, n))
			return (int)request_refuse(r, 400, "bad request target");
		buf_add(&r->host, target + skip, n);
		if (*slash != '/') /* "http://h?q" is "/?q" */
			buf_addc(&r->path, '/');
		target += slash - target;
	}
	q = strchr(target, '?');
	r->query = q ? q + 1 : NULL;
	return make_path(r, target, q ? (size_t)(q - target) : strlen(target));
}

static ssize_t parse_error(struct http_request *r, enum llhttp_errno code)
{
	if (r->status)
		return -1;
	switch (code) {
	case HPE_INVALID_VERSION:
	case HPE_PAUSED_H2_UPGRADE:
		return request_refuse(r, 505, "HTTP/1.0 and HTTP/1.1 are spoken here");
	case HPE_INVALID_METHOD:
		return request_refuse(r, 501, "a method that is not known here");
	default:
		return request_refuse(r, 400, "malformed request");
	}
}

static int parse_head(struct http_request *r)
{
	enum llhttp_errno code;
	struct span target;

	if (request_line(r, r->head.p, strcspn(r->head.p, "\r"), &target))
		return -1;
	llhttp_init(r->parser, HTTP_REQUEST, &SETTINGS);
	r->parser->data = r;
	code = llhttp_execute(r->parser, r->head.p, r->head.len);
	/* Without a body the message is complete with the head; with one, llhttp wants more. */
	if (!r->head_done || r->status ||
		(r->has_body ? code != HPE_OK
			     : !r->complete || (code != HPE_PAUSED && code != HPE_PAUSED_UPGRADE)))
		return (int)parse_error(r, code);
	request_terminate(r);
	r->method = llhttp_method_name(llhttp_get_method(r->parser));
	return make_target(r, r->head.p + target.at, target.len);
}

/* ---- the interface */

void http_request_init(struct http_request *r, size_t max_body)
{
	memset(r, 0, sizeof(*r));
	r->max_body = max_body;
	r->parser = NEW(llhttp_t);
	http_request_allow_head(r, LIMIT_REQUEST_HEADERS);
	buf_init(&r->host, LIMIT_URL);
	buf_init(&r->path, LIMIT_URL);
	buf_init(&r->decoded, 2 * LIMIT_URL + 2);
	buf_init(&r->body, max_body);
}

void http_request_allow_head(struct http_request *r, size_t bytes)
{
	r->max_head = bytes;
	r->max_fields = (unsigned)(bytes / (LIMIT_REQUEST_HEADERS / LIMIT_REQUEST_HEADER_COUNT));
	buf_init(&r->head, bytes + 1);
}

static void request_give_back(struct buf *b)
{
	if (b->cap > KEEP_BUFFER)
		buf_clear(b);
	else
		buf_reset(b);
}

static void drop_joined(struct http_request *r)
{
	char **s;

	vec_each (&r->joined, s) {
		free(*s);
	}
	r->joined.len = 0;
}

void http_request_reset(struct http_request *r)
{
	r->skipped = r->scanned = r->line = 0;
	r->lines = 0;
	request_give_back(&r->head);
	request_give_back(&r->host);
	request_give_back(&r->path);
	request_give_back(&r->decoded);
	buf_clear(&r->body);
	if (r->fields.cap > KEEP_FIELDS)
		vec_clear(&r->fields);
	if (r->pairs.cap > KEEP_FIELDS)
		vec_clear(&r->pairs);
	r->fields.len = r->pairs.len = 0;
	drop_joined(r);
	r->method = r->query = r->why = r->target = NULL;
	r->minor = r->status = 0;
	r->is_head = r->keep_alive = r->expect_continue = r->has_body = r->chunked = r->head_done =
		false;
	r->complete = r->pairs_made = r->drop_body = false;
	r->content_length = r->raw_body = r->body_len = 0;
}

void http_request_clear(struct http_request *r)
{
	free(r->parser);
	r->parser = NULL;
	buf_clear(&r->head);
	buf_clear(&r->host);
	buf_clear(&r->path);
	buf_clear(&r->decoded);
	buf_clear(&r->body);
	drop_joined(r);
	vec_clear(&r->joined);
	vec_clear(&r->fields);
	vec_clear(&r->pairs);
}

ssize_t http_request_head(struct http_request *r, const char *p, size_t n)
{
	size_t skip = 0;
	ssize_t len;

	/* RFC 9112 section 2.2: an empty line before a request is skipped. They count as one
	   request's bytes, so they are bounded. */
	while (n - skip >= 2 && p[skip] == '\r' && p[skip + 1] == '\n')
		skip += 2;
	if (skip > LIMIT_REQUEST_EMPTY)
		return request_refuse(r, 400, "nothing but empty lines");
	/* A CR that seemed to begin a line may have turned out to be half of an empty one. */
	if (skip != r->skipped)
		r->scanned = 0;
	r->skipped = skip;
	len = request_find_head(r, p + skip, n - skip);
	if (len <= 0)
		return len;
	if (buf_add(&r->head, p + skip, (size_t)len))
		return request_refuse(r, 431, "the header is too large");
	if (memchr(r->head.p, '\0', r->head.len))
		return request_refuse(r, 400, "a NUL in the header");
	if (parse_head(r))
		return -1;
	return (ssize_t)skip + len;
}

ssize_t http_request_body(struct http_request *r, const char *p, size_t n)
{
	enum llhttp_errno code = llhttp_execute(r->parser, p, n);
	size_t used = n;

	if (code == HPE_PAUSED || code == HPE_PAUSED_UPGRADE)
		used = (size_t)(llhttp_get_error_pos(r->parser) - p);
	else if (code != HPE_OK)
		return parse_error(r, code);
	r->raw_body += used;
	if (r->chunked && r->raw_body - r->body_len > CHUNK_OVERHEAD + r->body_len)
		return request_refuse(r, 400, "chunks that carry next to nothing");
	return (ssize_t)used;
}

const char *http_request_field(struct http_request *r, const char *name)
{
	unsigned count;
	struct http_field *f = field_find(r, name, &count);
	struct buf all = BUF_INIT(r->max_head * 2);
	struct http_field *each;

	if (r->host.len && !strcasecmp(name, "host"))
		return buf_str(&r->host);
	if (count < 2)
		return f ? f->value : NULL;
	vec_each (&r->fields, each) {
		if (strcasecmp(each->name, name))
			continue;
		if (all.len)
			buf_adds(&all, ", ");
		buf_adds(&all, each->value);
	}
	return *vec_add(&r->joined) = buf_take(&all);
}

/* application/x-www-form-urlencoded, as browsers and Go write a query: '+' is a space. False for a
   %00. */
static bool request_decode(struct buf *out, const char *p, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int c = http_percent_value(p + i, n - i);

		if (c >= 0)
			i += 2;
		else
			c = p[i] == '+' ? ' ' : (unsigned char)p[i];
		if (!c)
			return false;
		buf_addc(out, (char)c);
	}
	buf_addc(out, '\0');
	return true;
}

static void make_pairs(struct http_request *r)
{
	const char *p = r->query, *end, *eq;
	struct http_pair pair;
	size_t n, before;

	r->pairs_made = true;
	for (; p; p = *end ? end + 1 : NULL) {
		end = p + strcspn(p, "&");
		n = (size_t)(end - p);
		if (!n)
			continue;
		eq = memchr(p, '=', n);
		before = pair.name = r->decoded.len;
		if (!request_decode(&r->decoded, p, eq ? (size_t)(eq - p) : n)) {
			r->decoded.len = before;
			continue;
		}
		pair.value = r->decoded.len;
		if (!request_decode(
			    &r->decoded, eq ? eq + 1 : end, eq ? (size_t)(end - eq - 1) : 0)) {
			r->decoded.len = before;
			continue;
		}
		*vec_add(&r->pairs) = pair;
	}
}

const char *http_request_query(struct http_request *r, const char *name)
{
	struct http_pair *pair;

	if (!r->pairs_made)
		make_pairs(r);
	vec_each (&r->pairs, pair) {
		if (!strcmp(r->decoded.p + pair->name, name))
			return r->decoded.p + pair->value;
	}
	return NULL;
}
