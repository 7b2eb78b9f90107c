/*
 * The kind GitRepository (source.toolkit.fluxcd.io/v1): an artifact made of a commit of a Git
 * repository. The framework is lib/ctl and lib/source, Git is lib/git; here stands what is special.
 * Loop thread.
 *
 *	struct controller *c = gitrepository_new(&opts);
 *	controller_start(c);     and on as ctl/controller.h says
 */
#ifndef GITREPOSITORY_GITREPOSITORY_H
#define GITREPOSITORY_GITREPOSITORY_H
#include "crypto/digest.h"
#include "ctl/controller.h"
#include "source/git_login.h"

#include <stdint.h>

struct account;
struct gitc_client;
struct peers;
struct serve_urls;
struct store;

struct gitrepository_opts {
	struct controller_opts controller; /* its env and what is done with it are set here */
	struct git_login_opts login;
	struct gitc_client *git;
	struct store *store;
	struct peers *peers; /* the other replicas; NULL: there are none */
	/* Of artifact URLs: "source-controller.flux-system.svc.cluster.local.", or with a
	   scheme. */
	const char *adv_address;
	const struct serve_urls *urls; /* their secret; NULL: there is none */
	enum digest_algo algo; /* of artifacts; DIGEST_NONE: sha256 */
	struct account *account; /* memory for archives; NULL: none is counted */
	uint64_t max_pack, max_expanded, max_entries; /* 0: lib/base/limits.h */
	uint64_t requeue_dependency_ms; /* how long an include that is not ready is waited for */
};

extern const struct kind gitrepository_kind;

/* Strings are copied, the rest is borrowed. */
struct controller *gitrepository_new(const struct gitrepository_opts *opts);

#endif
