/*
 * The life of a request: start, supervision, end. What a caller may do from inside curl's callbacks
 * (start, cancel, resume) only sets a flag and queues `kick`, because curl forbids calls from its
 * callbacks; kick then runs from the loop.
 */
#include "http/client.h"

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/time.h"
#include "http/client_internal.h"
#include "http/proxy_env.h"
#include "http/url.h"

#include <errno.h>
#include <string.h>

/* ---- failures -------------------------------------------------------------------------------- */

void http_op_fail(struct http_op *x, int code, const char *fmt, ...)
{
	auto_buf struct buf where = BUF_INIT(LIMIT_URL);
	char what[256];
	va_list ap;

	if (x->failed)
		return;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	if (x->display)
		buf_adds(&where, x->display);
	else
		url_safe(&where, x->res.url);
	err_code(&x->fail, ERR_RETRY, code, "%s '%.500s': %s", x->method, buf_str(&where), what);
	x->failed = true;
}

/* The connection was cut before the handshake was over. */
static bool cut_in_handshake(const struct http_op *x)
{
	return strstr(x->curl_error, "Connection reset") ||
		strstr(x->curl_error, "SSL_ERROR_SYSCALL") ||
		strstr(x->curl_error, "unexpected eof");
}

static int client_code(const struct http_op *x, CURLcode rc)
{
	long no = 0;

	switch (rc) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return -EHOSTUNREACH;
	case CURLE_OPERATION_TIMEDOUT:
		return -ETIMEDOUT;
	case CURLE_PARTIAL_FILE:
	case CURLE_GOT_NOTHING:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return -ECONNRESET;
	case CURLE_SSL_CONNECT_ERROR:
		return cut_in_handshake(x) ? -ECONNRESET : -EPROTO;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_UNSUPPORTED_PROTOCOL: /* an answer without a status line */
		return -EPROTO;
	case CURLE_OUT_OF_MEMORY:
		return -ENOMEM;
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &no);
		return no > 0 ? -(int)no : -ECONNREFUSED;
	default:
		return 0;
	}
}

static bool curl_said(const struct http_op *x, const char *const words[], size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (strstr(x->curl_error, words[i]))
			return true;
	return false;
}

/* It came no further than the proxy: nobody else is connected to, and without an answer to CONNECT
   the only TLS there can be is that with the proxy. */
static bool failed_at_proxy(const struct http_op *x, CURLcode rc)
{
	long answer = 0;

	if (!x->via || rc == CURLE_COULDNT_CONNECT)
		return x->via;
	curl_easy_getinfo(x->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
	return x->via_tls && !answer &&
		(rc == CURLE_SSL_CONNECT_ERROR || rc == CURLE_PEER_FAILED_VERIFICATION);
}

/* Something answered, and what OpenSSL says of it is that it is no TLS at all. */
static bool spoke_no_tls(const struct http_op *x, CURLcode rc)
{
	static const char *const words[] = {"wrong version number", "packet length too long",
		"http request", "record layer failure", "unknown protocol"};

	return rc == CURLE_SSL_CONNECT_ERROR && curl_said(x, words, ARRAY_LEN(words));
}

static bool knew_no_ca(const struct http_op *x, CURLcode rc)
{
	static const char *const words[] = {"unable to get local issuer certificate",
		"unable to verify the first certificate", "self-signed certificate",
		"self signed certificate"};

	return rc == CURLE_PEER_FAILED_VERIFICATION && curl_said(x, words, ARRAY_LEN(words));
}

/* Did something that speaks TLS answer? A refused certificate and an alert say so; what OpenSSL
   says of bytes that are no TLS at all, and of a connection that closes without any, says the
   contrary. */
static bool spoke_tls(const struct http_op *x, CURLcode rc)
{
	static const char *const nothing[] = {"unexpected eof", "SSL_ERROR_SYSCALL",
		"SSL_ERROR_ZERO_RETURN", "Connection reset", "SSL connection timeout"};
	curl_off_t handshake = 0;
	long fresh = 0;

	if (strncmp(x->target, "https:", 6) != 0)
		return false;
	curl_easy_getinfo(x->easy, CURLINFO_APPCONNECT_TIME_T, &handshake);
	curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &fresh);
	/* On a kept connection the handshake was some other request's. */
	if (handshake > 0 || x->res.status || (!fresh && client_code(x, rc) == -ECONNRESET))
		return true;
	if (rc == CURLE_PEER_FAILED_VERIFICATION || rc == CURLE_SSL_ISSUER_ERROR)
		return true;
	return rc == CURLE_SSL_CONNECT_ERROR && !spoke_no_tls(x, rc) &&
		!curl_said(x, nothing, ARRAY_LEN(nothing));
}

/* " after 12 ms": the same failure must have the same words, or each retry is news to everybody who
   compares them. */
static void client_cut_time(char *text)
{
	char *from = strstr(text, " after "), *to;

	if (!from)
		return;
	to = from + 7 + strspn(from + 7, "0123456789");
	if (to > from + 7 && !strncmp(to, " ms", 3))
		memmove(from, to + 3, strlen(to + 3) + 1);
}

static void fail_curl(struct http_op *x, CURLcode rc)
{
	const char *what;
	char *p;

	/* It quotes the whole URL of the proxy, and that may hold a password. */
	if (!strncmp(x->curl_error, "Unsupported proxy", strlen("Unsupported proxy")))
		snprintf(x->curl_error, sizeof(x->curl_error),
			"the URL of the proxy is malformed, or of a kind that is not supported");
	for (p = x->curl_error; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	client_cut_time(x->curl_error);
	what = *x->curl_error ? x->curl_error : curl_easy_strerror(rc);
	if (spoke_no_tls(x, rc))
		what = "it speaks no TLS";
	http_op_fail(
		x, client_code(x, rc), "%s%s", failed_at_proxy(x, rc) ? "the proxy: " : "", what);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void wipe_headers(struct curl_slist *h)
{
	for (; h; h = h->next)
		mem_wipe(h->data, strlen(h->data));
}

/* Takes everything of curl and every timer away. After this only the result is left. */
static void client_release(struct http_op *x)
{
	long fresh = 0;

	x->c->paused -= x->paused;
	x->paused = false;
	if (x->added) {
		curl_easy_getinfo(x->easy, CURLINFO_NUM_CONNECTS, &fresh);
		x->res.new_connection = fresh > 0;
		x->c->stats.new_connections += (uint64_t)fresh;
		x->c->stats.open_requests--;
		curl_multi_remove_handle(x->c->multi, x->easy);
		x->added = false;
	}
	if (x->easy)
		curl_easy_cleanup(x->easy);
	x->easy = NULL;
	wipe_headers(x->hdrs);
	curl_slist_free_all(x->hdrs);
	curl_slist_free_all(x->connect_to);
	http_peer_clear(x);
	x->hdrs = x->connect_to = NULL;
	buf_clear(&x->body);
	buf_clear(&x->ca);
	buf_clear(&x->cert);
	secret_clear(&x->key);
	http_ca_pem_unref(x->system_ca);
	x->system_ca = NULL;
	http_op_unwatch_body(x);
	timer_cancel(&x->deadline);
	timer_cancel(&x->connect_timer);
	timer_cancel(&x->headers_timer);
	defer_cancel(x->c->loop, &x->kick);
	if (x->granting)
		op_drop(MOVE(x->grant));
	x->granting = false;
}

static void client_end(struct http_op *x)
{
	client_release(x);
	if (x->failed)
		op_end(&x->op, &x->fail);
	else
		op_finish(&x->op);
}

void http_op_done(struct http_op *x, CURLcode rc)
{
	x->res.tls_answered = spoke_tls(x, rc);
	x->res.no_tls = spoke_no_tls(x, rc) && !failed_at_proxy(x, rc);
	x->res.ca_unknown = knew_no_ca(x, rc);
	if (rc != CURLE_OK && !x->cut_is_fine && !http_peer_refused(x))
		fail_curl(x, rc);
	else if (!x->failed && !x->res.headers_complete)
		http_op_fail(x, -EPROTO, "the server gave no answer");
	client_end(x);
}

/* ---- what is done from the loop -------------------------------------------------------------- */

static void client_looked_up(struct op *op, void *arg);

static void client_begin(struct http_op *x)
{
	if (!http_peer_written_allowed(x)) {
		http_peer_refused(x);
		client_end(x);
		return;
	}
	x->lookup = x->resolved ? NULL : http_peer_lookup(x);
	if (x->lookup) {
		http_op_watch_connect(x);
		op_then(x->lookup, client_looked_up, x);
		return;
	}
	http_multi_sweep(x->c);
	if (curl_multi_add_handle(x->c->multi, x->easy) != CURLM_OK) {
		http_op_fail(x, -ENOMEM, "libcurl is out of memory");
		client_end(x);
		return;
	}
	x->added = true;
	x->c->stats.open_requests++;
}

static void client_looked_up(struct op *op, void *arg)
{
	struct http_op *x = arg;

	x->lookup = NULL;
	http_op_unwatch_connect(x);
	if (op->err.kind)
		http_op_fail(x, op->err.code, "Could not resolve %s: %s (%s)",
			x->via ? "proxy" : "host", x->via ? x->via : x->host, op->err.msg);
	else if (http_peer_found(x, dns_result(op)))
		http_op_fail(x, -ENOMEM, "libcurl is out of memory");
	op_free(op);
	if (x->failed)
		client_end(x);
	else
		client_begin(x);
}

static void client_resume(struct http_op *x)
{
	x->resume_wanted = false;
	if (!x->paused || !x->added)
		return;
	x->paused = false;
	x->c->paused--;
	http_op_watch_body(x);
	/* Hands out what is waiting before it returns; a failure in there does not end the transfer
	   by itself. */
	if (curl_easy_pause(x->easy, CURLPAUSE_CONT) != CURLE_OK || x->failed) {
		http_op_fail(x, 0, "libcurl cannot go on");
		client_end(x);
	}
}

static void client_kick(void *arg)
{
	struct http_op *x = arg;

	if (x->end_wanted) {
		if (x->added)
			x->res.tls_answered = x->res.tls_answered || spoke_tls(x, CURLE_OK);
		client_end(x);
	} else if (!x->added && !x->lookup) {
		client_begin(x);
	} else if (x->resume_wanted) {
		client_resume(x);
	}
}

static void client_want_kick(struct http_op *x)
{
	defer_queue(x->c->loop, &x->kick, client_kick, x);
}

static void client_want_end(struct http_op *x)
{
	x->end_wanted = true;
	client_want_kick(x);
}

/* ---- supervision ----------------------------------------------------------------------------- */

static void deadline_due(void *arg)
{
	struct http_op *x = arg;
	char text[TIME_TEXT_MAX];

	http_op_fail(x, -ETIMEDOUT,
		x->granting ? "no memory was free for its body within %s" : "not done within %s",
		time_format_duration((int64_t)x->req.deadline_ms, text));
	client_want_end(x);
}

void http_op_watch_connect(struct http_op *x)
{
	if (!x->req.connect_ms || timer_is_set(&x->connect_timer))
		return;
	x->connect_from_ms = clock_ms();
	timer_set(&x->connect_timer, x->req.connect_ms - x->connect_spent_ms);
}

void http_op_unwatch_connect(struct http_op *x)
{
	if (!timer_is_set(&x->connect_timer))
		return;
	timer_cancel(&x->connect_timer);
	x->connect_spent_ms += clock_ms() - x->connect_from_ms;
	if (x->connect_spent_ms > x->req.connect_ms)
		x->connect_spent_ms = x->req.connect_ms;
}

static void connect_due(void *arg)
{
	struct http_op *x = arg;
	char text[TIME_TEXT_MAX];

	http_op_fail(x, -ETIMEDOUT, "no connection within %s",
		time_format_duration((int64_t)x->req.connect_ms, text));
	client_want_end(x);
}

static void headers_due(void *arg)
{
	struct http_op *x = arg;
	char text[TIME_TEXT_MAX];

	http_op_fail(x, -ETIMEDOUT, "no answer within %s",
		time_format_duration((int64_t)x->req.headers_ms, text));
	client_want_end(x);
}

/*
 * Set once for the whole body: a byte only records when it came, so that a fast transfer does not
 * move a timer a thousand times.
 */
static void idle_due(void *arg)
{
	struct http_op *x = arg;
	uint64_t quiet = clock_ms() - x->last_byte_ms;
	char text[TIME_TEXT_MAX];

	if (quiet < x->req.idle_ms) {
		timer_set(&x->idle, x->req.idle_ms - quiet);
		return;
	}
	http_op_fail(x, -ETIMEDOUT, "no byte for %s",
		time_format_duration((int64_t)x->req.idle_ms, text));
	client_want_end(x);
}

static void rate_due(void *arg)
{
	struct http_op *x = arg;
	uint64_t got = x->res.body_bytes - x->rate_bytes;
	char text[TIME_TEXT_MAX];

	if (got >= x->req.min_rate * x->req.min_rate_window_ms / 1000) {
		x->rate_bytes = x->res.body_bytes;
		timer_set(&x->rate, x->req.min_rate_window_ms);
		return;
	}
	http_op_fail(x, -ETIMEDOUT, "only %llu bytes in %s", (unsigned long long)got,
		time_format_duration((int64_t)x->req.min_rate_window_ms, text));
	client_want_end(x);
}

static void pace_start(struct http_op *x)
{
	x->pace_bytes = x->res.body_bytes;
	timer_set(&x->pace, LIMIT_MEMORY_RATE_MS);
}

/* It holds memory that others wait for. The words have no figure that changes from time to time. */
static void pace_due(void *arg)
{
	struct http_op *x = arg;
	uint64_t got = x->res.body_bytes - x->pace_bytes;
	struct account_stats s;
	char text[TIME_TEXT_MAX];

	account_stats(x->c->opts.account, x->c->opts.pool, &s);
	if (!s.waiting || got >= LIMIT_MEMORY_RATE * LIMIT_MEMORY_RATE_MS / 1000) {
		pace_start(x);
		return;
	}
	http_op_fail(x, -ETIMEDOUT,
		"its body came with less than %llu KiB a second over %s, and others wait for the "
		"memory that it holds",
		LIMIT_MEMORY_RATE / LIMIT_KIB, time_format_duration(LIMIT_MEMORY_RATE_MS, text));
	client_want_end(x);
}

void http_op_watch_body(struct http_op *x)
{
	x->last_byte_ms = clock_ms();
	x->rate_bytes = x->res.body_bytes;
	if (x->req.idle_ms)
		timer_set(&x->idle, x->req.idle_ms);
	if (x->req.min_rate_window_ms && x->req.min_rate)
		timer_set(&x->rate, x->req.min_rate_window_ms);
	if (x->grant && x->c->opts.pool == ACCOUNT_BODIES)
		pace_start(x);
}

void http_op_unwatch_body(struct http_op *x)
{
	timer_cancel(&x->idle);
	timer_cancel(&x->rate);
	timer_cancel(&x->pace);
}

/* ---- the op ---------------------------------------------------------------------------------- */

static void http_op_cancel(struct op *op)
{
	client_want_end(CONTAINER_OF(op, struct http_op, op));
}

static void http_op_free(struct op *op)
{
	struct http_op *x = CONTAINER_OF(op, struct http_op, op);

	buf_clear(&x->res.body);
	op_free(x->grant);
	buf_clear(&x->res.raw_headers);
	buf_clear(&x->res.scratch);
	/* A signed URL is a credential. */
	mem_wipe(x->res.url, strlen(x->res.url));
	if (x->target)
		mem_wipe(x->target, strlen(x->target));
	free(x->res.url);
	free(x->target);
	free(x->method);
	free(x->display);
	free(x);
}

struct op *http_start(struct http_client *c, const struct http_req *req)
{
	static const struct op_type type = {"http", http_op_cancel, http_op_free};
	struct http_op *x = NEW(struct http_op);

	op_init(&x->op, c->loop, &type);
	x->c = c;
	x->req = *req;
	x->method = mem_strdup(req->method);
	x->res.url = mem_strdup(req->url);
	x->display = mem_strdup(req->display);
	buf_init(&x->res.raw_headers, LIMIT_HEADERS);
	buf_init(&x->res.body, req->on_body ? LIMIT_ERROR_BODY : req->max_body);
	timer_init(&x->deadline, c->loop, deadline_due, x);
	timer_init(&x->connect_timer, c->loop, connect_due, x);
	timer_init(&x->headers_timer, c->loop, headers_due, x);
	timer_init(&x->idle, c->loop, idle_due, x);
	timer_init(&x->rate, c->loop, rate_due, x);
	timer_init(&x->pace, c->loop, pace_due, x);
	if (http_easy_setup(x, req, &x->fail)) {
		x->failed = true;
		client_want_end(x);
		return &x->op;
	}
	x->req.method = x->req.url = x->req.display = NULL;
	x->req.hdrs = NULL;
	x->req.body = NULL;
	x->req.bearer = x->req.basic = NULL;
	x->req.trust = NULL;
	x->req.proxy = NULL;
	c->stats.requests++;
	if (req->deadline_ms)
		timer_set(&x->deadline, req->deadline_ms);
	if (req->headers_ms)
		timer_set(&x->headers_timer, req->headers_ms);
	client_want_kick(x);
	return &x->op;
}

const struct http_res *http_result(const struct op *op)
{
	return &CONTAINER_OF(op, const struct http_op, op)->res;
}

void http_body_drop(struct op *op)
{
	buf_clear(&CONTAINER_OF(op, struct http_op, op)->res.body);
}

void http_resume(struct op *op)
{
	struct http_op *x = CONTAINER_OF(op, struct http_op, op);

	if (op->finishing || op->done)
		return;
	x->resume_wanted = true;
	client_want_kick(x);
}

void http_trust_clear(struct http_trust *t)
{
	buf_clear(&t->ca_pem);
	buf_clear(&t->cert_pem);
	secret_clear(&t->key_pem);
	free(t->server_name);
	*t = (struct http_trust){0};
}

void http_trust_copy(struct http_trust *to, const struct http_trust *from)
{
	*to = (struct http_trust){.ca_only = from->ca_only,
		.insecure = from->insecure,
		.ca_pem = BUF_INIT(from->ca_pem.max),
		.cert_pem = BUF_INIT(from->cert_pem.max),
		.server_name = mem_strdup(from->server_name)};
	buf_add(&to->ca_pem, from->ca_pem.p, from->ca_pem.len);
	buf_add(&to->cert_pem, from->cert_pem.p, from->cert_pem.len);
	secret_copy(&to->key_pem, &from->key_pem);
}

void http_proxy_clear(struct http_proxy *p)
{
	if (p->url)
		mem_wipe(p->url, strlen(p->url));
	free(p->url);
	free(p->user);
	free(p->host);
	secret_clear(&p->password);
	*p = (struct http_proxy){0};
}

void http_proxy_copy(struct http_proxy *to, const struct http_proxy *from)
{
	to->url = mem_strdup(from->url);
	to->user = mem_strdup(from->user);
	secret_copy(&to->password, &from->password);
	to->none = from->none;
	to->host = mem_strdup(from->host);
	to->port = from->port;
}

struct http_hdr *http_hdrs_copy(const struct http_hdr *from)
{
	struct http_hdr *to;
	size_t n = 0, i;

	while (from && from[n].name)
		n++;
	to = mem_zalloc((n + 1) * sizeof(*to));
	for (i = 0; i < n; i++)
		to[i] = (struct http_hdr){mem_strdup(from[i].name), mem_strdup(from[i].value)};
	return to;
}

void http_hdrs_free(struct http_hdr *hdrs)
{
	struct http_hdr *h;

	for (h = hdrs; h && h->name; h++) {
		char *value = (char *)(uintptr_t)h->value;

		free((char *)(uintptr_t)h->name);
		if (value)
			mem_wipe(value, strlen(value));
		free(value);
	}
	free(hdrs);
}

/* ---- the client ------------------------------------------------------------------------------ */

struct http_client *http_client_new(struct loop *l, const struct http_client_opts *opts)
{
	static bool ready;
	struct http_client *c = NEW(struct http_client);

	if (!ready) {
		BUG_IF(curl_global_init(CURL_GLOBAL_DEFAULT));
		ready = true;
	}
	c->loop = l;
	c->opts = *opts;
	c->opts.user_agent = mem_strdup(opts->user_agent ? opts->user_agent : "flux/v2");
	if (!c->opts.max_connections)
		c->opts.max_connections = 64;
	if (!c->opts.max_per_host)
		c->opts.max_per_host = 8;
	if (!c->opts.idle_close_s)
		c->opts.idle_close_s = 90;
	http_cas_init(&c->cas);
	c->proxies = proxy_env_new();
	c->dns = dns_new(l, &opts->dns);
	BUG_IF(http_multi_init(c)); /* at the start of the process: nothing to fall back to */
	return c;
}

void http_client_free(struct http_client *c)
{
	if (!c)
		return;
	BUG_IF(c->stats.open_requests);
	http_multi_clear(c);
	dns_free(c->dns);
	http_cas_clear(&c->cas);
	proxy_env_free(c->proxies);
	free((char *)(uintptr_t)c->opts.user_agent);
	free(c);
}

void http_client_use_cas(struct http_client *c, const struct buf *pem)
{
	http_cas_use(&c->cas, pem);
	http_multi_forget_sessions(c);
}

void http_client_stats(const struct http_client *c, struct http_client_stats *out)
{
	*out = c->stats;
	dns_stats(c->dns, &out->dns);
}
