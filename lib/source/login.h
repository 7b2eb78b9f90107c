/*
 * As whom an object asks a registry, whom it trusts and by which way. For the rows of any kind that
 * asks one. Loop thread.
 *
 * With a provider and no pull Secret for the registry, it is a cloud that gives the password, to
 * the ServiceAccount or to the controller itself (provider.h).
 *
 * Secrets and a ServiceAccount become an identity, which is kept for the tokens that it got while
 * something vouches for it (ctl/depends.h), and shared by all objects that name the same ones.
 * Whatever vouches: a refusal by the registry makes the run read them again.
 */
#ifndef SOURCE_LOGIN_H
#define SOURCE_LOGIN_H
#include "ctl/depends.h"
#include "ctl/run.h"

#include <stdbool.h>
#include <stdint.h>

struct kube_resource;
struct login_read;
struct oci_identity;
struct registry_env;

/* What a kind's `depends` has to begin with. */
#define LOGIN_DEPENDS &login_secrets, &login_service_accounts
extern const struct kube_resource login_secrets, login_service_accounts;

/* What an object's spec names; NULL: not given. Borrowed. */
struct login_refs {
	/* Where they are: of an object that asks as another one does. NULL: the run's own. */
	const char *ns;
	const char *secret; /* a pull Secret */
	const char *service_account; /* whose imagePullSecrets count, too */
	const char *cert; /* a Secret with CAs, a client certificate */
	const char *proxy; /* a Secret with the address of a proxy */
	const char *provider; /* "aws", "azure", "gcp"; anything else: one that is not known */
	bool cloud_only; /* with a provider pull Secrets of the ServiceAccount do not count */
};

/* For a kind's depends_each. */
void login_depends_each(const struct login_refs *refs, kind_ref_fn on, void *arg);

/* As whom a run asks. In the kind's run, zeroed. */
struct login {
	struct login_refs refs;
	uint64_t timeout_ms; /* for reading each of them */
	struct oci_identity *identity;
	bool has_static; /* there is at least one pull Secret, whatever is in it */
	bool read; /* by this run; else it was kept */
	struct depends_parts parts; /* what it was built of */
	struct login_read *reading; /* what was read so far */
};

void login_clear(struct login *l);

/* What a row of the kind does, begun again (STEP_AGAIN) until all is read: refs and timeout_ms are
   set. Fails with AuthenticationFailed; `url` is for messages. */
enum step_ret login_start(
	struct run *r, struct login *l, const struct registry_env *env) must_check;
enum step_ret login_resume(
	struct run *r, struct login *l, const char *url, const struct registry_env *env) must_check;
/* What an exit row does: when what was kept is refused, all is read, and if it has changed, the run
   counts for nothing and the next one comes at once. */
enum step_ret login_reread_start(
	struct run *r, struct login *l, const struct registry_env *env) must_check;
enum step_ret login_reread_resume(
	struct run *r, struct login *l, const struct registry_env *env) must_check;
/* May its provider be asked for this registry ("host" or "host:port")? What is wrong is known
   before any request. Fails with FeatureGateDisabled, which stalls, or AuthenticationFailed. */
enum step_ret login_check_provider(struct run *r, const struct login *l, const char *host,
	const struct registry_env *env) must_check;

#endif
