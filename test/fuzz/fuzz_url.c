/* URLs and references. What is taken means the same when it is written and read again, and no
   reference climbs out of its path or takes over the host without saying so; whatever is put into a
   message holds no user. */
#include "http/url.h"

#include "base/limits.h"
#include "base/mem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static bool same(const struct url *a, const struct url *b)
{
	return a->https == b->https && a->port == b->port && !strcmp(a->host, b->host) &&
		!strcmp(a->path, b->path) && !a->query == !b->query &&
		(!a->query || !strcmp(a->query, b->query));
}

static void check(const struct url *u)
{
	struct buf b = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct url again;

	BUG_IF(!u->host || !*u->host || u->path[0] != '/' || u->port < 1 || u->port > 65535);
	BUG_IF(strpbrk(u->host, "/?#@\\% \r\n"));
	BUG_IF(strpbrk(u->path, "?#\\ \r\n"));
	url_format(u, &b);
	/* The written form may be longer than what came in ("http://h" gets a slash). */
	if (b.len <= LIMIT_URL) {
		BUG_IF(url_parse(&again, buf_str(&b), &err));
		BUG_IF(!same(u, &again));
		BUG_IF(!url_same_origin(u, &again));
		url_clear(&again);
	}
	buf_clear(&b);
	/* An odd spelling of an address never passes for a name. */
	BUG_IF(host_classify(u->host) == HOST_NAME && !strcmp(u->host, "127.0.0.1"));
}

static void references(const struct url *base, const char *text)
{
	struct err err = {0};
	struct url u;

	if (url_resolve(&u, base, text, &err))
		return;
	check(&u);
	if (text[0] != '/' || text[1] != '/')
		BUG_IF(!url_same_origin(&u, base) && !strstr(text, "://"));
	if (strstr(text, ".."))
		BUG_IF(strstr(u.path, "/../"));
	url_clear(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char *text = mem_strndup((const char *)data, n);
	struct buf safe = BUF_INIT(LIMIT_URL), encoded = BUF_INIT(BUF_ANY);
	struct err err = {0};
	struct url u, base;

	if (!url_parse(&u, text, &err)) {
		check(&u);
		references(&u, "../x/./y");
		url_clear(&u);
	} else {
		BUG_IF(err.kind != ERR_STALL || strpbrk(err.msg, "\r\n"));
	}
	BUG_IF(url_parse(&base, "https://reg.example:5000/v2/a/tags/list?n=1", &err));
	references(&base, text);
	url_clear(&base);
	url_safe(&safe, text);
	BUG_IF(strpbrk(buf_str(&safe), "@#\r\n"));
	url_encode(&encoded, text);
	BUG_IF(buf_str(&encoded)[strspn(buf_str(&encoded),
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%")]);
	buf_clear(&safe);
	buf_clear(&encoded);
	free(text);
	return 0;
}
