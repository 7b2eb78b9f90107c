/*
 * One request as options of an easy handle: what goes over the wire, whom we trust, through which
 * proxy. Everything that libcurl would do on its own (redirects, cookies, Expect, decoding, other
 * protocols) is off.
 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/sys.h"
#include "http/client_internal.h"
#include "http/proxy_env.h"
#include "http/syntax.h"
#include "http/url.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* An address that has stopped acknowledging is given up after this; the same as our servers do. */
#define USER_TIMEOUT_MS 60000
#define CA_CACHE_S 86400

static int no_memory(struct err *err)
{
	return err_code(err, ERR_RETRY, -ENOMEM, "libcurl is out of memory");
}

/* ---- trust and proxy ------------------------------------------------------------------------- */

static struct curl_blob blob_borrowed(const void *p, size_t n)
{
	/* curl wants a pointer to non-const and only reads through it. */
	return (struct curl_blob){
		.data = (void *)(uintptr_t)p, .len = n, .flags = CURL_BLOB_NOCOPY};
}

/* curl keeps what it parsed of a bundle for a day; a bundle that changed is older than what may be
   kept. */
static long easy_cache_s(const struct http_cas *s)
{
	uint64_t age = s->changed_ms ? (clock_ms() - s->changed_ms) / 1000 : CA_CACHE_S;

	return (long)(age < CA_CACHE_S ? age : CA_CACHE_S);
}

/* CAINFO_BLOB replaces CAINFO, but not CAPATH: with more CAs the system's bundle has to be in the
   blob. */
static int make_blob(struct http_op *x, const struct http_trust *t, struct err *err)
{
	const struct http_cas *s = &x->c->cas;

	buf_init(&x->ca, BUF_ANY);
	if (!t->ca_only && s->pem) {
		buf_add(&x->ca, s->pem->text.p, s->pem->text.len);
	} else if (!t->ca_only && s->file) {
		x->ca.max = 16 * LIMIT_MIB;
		if (sys_read_file(AT_FDCWD, s->file, &x->ca, err))
			return -1;
		x->ca.max = BUF_ANY;
		buf_addc(&x->ca, '\n');
	}
	buf_add(&x->ca, t->ca_pem.p, t->ca_pem.len);
	return 0;
}

static int set_cas(struct http_op *x, const struct http_trust *t, struct err *err)
{
	/* A proxy that is spoken to with TLS is judged by the same CAs. */
	static const CURLoption dir[] = {CURLOPT_CAPATH, CURLOPT_PROXY_CAPATH},
				file[] = {CURLOPT_CAINFO, CURLOPT_PROXY_CAINFO},
				text[] = {CURLOPT_CAINFO_BLOB, CURLOPT_PROXY_CAINFO_BLOB};
	const struct http_cas *s = &x->c->cas;
	bool more = t && t->ca_pem.len, only = t && t->ca_only;
	struct curl_blob blob = {0};
	CURLcode rc = CURLE_OK;
	size_t i;

	if (more && make_blob(x, t, err))
		return -1;
	if (more) {
		blob = blob_borrowed(x->ca.p, x->ca.len);
	} else if (!only && s->pem) {
		x->system_ca = s->pem;
		x->system_ca->refs++;
		blob = blob_borrowed(s->pem->text.p, s->pem->text.len);
	}
	for (i = 0; i < ARRAY_LEN(dir); i++) {
		rc |= curl_easy_setopt(x->easy, dir[i], only ? NULL : s->paths);
		rc |= curl_easy_setopt(x->easy, file[i], only || blob.len ? NULL : s->file);
		if (blob.len)
			rc |= curl_easy_setopt(x->easy, text[i], &blob);
	}
	rc |= curl_easy_setopt(x->easy, CURLOPT_CA_CACHE_TIMEOUT, easy_cache_s(s));
	return rc ? no_memory(err) : 0;
}

static int set_trust(struct http_op *x, const struct http_trust *t, struct err *err)
{
	CURLcode rc = CURLE_OK;
	struct curl_blob blob;
	bool verify = !(t && t->insecure);

	rc |= curl_easy_setopt(x->easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	rc |= curl_easy_setopt(x->easy, CURLOPT_PROXY_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	rc |= curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYPEER, verify ? 1L : 0L);
	rc |= curl_easy_setopt(x->easy, CURLOPT_SSL_VERIFYHOST, verify ? 2L : 0L);
	if (t && t->cert_pem.len) {
		buf_init(&x->cert, BUF_ANY);
		buf_add(&x->cert, t->cert_pem.p, t->cert_pem.len);
		blob = blob_borrowed(x->cert.p, x->cert.len);
		rc |= curl_easy_setopt(x->easy, CURLOPT_SSLCERTTYPE, "PEM");
		rc |= curl_easy_setopt(x->easy, CURLOPT_SSLCERT_BLOB, &blob);
	}
	if (t && t->key_pem.len) {
		secret_copy(&x->key, &t->key_pem);
		blob = blob_borrowed(x->key.p, x->key.len);
		rc |= curl_easy_setopt(x->easy, CURLOPT_SSLKEYTYPE, "PEM");
		rc |= curl_easy_setopt(x->easy, CURLOPT_SSLKEY_BLOB, &blob);
	}
	return rc ? no_memory(err) : set_cas(x, t, err);
}

/* Always said: without it curl would ask the environment, and reads it differently from what it was
   written for. */
static int easy_use_proxy(struct http_op *x, const struct http_proxy *p, struct err *err)
{
	CURLcode rc = CURLE_OK;

	/* A Basic or Bearer header of ours is for the origin, never for the proxy's CONNECT. */
	rc |= curl_easy_setopt(x->easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	rc |= curl_easy_setopt(x->easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	rc |= curl_easy_setopt(x->easy, CURLOPT_NOPROXY, "");
	if (!p)
		rc |= curl_easy_setopt(x->easy, CURLOPT_PROXY, "");
	else if (http_peer_use_proxy(x, p))
		return no_memory(err);
	if (p && p->user) {
		rc |= curl_easy_setopt(x->easy, CURLOPT_PROXYUSERNAME, p->user);
		rc |= curl_easy_setopt(
			x->easy, CURLOPT_PROXYPASSWORD, p->password.p ? p->password.p : "");
	}
	return rc ? no_memory(err) : 0;
}

static int easy_use_given_proxy(struct http_op *x, const struct http_proxy *p, struct err *err)
{
	struct http_proxy given;
	int rc;

	if (proxy_parse(&given, p->url, err))
		return -1;
	if (p->user) {
		free(given.user);
		given.user = mem_strdup(p->user);
		secret_copy(&given.password, &p->password);
	}
	rc = easy_use_proxy(x, &given, err);
	http_proxy_clear(&given);
	/* Not every libcurl tells two tunnels apart by the user who opened them (CVE-2026-3784):
	   a connection through a proxy of one's own serves one request. */
	if (!rc &&
		(curl_easy_setopt(x->easy, CURLOPT_FRESH_CONNECT, 1L) ||
			curl_easy_setopt(x->easy, CURLOPT_FORBID_REUSE, 1L)))
		rc = no_memory(err);
	return rc;
}

static int set_proxy(struct http_op *x, const struct http_req *req, struct err *err)
{
	const struct http_proxy *p = req->proxy;
	struct url u = {
		.https = !strncmp(x->target, "https:", 6), .host = x->host, .port = x->port};

	if (p && p->none)
		return easy_use_proxy(x, NULL, err);
	if (p && p->url)
		return easy_use_given_proxy(x, p, err);
	if (proxy_env_for(x->c->proxies, &u, &p, err))
		return -1;
	return easy_use_proxy(x, p, err);
}

/* ---- headers --------------------------------------------------------------------------------- */

static int add_header(struct http_op *x, const char *line, struct err *err)
{
	struct curl_slist *more = curl_slist_append(x->hdrs, line);

	if (!more)
		return no_memory(err);
	x->hdrs = more;
	return 0;
}

static bool header_is_value(const char *s)
{
	for (; *s; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			return false;
	return true;
}

static bool header_given(const struct http_req *req, const char *name)
{
	const struct http_hdr *h;

	for (h = req->hdrs; h && h->name; h++)
		if (!strcasecmp(h->name, name))
			return true;
	return false;
}

static int add_credentials(struct http_op *x, const struct http_req *req, struct err *err)
{
	auto_buf struct buf line = BUF_INIT(LIMIT_HEADERS);
	int rc;

	if (req->bearer && req->bearer->len) {
		buf_addf(&line, "Authorization: Bearer %s", req->bearer->p);
		if (strlen(req->bearer->p) != req->bearer->len || !header_is_value(req->bearer->p))
			line.over = true;
	} else if (req->basic && req->basic->len) {
		buf_adds(&line, "Authorization: Basic ");
		if (base64_encode(&line, req->basic->p, req->basic->len, BASE64_STD))
			line.over = true;
	} else {
		return 0;
	}
	if (line.over)
		/* A Secret or a token server may give another one next time. */
		rc = err_set(err, ERR_RETRY, "the credential cannot be sent in a header");
	else
		rc = add_header(x, line.p, err);
	mem_wipe(line.p, line.cap);
	return rc;
}

static int set_headers(struct http_op *x, const struct http_req *req, struct err *err)
{
	/* Those that curl adds by itself, taken out. */
	static const char *const unasked[] = {"Accept", "Content-Type", "Expect"};
	auto_buf struct buf line = BUF_INIT(LIMIT_HEADERS);
	const struct http_hdr *h;
	size_t i;

	for (h = req->hdrs; h && h->name; h++) {
		if (!http_is_token(h->name) || !header_is_value(h->value))
			return err_set(err, ERR_STALL, "header '%.100s' cannot be sent", h->name);
		buf_reset(&line);
		buf_addf(&line, *h->value ? "%s: %s" : "%s;", h->name, h->value);
		if (buf_over(&line))
			return err_set(err, ERR_STALL, "header '%.100s' is too long", h->name);
		if (add_header(x, buf_str(&line), err))
			return -1;
	}
	for (i = 0; i < ARRAY_LEN(unasked); i++) {
		if (header_given(req, unasked[i]))
			continue;
		buf_reset(&line);
		buf_addf(&line, "%s:", unasked[i]);
		if (add_header(x, buf_str(&line), err))
			return -1;
	}
	if (add_credentials(x, req, err))
		return -1;
	return curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->hdrs) ? no_memory(err) : 0;
}

/* ---- URL, method, body ----------------------------------------------------------------------- */

/* tls-server-name: the certificate and SNI are of another name than the host that we connect to.
   curl takes both from the URL, so the URL gets the name, the connection is led back to the host,
   and so is the Host header. */
static int set_server_name(struct http_op *x, struct url *u, const char *name, struct err *err)
{
	auto_buf struct buf line = BUF_INIT(2 * LIMIT_URL), host = BUF_INIT(LIMIT_URL);
	auto_url struct url other;
	struct curl_slist *one;

	buf_addf(&line, "https://%s:%u/", name, u->port);
	if (url_parse(&other, buf_str(&line), err))
		return err_wrap(err, "tls-server-name");
	url_authority(u, &host);
	buf_reset(&line);
	buf_addf(&line, "Host: %s", buf_str(&host));
	if (add_header(x, buf_str(&line), err))
		return -1;
	buf_reset(&line);
	buf_addf(&line, u->host_is_v6 ? "::[%s]:%u" : "::%s:%u", u->host, u->port);
	one = curl_slist_append(NULL, buf_str(&line));
	if (!one)
		return no_memory(err);
	x->connect_to = one;
	free(u->host);
	u->host = MOVE(other.host);
	u->host_is_v6 = other.host_is_v6;
	return curl_easy_setopt(x->easy, CURLOPT_CONNECT_TO, one) ? no_memory(err) : 0;
}

static int set_url(struct http_op *x, const struct http_req *req, struct err *err)
{
	auto_buf struct buf text = BUF_INIT(LIMIT_URL + 64);
	auto_url struct url u;

	if (url_parse(&u, req->url, err))
		return -1;
	/* A registry's or API server's address never has one; sent on, it would become an
	   Authorization header of its own. */
	if (u.has_user)
		return err_set(err, ERR_STALL, "the URL of host '%.200s' holds a user", u.host);
	x->host = mem_strdup(u.host);
	x->port = u.port;
	if (u.https && req->trust && req->trust->server_name &&
		set_server_name(x, &u, req->trust->server_name, err))
		return -1;
	url_format(&u, &text);
	if (buf_over(&text))
		return err_set(err, ERR_STALL, "the URL of host '%.200s' is too long", u.host);
	x->target = buf_take(&text);
	return curl_easy_setopt(x->easy, CURLOPT_URL, x->target) ? no_memory(err) : 0;
}

static int set_method(struct http_op *x, const struct http_req *req, struct err *err)
{
	CURLcode rc = CURLE_OK;
	bool sends = req->body_len || !strcmp(req->method, "POST") || !strcmp(req->method, "PUT") ||
		!strcmp(req->method, "PATCH");

	if (!http_is_token(req->method))
		return err_set(err, ERR_STALL, "method '%.20s' cannot be sent", req->method);
	x->is_head = !strcmp(req->method, "HEAD");
	if (x->is_head) {
		rc |= curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
		return rc ? no_memory(err) : 0;
	}
	if (req->on_upload) {
		rc |= curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
		rc |= curl_easy_setopt(
			x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)req->body_total);
		rc |= curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, http_on_upload);
		rc |= curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
		rc |= curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, http_on_seek);
		rc |= curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
	} else if (sends) {
		buf_init(&x->body, BUF_ANY);
		buf_add(&x->body, req->body, req->body_len);
		rc |= curl_easy_setopt(
			x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)x->body.len);
		rc |= curl_easy_setopt(x->easy, CURLOPT_POSTFIELDS, buf_str(&x->body));
	}
	if (req->on_upload || sends || strcmp(req->method, "GET") != 0)
		rc |= curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, req->method);
	return rc ? no_memory(err) : 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static int set_socket(void *arg, curl_socket_t fd, curlsocktype purpose)
{
	int timeout = USER_TIMEOUT_MS;

	(void)arg;
	(void)purpose;
	setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout, sizeof(timeout));
	return CURL_SOCKOPT_OK;
}

static int set_common(struct http_op *x, struct err *err)
{
	struct http_client *c = x->c;
	CURL *e = x->easy;
	CURLcode rc = CURLE_OK;

	rc |= curl_easy_setopt(e, CURLOPT_PRIVATE, x);
	rc |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->curl_error);
	rc |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	rc |= curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	rc |= curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	rc |= curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, (long)c->opts.idle_close_s);
	rc |= curl_easy_setopt(e, CURLOPT_BUFFERSIZE, (long)HTTP_BUFFER);
	rc |= curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, (long)HTTP_BUFFER);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, 30L);
	rc |= curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, 10L);
	rc |= curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, set_socket);
	rc |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETFUNCTION, http_close_socket);
	rc |= curl_easy_setopt(e, CURLOPT_CLOSESOCKETDATA, c);
	rc |= curl_easy_setopt(e, CURLOPT_USERAGENT, c->opts.user_agent);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, http_on_header);
	rc |= curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, http_on_body);
	rc |= curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	rc |= curl_easy_setopt(e, CURLOPT_SHARE, c->share);
	return rc || http_peer_setup(x) ? no_memory(err) : 0;
}

int http_easy_setup(struct http_op *x, const struct http_req *req, struct err *err)
{
	if (http_cas_look(&x->c->cas))
		http_multi_forget_sessions(x->c);
	x->easy = curl_easy_init();
	if (!x->easy)
		return no_memory(err);
	if (set_common(x, err) || set_url(x, req, err) || set_method(x, req, err) ||
		set_headers(x, req, err) || set_trust(x, req->trust, err) || set_proxy(x, req, err))
		return -1;
	return 0;
}
