/*
 * Who may call a Receiver, and what his call says: the thirteen types of
 * notification.toolkit.fluxcd.io/v1, without Kubernetes. A call is checked as Flux's
 * notification-controller does it: a path that only the sender knows, a shared token, a signature
 * over the body (HMAC), or a JSON web token whose keys the issuer publishes; then the body has to
 * be what the type sends.
 *
 * Every check is an op, that of a type which needs no question too, so a caller has one way. Small
 * bodies are read on the loop, larger ones by a worker. The op succeeds whatever the verdict is; it
 * fails only when it was cancelled. A check holds a copy of the body, and of one that is JSON a
 * tree which may be ten times as large: bound how many there are. Loop thread.
 *
 *	struct hook_spec spec = {.type = hook_type_find("github"), .token = &token};
 *	struct hook_call call = {.header = header, .x = exchange, .body = p, .len = n};
 *	op = hook_check_start(hook, &spec, &call);
 *	... done: v = hook_verdict(op); answer v->status with v->why; v->said == HOOK_FIRE: act
 *	op_free(op);
 */
#ifndef HOOK_HOOK_H
#define HOOK_HOOK_H
#include "base/err.h"
#include "base/secret.h"
#include "base/vec.h"
#include "oci/ref.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct hook;
struct hook_oidc;
struct loop;
struct oci_client;
struct op;

/* One of the types; static. */
struct hook_type {
	const char *name; /* spec.type: "generic", "github", ... */
	bool by_issuer; /* generic-oidc: has providers and no Secret */
	bool by_google; /* gcr: the Secret needs `email` and `audience` too */
	const struct hook_how *how; /* of this module */
};

/* NULL: there is no such type. */
const struct hook_type *hook_type_find(const char *name);

/* What the Receiver says. Borrowed while hook_check_start runs; providers get one more owner. */
struct hook_spec {
	const struct hook_type *type;
	const struct secret *token; /* all but generic-oidc; NULL or empty: nobody may call */
	const char *email, *audience; /* gcr */
	const char *const *events; /* ends with NULL; NULL or empty: all */
	struct hook_oidc *oidc; /* generic-oidc: oidc.h makes it */
	bool filtered; /* there are filters: the verdict's req is wanted, and has to be there */
	const char *owner; /* the namespace, for the share of the workers; may be NULL */
};

/* What came. Borrowed while hook_check_start runs. */
struct hook_call {
	/* The value of a header, whatever the case of its name; NULL: it is not there. */
	const char *(*header)(void *x, const char *name);
	void *x;
	const char *body;
	size_t len;
};

enum hook_said {
	HOOK_FIRE, /* 200 */
	HOOK_QUIET, /* 200, but there is nothing to do: GitHub's ping */
	HOOK_REFUSED, /* 400: not him, or not this event */
	HOOK_BAD, /* 400: it is his, but the body is not what the type sends */
	HOOK_UNREADABLE, /* 500: there are filters, and the body is no JSON object */
	HOOK_UNABLE, /* 503: the issuer does not tell its keys now */
};

/* The payload says that this tag of this repository was pushed. */
struct hook_push {
	struct oci_repo repo; /* host "": the payload does not name it (nexus) */
	char tag[OCI_TAG_MAX + 1];
};

struct hook_verdict {
	enum hook_said said;
	int status;
	/* One line for the body of an answer of 400 and more: never the token, never which part of
	   the credentials matched. "" for 200. Static. */
	const char *why;
	/* For the log only, "" or more than that: the event, what the issuer's server said, which
	   validation failed. Never a credential. */
	char detail[256];
	/* With `filtered` and HOOK_FIRE: an object, what filters see as `req`; all its numbers are
	   reals, as in Go. NULL otherwise. */
	json_t *req;
	json_t *claims; /* generic-oidc with HOOK_FIRE: an object; NULL otherwise */
	VEC(struct hook_push) pushes; /* with HOOK_FIRE; LIMIT_HOOK_PUSHES at most */
};

struct hook_opts {
	struct loop *loop;
	struct oci_client *oci; /* asks the issuers, as it asks whoever is no registry */
	const char *google; /* who issues the tokens of gcr; NULL: https://accounts.google.com */
};

struct hook *hook_new(const struct hook_opts *opts);
/* All its ops must have ended. */
void hook_free(struct hook *h);

/* Everything is copied. */
struct op *hook_check_start(
	struct hook *h, const struct hook_spec *spec, const struct hook_call *call);
/* Of an op that is done and has not failed; borrowed from it. */
const struct hook_verdict *hook_verdict(const struct op *op);
/* Gives back what is large: the copy of the body, and the trees, `req` and `claims` too. */
void hook_check_forget(struct op *op);

#endif
