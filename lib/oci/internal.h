/* What registry.c, the client, and req.c, its requests, share; nobody else includes this. */
#ifndef OCI_INTERNAL_H
#define OCI_INTERNAL_H
#include "base/list.h"
#include "base/lru.h"
#include "base/map.h"
#include "http/guard.h"
#include "oci/health.h"
#include "oci/ref.h"
#include "oci/registry.h"
#include "oci/tally.h"

struct oci_contents;
struct oci_memos;
struct oci_mirrors;
struct oci_tokens;

struct oci_client {
	struct loop *loop;
	struct http_client *http;
	struct account *account;
	struct oci_tokens *tokens;
	struct http_guard guard;
	struct oci_health *health;
	struct oci_memos *memos;
	struct oci_contents *contents;
	struct lru hosts, paces;
	/* on their way, so that others may join (head.h, blob_share.h) */
	struct map heads, blobs;
	uint64_t blob_wants; /* how many have wanted one */
	bool once; /* a program that asks once and ends */
	struct oci_mirrors *mirrors; /* NULL: no rules */
	struct list listeners; /* who is told that a host was found up or down */
	struct oci_stats stats;
	struct oci_tally tally;
};

/* The record of its health. Borrows the repository's texts. */
static inline struct oci_health_key oci_host_key(const struct oci_repo *repo)
{
	return (struct oci_health_key){.host = repo->host, .insecure = repo->insecure};
}

#endif
