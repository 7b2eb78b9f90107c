/* A client of lib/kube against a scripted server, on a fake clock. */
#ifndef KUBE_FIXTURE_H
#define KUBE_FIXTURE_H
#include "kube/client.h"
#include "test/fake/tcp_script.h"

#include <check.h>

struct loop;

struct kworld {
	struct loop *l;
	struct tcp_script *s;
	struct kube_client *c;
};

extern struct kworld w;
extern const struct kube_resource REPOS; /* example.com/v1 repos */
extern const struct kube_resource SECRETS;

/* Everything is asked for below this path, which must not get into any message. */
#define BASE "/s3cr3tbase"

void world_begin(const struct tcp_step *script);
/* The same with a token file and a request limit. */
void world_begin_with(const struct tcp_step *script, const char *token_file, unsigned qps);
void world_finish(void);
void until(bool *what);
void until_done(struct op *op);
/* Until the script holds, and some turns more. */
void until_hold(void);
void turns(unsigned n);
/* "HTTP/1.1 STATUS ...\r\nContent-Length..." and the body: lives until the program ends. */
const char *answer(int status, const char *headers, const char *body);
/* One chunk of a chunked body. */
const char *chunk(const char *text);
#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
#define LAST_CHUNK "0\r\n\r\n"

/* {"metadata":{"namespace":"apps","name":NAME,"uid":"u-NAME" or UID,"resourceVersion":RV}} */
const char *obj(const char *name, const char *uid, const char *rv);
/* {"type":TYPE,"object":OBJECT}\n */
const char *event(const char *type, const char *object);
/* A list of these items. */
const char *list(const char *rv, const char *cont, const char *const *items);

#endif
