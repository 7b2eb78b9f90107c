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
 * says `Prefer: wait=SECONDS` (RFC 7240 section 4.3) waits no longer than that. Loop thread.
 *
 *	struct serve_files *f = serve_files_new(loop, store, 0);
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

/* wait_ms 0: 20 s. Both borrowed; free it after its server. */
struct serve_files *serve_files_new(struct loop *l, struct store *store, uint64_t wait_ms);
void serve_files_free(struct serve_files *f); /* NULL is fine */
/* An http_handler_fn; arg is the struct serve_files. */
void serve_files_handle(void *arg, struct http_exchange *x);

struct serve_files_stats {
	uint64_t hits, not_modified, partial, not_found, waited, unavailable;
};
void serve_files_stats(const struct serve_files *f, struct serve_files_stats *out);

#endif
