/* What the files of the HTTP client share; nobody else includes this. */
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H
#include "base/vec.h"
#include "ev/loop.h"
#include "ev/op.h"
#include "ev/timer.h"
#include "http/client.h"
#include "http/dns.h"

#include <curl/curl.h>
#include <sys/types.h>
#include <time.h>

#define HTTP_BUFFER 16384 /* bytes of curl's receive and of its send buffer, per transfer */

struct http_fd {
	int fd;
	/* SO_COOKIE: curl closes some sockets without saying so, and the number is soon
	   another's */
	uint64_t cookie;
	uint64_t idle_ms; /* since when curl does not listen to it; 0: it does */
};

/* Certificates in PEM that some requests still use. */
struct http_ca_pem {
	unsigned refs;
	struct buf text;
};

struct http_ca_stamp {
	char *path;
	ino_t ino;
	off_t size;
	struct timespec mtime; /* all zero: it is not there */
};

/* The system's CAs (client_cas.c), as curl is told of them. */
struct http_cas {
	char *paths; /* CAPATH: hashed folders, with ':' in between; NULL: none */
	char *file; /* CAINFO: a bundle; NULL: none */
	struct http_ca_pem
		*pem; /* what is neither, and the bundle: instead of file; NULL: nothing */
	struct buf own; /* of http_client_use_cas: in pem, too */
	VEC(struct http_ca_stamp) stamps; /* what it was made of */
	uint64_t looked_ms;
	uint64_t changed_ms; /* when a change was seen last; 0: none */
};

struct http_client {
	struct loop *loop;
	struct http_client_opts opts; /* texts copied */
	CURLM *multi;
	struct dns *dns;
	CURLSH *share; /* TLS sessions: without it each easy handle would have its own */
	VEC(CURLSH *) old_shares; /* that handles still use */
	struct timer timer; /* curl's one timeout */
	unsigned sockets; /* polls that are open */
	VEC(struct http_fd) fds; /* of curl's connections */
	unsigned paused; /* requests: their connections are quiet on purpose */
	uint64_t swept_ms;
	struct http_cas cas;
	struct proxy_env *proxies; /* of the environment */
	struct http_client_stats stats;
};

struct http_op {
	struct op op;
	struct http_client *c;
	struct http_res res;
	CURL *easy; /* NULL before the start and after the end */
	struct curl_slist *hdrs, *connect_to, *resolve;
	char *method, *target; /* target: what curl is given */
	char *display;
	struct buf body;
	size_t body_sent;
	struct buf
		ca; /* the caller's CAs, with the system's when both count: curl takes one text */
	struct http_ca_pem *system_ca;
	struct buf cert; /* the caller's client certificate: its own may change while we connect */
	struct secret key;
	struct http_req
		req; /* numbers, callbacks and borrowed structs; its texts are not valid any more */
	struct op *grant; /* memory for the body; waited for while granting */
	struct err fail; /* why a callback ended it */
	bool failed, cut_is_fine, added, paused, end_wanted, resume_wanted, is_head, granting;
	size_t header_bytes;
	uint64_t uploaded;
	struct defer kick;
	struct timer deadline, connect_timer, headers_timer, idle, rate;
	uint64_t connect_from_ms, connect_spent_ms;
	struct timer pace; /* of a body that holds memory */
	uint64_t last_byte_ms, rate_bytes, pace_bytes;
	char curl_error[CURL_ERROR_SIZE];
	/* client_peer.c */
	char *host, *via; /* of the URL; of the proxy (NULL: there is none) */
	unsigned port, via_port;
	bool via_tls; /* the proxy is spoken to with TLS */
	struct op *lookup; /* on its way: the transfer has not begun */
	bool resolved; /* libcurl has the addresses */
	struct err refused; /* the last address that the caller would not have */
	bool any_allowed;
};

/* client_multi.c: curl's multi handle on the loop */
int http_multi_init(struct http_client *c);
void http_multi_clear(struct http_client *c);
/* Closes connections that were idle for too long. Called before each request: a timer of its own
   would keep a loop alive that has nothing else to do. */
void http_multi_sweep(struct http_client *c);
/* TLS sessions that were made under other CAs are not resumed: nobody looks at the certificate
   then. */
void http_multi_forget_sessions(struct http_client *c);
/* curl's callbacks that open (for a request) and close sockets (for the client) */
curl_socket_t http_open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address);
int http_close_socket(void *arg, curl_socket_t fd);
/* client.c: curl says the transfer is over. */
void http_op_done(struct http_op *x, CURLcode rc);

/* client_easy.c: everything that is set on one easy handle. -1 with *err filled. */
int http_easy_setup(struct http_op *x, const struct http_req *req, struct err *err) must_check;
/* client_cas.c: the system's CAs. Reads files. */
void http_cas_init(struct http_cas *c);
void http_cas_clear(struct http_cas *c);
/* Other CAs beside them. Reads files. */
void http_cas_use(struct http_cas *c, const struct buf *pem);
/* Reads them again when something changed, and says so; looks every ten seconds at most. */
bool http_cas_look(struct http_cas *c);
void http_ca_pem_unref(struct http_ca_pem *p); /* NULL is fine */

/* client_peer.c: names and addresses */
int http_peer_setup(struct http_op *x) must_check;
/* The request goes through this proxy (of proxy_parse), and names are its business. */
int http_peer_use_proxy(struct http_op *x, const struct http_proxy *p) must_check;
/* NULL: there is no name to look up. */
struct op *http_peer_lookup(struct http_op *x);
int http_peer_found(struct http_op *x, const struct dns_answer *a) must_check;
/* What the caller says of the address in the URL, when a proxy connects to it, and of one that
   libcurl wants to connect to. */
bool http_peer_written_allowed(struct http_op *x);
bool http_peer_open_allowed(struct http_op *x, const struct sockaddr *sa);
/* Did it end because no address was allowed? Then it has failed with the caller's words. */
bool http_peer_refused(struct http_op *x);
void http_peer_clear(struct http_op *x);

/* client_body.c: curl's callbacks for headers and bodies */
size_t http_on_header(char *line, size_t size, size_t n, void *arg);
size_t http_on_body(char *data, size_t size, size_t n, void *arg);
size_t http_on_upload(char *to, size_t size, size_t n, void *arg);
int http_on_seek(void *arg, curl_off_t offset, int origin);
/* client.c: notes why the transfer ends; the first reason counts. */
void http_op_fail(struct http_op *x, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The time for a connection runs while its name is looked up, and from its first socket on. */
void http_op_watch_connect(struct http_op *x);
void http_op_unwatch_connect(struct http_op *x);
void http_op_watch_body(struct http_op *x); /* starts the supervision of its speed */
void http_op_unwatch_body(struct http_op *x);

#endif
