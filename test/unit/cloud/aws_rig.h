/*
 * All endpoints of AWS on one loopback server that answers what the test tells it to, and notes
 * what it was asked; and whole logins against it. The clock stands still but for what a
 * login waits for.
 */
#ifndef UNIT_CLOUD_AWS_RIG_H
#define UNIT_CLOUD_AWS_RIG_H
#include "base/buf.h"
#include "base/vec.h"
#include "cloud/cloud.h"

#include <stdbool.h>
#include <stdint.h>

#define RIG_NOW 1769896200000LL /* 2026-01-31T21:50:00Z */
#define RIG_HOST "123456789012.dkr.ecr.eu-west-1.amazonaws.com"

/* The keys that the answers below give, and what signs with them. */
#define RIG_ID "ASIAOCISOURCETEST002"
#define RIG_KEY "secret+key/0002"
#define RIG_TOKEN "session//token=="

struct rig_answer {
	const char *method, *path;
	unsigned times; /* 0: for ever */
	int status; /* 0: 200 */
	const char *header, *value; /* one more; NULL: none */
	const char *body;
	bool silent; /* no answer at all */
};

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct http_server *server;
	struct cloud *cloud;
	struct cloud_env env; /* to be set before the first login */
	struct cloud_who who;
	VEC(struct rig_answer) answers;
	struct buf log; /* a line a request: method, path, headers that count, body */
	const char *key; /* what ECR's requests have to be signed with */
	unsigned silent; /* requests that are held */
	char *dir; /* for files */
	struct fake_dns *dns; /* NULL: none */
};

/* The variables of the endpoints are set: /sts, /ecr, /ecr-public, /imds. */
void rig_init(struct rig *r);
void rig_clear(struct rig *r);

/* "http://127.0.0.1:PORT" and path; free it. */
char *rig_url(const struct rig *r, const char *path);
void rig_on(struct rig *r, struct rig_answer a);
/* STS and ECR answer well, IMDS and the container's agent too. */
void rig_well(struct rig *r);
/* A file of the test; free the path. */
char *rig_file(struct rig *r, const char *name, const char *text);
/* A whole login: NULL when it went well ("password" holds it), else what was wrong. */
const char *rig_login(struct rig *r, const char *host);
extern char rig_password[256];
extern struct err rig_err;
/* Fails the test unless the last login says each of the words, and none of what is secret. */
void rig_failed(struct rig *r, const char *host, const char *says);
void rig_ok(struct rig *r, const char *host);
/* What was asked, and begins anew. */
void rig_log_is(struct rig *r, const char *want);
/* How often a line of the log begins so. */
unsigned rig_count(const struct rig *r, const char *beginning);

/* A ServiceAccount "apps/NAME" with one annotation (NULL: none), whose token is "jwt-of-NAME". */
struct rig_account {
	struct cloud_account account;
	char *name;
	json_t *annotations;
	struct loop *loop;
	unsigned refs, tokens;
	char audience[64];
	bool refuse; /* no token is made */
};
void rig_account(struct rig *r, struct rig_account *a, const char *name, const char *role);
void rig_account_clear(struct rig_account *a);

#endif
