/*
 * The inside of Google Cloud's provider: gcp.c walks the exchanges, gcp_files.c reads what a
 * credential file says, gcp_sources.c makes what is sent. Formats: AIP-4110 to 4117 (how libraries
 * find and use credentials), "Using OAuth 2.0 for server to server applications", the references of
 * the Security Token Service and of IAM Credentials, "Compute metadata". Loop thread, but for what
 * says otherwise.
 */
#ifndef CLOUD_GCP_H
#define CLOUD_GCP_H
#include "cloud/provider.h"

#define GCP_EMAIL_KEY "iam.gke.io/gcp-service-account"
#define GCP_PROVIDER_KEY "gcp.auth.fluxcd.io/workload-identity-provider"
#define GCP_SCOPE_PLATFORM "https://www.googleapis.com/auth/cloud-platform"
#define GCP_SCOPE_EMAIL "https://www.googleapis.com/auth/userinfo.email"

/* Of the GKE cluster that we run in: as its metadata server says. */
struct gcp_facts {
	char *project, *location, *cluster; /* NULL: not asked yet */
};

enum gcp_kind {
	GCP_METADATA, /* the metadata server gives an access token */
	GCP_KEY, /* signed with the key of a service account */
	GCP_USER, /* a user's refresh token */
	GCP_EXTERNAL, /* another issuer's token is exchanged */
};

/* How an access token is come by: read of a credential file, or of a ServiceAccount's
   annotations. Zeroed: the metadata server's. */
struct gcp_plan {
	enum gcp_kind kind;
	const char *source; /* for messages, constant; NULL: the account's */
	char *token_url; /* of all but GCP_METADATA */
	/* GCP_KEY */
	char *email, *key_id; /* key_id may be NULL */
	struct secret key; /* PEM */
	/* GCP_USER; GCP_EXTERNAL: how we say who we are, id NULL: we need not */
	char *client_id;
	struct secret client_secret, refresh_token;
	/* GCP_EXTERNAL: whose token, for whom it is exchanged */
	char *audience, *subject_type, *user_project;
	char *subject_file, *subject_url; /* both NULL: the account's */
	json_t *subject_headers; /* an object of texts; NULL: none */
	char *subject_field; /* of JSON; NULL: the token is the whole text */
	char *account_audience; /* of the account's token */
	bool gke; /* audience and account_audience are made of the facts */
	/* The token of all that is exchanged for that of a service account; NULL: it is not. */
	char *impersonate_url;
	json_t *delegates; /* an array of texts; NULL: none */
	unsigned lifetime_s;
};
void gcp_plan_clear(struct gcp_plan *p); /* wipes */

/* A credential file: service_account, authorized_user, external_account,
   impersonated_service_account. -1: the message names the field, and shows no value of it that may
   be secret. */
int gcp_plan_read(struct gcp_plan *p, const char *text, size_t len, struct err *err) must_check;
/* The ticket's account. -1: the message names the annotation. */
int gcp_plan_account(struct gcp_plan *p, const struct cloud_ticket *t, struct err *err) must_check;
/* What is to be known of the cluster: fills both audiences. */
void gcp_plan_facts(struct gcp_plan *p, const struct gcp_facts *f);

/* "http://169.254.169.254" or what GCE_METADATA_HOST says. */
int gcp_metadata_base(const struct cloud_env *env, struct buf *url, struct err *err) must_check;
/* The path of the access token, scopes included. */
void gcp_metadata_token_path(struct buf *url);
/* An answer of the metadata server that is a plain text: NULL when it is nothing that an audience
   may be made of. The caller frees it. */
char *gcp_fact_read(const struct buf *body);

/* Header and claims of the JWT that the key's owner signs, "header.claims". */
void gcp_assertion(const struct gcp_plan *p, int64_t now_ms, struct buf *out);
/* Appends ".signature". Any thread; takes milliseconds. */
int gcp_assertion_sign(struct buf *jwt, const struct secret *key, struct err *err) must_check;

/* What token_url is asked with. token: the assertion (GCP_KEY) or the subject's (GCP_EXTERNAL). */
void gcp_token_form(const struct gcp_plan *p, const struct secret *token, struct buf *form);
/* "Basic ..." of client_id and client_secret (GCP_EXTERNAL). Appends nothing without. */
void gcp_client_basic(const struct gcp_plan *p, struct buf *out);
/* The subject's token in a text. */
int gcp_subject_read(const struct gcp_plan *p, const struct buf *text, struct secret *token,
	struct err *err) must_check;

void gcp_impersonate_body(const struct gcp_plan *p, struct buf *body);
int gcp_impersonate_read(
	const json_t *answer, struct cloud_secrets *got, struct err *err) must_check;

#endif
