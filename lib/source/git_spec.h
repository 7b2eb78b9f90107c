/*
 * What the spec of a GitRepository (source.toolkit.fluxcd.io/v1) says of where, as whom and which
 * revision: for that kind itself, and for an ImageUpdateAutomation, which works with another
 * object's. The API server has validated it against the CRD, but an object may be older than the
 * schema: everything is checked again here. Loop thread.
 *
 *	struct git_spec s = {0};
 *	if (git_spec_read(&s, obj_get(obj, "spec"), &size, err)) ...
 *	git_spec_clear(&s);
 */
#ifndef SOURCE_GIT_SPEC_H
#define SOURCE_GIT_SPEC_H
#include "base/err.h"
#include "ctl/kind.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: not given. commit counts before name before semver before tag before branch before the
   branch `master`; branch counts with commit, too. */
struct git_ref {
	char *branch, *tag, *semver, *name, *commit;
};

/* What a branch without a name is called. */
#define GIT_REF_DEFAULT_BRANCH "master"

/* A `ref` as GitRepository.spec.ref and ImageUpdateAutomation.spec.git.checkout.ref have it;
   `where` is its name in messages ("ref"). What is copied is added to *size (struct spec). -1
   (ERR_STALL): *err says what is wrong; what could be read is there, for git_ref_clear. */
int git_ref_read(struct git_ref *r, const json_t *from, const char *where, size_t *size,
	struct err *err) must_check;
void git_ref_clear(struct git_ref *r);

struct git_spec {
	char *url; /* "" where there is none */
	struct git_ref ref;
	/* Names of Secrets and of a ServiceAccount; NULL: not given. */
	char *secret, *proxy, *service_account;
	char *provider; /* "aws", "azure", "github"; anything else: one that is not known. NULL:
			   generic */
	int64_t timeout_ms; /* for each exchange */
};

/* As git_ref_read, of the whole spec. */
int git_spec_read(struct git_spec *s, const json_t *spec, size_t *size, struct err *err) must_check;
void git_spec_clear(struct git_spec *s);

/* For a kind's depends_each: what git_login.h reads. Its `depends` begins with LOGIN_DEPENDS. ns
   NULL: of the object's own namespace. */
void git_spec_depends_each(const struct git_spec *s, const char *ns, kind_ref_fn on, void *arg);

#endif
