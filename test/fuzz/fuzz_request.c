/*
 * The server's request parser. Properties: a request parsed in one piece and the same bytes in
 * pieces of any size give the same result; what is accepted keeps the rules that smuggling breaks
 * (one Host, one framing, no stray CR or LF, a path that begins with '/'); the accessors stay
 * inside what they own.
 */
#include "http/server_request.h"
#include "http/syntax.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BODY 300

struct outcome {
	int status;
	size_t used; /* by head and body */
	bool complete;
};

/* Feeds p as a connection would: what has come so far, minus what was used. */
static struct outcome run(struct http_request *r, const char *p, size_t n, size_t piece)
{
	size_t have = 0, used = 0;
	bool head = false;
	ssize_t rc;

	for (;;) {
		have = n - have < piece ? n : have + piece;
		if (!head) {
			/* a copy of exact size, so that a read past the end is seen */
			char *copy = mem_dup(p, have);

			rc = http_request_head(r, copy, have);
			free(copy);
			if (rc < 0)
				return (struct outcome){r->status, 0, false};
			BUG_IF((size_t)rc > have);
			head = rc > 0;
			used = (size_t)rc;
			if (head && !r->has_body)
				return (struct outcome){0, used, true};
		}
		while (head && used < have) {
			char *copy = mem_dup(p + used, have - used);

			rc = http_request_body(r, copy, have - used);
			free(copy);
			if (rc < 0)
				return (struct outcome){r->status, 0, false};
			BUG_IF((size_t)rc > have - used);
			used += (size_t)rc;
			if (r->complete)
				return (struct outcome){0, used, true};
		}
		if (have == n)
			return (struct outcome){0, 0, false};
	}
}

/* Nothing of it is left to be shortened. */
static void check_clean(const char *path)
{
	auto_buf struct buf once = BUF_INIT(BUF_ANY), twice = BUF_INIT(BUF_ANY);

	http_path_clean(path, strlen(path), &once);
	http_path_clean(buf_str(&once), once.len, &twice);
	BUG_IF(!buf_equal(&once, &twice) || once.len > strlen(path) || *buf_str(&once) != '/');
	BUG_IF(strstr(once.p, "//") || strstr(once.p, "/./") || strstr(once.p, "/../"));
}

static void check(struct http_request *r)
{
	const struct http_field *f;
	unsigned hosts = 0, lengths = 0, codings = 0;
	const char *v;

	BUG_IF(!r->method || !*r->method);
	BUG_IF(*buf_str(&r->path) != '/' && strcmp(buf_str(&r->path), "*"));
	BUG_IF(strpbrk(buf_str(&r->path), " \r\n\t#?"));
	BUG_IF(!*r->target || strpbrk(r->target, " \r\n\t#"));
	BUG_IF(r->fields.len > LIMIT_REQUEST_HEADER_COUNT + 1);
	vec_each (&r->fields, f) {
		BUG_IF(!*f->name || strlen(f->name) != f->name_len);
		BUG_IF(strlen(f->value) != f->value_len);
		BUG_IF(strpbrk(f->name, " \t\r\n:") || strpbrk(f->value, "\r\n"));
		hosts += !strcasecmp(f->name, "host");
		lengths += !strcasecmp(f->name, "content-length");
		codings += !strcasecmp(f->name, "transfer-encoding");
	}
	BUG_IF(hosts > 1 || (r->minor && !hosts) || lengths + codings > 1);
	BUG_IF(codings && (!r->chunked || !r->minor));
	BUG_IF(r->body.len > MAX_BODY);
	if (r->complete && !r->chunked)
		BUG_IF(r->body.len != r->content_length);
	if (*buf_str(&r->path) == '/')
		check_clean(r->path.p);
	v = http_request_field(r, "host");
	BUG_IF(!v && r->minor);
	v = http_request_field(r, "x");
	v = http_request_query(r, "a");
	BUG_IF(v && !r->query);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request whole = {0}, parts = {0};
	struct outcome a, b;
	const char *p;
	size_t piece;

	if (size < 2)
		return 0;
	piece = 1 + data[0] % 16;
	p = (const char *)data + 1;
	http_request_init(&whole, MAX_BODY);
	http_request_init(&parts, MAX_BODY);
	a = run(&whole, p, size - 1, size);
	b = run(&parts, p, size - 1, piece);
	/* A length that is exceeded may be noticed at another byte, so the kind of refusal may
	   differ; whether may not. */
	BUG_IF(!a.status != !b.status || a.used != b.used || a.complete != b.complete);
	if (a.complete) {
		check(&whole);
		check(&parts);
		BUG_IF(strcmp(buf_str(&whole.path), buf_str(&parts.path)) ||
			whole.body.len != parts.body.len ||
			(whole.body.len && memcmp(whole.body.p, parts.body.p, whole.body.len)));
		/* The next request on the connection begins clean. */
		http_request_reset(&whole);
		b = run(&whole, p, size - 1, size);
		BUG_IF(b.used != a.used || !b.complete);
	}
	http_request_clear(&whole);
	http_request_clear(&parts);
	return 0;
}
