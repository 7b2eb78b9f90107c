/*
 * An object that asks an OCI registry: under which name its places are counted, and as whom it
 * asks. For the rows and hooks of any kind that does; no artifact is needed. Loop thread.
 *
 * A pull Secret becomes an identity, which is kept for the tokens that it got while something
 * vouches for it (ctl/depends.h). Whatever vouches: a refusal by the registry makes the run read
 * the Secret again. The kind's first depends are Secrets.
 */
#ifndef SOURCE_REGISTRY_H
#define SOURCE_REGISTRY_H
#include "ctl/run.h"

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct oci_client;
struct oci_identity;

struct registry_env {
	struct oci_client *oci;
	struct oci_identity *anonymous;
};

/* As whom a run asks. In the kind's run, zeroed. */
struct registry_login {
	const char *secret; /* its name, or NULL; borrowed */
	uint64_t timeout_ms; /* for reading it */
	struct oci_identity *identity;
	char *version; /* of the Secret that it was built of; NULL: of none */
	bool read; /* by this run; else it was kept */
};

void registry_login_clear(struct registry_login *l);

/* What a row of the kind does: secret and timeout_ms are set. Fails with AuthenticationFailed. */
enum step_ret registry_login_start(
	struct run *r, struct registry_login *l, const struct registry_env *env) must_check;
enum step_ret registry_login_resume(struct run *r, struct registry_login *l) must_check;
/* What an exit row does: when credentials that were kept are refused, the Secret is read, and if it
   has changed, the run counts for nothing and the next one comes at once. */
enum step_ret registry_reread_start(struct run *r, struct registry_login *l) must_check;
enum step_ret registry_reread_resume(struct run *r, struct registry_login *l) must_check;

/* For the hooks of a kind: "ghcr.io|0", because a registry is another one with `insecure`. */
char *registry_host(const char *url, bool insecure);
bool registry_host_proven(const struct registry_env *env, const char *host);
bool registry_host_up(const struct registry_env *env, const char *host);
const char *registry_host_text(const char *host, struct buf *out);

#endif
