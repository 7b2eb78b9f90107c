/*
 * spec.oidcProviders of a Receiver: whose tokens it takes, and what their claims have to say. The
 * expressions are kept as text, since compiling the worst of them takes tens of milliseconds: a
 * worker compiles what it evaluates. Loop thread, but for hook_oidc_check and hook_oidc_judge.
 */
#ifndef HOOK_OIDC_H
#define HOOK_OIDC_H
#include "base/err.h"

#include <jansson.h>
#include <stdatomic.h>

#define HOOK_OIDC_AUDIENCE "notification-controller" /* of a provider that names none */

struct hook_oidc;
struct hook_provider;

/* Reads the list. 0, *out has one owner; or -1 (ERR_STALL): the message begins with the path of
   what is wrong, below spec. */
int hook_oidc_new(struct hook_oidc **out, const json_t *providers, struct err *err) must_check;
struct hook_oidc *hook_oidc_ref(struct hook_oidc *o); /* NULL stays NULL */
void hook_oidc_unref(struct hook_oidc *o); /* NULL is fine */

/* Do its expressions compile? 0, also when *stop is set; or -1 (ERR_STALL) as above. Any thread;
   work for a worker. */
int hook_oidc_check(const struct hook_oidc *o, const atomic_bool *stop, struct err *err) must_check;

/* The provider that issues such tokens, NULL: there is none. Borrowed. */
const struct hook_provider *hook_oidc_find(const struct hook_oidc *o, const char *issuer);
const char *hook_provider_issuer(const struct hook_provider *p);
const char *hook_provider_audience(const struct hook_provider *p);
/* Are all its validations true of these claims? 0, or -1 (ERR_RETRY): the messages of those that
   are not, or what could not be evaluated. Any thread; it may take tens of milliseconds. */
int hook_oidc_judge(const struct hook_provider *p, json_t *claims, struct err *err) must_check;

#endif
