#include "ctl/health.h"

#include "base/buf.h"
#include "base/err.h"
#include "http/server.h"

#include <string.h>

void health_add(struct health *h, const char *name, bool (*ready)(void *arg), void *arg)
{
	BUG_IF(h->n == HEALTH_CHECKS_MAX);
	h->checks[h->n].name = name;
	h->checks[h->n].ready = ready;
	h->checks[h->n++].arg = arg;
}

static void checks_ready(struct health *h, struct http_exchange *x)
{
	auto_buf struct buf b = BUF_INIT(4096);
	bool ok = true;
	unsigned i;

	for (i = 0; i < h->n; i++) {
		bool one = h->checks[i].ready(h->checks[i].arg);

		buf_addf(&b, "[%c]%s %s\n", one ? '+' : '-', h->checks[i].name,
			one ? "ok" : "failed");
		ok = ok && one;
	}
	if (ok)
		http_reply_text(x, 200, "ok");
	else
		http_reply_buf(x, 500, "text/plain; charset=utf-8", &b);
}

void health_handle(void *arg, struct http_exchange *x)
{
	const char *method = http_x_method(x), *path = http_x_path(x);
	const struct health *h = arg;

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0) {
		http_x_add_header(x, "Allow", "GET, HEAD");
		http_reply_text(x, 405, "method not allowed");
	} else if (!strcmp(path, "/healthz") || !strcmp(path, "/livez")) {
		http_reply_text(x, 200, "ok");
	} else if (!strcmp(path, "/readyz")) {
		checks_ready(arg, x);
	} else if (h->others) {
		h->others(h->others_arg, x);
	} else {
		http_reply_text(x, 404, "not found");
	}
}
