#include "git/fetch_key.h"

#include "base/mem.h"
#include "crypto/digest.h"
#include "git/fetch.h"
#include "git/target.h"

/* The wants as a digest: there may be many. Whoever asks for the same has them in the same order,
   that of the refs. */
char *gitc_fetch_key(const struct gitc_fetch_req *req)
{
	auto_free char *target = gitc_target_key(&req->target);
	char text[DIGEST_TEXT_MAX], *key;
	struct digest d;

	digest_mem(&d, DIGEST_SHA256, req->want, req->n_want * sizeof(*req->want));
	key = mem_printf("%s\n%s\n%zu %u %d%d %llu %llu", target, digest_format(&d, text),
		req->n_want, req->depth, req->no_blobs, req->no_trees,
		(unsigned long long)req->max_pack, (unsigned long long)req->max_objects);
	return key;
}

char *gitc_fetch_line(const struct gitc_fetch_req *req)
{
	auto_free char *target = gitc_target_key(&req->target);

	return mem_printf("%s\n%d%d %llu %llu\n%s", target, req->no_blobs, req->no_trees,
		(unsigned long long)req->max_pack, (unsigned long long)req->max_objects,
		req->branch ? req->branch : "");
}
