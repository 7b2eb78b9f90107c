/*
 * One request to a registry, with all that belongs to it. For the files of lib/oci; others use
 * resolve.h, image.h, blob.h, tags.h, push.h. Loop thread.
 *
 * A request goes to the scheme that the host answered before (https first; plain http only when no
 * TLS answer came and ref.h allows it), carries the token that is cached for it, answers one 401
 * challenge, follows redirects by the rules below, and turns every answer that is no success into
 * an error that says what the registry said. An unchanged tag is one HEAD on a kept-alive
 * connection.
 *
 * A mirror may be an image layout: then layout.h answers, without a connection, a token or a record
 * of anybody's health, and what is said here of status, headers, body and errors holds.
 *
 * Time: target.h says what timeout_ms bounds.
 *
 * One accident on the way (a cut connection, 502 and its like) is not told: a question is asked
 * again, twice at most, within that time (again.h). So is, after one look at /v2/ for a challenge,
 * what a registry answers with 403 or 404 although there are credentials for it, not shown yet.
 *
 * What a challenge taught is remembered for each repository and identity once it has worked. It may
 * be out of date: when the token server that it names fails, or takes longer than
 * LIMIT_TOKEN_AGAIN_MS, the registry is asked.
 *
 * Redirects: at most LIMIT_REDIRECTS; another host gets no credentials; https to http only with
 * `insecure`. Where they and token servers may be is judged by address, as connections are opened:
 * guard.h.
 *
 * Errors: 429 and 503 with Retry-After are ERR_WAIT, and ERR_HELD for who asks before that time, or
 * when the registry has said that few requests are left (pace.h);
 * everything else here is ERR_RETRY; err->code is the HTTP status, if there was one. Messages name
 * the registry, repository and what was asked for, and the code and message of the registry's JSON
 * (answer.h).
 */
#ifndef OCI_REQ_H
#define OCI_REQ_H
#include "oci/registry.h"
#include "oci/target.h"

struct flight;
struct url;

struct oci_req {
	struct oci_target target;
	enum oci_kind kind;
	const char *method;
	const char *path; /* below /v2/<name>/, "manifests/latest"; or from the root, "/v2/..." */
	const char *what; /* for messages: "tag '1.0.0'"; copied */
	const struct http_hdr *hdrs; /* copied; Authorization is not among them */
	const void *body; /* borrowed until the op is done */
	size_t body_len;
	long (*on_upload)(void *arg, uint64_t offset, char *to, size_t room);
	uint64_t body_total;
	int (*on_headers)(void *arg, const struct http_res *res, struct err *err); /* 2xx only */
	enum http_body_ret (*on_body)(
		void *arg, const char *data, size_t n, struct err *err); /* 2xx only */
	void *arg;
	uint64_t max_body;
	/* Those who wait for it together: its lines of the log are the first one's (ev/flight.h).
	   Borrowed until the op is freed; may be NULL. */
	const struct flight *flight;
	bool write; /* needs the right to push; the timeout has no limit */
	bool stream; /* the timeout ends with the headers; the body has a least rate instead */
	bool probe; /* any answer is a success, of the registry itself or its TLS; never refused */
	bool once; /* the caller asks again by itself, if at all */
	/* 4xx and 5xx are successes of the op: the caller looks at the status (429 and 503 are
	   not). */
	bool quiet;
};

/* Success: a 2xx answer (any but 401, 429, 503, 3xx when quiet). */
struct op *oci_req_start(struct oci_client *c, const struct oci_req *req);
/* The last answer; NULL when there was none. Borrowed from the op. */
const struct http_res *oci_req_result(const struct op *op);
/* As http_body_drop; what an image layout has answered stays as it is. */
void oci_req_body_drop(struct op *op);
/* The URL that was asked last. */
const struct url *oci_req_url(const struct op *op);
/* After HTTP_BODY_PAUSE. */
void oci_req_resume(struct op *op);

#endif
