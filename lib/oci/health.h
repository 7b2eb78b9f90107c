/*
 * Does a host answer, and until when does it want to be left alone? A dead registry or token server
 * must cost its users one request at a time, not one for each object: a record for each host says
 * what to expect, before anything is sent.
 *
 * - unproven: has not answered yet. Its first failure makes it down.
 * - up: has answered. Any answer does that, whatever its status. After three failures in a row
 *   without an answer we ask ourselves; it is down when that probe has failed, too.
 * - down: requests fail at once with what went wrong last, and a probe of our own looks whether it
 *   is back, after a pause of 1 s that doubles up to 40 s, while anybody asks for it.
 *
 * A failure is a request that ended without an answer: refused, reset, a name that does not
 * resolve, TLS, time. Objects choose timeouts, repositories, CAs and credentials, and no object
 * must be able to make a host look dead to the others: so it is the probe that decides, and it
 * holds nothing of any object's. Of a host that has not answered silence counts after
 * LIMIT_SILENCE_MS only. A request through an object's own proxy stands aside: it is never refused,
 * its failures are the proxy's, and its answer proves a host that nobody else has reached, no more.
 *
 * Probes are LIMIT_PROBES at a time; when there are more the oldest gives way, after a second.
 *
 * A passing failure is worth another try within the call (again.h) at a host that is well
 * otherwise: when the tries of one call were all in vain the host is ailing, and nobody repeats
 * anything until it has answered well. So an outage costs one request a question, and no one's
 * place for long.
 *
 * "Not before" (Retry-After) is kept for each host and identity (a token server's for the registry
 * that named it): until then that identity's requests fail with the answer's own words.
 *
 * A record's key is host and `insecure`: an object that does not verify TLS says nothing about the
 * others. A token server's is the registry that named it, too, and the realm: a URL that one
 * registry made up speaks for that registry alone. Texts hold no number that changes and no name of
 * an object, since they end in conditions of everybody who uses the host. Loop thread.
 *
 *	struct oci_health_key key = {.host = repo.host, .insecure = repo.insecure};
 *	if (oci_pass_take(health, &key, false, &q->pass, &err))
 *		... it is down: the request fails with err ...
 *	... oci_pass_answered(&q->pass), or oci_pass_failed(&q->pass, &err) ...
 *	oci_pass_release(&q->pass);      always, also after a cancel
 */
#ifndef OCI_HEALTH_H
#define OCI_HEALTH_H
#include "base/err.h"
#include "http/guard.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct oci_health;
struct oci_health_host;
struct op;

enum oci_host_state { OCI_HOST_UNPROVEN, OCI_HOST_UP, OCI_HOST_DOWN };

struct oci_health_key {
	const char *host; /* "ghcr.io", "127.0.0.1:5000": as ref.h and url.h write it */
	bool insecure;
	const char
		*realm; /* of a token server that this registry named; NULL: the registry itself */
	struct http_hop hop; /* to the realm */
};

/* One request's leave to ask. Zeroed: none. Lives in the request. */
struct oci_pass {
	struct oci_health_host *host;
	uint64_t since_ms;
	bool answered;
	bool aside; /* on a way of its own */
};

/* For who looks from outside. Host and role together are unique. */
struct oci_host_info {
	const char *host;
	const char *role; /* "registry", or "registry-insecure" for spec.insecure */
	bool proven; /* it has answered, or failed */
	bool up;
	unsigned in_flight; /* requests */
};

/* Counts what is refused in *refused; borrowed. */
struct oci_health *oci_health_new(struct loop *l, uint64_t *refused);
/* No host is ever down: for a program that asks once and ends. */
void oci_health_off(struct oci_health *h);
/* How to ask a host ourselves: fn starts an op that succeeds if there is any answer. Before
   anything is asked. */
void oci_health_probe_with(struct oci_health *h,
	struct op *(*fn)(void *arg, const struct oci_health_key *key), void *arg);
/* Ends the probes and begins none; they need turns of the loop. */
void oci_health_stop(struct oci_health *h);
/* All passes must have been released, and all probes have ended. */
void oci_health_free(struct oci_health *h);

/* aside: through an object's own proxy. -1 (ERR_RETRY, the code of the last failure): the host is
   down. */
int oci_pass_take(struct oci_health *h, const struct oci_health_key *key, bool aside,
	struct oci_pass *pass, struct err *err) must_check;
/* The host itself answered: once the headers are there. Safe inside callbacks of the HTTP client.
   */
void oci_pass_answered(struct oci_pass *pass);
/* It did not. When that makes the host down, *err becomes what the refused ones are told: so that
   all conditions agree, and stay as they are. */
void oci_pass_failed(struct oci_pass *pass, struct err *err);
/* May this call ask again after a passing failure? */
bool oci_pass_may_repeat(const struct oci_pass *pass);
/* It was answered well, or asked again in vain. */
void oci_pass_well(struct oci_pass *pass, bool well);
void oci_pass_release(struct oci_pass *pass);

/* -1 (ERR_HELD with the time that is left): this identity was told to come back later. */
int oci_health_held(struct oci_health *h, const struct oci_health_key *key, uint64_t identity,
	struct err *err) must_check;
/* Keeps an ERR_WAIT, as the host said it; other kinds are not kept. */
void oci_health_hold(struct oci_health *h, const struct oci_health_key *key, uint64_t identity,
	const struct err *err);

/* Of a host without a record: unproven. */
enum oci_host_state oci_health_state(struct oci_health *h, const struct oci_health_key *key);
/* fn is told from the loop, soon, that a registry's state has changed, or that a token server which
   it named is back. NULL: nobody is. */
void oci_health_on_change(struct oci_health *h, void (*fn)(void *arg, const char *host), void *arg);
/* All registries, no token servers; at most LIMIT_REGISTRY_HOSTS. */
void oci_health_each(
	struct oci_health *h, void (*fn)(void *arg, const struct oci_host_info *info), void *arg);

#endif
