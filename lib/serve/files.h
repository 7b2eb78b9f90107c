/*
 * The artifact port: the store over HTTP, as Flux's consumers know it from Go's http.FileServer,
 * without its listings.
 *
 * GET and HEAD of `/<kind>/<namespace>/<name>/<algo>:<hex>.tar.gz` and `.../latest.tar.gz`, nothing
 * else; `%3A` for the colon is the same name. Last-Modified, ETag (the digest of the bytes,
 * strong), If-Match, If-None-Match, If-Modified-Since, If-Unmodified-Since, If-Range and Range (RFC
 * 9110 sections 13 and 14). A Range with several parts is answered with the whole file (200), as
 * section 14.2 allows. `GET /` is the readiness probe: 503 until store_ready, 200 after. A file
 * that is promised and not here yet is waited for, wait_ms at most, then 503 with Retry-After; who
 * says `Prefer: wait=SECONDS` (RFC 7240 section 4.3) waits no longer than that. With a rate each
 * client may ask so often (rate.h), but for the probe; past that it gets 429 with Retry-After.
 * While there is a secret for URLs, the path has an element in front (urls.h); without the right
 * one the answer is that for a file that is not there, and nothing is waited for. Loop thread.
 *
 *	struct serve_files *f = serve_files_new(
 *		&(struct serve_files_opts){.loop = loop, .store = store});
 *	struct http_server_opts o = {.name = "artifacts", .address = ":9090",
 *		.handler = serve_files_handle, .arg = f};
 */
#ifndef SERVE_FILES_H
#define SERVE_FILES_H
#include <stdint.h>

struct loop;
struct store;
struct http_exchange;
struct serve_files;
struct serve_urls;

struct serve_files_opts {
	struct loop *loop;
	struct store *store; /* borrowed, as the loop is */
	const struct serve_urls *urls; /* likewise; NULL: URLs have no secret */
	uint64_t wait_ms; /* 0: 20 s */
	unsigned waiting; /* requests that wait at a time; the next gets 503. 0: any number */
	unsigned rate; /* requests a second of one client; 0: as many as it likes */
};

/* Free it after its server. */
struct serve_files *serve_files_new(const struct serve_files_opts *opts);
void serve_files_free(struct serve_files *f); /* NULL is fine */
/* The process ends: what is not here will not come, so that nobody waits for it any more. */
void serve_files_end(struct serve_files *f);
/* An http_handler_fn; arg is the struct serve_files. */
void serve_files_handle(void *arg, struct http_exchange *x);

struct serve_files_stats {
	uint64_t hits, not_modified, partial, not_found, waited, unavailable;
	uint64_t limited; /* 429 */
};
void serve_files_stats(const struct serve_files *f, struct serve_files_stats *out);

#endif
