#include "serve/metrics.h"

#include "base/metrics.h"
#include "http/server.h"

#include <string.h>

static int page_pull(void *arg, struct buf *b)
{
	return metrics_scrape_next(arg, b) ? 1 : -1;
}

static void page_ended(void *arg, struct http_exchange *x, bool gone)
{
	(void)x;
	(void)gone;
	metrics_scrape_end(arg);
}

static void page_reply(struct http_exchange *x, struct metrics *m)
{
	struct metrics_scrape *s = metrics_scrape_start(m);

	http_x_on_end(x, page_ended, s);
	http_reply_stream(x, 200, METRICS_CONTENT_TYPE, page_pull, s);
}

void serve_metrics_handle(void *arg, struct http_exchange *x)
{
	const char *method = http_x_method(x);

	if (strcmp(http_x_path(x), "/metrics")) {
		http_reply_text(x, 404, "404 page not found\n");
	} else if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		http_x_add_header(x, "Allow", "GET, HEAD");
		http_reply_text(x, 405, "only GET and HEAD\n");
	} else {
		page_reply(x, arg);
	}
}
