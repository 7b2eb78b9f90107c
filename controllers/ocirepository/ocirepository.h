/*
 * The kind OCIRepository (source.toolkit.fluxcd.io/v1): an artifact made of a layer of an OCI
 * image. The framework is lib/ctl and lib/source; here stands what is special. Loop thread.
 *
 *	struct controller *c = ocirepository_new(&opts);
 *	controller_start(c);     and on as ctl/controller.h says
 */
#ifndef OCIREPOSITORY_OCIREPOSITORY_H
#define OCIREPOSITORY_OCIREPOSITORY_H
#include "crypto/digest.h"
#include "ctl/controller.h"
#include "source/registry.h"

#include <stdint.h>

struct account;
struct peers;
struct rules_file;
struct serve_urls;
struct store;
struct trust_file;

struct ocirepository_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct registry_opts registry;
	struct store *store;
	struct peers *peers; /* the other replicas; NULL: there are none */
	/* Of artifact URLs: "source-controller.flux-system.svc.cluster.local.", or with a
	   scheme. */
	const char *adv_address;
	const struct serve_urls *urls; /* their secret; NULL: there is none */
	const struct trust_file *trust; /* --sigstore-trusted-root; NULL: there is none */
	const struct rules_file *rules; /* --verification-rules; NULL: there are none */
	enum digest_algo algo; /* of artifacts; DIGEST_NONE: sha256 */
	struct account *account; /* memory for layers; NULL: none is counted */
	uint64_t max_blob, max_expanded, max_entries; /* 0: lib/base/limits.h */
};

extern const struct kind ocirepository_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *ocirepository_new(const struct ocirepository_opts *opts);

#endif
