/*
 * The trusted root of the public Sigstore, or of whom the environment names, for objects that name
 * none where the operator has given none: a target of a TUF repository (verify/tuf.h), fetched when
 * the first object needs it and never before, so that a cluster where nobody does calls nobody.
 *
 * Only the first load is waited for, by all who need it together. Then it is looked for again every
 * PUBLIC_ROOT_MS, in the background; what is there counts until there is another one, whatever
 * comes of that. After a failure nobody is asked for a while. What was proven is kept on disk
 * (public_root_kept.h): after a restart it counts at once if it is still good. Loop thread.
 *
 *	p = public_root_new(&(struct public_root_opts){.loop = l, .http = http,
 *		.root = json, .root_len = len, .dir = "/tmp/.sigstore"}, err);
 *	op = public_root_start(p, timeout_ms);
 *	... done, no error: public_root_known(p)
 *	public_root_free(p);      before the last turns of the loop
 */
#ifndef SOURCE_PUBLIC_ROOT_H
#define SOURCE_PUBLIC_ROOT_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUBLIC_ROOT_MS (24 * 60 * 60 * 1000) /* between two refreshes */
#define PUBLIC_ROOT_URL "https://tuf-repo-cdn.sigstore.dev"
#define PUBLIC_ROOT_TARGET "trusted_root.json"

struct http_client;
struct loop;
struct op;
struct public_root;
struct verify_root;

struct public_root_opts {
	struct loop *loop;
	struct http_client *http;
	const char *url; /* of the repository, copied; NULL: PUBLIC_ROOT_URL */
	const char *dir; /* below which files are kept, copied; NULL: nothing is */
	const char *root; /* root.json that all begins with */
	size_t root_len;
	/* Told when there is another one: who failed without it may try again. NULL: nobody. */
	void (*on_taken)(void *arg);
	void *arg;
};

struct public_root_stats {
	uint64_t taken, unchanged, failed; /* refreshes */
	uint64_t age_ms; /* since the last that has not failed */
	bool refreshed; /* there was one */
};

/* NULL: URL or root are none that could be used. Asks nobody. */
struct public_root *public_root_new(
	const struct public_root_opts *opts, struct err *err) must_check;
void public_root_free(struct public_root *p); /* NULL is fine */
/* Borrowed until the next turn of the loop; NULL: none yet. Asks nobody. */
struct verify_root *public_root_known(const struct public_root *p);
/* Waits until there is one. err.code of a failure: 0, what was sent cannot be believed; else nobody
   has answered, or not well. */
struct op *public_root_start(struct public_root *p, uint64_t timeout_ms);
void public_root_stats(const struct public_root *p, struct public_root_stats *out);

#endif
