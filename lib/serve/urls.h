/*
 * Artifact URLs that cannot be guessed. While there is a secret, the path of a URL is
 * "/<element>/<path>": path is that of the store, and the element its HMAC-SHA256 with the secret,
 * in lower-case hex. So a URL opens one file, or one `latest` link; whoever knows it learns nothing
 * of others. `printf %s PATH | openssl dgst -sha256 -hmac SECRET` gives the same.
 *
 * Secrets are the lines of a file (lib/ev/reread.h), LIMIT_URL_SECRETS at most. New URLs are made
 * with the first one, the others open those that were made before. Lines end with LF or CRLF; empty
 * ones do not count. Errors say which line is meant and never what is in it. Loop thread.
 *
 *	u = serve_urls_new();
 *	w = serve_urls_file(loop, u, "/etc/secret/urls", err);
 *	reread_on_taken(w, ...);	what names URLs has to be written again
 */
#ifndef SERVE_URLS_H
#define SERVE_URLS_H
#include "base/err.h"
#include "crypto/digest.h"
#include "store/path.h"

#include <stdbool.h>

struct loop;
struct reread;
struct serve_urls;

#define SERVE_URL_PATH_MAX (DIGEST_HEX_MAX + STORE_PATH_MAX)

/* Without a secret. It outlives what serve_urls_file returned. */
struct serve_urls *serve_urls_new(void);
void serve_urls_free(struct serve_urls *u); /* NULL is fine */
/* Takes the secrets of a file, and goes on doing so. NULL with *err: it has none that can be used
   now. */
struct reread *serve_urls_file(
	struct loop *l, struct serve_urls *u, const char *file, struct err *err) must_check;

/* Is there a secret? Then URLs are for those who read the status, and are shown nowhere else. */
bool serve_urls_secret(const struct serve_urls *u);
/* What stands behind the host in the URL of a path of the store, without the first slash. Returns
   out. */
char *serve_urls_path(const struct serve_urls *u, const char *path, char out[SERVE_URL_PATH_MAX]);
/* The path of the store in what a request asks for; NULL: there is no element, or none of a path
   that it opens. In constant time for all elements. */
const char *serve_urls_open(const struct serve_urls *u, const char *asked);
/* Does a URL end as one of that path does today? Whatever stands before that. */
bool serve_urls_current(const struct serve_urls *u, const char *url, const char *path);

#endif
