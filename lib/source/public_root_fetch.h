/*
 * One refresh of a TUF repository over HTTP: asks for what verify/tuf.h wants until that has all,
 * keeps on disk what was proven, and reads the target as a trusted root. Loop thread; proving,
 * reading and writing are done by workers.
 *
 * Redirects are not followed. Proxies are those of the environment. Of an error without an answer,
 * or with one that is none, the code is set as http/client.h says it, or the status; of what cannot
 * be believed it is 0.
 */
#ifndef SOURCE_PUBLIC_ROOT_FETCH_H
#define SOURCE_PUBLIC_ROOT_FETCH_H
#include "base/err.h"

struct http_client;
struct loop;
struct op;
struct verify_root;
struct verify_tuf;

/* Takes t over until public_root_fetch_take gives it back. url without '/' at the end; dir NULL:
   nothing is kept. */
struct op *public_root_fetch_start(struct loop *l, struct http_client *http, const char *url,
	const char *dir, struct verify_tuf *t);
/* Of an op that has ended, well or not. *root: a reference; NULL: it has failed. *kept: why
   something could not be written, kind ERR_NONE: it could. */
struct verify_tuf *public_root_fetch_take(
	struct op *op, struct verify_root **root, struct err *kept);

#endif
