/*
 * AWS, for the files aws*.c only: what their exchanges share. A login takes `access`, keys of AWS
 * from the first source that is configured (aws_sources.c), and `credential`, the registry's
 * password that ECR gives whoever signs with them (aws_ecr.c). Loop thread.
 */
#ifndef CLOUD_AWS_H
#define CLOUD_AWS_H
#include "cloud/provider.h"
#include "http/client.h"
#include "http/url.h"

/* place.form */
enum { AWS_PUBLIC = 1 /* public.ecr.aws */ };

/* ---- places and endpoints (aws_place.c) ------------------------------------------------------ */

/* "place" of the provider. */
int aws_place(const struct cloud *c, const char *host, struct cloud_place *place, struct err *err);

/* Where a request goes. */
struct aws_endpoint {
	char *url;
	char *host; /* as the header Host says it */
	char *path;
	bool local; /* of this machine or link: never through a proxy */
};
#define auto_endpoint __attribute__((cleanup(aws_endpoint_clear)))
void aws_endpoint_clear(struct aws_endpoint *e);
/* As the variable says; when it is not set, the other URL. -1: it is no URL to be used, *err says
   so by the variable's name. */
int aws_endpoint(struct aws_endpoint *e, const struct cloud_env *env, const char *variable,
	const char *fallback, struct err *err) must_check;
/* STS, for a registry there. */
char *aws_sts_url(const struct cloud_env *env, const struct cloud_place *place);
bool aws_is_local(const struct url *u);
bool aws_is_true(const struct cloud_env *env, const char *variable);

/* ---- answers (aws_answer.c) ------------------------------------------------------------------ */

/* What an answer that is no success says: JSON or XML of AWS, or a plain text. "": nothing. */
struct aws_said {
	char *code, *text;
};
#define auto_said __attribute__((cleanup(aws_said_clear)))
void aws_said_read(struct aws_said *said, const struct http_res *res);
void aws_said_clear(struct aws_said *said);
/* An answer that is no success, as cloud_ask_refused. Returns -1. */
int aws_refused(const struct op *op, struct err *err);
/* is_throttled of struct cloud_ask. */
bool aws_is_throttled(const struct http_res *res);

/* Keys of AWS into *got, where they can be used: what goes into a header fits there. expiration is
   of RFC 3339; NULL: there is none. -1: *err names what is missing or malformed, never shows it. */
int aws_keys_take(struct cloud_secrets *got, const char *id, const char *key, const char *token,
	const char *expiration, struct err *err) must_check;
/* From the JSON of a metadata service or a container's. */
int aws_keys_of_json(struct cloud_secrets *got, const json_t *o, struct err *err) must_check;
/* From what STS answers. */
int aws_keys_of_xml(
	struct cloud_secrets *got, const char *data, size_t len, struct err *err) must_check;
/* The password from what ECR answers; an object in place of an array from the public one. */
int aws_password_of_json(
	struct cloud_secrets *got, const json_t *o, bool is_public, struct err *err) must_check;

/* Does the answer's Date differ so much from that time that AWS refuses what is signed with it?
   *at: what Date says. False when there is none. */
bool aws_differs(const struct http_res *res, int64_t wall_ms, int64_t *at);

/* ---- exchanges ------------------------------------------------------------------------------- */

/* Begins the struct of each exchange. */
struct aws_fetch {
	struct cloud_fetch fetch;
	struct http_trust trust; /* AWS_CA_BUNDLE, when there is one */
};
void aws_fetch_clear(struct aws_fetch *f);
/* The rows of AWS_CA_BUNDLE: nothing is done when it is not set. */
enum step_ret aws_ca_start(struct task *t);
enum step_ret aws_ca_resume(struct task *t);
/* Fails the task: the source of the identity stands before what *err says. NULL: it is an
   account's, which the frame names. */
enum step_ret aws_fail(struct cloud_fetch *f, const char *source, const struct err *err) must_check;

/* The controller's own identity, from the first source that is configured, or the account's. */
struct op *aws_access(struct cloud_ticket *t);
/* The single sources. A task that begins with a struct cloud_fetch. */
struct op *aws_sts_start(struct cloud_ticket *t);
struct op *aws_container_start(struct cloud_ticket *t);
struct op *aws_imds_start(struct cloud_ticket *t);

struct op *aws_ecr_start(struct cloud_ticket *t, const struct cloud_secrets *access);

#endif
