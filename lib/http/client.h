/*
 * HTTP client on the loop: libcurl's multi interface behind our ops (lib/http is the only user of
 * libcurl). One http_client for Kubernetes and one for registries live as long as the process, so
 * connections, TLS sessions and DNS answers are reused. Loop thread.
 *
 * A request is an op. What it borrows until it is done: the callbacks' argument. Everything else in
 * struct http_req is copied by http_start. Redirects are never followed here: the caller sees 3xx
 * and decides (credentials!).
 * An answer of any status is a success of the op; the op fails when there is no whole answer
 * (connect, TLS, deadline, limit, callback). Error messages name method, scheme, host, port and
 * path, never user, query or a header. Failures are ERR_RETRY, but for what no repetition can heal
 * (a URL that url.h refuses, a header that holds a line break): ERR_STALL. err.code is then
 * -ETIMEDOUT (one of our deadlines), -EFBIG (a limit), -EPROTO (TLS), -EHOSTUNREACH (name
 * resolution), -EPERM (on_connect would have none of the addresses), -ECONNRESET (cut in the
 * middle) or what connect said.
 *
 * Names are resolved by http/dns.h, never by libcurl: the proxy's when there is one, and then the
 * URL's host is the proxy's business.
 *
 * Callbacks run inside libcurl: they may start, cancel and resume ops (those calls only take note),
 * and must not free or take long. The wire is HTTP/1.1, no cookies, no content decoding, no Expect,
 * no headers but Host, User-Agent, Content-Length and what the caller gives. HTTP/2 is not offered:
 * every registry speaks 1.1, a connection has one request, so that what one costs can be counted
 * and bounded, and a server that drains its connections (GOAWAY) takes no request with it.
 *
 *	struct op *op = http_start(client, &(struct http_req){.method = "GET", .url = url,
 *		.max_body = LIMIT_MANIFEST, .deadline_ms = 60000});
 *	... when done: const struct http_res *res = http_result(op);
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H
#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "ev/account.h"
#include "http/dns.h"

#include <stdbool.h>
#include <stdint.h>

struct loop;
struct op;
struct http_client;

struct http_client_opts {
	unsigned max_connections; /* in total; 0: 64 */
	unsigned max_per_host; /* 0: 8 */
	unsigned idle_close_s; /* 0: 90 */
	const char *user_agent; /* NULL: "flux/v2" */
	struct dns_opts dns;
	/* Bodies that are kept (no on_body) and over LIMIT_MEMORY_FREE take their length from here,
	   under the host's name; until it is there the transfer pauses. While others wait for
	   ACCOUNT_BODIES, what is held of it must come at LIMIT_MEMORY_RATE, measured over
	   LIMIT_MEMORY_RATE_MS: a slower one ends with -ETIMEDOUT. NULL: no account. */
	struct account *account;
	enum account_pool pool;
};

/* Whom to trust and as whom to appear. Zeroed: the system's CAs and those of http_client_use_cas,
   no client certificate. Copied by http_start. The system's: SSL_CERT_FILE instead of the bundle,
   SSL_CERT_DIR (with ':') instead of the folders, as in Go; all files of a folder count. Changes
   are seen after ten seconds at most, by connections that are made then. */
struct http_trust {
	struct buf ca_pem; /* more CAs */
	bool ca_only; /* these only, the system's not (Kubernetes) */
	bool insecure; /* no verification at all */
	struct buf cert_pem; /* client certificate chain */
	struct secret key_pem; /* its key */
	char *server_name; /* tls-server-name of a kubeconfig, or NULL */
};
void http_trust_clear(struct http_trust *t);
void http_trust_copy(struct http_trust *to, const struct http_trust *from); /* to: zeroed */

/* Through which proxy, loopback not excepted; a connection serves one request then, so that nobody
   goes through a tunnel that another one's password has opened. Zeroed: what the environment said
   when the client was made (proxy_env.h). */
struct http_proxy {
	char *url; /* any form that proxy_parse takes */
	char *user; /* instead of the URL's */
	struct secret password;
	bool none; /* never a proxy, whatever the environment says */
	char *host; /* proxy_parse sets it and the port */
	unsigned port;
};
void http_proxy_clear(struct http_proxy *p);
void http_proxy_copy(struct http_proxy *to, const struct http_proxy *from); /* to: zeroed */

struct http_hdr {
	const char *name, *value;
};
/* A list that ends with a NULL name; NULL is as good as an empty one. Values are wiped. */
struct http_hdr *http_hdrs_copy(const struct http_hdr *from);
void http_hdrs_free(struct http_hdr *hdrs); /* NULL is fine */

enum http_body_ret { HTTP_BODY_OK, HTTP_BODY_PAUSE, HTTP_BODY_FAIL };

struct http_res {
	int status;
	char *url; /* asked for */
	struct buf body; /* when there is no on_body: at most max_body bytes */
	struct buf raw_headers;
	uint64_t body_bytes; /* seen, on_body or not */
	bool new_connection;
	struct ip peer; /* the address that answered */
	bool has_peer; /* false: no connection, or a proxy in between */
	/* in a failed op too: the server spoke TLS, so plain http must not be tried */
	bool tls_answered;
	bool no_tls; /* of a failed op: https was asked for, and what answered speaks no TLS */
	bool ca_unknown; /* of a failed op: nobody whom we trust vouches for the certificate */
	bool headers_complete;
	struct buf scratch; /* http_header's answer */
};

struct http_req {
	const char *method;
	const char *url; /* http:// or https://, at most LIMIT_URL */
	/* what messages call it, when its path holds a secret; NULL: the redacted URL */
	const char *display;
	const struct http_hdr
		*hdrs; /* ends with a NULL name; NULL: none. A value "" sends an empty header */
	const struct secret
		*bearer; /* Authorization: Bearer ...; borrowed only during http_start */
	const struct secret *basic; /* Authorization: Basic base64 of this "user:password" */
	const void *body;
	size_t body_len;
	const struct http_trust *trust;
	const struct http_proxy *proxy;
	/* May a connection to this address carry the request? Asked for each address that is tried
	   before it is opened, and once more for the connection that is used, new or kept, before a
	   byte of the request is sent. -1: *err says why not, and the next address is tried.
	   Through a proxy it is asked once, and only of an address that is written in the URL
	   (localhost: 127.0.0.1). NULL: any. */
	int (*on_connect)(void *arg, const struct ip *ip, unsigned port, struct err *err);
	/* Upload from a callback instead of body: returns bytes put into `to` (0: end), or -1.
	   body_total must be right. */
	long (*on_upload)(void *arg, char *to, size_t room);
	uint64_t body_total;
	/* Called once when the final status and all headers are there; return -1 with *err filled
	   to end the request. */
	int (*on_headers)(void *arg, const struct http_res *res, struct err *err);
	/* The body as it arrives. PAUSE: the same bytes come again after http_resume. FAIL: *err
	   filled. */
	enum http_body_ret (*on_body)(void *arg, const char *data, size_t n, struct err *err);
	void *arg;
	uint64_t deadline_ms; /* whole request; 0: none */
	/* Until there is a connection: the lookup and TLS count, waiting in the client's line for a
	   connection to be free does not. 0: only the others. */
	uint64_t connect_ms;
	uint64_t headers_ms; /* until the response headers are complete; 0: only deadline_ms */
	uint64_t idle_ms; /* no byte of the body for so long (not counted while paused); 0: none */
	/* with min_rate: fewer than min_rate bytes/s over this window fails; 0: none */
	uint64_t min_rate_window_ms;
	uint64_t min_rate;
	/* bytes; also with on_body. 0: no body is accepted beyond a few bytes, which are dropped */
	uint64_t max_body;
	/* with on_body: a status >= 300 goes to res->body (LIMIT_ERROR_BODY) instead */
	bool keep_error_body;
};

struct http_client *http_client_new(struct loop *l, const struct http_client_opts *opts);
/* All its ops must have ended. */
void http_client_free(struct http_client *c);
/* CAs in PEM that count beside the system's from now on, instead of those of an earlier call; none
   of ca_only. Copied. No connection or TLS session that was made under the others is used again. */
void http_client_use_cas(struct http_client *c, const struct buf *pem);

struct op *http_start(struct http_client *c, const struct http_req *req);
/* Borrowed from the op. Also after a failure: what was seen until then. */
const struct http_res *http_result(const struct op *op);
/* Of one that is done: frees the bytes of its body. What the account has given for them stays the
   op's, for what was made of them. */
void http_body_drop(struct op *op);
/* After HTTP_BODY_PAUSE. Safe after the end. */
void http_resume(struct op *op);

/* The header's value (the last one of that name), without surrounding space, or NULL.
   Case-insensitive. Valid until the next call with the same res. */
const char *http_header(const struct http_res *res, const char *name);
/* The n-th (from 0) of several headers of one name, or NULL. Copied: free it. */
char *http_header_nth(const struct http_res *res, const char *name, unsigned n);
/* Retry-After of RFC 9110 section 10.2.3 as milliseconds from now, capped at 1 h. Seconds or a
   date; also what some servers send: an RFC 3339 time, seconds or milliseconds since 1970 (at most
   a day ahead). A time that has passed is 0, "now"; -1: none, or nonsense. */
int64_t http_retry_after_ms(const struct http_res *res);
/* A number that says when: seconds from now, or the second or millisecond since 1970 (at most a day
   ahead), as milliseconds from now. -1: n is negative, or can be none of these. */
int64_t http_wait_ms(int64_t n);

/* Counters since the start, for /metrics and the benchmark. */
struct http_client_stats {
	uint64_t requests, new_connections, open_requests;
	struct dns_stats dns;
};
void http_client_stats(const struct http_client *c, struct http_client_stats *out);

#endif
