/*
 * Files from the other replicas: which there are, by the EndpointSlices (discovery.k8s.io/v1) of a
 * Service, and how a file that a status names is fetched from one of them.
 *
 * A replica need not be trusted: what it sends counts when it has the digest that was asked for.
 * `If-Match` asks for these very bytes, `Prefer: wait=0` (RFC 7240 section 4.3) for an answer at
 * once: it may be waiting for us. The file comes slice by slice (Range), so memory is flat. One
 * that does not answer is not asked for a while; one that takes too long is asked last, until it
 * has answered in time, and not for a while when that goes on. Who leads comes first, then the
 * others in an order of their own each time. Milliseconds. Loop thread.
 *
 *	struct op *op = peers_fetch_start(peers, &(struct peers_req){.store = store,
 *		.path = "ocirepository/apps/web/sha256:....tar.gz", .digest = &digest, .size = n,
 *		.owner = "apps"});
 *	... done, no error: peers_temp(op) has a large file's bytes, peers_mem(op) a small one's
 */
#ifndef SOURCE_PEERS_H
#define SOURCE_PEERS_H
#include "base/buf.h"
#include "crypto/digest.h"

#include <stdbool.h>
#include <stdint.h>

struct http_client;
struct kube_client;
struct op;
struct peers;
struct serve_urls;
struct store;
struct store_temp;

struct peers_opts {
	struct kube_client *kube;
	struct http_client *http; /* a client of its own: registries that hang take nothing of it */
	const char *ns, *service; /* copied */
	const char *self; /* this Pod's name, which is never asked. Copied */
	/* The secret of URLs, which all replicas have; NULL: they have none. Borrowed. */
	const struct serve_urls *urls;
	/* Who holds the Lease: "POD_...", as kube_lease_holder says it. May be NULL. */
	const char *(*holder)(void *arg);
	void *arg;
};

struct peers *peers_new(const struct peers_opts *opts);
/* Takes no more; its fetches have ended. NULL is fine. */
void peers_stop(struct peers *p);
void peers_free(struct peers *p);
/* Is there anybody who could be asked now? NULL: nobody. */
bool peers_any(const struct peers *p);

struct peers_req {
	struct store *store; /* for a temporary file. Borrowed */
	const char *path; /* of the file in the store. Copied */
	const struct digest *digest; /* of its bytes. Copied */
	uint64_t size; /* as the status says; another one is refused */
	const char *owner; /* in whose line its jobs wait. Copied */
};

struct op *peers_fetch_start(struct peers *p, const struct peers_req *req);
/* Take it, or it is dropped with the op. Without a file: fd is -1. */
struct store_temp *peers_temp(struct op *op);
/* As oci_blob_mem. */
struct buf *peers_mem(struct op *op);

struct peers_stats {
	unsigned known; /* replicas */
	uint64_t fetched, bytes, failed; /* files, their bytes; files that no replica had */
};
void peers_stats(const struct peers *p, struct peers_stats *out);

#endif
