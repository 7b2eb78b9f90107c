#include "test/fake/registry.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/vec.h"
#include "ev/loop.h"
#include "ev/poll.h"
#include "ev/sock.h"
#include "ev/timer.h"
#include "oci/manifest.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#define FAKE_REQUEST_MAX (64 * 1024 * 1024)

struct conn {
	struct fake_registry *f;
	struct conn *next, **prev;
	int fd;
	struct poll *poll;
	struct buf in, out; /* out: headers, and small bodies */
	const char *body;
	size_t body_at, body_end; /* of body, still to be sent */
	enum fake_way way;
	uint64_t drip_ms;
	size_t drip_bytes;
	struct timer drip;
	bool chunked, answering, close_after, seen, dead;
};

struct fake_registry {
	struct loop *loop;
	int fd;
	struct poll *poll;
	char address[SOCK_NAME_MAX];
	VEC(struct fake_answer *) answers;
	VEC(unsigned) used;
	struct conn *conns;
	struct buf log, bodies;
	unsigned connections, now, most;
	struct {
		unsigned most, used, refused;
		uint64_t window_ms, until_ms;
		bool heads, docker;
		char headers[160]; /* of the answer that is being written; "": none */
	} limit;
};

static void conn_close(struct conn *c, bool reset)
{
	struct linger hard = {.l_onoff = 1};

	if (reset)
		setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (c->answering)
		c->f->now--;
	timer_cancel(&c->drip);
	poll_close(c->poll);
	close(c->fd);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	buf_clear(&c->in);
	buf_clear(&c->out);
	free(c);
}

/* ---- sending --------------------------------------------------------------------------------- */

/* 1: all was sent; 0: the socket is full; -1: the client is gone. */
static int send_some(struct conn *c)
{
	while (c->out.len) {
		ssize_t n = send(c->fd, c->out.p, c->out.len, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		buf_shift(&c->out, (size_t)n);
	}
	while (c->body_at < c->body_end) {
		size_t room = c->body_end - c->body_at;
		ssize_t n;

		n = send(c->fd, c->body + c->body_at, room, MSG_NOSIGNAL);
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		c->body_at += (size_t)n;
	}
	return 1;
}

static void next_request(struct conn *c);

static void go_on(struct conn *c)
{
	int rc = send_some(c);

	if (rc < 0) {
		conn_close(c, false);
		return;
	}
	poll_set(c->poll, rc ? POLL_READ : POLL_READ | POLL_WRITE);
	if (!rc)
		return;
	switch (c->way) {
	case FAKE_WHOLE:
		break;
	case FAKE_SILENT:
	case FAKE_STALL:
		return;
	case FAKE_CUT:
	case FAKE_RESET:
		conn_close(c, c->way == FAKE_RESET);
		return;
	case FAKE_DRIP:
		return; /* the timer brings the next byte */
	case FAKE_ENDLESS:
		buf_adds(&c->out, c->chunked ? "8\r\nxxxxxxxx\r\n" : "xxxxxxxx");
		for (rc = 0; rc < 8 && c->out.len < 32768; rc++) {
			auto_free char *twice = mem_dup(c->out.p, c->out.len);

			buf_add(&c->out, twice, c->out.len);
		}
		poll_set(c->poll, POLL_READ | POLL_WRITE);
		return;
	case FAKE_HEADERS:
		for (rc = 0; rc < 100; rc++)
			buf_adds(&c->out,
				"X-Fill: "
				"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n");
		poll_set(c->poll, POLL_READ | POLL_WRITE);
		return;
	}
	c->answering = false;
	c->f->now--;
	if (c->close_after) {
		conn_close(c, false);
		return;
	}
	next_request(c);
}

static void dripped(void *arg)
{
	struct conn *c = arg;
	size_t i;

	for (i = 0; i < c->drip_bytes; i++)
		buf_addc(&c->out, 'x');
	timer_set(&c->drip, c->drip_ms);
	go_on(c);
}

/* ---- answering ------------------------------------------------------------------------------- */

static char *header_of(const char *head, const char *name)
{
	const char *line = strchr(head, '\n');

	while (line && line[1] != '\r') {
		const char *eol = strchr(++line, '\n');
		size_t n = strlen(name);

		if (!strncasecmp(line, name, n) && line[n] == ':') {
			const char *v = line + n + 1 + strspn(line + n + 1, " ");

			return mem_strndup(v, (size_t)(eol - v) - 1);
		}
		line = eol;
	}
	return NULL;
}

static struct fake_answer *find(struct fake_registry *f, const char *method, const char *target)
{
	size_t i, before = strcspn(target, "?");

	for (i = 0; i < f->answers.len; i++) {
		struct fake_answer *a = f->answers.p[i];
		size_t n = strlen(a->path);

		if (strcmp(a->method, method) || (a->times && f->used.p[i] >= a->times))
			continue;
		if (strchr(a->path, '?') ? strcmp(a->path, target)
					 : n != before || strncmp(a->path, target, n))
			continue;
		f->used.p[i]++;
		return a;
	}
	return NULL;
}

static void answer(struct conn *c, const struct fake_answer *a, bool head, const char *range)
{
	size_t len = a->body_len ? a->body_len : a->body ? strlen(a->body) : 0, from = 0;
	int status = a->status;

	c->way = a->way;
	c->drip_ms = a->drip_ms;
	c->drip_bytes = a->drip_bytes ? a->drip_bytes : 1;
	c->body = a->body;
	c->chunked = a->chunked;
	c->close_after = a->no_length;
	if (c->way == FAKE_SILENT)
		return;
	if (a->ranges && range && sscanf(range, "bytes=%zu-", &from) == 1 && from < len)
		status = 206;
	else
		from = 0;
	buf_addf(&c->out, "HTTP/1.1 %d Fake\r\n%s%s", status, c->f->limit.headers,
		a->headers ? a->headers : "");
	if (c->way == FAKE_HEADERS)
		return;
	if (status == 206 && a->status != 206)
		buf_addf(&c->out, "Content-Range: bytes %zu-%zu/%zu\r\n", from, len - 1, len);
	if (a->chunked)
		buf_adds(&c->out, "Transfer-Encoding: chunked\r\n");
	else if (!a->no_length && status != 204 &&
		!(a->headers && strstr(a->headers, "Content-Length:")))
		buf_addf(&c->out, "Content-Length: %zu\r\n",
			c->way == FAKE_ENDLESS || c->way == FAKE_DRIP ? (size_t)1 << 30
								      : len - from);
	buf_adds(&c->out, "\r\n");
	c->body_at = from;
	c->body_end = head ? from : len;
	if (c->way == FAKE_STALL || c->way == FAKE_CUT || c->way == FAKE_RESET)
		c->body_end = from + a->cut < len ? from + a->cut : len;
	if (c->way == FAKE_DRIP) {
		c->body_end = c->body_at;
		timer_set(&c->drip, c->drip_ms);
	}
	if (a->chunked && !head) {
		if (len) {
			buf_addf(&c->out, "%zx\r\n", len);
			buf_add(&c->out, a->body, len);
			buf_adds(&c->out, "\r\n");
		}
		if (c->way == FAKE_WHOLE)
			buf_adds(&c->out, "0\r\n\r\n");
		c->body_end = c->body_at;
	}
}

/* Is there something left for this request? Of one that is limited the headers say so. */
static bool limit_allows(struct fake_registry *f, const char *method, const char *target)
{
	bool counts = f->limit.heads || !strcmp(method, "GET"), allowed = true;
	uint64_t now = clock_ms();
	unsigned left;

	f->limit.headers[0] = '\0';
	if (!f->limit.most || !strstr(target, "/manifests/"))
		return true;
	if (now >= f->limit.until_ms) {
		f->limit.used = 0;
		f->limit.until_ms = now + f->limit.window_ms;
	}
	if (counts && f->limit.used >= f->limit.most) {
		f->limit.refused++;
		allowed = false;
	} else {
		f->limit.used += counts;
	}
	left = f->limit.most - f->limit.used;
	if (f->limit.docker)
		snprintf(f->limit.headers, sizeof(f->limit.headers),
			"ratelimit-limit: %u;w=%llu\r\nratelimit-remaining: %u;w=%llu\r\n",
			f->limit.most, (unsigned long long)f->limit.window_ms / 1000, left,
			(unsigned long long)f->limit.window_ms / 1000);
	else
		snprintf(f->limit.headers, sizeof(f->limit.headers),
			"RateLimit-Policy: \"default\";q=%u;w=%llu\r\n"
			"RateLimit: \"default\";r=%u;t=%llu\r\n",
			f->limit.most, (unsigned long long)f->limit.window_ms / 1000, left,
			(unsigned long long)(f->limit.until_ms - now + 999) / 1000);
	return allowed;
}

void fake_limit(
	struct fake_registry *f, unsigned limit, uint64_t window_ms, bool heads, bool docker)
{
	f->limit.most = limit;
	f->limit.window_ms = window_ms;
	f->limit.heads = heads;
	f->limit.docker = docker;
	f->limit.used = f->limit.refused = 0;
	f->limit.until_ms = 0;
}

unsigned fake_limit_refused(const struct fake_registry *f)
{
	return f->limit.refused;
}

static void one_request(struct conn *c, size_t head_len, size_t body_len)
{
	static const struct fake_answer nothing = {.status = 404,
		.headers = "Content-Type: application/json\r\n",
		.body = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"nothing here\"}]}"};
	static const struct fake_answer too_many = {.status = 429,
		.headers = "Content-Type: application/json\r\n",
		.body = "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\"}]}"};
	struct fake_registry *f = c->f;
	auto_free char *head = mem_strndup(c->in.p, head_len);
	auto_free char *auth = header_of(head, "Authorization"), *range = header_of(head, "Range");
	char method[16], target[8192];
	auto_free char *challenge = NULL;
	struct fake_answer denied;
	const struct fake_answer *a;

	ck_assert_int_eq(sscanf(head, "%15s %8191s HTTP/1.1", method, target), 2);
	buf_addf(&f->log, "%s %s", method, target);
	if (auth)
		buf_addf(&f->log, " auth=%s", auth);
	if (range)
		buf_addf(&f->log, " range=%s", range);
	buf_adds(&f->log, "\n");
	buf_add(&f->bodies, c->in.p + head_len, body_len);
	buf_shift(&c->in, head_len + body_len);
	if (!c->seen)
		f->connections++;
	c->seen = c->answering = true;
	if (++f->now > f->most)
		f->most = f->now;
	a = find(f, method, target);
	if (!a)
		a = &nothing;
	if (!limit_allows(f, method, target))
		a = &too_many;
	if (a->need && (!auth || strcmp(auth, a->need))) {
		challenge = mem_printf("WWW-Authenticate: %s\r\n", a->challenge);
		denied = (struct fake_answer){.status = 401,
			.headers = challenge,
			.body = "{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"who are "
				"you?\"}]}"};
		a = &denied;
	}
	answer(c, a, !strcmp(method, "HEAD"), range);
	go_on(c);
}

static void next_request(struct conn *c)
{
	const char *end = c->in.len ? strstr(c->in.p, "\r\n\r\n") : NULL;
	auto_free char *length = NULL;
	size_t head, body;

	if (!end)
		return;
	head = (size_t)(end - c->in.p) + 4;
	length = header_of(c->in.p, "Content-Length");
	body = length ? strtoul(length, NULL, 10) : 0;
	if (c->in.len >= head + body)
		one_request(c, head, body);
}

static void readable(struct conn *c)
{
	char *room = buf_room(&c->in, 65536);
	ssize_t n;

	ck_assert_ptr_nonnull(room);
	n = recv(c->fd, room, 65536, 0);
	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		conn_close(c, false);
		return;
	}
	c->in.len += (size_t)n;
	c->in.p[c->in.len] = '\0';
	if (c->in.p[0] == 0x16) {
		/* A TLS ClientHello: this server does not speak it. */
		buf_adds(&c->f->log, "tls\n");
		n = send(c->fd, "HTTP/1.1 400 Bad Request\r\n\r\n", 28, MSG_NOSIGNAL);
		conn_close(c, false);
		return;
	}
	if (!c->answering)
		next_request(c);
}

static void on_conn(void *arg, int events)
{
	struct conn *c = arg;

	if (events & POLL_WRITE) {
		go_on(c);
		return; /* c may be gone */
	}
	if (events & POLL_READ)
		readable(c);
	else if (events & POLL_ERROR)
		conn_close(c, false);
}

static void on_listen(void *arg, int events)
{
	struct fake_registry *f = arg;
	char peer[SOCK_NAME_MAX];
	int fd;

	(void)events;
	while ((fd = sock_accept(f->fd, peer)) >= 0) {
		struct conn *c = NEW(struct conn);

		c->f = f;
		c->fd = fd;
		buf_init(&c->in, FAKE_REQUEST_MAX);
		buf_init(&c->out, BUF_ANY);
		timer_init(&c->drip, f->loop, dripped, c);
		c->poll = poll_new(f->loop, fd, on_conn, c);
		poll_set(c->poll, POLL_READ);
		c->next = f->conns;
		c->prev = &f->conns;
		if (c->next)
			c->next->prev = &c->next;
		f->conns = c;
	}
}

/* ---- the registry ---------------------------------------------------------------------------- */

struct fake_registry *fake_registry_new(struct loop *l)
{
	struct fake_registry *f = NEW(struct fake_registry);
	struct err err = {0};

	f->loop = l;
	ck_assert_msg(!sock_listen("127.0.0.1:0", &f->fd, f->address, &err), "%s", err.msg);
	f->poll = poll_new(l, f->fd, on_listen, f);
	poll_set(f->poll, POLL_READ);
	buf_init(&f->log, BUF_ANY);
	buf_init(&f->bodies, BUF_ANY);
	return f;
}

void fake_registry_free(struct fake_registry *f)
{
	struct fake_answer **a;

	while (f->conns)
		conn_close(f->conns, false);
	poll_close(f->poll);
	close(f->fd);
	vec_each (&f->answers, a)
		free(*a);
	vec_clear(&f->answers);
	vec_clear(&f->used);
	buf_clear(&f->log);
	buf_clear(&f->bodies);
	free(f);
}

const char *fake_host(const struct fake_registry *f)
{
	return f->address;
}

unsigned fake_port(const struct fake_registry *f)
{
	return (unsigned)strtoul(strrchr(f->address, ':') + 1, NULL, 10);
}

struct fake_answer *fake_on(struct fake_registry *f, const char *method, const char *path)
{
	struct fake_answer *a = NEW(struct fake_answer);

	a->method = method;
	a->path = path;
	a->status = 200;
	*vec_add(&f->answers) = a;
	*vec_add(&f->used) = 0;
	return a;
}

const char *fake_log(const struct fake_registry *f)
{
	return buf_str(&f->log);
}

void fake_log_reset(struct fake_registry *f)
{
	buf_reset(&f->log);
}

const struct buf *fake_bodies(const struct fake_registry *f)
{
	return &f->bodies;
}

unsigned fake_connections(const struct fake_registry *f)
{
	return f->connections;
}

unsigned fake_most(const struct fake_registry *f)
{
	return f->most;
}

/* ---- images ---------------------------------------------------------------------------------- */

void fake_image(struct fake_registry *f, const char *repo, const char *tag, const char *layer_type,
	const void *data, size_t len, struct fake_image *image)
{
	static const char headers[] =
		"Content-Type: " OCI_TYPE_MANIFEST "\r\nDocker-Content-Digest: ";
	char config[DIGEST_TEXT_MAX];
	struct fake_answer *a;
	int i;

	digest_mem(&image->layer, DIGEST_SHA256, data, len);
	digest_mem(&image->config, DIGEST_SHA256, "{}", 2);
	digest_format(&image->layer, image->layer_text);
	digest_format(&image->config, config);
	image->json =
		mem_printf("{\"schemaVersion\":2,\"mediaType\":\"%s\",\"config\":{"
			   "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":2},\"layers\":[{"
			   "\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%zu}],"
			   "\"annotations\":{\"org.opencontainers.image.revision\":\"main\"}}",
			OCI_TYPE_MANIFEST, OCI_TYPE_FLUX_CONFIG, config, layer_type,
			image->layer_text, len);
	digest_mem(&image->manifest, DIGEST_SHA256, image->json, strlen(image->json));
	digest_format(&image->manifest, image->manifest_text);
	image->paths[0] = mem_printf("/v2/%s/manifests/%s", repo, tag);
	image->paths[1] = mem_printf("/v2/%s/manifests/%s", repo, image->manifest_text);
	image->paths[2] = mem_printf("/v2/%s/blobs/%s", repo, image->layer_text);
	/* The headers live as long as the paths do: behind their NUL. */
	image->paths[3] = mem_printf("%s%s\r\n", headers, image->manifest_text);
	for (i = 0; i < 4; i++) {
		a = fake_on(f, i & 1 ? "HEAD" : "GET", image->paths[i / 2]);
		a->headers = image->paths[3];
		a->body = image->json;
	}
	a = fake_on(f, "GET", image->paths[2]);
	a->body = data;
	a->body_len = len;
	a->ranges = true;
}

void fake_image_clear(struct fake_image *image)
{
	int i;

	for (i = 0; i < 4; i++)
		free(image->paths[i]);
	free(image->json);
}
