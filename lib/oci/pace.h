/*
 * How many requests an identity has left at a registry, by what its answers say (rate.h), and who
 * waits when that is little: so that a registry is slowed down for before it says 429.
 *
 * There is a record for each host, `insecure` and identity, as for Retry-After (health.h). What is
 * on its way counts as used. While more than a tenth of the limit is left nobody waits. Below that
 * who is patient, a check that the object can do without for a while, is let through only now and
 * then, spread over the rest of the window; the others go on. When nothing is left all wait for the
 * end of the window, if that is known and not farther than LIMIT_PACE_WAIT_MS; else the registry
 * says itself what it wants.
 *
 * Not every request counts: at Docker Hub a manifest does that is fetched, and one that is only
 * asked for with HEAD does not. A kind of request whose answers showed three times in a row that
 * nothing was taken for them, or that say nothing of what is left, waits for nobody and is not
 * counted. A registry that never says what is left is asked as it always was.
 *
 * When the window is over all of the limit is taken to be there again, until an answer says
 * otherwise. A window without a known end is no reason to wait. Loop thread.
 *
 *	if (oci_pace_take(paces, &key, identity, OCI_KIND_HEAD, true, &pass, &err))
 *		... err is ERR_HELD with code OCI_PACED, and says how long to wait ...
 *	... answered: oci_pace_heard(&pass, has_rate ? &rate : NULL) ...
 *	oci_pace_release(&pass);      always, also after a cancel
 */
#ifndef OCI_PACE_H
#define OCI_PACE_H
#include "base/err.h"
#include "base/lru.h"
#include "oci/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct oci_health_key;
struct oci_pace;
struct oci_rate;

/* The err->code of a request that was not sent because too few are left. */
#define OCI_PACED 21

/* One request's leave. Zeroed: none. Lives in the request. */
struct oci_pace_pass {
	struct oci_pace *pace;
	enum oci_kind kind;
	bool counted; /* among those on their way */
};

/* At most LIMIT_REGISTRY_HOSTS records, and those in use. */
void oci_paces_init(struct lru *paces);
int oci_pace_take(struct lru *paces, const struct oci_health_key *key, uint64_t identity,
	enum oci_kind kind, bool patient, struct oci_pace_pass *pass, struct err *err) must_check;
/* The registry has answered; rate NULL: it does not say what is left. */
void oci_pace_heard(struct oci_pace_pass *pass, const struct oci_rate *rate);
void oci_pace_release(struct oci_pace_pass *pass);

/* Of each host whose answers say it what is left: the least of its identities. Of
   LIMIT_REGISTRY_HOSTS_COUNTED hosts at most, those that were asked last. */
void oci_paces_each(const struct lru *paces,
	void (*fn)(void *arg, const char *host, uint64_t remaining), void *arg);

#endif
