/*
 * What a Kubernetes Secret of any type says of TLS and of a proxy (fluxcd/pkg/runtime/secrets):
 * spec.certSecretRef, spec.proxySecretRef, and the Secret of a Git server. Messages name keys,
 * never a value. What is kept of one has at most LIMIT_PULL_SECRET_KEPT bytes. Any thread.
 */
#ifndef HTTP_SECRET_H
#define HTTP_SECRET_H
#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>

struct http_proxy;
struct http_trust;

/* ca.crt is trusted beside the system's CAs; tls.crt and tls.key show who asks. The names of
   before, caFile, certFile and keyFile, count where the new one is not there. *any: it has one of
   them. -1 (ERR_RETRY): they cannot be read, or do not belong together. */
int http_trust_of_secret(
	struct http_trust *t, const json_t *secret, bool *any, struct err *err) must_check;
/* The proxy `address` (http, https, socks5); `username` and `password` instead of those that the
   address has. -1 (ERR_RETRY): there is none, or it is no such address. */
int http_proxy_of_secret(struct http_proxy *p, const json_t *secret, struct err *err) must_check;

#endif
