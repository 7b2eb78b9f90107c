/*
 * Logins at the clouds whose registries give a password only to who shows an identity of theirs:
 * AWS (ECR), Azure (ACR), Google Cloud (Artifact Registry, gcr.io). What comes of a login is the
 * "user:password" that the registry, or its token server, is shown.
 *
 * Two things are kept, each with one flight for all who wait: the access token of an identity, and
 * the registry's password that was made with it (cache.h). They are renewed before they end. Whose
 * identity it is: the controller's own, found by the environment as the cloud's own libraries find
 * it (env.h), or a ServiceAccount's, by a token that Kubernetes makes for it.
 *
 * Errors: ERR_RETRY, or ERR_WAIT when the cloud asks to slow down; the message names the provider,
 * the source of the identity, the host that was asked, and the cloud's own code and words, never a
 * token. Loop thread; files are read on workers.
 */
#ifndef CLOUD_CLOUD_H
#define CLOUD_CLOUD_H
#include "base/err.h"
#include "base/secret.h"
#include "cloud/env.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct cloud;
struct http_client;
struct http_proxy;
struct log_ctx;
struct loop;
struct op;

enum cloud_provider { CLOUD_AWS, CLOUD_AZURE, CLOUD_GCP, CLOUD_PROVIDERS };

/* "aws", "azure", "gcp". False: it is none of them. */
bool cloud_provider_parse(const char *name, enum cloud_provider *out) must_check;
const char *cloud_provider_name(enum cloud_provider provider);

/* What a login looked up and found at hand, or not: two lookups, of which the second is spared when
   the first finds something. */
struct cloud_lookups {
	unsigned hits, misses;
};

struct cloud_opts {
	struct loop *loop;
	struct http_client *http;
	const struct cloud_env *env; /* copied */
	size_t cache_max; /* what is kept at a time; 0: nothing beyond one run */
	uint64_t max_life_ms; /* nothing is kept for longer; 0: LIMIT_CLOUD_LIFE_MS */
	/* A login has ended; who: the log of what waited for it, NULL when nothing does. Not called
	   without a cache. NULL: nobody counts. */
	void (*looked_up)(const struct log_ctx *who, struct cloud_lookups n);
};

struct cloud *cloud_new(const struct cloud_opts *opts);
/* All ops must have ended; flights that nobody waits for need turns of the loop after
   cloud_stop. */
void cloud_stop(struct cloud *c);
void cloud_free(struct cloud *c); /* NULL is fine */

/* The annotations of a ServiceAccount that say whose identity it is; NULL behind the last. */
extern const char *const cloud_account_keys[];

/* A ServiceAccount whose identity is used. Reference counted by its maker, who embeds it. */
struct cloud_account {
	void (*ref)(struct cloud_account *a);
	void (*unref)(struct cloud_account *a);
	const char *ns, *name, *uid;
	const json_t *annotations; /* of the ServiceAccount; NULL: it has none */
	size_t size; /* bytes that it holds */
	/* A token of the ServiceAccount for this audience, made by Kubernetes (TokenRequest). */
	struct op *(*token_start)(struct cloud_account *a, const char *audience);
	const struct secret *(*token_result)(struct op *op); /* borrowed from the op */
};

/* Whose login, and by which way it goes. All is borrowed by a start, which copies. */
struct cloud_who {
	enum cloud_provider provider;
	struct cloud_account *account; /* NULL: the controller's own identity */
	const struct http_proxy *proxy; /* the object's own; NULL: as the environment says */
};

/* The password for a registry ("host" or "host:port", as the URL has it). All of it takes
   timeout_ms at most. */
struct op *cloud_login_start(
	struct cloud *c, const struct cloud_who *who, const char *host, uint64_t timeout_ms);
/* "user:password" of a successful op; borrowed from it. */
const struct secret *cloud_login_result(const struct op *op);
/* The registry refused this password: the next login gets another one, if there is any to be had
   (frame.h). True: it may help. False when one was refused just now (LIMIT_CLOUD_REFUSED_MS): it is
   not the password then, and others use it. */
bool cloud_login_refused(struct cloud *c, const struct cloud_who *who, const char *host,
	const struct secret *password);

/* An access token for a service that takes it as it is, and is no registry: of Azure, whose scope
   names it ("GUID/.default"). Kept and renewed as a registry's password is. */
struct op *cloud_token_start(
	struct cloud *c, const struct cloud_who *who, const char *scope, uint64_t timeout_ms);
/* Of a successful op; borrowed from it. */
const struct secret *cloud_token_result(const struct op *op);
/* The service refused it: the next one that asks gets another, unless one was refused just now. */
void cloud_token_refused(struct cloud *c, const struct cloud_who *who, const char *scope,
	const struct secret *token);

/* May this host be asked of this provider at all? 0, or -1 and why not. No request is made. */
int cloud_host_check(struct cloud *c, enum cloud_provider provider, const char *host,
	struct err *err) must_check;

/* For /metrics. */
struct cloud_stats {
	uint64_t succeeded, failed; /* fetches of an access token or a password */
	uint64_t evicted;
	size_t kept; /* now */
};
void cloud_stats(const struct cloud *c, struct cloud_stats *out);
/* Each request that was made: "aws", "sts", and the status; 0: no answer. */
void cloud_requests_each(const struct cloud *c,
	void (*on)(void *arg, const char *provider, const char *what, int code, uint64_t n),
	void *arg);

#endif
