/* What the tests of the embedded API share: a running API in a temporary directory, and requests to
   it through lib/http/client. */
#ifndef TEST_EMBEDDED_RIG_H
#define TEST_EMBEDDED_RIG_H
#include "base/buf.h"

#include <check.h>
#include <jansson.h>
#include <stdbool.h>

struct embedded;
struct http_client;
struct loop;
struct op;

struct rig {
	struct loop *loop;
	struct http_client *http;
	struct embedded *api;
	char dir[32], state[48], files[48];
	char base[160]; /* http://127.0.0.1:PORT/SECRET */
	bool with_files;
	/* of the last request */
	int status;
	char warnings[1024]; /* the Warning headers, joined */
};

void rig_start(struct rig *r, bool with_files);
/* The process ends, cleanly, and starts again on the same state. */
void rig_restart(struct rig *r);
void rig_stop(struct rig *r);
/* path begins after the secret, or is a whole URL. type NULL: application/json; accept NULL: none.
   The answer's JSON (caller's), NULL if it has none. */
json_t *rig_call(struct rig *r, const char *method, const char *path, const char *type,
	const char *accept, const char *body);
/* rig_call, and the status must be this; the answer is the caller's. */
json_t *rig_expect(
	struct rig *r, int status, const char *method, const char *path, const char *body);
/* The same and the answer is dropped. */
void rig_do(struct rig *r, int status, const char *method, const char *path, const char *body);
/* Runs the loop until the function says so; fails the test after 10 s. */
void rig_until(struct rig *r, bool (*fn)(void *arg), void *arg);
/* The same for a function that sends requests itself: the loop is not left to wait between two of
   them. */
void rig_poll(struct rig *r, bool (*fn)(void *arg), void *arg);

/* A watch: what it said until now. */
struct rig_watch {
	struct rig *r;
	struct op *op;
	struct buf text;
	bool done;
};
void rig_watch(struct rig *r, struct rig_watch *w, const char *path, const char *accept);
/* Waits until it has said n events and returns the n-th, from 1 (caller's). */
json_t *rig_event(struct rig_watch *w, unsigned n);
unsigned rig_events(const struct rig_watch *w);
void rig_watch_end(struct rig_watch *w);

/* Equal JSON, or the test fails and shows both. */
void same_json(const char *row, const json_t *got, const char *want);
json_t *json_of(const char *text);

#define REPOS "/apis/source.toolkit.fluxcd.io/v1/namespaces/default/ocirepositories"
#define REPO(name, spec) \
	"{\"apiVersion\":\"source.toolkit.fluxcd.io/" \
	"v1\",\"kind\":\"OCIRepository\",\"metadata\":{\"name\":\"" name "\"},\"spec\":" spec "}"
#define SPEC "{\"interval\":\"5m\",\"url\":\"oci://host/app\"}"

#endif
