#include "serve/files.h"

#include "base/ascii.h"
#include "base/mem.h"
#include "base/sys.h"
#include "base/time.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "http/server.h"
#include "serve/range.h"
#include "serve/rate.h"
#include "serve/urls.h"
#include "store/store.h"

#include <limits.h>
#include <string.h>

#define WAIT_MS 20000
/* Flux's consumers come again after 5 to 30 s by themselves. */
#define RETRY_AFTER "5"
#define NOT_HERE_YET "the artifact is not here yet\n"
/* RFC 6713. (Go's FileServer says the same where the system has a MIME table, and sniffs
   application/x-gzip where not.) */
#define CONTENT_TYPE "application/gzip"

struct serve_files {
	struct loop *loop;
	struct store *store;
	uint64_t wait_ms;
	unsigned waiting, most_waiting;
	bool ending;
	const struct serve_urls *urls; /* NULL: none */
	struct serve_rate *rate; /* NULL: none */
	struct serve_files_stats stats;
};

/* A request that could not be answered at once. */
struct pending {
	struct serve_files *f;
	struct http_exchange *x;
	struct store_path path;
	struct store_wait wait;
	struct timer timer;
	struct op *op;
};

/* ---- answers */

static void file_say(struct http_exchange *x, int status, const char *text)
{
	http_reply_text(x, status, text);
}

static void file_unavailable(struct serve_files *f, struct http_exchange *x, const char *text)
{
	f->stats.unavailable++;
	http_x_add_header(x, "Retry-After", RETRY_AFTER);
	file_say(x, 503, text);
}

static void file_not_found(struct serve_files *f, struct http_exchange *x)
{
	f->stats.not_found++;
	file_say(x, 404, "404 page not found\n");
}

/* fd is taken over. */
static void file_send_part(struct serve_files *f, struct http_exchange *x,
	const struct conditions *c, const struct validators *v, uint64_t size, int fd)
{
	uint64_t from = 0, len = size;
	enum range_kind kind = RANGE_NONE;
	char text[80];
	int status = 200;

	/* RFC 9110 section 14.2: Range means something for GET only. */
	if (!strcmp(http_x_method(x), "GET") && conditions_range(c, v))
		kind = range_parse(c->range, size, &from, &len);
	if (kind == RANGE_BEYOND) {
		sys_close(fd);
		snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
		http_x_add_header(x, "Content-Range", text);
		file_say(x, 416, "the range is outside the file\n");
		return;
	}
	if (kind == RANGE_PART) {
		status = 206;
		f->stats.partial++;
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)from,
			(unsigned long long)(from + len - 1), (unsigned long long)size);
		http_x_add_header(x, "Content-Range", text);
	}
	f->stats.hits++;
	http_x_add_header(x, "Content-Type", CONTENT_TYPE);
	http_reply_file(x, status, fd, from, len);
}

static void file_send(
	struct serve_files *f, struct http_exchange *x, const struct store_file *file, int fd)
{
	char etag[DIGEST_TEXT_MAX + 2], digest[DIGEST_TEXT_MAX], date[TIME_TEXT_MAX];
	struct validators v = {.etag = etag, .mtime_s = file->mtime_ns / 1000000000};
	struct conditions c = {
		.if_match = http_x_header(x, "If-Match"),
		.if_unmodified_since = http_x_header(x, "If-Unmodified-Since"),
		.if_none_match = http_x_header(x, "If-None-Match"),
		.if_modified_since = http_x_header(x, "If-Modified-Since"),
		.range = http_x_header(x, "Range"),
		.if_range = http_x_header(x, "If-Range"),
	};
	struct buf none = BUF_INIT(0);
	int status;

	snprintf(etag, sizeof(etag), "\"%s\"", digest_format(&file->digest, digest));
	http_x_add_header(x, "Accept-Ranges", "bytes");
	http_x_add_header(x, "ETag", etag);
	http_x_add_header(x, "Last-Modified", time_format_http(v.mtime_s * 1000, date));
	status = conditions_check(&c, &v);
	if (!status) {
		file_send_part(f, x, &c, &v, file->size, fd);
		return;
	}
	sys_close(fd);
	if (status == 304)
		f->stats.not_modified++;
	http_reply_buf(x, status, NULL, &none);
}

/* ---- a request that waits */

static void file_attempt(struct serve_files *f, struct http_exchange *x, const struct store_path *p,
	struct pending *w);

static void pending_free(struct pending *w)
{
	w->f->waiting--;
	http_x_on_end(w->x, NULL, NULL);
	store_wait_cancel(&w->wait);
	timer_cancel(&w->timer);
	op_drop(w->op);
	free(w);
}

static void file_on_gone(void *arg, struct http_exchange *x, bool gone)
{
	(void)x;
	(void)gone;
	pending_free(arg);
}

static void file_on_late(void *arg)
{
	struct pending *w = arg;
	struct serve_files *f = w->f;
	struct http_exchange *x = w->x;

	pending_free(w);
	file_unavailable(f, x, NOT_HERE_YET);
}

static void file_on_change(void *arg)
{
	struct pending *w = arg;

	file_attempt(w->f, w->x, &w->path, w);
}

static void file_on_opened(struct op *op, void *arg)
{
	struct pending *w = arg;
	struct serve_files *f = w->f;
	struct http_exchange *x = w->x;
	struct store_file file;
	int fd;

	w->op = NULL;
	if (op->err.kind) {
		op_free(op);
		pending_free(w);
		file_unavailable(f, x, "the store cannot be read\n");
		return;
	}
	switch (store_get_result(op, &file, &fd)) {
	case STORE_HIT:
		pending_free(w);
		file_send(f, x, &file, fd);
		break;
	case STORE_MISS:
		pending_free(w);
		file_not_found(f, x);
		break;
	default:
		store_wait_start(f->store, &w->path, &w->wait, file_on_change, w);
		break;
	}
	op_free(op);
}

/* Prefer: wait=10 (RFC 7240 section 4.3), among others perhaps. Nobody waits longer than we let
   them. */
static uint64_t wait_of(const struct serve_files *f, struct http_exchange *x)
{
	const char *text = http_x_header(x, "Prefer");
	unsigned long long seconds;

	if (f->ending)
		return 0;
	for (; text; text = strchr(text, ',') ? strchr(text, ',') + 1 : NULL) {
		text += strspn(text, " \t");
		if (strncasecmp(text, "wait=", 5) != 0 || !ascii_is_digit(text[5]))
			continue;
		seconds = strtoull(text + 5, NULL, 10);
		return seconds < f->wait_ms / 1000 ? seconds * 1000 : f->wait_ms;
	}
	return f->wait_ms;
}

static struct pending *pending_new(struct serve_files *f, struct http_exchange *x,
	const struct store_path *p, uint64_t wait_ms)
{
	struct pending *w = NEW(struct pending);

	f->waiting++;
	w->f = f;
	w->x = x;
	w->path = *p;
	timer_init(&w->timer, f->loop, file_on_late, w);
	timer_set(&w->timer, wait_ms);
	http_x_on_end(x, file_on_gone, w);
	return w;
}

/* w: NULL the first time. */
static void file_attempt(struct serve_files *f, struct http_exchange *x, const struct store_path *p,
	struct pending *w)
{
	struct store_file file;
	int fd;

	switch (store_get(f->store, p, &file, &fd)) {
	case STORE_HIT:
		if (w)
			pending_free(w);
		file_send(f, x, &file, fd);
		break;
	case STORE_MISS:
		if (w)
			pending_free(w);
		file_not_found(f, x);
		break;
	case STORE_WAIT:
		/* Those who wait hold places, and nobody can take them away. */
		if (!w && (!wait_of(f, x) || f->waiting >= f->most_waiting)) {
			file_unavailable(f, x, NOT_HERE_YET);
			break;
		}
		if (!w) {
			f->stats.waited++;
			w = pending_new(f, x, p, wait_of(f, x));
		}
		store_wait_start(f->store, &w->path, &w->wait, file_on_change, w);
		break;
	case STORE_COLD:
		if (!w)
			w = pending_new(f, x, p, f->wait_ms);
		w->op = store_get_start(f->store, &w->path);
		op_then(w->op, file_on_opened, w);
		break;
	}
}

/* ---- the handler */

/* "/a/b/c/sha256%3Aff.tar.gz": the colon may come encoded, nothing else may. */
static bool file_path(const struct serve_files *f, const char *path, struct store_path *out)
{
	char text[SERVE_URL_PATH_MAX];
	const char *in_store;
	struct err err;
	size_t n = 0;

	for (path++; *path; path++) {
		if (n + 1 >= sizeof(text))
			return false;
		if (*path == '%') {
			if (strncasecmp(path, "%3a", 3))
				return false;
			text[n++] = ':';
			path += 2;
		} else {
			text[n++] = *path;
		}
	}
	text[n] = '\0';
	in_store = f->urls ? serve_urls_open(f->urls, text) : text;
	return in_store && !store_path_parse(out, in_store, &err);
}

/* Has it asked too often? Then it is told so. */
static bool file_limited(struct serve_files *f, struct http_exchange *x)
{
	uint64_t ms = f->rate ? serve_rate_take(f->rate, http_x_client(x)) : 0;
	char seconds[24];

	if (!ms)
		return false;
	f->stats.limited++;
	snprintf(seconds, sizeof(seconds), "%llu", (unsigned long long)(ms + 999) / 1000);
	http_x_add_header(x, "Retry-After", seconds);
	file_say(x, 429, "too many requests from this address\n");
	return true;
}

static void file_probe(struct serve_files *f, struct http_exchange *x)
{
	if (store_ready(f->store))
		file_say(x, 200, "ok\n");
	else
		file_unavailable(f, x, "comparing the store with the objects' statuses\n");
}

void serve_files_handle(void *arg, struct http_exchange *x)
{
	struct serve_files *f = arg;
	const char *method = http_x_method(x);
	bool probe = !strcmp(http_x_path(x), "/");
	struct store_path p;

	/* The kubelet's probes may come from an address that consumers share, and must not fail
	   because of them. */
	if (!probe && file_limited(f, x))
		return;
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		http_x_add_header(x, "Allow", "GET, HEAD");
		file_say(x, 405, "only GET and HEAD\n");
	} else if (probe) {
		file_probe(f, x);
	} else if (file_path(f, http_x_path(x), &p)) {
		file_attempt(f, x, &p, NULL);
	} else {
		file_not_found(f, x);
	}
}

struct serve_files *serve_files_new(const struct serve_files_opts *opts)
{
	struct serve_files *f = NEW(struct serve_files);

	f->loop = opts->loop;
	f->store = opts->store;
	f->wait_ms = opts->wait_ms ? opts->wait_ms : WAIT_MS;
	f->most_waiting = opts->waiting ? opts->waiting : UINT_MAX;
	f->urls = opts->urls;
	f->rate = opts->rate ? serve_rate_new(opts->rate) : NULL;
	return f;
}

void serve_files_end(struct serve_files *f)
{
	f->ending = true;
}

void serve_files_free(struct serve_files *f)
{
	if (!f)
		return;
	serve_rate_free(f->rate);
	free(f);
}

void serve_files_stats(const struct serve_files *f, struct serve_files_stats *out)
{
	*out = f->stats;
}
