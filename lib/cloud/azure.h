/*
 * The inside of Azure's provider: azure.c walks the exchanges, azure_sources.c says which identity
 * it is and what is sent for it. Formats: Microsoft's "OAuth 2.0 client credentials flow" (v2.0),
 * "How to use managed identities ... to acquire an access token", and the documentation of
 * azure/acr ("AAD-OAuth.md"). Loop thread.
 */
#ifndef CLOUD_AZURE_H
#define CLOUD_AZURE_H
#include "cloud/provider.h"

#define AZURE_TENANT_KEY "azure.workload.identity/tenant-id"
#define AZURE_CLIENT_KEY "azure.workload.identity/client-id"
/* Of the token that Kubernetes makes for a ServiceAccount. */
#define AZURE_ACCOUNT_AUDIENCE "api://AzureADTokenExchange"
/* Who every token of ACR says to be. */
#define AZURE_ACR_USER "00000000-0000-0000-0000-000000000000"

/* What the process finds besides variables, once. */
struct azure_env {
	bool named; /* AZURE_ENVIRONMENT_FILEPATH is set */
	struct err err; /* why that file cannot be used */
	char *suffix; /* of its registries, without a dot before; NULL: it names none */
	char *endpoint; /* its resourceManagerEndpoint */
	bool arc; /* an agent of Azure Arc is installed */
};

struct azure_env *azure_env_new(const struct cloud_env *env);
void azure_env_free(struct azure_env *e); /* NULL is fine */
/* The file's text. -1: *err says what is missing. */
int azure_env_parse(struct azure_env *e, const char *text, size_t len, struct err *err) must_check;

enum azure_source {
	AZURE_ACCOUNT, /* a ServiceAccount's token */
	AZURE_SECRET,
	AZURE_FEDERATED, /* a token in a file */
	AZURE_APP_SERVICE,
	AZURE_IMDS, /* the node's metadata service */
};

struct azure_login {
	enum azure_source source;
	const char *name; /* for messages, constant; NULL: the account's */
	/* Borrowed from the environment or the account. A managed identity has no tenant, and a
	   client only when one is named. */
	const char *tenant, *client;
};

/* The first that is configured; nothing else is tried when it fails. -1: it is not built, or what
   it needs is missing or malformed; the message names variable or annotation. */
int azure_login_choose(
	const struct cloud_ticket *t, struct azure_login *login, struct err *err) must_check;

/* What the access token is for: "https://containerregistry.azure.net/.default", or the ticket's. */
void azure_scope(const struct cloud_ticket *t, struct buf *out);
/* "https://login.microsoftonline.com", without a slash behind it. -1: AZURE_AUTHORITY_HOST cannot
   be used. */
int azure_authority(const struct cloud_ticket *t, struct buf *out, struct err *err) must_check;
int azure_entra_url(const struct cloud_ticket *t, const struct azure_login *login, struct buf *url,
	struct err *err) must_check;
/* secret: the assertion, or that of AZURE_CLIENT_SECRET. */
void azure_entra_form(const struct cloud_ticket *t, const struct azure_login *login,
	const char *secret, struct buf *form);
/* Of a managed identity. */
void azure_managed_url(
	const struct cloud_ticket *t, const struct azure_login *login, struct buf *url);

void azure_exchange_url(const char *host, struct buf *url);
void azure_exchange_form(const char *host, const char *access_token, struct buf *form);
/* The answer: "user:password" for the registry, and when it ends. */
int azure_exchange_read(
	const json_t *answer, struct cloud_secrets *got, struct err *err) must_check;

#endif
