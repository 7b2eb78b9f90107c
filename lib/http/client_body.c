/* curl's callbacks for what arrives and what is sent. They run inside curl: they note and copy, and
   call nothing of curl. */
#include "base/clock.h"
#include "base/limits.h"
#include "http/client_internal.h"
#include "http/url.h"

#include <errno.h>
#include <string.h>

static int bad_header(struct http_op *x, const char *why)
{
	http_op_fail(x, -EPROTO, "the answer's headers %s", why);
	return -1;
}

/* "HTTP/1.1 200 OK": curl has checked the form, and hands out a new one for each 1xx and for the
   final answer. */
static int status_line(struct http_op *x, const char *line, size_t n)
{
	const char *p = memchr(line, ' ', n);
	size_t at = p ? (size_t)(p - line) + 1 : n;

	if (n < at + 3)
		return bad_header(x, "begin with no status");
	x->res.status = (line[at] - '0') * 100 + (line[at + 1] - '0') * 10 + (line[at + 2] - '0');
	if (x->res.status < 100 || x->res.status > 999)
		return bad_header(x, "begin with no status");
	buf_reset(&x->res.raw_headers);
	return 0;
}

static int body_too_large(struct http_op *x)
{
	http_op_fail(x, -EFBIG, "the body is larger than %llu bytes",
		(unsigned long long)x->req.max_body);
	return -1;
}

static bool is_error_body(const struct http_op *x)
{
	return x->req.on_body && x->req.keep_error_body && x->res.status >= 300;
}

/* A length that is past the limit need not be downloaded first. */
static int check_length(struct http_op *x)
{
	const char *text = http_header(&x->res, "Content-Length");

	if (!text || x->is_head || !x->req.max_body || is_error_body(x) || x->res.status == 304 ||
		x->res.status == 204)
		return 0;
	errno = 0;
	if (strtoull(text, NULL, 10) > x->req.max_body || errno)
		return body_too_large(x);
	return 0;
}

static int headers_end(struct http_op *x)
{
	struct err err = {0};

	/* 1xx: the real answer follows. (101 cannot come: we never ask for an upgrade.) */
	if (x->res.status < 200)
		return 0;
	x->res.headers_complete = true;
	timer_cancel(&x->headers_timer);
	if (check_length(x))
		return -1;
	http_op_watch_body(x);
	if (x->req.on_headers && x->req.on_headers(x->req.arg, &x->res, &err)) {
		x->fail = err;
		x->failed = true;
		return -1;
	}
	return 0;
}

size_t http_on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_op *x = arg;
	size_t len = size * n;
	int rc = 0;

	if (x->end_wanted)
		return 0;
	x->header_bytes += len;
	if (x->header_bytes > LIMIT_HEADERS) {
		http_op_fail(x, -EFBIG, "the answer's headers are larger than %llu bytes",
			LIMIT_HEADERS);
		return 0;
	}
	if (x->res.headers_complete)
		return len; /* a trailer */
	if (len >= 5 && !memcmp(line, "HTTP/", 5))
		rc = status_line(x, line, len);
	else if (len <= 2 && (line[0] == '\r' || line[0] == '\n'))
		rc = headers_end(x);
	else if (memchr(line, 0, len))
		rc = bad_header(x, "hold a NUL");
	else
		buf_add(&x->res.raw_headers, line, len);
	return rc ? 0 : len;
}

/* The text of an error: as much of it as fits, and no more of the transfer than that. */
static size_t error_body(struct http_op *x, const char *data, size_t n)
{
	size_t room = x->res.body.max - x->res.body.len;

	buf_add(&x->res.body, data, n < room ? n : room);
	if (n <= room)
		return n;
	x->cut_is_fine = true;
	return 0;
}

static size_t body_pause(struct http_op *x)
{
	x->paused = true;
	x->c->paused++;
	http_op_unwatch_body(x);
	return CURL_WRITEFUNC_PAUSE;
}

static void body_granted(struct op *op, void *arg)
{
	struct http_op *x = arg;

	x->granting = false;
	BUG_IF(op != x->grant);
	http_resume(&x->op);
}

/* The first bytes of a body are free; then all that was announced is taken at once, so that nobody
   waits while he holds. */
static bool body_has_memory(struct http_op *x, size_t more)
{
	auto_buf struct buf host = BUF_INIT(LIMIT_URL);
	auto_url struct url u = {0};
	const char *length;
	struct err ignored = {0};
	uint64_t bytes = x->req.max_body;

	if (!x->c->opts.account || x->res.body.len + more <= LIMIT_MEMORY_FREE || x->grant)
		return !x->granting;
	length = http_header(&x->res, "Content-Length");
	if (length && strtoull(length, NULL, 10) < bytes)
		bytes = x->res.body.max = strtoull(length, NULL, 10);
	if (url_parse(&u, x->res.url, &ignored))
		return true; /* cannot be: it was asked for */
	url_authority(&u, &host);
	x->granting = true;
	x->grant = account_take(x->c->opts.account, x->c->opts.pool, buf_str(&host), bytes);
	op_then(x->grant, body_granted, x);
	return false;
}

size_t http_on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_op *x = arg;
	size_t len = size * n;
	struct err err = {0};

	if (x->end_wanted)
		return 0;
	x->last_byte_ms = clock_ms();
	if (is_error_body(x)) {
		x->res.body_bytes += len;
		return error_body(x, data, len);
	}
	if (!x->req.max_body) {
		x->res.body_bytes += len;
		if (x->res.body_bytes <= LIMIT_ERROR_BODY)
			return len;
		x->cut_is_fine = true;
		return 0;
	}
	if (len > x->req.max_body - x->res.body_bytes) {
		body_too_large(x);
		return 0;
	}
	if (!x->req.on_body) {
		if (!body_has_memory(x, len))
			return body_pause(x);
		x->res.body_bytes += len;
		return buf_add(&x->res.body, data, len) ? 0 : len;
	}
	switch (x->req.on_body(x->req.arg, data, len, &err)) {
	case HTTP_BODY_OK:
		x->res.body_bytes += len;
		return len;
	case HTTP_BODY_PAUSE:
		return body_pause(x);
	default:
		x->fail = err;
		x->failed = true;
		return 0;
	}
}

size_t http_on_upload(char *to, size_t size, size_t n, void *arg)
{
	struct http_op *x = arg;
	uint64_t left = x->req.body_total - x->uploaded;
	size_t room = size * n;
	long got;

	if (x->end_wanted)
		return CURL_READFUNC_ABORT;
	if (room > left)
		room = (size_t)left;
	got = room ? x->req.on_upload(x->req.arg, to, room) : 0;
	if (got < 0 || (size_t)got > room || (!got && left)) {
		http_op_fail(
			x, 0, "the data to send ended %llu bytes early", (unsigned long long)left);
		return CURL_READFUNC_ABORT;
	}
	x->uploaded += (uint64_t)got;
	return (size_t)got;
}

/* curl wants to send again, on a new connection: possible only when nothing was taken yet. */
int http_on_seek(void *arg, curl_off_t offset, int origin)
{
	const struct http_op *x = arg;

	return origin == SEEK_SET && (uint64_t)offset == x->uploaded ? CURL_SEEKFUNC_OK
								     : CURL_SEEKFUNC_FAIL;
}
