/*
 * What any kind whose objects have an artifact works with. A kind's own env begins with struct
 * source_env. Loop thread.
 */
#ifndef SOURCE_ENV_H
#define SOURCE_ENV_H
#include "base/list.h"
#include "crypto/digest.h"
#include "ctl/controller.h"

#include <stdbool.h>
#include <stdint.h>

struct account;
struct peers;
struct public_root;
struct rules_file;
struct serve_urls;
struct store;
struct trust_file;

/* How a kind says what all of them say. */
struct source_words {
	const char *named_by; /* what stands before a revision in ArtifactInStorage: "digest" */
	const char *fetch_failed; /* the reason of an artifact that is not to be had any more */
	bool latest; /* status.url names the latest one */
};

struct source_env {
	const struct source_words *words;
	struct store *store;
	struct peers *peers; /* the other replicas; NULL: none are known of */
	struct account *account; /* memory for layers; NULL: none is counted */
	/* Of artifact URLs: "source-controller.flux-system.svc.cluster.local.", or with a
	   scheme. */
	char *adv_address;
	const struct serve_urls *urls; /* their secret; NULL: there is none */
	const struct trust_file *trust; /* whom the operator trusts; NULL: nobody is named ... */
	struct public_root *public_root; /* ... and this one counts */
	const struct rules_file *rules; /* what the operator wants to be signed; NULL: nothing */
	enum digest_algo algo; /* of artifacts */
	uint64_t max_expanded, max_entries; /* 0: lib/base/limits.h */

	/* The looks at files before the first runs of their objects (look.h). */
	struct list look_line;
	unsigned looks; /* in flight */
};

#define SOURCE_ENV(c) ((struct source_env *)(c)->opts.env)

/* Zeroed members are set; adv_address is copied. The store waits for the list. */
void source_env_init(struct source_env *e, const char *adv_address);
/* The first list of the kind's objects is complete. */
void source_env_listed(struct source_env *e);
void source_env_clear(struct source_env *e);

#endif
