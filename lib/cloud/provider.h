/*
 * What a provider (aws.c, azure.c, gcp.c) is made of, and what the frame of lib/cloud gives it. For
 * the files of lib/cloud only. Loop thread.
 *
 * A login has two exchanges, each cached by itself: `access`, who the identity is in this cloud,
 * and `credential`, what the registry wants for it. Both are tasks that begin with a struct
 * cloud_fetch; the frame has looked at the host before (`place`), and nobody but the frame knows of
 * caches, waiters and Kubernetes.
 */
#ifndef CLOUD_PROVIDER_H
#define CLOUD_PROVIDER_H
#include "base/buf.h"
#include "cloud/cloud.h"
#include "ev/task.h"
#include "http/client.h"

struct azure_env;
struct cloud_cache;
struct flight;
struct gcp_facts;

/* Where a registry stands in its cloud. What a provider does not need stays empty. */
struct cloud_place {
	char region[33]; /* AWS: lower-case letters, digits, '-' */
	char suffix[64]; /* AWS: "amazonaws.com"; Azure: the registry's suffix, "azurecr.io" */
	char api[256]; /* AWS: the host of the ECR API */
	unsigned form; /* what else the provider wants to remember of the host */
};

/* Who asks for what: made once for a login, shared by the tasks of it, never changed after `place`
   but for `asking`. */
struct cloud_ticket {
	unsigned refs;
	struct cloud *cloud;
	const struct cloud_provider_ops *provider;
	struct cloud_account *account; /* NULL: the controller's own */
	struct http_proxy proxy; /* zeroed: as the environment says */
	char *host; /* the registry's, in lower case; with a port only if the URL has one */
	char *scope; /* Azure: what the token is for; NULL: registries */
	struct cloud_place place;
	uint64_t until_ms; /* on clock_ms(): all of it together */
	char asking[256]; /* the host whose answer is waited for; "" */
};

struct cloud_ticket *cloud_ticket_ref(struct cloud_ticket *t);
void cloud_ticket_unref(struct cloud_ticket *t);

/* The frame itself. */
struct cloud {
	struct loop *loop;
	struct http_client *http;
	struct cloud_env env;
	struct cloud_cache *cache;
	void (*looked_up)(const struct log_ctx *who, struct cloud_lookups n); /* or NULL */
	int64_t aws_skew_ms; /* AWS's clock is so much ahead of ours (aws.c) */
	struct azure_env *azure; /* what the machine says besides variables (azure.c) */
	struct gcp_facts *gcp; /* of the GKE cluster, once they are known (gcp.c) */
	struct cloud_tally *tally; /* requests by provider, what and code (ask.c) */
};

/* What an exchange gives. access: AWS has three (key id, key, session token or empty), the others
   one. credential: "user:password". */
struct cloud_secrets {
	struct secret first, second, third;
	int64_t expires_ms; /* on clock_wall_ms(); 0: it does not say */
	/* Access: where it is from, for messages: "web identity of the pod". A constant text. NULL:
	   the account. */
	const char *source;
};

void cloud_secrets_copy(struct cloud_secrets *to, const struct cloud_secrets *from);
void cloud_secrets_clear(struct cloud_secrets *s);

/* Begins the struct of an exchange's task: struct aws_access { struct cloud_fetch fetch; ... }. */
struct cloud_fetch {
	struct task task;
	struct cloud_ticket *ticket; /* own reference */
	struct cloud_secrets got; /* of a success */
	/* The frame's. */
	struct flight *flight; /* who waits for it */
	struct cloud_lookups inner; /* what it looked up on its way */
};

/* In a step of such a task: struct aws_access *a = FETCH(t, struct aws_access); */
#define FETCH(t, type) CONTAINER_OF(t, type, fetch.task)

/* task_init for it; takes a reference to the ticket. free_fn begins with cloud_fetch_clear. */
void cloud_fetch_init(struct cloud_fetch *f, struct cloud_ticket *t, const char *name,
	const struct step *steps, void (*free_fn)(struct task *t));
void cloud_fetch_clear(struct cloud_fetch *f);

struct cloud_provider_ops {
	const char *name; /* "aws" */
	/* What it keeps in struct cloud: once, when that is made, so files may be read here. Both
	   may be NULL. */
	void (*open)(struct cloud *c);
	void (*close)(struct cloud *c);
	/* Reads the host, whole and anchored, into *place. -1: it is no registry of this cloud; the
	   message says what would be one. */
	int (*place)(const struct cloud *c, const char *host, struct cloud_place *place,
		struct err *err);
	/* Appends what the access depends on besides identity and route: AWS the region of STS,
	   Azure authority and scope. May be NULL. */
	void (*access_key)(const struct cloud_ticket *t, struct buf *key);
	/* The same of the credential: AWS the API's host, Azure the registry. */
	void (*credential_key)(const struct cloud_ticket *t, struct buf *key);
	/* Google Cloud: from there on the password is the access token. 0: it is another one. */
	size_t access_at;
	/* Both return a task that begins with a struct cloud_fetch, spawned. Their errors begin
	   with the source of the controller's identity ("web identity of the pod: ..."); the frame
	   names provider and ServiceAccount. */
	struct op *(*access)(struct cloud_ticket *t);
	/* access is borrowed until the call returns. */
	struct op *(*credential)(struct cloud_ticket *t, const struct cloud_secrets *access);
};

extern const struct cloud_provider_ops cloud_aws, cloud_azure, cloud_gcp;

/* ---- one request ----------------------------------------------------------------------------- */

struct cloud_ask {
	const char *what; /* for the counters: "sts", "imds", "container", "ecr", "entra",
			     "exchange", "metadata", "token" (of a key file), "impersonate" */
	const char *method, *url; /* copied, as all of it */
	const struct http_hdr *hdrs;
	const struct secret *bearer; /* NULL: none */
	const void *body;
	size_t body_len;
	/* An endpoint of this machine or link (169.254.0.0/16 and its like): never through a
	   proxy. */
	bool local;
	const struct http_trust *trust; /* borrowed until the op is done; NULL: the system's CAs */
	/* May this address be asked? As of struct http_req, arg is NULL; when none may, it is not
	   asked again. NULL: any may. */
	int (*on_connect)(void *arg, const struct ip *ip, unsigned port, struct err *err);
	/* Does this answer (a status of 400 or more) ask to slow down? NULL: only 429 does. */
	bool (*is_throttled)(const struct http_res *res);
	unsigned tries; /* 0: LIMIT_CLOUD_TRIES */
	uint64_t each_ms; /* for one request; 0: LIMIT_CLOUD_REQUEST_MS */
};

/*
 * Asked again with a pause after no answer, a 5xx, 429 or a throttled one, within the ticket's
 * time. Any answer that is left in the end is a success of the op; without one it fails, and the
 * message names the host and why. At most LIMIT_TOKEN_BODY bytes of a body, wiped when the op is
 * freed.
 */
struct op *cloud_ask_start(struct cloud_ticket *t, const struct cloud_ask *ask);
const struct http_res *cloud_ask_result(const struct op *op);
/* Who was asked, "host" or "host:port", for messages. */
const char *cloud_ask_host(const struct op *op);
/*
 * An answer that is no success, as an error: "'host' answered 403: CODE: TEXT", code and text (NULL
 * or empty: none) cleaned and cut to 300 bytes. ERR_WAIT when it asks to slow down (with
 * Retry-After, or some seconds), else ERR_RETRY. Returns -1.
 */
int cloud_ask_refused(const struct op *op, const char *code, const char *text, struct err *err);
/* The JSON of an answer, within obj_answer; NULL: *err says that it is none. */
json_t *cloud_ask_json(const struct op *op, struct err *err);

/* ---- files and tokens ------------------------------------------------------------------------ */

/* Reads a whole file on a worker; at most max bytes. The path is named in messages. */
struct op *cloud_file_start(struct loop *l, const char *path, size_t max);
/* Of a successful op, borrowed from it, wiped with it. */
const struct buf *cloud_file_result(struct op *op);

/* The account's token for this audience. The error says which ServiceAccount. */
struct op *cloud_account_token_start(struct cloud_ticket *t, const char *audience);
const struct secret *cloud_account_token_result(const struct cloud_ticket *t, struct op *op);
/* An annotation of the account; NULL: not there, or empty. */
const char *cloud_account_annotation(const struct cloud_ticket *t, const char *key);

/* A JSON web token's claims (RFC 7519), its signature unchecked: the cloud does that. */
json_t *cloud_jwt_claims(const char *jwt, size_t len, struct err *err);
/* Adds to the message " (the token has iss '...', sub '...', aud '...')": what people compare by
   hand when an OIDC token is refused. Nothing when it cannot be read. */
void cloud_jwt_tell(struct err *err, const char *jwt, size_t len);

#endif
