/* What the files of lib/kube share; nobody else includes this, but tests. */
#ifndef KUBE_INTERNAL_H
#define KUBE_INTERNAL_H
#include "kube/client.h"

/* Who watches needs a uid and a resourceVersion: longer ones than this are garbage. */
#define KUBE_ID_MAX 1024

/* A copy of the caller's resource: its strings are copied too. */
struct kube_resource_copy {
	struct kube_resource r;
	char *text[4];
};
void kube_resource_copy(struct kube_resource_copy *to, const struct kube_resource *from);
void kube_resource_clear(struct kube_resource_copy *c);

/* Appends "/apis/GROUP/VERSION/namespaces/NS/PLURAL/NAME/SUB" with every part percent-encoded; ns,
   name, sub may be NULL. */
void kube_path(struct buf *b, const struct kube_resource *res, const char *ns, const char *name,
	const char *sub);
/* Appends "key=value" to a URL that may or may not have a query yet; the value is encoded. */
void kube_query_add(struct buf *url, const char *key, const char *value);

/* A request to the client's server: auth, trust, proxy and the verb's counter. `path` begins with
   '/', has its query, and comes after the server's base path, which may be a secret and never gets
   into a message. In *req url, display, bearer, basic, trust and proxy are set here. Not limited by
   qps. */
struct op *kube_http_start(
	struct kube_client *c, enum kube_verb verb, const char *path, const struct http_req *req);
/* Counts an answer by its status (0: there was none). */
void kube_http_count(struct kube_client *c, const char *method, int status);

/* Makes an error of an answer that is no success: body is the text of a Status, or anything at all.
   Returns -1. */
int kube_status_err(struct err *err, const char *what, const struct http_res *res);
/* The same of a Status that is parsed already (an ERROR event of a watch). retry_ms: of
   Retry-After, 0: none. */
int kube_status_json_err(
	struct err *err, const char *what, int status, uint64_t retry_ms, const json_t *st);

/* What has been tried for one request. */
struct kube_tries {
	uint64_t end_ms; /* on clock_ms() */
	unsigned waits;
	bool token;
};
/* After an answer: true when the request is to be sent once more, after *wait_ms. */
bool kube_try_again(struct kube_tries *t, struct kube_client *c, enum kube_verb verb,
	const struct http_res *res, uint64_t *wait_ms);

#define KUBE_ACCEPT_META "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
#define KUBE_ACCEPT_META_LIST "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

#endif
