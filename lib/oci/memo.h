/*
 * How a repository wants an identity to show itself, learnt from a challenge that was answered
 * well: saves the 401 before every later request. Kept for each repository and not for its host,
 * because one repository's token server is no business of another one. At most LIMIT_CHALLENGES and
 * LIMIT_CHALLENGES_BYTES; the oldest go first. Loop thread.
 */
#ifndef OCI_MEMO_H
#define OCI_MEMO_H
#include "http/guard.h"
#include "oci/auth.h"

#include <stdint.h>

struct oci_memos;
struct oci_repo;

/* What to show. */
struct oci_way {
	enum oci_scheme scheme; /* OCI_AUTH_NONE: nothing */
	const char *realm, *service; /* borrowed until the next call */
	struct http_hop hop; /* to the realm, as the registry stood that named it */
};

struct oci_memos *oci_memos_new(void);
void oci_memos_free(struct oci_memos *m);
/* OCI_AUTH_NONE when nothing is known. */
struct oci_way oci_memo_get(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity);
void oci_memo_set(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity,
	const struct oci_challenge *c, const struct http_hop *hop);
void oci_memo_drop(struct oci_memos *m, const struct oci_repo *repo, uint64_t identity);

#endif
